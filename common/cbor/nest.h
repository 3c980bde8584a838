/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a document one is: the arrays, maps and tags that are open, how many items each of them
 * still wants, and the last key of each map. Reading and writing keep count with the same code.
 *
 * Positions are offsets into the document, never pointers, so that a buffer may move as it grows.
 */
#ifndef COMMON_CBOR_NEST_H
#define COMMON_CBOR_NEST_H

#include "common/cbor/fault.h"
#include "common/cbor/types.h"

#include <stdbool.h>
#include <stdint.h>

struct common_cbor_frame {
    enum common_cbor_type type; /* ARRAY, MAP or TAG; NONE for the document itself */
    size_t left;                /* items still to come; of a map, keys and values */
    size_t item_at;             /* where the present item starts */
    size_t key_at;              /* the last key of a map */
    size_t key_len;             /* 0: there was none yet */
};

struct common_cbor_nest {
    size_t depth; /* frames[depth] is the innermost */
    size_t max_depth;
    struct common_cbor_frame frames[COMMON_CBOR_MAX_DEPTH + 1];
};

/* At the start of a document of one item. */
void common_cbor_nest_init(struct common_cbor_nest *nest, size_t max_depth);

/* Has the one item of the document ended? */
bool common_cbor_nest_is_complete(const struct common_cbor_nest *nest);

/* Is the next item of the innermost frame a key of a map? Also true at the end of a map. */
bool common_cbor_nest_is_at_key(const struct common_cbor_nest *nest);

static inline const struct common_cbor_frame *
common_cbor_nest_top(const struct common_cbor_nest *nest)
{
    return &nest->frames[nest->depth];
}

/* An item starts at `at`: NO_MORE_ITEMS if none is wanted. */
COMMON_MUST_USE enum common_cbor_fault common_cbor_nest_start(struct common_cbor_nest *nest,
                                                              size_t at);

/* The item that has started is an array or map with so many items, or a tag with one. */
COMMON_MUST_USE enum common_cbor_fault
common_cbor_nest_open(struct common_cbor_nest *nest, enum common_cbor_type type, size_t num_items);

/* The item that has started is complete, and ends at `end`; with it the tags around it. */
COMMON_MUST_USE enum common_cbor_fault common_cbor_nest_end(struct common_cbor_nest *nest,
                                                            const uint8_t *document, size_t end);

/* The innermost array or map ends at `end`: MISUSE if there is none, UNREAD_ITEMS if it wants more
 * items. */
COMMON_MUST_USE enum common_cbor_fault common_cbor_nest_close(struct common_cbor_nest *nest,
                                                              const uint8_t *document, size_t end);

#endif
