/* SPDX-License-Identifier: Apache-2.0 */
/* Events that a command records besides its work: R7 of tools/cli/cli.h, U3 of volume_cli.h. */
#include "common/base/cleanup.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include "tests/tools/cli_fixture.h"
#include "tools/glue/record.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct glue_event event = {
    .severity = COMMON_EVENT_WARNING, .name = "SomethingHappened", .object = "o", .reason = "r"};

static int work(struct cli *cli)
{
    glue_record_besides(cli, &event);
    (void)fputs("done\n", cli->out);
    return 0;
}

static int record(struct cli *cli)
{
    return glue_record(cli, NULL, &event);
}

static int fail_after(struct cli *cli)
{
    glue_record_besides(cli, &event);
    return cli_fail(cli, COMMON_ERR_IO, "work", "went wrong");
}

static const struct cli_command work_command = {
    .name = "work", .summary = "do something", .run = work};
static const struct cli_command record_command = {
    .name = "record", .summary = "record", .run = record};
static const struct cli_command fail_command = {
    .name = "fail", .summary = "fail", .run = fail_after};
static const struct cli_command root = {
    .name = "xtsvol",
    .summary = "a tool",
    .commands =
        (const struct cli_command *const[]){&work_command, &record_command, &fail_command, NULL},
};
static const struct cli_tool tool = {.version = "1", .root = &root};

#define TOOL(...) run_tool(&tool, (const char *const[]){"xtsvol", __VA_ARGS__, NULL})

static void an_event_is_in_the_log_of_a_store_that_was_not_there(void **state)
{
    char store[PATH_MAX];
    char log[PATH_MAX + 16];
    CLEANUP_CAUGHT struct caught got = TOOL("work", "--store", tmpdir_path(store, *state, "store"));
    assert_int_equal(got.status, 0);
    assert_string_equal(got.out, "done\n");
    assert_string_equal(got.err, "");
    (void)snprintf(log, sizeof(log), "%s/events.jsonl", store);
    COMMON_CLEANUP_FREE uint8_t *bytes = NULL;
    size_t len = 0;
    file_read(&bytes, &len, log);
    assert_non_null(
        memmem(bytes, len, "\"event\":\"SomethingHappened\",\"severity\":\"warning\"", 48));
}

static void a_log_that_cannot_be_written_warns_and_the_command_goes_on(void **state)
{
    char store[PATH_MAX];
    char lines[3 * PATH_MAX];
    (void)tmpdir_path(store, *state, "file");
    file_write(store, "x", 1);
    CLEANUP_CAUGHT struct caught got = TOOL("work", "--store", store, "--json");
    (void)snprintf(lines, sizeof(lines),
                   "xtsvol: warning: %s: is not a directory\n"
                   "xtsvol: warning: SomethingHappened: is not in the event log\n",
                   store);
    assert_string_equal(got.err, lines);
    assert_string_equal(got.out, "done\n");
    assert_int_equal(got.status, 0);
}

static void a_failure_after_the_warning_is_still_a_failure(void **state)
{
    char store[PATH_MAX];
    (void)tmpdir_path(store, *state, "file");
    file_write(store, "x", 1);
    CLEANUP_CAUGHT struct caught got = TOOL("fail", "--store", store);
    assert_int_equal(got.status, 1);
    assert_non_null(strstr(got.err, "\nxtsvol: work: went wrong\n"));
}

static void where_recording_is_the_work_a_failure_is_one(void **state)
{
    char store[PATH_MAX];
    char line[2 * PATH_MAX];
    (void)tmpdir_path(store, *state, "file");
    file_write(store, "x", 1);
    CLEANUP_CAUGHT struct caught got = TOOL("record", "--store", store);
    (void)snprintf(line, sizeof(line), "xtsvol: %s: is not a directory\n", store);
    assert_string_equal(got.err, line);
    assert_int_equal(got.status, 1);
}

static void a_log_that_is_a_link_is_told(void **state)
{
    const struct tmpdir *dir = *state;
    char log[PATH_MAX];
    char other[PATH_MAX];
    file_write(tmpdir_path(other, dir, "other"), "", 0);
    assert_int_equal(chmod(dir->path, 0700), 0);
    assert_int_equal(link(other, tmpdir_path(log, dir, "events.jsonl")), 0);
    CLEANUP_CAUGHT struct caught got = TOOL("work", "--store", dir->path);
    assert_int_equal(got.status, 0);
    assert_non_null(strstr(got.err, "cannot record the event: the log has a second name"));
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(an_event_is_in_the_log_of_a_store_that_was_not_there),
        IN_DIRECTORY(a_log_that_cannot_be_written_warns_and_the_command_goes_on),
        IN_DIRECTORY(a_failure_after_the_warning_is_still_a_failure),
        IN_DIRECTORY(where_recording_is_the_work_a_failure_is_one),
        IN_DIRECTORY(a_log_that_is_a_link_is_told),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
