/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tests/tools/cli_fixture.h"
#include "tools/cli/progress.h"

#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define MS UINT64_C(1000000)
#define MIB (UINT64_C(1) << 20)

static size_t count(const char *text, const char *part)
{
    size_t num = 0;
    for (; (text = strstr(text, part)); text++)
        num++;
    return num;
}

/* Ten minutes of steady work, ten updates a second; what was shown in all. */
static char *work(enum cli_progress_mode mode, uint64_t total)
{
    char *shown = NULL;
    size_t len = 0;
    FILE *err = open_memstream(&shown, &len);
    assert_non_null(err);
    struct cli cli = demo_context(err, err);
    cli.progress = mode;
    struct cli_progress progress;
    cli_progress_begin(&progress, &cli, "rekey", CLI_PROGRESS_BYTES, total, 0);
    for (uint64_t i = 1; i <= 6000; i++) {
        fake_monotonic_ns += 100 * MS;
        cli_progress_update(&progress, i * MIB);
    }
    cli_progress_end(&progress);
    assert_false(cli.is_line_open);
    assert_int_equal(fclose(err), 0);
    return shown;
}

static void without_a_terminal_there_are_few_plain_lines(void **state)
{
    (void)state;
    char *shown = work(CLI_PROGRESS_AUTO, 6000 * MIB);
    assert_int_equal(count(shown, "\n"), 600 / 5 + 1);
    assert_null(strchr(shown, '\r'));
    assert_null(strchr(shown, '\x1b'));
    assert_memory_equal(shown, "demo: rekey:   0%  50.0 MiB of 5.9 GiB  10.0 MiB/s  9m 56s left\n",
                        64);
    assert_non_null(
        strstr(shown, "demo: rekey:  50%  2.9 GiB of 5.9 GiB  10.0 MiB/s  5m 01s left\n"));
    assert_non_null(strstr(shown, "demo: rekey: 100%  5.9 GiB of 5.9 GiB  10.0 MiB/s\n"));
    free(shown);
}

static void never_means_never(void **state)
{
    (void)state;
    char *shown = work(CLI_PROGRESS_NEVER, 6000 * MIB);
    assert_string_equal(shown, "");
    free(shown);
}

static void always_draws_a_bar_without_a_terminal(void **state)
{
    (void)state;
    char *shown = work(CLI_PROGRESS_ALWAYS, 6000 * MIB);
    assert_true(count(shown, "\r") > 5990 && count(shown, "\r") <= 6001);
    assert_int_equal(count(shown, "\n"), 1);
    assert_int_equal(shown[strlen(shown) - 1], '\n');
    assert_null(strchr(shown, '\x1b')); /* no colour without a terminal */
    assert_non_null(strstr(shown, "\rrekey  50%  [#"));
    free(shown);
}

static void an_unknown_total_shows_neither_percent_nor_time_left(void **state)
{
    (void)state;
    char *shown = work(CLI_PROGRESS_AUTO, 0);
    assert_null(strchr(shown, '%'));
    assert_null(strstr(shown, "left"));
    assert_null(strstr(shown, " of "));
    assert_non_null(strstr(shown, "demo: rekey:  5.9 GiB  10.0 MiB/s\n"));
    free(shown);
}

/* G2: a bar is drawn ten times a second, however often it is told. */
static void a_bar_is_drawn_ten_times_a_second_at_most(void **state)
{
    (void)state;
    char *shown = NULL;
    size_t len = 0;
    FILE *err = open_memstream(&shown, &len);
    struct cli cli = demo_context(err, err);
    cli.progress = CLI_PROGRESS_ALWAYS;
    struct cli_progress progress;
    cli_progress_begin(&progress, &cli, "x", CLI_PROGRESS_ITEMS, 10000, 0);
    for (uint64_t i = 1; i <= 10000; i++) {
        fake_monotonic_ns += MS / 10; /* one second in all */
        cli_progress_update(&progress, i);
    }
    assert_int_equal(fflush(err), 0);
    assert_int_equal(count(shown, "\r"), 10);
    cli_progress_end(&progress);
    assert_int_equal(fclose(err), 0);
    assert_non_null(strstr(shown, "10000 of 10000  10000.0/s"));
    free(shown);
}

