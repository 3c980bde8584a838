/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader takes no lock. It opens the current log first and lists those put aside afterwards, so
 * that a rotation in between hides nothing: the log that it holds open then turns up in the list,
 * and is known by its inode. Invariants: R1  files are read oldest first, each to its end, the
 * current one last R2  a line is looked at when its newline is there R3  when the current log has
 * been put aside, it is read to its end before its successor; of those put aside, the ones that a
 * name shows to be read already are passed over
 */
#include "common/base/cleanup.h"
#include "tools/glue/eventlog_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct glue_eventlog_reader {
    int directory_fd;
    struct glue_eventlog_names aside; /* still to be read, from next_aside on */
    size_t next_aside;
    int current_fd; /* read after those put aside; -1: there was none */
    int fd;         /* being read; -1: the next one is to be opened */
    bool is_current;
    uint64_t offset; /* of fd, behind what is in the window */
    uint64_t last_seq;
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

static bool is_same_file(int a, int b)
{
    struct stat sa;
    struct stat sb;
    return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_ino == sb.st_ino &&
           sa.st_dev == sb.st_dev;
}

/* Opens the current log and lists the others (see above for the order). */
static int look(struct glue_eventlog_reader *reader)
{
    close_fd(&reader->current_fd);
    glue_eventlog_names_free(&reader->aside);
    reader->next_aside = 0;
    reader->current_fd =
        openat(reader->directory_fd, EVENTLOG_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (reader->current_fd < 0 && errno != ENOENT)
        return common_error_from_errno(errno);
    return glue_eventlog_list_aside(&reader->aside, reader->directory_fd);
}

int glue_eventlog_reader_open(struct glue_eventlog_reader **out, const char *directory)
{
    *out = NULL;
    struct glue_eventlog_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return COMMON_ERR_NO_MEMORY;
    reader->current_fd = -1;
    reader->fd = -1;
    reader->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = reader->directory_fd < 0 ? common_error_from_errno(errno) : look(reader);
    if (error) {
        glue_eventlog_reader_close(&reader);
        return error;
    }
    *out = reader;
    return 0;
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
    reader->offset = 0;
    reader->start = 0;
    reader->end = 0;
    reader->is_skipping = false;
}

/* R1. Leaves fd at -1 when there is nothing to read. */
static int next_file(struct glue_eventlog_reader *reader)
{
    while (reader->next_aside < reader->aside.num_names) {
        const char *name = reader->aside.names[reader->next_aside++];
        if (glue_eventlog_aside_seq(name) <= reader->done_seq)
            continue;
        int fd = openat(reader->directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0 && errno != ENOENT) /* removed for age meanwhile */
            return common_error_from_errno(errno);
        if (fd < 0)
            continue;
        if (reader->current_fd >= 0 && is_same_file(fd, reader->current_fd)) {
            (void)close(fd); /* put aside since we opened it: it comes last all the same */
            continue;
        }
        begin_file(reader, fd, false);
        return 0;
    }
    if (reader->current_fd >= 0)
        begin_file(reader, COMMON_TAKE_FD(reader->current_fd), true);
    return 0;
}

/* Fills the window; *got is 0 at the end of the file. */
static int fill(struct glue_eventlog_reader *reader, size_t *got)
{
    *got = 0;
    memmove(reader->window, reader->window + reader->start, reader->end - reader->start);
    reader->end -= reader->start;
    reader->start = 0;
    if (reader->end == sizeof(reader->window)) { /* no newline in twice the longest line */
        reader->num_unreadable += !reader->is_skipping;
        reader->is_skipping = true;
        reader->end = 0;
    }
    ssize_t len;
    do {
        len = pread(reader->fd, reader->window + reader->end, sizeof(reader->window) - reader->end,
                    (off_t)reader->offset);
    } while (len < 0 && errno == EINTR);
    if (len < 0)
        return common_error_from_errno(errno);
    reader->end += (size_t)len;
    reader->offset += (uint64_t)len;
    *got = (size_t)len;
    return 0;
}

/* The next event in the window, NULL when there is no whole line left (R2). */
static json_t *next_in_window(struct glue_eventlog_reader *reader)
{
    while (reader->start < reader->end) {
        const char *line = reader->window + reader->start;
        const char *newline = memchr(line, '\n', reader->end - reader->start);
        if (!newline)
            return NULL;
        size_t len = (size_t)(newline - line);
        reader->start += len + 1;
        if (reader->is_skipping) {
            reader->is_skipping = false;
            continue;
        }
        uint64_t seq = len < GLUE_EVENT_MAX_LINE ? glue_eventlog_line_seq(line, len) : 0;
        json_t *event = seq != 0 ? json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
        if (!event) {
            reader->num_unreadable++;
            continue;
        }
        reader->last_seq = seq;
        return event;
    }
    return NULL;
}

/* At the end of the current log: has it been put aside, or was there none? */
static int has_successor(struct glue_eventlog_reader *reader, bool *out)
{
    struct stat path;
    struct stat open_file;
    *out = false;
    if (fstatat(reader->directory_fd, EVENTLOG_FILE, &path, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? 0 : common_error_from_errno(errno);
    if (reader->fd < 0) {
        *out = true;
        return 0;
    }
    if (fstat(reader->fd, &open_file))
        return common_error_from_errno(errno);
    *out = path.st_ino != open_file.st_ino || path.st_dev != open_file.st_dev;
    return 0;
}

int glue_eventlog_reader_next(struct glue_eventlog_reader *reader, json_t **event)
{
    *event = NULL;
    int error = 0;
    while (!error) {
        if (reader->fd < 0) {
            error = next_file(reader);
            bool is_there = false;
            if (!error && reader->fd < 0) {
                error = has_successor(reader, &is_there);
                if (!error && is_there)
                    error = look(reader);
                if (!is_there)
                    return error;
            }
            continue;
        }
        *event = next_in_window(reader);
        if (*event)
            return 0;
        bool is_over = !reader->is_current;
        if (!is_over)
            error = has_successor(reader, &is_over);
        /* Asked before reading on: what was written until it was put aside is still read (R3). */
        size_t got = 0;
        if (!error)
            error = fill(reader, &got);
        if (error || got != 0)
            continue;
        if (!is_over)
            return 0;
        if (reader->is_current) {
            reader->done_seq = reader->last_seq;
            error = look(reader);
        }
        reader->num_unreadable += reader->start < reader->end; /* a last line without its end */
        close_fd(&reader->fd);
    }
    return error;
}
