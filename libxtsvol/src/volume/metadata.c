/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commits: "Two copies" of docs/format-volume.md, whose steps 1 to 5 stand in commit_pages() and
 * commit_superblocks(). The order of writes and syncs is the promise; a change of it is a change of
 * the format.
 */
#include "libxtsvol/src/volume/metadata.h"
#include "common/base/ct.h"
#include "common/base/random.h"
#include "libxtsvol/src/volume/failure.h"

#include <stdlib.h>
#include <string.h>

enum {
    SKIP_MAX = 0xffff /* V8 */
};

static int sync_io(struct xv_metadata *metadata, struct xtsvol_failure *failure)
{
    int native = 0;
    int error = xv_sync(metadata->syncer, metadata->io, &native);
    return error ? xv_fail(failure, error, native, "cannot sync its metadata: %s",
                           common_error_text(error))
                 : 0;
}

/* Superblock `copy`, and zeroes as far as the one before it went. */
static int encode_superblock(struct common_buf *out, size_t *out_len,
                             const struct xv_metadata *metadata,
                             const struct xv_superblock *superblock, unsigned copy,
                             struct xtsvol_failure *failure)
{
    int error = xv_superblock_encode(out, superblock, copy, &metadata->keys);
    *out_len = out->len;
    while (!error && out->len < metadata->slot_len[copy])
        error = common_buf_append_byte(out, 0);
    return error ? xv_fail(failure, error, 0, "cannot encode its metadata: %s",
                           common_error_text(error))
                 : 0;
}

static int put_superblock(struct xv_metadata *metadata, const struct common_buf *bytes, size_t len,
                          unsigned copy, struct xtsvol_failure *failure)
{
    int native = 0;
    int error =
        xv_io_write(metadata->io, bytes->data, bytes->len, xv_superblock_offset(copy), &native);
    if (error)
        return xv_fail(failure, error, native, "cannot write its metadata: %s",
                       common_error_text(error));
    metadata->slot_len[copy] = len;
    return 0;
}

static int write_superblock(struct xv_metadata *metadata, const struct xv_superblock *superblock,
                            unsigned copy, struct xtsvol_failure *failure)
{
    COMMON_CLEANUP_BUF struct common_buf bytes = common_buf_growing(XV_SUPERBLOCK_MAX);
    size_t len = 0;
    int error = encode_superblock(&bytes, &len, metadata, superblock, copy, failure);
    return error ? error : put_superblock(metadata, &bytes, len, copy, failure);
}

/* Opening, 6, and the pages of a repair: what is bad in one copy is written there. */
struct mend {
    struct xv_metadata *metadata;
    uint64_t num_written;
    int native;
};

static int mend_page(void *context, const struct xv_map_visit *visit)
{
    struct mend *mend = context;
    if (!visit->page) /* lost in both: its extents cannot be read, all others can */
        return 0;
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        if (visit->copy_is_good[copy])
            continue;
        const struct xv_region *region = &mend->metadata->state.layout.map[copy];
        int error = xv_io_write(mend->metadata->io, visit->page, XV_PAGE_LEN,
                                region->offset + (uint64_t)visit->place.number * XV_PAGE_LEN,
                                &mend->native);
        if (error)
            return error;
        mend->num_written++;
    }
    return 0;
}

static int mend_pages(struct xv_metadata *metadata, uint64_t *out_num_written,
                      struct xtsvol_failure *failure)
{
    struct mend mend = {.metadata = metadata};
    int error = xv_map_walk(metadata->map, mend_page, &mend);
    *out_num_written = mend.num_written;
    if (error)
        return xv_fail(failure, error, mend.native, "cannot mend its extent map: %s",
                       common_error_text(error));
    if (mend.num_written == 0)
        return 0;
    error = sync_io(metadata, failure);
    /* The system may show as written what never was: nothing may rely on it. */
    if (error)
        metadata->is_poisoned = true;
    return error;
}

