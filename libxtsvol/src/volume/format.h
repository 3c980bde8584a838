/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What docs/format-volume.md says, as types: all that is decoded from the medium ends up in one of
 * these, with every field in its range. Nothing here does input or output.
 */
#ifndef XTSVOL_VOLUME_FORMAT_H
#define XTSVOL_VOLUME_FORMAT_H

#include "common/base/error.h"
#include <xtsvol/volume.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    XV_PAGE_LEN = 4096,
    XV_NUM_COPIES = 2,
    XV_SUPERBLOCK_MAX = 256 * 1024, /* bytes reserved for one */
    XV_PRELUDE_LEN = 96,
    XV_PRELUDE_BODY_LEN_AT = 12,
    XV_BODY_MAX = XV_SUPERBLOCK_MAX - XV_PRELUDE_LEN,
    XV_MAC_LEN = 32,
    XV_CHECK_LEN = 16,
    XV_WRAP_MAX = 192,
    XV_ENTRY_LEN = 32,
    XV_ENTRY_MAC_LEN = 16,
    XV_LEAF_EXTENTS = 2016,
    XV_NODE_CHILDREN = 126,
    XV_MAX_DEPTH = 5, /* levels of pages: 2016 * 126^4 > 2^36 extents */
    XV_EXTENT_SHIFT_MIN = 16,
    XV_EXTENT_SHIFT_MAX = 22,
    XV_METHOD_MAX = 64,
    XV_MAX_BAD = 4096
};

#define XV_SUPERBLOCK_1_OFFSET (UINT64_C(4) << 20)
#define XV_MAX_EXTENTS (UINT64_C(1) << 36)
#define XV_REGION_END_MAX (UINT64_C(1) << 62)
#define XV_EPOCH_SHIFT 40
#define XV_COMMIT_MASK ((UINT64_C(1) << XV_EPOCH_SHIFT) - 1)

static inline uint64_t xv_superblock_offset(unsigned copy)
{
    return copy ? XV_SUPERBLOCK_1_OFFSET : 0;
}

struct xv_region {
    uint64_t offset; /* bytes in the file with the metadata */
    uint64_t length;
};

struct xv_layout {
    bool is_attached;
    uint64_t data_offset; /* bytes in the file with the data */
    struct xv_region map[XV_NUM_COPIES];
    struct xv_region intents;
    struct xv_region markers;
    struct xv_region journal;
    bool is_backup; /* opened for reading only */
};

enum xv_entry_kind {
    XV_ENTRY_UNIFORM = 0, /* all extents below are of one generation */
    XV_ENTRY_PAGE = 1
};

struct xv_entry {
    enum xv_entry_kind kind;
    uint32_t generation;           /* uniform */
    uint64_t sequence;             /* page */
    uint8_t mac[XV_ENTRY_MAC_LEN]; /* page */
};

struct xv_generation {
    uint32_t id; /* 1 to XTSVOL_GENERATION_MAX */
    uint64_t num_extents;
    uint8_t check[XV_CHECK_LEN];
    uint8_t wrap[XV_WRAP_MAX];
    size_t wrap_len;
};

struct xv_rekey {
    bool is_present;
    uint32_t to_generation;
    unsigned resilience; /* 0 hash, 1 journal */
    bool is_paused;
    bool is_lazy;
};

struct xv_superblock {
    uint8_t uuid[XTSVOL_UUID_LEN];
    uint64_t sequence;
    uint64_t volume_size; /* bytes */
    uint32_t sector_size; /* 512 or 4096 */
    enum xtsvol_iv iv;
    unsigned extent_shift;
    uint64_t max_extents;
    struct xv_layout layout;
    bool plaintext_allowed;
    size_t num_generations; /* 1 to XTSVOL_LIVE_GENERATIONS_MAX */
    struct xv_generation generations[XTSVOL_LIVE_GENERATIONS_MAX]; /* ascending */
    struct xv_entry root;
    uint64_t num_plaintext; /* extents of generation 0 */
    uint64_t created_s;
    struct xv_rekey rekey;
    uint64_t last_batch; /* of a re-encryption that was closed */
    size_t num_bad;
    struct xv_region *bad; /* bytes of the volume; owned, freed by xv_superblock_free() */
};

static inline uint64_t xv_epoch(uint64_t sequence)
{
    return sequence >> XV_EPOCH_SHIFT;
}

static inline uint64_t xv_num_extents(const struct xv_superblock *superblock)
{
    uint64_t extent = UINT64_C(1) << superblock->extent_shift;
    return (superblock->volume_size + extent - 1) >> superblock->extent_shift;
}

static inline uint32_t xv_newest_generation(const struct xv_superblock *superblock)
{
    return superblock->generations[superblock->num_generations - 1].id;
}

#endif
