/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All kernels that this machine can run against something that knows better: the same sweeps with
 * libcrypto (test_kernel_oracle.c) and with the portable kernel (test_kernel_differential.c).
 *
 * Each expected answer is compared with what every kernel makes of it in place and apart, at the
 * end and at the beginning of guarded memory and misaligned inside.
 */
#ifndef TESTS_KERNELS_SWEEPS_H
#define TESTS_KERNELS_SWEEPS_H

#include "libxtsvol/src/xts/kernel.h"

struct reference {
    const char *name;
    void (*begin)(const uint8_t key[XTSVOL_XTS_KEY_LEN]);
    void (*end)(void);
    void (*units)(enum xts_direction direction, uint8_t *out, const uint8_t *in, size_t unit_len,
                  size_t num_units, struct xtsvol_unit_number first);
    void (*blocks)(enum xts_direction direction, uint8_t tweak[XTS_BLOCK_LEN], uint8_t *out,
                   const uint8_t *in, size_t num_blocks);
    void (*first_tweak)(uint8_t tweak[XTS_BLOCK_LEN], struct xtsvol_unit_number number);
};

/* Runs them as a group of cmocka tests; what it returns is for main(). */
int sweeps_run(const struct reference *reference);

#endif
