/* SPDX-License-Identifier: Apache-2.0 */
/* What the writer writes, and what it refuses to write (W1, W2 of writer.c). */
#include "common/base/cleanup.h"
#include "tests/support/cbor_text.h"
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#define F(name) COMMON_CBOR_FAULT_##name

/* A document of many kinds, with keys of each. */
static void put_rich_document(struct common_cbor_writer *writer)
{
    common_cbor_begin_map(writer, 7);
    common_cbor_put_uint(writer, 1);
    common_cbor_begin_array(writer, 3);
    common_cbor_put_int(writer, INT64_MIN);
    common_cbor_put_negative(writer, UINT64_MAX);
    common_cbor_put_bytes(writer, (const uint8_t *)"\x00\xff", 2);
    common_cbor_end(writer);
    common_cbor_put_uint(writer, 1000000);
    common_cbor_put_double(writer, 1.1);
    common_cbor_put_int(writer, -1);
    common_cbor_put_tag(writer, 16);
    common_cbor_put_tag(writer, 70000);
    common_cbor_put_text(writer, "a\xc3\xa9", 3);
    common_cbor_put_bytes(writer, NULL, 0);
    common_cbor_put_null(writer);
    common_cbor_put_text(writer, "name", 4);
    common_cbor_begin_map(writer, 0);
    common_cbor_end(writer);
    common_cbor_begin_array(writer, 1);
    common_cbor_put_bool(writer, false);
    common_cbor_end(writer);
    common_cbor_put_simple(writer, 23);
    common_cbor_put_bool(writer, true);
    common_cbor_put_raw(writer, (const uint8_t *)"\x82\x01\x02", 3);
    common_cbor_end(writer);
}

static const char rich_hex[] = "a701833b7fffffffffffffff3bffffffffffffffff4200ff"
                               "1a000f4240fb3ff199999999999a"
                               "20d0da0001117063"
                               "61c3a940f6646e616d65a081f4f7f5820102";

static void the_rich_document_has_the_bytes_of_the_standard(void **state)
{
    (void)state;
    size_t len = 0;
    COMMON_CLEANUP_FREE uint8_t *bytes = cbor_from_hex(rich_hex, &len);
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(1000);
    struct common_cbor_writer writer = common_cbor_writer(&buf);
    put_rich_document(&writer);
    assert_int_equal(common_cbor_writer_finish(&writer), 0);
    assert_int_equal(buf.len, len);
    assert_memory_equal(buf.data, bytes, len);
}

static void a_fixed_buffer_of_every_size_below_is_too_small_and_is_left_empty(void **state)
{
    (void)state;
    const size_t needed = (sizeof(rich_hex) - 1) / 2;
    for (size_t size = 0; size <= needed; size++) {
        COMMON_CLEANUP_FREE uint8_t *storage = bytes_exact(NULL, size);
        struct common_buf buf = common_buf_fixed(storage, size);
        struct common_cbor_writer writer = common_cbor_writer(&buf);
        put_rich_document(&writer);
        int error = common_cbor_writer_finish(&writer);
        assert_int_equal(error, size < needed ? COMMON_ERR_LIMIT : 0);
        assert_int_equal(common_cbor_writer_fault(&writer), size < needed ? F(BUFFER) : F(NONE));
        assert_int_equal(buf.len, size < needed ? 0 : needed);
        if (error) {
            for (size_t i = 0; i < size; i++)
                assert_int_equal(storage[i], 0);
            common_cbor_put_null(&writer);
            assert_int_equal(common_cbor_writer_finish(&writer), COMMON_ERR_LIMIT);
            common_buf_wipe(&buf); /* which makes the buffer forget, not the writer */
            assert_int_equal(common_cbor_writer_finish(&writer), COMMON_ERR_LIMIT);
        }
    }
}

