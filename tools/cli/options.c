/* SPDX-License-Identifier: Apache-2.0 */
/* The options of tools/cli/command.h: which there are, their values, and what commands ask. */
#include "tools/cli/cli.h"
#include "tools/cli/duration.h"
#include "tools/cli/number.h"
#include "tools/cli/size.h"
#include "tools/cli/timestamp.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const progress_words[] = {"auto", "always", "never", NULL};

/* cli_parse() takes these by name. */
const struct cli_option cli_common_options[] = {
    {.name = "help", .letter = 'h', .summary = "print this help"},
    {.name = "version", .letter = 'V', .summary = "print the version and what is inside"},
    {.name = "json", .summary = "print one JSON document"},
    {.name = "store",
     .type = CLI_PATH,
     .value_name = "DIR",
     .summary = "where state lives; else $STRONGROOM_STORE, else the default of the user"},
    {.name = "timeout",
     .type = CLI_DURATION,
     .value_name = "D",
     .summary = "give up after this long: 90s, 5m, 1h",
     .min = 1,
     .max = INT64_C(100) * 365 * 86400},
    {.name = "progress",
     .type = CLI_WORD,
     .summary = "show the progress of long work",
     .fallback = "auto",
     .words = progress_words},
    {0},
};

const struct cli_option cli_yes_option[] = {
    {.name = "yes", .summary = "do not ask for confirmation"},
    {0},
};

const struct cli_option *cli_option_find(const struct cli_option *options, const char *name)
{
    for (; options && options->name; options++) {
        if (strcmp(options->name, name) == 0)
            return options;
    }
    return NULL;
}

static int parse_integer(int64_t *out, const char *text)
{
    bool is_negative = *text == '-';
    text += is_negative;
    uint64_t magnitude = 0;
    int error = cli_number_parse(&magnitude, &text);
    if (error || *text != '\0')
        return error ? error : COMMON_ERR_INVALID;
    if (magnitude > (uint64_t)INT64_MAX)
        return COMMON_ERR_LIMIT;
    *out = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return 0;
}

static int parse_word(int64_t *out, const char *const *words, const char *text)
{
    for (int64_t i = 0; words[i]; i++) {
        if (strcmp(words[i], text) == 0) {
            *out = i;
            return 0;
        }
    }
    return COMMON_ERR_INVALID;
}

static int parse_as(const struct cli *cli, struct cli_value *out, const struct cli_option *option,
                    const char *text)
{
    switch (option->type) {
    case CLI_FLAG:
    case CLI_STRING:
        return 0;
    case CLI_PATH:
        return *text == '\0' ? COMMON_ERR_INVALID : 0;
    case CLI_INTEGER:
        return parse_integer(&out->integer, text);
    case CLI_SIZE:
        return cli_size_parse(&out->amount, text);
    case CLI_DURATION:
        return cli_duration_parse(&out->amount, text);
    case CLI_TIME:
        return cli_time_parse(&out->time, text);
    case CLI_SINCE:
        return cli_since_parse(&out->time, cli_now(cli), text);
    case CLI_WORD:
        return parse_word(&out->integer, option->words, text);
    default:
        return COMMON_ERR_INTERNAL;
    }
}

static bool is_within(const struct cli_option *option, const struct cli_value *value)
{
    if (option->min == 0 && option->max == 0)
        return true;
    if (option->type == CLI_INTEGER)
        return value->integer >= option->min && value->integer <= option->max;
    if (option->type == CLI_SIZE || option->type == CLI_DURATION)
        return value->amount >= (uint64_t)option->min && value->amount <= (uint64_t)option->max;
    return true;
}

static void explain_bounds(char why[CLI_WHY_SIZE], const struct cli_option *option)
{
    char min[CLI_SIZE_SIZE];
    char max[CLI_SIZE_SIZE];
    _Static_assert((int)CLI_SIZE_SIZE == (int)CLI_DURATION_SIZE, "one buffer serves both");
    if (option->type == CLI_SIZE) {
        cli_size_format(min, (uint64_t)option->min);
        cli_size_format(max, (uint64_t)option->max);
    } else if (option->type == CLI_DURATION) {
        cli_duration_format(min, (uint64_t)option->min);
        cli_duration_format(max, (uint64_t)option->max);
    } else {
        (void)snprintf(min, sizeof(min), "%" PRId64, option->min);
        (void)snprintf(max, sizeof(max), "%" PRId64, option->max);
    }
    (void)snprintf(why, CLI_WHY_SIZE, "must be from %s to %s", min, max);
}

static void explain_words(char why[CLI_WHY_SIZE], const char *const *words)
{
    size_t len = (size_t)snprintf(why, CLI_WHY_SIZE, "must be ");
    for (size_t i = 0; words[i] && len < CLI_WHY_SIZE; i++) {
        const char *joint = i == 0 ? "" : words[i + 1] ? ", " : " or ";
        int n = snprintf(why + len, CLI_WHY_SIZE - len, "%s%s", joint, words[i]);
        len += n > 0 ? (size_t)n : 0;
    }
}

