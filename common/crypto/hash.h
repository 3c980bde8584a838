/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4), HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869), over the PSA functions
 * of Mbed TLS.
 *
 * What is hashed comes as a list of pieces. Outputs belong to the caller and are all zero on
 * failure; they do not overlap the inputs. Errors: COMMON_ERR_NO_MEMORY, COMMON_ERR_IO (the system
 * gives no randomness, which Mbed TLS wants at its first use), COMMON_ERR_INTERNAL (Mbed TLS
 * refused what it must not). Threads: any.
 */
#ifndef COMMON_CRYPTO_HASH_H
#define COMMON_CRYPTO_HASH_H

#include "common/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    COMMON_SHA256_LEN = 32,
    COMMON_HKDF_MAX = 255 * COMMON_SHA256_LEN
};

struct common_bytes {
    const void *data; /* may be NULL if len is 0 */
    size_t len;
};

COMMON_MUST_USE int common_sha256(uint8_t out[COMMON_SHA256_LEN], const struct common_bytes *pieces,
                                  size_t num_pieces);

COMMON_MUST_USE int common_hmac_sha256(uint8_t out[COMMON_SHA256_LEN], struct common_bytes key,
                                       const struct common_bytes *pieces, size_t num_pieces);

/* Extract with the salt, expand with the pieces of info, one after the other: 1 to COMMON_HKDF_MAX
 * bytes, COMMON_ERR_INVALID otherwise. */
COMMON_MUST_USE int common_hkdf_sha256(uint8_t *out, size_t out_len, struct common_bytes key,
                                       struct common_bytes salt, const struct common_bytes *info,
                                       size_t num_info);

#endif
