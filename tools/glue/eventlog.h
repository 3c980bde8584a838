/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event log of a store: STORE/events.jsonl, one JSON object a line, written by all tools.
 *
 * What glue_eventlog_write() returned 0 for is on the medium and stays: the log is only appended
 * to. When it has reached its size it is renamed to events-N.jsonl, N being the seq of its last
 * event in 20 digits, so that the names sort by age; beyond a number of these the oldest is
 * removed. Several processes may write at once; they take turns by a lock on STORE/events.lock.
 * Readers need no lock. The format is in docs/format-events.md.
 *
 * Nothing secret belongs into an event: the log is there to be read and passed on.
 *
 * Ownership: strings and JSON values that are handed in are borrowed for the call.
 * Threads: a writer may be used by several threads, a reader by one.
 */
#ifndef GLUE_EVENTLOG_H
#define GLUE_EVENTLOG_H

#include "common/base/error.h"
#include "common/event/event.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum {
    GLUE_EVENT_MAX_LINE = 65536, /* bytes of a line, its newline included */
    GLUE_EVENT_MAX_NAME = 64,
    GLUE_EVENT_MAX_TEXT = 4096, /* bytes of object and of reason; what is longer is cut */
};

struct glue_event {
    enum common_event_severity severity;
    const char *name;   /* CamelCase: 1 to 64 ASCII letters and digits */
    const char *object; /* any bytes; what is not UTF-8 is shown as U+FFFD */
    const char *reason;
    const json_t *detail; /* an object, not absurdly deep, or NULL for an empty one */
};

struct glue_eventlog_options {
    const char *directory; /* the store; it must exist */
    int directory_fd;      /* the same, opened and checked; -1: open it by its name */
    const char *tool;
    const char *node;      /* NULL: the host name */
    uint64_t max_bytes;    /* a log of this size is put aside */
    unsigned max_files;    /* that were put aside are kept; at least 1, numbers go on from there */
    unsigned lock_wait_ms; /* COMMON_ERR_BUSY when other writers take longer */
    struct timespec (*now)(void *context); /* NULL: CLOCK_REALTIME */
    bool (*is_cancelled)(void *context);   /* asked while waiting for other writers; NULL: never */
    void *context;                         /* of both */
};

/* 16 MiB, 8 files, 10 s, the system's clock; directory and tool are to be set. */
struct glue_eventlog_options glue_eventlog_options_default(void);

struct glue_eventlog;

/* *out is NULL on failure. COMMON_ERR_NOT_FOUND: no such directory. Creates no file yet.
 * directory_fd is borrowed for the call. */
COMMON_MUST_USE int glue_eventlog_open(struct glue_eventlog **out,
                                       const struct glue_eventlog_options *options);
void glue_eventlog_close(struct glue_eventlog **log);

/* Appends and syncs. *seq (may be NULL) is the number of the event, 0 on failure. An event whose
 * write failed is not in the log, unless it was the sync that failed: then it may be, with its
 * number. COMMON_ERR_INVALID a name or detail that is not as above; COMMON_ERR_LIMIT a line above
 * GLUE_EVENT_MAX_LINE; COMMON_ERR_DENIED a log that is a link, has a second name or belongs to
 * somebody else; COMMON_ERR_BUSY, COMMON_ERR_CANCELLED, COMMON_ERR_NO_SPACE, COMMON_ERR_IO,
 * COMMON_ERR_NO_MEMORY. */
COMMON_MUST_USE int glue_eventlog_write(struct glue_eventlog *log, uint64_t *seq,
                                        const struct glue_event *event);

/* errno behind the last write that failed, 0 where the system had no part in it. */
int glue_eventlog_native_error(struct glue_eventlog *log);

/* A sink for the events of libraries. Failures to write cannot be reported to the library: they are
 * counted, and glue_eventlog_lost() tells how many. The log must outlive the sink. */
struct common_event_sink glue_eventlog_sink(struct glue_eventlog *log);
uint64_t glue_eventlog_lost(struct glue_eventlog *log);

struct glue_eventlog_reader;

/* Opens what there is now; a store without a log is empty. *out is NULL on failure. The second form
 * takes the store opened, and borrows it for the call. */
COMMON_MUST_USE int glue_eventlog_reader_open(struct glue_eventlog_reader **out,
                                              const char *directory);
COMMON_MUST_USE int glue_eventlog_reader_open_at(struct glue_eventlog_reader **out,
                                                 int directory_fd);
void glue_eventlog_reader_close(struct glue_eventlog_reader **reader);

/* The next event, oldest first, as a new reference (json_decref is the caller's). *event is NULL at
 * the end of what was written so far, with 0: a later call goes on from there, also across a
 * rotation. Lines that are no events are passed over and counted. */
COMMON_MUST_USE int glue_eventlog_reader_next(struct glue_eventlog_reader *reader, json_t **event);
uint64_t glue_eventlog_reader_unreadable(const struct glue_eventlog_reader *reader);

const char *glue_severity_name(enum common_event_severity severity);

#endif
