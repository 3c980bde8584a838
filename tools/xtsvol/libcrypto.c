/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/libcrypto.h"

#include "common/base/endian.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    VERSION_STRING = 6 /* OPENSSL_VERSION_STRING of <openssl/crypto.h> */
};

/* POSIX has dlsym() give functions as void *, which ISO C does not convert. */
static bool find(void *library, const char *name, void *out_function)
{
    void *found = dlsym(library, name);
    memcpy(out_function, &found, sizeof(found));
    return found != NULL;
}

static int prepare(struct bench_libcrypto *out, const uint8_t key[XTSVOL_XTS_KEY_LEN])
{
    const char *(*version)(int what);
    struct evp_cipher_ctx_st *(*context_new)(void);
    const void *(*cipher)(void);
    if (!find(out->library, "OpenSSL_version", &version) ||
        !find(out->library, "EVP_CIPHER_CTX_new", &context_new) ||
        !find(out->library, "EVP_CIPHER_CTX_free", &out->context_free) ||
        !find(out->library, "EVP_aes_256_xts", &cipher) ||
        !find(out->library, "EVP_EncryptInit_ex", &out->init) ||
        !find(out->library, "EVP_EncryptUpdate", &out->update))
        return COMMON_ERR_UNSUPPORTED;
    out->context = context_new();
    if (!out->context)
        return COMMON_ERR_NO_MEMORY;
    if (out->init(out->context, cipher(), NULL, key, NULL) != 1)
        return COMMON_ERR_UNSUPPORTED;
    (void)snprintf(out->version, sizeof(out->version), "%s", version(VERSION_STRING));
    return 0;
}

int bench_libcrypto_open(struct bench_libcrypto *out, const char *library,
                         const uint8_t key[XTSVOL_XTS_KEY_LEN])
{
    *out = (struct bench_libcrypto){.library = dlopen(library, RTLD_NOW | RTLD_LOCAL)};
    if (!out->library)
        return COMMON_ERR_NOT_FOUND;
    int error = prepare(out, key);
    if (error)
        bench_libcrypto_close(out);
    return error;
}

void bench_libcrypto_close(struct bench_libcrypto *libcrypto)
{
    if (libcrypto->context)
        libcrypto->context_free(libcrypto->context);
    if (libcrypto->library)
        (void)dlclose(libcrypto->library);
    *libcrypto = (struct bench_libcrypto){0};
}

/* One call for each unit: its number is the IV, and an update is a data unit. */
int bench_libcrypto_encrypt(const struct bench_libcrypto *libcrypto, uint8_t *out,
                            const uint8_t *in, size_t len, size_t unit_len, uint64_t first)
{
    for (size_t at = 0; at < len; at += unit_len, first++) {
        uint8_t iv[16] = {0};
        common_put_le64(iv, first);
        int written = 0;
        if (libcrypto->init(libcrypto->context, NULL, NULL, NULL, iv) != 1 ||
            libcrypto->update(libcrypto->context, out + at, &written, in + at, (int)unit_len) !=
                1 ||
            (size_t)written != unit_len)
            return COMMON_ERR_INTERNAL;
    }
    return 0;
}
