/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-256-GCM (SP 800-38D) with a nonce of 96 bits and a tag of 128, over the PSA functions of Mbed
 * TLS. Errors besides those named: as in hash.h. Threads: any.
 */
#ifndef COMMON_CRYPTO_AEAD_H
#define COMMON_CRYPTO_AEAD_H

#include "common/base/error.h"
#include "common/crypto/hash.h"

#include <stddef.h>
#include <stdint.h>

enum {
    COMMON_GCM_KEY_LEN = 32,
    COMMON_GCM_NONCE_LEN = 12,
    COMMON_GCM_TAG_LEN = 16
};

/* out: plaintext.len + COMMON_GCM_TAG_LEN bytes, all zero on failure; does not overlap the input. A
 * nonce is used once under a key. */
COMMON_MUST_USE int common_gcm_seal(uint8_t *out, const uint8_t key[COMMON_GCM_KEY_LEN],
                                    const uint8_t nonce[COMMON_GCM_NONCE_LEN],
                                    struct common_bytes aad, struct common_bytes plaintext);

/* out: sealed.len - COMMON_GCM_TAG_LEN bytes, all zero on failure. COMMON_ERR_DENIED: the key is
 * another, or something was changed; also when sealed is shorter than a tag. */
COMMON_MUST_USE int common_gcm_open(uint8_t *out, const uint8_t key[COMMON_GCM_KEY_LEN],
                                    const uint8_t nonce[COMMON_GCM_NONCE_LEN],
                                    struct common_bytes aad, struct common_bytes sealed);

#endif
