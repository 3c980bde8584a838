/* SPDX-License-Identifier: Apache-2.0 */
/* The cursor: what its calls give, and what they refuse (R1-R3 of reader.c). */
#include "tests/common/cbor_document.h"
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

/* Every getter, on a reader that has failed: the error again, and zeroes. */
static void assert_stuck(struct common_cbor_reader *reader, int error)
{
    uint64_t u64 = 1;
    int64_t i64 = 1;
    bool flag = true;
    double number = 1;
    uint8_t simple = 1;
    const uint8_t *bytes = (const uint8_t *)"x";
    const char *text = "x";
    size_t len = 1;
    size_t at = common_cbor_fault_offset(reader);

    assert_int_equal(common_cbor_get_uint(reader, &u64), error);
    assert_true(u64 == 0);
    u64 = 1;
    assert_int_equal(common_cbor_get_negative(reader, &u64), error);
    assert_true(u64 == 0);
    u64 = 1;
    assert_int_equal(common_cbor_get_tag(reader, &u64), error);
    assert_true(u64 == 0);
    assert_int_equal(common_cbor_get_int(reader, &i64), error);
    assert_true(i64 == 0);
    assert_int_equal(common_cbor_get_bool(reader, &flag), error);
    assert_false(flag);
    assert_int_equal(common_cbor_get_null(reader), error);
    assert_int_equal(common_cbor_get_double(reader, &number), error);
    assert_true(number == 0 && !signbit(number));
    assert_int_equal(common_cbor_get_simple(reader, &simple), error);
    assert_int_equal(simple, 0);
    assert_int_equal(common_cbor_get_bytes(reader, &bytes, &len, SIZE_MAX), error);
    assert_true(bytes == NULL && len == 0);
    len = 1;
    assert_int_equal(common_cbor_get_text(reader, &text, &len, SIZE_MAX), error);
    assert_true(text == NULL && len == 0);
    bytes = (const uint8_t *)"x";
    assert_int_equal(common_cbor_get_bytes_exact(reader, &bytes, 0), error);
    assert_null(bytes);
    len = 1;
    assert_int_equal(common_cbor_enter_array(reader, &len), error);
    assert_int_equal(len, 0);
    assert_int_equal(common_cbor_enter_array_exact(reader, 0), error);
    len = 1;
    assert_int_equal(common_cbor_enter_map(reader, &len), error);
    assert_int_equal(len, 0);
    assert_int_equal(common_cbor_leave(reader), error);
    i64 = 1;
    assert_false(common_cbor_next_int_key(reader, &i64));
    assert_true(i64 == 0);
    flag = true;
    assert_int_equal(common_cbor_take_int_key(reader, &flag, 0), error);
    assert_false(flag);
    assert_int_equal(common_cbor_skip(reader), error);
    bytes = (const uint8_t *)"x";
    len = 1;
    assert_int_equal(common_cbor_get_raw(reader, &bytes, &len), error);
    assert_true(bytes == NULL && len == 0);
    assert_int_equal(common_cbor_peek(reader), COMMON_CBOR_TYPE_NONE);
    assert_false(common_cbor_has_more(reader));
    assert_int_equal(common_cbor_refuse(reader), error);
    assert_int_equal(common_cbor_reader_finish(reader), error);
    assert_int_equal(common_cbor_fault_offset(reader), at);
}

static void the_first_error_sticks_and_outputs_are_zero(void **state)
{
    (void)state;
    static const uint8_t truncated[] = {0x82, 0x01};
    struct common_cbor_reader reader;
    assert_int_equal(common_cbor_reader_init(&reader, truncated, 2, NULL), COMMON_ERR_CORRUPT);
    assert_stuck(&reader, COMMON_ERR_CORRUPT);

    static const struct common_cbor_limits small = {.max_bytes = 1, .max_depth = 1, .max_items = 1};
    assert_int_equal(common_cbor_reader_init(&reader, truncated, 2, &small), COMMON_ERR_LIMIT);
    assert_stuck(&reader, COMMON_ERR_LIMIT);

    DOCUMENT array = document_of("820102");
    uint64_t value = 0;
    assert_int_equal(common_cbor_get_uint(&array.reader, &value), COMMON_ERR_CORRUPT);
    assert_stuck(&array.reader, COMMON_ERR_CORRUPT);

    DOCUMENT closed = document_of("00");
    assert_int_equal(common_cbor_leave(&closed.reader), COMMON_ERR_STATE);
    assert_stuck(&closed.reader, COMMON_ERR_STATE);
}

