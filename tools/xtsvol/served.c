/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/served.h"

#include "common/base/cleanup.h"
#include "tools/xtsvol/volume_info.h"

#include <stdio.h>
#include <stdlib.h>

int served_request(json_t **out, const char *path, const char *header_path, const char *request,
                   json_t *arguments, char why[CONTROL_WHY_SIZE])
{
    *out = NULL;
    COMMON_CLEANUP_FREE char *control = NULL;
    const char *metadata = header_path ? header_path : path;
    int error = control_path(&control, metadata);
    if (error) {
        (void)snprintf(why, CONTROL_WHY_SIZE, "%s", common_error_text(error));
        return error;
    }
    return control_request(out, control, control_owner(metadata), request, arguments,
                           SERVED_TIMEOUT_MS, why, CONTROL_WHY_SIZE);
}

int served_info(struct xtsvol_volume_info *out, int64_t *server_pid, const char *path,
                const char *header_path, char why[CONTROL_WHY_SIZE])
{
    *out = (struct xtsvol_volume_info){0};
    json_t *answer = NULL;
    int error = served_request(&answer, path, header_path, "info", NULL, why);
    if (!error)
        error = volume_info_decode(out, json_object_get(answer, "volume"));
    if (error == COMMON_ERR_CORRUPT)
        (void)snprintf(why, CONTROL_WHY_SIZE, "the server gave no answer that can be read");
    if (server_pid)
        *server_pid = json_integer_value(json_object_get(json_object_get(answer, "server"), "pid"));
    json_decref(answer);
    return error;
}
