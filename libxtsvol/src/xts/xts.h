/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the cipher share, kernels apart. */
#ifndef XTSVOL_XTS_XTS_H
#define XTSVOL_XTS_XTS_H

#include "common/secmem/secmem.h"
#include "libxtsvol/src/xts/kernel.h"

struct xtsvol_xts_key {
    const struct xts_kernel *kernel;
    const struct xts_schedule *schedule; /* in `secret` */
    struct common_secret secret;
    struct xtsvol_xts *xts; /* held until the key is freed */
};

/* Is this a whole number of units of a legal length, with numbers that do not wrap? */
COMMON_MUST_USE int xv_check_units(size_t len, size_t unit_len, struct xtsvol_unit_number first);

#endif