static void nothing_is_given_out_of_a_document_that_is_bad_further_on(void **state)
{
    (void)state;
    size_t len = 0;
    COMMON_CLEANUP_FREE uint8_t *bytes = cbor_from_hex("83010261ff", &len);
    struct common_cbor_reader reader;
    size_t num = 1;
    assert_int_equal(common_cbor_reader_init(&reader, bytes, len, NULL), COMMON_ERR_CORRUPT);
    assert_int_equal(common_cbor_enter_array(&reader, &num), COMMON_ERR_CORRUPT);
    assert_int_equal(num, 0);
    assert_fault(&reader, F(BAD_UTF8), 3);
}

static void integers_are_read_in_their_whole_range(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool fits;
        int64_t value;
    } cases[] = {
        {"00", true, 0},
        {"1b7fffffffffffffff", true, INT64_MAX},
        {"1b8000000000000000", false, 0},
        {"1bffffffffffffffff", false, 0},
        {"20", true, -1},
        {"3903e7", true, -1000},
        {"3b7fffffffffffffff", true, INT64_MIN},
        {"3b8000000000000000", false, 0},
        {"3bffffffffffffffff", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        DOCUMENT document = document_of(cases[i].hex);
        int64_t value = 7;
        assert_int_equal(common_cbor_get_int(&document.reader, &value),
                         cases[i].fits ? 0 : COMMON_ERR_CORRUPT);
        assert_true(value == cases[i].value);
        assert_fault(&document.reader, cases[i].fits ? F(NONE) : F(OUT_OF_RANGE), 0);
    }

    uint64_t value = 0;
    DOCUMENT most = document_of("1bffffffffffffffff");
    assert_int_equal(common_cbor_get_uint(&most.reader, &value), 0);
    assert_true(value == UINT64_MAX);
    DOCUMENT least = document_of("3bffffffffffffffff");
    assert_int_equal(common_cbor_get_negative(&least.reader, &value), 0);
    assert_true(value == UINT64_MAX);
}

static void each_getter_takes_its_type_only(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum common_cbor_type type;
    } cases[] = {
        {"01", COMMON_CBOR_TYPE_UINT},       {"20", COMMON_CBOR_TYPE_NEGATIVE},
        {"4101", COMMON_CBOR_TYPE_BYTES},    {"6161", COMMON_CBOR_TYPE_TEXT},
        {"80", COMMON_CBOR_TYPE_ARRAY},      {"a0", COMMON_CBOR_TYPE_MAP},
        {"c100", COMMON_CBOR_TYPE_TAG},      {"f7", COMMON_CBOR_TYPE_SIMPLE},
        {"f5", COMMON_CBOR_TYPE_BOOL},       {"f6", COMMON_CBOR_TYPE_NULL},
        {"f90000", COMMON_CBOR_TYPE_DOUBLE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (int getter = COMMON_CBOR_TYPE_UINT; getter <= COMMON_CBOR_TYPE_DOUBLE; getter++) {
            DOCUMENT document = document_of(cases[i].hex);
            struct common_cbor_reader *reader = &document.reader;
            uint64_t u64 = 0;
            uint8_t simple = 0;
            const uint8_t *bytes = NULL;
            const char *text = NULL;
            size_t len = 0;
            bool flag = false;
            double number = 0;
            assert_int_equal(common_cbor_peek(reader), cases[i].type);
            int error =
                getter == COMMON_CBOR_TYPE_UINT       ? common_cbor_get_uint(reader, &u64)
                : getter == COMMON_CBOR_TYPE_NEGATIVE ? common_cbor_get_negative(reader, &u64)
                : getter == COMMON_CBOR_TYPE_BYTES  ? common_cbor_get_bytes(reader, &bytes, &len, 1)
                : getter == COMMON_CBOR_TYPE_TEXT   ? common_cbor_get_text(reader, &text, &len, 1)
                : getter == COMMON_CBOR_TYPE_ARRAY  ? common_cbor_enter_array(reader, &len)
                : getter == COMMON_CBOR_TYPE_MAP    ? common_cbor_enter_map(reader, &len)
                : getter == COMMON_CBOR_TYPE_TAG    ? common_cbor_get_tag(reader, &u64)
                : getter == COMMON_CBOR_TYPE_SIMPLE ? common_cbor_get_simple(reader, &simple)
                : getter == COMMON_CBOR_TYPE_BOOL   ? common_cbor_get_bool(reader, &flag)
                : getter == COMMON_CBOR_TYPE_NULL   ? common_cbor_get_null(reader)
                                                    : common_cbor_get_double(reader, &number);
            bool is_right = getter == (int)cases[i].type;
            assert_int_equal(error, is_right ? 0 : COMMON_ERR_CORRUPT);
            assert_int_equal(common_cbor_fault(reader), is_right ? F(NONE) : F(NOT_THE_TYPE));
        }
    }
}

