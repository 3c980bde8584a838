/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A superblock of any bytes: prelude, digest, body of either kind. No input has a good digest by
 * accident, so that a copy of it gets one and the body is always reached. What is decoded fits
 * together, and is encoded to the same bytes again; what is not leaves zeroes.
 */
#include "common/base/ct.h"
#include "common/crypto/hash.h"
#include "libxtsvol/src/volume/superblock.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum {
    DIGEST_OFFSET = 32,
    MAC_OFFSET = 64
};

/* Of a key that is always the same, made at the first input. */
static const struct xv_meta_keys *keys(void)
{
    static const uint8_t uuid[XTSVOL_UUID_LEN] = {1};
    static struct common_secmem *arena;
    static struct xv_meta_keys made;
    if (!arena) {
        struct common_secret mac_key = {0};
        FUZZ_CHECK(!common_secmem_open(&arena, NULL));
        FUZZ_CHECK(!common_secret_new(&mac_key, arena, XV_META_KEY_LEN));
        FUZZ_CHECK(!xv_meta_keys_derive(&made, arena, &mac_key, uuid));
    }
    return &made;
}

static void expect_body(const struct common_buf *buf, enum xv_superblock_kind kind, unsigned copy,
                        const uint8_t *body, size_t body_len)
{
    struct xv_prelude prelude;
    const size_t len = XV_PRELUDE_LEN + body_len;
    FUZZ_CHECK(buf->len % XV_PAGE_LEN == 0 && buf->len >= len && buf->len <= XV_SUPERBLOCK_MAX);
    FUZZ_CHECK(!xv_prelude_decode(&prelude, buf->data, copy));
    FUZZ_CHECK(prelude.kind == kind && prelude.copy == copy && prelude.body_len == body_len);
    FUZZ_CHECK(memcmp(buf->data + XV_PRELUDE_LEN, body, body_len) == 0);
    FUZZ_CHECK(common_ct_is_zero(buf->data + len, buf->len - len));
    FUZZ_CHECK(!xv_superblock_digest(buf->data, len));
    FUZZ_CHECK(!xv_superblock_verify(buf->data, len, keys()) == (kind == XV_KIND_VOLUME));
}

static void check_verdict(int error)
{
    FUZZ_CHECK(error == 0 || error == COMMON_ERR_CORRUPT || error == COMMON_ERR_UNSUPPORTED);
}

static void try_volume(const uint8_t *body, size_t body_len)
{
    static struct xv_superblock found;
    const char *why = NULL;
    int error = xv_superblock_decode(&found, body, body_len, &why);
    check_verdict(error);
    FUZZ_CHECK((error == 0) == (why == NULL));
    if (error) {
        FUZZ_CHECK(common_ct_is_zero(&found, sizeof(found)));
        return;
    }
    FUZZ_CHECK(!xv_superblock_fault(&found));
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
        FUZZ_CHECK(!xv_superblock_encode(&buf, &found, copy, keys()));
        expect_body(&buf, XV_KIND_VOLUME, copy, body, body_len);
    }
    xv_superblock_free(&found);
}

static void try_erased(const uint8_t *body, size_t body_len)
{
    struct xv_erased found;
    int error = xv_erased_decode(&found, body, body_len);
    check_verdict(error);
    if (error) {
        FUZZ_CHECK(common_ct_is_zero(&found, sizeof(found)));
        return;
    }
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
    FUZZ_CHECK(!xv_erased_encode(&buf, &found, 1));
    expect_body(&buf, XV_KIND_ERASED, 1, body, body_len);
}

/* The digest fits whoever makes one of these bytes, and no other. */
static void try_digest(const uint8_t *data, size_t len)
{
    uint8_t digest[COMMON_SHA256_LEN];
    const struct common_bytes pieces[] = {
        {.data = data, .len = DIGEST_OFFSET},
        {.data = data + MAC_OFFSET, .len = XV_PRELUDE_LEN - MAC_OFFSET},
        {.data = data + XV_PRELUDE_LEN, .len = len - XV_PRELUDE_LEN}};
    FUZZ_CHECK(!common_sha256(digest, pieces, 3));
    bool fits = memcmp(digest, data + DIGEST_OFFSET, sizeof(digest)) == 0;
    FUZZ_CHECK(!xv_superblock_digest(data, len) == fits);

    uint8_t *fixed = malloc(len);
    FUZZ_CHECK(fixed);
    memcpy(fixed, data, len);
    memcpy(fixed + DIGEST_OFFSET, digest, sizeof(digest));
    FUZZ_CHECK(!xv_superblock_digest(fixed, len));
    check_verdict(xv_superblock_verify(fixed, len, keys()));
    free(fixed);
}

static void try_prelude(const uint8_t *data, size_t size, unsigned copy)
{
    struct xv_prelude prelude;
    int error = xv_prelude_decode(&prelude, data, copy);
    if (error) {
        FUZZ_CHECK(error == COMMON_ERR_NOT_FOUND || error == COMMON_ERR_CORRUPT ||
                   error == COMMON_ERR_UNSUPPORTED);
        FUZZ_CHECK(prelude.body_len == 0);
        return;
    }
    FUZZ_CHECK(prelude.body_len >= 1 && prelude.body_len <= XV_BODY_MAX);
    FUZZ_CHECK(prelude.copy == copy);
    if (prelude.body_len <= size - XV_PRELUDE_LEN)
        try_digest(data, XV_PRELUDE_LEN + prelude.body_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < XV_PRELUDE_LEN)
        return 0;
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
        try_prelude(data, size, copy);
    /* All that is behind the prelude, whatever length stands in there. */
    try_volume(data + XV_PRELUDE_LEN, size - XV_PRELUDE_LEN);
    try_erased(data + XV_PRELUDE_LEN, size - XV_PRELUDE_LEN);
    return 0;
}
