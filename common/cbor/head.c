/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an item (RFC 8949 section 3): three bits of major type, five bits that are the
 * argument itself (0-23), or the width of the argument that follows (24-27: 1, 2, 4, 8 bytes), or
 * reserved (28-30), or say "indefinite length" (31).
 *
 *   H1  No byte beyond the input is looked at.
 *   H2  The argument is in its shortest form; a float in the shortest that keeps the value, and NaN
 *       is f97e00 (section 4.2.1, section 4.2.2). A simple value of two bytes is 32 or more
 *       (section 3.3).
 *   H3  Nothing reserved, no indefinite length.
 *   H4  A string lies within the input. An array or map declares no more items than there are bytes
 *       left, as each takes one at least: no later sum or product of counts can wrap.
 *   H5  Text is UTF-8.
 *   H6  A big number (tags 2 and 3) is a byte string without leading zeros that is too large for an
 *       integer of 64 bits: what an integer can say has that form alone (RFC 8949 section 3.4.3).
 *
 * The rules are checked on the bytes first, because the callbacks of libcbor do not tell the form
 * in which a value came, turn every NaN of 2 bytes into the same, and (before 0.9) cut lengths to
 * size_t. libcbor then decodes what has passed, except tags and simple values: versions before
 * 0.11 know no tag from 6 to 20 (COSE_Encrypt0 is 16), and only the newest know the simple values
 * that have no meaning yet.
 */
#include "common/cbor/head.h"

#include "common/base/endian.h"
#include "common/base/utf8.h"
#include "common/cbor/float.h"

#include <cbor.h>

/* Lengths and counts in the callbacks were size_t before libcbor 0.9. */
#if CBOR_MAJOR_VERSION == 0 && CBOR_MINOR_VERSION < 9
typedef size_t native_len;
#else
typedef uint64_t native_len;
#endif

enum major {
    MAJOR_UINT,
    MAJOR_NEGATIVE,
    MAJOR_BYTES,
    MAJOR_TEXT,
    MAJOR_ARRAY,
    MAJOR_MAP,
    MAJOR_TAG,
    MAJOR_OTHER
};

enum {
    INFO_ONE_BYTE = 24,
    INFO_EIGHT_BYTES = 27,
    INFO_INDEFINITE = 31,
    TAG_BIGNUM = 2,
    TAG_NEGATIVE_BIGNUM = 3,
    INTEGER_MAX_LEN = 8,
    SIMPLE_FALSE = 20,
    SIMPLE_TRUE = 21,
    SIMPLE_NULL = 22,
    SIMPLE_LAST_SHORT = 23,
    SIMPLE_FIRST_LONG = 32
};

/* A head as it stands in the bytes. */
struct raw_head {
    enum major major;
    unsigned info;
    uint64_t argument;
    size_t len;
};

static enum common_cbor_fault read_argument(struct raw_head *head, const uint8_t *data,
                                            size_t data_len)
{
    if (head->info < INFO_ONE_BYTE) {
        head->argument = head->info;
        head->len = 1;
        return COMMON_CBOR_FAULT_NONE;
    }
    size_t width = (size_t)1 << (head->info - INFO_ONE_BYTE);
    if (data_len - 1 < width)
        return COMMON_CBOR_FAULT_TRUNCATED;
    head->argument = width == 1   ? data[1]
                     : width == 2 ? common_get_be16(data + 1)
                     : width == 4 ? common_get_be32(data + 1)
                                  : common_get_be64(data + 1);
    head->len = 1 + width;
    return COMMON_CBOR_FAULT_NONE;
}

static enum common_cbor_fault check_form(const struct raw_head *head)
{
    /* The smallest argument that needs the width. */
    static const uint64_t smallest[] = {24, 1U << 8, 1U << 16, 1ULL << 32};

    if (head->info < INFO_ONE_BYTE)
        return COMMON_CBOR_FAULT_NONE;
    if (head->major != MAJOR_OTHER)
        return head->argument < smallest[head->info - INFO_ONE_BYTE]
                   ? COMMON_CBOR_FAULT_NOT_SHORTEST
                   : COMMON_CBOR_FAULT_NONE;
    if (head->info == INFO_ONE_BYTE)
        return head->argument <= SIMPLE_LAST_SHORT  ? COMMON_CBOR_FAULT_NOT_SHORTEST
               : head->argument < SIMPLE_FIRST_LONG ? COMMON_CBOR_FAULT_RESERVED
                                                    : COMMON_CBOR_FAULT_NONE;
    struct common_cbor_float given = {.width = head->len - 1, .bits = head->argument};
    struct common_cbor_float shortest = common_cbor_float_shortest(given);
    return shortest.width != given.width || shortest.bits != given.bits
               ? COMMON_CBOR_FAULT_NOT_SHORTEST
               : COMMON_CBOR_FAULT_NONE;
}