static void strings_are_borrowed_and_end_at_the_callers_ceiling(void **state)
{
    (void)state;
    DOCUMENT document = document_of("8444010203046568650061626040");
    struct common_cbor_reader *reader = &document.reader;
    const uint8_t *bytes = NULL;
    const char *text = NULL;
    size_t len = 0;
    assert_int_equal(common_cbor_enter_array_exact(reader, 4), 0);
    assert_int_equal(common_cbor_get_bytes(reader, &bytes, &len, 4), 0);
    assert_ptr_equal(bytes, document.bytes + 2);
    assert_int_equal(len, 4);
    assert_int_equal(common_cbor_get_text(reader, &text, &len, 5), 0);
    assert_int_equal(len, 5);
    assert_memory_equal(text, "he\0ab", 5);
    assert_int_equal(common_cbor_get_text(reader, &text, &len, 0), 0);
    assert_int_equal(len, 0);
    assert_non_null(text);
    assert_int_equal(common_cbor_get_bytes_exact(reader, &bytes, 0), 0);
    assert_non_null(bytes);
    assert_int_equal(common_cbor_leave(reader), 0);
    assert_fault(reader, F(NONE), 0);
}

static void a_string_longer_than_allowed_is_refused(void **state)
{
    (void)state;
    const uint8_t *bytes = NULL;
    const char *text = NULL;
    size_t len = 0;
    DOCUMENT one = document_of("4401020304");
    assert_int_equal(common_cbor_get_bytes(&one.reader, &bytes, &len, 3), COMMON_ERR_LIMIT);
    assert_fault(&one.reader, F(TOO_LONG), 0);
    assert_stuck(&one.reader, COMMON_ERR_LIMIT);
    DOCUMENT two = document_of("6161");
    assert_int_equal(common_cbor_get_text(&two.reader, &text, &len, 0), COMMON_ERR_LIMIT);
    assert_fault(&two.reader, F(TOO_LONG), 0);
    for (size_t wanted = 0; wanted < 7; wanted++) {
        DOCUMENT exact = document_of("4401020304");
        assert_int_equal(common_cbor_get_bytes_exact(&exact.reader, &bytes, wanted),
                         wanted == 4 ? 0 : COMMON_ERR_CORRUPT);
        assert_fault(&exact.reader, wanted == 4 ? F(NONE) : F(NOT_THE_LENGTH), 0);
    }
}

static void an_array_of_another_length_is_refused(void **state)
{
    (void)state;
    for (size_t wanted = 0; wanted < 4; wanted++) {
        DOCUMENT document = document_of("820000");
        assert_int_equal(common_cbor_enter_array_exact(&document.reader, wanted),
                         wanted == 2 ? 0 : COMMON_ERR_CORRUPT);
        assert_int_equal(common_cbor_fault(&document.reader),
                         wanted == 2 ? F(NONE) : F(NOT_THE_LENGTH));
    }
}

