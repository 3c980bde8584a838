/* SPDX-License-Identifier: Apache-2.0 */
/* The noun `events`, in the process; what only shows between processes is in tools.sh. */
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include "tests/tools/cli_fixture.h"
#include "tools/glue/eventlog.h"
#include "tools/glue/events.h"

#include <jansson.h>
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

#define EVENTS(...) run_tool(&tool, (const char *const[]){"keymgr", "events", __VA_ARGS__, NULL})

static struct timespec set_time;

static struct timespec the_set_time(void *context)
{
    (void)context;
    return set_time;
}

/* An event of one name, so many seconds before the present of the fixture's clock. */
static void record(const struct tmpdir *dir, const char *name, int64_t seconds_ago)
{
    struct glue_eventlog_options options = glue_eventlog_options_default();
    options.directory = dir->path;
    options.tool = "replic";
    options.node = "n";
    options.now = the_set_time;
    set_time = (struct timespec){.tv_sec = fake_time.tv_sec - seconds_ago};
    struct glue_eventlog *log = NULL;
    assert_int_equal(glue_eventlog_open(&log, &options), 0);
    const struct glue_event event = {.name = name, .object = "o", .reason = "r"};
    assert_int_equal(glue_eventlog_write(log, NULL, &event), 0);
    glue_eventlog_close(&log);
}

static json_t *parsed(const struct caught *caught)
{
    json_t *document = json_loadb(caught->out, caught->out_len, 0, NULL);
    if (!document)
        fail_msg("not one JSON document: %s", caught->out);
    return document;
}

static void the_table_of_commands_is_sound(void **state)
{
    (void)state;
    char why[256] = "";
    if (cli_command_check(why, sizeof(why), &root))
        fail_msg("%s", why);
}

static void events_are_listed_oldest_first_in_columns(void **state)
{
    const struct tmpdir *dir = *state;
    record(dir, "First", 20);
    record(dir, "AnEventWithAVeryLongNameIndeed", 10);
    CLEANUP_CAUGHT struct caught got = EVENTS("--store", dir->path);
    assert_int_equal(got.status, 0);
    assert_string_equal(
        got.out,
        "2030-03-17T17:46:20.000Z  info     replic     First                 o: r\n"
        "2030-03-17T17:46:30.000Z  info     replic     AnEventWithAVeryLongNameIndeed  o: r\n");
    assert_string_equal(got.err, "");
}

static void an_empty_store_says_so_and_is_an_empty_array(void **state)
{
    const struct tmpdir *dir = *state;
    CLEANUP_CAUGHT struct caught got = EVENTS("--store", dir->path);
    assert_int_equal(got.status, 0);
    assert_string_equal(got.out, "no events\n");
    CLEANUP_CAUGHT struct caught json = EVENTS("--store", dir->path, "--json");
    assert_int_equal(json.status, 0);
    assert_string_equal(json.out, "[]\n");
    char path[PATH_MAX];
    assert_false(file_exists(tmpdir_path(path, dir, "events.jsonl")));
    assert_false(file_exists(tmpdir_path(path, dir, "events.lock")));
}

static void json_is_one_array_of_the_events_as_they_were_written(void **state)
{
    const struct tmpdir *dir = *state;
    record(dir, "First", 20);
    record(dir, "Second", 10);
    CLEANUP_CAUGHT struct caught got = EVENTS("--json", "--store", dir->path);
    assert_int_equal(got.status, 0);
    json_t *document = parsed(&got);
    assert_int_equal(json_array_size(document), 2);
    const json_t *second = json_array_get(document, 1);
    assert_int_equal(json_integer_value(json_object_get(second, "seq")), 2);
    assert_string_equal(json_string_value(json_object_get(second, "event")), "Second");
    assert_int_equal(json_object_size(second), 9);
    json_decref(document);
}

static size_t num_listed(const struct tmpdir *dir, const char *option, const char *value,
                         const char *option2, const char *value2)
{
    CLEANUP_CAUGHT struct caught got =
        EVENTS("--json", "--store", dir->path, option, value, option2, value2);
    assert_int_equal(got.status, 0);
    json_t *document = parsed(&got);
    size_t num = json_array_size(document);
    json_decref(document);
    return num;
}

static void since_leaves_out_what_is_older(void **state)
{
    const struct tmpdir *dir = *state;
    record(dir, "A", 7200);
    record(dir, "B", 60);
    record(dir, "A", 5);
    assert_int_equal(num_listed(dir, "--since", "1h", NULL, NULL), 2);
    assert_int_equal(num_listed(dir, "--since", "60s", NULL, NULL), 2); /* from then on */
    assert_int_equal(num_listed(dir, "--since", "59s", NULL, NULL), 1);
    assert_int_equal(num_listed(dir, "--since", "2030-03-17T17:45:40Z", NULL, NULL), 2);
    assert_int_equal(num_listed(dir, "--since", "2030-03-17T17:45:40.001Z", NULL, NULL), 1);
    assert_int_equal(num_listed(dir, "--since", "@1900000000", NULL, NULL), 0);
    assert_int_equal(num_listed(dir, "--since", "1D", NULL, NULL), 3);
}

static void event_picks_by_name_and_may_be_repeated(void **state)
{
    const struct tmpdir *dir = *state;
    record(dir, "A", 3);
    record(dir, "B", 2);
    record(dir, "AB", 1);
    assert_int_equal(num_listed(dir, "--event", "A", NULL, NULL), 1);
    assert_int_equal(num_listed(dir, "--event", "A", "--event", "B"), 2);
    assert_int_equal(num_listed(dir, "--event", "a", NULL, NULL), 0);
    assert_int_equal(num_listed(dir, "--event", "A", "--since", "2s"), 0);
}

