/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/size.h"

#include "common/base/checked.h"
#include "tools/cli/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    NUM_UNITS = 4,      /* K M G T */
    NUM_HUMAN_UNITS = 6 /* and, for reading, P and E */
};

static const char letters[] = "KMGTPE";

int cli_size_parse(uint64_t *out, const char *text)
{
    *out = 0;
    uint64_t bytes = 0;
    int error = cli_number_parse(&bytes, &text);
    if (error)
        return error;
    for (unsigned i = 0; i < NUM_UNITS; i++) {
        if (*text != letters[i])
            continue;
        text += strcmp(text + 1, "iB") == 0 ? 3 : 1;
        if (common_u64_mul(&bytes, bytes, UINT64_C(1) << 10 * (i + 1)))
            return COMMON_ERR_LIMIT;
        break;
    }
    if (*text != '\0')
        return COMMON_ERR_INVALID;
    *out = bytes;
    return 0;
}

void cli_size_format(char out[CLI_SIZE_SIZE], uint64_t bytes)
{
    unsigned unit = 0;
    while (unit < NUM_UNITS && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    if (unit == 0)
        (void)snprintf(out, CLI_SIZE_SIZE, "%" PRIu64, bytes);
    else
        (void)snprintf(out, CLI_SIZE_SIZE, "%" PRIu64 "%c", bytes, letters[unit - 1]);
}

static void format_human(char out[CLI_SIZE_SIZE], uint64_t bytes, const char *suffix)
{
    if (bytes < 1024) {
        (void)snprintf(out, CLI_SIZE_SIZE, "%" PRIu64 " B%s", bytes, suffix);
        return;
    }
    unsigned unit = 1;
    while (unit < NUM_HUMAN_UNITS && bytes >> 10 * unit >= 1024)
        unit++;
    uint64_t one = UINT64_C(1) << 10 * unit;
    uint64_t whole = bytes / one;
    uint64_t tenths = (bytes % one * 10 + one / 2) / one;
    whole += tenths / 10;
    tenths %= 10;
    /* Rounding may reach the next unit: 1.0 GiB is meant, not 1024.0 MiB. */
    if (whole == 1024 && unit < NUM_HUMAN_UNITS) {
        whole = 1;
        unit++;
    }
    (void)snprintf(out, CLI_SIZE_SIZE, "%" PRIu64 ".%" PRIu64 " %ciB%s", whole, tenths,
                   letters[unit - 1], suffix);
}

void cli_size_human(char out[CLI_SIZE_SIZE], uint64_t bytes)
{
    format_human(out, bytes, "");
}

void cli_rate_human(char out[CLI_SIZE_SIZE], uint64_t bytes_per_s)
{
    format_human(out, bytes_per_s, "/s");
}
