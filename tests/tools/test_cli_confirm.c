/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tests/tools/cli_fixture.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

static const char *const erase[] = {"demo", "vault", "erase", "vol1", NULL};

static void only_the_whole_word_yes_counts(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        int status;
    } cases[] = {
        {"yes\n", 0},
        {"y\n", 1},
        {"Yes\n", 1},
        {"YES\n", 1},
        {"no\n", 1},
        {"\n", 1},
        {"yes \n", 1},
        {" yes\n", 1},
        {"yess\n", 1},
        {"\x04", 1}, /* end of input */
        {"yes I am sure about that one\n", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pty pty = pty_start(run_democli, (void *)erase);
        pty_expect(&pty, "Are you sure that vol1 may be erased? (yes/[no]): ");
        assert_true(pty_echoes(&pty));
        pty_send(&pty, cases[i].answer);
        pty_expect(&pty, cases[i].status
                             ? "demo: vol1: not confirmed with 'yes'; nothing was changed"
                             : "erased vol1");
        if (pty_wait(&pty) != cases[i].status)
            fail_msg("'%s'", cases[i].answer);
    }
}

static void the_option_answers_and_nothing_is_asked(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught caught = SPAWN("vault", "erase", "vol1", "--yes");
    assert_int_equal(caught.status, 0);
    assert_string_equal(caught.out, "erased vol1\n");
    static const char *const words[] = {"demo", "vault", "erase", "vol1", "--yes", NULL};
    struct pty pty = pty_start(run_democli, (void *)words);
    assert_int_equal(pty_wait(&pty), 0);
    assert_string_equal(pty.seen, "erased vol1\r\n");
}

static void without_a_terminal_it_is_refused(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught caught = SPAWN("vault", "erase", "vol1");
    assert_int_equal(caught.status, 1);
    assert_string_equal(caught.out, "");
    assert_string_equal(caught.err, "demo: vol1: cannot be undone and there is no terminal to ask "
                                    "on: add --yes to confirm; nothing was changed\n");
}

static void an_interrupt_is_no_answer(void **state)
{
    (void)state;
    struct pty pty = pty_start(run_democli, (void *)erase);
    pty_expect(&pty, "(yes/[no]): ");
    pty_send(&pty, "\x03");
    pty_expect(&pty, "demo: vol1: interrupted; nothing was changed");
    assert_int_equal(pty_wait(&pty), 130);
}

static void the_deadline_is_no_answer(void **state)
{
    (void)state;
    static const char *const words[] = {"demo", "vault", "erase", "x", "--timeout", "1s", NULL};
    struct pty pty = pty_start(run_democli, (void *)words);
    pty_expect(&pty, "(yes/[no]): ");
    pty_expect(&pty, "demo: x: no answer in time; nothing was changed");
    assert_int_equal(pty_wait(&pty), 1);
}

/* Begins when there is something to read. */
static int run_late(void *words)
{
    struct pollfd poll_fd = {.fd = STDIN_FILENO, .events = POLLIN};
    if (write(STDOUT_FILENO, "ready\n", 6) != 6 || poll(&poll_fd, 1, 5000) != 1)
        return 99;
    return run_democli(words);
}

/* Q1. */
static void what_was_typed_before_the_question_is_no_answer(void **state)
{
    (void)state;
    struct pty pty = pty_start(run_late, (void *)erase);
    pty_expect(&pty, "ready");
    pty_send(&pty, "yes\n");
    pty_expect(&pty, "(yes/[no]): ");
    pty_send(&pty, "no\n");
    pty_expect(&pty, "demo: vol1: not confirmed");
    assert_int_equal(pty_wait(&pty), 1);
}

static void the_question_cannot_be_forged_by_a_name(void **state)
{
    (void)state;
    static const char *const words[] = {"demo", "vault", "erase", "x\r\x1b[2K", NULL};
    struct pty pty = pty_start(run_democli, (void *)words);
    pty_expect(&pty, "Are you sure that x\\x0d\\x1b[2K may be erased? (yes/[no]): ");
    pty_send(&pty, "no\n");
    assert_int_equal(pty_wait(&pty), 1);
    assert_null(strchr(pty.seen, '\x1b'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_whole_word_yes_counts),
        cmocka_unit_test(the_option_answers_and_nothing_is_asked),
        cmocka_unit_test(without_a_terminal_it_is_refused),
        cmocka_unit_test(an_interrupt_is_no_answer),
        cmocka_unit_test(the_deadline_is_no_answer),
        cmocka_unit_test(what_was_typed_before_the_question_is_no_answer),
        cmocka_unit_test(the_question_cannot_be_forged_by_a_name),
    };
    return cmocka_run_group_tests_name("cli_confirm", tests, NULL, NULL);
}
