/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the extent map: map_internal.h, M1.
 *
 * A subtree that lies within the changed range becomes an entry of its parent, whatever pages it
 * had. So only the pages at the two edges of the range are changed, at most two a level, in private
 * frames; these are published together, or not at all.
 */
#include "libxtsvol/src/volume/map_internal.h"

enum {
    MAX_FRAMES = 2 * XV_MAX_DEPTH
};

struct change {
    struct xv_map *map;
    uint64_t first;
    uint64_t end;
    uint32_t generation;
    struct xv_frame *frames[MAX_FRAMES];
    size_t num_frames;
};

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void fill_page(const struct xv_tree *tree, struct xv_frame *frame, uint32_t generation)
{
    const struct xv_entry entry = xv_entry_uniform(generation);
    unsigned num = xv_map_num_slots(tree, frame->place);
    for (unsigned slot = 0; slot < num; slot++) {
        if (frame->place.level > 0)
            xv_node_set(frame->page, slot, &entry);
        else
            xv_leaf_set(frame->page, slot, generation);
    }
}

/* A private frame for the page that the entry means, or would mean if it were one. */
static int own_page(struct change *change, struct xv_frame **out, struct xv_page_place place,
                    const struct xv_entry *entry)
{
    struct xv_map *map = change->map;
    int error = 0;
    if (change->num_frames == MAX_FRAMES)
        return COMMON_ERR_INTERNAL;
    if (entry->kind == XV_ENTRY_PAGE) {
        error = xv_map_copy_page(map, out, place, entry);
    } else {
        (void)pthread_mutex_lock(&map->lock);
        *out = xv_frame_new(map, place);
        (void)pthread_mutex_unlock(&map->lock);
        if (*out)
            fill_page(&map->tree, *out, entry->generation);
        else
            error = COMMON_ERR_NO_MEMORY;
    }
    if (!error)
        change->frames[change->num_frames++] = *out;
    return error;
}

static int change_leaf(const struct change *change, struct xv_frame *frame, bool *out_did)
{
    const struct xv_tree *tree = &change->map->tree;
    uint64_t first = greater(change->first, xv_map_begin(tree, frame->place));
    uint64_t end = lesser(change->end, xv_map_end(tree, frame->place));
    unsigned slot = xv_map_slot(tree, frame->place, first);
    for (uint64_t extent = first; extent < end; extent++, slot++) {
        uint32_t generation = 0;
        int error = xv_leaf_get(&generation, frame->page, slot);
        if (error)
            return error;
        *out_did = *out_did || generation != change->generation;
        xv_leaf_set(frame->page, slot, change->generation);
    }
    return 0;
}

static int change_subtree(struct change *change, struct xv_entry *entry, struct xv_page_place place,
                          bool *out_did);

static int change_node(struct change *change, struct xv_frame *frame, bool *out_did)
{
    const struct xv_tree *tree = &change->map->tree;
    unsigned level = frame->place.level - 1;
    uint64_t first = greater(change->first, xv_map_begin(tree, frame->place));
    uint64_t end = lesser(change->end, xv_map_end(tree, frame->place));
    unsigned last_slot = xv_map_slot(tree, frame->place, end - 1);
    for (unsigned slot = xv_map_slot(tree, frame->place, first); slot <= last_slot; slot++) {
        struct xv_entry entry;
        bool did = false;
        uint64_t begin =
            xv_map_begin(tree, frame->place) + slot * xv_map_slot_extents(tree, level + 1);
        int error = xv_node_get(&entry, frame->page, slot);
        if (!error)
            error = change_subtree(change, &entry, xv_map_place(tree, level, begin), &did);
        if (error)
            return error;
        if (did)
            xv_node_set(frame->page, slot, &entry);
        *out_did = *out_did || did;
    }
    return 0;
}

/* What the entry of a page that was not sealed yet says: nobody looks for it by that. */
static struct xv_entry unsealed_entry(void)
{
    return (struct xv_entry){.kind = XV_ENTRY_PAGE, .sequence = UINT64_C(1) << XV_EPOCH_SHIFT | 1};
}

