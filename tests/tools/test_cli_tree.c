/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tests/tools/demo_tree.h"

#include <string.h>

static int run(struct cli *cli)
{
    (void)cli;
    return 0;
}

static void assert_refused(const struct cli_command *command, const char *part)
{
    char why[200];
    assert_int_equal(cli_command_check(why, sizeof(why), command), COMMON_ERR_INVALID);
    if (!strstr(why, part))
        fail_msg("'%s' is not in: %s", part, why);
}

static void a_sound_table_passes(void **state)
{
    (void)state;
    char why[200] = "x";
    if (cli_command_check(why, sizeof(why), demo_tool.root))
        fail_msg("%s", why);
    assert_string_equal(why, "");
}

static void assert_options_refused(const struct cli_option *options, const char *part)
{
    struct cli_command command = {.name = "x", .summary = "x", .run = run, .options = options};
    assert_refused(&command, part);
}

static void assert_arguments_refused(const struct cli_argument *arguments, const char *part)
{
    struct cli_command command = {.name = "x", .summary = "x", .run = run, .arguments = arguments};
    assert_refused(&command, part);
}

#define OPTION(...) ((const struct cli_option[]){{__VA_ARGS__}, {0}})
#define OPTIONS(...) ((const struct cli_option[]){__VA_ARGS__, {0}})
#define ARGUMENTS(...) ((const struct cli_argument[]){__VA_ARGS__, {0}})

static void unsound_options_are_found(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    assert_options_refused(OPTION(.name = "Big", .summary = "x"), "not a name");
    assert_options_refused(OPTION(.name = "-x", .summary = "x"), "not a name");
    assert_options_refused(OPTION(.name = "x"), "no summary");
    assert_options_refused(OPTION(.name = "x", .summary = "Done."), "full stop");
    assert_options_refused(OPTION(.name = "json", .summary = "x"), "of every command");
    assert_options_refused(OPTION(.name = "yes", .summary = "x"), "of every command");
    assert_options_refused(OPTION(.name = "x", .summary = "x", .letter = 'h'), "common option");
    assert_options_refused(OPTION(.name = "x", .summary = "x", .type = CLI_SIZE), "value name");
    assert_options_refused(OPTION(.name = "x", .summary = "x", .type = CLI_WORD), "no words");
    assert_options_refused(OPTION(.name = "x", .summary = "x", .type = CLI_WORD, .words = none),
                           "no words");
    assert_options_refused(OPTION(.name = "x", .summary = "x", .flags = CLI_REQUIRED), "is a flag");
    assert_options_refused(
        OPTION(.name = "x", .summary = "x", .type = CLI_SIZE, .value_name = "N", .fallback = "1Q"),
        "does not parse");
    assert_options_refused(OPTION(.name = "x", .summary = "x", .type = CLI_SIZE, .value_name = "N",
                                  .fallback = "1", .min = 2, .max = 3),
                           "does not parse");
    assert_options_refused(OPTION(.name = "x", .summary = "x", .type = CLI_SIZE, .value_name = "N",
                                  .fallback = "1", .flags = CLI_REQUIRED),
                           "no fallback");
    assert_options_refused(
        OPTION(.name = "x", .summary = "x", .type = CLI_SINCE, .value_name = "T", .fallback = "1h"),
        "no fallback");
    assert_options_refused(OPTION(.name = "x", .summary = "x", .type = CLI_SIZE, .value_name = "N",
                                  .min = 3, .max = 2),
                           "wrong way");
    assert_options_refused(OPTION(.name = "x", .summary = "x", .type = CLI_SIZE, .value_name = "N",
                                  .min = -3, .max = 2),
                           "negative");
    assert_options_refused(OPTIONS({.name = "x", .summary = "x"}, {.name = "x", .summary = "y"}),
                           "twice");
    assert_options_refused(OPTIONS({.name = "x", .summary = "x", .letter = 'x'},
                                   {.name = "y", .summary = "y", .letter = 'x'}),
                           "letter of another");
}

static void unsound_arguments_are_found(void **state)
{
    (void)state;
    assert_arguments_refused(ARGUMENTS({.name = "A"}), "no summary");
    assert_arguments_refused(ARGUMENTS({.name = "A", .summary = "x", .is_optional = true},
                                       {.name = "B", .summary = "x"}),
                             "after an optional");
    assert_arguments_refused(ARGUMENTS({.name = "A", .summary = "x", .is_repeated = true},
                                       {.name = "B", .summary = "x"}),
                             "not the last");
}

static void unsound_commands_are_found(void **state)
{
    (void)state;
    static const struct cli_command leaf = {.name = "leaf", .summary = "x", .run = run};
    static const struct cli_command *const twice[] = {&leaf, &leaf, NULL};
    static const struct cli_command *const none[] = {NULL};
    static const struct cli_command bad = {.name = "bad"};
    static const struct cli_command *const deep[] = {&bad, NULL};
    static const struct cli_argument argument[] = {{.name = "A", .summary = "x"}, {0}};
    assert_refused(&(const struct cli_command){.name = "x", .run = run}, "no summary");
    assert_refused(&(const struct cli_command){.name = "", .summary = "x", .run = run}, "name");
    assert_refused(&(const struct cli_command){.name = "x", .summary = "x"}, "do nothing");
    assert_refused(&(const struct cli_command){.name = "x", .summary = "x", .commands = none},
                   "do nothing");
    assert_refused(&(const struct cli_command){.name = "x", .summary = "x", .commands = twice},
                   "leaf is there twice");
    assert_refused(&(const struct cli_command){.name = "x", .summary = "x", .commands = deep},
                   "bad: ");
    assert_refused(
        &(const struct cli_command){
            .name = "x", .summary = "x", .commands = twice, .arguments = argument},
        "nobody reads");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_table_passes),
        cmocka_unit_test(unsound_options_are_found),
        cmocka_unit_test(unsound_arguments_are_found),
        cmocka_unit_test(unsound_commands_are_found),
    };
    return cmocka_run_group_tests_name("cli_tree", tests, NULL, NULL);
}
