/* SPDX-License-Identifier: Apache-2.0 */
/* The known answers, where a test can see and recompute them. */
#ifndef XTSVOL_XTS_KNOWN_ANSWER_H
#define XTSVOL_XTS_KNOWN_ANSWER_H

#include "libxtsvol/src/xts/kernel.h"

enum {
    XV_NUM_KNOWN_ANSWERS = 8,
    XV_KNOWN_ANSWER_LEN = 9 * 512 /* the longest */
};

struct xv_known_answer {
    size_t unit_len;
    size_t num_units;
    struct xtsvol_unit_number first;
    uint64_t sum; /* of the ciphertext */
};

extern const struct xv_known_answer xv_known_answers[XV_NUM_KNOWN_ANSWERS];

/* A key that protects nothing, and the plaintext. */
void xv_known_answer_input(uint8_t key[XTSVOL_XTS_KEY_LEN], uint8_t data[XV_KNOWN_ANSWER_LEN]);

uint64_t xv_known_answer_sum(const uint8_t *data, size_t len);

#endif
