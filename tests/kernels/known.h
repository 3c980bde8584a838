/* SPDX-License-Identifier: Apache-2.0 */
/* A unit whose plaintext and ciphertext are both known, tried with every kernel. */
#ifndef TESTS_KERNELS_KNOWN_H
#define TESTS_KERNELS_KNOWN_H

#include "tests/kernels/machine.h"

struct known_unit {
    const char *name;
    const uint8_t *key; /* XTSVOL_XTS_KEY_LEN bytes */
    struct xtsvol_unit_number number;
    const uint8_t *bytes[XTS_NUM_DIRECTIONS]; /* what goes in: plaintext, ciphertext */
    size_t len;
};

/* Encrypts and decrypts it in place and apart, its end and its beginning at pages that cannot be
 * touched. */
void known_try(const struct machine_kernels *kernels, const struct known_unit *known);

#endif
