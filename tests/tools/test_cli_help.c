/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tests/tools/cli_fixture.h"
#include "tests/tools/demo_tree.h"

#include <string.h>

static void the_help_of_a_command_says_it_all(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught caught = RUN("vault", "create", "--help");
    assert_int_equal(caught.status, 0);
    assert_string_equal(caught.err, "");
    assert_string_equal(
        caught.out,
        "Usage: demo vault create FILE [MORE...] --size N [options]\n"
        "\n"
        "make a new vault\n"
        "\n"
        "The first paragraph is long enough that it has to be broken into more than one\n"
        "line of eighty columns.\n"
        "\n"
        "The second one is short.\n"
        "\n"
        "Arguments:\n"
        "  FILE                    where it goes\n"
        "  MORE                    and more\n"
        "\n"
        "Options:\n"
        "  -s, --size N            size of the vault (required)\n"
        "      --count N           how many (default: 3)\n"
        "      --keep D            how long (default: 1h)\n"
        "      --mode fast|safe    how careful (default: safe)\n"
        "      --at TIME           when\n"
        "      --label TEXT        a name\n"
        "      --pin F             a certificate to trust, of which there may be any\n"
        "                          number given here (may be repeated)\n"
        "  -f, --force             go on all the same\n"
        "\n"
        "Common options:\n"
        "  -h, --help              print this help\n"
        "  -V, --version           print the version and what is inside\n"
        "      --json              print one JSON document\n"
        "      --store DIR         where state lives; else $STRONGROOM_STORE, else the\n"
        "                          default of the user\n"
        "      --timeout D         give up after this long: 90s, 5m, 1h\n"
        "      --progress auto|always|never\n"
        "                          show the progress of long work (default: auto)\n");
}

static void the_help_of_a_noun_lists_its_verbs(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught tool = RUN("--help");
    assert_non_null(strstr(tool.out, "Usage: demo COMMAND [options]\n\na tool for tests\n\n"
                                     "Commands:\n  vault                   vaults\n"));
    assert_int_equal(tool.status, 0);
    CLEANUP_CAUGHT struct caught events = RUN("events", "-h");
    assert_non_null(strstr(events.out, "Usage: demo events [options]\n"
                                       "       demo events COMMAND [options]\n"));
    CLEANUP_CAUGHT struct caught before = RUN("--help", "vault", "erase");
    assert_non_null(strstr(before.out, "Usage: demo vault erase FILE [options]\n"));
    assert_non_null(strstr(before.out, "--yes"));
    CLEANUP_CAUGHT struct caught group = RUN("vault", "revoke", "--help");
    assert_non_null(
        strstr(group.out, "Usage: demo vault revoke (--serial HEX | --cert F) [options]\n"));
}

static void help_at_every_level_keeps_to_80_columns(void **state)
{
    (void)state;
    static const char *const paths[][3] = {
        {"--help"},
        {"vault", "--help"},
        {"vault", "create", "--help"},
        {"vault", "erase", "--help"},
        {"vault", "revoke", "--help"},
        {"events", "--help"},
        {"events", "test", "--help"},
        {"fail", "--help"},
        {"wait", "--help"},
        {"store", "--help"},
    };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        CLEANUP_CAUGHT struct caught caught = RUN(paths[i][0], paths[i][1], paths[i][2]);
        assert_int_equal(caught.status, 0);
        assert_true(caught.out_len > 0);
        for (const char *line = caught.out; *line != '\0'; line = strchr(line, '\n') + 1) {
            size_t len = strcspn(line, "\n");
            if (len > 80 || (len > 0 && line[len - 1] == ' '))
                fail_msg("'%.*s'", (int)len, line);
        }
    }
}

static void without_arguments_help_is_an_error(void **state)
{
    (void)state;
    static const char *const words[] = {"demo", NULL};
    CLEANUP_CAUGHT struct caught caught = run_demo(words);
    assert_int_equal(caught.status, CLI_EXIT_USAGE);
    assert_string_equal(caught.out, "");
    assert_non_null(strstr(caught.err, "Usage: demo COMMAND [options]\n"));
}

static void the_version_names_what_is_inside(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught plain = RUN("--version");
    assert_string_equal(plain.out, "demo (Strongroom) 9.8.7\n  libdemo 1.2.3 (static)\n");
    assert_int_equal(plain.status, 0);
    CLEANUP_CAUGHT struct caught below = RUN("vault", "create", "-V");
    assert_string_equal(below.out, plain.out);
    CLEANUP_CAUGHT struct caught json = RUN("--version", "--json");
    assert_string_equal(json.out, "{\n  \"tool\": \"demo\",\n  \"version\": \"9.8.7\",\n"
                                  "  \"components\": [\n    {\n      \"name\": \"libdemo\",\n"
                                  "      \"version\": \"1.2.3\",\n"
                                  "      \"linkage\": \"static\"\n    }\n  ]\n}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_help_of_a_command_says_it_all),
        cmocka_unit_test(the_help_of_a_noun_lists_its_verbs),
        cmocka_unit_test(help_at_every_level_keeps_to_80_columns),
        cmocka_unit_test(without_arguments_help_is_an_error),
        cmocka_unit_test(the_version_names_what_is_inside),
    };
    return cmocka_run_group_tests_name("cli_help", tests, NULL, NULL);
}