static void resumed_work_has_the_rate_of_now(void **state)
{
    (void)state;
    char *shown = NULL;
    size_t len = 0;
    FILE *err = open_memstream(&shown, &len);
    struct cli cli = demo_context(err, err);
    struct cli_progress progress;
    cli_progress_begin(&progress, &cli, "x", CLI_PROGRESS_BYTES, 2000 * MIB, 1000 * MIB);
    fake_monotonic_ns += 5000 * MS;
    cli_progress_update(&progress, 1005 * MIB);
    assert_int_equal(fclose(err), 0);
    assert_string_equal(shown, "demo: x:  50%  1005.0 MiB of 2.0 GiB  1.0 MiB/s  16m 36s left\n");
    free(shown);
}

/* Amounts no larger than their total, and no number that the format cannot hold. */
static void odd_amounts_do_no_harm(void **state)
{
    (void)state;
    static const uint64_t amounts[] = {0, 1, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(amounts) * ARRAY_LEN(amounts); i++) {
        char *shown = NULL;
        size_t len = 0;
        FILE *err = open_memstream(&shown, &len);
        struct cli cli = demo_context(err, err);
        cli.progress = CLI_PROGRESS_ALWAYS;
        struct cli_progress progress;
        cli_progress_begin(&progress, &cli, "", CLI_PROGRESS_ITEMS, amounts[i / 5], 0);
        fake_monotonic_ns += 200 * MS;
        cli_progress_update(&progress, amounts[i % 5]);
        cli_progress_update(&progress, 0); /* backwards */
        cli_progress_end(&progress);
        assert_int_equal(fclose(err), 0);
        if (amounts[i % 5] < amounts[i / 5])
            assert_null(strstr(shown, "100%"));
        free(shown);
    }
}

/* Draws one bar on a terminal of so many columns; what came, without its line end. */
static void draw(char shown[1000], unsigned short columns, const char *label)
{
    int master = -1;
    int slave = -1;
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    FILE *err = fdopen(slave, "w");
    struct cli cli = demo_context(err, err);
    struct cli_progress progress;
    cli_progress_begin(&progress, &cli, label, CLI_PROGRESS_BYTES, 100 * MIB, 0);
    fake_monotonic_ns += 1000 * MS;
    cli_progress_update(&progress, 50 * MIB);
    ssize_t n = read(master, shown, 999);
    assert_true(n > 0);
    shown[n] = '\0';
    cli_progress_end(&progress);
    assert_int_equal(fclose(err), 0);
    assert_int_equal(close(master), 0);
}

/* G4. */
static void a_bar_fits_the_terminal(void **state)
{
    (void)state;
    char shown[1000];
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
    static const unsigned short widths[] = {1, 2, 10, 20, 40, 60, 66, 80, 100, 200, 600};
    for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
        draw(shown, widths[i], "rekey");
        size_t columns = widths[i] > 1 && widths[i] < 512 ? widths[i] : 80U;
        assert_int_equal(shown[0], '\r');
        assert_int_equal(strlen(shown), columns);
        assert_int_equal(strchr(shown, '[') != NULL, columns >= 80);
    }
    draw(shown, 80,
         "a\x1b[31m label \xff that is so long that it leaves no room for anything else "
         "but itself and not even that");
    assert_int_equal(strlen(shown), 80);
    assert_null(strchr(shown, '\x1b'));
    assert_int_equal(unsetenv("NO_COLOR"), 0);
}

