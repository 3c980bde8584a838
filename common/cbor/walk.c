/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cbor/walk.h"

#include "common/cbor/head.h"
#include "common/cbor/nest.h"

struct walk {
    const uint8_t *data;
    size_t at;
    size_t items_left;
    struct common_cbor_nest nest;
};

static bool holds_items(const struct common_cbor_head *head)
{
    return head->type == COMMON_CBOR_TYPE_ARRAY || head->type == COMMON_CBOR_TYPE_MAP ||
           head->type == COMMON_CBOR_TYPE_TAG;
}

/* The items that the head declares: no more than there are bytes left (H4 of head.c). */
static size_t num_inside(const struct common_cbor_head *head)
{
    switch (head->type) {
    case COMMON_CBOR_TYPE_ARRAY:
        return (size_t)head->value;
    case COMMON_CBOR_TYPE_MAP:
        return 2 * (size_t)head->value;
    default:
        return head->type == COMMON_CBOR_TYPE_TAG;
    }
}

/* The item has ended, and with it every array and map that is now full. */
static enum common_cbor_fault end(struct walk *walk, bool is_open)
{
    enum common_cbor_fault fault =
        is_open ? COMMON_CBOR_FAULT_NONE : common_cbor_nest_end(&walk->nest, walk->data, walk->at);
    while (!fault && walk->nest.depth > 0 && common_cbor_nest_top(&walk->nest)->left == 0)
        fault = common_cbor_nest_close(&walk->nest, walk->data, walk->at);
    if (fault)
        walk->at = common_cbor_nest_top(&walk->nest)->item_at; /* the key that is to blame */
    return fault;
}

static enum common_cbor_fault step(struct walk *walk, size_t data_len)
{
    struct common_cbor_head head = {0};
    enum common_cbor_fault fault = common_cbor_nest_start(&walk->nest, walk->at);
    if (!fault)
        fault = common_cbor_head_read(&head, walk->data + walk->at, data_len - walk->at);
    if (fault)
        return fault;
    /* Together with what it declares: too high a count is refused before the items are read. */
    if (walk->items_left == 0 || num_inside(&head) > walk->items_left - 1)
        return COMMON_CBOR_FAULT_ITEMS;
    walk->items_left--;
    if (holds_items(&head))
        fault = common_cbor_nest_open(&walk->nest, head.type, num_inside(&head));
    if (fault)
        return fault;
    walk->at += head.len;
    return end(walk, holds_items(&head));
}

enum common_cbor_fault common_cbor_walk(size_t *out_end, const uint8_t *data, size_t data_len,
                                        const struct common_cbor_limits *limits)
{
    struct walk walk = {.data = data, .items_left = limits->max_items};
    enum common_cbor_fault fault =
        data_len == 0 ? COMMON_CBOR_FAULT_TRUNCATED : COMMON_CBOR_FAULT_NONE;

    common_cbor_nest_init(&walk.nest, limits->max_depth);
    while (!fault && !common_cbor_nest_is_complete(&walk.nest))
        fault = step(&walk, data_len);
    *out_end = walk.at;
    return fault;
}
