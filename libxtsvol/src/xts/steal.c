/* SPDX-License-Identifier: Apache-2.0 */
#include "libxtsvol/src/xts/steal.h"

#include "common/base/ct.h"
#include "libxtsvol/src/xts/tweak.h"

#include <string.h>

/* Encrypting, the full block comes first, with the tweak of its place; decrypting, what stands in
 * its place was encrypted last, with the tweak of the place behind. */
void xv_steal_tail(const struct xts_kernel *kernel, enum xts_direction direction,
                   const struct xts_schedule *schedule, uint8_t tweak[XTS_BLOCK_LEN], uint8_t *out,
                   const uint8_t *in, size_t len)
{
    size_t part_len = len - XTS_BLOCK_LEN;
    uint8_t tweaks[2][XTS_BLOCK_LEN];
    uint8_t full[XTS_BLOCK_LEN];
    uint8_t part[XTS_BLOCK_LEN];

    memcpy(tweaks[0], tweak, XTS_BLOCK_LEN);
    xv_tweak_double(tweak);
    memcpy(tweaks[1], tweak, XTS_BLOCK_LEN);

    size_t first = direction == XTS_ENCRYPT ? 0 : 1;
    kernel->blocks[direction](schedule, tweaks[first], full, in, 1);
    memcpy(part, in + XTS_BLOCK_LEN, part_len);
    memcpy(part + part_len, full + part_len, XTS_BLOCK_LEN - part_len);
    memcpy(out + XTS_BLOCK_LEN, full, part_len);
    kernel->blocks[direction](schedule, tweaks[1 - first], out, part, 1);

    common_wipe(tweaks, sizeof(tweaks));
    common_wipe(full, sizeof(full));
    common_wipe(part, sizeof(part));
    common_wipe(tweak, XTS_BLOCK_LEN);
}

void xv_steal_units(const struct xts_kernel *kernel, enum xts_direction direction,
                    const struct xts_schedule *schedule, uint8_t *out, const uint8_t *in,
                    size_t unit_len, struct xtsvol_unit_number first, size_t num_units)
{
    size_t tail_len = xv_tail_len(unit_len);
    size_t body_len = unit_len - tail_len;
    uint8_t tweak[XTS_BLOCK_LEN];

    for (size_t i = 0; i < num_units; i++) {
        kernel->first_tweak(schedule, tweak, first);
        kernel->blocks[direction](schedule, tweak, out, in, body_len / XTS_BLOCK_LEN);
        xv_steal_tail(kernel, direction, schedule, tweak, out + body_len, in + body_len, tail_len);
        out += unit_len;
        in += unit_len;
        first = xv_next_unit(first);
    }
    common_wipe(tweak, sizeof(tweak));
}
