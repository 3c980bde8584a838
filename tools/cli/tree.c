/* SPDX-License-Identifier: Apache-2.0 */
/* cli_command_check(): what a table must be for the parser and the help to be right. */
#include "tools/cli/cli.h"

#include <string.h>

struct check {
    char *why;
    size_t why_size;
};

static int complain(struct check *check, const struct cli_command *command, const char *object,
                    const char *what)
{
    (void)snprintf(check->why, check->why_size, "%s: %s %s", command->name, object, what);
    return COMMON_ERR_INVALID;
}

static bool is_name(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    return *text != '\0' && *text != '-' && text[strspn(text, allowed)] == '\0';
}

/* A phrase without a full stop; three dots would be one. */
static bool is_phrase(const char *text)
{
    return text && *text != '\0' && text[strlen(text) - 1] != '.' && strlen(text) < 200;
}

static int check_value(struct check *check, const struct cli_command *command,
                       const struct cli_option *option)
{
    static const struct cli context = {.deadline_ns = CLI_NO_DEADLINE};
    struct cli_value value;
    char why[CLI_WHY_SIZE];
    if (option->type == CLI_WORD && (!option->words || !option->words[0]))
        return complain(check, command, option->name, "has no words");
    if (option->type != CLI_FLAG && option->type != CLI_WORD && !option->value_name)
        return complain(check, command, option->name, "has no value name");
    if (option->type == CLI_FLAG && (option->fallback || (option->flags && !option->group)))
        return complain(check, command, option->name, "is a flag: no fallback, not required");
    if (option->min > option->max)
        return complain(check, command, option->name, "has its bounds the wrong way round");
    if (option->min < 0 && option->type != CLI_INTEGER)
        return complain(check, command, option->name, "cannot be negative");
    if (!option->fallback)
        return 0;
    if (option->flags)
        return complain(check, command, option->name, "is required or repeatable: no fallback");
    if (option->type == CLI_SINCE)
        return complain(check, command, option->name, "counts from now: no fallback");
    if (cli_value_parse(&context, &value, why, option, option->fallback))
        return complain(check, command, option->name, "has a fallback that does not parse");
    return 0;
}

static int check_option(struct check *check, const struct cli_command *command,
                        const struct cli_option *option)
{
    if (!is_name(option->name) || strlen(option->name) > 40)
        return complain(check, command, option->name, "is not a name");
    if (!is_phrase(option->summary))
        return complain(check, command, option->name, "has no summary, or one with a full stop");
    if (cli_option_find(cli_common_options, option->name) ||
        cli_option_find(cli_yes_option, option->name))
        return complain(check, command, option->name, "is an option of every command");
    if (cli_option_find(command->options, option->name) != option)
        return complain(check, command, option->name, "is there twice");
    if (option->letter != 0 && !is_name((const char[]){option->letter, '\0'}))
        return complain(check, command, option->name, "has no proper letter");
    for (const struct cli_option *o = command->options; option->letter && o != option; o++) {
        if (o->letter == option->letter)
            return complain(check, command, option->name, "has the letter of another");
    }
    if (option->letter == 'h' || option->letter == 'V')
        return complain(check, command, option->name, "has the letter of a common option");
    return check_value(check, command, option);
}

static int check_arguments(struct check *check, const struct cli_command *command)
{
    const struct cli_argument *argument = command->arguments;
    bool is_optional = false;
    for (; argument && argument->name; argument++) {
        if (!is_phrase(argument->summary))
            return complain(check, command, argument->name,
                            "has no summary, or one with a full stop");
        if (is_optional && !argument->is_optional)
            return complain(check, command, argument->name, "is required after an optional one");
        if (argument->is_repeated && argument[1].name)
            return complain(check, command, argument->name, "is repeated and not the last");
        is_optional = argument->is_optional;
    }
    return 0;
}

static int check_command(struct check *check, const struct cli_command *command, size_t depth)
{
    enum {
        MAX_OWN_OPTIONS = 48
    };
    if (!is_name(command->name))
        return complain(check, command, "the command", "has no proper name");
    if (!is_phrase(command->summary))
        return complain(check, command, "the command", "has no summary, or one with a full stop");
    if (!command->run && (!command->commands || !command->commands[0]))
        return complain(check, command, "the command", "can do nothing");
    if (!command->run && (command->options || command->arguments))
        return complain(check, command, "the command", "has options that nobody reads");
    if (depth > CLI_MAX_DEPTH)
        return complain(check, command, "the command", "is too deep");

    size_t num_options = 0;
    for (const struct cli_option *o = command->options; o && o->name; o++, num_options++) {
        int error = check_option(check, command, o);
        if (error)
            return error;
    }
    if (num_options > MAX_OWN_OPTIONS)
        return complain(check, command, "the command", "has too many options");
    int error = check_arguments(check, command);
    for (size_t i = 0; !error && command->commands && command->commands[i]; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(command->commands[i]->name, command->commands[j]->name) == 0)
                return complain(check, command, command->commands[i]->name, "is there twice");
        }
        error = check_command(check, command->commands[i], depth + 1);
    }
    return error;
}

int cli_command_check(char *why, size_t why_size, const struct cli_command *root)
{
    struct check check = {.why = why, .why_size = why_size};
    why[0] = '\0';
    return check_command(&check, root, 1);
}