static void a_document_is_put_behind_what_is_there(void **state)
{
    (void)state;
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(1000);
    assert_int_equal(common_buf_append(&buf, "zyxwvu", 6), 0);
    struct common_cbor_writer writer = common_cbor_writer(&buf);
    common_cbor_begin_map(&writer, 2);
    common_cbor_put_uint(&writer, 1);
    common_cbor_put_null(&writer);
    common_cbor_put_uint(&writer, 2);
    common_cbor_put_null(&writer);
    common_cbor_end(&writer);
    assert_int_equal(common_cbor_writer_finish(&writer), 0);
    assert_int_equal(buf.len, 11);
    assert_memory_equal(buf.data, "zyxwvu\xa2\x01\xf6\x02\xf6", 11);

    writer = common_cbor_writer(&buf);
    common_cbor_begin_array(&writer, 2);
    common_cbor_put_uint(&writer, 1);
    common_cbor_end(&writer);
    assert_int_equal(common_cbor_writer_finish(&writer), COMMON_ERR_INVALID);
    assert_int_equal(buf.len, 11);
}

static void heads_are_shortest_at_every_width(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        const char *hex;
    } cases[] = {
        {0, "00"},
        {23, "17"},
        {24, "1818"},
        {255, "18ff"},
        {256, "190100"},
        {65535, "19ffff"},
        {65536, "1a00010000"},
        {UINT32_MAX, "1affffffff"},
        {1ULL << 32, "1b0000000100000000"},
        {UINT64_MAX, "1bffffffffffffffff"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t len = 0;
        COMMON_CLEANUP_FREE uint8_t *bytes = cbor_from_hex(cases[i].hex, &len);
        COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(1000);
        struct common_cbor_writer writer = common_cbor_writer(&buf);
        common_cbor_put_uint(&writer, cases[i].value);
        assert_int_equal(common_cbor_writer_finish(&writer), 0);
        assert_int_equal(buf.len, len);
        assert_memory_equal(buf.data, bytes, len);

        bytes[0] |= 0x20;
        common_buf_truncate(&buf, 0);
        writer = common_cbor_writer(&buf);
        common_cbor_put_negative(&writer, cases[i].value);
        assert_int_equal(common_cbor_writer_finish(&writer), 0);
        assert_int_equal(buf.len, len);
        assert_memory_equal(buf.data, bytes, len);
        if (cases[i].value > INT64_MAX)
            continue;
        common_buf_truncate(&buf, 0);
        writer = common_cbor_writer(&buf);
        common_cbor_put_int(&writer, -1 - (int64_t)cases[i].value);
        assert_int_equal(common_cbor_writer_finish(&writer), 0);
        assert_memory_equal(buf.data, bytes, len);
    }
}

/* All halves, against a decoder made of ldexp(); their neighbours in single precision are not
 * halves any more. */
static void every_half_is_written_in_two_bytes(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 0x10000; bits++) {
        int exponent = (int)(bits >> 10 & 0x1f);
        double fraction = (double)(bits & 0x3ff);
        double value = exponent == 0    ? ldexp(fraction, -24)
                       : exponent == 31 ? (fraction == 0 ? INFINITY : NAN)
                                        : ldexp(fraction + 1024, exponent - 25);
        value = bits & 0x8000 ? -value : value;
        uint8_t storage[9] = {0};
        struct common_buf buf = common_buf_fixed(storage, sizeof(storage));
        struct common_cbor_writer writer = common_cbor_writer(&buf);
        common_cbor_put_double(&writer, value);
        assert_int_equal(common_cbor_writer_finish(&writer), 0);
        unsigned expected = isnan(value) ? 0x7e00 : bits;
        const uint8_t bytes[] = {0xf9, (uint8_t)(expected >> 8), (uint8_t)expected};
        assert_int_equal(buf.len, 3);
        assert_memory_equal(storage, bytes, 3);

        struct common_cbor_reader reader;
        double again = 0;
        assert_int_equal(common_cbor_reader_init(&reader, storage, 3, NULL), 0);
        assert_int_equal(common_cbor_get_double(&reader, &again), 0);
        assert_true(isnan(value) ? isnan(again) : double_bits(again) == double_bits(value));
        if (isnan(value) || isinf(value))
            continue;
        common_buf_wipe(&buf);
        writer = common_cbor_writer(&buf);
        common_cbor_put_double(&writer, (double)nextafterf((float)value, INFINITY));
        assert_int_equal(common_cbor_writer_finish(&writer), 0);
        assert_int_equal(buf.len, 5);
    }
}