static void leaving_before_all_was_read_is_refused(void **state)
{
    (void)state;
    uint64_t value = 0;
    size_t num = 0;
    DOCUMENT array = document_of("820102");
    assert_int_equal(common_cbor_enter_array(&array.reader, &num), 0);
    assert_int_equal(common_cbor_get_uint(&array.reader, &value), 0);
    assert_int_equal(common_cbor_leave(&array.reader), COMMON_ERR_CORRUPT);
    assert_fault(&array.reader, F(UNREAD_ITEMS), 2);

    DOCUMENT map = document_of("a10102");
    assert_int_equal(common_cbor_enter_map(&map.reader, &num), 0);
    assert_int_equal(num, 1);
    assert_int_equal(common_cbor_get_uint(&map.reader, &value), 0);
    assert_int_equal(common_cbor_leave(&map.reader), COMMON_ERR_CORRUPT);
    assert_fault(&map.reader, F(UNREAD_ITEMS), 2);
}

static void reading_beyond_the_end_of_an_array_is_refused(void **state)
{
    (void)state;
    uint64_t value = 0;
    DOCUMENT document = document_of("82810102");
    assert_int_equal(common_cbor_enter_array_exact(&document.reader, 2), 0);
    assert_int_equal(common_cbor_enter_array_exact(&document.reader, 1), 0);
    assert_int_equal(common_cbor_get_uint(&document.reader, &value), 0);
    assert_int_equal(common_cbor_peek(&document.reader), COMMON_CBOR_TYPE_NONE);
    assert_false(common_cbor_has_more(&document.reader));
    assert_int_equal(common_cbor_get_uint(&document.reader, &value), COMMON_ERR_CORRUPT);
    assert_int_equal(value, 0);
    assert_fault(&document.reader, F(NO_MORE_ITEMS), 3);

    DOCUMENT skipped = document_of("80");
    assert_int_equal(common_cbor_skip(&skipped.reader), 0);
    assert_int_equal(common_cbor_skip(&skipped.reader), COMMON_ERR_CORRUPT);
    assert_fault(&skipped.reader, F(NO_MORE_ITEMS), 1);
}

static void finishing_early_is_refused(void **state)
{
    (void)state;
    uint64_t value = 0;
    DOCUMENT unread = document_of("00");
    assert_int_equal(common_cbor_reader_finish(&unread.reader), COMMON_ERR_CORRUPT);
    assert_fault(&unread.reader, F(UNREAD_ITEMS), 0);

    DOCUMENT not_left = document_of("8100");
    assert_int_equal(common_cbor_enter_array_exact(&not_left.reader, 1), 0);
    assert_int_equal(common_cbor_get_uint(&not_left.reader, &value), 0);
    assert_int_equal(common_cbor_reader_finish(&not_left.reader), COMMON_ERR_CORRUPT);

    DOCUMENT only_tag = document_of("c100");
    assert_int_equal(common_cbor_get_tag(&only_tag.reader, &value), 0);
    assert_int_equal(common_cbor_reader_finish(&only_tag.reader), COMMON_ERR_CORRUPT);
}

static void a_tag_stands_before_its_item(void **state)
{
    (void)state;
    uint64_t tag = 0;
    uint64_t value = 0;
    DOCUMENT document = document_of("82c1d903e80506");
    struct common_cbor_reader *reader = &document.reader;
    assert_int_equal(common_cbor_enter_array_exact(reader, 2), 0);
    assert_int_equal(common_cbor_get_tag(reader, &tag), 0);
    assert_int_equal(tag, 1);
    assert_int_equal(common_cbor_get_tag(reader, &tag), 0);
    assert_int_equal(tag, 1000);
    assert_int_equal(common_cbor_get_uint(reader, &value), 0);
    assert_int_equal(value, 5);
    assert_int_equal(common_cbor_get_uint(reader, &value), 0);
    assert_int_equal(value, 6);
    assert_int_equal(common_cbor_leave(reader), 0);
    assert_fault(reader, F(NONE), 0);

    DOCUMENT open = document_of("81c100");
    assert_int_equal(common_cbor_enter_array_exact(&open.reader, 1), 0);
    assert_int_equal(common_cbor_get_tag(&open.reader, &tag), 0);
    assert_int_equal(common_cbor_leave(&open.reader), COMMON_ERR_STATE);
    assert_fault(&open.reader, F(MISUSE), 2);
}

