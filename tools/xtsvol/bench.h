/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `bench`. */
#ifndef XTSVOL_TOOL_BENCH_H
#define XTSVOL_TOOL_BENCH_H

#include "tools/cli/cli.h"
#include "tools/cli/command.h"
#include "tools/xtsvol/kernels.h"

extern const struct cli_command xtsvol_bench_command;

/* Opens the kernels; what fails is told. */
COMMON_MUST_USE int bench_open_kernels(struct cli *cli, struct bench_kernels *out,
                                       const uint8_t key[XTSVOL_XTS_KEY_LEN]);

/* Interrupted, or out of time? The latter is told. */
COMMON_MUST_USE int bench_check(struct cli *cli);

#endif
