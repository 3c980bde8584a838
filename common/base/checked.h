/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checked arithmetic: sizes and offsets that came from outside go through here.
 *
 * Each function stores the result and returns 0, or returns COMMON_ERR_LIMIT and stores 0, so that
 * a caller who went on all the same would ask for nothing rather than for too much.
 */
#ifndef COMMON_BASE_CHECKED_H
#define COMMON_BASE_CHECKED_H

#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

COMMON_MUST_USE static inline int common_size_add(size_t *out, size_t a, size_t b)
{
    if (__builtin_add_overflow(a, b, out)) {
        *out = 0;
        return COMMON_ERR_LIMIT;
    }
    return 0;
}

COMMON_MUST_USE static inline int common_size_mul(size_t *out, size_t a, size_t b)
{
    if (__builtin_mul_overflow(a, b, out)) {
        *out = 0;
        return COMMON_ERR_LIMIT;
    }
    return 0;
}

COMMON_MUST_USE static inline int common_u64_add(uint64_t *out, uint64_t a, uint64_t b)
{
    if (__builtin_add_overflow(a, b, out)) {
        *out = 0;
        return COMMON_ERR_LIMIT;
    }
    return 0;
}

COMMON_MUST_USE static inline int common_u64_mul(uint64_t *out, uint64_t a, uint64_t b)
{
    if (__builtin_mul_overflow(a, b, out)) {
        *out = 0;
        return COMMON_ERR_LIMIT;
    }
    return 0;
}

/* a rounded up to a multiple of unit, which must be a power of two. */
COMMON_MUST_USE static inline int common_size_round_up(size_t *out, size_t a, size_t unit)
{
    if (common_size_add(out, a, unit - 1))
        return COMMON_ERR_LIMIT;
    *out &= ~(unit - 1);
    return 0;
}

COMMON_MUST_USE static inline int common_u64_to_size(size_t *out, uint64_t value)
{
    if (value > SIZE_MAX) {
        *out = 0;
        return COMMON_ERR_LIMIT;
    }
    *out = (size_t)value;
    return 0;
}

static inline bool common_is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Is [offset, offset + len) inside [0, size)? No sum is formed that could wrap. */
static inline bool common_range_fits(uint64_t offset, uint64_t len, uint64_t size)
{
    return offset <= size && len <= size - offset;
}

#endif
