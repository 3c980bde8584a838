/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/peer.h"

#include <gcrypt.h>
#include <stdio.h>

static void close_it(void *context)
{
    gcry_cipher_close(context);
}

static int open_it(void **out_context, char version[PEER_VERSION_SIZE],
                   const uint8_t key[XTSVOL_XTS_KEY_LEN])
{
    *out_context = NULL;
    const char *found = gcry_check_version(GCRYPT_VERSION);
    if (!found)
        return COMMON_ERR_UNSUPPORTED;
    (void)snprintf(version, PEER_VERSION_SIZE, "%s", found);
    (void)gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
    (void)gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    gcry_cipher_hd_t cipher = NULL;
    if (gcry_cipher_open(&cipher, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_XTS, 0))
        return COMMON_ERR_UNSUPPORTED;
    if (gcry_cipher_setkey(cipher, key, XTSVOL_XTS_KEY_LEN)) {
        gcry_cipher_close(cipher);
        return COMMON_ERR_UNSUPPORTED;
    }
    *out_context = cipher;
    return 0;
}

static int crypt_units(void *context, enum bench_op op, uint8_t *out, const uint8_t *in, size_t len,
                       size_t unit_len, uint64_t first)
{
    gcry_cipher_hd_t cipher = context;
    for (size_t at = 0; at < len; at += unit_len) {
        uint8_t tweak[16];
        peer_tweak(tweak, first++);
        if (gcry_cipher_setiv(cipher, tweak, sizeof(tweak)))
            return COMMON_ERR_INTERNAL;
        /* NULL is its word for in place. */
        const uint8_t *from = out == in ? NULL : in + at;
        size_t from_len = from ? unit_len : 0;
        gcry_error_t error = op == BENCH_ENCRYPT
                                 ? gcry_cipher_encrypt(cipher, out + at, unit_len, from, from_len)
                                 : gcry_cipher_decrypt(cipher, out + at, unit_len, from, from_len);
        if (error)
            return COMMON_ERR_INTERNAL;
    }
    return 0;
}

const struct peer peer_libgcrypt = {
    .name = "libgcrypt",
    .open = open_it,
    .close = close_it,
    .crypt = crypt_units,
};
