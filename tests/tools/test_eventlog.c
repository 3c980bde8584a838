/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/random.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include "tools/glue/eventlog.h"
#include "tools/glue/eventlog_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct timespec noon(void *context)
{
    (void)context;
    return (struct timespec){.tv_sec = 1772366400, .tv_nsec = 5999999};
}

static struct glue_eventlog_options options_in(const struct tmpdir *dir)
{
    struct glue_eventlog_options options = glue_eventlog_options_default();
    options.directory = dir->path;
    options.tool = "keymgr";
    options.node = "node-1";
    options.now = noon;
    return options;
}

static struct glue_eventlog *open_log(const struct glue_eventlog_options *options)
{
    struct glue_eventlog *log = NULL;
    assert_int_equal(glue_eventlog_open(&log, options), 0);
    return log;
}

static uint64_t write_event(struct glue_eventlog *log, const char *reason)
{
    uint64_t seq = 0;
    const struct glue_event event = {.name = "Something", .object = "obj", .reason = reason};
    assert_int_equal(glue_eventlog_write(log, &seq, &event), 0);
    return seq;
}

/* Opens, writes one, closes: as a command of a tool does. */
static uint64_t write_once(const struct glue_eventlog_options *options, const char *reason)
{
    struct glue_eventlog *log = open_log(options);
    uint64_t seq = write_event(log, reason);
    glue_eventlog_close(&log);
    return seq;
}

/* Reads to the present end; each event must have the seq after the one before. */
static uint64_t read_in_order(struct glue_eventlog_reader *reader, uint64_t *last_seq)
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

static uint64_t count_events(const struct tmpdir *dir, uint64_t *unreadable)
{
    struct glue_eventlog_reader *reader = NULL;
    uint64_t last_seq = 0;
    assert_int_equal(glue_eventlog_reader_open(&reader, dir->path), 0);
    uint64_t num = read_in_order(reader, &last_seq);
    if (unreadable)
        *unreadable = glue_eventlog_reader_unreadable(reader);
    glue_eventlog_reader_close(&reader);
    return num;
}

static char *log_text(const struct tmpdir *dir, size_t *len)
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

