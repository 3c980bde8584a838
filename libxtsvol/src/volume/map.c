/* SPDX-License-Identifier: Apache-2.0 */
/* The extent map: opening, lookups and changes. */
#include "libxtsvol/src/volume/map_internal.h"

#include "common/base/checked.h"
#include "common/base/cleanup.h"

#include <stdlib.h>
#include <string.h>

static size_t power_of_two_from(size_t number)
{
    size_t power = XV_MAP_MIN_FRAMES;
    while (power < number)
        power *= 2;
    return power;
}

static int open_frames(struct xv_map *map, size_t max_memory)
{
    map->max_frames = max_memory / XV_PAGE_LEN;
    if (map->max_frames < XV_MAP_MIN_FRAMES)
        map->max_frames = XV_MAP_MIN_FRAMES;
    map->max_changed = map->max_frames;
    size_t num =
        map->max_frames < map->tree.num_pages ? map->max_frames : (size_t)map->tree.num_pages;
    if (common_size_round_up(&num, num, XV_MAP_MIN_FRAMES))
        return COMMON_ERR_LIMIT;
    num = power_of_two_from(num);
    int error = xv_frames_open(&map->clean, num);
    return error ? error : xv_frames_open(&map->changed, num);
}

static int open_lock(struct xv_map *map)
{
    if (pthread_mutex_init(&map->lock, NULL))
        return COMMON_ERR_NO_MEMORY;
    if (pthread_cond_init(&map->loaded, NULL)) {
        (void)pthread_mutex_destroy(&map->lock);
        return COMMON_ERR_NO_MEMORY;
    }
    return 0;
}

static void free_unlocked(struct xv_map **map)
{
    if (!*map)
        return;
    free((void *)(*map)->clean.buckets);
    free((void *)(*map)->changed.buckets);
    free(*map);
    *map = NULL;
}

int xv_map_open(struct xv_map **out, const struct xv_map_options *options)
{
    *out = NULL;
    const struct xv_superblock *superblock = options->superblock;
    COMMON_CLEANUP(free_unlocked) struct xv_map *map = calloc(1, sizeof(*map));
    if (!map)
        return COMMON_ERR_NO_MEMORY;
    int error = xv_tree_make(&map->tree, superblock->max_extents);
    if (error)
        return error;
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        map->regions[copy] = superblock->layout.map[copy];
        if (map->regions[copy].length / XV_PAGE_LEN < map->tree.num_pages)
            return COMMON_ERR_INVALID;
    }
    map->io = options->io;
    memcpy(map->uuid, superblock->uuid, sizeof(map->uuid));
    map->damaged = options->damaged;
    map->context = options->context;
    map->keys = options->keys;
    map->root = superblock->root;
    map->settled_root = superblock->root;
    atomic_init(&map->is_changed, false);
    atomic_init(&map->num_frames, 0);
    atomic_init(&map->uniform, XV_MAP_NOT_UNIFORM);
    xv_map_root_changed(map);
    error = open_frames(map, options->max_memory);
    if (!error)
        error = open_lock(map);
    if (error)
        return error;
    *out = COMMON_TAKE_PTR(map);
    return 0;
}

void xv_map_close(struct xv_map **map)
{
    if (!*map)
        return;
    xv_frames_clear(*map, &(*map)->clean);
    xv_frames_clear(*map, &(*map)->changed);
    xv_map_forget_unsecured(*map);
    (void)pthread_cond_destroy(&(*map)->loaded);
    (void)pthread_mutex_destroy(&(*map)->lock);
    free_unlocked(map);
}

bool xv_map_is_changed(const struct xv_map *map)
{
    return atomic_load(&map->is_changed);
}

size_t xv_map_memory(const struct xv_map *map)
{
    return atomic_load(&map->num_frames) * XV_PAGE_LEN;
}

void xv_map_root_changed(struct xv_map *map)
{
    uint32_t uniform =
        map->root.kind == XV_ENTRY_UNIFORM ? map->root.generation : XV_MAP_NOT_UNIFORM;
    atomic_store_explicit(&map->uniform, uniform, memory_order_release);
}