int xv_metadata_heal(struct xv_metadata *metadata, uint64_t *out_num_written,
                     struct xtsvol_failure *failure)
{
    uint64_t num_written = 0;
    *out_num_written = 0;
    if (metadata->slot_is_state[0] && metadata->slot_is_state[1])
        return 0;
    int error = mend_pages(metadata, &num_written, failure);
    for (unsigned copy = 0; !error && copy < XV_NUM_COPIES; copy++) {
        if (metadata->slot_is_state[copy])
            continue;
        error = write_superblock(metadata, &metadata->state, copy, failure);
        if (!error)
            error = sync_io(metadata, failure);
        if (!error) {
            metadata->slot_is_state[copy] = true;
            num_written++;
        }
    }
    *out_num_written = num_written;
    if (!error)
        xv_event(metadata->events, XTSVOL_EVENT_INFO, "VolumeRecovered", 0,
                 "the two copies of the metadata were made the same again");
    return error;
}

int xv_metadata_repair(struct xv_metadata *metadata, uint64_t *out_num_written,
                       struct xtsvol_failure *failure)
{
    uint64_t num_healed = 0;
    int error = xv_metadata_heal(metadata, &num_healed, failure);
    uint64_t num_pages = 0;
    if (!error)
        error = mend_pages(metadata, &num_pages, failure);
    *out_num_written = num_healed + num_pages;
    return error;
}

/* 4 and 5. */
static int settle(struct xv_metadata *metadata, struct xtsvol_failure *failure)
{
    int error = 0;
    if (xv_map_is_changed(metadata->map)) {
        error = xv_map_write(metadata->map, 1);
        if (error)
            return xv_fail(failure, error, 0, "cannot write its extent map: %s",
                           common_error_text(error));
        error = sync_io(metadata, failure);
    }
    if (!error)
        error = write_superblock(metadata, &metadata->state, 1, failure);
    if (!error)
        error = sync_io(metadata, failure);
    if (error)
        return error;
    metadata->slot_is_state[1] = true;
    metadata->is_unsettled = false;
    xv_map_settle(metadata->map);
    return 0;
}

/* 1 and 2. */
static int commit_pages(struct xv_metadata *metadata, struct xv_superblock *next,
                        struct xtsvol_failure *failure)
{
    if (!xv_map_is_changed(metadata->map))
        return 0;
    bool wrote = false;
    int error = xv_map_seal(metadata->map, next->sequence, &next->root);
    if (!error)
        error = xv_map_secure(metadata->map, &wrote);
    if (!error && wrote) {
        /* Read again, these pages would seem to be in order: the system keeps in memory what it
         * could not write. Nothing may rely on them. */
        error = sync_io(metadata, failure);
        metadata->is_poisoned = error != 0;
    }
    if (!error)
        error = xv_map_write(metadata->map, 0);
    if (!error)
        error = sync_io(metadata, failure);
    return error ? xv_fail_unless_told(failure, error, 0, "cannot write its extent map: %s",
                                       common_error_text(error))
                 : 0;
}

static int next_sequence(uint64_t *out, struct xv_metadata *metadata,
                         struct xtsvol_failure *failure)
{
    uint64_t step = 1;
    if (!metadata->has_committed) {
        uint8_t skip[2];
        if (common_random(skip, sizeof(skip)))
            return xv_fail(failure, COMMON_ERR_IO, 0, "the system gives no random bytes");
        step += (uint64_t)skip[0] << 8 | skip[1];
    }
    uint64_t now = metadata->state.sequence;
    if ((now & XV_COMMIT_MASK) > XV_COMMIT_MASK - step)
        return xv_fail(failure, COMMON_ERR_LIMIT, 0, "its sequence is at its end");
    *out = now + step;
    return 0;
}

