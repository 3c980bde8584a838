/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VAES on 512 bits: four blocks in a vector, round keys in registers.
 *
 * The instructions beside AES are chosen so that they leave the AES units alone on the machines of
 * today: on Intel's that is port 0, which also has shifts of 512 bits, but no shuffles and no
 * carry-less products; on AMD's (Zen 5) it is two of four pipes, and a carry-less product costs two
 * cycles of a third.
 */
#include "libxtsvol/src/xts/cpu.h"
#include "libxtsvol/src/xts/kernels/block.h"

typedef __m512i vector;
#define XTS_VECTOR_BLOCKS 4
#define XTS_REGISTER "v"
#define XTS_TWEAKS_FIRST 0
#define XTS_ONE_FRAME_LEN 1536
#define XTS_PART_FRAME_LEN 2304
#define XTS_MANY_FRAME_LEN 4608
#define V static inline __attribute__((always_inline))

V vector vector_load(const void *from)
{
    return _mm512_loadu_si512(from);
}

V void vector_store(void *to, vector v)
{
    _mm512_storeu_si512(to, v);
}

V vector vector_zero(void)
{
    return _mm512_setzero_si512();
}

V vector vector_xor(vector a, vector b)
{
    return _mm512_xor_si512(a, b);
}

V vector vector_xor3(vector a, vector b, vector c)
{
    return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

V vector vector_repeat_block(__m128i block)
{
    return _mm512_broadcast_i32x4(block);
}

V vector vector_repeat(const uint8_t *block)
{
    return vector_repeat_block(block_load(block));
}

V vector vector_count(vector v, size_t by)
{
    return _mm512_add_epi64(v, _mm512_maskz_set1_epi64(0x55, (long long)by));
}

V vector vector_number(struct xtsvol_unit_number number)
{
    __m128i block = _mm_set_epi64x((long long)number.high, (long long)number.low);
    return _mm512_add_epi64(vector_repeat_block(block), _mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0));
}

V vector vector_round(enum xts_direction direction, vector v, vector key)
{
    return direction == XTS_ENCRYPT ? _mm512_aesenc_epi128(v, key) : _mm512_aesdec_epi128(v, key);
}

V vector vector_last_round(enum xts_direction direction, vector v, vector key)
{
    return direction == XTS_ENCRYPT ? _mm512_aesenclast_epi128(v, key)
                                    : _mm512_aesdeclast_epi128(v, key);
}

struct keys {
    vector round[XTS_NUM_ROUNDS];
};

V struct keys keys_load(const uint8_t *round_keys)
{
    struct keys keys;
    /* Read here and not before, where there are not enough registers for them. */
    __asm__ volatile("" : "+r"(round_keys));
    _Pragma("GCC unroll 14") for (size_t r = 1; r < XTS_NUM_ROUNDS; r++) keys.round[r] =
        vector_repeat(round_keys + r * XTS_BLOCK_LEN);
    return keys;
}

V void keys_refresh(const struct keys *keys)
{
    (void)keys;
}

V vector key_of(const struct keys *keys, unsigned round)
{
    return keys->round[round];
}

/* Products in GF(2^128), the lowest bit first in memory: what is shifted out at the top comes back
 * times x^7 + x^2 + x + 1, which a carry-less product by 0x87 adds up. */
struct multipliers {
    vector polynomial; /* 0x87 in the low half of each block */
    vector last_key;   /* k14 */
    vector step;       /* k14 * x^16 + k14 */
};

V vector times_group(vector p, const struct multipliers *multipliers)
{
    vector carried = _mm512_bsrli_epi128(p, 14);
    vector reduced = _mm512_clmulepi64_epi128(carried, multipliers->polynomial, 0x00);
    return vector_xor3(_mm512_bslli_epi128(p, 2), reduced, multipliers->step);
}

V void multipliers_load(struct multipliers *out, vector last_key)
{
    out->polynomial = _mm512_maskz_set1_epi64(0x55, 0x87);
    out->last_key = last_key;
    out->step = vector_zero();
    out->step = vector_xor(times_group(last_key, out), last_key);
}

/* t * x^s for s = 4 i to 4 i + 3: both halves shifted left, what leaves the low half added to the
 * high one, what leaves the high one reduced. */
