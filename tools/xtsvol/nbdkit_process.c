/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/nbdkit_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FIRST_FREE_FD = 10, /* above all that the child has a use for */
    EXIT_NO_EXEC = 127
};

/* What the child is given, above FIRST_FREE_FD, close-on-exec. */
struct child {
    char *const *argv;
    char **environment;
    char *listen_pid; /* in the environment: digits to be filled in */
    size_t listen_pid_size;
    int null_fd;
    int listen_fd;
    int keys_fd;
    int log_fd;
    int failed_fd; /* errno of an exec that failed goes here */
};

static void close_child(struct child *child)
{
    common_cleanup_fd(&child->null_fd);
    common_cleanup_fd(&child->listen_fd);
    common_cleanup_fd(&child->keys_fd);
    common_cleanup_fd(&child->log_fd);
    common_cleanup_fd(&child->failed_fd);
    free(child->environment);
    free(child->listen_pid);
}

/* A pipe whose end for the child is out of the way of the numbers that it will have. */
static int make_pipe(int *ours, int *childs, bool child_reads)
{
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC))
        return common_error_from_errno(errno);
    COMMON_CLEANUP_FD int low = ends[child_reads ? 0 : 1];
    *ours = ends[child_reads ? 1 : 0];
    *childs = fcntl(low, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    return *childs < 0 ? common_error_from_errno(errno) : 0;
}

/* Ours, but for what speaks of sockets that somebody handed to us. */
static int make_environment(struct child *child)
{
    static const char pid_name[] = "LISTEN_PID=";
    static char fds[] = "LISTEN_FDS=1";

    size_t num = 0;
    while (environ[num])
        num++;
    child->listen_pid_size = sizeof(pid_name) + 20;
    child->listen_pid = malloc(child->listen_pid_size);
    child->environment = calloc(num + 3, sizeof(*child->environment));
    if (!child->listen_pid || !child->environment)
        return COMMON_ERR_NO_MEMORY;
    memcpy(child->listen_pid, pid_name, sizeof(pid_name));
    size_t at = 0;
    for (size_t i = 0; i < num; i++) {
        if (strncmp(environ[i], "LISTEN_", strlen("LISTEN_")) != 0)
            child->environment[at++] = environ[i];
    }
    child->environment[at++] = fds;
    child->environment[at] = child->listen_pid;
    return 0;
}

/* In the child, which has one thread as its parent had. */
static void run_child(const struct child *child)
{
    (void)snprintf(child->listen_pid, child->listen_pid_size, "LISTEN_PID=%ld", (long)getpid());
    sigset_t none;
    (void)sigemptyset(&none);
    if (dup2(child->null_fd, STDIN_FILENO) >= 0 && dup2(child->null_fd, STDOUT_FILENO) >= 0 &&
        dup2(child->listen_fd, NBDKIT_LISTEN_FD) >= 0 &&
        dup2(child->keys_fd, NBDKIT_KEYS_FD) >= 0 && dup2(child->log_fd, STDERR_FILENO) >= 0 &&
        sigprocmask(SIG_SETMASK, &none, NULL) == 0)
        (void)execvpe(child->argv[0], child->argv, child->environment);
    int native_error = errno;
    (void)!write(child->failed_fd, &native_error, sizeof(native_error));
    _exit(EXIT_NO_EXEC);
}

/* Waits until the child has become nbdkit, or says why it could not. */
static int wait_for_exec(int failed_fd)
{
    int native_error = 0;
    ssize_t n = 0;
    do
        n = read(failed_fd, &native_error, sizeof(native_error));
    while (n < 0 && errno == EINTR);
    return n == 0 ? 0 : common_error_from_errno(n < 0 ? errno : native_error);
}

