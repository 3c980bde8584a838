/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer. Invariants:
 *   E1  bytes before the last newline are never changed or removed, except with their whole file
 *   E2  a line is acknowledged after the file, and the directory that names it, were synced; what a
 *       writer before us may have left unsynced is synced before anything is built on it
 *   E3  only the holder of the lock on events.lock writes, renames or removes
 *   E4  seq is one more than that of the event before, across rotations; an event that was not
 *       acknowledged may leave its number to the next one
 *   E5  what stands behind the last newline is the rest of a write that was cut: it is truncated,
 *       and that is synced, before anything is written in its place
 *   E6  what is written can be read: a line that a reader would refuse is refused here
 */
#include "tools/glue/eventlog.h"

#include "common/base/cleanup.h"
#include "tools/cli/json.h"
#include "tools/cli/timestamp.h"
#include "tools/glue/eventlog_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LOCK_POLL_MS = 2
};

struct glue_eventlog {
    struct glue_eventlog_options options;
    int directory_fd;
    char *tool;
    char *node;
    pthread_mutex_t lock; /* between threads; guards what follows */
    uint64_t num_lost;
    int native_error; /* errno behind the last failure, 0 if there is none */
    /* E2: this file, up to here, and its name were synced by this writer. */
    dev_t synced_dev;
    ino_t synced_ino;
    uint64_t synced_size;
};

/* The log that is being written to, under both locks. */
struct open_log {
    int fd;
    struct stat st;
    uint64_t size; /* up to the last newline */
    uint64_t last_seq;
};

struct glue_eventlog_options glue_eventlog_options_default(void)
{
    return (struct glue_eventlog_options){
        .directory_fd = -1, .max_bytes = 16 << 20, .max_files = 8, .lock_wait_ms = 10000};
}

const char *glue_severity_name(enum common_event_severity severity)
{
    static const char *const names[] = {"info", "warning", "error"};
    return (unsigned)severity < 3 ? names[severity] : "error";
}

static struct timespec system_now(void *context)
{
    (void)context;
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now;
}

static char *host_name(void)
{
    char name[HOST_NAME_MAX + 1] = "";
    (void)gethostname(name, sizeof(name) - 1);
    return strdup(name);
}

