/* SPDX-License-Identifier: Apache-2.0 */
/* What ends a wait early: SIGINT (R6) and the deadline. */
#include "tools/cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>

/* A signal handler has nowhere else to leave its word. */
static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

bool cli_interrupted(void)
{
    return interrupted != 0;
}

bool cli_signal_is_ignored(int signal_number)
{
    struct sigaction action = {0};
    return sigaction(signal_number, NULL, &action) == 0 && !(action.sa_flags & SA_SIGINFO) &&
           action.sa_handler == SIG_IGN;
}

/* R6. Who started us with SIGINT ignored, like a shell a job in the background, meant it.
 * SA_RESETHAND makes the second one deadly; without SA_RESTART, system calls end with EINTR.
 * SIGPIPE would end the run before R4 could speak, or in the middle of a job when a peer leaves. */
void cli_take_signals(void)
{
    interrupted = 0;
    struct sigaction action = {.sa_handler = note_interrupt, .sa_flags = (int)SA_RESETHAND};
    if (!cli_signal_is_ignored(SIGINT))
        (void)sigaction(SIGINT, &action, NULL);
    action = (struct sigaction){.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &action, NULL);
}

int cli_time_left(const struct cli *cli, uint64_t *out_ns)
{
    *out_ns = CLI_NO_DEADLINE;
    if (cli->deadline_ns == CLI_NO_DEADLINE)
        return 0;
    uint64_t now = cli_monotonic_ns(cli);
    *out_ns = now < cli->deadline_ns ? cli->deadline_ns - now : 0;
    return *out_ns ? 0 : COMMON_ERR_TIMEOUT;
}

int cli_poll_timeout(const struct cli *cli)
{
    uint64_t left_ns = 0;
    if (cli_time_left(cli, &left_ns))
        return 0;
    if (left_ns == CLI_NO_DEADLINE)
        return -1;
    uint64_t left_ms = left_ns / 1000000 + (left_ns % 1000000 != 0);
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

/* SIGINT is let in by ppoll(2) only, after the flag was looked at: one that comes between the look
 * and the wait would else be noticed when the wait is over. */
int cli_poll(const struct cli *cli, struct pollfd *fds, size_t num_fds)
{
    sigset_t interrupt;
    sigset_t before;
    (void)sigemptyset(&interrupt);
    (void)sigaddset(&interrupt, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &interrupt, &before);
    int error = COMMON_ERR_CANCELLED;
    while (!cli_interrupted()) {
        uint64_t left_ns = 0;
        error = cli_time_left(cli, &left_ns);
        if (error)
            break;
        struct timespec left = {.tv_sec = (time_t)(left_ns / 1000000000),
                                .tv_nsec = (long)(left_ns % 1000000000)};
        int n = ppoll(fds, num_fds, left_ns == CLI_NO_DEADLINE ? NULL : &left, &before);
        error = n > 0 ? 0 : COMMON_ERR_CANCELLED;
        if (n > 0)
            break;
        if (n < 0 && errno != EINTR) {
            error = COMMON_ERR_IO;
            break;
        }
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}
