/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A volume that grows gets room first, and then metadata that says so; one that shrinks the other
 * way round. So a cut leaves either size, and in both the medium is long enough.
 */
#include "common/base/checked.h"
#include "libxtsvol/src/volume/handle.h"

/* How many of the extents from first to end (not included) are of each generation: taken from the
 * counts of the superblock. */
static int uncount(struct xv_superblock *next, struct xv_map *map, uint64_t first, uint64_t end)
{
    while (first < end) {
        uint32_t generation = 0;
        uint64_t num = 0;
        int error = xv_map_get(map, &generation, &num, first, end - first);
        if (error)
            return error;
        uint64_t *count = generation == 0 ? &next->num_plaintext : NULL;
        for (size_t i = 0; !count && i < next->num_generations; i++) {
            if (next->generations[i].id == generation)
                count = &next->generations[i].num_extents;
        }
        if (!count || *count < num)
            return COMMON_ERR_CORRUPT;
        *count -= num;
        first += num;
    }
    return 0;
}

static int grow(struct xtsvol_volume *volume, struct xv_superblock *next, uint64_t old_extents,
                struct xtsvol_failure *failure)
{
    int error = xv_volume_make_room(volume, next, failure);
    int native = 0;
    if (!error) {
        error = xv_sync(volume->data_syncer, &volume->data_io, &native);
        if (error)
            return xv_fail(failure, error, native, "cannot sync: %s", common_error_text(error));
    }
    uint64_t new_extents = xv_num_extents(next);
    if (!error && new_extents > old_extents) {
        error = xv_map_set(volume->metadata.map, old_extents, new_extents - old_extents,
                           xv_newest_generation(next));
        next->generations[next->num_generations - 1].num_extents += new_extents - old_extents;
    }
    return error;
}

/* What is behind the new end is not needed: that it stays is no failure. But both copies of the
 * metadata have to say so, and what is behind the old end is not ours. */
static void cut_off(struct xtsvol_volume *volume, uint64_t old_size, uint64_t new_size)
{
    uint64_t size = 0;
    int native = 0;
    if (volume->data_io.set_size && !xv_io_size(&volume->data_io, &size, &native) &&
        size == volume->data_offset + old_size)
        (void)volume->data_io.set_size(volume->data_io.context, volume->data_offset + new_size);
}

static int change(struct xtsvol_volume *volume, struct xv_superblock *next, uint64_t volume_size,
                  struct xtsvol_failure *failure)
{
    struct xv_metadata *metadata = &volume->metadata;
    uint64_t old_size = metadata->state.volume_size;
    uint64_t old_extents = xv_num_extents(&metadata->state);
    next->volume_size = volume_size;
    int error = xv_metadata_settle(metadata, failure);
    if (!error && volume_size > old_size)
        error = grow(volume, next, old_extents, failure);
    else if (!error)
        error = uncount(next, metadata->map, xv_num_extents(next), old_extents);
    if (error) {
        xv_map_revert(metadata->map);
        return xv_fail_unless_told(failure, error, 0, "cannot change the extent map: %s",
                                   common_error_text(error));
    }
    error = xv_metadata_commit(metadata, next, failure);
    if (metadata->is_poisoned)
        atomic_store(&volume->is_stopped, true);
    if (error)
        return error;
    atomic_store(&volume->size, volume_size);
    if (volume_size < old_size && !metadata->is_unsettled)
        cut_off(volume, old_size, volume_size);
    return 0;
}

int xtsvol_resize(struct xtsvol_volume *volume, uint64_t volume_size, int may_shrink)
{
    if (!volume)
        return XTSVOL_ERR_INVALID;
    int error = xv_volume_check_writable(volume);
    if (error)
        return error;
    if (volume_size == 0 || volume_size % volume->sector_size != 0)
        return xv_volume_fail(volume, COMMON_ERR_INVALID, 0,
                              "the size is no multiple of the sectors of %u bytes",
                              volume->sector_size);
    /* Nobody reads or writes meanwhile. */
    struct xv_range all;
    xv_ranges_enter(volume->ranges, &all, 0, UINT64_MAX, XV_RANGE_ALONE);
    (void)pthread_mutex_lock(&volume->change);
    const struct xv_superblock *state = &volume->metadata.state;
    struct xtsvol_failure failure = {0};
    struct xv_superblock next = {0};
    uint64_t greatest = state->max_extents << state->extent_shift;
    if (volume_size < state->volume_size && !may_shrink)
        error = xv_fail(&failure, COMMON_ERR_INVALID, 0,
                        "it is larger now; to lose what is behind the new end has to be asked for");
    else if (volume_size > XTSVOL_VOLUME_SIZE_MAX ||
             (volume_size - 1) >> state->extent_shift >= state->max_extents)
        error = xv_fail(&failure, COMMON_ERR_LIMIT, 0, "it cannot grow beyond %llu bytes",
                        (unsigned long long)greatest);
    else if (volume_size != state->volume_size)
        error = xv_superblock_copy(&next, state);
    if (!error && volume_size != state->volume_size)
        error = change(volume, &next, volume_size, &failure);
    xv_superblock_free(&next);
    (void)pthread_mutex_unlock(&volume->change);
    xv_ranges_leave(volume->ranges, &all);
    return error ? xv_volume_failed(volume, error, &failure) : 0;
}
