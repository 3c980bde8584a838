/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, 2 to 5 of docs/format-volume.md: from two superblocks on the medium, of which nothing is
 * believed, to the state.
 */
#include "common/base/checked.h"
#include "common/base/ct.h"
#include "common/base/endian.h"
#include "libxtsvol/src/volume/failure.h"
#include "libxtsvol/src/volume/metadata.h"

#include <stdlib.h>
#include <string.h>

static int slot_fault(struct xv_slot *slot, int error, const char *why)
{
    slot->error = error;
    slot->why = why;
    return 0;
}

void xv_slot_free(struct xv_slot *slot)
{
    xv_superblock_free(&slot->superblock);
    free(slot->bytes);
    memset(slot, 0, sizeof(*slot));
}

static int decode_body(struct xv_slot *slot)
{
    const uint8_t *body = slot->bytes + XV_PRELUDE_LEN;
    const char *why = "its record of an erasure is damaged";
    int error = slot->prelude.kind == XV_KIND_ERASED
                    ? xv_erased_decode(&slot->erased, body, slot->prelude.body_len)
                    : xv_superblock_decode(&slot->superblock, body, slot->prelude.body_len, &why);
    return error == COMMON_ERR_NO_MEMORY ? error : slot_fault(slot, error, error ? why : NULL);
}

/* A version or kind that is not known: damage, unless the digest says that it is meant. The prelude
 * is the same in all versions. */
static int look_at_unknown(struct xv_slot *out, const struct xtsvol_io *io,
                           const uint8_t prelude[XV_PRELUDE_LEN], uint64_t offset, uint64_t size)
{
    size_t len = XV_PRELUDE_LEN + (size_t)common_get_le32(prelude + XV_PRELUDE_BODY_LEN_AT);
    int error = COMMON_ERR_CORRUPT;
    int native = 0;
    if (len <= XV_SUPERBLOCK_MAX && common_range_fits(offset, len, size)) {
        uint8_t *bytes = malloc(len);
        if (!bytes)
            return COMMON_ERR_NO_MEMORY;
        error = xv_io_read(io, bytes, len, offset, &native);
        if (!error)
            error = xv_superblock_digest(bytes, len);
        free(bytes);
    }
    if (error == COMMON_ERR_NO_MEMORY)
        return error;
    return slot_fault(out, error ? COMMON_ERR_CORRUPT : COMMON_ERR_UNSUPPORTED,
                      error ? "its first bytes are damaged" : "its version is not known");
}

int xv_slot_read(struct xv_slot *out, const struct xtsvol_io *io, unsigned copy,
                 struct xtsvol_failure *failure)
{
    memset(out, 0, sizeof(*out));
    uint64_t offset = xv_superblock_offset(copy);
    uint64_t size = 0;
    uint8_t prelude[XV_PRELUDE_LEN];
    int native = 0;
    int error = xv_io_size(io, &size, &native);
    if (!error && !common_range_fits(offset, XV_PRELUDE_LEN, size))
        return slot_fault(out, COMMON_ERR_NOT_FOUND, "the file ends before it");
    if (!error)
        error = xv_io_read(io, prelude, sizeof(prelude), offset, &native);
    if (error == COMMON_ERR_IO) /* one copy that cannot be read is damaged, no more */
        return slot_fault(out, COMMON_ERR_IO, "it cannot be read");
    if (error)
        return xv_fail(failure, error, native, "cannot read its metadata: %s",
                       common_error_text(error));

    error = xv_prelude_decode(&out->prelude, prelude, copy);
    if (error == COMMON_ERR_UNSUPPORTED)
        return look_at_unknown(out, io, prelude, offset, size);
    if (error)
        return slot_fault(out, error,
                          error == COMMON_ERR_NOT_FOUND ? "there is none"
                                                        : "its first bytes are damaged");
    out->len = XV_PRELUDE_LEN + out->prelude.body_len;
    if (!common_range_fits(offset, out->len, size))
        return slot_fault(out, COMMON_ERR_CORRUPT, "the file ends in it");
    out->bytes = malloc(out->len);
    if (!out->bytes)
        return xv_fail(failure, COMMON_ERR_NO_MEMORY, 0, "out of memory");
    error = xv_io_read(io, out->bytes, out->len, offset, &native);
    if (error == COMMON_ERR_NO_MEMORY)
        return xv_fail(failure, error, native, "out of memory");
    if (error)
        return slot_fault(out, error, "it cannot be read");
    if (!common_ct_equal(prelude, out->bytes, XV_PRELUDE_LEN))
        return slot_fault(out, COMMON_ERR_CORRUPT, "it changes while it is read");
    error = xv_superblock_digest(out->bytes, out->len);
    if (error == COMMON_ERR_CORRUPT)
        return slot_fault(out, error, "its digest does not fit");
    if (!error)
        error = decode_body(out);
    return error ? xv_fail(failure, error, 0, "%s", common_error_text(error)) : 0;
}

