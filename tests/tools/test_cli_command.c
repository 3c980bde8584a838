/* SPDX-License-Identifier: Apache-2.0 */
/* The parser, rules C1-C7 of tools/cli/command.h, and how a run ends, R1-R5 of tools/cli/cli.h. */
#include "tests/support/test.h"
#include "tests/tools/cli_fixture.h"

#include <stdlib.h>
#include <string.h>

#define CREATE(...) RUN("vault", "create", __VA_ARGS__)

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

/* One line on err, nothing on out, status 2. */
static void assert_usage(const struct caught *caught, const char *line)
{
    assert_string_equal(caught->err, line);
    assert_string_equal(caught->out, "");
    assert_int_equal(caught->status, CLI_EXIT_USAGE);
}

static void values_are_parsed_and_the_rest_has_its_fallback(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught caught = CREATE("FILE", "--size", "1M");
    assert_string_equal(caught.err, "");
    assert_string_equal(caught.out, "file=FILE second=- num=1\n"
                                    "size=1048576 count=3 keep=3600 mode=1\n"
                                    "at=1970-01-01T00:00:00.000Z force=0 label=- has_label=0\n"
                                    "pins=0\n"
                                    "json=0 store=-\n");
    assert_int_equal(caught.status, 0);
    CLEANUP_CAUGHT struct caught all =
        CREATE("--size=2K", "--count", "-5", "--keep=2M", "--mode", "fast", "--at", "@5", "-f", "F",
               "--label", "", "--pin", "a", "--pin=b", "--store", "/s", "--json");
    assert_string_equal(all.err, "");
    assert_string_equal(all.out, "file=F second=- num=1\n"
                                 "size=2048 count=-5 keep=5184000 mode=0\n"
                                 "at=1970-01-01T00:00:05.000Z force=1 label= has_label=1\n"
                                 "pins=2 a b\n"
                                 "json=1 store=/s\n");
}

/* C1. */
static void options_and_arguments_mix_until_two_dashes(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught mixed = CREATE("-s", "1K", "one", "-f", "two", "three");
    assert_contains(mixed.out, "file=one second=two num=3\n");
    assert_contains(mixed.out, "force=1");
    CLEANUP_CAUGHT struct caught dashes = CREATE("-s1K", "--", "--force", "-f");
    assert_contains(dashes.out, "file=--force second=-f num=2\n");
    assert_contains(dashes.out, "force=0");
    CLEANUP_CAUGHT struct caught lone = CREATE("-s1K", "-", "--", "--", "x");
    assert_contains(lone.out, "file=- second=-- num=3\n");
    assert_int_equal(setenv("POSIXLY_CORRECT", "1", 1), 0);
    CLEANUP_CAUGHT struct caught posix = CREATE("one", "-s1K", "two");
    assert_int_equal(unsetenv("POSIXLY_CORRECT"), 0);
    assert_contains(posix.out, "file=one second=two num=2\n");
    CLEANUP_CAUGHT struct caught value = CREATE("x", "-s", "1K", "--label", "--force");
    assert_contains(value.out, "force=0 label=--force");
}

/* C2. */
static void common_options_may_stand_before_the_noun(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught caught =
        RUN("--json", "--store", "/s", "vault", "--progress", "never", "create", "F", "-s1K");
    assert_contains(caught.out, "json=1 store=/s\n");
    CLEANUP_CAUGHT struct caught twice = RUN("--store", "/a", "store", "--store", "/b");
    assert_usage(&twice, "demo: --store: given more than once; see 'demo store --help'\n");
    CLEANUP_CAUGHT struct caught yes = RUN("events", "--yes");
    assert_usage(&yes, "demo: --yes: unknown option; see 'demo events --help'\n");
    CLEANUP_CAUGHT struct caught erase = RUN("vault", "erase", "x", "--yes");
    assert_string_equal(erase.out, "erased x\n");
}

/* C3. */
static void abbreviations_are_refused(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught flag = CREATE("F", "-s1K", "--forc");
    assert_usage(&flag, "demo: --forc: unknown option (did you mean '--force'?); "
                        "see 'demo vault create --help'\n");
    CLEANUP_CAUGHT struct caught apart = CREATE("F", "-s1K", "--lab", "x");
    assert_usage(&apart, "demo: --lab: unknown option (did you mean '--label'?); "
                         "see 'demo vault create --help'\n");
    CLEANUP_CAUGHT struct caught inlined = CREATE("F", "-s1K", "--la=x");
    assert_usage(&inlined, "demo: --la: unknown option (did you mean '--label'?); "
                           "see 'demo vault create --help'\n");
    CLEANUP_CAUGHT struct caught ambiguous = CREATE("F", "-s1K", "--s");
    assert_int_equal(ambiguous.status, CLI_EXIT_USAGE);
    assert_contains(ambiguous.err, "demo: --s: unknown option");
}

