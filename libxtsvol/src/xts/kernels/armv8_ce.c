/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ARMv8 with the Cryptographic Extension. AESE adds a round key, then does SubBytes and ShiftRows;
 * AESMC is MixColumns, and cores fuse the pair: a key comes before its round and the last one is
 * added by hand. AESD and AESIMC are the same for the equivalent inverse cipher.
 *
 * Eight blocks are in flight, which hides the latency of the AES instructions on all known cores.
 * The tweaks of the next pass are made in between, with integers, so that neither waits for the
 * other. The blocks of a call lie one behind the other whatever the length of a unit, so passes go
 * on across units; the first tweaks of eight units are encrypted in one pass.
 */
#include "libxtsvol/src/xts/cpu.h"
#include "libxtsvol/src/xts/kernels/residue.h"
#include "libxtsvol/src/xts/steal.h"
#include "libxtsvol/src/xts/tweak.h"

#include <arm_neon.h>
#include <string.h>

enum {
    PASS_BLOCKS = 8,
    PASS_LEN = PASS_BLOCKS * XTS_BLOCK_LEN
};

/* A tweak as a number, the first byte the lowest. Secret. */
struct tweak {
    uint64_t low;
    uint64_t high;
};

/* Where the tweaks of one block after the other come from. Secret. */
struct tweaks {
    const uint8_t *keys;
    struct xtsvol_unit_number next_unit;
    size_t blocks_in_unit;
    size_t left_in_unit; /* blocks */
    struct tweak current;
    uint8_t firsts[PASS_LEN]; /* of the units before next_unit */
    size_t num_firsts;        /* not used yet, the last ones of firsts */
};

/* Blocks in flight are meant for registers, which a loop over them prevents as long as it is one.
 */
#define UNROLL _Pragma("GCC unroll 16")

static inline uint8x16_t key_of(const uint8_t *keys, size_t round)
{
    return vld1q_u8(keys + round * XTS_BLOCK_LEN);
}

/* A round but the last, and what the last leaves to do but adding its own key. */
static inline uint8x16_t whole_round(uint8x16_t v, uint8x16_t key, enum xts_direction direction)
{
    return direction == XTS_ENCRYPT ? vaesmcq_u8(vaeseq_u8(v, key))
                                    : vaesimcq_u8(vaesdq_u8(v, key));
}

static inline uint8x16_t last_round(uint8x16_t v, uint8x16_t key, enum xts_direction direction)
{
    return direction == XTS_ENCRYPT ? vaeseq_u8(v, key) : vaesdq_u8(v, key);
}

static inline uint8x16_t crypt_one(const uint8_t *keys, uint8x16_t v, enum xts_direction direction)
{
    UNROLL
    for (size_t round = 0; round < XTS_NUM_ROUNDS - 1; round++)
        v = whole_round(v, key_of(keys, round), direction);
    v = last_round(v, key_of(keys, XTS_NUM_ROUNDS - 1), direction);
    return veorq_u8(v, key_of(keys, XTS_NUM_ROUNDS));
}

static inline void whole_rounds(uint8x16_t v[PASS_BLOCKS], uint8x16_t key,
                                enum xts_direction direction)
{
    UNROLL
    for (size_t i = 0; i < PASS_BLOCKS; i++)
        v[i] = whole_round(v[i], key, direction);
}

static inline void last_rounds(uint8x16_t v[PASS_BLOCKS], uint8x16_t key,
                               enum xts_direction direction)
{
    UNROLL
    for (size_t i = 0; i < PASS_BLOCKS; i++)
        v[i] = last_round(v[i], key, direction);
}

static XV_NOINLINE void encrypt_firsts(struct tweaks *tweaks)
{
    const uint8_t *keys = tweaks->keys;
    const uint8x16_t last_key = key_of(keys, XTS_NUM_ROUNDS);
    uint8x16_t v[PASS_BLOCKS];

    UNROLL
    for (size_t i = 0; i < PASS_BLOCKS; i++) {
        xv_put_unit(tweaks->firsts + i * XTS_BLOCK_LEN, tweaks->next_unit);
        tweaks->next_unit = xv_next_unit(tweaks->next_unit);
        v[i] = vld1q_u8(tweaks->firsts + i * XTS_BLOCK_LEN);
    }
    UNROLL
    for (size_t round = 0; round < XTS_NUM_ROUNDS - 1; round++)
        whole_rounds(v, key_of(keys, round), XTS_ENCRYPT);
    last_rounds(v, key_of(keys, XTS_NUM_ROUNDS - 1), XTS_ENCRYPT);
    UNROLL
    for (size_t i = 0; i < PASS_BLOCKS; i++)
        vst1q_u8(tweaks->firsts + i * XTS_BLOCK_LEN, veorq_u8(v[i], last_key));
    tweaks->num_firsts = PASS_BLOCKS;
}

