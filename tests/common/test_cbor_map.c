/* SPDX-License-Identifier: Apache-2.0 */
/* The cursor in maps: keys one by one, optional keys, keys that do not fit. */
#include "tests/common/cbor_document.h"

#include <string.h>

static int read_known_keys(struct common_cbor_reader *reader, uint64_t values[3])
{
    size_t num_pairs = 0;
    int64_t key = 0;
    int error = common_cbor_enter_map(reader, &num_pairs);
    while (!error && common_cbor_next_int_key(reader, &key)) {
        switch (key) {
        case 1:
            error = common_cbor_get_uint(reader, &values[0]);
            break;
        case 2:
            error = common_cbor_get_uint(reader, &values[1]);
            break;
        case -1:
            error = common_cbor_get_uint(reader, &values[2]);
            break;
        case 99:
            error = common_cbor_refuse(reader);
            break;
        default:
            error = common_cbor_skip(reader);
            break;
        }
    }
    if (common_cbor_leave(reader))
        return common_cbor_error(reader);
    return common_cbor_reader_finish(reader);
}

static void a_map_is_read_key_by_key(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum common_cbor_fault fault;
        size_t at;
        uint64_t values[3];
    } cases[] = {
        {"a0", F(NONE), 0, {0, 0, 0}},
        {"a1010a", F(NONE), 0, {10, 0, 0}},
        {"a3010a020b200c", F(NONE), 0, {10, 11, 12}},
        /* Unknown keys, with items inside. */
        {"a5008201a10203020b0382c100440001020320002141ff", F(NONE), 0, {0, 11, 0}},
        {"a11863f6", F(NOT_ALLOWED), 3, {0, 0, 0}},
        {"a10120", F(NOT_THE_TYPE), 2, {0, 0, 0}},
        {"a1616100", F(NOT_THE_TYPE), 1, {0, 0, 0}},
        {"a11bffffffffffffffff00", F(OUT_OF_RANGE), 1, {0, 0, 0}},
        {"80", F(NOT_THE_TYPE), 0, {0, 0, 0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        DOCUMENT document = document_of(cases[i].hex);
        uint64_t values[3] = {0};
        assert_int_equal(read_known_keys(&document.reader, values),
                         common_cbor_fault_category(cases[i].fault));
        assert_fault(&document.reader, cases[i].fault, cases[i].at);
        assert_memory_equal(values, cases[i].values, sizeof(values));
    }
}

static void a_value_that_was_not_read_is_not_taken_for_a_key(void **state)
{
    (void)state;
    size_t num_pairs = 0;
    int64_t key = 0;
    bool found = true;
    DOCUMENT one = document_of("a201020304");
    assert_int_equal(common_cbor_enter_map(&one.reader, &num_pairs), 0);
    assert_true(common_cbor_next_int_key(&one.reader, &key));
    assert_false(common_cbor_next_int_key(&one.reader, &key));
    assert_true(key == 0);
    assert_fault(&one.reader, F(MISUSE), 2);

    DOCUMENT two = document_of("a201020304");
    assert_int_equal(common_cbor_enter_map(&two.reader, &num_pairs), 0);
    assert_true(common_cbor_next_int_key(&two.reader, &key));
    assert_int_equal(common_cbor_take_int_key(&two.reader, &found, 2), COMMON_ERR_STATE);
    assert_false(found);

    DOCUMENT three = document_of("8101");
    assert_int_equal(common_cbor_enter_array_exact(&three.reader, 1), 0);
    assert_false(common_cbor_next_int_key(&three.reader, &key));
    assert_fault(&three.reader, F(MISUSE), 1);
}

static void optional_keys_are_taken_in_their_order(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool found[3]; /* of 1, 2 and -1 */
        enum common_cbor_fault fault;
    } cases[] = {
        {"a0", {false, false, false}, F(NONE)},
        {"a10100", {true, false, false}, F(NONE)},
        {"a10200", {false, true, false}, F(NONE)},
        {"a3010002002000", {true, true, true}, F(NONE)},
        {"a12000", {false, false, true}, F(NONE)},
        {"a20100182000", {true, false, false}, F(UNREAD_ITEMS)}, /* 32: unknown */
        {"a10000", {false, false, false}, F(UNREAD_ITEMS)},
        {"a1616100", {false, false, false}, F(UNREAD_ITEMS)},
        {"a13bffffffffffffffff00", {false, false, false}, F(UNREAD_ITEMS)}, /* wraps to 0 */
    };
    static const int64_t keys[] = {1, 2, -1};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        DOCUMENT document = document_of(cases[i].hex);
        struct common_cbor_reader *reader = &document.reader;
        size_t num_pairs = 0;
        assert_int_equal(common_cbor_enter_map(reader, &num_pairs), 0);
        for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
            bool found = false;
            assert_int_equal(common_cbor_take_int_key(reader, &found, keys[k]), 0);
            assert_int_equal(found, cases[i].found[k]);
            if (found)
                assert_int_equal(common_cbor_skip(reader), 0);
        }
        assert_int_equal(common_cbor_leave(reader), common_cbor_fault_category(cases[i].fault));
        assert_int_equal(common_cbor_fault(reader), cases[i].fault);
    }
}

static void a_key_that_does_not_fit_is_no_other_key(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int64_t key; /* what it would be, cut to 64 bits */
    } cases[] = {
        {"a11b800000000000000000", INT64_MIN},
        {"a11bffffffffffffffff00", -1},
        {"a13b800000000000000000", INT64_MAX},
        {"a13bffffffffffffffff00", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        DOCUMENT document = document_of(cases[i].hex);
        size_t num_pairs = 0;
        bool found = true;
        assert_int_equal(common_cbor_enter_map(&document.reader, &num_pairs), 0);
        assert_int_equal(common_cbor_take_int_key(&document.reader, &found, cases[i].key), 0);
        assert_false(found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_is_read_key_by_key),
        cmocka_unit_test(a_value_that_was_not_read_is_not_taken_for_a_key),
        cmocka_unit_test(optional_keys_are_taken_in_their_order),
        cmocka_unit_test(a_key_that_does_not_fit_is_no_other_key),
    };
    return cmocka_run_group_tests_name("cbor_map", tests, NULL, NULL);
}
