/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/psa.h"

int common_psa_error(psa_status_t status)
{
    switch (status) {
    case PSA_SUCCESS:
        return 0;
    case PSA_ERROR_INSUFFICIENT_MEMORY:
        return COMMON_ERR_NO_MEMORY;
    case PSA_ERROR_INSUFFICIENT_ENTROPY:
        return COMMON_ERR_IO;
    default:
        return COMMON_ERR_INTERNAL;
    }
}

int common_psa_begin(void)
{
    return common_psa_error(psa_crypto_init());
}

int common_psa_key_import(psa_key_id_t *out, const uint8_t *key, size_t key_len,
                          psa_key_type_t type, psa_algorithm_t algorithm, psa_key_usage_t usage)
{
    *out = PSA_KEY_ID_NULL;
    int error = common_psa_begin();
    if (error)
        return error;
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, type);
    psa_set_key_algorithm(&attributes, algorithm);
    psa_set_key_usage_flags(&attributes, usage);
    return common_psa_error(psa_import_key(&attributes, key, key_len, out));
}

int common_psa_key_destroy(psa_key_id_t key, int error)
{
    int destroyed = common_psa_error(psa_destroy_key(key));
    return error ? error : destroyed;
}
