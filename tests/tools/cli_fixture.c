/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/cli_fixture.h"

#include "tests/support/test.h"
#include "tests/tools/demo_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

uint64_t fake_monotonic_ns = 1000000000;
struct timespec fake_time = {.tv_sec = 1900000000};

static uint64_t get_monotonic_ns(void *context)
{
    (void)context;
    return fake_monotonic_ns;
}

static struct timespec get_time(void *context)
{
    (void)context;
    return fake_time;
}

static const struct cli_clock fake_clock = {.monotonic_ns = get_monotonic_ns, .realtime = get_time};

void caught_free(struct caught *caught)
{
    free(caught->out);
    free(caught->err);
}

struct caught run_demo(const char *const *words)
{
    return run_tool(&demo_tool, words);
}

struct caught run_tool(const struct cli_tool *tool, const char *const *words)
{
    struct caught caught = {0};
    int argc = 0;
    while (words[argc])
        argc++;
    FILE *out = open_memstream(&caught.out, &caught.out_len);
    FILE *err = open_memstream(&caught.err, &caught.err_len);
    assert_non_null(out);
    assert_non_null(err);
    struct cli_environment environment = {.out = out, .err = err, .clock = fake_clock};
    caught.status = cli_run(tool, &environment, argc, (char *const *)words);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(fclose(err), 0);
    return caught;
}

struct cli demo_context(FILE *out, FILE *err)
{
    return (struct cli){
        .tool = &demo_tool,
        .out = out,
        .err = err,
        .clock = fake_clock,
        .path = {demo_tool.root},
        .depth = 1,
        .deadline_ns = CLI_NO_DEADLINE,
    };
}

static int status_of(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int run_democli(void *words)
{
    (void)execv(DEMOCLI, (char *const *)words);
    return 127;
}

static char *read_all(FILE *file, size_t *len)
{
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *len = (size_t)ftell(file);
    rewind(file);
    char *text = calloc(1, *len + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, *len, file), *len);
    assert_int_equal(fclose(file), 0);
    return text;
}

struct caught spawn_demo(const char *out_path, const char *const *words)
{
    struct caught caught = {0};
    FILE *out = tmpfile();
    FILE *err = tmpfile();
    assert_non_null(out);
    assert_non_null(err);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)setsid();
        int in_fd = open("/dev/null", O_RDONLY);
        int out_fd = out_path ? open(out_path, O_WRONLY) : fileno(out);
        if (dup2(in_fd, 0) < 0 || dup2(out_fd, 1) < 0 || dup2(fileno(err), 2) < 0)
            _exit(126);
        _exit(run_democli((void *)words));
    }
    caught.status = status_of(pid);
    caught.out = read_all(out, &caught.out_len);
    caught.err = read_all(err, &caught.err_len);
    return caught;
}

struct pty pty_start(int (*run)(void *argument), void *argument)
{
    struct pty pty = {0};
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    pty.pid = forkpty(&pty.master, NULL, NULL, &size);
    assert_true(pty.pid >= 0);
    if (pty.pid == 0) {
        (void)setenv("TERM", "xterm", 1);
        int status = run(argument);
        (void)fflush(NULL);
        _exit(status);
    }
    return pty;
}

/* False at the end of output. */
static bool read_some(struct pty *pty)
{
    struct pollfd poll_fd = {.fd = pty->master, .events = POLLIN};
    if (poll(&poll_fd, 1, 5000) != 1)
        fail_msg("nothing within five seconds after: %s", pty->seen + pty->read_to);
    ssize_t n = read(pty->master, pty->seen + pty->seen_len, sizeof(pty->seen) - 1 - pty->seen_len);
    if (n <= 0)
        return false;
    pty->seen_len += (size_t)n;
    return true;
}

void pty_expect(struct pty *pty, const char *text)
{
    const char *found = NULL;
    while (!(found = strstr(pty->seen + pty->read_to, text))) {
        if (!read_some(pty))
            fail_msg("ended without '%s' after: %s", text, pty->seen + pty->read_to);
    }
    pty->read_to = (size_t)(found - pty->seen) + strlen(text);
}

void pty_send(const struct pty *pty, const char *text)
{
    assert_int_equal(write(pty->master, text, strlen(text)), strlen(text));
}

bool pty_echoes(const struct pty *pty)
{
    struct termios termios;
    assert_int_equal(tcgetattr(pty->master, &termios), 0);
    return (termios.c_lflag & ECHO) != 0;
}

int pty_wait(struct pty *pty)
{
    while (read_some(pty))
        ;
    int status = status_of(pty->pid);
    (void)close(pty->master);
    return status;
}
