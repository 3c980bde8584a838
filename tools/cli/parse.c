/* SPDX-License-Identifier: Apache-2.0 */
/* The parser of tools/cli/command.h, rules C1-C7. */
#include "tools/cli/cli.h"
#include "tools/cli/nearest.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_OPTIONS = 64,
    FIRST_LONG = 256 /* above all letters */
};

/* One level of the tree: the options that hold there, as getopt_long(3) wants them. */
struct level {
    const struct cli_option *options[MAX_OPTIONS];
    size_t num_options;
    size_t num_common; /* the first ones */
    struct option longs[MAX_OPTIONS + 1];
    char letters[2 * MAX_OPTIONS + 3];
    bool is_begun; /* an option of its own or an argument came: C4 */
};

static void add_options(struct level *level, const struct cli_option *options)
{
    for (; options && options->name && level->num_options < MAX_OPTIONS; options++) {
        size_t i = level->num_options++;
        bool is_flag = options->type == CLI_FLAG;
        level->options[i] = options;
        level->longs[i] = (struct option){
            .name = options->name,
            .has_arg = is_flag ? no_argument : required_argument,
            .val = FIRST_LONG + (int)i,
        };
        if (options->letter == 0)
            continue;
        size_t len = strlen(level->letters);
        level->letters[len] = options->letter;
        level->letters[len + 1] = is_flag ? '\0' : ':';
    }
}

/* '-' hands out words in their order, whatever POSIXLY_CORRECT says; ':' tells a missing value from
 * an unknown option. */
static struct level level_of(const struct cli_command *command)
{
    struct level level = {.letters = "-:"};
    add_options(&level, cli_common_options);
    if (command->confirms)
        add_options(&level, cli_yes_option);
    level.num_common = level.num_options;
    add_options(&level, command->options);
    return level;
}

static const struct cli_command *current(const struct cli *cli)
{
    return cli->path[cli->depth - 1];
}

/* `--size` or `-s`, as the option at hand was typed. */
static const char *typed_as(char out[MAX_OPTIONS], const struct level *level, int code)
{
    if (code >= FIRST_LONG)
        (void)snprintf(out, MAX_OPTIONS, "--%s", level->options[code - FIRST_LONG]->name);
    else
        (void)snprintf(out, MAX_OPTIONS, "-%c", code);
    return out;
}

static int unknown_option(struct cli *cli, const struct level *level, const char *typed)
{
    char name[MAX_OPTIONS];
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(typed, "="), typed);
    struct cli_nearest nearest = {0};
    for (size_t i = 0; i < level->num_options && strncmp(name, "--", 2) == 0; i++) {
        const char *candidate = level->options[i]->name;
        cli_nearest_offer(&nearest, name + 2, candidate);
        if (!nearest.name && name[2] != '\0' && strstr(candidate, name + 2) == candidate)
            nearest.name = candidate; /* C3: an abbreviation */
    }
    if (nearest.name)
        return cli_usage(cli, name, "unknown option (did you mean '--%s'?)", nearest.name);
    return cli_usage(cli, name, "unknown option");
}

/* C3: getopt_long(3) would take a part of the name too. The word with the option is the last one
 * that was consumed, or the last but one where the value was a word of its own. */
static bool is_typed_in_full(const struct cli_option *option, char *const *argv)
{
    const char *word = argv[optind - 1];
    if (option->type != CLI_FLAG && optarg == word)
        word = argv[optind - 2];
    return strcspn(word + 2, "=") == strlen(option->name);
}

static const struct cli_value *find_value(const struct cli *cli, const struct cli_option *option)
{
    for (size_t i = 0; i < cli->num_values; i++) {
        if (cli->values[i].option == option)
            return &cli->values[i];
    }
    return NULL;
}

static void take_common(struct cli *cli, const struct cli_value *value)
{
    const char *name = value->option->name;
    if (strcmp(name, "help") == 0)
        cli->help = true;
    else if (strcmp(name, "version") == 0)
        cli->version = true;
    else if (strcmp(name, "json") == 0)
        cli->json = true;
    else if (strcmp(name, "yes") == 0)
        cli->yes = true;
    else if (strcmp(name, "store") == 0)
        cli->store = value->text;
    else if (strcmp(name, "timeout") == 0)
        cli->deadline_ns = cli_monotonic_ns(cli) + value->amount * 1000000000;
    else if (strcmp(name, "progress") == 0)
        cli->progress = (enum cli_progress_mode)value->integer;
}

