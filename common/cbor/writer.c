/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   W1  What common_cbor_writer_finish() returns 0 for is one item that the reader takes (R1 of
 *       reader.c), apart from the limits of that reader.
 *   W2  The first error sticks, and nothing of the document is left in the buffer after it.
 */
#include "common/cbor/writer.h"

#include "common/base/endian.h"
#include "common/base/utf8.h"
#include "common/cbor/float.h"
#include "common/cbor/head.h"
#include "common/cbor/walk.h"

#include <string.h>

/* Major types where they stand in the first byte. */
enum {
    MAJOR_UINT = 0x00,
    MAJOR_NEGATIVE = 0x20,
    MAJOR_BYTES = 0x40,
    MAJOR_TEXT = 0x60,
    MAJOR_ARRAY = 0x80,
    MAJOR_MAP = 0xa0,
    MAJOR_TAG = 0xc0,
    MAJOR_OTHER = 0xe0
};

enum {
    INFO_ONE_BYTE = 24,
    SIMPLE_FALSE = 20,
    SIMPLE_TRUE = 21,
    SIMPLE_NULL = 22,
    SIMPLE_UNDEFINED = 23,
    SIMPLE_FIRST_LONG = 32,
    MAX_HEAD_LEN = 9
};

struct common_cbor_writer common_cbor_writer(struct common_buf *buf)
{
    struct common_cbor_writer writer = {.buf = buf, .start = buf->len};
    common_cbor_nest_init(&writer.nest, COMMON_CBOR_MAX_DEPTH);
    return writer;
}

enum common_cbor_fault common_cbor_writer_fault(const struct common_cbor_writer *writer)
{
    return writer->fault;
}

static int error_of(const struct common_cbor_writer *writer)
{
    if (writer->fault == COMMON_CBOR_FAULT_BUFFER)
        return writer->buf_error;
    /* What would be a corrupt document is a wrong parameter on this side. */
    int category = common_cbor_fault_category(writer->fault);
    return category == COMMON_ERR_CORRUPT ? COMMON_ERR_INVALID : category;
}

static void note(struct common_cbor_writer *writer, enum common_cbor_fault fault)
{
    if (!writer->fault)
        writer->fault = fault;
}

int common_cbor_writer_finish(struct common_cbor_writer *writer)
{
    if (!common_cbor_nest_is_complete(&writer->nest))
        note(writer, COMMON_CBOR_FAULT_UNREAD_ITEMS);
    if (writer->fault)
        common_buf_truncate(writer->buf, writer->start);
    return error_of(writer);
}

/* The document so far. The buffer may have no memory yet. */
static const uint8_t *document(const struct common_cbor_writer *writer)
{
    return writer->buf->data ? writer->buf->data + writer->start : NULL;
}

static size_t document_len(const struct common_cbor_writer *writer)
{
    return writer->buf->len - writer->start;
}

static void append(struct common_cbor_writer *writer, const void *bytes, size_t len)
{
    if (writer->fault)
        return;
    writer->buf_error = common_buf_append(writer->buf, bytes, len);
    if (writer->buf_error)
        note(writer, COMMON_CBOR_FAULT_BUFFER);
}

/* An argument in the width that is asked for. */
static void append_wide(struct common_cbor_writer *writer, unsigned major, uint64_t argument,
                        size_t width)
{
    uint8_t head[MAX_HEAD_LEN] = {0};
    unsigned log2 = width == 1 ? 0 : width == 2 ? 1 : width == 4 ? 2 : 3;

    head[0] = (uint8_t)(major | (INFO_ONE_BYTE + log2));
    common_put_be64(head + 1, argument << (64 - 8 * width));
    append(writer, head, 1 + width);
}

/* An argument in its shortest form. */
static void append_head(struct common_cbor_writer *writer, unsigned major, uint64_t argument)
{
    if (argument < INFO_ONE_BYTE) {
        uint8_t head = (uint8_t)(major | argument);
        append(writer, &head, 1);
        return;
    }
    append_wide(writer, major, argument,
                argument <= UINT8_MAX    ? 1
                : argument <= UINT16_MAX ? 2
                : argument <= UINT32_MAX ? 4
                                         : 8);
}

/* Each item: start, its bytes, end. */
static void start(struct common_cbor_writer *writer)
{
    if (!writer->fault)
        note(writer, common_cbor_nest_start(&writer->nest, document_len(writer)));
}

/* H6 of head.c: with what was written behind it, is the tag around the present item right? */
static void check_tag(struct common_cbor_writer *writer)
{
    struct common_cbor_head tag = {0};
    if (writer->fault || common_cbor_nest_top(&writer->nest)->type != COMMON_CBOR_TYPE_TAG)
        return;
    size_t at = writer->nest.frames[writer->nest.depth - 1].item_at;
    note(writer, common_cbor_head_read(&tag, document(writer) + at, document_len(writer) - at));
}

