/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/component.h"

#include <mbedtls/version.h>

/* Two threads share its global state (PSA key slots, entropy): without locks it is not safe. */
#ifndef MBEDTLS_THREADING_C
#error "Mbed TLS was built without MBEDTLS_THREADING_C"
#endif

void common_crypto_component(struct common_component *out)
{
    char version[24] = "";
    mbedtls_version_get_string(version);
    common_component_set(out, "Mbed TLS", version, MBEDTLS_LINKAGE);
}
