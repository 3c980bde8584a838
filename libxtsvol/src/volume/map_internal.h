/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the map_*.c files: pages in memory.
 *
 * A page in memory is a *frame*. Frames are of three kinds:
 *
 *   clean    as it stands on the medium; known by its number and by sequence and MAC of the entry
 *            that it was verified with, so that an old and a new version of a page cannot be taken
 *            for each other. The one used least recently goes when there is no room.
 *   changed  known by its number alone. Together with a page all pages above it are changed. They
 *            stay until xv_map_settle() or xv_map_revert(), and are looked for before clean ones.
 *   private  of one call, not yet seen by others.
 *
 * M1  A change is made in private frames and becomes visible at once, under the lock, when nothing
 *     can fail any longer. A lookup sees the map before or after each xv_map_set(); one that begins
 *     after it returned sees it after.
 * M2  The lock is not held during input and output, nor when the caller's functions are called. A
 *     lookup that was overtaken by a change (`version` has moved on since it began at the root)
 * reads nothing more from the medium, where what it looks for may have been overwritten since, and
 *     takes nothing that it read for damage: it begins again.
 * M3  A page that is in memory has legal contents and zeroes behind them.
 * M4  The root that was settled is kept until the next settling: to go back to.
 */
#ifndef XTSVOL_VOLUME_MAP_INTERNAL_H
#define XTSVOL_VOLUME_MAP_INTERNAL_H

#include "common/base/endian.h"
#include "libxtsvol/src/volume/map.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    XV_LEAF_SLOT_LEN = 2,
    XV_MAP_MIN_FRAMES = 64, /* a power of two */
    XV_MAP_AGAIN = 1        /* a lookup was overtaken: M2 */
};

#define XV_MAP_NOT_UNIFORM UINT32_MAX

struct xv_frame {
    struct xv_frame *next_in_bucket;
    struct xv_frame *next;
    struct xv_frame *previous;
    struct xv_page_place place;
    struct xv_entry entry; /* clean: what it was verified with; changed: what it was sealed as */
    uint8_t page[XV_PAGE_LEN];
};

/* Frames by number, and in a list. */
struct xv_frames {
    struct xv_frame **buckets;
    size_t num_buckets; /* a power of two */
    struct xv_frame *first;
    struct xv_frame *last;
    size_t num;
};

struct xv_map {
    const struct xtsvol_io *io;
    uint8_t uuid[XTSVOL_UUID_LEN];
    struct xv_region regions[XV_NUM_COPIES];
    struct xv_tree tree;
    void (*damaged)(void *context, uint64_t page_number, unsigned copy);
    void *context;
    size_t max_frames;

    /* The whole map is of this generation, or XV_MAP_NOT_UNIFORM: for lookups without the lock. */
    atomic_uint_least32_t uniform;
    atomic_bool is_changed;
    atomic_size_t num_frames; /* of all kinds */

    const struct xv_meta_keys *keys;
    pthread_mutex_t lock;
    pthread_cond_t loaded;
    struct xv_entry root;
    struct xv_entry settled_root;
    uint64_t version;         /* grows with each change that lookups can see */
    unsigned num_loading;     /* lookups that read from the medium, and look at the keys */
    struct xv_frames clean;   /* used last comes first */
    struct xv_frames changed; /* by number, once sealed */
    size_t max_changed;
    bool is_sealed;
    bool is_durable; /* the changes are the state, see map.h */
    /* xv_map_touch_all() was called: the keys of what is settled may be gone. What has to be
     * secured was looked for then, linked by next. */
    bool is_touched;
    struct xv_frame *to_secure;
};

/* map_cache.c */

COMMON_MUST_USE int xv_frames_open(struct xv_frames *frames, size_t num_buckets);
void xv_frames_add(struct xv_frames *frames, struct xv_frame *frame);
void xv_frames_remove(struct xv_frames *frames, struct xv_frame *frame);
/* The next one of that number, after `after`, or the first if that is NULL. */
struct xv_frame *xv_frames_next(const struct xv_frames *frames, uint32_t number,
                                const struct xv_frame *after);

/* A private frame, with zeroes in it, for which a clean one has to go if there is no room. With the
 * lock. NULL: no memory. */
struct xv_frame *xv_frame_new(struct xv_map *map, struct xv_page_place place);
void xv_frame_free(struct xv_map *map, struct xv_frame *frame);
void xv_frames_clear(struct xv_map *map, struct xv_frames *frames);
/* Clean frames go until the rest is below the ceiling, or none is left. With the lock. */
void xv_map_trim(struct xv_map *map, size_t max_frames);

