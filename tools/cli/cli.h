/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context of one run of a tool: what was parsed, where output goes, how it ends.
 *
 * A tool describes itself in a struct cli_tool and hands its arguments to cli_main(). The command
 * that was named gets the context; it prints its result to `out` (or with tools/cli/json.h), tells
 * of a failure with cli_fail() and returns what that returned. Nothing else writes to `err`.
 *
 * How a run ends:
 *   R1  0 done or allowed; 1 refused, failed or denied; 2 usage; 130 interrupted by SIGINT.
 *   R2  A failure is one line on `err`, `tool: what: why`, told once however many callers tell it.
 *   R3  With --json a failure is also {"error":{"code","message","object"}} on `out`, unless the
 *       command has printed its document by then: there is never more than one.
 *   R4  Output that could not be written is a failure, told once; a reader that went away is one
 *       that needs no words.
 *   R5  Text from outside is escaped (tools/cli/text.h) before it comes near a terminal.
 *   R6  The first SIGINT sets a flag and interrupts system calls; the second one kills. A signal
 *       that was ignored when the tool started, as nohup(1) does, stays ignored.
 *   R7  While is_optional is set a failure is told as a warning, and the run may still end well:
 *       for what a command does besides its work.
 *
 * Ownership: the context belongs to cli_run(); strings in it live as long as it does. One thread:
 * only cli_interrupted(), cli_time_left() and cli_now() may be called from others. Times are
 * nanoseconds of the monotonic clock unless they say otherwise.
 */
#ifndef TOOLS_CLI_CLI_H
#define TOOLS_CLI_CLI_H

#include "common/base/component.h"
#include "common/base/error.h"
#include "tools/cli/command.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum {
    CLI_EXIT_DONE = 0,
    CLI_EXIT_FAILED = 1,
    CLI_EXIT_USAGE = 2,
    CLI_EXIT_INTERRUPTED = 130,
    CLI_MAX_DEPTH = 6,       /* the tool itself, and five words */
    CLI_MESSAGE_SIZE = 4096, /* a longer message is cut */
    CLI_MAX_COMPONENTS = 16
};

#define CLI_NO_DEADLINE UINT64_MAX

enum cli_progress_mode {
    CLI_PROGRESS_AUTO,
    CLI_PROGRESS_ALWAYS,
    CLI_PROGRESS_NEVER
};

struct cli_clock {
    uint64_t (*monotonic_ns)(void *context);
    struct timespec (*realtime)(void *context);
    void *context;
};

/* What a test replaces; cli_main() takes the real ones. Borrowed for the run. */
struct cli_environment {
    FILE *out;
    FILE *err;
    struct cli_clock clock;
};

struct cli_tool {
    const char *version;            /* of Strongroom */
    const struct cli_command *root; /* its name is the tool's */
    /* Which libraries of others are inside, for --version; returns how many. May be NULL. */
    size_t (*components)(struct common_component *out, size_t max);
    void *data; /* the tool's own, for its commands */
};

struct cli {
    const struct cli_tool *tool;
    FILE *out;
    FILE *err;
    struct cli_clock clock;

    const struct cli_command *path[CLI_MAX_DEPTH]; /* path[0] is the tool */
    size_t depth;                                  /* how many of path are set */
    const char **arguments;                        /* what is left when options are gone */
    size_t num_arguments;
    struct cli_value *values; /* options in the order given */
    size_t num_values;

    bool json;
    bool yes;
    bool help;
    bool version;
    const char *store; /* of --store, or NULL */
    enum cli_progress_mode progress;
    uint64_t deadline_ns; /* CLI_NO_DEADLINE if there is none */

    bool is_optional;         /* R7 */
    bool is_reported;         /* R2 */
    bool is_usage;            /* R1: exit status 2 */
    bool is_document_printed; /* R3 */
    bool is_line_open;        /* a progress bar stands on err without its line end */
};

/* Parses, runs and returns the exit status. Takes over SIGINT and SIGPIPE of the process. */
int cli_main(const struct cli_tool *tool, int argc, char *const *argv);

/* The same without touching the process: no handlers, no standard streams. */
int cli_run(const struct cli_tool *tool, const struct cli_environment *environment, int argc,
            char *const *argv);

/* Tells of a failure (R2, R3) and returns `error`, so that a command can return it in turn.
 * `object` is what the failure is about, as the user named it; NULL: the command itself. */
__attribute__((format(printf, 4, 5))) COMMON_MUST_USE int
cli_fail(struct cli *cli, int error, const char *object, const char *format, ...);

/* The same for a mistake in the command line that the table could not express: exit status 2, and
 * the line says where help is. Returns COMMON_ERR_INVALID. */
__attribute__((format(printf, 3, 4))) COMMON_MUST_USE int
cli_usage(struct cli *cli, const char *object, const char *format, ...);

/* One line `tool: warning: object: ...` on err; changes nothing else. */
__attribute__((format(printf, 3, 4))) void cli_warn(struct cli *cli, const char *object,
                                                    const char *format, ...);

/* `xtsvol events test`, cut to the buffer. With first = 1 the tool's name is left out. */
void cli_command_path(char *out, size_t out_size, const struct cli *cli, size_t first);

/* Did SIGINT arrive? Long work asks and returns COMMON_ERR_CANCELLED. */
bool cli_interrupted(void);

/* How long may the command still take? *out_ns is 0 and the return COMMON_ERR_TIMEOUT when
 * --timeout has passed; CLI_NO_DEADLINE when there was none. */
COMMON_MUST_USE int cli_time_left(const struct cli *cli, uint64_t *out_ns);

/* The wait that poll(2) takes: milliseconds until the deadline, rounded up; -1 without one. */
int cli_poll_timeout(const struct cli *cli);

/* poll(2) that ends for an interrupt and the deadline too, without missing either: 0 when there is
 * something in revents, else COMMON_ERR_CANCELLED, COMMON_ERR_TIMEOUT or COMMON_ERR_IO. With no fds
 * it waits for one of those. */
COMMON_MUST_USE int cli_poll(const struct cli *cli, struct pollfd *fds, size_t num_fds);

/* For cli_main(): R6, and SIGPIPE ignored. */
void cli_take_signals(void);

/* R6. */
bool cli_signal_is_ignored(int signal_number);

struct timespec cli_now(const struct cli *cli);
uint64_t cli_monotonic_ns(const struct cli *cli);

#endif
