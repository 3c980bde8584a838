/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crypto-erase. The keys go first, since that is what makes the data unreadable: of this volume
 * alone, and all of them, which the metadata says that one of the keys has verified. Then the
 * superblock that is not needed becomes a record of the erasure, from which on the volume is not
 * taken for one any more; then what the other superblock names is overwritten, and it last. Each
 * step may be repeated, and is, when an erasure was cut short.
 */
#include "common/base/checked.h"
#include "common/base/ct.h"
#include "common/base/random.h"
#include "libxtsvol/src/volume/handle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CHUNK = 64 * 1024
};

/* What is to be erased, from the superblock or the record of an erasure that was cut short. */
struct target {
    struct xv_erased record;
    bool has_layout;
    unsigned copy; /* that has the layout */
    struct xv_superblock superblock;
    bool is_verified; /* by one of its keys at least */
};

static bool is_listed(const struct xv_superblock *superblock, uint32_t generation)
{
    for (size_t i = 0; i < superblock->num_generations; i++) {
        if (superblock->generations[i].id == generation)
            return true;
    }
    return false;
}

/* Is it what the owner of the keys wrote? Where none of its keys is there any more, or nobody is
 * asked for them, nothing can be said, and no key is destroyed for it either. */
static int verify(struct xtsvol_volume *volume, bool *out_is_verified, const struct xv_slot *slot,
                  struct xtsvol_failure *failure)
{
    *out_is_verified = false;
    if (!volume->source.key)
        return 0;
    struct xv_deks deks = {0};
    struct xv_meta_keys keys = {0};
    struct xv_key_source source = volume->source;
    source.may_miss = true;
    int error = xv_slot_verify(slot, &keys, &deks, &source, failure);
    xv_meta_keys_wipe(&keys);
    xv_deks_wipe(&deks);
    *out_is_verified = !error;
    return error == COMMON_ERR_NOT_FOUND ? 0 : error;
}

static int take_superblock(struct target *out, struct xtsvol_volume *volume,
                           const struct xv_slot slots[], unsigned copy,
                           struct xtsvol_failure *failure)
{
    int error = verify(volume, &out->is_verified, &slots[copy], failure);
    const struct xv_slot *other = &slots[1 - copy];
    if (error && error != COMMON_ERR_NO_MEMORY && !other->error &&
        other->prelude.kind == XV_KIND_VOLUME &&
        other->superblock.sequence == slots[copy].superblock.sequence &&
        !verify(volume, &out->is_verified, other, NULL)) {
        copy = 1 - copy;
        error = 0;
    }
    if (error)
        return error;
    out->has_layout = true;
    out->copy = copy;
    out->superblock = slots[copy].superblock;
    out->superblock.bad = NULL;
    out->superblock.num_bad = 0;
    memcpy(out->record.uuid, out->superblock.uuid, XTSVOL_UUID_LEN);
    for (size_t i = 0; i < out->superblock.num_generations; i++) {
        uint32_t generation = out->superblock.generations[i].id;
        bool is_known = false;
        for (size_t j = 0; j < out->record.num_generations; j++)
            is_known = is_known || out->record.generations[j] == generation;
        if (is_known)
            continue;
        if (out->record.num_generations == XTSVOL_LIVE_GENERATIONS_MAX)
            return xv_fail(failure, COMMON_ERR_CORRUPT, 0, "its record of an erasure is damaged");
        out->record.generations[out->record.num_generations++] = generation;
    }
    return 0;
}

static int find_target(struct target *out, struct xtsvol_volume *volume,
                       struct xtsvol_failure *failure)
{
    struct xv_slot *slots = calloc(XV_NUM_COPIES, sizeof(*slots));
    if (!slots)
        return xv_fail(failure, COMMON_ERR_NO_MEMORY, 0, "out of memory");
    unsigned chosen = 0;
    int error = xv_slots_read(slots, &chosen, xv_metadata_io(volume), failure);
    if (error == COMMON_ERR_STATE) {
        const struct xv_slot *other = &slots[1 - chosen];
        out->record = slots[chosen].erased;
        out->record.keys_destroyed = false; /* anybody may have written it */
        error = 0;
        if (!other->error && other->prelude.kind == XV_KIND_VOLUME &&
            common_ct_equal(other->superblock.uuid, out->record.uuid, XTSVOL_UUID_LEN))
            error = take_superblock(out, volume, slots, 1 - chosen, failure);
    } else if (!error) {
        error = take_superblock(out, volume, slots, chosen, failure);
    }
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
        xv_slot_free(&slots[copy]);
    free(slots);
    return error;
}

