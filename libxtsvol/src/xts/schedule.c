/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key schedule (FIPS 197, 5.2), for all kernels: keys are expanded once, so one way in plain C
 * without tables is enough. The substitution is computed, the inverse in GF(2^8) by raising to the
 * power of 254, eight bytes at a time.
 */
#include "common/base/endian.h"
#include "libxtsvol/src/xts/kernel.h"
#include "libxtsvol/src/xts/kernels/residue.h"

#include <string.h>

enum {
    WORD_LEN = 4,
    KEY_WORDS = 8,
    SCHEDULE_WORDS = XTS_ROUND_KEYS_LEN / WORD_LEN
};

#define EACH_BYTE(value) ((value)*UINT64_C(0x0101010101010101))

/* Eight bytes times x in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1 (4.2.1). */
static uint64_t times_x(uint64_t a)
{
    uint64_t carries = (a & EACH_BYTE(0x80)) >> 7;
    return (a & EACH_BYTE(0x7f)) << 1 ^ carries * 0x1b;
}

static uint64_t times(uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    for (unsigned bit = 8; bit-- > 0;) {
        uint64_t is_set = b >> bit & EACH_BYTE(1);
        product = times_x(product) ^ (a & is_set * 0xff);
    }
    return product;
}

static uint64_t rotate_each(uint64_t a, unsigned by)
{
    uint64_t low = EACH_BYTE((uint64_t)0xff >> by);
    return (a & low) << by | (a & ~low) >> (8 - by);
}

/* SubBytes (5.1.1). a^254 is the inverse, and 0 for 0. */
static uint64_t substitute(uint64_t a)
{
    uint64_t power = a;
    for (int i = 0; i < 6; i++)
        power = times(times(power, power), a); /* a^(2^(i+2) - 1) */
    power = times(power, power);
    return power ^ rotate_each(power, 1) ^ rotate_each(power, 2) ^ rotate_each(power, 3) ^
           rotate_each(power, 4) ^ EACH_BYTE(0x63);
}

static uint32_t substitute_word(uint32_t word)
{
    return (uint32_t)substitute(word);
}

static XV_NOINLINE void expand_half(uint8_t out[XTS_ROUND_KEYS_LEN], const uint8_t *key)
{
    /* Words are little-endian here: RotWord takes the lowest byte to the top. */
    uint32_t round_constant = 1;
    memcpy(out, key, (size_t)KEY_WORDS * WORD_LEN);
    for (size_t i = KEY_WORDS; i < SCHEDULE_WORDS; i++) {
        uint32_t word = common_get_le32(out + (i - 1) * WORD_LEN);
        if (i % KEY_WORDS == 0) {
            word = substitute_word(word >> 8 | word << 24) ^ round_constant;
            round_constant <<= 1;
        } else if (i % KEY_WORDS == 4) {
            word = substitute_word(word);
        }
        word ^= common_get_le32(out + (i - KEY_WORDS) * WORD_LEN);
        common_put_le32(out + i * WORD_LEN, word);
    }
}

/* InvMixColumns on two columns (5.3.3): times {0b}x^3 + {0d}x^2 + {09}x + {0e}. */
static uint64_t rotate_columns(uint64_t a, unsigned num_bytes)
{
    uint64_t low = num_bytes == 1   ? UINT64_C(0x00ffffff00ffffff)
                   : num_bytes == 2 ? UINT64_C(0x0000ffff0000ffff)
                                    : UINT64_C(0x000000ff000000ff);
    unsigned by = num_bytes * 8;
    return (a & low) << by | (a & ~low) >> (32 - by);
}

static uint64_t inverse_mix_columns(uint64_t a)
{
    uint64_t by_2 = times_x(a);
    uint64_t by_4 = times_x(by_2);
    uint64_t by_8 = times_x(by_4);
    uint64_t by_9 = by_8 ^ a;
    return by_8 ^ by_4 ^ by_2 ^ rotate_columns(by_9, 1) ^ rotate_columns(by_9 ^ by_4, 2) ^
           rotate_columns(by_9 ^ by_2, 3);
}

static XV_NOINLINE void reverse(uint8_t out[XTS_ROUND_KEYS_LEN],
                                const uint8_t keys[XTS_ROUND_KEYS_LEN])
{
    for (size_t round = 0; round <= XTS_NUM_ROUNDS; round++) {
        const uint8_t *from = keys + (XTS_NUM_ROUNDS - round) * XTS_BLOCK_LEN;
        uint8_t *to = out + round * XTS_BLOCK_LEN;
        memcpy(to, from, XTS_BLOCK_LEN);
        if (round == 0 || round == XTS_NUM_ROUNDS)
            continue;
        for (size_t i = 0; i < XTS_BLOCK_LEN; i += 8)
            common_put_le64(to + i, inverse_mix_columns(common_get_le64(from + i)));
    }
}

void xv_schedule_expand(struct xts_schedule *out, const uint8_t key[XTSVOL_XTS_KEY_LEN])
{
    expand_half(out->encrypt, key);
    reverse(out->decrypt, out->encrypt);
    expand_half(out->tweak, key + XTSVOL_XTS_KEY_LEN / 2);
    xv_leave_nothing();
}
