/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metadata of an open volume: its state, and how it gets from one to the next. "Two copies" of
 * docs/format-volume.md is what slots.c (opening) and metadata.c (commit) do.
 *
 * Threads: one at a time, by `change` of the handle; lookups in the map apart.
 */
#ifndef XTSVOL_VOLUME_METADATA_H
#define XTSVOL_VOLUME_METADATA_H

#include "common/base/buf.h"
#include "libxtsvol/src/volume/events.h"
#include "libxtsvol/src/volume/map.h"
#include "libxtsvol/src/volume/superblock.h"
#include "libxtsvol/src/volume/syncer.h"

/* The raw keys of the live generations, as the callback gave them: for as long as a call needs
 * them. */
struct xv_deks {
    uint8_t uuid[XTSVOL_UUID_LEN];
    size_t num;
    struct {
        uint32_t generation;
        struct common_secret bytes;
    } list[XTSVOL_LIVE_GENERATIONS_MAX];
};

/* Where keys come from. */
struct xv_key_source {
    xtsvol_key_fn *key;
    void *context;
    struct common_secmem *arena;
    bool may_miss; /* one key that is there is enough to verify by: for an erasure */
};

void xv_deks_wipe(struct xv_deks *deks);

/* The key of a generation: asked for, unless it is there. Borrowed from deks. Refuses keys that
 * were destroyed (all zero) and one that another generation has. */
COMMON_MUST_USE int xv_dek_get(struct xv_deks *deks, const uint8_t **out,
                               const struct xv_key_source *source, const uint8_t *uuid,
                               uint32_t generation, struct xtsvol_failure *failure);

/* One copy of the superblock, as it stands on the medium. */
struct xv_slot {
    int error; /* 0: prelude, digest and body are in order */
    const char *why;
    uint8_t *bytes; /* prelude and body */
    size_t len;
    struct xv_prelude prelude;
    struct xv_superblock superblock; /* XV_KIND_VOLUME */
    struct xv_erased erased;         /* XV_KIND_ERASED */
};

/* Opening, 2. slot->error says what is wrong with what stands there; returned is only what kept it
 * from being read (COMMON_ERR_IO, COMMON_ERR_NO_MEMORY). */
COMMON_MUST_USE int xv_slot_read(struct xv_slot *out, const struct xtsvol_io *io, unsigned copy,
                                 struct xtsvol_failure *failure);
void xv_slot_free(struct xv_slot *slot);

/* Opening, 3: the keys of one superblock, and its MAC. *out is empty on failure. */
COMMON_MUST_USE int xv_slot_verify(const struct xv_slot *slot, struct xv_meta_keys *out,
                                   struct xv_deks *deks, const struct xv_key_source *source,
                                   struct xtsvol_failure *failure);

/* Both slots, and which of them to take without a key: the greater sequence. COMMON_ERR_STATE: it
 * was erased (*out_chosen is that slot then); COMMON_ERR_CORRUPT, COMMON_ERR_UNSUPPORTED: neither.
 */
COMMON_MUST_USE int xv_slots_read(struct xv_slot slots[XV_NUM_COPIES], unsigned *out_chosen,
                                  const struct xtsvol_io *io, struct xtsvol_failure *failure);

/* What load asks for. */
struct xv_load {
    const struct xtsvol_io *io;
    struct xv_syncer *syncer; /* of that io */
    struct xv_key_source source;
    const struct xv_event_sink *events;
    uint64_t min_sequence;
    const uint8_t *expected_uuid;
    bool allow_plaintext;
    size_t max_map_memory;
};

struct xv_metadata {
    const struct xtsvol_io *io;
    struct xv_syncer *syncer;
    struct common_secmem *arena;
    const struct xv_event_sink *events;
    struct xv_superblock state;
    struct xv_meta_keys keys;
    struct xv_map *map;
    size_t slot_len[XV_NUM_COPIES]; /* bytes that a superblock took, to be overwritten */
    bool slot_is_state[XV_NUM_COPIES];
    bool has_committed; /* in this session */
    bool is_poisoned;   /* V14 */
    bool is_unsettled;  /* 4 and 5 of the last commit are still to be done */
};

/* Opening, 2 to 5. *out is empty on failure. deks: the keys of all live generations. */
COMMON_MUST_USE int xv_metadata_load(struct xv_metadata *out, struct xv_deks *deks,
                                     const struct xv_load *load, struct xtsvol_failure *failure);

/* Opening, 6. */
COMMON_MUST_USE int xv_metadata_heal(struct xv_metadata *metadata, uint64_t *out_num_written,
                                     struct xtsvol_failure *failure);

/* The metadata of a new volume: `first` without sequence, wraps and check values, which are made.
 * Old superblocks are overwritten first. */
COMMON_MUST_USE int xv_metadata_create(struct xv_metadata *out, const struct xv_load *load,
                                       const struct xv_superblock *first, struct xv_deks *deks,
                                       struct xtsvol_failure *failure);

/* Commit: `next` with the changes of the map becomes the state. Sequence and root of `next` are
 * filled in here. On failure the changes of the map are forgotten. */
COMMON_MUST_USE int xv_metadata_commit(struct xv_metadata *metadata,
                                       const struct xv_superblock *next,
                                       struct xtsvol_failure *failure);

/* Check value and wrap of each generation of the superblock, for its epoch and its list. One that
 * has a wrap has to have the same key as before: COMMON_ERR_DENIED. */
COMMON_MUST_USE int xv_metadata_wrap(struct xv_metadata *metadata, struct xv_superblock *superblock,
                                     struct xv_deks *deks, const struct xv_key_source *source,
                                     struct xtsvol_failure *failure);

/* 4 and 5 of the last commit, where they failed: before the next one. */
COMMON_MUST_USE int xv_metadata_settle(struct xv_metadata *metadata,
                                       struct xtsvol_failure *failure);

/* Writes anew what is damaged in one copy. */
COMMON_MUST_USE int xv_metadata_repair(struct xv_metadata *metadata, uint64_t *out_num_written,
                                       struct xtsvol_failure *failure);

/* Puts the state into other storage, under a sequence above `above`: a restore. deks: needed where
 * that takes another epoch. */
COMMON_MUST_USE int xv_metadata_move(struct xv_metadata *metadata, const struct xtsvol_io *io,
                                     struct xv_syncer *syncer, uint64_t above, struct xv_deks *deks,
                                     const struct xv_key_source *source,
                                     struct xtsvol_failure *failure);

/* For slots.c and metadata.c: the map of the state. */
COMMON_MUST_USE int xv_metadata_open_map(struct xv_metadata *metadata, size_t max_memory);

void xv_metadata_close(struct xv_metadata *metadata);

#endif