static void add_bytes(const struct tmpdir *dir, const char *name, const void *data, size_t len)
{
    char path[PATH_MAX];
    int fd = open(tmpdir_path(path, dir, name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    assert_int_equal(close(fd), 0);
}

static unsigned num_aside(const struct tmpdir *dir)
{
    DIR *open_dir = opendir(dir->path);
    assert_non_null(open_dir);
    unsigned num = 0;
    for (const struct dirent *entry = readdir(open_dir); entry; entry = readdir(open_dir))
        num += glue_eventlog_is_aside_name(entry->d_name);
    closedir(open_dir);
    return num;
}

static void a_line_is_exactly_what_the_format_says(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    struct glue_eventlog *log = open_log(&options);
    json_t *detail = json_pack("{s:i}", "attempts", 3);
    const struct glue_event event = {
        .severity = COMMON_EVENT_ERROR,
        .name = "KeyManagerRekeyFailed",
        .object = "SIQ",
        .reason = "no space \"left\"\n\x1b[31m \xe2\x82\xac \xff",
        .detail = detail,
    };
    assert_int_equal(glue_eventlog_write(log, NULL, &event), 0);
    json_decref(detail);
    glue_eventlog_close(&log);

    size_t len = 0;
    char *text = log_text(dir, &len);
    assert_string_equal(
        text,
        "{\"time\":\"2026-03-01T12:00:00.005Z\",\"seq\":1,\"tool\":\"keymgr\","
        "\"event\":\"KeyManagerRekeyFailed\",\"severity\":\"error\",\"object\":\"SIQ\","
        "\"reason\":\"no space \\\"left\\\"\\n\\u001B[31m \\u20AC \\uFFFD\",\"node\":\"node-1\","
        "\"detail\":{\"attempts\":3}}\n");
    free(text);
    struct stat st;
    char path[PATH_MAX];
    assert_int_equal(stat(tmpdir_path(path, dir, EVENTLOG_FILE), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void names_and_details_out_of_form_are_refused(void **state)
{
    struct glue_eventlog_options options = options_in(*state);
    struct glue_eventlog *log = open_log(&options);
    static const char *const names[] = {
        NULL,
        "",
        "with space",
        "quote\"",
        "line\nfeed",
        "unicode\xc3\xa9",
        "ThisNameIsLongerThanTheSixtyFourCharactersThatANameOfAnEventMayHave",
    };
    uint64_t seq = 7;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct glue_event event = {.name = names[i]};
        assert_int_equal(glue_eventlog_write(log, &seq, &event), COMMON_ERR_INVALID);
        assert_true(seq == 0);
    }
    json_t *list = json_array();
    const struct glue_event event = {.name = "Something", .detail = list};
    assert_int_equal(glue_eventlog_write(log, &seq, &event), COMMON_ERR_INVALID);
    json_decref(list);
    glue_eventlog_close(&log);
    glue_eventlog_close(&log);
    assert_int_equal(count_events(*state, NULL), 0);
}

static void long_texts_are_cut_between_characters(void **state)
{
    struct glue_eventlog_options options = options_in(*state);
    struct glue_eventlog *log = open_log(&options);
    char *text = malloc(3 * GLUE_EVENT_MAX_TEXT + 1);
    assert_non_null(text);
    for (size_t i = 0; i < GLUE_EVENT_MAX_TEXT; i++)
        memcpy(text + 3 * i, "\xe2\x82\xac", 3);
    text[3 * GLUE_EVENT_MAX_TEXT] = 0;
    write_event(log, text);
    free(text);
    glue_eventlog_close(&log);

    struct glue_eventlog_reader *reader = NULL;
    json_t *event = NULL;
    assert_int_equal(glue_eventlog_reader_open(&reader, options.directory), 0);
    assert_int_equal(glue_eventlog_reader_next(reader, &event), 0);
    const json_t *reason = json_object_get(event, "reason");
    assert_int_equal(json_string_length(reason), GLUE_EVENT_MAX_TEXT / 3 * 3);
    assert_null(strstr(json_string_value(reason), "\xef\xbf\xbd"));
    json_decref(event);
    glue_eventlog_reader_close(&reader);
}

static void a_line_above_the_ceiling_is_refused(void **state)
{
    struct glue_eventlog_options options = options_in(*state);
    struct glue_eventlog *log = open_log(&options);
    char *text = malloc(GLUE_EVENT_MAX_LINE);
    assert_non_null(text);
    memset(text, 'x', GLUE_EVENT_MAX_LINE - 1);
    text[GLUE_EVENT_MAX_LINE - 1] = 0;
    json_t *detail = json_pack("{s:s}", "text", text);
    const struct glue_event event = {.name = "Something", .detail = detail};
    uint64_t seq = 1;
    assert_int_equal(glue_eventlog_write(log, &seq, &event), COMMON_ERR_LIMIT);
    assert_true(seq == 0);
    json_decref(detail);
    free(text);
    assert_true(write_event(log, "the next one") == 1);
    glue_eventlog_close(&log);
}

static void a_store_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct glue_eventlog_options options = glue_eventlog_options_default();
    options.directory = "/nonexistent/store";
    options.tool = "keymgr";
    struct glue_eventlog *log = NULL;
    struct glue_eventlog_reader *reader = NULL;
    assert_int_equal(glue_eventlog_open(&log, &options), COMMON_ERR_NOT_FOUND);
    assert_null(log);
    assert_int_equal(glue_eventlog_reader_open(&reader, options.directory), COMMON_ERR_NOT_FOUND);
    assert_null(reader);
}

static void numbers_go_on_in_the_next_process(void **state)
{
    struct glue_eventlog_options options = options_in(*state);
    for (uint64_t i = 1; i <= 5; i++)
        assert_true(write_once(&options, "again") == i);
    assert_int_equal(count_events(*state, NULL), 5);
}

static void rotation_keeps_order_and_numbers(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    options.max_bytes = 2000;
    options.max_files = 100;
    struct glue_eventlog *log = open_log(&options);
    for (uint64_t i = 1; i <= 100; i++)
        assert_true(write_event(log, "rotated") == i);
    glue_eventlog_close(&log);
    assert_true(num_aside(dir) >= 5);
    assert_int_equal(count_events(dir, NULL), 100);
    /* A log that was put aside is named after its last event. */
    char path[PATH_MAX];
    size_t len = 0;
    char *text = log_text(dir, &len);
    unsigned long long first = strtoull(strstr(text, "\"seq\":") + 6, NULL, 10);
    free(text);
    char name[EVENTLOG_NAME_LEN + 1];
    glue_eventlog_aside_name(name, first - 1);
    assert_true(file_exists(tmpdir_path(path, dir, name)));
}

static void only_so_many_old_logs_are_kept(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    options.max_bytes = 1000;
    options.max_files = 3;
    struct glue_eventlog *log = open_log(&options);
    for (unsigned i = 0; i < 60; i++)
        write_event(log, "rotated");
    assert_int_equal(num_aside(dir), 3);
    uint64_t kept = count_events(dir, NULL);
    assert_true(kept > 10 && kept < 60);
    /* Numbers go on although the first ones are gone. */
    assert_true(write_event(log, "one more") == 61);
    glue_eventlog_close(&log);
}

static void numbers_go_on_when_a_cut_left_no_current_log(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    assert_true(write_once(&options, "one") == 1);
    assert_true(write_once(&options, "two") == 2);
    char from[PATH_MAX];
    char to[PATH_MAX];
    char name[EVENTLOG_NAME_LEN + 1];
    glue_eventlog_aside_name(name, 2);
    assert_int_equal(rename(tmpdir_path(from, dir, EVENTLOG_FILE), tmpdir_path(to, dir, name)), 0);
    assert_int_equal(count_events(dir, NULL), 2);
    assert_true(write_once(&options, "three") == 3);
    assert_int_equal(count_events(dir, NULL), 3);
}

static void rotation_never_replaces_a_log(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    options.max_bytes = 1;
    options.max_files = 100;
    assert_true(write_once(&options, "one") == 1);
    char name[EVENTLOG_NAME_LEN + 1];
    glue_eventlog_aside_name(name, 1);
    add_bytes(dir, name, "precious", 8);
    assert_true(write_once(&options, "two") == 2);
    char path[PATH_MAX];
    uint8_t *data = NULL;
    size_t len = 0;
    file_read(&data, &len, tmpdir_path(path, dir, name));
    assert_int_equal(len, 8);
    assert_memory_equal(data, "precious", 8);
    free(data);
}

static void the_rest_of_a_cut_write_is_removed(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    write_once(&options, "whole");
    add_bytes(dir, EVENTLOG_FILE, "{\"time\":\"2026-", 14);
    uint64_t unreadable = 9;
    assert_int_equal(count_events(dir, &unreadable), 1);
    assert_true(unreadable == 0); /* a line that may still be in the making */
    assert_true(write_once(&options, "next") == 2);
    assert_int_equal(count_events(dir, &unreadable), 2);
    assert_true(unreadable == 0);
    size_t len = 0;
    char *text = log_text(dir, &len);
    assert_null(strstr(text, "2026-{"));
    free(text);
}

static void a_torn_line_is_passed_over_and_counted(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    write_once(&options, "one");
    static const char zeroes[700] = {0};
    add_bytes(dir, EVENTLOG_FILE, zeroes, sizeof(zeroes));
    add_bytes(dir, EVENTLOG_FILE, "rest of it\"}\n", 13);
    assert_true(write_once(&options, "two") == 2);
    uint64_t unreadable = 0;
    assert_int_equal(count_events(dir, &unreadable), 2);
    assert_true(unreadable == 1);
}

static void what_is_no_event_is_passed_over(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    write_once(&options, "one");
    static const char *const lines[] = {
        "\n",
        "null\n",
        "[1,2]\n",
        "{}\n",
        "{\"time\":\"t\",\"event\":\"e\"}\n",
        "{\"time\":\"t\",\"seq\":}\n",
        "{\"time\":\"t\",\"seq\":0,\"event\":\"e\"}\n",
        "{\"time\":\"t\",\"seq\":-1,\"event\":\"e\"}\n",
        "{\"time\":\"t\",\"seq\":9223372036854775807,\"event\":\"e\"}\n",
        "{\"time\":\"t\",\"seq\":99999999999999999999999,\"event\":\"e\"}\n",
        "{\"time\":\"t\",\"seq\":1.5,\"event\":\"e\"}\n",
        "{\"time\":\"t\",\"seq\":\"2\",\"event\":\"e\"}\n",
        "{\"time\":\"t\",\"seq\":1,\"event\":\"e\"\n",
        "{\"time\":\"t\",\"seq\":1,\"event\":\"\x1b[2J\"}\n",
        "{\"time\":\"t\",\"seq\":1,\"seq\":1,\"event\":\"e\"}\n",
        "{\"time\":\"t\",\"seq\":1,\"event\":}\n",
        "{\"time\":\"t\n",
        "{\"time\":\"\n",
        "{\"time\":\"t\",\"seq\":1\n",
        "\xff\xfe\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        add_bytes(dir, EVENTLOG_FILE, lines[i], strlen(lines[i]));
    assert_true(write_once(&options, "two") == 2);
    uint64_t unreadable = 0;
    assert_int_equal(count_events(dir, &unreadable), 2);
    assert_true(unreadable == ARRAY_LEN(lines));
}

/* Lines longer than any window, before, between and after events. */
static void a_line_without_end_takes_no_memory_and_hides_nothing(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    char *noise = malloc(1 << 20);
    assert_non_null(noise);
    memset(noise, 'x', 1 << 20);
    noise[(1 << 20) - 1] = '\n';
    write_once(&options, "one");
    add_bytes(dir, EVENTLOG_FILE, noise, 1 << 20);
    assert_true(write_once(&options, "two") == 2);
    add_bytes(dir, EVENTLOG_FILE, noise, (1 << 20) - 1); /* no newline: the rest of a cut write */
    uint64_t unreadable = 0;
    assert_int_equal(count_events(dir, &unreadable), 2);
    assert_true(write_once(&options, "three") == 3);
    assert_int_equal(count_events(dir, &unreadable), 3);
    assert_true(unreadable == 1);
    free(noise);
}

static void lines_on_the_edge_of_the_window_are_read(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    options.max_bytes = UINT64_MAX / 2;
    struct glue_eventlog *log = open_log(&options);
    struct test_random random = test_random_begin("eventlog");
    static char text[GLUE_EVENT_MAX_TEXT];
    memset(text, 'y', sizeof(text) - 1);
    uint64_t num = 400;
    for (uint64_t i = 0; i < num; i++)
        write_event(log, text + test_random_below(&random, sizeof(text)));
    glue_eventlog_close(&log);
    uint64_t unreadable = 9;
    assert_int_equal(count_events(dir, &unreadable), num);
    assert_true(unreadable == 0);
}

static void a_reader_follows_through_rotations(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    options.max_bytes = 1500;
    options.max_files = 1000;
    struct glue_eventlog_reader *reader = NULL;
    uint64_t last_seq = 0;
    assert_int_equal(glue_eventlog_reader_open(&reader, dir->path), 0);
    assert_int_equal(read_in_order(reader, &last_seq), 0);
    struct glue_eventlog *log = open_log(&options);
    struct test_random random = test_random_begin("eventlog follow");
    uint64_t written = 0;
    uint64_t read = 0;
    while (written < 500) {
        uint64_t burst = test_random_below(&random, 40); /* several rotations, or none */
        for (uint64_t i = 0; i < burst; i++, written++)
            write_event(log, "followed");
        read += read_in_order(reader, &last_seq);
        assert_true(read == written);
    }
    assert_true(last_seq == written);
    glue_eventlog_close(&log);
    glue_eventlog_reader_close(&reader);
    glue_eventlog_reader_close(&reader);
}

static void a_reader_that_is_in_the_middle_sees_a_rotated_log_once(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    options.max_bytes = 1500;
    options.max_files = 1000;
    struct glue_eventlog *log = open_log(&options);
    for (unsigned i = 0; i < 25; i++)
        write_event(log, "before");
    struct glue_eventlog_reader *reader = NULL;
    assert_int_equal(glue_eventlog_reader_open(&reader, dir->path), 0);
    json_t *event = NULL;
    assert_int_equal(glue_eventlog_reader_next(reader, &event), 0);
    json_decref(event);
    for (unsigned i = 0; i < 25; i++)
        write_event(log, "after");
    uint64_t last_seq = 1;
    assert_int_equal(read_in_order(reader, &last_seq), 49);
    assert_true(last_seq == 50);
    glue_eventlog_reader_close(&reader);
    glue_eventlog_close(&log);
}

static void a_log_that_was_removed_by_hand_begins_again(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    write_once(&options, "one");
    write_once(&options, "two");
    struct glue_eventlog_reader *reader = NULL;
    uint64_t last_seq = 0;
    assert_int_equal(glue_eventlog_reader_open(&reader, dir->path), 0);
    assert_int_equal(read_in_order(reader, &last_seq), 2);
    char path[PATH_MAX];
    assert_int_equal(unlink(tmpdir_path(path, dir, EVENTLOG_FILE)), 0);
    assert_true(write_once(&options, "first again") == 1);
    last_seq = 0;
    assert_int_equal(read_in_order(reader, &last_seq), 1);
    glue_eventlog_reader_close(&reader);
}

static void a_log_that_is_a_link_is_refused(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    char path[PATH_MAX];
    char target[PATH_MAX];
    assert_int_equal(
        symlink(tmpdir_path(target, dir, "victim"), tmpdir_path(path, dir, EVENTLOG_FILE)), 0);
    struct glue_eventlog *log = open_log(&options);
    const struct glue_event event = {.name = "Something"};
    assert_int_equal(glue_eventlog_write(log, NULL, &event), COMMON_ERR_DENIED);
    glue_eventlog_close(&log);
    assert_false(file_exists(target));
}

enum {
    NUM_WRITERS = 4,
    EVENTS_PER_WRITER = 60
};

static void *write_many(void *context)
{
    struct glue_eventlog *log = context;
    const struct glue_event event = {.name = "Something", .reason = "from a thread"};
    for (unsigned i = 0; i < EVENTS_PER_WRITER; i++) {
        if (glue_eventlog_write(log, NULL, &event))
            return NULL;
    }
    return context;
}

static void threads_may_share_a_writer(void **state)
{
    struct glue_eventlog_options options = options_in(*state);
    struct glue_eventlog *log = open_log(&options);
    pthread_t threads[NUM_WRITERS];
    for (size_t i = 0; i < NUM_WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, log), 0);
    for (size_t i = 0; i < NUM_WRITERS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, log);
    }
    glue_eventlog_close(&log);
    assert_int_equal(count_events(*state, NULL), NUM_WRITERS * EVENTS_PER_WRITER);
}

/* One process after the other is killed at any moment while others write and the log rotates. */
static void killed_writers_neither_stop_nor_spoil_the_others(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    options.max_bytes = 4000;
    options.max_files = 10000;
    struct test_random random = test_random_begin("eventlog kill");
    pid_t writers[NUM_WRITERS] = {0};
    for (unsigned round = 0; round < 60; round++) {
        size_t i = test_random_below(&random, NUM_WRITERS);
        if (writers[i] > 0) {
            assert_int_equal(kill(writers[i], SIGKILL), 0);
            assert_int_equal(waitpid(writers[i], NULL, 0), writers[i]);
        }
        writers[i] = fork();
        assert_true(writers[i] >= 0);
        if (writers[i] == 0) {
            struct glue_eventlog *log = NULL;
            if (glue_eventlog_open(&log, &options))
                _exit(1);
            for (;;) {
                if (!write_many(log))
                    _exit(1);
            }
        }
        (void)usleep((useconds_t)test_random_below(&random, 5000));
    }
    for (size_t i = 0; i < NUM_WRITERS; i++) {
        if (writers[i] > 0) {
            assert_int_equal(kill(writers[i], SIGKILL), 0);
            assert_int_equal(waitpid(writers[i], NULL, 0), writers[i]);
        }
    }
    uint64_t before = count_events(dir, NULL); /* in order, without a gap */
    assert_true(before > NUM_WRITERS);
    assert_true(write_once(&options, "the last") == before + 1);
}

static void a_writer_that_gets_no_turn_says_so(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    options.lock_wait_ms = 20;
    struct glue_eventlog *log = open_log(&options);
    write_event(log, "one");
    char path[PATH_MAX];
    int fd = open(tmpdir_path(path, dir, EVENTLOG_LOCK), O_RDWR | O_CLOEXEC);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    const struct glue_event event = {.name = "Something"};
    uint64_t seq = 1;
    assert_int_equal(glue_eventlog_write(log, &seq, &event), COMMON_ERR_BUSY);
    assert_true(seq == 0);
    (void)close(fd);
    assert_true(write_event(log, "two") == 2);
    glue_eventlog_close(&log);
}

static void events_of_a_library_arrive_in_the_log(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir);
    struct glue_eventlog *log = open_log(&options);
    struct common_event_sink sink = glue_eventlog_sink(log);
    const struct common_event event = {.severity = COMMON_EVENT_WARNING,
                                       .name = "SecretMemoryNotLocked",
                                       .object = "",
                                       .reason = "refused",
                                       .native_error = 12};
    common_event_emit(&sink, &event);
    const struct common_event nameless = {.name = "not a name"};
    assert_true(glue_eventlog_lost(log) == 0);
    common_event_emit(&sink, &nameless);
    assert_true(glue_eventlog_lost(log) == 1);
    glue_eventlog_close(&log);
    size_t len = 0;
    char *text = log_text(dir, &len);
    assert_non_null(strstr(text, "\"event\":\"SecretMemoryNotLocked\",\"severity\":\"warning\""));
    assert_non_null(strstr(text, "\"detail\":{\"native_error\":12}"));
    free(text);
    common_event_emit(NULL, &event);
}

#define IN_TMPDIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TMPDIR(a_line_is_exactly_what_the_format_says),
        IN_TMPDIR(names_and_details_out_of_form_are_refused),
        IN_TMPDIR(long_texts_are_cut_between_characters),
        IN_TMPDIR(a_line_above_the_ceiling_is_refused),
        cmocka_unit_test(a_store_that_is_not_there_is_an_error),
        IN_TMPDIR(numbers_go_on_in_the_next_process),
        IN_TMPDIR(rotation_keeps_order_and_numbers),
        IN_TMPDIR(only_so_many_old_logs_are_kept),
        IN_TMPDIR(numbers_go_on_when_a_cut_left_no_current_log),
        IN_TMPDIR(rotation_never_replaces_a_log),
        IN_TMPDIR(the_rest_of_a_cut_write_is_removed),
        IN_TMPDIR(a_torn_line_is_passed_over_and_counted),
        IN_TMPDIR(what_is_no_event_is_passed_over),
        IN_TMPDIR(a_line_without_end_takes_no_memory_and_hides_nothing),
        IN_TMPDIR(lines_on_the_edge_of_the_window_are_read),
        IN_TMPDIR(a_reader_follows_through_rotations),
        IN_TMPDIR(a_reader_that_is_in_the_middle_sees_a_rotated_log_once),
        IN_TMPDIR(a_log_that_was_removed_by_hand_begins_again),
        IN_TMPDIR(a_log_that_is_a_link_is_refused),
        IN_TMPDIR(threads_may_share_a_writer),
        IN_TMPDIR(killed_writers_neither_stop_nor_spoil_the_others),
        IN_TMPDIR(a_writer_that_gets_no_turn_says_so),
        IN_TMPDIR(events_of_a_library_arrive_in_the_log),
    };
    return cmocka_run_group_tests_name("eventlog", tests, NULL, NULL);
}
