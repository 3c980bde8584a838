/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, rotation, and readers that go on through it. */
#include "tests/support/random.h"
#include "tests/support/test.h"
#include "tests/tools/eventlog_support.h"
#include "tools/glue/eventlog_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void numbers_go_on_in_the_next_process(void **state)
{
    struct glue_eventlog_options options = eventlog_test_options(*state);
    for (uint64_t i = 1; i <= 5; i++)
        assert_true(eventlog_test_write_once(&options, "again") == i);
    assert_int_equal(eventlog_test_count(*state, NULL), 5);
}

static void rotation_keeps_order_and_numbers(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    options.max_bytes = 2000;
    options.max_files = 100;
    struct glue_eventlog *log = eventlog_test_open(&options);
    for (uint64_t i = 1; i <= 100; i++)
        assert_true(eventlog_test_write(log, "rotated") == i);
    glue_eventlog_close(&log);
    assert_true(eventlog_test_num_aside(dir) >= 5);
    assert_int_equal(eventlog_test_count(dir, NULL), 100);
    /* A log that was put aside is named after its last event. */
    char path[PATH_MAX];
    size_t len = 0;
    char *text = eventlog_test_text(dir, &len);
    unsigned long long first = strtoull(strstr(text, "\"seq\":") + 6, NULL, 10);
    free(text);
    char name[EVENTLOG_NAME_LEN + 1];
    glue_eventlog_aside_name(name, first - 1);
    assert_true(file_exists(tmpdir_path(path, dir, name)));
}

static void only_so_many_old_logs_are_kept(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    options.max_bytes = 1000;
    options.max_files = 3;
    struct glue_eventlog *log = eventlog_test_open(&options);
    for (unsigned i = 0; i < 60; i++)
        eventlog_test_write(log, "rotated");
    assert_int_equal(eventlog_test_num_aside(dir), 3);
    uint64_t kept = eventlog_test_count(dir, NULL);
    assert_true(kept > 10 && kept < 60);
    /* Numbers go on although the first ones are gone. */
    assert_true(eventlog_test_write(log, "one more") == 61);
    glue_eventlog_close(&log);
}

static void numbers_go_on_when_a_cut_left_no_current_log(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    assert_true(eventlog_test_write_once(&options, "one") == 1);
    assert_true(eventlog_test_write_once(&options, "two") == 2);
    eventlog_test_put_aside(dir, 2);
    assert_int_equal(eventlog_test_count(dir, NULL), 2);
    assert_true(eventlog_test_write_once(&options, "three") == 3);
    assert_int_equal(eventlog_test_count(dir, NULL), 3);
}

static void rotation_never_replaces_a_log(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    options.max_bytes = 1;
    options.max_files = 100;
    assert_true(eventlog_test_write_once(&options, "one") == 1);
    char name[EVENTLOG_NAME_LEN + 1];
    glue_eventlog_aside_name(name, 1);
    eventlog_test_add_bytes(dir, name, "precious", 8);
    assert_true(eventlog_test_write_once(&options, "two") == 2);
    char path[PATH_MAX];
    uint8_t *data = NULL;
    size_t len = 0;
    file_read(&data, &len, tmpdir_path(path, dir, name));
    assert_int_equal(len, 8);
    assert_memory_equal(data, "precious", 8);
    free(data);
}

