/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader takes no lock. Invariants:
 *   R1  files are read oldest first, each to its end, the current one last. Which files there are
 * is looked up until nothing was put aside in between: the current log before and after is one R2
 * a line is looked at when its newline is there; what stands behind the last newline is not kept
 *       but read again, because the next writer may put something else in its place
 *   R3  when the current log has been put aside, it is read to its end before its successor; of
 * those put aside, the ones that a name shows to be read already are passed over R4  a line that
 * has the form of an event but cannot be told is counted, never skipped in silence
 */
#include "common/base/cleanup.h"
#include "tools/glue/eventlog_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_LOOKS = 1000 /* each one was overtaken by a rotation */
};

struct glue_eventlog_reader {
    int directory_fd;
    struct glue_eventlog_names aside; /* still to be read, from next_aside on */
    size_t next_aside;
    int current_fd; /* read after those put aside; -1: there was none */
    int fd;         /* being read; -1: the next one is to be opened */
    bool is_current;
    uint64_t line_at;  /* where the first line that was not looked at begins */
    uint64_t read_to;  /* up to where the file was read */
    uint64_t last_seq; /* of the last line that had one */
    uint64_t done_seq; /* R3: logs put aside up to this one have been read */
    uint64_t num_unreadable;
    bool is_skipping; /* inside of a line that is too long */
    size_t start;     /* window[start..end) is not yet looked at */
    size_t end;
    char window[2 * GLUE_EVENT_MAX_LINE];
};

static void close_fd(int *fd)
{
    common_cleanup_fd(fd);
    *fd = -1;
}

