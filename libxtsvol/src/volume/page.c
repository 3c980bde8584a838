/* SPDX-License-Identifier: Apache-2.0 */
#include "libxtsvol/src/volume/page.h"

#include "common/base/ct.h"
#include "common/base/endian.h"
#include "common/crypto/hash.h"

#include <string.h>

enum {
    MAC_OFFSET = 32, /* of a page; the MAC is of what is before it and of what is behind it */
    EXTENT_LEN = 2
};

static const uint8_t magic[4] = {'X', 'V', 'M', 'P'};

static void make_header(uint8_t out[MAC_OFFSET], struct xv_page_place place, uint64_t sequence)
{
    memset(out, 0, MAC_OFFSET);
    memcpy(out, magic, sizeof(magic));
    out[4] = (uint8_t)place.level;
    common_put_le32(out + 8, place.number);
    common_put_le64(out + 16, sequence);
}

static int page_mac(uint8_t out[XV_MAC_LEN], const uint8_t page[XV_PAGE_LEN], const uint8_t *uuid,
                    const struct xv_meta_keys *keys)
{
    const struct common_bytes key = {.data = keys->map.data, .len = keys->map.len};
    const struct common_bytes pieces[] = {
        {.data = uuid, .len = XTSVOL_UUID_LEN},
        {.data = page, .len = MAC_OFFSET},
        {.data = page + XV_PAGE_HEADER_LEN, .len = XV_PAGE_LEN - XV_PAGE_HEADER_LEN},
    };
    return common_hmac_sha256(out, key, pieces, sizeof(pieces) / sizeof(pieces[0]));
}

int xv_page_seal(uint8_t page[XV_PAGE_LEN], struct xv_entry *out_entry, struct xv_page_place place,
                 uint64_t sequence, const uint8_t *uuid, const struct xv_meta_keys *keys)
{
    *out_entry = (struct xv_entry){0};
    make_header(page, place, sequence);
    int error = page_mac(page + MAC_OFFSET, page, uuid, keys);
    if (error)
        return error;
    out_entry->kind = XV_ENTRY_PAGE;
    out_entry->sequence = sequence;
    memcpy(out_entry->mac, page + MAC_OFFSET, XV_ENTRY_MAC_LEN);
    return 0;
}

int xv_page_verify(const uint8_t page[XV_PAGE_LEN], const struct xv_entry *entry,
                   struct xv_page_place place, const uint8_t *uuid, const struct xv_meta_keys *keys)
{
    uint8_t header[MAC_OFFSET];
    uint8_t mac[XV_MAC_LEN];

    make_header(header, place, entry->sequence);
    if (entry->kind != XV_ENTRY_PAGE || !common_ct_equal(header, page, MAC_OFFSET) ||
        !common_ct_equal(entry->mac, page + MAC_OFFSET, XV_ENTRY_MAC_LEN))
        return COMMON_ERR_CORRUPT;
    int error = page_mac(mac, page, uuid, keys);
    if (error)
        return error;
    return common_ct_equal(mac, page + MAC_OFFSET, XV_MAC_LEN) ? 0 : COMMON_ERR_CORRUPT;
}

int xv_leaf_get(uint32_t *out_generation, const uint8_t page[XV_PAGE_LEN], unsigned index)
{
    *out_generation = 0;
    if (index >= XV_LEAF_EXTENTS)
        return COMMON_ERR_INVALID;
    uint16_t extent = common_get_le16(page + XV_PAGE_HEADER_LEN + (size_t)index * EXTENT_LEN);
    if (extent > XTSVOL_GENERATION_MAX)
        return COMMON_ERR_CORRUPT;
    *out_generation = extent;
    return 0;
}

void xv_leaf_set(uint8_t page[XV_PAGE_LEN], unsigned index, uint32_t generation)
{
    common_put_le16(page + XV_PAGE_HEADER_LEN + (size_t)index * EXTENT_LEN, (uint16_t)generation);
}

int xv_node_get(struct xv_entry *out, const uint8_t page[XV_PAGE_LEN], unsigned index)
{
    *out = (struct xv_entry){0};
    if (index >= XV_NODE_CHILDREN)
        return COMMON_ERR_INVALID;
    return xv_entry_decode(out, page + XV_PAGE_HEADER_LEN + (size_t)index * XV_ENTRY_LEN);
}

void xv_node_set(uint8_t page[XV_PAGE_LEN], unsigned index, const struct xv_entry *entry)
{
    xv_entry_encode(page + XV_PAGE_HEADER_LEN + (size_t)index * XV_ENTRY_LEN, entry);
}

void xv_entry_encode(uint8_t out[XV_ENTRY_LEN], const struct xv_entry *entry)
{
    memset(out, 0, XV_ENTRY_LEN);
    out[0] = (uint8_t)entry->kind;
    if (entry->kind == XV_ENTRY_UNIFORM) {
        common_put_le16(out + 2, (uint16_t)entry->generation);
        return;
    }
    common_put_le64(out + 8, entry->sequence);
    memcpy(out + 16, entry->mac, XV_ENTRY_MAC_LEN);
}

/* What is read and would not be written again just so is refused: that leaves no byte without a
 * meaning. */
int xv_entry_decode(struct xv_entry *out, const uint8_t bytes[XV_ENTRY_LEN])
{
    uint8_t again[XV_ENTRY_LEN];
    struct xv_entry entry = {0};

    *out = (struct xv_entry){0};
    switch (bytes[0]) {
    case XV_ENTRY_UNIFORM:
        entry.generation = common_get_le16(bytes + 2);
        if (entry.generation > XTSVOL_GENERATION_MAX)
            return COMMON_ERR_CORRUPT;
        break;
    case XV_ENTRY_PAGE:
        entry.kind = XV_ENTRY_PAGE;
        entry.sequence = common_get_le64(bytes + 8);
        if (xv_epoch(entry.sequence) == 0 || (entry.sequence & XV_COMMIT_MASK) == 0)
            return COMMON_ERR_CORRUPT;
        memcpy(entry.mac, bytes + 16, XV_ENTRY_MAC_LEN);
        break;
    default:
        return COMMON_ERR_CORRUPT;
    }
    xv_entry_encode(again, &entry);
    if (!common_ct_equal(again, bytes, XV_ENTRY_LEN))
        return COMMON_ERR_CORRUPT;
    *out = entry;
    return 0;
}
