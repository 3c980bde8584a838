/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/secret.h"

#include "common/base/cleanup.h"
#include "common/base/ct.h"
#include "tools/cli/terminal.h"

#include <poll.h>

static int wait_readable(void *context, int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return cli_poll(context, &poll_fd, 1);
}

static void warn(void *context, const char *source, const char *sentence)
{
    cli_warn(context, source, "%s", sentence);
}

struct cli_secret_host cli_secret_host(struct cli *cli)
{
    return (struct cli_secret_host){.wait = wait_readable, .warn = warn, .context = cli};
}

static int check_answer(struct cli *cli, const struct cli_secret *secret, size_t len)
{
    char why[CLI_SECRET_WHY_SIZE];
    int error = cli_secret_check(why, secret, len);
    return error ? cli_fail(cli, error, NULL, "%s", why) : 0;
}

static int ask_into(struct cli *cli, uint8_t *memory, size_t *out_len,
                    const struct cli_secret *secret, int terminal_fd, const char *verb)
{
    char prompt[128];
    (void)snprintf(prompt, sizeof(prompt), "%s the %s: ", verb, secret->what);
    int error = cli_terminal_ask(cli, memory, out_len, secret->max_len, terminal_fd, prompt, true);
    if (!error)
        return 0;
    if (error == COMMON_ERR_LIMIT)
        return check_answer(cli, secret, SIZE_MAX);
    if (error == COMMON_ERR_CANCELLED)
        return cli_fail(cli, error, NULL, "%s",
                        cli_interrupted() ? "interrupted" : "no passphrase was entered");
    return cli_fail(cli, error, NULL, "the %s could not be asked for: %s", secret->what,
                    common_error_text(error));
}

static int read_terminal(struct cli *cli, size_t *out_len, const struct cli_secret *secret)
{
    COMMON_CLEANUP_FD int fd = -1;
    if (secret->kind != CLI_SECRET_PASSPHRASE || cli_terminal_open(&fd))
        return cli_fail(cli, COMMON_ERR_INVALID, NULL,
                        "the %s is needed, from a file%s; see --help", secret->what,
                        secret->kind == CLI_SECRET_PASSPHRASE ? " or a terminal" : "");
    size_t len = 0;
    int error = ask_into(cli, secret->memory, &len, secret, fd, "Enter");
    if (!error)
        error = check_answer(cli, secret, len);
    if (error || !secret->again) {
        *out_len = error ? 0 : len;
        return error;
    }
    size_t again_len = 0;
    error = ask_into(cli, secret->again, &again_len, secret, fd, "Repeat");
    if (error)
        return error;
    if (len != again_len || !common_ct_equal(secret->memory, secret->again, len))
        return cli_fail(cli, COMMON_ERR_INVALID, NULL, "the two entries differ");
    *out_len = len;
    return 0;
}

int cli_secret_read(struct cli *cli, size_t *out_len, const struct cli_secret *secret,
                    const char *source)
{
    *out_len = 0;
    if (source) {
        char why[CLI_SECRET_WHY_SIZE];
        const struct cli_secret_host host = cli_secret_host(cli);
        int error = cli_secret_read_source(out_len, why, &host, secret, source);
        return error ? cli_fail(cli, error, source, "%s", cli_interrupted() ? "interrupted" : why)
                     : 0;
    }
    int error = read_terminal(cli, out_len, secret);
    /* K1. */
    size_t kept = error ? 0 : *out_len;
    common_wipe(secret->memory + kept, secret->max_len - kept);
    if (secret->again)
        common_wipe(secret->again, secret->max_len);
    return error;
}
