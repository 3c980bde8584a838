/* SPDX-License-Identifier: Apache-2.0 */
/* --help from the same table as the parser's, 80 columns wide. */
#include "tools/cli/cli.h"
#include "tools/cli/text.h"

#include <string.h>

enum {
    WIDTH = 80,
    SUMMARY_COLUMN = 26,
    LEFT_SIZE = 160,
    GROUP_SIZE = 320
};

/* Prints words, the first at `column`, and goes on at `indent` in the next line when one would go
 * beyond the width. Returns the column it ends at. */
static size_t put_words(FILE *to, const char *text, size_t column, size_t indent)
{
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        size_t width = cli_text_width(text, len);
        bool is_first = column <= indent;
        if (!is_first && column + 1 + width > WIDTH) {
            (void)fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!is_first) {
            (void)fputc(' ', to);
            column++;
        }
        (void)fwrite(text, 1, len, to);
        column += width;
        text += len;
        text += strspn(text, " ");
    }
    return column;
}

/* A line of a list: what it is on the left, the summary from SUMMARY_COLUMN on. */
static void put_entry(FILE *to, const char *left, const char *summary, const char *note)
{
    size_t left_width = cli_text_width(left, strlen(left));
    (void)fprintf(to, "  %s", left);
    if (left_width + 4 > SUMMARY_COLUMN)
        (void)fprintf(to, "\n%*s", SUMMARY_COLUMN, "");
    else
        (void)fprintf(to, "%*s", (int)(SUMMARY_COLUMN - 2 - left_width), "");
    size_t column = put_words(to, summary, SUMMARY_COLUMN, SUMMARY_COLUMN);
    (void)put_words(to, note, column, SUMMARY_COLUMN);
    (void)fputc('\n', to);
}

/* `--size N`, `--mode fast|safe`, `--force`. */
static void option_form(char out[LEFT_SIZE], const struct cli_option *option)
{
    size_t len = (size_t)snprintf(out, LEFT_SIZE, "--%s", option->name);
    if (option->type == CLI_FLAG || len >= LEFT_SIZE)
        return;
    if (option->type != CLI_WORD) {
        (void)snprintf(out + len, LEFT_SIZE - len, " %s",
                       option->value_name ? option->value_name : "VALUE");
        return;
    }
    for (size_t i = 0; option->words[i] && len < LEFT_SIZE; i++) {
        int n = snprintf(out + len, LEFT_SIZE - len, "%c%s", i == 0 ? ' ' : '|', option->words[i]);
        len += n > 0 ? (size_t)n : 0;
    }
}

/* The words of one element of the usage line stay together: it is printed as one. */
static size_t put_element(FILE *to, const char *element, size_t column, size_t indent)
{
    size_t width = cli_text_width(element, strlen(element));
    if (column > indent && column + 1 + width > WIDTH) {
        (void)fprintf(to, "\n%*s%s", (int)indent, "", element);
        return indent + width;
    }
    (void)fprintf(to, " %s", element);
    return column + 1 + width;
}

/* C6: `(--serial HEX | --cert F)`. */
static void group_form(char out[GROUP_SIZE], const struct cli_option *first)
{
    size_t len = (size_t)snprintf(out, GROUP_SIZE, "(");
    for (const struct cli_option *option = first; option->name; option++) {
        if (option->group != first->group)
            continue;
        char form[LEFT_SIZE];
        option_form(form, option);
        int n = snprintf(out + len, GROUP_SIZE - len, "%s%s", option == first ? "" : " | ", form);
        len += n > 0 ? (size_t)n : 0;
        if (len >= GROUP_SIZE)
            return;
    }
    (void)snprintf(out + len, GROUP_SIZE - len, ")");
}

/* A group is required when one of its options is; it is shown where its first option stands. */
static bool shows_in_usage(const struct cli_option *options, const struct cli_option *option)
{
    if (option->group == 0)
        return (option->flags & CLI_REQUIRED) != 0;
    bool is_required = false;
    const struct cli_option *first = NULL;
    for (; options->name; options++) {
        if (options->group != option->group)
            continue;
        first = first ? first : options;
        is_required = is_required || (options->flags & CLI_REQUIRED);
    }
    return is_required && first == option;
}

