/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at all that is there: both copies of every page, and every sector of the data. */
#include "common/base/ct.h"
#include "libxtsvol/src/volume/handle.h"

#include <string.h>

struct check {
    struct xtsvol_volume *volume;
    struct xtsvol_check_report *report;
    xtsvol_check_fn *bad;
    void *context;
    uint64_t bad_offset; /* a run that is not told yet */
    uint64_t bad_len;
};

static void tell_run(struct check *check)
{
    if (check->bad_len > 0 && check->bad)
        check->bad(check->context, check->bad_offset, check->bad_len);
    check->bad_len = 0;
}

static void found_bad(struct check *check, uint64_t offset, uint64_t len)
{
    if (check->bad_len > 0 && check->bad_offset + check->bad_len == offset) {
        check->bad_len += len;
        return;
    }
    tell_run(check);
    check->bad_offset = offset;
    check->bad_len = len;
}

static int look_at_page(void *context, const struct xv_map_visit *visit)
{
    struct check *check = context;
    check->report->num_pages += XV_NUM_COPIES;
    unsigned num_good = (unsigned)visit->copy_is_good[0] + (unsigned)visit->copy_is_good[1];
    if (num_good == 1)
        check->report->num_bad_copies++;
    if (num_good > 0)
        return 0;
    check->report->num_bad_pages++;
    uint64_t size = atomic_load(&check->volume->size);
    uint64_t begin = visit->first_extent << check->volume->extent_shift;
    uint64_t end = (visit->first_extent + visit->num_extents) << check->volume->extent_shift;
    if (begin < size)
        found_bad(check, begin, (end < size ? end : size) - begin);
    return 0;
}

static int look_at_superblocks(struct check *check)
{
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        struct xv_slot slot;
        check->report->num_pages++;
        int error = xv_slot_read(&slot, xv_metadata_io(check->volume), copy, NULL);
        bool is_bad = error || slot.error || slot.prelude.kind != XV_KIND_VOLUME ||
                      slot.superblock.sequence != check->volume->metadata.state.sequence;
        if (!is_bad)
            error = xv_superblock_verify(slot.bytes, slot.len, &check->volume->metadata.keys);
        xv_slot_free(&slot);
        if (error == COMMON_ERR_NO_MEMORY)
            return error;
        if (!is_bad && !error)
            continue;
        check->report->num_bad_copies++;
        check->volume->metadata.slot_is_state[copy] = false; /* for a repair */
    }
    return 0;
}

/* Only whether the medium gives the bytes: nothing in them tells whether they are right. */
static int look_at_data(struct check *check, uint8_t *buffer, uint64_t offset, size_t len)
{
    const struct xtsvol_volume *volume = check->volume;
    int native = 0;
    int error = xv_io_read(&volume->data_io, buffer, len, volume->data_offset + offset, &native);
    if (!error)
        return 0;
    if (error == COMMON_ERR_NO_MEMORY)
        return error;
    for (size_t at = 0; at < len; at += volume->sector_size) {
        if (xv_io_read(&volume->data_io, buffer, volume->sector_size,
                       volume->data_offset + offset + at, &native)) {
            check->report->num_bad_sectors++;
            found_bad(check, offset + at, volume->sector_size);
        }
    }
    return 0;
}

static int check_data(struct check *check, xtsvol_progress_fn *progress)
{
    struct xtsvol_volume *volume = check->volume;
    uint8_t *buffer = xv_buffer_get(volume->buffers);
    if (!buffer)
        return COMMON_ERR_NO_MEMORY;
    int error = 0;
    uint64_t offset = 0;
    uint64_t size = atomic_load(&volume->size);
    while (!error && offset < size) {
        size_t len = size - offset < XV_BUFFER_LEN ? (size_t)(size - offset) : XV_BUFFER_LEN;
        struct xv_range held;
        xv_ranges_enter(volume->ranges, &held, offset, len, XV_RANGE_SHARED);
        if (offset + len <= atomic_load(&volume->size))
            error = look_at_data(check, buffer, offset, len);
        xv_ranges_leave(volume->ranges, &held);
        offset += len;
        if (!error && progress && progress(check->context, offset, size))
            error = COMMON_ERR_CANCELLED;
    }
    tell_run(check);
    common_wipe(buffer, XV_BUFFER_LEN);
    xv_buffer_put(volume->buffers, buffer);
    return error;
}

int xtsvol_volume_check(struct xtsvol_volume *volume, struct xtsvol_check_report *out, int repair,
                        xtsvol_check_fn *bad, xtsvol_progress_fn *progress, void *context)
{
    if (!out)
        return XTSVOL_ERR_INVALID;
    memset(out, 0, sizeof(*out));
    if (!volume)
        return XTSVOL_ERR_INVALID;
    int error = repair ? xv_volume_check_writable(volume) : xv_volume_check_owner(volume);
    if (error)
        return error;
    struct xtsvol_failure failure = {0};
    struct check check = {.volume = volume, .report = out, .bad = bad, .context = context};
    (void)pthread_mutex_lock(&volume->change);
    error = look_at_superblocks(&check);
    if (!error)
        error = xv_map_walk(volume->metadata.map, look_at_page, &check);
    tell_run(&check);
    if (!error && repair && out->num_bad_copies > 0)
        error = xv_metadata_repair(&volume->metadata, &out->num_repaired, &failure);
    if (volume->metadata.is_poisoned)
        atomic_store(&volume->is_stopped, true);
    (void)pthread_mutex_unlock(&volume->change);
    if (!error)
        error = check_data(&check, progress);
    if (error) {
        memset(out, 0, sizeof(*out));
        return xv_volume_failed(volume, error, &failure);
    }
    return 0;
}
