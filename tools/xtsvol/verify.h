/* SPDX-License-Identifier: Apache-2.0 */
/* `bench --verify FILE`. */
#ifndef XTSVOL_TOOL_VERIFY_H
#define XTSVOL_TOOL_VERIFY_H

#include "tools/cli/cli.h"

#include <stddef.h>

enum {
    BENCH_VERIFY_UNIT = 4096 /* bytes, unless --unit says otherwise */
};

/* Compares all kernels, and the libcrypto of that name, on the bytes of a file, and prints what was
 * compared. A failure has been told. */
COMMON_MUST_USE int bench_verify(struct cli *cli, const char *path, size_t unit_len,
                                 const char *libcrypto_name);

#endif
