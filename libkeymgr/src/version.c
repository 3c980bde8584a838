/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto/component.h"
#include "common/lmdb/component.h"
#include <keymgr/error.h>
#include <keymgr/version.h>

#include <string.h>

uint32_t keymgr_version_number(void)
{
    return KEYMGR_VERSION_NUMBER;
}

const char *keymgr_version_string(void)
{
    return KEYMGR_VERSION_STRING;
}

_Static_assert(sizeof(struct keymgr_component) == sizeof(struct common_component),
               "struct keymgr_component is copied from struct common_component");

int keymgr_component_get(struct keymgr_component *out, size_t index)
{
    static void (*const components[])(struct common_component *) = {
        common_crypto_component,
        common_lmdb_component,
    };

    if (!out)
        return KEYMGR_ERR_INVALID;
    memset(out, 0, sizeof(*out));
    if (index >= sizeof(components) / sizeof(components[0]))
        return KEYMGR_ERR_NOT_FOUND;
    struct common_component component;
    components[index](&component);
    memcpy(out, &component, sizeof(*out));
    return KEYMGR_OK;
}