/* Which of two errors says more to a person: that of a volume is better than that there is none. */
static unsigned error_rank(int error)
{
    switch (error) {
    case COMMON_ERR_NOT_FOUND:
        return 0;
    case COMMON_ERR_CORRUPT:
        return 1;
    default:
        return 2;
    }
}

int xv_slots_read(struct xv_slot slots[XV_NUM_COPIES], unsigned *out_chosen,
                  const struct xtsvol_io *io, struct xtsvol_failure *failure)
{
    *out_chosen = 0;
    memset(slots, 0, XV_NUM_COPIES * sizeof(slots[0]));
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        int error = xv_slot_read(&slots[copy], io, copy, failure);
        if (error)
            return error;
    }
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        if (!slots[copy].error && slots[copy].prelude.kind == XV_KIND_ERASED) {
            *out_chosen = copy;
            return xv_fail(failure, COMMON_ERR_STATE, 0, "it was erased");
        }
    }
    /* It may be the newer one, and is not ours to write over. */
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        if (slots[copy].error == COMMON_ERR_UNSUPPORTED)
            return xv_fail(failure, COMMON_ERR_UNSUPPORTED, 0, "its metadata cannot be used: %s",
                           slots[copy].why);
    }
    if (slots[0].error && slots[1].error) {
        const struct xv_slot *telling =
            error_rank(slots[1].error) > error_rank(slots[0].error) ? &slots[1] : &slots[0];
        if (telling->error == COMMON_ERR_NOT_FOUND)
            return xv_fail(failure, COMMON_ERR_CORRUPT, 0,
                           "no encrypted volume: no metadata in it");
        return xv_fail(failure, telling->error, 0, "its metadata cannot be used: %s", telling->why);
    }
    *out_chosen = slots[0].error ||
                  (!slots[1].error && slots[1].superblock.sequence > slots[0].superblock.sequence);
    return 0;
}

int xv_slot_verify(const struct xv_slot *slot, struct xv_meta_keys *out, struct xv_deks *deks,
                   const struct xv_key_source *source, struct xtsvol_failure *failure)
{
    const struct xv_superblock *superblock = &slot->superblock;
    uint32_t live[XTSVOL_LIVE_GENERATIONS_MAX + 1];
    struct xv_wrap_place place = {
        .uuid = superblock->uuid, .epoch = xv_epoch(superblock->sequence), .live = live};
    place.num_live = xv_live_generations(live, superblock);

    COMMON_CLEANUP_SECRET struct common_secret mac_key = {0};
    for (size_t i = 0; i < superblock->num_generations; i++) {
        const struct xv_generation *generation = &superblock->generations[i];
        const uint8_t *dek = NULL;
        int error = xv_dek_get(deks, &dek, source, superblock->uuid, generation->id, failure);
        bool is_last = i + 1 == superblock->num_generations;
        if (error == COMMON_ERR_NOT_FOUND && source->may_miss && (!is_last || mac_key.data))
            continue;
        if (error)
            return error;
        uint8_t check[XV_CHECK_LEN];
        error = xv_key_check(check, dek, superblock->uuid, generation->id);
        if (!error && !common_ct_equal(check, generation->check, sizeof(check))) {
            (void)xv_fail(failure, COMMON_ERR_DENIED, 0,
                          "the key of generation %u is not that of this volume", generation->id);
            if (failure)
                failure->generation = generation->id;
            return COMMON_ERR_DENIED;
        }
        COMMON_CLEANUP_SECRET struct common_secret unwrapped = {0};
        place.generation = generation->id;
        if (!error)
            error = xv_unwrap(&unwrapped, source->arena, generation, dek, &place);
        if (!error && mac_key.data &&
            !common_ct_equal(mac_key.data, unwrapped.data, XV_META_KEY_LEN))
            error = COMMON_ERR_CORRUPT;
        if (error)
            return xv_fail(failure, error, 0, "its metadata was damaged or forged (wrap of %u)",
                           generation->id);
        common_secret_free(&mac_key);
        mac_key = common_secret_move(&unwrapped);
    }
    int error = xv_meta_keys_derive(out, source->arena, &mac_key, superblock->uuid);
    if (!error)
        error = xv_superblock_verify(slot->bytes, slot->len, out);
    if (error) {
        xv_meta_keys_wipe(out);
        return xv_fail(failure, error, 0, "its metadata was damaged or forged (MAC)");
    }
    return 0;
}

