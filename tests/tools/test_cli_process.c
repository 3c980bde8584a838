/* SPDX-License-Identifier: Apache-2.0 */
/* What only shows in a process: exit status, standard streams, signals. */
#include "tests/support/test.h"
#include "tests/tools/cli_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void the_exit_status_tells_how_it_ended(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught done = SPAWN("flood");
    assert_int_equal(done.status, 0);
    assert_string_equal(done.err, "");
    CLEANUP_CAUGHT struct caught failed = SPAWN("fail", "x", "--json");
    assert_int_equal(failed.status, 1);
    assert_string_equal(failed.err, "demo: x: wrong key\n");
    assert_non_null(strstr(failed.out, "\"code\": \"denied\""));
    CLEANUP_CAUGHT struct caught usage = SPAWN("fial");
    assert_int_equal(usage.status, 2);
    static const char *const words[] = {"demo", NULL};
    CLEANUP_CAUGHT struct caught bare = spawn_demo(NULL, words);
    assert_int_equal(bare.status, 2);
    assert_string_equal(bare.out, "");
    CLEANUP_CAUGHT struct caught help = SPAWN("vault", "--help");
    assert_int_equal(help.status, 0);
    assert_string_equal(help.err, "");
}

/* R4: a short text fails when it is flushed, a long one before. */
static void output_that_cannot_be_written_is_a_failure(void **state)
{
    (void)state;
    static const char *const few[] = {"demo", "flood", NULL};
    CLEANUP_CAUGHT struct caught end = spawn_demo("/dev/full", few);
    assert_int_equal(end.status, 1);
    assert_string_equal(end.err, "demo: standard output: No space left on device\n");
    static const char *const many[] = {"demo", "flood", "--lines", "10000", NULL};
    CLEANUP_CAUGHT struct caught amid = spawn_demo("/dev/full", many);
    assert_int_equal(amid.status, 1);
    assert_non_null(strstr(amid.err, "demo: standard output: "));
    static const char *const help[] = {"demo", "--help", NULL};
    CLEANUP_CAUGHT struct caught helped = spawn_demo("/dev/full", help);
    assert_int_equal(helped.status, 1);
    static const char *const json[] = {"demo", "fail", "--json", NULL};
    CLEANUP_CAUGHT struct caught failed = spawn_demo("/dev/full", json);
    assert_int_equal(failed.status, 1);
    assert_string_equal(failed.err, "demo: fail: wrong key\n");
}

static int run_with(const char *lines, int out_fd, int err_fd)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const char *words[] = {"demo", "flood", "--lines", lines, NULL};
        if (out_fd < 0)
            (void)close(1);
        else
            (void)dup2(out_fd, 1);
        (void)dup2(err_fd, 2);
        _exit(run_democli(words));
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void a_reader_that_left_needs_no_words(void **state)
{
    (void)state;
    static const char *const lines[] = {"1", "10000"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        int out[2];
        int err[2];
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        assert_int_equal(pipe2(err, O_CLOEXEC), 0);
        assert_int_equal(close(out[0]), 0);
        assert_int_equal(run_with(lines[i], out[1], err[1]), 1);
        assert_int_equal(close(out[1]), 0);
        assert_int_equal(close(err[1]), 0);
        char text[200];
        assert_int_equal(read(err[0], text, sizeof(text)), 0);
        assert_int_equal(close(err[0]), 0);
    }
}

static void a_closed_stdout_is_not_taken_for_a_good_one(void **state)
{
    (void)state;
    int err[2];
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    assert_int_equal(run_with("1", -1, err[1]), 1);
    assert_int_equal(close(err[1]), 0);
    char text[200] = "";
    assert_true(read(err[0], text, sizeof(text) - 1) > 0);
    assert_string_equal(text, "demo: standard output: Bad file descriptor\n");
    assert_int_equal(close(err[0]), 0);
}

