/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tests/tools/cli_fixture.h"
#include "tools/cli/secret.h"
#include "tools/cli/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static char directory[] = "/tmp/test_cli_secret.XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static const char *file_with(const char *bytes, size_t len, mode_t mode)
{
    static char path[100];
    (void)snprintf(path, sizeof(path), "%s/secret", directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
    return path;
}

static void a_passphrase_loses_one_line_end(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        const char *shown;
    } cases[] = {
        {"secret\n", "got 6 bytes: secret\n"},
        {"secret", "got 6 bytes: secret\n"},
        {"secret\n\n", "got 7 bytes: secret\n\n"},
        {"a\nb\n", "got 3 bytes: a\nb\n"},
        {"sixteen bytes ab", "got 16 bytes: sixteen bytes ab\n"},
        {"sixteen bytes ab\n", "got 16 bytes: sixteen bytes ab\n"},
        {"fifteen bytes a\n", "got 15 bytes: fifteen bytes a\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *path = file_with(cases[i].bytes, strlen(cases[i].bytes), 0600);
        CLEANUP_CAUGHT struct caught caught = RUN("secret", "--file", path);
        assert_string_equal(caught.err, "");
        assert_string_equal(caught.out, cases[i].shown);
        assert_int_equal(unlink(path), 0);
    }
}

static void a_key_is_raw(void **state)
{
    (void)state;
    const char *path = file_with("a\0b\n", 4, 0600);
    CLEANUP_CAUGHT struct caught caught = RUN("secret", "--key", "--file", path);
    assert_string_equal(caught.out, "got 4 bytes: a\n"); /* %s ends at the zero byte */
    assert_int_equal(caught.status, 0);
    (void)file_with("sixteen bytes ab\n", 17, 0600);
    CLEANUP_CAUGHT struct caught longer = RUN("secret", "--key", "--file", path);
    assert_int_equal(longer.status, 1);
    assert_int_equal(unlink(path), 0);
}

static void lengths_out_of_bounds_and_zero_bytes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *why;
    } cases[] = {
        {"", 0, "the passphrase must be of 1 to 16 bytes"},
        {"\n", 1, "the passphrase must be of 1 to 16 bytes"},
        {"seventeen bytes a", 17, "the passphrase must be of 1 to 16 bytes"},
        {"seventeen bytes a\n", 18, "the passphrase must be of 1 to 16 bytes"},
        {"sixteen bytes ab\n\n", 18, "the passphrase must be of 1 to 16 bytes"},
        {"a\0b", 3, "the passphrase has a zero byte in it"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *path = file_with(cases[i].bytes, cases[i].len, 0600);
        char line[200];
        (void)snprintf(line, sizeof(line), "demo: %s: %s\n", path, cases[i].why);
        CLEANUP_CAUGHT struct caught caught = RUN("secret", "--file", path);
        assert_string_equal(caught.err, line); /* K7: and nothing of the secret */
        assert_string_equal(caught.out, "");
        assert_int_equal(caught.status, 1);
        assert_int_equal(unlink(path), 0);
    }
}

/* K1. */
static void what_is_not_returned_is_wiped(void **state)
{
    (void)state;
    static const char zeroes[16] = {0};
    FILE *err = fopen("/dev/null", "we");
    assert_non_null(err);
    struct cli cli = demo_context(err, err);
    uint8_t memory[17];
    uint8_t again[16];
    struct cli_secret secret = {
        .what = "x", .min_len = 1, .max_len = 16, .memory = memory, .again = again};
    size_t len = 7;

    memset(memory, 0xaa, sizeof(memory));
    const char *path = file_with("short\n", 6, 0600);
    assert_int_equal(cli_secret_read(&cli, &len, &secret, path), 0);
    assert_int_equal(len, 5);
    assert_memory_equal(memory, "short\0\0\0\0\0\0\0\0\0\0\0\xaa", 17);

    memset(memory, 0xaa, sizeof(memory));
    memset(again, 0xaa, sizeof(again));
    (void)file_with("this one is much too long", 25, 0600);
    assert_int_equal(cli_secret_read(&cli, &len, &secret, path), COMMON_ERR_INVALID);
    assert_int_equal(len, 0);
    assert_memory_equal(memory, zeroes, 16);
    assert_memory_equal(again, zeroes, 16);
    assert_int_equal(memory[16], 0xaa);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(fclose(err), 0);
}