static void begin_unit(struct tweaks *tweaks)
{
    if (tweaks->num_firsts == 0)
        encrypt_firsts(tweaks);
    const uint8_t *first = tweaks->firsts + (PASS_BLOCKS - tweaks->num_firsts--) * XTS_BLOCK_LEN;
    tweaks->current = (struct tweak){common_get_le64(first), common_get_le64(first + 8)};
    tweaks->left_in_unit = tweaks->blocks_in_unit;
}

/* Gives the current one and goes to the next block of the same unit (xv_tweak_double()). */
static inline uint8x16_t step(struct tweak *tweak)
{
    const uint8x16_t now = vcombine_u8(vcreate_u8(tweak->low), vcreate_u8(tweak->high));
    uint64_t carry = tweak->high >> 63;
    tweak->high = tweak->high << 1 | tweak->low >> 63;
    tweak->low = tweak->low << 1 ^ (0x87 & (0 - carry));
    return now;
}

static inline uint8x16_t next_tweak(struct tweaks *tweaks)
{
    if (tweaks->left_in_unit == 0)
        begin_unit(tweaks);
    tweaks->left_in_unit--;
    return step(&tweaks->current);
}

/* Eight blocks with the tweaks in `masks`, in which the next eight of the unit are left. */
static inline void pass(enum xts_direction direction, const uint8_t *keys, struct tweak *tweak,
                        uint8x16_t masks[PASS_BLOCKS], uint8_t *out, const uint8_t *in)
{
    const uint8x16_t last_key = key_of(keys, XTS_NUM_ROUNDS);
    uint8x16_t v[PASS_BLOCKS];
    uint8x16_t next[PASS_BLOCKS];

    UNROLL
    for (size_t i = 0; i < PASS_BLOCKS; i++) {
        v[i] = veorq_u8(vld1q_u8(in + i * XTS_BLOCK_LEN), masks[i]);
        masks[i] = veorq_u8(masks[i], last_key);
    }
    UNROLL
    for (size_t round = 0; round < PASS_BLOCKS; round++) {
        whole_rounds(v, key_of(keys, round), direction);
        next[round] = step(tweak);
    }
    UNROLL
    for (size_t round = PASS_BLOCKS; round < XTS_NUM_ROUNDS - 1; round++)
        whole_rounds(v, key_of(keys, round), direction);
    last_rounds(v, key_of(keys, XTS_NUM_ROUNDS - 1), direction);
    UNROLL
    for (size_t i = 0; i < PASS_BLOCKS; i++) {
        vst1q_u8(out + i * XTS_BLOCK_LEN, veorq_u8(v[i], masks[i]));
        masks[i] = next[i];
    }
}

static inline void crypt_blocks(enum xts_direction direction, const uint8_t *keys,
                                struct tweaks *tweaks, uint8_t *out, const uint8_t *in,
                                size_t num_blocks)
{
    uint8x16_t masks[PASS_BLOCKS];
    size_t num_masks = 0; /* made by the pass before */

    for (; num_blocks >= PASS_BLOCKS; num_blocks -= PASS_BLOCKS) {
        for (; num_masks < PASS_BLOCKS; num_masks++)
            masks[num_masks] = next_tweak(tweaks);
        struct tweak ahead = tweaks->current;
        pass(direction, keys, &ahead, masks, out, in);
        num_masks = 0;
        /* A call does not end within a unit, so that these blocks are there too. */
        if (tweaks->left_in_unit >= PASS_BLOCKS) {
            tweaks->current = ahead;
            tweaks->left_in_unit -= PASS_BLOCKS;
            num_masks = PASS_BLOCKS;
        }
        in += PASS_LEN;
        out += PASS_LEN;
    }
    for (; num_blocks > 0; num_blocks--) {
        const uint8x16_t mask = next_tweak(tweaks);
        vst1q_u8(out, veorq_u8(crypt_one(keys, veorq_u8(vld1q_u8(in), mask), direction), mask));
        in += XTS_BLOCK_LEN;
        out += XTS_BLOCK_LEN;
    }
}

static inline void crypt_units(enum xts_direction direction, const struct xts_schedule *schedule,
                               uint8_t *out, const uint8_t *in, size_t unit_len,
                               struct xtsvol_unit_number first, size_t num_units)
{
    struct tweaks tweaks = {
        .keys = schedule->tweak,
        .next_unit = first,
        .blocks_in_unit = unit_len / XTS_BLOCK_LEN,
    };
    crypt_blocks(direction, direction == XTS_ENCRYPT ? schedule->encrypt : schedule->decrypt,
                 &tweaks, out, in, tweaks.blocks_in_unit * num_units);
}

