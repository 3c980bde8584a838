/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations as storage administrators write them: 90s, 15m, 6h, 30D, 6W, 2M, 1Y. In seconds.
 *
 *   D1  Units are Y M W D h m s and case matters: M is a month, m a minute.
 *   D2  A month is 30 D and a year 365 D, always: a duration is an amount and not a calendar date.
 *       So 12M is five days short of 1Y.
 *   D3  Sums go from the larger unit to the smaller, each at most once: 1D12h, not 12h1D.
 *   D4  Refused: nothing, a number without a unit, signs, blanks, fractions, what exceeds 64 bits.
 *   D5  What is formatted parses back to the same number.
 */
#ifndef TOOLS_CLI_DURATION_H
#define TOOLS_CLI_DURATION_H

#include "common/base/error.h"

#include <stdint.h>

enum {
    CLI_DURATION_SIZE = 32 /* holds any formatted duration */
};

/* COMMON_ERR_INVALID for what is not a duration, COMMON_ERR_LIMIT for too much; *out is 0 then. */
COMMON_MUST_USE int cli_duration_parse(uint64_t *out, const char *text);

/* The shortest exact form; of two that are as short, the one with the larger unit. 0 is 0s. */
void cli_duration_format(char out[CLI_DURATION_SIZE], uint64_t seconds);

/* For reading, the two largest units: 45s, 2m 05s, 1h 02m, 3D 04h. Rounded down. */
void cli_duration_human(char out[CLI_DURATION_SIZE], uint64_t seconds);

#endif
