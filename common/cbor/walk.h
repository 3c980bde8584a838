/* SPDX-License-Identifier: Apache-2.0 */
/* One whole item with all that is inside it: is it well-formed and deterministic, and where does it
 * end? Iterative, allocates nothing. */
#ifndef COMMON_CBOR_WALK_H
#define COMMON_CBOR_WALK_H

#include "common/cbor/fault.h"
#include "common/cbor/types.h"

#include <stdint.h>

/* *out_end is the length of the item that starts at data, or, with a fault, the offset of the item
 * or key that is to blame. Bytes after the item are not looked at. max_bytes is the caller's. */
COMMON_MUST_USE enum common_cbor_fault common_cbor_walk(size_t *out_end, const uint8_t *data,
                                                        size_t data_len,
                                                        const struct common_cbor_limits *limits);

#endif