/* The fault of a few puts, and that nothing is left in the buffer. */
#define ASSERT_REFUSED(name, error, ...)                                                           \
    do {                                                                                           \
        COMMON_CLEANUP_BUF struct common_buf refused = common_buf_growing(10000);                  \
        struct common_cbor_writer written = common_cbor_writer(&refused);                          \
        struct common_cbor_writer *w = &written;                                                   \
        __VA_ARGS__;                                                                               \
        assert_int_equal(common_cbor_writer_finish(w), error);                                     \
        assert_string_equal(common_cbor_fault_name(common_cbor_writer_fault(w)), #name);           \
        assert_int_equal(refused.len, 0);                                                          \
        common_cbor_put_null(w);                                                                   \
        assert_int_equal(common_cbor_writer_finish(w), error);                                     \
    } while (0)

static void keys_out_of_order_or_twice_are_refused(void **state)
{
    (void)state;
    ASSERT_REFUSED(UNSORTED_KEYS, COMMON_ERR_INVALID, common_cbor_begin_map(w, 2),
                   common_cbor_put_int(w, 2), common_cbor_put_null(w), common_cbor_put_int(w, 1),
                   common_cbor_put_null(w), common_cbor_end(w));
    ASSERT_REFUSED(UNSORTED_KEYS, COMMON_ERR_INVALID, common_cbor_begin_map(w, 2),
                   common_cbor_put_int(w, -1), common_cbor_put_null(w), common_cbor_put_int(w, 1),
                   common_cbor_put_null(w), common_cbor_end(w));
    ASSERT_REFUSED(DUPLICATE_KEY, COMMON_ERR_INVALID, common_cbor_begin_map(w, 2),
                   common_cbor_put_int(w, 1), common_cbor_put_null(w), common_cbor_put_int(w, 1),
                   common_cbor_put_null(w), common_cbor_end(w));
    ASSERT_REFUSED(DUPLICATE_KEY, COMMON_ERR_INVALID, common_cbor_begin_map(w, 2),
                   common_cbor_begin_array(w, 0), common_cbor_end(w), common_cbor_put_null(w),
                   common_cbor_put_raw(w, (const uint8_t *)"\x80", 1), common_cbor_put_null(w),
                   common_cbor_end(w));
    ASSERT_REFUSED(DUPLICATE_KEY, COMMON_ERR_INVALID, common_cbor_begin_map(w, 2),
                   common_cbor_put_tag(w, 1), common_cbor_put_int(w, 1), common_cbor_put_null(w),
                   common_cbor_put_tag(w, 1), common_cbor_put_int(w, 1), common_cbor_put_null(w),
                   common_cbor_end(w));
}

/* H6 of head.c. */
static void a_big_number_that_an_integer_can_say_is_refused(void **state)
{
    (void)state;
    static const uint8_t large[10] = {0, 1};
    ASSERT_REFUSED(NOT_A_BIGNUM, COMMON_ERR_INVALID, common_cbor_put_tag(w, 2),
                   common_cbor_put_bytes(w, large + 1, 1));
    ASSERT_REFUSED(NOT_A_BIGNUM, COMMON_ERR_INVALID, common_cbor_put_tag(w, 3),
                   common_cbor_put_bytes(w, large, sizeof(large)));
    ASSERT_REFUSED(NOT_A_BIGNUM, COMMON_ERR_INVALID, common_cbor_put_tag(w, 2),
                   common_cbor_put_uint(w, 1));
    ASSERT_REFUSED(NOT_A_BIGNUM, COMMON_ERR_INVALID, common_cbor_put_tag(w, 2),
                   common_cbor_begin_array(w, 0), common_cbor_end(w));
    ASSERT_REFUSED(NOT_A_BIGNUM, COMMON_ERR_INVALID, common_cbor_put_tag(w, 1),
                   common_cbor_put_tag(w, 2), common_cbor_put_tag(w, 1),
                   common_cbor_put_bytes(w, large + 1, 9));
    ASSERT_REFUSED(NOT_A_BIGNUM, COMMON_ERR_INVALID, common_cbor_begin_array(w, 1),
                   common_cbor_put_tag(w, 3),
                   common_cbor_put_raw(w, (const uint8_t *)"\x41\x01", 2), common_cbor_end(w));

    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(100);
    struct common_cbor_writer writer = common_cbor_writer(&buf);
    common_cbor_put_tag(&writer, 3);
    common_cbor_put_bytes(&writer, large + 1, 9);
    assert_int_equal(common_cbor_writer_finish(&writer), 0);
    assert_int_equal(buf.len, 11);
}

static void counts_that_are_not_kept_are_refused(void **state)
{
    (void)state;
    ASSERT_REFUSED(UNREAD_ITEMS, COMMON_ERR_INVALID, (void)w);
    ASSERT_REFUSED(UNREAD_ITEMS, COMMON_ERR_INVALID, common_cbor_begin_array(w, 1),
                   common_cbor_end(w));
    ASSERT_REFUSED(UNREAD_ITEMS, COMMON_ERR_INVALID, common_cbor_begin_array(w, 1),
                   common_cbor_put_null(w));
    ASSERT_REFUSED(UNREAD_ITEMS, COMMON_ERR_INVALID, common_cbor_begin_map(w, 1),
                   common_cbor_put_null(w), common_cbor_end(w));
    ASSERT_REFUSED(UNREAD_ITEMS, COMMON_ERR_INVALID, common_cbor_put_tag(w, 1));
    ASSERT_REFUSED(NO_MORE_ITEMS, COMMON_ERR_INVALID, common_cbor_put_null(w),
                   common_cbor_put_null(w));
    ASSERT_REFUSED(NO_MORE_ITEMS, COMMON_ERR_INVALID, common_cbor_begin_array(w, 1),
                   common_cbor_put_null(w), common_cbor_put_null(w), common_cbor_end(w));
    ASSERT_REFUSED(NO_MORE_ITEMS, COMMON_ERR_INVALID, common_cbor_begin_array(w, 0),
                   common_cbor_begin_array(w, 0));
    ASSERT_REFUSED(NO_MORE_ITEMS, COMMON_ERR_INVALID, common_cbor_begin_array(w, 0),
                   common_cbor_put_tag(w, 0));
    ASSERT_REFUSED(MISUSE, COMMON_ERR_STATE, common_cbor_end(w));
    ASSERT_REFUSED(MISUSE, COMMON_ERR_STATE, common_cbor_begin_array(w, 1),
                   common_cbor_put_tag(w, 1), common_cbor_end(w));
    ASSERT_REFUSED(ITEMS, COMMON_ERR_LIMIT, common_cbor_begin_map(w, SIZE_MAX / 2 + 1),
                   common_cbor_end(w));
}

static void begin_arrays(struct common_cbor_writer *writer, size_t num)
{
    for (size_t i = 0; i < num; i++)
        common_cbor_begin_array(writer, 1);
}

static void end_arrays(struct common_cbor_writer *writer, size_t num)
{
    for (size_t i = 0; i < num; i++)
        common_cbor_end(writer);
}

static void depth_ends_at_the_compiled_ceiling(void **state)
{
    (void)state;
    uint8_t storage[COMMON_CBOR_MAX_DEPTH + 1];
    struct common_buf buf = common_buf_fixed(storage, sizeof(storage));
    struct common_cbor_writer writer = common_cbor_writer(&buf);
    begin_arrays(&writer, COMMON_CBOR_MAX_DEPTH);
    common_cbor_put_null(&writer);
    end_arrays(&writer, COMMON_CBOR_MAX_DEPTH);
    assert_int_equal(common_cbor_writer_finish(&writer), 0);

    ASSERT_REFUSED(DEPTH, COMMON_ERR_LIMIT, begin_arrays(w, COMMON_CBOR_MAX_DEPTH + 1));
    ASSERT_REFUSED(DEPTH, COMMON_ERR_LIMIT, begin_arrays(w, COMMON_CBOR_MAX_DEPTH),
                   common_cbor_put_tag(w, 1));
    ASSERT_REFUSED(DEPTH, COMMON_ERR_LIMIT, begin_arrays(w, COMMON_CBOR_MAX_DEPTH - 1),
                   common_cbor_put_raw(w, (const uint8_t *)"\x81\x80", 2),
                   end_arrays(w, COMMON_CBOR_MAX_DEPTH - 1));
}

static void values_that_have_no_encoding_are_refused(void **state)
{
    (void)state;
    ASSERT_REFUSED(BAD_UTF8, COMMON_ERR_INVALID, common_cbor_put_text(w, "\xc3(", 2));
    ASSERT_REFUSED(BAD_UTF8, COMMON_ERR_INVALID, common_cbor_put_text(w, "\xed\xa0\x80", 3));
    for (unsigned value = 0; value < 256; value++) {
        COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(10);
        struct common_cbor_writer writer = common_cbor_writer(&buf);
        common_cbor_put_simple(&writer, (uint8_t)value);
        bool is_free = value < 20 || value == 23 || value >= 32;
        assert_int_equal(common_cbor_writer_finish(&writer), is_free ? 0 : COMMON_ERR_INVALID);
        assert_int_equal(buf.len, !is_free ? 0 : value < 24 ? 1 : 2);
    }
}

static void raw_items_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum common_cbor_fault fault;
    } cases[] = {
        {"a10102", F(NONE)},
        {"", F(TRUNCATED)},
        {"8201", F(TRUNCATED)},
        {"0102", F(TRAILING_BYTES)},
        {"1801", F(NOT_SHORTEST)},
        {"9fff", F(INDEFINITE_LENGTH)},
        {"61ff", F(BAD_UTF8)},
        {"a202000100", F(UNSORTED_KEYS)},
        {"a201000100", F(DUPLICATE_KEY)},
        {"fc", F(RESERVED)},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t len = 0;
        COMMON_CLEANUP_FREE uint8_t *raw = cbor_from_hex(cases[i].hex, &len);
        COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(100);
        struct common_cbor_writer writer = common_cbor_writer(&buf);
        common_cbor_put_raw(&writer, raw, len);
        assert_int_equal(common_cbor_writer_finish(&writer),
                         cases[i].fault ? COMMON_ERR_INVALID : 0);
        assert_int_equal(common_cbor_writer_fault(&writer), cases[i].fault);
        assert_int_equal(buf.len, cases[i].fault ? 0 : len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rich_document_has_the_bytes_of_the_standard),
        cmocka_unit_test(a_fixed_buffer_of_every_size_below_is_too_small_and_is_left_empty),
        cmocka_unit_test(a_document_is_put_behind_what_is_there),
        cmocka_unit_test(heads_are_shortest_at_every_width),
        cmocka_unit_test(every_half_is_written_in_two_bytes),
        cmocka_unit_test(keys_out_of_order_or_twice_are_refused),
        cmocka_unit_test(a_big_number_that_an_integer_can_say_is_refused),
        cmocka_unit_test(counts_that_are_not_kept_are_refused),
        cmocka_unit_test(depth_ends_at_the_compiled_ceiling),
        cmocka_unit_test(values_that_have_no_encoding_are_refused),
        cmocka_unit_test(raw_items_are_checked),
    };
    return cmocka_run_group_tests_name("cbor_writer", tests, NULL, NULL);
}
