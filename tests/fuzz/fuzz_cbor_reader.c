/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes, under several limits. What the reader takes is walked with every getter and with skip
 * and raw, and is written again: deterministic encoding has one form, so the bytes must be the
 * same.
 */
#include "common/base/buf.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/cbor_text.h"

#include <string.h>

/* Every call on the next item; all but one are refused. The copies of the reader keep the original
 * where it is. */
static void try_all_getters(const struct common_cbor_reader *reader)
{
    const enum common_cbor_type type = common_cbor_peek(reader);
    struct common_cbor_reader copies[13];
    uint64_t u64 = 0;
    int64_t i64 = 0;
    bool flag = false;
    double number = 0;
    uint8_t simple = 0;
    const uint8_t *bytes = NULL;
    const char *text = NULL;
    size_t len = 0;

    for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++)
        copies[i] = *reader;
    FUZZ_CHECK(!common_cbor_get_uint(&copies[0], &u64) == (type == COMMON_CBOR_TYPE_UINT));
    FUZZ_CHECK(!common_cbor_get_negative(&copies[1], &u64) == (type == COMMON_CBOR_TYPE_NEGATIVE));
    FUZZ_CHECK(!common_cbor_get_tag(&copies[2], &u64) == (type == COMMON_CBOR_TYPE_TAG));
    FUZZ_CHECK(!common_cbor_get_bool(&copies[3], &flag) == (type == COMMON_CBOR_TYPE_BOOL));
    FUZZ_CHECK(!common_cbor_get_null(&copies[4]) == (type == COMMON_CBOR_TYPE_NULL));
    FUZZ_CHECK(!common_cbor_get_double(&copies[5], &number) == (type == COMMON_CBOR_TYPE_DOUBLE));
    FUZZ_CHECK(!common_cbor_get_simple(&copies[6], &simple) == (type == COMMON_CBOR_TYPE_SIMPLE));
    FUZZ_CHECK(!common_cbor_get_bytes(&copies[7], &bytes, &len, SIZE_MAX) ==
               (type == COMMON_CBOR_TYPE_BYTES));
    FUZZ_CHECK(!common_cbor_get_text(&copies[8], &text, &len, SIZE_MAX) ==
               (type == COMMON_CBOR_TYPE_TEXT));
    FUZZ_CHECK(!common_cbor_enter_array(&copies[9], &len) == (type == COMMON_CBOR_TYPE_ARRAY));
    FUZZ_CHECK(!common_cbor_enter_map(&copies[10], &len) == (type == COMMON_CBOR_TYPE_MAP));
    if (!common_cbor_get_int(&copies[11], &i64))
        FUZZ_CHECK(type == COMMON_CBOR_TYPE_UINT || type == COMMON_CBOR_TYPE_NEGATIVE);
    else
        FUZZ_CHECK(i64 == 0);
    FUZZ_CHECK(!common_cbor_skip(&copies[12]) == (type != COMMON_CBOR_TYPE_NONE));
}

/* Goes through the document item by item, in and out of everything. */
static void walk(struct common_cbor_reader *reader)
{
    size_t open = 0;
    size_t len = 0;
    uint64_t tag = 0;

    for (;;) {
        try_all_getters(reader);
        switch (common_cbor_peek(reader)) {
        case COMMON_CBOR_TYPE_NONE:
            if (open == 0)
                return;
            FUZZ_CHECK(!common_cbor_leave(reader));
            open--;
            break;
        case COMMON_CBOR_TYPE_ARRAY:
            FUZZ_CHECK(!common_cbor_enter_array(reader, &len));
            open++;
            break;
        case COMMON_CBOR_TYPE_MAP:
            FUZZ_CHECK(!common_cbor_enter_map(reader, &len));
            open++;
            break;
        case COMMON_CBOR_TYPE_TAG:
            FUZZ_CHECK(!common_cbor_get_tag(reader, &tag));
            break;
        default:
            FUZZ_CHECK(!common_cbor_skip(reader));
        }
    }
}

/* A format that knows the keys 1 to 3, on whatever comes: ends, and says why it did not. */
static void read_as_a_map(struct common_cbor_reader *reader)
{
    size_t num_pairs = 0;
    int64_t key = 0;
    const uint8_t *bytes = NULL;
    size_t len = 0;
    bool found = false;
    int error = common_cbor_enter_map(reader, &num_pairs);

    if (!error)
        error = common_cbor_take_int_key(reader, &found, 1);
    if (found)
        error = common_cbor_skip(reader);
    while (!error && common_cbor_next_int_key(reader, &key))
        error = key == 2   ? common_cbor_get_bytes(reader, &bytes, &len, 8)
                : key == 3 ? common_cbor_get_bytes_exact(reader, &bytes, 4)
                           : common_cbor_skip(reader);
    if (common_cbor_leave(reader))
        FUZZ_CHECK(common_cbor_reader_finish(reader) < 0);
    else
        FUZZ_CHECK(common_cbor_reader_finish(reader) == 0);
}

static void expect_the_same_bytes(const struct common_buf *buf, struct common_cbor_writer *writer,
                                  const uint8_t *data, size_t size)
{
    FUZZ_CHECK(common_cbor_writer_finish(writer) == 0);
    FUZZ_CHECK(buf->len == size && memcmp(buf->data, data, size) == 0);
}

static void check_accepted(const struct common_cbor_reader *reader, const uint8_t *data,
                           size_t size)
{
    struct common_cbor_reader copy = *reader;
    const uint8_t *raw = NULL;
    size_t raw_len = 0;

    walk(&copy);
    FUZZ_CHECK(common_cbor_reader_finish(&copy) == 0);
    copy = *reader;
    read_as_a_map(&copy);
    copy = *reader;
    FUZZ_CHECK(!common_cbor_get_raw(&copy, &raw, &raw_len) && raw == data && raw_len == size);
    FUZZ_CHECK(common_cbor_reader_finish(&copy) == 0);

    COMMON_CLEANUP_BUF struct common_buf copied = common_buf_growing(size);
    struct common_cbor_writer writer = common_cbor_writer(&copied);
    copy = *reader;
    cbor_copy(&writer, &copy);
    FUZZ_CHECK(common_cbor_reader_finish(&copy) == 0);
    expect_the_same_bytes(&copied, &writer, data, size);

    COMMON_CLEANUP_BUF struct common_buf whole = common_buf_growing(size);
    writer = common_cbor_writer(&whole);
    common_cbor_put_raw(&writer, data, size);
    expect_the_same_bytes(&whole, &writer, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct common_cbor_limits limits[] = {
        {.max_bytes = SIZE_MAX, .max_depth = SIZE_MAX, .max_items = SIZE_MAX},
        {.max_bytes = 256, .max_depth = 4, .max_items = 32},
        {.max_bytes = 32, .max_depth = 1, .max_items = 8},
        {.max_bytes = 8, .max_depth = 0, .max_items = 1},
    };
    bool was_accepted = true;

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct common_cbor_reader reader;
        bool is_accepted = !common_cbor_reader_init(&reader, data, size, &limits[i]);
        FUZZ_CHECK(was_accepted || !is_accepted); /* lower limits never let more in */
        FUZZ_CHECK(common_cbor_fault_offset(&reader) <= size);
        FUZZ_CHECK(is_accepted == (common_cbor_fault(&reader) == COMMON_CBOR_FAULT_NONE));
        if (is_accepted)
            check_accepted(&reader, data, size);
        else
            try_all_getters(&reader);
        was_accepted = is_accepted;
    }
    return 0;
}
