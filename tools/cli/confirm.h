/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cannot be undone asks first.
 *
 *   Y1  Only the whole word `yes` is a yes.
 *   Y2  --yes answers it, and nothing is asked.
 *   Y3  Without a terminal and without --yes it is refused.
 *   Y4  What is not a yes is told on err, and the command must change nothing.
 */
#ifndef TOOLS_CLI_CONFIRM_H
#define TOOLS_CLI_CONFIRM_H

#include "tools/cli/cli.h"

/* Asks `question (yes/[no]): ` on the controlling terminal. 0 for a yes; else the failure has been
 * told: COMMON_ERR_CANCELLED, COMMON_ERR_DENIED without a terminal, COMMON_ERR_TIMEOUT. The
 * command's entry in the table must have `confirms`, else the program ends with abort(). */
__attribute__((format(printf, 3, 4))) COMMON_MUST_USE int
cli_confirm(struct cli *cli, const char *object, const char *question, ...);

#endif