/* Two of the same sequence: the same, but for the copy, digest and MAC. */
static bool same_body(const struct xv_slot *a, const struct xv_slot *b)
{
    return a->len == b->len && common_ct_equal(a->bytes + XV_PRELUDE_LEN, b->bytes + XV_PRELUDE_LEN,
                                               a->len - XV_PRELUDE_LEN);
}

/* Keys are apart for copies that name different volumes: one of them is not this volume's, and what
 * it had asked for must not be what sectors are encrypted with. */
struct verified {
    int error[XV_NUM_COPIES];
    struct xv_deks deks[XV_NUM_COPIES];
    unsigned deks_of[XV_NUM_COPIES]; /* which of these the copy uses */
    struct xv_meta_keys keys[XV_NUM_COPIES];
    struct xtsvol_failure why[XV_NUM_COPIES];
};

/* Opening, 4. */
static int choose(unsigned *out, const struct xv_slot slots[], const struct verified *verified,
                  struct xtsvol_failure *failure)
{
    const struct xv_superblock *a = &slots[0].superblock;
    const struct xv_superblock *b = &slots[1].superblock;
    unsigned chosen = verified->error[0] ? 1 : 0;
    if (verified->error[0] && verified->error[1]) {
        /* What is to be told is about the one that would be the state. */
        chosen = slots[0].error || (!slots[1].error && b->sequence > a->sequence);
        if (failure)
            *failure = verified->why[chosen];
        return verified->error[chosen];
    }
    if (!verified->error[0] && !verified->error[1]) {
        if (!common_ct_equal(a->uuid, b->uuid, XTSVOL_UUID_LEN))
            return xv_fail(failure, COMMON_ERR_CORRUPT, 0,
                           "its two copies of the metadata are of different volumes");
        if (a->sequence == b->sequence && !same_body(&slots[0], &slots[1]))
            return xv_fail(failure, COMMON_ERR_CORRUPT, 0,
                           "its two copies of the metadata contradict each other");
        chosen = b->sequence > a->sequence;
    }
    unsigned other = 1 - chosen;
    if (verified->error[other] && !slots[other].error &&
        slots[other].superblock.sequence > slots[chosen].superblock.sequence) {
        if (failure)
            *failure = verified->why[other];
        return verified->error[other];
    }
    *out = chosen;
    return 0;
}

/* Opening, 5. */
static int check_wishes(const struct xv_superblock *state, const struct xv_load *load,
                        struct xtsvol_failure *failure)
{
    if (load->expected_uuid && !common_ct_equal(load->expected_uuid, state->uuid, XTSVOL_UUID_LEN))
        return xv_fail(failure, COMMON_ERR_STATE, 0, "it is another volume than expected");
    if (state->sequence < load->min_sequence)
        return xv_fail(failure, COMMON_ERR_STATE, 0,
                       "its metadata is older than it was once: sequence %llu, not %llu or more",
                       (unsigned long long)state->sequence, (unsigned long long)load->min_sequence);
    if (state->plaintext_allowed && !load->allow_plaintext)
        return xv_fail(failure, COMMON_ERR_STATE, 0,
                       "parts of it may be plaintext, which was not allowed");
    return 0;
}

static void page_damaged(void *context, uint64_t page_number, unsigned copy)
{
    const struct xv_metadata *metadata = context;
    xv_event(metadata->events, XTSVOL_EVENT_WARNING, "VolumeCopyDamaged", 0,
             "page %llu of copy %u of the extent map is damaged; the other copy is used",
             (unsigned long long)page_number, copy);
}

