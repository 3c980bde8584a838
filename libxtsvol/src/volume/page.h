/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of the extent map as bytes: docs/format-volume.md, "Extent map". Pure. */
#ifndef XTSVOL_VOLUME_PAGE_H
#define XTSVOL_VOLUME_PAGE_H

#include "libxtsvol/src/volume/format.h"
#include "libxtsvol/src/volume/meta_keys.h"

enum {
    XV_PAGE_HEADER_LEN = 64
};

struct xv_page_place {
    unsigned level;
    uint32_t number; /* of the page in its copy */
};

/* Writes header and MAC of a page whose payload stands in `page` already, and gives the entry that
 * its parent holds. */
COMMON_MUST_USE int xv_page_seal(uint8_t page[XV_PAGE_LEN], struct xv_entry *out_entry,
                                 struct xv_page_place place, uint64_t sequence, const uint8_t *uuid,
                                 const struct xv_meta_keys *keys);

/* Is this the page that the entry means? COMMON_ERR_CORRUPT if anything differs. */
COMMON_MUST_USE int xv_page_verify(const uint8_t page[XV_PAGE_LEN], const struct xv_entry *entry,
                                   struct xv_page_place place, const uint8_t *uuid,
                                   const struct xv_meta_keys *keys);

/* Payload of a leaf: the generation of its index-th extent. COMMON_ERR_CORRUPT: a reserved bit. */
COMMON_MUST_USE int xv_leaf_get(uint32_t *out_generation, const uint8_t page[XV_PAGE_LEN],
                                unsigned index);
void xv_leaf_set(uint8_t page[XV_PAGE_LEN], unsigned index, uint32_t generation);

/* Payload of a node. COMMON_ERR_CORRUPT: no legal entry. */
COMMON_MUST_USE int xv_node_get(struct xv_entry *out, const uint8_t page[XV_PAGE_LEN],
                                unsigned index);
void xv_node_set(uint8_t page[XV_PAGE_LEN], unsigned index, const struct xv_entry *entry);

/* An entry by itself, as it stands in a superblock too. */
COMMON_MUST_USE int xv_entry_decode(struct xv_entry *out, const uint8_t bytes[XV_ENTRY_LEN]);
void xv_entry_encode(uint8_t out[XV_ENTRY_LEN], const struct xv_entry *entry);

#endif
