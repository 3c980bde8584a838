/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extent map in memory: pages are read when they are needed, verified once, and kept in a cache
 * with a ceiling. Changes are kept in memory until the metadata commits them (metadata.h):
 *
 *     xv_map_set(map, ...), ...          pages that change are made or loaded, and stay in memory
 *     xv_map_seal(map, sequence, &root)  all changed pages get the sequence and MACs
 *     xv_map_secure(map, &wrote)         what copy 0 is about to lose is good in copy 1
 *     xv_map_write(map, 0)               into copy 0; sync; then superblock 0; sync
 *     xv_map_write(map, 1)               into copy 1; sync; then superblock 1; sync
 *     xv_map_settle(map)                 what was changed is the state, and may leave the cache
 *     xv_map_revert(map)                 or: forget it, though copy 0 may have been written
 *
 * From the first call of xv_map_write(map, 1) on the changes are the state, since superblock 0
 * names them. Until they are settled they may be written again, but nothing else: a set or seal is
 * refused (COMMON_ERR_STATE), a revert does nothing, and xv_map_walk() goes over them.
 *
 * A subtree of one generation is folded into its parent's entry when it is sealed.
 *
 * Threads: lookups by any number at once, and while all others but xv_map_close() and xv_map_move()
 * run. These exclude each other by the caller's doing. A lookup sees the map before or after each
 * xv_map_set(), never half of it, and after it if it begins after it returned.
 *
 * Errors: COMMON_ERR_CORRUPT (both copies of a page are not what the parent says), COMMON_ERR_IO,
 * COMMON_ERR_NO_MEMORY, COMMON_ERR_LIMIT (changed pages alone are more than the ceiling allows:
 * seal and commit before going on).
 */
#ifndef XTSVOL_VOLUME_MAP_H
#define XTSVOL_VOLUME_MAP_H

#include "libxtsvol/src/volume/io.h"
#include "libxtsvol/src/volume/layout.h"
#include "libxtsvol/src/volume/page.h"

struct xv_map;

struct xv_map_options {
    const struct xtsvol_io *io;             /* of the file with the metadata; borrowed */
    const struct xv_superblock *superblock; /* for uuid, layout, root, max_extents; copied */
    const struct xv_meta_keys *keys;        /* borrowed */
    size_t max_memory;                      /* bytes of pages; at least 64 pages are kept */
    /* A copy that is not used; no lock is held. NULL: nobody wants to know. */
    void (*damaged)(void *context, uint64_t page_number, unsigned copy);
    void *context;
};

COMMON_MUST_USE int xv_map_open(struct xv_map **out, const struct xv_map_options *options);
void xv_map_close(struct xv_map **map);

/* The generation of an extent, and how many extents from there on (at most max) are known to be of
 * the same one: as far as one page tells, at least 1. Fast where the whole map is uniform. */
COMMON_MUST_USE int xv_map_get(struct xv_map *map, uint32_t *out_generation, uint64_t *out_num,
                               uint64_t extent, uint64_t max);

/* num extents from first become of that generation. On failure nothing is changed. */
COMMON_MUST_USE int xv_map_set(struct xv_map *map, uint64_t first, uint64_t num,
                               uint32_t generation);

/* Gives the new root. On failure the changes are as they were before it. */
COMMON_MUST_USE int xv_map_seal(struct xv_map *map, uint64_t sequence, struct xv_entry *out_root);
COMMON_MUST_USE int xv_map_write(struct xv_map *map, unsigned copy);

/* Commit, 1: each page that xv_map_write(map, 0) is to overwrite is good in copy 1; what is not is
 * written there. *out_wrote: a sync is due. */
COMMON_MUST_USE int xv_map_secure(struct xv_map *map, bool *out_wrote);

void xv_map_settle(struct xv_map *map);
void xv_map_revert(struct xv_map *map);

/* Has it changes that are not settled? */
bool xv_map_is_changed(const struct xv_map *map);

/* Marks every page that exists as changed, so that the next commit writes them all, sealed with the
 * keys that stand at options->keys then: for a new MAC key, or other storage. When it has returned,
 * keys are not looked at before the next seal or revert. COMMON_ERR_LIMIT: more than twice what
 * max_memory allows. On failure nothing is changed. */
COMMON_MUST_USE int xv_map_touch_all(struct xv_map *map);

/* From now on the pages are in that storage (borrowed). All of them are in memory, changed; what
 * else the storage has is not looked at, nor is there a way back by a revert. */
void xv_map_move(struct xv_map *map, const struct xtsvol_io *io);

/* Every page that exists, depth first, with its bytes as verified; `copy_is_good` tells about both
 * copies. When neither is, page is NULL and nothing below it is visited. An error of the visitor
 * ends the walk and is returned. */
struct xv_map_visit {
    struct xv_page_place place;
    struct xv_entry entry;
    const uint8_t *page;
    bool copy_is_good[XV_NUM_COPIES];
    int error;             /* without a page: COMMON_ERR_CORRUPT, or why a copy could not be read */
    uint64_t first_extent; /* that it covers */
    uint64_t num_extents;
};

COMMON_MUST_USE int xv_map_walk(struct xv_map *map,
                                int (*visit)(void *context, const struct xv_map_visit *visit),
                                void *context);

/* Bytes of pages in memory, for tests. */
size_t xv_map_memory(const struct xv_map *map);

#endif