/* K4. */
static void a_lax_mode_draws_a_warning(void **state)
{
    (void)state;
    static const mode_t lax[] = {0640, 0604, 0660, 0620, 0601, 0777};
    for (size_t i = 0; i < ARRAY_LEN(lax); i++) {
        const char *path = file_with("secret", 6, lax[i]);
        char line[300];
        (void)snprintf(line, sizeof(line),
                       "demo: warning: %s: holds a secret and others may access it (mode %04o); "
                       "use chmod 600\n",
                       path, (unsigned)lax[i]);
        CLEANUP_CAUGHT struct caught caught = RUN("secret", "--file", path);
        assert_string_equal(caught.err, line);
        assert_string_equal(caught.out, "got 6 bytes: secret\n");
        assert_int_equal(unlink(path), 0);
    }
    const char *path = file_with("secret", 6, 0400);
    CLEANUP_CAUGHT struct caught caught = RUN("secret", "--file", path);
    assert_string_equal(caught.err, "");
    assert_int_equal(unlink(path), 0);
}

/* K5. */
static void what_is_no_file_is_refused_without_waiting(void **state)
{
    (void)state;
    char path[100];
    char line[300];
    (void)snprintf(path, sizeof(path), "%s/fifo", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)snprintf(line, sizeof(line),
                   "demo: %s: is not a regular file; an open descriptor is given as fd:N\n", path);
    CLEANUP_CAUGHT struct caught fifo = RUN("secret", "--file", path);
    assert_string_equal(fifo.err, line);
    assert_int_equal(fifo.status, 1);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(line, sizeof(line), "demo: %s: is a directory\n", directory);
    CLEANUP_CAUGHT struct caught dir = RUN("secret", "--file", directory);
    assert_string_equal(dir.err, line);
    CLEANUP_CAUGHT struct caught device = RUN("secret", "--file", "/dev/zero");
    assert_int_equal(device.status, 1);
    CLEANUP_CAUGHT struct caught none = RUN("secret", "--file", "/nonexistent");
    assert_string_equal(none.err, "demo: /nonexistent: No such file or directory\n");
}

static void an_open_descriptor_is_read_to_its_end(void **state)
{
    (void)state;
    int fds[2];
    char source[20];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(write(fds[1], "from pipe\n", 10), 10);
    assert_int_equal(close(fds[1]), 0);
    (void)snprintf(source, sizeof(source), "fd:%d", fds[0]);
    CLEANUP_CAUGHT struct caught caught = RUN("secret", "--file", source);
    assert_string_equal(caught.out, "got 9 bytes: from pipe\n");
    assert_string_equal(caught.err, "");
    assert_int_equal(close(fds[0]), 0);

    static const char *const wrong[] = {"fd:", "fd:x", "fd:-1", "fd:1x", "fd:99999999999"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char line[100];
        (void)snprintf(line, sizeof(line), "demo: %s: is not the number of a descriptor\n",
                       wrong[i]);
        CLEANUP_CAUGHT struct caught refused = RUN("secret", "--file", wrong[i]);
        assert_string_equal(refused.err, line);
    }
    CLEANUP_CAUGHT struct caught closed = RUN("secret", "--file", "fd:987");
    assert_int_equal(closed.status, 1);
    CLEANUP_CAUGHT struct caught empty = SPAWN("secret", "--file", "-"); /* /dev/null */
    assert_string_equal(empty.err, "demo: -: the passphrase must be of 1 to 16 bytes\n");
}

static void credentials_come_from_their_directory_only(void **state)
{
    (void)state;
    const char *path = file_with("secret\n", 7, 0440); /* K4: no warning */
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", directory, 1), 0);
    CLEANUP_CAUGHT struct caught caught = RUN("secret", "--file", "credential:secret");
    assert_string_equal(caught.out, "got 6 bytes: secret\n");
    assert_string_equal(caught.err, "");
    static const char *const wrong[] = {"credential:", "credential:..", "credential:.",
                                        "credential:../secret", "credential:/etc/passwd"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char line[100];
        (void)snprintf(line, sizeof(line), "demo: %s: is not the name of a credential\n", wrong[i]);
        CLEANUP_CAUGHT struct caught refused = RUN("secret", "--file", wrong[i]);
        assert_string_equal(refused.err, line);
    }
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "relative", 1), 0);
    CLEANUP_CAUGHT struct caught relative = RUN("secret", "--file", "credential:secret");
    assert_int_equal(relative.status, 1);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    CLEANUP_CAUGHT struct caught unset = RUN("secret", "--file", "credential:secret");
    assert_int_equal(unset.status, 1);
    assert_int_equal(unlink(path), 0);
}

static const char *const ask[] = {"demo", "secret", NULL};
static const char *const ask_new[] = {"demo", "secret", "--new", NULL};

