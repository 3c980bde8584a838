/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line as a table: `TOOL [NOUN [NOUN]] VERB [options] [arguments]`.
 *
 * The table is all there is. The parser checks against it and --help prints it, so that the two
 * cannot disagree. Tables are constant and may be shared between threads.
 *
 *   C1  Options and arguments mix freely; `--` ends the options; a lone `-` is an argument.
 *   C2  Every command knows --help, --version, --json, --store, --timeout and --progress, and
 *       those that ask before they act know --yes. They may stand before the noun too.
 *   C3  Names are matched in full. Abbreviations are refused: a script that uses one breaks on the
 *       day when a longer list makes it ambiguous.
 *   C4  A noun with a `run` of its own has a default verb: `xtsvol events` lists. A word after it
 *       is one of its verbs if no option or argument of the default verb came before.
 *   C5  An option is given once, unless it is repeatable; a flag may be repeated in vain.
 *   C6  Options with the same group number exclude each other; when one of them is required,
 * exactly one of the group is. C7  A mistake is told with the nearest name there is, where one is
 * near, and the place of help.
 */
#ifndef TOOLS_CLI_COMMAND_H
#define TOOLS_CLI_COMMAND_H

#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

struct cli;

enum cli_type {
    CLI_FLAG,
    CLI_STRING,   /* any text, also an empty one */
    CLI_PATH,     /* not empty */
    CLI_INTEGER,  /* decimal, within min and max */
    CLI_SIZE,     /* bytes, tools/cli/size.h; within min and max */
    CLI_DURATION, /* seconds, tools/cli/duration.h; within min and max */
    CLI_TIME,     /* RFC 3339 or @SECONDS, tools/cli/timestamp.h */
    CLI_SINCE,    /* the same, or a duration that counts back from now */
    CLI_WORD      /* one of `words` */
};

enum {
    CLI_REQUIRED = 1,
    CLI_REPEATABLE = 2
};

struct cli_option {
    const char *name; /* without the dashes */
    char letter;      /* the short form, or 0 */
    enum cli_type type;
    unsigned flags;
    unsigned group;           /* C6; 0: none */
    const char *value_name;   /* in help: F, N, DIR; not for flags and words */
    const char *summary;      /* a phrase in lower case without a full stop */
    const char *fallback;     /* what holds when the option is not given, as it would be typed */
    const char *const *words; /* ends with NULL */
    int64_t min;              /* both zero: no bounds */
    int64_t max;
};

struct cli_argument {
    const char *name; /* in capitals: FILE */
    const char *summary;
    bool is_optional;
    bool is_repeated; /* the last one only */
};

/* Lists end with an entry whose name is NULL, `commands` with NULL. */
struct cli_command {
    const char *name;
    const char *summary; /* a phrase in lower case without a full stop */
    const char *details; /* more for --help: paragraphs, each one line; or NULL */
    const struct cli_argument *arguments;
    const struct cli_option *options;
    const struct cli_command *const *commands;
    int (*run)(struct cli *cli); /* 0 or COMMON_ERR_*; NULL for a noun that needs a verb */
    bool confirms;               /* asks before it acts: knows --yes */
};

struct cli_value {
    const struct cli_option *option;
    const char *text;
    union {
        int64_t integer; /* also the index of a word */
        uint64_t amount; /* bytes or seconds */
        struct timespec time;
    };
};

/* What a command asks. The name must be in its table and the type fit, else the program ends with
 * abort(): that is a mistake in the tool, seen by the first test that gets there. An option that
 * was not given has the value of its fallback, and without one 0, NULL or false. */
bool cli_has(const struct cli *cli, const char *name); /* given by the user? */
bool cli_flag(const struct cli *cli, const char *name);
const char *cli_string(const struct cli *cli, const char *name);
int64_t cli_integer(const struct cli *cli, const char *name);
uint64_t cli_size(const struct cli *cli, const char *name);
uint64_t cli_duration(const struct cli *cli, const char *name);
struct timespec cli_time(const struct cli *cli, const char *name);
int cli_word(const struct cli *cli, const char *name); /* index into words; -1 if there is none */

/* How often a repeatable option was given, and the text of the index-th, NULL beyond the last. */
size_t cli_count(const struct cli *cli, const char *name);
const char *cli_string_at(const struct cli *cli, const char *name, size_t index);

/* The index-th argument, NULL if there are fewer. */
const char *cli_argument(const struct cli *cli, size_t index);

/* Parses argv into the context: 0, or COMMON_ERR_* after the failure was told. The caller frees
 * values and arguments. Uses the state of getopt(3), hence one thread at a time. */
COMMON_MUST_USE int cli_parse(struct cli *cli, int argc, char *const *argv);

enum {
    CLI_WHY_SIZE = 160
};

/* Parses text as the option says. On failure `why` says what was expected. */
COMMON_MUST_USE int cli_value_parse(const struct cli *cli, struct cli_value *out,
                                    char why[CLI_WHY_SIZE], const struct cli_option *option,
                                    const char *text);

/* The options that each command has (C2), and that a command with `confirms` has besides. */
extern const struct cli_option cli_common_options[];
extern const struct cli_option cli_yes_option[];

/* The entry of a list that ends with a NULL name, or NULL. A NULL list is empty. */
const struct cli_option *cli_option_find(const struct cli_option *options, const char *name);

/* Prints the help of the deepest command of the path. */
void cli_help_print(const struct cli *cli, FILE *to);

/* Is the table sound? For the tests of each tool: 0, or COMMON_ERR_INVALID and a sentence in `why`:
 * names unique and well-formed, summaries present, fallbacks that parse, no required option with a
 * fallback, arguments in an order that can be told apart, every noun with a verb or a default. */
COMMON_MUST_USE int cli_command_check(char *why, size_t why_size, const struct cli_command *root);

#endif