int xv_metadata_commit(struct xv_metadata *metadata, const struct xv_superblock *next,
                       struct xtsvol_failure *failure)
{
    struct xv_superblock state = {0};
    COMMON_CLEANUP_BUF struct common_buf bytes = common_buf_growing(XV_SUPERBLOCK_MAX);
    size_t len = 0;
    int error = 0;
    if (metadata->is_poisoned)
        error = xv_fail(failure, COMMON_ERR_STATE, 0,
                        "an earlier change of its metadata failed; it has to be opened again");
    if (!error && metadata->is_unsettled)
        error =
            COMMON_ERR_INTERNAL; /* the map has one set of changes: xv_metadata_settle() first */
    if (!error)
        error = xv_superblock_copy(&state, next);
    if (!error)
        error = next_sequence(&state.sequence, metadata, failure);
    state.root = metadata->state.root;
    if (!error)
        error = commit_pages(metadata, &state, failure);
    /* Before the first byte of it is written: a failure leaves the state as it was. */
    if (!error)
        error = encode_superblock(&bytes, &len, metadata, &state, 0, failure);
    if (error) {
        xv_map_revert(metadata->map);
        xv_superblock_free(&state);
        return xv_fail_unless_told(failure, error, 0, "cannot change its metadata: %s",
                                   common_error_text(error));
    }

    metadata->has_committed = true;
    metadata->slot_is_state[0] = false;
    metadata->slot_is_state[1] = false;
    error = put_superblock(metadata, &bytes, len, 0, failure);
    if (!error)
        error = sync_io(metadata, failure);
    if (error) {
        metadata->is_poisoned = true;
        xv_map_revert(metadata->map);
        xv_superblock_free(&state);
        return error;
    }

    metadata->slot_is_state[0] = true;
    xv_superblock_free(&metadata->state);
    metadata->state = state;
    metadata->is_unsettled = true;
    struct xtsvol_failure second = {0};
    if (settle(metadata, &second))
        xv_event(metadata->events, XTSVOL_EVENT_WARNING, "VolumeCopyNotWritten",
                 second.native_error, "%s; the change stands in one copy alone", second.message);
    return 0;
}

int xv_metadata_settle(struct xv_metadata *metadata, struct xtsvol_failure *failure)
{
    return metadata->is_unsettled ? settle(metadata, failure) : 0;
}

int xv_metadata_wrap(struct xv_metadata *metadata, struct xv_superblock *superblock,
                     struct xv_deks *deks, const struct xv_key_source *source,
                     struct xtsvol_failure *failure)
{
    uint32_t live[XTSVOL_LIVE_GENERATIONS_MAX + 1];
    struct xv_wrap_place place = {
        .uuid = superblock->uuid, .epoch = xv_epoch(superblock->sequence), .live = live};
    place.num_live = xv_live_generations(live, superblock);
    for (size_t i = 0; i < superblock->num_generations; i++) {
        struct xv_generation *generation = &superblock->generations[i];
        const uint8_t *dek = NULL;
        place.generation = generation->id;
        int error = xv_dek_get(deks, &dek, source, superblock->uuid, generation->id, failure);
        if (error)
            return error;
        uint8_t check[XV_CHECK_LEN];
        error = xv_key_check(check, dek, superblock->uuid, generation->id);
        /* Who gave the right key when the volume was opened may give another one now. */
        if (!error && generation->wrap_len > 0 &&
            !common_ct_equal(check, generation->check, sizeof(check))) {
            (void)xv_fail(failure, COMMON_ERR_DENIED, 0,
                          "the key of generation %u is not that of this volume", generation->id);
            if (failure)
                failure->generation = generation->id;
            return COMMON_ERR_DENIED;
        }
        memcpy(generation->check, check, sizeof(check));
        if (!error)
            error = xv_wrap(generation, metadata->arena, &metadata->keys.mac, dek, &place);
        if (error)
            return xv_fail(failure, error, 0, "cannot wrap the key of its metadata: %s",
                           common_error_text(error));
    }
    return 0;
}

/* What stood there before must not be taken for the other copy of what comes. */
static int clear_slots(struct xv_metadata *metadata, struct xtsvol_failure *failure)
{
    static const uint8_t zeroes[XV_PAGE_LEN];
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        int native = 0;
        int error =
            xv_io_write(metadata->io, zeroes, sizeof(zeroes), xv_superblock_offset(copy), &native);
        if (error)
            return xv_fail(failure, error, native, "cannot write its metadata: %s",
                           common_error_text(error));
    }
    return sync_io(metadata, failure);
}