V vector begin_vector(vector t, size_t i, const struct multipliers *multipliers)
{
    long long s = 4 * (long long)i;
    vector left = _mm512_set_epi64(s + 3, s + 3, s + 2, s + 2, s + 1, s + 1, s, s);
    vector right = _mm512_sub_epi64(_mm512_set1_epi64(64), left);
    vector out = _mm512_srlv_epi64(t, right);
    vector reduced = _mm512_clmulepi64_epi128(out, multipliers->polynomial, 0x01);
    vector across = _mm512_maskz_shuffle_epi32(0xcccc, out, _MM_PERM_BABA);
    return vector_xor3(vector_xor(_mm512_sllv_epi64(t, left), multipliers->last_key), across,
                       reduced);
}

V void group_tweaks_begin(vector p[4], vector t, const struct multipliers *multipliers)
{
    _Pragma("GCC unroll 4") for (size_t i = 0; i < 4; i++) p[i] = begin_vector(t, i, multipliers);
}

V void group_tweaks_next(vector p[4], const vector before[4], const struct multipliers *multipliers)
{
    _Pragma("GCC unroll 4") for (size_t i = 0; i < 4; i++) p[i] =
        times_group(before[i], multipliers);
}

/* One by one, which costs next to nothing; vzeroall is slow on some CPUs and leaves half of them.
 */
V void registers_wipe(void)
{
    __asm__ volatile("vpxord %%xmm0, %%xmm0, %%xmm0\n\t"
                     "vpxord %%xmm1, %%xmm1, %%xmm1\n\t"
                     "vpxord %%xmm2, %%xmm2, %%xmm2\n\t"
                     "vpxord %%xmm3, %%xmm3, %%xmm3\n\t"
                     "vpxord %%xmm4, %%xmm4, %%xmm4\n\t"
                     "vpxord %%xmm5, %%xmm5, %%xmm5\n\t"
                     "vpxord %%xmm6, %%xmm6, %%xmm6\n\t"
                     "vpxord %%xmm7, %%xmm7, %%xmm7\n\t"
                     "vpxord %%xmm8, %%xmm8, %%xmm8\n\t"
                     "vpxord %%xmm9, %%xmm9, %%xmm9\n\t"
                     "vpxord %%xmm10, %%xmm10, %%xmm10\n\t"
                     "vpxord %%xmm11, %%xmm11, %%xmm11\n\t"
                     "vpxord %%xmm12, %%xmm12, %%xmm12\n\t"
                     "vpxord %%xmm13, %%xmm13, %%xmm13\n\t"
                     "vpxord %%xmm14, %%xmm14, %%xmm14\n\t"
                     "vpxord %%xmm15, %%xmm15, %%xmm15\n\t"
                     "vpxord %%xmm16, %%xmm16, %%xmm16\n\t"
                     "vpxord %%xmm17, %%xmm17, %%xmm17\n\t"
                     "vpxord %%xmm18, %%xmm18, %%xmm18\n\t"
                     "vpxord %%xmm19, %%xmm19, %%xmm19\n\t"
                     "vpxord %%xmm20, %%xmm20, %%xmm20\n\t"
                     "vpxord %%xmm21, %%xmm21, %%xmm21\n\t"
                     "vpxord %%xmm22, %%xmm22, %%xmm22\n\t"
                     "vpxord %%xmm23, %%xmm23, %%xmm23\n\t"
                     "vpxord %%xmm24, %%xmm24, %%xmm24\n\t"
                     "vpxord %%xmm25, %%xmm25, %%xmm25\n\t"
                     "vpxord %%xmm26, %%xmm26, %%xmm26\n\t"
                     "vpxord %%xmm27, %%xmm27, %%xmm27\n\t"
                     "vpxord %%xmm28, %%xmm28, %%xmm28\n\t"
                     "vpxord %%xmm29, %%xmm29, %%xmm29\n\t"
                     "vpxord %%xmm30, %%xmm30, %%xmm30\n\t"
                     "vpxord %%xmm31, %%xmm31, %%xmm31\n\t"
                     :
                     :
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16",
                       "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24",
                       "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
}

#include "libxtsvol/src/xts/kernels/pipeline.h"

XTS_PIPELINE_KERNEL(xv_kernel_vaes_avx512, "vaes-avx512", XTSVOL_KERNEL_VAES_AVX512,
                    XV_CPU_VAES_AVX512);
