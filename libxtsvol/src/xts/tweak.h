/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of units and the field in which tweaks are multiplied, in plain C. */
#ifndef XTSVOL_XTS_TWEAK_H
#define XTSVOL_XTS_TWEAK_H

#include "common/base/endian.h"
#include "libxtsvol/src/xts/kernel.h"

/* number + 1; the caller knows that it does not wrap. */
static inline struct xtsvol_unit_number xv_next_unit(struct xtsvol_unit_number number)
{
    number.low++;
    number.high += number.low == 0;
    return number;
}

/* number + n, likewise. */
static inline struct xtsvol_unit_number xv_add_units(struct xtsvol_unit_number number, size_t n)
{
    number.low += n;
    number.high += number.low < n;
    return number;
}

/* The same number, its halves in two registers. A compiler likes to copy it as 16 bytes at once,
 * but the halves were stored one by one by whoever called: such a load waits until both stores are
 * in the cache, behind all stores of the call before, and two calls no longer overlap. */
static inline struct xtsvol_unit_number xv_in_registers(struct xtsvol_unit_number number)
{
    __asm__("" : "+r"(number.low), "+r"(number.high));
    return number;
}

/* The number as the block that is encrypted for the first tweak: 128 bits, little-endian (5.1). */
static inline void xv_put_unit(uint8_t out[XTS_BLOCK_LEN], struct xtsvol_unit_number number)
{
    common_put_le64(out, number.low);
    common_put_le64(out + 8, number.high);
}

/* The next block's tweak: times x in GF(2^128) modulo x^128 + x^7 + x^2 + x + 1, the first byte the
 * lowest (5.2). */
static inline void xv_tweak_double(uint8_t tweak[XTS_BLOCK_LEN])
{
    uint64_t low = common_get_le64(tweak);
    uint64_t high = common_get_le64(tweak + 8);
    uint64_t carry = high >> 63;
    common_put_le64(tweak, low << 1 ^ (0x87 & (0 - carry)));
    common_put_le64(tweak + 8, high << 1 | low >> 63);
}

#endif
