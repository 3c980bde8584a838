/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the cipher share, kernels apart. */
#ifndef XTSVOL_XTS_XTS_H
#define XTSVOL_XTS_XTS_H

#include "common/secmem/secmem.h"
#include "libxtsvol/src/xts/kernel.h"

#include <stdbool.h>

/* What lies in the arena. A forked child finds zeroes there: without the mark it would encrypt
 * under round keys that everybody knows. */
struct xts_key_memory {
    struct xts_schedule schedule;
    uint64_t mark;
};

struct xtsvol_xts_key {
    const struct xts_kernel *kernel;
    const struct xts_key_memory *memory; /* in `secret` */
    struct common_secret secret;
    struct xtsvol_xts *xts; /* held until the key is freed */
};

#define XTS_KEY_MARK UINT64_C(0x6b65792069732068) /* any number but 0 */

/* Is the key still what was expanded? */
static inline bool xv_key_is_whole(const struct xtsvol_xts_key *key)
{
    return key->memory->mark == XTS_KEY_MARK;
}

/* How many units these are: XTSVOL_ERR_INVALID and 0 if they are not whole, of a legal length and
 * with numbers that do not wrap. */
COMMON_MUST_USE int xv_count_units(size_t *out_num, size_t len, size_t unit_len,
                                   struct xtsvol_unit_number first);

#endif