static void an_event_whose_time_cannot_be_read_is_shown(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_MAX];
    static const char line[] = "{\"time\":\"soon\",\"seq\":1,\"event\":\"A\"}\n";
    file_write(tmpdir_path(path, dir, "events.jsonl"), line, sizeof(line) - 1);
    assert_int_equal(num_listed(dir, "--since", "1s", NULL, NULL), 1);
}

static void what_is_no_event_is_warned_of(void **state)
{
    const struct tmpdir *dir = *state;
    record(dir, "A", 1);
    char path[PATH_MAX];
    FILE *log = fopen(tmpdir_path(path, dir, "events.jsonl"), "ae");
    assert_non_null(log);
    assert_true(fputs("garbage\n", log) >= 0);
    assert_int_equal(fclose(log), 0);
    record(dir, "B", 1);
    CLEANUP_CAUGHT struct caught got = EVENTS("--json", "--store", dir->path);
    assert_int_equal(got.status, 0);
    json_t *document = parsed(&got);
    assert_int_equal(json_array_size(document), 2);
    json_decref(document);
    assert_non_null(strstr(got.err, "1 lines of the event log are no events"));
}

static void nothing_in_an_event_speaks_to_the_terminal(void **state)
{
    const struct tmpdir *dir = *state;
    static const char override[] = {(char)0xe2, (char)0x80, (char)0xae, 0}; /* right to left */
    char message[16];
    (void)snprintf(message, sizeof(message), "\xff%sevil", override);
    CLEANUP_CAUGHT struct caught wrote =
        EVENTS("test", "--store", dir->path, "--object", "a\nb\x1b]0;x\a", message);
    assert_int_equal(wrote.status, 0);
    CLEANUP_CAUGHT struct caught got = EVENTS("--store", dir->path);
    assert_non_null(strstr(got.out, "a\\x0ab\\x1b]0;x\\x07: "));
    assert_null(strstr(got.out, override));
    assert_ptr_equal(strchr(got.out, '\n'), got.out + got.out_len - 1);
}

static void a_named_store_that_is_not_there_is_an_error(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_MAX];
    tmpdir_path(path, dir, "typo");
    CLEANUP_CAUGHT struct caught got = EVENTS("--store", path);
    assert_int_equal(got.status, 1);
    assert_string_equal(got.out, "");
    assert_non_null(strstr(got.err, path));
    CLEANUP_CAUGHT struct caught json = EVENTS("--store", path, "--json");
    assert_int_equal(json.status, 1);
    json_t *document = parsed(&json);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(document, "error"), "code")),
        "not-found");
    json_decref(document);
}

static void a_log_that_cannot_be_read_is_told(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_MAX];
    assert_int_equal(mkdir(tmpdir_path(path, dir, "events.jsonl"), 0700), 0);
    CLEANUP_CAUGHT struct caught got = EVENTS("--store", dir->path);
    assert_int_equal(got.status, 1);
    assert_non_null(strstr(got.err, "cannot read the event log"));
    CLEANUP_CAUGHT struct caught wrote = EVENTS("test", "x", "--store", dir->path);
    assert_int_equal(wrote.status, 1);
    assert_non_null(strstr(wrote.err, "cannot record the event"));
}

static void test_records_an_event(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_MAX];
    tmpdir_path(path, dir, "made");
    CLEANUP_CAUGHT struct caught first =
        EVENTS("test", "hello", "--store", path, "--severity", "warning", "--object", "disk");
    assert_int_equal(first.status, 0);
    assert_string_equal(first.out, "recorded as event 1\n");
    CLEANUP_CAUGHT struct caught second = EVENTS("test", "again", "--store", path, "--json");
    json_t *document = parsed(&second);
    assert_int_equal(json_integer_value(json_object_get(document, "seq")), 2);
    json_decref(document);
    CLEANUP_CAUGHT struct caught list = EVENTS("--store", path);
    assert_non_null(strstr(list.out, "warning  keymgr     EventLogTest          disk: hello\n"));
}

static void mistakes_are_usage_errors(void **state)
{
    const struct tmpdir *dir = *state;
    static const char *const wrong[][3] = {
        {"--since", "yesterday", NULL}, {"--since", NULL, NULL},
        {"--follow=1", NULL, NULL},     {"tst", NULL, NULL},
        {"test", NULL, NULL},           {"test", "a", "b"},
        {"test", "a", "--severity=x"},  {"--frobnicate", NULL, NULL},
        {"--timeout", "5", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        CLEANUP_CAUGHT struct caught got =
            EVENTS("--store", dir->path, wrong[i][0], wrong[i][1], wrong[i][2]);
        assert_int_equal(got.status, 2);
        assert_string_equal(got.out, "");
        assert_non_null(strstr(got.err, "--help"));
    }
}

#define IN_TMPDIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_of_commands_is_sound),
        IN_TMPDIR(events_are_listed_oldest_first_in_columns),
        IN_TMPDIR(an_empty_store_says_so_and_is_an_empty_array),
        IN_TMPDIR(json_is_one_array_of_the_events_as_they_were_written),
        IN_TMPDIR(since_leaves_out_what_is_older),
        IN_TMPDIR(event_picks_by_name_and_may_be_repeated),
        IN_TMPDIR(an_event_whose_time_cannot_be_read_is_shown),
        IN_TMPDIR(what_is_no_event_is_warned_of),
        IN_TMPDIR(nothing_in_an_event_speaks_to_the_terminal),
        IN_TMPDIR(a_named_store_that_is_not_there_is_an_error),
        IN_TMPDIR(a_log_that_cannot_be_read_is_told),
        IN_TMPDIR(test_records_an_event),
        IN_TMPDIR(mistakes_are_usage_errors),
    };
    return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
