/* SPDX-License-Identifier: Apache-2.0 */
/* What reader and writer have in common: the kinds of items, and the ceilings. */
#ifndef COMMON_CBOR_TYPES_H
#define COMMON_CBOR_TYPES_H

#include <stddef.h>

/* Arrays, maps and tags inside one another. Reading and writing need no heap because of it. */
enum {
    COMMON_CBOR_MAX_DEPTH = 16
};

enum common_cbor_type {
    COMMON_CBOR_TYPE_NONE, /* there is no item */
    COMMON_CBOR_TYPE_UINT,
    COMMON_CBOR_TYPE_NEGATIVE,
    COMMON_CBOR_TYPE_BYTES,
    COMMON_CBOR_TYPE_TEXT,
    COMMON_CBOR_TYPE_ARRAY,
    COMMON_CBOR_TYPE_MAP,
    COMMON_CBOR_TYPE_TAG,
    COMMON_CBOR_TYPE_SIMPLE, /* all but the next two, undefined (23) among them */
    COMMON_CBOR_TYPE_BOOL,
    COMMON_CBOR_TYPE_NULL,
    COMMON_CBOR_TYPE_DOUBLE, /* a float of any width */
};

struct common_cbor_limits {
    size_t max_bytes; /* of the document */
    size_t max_depth; /* 0: no array, map or tag at all. What is above COMMON_CBOR_MAX_DEPTH means
                         just that */
    size_t max_items; /* in all; keys, arrays, maps and tags count too */
};

/* 1 MiB, COMMON_CBOR_MAX_DEPTH, 65,536 items. */
struct common_cbor_limits common_cbor_limits_default(void);

#endif
