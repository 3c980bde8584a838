/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel for any machine, and the oracle of all others: eight blocks at a time, bit-sliced.
 *
 * The blocks of a call lie one behind the other whatever the length of a unit, so they are cut into
 * passes of eight regardless of where units end; only the tweaks begin anew with each unit. Eight
 * of these first tweaks are encrypted in one pass too.
 */
#include "libxtsvol/src/xts/kernels/bitslice.h"
#include "libxtsvol/src/xts/kernels/residue.h"
#include "libxtsvol/src/xts/steal.h"
#include "libxtsvol/src/xts/tweak.h"

#include <stdbool.h>
#include <string.h>

/* Where the tweaks of one block after the other come from. Secret. */
struct tweaks {
    struct sliced_keys keys;
    struct xtsvol_unit_number next_unit;
    size_t blocks_in_unit;
    size_t left_in_unit; /* blocks */
    uint8_t current[XTS_BLOCK_LEN];
    uint8_t firsts[BITSLICE_LEN]; /* of the units before next_unit */
    size_t num_firsts;            /* not used yet, the last ones of firsts */
};

/* One copy of each circuit in the code, however often it is used. */
static XV_NOINLINE void encrypt_pass(const struct sliced_keys *keys, uint8_t blocks[BITSLICE_LEN])
{
    bitslice_blocks(keys, blocks, XTS_ENCRYPT);
}

static XV_NOINLINE void decrypt_pass(const struct sliced_keys *keys, uint8_t blocks[BITSLICE_LEN])
{
    bitslice_blocks(keys, blocks, XTS_DECRYPT);
}

static void begin_unit(struct tweaks *tweaks)
{
    if (tweaks->num_firsts == 0) {
        for (size_t i = 0; i < BITSLICE_BLOCKS; i++) {
            xv_put_unit(tweaks->firsts + i * XTS_BLOCK_LEN, tweaks->next_unit);
            tweaks->next_unit = xv_next_unit(tweaks->next_unit);
        }
        encrypt_pass(&tweaks->keys, tweaks->firsts);
        tweaks->num_firsts = BITSLICE_BLOCKS;
    }
    size_t index = BITSLICE_BLOCKS - tweaks->num_firsts--;
    memcpy(tweaks->current, tweaks->firsts + index * XTS_BLOCK_LEN, XTS_BLOCK_LEN);
    tweaks->left_in_unit = tweaks->blocks_in_unit;
}

static void next_tweak(struct tweaks *tweaks, uint8_t out[XTS_BLOCK_LEN])
{
    if (tweaks->left_in_unit == 0)
        begin_unit(tweaks);
    memcpy(out, tweaks->current, XTS_BLOCK_LEN);
    xv_tweak_double(tweaks->current);
    tweaks->left_in_unit--;
}

static void add(uint8_t blocks[BITSLICE_LEN], const uint8_t masks[BITSLICE_LEN])
{
    for (size_t i = 0; i < BITSLICE_LEN; i++)
        blocks[i] ^= masks[i];
}

static void crypt_blocks(enum xts_direction direction, const struct xts_schedule *schedule,
                         struct tweaks *tweaks, uint8_t *out, const uint8_t *in, size_t num_blocks)
{
    bool encrypts = direction == XTS_ENCRYPT;
    struct sliced_keys keys;
    uint8_t masks[BITSLICE_LEN] = {0};
    uint8_t blocks[BITSLICE_LEN] = {0}; /* the last pass may have fewer */

    bitslice_keys(&keys, encrypts ? schedule->encrypt : schedule->decrypt, direction);
    while (num_blocks > 0) {
        size_t n = num_blocks < BITSLICE_BLOCKS ? num_blocks : BITSLICE_BLOCKS;
        size_t len = n * XTS_BLOCK_LEN;
        for (size_t i = 0; i < n; i++)
            next_tweak(tweaks, masks + i * XTS_BLOCK_LEN);
        memcpy(blocks, in, len);
        add(blocks, masks);
        if (encrypts)
            encrypt_pass(&keys, blocks);
        else
            decrypt_pass(&keys, blocks);
        add(blocks, masks);
        memcpy(out, blocks, len);
        in += len;
        out += len;
        num_blocks -= n;
    }
}