static int make_child(struct child *child, struct nbdkit_process *process, int *failed_fd,
                      int listen_fd)
{
    int error = make_pipe(&process->log_fd, &child->log_fd, false);
    if (!error)
        error = make_pipe(&process->keys_fd, &child->keys_fd, true);
    if (!error)
        error = make_pipe(failed_fd, &child->failed_fd, false);
    if (!error)
        error = make_environment(child);
    if (error)
        return error;
    COMMON_CLEANUP_FD int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0)
        return common_error_from_errno(errno);
    child->null_fd = fcntl(null_fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    child->listen_fd = fcntl(listen_fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    if (child->null_fd < 0 || child->listen_fd < 0 || fcntl(process->log_fd, F_SETFL, O_NONBLOCK) ||
        fcntl(process->keys_fd, F_SETFL, O_NONBLOCK))
        return common_error_from_errno(errno);
    return 0;
}

static int start_child(struct nbdkit_process *process, const struct child *child)
{
    process->pid = fork();
    if (process->pid == 0)
        run_child(child);
    if (process->pid < 0) {
        process->pid = 0;
        return common_error_from_errno(errno);
    }
    process->pid_fd = pidfd_open(process->pid, 0);
    return process->pid_fd < 0 ? common_error_from_errno(errno) : 0;
}

int nbdkit_start(struct nbdkit_process *out, char *const *argv, int listen_fd)
{
    *out = (struct nbdkit_process)NBDKIT_NO_PROCESS;
    COMMON_CLEANUP_FD int failed_fd = -1;
    COMMON_CLEANUP(close_child)
    struct child child = {
        .argv = argv, .null_fd = -1, .listen_fd = -1, .keys_fd = -1, .log_fd = -1, .failed_fd = -1};
    int error = make_child(&child, out, &failed_fd, listen_fd);
    if (!error)
        error = start_child(out, &child);
    common_cleanup_fd(&child.failed_fd);
    child.failed_fd = -1;
    if (!error)
        error = wait_for_exec(failed_fd);
    if (error)
        nbdkit_end(out);
    return error;
}

/* `nbdkit: xtsvol.1: error: TEXT`: the text. Other lines are usage hints, or debugging. */
static const char *message_of(const char *line)
{
    static const char marker[] = "error: ";
    const char *found = strstr(line, marker);
    return found ? found + strlen(marker) : NULL;
}

static void end_line(struct nbdkit_process *process,
                     void (*tell)(void *context, const char *message), void *context)
{
    process->line[process->line_len] = '\0';
    process->line_len = 0;
    const char *message = message_of(process->line);
    if (message)
        tell(context, message);
}

bool nbdkit_read_log(struct nbdkit_process *process,
                     void (*tell)(void *context, const char *message), void *context)
{
    char bytes[NBDKIT_LINE_SIZE];
    ssize_t n = 0;
    while ((n = read(process->log_fd, bytes, sizeof(bytes))) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (bytes[i] == '\n')
                end_line(process, tell, context);
            else if (process->line_len < NBDKIT_LINE_SIZE - 1) /* what is longer is cut */
                process->line[process->line_len++] = bytes[i];
        }
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (process->line_len > 0)
        end_line(process, tell, context);
    return false;
}

void nbdkit_ask_to_end(const struct nbdkit_process *process)
{
    if (process->pid > 0)
        (void)kill(process->pid, SIGTERM);
}

int nbdkit_wait(struct nbdkit_process *process)
{
    int status = 0;
    pid_t waited = 0;
    do
        waited = waitpid(process->pid, &status, 0);
    while (waited < 0 && errno == EINTR);
    process->pid = 0;
    if (waited < 0)
        return EXIT_NO_EXEC;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

void nbdkit_end(struct nbdkit_process *process)
{
    if (process->pid > 0) {
        (void)kill(process->pid, SIGKILL);
        (void)nbdkit_wait(process);
    }
    common_cleanup_fd(&process->pid_fd);
    common_cleanup_fd(&process->log_fd);
    common_cleanup_fd(&process->keys_fd);
    *process = (struct nbdkit_process)NBDKIT_NO_PROCESS;
}
