/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decimal digits, and nothing but digits: strtoull() would take blanks, signs and 0x, and turn -1
 * into a very large number.
 */
#ifndef TOOLS_CLI_NUMBER_H
#define TOOLS_CLI_NUMBER_H

#include "common/base/error.h"

#include <stdint.h>

/* Reads the digits at *text and moves it behind them. COMMON_ERR_INVALID if there is none,
 * COMMON_ERR_LIMIT beyond 64 bits; *out is 0 then. */
COMMON_MUST_USE int cli_number_parse(uint64_t *out, const char **text);

#endif
