/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/component.h"
#include <xtsvol/error.h>
#include <xtsvol/version.h>

#include <string.h>

uint32_t xtsvol_version_number(void)
{
    return XTSVOL_VERSION_NUMBER;
}

const char *xtsvol_version_string(void)
{
    return XTSVOL_VERSION_STRING;
}

_Static_assert(sizeof(struct xtsvol_component) == sizeof(struct common_component),
               "struct xtsvol_component is copied from struct common_component");

int xtsvol_component_get(struct xtsvol_component *out, size_t index)
{
    static void (*const components[])(struct common_component *) = {
        common_crypto_component,
    };

    if (!out)
        return XTSVOL_ERR_INVALID;
    memset(out, 0, sizeof(*out));
    if (index >= sizeof(components) / sizeof(components[0]))
        return XTSVOL_ERR_NOT_FOUND;
    struct common_component component;
    components[index](&component);
    memcpy(out, &component, sizeof(*out));
    return XTSVOL_OK;
}