static void end(struct common_cbor_writer *writer)
{
    check_tag(writer);
    if (!writer->fault)
        note(writer, common_cbor_nest_end(&writer->nest, document(writer), document_len(writer)));
}

static void open(struct common_cbor_writer *writer, enum common_cbor_type type, size_t num_items)
{
    check_tag(writer);
    if (!writer->fault)
        note(writer, common_cbor_nest_open(&writer->nest, type, num_items));
}

static void put_head(struct common_cbor_writer *writer, unsigned major, uint64_t argument)
{
    start(writer);
    append_head(writer, major, argument);
    end(writer);
}

static void put_string(struct common_cbor_writer *writer, unsigned major, const void *bytes,
                       size_t len)
{
    start(writer);
    append_head(writer, major, len);
    append(writer, bytes, len);
    end(writer);
}

void common_cbor_put_uint(struct common_cbor_writer *writer, uint64_t value)
{
    put_head(writer, MAJOR_UINT, value);
}

void common_cbor_put_int(struct common_cbor_writer *writer, int64_t value)
{
    if (value < 0)
        put_head(writer, MAJOR_NEGATIVE, (uint64_t)(-1 - value));
    else
        put_head(writer, MAJOR_UINT, (uint64_t)value);
}

void common_cbor_put_negative(struct common_cbor_writer *writer, uint64_t n)
{
    put_head(writer, MAJOR_NEGATIVE, n);
}

void common_cbor_put_bytes(struct common_cbor_writer *writer, const uint8_t *bytes, size_t len)
{
    put_string(writer, MAJOR_BYTES, bytes, len);
}

void common_cbor_put_text(struct common_cbor_writer *writer, const char *text, size_t len)
{
    if (!common_utf8_is_valid((const uint8_t *)text, len))
        note(writer, COMMON_CBOR_FAULT_BAD_UTF8);
    put_string(writer, MAJOR_TEXT, text, len);
}

void common_cbor_put_bool(struct common_cbor_writer *writer, bool value)
{
    put_head(writer, MAJOR_OTHER, value ? SIMPLE_TRUE : SIMPLE_FALSE);
}

void common_cbor_put_null(struct common_cbor_writer *writer)
{
    put_head(writer, MAJOR_OTHER, SIMPLE_NULL);
}

void common_cbor_put_double(struct common_cbor_writer *writer, double value)
{
    uint64_t bits = 0;

    memcpy(&bits, &value, sizeof(bits));
    struct common_cbor_float number =
        common_cbor_float_shortest((struct common_cbor_float){.width = sizeof(bits), .bits = bits});
    start(writer);
    append_wide(writer, MAJOR_OTHER, number.bits, number.width);
    end(writer);
}

void common_cbor_put_simple(struct common_cbor_writer *writer, uint8_t value)
{
    if (value >= SIMPLE_FALSE && value < SIMPLE_FIRST_LONG && value != SIMPLE_UNDEFINED)
        note(writer, COMMON_CBOR_FAULT_RESERVED);
    put_head(writer, MAJOR_OTHER, value);
}

void common_cbor_put_tag(struct common_cbor_writer *writer, uint64_t tag)
{
    start(writer);
    append_head(writer, MAJOR_TAG, tag);
    open(writer, COMMON_CBOR_TYPE_TAG, 1);
}

void common_cbor_begin_array(struct common_cbor_writer *writer, size_t num_items)
{
    start(writer);
    append_head(writer, MAJOR_ARRAY, num_items);
    open(writer, COMMON_CBOR_TYPE_ARRAY, num_items);
}

void common_cbor_begin_map(struct common_cbor_writer *writer, size_t num_pairs)
{
    if (num_pairs > SIZE_MAX / 2)
        note(writer, COMMON_CBOR_FAULT_ITEMS); /* keys and values could not be counted */
    start(writer);
    append_head(writer, MAJOR_MAP, num_pairs);
    open(writer, COMMON_CBOR_TYPE_MAP, 2 * num_pairs);
}

void common_cbor_end(struct common_cbor_writer *writer)
{
    if (!writer->fault)
        note(writer, common_cbor_nest_close(&writer->nest, document(writer), document_len(writer)));
}

void common_cbor_put_raw(struct common_cbor_writer *writer, const uint8_t *raw, size_t raw_len)
{
    struct common_cbor_limits limits = {.max_depth = writer->nest.max_depth - writer->nest.depth,
                                        .max_items = SIZE_MAX};
    size_t raw_end = 0;

    if (!writer->fault)
        note(writer, common_cbor_walk(&raw_end, raw, raw_len, &limits));
    if (raw_end != raw_len)
        note(writer, COMMON_CBOR_FAULT_TRAILING_BYTES);
    start(writer);
    append(writer, raw, raw_len);
    end(writer);
}
