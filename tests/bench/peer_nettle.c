/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/peer.h"

#include <nettle/version.h>
#include <nettle/xts.h>
#include <stdio.h>
#include <stdlib.h>

struct context {
    struct xts_aes256_key encrypt;
    struct xts_aes256_key decrypt;
};

static int open_it(void **out_context, char version[PEER_VERSION_SIZE],
                   const uint8_t key[XTSVOL_XTS_KEY_LEN])
{
    (void)snprintf(version, PEER_VERSION_SIZE, "%d.%d", nettle_version_major(),
                   nettle_version_minor());
    struct context *it = calloc(1, sizeof(*it));
    *out_context = it;
    if (!it)
        return COMMON_ERR_NO_MEMORY;
    xts_aes256_set_encrypt_key(&it->encrypt, key);
    xts_aes256_set_decrypt_key(&it->decrypt, key);
    return 0;
}

static int crypt_units(void *context, enum bench_op op, uint8_t *out, const uint8_t *in, size_t len,
                       size_t unit_len, uint64_t first)
{
    struct context *it = context;
    for (size_t at = 0; at < len; at += unit_len) {
        uint8_t tweak[16];
        peer_tweak(tweak, first++);
        if (op == BENCH_ENCRYPT)
            xts_aes256_encrypt_message(&it->encrypt, tweak, unit_len, out + at, in + at);
        else
            xts_aes256_decrypt_message(&it->decrypt, tweak, unit_len, out + at, in + at);
    }
    return 0;
}

const struct peer peer_nettle = {
    .name = "nettle",
    .open = open_it,
    .close = free,
    .crypt = crypt_units,
};