static int take_option(struct cli *cli, struct level *level, size_t index, const char *text)
{
    if (index >= level->num_options)
        return COMMON_ERR_INTERNAL;
    const struct cli_option *option = level->options[index];
    char name[MAX_OPTIONS];
    typed_as(name, level, FIRST_LONG + (int)index);
    if (option->type == CLI_FLAG && find_value(cli, option))
        return 0; /* C5; values has room for each flag once, not for all of -vvvv */
    if (!(option->flags & CLI_REPEATABLE) && find_value(cli, option))
        return cli_usage(cli, name, "given more than once");

    struct cli_value value;
    char why[CLI_WHY_SIZE];
    if (cli_value_parse(cli, &value, why, option, text))
        return cli_usage(cli, name, "'%s' %s", text, why);
    cli->values[cli->num_values++] = value;
    if (index < level->num_common)
        take_common(cli, &value);
    else
        level->is_begun = true;
    return 0;
}

static size_t index_of_letter(const struct level *level, int letter)
{
    size_t i = 0;
    while (i < level->num_options && level->options[i]->letter != letter)
        i++;
    return i;
}

static const struct cli_command *find_command(const struct cli_command *command, const char *word,
                                              struct cli_nearest *nearest)
{
    for (size_t i = 0; command->commands && command->commands[i]; i++) {
        if (strcmp(command->commands[i]->name, word) == 0)
            return command->commands[i];
        cli_nearest_offer(nearest, word, command->commands[i]->name);
    }
    return NULL;
}

static int take_argument(struct cli *cli, struct level *level, const char *word)
{
    const struct cli_argument *argument = current(cli)->arguments;
    size_t index = 0;
    while (argument && argument->name && !argument->is_repeated && index < cli->num_arguments) {
        argument++;
        index++;
    }
    if (!argument || !argument->name)
        return cli_usage(cli, word, "unexpected argument");
    level->is_begun = true;
    cli->arguments[cli->num_arguments++] = word;
    return 0;
}

/* A word that is no option: a command that leads down the tree (*descended), or an argument. */
static int take_word(struct cli *cli, struct level *level, bool *descended, const char *word)
{
    const struct cli_command *command = current(cli);
    if (!command->commands || level->is_begun)
        return take_argument(cli, level, word);
    struct cli_nearest nearest = {0};
    const struct cli_command *found = find_command(command, word, &nearest);
    if (found && cli->depth < CLI_MAX_DEPTH) {
        cli->path[cli->depth++] = found;
        *descended = true;
        return 0;
    }
    if (command->run && command->arguments)
        return take_argument(cli, level, word);
    if (nearest.name)
        return cli_usage(cli, word, "unknown command (did you mean '%s'?)", nearest.name);
    return cli_usage(cli, word, "unknown command");
}

/* Parses from the word at argv[0], which named this level. *next is the index of the word that
 * leads to the level below, 0 if there is none. */
static int parse_level(struct cli *cli, size_t *next, int argc, char **argv)
{
    struct level level = level_of(current(cli));
    char name[MAX_OPTIONS];
    bool descended = false;
    int code = 0;
    int error = 0;
    opterr = 0;
    optind = 0; /* glibc: begin anew */
    /* The state of getopt_long(3) is why cli_parse() is for one thread. */
    /* NOLINTNEXTLINE(concurrency-mt-unsafe) */
    while (!error && (code = getopt_long(argc, argv, level.letters, level.longs, NULL)) != -1) {
        if (code == 1) {
            error = take_word(cli, &level, &descended, optarg);
            if (descended) {
                *next = (size_t)optind - 1;
                return 0;
            }
        } else if (code == ':') {
            error = cli_usage(cli, typed_as(name, &level, optopt), "a value is missing");
        } else if (code == '?' && optopt >= FIRST_LONG) {
            error = cli_usage(cli, typed_as(name, &level, optopt), "takes no value");
        } else if (code == '?' && optopt != 0) {
            error = unknown_option(cli, &level, typed_as(name, &level, optopt));
        } else if (code == '?') {
            error = unknown_option(cli, &level, argv[optind - 1]);
        } else if (code < FIRST_LONG) {
            error = take_option(cli, &level, index_of_letter(&level, code), optarg);
        } else if (is_typed_in_full(level.options[code - FIRST_LONG], argv)) {
            error = take_option(cli, &level, (size_t)(code - FIRST_LONG), optarg);
        } else {
            error = unknown_option(
                cli, &level, optarg == argv[optind - 1] ? argv[optind - 2] : argv[optind - 1]);
        }
    }
    for (; !error && optind < argc; optind++) /* C1: behind `--` */
        error = take_argument(cli, &level, argv[optind]);
    return error;
}

