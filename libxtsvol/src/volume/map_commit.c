/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of changes: docs/format-volume.md, "Two copies", and map_internal.h. */
#include "libxtsvol/src/volume/map_internal.h"

#include <sys/uio.h>

enum {
    MAX_BATCH = 256 /* pages in one write: 1 MiB */
};

static struct xv_frame *merge(struct xv_frame *a, struct xv_frame *b)
{
    struct xv_frame *first = NULL;
    struct xv_frame **link = &first;
    while (a && b) {
        struct xv_frame **lower = a->place.number < b->place.number ? &a : &b;
        *link = *lower;
        *lower = (*lower)->next;
        link = &(*link)->next;
    }
    *link = a ? a : b;
    return first;
}

/* By number, which is from the leaves up. runs[i] has 2^i frames, or none. */
static void sort(struct xv_frames *frames)
{
    struct xv_frame *runs[48] = {NULL};
    for (struct xv_frame *frame = frames->first, *next = NULL; frame; frame = next) {
        next = frame->next;
        frame->next = NULL;
        size_t i = 0;
        for (; runs[i]; i++) {
            frame = merge(runs[i], frame);
            runs[i] = NULL;
        }
        runs[i] = frame;
    }
    struct xv_frame *sorted = NULL;
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
        sorted = merge(runs[i], sorted);
    frames->first = sorted;
    frames->last = NULL;
    for (struct xv_frame *frame = sorted; frame; frame = frame->next) {
        frame->previous = frames->last;
        frames->last = frame;
    }
}

/* The entry that the parent of the page has to hold. */
static int seal_page(const struct xv_map *map, struct xv_frame *frame, struct xv_entry *out,
                     uint64_t sequence)
{
    unsigned num = 0;
    uint32_t generation = 0;
    int error = xv_map_run(&map->tree, &num, &generation, frame, 0, UINT64_MAX);
    if (error)
        return error;
    if (num == xv_map_num_slots(&map->tree, frame->place)) {
        *out = xv_entry_uniform(generation);
        return 0;
    }
    /* Nobody but us looks at the header of a changed page. */
    return xv_page_seal(frame->page, out, frame->place, sequence, map->uuid, map->keys);
}

/* With the lock. Lookups find the same through the new entry as through the old one. */
static int give_to_parent(struct xv_map *map, struct xv_frame *frame, const struct xv_entry *entry)
{
    if (frame->place.level == map->tree.depth - 1) {
        map->root = *entry;
    } else {
        uint64_t begin = xv_map_begin(&map->tree, frame->place);
        struct xv_page_place above = xv_map_place(&map->tree, frame->place.level + 1, begin);
        struct xv_frame *parent = xv_frames_next(&map->changed, above.number, NULL);
        if (!parent)
            return COMMON_ERR_INTERNAL;
        xv_node_set(parent->page, xv_map_slot(&map->tree, above, begin), entry);
    }
    if (entry->kind == XV_ENTRY_PAGE) {
        frame->entry = *entry;
        return 0;
    }
    xv_frames_remove(&map->changed, frame);
    xv_frame_free(map, frame);
    return 0;
}

/* What was done when it fails is a part of the same work, which the next one does again. */
int xv_map_seal(struct xv_map *map, uint64_t sequence, struct xv_entry *out_root)
{
    *out_root = map->settled_root;
    if (map->is_durable)
        return COMMON_ERR_STATE;
    (void)pthread_mutex_lock(&map->lock);
    sort(&map->changed);
    (void)pthread_mutex_unlock(&map->lock);
    for (struct xv_frame *frame = map->changed.first, *next = NULL; frame; frame = next) {
        struct xv_entry entry;
        next = frame->next;
        int error = seal_page(map, frame, &entry, sequence);
        if (error)
            return error;
        (void)pthread_mutex_lock(&map->lock);
        error = give_to_parent(map, frame, &entry);
        (void)pthread_mutex_unlock(&map->lock);
        if (error)
            return error;
    }
    (void)pthread_mutex_lock(&map->lock);
    xv_map_root_changed(map);
    map->is_sealed = true;
    *out_root = map->root;
    (void)pthread_mutex_unlock(&map->lock);
    return 0;
}

/* Writes this page and those that come right behind it on the medium; gives the next one. */
static int write_batch(const struct xv_map *map, struct xv_frame **frame, unsigned copy)
{
    struct iovec list[MAX_BATCH];
    uint32_t number = (*frame)->place.number;
    size_t num = 0;
    while (*frame && num < MAX_BATCH && (*frame)->place.number == number + num) {
        list[num++] = (struct iovec){.iov_base = (*frame)->page, .iov_len = XV_PAGE_LEN};
        *frame = (*frame)->next;
    }
    return xv_io_error(
        map->io->pwritev(map->io->context, list, num, xv_map_offset(map, copy, number)));
}

