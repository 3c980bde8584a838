/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/cleanup.h"
#include "tools/glue/eventlog_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_ASIDE = 10000, /* files looked at: far more than a log leaves behind */
    READ_BACK = 4 * GLUE_EVENT_MAX_LINE
};

void glue_eventlog_aside_name(char out[EVENTLOG_NAME_LEN + 1], uint64_t last_seq)
{
    (void)snprintf(out, EVENTLOG_NAME_LEN + 1, "events-%020" PRIu64 ".jsonl", last_seq);
}

bool glue_eventlog_is_aside_name(const char *name)
{
    static const char pattern[] = "events-00000000000000000000.jsonl";
    _Static_assert(sizeof(pattern) == EVENTLOG_NAME_LEN + 1, "the length of a name");
    if (strlen(name) != EVENTLOG_NAME_LEN)
        return false;
    for (size_t i = 0; i < EVENTLOG_NAME_LEN; i++) {
        bool is_digit = name[i] >= '0' && name[i] <= '9';
        if (pattern[i] == '0' ? !is_digit : name[i] != pattern[i])
            return false;
    }
    return true;
}

uint64_t glue_eventlog_aside_seq(const char *name)
{
    return strtoull(name + strlen("events-"), NULL, 10);
}

static void cleanup_dir(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

void glue_eventlog_names_free(struct glue_eventlog_names *names)
{
    free(names->names);
    *names = (struct glue_eventlog_names){0};
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

int glue_eventlog_list_aside(struct glue_eventlog_names *out, int directory_fd)
{
    *out = (struct glue_eventlog_names){0};
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return common_error_from_errno(errno);
    COMMON_CLEANUP(cleanup_dir) DIR *dir = fdopendir(fd);
    if (!dir) {
        (void)close(fd);
        return COMMON_ERR_NO_MEMORY;
    }
    size_t cap = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry)
            break;
        if (!glue_eventlog_is_aside_name(entry->d_name) || out->num_names >= MAX_ASIDE)
            continue;
        if (out->num_names == cap) {
            cap = cap ? cap * 2 : 16;
            void *grown = realloc(out->names, cap * sizeof(*out->names));
            if (!grown) {
                glue_eventlog_names_free(out);
                return COMMON_ERR_NO_MEMORY;
            }
            out->names = grown;
        }
        memcpy(out->names[out->num_names++], entry->d_name, EVENTLOG_NAME_LEN + 1);
    }
    if (out->num_names != 0)
        qsort(out->names, out->num_names, sizeof(*out->names), compare_names);
    return 0;
}

/* {"time":"...","seq":N, and so on to }, all of it printable: a line that was torn has zeroes in
 * it. */
uint64_t glue_eventlog_line_seq(const char *line, size_t line_len)
{
    static const char before_time[] = "{\"time\":\"";
    static const char before_seq[] = "\",\"seq\":";
    enum {
        TIME_LEN = sizeof(before_time) - 1,
        SEQ_LEN = sizeof(before_seq) - 1
    };

    for (size_t i = 0; i < line_len; i++) {
        if (line[i] < ' ' || line[i] > '~')
            return 0;
    }
    if (line_len < TIME_LEN || strncmp(line, before_time, TIME_LEN) != 0 ||
        line[line_len - 1] != '}')
        return 0;
    const char *quote = memchr(line + TIME_LEN, '"', line_len - TIME_LEN);
    if (!quote || (size_t)(line + line_len - quote) < SEQ_LEN ||
        strncmp(quote, before_seq, SEQ_LEN) != 0)
        return 0;
    uint64_t seq = 0;
    const char *at = quote + SEQ_LEN;
    for (; *at >= '0' && *at <= '9'; at++) {
        seq = seq * 10 + (uint64_t)(*at - '0');
        if (seq >= INT64_MAX / 2) /* so that the next number always exists */
            return 0;
    }
    return *at == ',' ? seq : 0;
}

/* The parser tells a lack of memory as bad input. So one failure is not believed, and where memory
 * is out in earnest it is asked for. */
int glue_eventlog_parse(json_t **out, const char *line, size_t line_len)
{
    enum {
        FLAGS = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL
    };
    *out = json_loadb(line, line_len, FLAGS, NULL);
    if (!*out)
        *out = json_loadb(line, line_len, FLAGS, NULL);
    if (*out)
        return 0;
    /* Volatile: compilers leave out an allocation that is only freed, and take it for granted. */
    void *volatile as_much_as_it_takes = malloc(16 * line_len + 4096);
    if (!as_much_as_it_takes)
        return COMMON_ERR_NO_MEMORY;
    free(as_much_as_it_takes);
    return COMMON_ERR_CORRUPT;
}

static int read_fully(int fd, char *out, size_t len, uint64_t offset)
{
    size_t done = 0;
    while (done < len) {
        ssize_t got = pread(fd, out + done, len - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return common_error_from_errno(errno);
        if (got == 0) {
            errno = EIO; /* shorter than it was a moment ago */
            return COMMON_ERR_IO;
        }
        done += (size_t)got;
    }
    return 0;
}

/* Looks for the last event in text[0..len), which ends behind a newline or is empty. */
static uint64_t last_seq_in(const char *text, size_t len)
{
    while (len != 0) {
        const char *newline = len > 1 ? memrchr(text, '\n', len - 1) : NULL;
        size_t start = newline ? (size_t)(newline - text) + 1 : 0;
        uint64_t seq = glue_eventlog_line_seq(text + start, len - start - 1);
        if (seq != 0)
            return seq;
        len = start;
    }
    return 0;
}

int glue_eventlog_last_seq(uint64_t *seq, uint64_t *end, int fd, uint64_t size)
{
    *seq = 0;
    *end = 0;
    if (size == 0)
        return 0;
    COMMON_CLEANUP_FREE char *text = malloc(READ_BACK);
    if (!text)
        return COMMON_ERR_NO_MEMORY;
    bool is_end_known = false;
    uint64_t stop = size;
    /* Windows overlap by a line, so that no line is cut by all of them. */
    while (stop != 0 && *seq == 0) {
        uint64_t start = stop > READ_BACK ? stop - READ_BACK : 0;
        size_t len = (size_t)(stop - start);
        int error = read_fully(fd, text, len, start);
        if (error)
            return error;
        const char *newline = memrchr(text, '\n', len);
        size_t used = newline ? (size_t)(newline - text) + 1 : 0;
        if (newline && !is_end_known) {
            *end = start + used;
            is_end_known = true;
        }
        *seq = last_seq_in(text, used);
        stop = start == 0 ? 0 : start + GLUE_EVENT_MAX_LINE;
    }
    return 0;
}
