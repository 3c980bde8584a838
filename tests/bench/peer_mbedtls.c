/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/peer.h"

#include "common/base/cleanup.h"

#include <mbedtls/aes.h>
#include <mbedtls/version.h>
#include <stdlib.h>
#include <string.h>

struct context {
    mbedtls_aes_xts_context encrypt;
    mbedtls_aes_xts_context decrypt;
};

static void close_it(void *context)
{
    struct context *it = context;
    mbedtls_aes_xts_free(&it->encrypt);
    mbedtls_aes_xts_free(&it->decrypt);
    free(it);
}

static int open_it(void **out_context, char version[PEER_VERSION_SIZE],
                   const uint8_t key[XTSVOL_XTS_KEY_LEN])
{
    *out_context = NULL;
    mbedtls_version_get_string(version);
    struct context *it = calloc(1, sizeof(*it));
    if (!it)
        return COMMON_ERR_NO_MEMORY;
    mbedtls_aes_xts_init(&it->encrypt);
    mbedtls_aes_xts_init(&it->decrypt);
    if (mbedtls_aes_xts_setkey_enc(&it->encrypt, key, XTSVOL_XTS_KEY_LEN * 8) ||
        mbedtls_aes_xts_setkey_dec(&it->decrypt, key, XTSVOL_XTS_KEY_LEN * 8)) {
        close_it(it);
        return COMMON_ERR_UNSUPPORTED;
    }
    *out_context = it;
    return 0;
}

static int crypt_unit(struct context *it, enum bench_op op, uint8_t *out, const uint8_t *in,
                      size_t unit_len, const uint8_t tweak[16])
{
    bool encrypts = op == BENCH_ENCRYPT;
    return mbedtls_aes_crypt_xts(encrypts ? &it->encrypt : &it->decrypt,
                                 encrypts ? MBEDTLS_AES_ENCRYPT : MBEDTLS_AES_DECRYPT, unit_len,
                                 tweak, in, out)
               ? COMMON_ERR_INTERNAL
               : 0;
}

/* Its ciphertext stealing (3.6.7) reads the last bytes of the unit when it has written over them:
 * right only where input and output are apart. No unit that is timed ends like that. */
static int crypt_stealing_unit(struct context *it, enum bench_op op, uint8_t *out,
                               const uint8_t *in, size_t unit_len, const uint8_t tweak[16])
{
    COMMON_CLEANUP_FREE uint8_t *copy = malloc(unit_len);
    if (!copy)
        return COMMON_ERR_NO_MEMORY;
    memcpy(copy, in, unit_len);
    return crypt_unit(it, op, out, copy, unit_len, tweak);
}

static int crypt_units(void *context, enum bench_op op, uint8_t *out, const uint8_t *in, size_t len,
                       size_t unit_len, uint64_t first)
{
    bool steals = unit_len % 16 != 0;
    for (size_t at = 0; at < len; at += unit_len) {
        uint8_t tweak[16];
        peer_tweak(tweak, first++);
        int error = steals ? crypt_stealing_unit(context, op, out + at, in + at, unit_len, tweak)
                           : crypt_unit(context, op, out + at, in + at, unit_len, tweak);
        if (error)
            return error;
    }
    return 0;
}

const struct peer peer_mbedtls = {
    .name = "mbedtls",
    .open = open_it,
    .close = close_it,
    .crypt = crypt_units,
};