int xv_map_write(struct xv_map *map, unsigned copy)
{
    if (copy >= XV_NUM_COPIES)
        return COMMON_ERR_INVALID;
    if (!xv_map_is_changed(map))
        return 0;
    if (!map->is_sealed)
        return COMMON_ERR_STATE;
    map->is_durable = map->is_durable || copy == 1;
    uint64_t size = 0;
    int error = xv_io_size(map->io, &size, NULL);
    if (error)
        return error;
    if (size < xv_map_offset(map, copy, (uint32_t)map->tree.num_pages))
        return COMMON_ERR_CORRUPT; /* shorter than its metadata says */
    for (struct xv_frame *frame = map->changed.first; frame && !error;)
        error = write_batch(map, &frame, copy);
    return error;
}

/* With the lock. */
static void no_more_changes(struct xv_map *map)
{
    map->max_changed = map->max_frames;
    map->is_sealed = false;
    map->is_durable = false;
    map->is_touched = false;
    xv_map_forget_unsecured(map);
    map->version++;
    atomic_store(&map->is_changed, false);
}

/* With the lock. What a page was before is gone from the medium. */
static void make_clean(struct xv_map *map, struct xv_frame *frame)
{
    xv_frames_remove(&map->changed, frame);
    struct xv_frame *old = NULL;
    while ((old = xv_frames_next(&map->clean, frame->place.number, NULL))) {
        xv_frames_remove(&map->clean, old);
        xv_frame_free(map, old);
    }
    xv_frames_add(&map->clean, frame);
}

void xv_map_settle(struct xv_map *map)
{
    (void)pthread_mutex_lock(&map->lock);
    if (map->is_sealed) {
        while (map->changed.first)
            make_clean(map, map->changed.first);
        map->settled_root = map->root;
        no_more_changes(map);
        xv_map_trim(map, map->max_frames);
    }
    (void)pthread_mutex_unlock(&map->lock);
}

void xv_map_revert(struct xv_map *map)
{
    (void)pthread_mutex_lock(&map->lock);
    if (!map->is_durable) {
        xv_frames_clear(map, &map->changed);
        map->root = map->settled_root;
        no_more_changes(map);
        xv_map_root_changed(map);
    }
    (void)pthread_mutex_unlock(&map->lock);
}

/* Pages that are to be changed with the others, linked by next. */
struct touch {
    struct xv_map *map;
    struct xv_frame *first;
    size_t num;
    size_t max;
};

static int load_subtree(struct touch *touch, const struct xv_entry *entry,
                        struct xv_page_place place)
{
    struct xv_map *map = touch->map;
    if (entry->kind == XV_ENTRY_UNIFORM)
        return 0;
    struct xv_frame *frame = xv_frames_next(&map->changed, place.number, NULL);
    if (!frame) {
        if (touch->num == touch->max)
            return COMMON_ERR_LIMIT;
        int error = xv_map_copy_page(map, &frame, place, entry);
        if (error)
            return error;
        frame->next = touch->first;
        touch->first = frame;
        touch->num++;
    }
    unsigned num = place.level > 0 ? xv_map_num_slots(&map->tree, place) : 0;
    uint64_t begin = xv_map_begin(&map->tree, place);
    for (unsigned slot = 0; slot < num; slot++) {
        struct xv_entry child;
        int error = xv_node_get(&child, frame->page, slot);
        if (!error)
            error = load_subtree(touch, &child, xv_map_place(&map->tree, place.level - 1, begin));
        if (error)
            return error;
        begin += xv_map_slot_extents(&map->tree, place.level);
    }
    return 0;
}

/* With the lock. Lookups that read from the medium still do it by keys that may go now; others find
 * all pages in memory. */
static void publish_touched(struct touch *touch)
{
    struct xv_map *map = touch->map;
    while (touch->first) {
        struct xv_frame *frame = touch->first;
        touch->first = frame->next;
        xv_frames_add(&map->changed, frame);
    }
    map->max_changed = 2 * map->max_frames;
    map->is_sealed = false;
    map->is_touched = true;
    map->version++;
    atomic_store(&map->is_changed, true);
    while (map->num_loading > 0)
        (void)pthread_cond_wait(&map->loaded, &map->lock);
}

/*
 * All pages are in memory until they are settled, since the commit writes them to both copies. A
 * map of one generation has none, which is what is left of most when a generation leaves; a map
 * that is torn into pieces may have twice what the ceiling allows else, and beyond that wants a
 * higher one.
 */
int xv_map_touch_all(struct xv_map *map)
{
    struct touch touch = {.map = map};
    if (map->is_durable)
        return COMMON_ERR_STATE;
    if (2 * map->max_frames > map->changed.num)
        touch.max = 2 * map->max_frames - map->changed.num;
    int error = load_subtree(&touch, &map->root, xv_map_root_place(&map->tree));
    if (!error && !map->is_touched)
        error = xv_map_note_unsecured(map);
    (void)pthread_mutex_lock(&map->lock);
    if (!error)
        publish_touched(&touch);
    while (touch.first) {
        struct xv_frame *frame = touch.first;
        touch.first = frame->next;
        xv_frame_free(map, frame);
    }
    (void)pthread_mutex_unlock(&map->lock);
    return error;
}

void xv_map_move(struct xv_map *map, const struct xtsvol_io *io)
{
    map->io = io;
    xv_map_forget_unsecured(map);
}