/* Verified bytes of a page as the entry means it, from one copy. Without the lock. Not of this
 * copy, or it cannot be read: *out_is_bad, with the error. */
COMMON_MUST_USE int xv_map_read_copy(const struct xv_map *map, uint8_t page[XV_PAGE_LEN],
                                     bool *out_is_bad, unsigned copy, struct xv_page_place place,
                                     const struct xv_entry *entry);

/* The same from copy 0, or else from copy 1. COMMON_ERR_CORRUPT: both were read, and are something
 * else. is_bad has XV_NUM_COPIES elements. */
COMMON_MUST_USE int xv_map_read(const struct xv_map *map, uint8_t page[XV_PAGE_LEN], bool *is_bad,
                                struct xv_page_place place, const struct xv_entry *entry);
/* Tells the caller's function of them. Without the lock. */
void xv_map_tell(const struct xv_map *map, struct xv_page_place place, const bool *is_bad);

/* In memory, or NULL. With the lock. */
struct xv_frame *xv_map_find_clean(struct xv_map *map, struct xv_page_place place,
                                   const struct xv_entry *entry);
struct xv_frame *xv_map_find(struct xv_map *map, struct xv_page_place place,
                             const struct xv_entry *entry);

/* For a lookup that began at `version`: a changed or clean frame, valid until the lock is let go.
 * With the lock, which is let go and taken again if the page has to be read. XV_MAP_AGAIN. */
COMMON_MUST_USE int xv_map_fetch(struct xv_map *map, struct xv_frame **out, uint64_t version,
                                 struct xv_page_place place, const struct xv_entry *entry);

/* For a function that changes: a private frame with a copy. Without the lock. */
COMMON_MUST_USE int xv_map_copy_page(struct xv_map *map, struct xv_frame **out,
                                     struct xv_page_place place, const struct xv_entry *entry);

/* map_walk.c */

/* Puts what is bad in copy 1 of all settled pages into to_secure. */
COMMON_MUST_USE int xv_map_note_unsecured(struct xv_map *map);
void xv_map_forget_unsecured(struct xv_map *map);

/* map.c */

/* The root was changed: for lookups without the lock. With the lock. */
void xv_map_root_changed(struct xv_map *map);

/* Geometry. A slot is an extent in a leaf, a child in a node. */

static inline uint64_t xv_map_slot_extents(const struct xv_tree *tree, unsigned level)
{
    return level ? tree->level_extents[level - 1] : 1;
}

static inline struct xv_page_place xv_map_place(const struct xv_tree *tree, unsigned level,
                                                uint64_t extent)
{
    return (struct xv_page_place){
        .level = level,
        .number = (uint32_t)(tree->level_first[level] + extent / tree->level_extents[level])};
}

static inline struct xv_page_place xv_map_root_place(const struct xv_tree *tree)
{
    return xv_map_place(tree, tree->depth - 1, 0);
}

static inline uint64_t xv_map_offset(const struct xv_map *map, unsigned copy, uint32_t number)
{
    return map->regions[copy].offset + (uint64_t)number * XV_PAGE_LEN;
}

static inline uint64_t xv_map_begin(const struct xv_tree *tree, struct xv_page_place place)
{
    return (place.number - tree->level_first[place.level]) * tree->level_extents[place.level];
}

static inline uint64_t xv_map_end(const struct xv_tree *tree, struct xv_page_place place)
{
    uint64_t end = xv_map_begin(tree, place) + tree->level_extents[place.level];
    return end < tree->max_extents ? end : tree->max_extents;
}

/* Slots of a page that stand for something. */
static inline unsigned xv_map_num_slots(const struct xv_tree *tree, struct xv_page_place place)
{
    uint64_t extents = xv_map_end(tree, place) - xv_map_begin(tree, place);
    uint64_t each = xv_map_slot_extents(tree, place.level);
    return (unsigned)((extents + each - 1) / each);
}

static inline unsigned xv_map_slot(const struct xv_tree *tree, struct xv_page_place place,
                                   uint64_t extent)
{
    return (unsigned)((extent - xv_map_begin(tree, place)) /
                      xv_map_slot_extents(tree, place.level));
}

static inline struct xv_entry xv_entry_uniform(uint32_t generation)
{
    return (struct xv_entry){.kind = XV_ENTRY_UNIFORM, .generation = generation};
}

/* How many slots from this one on, at most max, are of one generation: 0 if its child is a page. */
COMMON_MUST_USE int xv_map_run(const struct xv_tree *tree, unsigned *out_num,
                               uint32_t *out_generation, const struct xv_frame *frame,
                               unsigned slot, uint64_t max);

#endif