/* C4. */
static void a_noun_may_have_a_default_verb(void **state)
{
    (void)state;
    fake_time = (struct timespec){.tv_sec = 1900000000};
    CLEANUP_CAUGHT struct caught list = RUN("events", "--since", "1D");
    assert_string_equal(list.out, "events since 2030-03-16T17:46:40.000Z\n");
    CLEANUP_CAUGHT struct caught plain = RUN("events");
    assert_string_equal(plain.out, "events since 1970-01-01T00:00:00.000Z\n");
    CLEANUP_CAUGHT struct caught verb = RUN("events", "--json", "test", "x");
    assert_string_equal(verb.out, "tested x\n");
    CLEANUP_CAUGHT struct caught both = RUN("events", "--since", "1D", "test");
    assert_usage(&both, "demo: test: unexpected argument; see 'demo events --help'\n");
    CLEANUP_CAUGHT struct caught wrong = RUN("events", "tset");
    assert_usage(&wrong,
                 "demo: tset: unknown command (did you mean 'test'?); see 'demo events --help'\n");
}

/* C5. */
static void an_option_is_given_once(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught twice = CREATE("F", "--size", "1K", "-s", "1K");
    assert_usage(&twice, "demo: --size: given more than once; see 'demo vault create --help'\n");
    CLEANUP_CAUGHT struct caught flags = CREATE("F", "-s1K",
                                                "-ffffffffffffffffffffffffffffffff"
                                                "ffffffffffffffffffffffffffffffff"
                                                "ffffffffffffffffffffffffffffffff"
                                                "ffffffffffffffffffffffffffffffff"
                                                "ffffffffffffffffffffffffffffffff"
                                                "ffffffffffffffffffffffffffffffff"
                                                "ffffffffffffffffffffffffffffffff"
                                                "ffffffffffffffffffffffffffffffff"
                                                "ffffffffffffffffffffffffffffffff"
                                                "ffffffffffffffffffffffffffffffff"
                                                "ffffffffffffffffffffffffffffffff"
                                                "ffffffffffffffffffffffffffffffff"
                                                "ffffffffffffffffffffffffffffffff"
                                                "ffffffffffffffffffffffffffffffff");
    assert_contains(flags.out, "force=1");
}

/* C6. */
static void options_of_a_group_exclude_each_other(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught none = RUN("vault", "revoke");
    assert_usage(&none, "demo: vault revoke: --serial or --cert is missing; "
                        "see 'demo vault revoke --help'\n");
    CLEANUP_CAUGHT struct caught both = RUN("vault", "revoke", "--cert", "a", "--serial", "1");
    assert_usage(&both, "demo: vault revoke: --serial and --cert exclude each other; "
                        "see 'demo vault revoke --help'\n");
    CLEANUP_CAUGHT struct caught flags = RUN("vault", "revoke", "--cert", "a", "--slow", "--quick");
    assert_usage(&flags, "demo: vault revoke: --quick and --slow exclude each other; "
                         "see 'demo vault revoke --help'\n");
    CLEANUP_CAUGHT struct caught one = RUN("vault", "revoke", "--cert", "a", "--slow");
    assert_string_equal(one.out, "revoked\n");
}

/* C7. */
static void mistakes_are_told_with_the_nearest_name(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught near = RUN("evnts");
    assert_usage(&near, "demo: evnts: unknown command (did you mean 'events'?); "
                        "see 'demo --help'\n");
    CLEANUP_CAUGHT struct caught swapped = RUN("fial");
    assert_contains(swapped.err, "did you mean 'fail'?");
    CLEANUP_CAUGHT struct caught far = RUN("replicate");
    assert_usage(&far, "demo: replicate: unknown command; see 'demo --help'\n");
    CLEANUP_CAUGHT struct caught option = CREATE("F", "--sze=1K");
    assert_usage(&option, "demo: --sze: unknown option (did you mean '--size'?); "
                          "see 'demo vault create --help'\n");
    CLEANUP_CAUGHT struct caught letter = CREATE("F", "-x");
    assert_usage(&letter, "demo: -x: unknown option; see 'demo vault create --help'\n");
    CLEANUP_CAUGHT struct caught empty = RUN("");
    assert_usage(&empty, "demo: unknown command; see 'demo --help'\n");
}

