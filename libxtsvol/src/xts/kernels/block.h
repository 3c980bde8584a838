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

/* A tweak times x (5.2): both halves twice, and for the bit that leaves one at the top, 1 to the
 * high half or 0x87 to the low one. Signs spread over 32 bits say which. */
BLOCK_INLINE __m128i block_double(__m128i t)
{
    __m128i out = _mm_srai_epi32(_mm_shuffle_epi32(t, _MM_SHUFFLE(0, 1, 0, 3)), 31);
    __m128i reduced = _mm_and_si128(out, _mm_set_epi64x(1, 0x87));
    return _mm_xor_si128(_mm_add_epi64(t, t), reduced);
}

/* One block under its tweak. */
BLOCK_INLINE __m128i block_crypt(enum xts_direction direction, const uint8_t *round_keys,
                                 __m128i block, __m128i tweak)
{
    const uint8_t *last_key = round_keys + (size_t)XTS_NUM_ROUNDS * XTS_BLOCK_LEN;
    block = _mm_xor_si128(_mm_xor_si128(block, tweak), block_load(round_keys));
    _Pragma("GCC unroll 14") for (size_t r = 1; r < XTS_NUM_ROUNDS; r++)
    {
        __m128i key = block_load(round_keys + r * XTS_BLOCK_LEN);
        block =
            direction == XTS_ENCRYPT ? _mm_aesenc_si128(block, key) : _mm_aesdec_si128(block, key);
    }
    block = direction == XTS_ENCRYPT ? _mm_aesenclast_si128(block, block_load(last_key))
                                     : _mm_aesdeclast_si128(block, block_load(last_key));
    return _mm_xor_si128(block, tweak);
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
