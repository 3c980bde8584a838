/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/duration.h"

#include "common/base/checked.h"
#include "tools/cli/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
    char letter;
    uint32_t seconds;
};

/* From the largest to the smallest: the order of D3. */
static const struct unit units[] = {
    {'Y', 365 * 86400}, {'M', 30 * 86400}, {'W', 7 * 86400}, {'D', 86400},
    {'h', 3600},        {'m', 60},         {'s', 1},
};

enum {
    NUM_UNITS = sizeof(units) / sizeof(units[0])
};

static int parse_sum(uint64_t *out, const char *text)
{
    size_t next = 0; /* the first unit that may still come */
    do {
        uint64_t count = 0;
        int error = cli_number_parse(&count, &text);
        if (error)
            return error;
        while (next < NUM_UNITS && units[next].letter != *text)
            next++;
        if (next == NUM_UNITS)
            return COMMON_ERR_INVALID;
        if (common_u64_mul(&count, count, units[next].seconds) || common_u64_add(out, *out, count))
            return COMMON_ERR_LIMIT;
        next++;
        text++;
    } while (*text != '\0');
    return 0;
}

int cli_duration_parse(uint64_t *out, const char *text)
{
    *out = 0;
    uint64_t sum = 0;
    int error = parse_sum(&sum, text);
    if (error)
        return error;
    *out = sum;
    return 0;
}

/* Writes seconds with the units of the mask; the length, or SIZE_MAX if that leaves a rest or would
 * name a unit in vain. */
static size_t format_with(char out[CLI_DURATION_SIZE], unsigned mask, uint64_t seconds)
{
    size_t len = 0;
    for (size_t i = 0; i < NUM_UNITS; i++) {
        if (!(mask & 1U << i))
            continue;
        uint64_t count = seconds / units[i].seconds;
        if (count == 0)
            return SIZE_MAX;
        seconds %= units[i].seconds;
        int n =
            snprintf(out + len, CLI_DURATION_SIZE - len, "%" PRIu64 "%c", count, units[i].letter);
        if (n < 0 || (size_t)n >= CLI_DURATION_SIZE - len)
            return SIZE_MAX;
        len += (size_t)n;
    }
    return seconds == 0 ? len : SIZE_MAX;
}

/* All sets of units are tried: 127 of them, and the shortest is not always the fewest. Masks are
 * counted up with the largest unit in the lowest bit, which settles ties for the larger one. */
void cli_duration_format(char out[CLI_DURATION_SIZE], uint64_t seconds)
{
    (void)snprintf(out, CLI_DURATION_SIZE, "0s");
    size_t best = SIZE_MAX;
    for (unsigned mask = 1; mask < 1U << NUM_UNITS; mask++) {
        char text[CLI_DURATION_SIZE];
        size_t len = format_with(text, mask, seconds);
        if (len < best) {
            best = len;
            memcpy(out, text, len + 1);
        }
    }
}

void cli_duration_human(char out[CLI_DURATION_SIZE], uint64_t seconds)
{
    static const struct unit human[] = {{'D', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

    size_t i = 0;
    while (i < 3 && seconds < human[i].seconds)
        i++;
    uint64_t count = seconds / human[i].seconds;
    if (i == 3)
        (void)snprintf(out, CLI_DURATION_SIZE, "%" PRIu64 "s", count);
    else
        (void)snprintf(out, CLI_DURATION_SIZE, "%" PRIu64 "%c %02" PRIu64 "%c", count,
                       human[i].letter, seconds % human[i].seconds / human[i + 1].seconds,
                       human[i + 1].letter);
}
