/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/component.h"
#include "common/lmdb/component.h"
#include <certstore/error.h>
#include <certstore/version.h>

#include <string.h>

uint32_t certstore_version_number(void)
{
    return CERTSTORE_VERSION_NUMBER;
}

const char *certstore_version_string(void)
{
    return CERTSTORE_VERSION_STRING;
}

_Static_assert(sizeof(struct certstore_component) == sizeof(struct common_component),
               "struct certstore_component is copied from struct common_component");

int certstore_component_get(struct certstore_component *out, size_t index)
{
    static void (*const components[])(struct common_component *) = {
        common_crypto_component,
        common_lmdb_component,
    };

    if (!out)
        return CERTSTORE_ERR_INVALID;
    memset(out, 0, sizeof(*out));
    if (index >= sizeof(components) / sizeof(components[0]))
        return CERTSTORE_ERR_NOT_FOUND;
    struct common_component component;
    components[index](&component);
    memcpy(out, &component, sizeof(*out));
    return CERTSTORE_OK;
}