/* A key that the superblock does not list cannot be told from one of another volume, whose name may
 * have been put into the record. One that is gone was destroyed before. */
static int check_key(struct xtsvol_volume *volume, const struct target *target, size_t index,
                     struct xtsvol_failure *failure)
{
    uint32_t generation = target->record.generations[index];
    if (target->has_layout && is_listed(&target->superblock, generation))
        return 0;
    struct xv_deks deks = {0};
    const uint8_t *dek = NULL;
    int error = xv_dek_get(&deks, &dek, &volume->source, target->record.uuid, generation, failure);
    xv_deks_wipe(&deks);
    if (error == COMMON_ERR_NOT_FOUND)
        return 0;
    if (error)
        return error;
    (void)xv_fail(failure, COMMON_ERR_DENIED, 0,
                  "the key of generation %u is there, and cannot be compared any more", generation);
    if (failure)
        failure->generation = generation;
    return COMMON_ERR_DENIED;
}

static int destroy_keys(struct xtsvol_volume *volume, struct target *target,
                        xtsvol_destroy_key_fn *destroy, void *context,
                        struct xtsvol_failure *failure)
{
    int error = 0;
    if (target->has_layout && target->superblock.layout.is_backup)
        return xv_fail(failure, COMMON_ERR_STATE, 0,
                       "it is a backup: its keys are those of the volume, and stay");
    for (size_t i = 0; !error && i < target->record.num_generations; i++)
        error = check_key(volume, target, i, failure);
    for (size_t i = 0; !error && i < target->record.num_generations; i++) {
        error = destroy(context, target->record.uuid, target->record.generations[i]);
        if (error)
            return xv_fail(failure, error, 0, "the key of generation %u was not destroyed: %s",
                           target->record.generations[i], common_error_text(error));
    }
    /* Where no key was there, nothing shows that those which are gone were those of this volume. */
    target->record.keys_destroyed = !error && target->is_verified;
    return error;
}

static int write_failed(struct xtsvol_failure *failure, int error, int native)
{
    return xv_fail(failure, error, native, "cannot overwrite its metadata: %s",
                   common_error_text(error));
}

static int fill(const struct xtsvol_io *io, uint64_t offset, uint64_t length, bool is_random,
                struct xtsvol_failure *failure)
{
    uint8_t *chunk = calloc(1, CHUNK);
    if (!chunk)
        return xv_fail(failure, COMMON_ERR_NO_MEMORY, 0, "out of memory");
    int error = 0;
    int native = 0;
    for (uint64_t at = 0; !error && at < length; at += CHUNK) {
        size_t len = length - at < CHUNK ? (size_t)(length - at) : CHUNK;
        if (is_random)
            error = common_random(chunk, len);
        if (!error)
            error = xv_io_write(io, chunk, len, offset + at, &native);
    }
    free(chunk);
    return error ? write_failed(failure, error, native) : 0;
}

/* The rest of the metadata: what is a hole stays one. */
static int clear_region(const struct xtsvol_io *io, const struct xv_region *region, uint64_t size,
                        struct xtsvol_failure *failure)
{
    uint64_t at = region->offset;
    uint64_t end = region->offset + region->length;
    if (end > size)
        end = size;
    while (at < end) {
        uint64_t run_end = end;
        int is_hole = 0;
        if (io->next_hole && io->next_hole(io->context, at, &run_end, &is_hole))
            is_hole = 0;
        if (run_end <= at || run_end > end)
            run_end = end;
        int error = is_hole ? 0 : fill(io, at, run_end - at, false, failure);
        if (error)
            return error;
        at = run_end;
    }
    return 0;
}

static int sync_io(const struct xtsvol_io *io, struct xtsvol_failure *failure)
{
    int native = 0;
    int error = xv_io_flush(io, &native);
    return error ? write_failed(failure, error, native) : 0;
}