static void incomplete_command_lines_are_refused(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught verb = RUN("vault");
    assert_usage(&verb, "demo: vault: a command is missing; see 'demo vault --help'\n");
    CLEANUP_CAUGHT struct caught tool = RUN("--progress=never");
    assert_usage(&tool, "demo: a command is missing; see 'demo --help'\n");
    CLEANUP_CAUGHT struct caught argument = CREATE("-s1K");
    assert_usage(&argument,
                 "demo: vault create: FILE is missing; see 'demo vault create --help'\n");
    CLEANUP_CAUGHT struct caught option = CREATE("F");
    assert_usage(&option,
                 "demo: vault create: --size is missing; see 'demo vault create --help'\n");
    CLEANUP_CAUGHT struct caught value = CREATE("F", "--size");
    assert_usage(&value, "demo: --size: a value is missing; see 'demo vault create --help'\n");
    CLEANUP_CAUGHT struct caught short_value = CREATE("F", "-s");
    assert_usage(&short_value, "demo: -s: a value is missing; see 'demo vault create --help'\n");
    CLEANUP_CAUGHT struct caught flag = CREATE("F", "-s1K", "--force=yes");
    assert_usage(&flag, "demo: --force: takes no value; see 'demo vault create --help'\n");
    CLEANUP_CAUGHT struct caught extra = RUN("vault", "erase", "a", "b");
    assert_usage(&extra, "demo: b: unexpected argument; see 'demo vault erase --help'\n");
}

static void values_out_of_range_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *option;
        const char *why;
    } cases[] = {
        {"--size=10Q", "--size: '10Q' is not a size such as 4096, 512K, 100M or 2T"},
        {"--size=511", "--size: '511' must be from 512 to 1T"},
        {"--size=2T", "--size: '2T' must be from 512 to 1T"},
        {"--size=99999999T", "--size: '99999999T' is too large"},
        {"--count=6", "--count: '6' must be from -5 to 5"},
        {"--count=-6", "--count: '-6' must be from -5 to 5"},
        {"--count=1x", "--count: '1x' is not a number"},
        {"--count=", "--count: '' is not a number"},
        {"--count=9223372036854775808", "--count: '9223372036854775808' is too large"},
        {"--keep=5", "--keep: '5' is not a duration such as 90s, 15m, 6h, 30D, 6W, 2M or 1Y"},
        {"--mode=slow", "--mode: 'slow' must be fast or safe"},
        {"--mode=fas", "--mode: 'fas' must be fast or safe"},
        {"--pin=", "--pin: '' is empty"},
        {"--store=", "--store: '' is empty"},
        {"--timeout=0s", "--timeout: '0s' must be from 1s to 100Y"},
        {"--progress=often", "--progress: 'often' must be auto, always or never"},
        {"--at=now", "--at: 'now' is not a time such as 2030-01-31T12:00:00Z or @1900000000"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char line[300];
        (void)snprintf(line, sizeof(line), "demo: %s; see 'demo vault create --help'\n",
                       cases[i].why);
        CLEANUP_CAUGHT struct caught caught = CREATE("F", cases[i].option);
        assert_usage(&caught, line);
    }
}

static void failures_are_one_line_told_once(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught told = RUN("fail", "vol1");
    assert_string_equal(told.err, "demo: vol1: wrong key\n");
    assert_string_equal(told.out, "");
    assert_int_equal(told.status, CLI_EXIT_FAILED);
    CLEANUP_CAUGHT struct caught untold = RUN("fail", "--how", "untold");
    assert_string_equal(untold.err, "demo: fail: the data is damaged or forged\n");
    assert_int_equal(untold.status, CLI_EXIT_FAILED);
    CLEANUP_CAUGHT struct caught twice = RUN("fail", "--how", "twice", "x");
    assert_string_equal(twice.err, "demo: x: first reason\n");
    CLEANUP_CAUGHT struct caught usage = RUN("fail", "--how", "usage");
    assert_usage(&usage, "demo: --volume: goes with --keymgr only; see 'demo fail --help'\n");
    CLEANUP_CAUGHT struct caught warned = RUN("fail", "--how=warn", "x");
    assert_string_equal(warned.err, "demo: warning: x: odd\n");
    assert_int_equal(warned.status, 0);
}

