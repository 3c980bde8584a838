/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/nbdkit/requests.h"

#include "tools/xtsvol/volume_info.h"

#include <stdio.h>
#include <unistd.h>

struct nbd_requests nbd_requests_begin(struct xtsvol_volume *volume)
{
    return (struct nbd_requests){.volume = volume, .pid = getpid(), .started_s = time(NULL)};
}

static int expect_no_arguments(const json_t *arguments, char *why)
{
    if (json_object_size(arguments) == 0)
        return 0;
    (void)snprintf(why, CONTROL_WHY_SIZE, "the request takes no arguments");
    return COMMON_ERR_INVALID;
}

static int run_ping(void *context, json_t **out, const json_t *arguments, char *why)
{
    const struct nbd_requests *requests = context;
    int error = expect_no_arguments(arguments, why);
    if (error)
        return error;
    *out = json_pack("{s:I}", "pid", (json_int_t)requests->pid);
    return *out ? 0 : COMMON_ERR_NO_MEMORY;
}

static int run_info(void *context, json_t **out, const json_t *arguments, char *why)
{
    const struct nbd_requests *requests = context;
    int error = expect_no_arguments(arguments, why);
    if (error)
        return error;
    struct xtsvol_volume_info info;
    error = xtsvol_info_get(requests->volume, &info, sizeof(info));
    if (error)
        return error;
    *out = json_pack("{s:o,s:{s:I,s:I}}", "volume", volume_info_encode(&info), "server", "pid",
                     (json_int_t)requests->pid, "started_s", (json_int_t)requests->started_s);
    return *out ? 0 : COMMON_ERR_NO_MEMORY;
}

const struct control_verb nbd_verbs[] = {
    {"info", run_info},
    {"ping", run_ping},
    {NULL, NULL},
};