static int open_log(const struct glue_eventlog_reader *reader, const char *name)
{
    return openat(reader->directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* Is fd (-1: nothing) what the name of the current log stands for now? */
static int is_current_log(const struct glue_eventlog_reader *reader, int fd, bool *out)
{
    struct stat named;
    struct stat opened;
    *out = false;
    if (fstatat(reader->directory_fd, EVENTLOG_FILE, &named, AT_SYMLINK_NOFOLLOW)) {
        *out = fd < 0;
        return errno == ENOENT ? 0 : common_error_from_errno(errno);
    }
    if (fd < 0)
        return 0;
    if (fstat(fd, &opened))
        return common_error_from_errno(errno);
    *out = named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
    return 0;
}

/* R1. */
static int look(struct glue_eventlog_reader *reader)
{
    for (unsigned i = 0; i < MAX_LOOKS; i++) {
        close_fd(&reader->current_fd);
        glue_eventlog_names_free(&reader->aside);
        reader->next_aside = 0;
        reader->current_fd = open_log(reader, EVENTLOG_FILE);
        if (reader->current_fd < 0 && errno != ENOENT)
            return common_error_from_errno(errno);
        int error = glue_eventlog_list_aside(&reader->aside, reader->directory_fd);
        bool is_same = false;
        if (!error)
            error = is_current_log(reader, reader->current_fd, &is_same);
        if (error || is_same)
            return error;
    }
    return COMMON_ERR_BUSY;
}

int glue_eventlog_reader_open_at(struct glue_eventlog_reader **out, int directory_fd)
{
    *out = NULL;
    struct glue_eventlog_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return COMMON_ERR_NO_MEMORY;
    reader->current_fd = -1;
    reader->fd = -1;
    reader->directory_fd = fcntl(directory_fd, F_DUPFD_CLOEXEC, 3);
    int error = reader->directory_fd < 0 ? common_error_from_errno(errno) : look(reader);
    if (error) {
        glue_eventlog_reader_close(&reader);
        return error;
    }
    *out = reader;
    return 0;
}

int glue_eventlog_reader_open(struct glue_eventlog_reader **out, const char *directory)
{
    *out = NULL;
    COMMON_CLEANUP_FD int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? common_error_from_errno(errno) : glue_eventlog_reader_open_at(out, fd);
}

void glue_eventlog_reader_close(struct glue_eventlog_reader **reader)
{
    if (!reader || !*reader)
        return;
    struct glue_eventlog_reader *closing = COMMON_TAKE_PTR(*reader);
    close_fd(&closing->fd);
    close_fd(&closing->current_fd);
    close_fd(&closing->directory_fd);
    glue_eventlog_names_free(&closing->aside);
    free(closing);
}

uint64_t glue_eventlog_reader_unreadable(const struct glue_eventlog_reader *reader)
{
    return reader->num_unreadable;
}

static void begin_file(struct glue_eventlog_reader *reader, int fd, bool is_current)
{
    reader->fd = fd;
    reader->is_current = is_current;
    reader->line_at = 0;
    reader->read_to = 0;
    reader->start = 0;
    reader->end = 0;
    reader->is_skipping = false;
}

/* R1, R3. Leaves fd at -1 when there is nothing to read. */
static int next_file(struct glue_eventlog_reader *reader)
{
    while (reader->next_aside < reader->aside.num_names) {
        const char *name = reader->aside.names[reader->next_aside++];
        uint64_t seq = glue_eventlog_aside_seq(name);
        if (seq <= reader->done_seq)
            continue;
        reader->done_seq = seq;
        int fd = open_log(reader, name);
        if (fd >= 0) {
            begin_file(reader, fd, false);
            return 0;
        }
        if (errno != ENOENT) /* removed for age meanwhile */
            return common_error_from_errno(errno);
    }
    if (reader->current_fd >= 0)
        begin_file(reader, COMMON_TAKE_FD(reader->current_fd), true);
    return 0;
}

/* Reads on; *got is 0 at the end of the file, and nothing is kept then (R2). */
static int fill(struct glue_eventlog_reader *reader, size_t *got)
{
    *got = 0;
    memmove(reader->window, reader->window + reader->start, reader->end - reader->start);
    reader->end -= reader->start;
    reader->start = 0;
    if (reader->end == sizeof(reader->window)) { /* no newline in twice the longest line */
        reader->is_skipping = true;
        reader->end = 0;
    }
    ssize_t len;
    do {
        len = pread(reader->fd, reader->window + reader->end, sizeof(reader->window) - reader->end,
                    (off_t)reader->read_to);
    } while (len < 0 && errno == EINTR);
    if (len < 0)
        return common_error_from_errno(errno);
    reader->end += (size_t)len;
    reader->read_to += (uint64_t)len;
    *got = (size_t)len;
    return 0;
}

/* R2. A log that was made shorter than what was read is read from its beginning: whoever did that
 * began a new one in its place. */
static void forget_unfinished_line(struct glue_eventlog_reader *reader)
{
    struct stat st;
    if (fstat(reader->fd, &st) == 0 && (uint64_t)st.st_size < reader->line_at)
        reader->line_at = 0;
    reader->start = 0;
    reader->end = 0;
    reader->is_skipping = false;
    reader->read_to = reader->line_at;
}

/* One line, without its newline. */
static int take_line(struct glue_eventlog_reader *reader, json_t **event, const char *line,
                     size_t len)
{
    uint64_t seq = len < GLUE_EVENT_MAX_LINE ? glue_eventlog_line_seq(line, len) : 0;
    int error = seq != 0 ? glue_eventlog_parse(event, line, len) : COMMON_ERR_CORRUPT;
    if (error == COMMON_ERR_CORRUPT) {
        reader->num_unreadable++; /* R4 */
        error = 0;
    }
    if (seq != 0 && seq <= reader->last_seq) /* somebody began again by hand */
        reader->done_seq = 0;
    if (seq != 0)
        reader->last_seq = seq;
    return error;
}

/* The next event in the window; *event stays NULL when there is no whole line left (R2). */
static int next_in_window(struct glue_eventlog_reader *reader, json_t **event)
{
    int error = 0;
    while (!error && !*event && reader->start < reader->end) {
        const char *line = reader->window + reader->start;
        const char *newline = memchr(line, '\n', reader->end - reader->start);
        if (!newline)
            break;
        size_t len = (size_t)(newline - line);
        if (reader->is_skipping)
            reader->num_unreadable++;
        else
            error = take_line(reader, event, line, len);
        if (error)
            break;
        reader->is_skipping = false;
        reader->start += len + 1;
        reader->line_at = reader->read_to - (reader->end - reader->start);
    }
    return error;
}

/* Closes a file that was read to its end. */
static int leave_file(struct glue_eventlog_reader *reader)
{
    int error = 0;
    reader->num_unreadable += reader->read_to > reader->line_at; /* a last line without its end */
    if (reader->is_current) {
        reader->done_seq = reader->last_seq;
        error = look(reader);
    }
    if (!error)
        close_fd(&reader->fd);
    return error;
}

/* Opens the next file; *is_end when there is none for now. */
static int enter_file(struct glue_eventlog_reader *reader, bool *is_end)
{
    *is_end = false;
    int error = next_file(reader);
    if (error || reader->fd >= 0)
        return error;
    error = is_current_log(reader, -1, is_end);
    return error || *is_end ? error : look(reader);
}

int glue_eventlog_reader_next(struct glue_eventlog_reader *reader, json_t **event)
{
    *event = NULL;
    for (;;) {
        bool is_end = false;
        int error = reader->fd < 0 ? enter_file(reader, &is_end) : 0;
        if (error || is_end)
            return error;
        if (reader->fd < 0)
            continue;
        error = next_in_window(reader, event);
        if (error || *event)
            return error;
        /* Asked before reading on: what was written until it was put aside is still read (R3). */
        bool is_last = false;
        size_t got = 0;
        if (reader->is_current)
            error = is_current_log(reader, reader->fd, &is_last);
        if (!error)
            error = fill(reader, &got);
        if (!error && got == 0 && is_last) {
            forget_unfinished_line(reader);
            return 0;
        }
        if (!error && got == 0)
            error = leave_file(reader);
        if (error)
            return error;
    }
}
