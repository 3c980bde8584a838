/* SPDX-License-Identifier: Apache-2.0 */
#include "libxtsvol/src/volume/handle.h"

#include <stdlib.h>
#include <string.h>

static void describe(struct xtsvol_volume_info *out, const struct xv_superblock *state)
{
    memcpy(out->uuid, state->uuid, XTSVOL_UUID_LEN);
    out->volume_size = state->volume_size;
    out->sector_size = state->sector_size;
    out->extent_size = UINT32_C(1) << state->extent_shift;
    out->iv = state->iv;
    out->is_attached = state->layout.is_attached;
    out->data_offset = state->layout.data_offset;
    out->sequence = state->sequence;
    out->max_volume_size = state->max_extents << state->extent_shift;
    if (out->max_volume_size > XTSVOL_VOLUME_SIZE_MAX)
        out->max_volume_size = XTSVOL_VOLUME_SIZE_MAX;
    out->created_s = (int64_t)state->created_s;
    out->plaintext_allowed = state->plaintext_allowed;
    if (state->num_plaintext > 0)
        out->generations[out->num_generations++].num_extents = state->num_plaintext;
    for (size_t i = 0; i < state->num_generations; i++) {
        struct xtsvol_generation_info *generation = &out->generations[out->num_generations++];
        generation->generation = state->generations[i].id;
        generation->num_extents = state->generations[i].num_extents;
    }
}

/* Callers of an older version have a shorter struct. */
static int hand_out(void *out, size_t out_size, const void *in, size_t in_size)
{
    if (out_size > in_size)
        memset(out, 0, out_size);
    memcpy(out, in, out_size < in_size ? out_size : in_size);
    return 0;
}

int xtsvol_info_get(struct xtsvol_volume *volume, struct xtsvol_volume_info *out, size_t out_size)
{
    if (!out || out_size == 0)
        return XTSVOL_ERR_INVALID;
    memset(out, 0, out_size);
    if (!volume)
        return XTSVOL_ERR_INVALID;
    int error = xv_volume_check_owner(volume);
    if (error)
        return error;
    struct xtsvol_volume_info info = {0};
    (void)pthread_mutex_lock(&volume->change);
    describe(&info, &volume->metadata.state);
    (void)pthread_mutex_unlock(&volume->change);
    info.is_verified = 1;
    info.is_read_only = volume->is_read_only;
    return hand_out(out, out_size, &info, sizeof(info));
}

void xv_erasure_fill(struct xtsvol_erasure *out, const struct xv_erased *erased)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->uuid, erased->uuid, XTSVOL_UUID_LEN);
    out->erased_s = (int64_t)erased->erased_s;
    out->keys_destroyed = erased->keys_destroyed;
    out->num_generations = (uint32_t)erased->num_generations;
    for (size_t i = 0; i < erased->num_generations; i++)
        out->generations[i] = erased->generations[i];
    memcpy(out->method, erased->method, sizeof(out->method));
}

_Static_assert(sizeof(((struct xtsvol_erasure *)0)->method) == XV_METHOD_MAX + 1,
               "both hold the same text");

int xtsvol_volume_peek(struct xtsvol_volume_info *out, size_t out_size,
                       struct xtsvol_erasure *out_erasure, size_t out_erasure_size,
                       const char *path, struct xtsvol_failure *failure)
{
    if (!out || out_size == 0)
        return XTSVOL_ERR_INVALID;
    memset(out, 0, out_size);
    if (out_erasure && out_erasure_size > 0)
        memset(out_erasure, 0, out_erasure_size);

    struct xtsvol_volume_options options = xtsvol_volume_options_default();
    options.failure = failure;
    if (failure)
        memset(failure, 0, sizeof(*failure));
    struct xtsvol_volume *volume = NULL;
    struct xv_slot *slots = calloc(XV_NUM_COPIES, sizeof(*slots));
    if (!slots) {
        (void)xv_fail(failure, COMMON_ERR_NO_MEMORY, 0, "out of memory");
        return COMMON_ERR_NO_MEMORY;
    }
    int error = xv_volume_new(&volume, &options);
    unsigned chosen = 0;
    if (!error)
        error = xv_volume_open_files(volume, path, &options, XV_OPEN_READ);
    if (!error)
        error = xv_slots_read(slots, &chosen, &volume->data_io, failure);
    if (!error) {
        struct xtsvol_volume_info info = {.is_read_only = 1};
        describe(&info, &slots[chosen].superblock);
        error = hand_out(out, out_size, &info, sizeof(info));
    } else if (error == COMMON_ERR_STATE && out_erasure && out_erasure_size > 0) {
        struct xtsvol_erasure erasure;
        xv_erasure_fill(&erasure, &slots[chosen].erased);
        (void)hand_out(out_erasure, out_erasure_size, &erasure, sizeof(erasure));
    }
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
        xv_slot_free(&slots[copy]);
    free(slots);
    xtsvol_volume_close(&volume);
    return error;
}

int xtsvol_run_get(struct xtsvol_volume *volume, struct xtsvol_run *out, uint64_t offset)
{
    if (!out)
        return XTSVOL_ERR_INVALID;
    memset(out, 0, sizeof(*out));
    if (!volume)
        return XTSVOL_ERR_INVALID;
    int owned = xv_volume_check_owner(volume);
    if (owned)
        return owned;
    uint64_t size = atomic_load(&volume->size);
    uint64_t extent_mask = (UINT64_C(1) << volume->extent_shift) - 1;
    if (offset >= size || (offset & extent_mask) != 0)
        return xv_volume_fail(volume, COMMON_ERR_INVALID, 0,
                              "not the beginning of an extent of the volume");
    uint64_t num_extents = ((size - 1) >> volume->extent_shift) + 1;
    uint64_t first = offset >> volume->extent_shift;
    uint64_t next = first;
    uint32_t generation = 0;
    while (next < num_extents) {
        uint32_t found = 0;
        uint64_t num = 0;
        int error = xv_map_get(volume->metadata.map, &found, &num, next, num_extents - next);
        if (error)
            return xv_volume_fail(volume, error, 0, "cannot read the extent map: %s",
                                  common_error_text(error));
        if (next > first && found != generation)
            break;
        generation = found;
        next += num;
    }
    uint64_t end = next << volume->extent_shift;
    out->offset = offset;
    out->length = (end < size ? end : size) - offset;
    out->generation = generation;
    return 0;
}
