/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes in bytes: 4096, 512K, 100M, 2G, 1T, in powers of 1024; KiB, MiB, GiB and TiB are the same.
 *
 *   S1  Capital letters only, no fraction, no blank, no sign. KB is refused: it means 1000 to some.
 *   S2  What exceeds 64 bits is refused.
 *   S3  What is formatted exactly parses back to the same number.
 */
#ifndef TOOLS_CLI_SIZE_H
#define TOOLS_CLI_SIZE_H

#include "common/base/error.h"

#include <stdint.h>

enum {
    CLI_SIZE_SIZE = 32 /* holds any formatted size or rate */
};

/* COMMON_ERR_INVALID for what is not a size, COMMON_ERR_LIMIT for too much; *out is 0 then. */
COMMON_MUST_USE int cli_size_parse(uint64_t *out, const char *text);

/* Exact, with the largest unit that leaves no rest: 1536M. */
void cli_size_format(char out[CLI_SIZE_SIZE], uint64_t bytes);

/* For reading, rounded to a tenth: 512 B, 1.5 GiB; and per second: 243.1 MiB/s. */
void cli_size_human(char out[CLI_SIZE_SIZE], uint64_t bytes);
void cli_rate_human(char out[CLI_SIZE_SIZE], uint64_t bytes_per_s);

#endif
