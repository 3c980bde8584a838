/* SPDX-License-Identifier: Apache-2.0 */
/* Pages in memory, and how they come there: map_internal.h has the rules. */
#include "libxtsvol/src/volume/map_internal.h"

#include "common/base/cleanup.h"
#include "common/base/ct.h"

#include <stdlib.h>
#include <string.h>

int xv_frames_open(struct xv_frames *frames, size_t num_buckets)
{
    *frames = (struct xv_frames){.num_buckets = num_buckets};
    frames->buckets = calloc(num_buckets, sizeof(struct xv_frame *));
    return frames->buckets ? 0 : COMMON_ERR_NO_MEMORY;
}

/* Pages that are neighbours are used together: their numbers are hash enough. */
static struct xv_frame **bucket_of(const struct xv_frames *frames, uint32_t number)
{
    return &frames->buckets[number & (frames->num_buckets - 1)];
}

static void list_add_first(struct xv_frames *frames, struct xv_frame *frame)
{
    frame->previous = NULL;
    frame->next = frames->first;
    if (frames->first)
        frames->first->previous = frame;
    else
        frames->last = frame;
    frames->first = frame;
}

static void list_remove(struct xv_frames *frames, struct xv_frame *frame)
{
    if (frame->previous)
        frame->previous->next = frame->next;
    else
        frames->first = frame->next;
    if (frame->next)
        frame->next->previous = frame->previous;
    else
        frames->last = frame->previous;
}

void xv_frames_add(struct xv_frames *frames, struct xv_frame *frame)
{
    struct xv_frame **bucket = bucket_of(frames, frame->place.number);
    frame->next_in_bucket = *bucket;
    *bucket = frame;
    list_add_first(frames, frame);
    frames->num++;
}

void xv_frames_remove(struct xv_frames *frames, struct xv_frame *frame)
{
    struct xv_frame **link = bucket_of(frames, frame->place.number);
    while (*link != frame)
        link = &(*link)->next_in_bucket;
    *link = frame->next_in_bucket;
    list_remove(frames, frame);
    frames->num--;
}

struct xv_frame *xv_frames_next(const struct xv_frames *frames, uint32_t number,
                                const struct xv_frame *after)
{
    struct xv_frame *frame = after ? after->next_in_bucket : *bucket_of(frames, number);
    while (frame && frame->place.number != number)
        frame = frame->next_in_bucket;
    return frame;
}

void xv_frame_free(struct xv_map *map, struct xv_frame *frame)
{
    if (!frame)
        return;
    free(frame);
    atomic_fetch_sub(&map->num_frames, 1);
}

void xv_frames_clear(struct xv_map *map, struct xv_frames *frames)
{
    while (frames->first) {
        struct xv_frame *frame = frames->first;
        xv_frames_remove(frames, frame);
        xv_frame_free(map, frame);
    }
}

void xv_map_trim(struct xv_map *map, size_t max_frames)
{
    while (map->clean.last && atomic_load(&map->num_frames) > max_frames) {
        struct xv_frame *frame = map->clean.last;
        xv_frames_remove(&map->clean, frame);
        xv_frame_free(map, frame);
    }
}

struct xv_frame *xv_frame_new(struct xv_map *map, struct xv_page_place place)
{
    xv_map_trim(map, map->max_frames - 1);
    struct xv_frame *frame = calloc(1, sizeof(*frame));
    if (!frame)
        return NULL;
    frame->place = place;
    atomic_fetch_add(&map->num_frames, 1);
    return frame;
}

/* M3. A MAC that fits says who wrote the page, not that it was written well. */
static bool is_legal(const struct xv_tree *tree, const uint8_t page[XV_PAGE_LEN],
                     struct xv_page_place place)
{
    unsigned num = xv_map_num_slots(tree, place);
    for (unsigned slot = 0; slot < num; slot++) {
        uint32_t generation = 0;
        struct xv_entry entry;
        if (place.level ? xv_node_get(&entry, page, slot) : xv_leaf_get(&generation, page, slot))
            return false;
    }
    size_t used =
        XV_PAGE_HEADER_LEN + num * (size_t)(place.level ? XV_ENTRY_LEN : XV_LEAF_SLOT_LEN);
    return common_ct_is_zero(page + used, XV_PAGE_LEN - used);
}

int xv_map_read_copy(const struct xv_map *map, uint8_t page[XV_PAGE_LEN], bool *out_is_bad,
                     unsigned copy, struct xv_page_place place, const struct xv_entry *entry)
{
    *out_is_bad = false;
    int error =
        xv_io_read(map->io, page, XV_PAGE_LEN, xv_map_offset(map, copy, place.number), NULL);
    if (error) {
        /* Sectors that cannot be read are damage like any other. */
        *out_is_bad = error != COMMON_ERR_NO_MEMORY;
        return error;
    }
    error = xv_page_verify(page, entry, place, map->uuid, map->keys);
    if (!error && !is_legal(&map->tree, page, place))
        error = COMMON_ERR_CORRUPT;
    *out_is_bad = error == COMMON_ERR_CORRUPT;
    return error;
}