static int write_record(const struct xtsvol_io *io, const struct xv_erased *record, unsigned copy,
                        uint64_t size, struct xtsvol_failure *failure)
{
    COMMON_CLEANUP_BUF struct common_buf bytes = common_buf_growing(XV_SUPERBLOCK_MAX);
    int native = 0;
    uint64_t offset = xv_superblock_offset(copy);
    int error = xv_erased_encode(&bytes, record, copy);
    if (!error)
        error = xv_io_write(io, bytes.data, bytes.len, offset, &native);
    if (error)
        return write_failed(failure, error, native);
    uint64_t end = offset + XV_SUPERBLOCK_MAX < size ? offset + XV_SUPERBLOCK_MAX : size;
    error = fill(io, offset + bytes.len, end - offset - bytes.len, true, failure);
    return error ? error : sync_io(io, failure);
}

static int overwrite(const struct xtsvol_io *io, const struct target *target, uint64_t size,
                     struct xtsvol_failure *failure)
{
    const struct xv_layout *layout = &target->superblock.layout;
    const struct xv_region *regions[] = {&layout->map[0], &layout->map[1], &layout->intents,
                                         &layout->markers, &layout->journal};
    unsigned last = target->has_layout ? target->copy : 1;
    int error = 0;
    /* A file that was cut off has one copy. */
    if (common_range_fits(xv_superblock_offset(1 - last), XV_PAGE_LEN, size))
        error = write_record(io, &target->record, 1 - last, size, failure);
    for (size_t i = 0; !error && target->has_layout && i < sizeof(regions) / sizeof(regions[0]);
         i++)
        error = clear_region(io, regions[i], size, failure);
    if (!error)
        error = sync_io(io, failure);
    return error ? error : write_record(io, &target->record, last, size, failure);
}

static int erase(struct xtsvol_volume *volume, struct target *target,
                 xtsvol_destroy_key_fn *destroy, void *context, struct xtsvol_failure *failure)
{
    struct xtsvol_io *io = xv_metadata_io(volume);
    int native = 0;
    uint64_t size = 0;
    int error = xv_io_size(io, &size, &native);
    if (error)
        return xv_fail(failure, error, native, "cannot see its size: %s", common_error_text(error));
    error = find_target(target, volume, failure);
    if (!error && destroy)
        error = destroy_keys(volume, target, destroy, context, failure);
    if (error)
        return error;
    target->record.erased_s = (uint64_t)time(NULL);
    (void)snprintf(target->record.method, sizeof(target->record.method), "%s",
                   target->record.keys_destroyed ? "keys destroyed, metadata overwritten"
                   : destroy                     ? "metadata overwritten, no key was there"
                                                 : "metadata overwritten, keys left alone");
    return overwrite(io, target, size, failure);
}

int xtsvol_volume_erase(struct xtsvol_erasure *out, size_t out_size, const char *path,
                        const struct xtsvol_volume_options *options, xtsvol_destroy_key_fn *destroy,
                        void *destroy_context)
{
    if (!out || out_size == 0)
        return XTSVOL_ERR_INVALID;
    memset(out, 0, out_size);
    struct xtsvol_volume_options taken;
    int error = xv_volume_options_take(&taken, options);
    if (!error && destroy && !taken.key)
        error = xv_fail(
            taken.failure, XTSVOL_ERR_INVALID, 0,
            "keys are destroyed only after they were compared: the key callback is missing");
    if (error) {
        xv_volume_close_untaken(NULL, &taken);
        return error;
    }
    struct xtsvol_volume *volume = NULL;
    struct target *target = calloc(1, sizeof(*target));
    if (!target) {
        (void)xv_fail(taken.failure, COMMON_ERR_NO_MEMORY, 0, "out of memory");
        return COMMON_ERR_NO_MEMORY;
    }
    error = xv_volume_new(&volume, &taken);
    if (!error)
        error = xv_volume_open_files(volume, path, &taken, XV_OPEN_WRITE);
    if (!error)
        error = erase(volume, target, destroy, destroy_context, taken.failure);
    if (!error) {
        /* Keys that were missed on the way are no failure. */
        if (taken.failure)
            memset(taken.failure, 0, sizeof(*taken.failure));
        struct xtsvol_erasure erasure;
        xv_erasure_fill(&erasure, &target->record);
        memcpy(out, &erasure, out_size < sizeof(erasure) ? out_size : sizeof(erasure));
    }
    free(target);
    if (error)
        xv_volume_close_untaken(volume, &taken);
    xtsvol_volume_close(&volume);
    return error;
}
