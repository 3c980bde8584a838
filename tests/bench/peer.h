/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other libraries that do AES-256-XTS, each in the way that is fast for it: the key is expanded
 * once, and a data unit is a call. One file for each; BENCH_PEERS of meson.build lists those whose
 * library was there when this was built.
 */
#ifndef TESTS_BENCH_PEER_H
#define TESTS_BENCH_PEER_H

#include "tools/xtsvol/kernels.h"

#include <stddef.h>
#include <stdint.h>

enum {
    PEER_VERSION_SIZE = 32
};

struct peer {
    const char *name;
    /* *out_context is the key in the library's own form, NULL on failure. */
    int (*open)(void **out_context, char version[PEER_VERSION_SIZE],
                const uint8_t key[XTSVOL_XTS_KEY_LEN]);
    void (*close)(void *context);
    bench_crypt_fn *crypt;
};

extern const struct peer peer_libcrypto;
extern const struct peer peer_libgcrypt;
extern const struct peer peer_nettle;
extern const struct peer peer_mbedtls;

/* Those of this build, then NULL. */
extern const struct peer *const peers[];

/* The number of a unit as the 16 bytes that it begins with (IEEE 1619, 5.1: little-endian). */
void peer_tweak(uint8_t tweak[16], uint64_t unit);

#endif
