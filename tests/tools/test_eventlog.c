/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/random.h"
#include "tests/support/test.h"
#include "tests/tools/eventlog_support.h"
#include "tools/glue/eventlog_internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_line_is_exactly_what_the_format_says(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    struct glue_eventlog *log = eventlog_test_open(&options);
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
    char *text = eventlog_test_text(dir, &len);
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
    struct glue_eventlog_options options = eventlog_test_options(*state);
    struct glue_eventlog *log = eventlog_test_open(&options);
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
    assert_int_equal(eventlog_test_count(*state, NULL), 0);
}

static void long_texts_are_cut_between_characters(void **state)
{
    struct glue_eventlog_options options = eventlog_test_options(*state);
    struct glue_eventlog *log = eventlog_test_open(&options);
    char *text = malloc((size_t)3 * GLUE_EVENT_MAX_TEXT + 1);
    assert_non_null(text);
    for (size_t i = 0; i < GLUE_EVENT_MAX_TEXT; i++)
        memcpy(text + (size_t)3 * i, "\xe2\x82\xac", 3);
    text[(size_t)3 * GLUE_EVENT_MAX_TEXT] = 0;
    eventlog_test_write(log, text);
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
    struct glue_eventlog_options options = eventlog_test_options(*state);
    struct glue_eventlog *log = eventlog_test_open(&options);
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
    assert_true(eventlog_test_write(log, "the next one") == 1);
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

static void the_rest_of_a_cut_write_is_removed(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    eventlog_test_write_once(&options, "whole");
    eventlog_test_add_bytes(dir, EVENTLOG_FILE, "{\"time\":\"2026-", 14);
    uint64_t unreadable = 9;
    assert_int_equal(eventlog_test_count(dir, &unreadable), 1);
    assert_true(unreadable == 0); /* a line that may still be in the making */
    assert_true(eventlog_test_write_once(&options, "next") == 2);
    assert_int_equal(eventlog_test_count(dir, &unreadable), 2);
    assert_true(unreadable == 0);
    size_t len = 0;
    char *text = eventlog_test_text(dir, &len);
    assert_null(strstr(text, "2026-{"));
    free(text);
}

static void a_torn_line_is_passed_over_and_counted(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    eventlog_test_write_once(&options, "one");
    static const char zeroes[700] = {0};
    eventlog_test_add_bytes(dir, EVENTLOG_FILE, zeroes, sizeof(zeroes));
    eventlog_test_add_bytes(dir, EVENTLOG_FILE, "rest of it\"}\n", 13);
    assert_true(eventlog_test_write_once(&options, "two") == 2);
    uint64_t unreadable = 0;
    assert_int_equal(eventlog_test_count(dir, &unreadable), 2);
    assert_true(unreadable == 1);
}

/* The first piece of 512 bytes reached the medium, the next one did not, the last one did. */
static void a_torn_line_with_its_head_takes_no_number(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    assert_true(eventlog_test_write_once(&options, "one") == 1);
    static const char head[] =
        "{\"time\":\"2026-03-01T12:00:00.005Z\",\"seq\":2,\"tool\":\"keymgr\",";
    static const char zeroes[512] = {0};
    eventlog_test_add_bytes(dir, EVENTLOG_FILE, head, sizeof(head) - 1);
    eventlog_test_add_bytes(dir, EVENTLOG_FILE, zeroes, sizeof(zeroes));
    eventlog_test_add_bytes(dir, EVENTLOG_FILE, "\"detail\":{}}\n", 14);
    assert_true(eventlog_test_write_once(&options, "two") == 2);
    uint64_t unreadable = 0;
    assert_int_equal(eventlog_test_count(dir, &unreadable), 2);
    assert_true(unreadable == 1);
}

static void what_is_no_event_is_passed_over(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    eventlog_test_write_once(&options, "one");
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
        eventlog_test_add_bytes(dir, EVENTLOG_FILE, lines[i], strlen(lines[i]));
    assert_true(eventlog_test_write_once(&options, "two") == 2);
    uint64_t unreadable = 0;
    assert_int_equal(eventlog_test_count(dir, &unreadable), 2);
    assert_true(unreadable == ARRAY_LEN(lines));
}

/* Lines longer than any window, before, between and after events. */
static void a_line_without_end_takes_no_memory_and_hides_nothing(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    char *noise = malloc(1 << 20);
    assert_non_null(noise);
    memset(noise, 'x', 1 << 20);
    noise[(1 << 20) - 1] = '\n';
    eventlog_test_write_once(&options, "one");
    eventlog_test_add_bytes(dir, EVENTLOG_FILE, noise, 1 << 20);
    assert_true(eventlog_test_write_once(&options, "two") == 2);
    eventlog_test_add_bytes(dir, EVENTLOG_FILE, noise,
                            (1 << 20) - 1); /* no newline: the rest of a cut write */
    uint64_t unreadable = 0;
    assert_int_equal(eventlog_test_count(dir, &unreadable), 2);
    assert_true(eventlog_test_write_once(&options, "three") == 3);
    assert_int_equal(eventlog_test_count(dir, &unreadable), 3);
    assert_true(unreadable == 1);
    free(noise);
}

static void lines_on_the_edge_of_the_window_are_read(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    options.max_bytes = UINT64_MAX / 2;
    struct glue_eventlog *log = eventlog_test_open(&options);
    struct test_random random = test_random_begin("eventlog");
    static char text[GLUE_EVENT_MAX_TEXT];
    memset(text, 'y', sizeof(text) - 1);
    uint64_t num = 400;
    for (uint64_t i = 0; i < num; i++)
        eventlog_test_write(log, text + test_random_below(&random, sizeof(text)));
    glue_eventlog_close(&log);
    uint64_t unreadable = 9;
    assert_int_equal(eventlog_test_count(dir, &unreadable), num);
    assert_true(unreadable == 0);
}

static void a_log_that_is_a_link_is_refused(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    char path[PATH_MAX];
    char target[PATH_MAX];
    assert_int_equal(
        symlink(tmpdir_path(target, dir, "victim"), tmpdir_path(path, dir, EVENTLOG_FILE)), 0);
    struct glue_eventlog *log = eventlog_test_open(&options);
    const struct glue_event event = {.name = "Something"};
    assert_int_equal(glue_eventlog_write(log, NULL, &event), COMMON_ERR_DENIED);
    glue_eventlog_close(&log);
    assert_false(file_exists(target));
}

static void a_deleted_character_is_escaped_like_any_other(void **state)
{
    struct glue_eventlog_options options = eventlog_test_options(*state);
    assert_true(eventlog_test_write_once(&options, "one") == 1);
    assert_true(eventlog_test_write_once(&options, "bad\x7f\x7fname") == 2);
    assert_true(eventlog_test_write_once(&options, "two") == 3);
    uint64_t unreadable = 9;
    assert_int_equal(eventlog_test_count(*state, &unreadable), 3);
    assert_true(unreadable == 0);
    size_t len = 0;
    char *text = eventlog_test_text(*state, &len);
    assert_null(strchr(text, 0x7f));
    assert_non_null(strstr(text, "\"bad\\u007f\\u007fname\""));
    free(text);
}

/* E6 */
static void what_a_reader_would_refuse_is_refused_by_the_writer(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    struct glue_eventlog *log = eventlog_test_open(&options);
    json_t *deep = json_object();
    for (unsigned i = 0; i < 3000; i++) {
        json_t *around = json_object();
        assert_int_equal(json_object_set_new(around, "d", deep), 0);
        deep = around;
    }
    const struct glue_event too_deep = {.name = "Something", .detail = deep};
    uint64_t seq = 9;
    assert_int_equal(glue_eventlog_write(log, &seq, &too_deep), COMMON_ERR_INVALID);
    assert_true(seq == 0);
    json_decref(deep);

    json_t *zero = json_pack("{s:o}", "name", json_stringn("a\0b", 3));
    const struct glue_event with_zero = {.name = "Something", .detail = zero};
    assert_int_equal(glue_eventlog_write(log, &seq, &with_zero), 0);
    json_decref(zero);
    glue_eventlog_close(&log);
    uint64_t unreadable = 9;
    assert_int_equal(eventlog_test_count(dir, &unreadable), 1);
    assert_true(unreadable == 0);
}

static void a_number_without_a_successor_is_not_given(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    static const char last[] = "{\"time\":\"t\",\"seq\":4611686018427387902,\"event\":\"e\"}\n";
    eventlog_test_add_bytes(dir, EVENTLOG_FILE, last, sizeof(last) - 1);
    struct glue_eventlog *log = eventlog_test_open(&options);
    const struct glue_event event = {.name = "Something"};
    assert_int_equal(glue_eventlog_write(log, NULL, &event), COMMON_ERR_LIMIT);
    glue_eventlog_close(&log);
}

static void a_log_with_a_second_name_is_refused(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    char victim[PATH_MAX];
    char path[PATH_MAX];
    file_write(tmpdir_path(victim, dir, "victim"), "precious", 8);
    assert_int_equal(link(victim, tmpdir_path(path, dir, EVENTLOG_FILE)), 0);
    struct glue_eventlog *log = eventlog_test_open(&options);
    const struct glue_event event = {.name = "Something"};
    assert_int_equal(glue_eventlog_write(log, NULL, &event), COMMON_ERR_DENIED);
    glue_eventlog_close(&log);
    uint8_t *data = NULL;
    size_t len = 0;
    file_read(&data, &len, victim);
    assert_int_equal(len, 8);
    free(data);
}

static void a_log_that_is_no_file_is_refused(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    char path[PATH_MAX];
    assert_int_equal(mkfifo(tmpdir_path(path, dir, EVENTLOG_FILE), 0600), 0);
    struct glue_eventlog *log = eventlog_test_open(&options);
    const struct glue_event event = {.name = "Something"};
    assert_int_equal(glue_eventlog_write(log, NULL, &event), COMMON_ERR_INVALID);
    glue_eventlog_close(&log);
    struct glue_eventlog_reader *reader = NULL;
    json_t *read = NULL;
    assert_int_equal(glue_eventlog_reader_open(&reader, dir->path), 0);
    assert_int_not_equal(glue_eventlog_reader_next(reader, &read), 0); /* and does not wait */
    assert_null(read);
    glue_eventlog_reader_close(&reader);
}

static void a_lock_that_is_a_link_is_refused(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    char path[PATH_MAX];
    char target[PATH_MAX];
    assert_int_equal(
        symlink(tmpdir_path(target, dir, "made"), tmpdir_path(path, dir, EVENTLOG_LOCK)), 0);
    struct glue_eventlog *log = eventlog_test_open(&options);
    const struct glue_event event = {.name = "Something"};
    assert_int_equal(glue_eventlog_write(log, NULL, &event), COMMON_ERR_DENIED);
    glue_eventlog_close(&log);
    assert_false(file_exists(target));
}

static bool always(void *context)
{
    ++*(unsigned *)context;
    return true;
}

static void waiting_for_a_turn_can_be_cancelled(void **state)
{
    const struct tmpdir *dir = *state;
    unsigned asked = 0;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    assert_true(eventlog_test_write_once(&options, "one") == 1);
    options.is_cancelled = always;
    options.context = &asked;
    struct glue_eventlog *log = eventlog_test_open(&options);
    assert_true(eventlog_test_write(log, "nobody in the way") == 2);
    assert_int_equal(asked, 0);
    char path[PATH_MAX];
    int fd = open(tmpdir_path(path, dir, EVENTLOG_LOCK), O_RDWR | O_CLOEXEC);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    const struct glue_event event = {.name = "Something"};
    assert_int_equal(glue_eventlog_write(log, NULL, &event), COMMON_ERR_CANCELLED);
    assert_int_equal(asked, 1);
    (void)close(fd);
    glue_eventlog_close(&log);
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
    struct glue_eventlog_options options = eventlog_test_options(*state);
    struct glue_eventlog *log = eventlog_test_open(&options);
    pthread_t threads[NUM_WRITERS];
    for (size_t i = 0; i < NUM_WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, log), 0);
    for (size_t i = 0; i < NUM_WRITERS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, log);
    }
    glue_eventlog_close(&log);
    assert_int_equal(eventlog_test_count(*state, NULL), NUM_WRITERS * EVENTS_PER_WRITER);
}

