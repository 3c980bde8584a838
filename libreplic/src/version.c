/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/component.h"
#include "common/lmdb/component.h"
#include <replic/error.h>
#include <replic/version.h>

#include <string.h>

uint32_t replic_version_number(void)
{
    return REPLIC_VERSION_NUMBER;
}

const char *replic_version_string(void)
{
    return REPLIC_VERSION_STRING;
}

_Static_assert(sizeof(struct replic_component) == sizeof(struct common_component),
               "struct replic_component is copied from struct common_component");

int replic_component_get(struct replic_component *out, size_t index)
{
    static void (*const components[])(struct common_component *) = {
        common_crypto_component,
        common_lmdb_component,
    };

    if (!out)
        return REPLIC_ERR_INVALID;
    memset(out, 0, sizeof(*out));
    if (index >= sizeof(components) / sizeof(components[0]))
        return REPLIC_ERR_NOT_FOUND;
    struct common_component component;
    components[index](&component);
    memcpy(out, &component, sizeof(*out));
    return REPLIC_OK;
}
