/* SPDX-License-Identifier: Apache-2.0 */
/* Where everything is: docs/format-volume.md, "Layout" and "Extent map". Pure arithmetic. */
#ifndef XTSVOL_VOLUME_LAYOUT_H
#define XTSVOL_VOLUME_LAYOUT_H

#include "libxtsvol/src/volume/format.h"

/* The tree over so many extents. */
struct xv_tree {
    unsigned depth; /* levels of pages, 1 to XV_MAX_DEPTH */
    uint64_t max_extents;
    uint64_t num_pages;                   /* in all levels */
    uint64_t level_pages[XV_MAX_DEPTH];   /* level 0: the leaves */
    uint64_t level_first[XV_MAX_DEPTH];   /* number of the first page of the level */
    uint64_t level_extents[XV_MAX_DEPTH]; /* that a page of the level covers */
};

/* max_extents: 1 to XV_MAX_EXTENTS, else COMMON_ERR_INVALID. */
COMMON_MUST_USE int xv_tree_make(struct xv_tree *out, uint64_t max_extents);

/* COMMON_ERR_LIMIT: more than a file can have. */
COMMON_MUST_USE int xv_layout_make(struct xv_layout *out, uint64_t max_extents, bool is_attached);

/* NULL, or what is wrong with it: a constant sentence. Also asks whether the maps are as long as
 * the tree needs. */
const char *xv_layout_fault(const struct xv_layout *layout, uint64_t max_extents);

/* How long the file with the metadata has to be: up to the end of its last region; with the data
 * area, when attached. */
COMMON_MUST_USE int xv_layout_metadata_end(uint64_t *out, const struct xv_layout *layout);

#endif
