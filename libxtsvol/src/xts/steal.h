/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ciphertext stealing, for a unit whose length is no multiple of 16 (IEEE 1619, 5.3.2 and 5.4.2):
 * built from a kernel's whole blocks, the same for all kernels.
 */
#ifndef XTSVOL_XTS_STEAL_H
#define XTSVOL_XTS_STEAL_H

#include "libxtsvol/src/xts/kernel.h"

/* How many bytes at the end of a unit belong to stealing: 17 to 31, or 0. */
static inline size_t xv_tail_len(size_t unit_len)
{
    return unit_len % XTS_BLOCK_LEN == 0 ? 0 : XTS_BLOCK_LEN + unit_len % XTS_BLOCK_LEN;
}

/* The last full block of a unit and the part of a block behind it, 17 to 31 bytes together. `tweak`
 * is that of the full block, and is used up. out == in is allowed. */
void xv_steal_tail(const struct xts_kernel *kernel, enum xts_direction direction,
                   const struct xts_schedule *schedule, uint8_t tweak[XTS_BLOCK_LEN], uint8_t *out,
                   const uint8_t *in, size_t len);

/* xts_units_fn for units that end in stealing. */
void xv_steal_units(const struct xts_kernel *kernel, enum xts_direction direction,
                    const struct xts_schedule *schedule, uint8_t *out, const uint8_t *in,
                    size_t unit_len, struct xtsvol_unit_number first, size_t num_units);

#endif