static int check_arguments(struct cli *cli)
{
    const struct cli_argument *argument = current(cli)->arguments;
    for (size_t i = 0; argument && argument->name; i++, argument++) {
        if (!argument->is_optional && i >= cli->num_arguments)
            return cli_usage(cli, NULL, "%s is missing", argument->name);
        if (argument->is_repeated)
            return 0;
    }
    return 0;
}

/* C6, seen from the first option of the group. */
static int check_group(struct cli *cli, const struct cli_option *first)
{
    const struct cli_option *found = NULL;
    bool is_required = false;
    char names[CLI_WHY_SIZE] = "";
    for (const struct cli_option *option = first; option->name; option++) {
        if (option->group != first->group)
            continue;
        is_required = is_required || (option->flags & CLI_REQUIRED);
        size_t len = strlen(names);
        (void)snprintf(names + len, sizeof(names) - len, "%s--%s", len ? " or " : "", option->name);
        if (!find_value(cli, option))
            continue;
        if (found)
            return cli_usage(cli, NULL, "--%s and --%s exclude each other", found->name,
                             option->name);
        found = option;
    }
    return found || !is_required ? 0 : cli_usage(cli, NULL, "%s is missing", names);
}

static bool is_first_of_group(const struct cli_option *options, const struct cli_option *option)
{
    while (options->group != option->group)
        options++;
    return options == option;
}

static int check_options(struct cli *cli)
{
    const struct cli_option *options = current(cli)->options;
    for (const struct cli_option *option = options; option && option->name; option++) {
        int error = 0;
        if (option->group != 0 && is_first_of_group(options, option))
            error = check_group(cli, option);
        else if (option->group == 0 && (option->flags & CLI_REQUIRED) && !find_value(cli, option))
            error = cli_usage(cli, NULL, "--%s is missing", option->name);
        if (error)
            return error;
    }
    return 0;
}

static int parse_words(struct cli *cli, int argc, char **argv)
{
    size_t next = 0;
    do {
        argc -= (int)next;
        argv += next;
        next = 0;
        int error = parse_level(cli, &next, argc, argv);
        if (error)
            return error;
    } while (next != 0);
    if (cli->help || cli->version)
        return 0;
    if (!current(cli)->run)
        return cli_usage(cli, NULL, "a command is missing");
    int error = check_arguments(cli);
    return error ? error : check_options(cli);
}

int cli_parse(struct cli *cli, int argc, char *const *argv)
{
    if (argc < 1)
        return cli_usage(cli, NULL, "a command is missing");
    /* A word is one argument at most, and one option with a value at most; flags come on top, each
     * once and several to a word. */
    size_t num = (size_t)argc + 1;
    cli->arguments = calloc(num, sizeof(*cli->arguments));
    cli->values = calloc(num + (size_t)MAX_OPTIONS * CLI_MAX_DEPTH, sizeof(*cli->values));
    if (!cli->arguments || !cli->values)
        return COMMON_ERR_NO_MEMORY;
    char **words = calloc(num, sizeof(*words)); /* getopt_long(3) wants to be able to write */
    if (!words)
        return COMMON_ERR_NO_MEMORY;
    memcpy(words, argv, (size_t)argc * sizeof(*words));
    int error = parse_words(cli, argc, words);
    free(words);
    /* What was guessed for the sake of mistakes gives way: --json may have been another option's
     * value. */
    if (!error)
        cli->json = find_value(cli, cli_option_find(cli_common_options, "json")) != NULL;
    return error;
}
