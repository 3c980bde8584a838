/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads deterministic CBOR (RFC 8949 section 4.2.1) that comes from outside.
 *
 * The whole document is checked before the first item is given out: well-formed, in its one
 * deterministic form, within the limits, nothing behind it. What can go wrong afterwards is that
 * the document is not what the format says. It is then read with a cursor, from the front to the
 * back: no tree, no heap, no recursion. What a tag means, and which values are allowed, is the
 * business of the format.
 *
 * The first error sticks: later calls do nothing and return it again. A function that fails gives
 * zeroes, so that a loop over a count or a switch over a key ends. So a run of calls reads
 *
 *     uint64_t version = 0;
 *     const uint8_t *nonce = NULL;
 *     if (common_cbor_enter_array_exact(&reader, 2) || common_cbor_get_uint(&reader, &version) ||
 *         common_cbor_get_bytes_exact(&reader, &nonce, 12) || common_cbor_leave(&reader))
 *         return common_cbor_error(&reader);
 *
 * and a map with integer keys, whose unknown keys are passed over (or refused: call
 * common_cbor_refuse() there), reads
 *
 *     int64_t key = 0;
 *     int error = common_cbor_enter_map(&reader, &num_pairs);
 *     while (!error && common_cbor_next_int_key(&reader, &key)) {
 *         switch (key) {
 *         case 1:
 *             error = common_cbor_get_uint(&reader, &out->size);
 *             break;
 *         default:
 *             error = common_cbor_skip(&reader);
 *             break;
 *         }
 *     }
 *     if (common_cbor_leave(&reader))
 *         return common_cbor_error(&reader);
 *
 * and a map whose keys are all known, some of them optional, reads common_cbor_take_int_key() for
 * one after the other in the order of their encodings (0, 1, 2, ..., -1, -2, ...).
 *
 * Ownership: the reader borrows the input, and gives out pointers into it. The input must stay as
 * it is as long as the reader or such a pointer is in use. Nothing is to be freed. Threads: one at
 * a time per reader. Units: lengths and offsets are bytes.
 */
#ifndef COMMON_CBOR_READER_H
#define COMMON_CBOR_READER_H

#include "common/cbor/fault.h"
#include "common/cbor/nest.h"
#include "common/cbor/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For the functions below only. */
struct common_cbor_reader {
    const uint8_t *data;
    size_t data_len;
    size_t at;
    size_t max_items;
    enum common_cbor_fault fault;
    size_t fault_at;
    struct common_cbor_nest nest;
};

/* Starts at the front of a document of exactly one item, and checks it all. limits NULL: the
 * default. */
COMMON_MUST_USE int common_cbor_reader_init(struct common_cbor_reader *reader, const uint8_t *data,
                                            size_t data_len,
                                            const struct common_cbor_limits *limits);

/* 0 if the document was read to its end. UNREAD_ITEMS if something is left or still open. */
COMMON_MUST_USE int common_cbor_reader_finish(struct common_cbor_reader *reader);

/* The error that sticks, 0 if none; the fault behind it; and where in the input: the first byte of
 * the item that is to blame. */
int common_cbor_error(const struct common_cbor_reader *reader);
enum common_cbor_fault common_cbor_fault(const struct common_cbor_reader *reader);
size_t common_cbor_fault_offset(const struct common_cbor_reader *reader);

/* The format does not allow what was read last, or what is next: NOT_ALLOWED sticks, and its
 * category is returned. */
int common_cbor_refuse(struct common_cbor_reader *reader);

/* What the next item is. NONE at the end of an array, a map, the document, and after an error. */
enum common_cbor_type common_cbor_peek(const struct common_cbor_reader *reader);

/* Is there a next item in the innermost array or map (in the document, outside)? */
bool common_cbor_has_more(const struct common_cbor_reader *reader);

/* The next item, which must be of the type: NOT_THE_TYPE. get_int: OUT_OF_RANGE if it does not fit;
 * get_negative gives n of -1 - n, down to -2^64. */
COMMON_MUST_USE int common_cbor_get_uint(struct common_cbor_reader *reader, uint64_t *out);
COMMON_MUST_USE int common_cbor_get_int(struct common_cbor_reader *reader, int64_t *out);
COMMON_MUST_USE int common_cbor_get_negative(struct common_cbor_reader *reader, uint64_t *out);
COMMON_MUST_USE int common_cbor_get_bool(struct common_cbor_reader *reader, bool *out);
COMMON_MUST_USE int common_cbor_get_null(struct common_cbor_reader *reader);
COMMON_MUST_USE int common_cbor_get_double(struct common_cbor_reader *reader, double *out);
COMMON_MUST_USE int common_cbor_get_simple(struct common_cbor_reader *reader, uint8_t *out);

/* A string, borrowed from the input: TOO_LONG above max_len. Text is UTF-8, may hold zero bytes and
 * does not end in one. */
COMMON_MUST_USE int common_cbor_get_bytes(struct common_cbor_reader *reader, const uint8_t **out,
                                          size_t *out_len, size_t max_len);
COMMON_MUST_USE int common_cbor_get_text(struct common_cbor_reader *reader, const char **out,
                                         size_t *out_len, size_t max_len);

/* NOT_THE_LENGTH if it is not exactly that long. */
COMMON_MUST_USE int common_cbor_get_bytes_exact(struct common_cbor_reader *reader,
                                                const uint8_t **out, size_t len);

/* A tag; the next item is what it is a tag of. */
COMMON_MUST_USE int common_cbor_get_tag(struct common_cbor_reader *reader, uint64_t *out);

/* Into an array or map; the counts are those of items and of pairs. */
COMMON_MUST_USE int common_cbor_enter_array(struct common_cbor_reader *reader,
                                            size_t *out_num_items);
COMMON_MUST_USE int common_cbor_enter_array_exact(struct common_cbor_reader *reader,
                                                  size_t num_items);
COMMON_MUST_USE int common_cbor_enter_map(struct common_cbor_reader *reader, size_t *out_num_pairs);

/* Out of it. UNREAD_ITEMS if something in it was not read: what a reader does not know it must skip
 * on purpose. */
COMMON_MUST_USE int common_cbor_leave(struct common_cbor_reader *reader);

/* At a key of a map: reads it, which must be an integer that fits. False at the end of the map and
 * after an error, which common_cbor_leave() tells apart. MISUSE if the value of the key before was
 * not read. */
COMMON_MUST_USE bool common_cbor_next_int_key(struct common_cbor_reader *reader, int64_t *out);

/* At a key of a map: reads it if it is this one. *out says so; if not, nothing was read. */
COMMON_MUST_USE int common_cbor_take_int_key(struct common_cbor_reader *reader, bool *out,
                                             int64_t key);

/* Passes over the next item with all that is inside it. Takes the time of reading it. */
COMMON_MUST_USE int common_cbor_skip(struct common_cbor_reader *reader);

/* The same, and gives its encoded bytes, borrowed: for a MAC, or to decode it later. */
COMMON_MUST_USE int common_cbor_get_raw(struct common_cbor_reader *reader, const uint8_t **out,
                                        size_t *out_len);

#endif
