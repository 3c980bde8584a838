/* SPDX-License-Identifier: Apache-2.0 */
#include "libxtsvol/src/volume/layout.h"

#include "common/base/checked.h"

enum {
    NUM_REGIONS = 5,
    NUM_PLACES = NUM_REGIONS + XV_NUM_COPIES /* and the superblocks */
};

#define INTENTS_OFFSET (UINT64_C(1) << 20)
#define INTENTS_LEN (UINT64_C(2) << 20)
#define MARKERS_OFFSET (UINT64_C(3) << 20)
#define MARKERS_LEN (UINT64_C(2) * XV_PAGE_LEN)
#define JOURNAL_LEN (UINT64_C(8) << 20)
#define DATA_ALIGNMENT (UINT64_C(1) << 20)
#define PAGE_MASK ((uint64_t)XV_PAGE_LEN - 1)

static uint64_t divided_up(uint64_t a, uint64_t by)
{
    return a / by + (a % by != 0);
}

int xv_tree_make(struct xv_tree *out, uint64_t max_extents)
{
    *out = (struct xv_tree){0};
    if (max_extents == 0 || max_extents > XV_MAX_EXTENTS)
        return COMMON_ERR_INVALID;
    out->max_extents = max_extents;
    uint64_t pages = divided_up(max_extents, XV_LEAF_EXTENTS);
    uint64_t extents = XV_LEAF_EXTENTS;
    while (out->depth < XV_MAX_DEPTH) {
        out->level_pages[out->depth] = pages;
        out->level_first[out->depth] = out->num_pages;
        out->level_extents[out->depth] = extents;
        out->num_pages += pages;
        out->depth++;
        if (pages == 1)
            return 0;
        pages = divided_up(pages, XV_NODE_CHILDREN);
        extents *= XV_NODE_CHILDREN;
    }
    return COMMON_ERR_INTERNAL;
}

static uint64_t end_of(const struct xv_region *region)
{
    return region->offset + region->length;
}

int xv_layout_make(struct xv_layout *out, uint64_t max_extents, bool is_attached)
{
    struct xv_tree tree;
    *out = (struct xv_layout){0};
    int error = xv_tree_make(&tree, max_extents);
    if (error)
        return error;
    const uint64_t map_len = tree.num_pages * XV_PAGE_LEN;
    struct xv_layout made = {
        .is_attached = is_attached,
        .intents = {.offset = INTENTS_OFFSET, .length = INTENTS_LEN},
        .markers = {.offset = MARKERS_OFFSET, .length = MARKERS_LEN},
        .map[0] = {.offset = XV_SUPERBLOCK_1_OFFSET + XV_SUPERBLOCK_MAX, .length = map_len},
    };
    made.journal = (struct xv_region){.offset = end_of(&made.map[0]), .length = JOURNAL_LEN};
    made.map[1] = (struct xv_region){.offset = end_of(&made.journal), .length = map_len};
    if (is_attached)
        made.data_offset = divided_up(end_of(&made.map[1]), DATA_ALIGNMENT) * DATA_ALIGNMENT;
    if (xv_layout_fault(&made, max_extents))
        return COMMON_ERR_LIMIT;
    *out = made;
    return 0;
}

static void collect(struct xv_region out[NUM_PLACES], const struct xv_layout *layout)
{
    out[0] = layout->map[0];
    out[1] = layout->map[1];
    out[2] = layout->intents;
    out[3] = layout->markers;
    out[4] = layout->journal;
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
        out[NUM_REGIONS + copy] =
            (struct xv_region){.offset = xv_superblock_offset(copy), .length = XV_SUPERBLOCK_MAX};
}

/* No sum is formed before both numbers are known to be below 2^62. */
static const char *region_fault(const struct xv_region *region)
{
    if (((region->offset | region->length) & PAGE_MASK) != 0)
        return "a region is not made of whole pages";
    if (region->offset < XV_SUPERBLOCK_MAX || region->offset >= XV_REGION_END_MAX ||
        !common_range_fits(region->offset, region->length, XV_REGION_END_MAX))
        return "a region is outside of where metadata can be";
    return NULL;
}

static bool overlap(const struct xv_region *a, const struct xv_region *b)
{
    return a->length != 0 && b->length != 0 && a->offset < end_of(b) && b->offset < end_of(a);
}

static const char *places_fault(const struct xv_region places[NUM_PLACES])
{
    for (size_t i = 0; i < NUM_REGIONS; i++) {
        const char *fault = region_fault(&places[i]);
        if (fault)
            return fault;
    }
    for (size_t i = 0; i < NUM_REGIONS; i++)
        for (size_t j = i + 1; j < NUM_PLACES; j++)
            if (overlap(&places[i], &places[j]))
                return "two regions overlap";
    return NULL;
}

static const char *lengths_fault(const struct xv_layout *layout, uint64_t max_extents)
{
    struct xv_tree tree;
    if (xv_tree_make(&tree, max_extents))
        return "the greatest number of extents is out of its range";
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
        if (layout->map[copy].length != tree.num_pages * XV_PAGE_LEN)
            return "an extent map is not as long as its tree";
    if (layout->markers.length != MARKERS_LEN)
        return "the markers are not two pages";
    if (layout->intents.length == 0 || layout->intents.length % ((uint64_t)2 * XV_PAGE_LEN) != 0)
        return "the intents do not have two halves";
    if (layout->journal.length % ((uint64_t)2 * XV_PAGE_LEN) != 0)
        return "the journal does not have two halves";
    return NULL;
}

static uint64_t last_end(const struct xv_region places[NUM_PLACES])
{
    uint64_t end = 0;
    for (size_t i = 0; i < NUM_PLACES; i++)
        if (end < end_of(&places[i]))
            end = end_of(&places[i]);
    return end;
}

const char *xv_layout_fault(const struct xv_layout *layout, uint64_t max_extents)
{
    struct xv_region places[NUM_PLACES];
    collect(places, layout);
    const char *fault = places_fault(places);
    if (!fault)
        fault = lengths_fault(layout, max_extents);
    if (fault)
        return fault;
    if ((layout->data_offset & PAGE_MASK) != 0)
        return "the data area does not begin at a page";
    if (layout->data_offset >= XV_REGION_END_MAX)
        return "the data area is outside of where it can be";
    if (layout->is_attached && layout->data_offset < last_end(places))
        return "the data area is not behind the metadata";
    return NULL;
}

int xv_layout_metadata_end(uint64_t *out, const struct xv_layout *layout)
{
    struct xv_region places[NUM_PLACES];
    *out = 0;
    collect(places, layout);
    if (places_fault(places))
        return COMMON_ERR_INVALID;
    *out = layout->is_attached ? layout->data_offset : last_end(places);
    return 0;
}
