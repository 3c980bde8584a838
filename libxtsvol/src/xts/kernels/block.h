/* SPDX-License-Identifier: Apache-2.0 */
/* Single blocks, whatever the width of the kernel's vectors: a unit's first tweak when the unit is
 * alone. */
#ifndef XTSVOL_XTS_KERNELS_BLOCK_H
#define XTSVOL_XTS_KERNELS_BLOCK_H

#include "libxtsvol/src/xts/tweak.h"

#include <immintrin.h>

#define BLOCK_INLINE static inline __attribute__((always_inline))

BLOCK_INLINE __m128i block_load(const uint8_t *from)
{
    return _mm_loadu_si128((const __m128i *)(const void *)from);
}

BLOCK_INLINE void block_store(uint8_t *to, __m128i block)
{
    _mm_storeu_si128((__m128i *)(void *)to, block);
}

BLOCK_INLINE __m128i encrypt_number(const uint8_t *round_keys, struct xtsvol_unit_number number)
{
    number = xv_in_registers(number);
    __m128i t = _mm_set_epi64x((long long)number.high, (long long)number.low);
    t = _mm_xor_si128(t, block_load(round_keys));
    _Pragma("GCC unroll 14") for (size_t r = 1; r < XTS_NUM_ROUNDS; r++) t =
        _mm_aesenc_si128(t, block_load(round_keys + r * XTS_BLOCK_LEN));
    return _mm_aesenclast_si128(t, block_load(round_keys + (size_t)XTS_NUM_ROUNDS * XTS_BLOCK_LEN));
}

#endif
