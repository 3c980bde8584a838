/* SPDX-License-Identifier: Apache-2.0 */
/* What the writer and the reader of the event log agree upon: names of files, what a line is. */
#ifndef GLUE_EVENTLOG_INTERNAL_H
#define GLUE_EVENTLOG_INTERNAL_H

#include "tools/glue/eventlog.h"

#include <stdbool.h>

#define EVENTLOG_FILE "events.jsonl"
#define EVENTLOG_LOCK "events.lock"

enum {
    EVENTLOG_NAME_LEN = 33 /* "events-", 20 digits, ".jsonl" */
};

/* The name of a log that was put aside after event `last_seq`. */
void glue_eventlog_aside_name(char out[EVENTLOG_NAME_LEN + 1], uint64_t last_seq);
bool glue_eventlog_is_aside_name(const char *name);

/* The number in such a name. */
uint64_t glue_eventlog_aside_seq(const char *name);

struct glue_eventlog_names {
    char (*names)[EVENTLOG_NAME_LEN + 1]; /* oldest first */
    size_t num_names;
};

#define CLEANUP_NAMES __attribute__((cleanup(glue_eventlog_names_free)))
void glue_eventlog_names_free(struct glue_eventlog_names *names);

/* The logs that were put aside. */
COMMON_MUST_USE int glue_eventlog_list_aside(struct glue_eventlog_names *out, int directory_fd);

/* The seq of a line, without its newline, that has the form of an event; 0 for any other. Looks at
 * the bytes alone: a parser that runs out of memory must not make an event look like none, since
 * its number would be given again. */
uint64_t glue_eventlog_line_seq(const char *line, size_t line_len);

/* The event in such a line, a new reference. COMMON_ERR_CORRUPT when it is not JSON, *out is NULL
 * then; COMMON_ERR_NO_MEMORY. */
COMMON_MUST_USE int glue_eventlog_parse(json_t **out, const char *line, size_t line_len);

/* The seq of the last event in a file, 0 if there is none; *end is the offset behind the last
 * newline. Reads from the end. */
COMMON_MUST_USE int glue_eventlog_last_seq(uint64_t *seq, uint64_t *end, int fd, uint64_t size);

#endif
