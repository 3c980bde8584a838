/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/confirm.h"

#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "tools/cli/terminal.h"
#include "tools/cli/text.h"

#include <stdarg.h>
#include <string.h>

static const char tail[] = " (yes/[no]): ";

/* R5 holds here too: the question names the object. */
static int ask(const struct cli *cli, bool *is_yes, int terminal_fd, const char *question)
{
    COMMON_CLEANUP_BUF struct common_buf prompt = common_buf_growing(4 * CLI_MESSAGE_SIZE + 64);
    int error = cli_text_append(&prompt, question, strlen(question));
    if (!error)
        error = common_buf_append(&prompt, tail, sizeof(tail));
    if (error)
        return error;

    uint8_t answer[16];
    size_t answer_len = 0;
    error = cli_terminal_ask(cli, answer, &answer_len, sizeof(answer), terminal_fd,
                             (const char *)prompt.data, false);
    *is_yes = !error && answer_len == 3 && strncmp((const char *)answer, "yes", 3) == 0;
    return error == COMMON_ERR_LIMIT ? 0 : error; /* a long answer is a no */
}

int cli_confirm(struct cli *cli, const char *object, const char *question, ...)
{
    if (!cli->path[cli->depth - 1]->confirms)
        abort();
    if (cli->yes)
        return 0;
    COMMON_CLEANUP_FD int terminal_fd = -1;
    if (cli_terminal_open(&terminal_fd))
        return cli_fail(cli, COMMON_ERR_DENIED, object,
                        "cannot be undone and there is no terminal to ask on: add --yes to "
                        "confirm; nothing was changed");

    char text[CLI_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, question);
    (void)vsnprintf(text, sizeof(text), question, arguments);
    va_end(arguments);
    bool is_yes = false;
    int error = ask(cli, &is_yes, terminal_fd, text);
    if (error == COMMON_ERR_TIMEOUT)
        return cli_fail(cli, error, object, "no answer in time; nothing was changed");
    if (error && cli_interrupted())
        return cli_fail(cli, error, object, "interrupted; nothing was changed");
    if (error && error != COMMON_ERR_CANCELLED)
        return cli_fail(cli, error, object, "the question could not be asked: %s",
                        common_error_text(error));
    if (!is_yes)
        return cli_fail(cli, COMMON_ERR_CANCELLED, object,
                        "not confirmed with 'yes'; nothing was changed");
    return 0;
}