static enum common_cbor_fault check_extent(const struct raw_head *head, const uint8_t *data,
                                           size_t data_len)
{
    size_t left = data_len - head->len;

    switch (head->major) {
    case MAJOR_BYTES:
    case MAJOR_ARRAY:
        return head->argument > left ? COMMON_CBOR_FAULT_TRUNCATED : COMMON_CBOR_FAULT_NONE;
    case MAJOR_MAP:
        return head->argument > left / 2 ? COMMON_CBOR_FAULT_TRUNCATED : COMMON_CBOR_FAULT_NONE;
    case MAJOR_TEXT:
        if (head->argument > left)
            return COMMON_CBOR_FAULT_TRUNCATED;
        return common_utf8_is_valid(data + head->len, (size_t)head->argument)
                   ? COMMON_CBOR_FAULT_NONE
                   : COMMON_CBOR_FAULT_BAD_UTF8;
    default:
        return COMMON_CBOR_FAULT_NONE;
    }
}

static enum common_cbor_fault check_head(struct raw_head *head, const uint8_t *data,
                                         size_t data_len)
{
    if (data_len == 0)
        return COMMON_CBOR_FAULT_TRUNCATED;
    head->major = (enum major)(data[0] >> 5);
    head->info = data[0] & 0x1f;
    if (head->info == INFO_INDEFINITE && head->major != MAJOR_UINT &&
        head->major != MAJOR_NEGATIVE && head->major != MAJOR_TAG)
        return COMMON_CBOR_FAULT_INDEFINITE_LENGTH; /* or the "break" that would end one */
    if (head->info > INFO_EIGHT_BYTES)
        return COMMON_CBOR_FAULT_RESERVED;
    enum common_cbor_fault fault = read_argument(head, data, data_len);
    if (!fault)
        fault = check_form(head);
    if (!fault)
        fault = check_extent(head, data, data_len);
    return fault;
}

/* H6, seen from the tag: it looks at the item behind it, and leaves to that item what is wrong with
 * it as a byte string. */
static enum common_cbor_fault check_bignum(const struct raw_head *tag, const uint8_t *data,
                                           size_t data_len)
{
    if (tag->argument != TAG_BIGNUM && tag->argument != TAG_NEGATIVE_BIGNUM)
        return COMMON_CBOR_FAULT_NONE;
    const uint8_t *content = data + tag->len;
    size_t left = data_len - tag->len;
    if (left == 0)
        return COMMON_CBOR_FAULT_NONE;
    if (content[0] >> 5 != MAJOR_BYTES)
        return COMMON_CBOR_FAULT_NOT_A_BIGNUM;
    struct raw_head string = {0};
    if (check_head(&string, content, left))
        return COMMON_CBOR_FAULT_NONE;
    return string.argument <= INTEGER_MAX_LEN || content[string.len] == 0
               ? COMMON_CBOR_FAULT_NOT_A_BIGNUM
               : COMMON_CBOR_FAULT_NONE;
}

static enum common_cbor_fault check(struct raw_head *head, const uint8_t *data, size_t data_len)
{
    enum common_cbor_fault fault = check_head(head, data, data_len);
    if (!fault && head->major == MAJOR_TAG)
        fault = check_bignum(head, data, data_len);
    return fault;
}

static void set(void *context, enum common_cbor_type type, uint64_t value)
{
    struct common_cbor_head *head = context;
    head->type = type;
    head->value = value;
}

static void set_string(void *context, enum common_cbor_type type, cbor_data bytes, native_len len)
{
    struct common_cbor_head *head = context;
    set(context, type, len);
    head->bytes = bytes;
}

static void on_uint8(void *context, uint8_t value)
{
    set(context, COMMON_CBOR_TYPE_UINT, value);
}

static void on_uint16(void *context, uint16_t value)
{
    set(context, COMMON_CBOR_TYPE_UINT, value);
}

static void on_uint32(void *context, uint32_t value)
{
    set(context, COMMON_CBOR_TYPE_UINT, value);
}

static void on_uint64(void *context, uint64_t value)
{
    set(context, COMMON_CBOR_TYPE_UINT, value);
}

static void on_negint8(void *context, uint8_t value)
{
    set(context, COMMON_CBOR_TYPE_NEGATIVE, value);
}

static void on_negint16(void *context, uint16_t value)
{
    set(context, COMMON_CBOR_TYPE_NEGATIVE, value);
}

static void on_negint32(void *context, uint32_t value)
{
    set(context, COMMON_CBOR_TYPE_NEGATIVE, value);
}

static void on_negint64(void *context, uint64_t value)
{
    set(context, COMMON_CBOR_TYPE_NEGATIVE, value);
}

static void on_byte_string(void *context, cbor_data bytes, native_len len)
{
    set_string(context, COMMON_CBOR_TYPE_BYTES, bytes, len);
}

