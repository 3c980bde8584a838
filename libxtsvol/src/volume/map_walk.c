/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at the pages of the state on the medium, in both copies. Nothing changes meanwhile. */
#include "libxtsvol/src/volume/map_internal.h"

#include "common/base/cleanup.h"

#include <stdlib.h>
#include <string.h>

struct walk {
    struct xv_map *map;
    uint8_t (*pages)[XV_PAGE_LEN]; /* one for each level, and one to compare with */
    int (*page)(struct walk *walk, const struct xv_entry *entry, struct xv_page_place place,
                bool *out_go_down);
    int (*visit)(void *context, const struct xv_map_visit *visit);
    void *context;
    int (*secure)(struct walk *walk, const uint8_t page[XV_PAGE_LEN], struct xv_page_place place);
    bool is_for_all; /* also what is not going to be overwritten */
    bool wrote;
};

static int walk_subtree(struct walk *walk, const struct xv_entry *entry, struct xv_page_place place)
{
    const struct xv_tree *tree = &walk->map->tree;
    bool go_down = false;
    if (entry->kind == XV_ENTRY_UNIFORM)
        return 0;
    int error = walk->page(walk, entry, place, &go_down);
    if (error || !go_down || place.level == 0)
        return error;
    unsigned num = xv_map_num_slots(tree, place);
    uint64_t begin = xv_map_begin(tree, place);
    for (unsigned slot = 0; slot < num; slot++) {
        struct xv_entry child;
        error = xv_node_get(&child, walk->pages[place.level], slot);
        if (!error)
            error = walk_subtree(walk, &child, xv_map_place(tree, place.level - 1, begin));
        if (error)
            return error;
        begin += xv_map_slot_extents(tree, place.level);
    }
    return 0;
}

static int walk_all(struct walk *walk)
{
    const struct xv_map *map = walk->map;
    COMMON_CLEANUP_FREE void *pages = malloc((map->tree.depth + 1) * (size_t)XV_PAGE_LEN);
    if (!pages)
        return COMMON_ERR_NO_MEMORY;
    walk->pages = pages;
    return walk_subtree(walk, map->is_durable ? &map->root : &map->settled_root,
                        xv_map_root_place(&map->tree));
}

/* Both copies are read; the page of the level is the first one that is good. */
static int visit_page(struct walk *walk, const struct xv_entry *entry, struct xv_page_place place,
                      bool *out_go_down)
{
    const struct xv_map *map = walk->map;
    uint64_t begin = xv_map_begin(&map->tree, place);
    struct xv_map_visit visit = {.place = place,
                                 .entry = *entry,
                                 .first_extent = begin,
                                 .num_extents = xv_map_end(&map->tree, place) - begin,
                                 .error = COMMON_ERR_CORRUPT};
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        bool is_bad = false;
        uint8_t *page = walk->pages[visit.page ? map->tree.depth : place.level];
        int error = xv_map_read_copy(map, page, &is_bad, copy, place, entry);
        if (error && !is_bad)
            return error;
        visit.copy_is_good[copy] = !is_bad;
        if (error && visit.error == COMMON_ERR_CORRUPT)
            visit.error = error;
        if (!is_bad && !visit.page)
            visit.page = page;
    }
    if (visit.page)
        visit.error = 0;
    *out_go_down = visit.page;
    return walk->visit(walk->context, &visit);
}

int xv_map_walk(struct xv_map *map, int (*visit)(void *context, const struct xv_map_visit *visit),
                void *context)
{
    struct walk walk = {.map = map, .page = visit_page, .visit = visit, .context = context};
    return walk_all(&walk);
}

/* The settled bytes of a page that is bad in copy 1: in memory, or in copy 0. */
static int other_than_copy_1(struct xv_map *map, uint8_t page[XV_PAGE_LEN],
                             const struct xv_entry *entry, struct xv_page_place place,
                             bool *out_is_bad)
{
    *out_is_bad = false;
    (void)pthread_mutex_lock(&map->lock);
    const struct xv_frame *frame = xv_map_find_clean(map, place, entry);
    if (frame)
        memcpy(page, frame->page, XV_PAGE_LEN);
    (void)pthread_mutex_unlock(&map->lock);
    return frame ? 0 : xv_map_read_copy(map, page, out_is_bad, 0, place, entry);
}

/* What is written into copy 1, or noted, is the page of the level. */
static int secure_page(struct walk *walk, const struct xv_entry *entry, struct xv_page_place place,
                       bool *out_go_down)
{
    struct xv_map *map = walk->map;
    uint8_t *page = walk->pages[place.level];
    if (!walk->is_for_all && !xv_frames_next(&map->changed, place.number, NULL))
        return 0; /* it stays, and with it all below */
    bool is_bad[XV_NUM_COPIES] = {false};
    int first_error = xv_map_read_copy(map, page, &is_bad[1], 1, place, entry);
    *out_go_down = !first_error;
    if (!is_bad[1])
        return first_error;
    int error = other_than_copy_1(map, page, entry, place, &is_bad[0]);
    if (!error || is_bad[0])
        xv_map_tell(map, place, is_bad);
    /* Good nowhere: it has nothing to lose, nor has what only it could lead to. */
    if (error == COMMON_ERR_CORRUPT && first_error == COMMON_ERR_CORRUPT)
        return 0;
    if (error)
        return error == COMMON_ERR_CORRUPT ? first_error : error;
    *out_go_down = true;
    return walk->secure(walk, page, place);
}

static int write_secured(struct walk *walk, const uint8_t page[XV_PAGE_LEN],
                         struct xv_page_place place)
{
    const struct xv_map *map = walk->map;
    walk->wrote = true;
    return xv_io_write(map->io, page, XV_PAGE_LEN, xv_map_offset(map, 1, place.number), NULL);
}

static int note_unsecured(struct walk *walk, const uint8_t page[XV_PAGE_LEN],
                          struct xv_page_place place)
{
    struct xv_map *map = walk->map;
    (void)pthread_mutex_lock(&map->lock);
    struct xv_frame *frame = xv_frame_new(map, place);
    (void)pthread_mutex_unlock(&map->lock);
    if (!frame)
        return COMMON_ERR_NO_MEMORY;
    memcpy(frame->page, page, XV_PAGE_LEN);
    frame->next = map->to_secure;
    map->to_secure = frame;
    return 0;
}

void xv_map_forget_unsecured(struct xv_map *map)
{
    while (map->to_secure) {
        struct xv_frame *frame = map->to_secure;
        map->to_secure = frame->next;
        xv_frame_free(map, frame);
    }
}

int xv_map_note_unsecured(struct xv_map *map)
{
    struct walk walk = {
        .map = map, .page = secure_page, .secure = note_unsecured, .is_for_all = true};
    xv_map_forget_unsecured(map);
    int error = walk_all(&walk);
    if (error)
        xv_map_forget_unsecured(map);
    return error;
}

int xv_map_secure(struct xv_map *map, bool *out_wrote)
{
    struct walk walk = {.map = map, .page = secure_page, .secure = write_secured};
    *out_wrote = false;
    if (!xv_map_is_changed(map))
        return 0;
    if (!map->is_sealed)
        return COMMON_ERR_STATE;
    int error = map->is_touched ? 0 : walk_all(&walk);
    for (const struct xv_frame *frame = map->to_secure; frame && !error; frame = frame->next)
        error = walk.secure(&walk, frame->page, frame->place);
    *out_wrote = walk.wrote;
    return error;
}