static void a_reader_follows_through_rotations(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    options.max_bytes = 1500;
    options.max_files = 1000;
    struct glue_eventlog_reader *reader = NULL;
    uint64_t last_seq = 0;
    assert_int_equal(glue_eventlog_reader_open(&reader, dir->path), 0);
    assert_int_equal(eventlog_test_read(reader, &last_seq), 0);
    struct glue_eventlog *log = eventlog_test_open(&options);
    struct test_random random = test_random_begin("eventlog follow");
    uint64_t written = 0;
    uint64_t read = 0;
    while (written < 500) {
        uint64_t burst = test_random_below(&random, 40); /* several rotations, or none */
        for (uint64_t i = 0; i < burst; i++, written++)
            eventlog_test_write(log, "followed");
        read += eventlog_test_read(reader, &last_seq);
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
    struct glue_eventlog_options options = eventlog_test_options(dir);
    options.max_bytes = 1500;
    options.max_files = 1000;
    struct glue_eventlog *log = eventlog_test_open(&options);
    for (unsigned i = 0; i < 25; i++)
        eventlog_test_write(log, "before");
    struct glue_eventlog_reader *reader = NULL;
    assert_int_equal(glue_eventlog_reader_open(&reader, dir->path), 0);
    json_t *event = NULL;
    assert_int_equal(glue_eventlog_reader_next(reader, &event), 0);
    json_decref(event);
    for (unsigned i = 0; i < 25; i++)
        eventlog_test_write(log, "after");
    uint64_t last_seq = 1;
    assert_int_equal(eventlog_test_read(reader, &last_seq), 49);
    assert_true(last_seq == 50);
    glue_eventlog_reader_close(&reader);
    glue_eventlog_close(&log);
}

static void a_log_that_was_removed_by_hand_begins_again(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    eventlog_test_write_once(&options, "one");
    eventlog_test_write_once(&options, "two");
    struct glue_eventlog_reader *reader = NULL;
    uint64_t last_seq = 0;
    assert_int_equal(glue_eventlog_reader_open(&reader, dir->path), 0);
    assert_int_equal(eventlog_test_read(reader, &last_seq), 2);
    char path[PATH_MAX];
    assert_int_equal(unlink(tmpdir_path(path, dir, EVENTLOG_FILE)), 0);
    assert_true(eventlog_test_write_once(&options, "first again") == 1);
    last_seq = 0;
    assert_int_equal(eventlog_test_read(reader, &last_seq), 1);
    glue_eventlog_reader_close(&reader);
}

/* R2: a follower must not join the rest of a cut write to what is written in its place. */
static void a_follower_does_not_keep_the_rest_of_a_cut_write(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    assert_true(eventlog_test_write_once(&options, "one") == 1);
    static const char cut[] =
        "{\"time\":\"2026-03-01T12:00:00.005Z\",\"seq\":2,\"tool\":\"keymgr\","
        "\"event\":\"DestroyKey\",\"severity\":\"error\",\"object\":\"";
    eventlog_test_add_bytes(dir, EVENTLOG_FILE, cut, sizeof(cut) - 1);
    struct glue_eventlog_reader *reader = NULL;
    uint64_t last_seq = 0;
    assert_int_equal(glue_eventlog_reader_open(&reader, dir->path), 0);
    assert_int_equal(eventlog_test_read(reader, &last_seq), 1);
    assert_true(eventlog_test_write_once(&options, "two") == 2);
    json_t *event = NULL;
    assert_int_equal(glue_eventlog_reader_next(reader, &event), 0);
    assert_non_null(event);
    assert_string_equal(json_string_value(json_object_get(event, "event")), "Something");
    assert_string_equal(json_string_value(json_object_get(event, "reason")), "two");
    json_decref(event);
    assert_true(glue_eventlog_reader_unreadable(reader) == 0);
    glue_eventlog_reader_close(&reader);
}

static void an_endless_line_is_not_kept_either(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    assert_true(eventlog_test_write_once(&options, "one") == 1);
    char *noise = malloc(1 << 20);
    assert_non_null(noise);
    memset(noise, 'x', 1 << 20);
    eventlog_test_add_bytes(dir, EVENTLOG_FILE, noise, 1 << 20);
    free(noise);
    struct glue_eventlog_reader *reader = NULL;
    uint64_t last_seq = 0;
    assert_int_equal(glue_eventlog_reader_open(&reader, dir->path), 0);
    assert_int_equal(eventlog_test_read(reader, &last_seq), 1);
    assert_true(eventlog_test_write_once(&options, "two") == 2);
    assert_int_equal(eventlog_test_read(reader, &last_seq), 1);
    assert_true(glue_eventlog_reader_unreadable(reader) == 0);
    glue_eventlog_reader_close(&reader);
}

/* A reader that is opened between the rename and the new file. */
static void events_are_told_once_when_there_is_no_current_log(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    for (unsigned i = 0; i < 3; i++)
        eventlog_test_write_once(&options, "before");
    eventlog_test_put_aside(dir, 3);
    struct glue_eventlog_reader *reader = NULL;
    uint64_t last_seq = 0;
    assert_int_equal(glue_eventlog_reader_open(&reader, dir->path), 0);
    assert_int_equal(eventlog_test_read(reader, &last_seq), 3);
    assert_true(eventlog_test_write_once(&options, "after") == 4);
    assert_int_equal(eventlog_test_read(reader, &last_seq), 1);
    assert_int_equal(eventlog_test_read(reader, &last_seq), 0);
    glue_eventlog_reader_close(&reader);
}

static void old_logs_that_were_removed_meanwhile_are_passed_over(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    options.max_bytes = 400;
    options.max_files = 100;
    struct glue_eventlog *log = eventlog_test_open(&options);
    for (unsigned i = 0; i < 20; i++)
        eventlog_test_write(log, "rotated");
    struct glue_eventlog_reader *reader = NULL;
    assert_int_equal(glue_eventlog_reader_open(&reader, dir->path), 0);
    glue_eventlog_close(&log);
    options.max_files = 2;
    log = eventlog_test_open(&options);
    for (unsigned i = 0; i < 4; i++)
        eventlog_test_write(log, "pruned");
    uint64_t last_seq = 0;
    assert_true(eventlog_test_read(reader, &last_seq) > 0);
    assert_true(last_seq == 24);
    glue_eventlog_reader_close(&reader);
    glue_eventlog_close(&log);
}

static void an_old_log_that_is_a_link_is_not_followed(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    assert_true(eventlog_test_write_once(&options, "one") == 1);
    char name[EVENTLOG_NAME_LEN + 1];
    char path[PATH_MAX];
    char target[PATH_MAX];
    glue_eventlog_aside_name(name, 99);
    assert_int_equal(symlink(tmpdir_path(target, dir, EVENTLOG_FILE), tmpdir_path(path, dir, name)),
                     0);
    struct glue_eventlog_reader *reader = NULL;
    json_t *event = NULL;
    assert_int_equal(glue_eventlog_reader_open(&reader, dir->path), 0);
    assert_int_equal(glue_eventlog_reader_next(reader, &event), COMMON_ERR_DENIED);
    glue_eventlog_reader_close(&reader);
}

static void the_number_is_looked_for_in_more_than_the_newest_old_log(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    assert_true(eventlog_test_write_once(&options, "one") == 1);
    eventlog_test_put_aside(dir, 1);
    char name[EVENTLOG_NAME_LEN + 1];
    glue_eventlog_aside_name(name, 2);
    eventlog_test_add_bytes(dir, name, "damaged\n", 8);
    assert_true(eventlog_test_write_once(&options, "two") == 2);
}

static void a_log_that_was_emptied_in_place_is_read_from_its_beginning(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    eventlog_test_write_once(&options, "one");
    eventlog_test_write_once(&options, "two");
    struct glue_eventlog_reader *reader = NULL;
    uint64_t last_seq = 0;
    assert_int_equal(glue_eventlog_reader_open(&reader, dir->path), 0);
    assert_int_equal(eventlog_test_read(reader, &last_seq), 2);
    char path[PATH_MAX];
    assert_int_equal(truncate(tmpdir_path(path, dir, EVENTLOG_FILE), 0), 0);
    assert_true(eventlog_test_write_once(&options, "again") == 1);
    last_seq = 0;
    assert_int_equal(eventlog_test_read(reader, &last_seq), 0); /* sees that it is shorter */
    assert_int_equal(eventlog_test_read(reader, &last_seq), 1);
    glue_eventlog_reader_close(&reader);
}

static void keeping_no_old_log_is_refused(void **state)
{
    struct glue_eventlog_options options = eventlog_test_options(*state);
    options.max_files = 0;
    struct glue_eventlog *log = NULL;
    assert_int_equal(glue_eventlog_open(&log, &options), COMMON_ERR_INVALID);
}

/* One-shot readers beside a writer that rotates all the time: always from the first to the last. */
static void a_reader_is_never_overtaken_by_rotations(void **state)
{
    const struct tmpdir *dir = *state;
    struct glue_eventlog_options options = eventlog_test_options(dir);
    options.max_bytes = 400;
    options.max_files = 5000;
    assert_true(eventlog_test_write_once(&options, "first") == 1);
    pid_t writer = fork();
    assert_true(writer >= 0);
    if (writer == 0) {
        struct glue_eventlog *log = NULL;
        const struct glue_event event = {.name = "Something", .reason = "rotated"};
        if (glue_eventlog_open(&log, &options))
            _exit(1);
        for (unsigned i = 0; i < 400; i++) {
            if (glue_eventlog_write(log, NULL, &event))
                _exit(1);
        }
        _exit(0);
    }
    int status = 0;
    uint64_t before = 0;
    do {
        uint64_t num = eventlog_test_count(dir, NULL); /* fails the test at a gap or a step back */
        assert_true(num >= before);
        before = num;
    } while (waitpid(writer, &status, WNOHANG) == 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(eventlog_test_count(dir, NULL), 401);
}

#define IN_TMPDIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TMPDIR(numbers_go_on_in_the_next_process),
        IN_TMPDIR(rotation_keeps_order_and_numbers),
        IN_TMPDIR(only_so_many_old_logs_are_kept),
        IN_TMPDIR(numbers_go_on_when_a_cut_left_no_current_log),
        IN_TMPDIR(rotation_never_replaces_a_log),
        IN_TMPDIR(a_reader_follows_through_rotations),
        IN_TMPDIR(a_reader_that_is_in_the_middle_sees_a_rotated_log_once),
        IN_TMPDIR(a_log_that_was_removed_by_hand_begins_again),
        IN_TMPDIR(a_follower_does_not_keep_the_rest_of_a_cut_write),
        IN_TMPDIR(an_endless_line_is_not_kept_either),
        IN_TMPDIR(events_are_told_once_when_there_is_no_current_log),
        IN_TMPDIR(old_logs_that_were_removed_meanwhile_are_passed_over),
        IN_TMPDIR(an_old_log_that_is_a_link_is_not_followed),
        IN_TMPDIR(the_number_is_looked_for_in_more_than_the_newest_old_log),
        IN_TMPDIR(a_log_that_was_emptied_in_place_is_read_from_its_beginning),
        IN_TMPDIR(keeping_no_old_log_is_refused),
        IN_TMPDIR(a_reader_is_never_overtaken_by_rotations),
    };
    return cmocka_run_group_tests_name("eventlog_rotation", tests, NULL, NULL);
}
