/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a tool under test: in the process with its output caught and a clock that is set by hand,
 * as a process of its own, or on a pseudo terminal.
 */
#ifndef TESTS_TOOLS_CLI_FIXTURE_H
#define TESTS_TOOLS_CLI_FIXTURE_H

#include "tools/cli/cli.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The clock of run_demo() and demo_context(). */
extern uint64_t fake_monotonic_ns;
extern struct timespec fake_time;

struct caught {
    int status; /* exit status, or 128 + signal */
    char *out;
    size_t out_len;
    char *err;
    size_t err_len;
};

void caught_free(struct caught *caught);
#define CLEANUP_CAUGHT __attribute__((cleanup(caught_free)))

/* RUN("vault", "create") runs the demo tool in the process. */
struct caught run_demo(const char *const *words);
#define RUN(...) run_demo((const char *const[]){"demo", __VA_ARGS__, NULL})

/* The same for another tool. */
struct caught run_tool(const struct cli_tool *tool, const char *const *words);

/* The same as a process: stdin is /dev/null, and there is no controlling terminal. out_path: where
 * stdout goes instead of being caught; NULL catches it. */
struct caught spawn_demo(const char *out_path, const char *const *words);
#define SPAWN(...) spawn_demo(NULL, (const char *const[]){"demo", __VA_ARGS__, NULL})

/* A context for tests of one part, with streams that the caller made. */
struct cli demo_context(FILE *out, FILE *err);

/* A child on a pseudo terminal of which it is the session leader. `run` is main() for it. */
struct pty {
    pid_t pid;
    int master;
    char seen[16384]; /* all that it has shown */
    size_t seen_len;
    size_t read_to; /* up to where pty_expect() has come */
};

struct pty pty_start(int (*run)(void *argument), void *argument);
void pty_expect(struct pty *pty, const char *text); /* fails the test after five seconds */
void pty_send(const struct pty *pty, const char *text);
bool pty_echoes(const struct pty *pty);
int pty_wait(struct pty *pty); /* exit status or 128 + signal; reads all that is left */

/* For pty_start(): runs democli; argument is a list of words that ends with NULL. */
int run_democli(void *words);

#endif