static XV_NOINLINE void crypt_units(enum xts_direction direction,
                                    const struct xts_schedule *schedule, uint8_t *out,
                                    const uint8_t *in, size_t unit_len,
                                    struct xtsvol_unit_number first, size_t num_units)
{
    struct tweaks tweaks = {.next_unit = first, .blocks_in_unit = unit_len / XTS_BLOCK_LEN};
    bitslice_keys(&tweaks.keys, schedule->tweak, XTS_ENCRYPT);
    crypt_blocks(direction, schedule, &tweaks, out, in, tweaks.blocks_in_unit * num_units);
}

static XV_NOINLINE void crypt_part(enum xts_direction direction,
                                   const struct xts_schedule *schedule,
                                   uint8_t tweak[XTS_BLOCK_LEN], uint8_t *out, const uint8_t *in,
                                   size_t num_blocks)
{
    struct tweaks tweaks = {.left_in_unit = num_blocks};
    memcpy(tweaks.current, tweak, XTS_BLOCK_LEN);
    crypt_blocks(direction, schedule, &tweaks, out, in, num_blocks);
    memcpy(tweak, tweaks.current, XTS_BLOCK_LEN);
}

static XV_NOINLINE void make_first_tweak(const struct xts_schedule *schedule,
                                         uint8_t tweak[XTS_BLOCK_LEN],
                                         struct xtsvol_unit_number number)
{
    struct sliced_keys keys;
    uint8_t blocks[BITSLICE_LEN] = {0};
    bitslice_keys(&keys, schedule->tweak, XTS_ENCRYPT);
    xv_put_unit(blocks, number);
    encrypt_pass(&keys, blocks);
    memcpy(tweak, blocks, XTS_BLOCK_LEN);
}

static void units(enum xts_direction direction, const struct xts_schedule *schedule, uint8_t *out,
                  const uint8_t *in, size_t unit_len, struct xtsvol_unit_number first,
                  size_t num_units)
{
    if (xv_tail_len(unit_len) > 0)
        xv_steal_units(&xv_kernel_portable, direction, schedule, out, in, unit_len, first,
                       num_units);
    else
        crypt_units(direction, schedule, out, in, unit_len, first, num_units);
    xv_leave_nothing();
}

static void encrypt_units(const struct xts_schedule *schedule, uint8_t *out, const uint8_t *in,
                          size_t unit_len, struct xtsvol_unit_number first, size_t num_units)
{
    units(XTS_ENCRYPT, schedule, out, in, unit_len, first, num_units);
}

static void decrypt_units(const struct xts_schedule *schedule, uint8_t *out, const uint8_t *in,
                          size_t unit_len, struct xtsvol_unit_number first, size_t num_units)
{
    units(XTS_DECRYPT, schedule, out, in, unit_len, first, num_units);
}

static void encrypt_part(const struct xts_schedule *schedule, uint8_t tweak[XTS_BLOCK_LEN],
                         uint8_t *out, const uint8_t *in, size_t num_blocks)
{
    crypt_part(XTS_ENCRYPT, schedule, tweak, out, in, num_blocks);
    xv_leave_nothing();
}

static void decrypt_part(const struct xts_schedule *schedule, uint8_t tweak[XTS_BLOCK_LEN],
                         uint8_t *out, const uint8_t *in, size_t num_blocks)
{
    crypt_part(XTS_DECRYPT, schedule, tweak, out, in, num_blocks);
    xv_leave_nothing();
}

static void first_tweak(const struct xts_schedule *schedule, uint8_t tweak[XTS_BLOCK_LEN],
                        struct xtsvol_unit_number number)
{
    make_first_tweak(schedule, tweak, number);
    xv_leave_nothing();
}

const struct xts_kernel xv_kernel_portable = {
    .name = "portable",
    .id = XTSVOL_KERNEL_PORTABLE,
    .needs = 0,
    .units = {encrypt_units, decrypt_units},
    .blocks = {encrypt_part, decrypt_part},
    .first_tweak = first_tweak,
};
