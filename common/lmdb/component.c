/* SPDX-License-Identifier: Apache-2.0 */
#include "common/lmdb/component.h"

#include <lmdb.h>
#include <stdio.h>

void common_lmdb_component(struct common_component *out)
{
    int major = 0;
    int minor = 0;
    int patch = 0;
    (void)mdb_version(&major, &minor, &patch);
    char version[24];
    (void)snprintf(version, sizeof(version), "%d.%d.%d", major, minor, patch);
    common_component_set(out, "LMDB", version, "shared");
}
