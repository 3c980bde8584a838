/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-256-XTS as OpenSSL's libcrypto has it, called one unit at a time. Tweaks and single blocks,
 * which it does not offer, are made from its AES-256-ECB and the byte-wise multiplication of
 * IEEE 1619, 5.2. Nothing of libxtsvol is used.
 */
#ifndef TESTS_KERNELS_ORACLE_H
#define TESTS_KERNELS_ORACLE_H

#include "libxtsvol/src/xts/kernel.h"

struct oracle;

/* Fails the test where libcrypto fails. */
struct oracle *oracle_new(const uint8_t key[XTSVOL_XTS_KEY_LEN]);
void oracle_free(struct oracle **oracle);

void oracle_units(struct oracle *oracle, enum xts_direction direction, uint8_t *out,
                  const uint8_t *in, size_t unit_len, size_t num_units,
                  struct xtsvol_unit_number first);
void oracle_blocks(struct oracle *oracle, enum xts_direction direction,
                   uint8_t tweak[XTS_BLOCK_LEN], uint8_t *out, const uint8_t *in,
                   size_t num_blocks);
void oracle_first_tweak(struct oracle *oracle, uint8_t tweak[XTS_BLOCK_LEN],
                        struct xtsvol_unit_number number);

#endif
