/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-NI: one block in a vector, in the encoding that CPUs without AVX have too. Round keys stay in
 * memory, as operands of the AES instructions.
 */
#include "libxtsvol/src/xts/cpu.h"
#include "libxtsvol/src/xts/kernels/block.h"

typedef __m128i vector;
#define XTS_VECTOR_BLOCKS 1
#define XTS_REGISTER "x"
#define XTS_TWEAKS_FIRST 1
#define XTS_ONE_FRAME_LEN 640
#define XTS_PART_FRAME_LEN 768
#define XTS_MANY_FRAME_LEN 3072
#define V static inline __attribute__((always_inline))

V vector vector_load(const void *from)
{
    return _mm_loadu_si128((const __m128i *)from);
}

V void vector_store(void *to, vector v)
{
    _mm_storeu_si128((__m128i *)to, v);
}

V vector vector_zero(void)
{
    return _mm_setzero_si128();
}

V vector vector_xor(vector a, vector b)
{
    return _mm_xor_si128(a, b);
}

V vector vector_xor3(vector a, vector b, vector c)
{
    return _mm_xor_si128(_mm_xor_si128(a, b), c);
}

V vector vector_repeat_block(__m128i block)
{
    return block;
}

/* Round keys and tweaks lie at multiples of 16, where an instruction can take them from memory. */
V vector vector_repeat(const uint8_t *block)
{
    return _mm_load_si128((const __m128i *)(const void *)block);
}

V vector vector_count(vector v, size_t by)
{
    return _mm_add_epi64(v, _mm_set_epi64x(0, (long long)by));
}

V vector vector_number(struct xtsvol_unit_number number)
{
    return _mm_set_epi64x((long long)number.high, (long long)number.low);
}

V vector vector_round(enum xts_direction direction, vector v, vector key)
{
    return direction == XTS_ENCRYPT ? _mm_aesenc_si128(v, key) : _mm_aesdec_si128(v, key);
}

V vector vector_last_round(enum xts_direction direction, vector v, vector key)
{
    return direction == XTS_ENCRYPT ? _mm_aesenclast_si128(v, key) : _mm_aesdeclast_si128(v, key);
}

#include "libxtsvol/src/xts/kernels/memory_keys.h"

struct multipliers {
    vector polynomial; /* 0x87 in the low half */
    vector last_key;   /* k14 */
    vector step;       /* k14 * x + k14 */
    vector group_step; /* k14 * x^4 + k14 */
};

/* t * x^4, in the way of vaes_avx512.c. */
V vector times_x4(vector t, const struct multipliers *multipliers)
{
    vector out = _mm_srli_epi64(t, 60);
    vector across = _mm_unpacklo_epi64(vector_zero(), out);
    vector reduced = _mm_clmulepi64_si128(out, multipliers->polynomial, 0x01);
    return vector_xor3(_mm_slli_epi64(t, 4), across, reduced);
}

V void multipliers_load(struct multipliers *out, vector last_key)
{
    out->polynomial = _mm_set_epi64x(0, 0x87);
    out->last_key = last_key;
    out->step = vector_xor(block_double(last_key), last_key);
    out->group_step = vector_xor(times_x4(last_key, out), last_key);
}

/* From block to block by doubling, which is the least work. */
V void group_tweaks_double(vector p[4], vector first, const struct multipliers *multipliers)
{
    p[0] = first;
    _Pragma("GCC unroll 4") for (int i = 1; i < 4; i++)
    {
        first = vector_xor(block_double(first), multipliers->step);
        p[i] = first;
    }
}

V void group_tweaks_begin(vector p[4], vector t, const struct multipliers *multipliers)
{
    group_tweaks_double(p, vector_xor(t, multipliers->last_key), multipliers);
}

/* From group to group at once: a chain of doublings through all groups would take longer than their
 * AES. */
V void group_tweaks_next(vector p[4], const vector before[4], const struct multipliers *multipliers)
{
    vector first = vector_xor(times_x4(before[0], multipliers), multipliers->group_step);
    group_tweaks_double(p, first, multipliers);
}

V void registers_wipe(void)
{
    __asm__ volatile("pxor %%xmm0, %%xmm0\n\t"
                     "pxor %%xmm1, %%xmm1\n\t"
                     "pxor %%xmm2, %%xmm2\n\t"
                     "pxor %%xmm3, %%xmm3\n\t"
                     "pxor %%xmm4, %%xmm4\n\t"
                     "pxor %%xmm5, %%xmm5\n\t"
                     "pxor %%xmm6, %%xmm6\n\t"
                     "pxor %%xmm7, %%xmm7\n\t"
                     "pxor %%xmm8, %%xmm8\n\t"
                     "pxor %%xmm9, %%xmm9\n\t"
                     "pxor %%xmm10, %%xmm10\n\t"
                     "pxor %%xmm11, %%xmm11\n\t"
                     "pxor %%xmm12, %%xmm12\n\t"
                     "pxor %%xmm13, %%xmm13\n\t"
                     "pxor %%xmm14, %%xmm14\n\t"
                     "pxor %%xmm15, %%xmm15"
                     :
                     :
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

#include "libxtsvol/src/xts/kernels/pipeline.h"

XTS_PIPELINE_KERNEL(xv_kernel_aesni, "aesni", XTSVOL_KERNEL_AESNI, XV_CPU_AESNI);