static void explain_type(char why[CLI_WHY_SIZE], const struct cli_option *option)
{
    static const char *const expected[] = {
        [CLI_FLAG] = "takes no value",
        [CLI_STRING] = "is not text",
        [CLI_PATH] = "is empty",
        [CLI_INTEGER] = "is not a number",
        [CLI_SIZE] = "is not a size such as 4096, 512K, 100M or 2T",
        [CLI_DURATION] = "is not a duration such as 90s, 15m, 6h, 30D, 6W, 2M or 1Y",
        [CLI_TIME] = "is not a time such as 2030-01-31T12:00:00Z or @1900000000",
        [CLI_SINCE] = "is neither a time such as 2030-01-31T12:00:00Z nor a duration such as 6h",
    };
    if (option->type == CLI_WORD)
        explain_words(why, option->words);
    else
        (void)snprintf(why, CLI_WHY_SIZE, "%s", expected[option->type]);
}

int cli_value_parse(const struct cli *cli, struct cli_value *out, char why[CLI_WHY_SIZE],
                    const struct cli_option *option, const char *text)
{
    *out = (struct cli_value){.option = option, .text = text};
    why[0] = '\0';
    int error = parse_as(cli, out, option, text);
    if (error == COMMON_ERR_LIMIT) {
        (void)snprintf(why, CLI_WHY_SIZE, "is too large");
        return COMMON_ERR_INVALID;
    }
    if (error) {
        explain_type(why, option);
        return COMMON_ERR_INVALID;
    }
    if (!is_within(option, out)) {
        explain_bounds(why, option);
        return COMMON_ERR_INVALID;
    }
    return 0;
}

/* The declaration that a command names; see command.h for why this ends the program. */
static const struct cli_option *declared(const struct cli *cli, const char *name)
{
    const struct cli_option *option = cli_option_find(cli->path[cli->depth - 1]->options, name);
    if (!option) {
        (void)fprintf(stderr, "%s: the table has no option '%s'\n", cli->tool->root->name, name);
        abort();
    }
    return option;
}

static const struct cli_value *given(const struct cli *cli, const struct cli_option *option,
                                     size_t index)
{
    for (size_t i = 0; i < cli->num_values; i++) {
        if (cli->values[i].option == option && index-- == 0)
            return &cli->values[i];
    }
    return NULL;
}

/* What was given, else the fallback, else zero. */
static struct cli_value value_of(const struct cli *cli, const char *name, enum cli_type type)
{
    const struct cli_option *option = declared(cli, name);
    if (option->type != type && !(type == CLI_STRING && option->type == CLI_PATH) &&
        !(type == CLI_TIME && option->type == CLI_SINCE))
        abort();
    const struct cli_value *found = given(cli, option, 0);
    if (found)
        return *found;
    struct cli_value value = {0};
    char why[CLI_WHY_SIZE];
    if (option->fallback && cli_value_parse(cli, &value, why, option, option->fallback))
        abort();
    return value;
}

bool cli_has(const struct cli *cli, const char *name)
{
    return given(cli, declared(cli, name), 0) != NULL;
}

bool cli_flag(const struct cli *cli, const char *name)
{
    return value_of(cli, name, CLI_FLAG).option != NULL;
}

const char *cli_string(const struct cli *cli, const char *name)
{
    return value_of(cli, name, CLI_STRING).text;
}

int64_t cli_integer(const struct cli *cli, const char *name)
{
    return value_of(cli, name, CLI_INTEGER).integer;
}

uint64_t cli_size(const struct cli *cli, const char *name)
{
    return value_of(cli, name, CLI_SIZE).amount;
}

uint64_t cli_duration(const struct cli *cli, const char *name)
{
    return value_of(cli, name, CLI_DURATION).amount;
}

struct timespec cli_time(const struct cli *cli, const char *name)
{
    return value_of(cli, name, CLI_TIME).time;
}

int cli_word(const struct cli *cli, const char *name)
{
    struct cli_value value = value_of(cli, name, CLI_WORD);
    return value.option ? (int)value.integer : -1;
}

size_t cli_count(const struct cli *cli, const char *name)
{
    const struct cli_option *option = declared(cli, name);
    size_t count = 0;
    while (given(cli, option, count))
        count++;
    return count;
}

const char *cli_string_at(const struct cli *cli, const char *name, size_t index)
{
    const struct cli_value *value = given(cli, declared(cli, name), index);
    return value ? value->text : NULL;
}

const char *cli_argument(const struct cli *cli, size_t index)
{
    return index < cli->num_arguments ? cli->arguments[index] : NULL;
}
