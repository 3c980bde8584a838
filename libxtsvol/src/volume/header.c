/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backup and restore of metadata. A backup has the layout of a detached header, so that it can be
 * used as one, for reading: a second writer under the same sequence would make two states of one.
 */
#include "common/base/checked.h"
#include "common/base/ct.h"
#include "libxtsvol/src/volume/handle.h"

#include <string.h>

struct backup {
    const struct xv_superblock *state;
    const struct xtsvol_io *to;
    int native;
};

static int copy_page(void *context, const struct xv_map_visit *visit)
{
    struct backup *backup = context;
    if (!visit->page)
        return visit->error;
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        uint64_t offset =
            backup->state->layout.map[copy].offset + (uint64_t)visit->place.number * XV_PAGE_LEN;
        int error = xv_io_write(backup->to, visit->page, XV_PAGE_LEN, offset, &backup->native);
        if (error)
            return error;
    }
    return 0;
}

static int write_backup(struct xtsvol_volume *volume, const struct xtsvol_io *to, int *native)
{
    struct xv_superblock state = {0};
    uint64_t end = 0;
    int error = xv_superblock_copy(&state, &volume->metadata.state);
    state.layout.is_backup = true;
    if (!error)
        error = xv_layout_metadata_end(&end, &state.layout);
    if (!error) {
        *native = to->set_size(to->context, end);
        error = xv_io_error(*native);
    }
    struct backup backup = {.state = &volume->metadata.state, .to = to};
    if (!error) {
        error = xv_map_walk(volume->metadata.map, copy_page, &backup);
        *native = backup.native;
    }
    for (unsigned copy = 0; !error && copy < XV_NUM_COPIES; copy++) {
        COMMON_CLEANUP_BUF struct common_buf bytes = common_buf_growing(XV_SUPERBLOCK_MAX);
        error = xv_superblock_encode(&bytes, &state, copy, &volume->metadata.keys);
        if (!error)
            error = xv_io_write(to, bytes.data, bytes.len, xv_superblock_offset(copy), native);
    }
    if (!error)
        error = xv_io_flush(to, native);
    xv_superblock_free(&state);
    return error;
}

int xtsvol_header_backup(struct xtsvol_volume *volume, const char *path)
{
    if (!volume || !path)
        return XTSVOL_ERR_INVALID;
    int error = xv_volume_check_owner(volume);
    if (error)
        return error;
    struct xtsvol_io to = {0};
    struct xv_file file = {0};
    error = xv_file_open(&to, &file, path, XV_OPEN_CREATE);
    int native = file.native_error;
    /* What somebody has, or what is no file, is there as well. */
    if ((!error && !file.is_new) || error == COMMON_ERR_BUSY || error == COMMON_ERR_INVALID) {
        xv_io_close(&to);
        return xv_volume_fail(volume, COMMON_ERR_EXISTS, 0, "%s: there is such a file already",
                              path);
    }
    if (!error) {
        (void)pthread_mutex_lock(&volume->change);
        error = write_backup(volume, &to, &native);
        (void)pthread_mutex_unlock(&volume->change);
        if (!error)
            error = xv_file_sync_name(path);
        if (error)
            xv_file_abandon(&to, path, &file);
        else
            xv_io_close(&to);
    }
    return error ? xv_volume_fail(volume, error, native, "cannot write the backup: %s",
                                  native ? strerror(native) : common_error_text(error))
                 : 0;
}

/* A place whose metadata was not opened, for the reason *why: that is what a restore is for. But
 * another volume is not damage, nor is an erasure; and where a key is missing, what was written
 * since the backup may be in order. What it claims to be is not believed any further. */
static int look_at_unopened(const struct xtsvol_io *io, const struct xv_superblock *backup,
                            const struct xtsvol_failure *why, bool may_go_back,
                            struct xtsvol_failure *failure)
{
    struct xv_slot slots[XV_NUM_COPIES];
    unsigned chosen = 0;
    int error = xv_slots_read(slots, &chosen, io, NULL);
    bool was_erased = error == COMMON_ERR_STATE;
    uint64_t claimed = error ? 0 : slots[chosen].superblock.sequence;
    const uint8_t *uuid = was_erased ? slots[chosen].erased.uuid : slots[chosen].superblock.uuid;
    bool is_other = (!error || was_erased) && !common_ct_equal(uuid, backup->uuid, XTSVOL_UUID_LEN);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
        xv_slot_free(&slots[copy]);
    if (error == COMMON_ERR_NO_MEMORY)
        return xv_fail(failure, error, 0, "out of memory");
    if (is_other)
        return xv_fail(failure, COMMON_ERR_INVALID, 0,
                       "the backup is of another volume than the one in that place");
    if (was_erased && !may_go_back)
        return xv_fail(failure, COMMON_ERR_STATE, 0, "the volume in that place was erased");
    if (why->generation != 0 && claimed > backup->sequence && !may_go_back) {
        (void)xv_fail(failure, why->error, 0,
                      "the metadata in that place is newer than the backup, and cannot be read: %s",
                      why->message);
        if (failure)
            failure->generation = why->generation;
        return why->error;
    }
    if (error == COMMON_ERR_UNSUPPORTED && !may_go_back)
        return xv_fail(failure, error, 0,
                       "the metadata in that place is of a version that is not known");
    return 0;
}

