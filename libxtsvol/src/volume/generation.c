/* SPDX-License-Identifier: Apache-2.0 */
#include "libxtsvol/src/volume/handle.h"

static int add(struct xtsvol_volume *volume, struct xv_superblock *next, struct xv_deks *deks,
               struct xtsvol_failure *failure)
{
    struct xv_metadata *metadata = &volume->metadata;
    uint32_t newest = xv_newest_generation(next);
    if (newest >= XTSVOL_GENERATION_MAX || next->num_generations >= XTSVOL_LIVE_GENERATIONS_MAX)
        return xv_fail(failure, COMMON_ERR_LIMIT, 0,
                       newest >= XTSVOL_GENERATION_MAX
                           ? "there is no generation behind 1023"
                           : "64 generations are in use: re-encrypt first");
    next->generations[next->num_generations] = (struct xv_generation){.id = newest + 1};
    next->num_generations++;
    int error = xv_metadata_settle(metadata, failure);
    if (!error)
        error = xv_metadata_wrap(metadata, next, deks, &volume->source, failure);
    /* The key has to be usable before extents may be of that generation. */
    if (!error)
        error = xv_volume_data_keys(volume, deks, failure);
    if (!error)
        error = xv_metadata_commit(metadata, next, failure);
    if (metadata->is_poisoned)
        atomic_store(&volume->is_stopped, true);
    return error;
}

int xv_volume_add_generation(struct xtsvol_volume *volume)
{
    int error = xv_volume_check_writable(volume);
    if (error)
        return error;
    struct xtsvol_failure failure = {0};
    struct xv_deks deks = {0};
    struct xv_superblock next = {0};
    (void)pthread_mutex_lock(&volume->change);
    error = xv_superblock_copy(&next, &volume->metadata.state);
    if (!error)
        error = add(volume, &next, &deks, &failure);
    (void)pthread_mutex_unlock(&volume->change);
    xv_superblock_free(&next);
    xv_deks_wipe(&deks);
    return error ? xv_volume_failed(volume, error, &failure) : 0;
}
