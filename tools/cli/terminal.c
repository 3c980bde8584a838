/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/terminal.h"

#include "common/base/cleanup.h"
#include "common/base/ct.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

int cli_terminal_open(int *out_fd)
{
    *out_fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    return *out_fd < 0 ? COMMON_ERR_NOT_FOUND : 0;
}

/* Signals that would leave the terminal without echo; not those that were ignored from the start,
 * as by nohup(1): blocked and read they would count again. They wait in the mask and are read from
 * a descriptor: no handler, and no moment in which one could be missed. */
static void signals_to_hold(sigset_t *out)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
    (void)sigemptyset(out);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (!cli_signal_is_ignored(signals[i]))
            (void)sigaddset(out, signals[i]);
    }
}

static int put_all(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR)
            return COMMON_ERR_IO;
        text += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Waits for input: 0, or COMMON_ERR_CANCELLED with *signal_number set. */
static int wait_for_input(const struct cli *cli, int *signal_number, int terminal_fd, int signal_fd)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = terminal_fd, .events = POLLIN},
                               {.fd = signal_fd, .events = POLLIN}};
        int n = poll(fds, 2, cli_poll_timeout(cli));
        if (n < 0 && errno != EINTR)
            return COMMON_ERR_IO;
        uint64_t left_ns = 0;
        if (n <= 0 && cli_time_left(cli, &left_ns))
            return COMMON_ERR_TIMEOUT;
        if (n <= 0)
            continue;
        struct signalfd_siginfo info;
        if (fds[1].revents && read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
            *signal_number = (int)info.ssi_signo;
            return COMMON_ERR_CANCELLED;
        }
        if (fds[0].revents)
            return 0;
    }
}

/* One line. A terminal hands out at most one at a time, so that no byte of the next one is read. A
 * full memory leaves one byte to look at: the line end, or the answer is too long. */
static int read_line(const struct cli *cli, uint8_t *out, size_t *out_len, int *signal_number,
                     size_t out_cap, int terminal_fd, int signal_fd)
{
    size_t len = 0;
    for (;;) {
        int error = wait_for_input(cli, signal_number, terminal_fd, signal_fd);
        if (error)
            return error;
        uint8_t beyond = 0;
        bool is_full = len == out_cap;
        ssize_t n = read(terminal_fd, is_full ? &beyond : out + len, is_full ? 1 : out_cap - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return COMMON_ERR_IO;
        if (n == 0)
            return COMMON_ERR_CANCELLED;
        bool is_end = is_full ? beyond == '\n' : out[len + (size_t)n - 1] == '\n';
        common_wipe(&beyond, sizeof(beyond));
        if (is_full && !is_end)
            return COMMON_ERR_LIMIT;
        len += is_full ? 0 : (size_t)n;
        if (is_end) {
            *out_len = is_full ? len : len - 1;
            return 0;
        }
    }
}

/* Asks once. *signal_number is the signal that ended it, 0 if none did. */
static int ask_once(const struct cli *cli, uint8_t *out, size_t *out_len, int *signal_number,
                    size_t out_cap, int terminal_fd, int signal_fd, const char *prompt,
                    bool is_hidden)
{
    struct termios before;
    if (tcgetattr(terminal_fd, &before))
        return COMMON_ERR_IO;
    struct termios during = before;
    during.c_iflag |= ICRNL;
    during.c_lflag |= ICANON | ISIG;
    if (is_hidden)
        during.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    if (tcsetattr(terminal_fd, TCSAFLUSH, &during))
        return COMMON_ERR_IO;

    int error = put_all(terminal_fd, prompt);
    if (!error)
        error = read_line(cli, out, out_len, signal_number, out_cap, terminal_fd, signal_fd);
    /* The line end that was not echoed; and a fresh line for whatever is said next. */
    if (is_hidden || error)
        (void)put_all(terminal_fd, "\n");
    /* TCSAFLUSH drops the rest of an answer that was too long: a shell must not run it. */
    if (tcsetattr(terminal_fd, TCSAFLUSH, &before) && !error)
        error = COMMON_ERR_IO;
    return error;
}

int cli_terminal_ask(const struct cli *cli, uint8_t *out, size_t *out_len, size_t out_cap,
                     int terminal_fd, const char *prompt, bool is_hidden)
{
    *out_len = 0;
    int error = 0;
    int signal_number = 0;
    sigset_t held;
    sigset_t before;
    signals_to_hold(&held);
    COMMON_CLEANUP_FD int signal_fd = signalfd(-1, &held, SFD_NONBLOCK | SFD_CLOEXEC);
    if (signal_fd < 0)
        return COMMON_ERR_IO;
    do {
        signal_number = 0;
        (void)sigprocmask(SIG_BLOCK, &held, &before);
        error = cli_interrupted() ? COMMON_ERR_CANCELLED
                                  : ask_once(cli, out, out_len, &signal_number, out_cap,
                                             terminal_fd, signal_fd, prompt, is_hidden);
        if (error) {
            common_wipe(out, out_cap);
            *out_len = 0;
        }
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        if (signal_number)
            (void)raise(signal_number);
    } while (signal_number == SIGTSTP);
    return error;
}