static void on_string(void *context, cbor_data bytes, native_len len)
{
    set_string(context, COMMON_CBOR_TYPE_TEXT, bytes, len);
}

static void on_array_start(void *context, native_len num_items)
{
    set(context, COMMON_CBOR_TYPE_ARRAY, num_items);
}

static void on_map_start(void *context, native_len num_pairs)
{
    set(context, COMMON_CBOR_TYPE_MAP, num_pairs);
}

static void on_float(void *context, float number)
{
    struct common_cbor_head *head = context;
    head->type = COMMON_CBOR_TYPE_DOUBLE;
    head->number = (double)number;
}

static void on_double(void *context, double number)
{
    struct common_cbor_head *head = context;
    head->type = COMMON_CBOR_TYPE_DOUBLE;
    head->number = number;
}

static void on_null(void *context)
{
    set(context, COMMON_CBOR_TYPE_NULL, 0);
}

static void on_boolean(void *context, bool value)
{
    set(context, COMMON_CBOR_TYPE_BOOL, value);
}

/* What H3 or the comment at the top keeps from libcbor still has a callback that does nothing: the
 * type then stays NONE, which is a fault. The member for simple values that newer versions have is
 * left out, as older ones do not know it, and is not called. */
static const struct cbor_callbacks callbacks = {
    .uint8 = on_uint8,
    .uint16 = on_uint16,
    .uint32 = on_uint32,
    .uint64 = on_uint64,
    .negint8 = on_negint8,
    .negint16 = on_negint16,
    .negint32 = on_negint32,
    .negint64 = on_negint64,
    .byte_string_start = cbor_null_byte_string_start_callback,
    .byte_string = on_byte_string,
    .string = on_string,
    .string_start = cbor_null_string_start_callback,
    .indef_array_start = cbor_null_indef_array_start_callback,
    .array_start = on_array_start,
    .indef_map_start = cbor_null_indef_map_start_callback,
    .map_start = on_map_start,
    .tag = cbor_null_tag_callback,
    .float2 = on_float,
    .float4 = on_float,
    .float8 = on_double,
    .undefined = cbor_null_undefined_callback,
    .null = on_null,
    .boolean = on_boolean,
    .indef_break = cbor_null_indef_break_callback,
};

static enum common_cbor_fault decode(struct common_cbor_head *out, const struct raw_head *raw,
                                     const uint8_t *data, size_t data_len)
{
    enum common_cbor_type type = common_cbor_head_type(data[0]);
    if (type == COMMON_CBOR_TYPE_TAG || type == COMMON_CBOR_TYPE_SIMPLE) {
        set(out, type, raw->argument);
        out->len = raw->len;
        return COMMON_CBOR_FAULT_NONE;
    }
    struct cbor_decoder_result result = cbor_stream_decode(data, data_len, &callbacks, out);
    if (result.status != CBOR_DECODER_FINISHED || out->type != type)
        return COMMON_CBOR_FAULT_RESERVED;
    out->len = result.read;
    return COMMON_CBOR_FAULT_NONE;
}

enum common_cbor_fault common_cbor_head_read(struct common_cbor_head *out, const uint8_t *data,
                                             size_t data_len)
{
    struct raw_head raw = {0};

    *out = (struct common_cbor_head){0};
    enum common_cbor_fault fault = check(&raw, data, data_len);
    if (!fault)
        fault = decode(out, &raw, data, data_len);
    if (fault)
        *out = (struct common_cbor_head){0};
    return fault;
}

enum common_cbor_type common_cbor_head_type(uint8_t first)
{
    static const enum common_cbor_type of_major[] = {
        [MAJOR_UINT] = COMMON_CBOR_TYPE_UINT,   [MAJOR_NEGATIVE] = COMMON_CBOR_TYPE_NEGATIVE,
        [MAJOR_BYTES] = COMMON_CBOR_TYPE_BYTES, [MAJOR_TEXT] = COMMON_CBOR_TYPE_TEXT,
        [MAJOR_ARRAY] = COMMON_CBOR_TYPE_ARRAY, [MAJOR_MAP] = COMMON_CBOR_TYPE_MAP,
        [MAJOR_TAG] = COMMON_CBOR_TYPE_TAG,
    };
    unsigned info = first & 0x1f;

    if (first >> 5 != MAJOR_OTHER)
        return of_major[first >> 5];
    if (info == SIMPLE_FALSE || info == SIMPLE_TRUE)
        return COMMON_CBOR_TYPE_BOOL;
    if (info == SIMPLE_NULL)
        return COMMON_CBOR_TYPE_NULL;
    return info > INFO_ONE_BYTE && info <= INFO_EIGHT_BYTES ? COMMON_CBOR_TYPE_DOUBLE
                                                            : COMMON_CBOR_TYPE_SIMPLE;
}
