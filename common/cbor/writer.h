/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes deterministic CBOR (RFC 8949 section 4.2.1) into a common_buf, behind what is in there.
 *
 * Every item gets its shortest form. What the writer cannot decide it checks: that keys come in the
 * order of their encodings (0, 1, 2, ..., -1, -2, ..., then byte strings, text by length and then
 * by bytes) and none twice, that each array and map gets as many items as it announced, that there
 * is one item at the top, that text is UTF-8, that nothing is nested below COMMON_CBOR_MAX_DEPTH.
 * What it accepts, the reader accepts, within the reader's limits.
 *
 * The first error sticks: later calls do nothing. So the puts return nothing, and
 * common_cbor_writer_finish() tells; it must be called, and after an error the document is gone
 * from the buffer again:
 *
 *     struct common_cbor_writer writer = common_cbor_writer(&buf);
 *     common_cbor_begin_map(&writer, 1);
 *     common_cbor_put_uint(&writer, 1);
 *     common_cbor_put_bytes(&writer, nonce, sizeof(nonce));
 *     common_cbor_end(&writer);
 *     return common_cbor_writer_finish(&writer);
 *
 * Errors: COMMON_ERR_INVALID for what the caller may not write, COMMON_ERR_STATE for an end without
 * a beginning, COMMON_ERR_LIMIT for depth, and those of the buffer. Ownership: the buffer is
 * borrowed until the end; nobody else may write into it before, and what is put must not lie in it.
 * No heap but the buffer's. Threads: one at a time per writer.
 */
#ifndef COMMON_CBOR_WRITER_H
#define COMMON_CBOR_WRITER_H

#include "common/base/buf.h"
#include "common/cbor/fault.h"
#include "common/cbor/nest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For the functions below only. */
struct common_cbor_writer {
    struct common_buf *buf;
    size_t start;  /* of the document in the buffer */
    int buf_error; /* kept here: the buffer forgets it when it is wiped */
    enum common_cbor_fault fault;
    struct common_cbor_nest nest;
};

/* At the start of a document. */
struct common_cbor_writer common_cbor_writer(struct common_buf *buf);

/* 0 if one whole item was written: UNREAD_ITEMS otherwise. */
COMMON_MUST_USE int common_cbor_writer_finish(struct common_cbor_writer *writer);

/* The fault that sticks; of the buffer's own errors, BUFFER. */
enum common_cbor_fault common_cbor_writer_fault(const struct common_cbor_writer *writer);

void common_cbor_put_uint(struct common_cbor_writer *writer, uint64_t value);
void common_cbor_put_int(struct common_cbor_writer *writer, int64_t value);
/* -1 - n, down to -2^64. */
void common_cbor_put_negative(struct common_cbor_writer *writer, uint64_t n);
void common_cbor_put_bytes(struct common_cbor_writer *writer, const uint8_t *bytes, size_t len);
void common_cbor_put_text(struct common_cbor_writer *writer, const char *text, size_t len);
void common_cbor_put_bool(struct common_cbor_writer *writer, bool value);
void common_cbor_put_null(struct common_cbor_writer *writer);
/* In 2, 4 or 8 bytes, the fewest that keep the value. All NaNs become one. */
void common_cbor_put_double(struct common_cbor_writer *writer, double value);
/* 0-19, 23 (undefined) and 32-255; bool and null have functions of their own. */
void common_cbor_put_simple(struct common_cbor_writer *writer, uint8_t value);

/* Of the next item. After 2 and 3, big numbers, it is a byte string of 9 bytes or more that does
 * not begin with zero: what fits an integer is written as one. */
void common_cbor_put_tag(struct common_cbor_writer *writer, uint64_t tag);

void common_cbor_begin_array(struct common_cbor_writer *writer, size_t num_items);
void common_cbor_begin_map(struct common_cbor_writer *writer, size_t num_pairs);
/* Of the innermost array or map, which must be full. */
void common_cbor_end(struct common_cbor_writer *writer);

/* An item that is encoded already: checked like one from outside, and put as it is. */
void common_cbor_put_raw(struct common_cbor_writer *writer, const uint8_t *raw, size_t raw_len);

#endif
