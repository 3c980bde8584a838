/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VAES on 256 bits, for CPUs without AVX-512 or on which that slows the clock: two blocks in a
 * vector. There are 16 registers, of which the pipeline has 12: round keys stay in memory.
 */
#include "libxtsvol/src/xts/cpu.h"
#include "libxtsvol/src/xts/kernels/block.h"

typedef __m256i vector;
#define XTS_VECTOR_BLOCKS 2
#define XTS_REGISTER "x"
#define XTS_TWEAKS_FIRST 0
#define XTS_ONE_FRAME_LEN 1024
#define XTS_PART_FRAME_LEN 1280
#define XTS_MANY_FRAME_LEN 4096
#define V static inline __attribute__((always_inline))

V vector vector_load(const void *from)
{
    return _mm256_loadu_si256(from);
}

V void vector_store(void *to, vector v)
{
    _mm256_storeu_si256(to, v);
}

V vector vector_zero(void)
{
    return _mm256_setzero_si256();
}

V vector vector_xor(vector a, vector b)
{
    return _mm256_xor_si256(a, b);
}

V vector vector_xor3(vector a, vector b, vector c)
{
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
}

V vector vector_repeat_block(__m128i block)
{
    return _mm256_broadcastsi128_si256(block);
}

V vector vector_repeat(const uint8_t *block)
{
    return vector_repeat_block(block_load(block));
}

V vector vector_count(vector v, size_t by)
{
    return _mm256_add_epi64(v, _mm256_set_epi64x(0, (long long)by, 0, (long long)by));
}

V vector vector_number(struct xtsvol_unit_number number)
{
    __m128i block = _mm_set_epi64x((long long)number.high, (long long)number.low);
    return _mm256_add_epi64(vector_repeat_block(block), _mm256_set_epi64x(0, 1, 0, 0));
}

V vector vector_round(enum xts_direction direction, vector v, vector key)
{
    return direction == XTS_ENCRYPT ? _mm256_aesenc_epi128(v, key) : _mm256_aesdec_epi128(v, key);
}

V vector vector_last_round(enum xts_direction direction, vector v, vector key)
{
    return direction == XTS_ENCRYPT ? _mm256_aesenclast_epi128(v, key)
                                    : _mm256_aesdeclast_epi128(v, key);
}

#include "libxtsvol/src/xts/kernels/memory_keys.h"

/* As in vaes_avx512.c, for steps of eight blocks: x^8 is one byte. */
struct multipliers {
    vector polynomial; /* 0x87 in the low half of each block */
    vector last_key;   /* k14 */
    vector step;       /* k14 * x^8 + k14 */
};

V vector times_group(vector p, const struct multipliers *multipliers)
{
    vector carried = _mm256_bsrli_epi128(p, 15);
    vector reduced = _mm256_clmulepi64_epi128(carried, multipliers->polynomial, 0x00);
    return vector_xor3(_mm256_bslli_epi128(p, 1), reduced, multipliers->step);
}

V void multipliers_load(struct multipliers *out, vector last_key)
{
    out->polynomial = _mm256_set_epi64x(0, 0x87, 0, 0x87);
    out->last_key = last_key;
    out->step = vector_zero();
    out->step = vector_xor(times_group(last_key, out), last_key);
}

V vector begin_vector(vector t, size_t i, const struct multipliers *multipliers)
{
    long long s = 2 * (long long)i;
    vector left = _mm256_set_epi64x(s + 1, s + 1, s, s);
    vector right = _mm256_sub_epi64(_mm256_set1_epi64x(64), left);
    vector out = _mm256_srlv_epi64(t, right);
    vector reduced = _mm256_clmulepi64_epi128(out, multipliers->polynomial, 0x01);
    vector across = _mm256_bslli_epi128(out, 8);
    vector shifted = vector_xor(_mm256_sllv_epi64(t, left), multipliers->last_key);
    return vector_xor3(shifted, across, reduced);
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

V void registers_wipe(void)
{
    _mm256_zeroall();
}

#include "libxtsvol/src/xts/kernels/pipeline.h"

XTS_PIPELINE_KERNEL(xv_kernel_vaes_avx2, "vaes-avx2", XTSVOL_KERNEL_VAES_AVX2, XV_CPU_VAES_AVX2);