/* libcbor before 0.11 refuses the tags from 6 to 20; COSE_Encrypt0 is 16. */
static void every_tag_number_is_read(void **state)
{
    (void)state;
    for (unsigned number = 0; number < 256; number++) {
        /* 2^64: of the tags 2 and 3 the content must be large. */
        const uint8_t small[11] = {(uint8_t)(0xc0 | number), 0x49, 0x01};
        const uint8_t wide[12] = {0xd8, (uint8_t)number, 0x49, 0x01};
        struct common_cbor_reader reader;
        uint64_t tag = 0;
        assert_int_equal(number < 24 ? common_cbor_reader_init(&reader, small, sizeof(small), NULL)
                                     : common_cbor_reader_init(&reader, wide, sizeof(wide), NULL),
                         0);
        assert_int_equal(common_cbor_get_tag(&reader, &tag), 0);
        assert_int_equal(tag, number);
        assert_int_equal(common_cbor_skip(&reader), 0);
        assert_int_equal(common_cbor_reader_finish(&reader), 0);
    }
}

/* COSE_Encrypt0 of RFC 9052 section 5.2, as a library will read it. */
static void a_cose_envelope_reads_straight_down(void **state)
{
    (void)state;
    DOCUMENT document = document_of("d08344a1010305"
                                    "a1054c0102030405060708090a0b0c"
                                    "43aabbcc");
    struct common_cbor_reader *reader = &document.reader;
    const uint8_t *protected = NULL;
    const uint8_t *nonce = NULL;
    const uint8_t *sealed = NULL;
    size_t protected_len = 0;
    size_t sealed_len = 0;
    size_t num_pairs = 0;
    uint64_t tag = 0;
    bool found = false;

    if (common_cbor_get_tag(reader, &tag) || common_cbor_enter_array_exact(reader, 3) ||
        common_cbor_get_bytes(reader, &protected, &protected_len, 100) ||
        common_cbor_enter_map(reader, &num_pairs) || common_cbor_take_int_key(reader, &found, 5) ||
        common_cbor_get_bytes_exact(reader, &nonce, 12) || common_cbor_leave(reader) ||
        common_cbor_get_bytes(reader, &sealed, &sealed_len, 100) || common_cbor_leave(reader) ||
        common_cbor_reader_finish(reader))
        fail_msg("%s at %zu", common_cbor_fault_text(common_cbor_fault(reader)),
                 common_cbor_fault_offset(reader));
    assert_int_equal(tag, 16);
    assert_int_equal(protected_len, 4);
    assert_memory_equal(protected, "\xa1\x01\x03\x05", 4);
    assert_true(found);
    assert_memory_equal(nonce, "\x01\x02\x03", 3);
    assert_memory_equal(sealed, "\xaa\xbb\xcc", 3);
}

static void a_raw_item_is_its_exact_bytes(void **state)
{
    (void)state;
    DOCUMENT document = document_of("8401a1028103c1420001f5");
    struct common_cbor_reader *reader = &document.reader;
    static const size_t ends[] = {2, 6, 10, 11};
    const uint8_t *raw = NULL;
    size_t raw_len = 0;
    size_t at = 1;
    assert_int_equal(common_cbor_enter_array_exact(reader, 4), 0);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        assert_int_equal(common_cbor_get_raw(reader, &raw, &raw_len), 0);
        assert_ptr_equal(raw, document.bytes + at);
        assert_int_equal(raw_len, ends[i] - at);
        at = ends[i];
    }
    assert_int_equal(common_cbor_leave(reader), 0);
    assert_fault(reader, F(NONE), 0);

    DOCUMENT whole = document_of("8401a1028103c1420001f5");
    assert_int_equal(common_cbor_get_raw(&whole.reader, &raw, &raw_len), 0);
    assert_int_equal(raw_len, 11);
    assert_fault(&whole.reader, F(NONE), 0);
}