/* Q2. */
static void the_terminal_does_not_echo_meanwhile(void **state)
{
    (void)state;
    struct pty pty = pty_start(run_democli, (void *)ask);
    pty_expect(&pty, "Enter the passphrase: ");
    assert_false(pty_echoes(&pty));
    pty_send(&pty, "hunter2\n");
    pty_expect(&pty, "got 7 bytes: hunter2");
    assert_true(pty_echoes(&pty));
    assert_int_equal(pty_wait(&pty), 0);
    assert_string_equal(pty.seen, "Enter the passphrase: \r\ngot 7 bytes: hunter2\r\n");
}

/* K6. */
static void a_new_passphrase_is_asked_for_twice(void **state)
{
    (void)state;
    struct pty pty = pty_start(run_democli, (void *)ask_new);
    pty_expect(&pty, "Enter the passphrase: ");
    pty_send(&pty, "hunter2\n");
    pty_expect(&pty, "Repeat the passphrase: ");
    assert_false(pty_echoes(&pty));
    pty_send(&pty, "hunter2\n");
    pty_expect(&pty, "got 7 bytes: hunter2");
    assert_int_equal(pty_wait(&pty), 0);

    static const char *const others[] = {"hunter3\n", "hunter22\n", "hunter\n"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct pty differs = pty_start(run_democli, (void *)ask_new);
        pty_expect(&differs, "Enter the passphrase: ");
        pty_send(&differs, "hunter2\n");
        pty_expect(&differs, "Repeat the passphrase: ");
        pty_send(&differs, others[i]);
        pty_expect(&differs, "demo: secret: the two entries differ");
        assert_int_equal(pty_wait(&differs), 1);
        assert_null(strstr(differs.seen, "hunter"));
    }
}

static void answers_that_are_none_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        const char *why;
        int status;
    } cases[] = {
        {"\n", "the passphrase must be of 1 to 16 bytes", 1},
        {"seventeen bytes a\n", "the passphrase must be of 1 to 16 bytes", 1},
        {"\x04", "no passphrase was entered", 1},
        {"\x03", "interrupted", 130},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pty pty = pty_start(run_democli, (void *)ask);
        pty_expect(&pty, "Enter the passphrase: ");
        pty_send(&pty, cases[i].answer);
        pty_expect(&pty, cases[i].why);
        assert_true(pty_echoes(&pty));
        assert_int_equal(pty_wait(&pty), cases[i].status);
    }
    struct pty full = pty_start(run_democli, (void *)ask);
    pty_expect(&full, "Enter the passphrase: ");
    pty_send(&full, "sixteen bytes ab\n");
    pty_expect(&full, "got 16 bytes: sixteen bytes ab");
    assert_int_equal(pty_wait(&full), 0);
}

static void the_echo_is_back_before_a_signal_kills(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGQUIT, SIGHUP};
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        struct pty pty = pty_start(run_democli, (void *)ask);
        pty_expect(&pty, "Enter the passphrase: ");
        assert_false(pty_echoes(&pty));
        assert_int_equal(kill(pty.pid, signals[i]), 0);
        int status = 0;
        assert_int_equal(waitpid(pty.pid, &status, 0), pty.pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), signals[i]);
        assert_true(pty_echoes(&pty));
        assert_int_equal(close(pty.master), 0);
    }
}

static int run_deaf(void *words)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        (void)signal(signals[i], SIG_IGN);
    return run_democli(words);
}

/* R6. */
static void a_signal_that_was_ignored_does_not_end_the_question(void **state)
{
    (void)state;
    static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
    struct pty pty = pty_start(run_deaf, (void *)ask);
    pty_expect(&pty, "Enter the passphrase: ");
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        assert_int_equal(kill(pty.pid, signals[i]), 0);
    pty_send(&pty, "hunter2\n");
    pty_expect(&pty, "got 7 bytes: hunter2");
    assert_int_equal(pty_wait(&pty), 0);
    assert_string_equal(pty.seen, "Enter the passphrase: \r\ngot 7 bytes: hunter2\r\n");
}

/* The least of a shell: runs the words as a job, and when the job stops waits for a line before it
 * lets it go on. */
static int run_as_job(void *words)
{
    (void)signal(SIGTTOU, SIG_IGN);
    pid_t job = fork();
    if (job == 0) {
        (void)setpgid(0, 0);
        (void)tcsetpgrp(0, getpid());
        (void)signal(SIGTTOU, SIG_DFL);
        return run_democli(words);
    }
    int status = 0;
    char line[10];
    if (waitpid(job, &status, WUNTRACED) != job || !WIFSTOPPED(status))
        return 99;
    (void)tcsetpgrp(0, getpid());
    if (write(1, "stopped\n", 8) != 8 || read(0, line, sizeof(line)) <= 0)
        return 98;
    (void)tcsetpgrp(0, job);
    (void)kill(-job, SIGCONT);
    if (waitpid(job, &status, 0) != job)
        return 97;
    return WEXITSTATUS(status);
}