static void a_file_never_takes_the_place_of_a_standard_stream(void **state)
{
    (void)state;
    for (int closed = 0; closed < 8; closed++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            const char *words[] = {"demo", "descriptors", NULL};
            for (int fd = 0; fd < 3; fd++) {
                if (closed & 1 << fd)
                    (void)close(fd);
            }
            _exit(run_democli(words));
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
}

/* A clock that is interrupted: cli_poll() asks it between its look at the flag and the wait. */
static uint64_t interrupted_clock(void *context)
{
    bool *is_done = context;
    if (!*is_done)
        (void)raise(SIGINT);
    *is_done = true;
    return 0;
}

static void an_interrupt_just_before_the_wait_is_not_missed(void **state)
{
    (void)state;
    bool is_done = false;
    struct cli cli = demo_context(stdout, stderr);
    cli.clock.monotonic_ns = interrupted_clock;
    cli.clock.context = &is_done;
    cli.deadline_ns = UINT64_C(3000000000);
    struct timespec begin;
    struct timespec end;
    cli_take_signals();
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_int_equal(cli_poll(&cli, NULL, 0), COMMON_ERR_CANCELLED);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(cli_interrupted());
    assert_true(end.tv_sec - begin.tv_sec < 2);
    cli_take_signals();
    assert_false(cli_interrupted());
}

/* disposition: that of SIGINT when the tool starts. */
static int interrupt(const char *option, unsigned times, char *out, size_t out_size,
                     void (*disposition)(int))
{
    int out_fds[2];
    assert_int_equal(pipe2(out_fds, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const char *words[] = {"demo", "wait",
                               disposition == SIG_IGN ? "--timeout=1s" : "--timeout=20s", option,
                               NULL};
        (void)signal(SIGINT, disposition);
        (void)dup2(out_fds[1], 1);
        (void)dup2(out_fds[1], 2);
        _exit(run_democli(words));
    }
    assert_int_equal(close(out_fds[1]), 0);
    assert_int_equal(read(out_fds[0], out, out_size), 8); /* "waiting\n" */
    for (unsigned i = 0; i < times; i++) {
        assert_int_equal(kill(pid, SIGINT), 0);
        (void)usleep(100000); /* two at once would be one */
    }
    ssize_t n = read(out_fds[0], out, out_size - 1);
    assert_true(n >= 0);
    out[n] = '\0';
    assert_int_equal(close(out_fds[0]), 0);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* R1, R6. */
static void an_interrupt_ends_the_work_with_130(void **state)
{
    (void)state;
    char out[200];
    assert_int_equal(interrupt(NULL, 1, out, sizeof(out), SIG_DFL), 130);
    assert_string_equal(out, "demo: wait: interrupted\n");
    assert_int_equal(interrupt("--finish", 1, out, sizeof(out), SIG_DFL), 0);
}

static void the_second_interrupt_kills(void **state)
{
    (void)state;
    char out[200];
    assert_int_equal(interrupt("--stubborn", 2, out, sizeof(out), SIG_DFL), 1000 + SIGINT);
}

/* R6: like a job that a shell runs in the background. */
static void an_interrupt_that_was_ignored_stays_ignored(void **state)
{
    (void)state;
    char out[200];
    assert_int_equal(interrupt(NULL, 2, out, sizeof(out), SIG_IGN), 1);
    assert_string_equal(out, "demo: wait: the deadline passed\n");
}

static void the_timeout_ends_the_work(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught caught = SPAWN("wait", "--timeout", "1s", "--json");
    assert_int_equal(caught.status, 1);
    assert_string_equal(caught.err, "demo: wait: the deadline passed\n");
    assert_non_null(strstr(caught.out, "\"code\": \"timeout\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exit_status_tells_how_it_ended),
        cmocka_unit_test(output_that_cannot_be_written_is_a_failure),
        cmocka_unit_test(a_reader_that_left_needs_no_words),
        cmocka_unit_test(a_closed_stdout_is_not_taken_for_a_good_one),
        cmocka_unit_test(a_file_never_takes_the_place_of_a_standard_stream),
        cmocka_unit_test(an_interrupt_just_before_the_wait_is_not_missed),
        cmocka_unit_test(an_interrupt_ends_the_work_with_130),
        cmocka_unit_test(the_second_interrupt_kills),
        cmocka_unit_test(an_interrupt_that_was_ignored_stays_ignored),
        cmocka_unit_test(the_timeout_ends_the_work),
    };
    return cmocka_run_group_tests_name("cli_process", tests, NULL, NULL);
}