static void keys_and_tagged_items_can_be_skipped_too(void **state)
{
    (void)state;
    size_t num_pairs = 0;
    uint64_t tag = 0;
    DOCUMENT document = document_of("a2810102820102c18103");
    struct common_cbor_reader *reader = &document.reader;
    assert_int_equal(common_cbor_enter_map(reader, &num_pairs), 0);
    assert_int_equal(common_cbor_skip(reader), 0);
    assert_int_equal(common_cbor_skip(reader), 0);
    assert_int_equal(common_cbor_skip(reader), 0);
    assert_int_equal(common_cbor_get_tag(reader, &tag), 0);
    assert_int_equal(common_cbor_skip(reader), 0);
    assert_int_equal(common_cbor_leave(reader), 0);
    assert_fault(reader, F(NONE), 0);
}

static void the_deepest_document_is_skipped_and_read(void **state)
{
    (void)state;
    uint8_t bytes[COMMON_CBOR_MAX_DEPTH + 1];
    struct common_cbor_reader reader;
    uint64_t value = 1;

    memset(bytes, 0x81, sizeof(bytes));
    bytes[COMMON_CBOR_MAX_DEPTH] = 0;
    for (size_t entered = 0; entered <= COMMON_CBOR_MAX_DEPTH; entered++) {
        assert_int_equal(common_cbor_reader_init(&reader, bytes, sizeof(bytes), NULL), 0);
        for (size_t i = 0; i < entered; i++)
            assert_int_equal(common_cbor_enter_array_exact(&reader, 1), 0);
        if (entered == COMMON_CBOR_MAX_DEPTH)
            assert_int_equal(common_cbor_get_uint(&reader, &value), 0);
        else
            assert_int_equal(common_cbor_skip(&reader), 0);
        for (size_t i = 0; i < entered; i++)
            assert_int_equal(common_cbor_leave(&reader), 0);
        assert_int_equal(common_cbor_reader_finish(&reader), 0);
    }
    assert_int_equal(value, 0);
}

static void a_refused_value_sticks_like_any_error(void **state)
{
    (void)state;
    uint64_t version = 0;
    DOCUMENT document = document_of("820203");
    assert_int_equal(common_cbor_enter_array_exact(&document.reader, 2), 0);
    assert_int_equal(common_cbor_get_uint(&document.reader, &version), 0);
    assert_int_equal(common_cbor_refuse(&document.reader), COMMON_ERR_CORRUPT);
    assert_stuck(&document.reader, COMMON_ERR_CORRUPT);
    assert_fault(&document.reader, F(NOT_ALLOWED), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_sticks_and_outputs_are_zero),
        cmocka_unit_test(nothing_is_given_out_of_a_document_that_is_bad_further_on),
        cmocka_unit_test(integers_are_read_in_their_whole_range),
        cmocka_unit_test(each_getter_takes_its_type_only),
        cmocka_unit_test(strings_are_borrowed_and_end_at_the_callers_ceiling),
        cmocka_unit_test(a_string_longer_than_allowed_is_refused),
        cmocka_unit_test(an_array_of_another_length_is_refused),
        cmocka_unit_test(leaving_before_all_was_read_is_refused),
        cmocka_unit_test(reading_beyond_the_end_of_an_array_is_refused),
        cmocka_unit_test(finishing_early_is_refused),
        cmocka_unit_test(a_tag_stands_before_its_item),
        cmocka_unit_test(every_tag_number_is_read),
        cmocka_unit_test(a_cose_envelope_reads_straight_down),
        cmocka_unit_test(a_raw_item_is_its_exact_bytes),
        cmocka_unit_test(keys_and_tagged_items_can_be_skipped_too),
        cmocka_unit_test(the_deepest_document_is_skipped_and_read),
        cmocka_unit_test(a_refused_value_sticks_like_any_error),
    };
    return cmocka_run_group_tests_name("cbor_reader", tests, NULL, NULL);
}