int glue_eventlog_open(struct glue_eventlog **out, const struct glue_eventlog_options *options)
{
    *out = NULL;
    bool has_directory = options->directory || options->directory_fd >= 0;
    if (!has_directory || !options->tool || options->max_bytes == 0 || options->max_files == 0)
        return COMMON_ERR_INVALID;
    COMMON_CLEANUP_FD int fd = options->directory_fd >= 0
                                   ? fcntl(options->directory_fd, F_DUPFD_CLOEXEC, 3)
                                   : open(options->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return common_error_from_errno(errno);
    struct glue_eventlog *log = calloc(1, sizeof(*log));
    if (!log)
        return COMMON_ERR_NO_MEMORY;
    if (pthread_mutex_init(&log->lock, NULL)) {
        free(log);
        return COMMON_ERR_NO_MEMORY;
    }
    log->options = *options;
    log->options.directory = NULL;
    if (!log->options.now)
        log->options.now = system_now;
    log->directory_fd = COMMON_TAKE_FD(fd);
    log->tool = strdup(options->tool);
    log->node = options->node ? strdup(options->node) : host_name();
    if (!log->tool || !log->node) {
        glue_eventlog_close(&log);
        return COMMON_ERR_NO_MEMORY;
    }
    *out = log;
    return 0;
}

void glue_eventlog_close(struct glue_eventlog **log)
{
    if (!log || !*log)
        return;
    struct glue_eventlog *closing = COMMON_TAKE_PTR(*log);
    (void)close(closing->directory_fd);
    (void)pthread_mutex_destroy(&closing->lock);
    free(closing->tool);
    free(closing->node);
    free(closing);
}

/* The category of errno, which is kept for whoever tells a person. */
static int failed(struct glue_eventlog *log)
{
    log->native_error = errno;
    return common_error_from_errno(errno);
}

/* The same for what tools/glue/eventlog_files.c returned. */
static int passed_on(struct glue_eventlog *log, int error)
{
    if (error && error != COMMON_ERR_NO_MEMORY)
        log->native_error = errno;
    return error;
}

static struct flock lock_of(short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

/* Let go by name: a child that another thread forked meanwhile would hold it with its copy of the
 * descriptor. */
static void unlock_files(const int *fd)
{
    if (*fd < 0)
        return;
    struct flock unlock = lock_of(F_UNLCK);
    (void)fcntl(*fd, F_OFD_SETLK, &unlock);
    common_cleanup_fd(fd);
}

/* E3. */
static int lock_files(int *out, struct glue_eventlog *log)
{
    *out = -1;
    COMMON_CLEANUP_FD int fd =
        openat(log->directory_fd, EVENTLOG_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return failed(log);
    struct flock lock = lock_of(F_WRLCK);
    unsigned waited_ms = 0;
    while (fcntl(fd, F_OFD_SETLK, &lock)) {
        if (errno != EAGAIN && errno != EACCES)
            return failed(log);
        if (log->options.is_cancelled && log->options.is_cancelled(log->options.context))
            return COMMON_ERR_CANCELLED;
        if (waited_ms >= log->options.lock_wait_ms)
            return COMMON_ERR_BUSY;
        const struct timespec pause = {.tv_nsec = LOCK_POLL_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
        waited_ms += LOCK_POLL_MS;
    }
    *out = COMMON_TAKE_FD(fd);
    return 0;
}

/* The last event of the logs that were put aside, newest first. */
static int last_seq_aside(struct glue_eventlog *log, uint64_t *seq)
{
    *seq = 0;
    CLEANUP_NAMES struct glue_eventlog_names aside = {0};
    int error = passed_on(log, glue_eventlog_list_aside(&aside, log->directory_fd));
    for (size_t i = aside.num_names; i != 0 && *seq == 0 && !error; i--) {
        COMMON_CLEANUP_FD int fd =
            openat(log->directory_fd, aside.names[i - 1], O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        struct stat st;
        if (fd < 0 || fstat(fd, &st))
            return failed(log);
        uint64_t end = 0;
        error = passed_on(log, glue_eventlog_last_seq(seq, &end, fd, (uint64_t)st.st_size));
    }
    return error;
}

/* A log that somebody else made, or that has a second name elsewhere, is not ours to write to. */
static int check_current(const struct stat *st)
{
    if (!S_ISREG(st->st_mode))
        return COMMON_ERR_INVALID;
    return st->st_nlink != 1 || st->st_uid != geteuid() ? COMMON_ERR_DENIED : 0;
}

/* E2: where there is no log, a writer before us may have put it aside and been killed. Its new name
 * must be on the medium before the old one means another file. */
static int open_or_create(struct glue_eventlog *log)
{
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    int fd = openat(log->directory_fd, EVENTLOG_FILE, flags);
    if (fd >= 0 || errno != ENOENT || fsync(log->directory_fd))
        return fd;
    log->synced_size = UINT64_MAX; /* nothing is known of the new one, whatever its inode number */
    return openat(log->directory_fd, EVENTLOG_FILE, flags | O_CREAT, 0600);
}

static int open_current(struct glue_eventlog *log, struct open_log *out)
{
    *out = (struct open_log){.fd = -1};
    COMMON_CLEANUP_FD int fd = open_or_create(log);
    if (fd < 0 || fstat(fd, &out->st))
        return failed(log);
    int error = check_current(&out->st);
    if (!error)
        error = passed_on(
            log, glue_eventlog_last_seq(&out->last_seq, &out->size, fd, (uint64_t)out->st.st_size));
    if (!error && out->size != (uint64_t)out->st.st_size && /* E5 */
        (ftruncate(fd, (off_t)out->size) || fsync(fd)))
        error = failed(log);
    if (!error && out->last_seq == 0)
        error = last_seq_aside(log, &out->last_seq);
    if (!error)
        out->fd = COMMON_TAKE_FD(fd);
    return error;
}

/* E2: a writer that was killed may have left a line, or the name of the file, unsynced. A log that
 * is shorter than it was is another one, which was given the number of one that somebody removed.
 */
static int sync_inherited(struct glue_eventlog *log, const struct open_log *current)
{
    bool is_known = current->st.st_dev == log->synced_dev &&
                    current->st.st_ino == log->synced_ino && current->size >= log->synced_size;
    if ((!is_known || current->size != log->synced_size) && fsync(current->fd))
        return failed(log);
    if (!is_known && fsync(log->directory_fd))
        return failed(log);
    return 0;
}

/* The oldest of those put aside go; that one could not be removed is not the event's failure. */
static void prune(const struct glue_eventlog *log)
{
    CLEANUP_NAMES struct glue_eventlog_names aside = {0};
    if (glue_eventlog_list_aside(&aside, log->directory_fd))
        return;
    for (size_t i = 0; i + log->options.max_files < aside.num_names; i++)
        (void)unlinkat(log->directory_fd, aside.names[i], 0);
}

/* Puts the log aside and begins a new one. Where the name is taken (seqs that went back by hand)
 * the log goes on growing rather than replace anything. */
static int rotate(struct glue_eventlog *log, struct open_log *current)
{
    char aside[EVENTLOG_NAME_LEN + 1];
    glue_eventlog_aside_name(aside, current->last_seq);
    struct stat st;
    if (fstatat(log->directory_fd, aside, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    if (fsync(current->fd) ||
        renameat(log->directory_fd, EVENTLOG_FILE, log->directory_fd, aside) ||
        fsync(log->directory_fd))
        return failed(log);
    uint64_t last_seq = current->last_seq;
    (void)close(COMMON_TAKE_FD(current->fd));
    int error = open_current(log, current);
    current->last_seq = last_seq;
    if (!error)
        prune(log);
    return error;
}

static int write_fully(int fd, const char *data, size_t len, uint64_t offset)
{
    size_t done = 0;
    while (done < len) {
        ssize_t put = pwrite(fd, data + done, len - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return common_error_from_errno(errno);
        if (put == 0)
            return COMMON_ERR_IO;
        done += (size_t)put;
    }
    return 0;
}

/* E2. What a write that failed left behind is taken back (E5 does it later where that fails too). A
 * whole line stays when its sync fails: a reader may have seen it (E1). */
static int append(struct glue_eventlog *log, const struct open_log *current, const char *line,
                  size_t len)
{
    int error = sync_inherited(log, current);
    if (error)
        return error;
    error = write_fully(current->fd, line, len, current->size);
    if (error) {
        log->native_error = errno;
        if (ftruncate(current->fd, (off_t)current->size) == 0)
            (void)fsync(current->fd);
        return error;
    }
    if (fsync(current->fd))
        return failed(log);
    log->synced_dev = current->st.st_dev;
    log->synced_ino = current->st.st_ino;
    log->synced_size = current->size + len;
    return 0;
}

/* A text from anywhere as a JSON string, cut to its ceiling between two characters. */
static json_t *text_json(const char *text)
{
    if (!text)
        text = "";
    size_t len = strnlen(text, GLUE_EVENT_MAX_TEXT + 1);
    if (len > GLUE_EVENT_MAX_TEXT) {
        len = GLUE_EVENT_MAX_TEXT;
        for (int i = 0; i < 3 && ((unsigned char)text[len] & 0xc0) == 0x80; i++)
            len--;
    }
    return cli_json_text(text, len);
}

static bool is_event_name(const char *name)
{
    if (!name)
        return false;
    size_t len = strnlen(name, GLUE_EVENT_MAX_NAME + 1);
    return len != 0 && len <= GLUE_EVENT_MAX_NAME &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == len;
}

static json_t *make_event(const struct glue_eventlog *log, uint64_t seq,
                          const struct glue_event *event)
{
    char now[CLI_TIME_SIZE];
    cli_time_format(now, log->options.now(log->options.context));
    json_t *detail = event->detail ? json_deep_copy(event->detail) : json_object();
    return json_pack("{s:s, s:I, s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "time", now, "seq",
                     (json_int_t)seq, "tool", text_json(log->tool), "event", event->name,
                     "severity", glue_severity_name(event->severity), "object",
                     text_json(event->object), "reason", text_json(event->reason), "node",
                     text_json(log->node), "detail", detail);
}

/* E6. A seq without a successor is refused too. */
static int check_line(const char *line, size_t len, uint64_t seq)
{
    if (len >= GLUE_EVENT_MAX_LINE || glue_eventlog_line_seq(line, len) != seq)
        return COMMON_ERR_LIMIT;
    json_t *again = NULL;
    int error = glue_eventlog_parse(&again, line, len);
    json_decref(again);
    return error == COMMON_ERR_CORRUPT ? COMMON_ERR_INVALID : error;
}

/* ASCII alone, so that the file can be shown on any terminal as it is. The one control character
 * that jansson leaves is DEL, inside of a string. To be freed; NULL without memory. */
static char *dump(const json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
    size_t num_del = 0;
    for (const char *at = text; at && *at; at++)
        num_del += *at == 0x7f;
    if (num_del == 0)
        return text;
    char *line = malloc(strlen(text) + 5 * num_del + 1);
    char *to = line;
    for (const char *at = text; line && *at; at++) {
        if (*at == 0x7f)
            to = stpcpy(to, "\\u007f");
        else
            *to++ = *at;
    }
    if (line)
        *to = 0;
    free(text);
    return line;
}

/* The line with its newline, of *len bytes, to be freed. */
static int make_line(char **out, size_t *len, const struct glue_eventlog *log, uint64_t seq,
                     const struct glue_event *event)
{
    *out = NULL;
    json_t *object = make_event(log, seq, event);
    *out = object ? dump(object) : NULL;
    json_decref(object);
    if (!*out)
        return COMMON_ERR_NO_MEMORY;
    *len = strlen(*out);
    int error = check_line(*out, *len, seq);
    (*out)[(*len)++] = '\n'; /* in place of the zero byte: the length is what counts from here */
    return error;
}

static void close_log(const struct open_log *log)
{
    common_cleanup_fd(&log->fd);
}

static int write_locked(struct glue_eventlog *log, uint64_t *seq, const struct glue_event *event)
{
    COMMON_CLEANUP(unlock_files) int lock_fd = -1;
    COMMON_CLEANUP(close_log) struct open_log current = {.fd = -1};
    int error = lock_files(&lock_fd, log);
    if (!error)
        error = open_current(log, &current);
    if (error)
        return error;

    size_t len = 0;
    COMMON_CLEANUP_FREE char *line = NULL;
    error = make_line(&line, &len, log, current.last_seq + 1, event);
    if (error)
        return error;
    if (current.size != 0 && current.size + len > log->options.max_bytes)
        error = rotate(log, &current);
    if (!error)
        error = append(log, &current, line, len);
    if (!error && seq)
        *seq = current.last_seq + 1;
    return error;
}

int glue_eventlog_write(struct glue_eventlog *log, uint64_t *seq, const struct glue_event *event)
{
    if (seq)
        *seq = 0;
    if (!is_event_name(event->name) || (event->detail && !json_is_object(event->detail)))
        return COMMON_ERR_INVALID;
    (void)pthread_mutex_lock(&log->lock);
    log->native_error = 0;
    int error = write_locked(log, seq, event);
    (void)pthread_mutex_unlock(&log->lock);
    return error;
}

int glue_eventlog_native_error(struct glue_eventlog *log)
{
    (void)pthread_mutex_lock(&log->lock);
    int native_error = log->native_error;
    (void)pthread_mutex_unlock(&log->lock);
    return native_error;
}

static void emit(void *context, const struct common_event *event)
{
    struct glue_eventlog *log = context;
    json_t *detail = json_object();
    if (event->native_error != 0)
        (void)json_object_set_new(detail, "native_error", json_integer(event->native_error));
    const struct glue_event full = {
        .severity = event->severity,
        .name = event->name,
        .object = event->object,
        .reason = event->reason,
        .detail = detail,
    };
    if (glue_eventlog_write(log, NULL, &full)) {
        (void)pthread_mutex_lock(&log->lock);
        log->num_lost++;
        (void)pthread_mutex_unlock(&log->lock);
    }
    json_decref(detail);
}

struct common_event_sink glue_eventlog_sink(struct glue_eventlog *log)
{
    return (struct common_event_sink){.emit = emit, .context = log};
}

uint64_t glue_eventlog_lost(struct glue_eventlog *log)
{
    (void)pthread_mutex_lock(&log->lock);
    uint64_t num_lost = log->num_lost;
    (void)pthread_mutex_unlock(&log->lock);
    return num_lost;
}
