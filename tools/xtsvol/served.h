/* SPDX-License-Identifier: Apache-2.0 */
/* A volume that somebody serves is asked through its server: this process cannot open it. */
#ifndef TOOLS_XTSVOL_SERVED_H
#define TOOLS_XTSVOL_SERVED_H

#include "common/base/error.h"
#include "tools/control/control.h"

#include <xtsvol/volume.h>

enum {
    SERVED_TIMEOUT_MS = 5000
};

/* control_request() to whoever serves the volume. COMMON_ERR_NOT_FOUND: nobody does, or there is no
 * such volume. */
COMMON_MUST_USE int served_request(json_t **out, const char *path, const char *header_path,
                                   const char *request, json_t *arguments,
                                   char why[CONTROL_WHY_SIZE]);

/* What the volume is. The server has verified its metadata, with keys of its own. *out is all zero
 * on failure. server_pid may be NULL. */
COMMON_MUST_USE int served_info(struct xtsvol_volume_info *out, int64_t *server_pid,
                                const char *path, const char *header_path,
                                char why[CONTROL_WHY_SIZE]);

#endif