/* A page in which nothing changes is left as it was. */
static int change_subtree(struct change *change, struct xv_entry *entry, struct xv_page_place place,
                          bool *out_did)
{
    const struct xv_tree *tree = &change->map->tree;
    *out_did = false;
    if (entry->kind == XV_ENTRY_UNIFORM && entry->generation == change->generation)
        return 0;
    if (change->first <= xv_map_begin(tree, place) && xv_map_end(tree, place) <= change->end) {
        *entry = xv_entry_uniform(change->generation);
        *out_did = true;
        return 0;
    }
    struct xv_frame *frame = NULL;
    int error = own_page(change, &frame, place, entry);
    if (!error)
        error = place.level > 0 ? change_node(change, frame, out_did)
                                : change_leaf(change, frame, out_did);
    if (error)
        return error; /* with what is private freed by who began */
    if (!*out_did) {
        /* The last one: pages below it were given back for the same reason. */
        change->num_frames--;
        xv_frame_free(change->map, frame);
    } else if (entry->kind == XV_ENTRY_UNIFORM) {
        *entry = unsealed_entry();
    }
    return 0;
}

static void drop_changed(struct xv_map *map, struct xv_frame *frame)
{
    xv_frames_remove(&map->changed, frame);
    xv_frame_free(map, frame);
}

/* Changed pages of subtrees that are entries now: nobody refers to them any longer. */
static void drop_covered(const struct change *change, unsigned level)
{
    struct xv_map *map = change->map;
    const struct xv_tree *tree = &map->tree;
    uint64_t each = tree->level_extents[level];
    uint64_t begin = tree->level_first[level] + (change->first + each - 1) / each;
    uint64_t end = change->end == tree->max_extents
                       ? tree->level_first[level] + tree->level_pages[level]
                       : tree->level_first[level] + change->end / each;
    if (begin >= end)
        return;
    if (end - begin <= map->changed.num) {
        for (uint64_t number = begin; number < end; number++) {
            struct xv_frame *frame = xv_frames_next(&map->changed, (uint32_t)number, NULL);
            if (frame)
                drop_changed(map, frame);
        }
        return;
    }
    for (struct xv_frame *frame = map->changed.first, *next = NULL; frame; frame = next) {
        next = frame->next;
        if (frame->place.number >= begin && frame->place.number < end)
            drop_changed(map, frame);
    }
}

/* With the lock. */
static int publish(struct change *change, const struct xv_entry *root)
{
    struct xv_map *map = change->map;
    size_t num_new = 0;
    for (size_t i = 0; i < change->num_frames; i++)
        if (!xv_frames_next(&map->changed, change->frames[i]->place.number, NULL))
            num_new++;
    if (num_new > 0 && map->changed.num + num_new > map->max_changed)
        return COMMON_ERR_LIMIT;
    for (unsigned level = 0; level < map->tree.depth; level++)
        drop_covered(change, level);
    for (size_t i = 0; i < change->num_frames; i++) {
        struct xv_frame *old = xv_frames_next(&map->changed, change->frames[i]->place.number, NULL);
        if (old)
            drop_changed(map, old);
        xv_frames_add(&map->changed, change->frames[i]);
    }
    change->num_frames = 0;
    map->root = *root;
    map->version++;
    map->is_sealed = false;
    atomic_store(&map->is_changed, true);
    xv_map_root_changed(map);
    return 0;
}

int xv_map_set(struct xv_map *map, uint64_t first, uint64_t num, uint32_t generation)
{
    if (first > map->tree.max_extents || num > map->tree.max_extents - first ||
        generation > XTSVOL_GENERATION_MAX)
        return COMMON_ERR_INVALID;
    if (map->is_durable)
        return COMMON_ERR_STATE;
    if (num == 0)
        return 0;
    struct change change = {
        .map = map, .first = first, .end = first + num, .generation = generation};
    struct xv_entry root = map->root;
    bool did = false;
    int error = change_subtree(&change, &root, xv_map_root_place(&map->tree), &did);
    (void)pthread_mutex_lock(&map->lock);
    if (!error && did)
        error = publish(&change, &root);
    for (size_t i = 0; i < change.num_frames; i++)
        xv_frame_free(map, change.frames[i]);
    (void)pthread_mutex_unlock(&map->lock);
    return error;
}