/* One process after the other is killed at any moment while others write and the log rotates. */
static void killed_writers_neither_stop_nor_spoil_the_others(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
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
    uint64_t before = eventlog_test_count(dir, NULL); /* in order, without a gap */
    assert_true(before > NUM_WRITERS);
    assert_true(eventlog_test_write_once(&options, "the last") == before + 1);
}

static void a_writer_that_gets_no_turn_says_so(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    options.lock_wait_ms = 20;
    struct glue_eventlog *log = eventlog_test_open(&options);
    eventlog_test_write(log, "one");
    char path[PATH_MAX];
    int fd = open(tmpdir_path(path, dir, EVENTLOG_LOCK), O_RDWR | O_CLOEXEC);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    const struct glue_event event = {.name = "Something"};
    uint64_t seq = 1;
    assert_int_equal(glue_eventlog_write(log, &seq, &event), COMMON_ERR_BUSY);
    assert_true(seq == 0);
    (void)close(fd);
    assert_true(eventlog_test_write(log, "two") == 2);
    glue_eventlog_close(&log);
}

static void events_of_a_library_arrive_in_the_log(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    struct glue_eventlog *log = eventlog_test_open(&options);
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
    char *text = eventlog_test_text(dir, &len);
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
        IN_TMPDIR(the_rest_of_a_cut_write_is_removed),
        IN_TMPDIR(a_torn_line_is_passed_over_and_counted),
        IN_TMPDIR(a_torn_line_with_its_head_takes_no_number),
        IN_TMPDIR(what_is_no_event_is_passed_over),
        IN_TMPDIR(a_line_without_end_takes_no_memory_and_hides_nothing),
        IN_TMPDIR(lines_on_the_edge_of_the_window_are_read),
        IN_TMPDIR(a_log_that_is_a_link_is_refused),
        IN_TMPDIR(a_deleted_character_is_escaped_like_any_other),
        IN_TMPDIR(what_a_reader_would_refuse_is_refused_by_the_writer),
        IN_TMPDIR(a_number_without_a_successor_is_not_given),
        IN_TMPDIR(a_log_with_a_second_name_is_refused),
        IN_TMPDIR(a_log_that_is_no_file_is_refused),
        IN_TMPDIR(a_lock_that_is_a_link_is_refused),
        IN_TMPDIR(waiting_for_a_turn_can_be_cancelled),
        IN_TMPDIR(threads_may_share_a_writer),
        IN_TMPDIR(killed_writers_neither_stop_nor_spoil_the_others),
        IN_TMPDIR(a_writer_that_gets_no_turn_says_so),
        IN_TMPDIR(events_of_a_library_arrive_in_the_log),
    };
    return cmocka_run_group_tests_name("eventlog", tests, NULL, NULL);
}