/* Q3. */
static void stopping_gives_the_terminal_back(void **state)
{
    (void)state;
    struct pty pty = pty_start(run_as_job, (void *)ask);
    pty_expect(&pty, "Enter the passphrase: ");
    pty_send(&pty, "hunt\x1a");
    pty_expect(&pty, "stopped");
    assert_true(pty_echoes(&pty));
    pty_send(&pty, "fg\n");
    pty_expect(&pty, "Enter the passphrase: ");
    assert_false(pty_echoes(&pty));
    pty_send(&pty, "hunter2\n");
    pty_expect(&pty, "got 7 bytes: hunter2");
    assert_true(pty_echoes(&pty));
    assert_int_equal(pty_wait(&pty), 0);
}

static void a_terminal_is_not_read_with_echo(void **state)
{
    (void)state;
    static const char *const words[] = {"demo", "secret", "--file", "-", NULL};
    struct pty pty = pty_start(run_democli, (void *)words);
    pty_expect(&pty, "demo: -: is a terminal and would show the passphrase");
    assert_int_equal(pty_wait(&pty), 1);
}

/* 0 if an answer that was given up left nothing behind. */
static int ask_and_look(void *argument)
{
    (void)argument;
    static const uint8_t zeroes[16] = {0};
    uint8_t memory[16];
    size_t len = 7;
    int fd = -1;
    struct cli cli = demo_context(stdout, stderr);
    memset(memory, 0xaa, sizeof(memory));
    if (cli_terminal_open(&fd))
        return 1;
    int error = cli_terminal_ask(&cli, memory, &len, sizeof(memory), fd, "Say: ", true);
    (void)close(fd);
    if (error != COMMON_ERR_CANCELLED || len != 0)
        return 2;
    return memcmp(memory, zeroes, sizeof(memory)) != 0;
}

/* Q4. */
static void half_an_answer_is_wiped(void **state)
{
    (void)state;
    struct pty pty = pty_start(ask_and_look, NULL);
    pty_expect(&pty, "Say: ");
    pty_send(&pty, "half\x04\x04");
    assert_int_equal(pty_wait(&pty), 0);
}

static void without_a_terminal_a_file_is_asked_for(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught caught = SPAWN("secret");
    assert_int_equal(caught.status, 1);
    assert_string_equal(caught.err, "demo: secret: the passphrase is needed, from a file or a "
                                    "terminal; see --help\n");
    CLEANUP_CAUGHT struct caught key = SPAWN("secret", "--key");
    assert_string_equal(key.err,
                        "demo: secret: the passphrase is needed, from a file; see --help\n");
}

static void the_deadline_ends_the_wait(void **state)
{
    (void)state;
    static const char *const words[] = {"demo", "secret", "--timeout", "1s", NULL};
    struct pty pty = pty_start(run_democli, (void *)words);
    pty_expect(&pty, "Enter the passphrase: ");
    pty_expect(&pty, "the deadline passed");
    assert_true(pty_echoes(&pty));
    assert_int_equal(pty_wait(&pty), 1);
}

int main(void)
{
    /* Whoever started us may ignore these (nohup does), and an ignored signal stays ignored. */
    static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        (void)signal(signals[i], SIG_DFL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_passphrase_loses_one_line_end),
        cmocka_unit_test(a_key_is_raw),
        cmocka_unit_test(lengths_out_of_bounds_and_zero_bytes_are_refused),
        cmocka_unit_test(what_is_not_returned_is_wiped),
        cmocka_unit_test(a_lax_mode_draws_a_warning),
        cmocka_unit_test(what_is_no_file_is_refused_without_waiting),
        cmocka_unit_test(an_open_descriptor_is_read_to_its_end),
        cmocka_unit_test(credentials_come_from_their_directory_only),
        cmocka_unit_test(the_terminal_does_not_echo_meanwhile),
        cmocka_unit_test(a_new_passphrase_is_asked_for_twice),
        cmocka_unit_test(answers_that_are_none_are_refused),
        cmocka_unit_test(the_echo_is_back_before_a_signal_kills),
        cmocka_unit_test(a_signal_that_was_ignored_does_not_end_the_question),
        cmocka_unit_test(stopping_gives_the_terminal_back),
        cmocka_unit_test(a_terminal_is_not_read_with_echo),
        cmocka_unit_test(half_an_answer_is_wiped),
        cmocka_unit_test(without_a_terminal_a_file_is_asked_for),
        cmocka_unit_test(the_deadline_ends_the_wait),
    };
    return cmocka_run_group_tests_name("cli_secret", tests, make_directory, remove_directory);
}