int xv_map_read(const struct xv_map *map, uint8_t page[XV_PAGE_LEN], bool *is_bad,
                struct xv_page_place place, const struct xv_entry *entry)
{
    int errors[XV_NUM_COPIES] = {0};
    memset(is_bad, 0, XV_NUM_COPIES * sizeof(*is_bad));
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        errors[copy] = xv_map_read_copy(map, page, &is_bad[copy], copy, place, entry);
        if (!is_bad[copy])
            return errors[copy];
    }
    /* One that could not be read might have been the right one. */
    return errors[0] == COMMON_ERR_CORRUPT ? errors[1] : errors[0];
}

void xv_map_tell(const struct xv_map *map, struct xv_page_place place, const bool *is_bad)
{
    for (unsigned copy = 0; copy < XV_NUM_COPIES && map->damaged; copy++)
        if (is_bad[copy])
            map->damaged(map->context, place.number, copy);
}

/* Both were verified, so that nothing can be learned from the time that it takes. */
static bool is_same_page(const struct xv_entry *a, const struct xv_entry *b)
{
    return a->sequence == b->sequence && common_get_le64(a->mac) == common_get_le64(b->mac) &&
           common_get_le64(a->mac + 8) == common_get_le64(b->mac + 8);
}

struct xv_frame *xv_map_find_clean(struct xv_map *map, struct xv_page_place place,
                                   const struct xv_entry *entry)
{
    struct xv_frame *frame = xv_frames_next(&map->clean, place.number, NULL);
    while (frame && !is_same_page(&frame->entry, entry))
        frame = xv_frames_next(&map->clean, place.number, frame);
    if (frame && frame != map->clean.first) {
        list_remove(&map->clean, frame);
        list_add_first(&map->clean, frame);
    }
    return frame;
}

struct xv_frame *xv_map_find(struct xv_map *map, struct xv_page_place place,
                             const struct xv_entry *entry)
{
    struct xv_frame *frame =
        map->changed.num > 0 ? xv_frames_next(&map->changed, place.number, NULL) : NULL;
    return frame ? frame : xv_map_find_clean(map, place, entry);
}

/* Reads into the frame with the lock let go. */
static int load(struct xv_map *map, struct xv_frame *frame, uint64_t version)
{
    bool is_bad[XV_NUM_COPIES];
    map->num_loading++;
    (void)pthread_mutex_unlock(&map->lock);

    int error = xv_map_read(map, frame->page, is_bad, frame->place, &frame->entry);

    (void)pthread_mutex_lock(&map->lock);
    if (--map->num_loading == 0)
        (void)pthread_cond_broadcast(&map->loaded);
    if (!is_bad[0] && !is_bad[1])
        return error;
    if (map->version != version)
        return XV_MAP_AGAIN;
    (void)pthread_mutex_unlock(&map->lock);
    xv_map_tell(map, frame->place, is_bad);
    (void)pthread_mutex_lock(&map->lock);
    return error;
}

int xv_map_fetch(struct xv_map *map, struct xv_frame **out, uint64_t version,
                 struct xv_page_place place, const struct xv_entry *entry)
{
    *out = xv_map_find(map, place, entry);
    if (*out)
        return 0;
    if (map->version != version)
        return XV_MAP_AGAIN;
    struct xv_frame *frame = xv_frame_new(map, place);
    if (!frame)
        return COMMON_ERR_NO_MEMORY;
    frame->entry = *entry;
    int error = load(map, frame, version);
    if (!error) {
        /* Somebody else may have read or changed it meanwhile. */
        *out = xv_map_find(map, place, entry);
        if (!*out) {
            xv_frames_add(&map->clean, frame);
            *out = COMMON_TAKE_PTR(frame);
        }
    }
    xv_frame_free(map, frame);
    return error;
}

int xv_map_copy_page(struct xv_map *map, struct xv_frame **out, struct xv_page_place place,
                     const struct xv_entry *entry)
{
    *out = NULL;
    (void)pthread_mutex_lock(&map->lock);
    struct xv_frame *frame = xv_frame_new(map, place);
    /* Not before: the new frame may take the place of this very page. */
    const struct xv_frame *there = frame ? xv_map_find(map, place, entry) : NULL;
    if (there)
        memcpy(frame->page, there->page, XV_PAGE_LEN);
    (void)pthread_mutex_unlock(&map->lock);
    if (!frame)
        return COMMON_ERR_NO_MEMORY;

    int error = 0;
    if (!there) {
        bool is_bad[XV_NUM_COPIES];
        error = xv_map_read(map, frame->page, is_bad, place, entry);
        xv_map_tell(map, place, is_bad);
    }
    if (error)
        xv_frame_free(map, COMMON_TAKE_PTR(frame));
    *out = frame;
    return error;
}
