/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/hash.h"

#include "common/base/ct.h"
#include "common/crypto/psa.h"

#include <string.h>

enum {
    BLOCK_LEN = 64 /* of SHA-256 */
};

static int finish(uint8_t out[COMMON_SHA256_LEN], int error)
{
    if (error)
        common_wipe(out, COMMON_SHA256_LEN);
    return error;
}

int common_sha256(uint8_t out[COMMON_SHA256_LEN], const struct common_bytes *pieces,
                  size_t num_pieces)
{
    int error = common_psa_begin();
    if (error)
        return finish(out, error);
    psa_hash_operation_t operation = PSA_HASH_OPERATION_INIT;
    size_t len = 0;
    psa_status_t status = psa_hash_setup(&operation, PSA_ALG_SHA_256);
    for (size_t i = 0; i < num_pieces && status == PSA_SUCCESS; i++)
        status = psa_hash_update(&operation, pieces[i].data, pieces[i].len);
    if (status == PSA_SUCCESS)
        status = psa_hash_finish(&operation, out, COMMON_SHA256_LEN, &len);
    (void)psa_hash_abort(&operation);
    return finish(out, common_psa_error(status));
}

/* RFC 2104, 2 and 3: a key longer than a block is hashed first, a shorter one is filled up with
 * zeroes. PSA does both, but has a ceiling for the one, and refuses to import a key of no bytes. */
static int import_hmac_key(psa_key_id_t *out, struct common_bytes key)
{
    static const uint8_t zero[1] = {0};
    uint8_t hashed[COMMON_SHA256_LEN];
    const uint8_t *bytes = key.data;
    size_t len = key.len;

    *out = PSA_KEY_ID_NULL;
    if (len > BLOCK_LEN) {
        int error = common_sha256(hashed, &key, 1);
        if (error)
            return error;
        bytes = hashed;
        len = sizeof(hashed);
    } else if (len == 0) {
        bytes = zero;
        len = sizeof(zero);
    }
    int error = common_psa_key_import(out, bytes, len, PSA_KEY_TYPE_HMAC,
                                      PSA_ALG_HMAC(PSA_ALG_SHA_256), PSA_KEY_USAGE_SIGN_MESSAGE);
    common_wipe(hashed, sizeof(hashed));
    return error;
}

static psa_status_t add(psa_mac_operation_t *operation, const struct common_bytes *pieces,
                        size_t num_pieces)
{
    psa_status_t status = PSA_SUCCESS;
    for (size_t i = 0; i < num_pieces && status == PSA_SUCCESS; i++)
        status = psa_mac_update(operation, pieces[i].data, pieces[i].len);
    return status;
}

/* One MAC of before, pieces and after, under a key that is imported already. */
static int mac(uint8_t out[COMMON_SHA256_LEN], psa_key_id_t key, struct common_bytes before,
               const struct common_bytes *pieces, size_t num_pieces, struct common_bytes after)
{
    psa_mac_operation_t operation = PSA_MAC_OPERATION_INIT;
    size_t len = 0;
    psa_status_t status = psa_mac_sign_setup(&operation, key, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    if (status == PSA_SUCCESS)
        status = add(&operation, &before, 1);
    if (status == PSA_SUCCESS)
        status = add(&operation, pieces, num_pieces);
    if (status == PSA_SUCCESS)
        status = add(&operation, &after, 1);
    if (status == PSA_SUCCESS)
        status = psa_mac_sign_finish(&operation, out, COMMON_SHA256_LEN, &len);
    (void)psa_mac_abort(&operation);
    return common_psa_error(status);
}

static const struct common_bytes nothing = {0};

int common_hmac_sha256(uint8_t out[COMMON_SHA256_LEN], struct common_bytes key,
                       const struct common_bytes *pieces, size_t num_pieces)
{
    psa_key_id_t id = PSA_KEY_ID_NULL;
    int error = import_hmac_key(&id, key);
    if (!error)
        error = mac(out, id, nothing, pieces, num_pieces, nothing);
    return finish(out, common_psa_key_destroy(id, error));
}

/* RFC 5869, 2.3: T(n) = HMAC(PRK, T(n - 1) | info | n). */
static int expand(uint8_t *out, size_t out_len, psa_key_id_t prk, const struct common_bytes *info,
                  size_t num_info)
{
    uint8_t block[COMMON_SHA256_LEN];
    struct common_bytes previous = nothing;
    int error = 0;
    uint8_t count = 0;
    for (size_t at = 0; at < out_len && !error; at += sizeof(block)) {
        count++;
        error = mac(block, prk, previous, info, num_info,
                    (struct common_bytes){.data = &count, .len = 1});
        size_t len = out_len - at < sizeof(block) ? out_len - at : sizeof(block);
        if (!error)
            memcpy(out + at, block, len);
        previous = (struct common_bytes){.data = block, .len = sizeof(block)};
    }
    common_wipe(block, sizeof(block));
    return error;
}

int common_hkdf_sha256(uint8_t *out, size_t out_len, struct common_bytes key,
                       struct common_bytes salt, const struct common_bytes *info, size_t num_info)
{
    if (out_len == 0 || out_len > COMMON_HKDF_MAX) {
        common_wipe(out, out_len);
        return COMMON_ERR_INVALID;
    }
    uint8_t prk[COMMON_SHA256_LEN];
    psa_key_id_t id = PSA_KEY_ID_NULL;
    int error = common_hmac_sha256(prk, salt, &key, 1);
    if (!error)
        error = import_hmac_key(&id, (struct common_bytes){.data = prk, .len = sizeof(prk)});
    common_wipe(prk, sizeof(prk));
    if (!error)
        error = expand(out, out_len, id, info, num_info);
    error = common_psa_key_destroy(id, error);
    if (error)
        common_wipe(out, out_len);
    return error;
}
