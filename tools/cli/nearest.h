/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name that was meant. Start with an empty struct, offer each candidate, look at `name`.
 */
#ifndef TOOLS_CLI_NEAREST_H
#define TOOLS_CLI_NEAREST_H

#include <stddef.h>

struct cli_nearest {
    const char *name; /* the best so far, NULL if none is near enough */
    size_t distance;
};

/* Near enough: one letter changed, left out, added or swapped with its neighbour, two in words of
 * five letters and more. The first of several that are as near is kept. */
void cli_nearest_offer(struct cli_nearest *nearest, const char *typed, const char *candidate);

#endif
