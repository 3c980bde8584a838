/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/peer.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct context {
    EVP_CIPHER_CTX *ways[BENCH_NUM_OPS];
};

static void close_it(void *context)
{
    struct context *it = context;
    EVP_CIPHER_CTX_free(it->ways[BENCH_ENCRYPT]);
    EVP_CIPHER_CTX_free(it->ways[BENCH_DECRYPT]);
    free(it);
}

static int open_it(void **out_context, char version[PEER_VERSION_SIZE],
                   const uint8_t key[XTSVOL_XTS_KEY_LEN])
{
    *out_context = NULL;
    (void)snprintf(version, PEER_VERSION_SIZE, "%s", OpenSSL_version(OPENSSL_VERSION_STRING));
    struct context *it = calloc(1, sizeof(*it));
    if (!it)
        return COMMON_ERR_NO_MEMORY;
    for (enum bench_op op = BENCH_ENCRYPT; op < BENCH_NUM_OPS; op++) {
        it->ways[op] = EVP_CIPHER_CTX_new();
        if (!it->ways[op] || EVP_CipherInit_ex(it->ways[op], EVP_aes_256_xts(), NULL, key, NULL,
                                               op == BENCH_ENCRYPT) != 1) {
            close_it(it);
            return COMMON_ERR_UNSUPPORTED;
        }
    }
    *out_context = it;
    return 0;
}

static int crypt_units(void *context, enum bench_op op, uint8_t *out, const uint8_t *in, size_t len,
                       size_t unit_len, uint64_t first)
{
    EVP_CIPHER_CTX *way = ((const struct context *)context)->ways[op];
    for (size_t at = 0; at < len; at += unit_len) {
        uint8_t tweak[16];
        int written = 0;
        peer_tweak(tweak, first++);
        if (EVP_CipherInit_ex(way, NULL, NULL, NULL, tweak, -1) != 1 ||
            EVP_CipherUpdate(way, out + at, &written, in + at, (int)unit_len) != 1)
            return COMMON_ERR_INTERNAL;
    }
    return 0;
}

const struct peer peer_libcrypto = {
    .name = "libcrypto",
    .open = open_it,
    .close = close_it,
    .crypt = crypt_units,
};