static inline void crypt_part(enum xts_direction direction, const struct xts_schedule *schedule,
                              uint8_t tweak[XTS_BLOCK_LEN], uint8_t *out, const uint8_t *in,
                              size_t num_blocks)
{
    struct tweaks tweaks = {
        .left_in_unit = num_blocks,
        .current = {common_get_le64(tweak), common_get_le64(tweak + 8)},
    };
    crypt_blocks(direction, direction == XTS_ENCRYPT ? schedule->encrypt : schedule->decrypt,
                 &tweaks, out, in, num_blocks);
    common_put_le64(tweak, tweaks.current.low);
    common_put_le64(tweak + 8, tweaks.current.high);
}

/* Each direction is compiled apart. */
static XV_NOINLINE void encrypt_whole(const struct xts_schedule *schedule, uint8_t *out,
                                      const uint8_t *in, size_t unit_len,
                                      struct xtsvol_unit_number first, size_t num_units)
{
    crypt_units(XTS_ENCRYPT, schedule, out, in, unit_len, first, num_units);
}

static XV_NOINLINE void decrypt_whole(const struct xts_schedule *schedule, uint8_t *out,
                                      const uint8_t *in, size_t unit_len,
                                      struct xtsvol_unit_number first, size_t num_units)
{
    crypt_units(XTS_DECRYPT, schedule, out, in, unit_len, first, num_units);
}

static XV_NOINLINE void encrypt_some(const struct xts_schedule *schedule,
                                     uint8_t tweak[XTS_BLOCK_LEN], uint8_t *out, const uint8_t *in,
                                     size_t num_blocks)
{
    crypt_part(XTS_ENCRYPT, schedule, tweak, out, in, num_blocks);
}

static XV_NOINLINE void decrypt_some(const struct xts_schedule *schedule,
                                     uint8_t tweak[XTS_BLOCK_LEN], uint8_t *out, const uint8_t *in,
                                     size_t num_blocks)
{
    crypt_part(XTS_DECRYPT, schedule, tweak, out, in, num_blocks);
}

static XV_NOINLINE void make_first_tweak(const struct xts_schedule *schedule,
                                         uint8_t tweak[XTS_BLOCK_LEN],
                                         struct xtsvol_unit_number number)
{
    xv_put_unit(tweak, number);
    vst1q_u8(tweak, crypt_one(schedule->tweak, vld1q_u8(tweak), XTS_ENCRYPT));
}

static void encrypt_units(const struct xts_schedule *schedule, uint8_t *out, const uint8_t *in,
                          size_t unit_len, struct xtsvol_unit_number first, size_t num_units)
{
    if (xv_tail_len(unit_len) > 0)
        xv_steal_units(&xv_kernel_armv8_ce, XTS_ENCRYPT, schedule, out, in, unit_len, first,
                       num_units);
    else
        encrypt_whole(schedule, out, in, unit_len, first, num_units);
    xv_leave_nothing();
}

static void decrypt_units(const struct xts_schedule *schedule, uint8_t *out, const uint8_t *in,
                          size_t unit_len, struct xtsvol_unit_number first, size_t num_units)
{
    if (xv_tail_len(unit_len) > 0)
        xv_steal_units(&xv_kernel_armv8_ce, XTS_DECRYPT, schedule, out, in, unit_len, first,
                       num_units);
    else
        decrypt_whole(schedule, out, in, unit_len, first, num_units);
    xv_leave_nothing();
}

static void encrypt_part(const struct xts_schedule *schedule, uint8_t tweak[XTS_BLOCK_LEN],
                         uint8_t *out, const uint8_t *in, size_t num_blocks)
{
    encrypt_some(schedule, tweak, out, in, num_blocks);
    xv_leave_nothing();
}

static void decrypt_part(const struct xts_schedule *schedule, uint8_t tweak[XTS_BLOCK_LEN],
                         uint8_t *out, const uint8_t *in, size_t num_blocks)
{
    decrypt_some(schedule, tweak, out, in, num_blocks);
    xv_leave_nothing();
}

static void first_tweak(const struct xts_schedule *schedule, uint8_t tweak[XTS_BLOCK_LEN],
                        struct xtsvol_unit_number number)
{
    make_first_tweak(schedule, tweak, number);
    xv_leave_nothing();
}

const struct xts_kernel xv_kernel_armv8_ce = {
    .name = "armv8-ce",
    .id = XTSVOL_KERNEL_ARMV8_CE,
    .needs = XV_CPU_ARMV8_CE,
    .units = {encrypt_units, decrypt_units},
    .blocks = {encrypt_part, decrypt_part},
    .first_tweak = first_tweak,
};