/* Pages in memory are legal (M3): what was decoded once may be compared as it is. */
static unsigned leaf_run(const uint8_t page[XV_PAGE_LEN], unsigned slot, unsigned end)
{
    const uint8_t *first = page + XV_PAGE_HEADER_LEN + (size_t)slot * XV_LEAF_SLOT_LEN;
    unsigned num = 1;
    while (slot + num < end &&
           common_get_le16(first + (size_t)num * XV_LEAF_SLOT_LEN) == common_get_le16(first))
        num++;
    return num;
}

static int node_run(unsigned *out_num, uint32_t *out_generation, const uint8_t page[XV_PAGE_LEN],
                    unsigned slot, unsigned end)
{
    for (unsigned i = slot; i < end; i++, (*out_num)++) {
        struct xv_entry entry;
        int error = xv_node_get(&entry, page, i);
        if (error)
            return error;
        if (entry.kind == XV_ENTRY_PAGE || (i > slot && entry.generation != *out_generation))
            break;
        *out_generation = entry.generation;
    }
    return 0;
}

int xv_map_run(const struct xv_tree *tree, unsigned *out_num, uint32_t *out_generation,
               const struct xv_frame *frame, unsigned slot, uint64_t max)
{
    unsigned end = xv_map_num_slots(tree, frame->place);
    if (max < end - slot)
        end = slot + (unsigned)max;
    *out_num = 0;
    *out_generation = XV_MAP_NOT_UNIFORM;
    if (frame->place.level > 0)
        return node_run(out_num, out_generation, frame->page, slot, end);
    int error = xv_leaf_get(out_generation, frame->page, slot);
    if (!error)
        *out_num = leaf_run(frame->page, slot, end);
    return error;
}

/* A look at the map from the root down. */
struct look {
    uint64_t extent;
    uint64_t max;
    uint64_t version;
    uint32_t generation;
    uint64_t num; /* 0 until it is known */
};

static int look_into(const struct xv_map *map, struct look *look, struct xv_entry *out_entry,
                     const struct xv_frame *frame)
{
    const struct xv_tree *tree = &map->tree;
    unsigned slot = xv_map_slot(tree, frame->place, look->extent);
    uint64_t each = xv_map_slot_extents(tree, frame->place.level);
    unsigned num = 0;
    /* The first one may begin before the extent. */
    int error = xv_map_run(tree, &num, &look->generation, frame, slot, (look->max - 1) / each + 2);
    if (error || num == 0)
        return error ? error : xv_node_get(out_entry, frame->page, slot);
    uint64_t end = xv_map_begin(tree, frame->place) + (slot + num) * each;
    if (end > tree->max_extents)
        end = tree->max_extents;
    look->num = end - look->extent;
    return 0;
}

static int look_up(struct xv_map *map, struct look *look)
{
    look->version = map->version;
    look->num = 0;
    struct xv_entry entry = map->root;
    if (entry.kind == XV_ENTRY_UNIFORM) {
        look->generation = entry.generation;
        look->num = map->tree.max_extents - look->extent;
    }
    for (unsigned level = map->tree.depth; look->num == 0 && level-- > 0;) {
        struct xv_frame *frame = NULL;
        int error = xv_map_fetch(map, &frame, look->version,
                                 xv_map_place(&map->tree, level, look->extent), &entry);
        if (!error)
            error = look_into(map, look, &entry, frame);
        if (error)
            return error;
    }
    return 0;
}

int xv_map_get(struct xv_map *map, uint32_t *out_generation, uint64_t *out_num, uint64_t extent,
               uint64_t max)
{
    /* No generation has that number; 0 would be plaintext. */
    *out_generation = XV_MAP_NOT_UNIFORM;
    *out_num = 0;
    if (extent >= map->tree.max_extents || max == 0)
        return COMMON_ERR_INVALID;
    struct look look = {.extent = extent, .max = max, .num = map->tree.max_extents - extent};
    look.generation = atomic_load_explicit(&map->uniform, memory_order_acquire);
    if (look.generation == XV_MAP_NOT_UNIFORM) {
        int error = 0;
        (void)pthread_mutex_lock(&map->lock);
        do
            error = look_up(map, &look);
        while (error == XV_MAP_AGAIN);
        (void)pthread_mutex_unlock(&map->lock);
        if (error)
            return error;
    }
    *out_generation = look.generation;
    *out_num = look.num < max ? look.num : max;
    return 0;
}
