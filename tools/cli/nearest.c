/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/nearest.h"

#include <string.h>

enum {
    MAX_WORD = 32
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). Three
 * rows suffice: a swap looks back two. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][MAX_WORD + 1] = {{0}};
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            row[j] =
                least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

void cli_nearest_offer(struct cli_nearest *nearest, const char *typed, const char *candidate)
{
    size_t typed_len = strlen(typed);
    size_t candidate_len = strlen(candidate);
    if (typed_len > MAX_WORD || candidate_len > MAX_WORD)
        return;
    size_t allowed = least(typed_len, candidate_len) >= 5 ? 2 : 1;
    size_t d = distance(typed, typed_len, candidate, candidate_len);
    if (d > allowed || d >= typed_len || (nearest->name && d >= nearest->distance))
        return;
    nearest->name = candidate;
    nearest->distance = d;
}