/* R3. */
static void with_json_errors_are_documents_too(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught told = RUN("fail", "vol1", "--json");
    assert_string_equal(told.err, "demo: vol1: wrong key\n");
    assert_string_equal(told.out, "{\n  \"error\": {\n    \"code\": \"denied\",\n"
                                  "    \"message\": \"wrong key\",\n"
                                  "    \"object\": \"vol1\"\n  }\n}\n");
    CLEANUP_CAUGHT struct caught untold = RUN("fail", "--how", "untold", "--json");
    assert_contains(untold.out, "\"object\": null");
    assert_contains(untold.out, "\"code\": \"corrupt\"");
    CLEANUP_CAUGHT struct caught usage = RUN("evnts", "--json");
    assert_contains(usage.out, "\"code\": \"usage\"");
    assert_contains(usage.out, "\"object\": \"evnts\"");
    assert_string_equal(usage.err, "demo: evnts: unknown command (did you mean 'events'?); "
                                   "see 'demo --help'\n");
    assert_int_equal(usage.status, CLI_EXIT_USAGE);
    CLEANUP_CAUGHT struct caught behind = RUN("fail", "--", "--json");
    assert_string_equal(behind.out, "");
}

static void a_verdict_is_the_only_document(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught caught = RUN("fail", "peer", "--how=verdict", "--json");
    assert_string_equal(caught.out, "{\n  \"verdict\": \"deny\"\n}\n");
    assert_string_equal(caught.err, "demo: peer: revoked\n");
    assert_int_equal(caught.status, CLI_EXIT_FAILED);
}

/* R5. */
static void errors_cannot_speak_to_the_terminal(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught object = RUN("fail", "x\x1b[2J\nforged: line");
    assert_string_equal(object.err, "demo: x\\x1b[2J\\x0aforged: line: wrong key\n");
    CLEANUP_CAUGHT struct caught command = RUN("\x1b[31m");
    assert_string_equal(command.err, "demo: \\x1b[31m: unknown command; see 'demo --help'\n");
    CLEANUP_CAUGHT struct caught value = CREATE("F", "--size=\x1b\xff");
    assert_contains(value.err, "demo: --size: '\\x1b\\xff' is not a size");
    CLEANUP_CAUGHT struct caught json = RUN("fail", "\xff", "--json");
    assert_contains(json.out, "\"object\": \"\xef\xbf\xbd\"");
}

static void the_deadline_is_told(void **state)
{
    (void)state;
    fake_monotonic_ns = 5000000000;
    struct cli cli = demo_context(stdout, stderr);
    uint64_t left_ns = 0;
    assert_int_equal(cli_time_left(&cli, &left_ns), 0);
    assert_true(left_ns == CLI_NO_DEADLINE);
    assert_int_equal(cli_poll_timeout(&cli), -1);

    char *words[] = {(char *)"demo", (char *)"flood", (char *)"--timeout", (char *)"2s", NULL};
    assert_int_equal(cli_parse(&cli, 4, words), 0);
    free(cli.values);
    free(cli.arguments);
    assert_int_equal(cli_time_left(&cli, &left_ns), 0);
    assert_int_equal(left_ns, 2000000000);
    fake_monotonic_ns += 1999999999;
    assert_int_equal(cli_time_left(&cli, &left_ns), 0);
    assert_int_equal(cli_poll_timeout(&cli), 1); /* rounded up: 0 would spin */
    fake_monotonic_ns += 1;
    assert_int_equal(cli_time_left(&cli, &left_ns), COMMON_ERR_TIMEOUT);
    assert_int_equal(left_ns, 0);
    assert_int_equal(cli_poll_timeout(&cli), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_parsed_and_the_rest_has_its_fallback),
        cmocka_unit_test(options_and_arguments_mix_until_two_dashes),
        cmocka_unit_test(common_options_may_stand_before_the_noun),
        cmocka_unit_test(abbreviations_are_refused),
        cmocka_unit_test(a_noun_may_have_a_default_verb),
        cmocka_unit_test(an_option_is_given_once),
        cmocka_unit_test(options_of_a_group_exclude_each_other),
        cmocka_unit_test(mistakes_are_told_with_the_nearest_name),
        cmocka_unit_test(incomplete_command_lines_are_refused),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(failures_are_one_line_told_once),
        cmocka_unit_test(with_json_errors_are_documents_too),
        cmocka_unit_test(a_verdict_is_the_only_document),
        cmocka_unit_test(errors_cannot_speak_to_the_terminal),
        cmocka_unit_test(the_deadline_is_told),
    };
    return cmocka_run_group_tests_name("cli_command", tests, NULL, NULL);
}
