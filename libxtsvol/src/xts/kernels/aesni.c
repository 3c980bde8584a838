/* SPDX-License-Identifier: Apache-2.0 */
#include "libxtsvol/src/xts/steal.h"
#include "libxtsvol/src/xts/tweak.h"

#include "libxtsvol/src/xts/cpu.h"
#include <immintrin.h>

static __m128i load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}
static void store(uint8_t *p, __m128i v)
{
    _mm_storeu_si128((__m128i *)(void *)p, v);
}

static __m128i aes(const uint8_t *keys, __m128i v, enum xts_direction d)
{
    v = _mm_xor_si128(v, load(keys));
    for (int i = 1; i < 14; i++)
        v = d == XTS_ENCRYPT ? _mm_aesenc_si128(v, load(keys + 16 * i))
                             : _mm_aesdec_si128(v, load(keys + 16 * i));
    return d == XTS_ENCRYPT ? _mm_aesenclast_si128(v, load(keys + 224))
                            : _mm_aesdeclast_si128(v, load(keys + 224));
}
static void first_tweak(const struct xts_schedule *s, uint8_t tweak[16],
                        struct xtsvol_unit_number n)
{
    xv_put_unit(tweak, n);
    store(tweak, aes(s->tweak, load(tweak), XTS_ENCRYPT));
}
static void blocks(const struct xts_schedule *s, uint8_t tweak[16], uint8_t *out, const uint8_t *in,
                   size_t n, enum xts_direction d)
{
    for (; n > 0; n--, in += 16, out += 16) {
        __m128i t = load(tweak);
        store(out, _mm_xor_si128(t, aes(d == XTS_ENCRYPT ? s->encrypt : s->decrypt,
                                        _mm_xor_si128(t, load(in)), d)));
        xv_tweak_double(tweak);
    }
}
static void blocks_e(const struct xts_schedule *s, uint8_t tweak[16], uint8_t *out,
                     const uint8_t *in, size_t n)
{
    blocks(s, tweak, out, in, n, XTS_ENCRYPT);
}
static void blocks_d(const struct xts_schedule *s, uint8_t tweak[16], uint8_t *out,
                     const uint8_t *in, size_t n)
{
    blocks(s, tweak, out, in, n, XTS_DECRYPT);
}
static void units(const struct xts_schedule *s, uint8_t *out, const uint8_t *in, size_t unit_len,
                  size_t num, struct xtsvol_unit_number first, enum xts_direction d)
{
    if (unit_len % 16) {
        xv_steal_units(&xv_kernel_aesni, d, s, out, in, unit_len, num, first);
        return;
    }
    for (size_t i = 0; i < num; i++, in += unit_len, out += unit_len, first = xv_next_unit(first)) {
        uint8_t t[16];
        first_tweak(s, t, first);
        blocks(s, t, out, in, unit_len / 16, d);
    }
}
static void units_e(const struct xts_schedule *s, uint8_t *out, const uint8_t *in, size_t unit_len,
                    size_t num, struct xtsvol_unit_number first)
{
    units(s, out, in, unit_len, num, first, XTS_ENCRYPT);
}
static void units_d(const struct xts_schedule *s, uint8_t *out, const uint8_t *in, size_t unit_len,
                    size_t num, struct xtsvol_unit_number first)
{
    units(s, out, in, unit_len, num, first, XTS_DECRYPT);
}

const struct xts_kernel xv_kernel_aesni = {
    .name = "aesni",
    .id = XTSVOL_KERNEL_AESNI,
    .needs = XV_CPU_AESNI,
    .units = {units_e, units_d},
    .blocks = {blocks_e, blocks_d},
    .first_tweak = first_tweak,
};
