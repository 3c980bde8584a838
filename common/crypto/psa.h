/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: keys go into PSA for one operation and out of it again. */
#ifndef COMMON_CRYPTO_PSA_H
#define COMMON_CRYPTO_PSA_H

#include "common/base/error.h"

#include <psa/crypto.h>

/* Once per process; later calls look at a flag under a lock. */
COMMON_MUST_USE int common_psa_begin(void);

int common_psa_error(psa_status_t status);

/* A volatile key for one purpose. *out is PSA_KEY_ID_NULL on failure. */
COMMON_MUST_USE int common_psa_key_import(psa_key_id_t *out, const uint8_t *key, size_t key_len,
                                          psa_key_type_t type, psa_algorithm_t algorithm,
                                          psa_key_usage_t usage);

/* Wipes it. PSA_KEY_ID_NULL is allowed. Gives the first of both errors. */
COMMON_MUST_USE int common_psa_key_destroy(psa_key_id_t key, int error);

#endif