/* G3. */
static void colour_is_left_out_where_it_is_not_wanted(void **state)
{
    (void)state;
    char shown[1000];
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    assert_int_equal(unsetenv("NO_COLOR"), 0);
    draw(shown, 80, "x");
    assert_non_null(strstr(shown, "\x1b[32m"));
    assert_int_equal(count(shown, "\x1b[0m"), 1);
    assert_int_equal(setenv("NO_COLOR", "", 1), 0);
    draw(shown, 80, "x");
    assert_non_null(strstr(shown, "\x1b[32m"));
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
    draw(shown, 80, "x");
    assert_null(strchr(shown, '\x1b'));
    assert_int_equal(unsetenv("NO_COLOR"), 0);
}

static void a_dumb_terminal_is_none(void **state)
{
    (void)state;
    int master = -1;
    int slave = -1;
    assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
    FILE *err = fdopen(slave, "w");
    struct cli cli = demo_context(err, err);
    struct cli_progress progress;
    assert_int_equal(setenv("TERM", "dumb", 1), 0);
    cli_progress_begin(&progress, &cli, "x", CLI_PROGRESS_BYTES, 10, 0);
    assert_false(progress.is_bar);
    assert_int_equal(unsetenv("TERM"), 0);
    cli_progress_begin(&progress, &cli, "x", CLI_PROGRESS_BYTES, 10, 0);
    assert_false(progress.is_bar);
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    cli_progress_begin(&progress, &cli, "x", CLI_PROGRESS_BYTES, 10, 0);
    assert_true(progress.is_bar);
    assert_int_equal(fclose(err), 0);
    assert_int_equal(close(master), 0);
}

static void messages_get_a_line_of_their_own(void **state)
{
    (void)state;
    char *shown = NULL;
    size_t len = 0;
    FILE *err = open_memstream(&shown, &len);
    struct cli cli = demo_context(err, err);
    cli.progress = CLI_PROGRESS_ALWAYS;
    struct cli_progress progress;
    cli_progress_begin(&progress, &cli, "x", CLI_PROGRESS_BYTES, 100, 0);
    fake_monotonic_ns += 1000 * MS;
    cli_progress_update(&progress, 50);
    cli_warn(&cli, NULL, "slow");
    cli_warn(&cli, NULL, "slower");
    fake_monotonic_ns += 1000 * MS;
    cli_progress_update(&progress, 60);
    assert_int_equal(cli_fail(&cli, COMMON_ERR_IO, "disk", "gone"), COMMON_ERR_IO);
    assert_int_equal(fclose(err), 0);
    assert_null(strstr(shown, "\n\n"));
    assert_non_null(strstr(shown, "\ndemo: warning: slow\ndemo: warning: slower\n\rx  60%"));
    assert_non_null(strstr(shown, "\ndemo: disk: gone\n"));
    free(shown);
}

static void on_a_terminal_the_bar_ends_with_its_line(void **state)
{
    (void)state;
    static const char *const words[] = {"demo", "work", NULL};
    struct pty pty = pty_start(run_democli, (void *)words);
    pty_expect(&pty, "\rwork ");
    pty_expect(&pty, "100%");
    assert_int_equal(pty_wait(&pty), 0);
    assert_string_equal(pty.seen + pty.seen_len - 2, "\r\n");
    assert_int_equal(count(pty.seen, "\n"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_terminal_there_are_few_plain_lines),
        cmocka_unit_test(never_means_never),
        cmocka_unit_test(always_draws_a_bar_without_a_terminal),
        cmocka_unit_test(an_unknown_total_shows_neither_percent_nor_time_left),
        cmocka_unit_test(a_bar_is_drawn_ten_times_a_second_at_most),
        cmocka_unit_test(resumed_work_has_the_rate_of_now),
        cmocka_unit_test(odd_amounts_do_no_harm),
        cmocka_unit_test(a_bar_fits_the_terminal),
        cmocka_unit_test(colour_is_left_out_where_it_is_not_wanted),
        cmocka_unit_test(a_dumb_terminal_is_none),
        cmocka_unit_test(messages_get_a_line_of_their_own),
        cmocka_unit_test(on_a_terminal_the_bar_ends_with_its_line),
    };
    return cmocka_run_group_tests_name("cli_progress", tests, NULL, NULL);
}
