/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One item of CBOR: its head, and the content of a string. What follows the head of an array, a
 * map or a tag are items of their own. Stateless; allocates nothing.
 */
#ifndef COMMON_CBOR_HEAD_H
#define COMMON_CBOR_HEAD_H

#include "common/cbor/fault.h"
#include "common/cbor/types.h"

#include <stdint.h>

struct common_cbor_head {
    enum common_cbor_type type;
    uint64_t value;       /* unsigned: itself; negative: n of -1 - n; string: bytes; array: items;
                             map: pairs; tag, simple: the number; bool: 0 or 1 */
    double number;        /* of a float */
    const uint8_t *bytes; /* of a string: its content, inside the input */
    size_t len;           /* bytes that head and content take */
};

/* All zero, with the fault, if the item is not well-formed, not in its one deterministic form, or
 * cannot be complete in `data_len` bytes. */
COMMON_MUST_USE enum common_cbor_fault common_cbor_head_read(struct common_cbor_head *out,
                                                             const uint8_t *data, size_t data_len);

/* What an item that starts with this byte is, if it is valid at all. */
enum common_cbor_type common_cbor_head_type(uint8_t first);

#endif
