/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/aead.h"

#include "common/base/checked.h"
#include "common/base/ct.h"
#include "common/crypto/psa.h"

static int finish(uint8_t *out, size_t out_len, size_t len, psa_key_id_t key, int error)
{
    error = common_psa_key_destroy(key, error);
    if (!error && len != out_len)
        error = COMMON_ERR_INTERNAL;
    if (error)
        common_wipe(out, out_len);
    return error;
}

int common_gcm_seal(uint8_t *out, const uint8_t key[COMMON_GCM_KEY_LEN],
                    const uint8_t nonce[COMMON_GCM_NONCE_LEN], struct common_bytes aad,
                    struct common_bytes plaintext)
{
    size_t out_len = 0;
    if (common_size_add(&out_len, plaintext.len, COMMON_GCM_TAG_LEN))
        return COMMON_ERR_INVALID;
    psa_key_id_t id = PSA_KEY_ID_NULL;
    size_t len = 0;
    int error = common_psa_key_import(&id, key, COMMON_GCM_KEY_LEN, PSA_KEY_TYPE_AES, PSA_ALG_GCM,
                                      PSA_KEY_USAGE_ENCRYPT);
    if (!error)
        error = common_psa_error(psa_aead_encrypt(id, PSA_ALG_GCM, nonce, COMMON_GCM_NONCE_LEN,
                                                  aad.data, aad.len, plaintext.data, plaintext.len,
                                                  out, out_len, &len));
    return finish(out, out_len, len, id, error);
}

int common_gcm_open(uint8_t *out, const uint8_t key[COMMON_GCM_KEY_LEN],
                    const uint8_t nonce[COMMON_GCM_NONCE_LEN], struct common_bytes aad,
                    struct common_bytes sealed)
{
    if (sealed.len < COMMON_GCM_TAG_LEN)
        return COMMON_ERR_DENIED;
    size_t out_len = sealed.len - COMMON_GCM_TAG_LEN;
    psa_key_id_t id = PSA_KEY_ID_NULL;
    size_t len = 0;
    int error = common_psa_key_import(&id, key, COMMON_GCM_KEY_LEN, PSA_KEY_TYPE_AES, PSA_ALG_GCM,
                                      PSA_KEY_USAGE_DECRYPT);
    if (!error) {
        psa_status_t status =
            psa_aead_decrypt(id, PSA_ALG_GCM, nonce, COMMON_GCM_NONCE_LEN, aad.data, aad.len,
                             sealed.data, sealed.len, out, out_len, &len);
        error =
            status == PSA_ERROR_INVALID_SIGNATURE ? COMMON_ERR_DENIED : common_psa_error(status);
    }
    return finish(out, out_len, len, id, error);
}
