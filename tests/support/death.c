/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/death.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void be_quiet(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(null, STDERR_FILENO);
}

static void run(int (*function)(void *context), void *context, unsigned limit_s)
{
    sigset_t none;
    struct rlimit no_core = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)signal(SIGSEGV, SIG_DFL);
    (void)signal(SIGBUS, SIG_DFL);
    (void)signal(SIGALRM, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)alarm(limit_s);
    be_quiet();
    _exit(function(context));
}

struct death death_of(int (*function)(void *context), void *context, unsigned limit_s)
{
    (void)fflush(NULL); /* or the child would print what is buffered here */
    pid_t child = fork();
    if (child < 0)
        abort();
    if (child == 0)
        run(function, context, limit_s);
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            abort();
    struct death death = {.is_exit = WIFEXITED(status)};
    if (death.is_exit)
        death.status = WEXITSTATUS(status);
    else
        death.signal = WTERMSIG(status);
    death.is_timeout = death.signal == SIGALRM;
    return death;
}

bool death_was_access(const struct death *death)
{
    return !death->is_exit && (death->signal == SIGSEGV || death->signal == SIGBUS);
}
