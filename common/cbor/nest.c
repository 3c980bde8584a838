/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   N1  At most max_depth frames are open below the document.
 *   N2  A frame is closed when exactly the items that it declared are in it, not before.
 *   N3  The keys of a map, compared byte by byte as they are encoded, ascend strictly: in order,
 *       none twice (RFC 8949 section 4.2.1, section 5.6). A key may be any item, an array too, and
 *       is compared when it is complete.
 */
#include "common/cbor/nest.h"

#include <string.h>

void common_cbor_nest_init(struct common_cbor_nest *nest, size_t max_depth)
{
    *nest = (struct common_cbor_nest){
        .max_depth = max_depth < COMMON_CBOR_MAX_DEPTH ? max_depth : COMMON_CBOR_MAX_DEPTH,
        .frames = {{.left = 1}},
    };
}

bool common_cbor_nest_is_complete(const struct common_cbor_nest *nest)
{
    return nest->depth == 0 && nest->frames[0].left == 0;
}

bool common_cbor_nest_is_at_key(const struct common_cbor_nest *nest)
{
    const struct common_cbor_frame *top = common_cbor_nest_top(nest);
    return top->type == COMMON_CBOR_TYPE_MAP && top->left % 2 == 0;
}

enum common_cbor_fault common_cbor_nest_start(struct common_cbor_nest *nest, size_t at)
{
    struct common_cbor_frame *top = &nest->frames[nest->depth];
    if (top->left == 0)
        return COMMON_CBOR_FAULT_NO_MORE_ITEMS;
    top->item_at = at;
    return COMMON_CBOR_FAULT_NONE;
}

enum common_cbor_fault common_cbor_nest_open(struct common_cbor_nest *nest,
                                             enum common_cbor_type type, size_t num_items)
{
    if (nest->depth >= nest->max_depth)
        return COMMON_CBOR_FAULT_DEPTH;
    nest->depth++;
    nest->frames[nest->depth] = (struct common_cbor_frame){.type = type, .left = num_items};
    return COMMON_CBOR_FAULT_NONE;
}

static enum common_cbor_fault end_key(struct common_cbor_frame *map, const uint8_t *document,
                                      size_t end)
{
    size_t len = end - map->item_at;
    size_t common = len < map->key_len ? len : map->key_len;
    const uint8_t *key = document + map->key_at;
    int order = memcmp(key, document + map->item_at, common); /* lint: keys are public */

    /* No encoding is the beginning of another: with equal bytes the lengths are equal. The first
     * key has an empty one before it. */
    if (order > 0)
        return COMMON_CBOR_FAULT_UNSORTED_KEYS;
    if (order == 0 && map->key_len != 0)
        return COMMON_CBOR_FAULT_DUPLICATE_KEY;
    map->key_at = map->item_at;
    map->key_len = len;
    return COMMON_CBOR_FAULT_NONE;
}

enum common_cbor_fault common_cbor_nest_end(struct common_cbor_nest *nest, const uint8_t *document,
                                            size_t end)
{
    for (;;) {
        struct common_cbor_frame *top = &nest->frames[nest->depth];
        if (common_cbor_nest_is_at_key(nest)) {
            enum common_cbor_fault fault = end_key(top, document, end);
            if (fault)
                return fault;
        }
        top->left--;
        if (top->type != COMMON_CBOR_TYPE_TAG)
            return COMMON_CBOR_FAULT_NONE;
        nest->depth--; /* a tag has one item, and ends with it */
    }
}

enum common_cbor_fault common_cbor_nest_close(struct common_cbor_nest *nest,
                                              const uint8_t *document, size_t end)
{
    const struct common_cbor_frame *top = common_cbor_nest_top(nest);
    if (top->type != COMMON_CBOR_TYPE_ARRAY && top->type != COMMON_CBOR_TYPE_MAP)
        return COMMON_CBOR_FAULT_MISUSE;
    if (top->left != 0)
        return COMMON_CBOR_FAULT_UNREAD_ITEMS;
    nest->depth--;
    return common_cbor_nest_end(nest, document, end);
}