static void put_usage(FILE *to, const char *path, const struct cli_command *command)
{
    (void)fprintf(to, "Usage: %s", path);
    size_t indent = strlen("Usage: ") + strlen(path) + 1;
    if (indent > WIDTH / 2)
        indent = strlen("Usage: ");
    size_t column = strlen("Usage: ") + strlen(path);
    char element[GROUP_SIZE];

    for (const struct cli_argument *a = command->arguments; a && a->name; a++) {
        (void)snprintf(element, sizeof(element), "%s%s%s%s", a->is_optional ? "[" : "", a->name,
                       a->is_repeated ? "..." : "", a->is_optional ? "]" : "");
        column = put_element(to, element, column, indent);
    }
    for (const struct cli_option *o = command->options; o && o->name; o++) {
        if (!shows_in_usage(command->options, o))
            continue;
        if (o->group)
            group_form(element, o);
        else
            option_form(element, o);
        column = put_element(to, element, column, indent);
        if (o->flags & CLI_REPEATABLE)
            column = put_element(to, "...", column, indent);
    }
    (void)put_element(to, "[options]", column, indent);
    (void)fputc('\n', to);
}

static void put_option(FILE *to, const struct cli_option *option)
{
    char form[LEFT_SIZE];
    char left[LEFT_SIZE + 8];
    char note[LEFT_SIZE];
    option_form(form, option);
    if (option->letter)
        (void)snprintf(left, sizeof(left), "-%c, %s", option->letter, form);
    else
        (void)snprintf(left, sizeof(left), "    %s", form);
    (void)snprintf(note, sizeof(note), "%s%s%s%s%s",
                   (option->flags & CLI_REPEATABLE) ? "(may be repeated) " : "",
                   (option->flags & CLI_REQUIRED) && !option->group ? "(required) " : "",
                   option->fallback ? "(default: " : "", option->fallback ? option->fallback : "",
                   option->fallback ? ")" : "");
    put_entry(to, left, option->summary, note);
}

static void put_options(FILE *to, const char *title, const struct cli_option *options,
                        const struct cli_option *more)
{
    if (!options || !options->name)
        return;
    (void)fprintf(to, "\n%s:\n", title);
    for (; options->name; options++)
        put_option(to, options);
    for (; more && more->name; more++)
        put_option(to, more);
}

static void put_details(FILE *to, const char *details)
{
    while (details && *details != '\0') {
        char line[1024];
        size_t len = strcspn(details, "\n");
        (void)snprintf(line, sizeof(line), "%.*s", (int)len, details);
        (void)fputc('\n', to);
        (void)put_words(to, line, 0, 0);
        (void)fputc('\n', to);
        details += len + (details[len] == '\n');
    }
}

void cli_help_print(const struct cli *cli, FILE *to)
{
    const struct cli_command *command = cli->path[cli->depth - 1];
    char path[CLI_WHY_SIZE];
    cli_command_path(path, sizeof(path), cli, 0);

    if (command->run)
        put_usage(to, path, command);
    if (command->commands)
        (void)fprintf(to, "%s %s COMMAND [options]\n", command->run ? "      " : "Usage:", path);
    (void)fputc('\n', to);
    (void)put_words(to, command->summary, 0, 0);
    (void)fputc('\n', to);
    put_details(to, command->details);

    if (command->commands)
        (void)fputs("\nCommands:\n", to);
    for (size_t i = 0; command->commands && command->commands[i]; i++)
        put_entry(to, command->commands[i]->name, command->commands[i]->summary, "");
    if (command->arguments && command->arguments->name)
        (void)fputs("\nArguments:\n", to);
    for (const struct cli_argument *a = command->arguments; a && a->name; a++)
        put_entry(to, a->name, a->summary, "");
    put_options(to, "Options", command->options, NULL);
    put_options(to, "Common options", cli_common_options,
                command->confirms ? cli_yes_option : NULL);
}
