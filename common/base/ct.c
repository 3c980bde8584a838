/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/ct.h"

#include <string.h>

/* The difference is folded through a value that the optimiser cannot see through, so that it may
 * not turn the loop into one with an early exit. */
static uint8_t fold(const uint8_t *a, const uint8_t *b, size_t len)
{
    uint8_t diff = 0;
    for (size_t i = 0; i < len; i++) {
        diff |= (uint8_t)(a[i] ^ (b ? b[i] : 0));
        __asm__("" : "+r"(diff));
    }
    return diff;
}

bool common_ct_equal(const void *a, const void *b, size_t len)
{
    return len == 0 || fold(a, b, len) == 0;
}

bool common_ct_is_zero(const void *a, size_t len)
{
    return fold(a, NULL, len) == 0;
}

void common_wipe(void *data, size_t len)
{
    if (len != 0)
        explicit_bzero(data, len);
}
