/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's libcrypto as somebody else who does AES-256-XTS, where it is installed: looked for when
 * it is wanted, so that the tool does not need it. Only encryption: what a kernel decrypts is
 * compared with what was there before.
 */
#ifndef XTSVOL_TOOL_LIBCRYPTO_H
#define XTSVOL_TOOL_LIBCRYPTO_H

#include "common/base/cleanup.h"
#include "common/base/error.h"

#include <xtsvol/xts.h>

#include <stddef.h>
#include <stdint.h>

#define BENCH_LIBCRYPTO "libcrypto.so.3"

struct evp_cipher_ctx_st;

struct bench_libcrypto {
    void *library;
    struct evp_cipher_ctx_st *context; /* has the expanded key; wiped when it is freed */
    char version[32];                  /* 3.0.11; empty while it is not open */
    void (*context_free)(struct evp_cipher_ctx_st *context);
    int (*init)(struct evp_cipher_ctx_st *context, const void *cipher, void *engine,
                const uint8_t *key, const uint8_t *iv);
    int (*update)(struct evp_cipher_ctx_st *context, uint8_t *out, int *out_len, const uint8_t *in,
                  int in_len);
};

#define BENCH_CLEANUP_LIBCRYPTO COMMON_CLEANUP(bench_libcrypto_close)

/* COMMON_ERR_NOT_FOUND: there is no such library. COMMON_ERR_UNSUPPORTED: it lacks a function, or
 * will not do AES-256-XTS. *out is empty then. */
COMMON_MUST_USE int bench_libcrypto_open(struct bench_libcrypto *out, const char *library,
                                         const uint8_t key[XTSVOL_XTS_KEY_LEN]);
void bench_libcrypto_close(struct bench_libcrypto *libcrypto);

/* As xtsvol_xts_encrypt(). */
COMMON_MUST_USE int bench_libcrypto_encrypt(const struct bench_libcrypto *libcrypto, uint8_t *out,
                                            const uint8_t *in, size_t len, size_t unit_len,
                                            uint64_t first);

#endif