static int create(struct xv_metadata *out, const struct xv_load *load,
                  const struct xv_superblock *first, struct xv_deks *deks,
                  struct xtsvol_failure *failure)
{
    out->io = load->io;
    out->syncer = load->syncer;
    out->arena = load->source.arena;
    out->events = load->events;
    int error = xv_superblock_copy(&out->state, first);
    out->state.sequence = (UINT64_C(1) << XV_EPOCH_SHIFT) + 1;
    if (!error)
        error = xv_meta_keys_new(&out->keys, out->arena, out->state.uuid);
    if (error)
        return xv_fail(failure, error, 0, "%s", common_error_text(error));
    error = xv_metadata_wrap(out, &out->state, deks, &load->source, failure);
    if (!error)
        error = clear_slots(out, failure);
    for (unsigned copy = 0; !error && copy < XV_NUM_COPIES; copy++) {
        out->slot_len[copy] = XV_SUPERBLOCK_MAX; /* no wraps of another volume stay behind */
        error = write_superblock(out, &out->state, copy, failure);
        if (!error)
            error = sync_io(out, failure);
        out->slot_is_state[copy] = !error;
    }
    if (error)
        return error;
    error = xv_metadata_open_map(out, load->max_map_memory);
    return error ? xv_fail(failure, error, 0, "%s", common_error_text(error)) : 0;
}

int xv_metadata_create(struct xv_metadata *out, const struct xv_load *load,
                       const struct xv_superblock *first, struct xv_deks *deks,
                       struct xtsvol_failure *failure)
{
    memset(out, 0, sizeof(*out));
    int error = create(out, load, first, deks, failure);
    if (error)
        xv_metadata_close(out);
    return error;
}

int xv_metadata_move(struct xv_metadata *metadata, const struct xtsvol_io *io,
                     struct xv_syncer *syncer, uint64_t above, struct xv_deks *deks,
                     const struct xv_key_source *source, struct xtsvol_failure *failure)
{
    struct xv_superblock next = {0};
    struct xv_meta_keys fresh = {0};
    int error = xv_superblock_copy(&next, &metadata->state);
    next.layout.is_backup = false;
    if (!error) {
        /* An epoch of its own: so what was recorded after the backup, and is lost or given up here,
         * is of lesser sequence than what is restored, and under another MAC key. */
        uint64_t last = above > next.sequence ? above : next.sequence;
        next.sequence = (xv_epoch(last) + 1) << XV_EPOCH_SHIFT;
        metadata->state.sequence = next.sequence;
        error = xv_epoch(next.sequence) == 0 ? COMMON_ERR_LIMIT
                                             : xv_meta_keys_new(&fresh, metadata->arena, next.uuid);
    }
    /* All pages into memory, by the old keys; they are sealed with those that stand there then. */
    if (!error)
        error = xv_map_touch_all(metadata->map);
    if (!error && fresh.mac.data) {
        xv_meta_keys_wipe(&metadata->keys);
        metadata->keys = fresh;
        memset(&fresh, 0, sizeof(fresh));
        error = xv_metadata_wrap(metadata, &next, deks, source, failure);
    }
    if (error) {
        xv_meta_keys_wipe(&fresh);
        xv_superblock_free(&next);
        return xv_fail_unless_told(failure, error, 0, "cannot make its metadata anew: %s",
                                   common_error_text(error));
    }
    metadata->io = io;
    metadata->syncer = syncer;
    xv_map_move(metadata->map, io);
    metadata->slot_len[0] = XV_SUPERBLOCK_MAX;
    metadata->slot_len[1] = XV_SUPERBLOCK_MAX;
    /* What could not be verified may claim anything, also that it is newer than what comes. */
    if (above == 0)
        error = clear_slots(metadata, failure);
    if (!error)
        error = xv_metadata_commit(metadata, &next, failure);
    /* In the other slot may stand what forbids to open: both copies, or it is not restored. */
    if (!error)
        error = xv_metadata_settle(metadata, failure);
    xv_superblock_free(&next);
    return error;
}

void xv_metadata_close(struct xv_metadata *metadata)
{
    xv_map_close(&metadata->map);
    xv_meta_keys_wipe(&metadata->keys);
    xv_superblock_free(&metadata->state);
    memset(metadata, 0, sizeof(*metadata));
}
