/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/eventlog_support.h"

#include "tests/support/test.h"
#include "tools/glue/eventlog_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct timespec noon(void *context)
{
    (void)context;
    return (struct timespec){.tv_sec = 1772366400, .tv_nsec = 5999999};
}

struct glue_eventlog_options eventlog_test_options(const struct tmpdir *dir)
{
    struct glue_eventlog_options options = glue_eventlog_options_default();
    options.directory = dir->path;
    options.tool = "keymgr";
    options.node = "node-1";
    options.now = noon;
    return options;
}

struct glue_eventlog *eventlog_test_open(const struct glue_eventlog_options *options)
{
    struct glue_eventlog *log = NULL;
    assert_int_equal(glue_eventlog_open(&log, options), 0);
    return log;
}

uint64_t eventlog_test_write(struct glue_eventlog *log, const char *reason)
{
    uint64_t seq = 0;
    const struct glue_event event = {.name = "Something", .object = "obj", .reason = reason};
    assert_int_equal(glue_eventlog_write(log, &seq, &event), 0);
    return seq;
}

uint64_t eventlog_test_write_once(const struct glue_eventlog_options *options, const char *reason)
{
    struct glue_eventlog *log = eventlog_test_open(options);
    uint64_t seq = eventlog_test_write(log, reason);
    glue_eventlog_close(&log);
    return seq;
}

uint64_t eventlog_test_read(struct glue_eventlog_reader *reader, uint64_t *last_seq)
{
    uint64_t num = 0;
    for (;;) {
        json_t *event = NULL;
        assert_int_equal(glue_eventlog_reader_next(reader, &event), 0);
        if (!event)
            return num;
        uint64_t seq = (uint64_t)json_integer_value(json_object_get(event, "seq"));
        if (*last_seq != 0)
            assert_true(seq == *last_seq + 1);
        *last_seq = seq;
        num++;
        json_decref(event);
    }
}

uint64_t eventlog_test_count(const struct tmpdir *dir, uint64_t *unreadable)
{
    struct glue_eventlog_reader *reader = NULL;
    uint64_t last_seq = 0;
    assert_int_equal(glue_eventlog_reader_open(&reader, dir->path), 0);
    uint64_t num = eventlog_test_read(reader, &last_seq);
    if (unreadable)
        *unreadable = glue_eventlog_reader_unreadable(reader);
    glue_eventlog_reader_close(&reader);
    return num;
}

char *eventlog_test_text(const struct tmpdir *dir, size_t *len)
{
    char path[PATH_MAX];
    uint8_t *data = NULL;
    file_read(&data, len, tmpdir_path(path, dir, EVENTLOG_FILE));
    char *text = malloc(*len + 1);
    assert_non_null(text);
    memcpy(text, data, *len);
    text[*len] = 0;
    free(data);
    return text;
}

void eventlog_test_add_bytes(const struct tmpdir *dir, const char *name, const void *data,
                             size_t len)
{
    char path[PATH_MAX];
    int fd = open(tmpdir_path(path, dir, name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    assert_int_equal(close(fd), 0);
}

unsigned eventlog_test_num_aside(const struct tmpdir *dir)
{
    DIR *open_dir = opendir(dir->path);
    assert_non_null(open_dir);
    unsigned num = 0;
    for (const struct dirent *entry = readdir(open_dir); entry; entry = readdir(open_dir))
        num += glue_eventlog_is_aside_name(entry->d_name);
    closedir(open_dir);
    return num;
}

void eventlog_test_put_aside(const struct tmpdir *dir, uint64_t last_seq)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    char name[EVENTLOG_NAME_LEN + 1];
    glue_eventlog_aside_name(name, last_seq);
    assert_int_equal(rename(tmpdir_path(from, dir, EVENTLOG_FILE), tmpdir_path(to, dir, name)), 0);
}