/* What stands in the place of the restore: *out_above is its sequence, 0 if none was verified. */
static int look_at_place(uint64_t *out_above, struct xtsvol_volume *volume,
                         const struct xv_superblock *backup, struct xv_deks *deks,
                         const struct xtsvol_volume_options *options, bool may_go_back)
{
    struct xtsvol_failure *failure = options->failure;
    struct xv_metadata now = {0};
    struct xv_load load = xv_volume_load(volume, options);
    load.min_sequence = 0;
    load.allow_plaintext = true;
    struct xtsvol_failure why = {0};
    int error = xv_metadata_load(&now, deks, &load, &why);
    if (error == COMMON_ERR_NO_MEMORY)
        return xv_fail(failure, error, 0, "out of memory");
    if (error)
        return look_at_unopened(load.io, backup, &why, may_go_back, failure);
    bool is_other = !common_ct_equal(now.state.uuid, backup->uuid, XTSVOL_UUID_LEN);
    bool is_newer = now.state.sequence > backup->sequence;
    bool is_downgrade = backup->plaintext_allowed && !now.state.plaintext_allowed;
    *out_above = now.state.sequence;
    xv_metadata_close(&now);
    if (is_other)
        return xv_fail(failure, COMMON_ERR_INVALID, 0,
                       "the backup is of another volume than the one in that place");
    if (is_downgrade) /* V6 */
        return xv_fail(failure, COMMON_ERR_STATE, 0,
                       "the backup is from before all of the volume was encrypted");
    if (is_newer && !may_go_back)
        return xv_fail(failure, COMMON_ERR_STATE, 0,
                       "the metadata in that place is in order, and newer than the backup");
    return 0;
}

/* Opens the backup by itself, as the metadata of `volume`. */
static int load_backup(struct xtsvol_volume *backup, const char *backup_path,
                       const struct xtsvol_volume_options *options, struct xv_deks *deks)
{
    struct xtsvol_volume_options alone = *options;
    alone.header_path = NULL;
    alone.header_io = NULL;
    alone.data_io = NULL;
    int error = xv_volume_open_files(backup, backup_path, &alone, XV_OPEN_READ);
    if (error)
        return error;
    struct xv_load load = xv_volume_load(backup, &alone);
    return xv_metadata_load(&backup->metadata, deks, &load, options->failure);
}

/* The place has to be the one that the metadata speaks of. */
static int check_place(struct xtsvol_volume *place, const struct xv_superblock *backup,
                       struct xtsvol_failure *failure)
{
    bool is_apart = place->header_io.size != 0;
    if (backup->layout.is_attached == is_apart)
        return xv_fail(failure, COMMON_ERR_INVALID, 0,
                       is_apart ? "the backup is of a volume with its metadata in the same file"
                                : "the backup is of a volume with a detached header");
    uint64_t size = 0;
    int native = 0;
    int error = place->data_io.size ? xv_io_size(&place->data_io, &size, &native) : 0;
    if (error)
        return xv_fail(failure, error, native, "cannot see its size: %s", common_error_text(error));
    if (place->data_io.size &&
        !common_range_fits(backup->layout.data_offset, backup->volume_size, size))
        return xv_fail(failure, COMMON_ERR_INVALID, 0,
                       "it is shorter than the volume that the backup is of");
    return xv_volume_make_room(place, backup, failure);
}

/* The files of the place: the header alone, where no data is named. */
static int open_place(struct xtsvol_volume *place, const char *path,
                      const struct xtsvol_volume_options *options)
{
    bool is_apart = options->header_path || options->header_io;
    if (path || options->data_io || !is_apart)
        return xv_volume_open_files(place, path, options, XV_OPEN_WRITE);
    struct xtsvol_volume_options alone = *options;
    alone.data_io = options->header_io;
    alone.header_io = NULL;
    alone.header_path = NULL;
    int error = xv_volume_open_files(place, options->header_path, &alone, XV_OPEN_WRITE);
    place->header_io = place->data_io;
    place->header_file = place->data_file;
    memset(&place->data_io, 0, sizeof(place->data_io));
    memset(&place->data_file, 0, sizeof(place->data_file));
    return error;
}

int xtsvol_header_restore(const char *path, const char *backup_path,
                          const struct xtsvol_volume_options *options, int may_go_back)
{
    struct xtsvol_volume_options taken;
    int error = xv_volume_options_take(&taken, options);
    if (!error && (!taken.key || !backup_path || taken.is_read_only))
        error = xv_fail(taken.failure, XTSVOL_ERR_INVALID, 0, "options that cannot be used");
    if (error) {
        xv_volume_close_untaken(NULL, &taken);
        return error;
    }
    struct xtsvol_volume *backup = NULL;
    struct xtsvol_volume *place = NULL;
    struct xv_deks deks = {0};
    struct xv_deks place_deks = {0};
    uint64_t above = 0;
    error = xv_volume_new(&backup, &taken);
    if (!error)
        error = load_backup(backup, backup_path, &taken, &deks);
    if (!error)
        error = xv_volume_new(&place, &taken);
    if (!error)
        error = open_place(place, path, &taken);
    if (!error)
        error = look_at_place(&above, place, &backup->metadata.state, &place_deks, &taken,
                              may_go_back != 0);
    if (!error)
        error = check_place(place, &backup->metadata.state, taken.failure);
    if (!error)
        error =
            xv_metadata_move(&backup->metadata, xv_metadata_io(place), xv_metadata_syncer(place),
                             above, &deks, &backup->source, taken.failure);
    xv_deks_wipe(&deks);
    xv_deks_wipe(&place_deks);
    if (error)
        xv_volume_close_untaken(place, &taken);
    xtsvol_volume_close(&backup);
    xtsvol_volume_close(&place);
    return error;
}
