/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/component.h"

#include <stdio.h>

void common_component_set(struct common_component *out, const char *name, const char *version,
                          const char *linkage)
{
    (void)snprintf(out->name, sizeof(out->name), "%s", name);
    (void)snprintf(out->version, sizeof(out->version), "%s", version);
    (void)snprintf(out->linkage, sizeof(out->linkage), "%s", linkage);
}
