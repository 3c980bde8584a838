/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of callers that were compiled against another version: a field that the caller does not
 * know has its default, and one that this version does not know has to be zero.
 */
#include "libxtsvol/src/volume/handle.h"

#include <string.h>

enum {
    MAP_MEMORY_MIN = 1 << 20,
    MAP_MEMORY_MAX = 1 << 30,
    MAP_MEMORY_DEFAULT = 64 << 20,
    SECTOR_DEFAULT = 4096,
    EXTENT_DEFAULT = 1 << 20
};

static const struct xtsvol_volume_options volume_defaults = {
    .size = sizeof(volume_defaults),
    .kernels = UINT32_MAX,
    .max_map_memory = MAP_MEMORY_DEFAULT,
};

static const struct xtsvol_create_options create_defaults = {
    .size = sizeof(create_defaults),
    .sector_size = SECTOR_DEFAULT,
    .extent_size = EXTENT_DEFAULT,
};

static void init(void *options, size_t size, const void *defaults, size_t known)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    memcpy(options, defaults, size < known ? size : known);
    memcpy(options, &size, sizeof(size)); /* the first field */
}

void xtsvol_volume_options_init(struct xtsvol_volume_options *options, size_t size)
{
    init(options, size, &volume_defaults, sizeof(volume_defaults));
}

void xtsvol_create_options_init(struct xtsvol_create_options *options, size_t size)
{
    init(options, size, &create_defaults, sizeof(create_defaults));
}

static int take(void *out, const void *options, const void *defaults, size_t known)
{
    size_t size = 0;
    memcpy(out, defaults, known);
    if (!options)
        return 0;
    memcpy(&size, options, sizeof(size));
    if (size < known || size > (1 << 16))
        return COMMON_ERR_INVALID;
    const uint8_t *bytes = options;
    for (size_t i = known; i < size; i++) {
        if (bytes[i] != 0)
            return COMMON_ERR_UNSUPPORTED;
    }
    memcpy(out, options, known);
    return 0;
}

int xv_volume_options_take(struct xtsvol_volume_options *out,
                           const struct xtsvol_volume_options *options)
{
    int error = take(out, options, &volume_defaults, sizeof(*out));
    if (error)
        return error;
    if (out->failure) /* of an earlier call: not to be taken for that of this one */
        memset(out->failure, 0, sizeof(*out->failure));
    if (out->max_map_memory < MAP_MEMORY_MIN || out->max_map_memory > MAP_MEMORY_MAX)
        return xv_fail(out->failure, COMMON_ERR_INVALID, 0,
                       "max_map_memory is 1 MiB to 1 GiB, not %zu bytes", out->max_map_memory);
    if (out->num_threads > XTSVOL_VOLUME_THREADS_MAX)
        return xv_fail(out->failure, COMMON_ERR_INVALID, 0, "%u threads are more than there can be",
                       out->num_threads);
    return 0;
}

int xv_create_options_take(struct xtsvol_create_options *out,
                           const struct xtsvol_create_options *options)
{
    return options ? take(out, options, &create_defaults, sizeof(*out)) : COMMON_ERR_INVALID;
}
