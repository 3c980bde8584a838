/* SPDX-License-Identifier: Apache-2.0 */
/* The command line and the noun `events` when memory runs out, or the disk is full. */
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include "tests/tools/cli_fixture.h"
#include "tests/tools/demo_tree.h"
#include "tools/glue/events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct cli_command root = {
    .name = "keymgr",
    .summary = "a tool with events and nothing else",
    .commands = (const struct cli_command *const[]){&glue_events_command, NULL},
};
static const struct cli_tool tool = {.version = "1.2.3", .root = &root};

/* Streams with buffers of their own, so that printing needs no memory while it is refused. */
struct streams {
    FILE *out;
    FILE *err;
    char out_buffer[BUFSIZ];
    char err_buffer[BUFSIZ];
};

static void open_streams(struct streams *streams)
{
    streams->out = tmpfile();
    streams->err = tmpfile();
    assert_non_null(streams->out);
    assert_non_null(streams->err);
    assert_int_equal(setvbuf(streams->out, streams->out_buffer, _IOFBF, BUFSIZ), 0);
    assert_int_equal(setvbuf(streams->err, streams->err_buffer, _IOFBF, BUFSIZ), 0);
}

static void close_streams(struct streams *streams)
{
    assert_int_equal(fclose(streams->out), 0);
    assert_int_equal(fclose(streams->err), 0);
}

static uint64_t monotonic(void *context)
{
    (void)context;
    return 1;
}

static struct timespec realtime(void *context)
{
    (void)context;
    return (struct timespec){.tv_sec = 1900000000};
}

/* Runs the words with each allocation refused in turn. It must end, with a status of the list, and
 * as it should when nothing was refused. */
static void try_words(const struct cli_tool *tried, const char *const *words, int good_status)
{
    int argc = 0;
    while (words[argc])
        argc++;
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        loop.may_be_absent = FAULT_MALLOC;
        struct streams streams;
        open_streams(&streams);
        const struct cli_environment environment = {
            .out = streams.out,
            .err = streams.err,
            .clock = {.monotonic_ns = monotonic, .realtime = realtime},
        };
        fault_loop_arm(&loop);
        int status = cli_run(tried, &environment, argc, (char *const *)words);
        bool fired = fault_loop_disarm(&loop);
        long err_len = ftell(streams.err);
        close_streams(&streams);
        if (!fired)
            assert_int_equal(status, good_status);
        else if (status != good_status)
            assert_int_equal(status, CLI_EXIT_FAILED);
        if (status == CLI_EXIT_FAILED)
            assert_true(err_len > 0); /* no failure without a word */
    }
}

static void commands_end_well_without_memory(void **state)
{
    (void)state;
    static const char *const lists[][8] = {
        {"demo", "--help", NULL},
        {"demo", "vault", "create", "--help", NULL},
        {"demo", "--version", "--json", NULL},
        {"demo", "vault", "create", "--size", "1M", "file", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        try_words(&demo_tool, lists[i], CLI_EXIT_DONE);
    static const char *const wrong[][5] = {
        {"demo", "vualt", NULL},
        {"demo", "vault", "create", "--json", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        try_words(&demo_tool, wrong[i], CLI_EXIT_USAGE);
}

static void events_end_well_without_memory(void **state)
{
    const struct tmpdir *dir = *state;
    const char *const record[] = {"keymgr", "events", "test", "m", "--store", dir->path, NULL};
    const char *const list[] = {"keymgr", "events", "--store", dir->path, NULL};
    const char *const json[] = {"keymgr", "events", "--json", "--store", dir->path, NULL};
    try_words(&tool, record, CLI_EXIT_DONE);
    try_words(&tool, list, CLI_EXIT_DONE);
    try_words(&tool, json, CLI_EXIT_DONE);
}

static void a_full_disk_is_told_and_nothing_is_recorded(void **state)
{
    const struct tmpdir *dir = *state;
    const char *const record[] = {"keymgr", "events", "test", "m", "--store", dir->path, NULL};
    struct streams streams;
    open_streams(&streams);
    const struct cli_environment environment = {
        .out = streams.out,
        .err = streams.err,
        .clock = {.monotonic_ns = monotonic, .realtime = realtime},
    };
    fault_arm_plan(&(struct fault_plan){
        .classes = FAULT_WRITE, .nth = 1, .error = ENOSPC, .mode = FAULT_FROM_THEN_ON});
    int status = cli_run(&tool, &environment, 6, (char *const *)record);
    (void)fault_disarm();
    assert_int_equal(status, CLI_EXIT_FAILED);
    char said[256] = "";
    rewind(streams.err);
    assert_true(fread(said, 1, sizeof(said) - 1, streams.err) > 0);
    assert_non_null(strstr(said, "cannot record the event: No space left on device\n"));
    close_streams(&streams);
    char path[PATH_MAX];
    struct stat st;
    assert_int_equal(stat(tmpdir_path(path, dir, "events.jsonl"), &st), 0);
    assert_int_equal(st.st_size, 0);
}

#define IN_TMPDIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_end_well_without_memory),
        IN_TMPDIR(events_end_well_without_memory),
        IN_TMPDIR(a_full_disk_is_told_and_nothing_is_recorded),
    };
    return cmocka_run_group_tests_name("cli_fault", tests, NULL, NULL);
}