int xv_metadata_open_map(struct xv_metadata *metadata, size_t max_memory)
{
    const struct xv_map_options options = {
        .io = metadata->io,
        .superblock = &metadata->state,
        .keys = &metadata->keys,
        .max_memory = max_memory,
        .damaged = page_damaged,
        .context = metadata,
    };
    return xv_map_open(&metadata->map, &options);
}

static int take_state(struct xv_metadata *out, struct xv_slot slots[], struct verified *verified,
                      unsigned chosen, const struct xv_load *load)
{
    out->io = load->io;
    out->syncer = load->syncer;
    out->arena = load->source.arena;
    out->events = load->events;
    out->state = slots[chosen].superblock;
    memset(&slots[chosen].superblock, 0, sizeof(slots[chosen].superblock));
    out->keys = verified->keys[chosen];
    memset(&verified->keys[chosen], 0, sizeof(verified->keys[chosen]));
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        /* What is damaged may be as long as it can be. */
        out->slot_len[copy] = slots[copy].error ? XV_SUPERBLOCK_MAX : slots[copy].len;
        out->slot_is_state[copy] =
            copy == chosen ||
            (!verified->error[copy] && slots[copy].superblock.sequence == out->state.sequence);
        if (!out->slot_is_state[copy] && verified->error[copy])
            xv_event(out->events, XTSVOL_EVENT_WARNING, "VolumeCopyDamaged", 0,
                     "copy %u of the superblock is not used: %s", copy,
                     slots[copy].why ? slots[copy].why : verified->why[copy].message);
    }
    return xv_metadata_open_map(out, load->max_map_memory);
}

static int verify_slots(struct verified *out, const struct xv_slot slots[],
                        const struct xv_key_source *source, struct xtsvol_failure *failure)
{
    bool is_one_volume =
        !slots[0].error && !slots[1].error &&
        common_ct_equal(slots[0].superblock.uuid, slots[1].superblock.uuid, XTSVOL_UUID_LEN);
    out->deks_of[1] = is_one_volume ? 0 : 1;
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        out->error[copy] = slots[copy].error;
        if (slots[copy].error)
            continue;
        out->error[copy] = xv_slot_verify(&slots[copy], &out->keys[copy],
                                          &out->deks[out->deks_of[copy]], source, &out->why[copy]);
        if (out->error[copy] == COMMON_ERR_NO_MEMORY)
            return xv_fail(failure, COMMON_ERR_NO_MEMORY, 0, "out of memory");
    }
    return 0;
}

/* The keys of what is live now: those of an older copy have no use any more. */
static void take_deks(struct xv_deks *out, struct xv_deks *from, const struct xv_superblock *state)
{
    xv_deks_wipe(out);
    memcpy(out->uuid, from->uuid, XTSVOL_UUID_LEN);
    for (size_t i = 0; i < from->num; i++) {
        for (size_t j = 0; j < state->num_generations; j++) {
            if (state->generations[j].id != from->list[i].generation)
                continue;
            out->list[out->num].generation = from->list[i].generation;
            out->list[out->num].bytes = common_secret_move(&from->list[i].bytes);
            out->num++;
        }
    }
    xv_deks_wipe(from);
}

int xv_metadata_load(struct xv_metadata *out, struct xv_deks *deks, const struct xv_load *load,
                     struct xtsvol_failure *failure)
{
    memset(out, 0, sizeof(*out));
    struct xv_slot slots[XV_NUM_COPIES];
    struct verified *verified = calloc(1, sizeof(*verified));
    unsigned chosen = 0;
    int error = verified ? xv_slots_read(slots, &chosen, load->io, failure)
                         : xv_fail(failure, COMMON_ERR_NO_MEMORY, 0, "out of memory");
    if (!verified)
        return error;
    if (!error)
        error = verify_slots(verified, slots, &load->source, failure);
    if (!error)
        error = choose(&chosen, slots, verified, failure);
    if (!error)
        error = check_wishes(&slots[chosen].superblock, load, failure);
    if (!error) {
        take_deks(deks, &verified->deks[verified->deks_of[chosen]], &slots[chosen].superblock);
        error = take_state(out, slots, verified, chosen, load);
        if (error) {
            xv_metadata_close(out);
            (void)xv_fail(failure, error, 0, "%s", common_error_text(error));
        }
    }
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        xv_meta_keys_wipe(&verified->keys[copy]);
        xv_deks_wipe(&verified->deks[copy]);
        xv_slot_free(&slots[copy]);
    }
    free(verified);
    return error;
}
