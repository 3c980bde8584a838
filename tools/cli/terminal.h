/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions on the terminal that controls the process, whatever the standard streams are.
 *
 *   Q1  The answer is one line. What was typed before the question is dropped: it was not meant.
 *   Q2  The terminal is put back as it was before anything else happens, on every way out, and
 *       before a signal that came meanwhile is allowed to do its work.
 *   Q3  SIGTSTP stops the process with the terminal in order; the question is asked again after.
 *   Q4  The answer is read into the caller's memory and nowhere else; the rest of it is wiped.
 *   Q5  --timeout ends the wait.
 */
#ifndef TOOLS_CLI_TERMINAL_H
#define TOOLS_CLI_TERMINAL_H

#include "tools/cli/cli.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens the controlling terminal. COMMON_ERR_NOT_FOUND if there is none. */
COMMON_MUST_USE int cli_terminal_open(int *out_fd);

/* Asks and reads the answer without its line end. COMMON_ERR_CANCELLED at the end of input or a
 * signal, COMMON_ERR_LIMIT if the answer is longer than the memory, COMMON_ERR_TIMEOUT,
 * COMMON_ERR_IO; *out_len is 0 and the memory wiped then. Nothing is told on err. */
COMMON_MUST_USE int cli_terminal_ask(const struct cli *cli, uint8_t *out, size_t *out_len,
                                     size_t out_cap, int terminal_fd, const char *prompt,
                                     bool is_hidden);

#endif
