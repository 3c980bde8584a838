/* SPDX-License-Identifier: Apache-2.0 */
/* What the bytes of a document alone decide: H1-H5 of head.c, N1-N3 of nest.c, R1 of reader.c. */
#include "common/base/cleanup.h"
#include "tests/support/cbor_text.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#define OK COMMON_CBOR_FAULT_NONE
#define F(name) COMMON_CBOR_FAULT_##name

/* The verdict on a document, whose category is always the one that was returned. */
static enum common_cbor_fault start(struct common_cbor_reader *reader, const uint8_t *bytes,
                                    size_t len)
{
    int error = common_cbor_reader_init(reader, bytes, len, NULL);
    assert_int_equal(error, common_cbor_error(reader));
    return common_cbor_fault(reader);
}

struct verdict {
    const char *hex;
    enum common_cbor_fault fault;
    size_t at; /* of the fault */
};

static void judge(const struct verdict *cases, size_t num_cases,
                  const struct common_cbor_limits *limits)
{
    for (size_t i = 0; i < num_cases; i++) {
        size_t len = 0;
        COMMON_CLEANUP_FREE uint8_t *bytes = cbor_from_hex(cases[i].hex, &len);
        struct common_cbor_reader reader;
        int error = common_cbor_reader_init(&reader, bytes, len, limits);
        if (common_cbor_fault(&reader) != cases[i].fault ||
            common_cbor_fault_offset(&reader) != cases[i].at ||
            error != common_cbor_fault_category(cases[i].fault))
            fail_msg("case %zu, %s: %s at %zu, error %d", i, cases[i].hex,
                     common_cbor_fault_name(common_cbor_fault(&reader)),
                     common_cbor_fault_offset(&reader), error);
    }
}

static void an_argument_is_in_its_shortest_form_at_every_width(void **state)
{
    (void)state;
    /* Without the three bits of the major type, which are the loop's. */
    static const struct {
        const char *argument;
        bool is_shortest;
    } forms[] = {
        {"00", true},
        {"17", true},
        {"1800", false},
        {"1817", false},
        {"1818", true},
        {"18ff", true},
        {"190000", false},
        {"1900ff", false},
        {"190100", true},
        {"19ffff", true},
        {"1a00000000", false},
        {"1a0000ffff", false},
        {"1a00010000", true},
        {"1affffffff", true},
        {"1b0000000000000000", false},
        {"1b00000000ffffffff", false},
        {"1b0000000100000000", true},
        {"1bffffffffffffffff", true},
    };
    for (unsigned major = 0; major < 7; major++) {
        for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
            size_t len = 0;
            COMMON_CLEANUP_FREE uint8_t *bytes = cbor_from_hex(forms[i].argument, &len);
            bytes[0] |= (uint8_t)(major << 5);
            struct common_cbor_reader reader;
            enum common_cbor_fault fault = start(&reader, bytes, len);
            /* Where the form is right, content may still be missing. */
            if ((fault == F(NOT_SHORTEST)) == forms[i].is_shortest ||
                (forms[i].is_shortest && fault != OK && fault != F(TRUNCATED)))
                fail_msg("major %u, %s: %s", major, forms[i].argument,
                         common_cbor_fault_name(fault));
        }
    }
}

static void lengths_and_counts_of_every_width_are_read(void **state)
{
    (void)state;
    static const struct {
        uint8_t head[5];
        size_t head_len;
        size_t num;
    } forms[] = {
        {{0x17}, 1, 23},
        {{0x18, 0x18}, 2, 24},
        {{0x19, 0x01, 0x00}, 3, 256},
        {{0x1a, 0x00, 0x01, 0x00, 0x00}, 5, 65536},
    };
    static const uint8_t majors[] = {0x40, 0x60, 0x80};
    const struct common_cbor_limits limits = {
        .max_bytes = 100000, .max_depth = 1, .max_items = 100000};

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        for (size_t m = 0; m < ARRAY_LEN(majors); m++) {
            size_t len = forms[i].head_len + forms[i].num;
            COMMON_CLEANUP_FREE uint8_t *bytes = bytes_exact(NULL, len);
            memcpy(bytes, forms[i].head, forms[i].head_len);
            bytes[0] |= majors[m];
            struct common_cbor_reader reader;
            assert_int_equal(common_cbor_reader_init(&reader, bytes, len, &limits), 0);
            assert_int_equal(common_cbor_reader_init(&reader, bytes, len - 1, &limits),
                             COMMON_ERR_CORRUPT);
            assert_int_equal(common_cbor_fault(&reader), F(TRUNCATED));
        }
    }
}

static void simple_values_have_one_form(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 256; value++) {
        const uint8_t bytes[] = {0xf8, (uint8_t)value};
        struct common_cbor_reader reader;
        assert_int_equal(start(&reader, bytes, sizeof(bytes)), value < 24   ? F(NOT_SHORTEST)
                                                               : value < 32 ? F(RESERVED)
                                                                            : OK);
        uint8_t simple = 0;
        assert_int_equal(common_cbor_get_simple(&reader, &simple),
                         value < 32 ? COMMON_ERR_CORRUPT : 0);
        assert_int_equal(simple, value < 32 ? 0 : value);
    }
}

static void floats_are_in_the_shortest_form_that_keeps_the_value(void **state)
{
    (void)state;
    static const struct verdict cases[] = {
        {"f90000", OK, 0},
        {"fa00000000", F(NOT_SHORTEST), 0},
        {"fb0000000000000000", F(NOT_SHORTEST), 0},
        {"fa80000000", F(NOT_SHORTEST), 0}, /* -0.0 */
        {"fb8000000000000000", F(NOT_SHORTEST), 0},
        {"fa477fe000", F(NOT_SHORTEST), 0}, /* 65504, the largest half */
        {"fa477ff000", OK, 0},              /* 65520: would round to infinity */
        {"fa47800000", OK, 0},              /* 65536 */
        {"fa3f802000", F(NOT_SHORTEST), 0}, /* 1 + 2^-7 */
        {"fa3f801000", OK, 0},              /* 1 + 2^-11: one bit too many */
        {"fa38800000", F(NOT_SHORTEST), 0}, /* 2^-14, the least normal half */
        {"fa38000000", F(NOT_SHORTEST), 0}, /* 2^-15, subnormal */
        {"fa33800000", F(NOT_SHORTEST), 0}, /* 2^-24, the least half */
        {"fa33000000", OK, 0},              /* 2^-25 */
        {"fa33c00000", OK, 0},              /* 1.5 * 2^-24 */
        {"fa34400000", F(NOT_SHORTEST), 0}, /* 1.5 * 2^-23 */
        {"fa00000001", OK, 0},              /* subnormal single */
        {"fa7f800000", F(NOT_SHORTEST), 0}, /* infinity */
        {"fb3ff0000000000000", F(NOT_SHORTEST), 0},
        {"fb3ff0000020000000", F(NOT_SHORTEST), 0}, /* 1 + 2^-23: a single */
        {"fb3ff0000010000000", OK, 0},              /* 1 + 2^-24 */
        {"fb47efffffe0000000", F(NOT_SHORTEST), 0}, /* the largest single */
        {"fb47effffff0000000", OK, 0},
        {"fb47f0000000000000", OK, 0},
        {"fb36a0000000000000", F(NOT_SHORTEST), 0}, /* 2^-149, the least single */
        {"fb3690000000000000", OK, 0},              /* 2^-150 */
        {"fb0000000000000001", OK, 0},              /* subnormal double */
        {"fb7fefffffffffffff", OK, 0},
        {"fb3e70000000000000", F(NOT_SHORTEST), 0}, /* 2^-24 again */
    };
    judge(cases, ARRAY_LEN(cases), NULL);
}

static void one_nan_only_is_accepted(void **state)
{
    (void)state;
    static const struct verdict cases[] = {
        {"f97e00", OK, 0},
        {"f97e01", F(NOT_SHORTEST), 0}, /* payload */
        {"f97c01", F(NOT_SHORTEST), 0}, /* signalling */
        {"f97fff", F(NOT_SHORTEST), 0},
        {"f9fe00", F(NOT_SHORTEST), 0}, /* sign */
        {"fa7fc00000", F(NOT_SHORTEST), 0},
        {"fa7fc00001", F(NOT_SHORTEST), 0},
        {"fa7f800001", F(NOT_SHORTEST), 0},
        {"fb7ff8000000000000", F(NOT_SHORTEST), 0},
        {"fb7ff0000000000001", F(NOT_SHORTEST), 0},
        {"fbffffffffffffffff", F(NOT_SHORTEST), 0},
    };
    judge(cases, ARRAY_LEN(cases), NULL);
}

static void nothing_reserved_and_no_indefinite_length_is_accepted(void **state)
{
    (void)state;
    static const bool has_indefinite[8] = {false, false, true, true, true, true, false, true};
    for (unsigned major = 0; major < 8; major++) {
        for (unsigned info = 28; info < 32; info++) {
            uint8_t bytes[16] = {(uint8_t)(major << 5 | info)};
            bytes[1] = 0xff;
            struct common_cbor_reader reader;
            assert_int_equal(start(&reader, bytes, 2), info == 31 && has_indefinite[major]
                                                           ? F(INDEFINITE_LENGTH)
                                                           : F(RESERVED));
        }
    }
}

static void every_initial_byte_alone_has_its_verdict(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        COMMON_CLEANUP_FREE uint8_t *bytes = bytes_exact((const uint8_t[]){(uint8_t)first}, 1);
        unsigned major = first >> 5;
        unsigned info = first & 0x1f;
        bool needs_more = (info >= 24 && info <= 27) ||
                          (info < 24 && (major == 6 || (major >= 2 && major <= 5 && info > 0)));
        struct common_cbor_reader reader;
        enum common_cbor_fault fault = start(&reader, bytes, 1);
        if (info > 27)
            assert_true(fault == F(RESERVED) || fault == F(INDEFINITE_LENGTH));
        else
            assert_int_equal(fault, needs_more ? F(TRUNCATED) : OK);
    }
}

static void a_count_that_the_bytes_cannot_hold_is_refused_at_once(void **state)
{
    (void)state;
    /* Before the ceiling of items is looked at: even without a ceiling. */
    const struct common_cbor_limits limits = {
        .max_bytes = SIZE_MAX, .max_depth = SIZE_MAX, .max_items = SIZE_MAX};
    static const struct verdict cases[] = {
        {"9b1000000000000000", F(TRUNCATED), 0}, /* 2^60 items */
        {"9bffffffffffffffff", F(TRUNCATED), 0},
        {"bb1000000000000000", F(TRUNCATED), 0},
        {"bb8000000000000000", F(TRUNCATED), 0}, /* doubled: 0 */
        {"bb800000000000000100", F(TRUNCATED), 0},
        {"bbffffffffffffffff", F(TRUNCATED), 0},
        {"5bffffffffffffffff", F(TRUNCATED), 0},
        {"7bffffffffffffffff", F(TRUNCATED), 0},
        {"5b0000000100000000", F(TRUNCATED), 0}, /* size_t of 32 bits: 0 */
        {"818300", F(TRUNCATED), 1},             /* inside */
        {"8300", F(TRUNCATED), 0},
        {"a101", F(TRUNCATED), 0},
        {"a2010203", F(TRUNCATED), 0},
        {"82820101", F(TRUNCATED), 4}, /* fits at first, and the last is missing */
        {"", F(TRUNCATED), 0},
        {"c1", F(TRUNCATED), 1},
    };
    judge(cases, ARRAY_LEN(cases), &limits);
    struct common_cbor_reader reader;
    assert_int_equal(common_cbor_reader_init(&reader, NULL, 0, NULL), COMMON_ERR_CORRUPT);
}

static void keys_are_in_order_of_their_bytes_and_none_comes_twice(void **state)
{
    (void)state;
    static const struct verdict cases[] = {
        /* The order of RFC 8949 section 4.2.1: 10, 100, -1, "z", "aa", [100], [-1], false. */
        {"a80a011864022003617a046261610581186406812007f408", OK, 0},
        {"a201000200", OK, 0},
        {"a202000100", F(UNSORTED_KEYS), 3},
        {"a201000100", F(DUPLICATE_KEY), 3},
        {"a3010002000100", F(UNSORTED_KEYS), 5},
        {"a2200018ff00", F(UNSORTED_KEYS), 3}, /* -1 before 255 */
        {"a218ff002000", OK, 0},
        {"a2616100616200", OK, 0},
        {"a2616200616100", F(UNSORTED_KEYS), 4},
        {"a2616100616100", F(DUPLICATE_KEY), 4},
        {"a262616100616200", F(UNSORTED_KEYS), 5}, /* longer first */
        {"a261620062616100", OK, 0},
        {"a2410000410100", OK, 0},
        {"a2410000410000", F(DUPLICATE_KEY), 4},
        {"a2f400f500", OK, 0},
        {"a2f500f500", F(DUPLICATE_KEY), 3},
        {"a2f93c0000f93c0000", F(DUPLICATE_KEY), 5},
        /* Keys that have items inside, tagged keys. */
        {"a2810100810200", OK, 0},
        {"a2810200810100", F(UNSORTED_KEYS), 4},
        {"a2810100810100", F(DUPLICATE_KEY), 4},
        {"a280008000", F(DUPLICATE_KEY), 3},
        {"a2a1010200a1010300", OK, 0},
        {"a2a1010200a1010200", F(DUPLICATE_KEY), 5},
        {"a2c10100c10100", F(DUPLICATE_KEY), 4},
        {"a2c10100c40100", OK, 0},
        {"a2c1c40100c1c40100", F(DUPLICATE_KEY), 5},
        /* Inside: of a value, an array, a key. */
        {"a101a201000100", F(DUPLICATE_KEY), 5},
        {"81a202000100", F(UNSORTED_KEYS), 4},
        {"a1a20100010000", F(DUPLICATE_KEY), 4},
        {"82a10100a10100", OK, 0}, /* each map has its own keys */
        {"a201a1010002a10100", OK, 0},
    };
    judge(cases, ARRAY_LEN(cases), NULL);
}

static void text_is_utf8_and_bytes_are_not_looked_at(void **state)
{
    (void)state;
    static const struct verdict cases[] = {
        {"62c3a9", OK, 0},
        {"6161", OK, 0},
        {"6100", OK, 0},
        {"61c3", F(BAD_UTF8), 0},
        {"62c080", F(BAD_UTF8), 0},
        {"63eda080", F(BAD_UTF8), 0},
        {"64f4908080", F(BAD_UTF8), 0},
        {"820061ff", F(BAD_UTF8), 2},
        {"a161ff00", F(BAD_UTF8), 1},
        {"41ff", OK, 0},
        {"42c080", OK, 0},
        /* Cut by the length, not by the end of the input. */
        {"8261c3a9", F(BAD_UTF8), 1},
    };
    judge(cases, ARRAY_LEN(cases), NULL);
}

/* H6. */
static void what_an_integer_can_say_is_no_big_number(void **state)
{
    (void)state;
    static const struct verdict cases[] = {
        {"c249010000000000000000", OK, 0},
        {"c349010000000000000000", OK, 0},
        {"c25818ffffffffffffffffffffffffffffffffffffffffffffffff", OK, 0},
        {"c240", F(NOT_A_BIGNUM), 0},
        {"c24101", F(NOT_A_BIGNUM), 0},
        {"c34101", F(NOT_A_BIGNUM), 0},
        {"c2420001", F(NOT_A_BIGNUM), 0},
        {"c248ffffffffffffffff", F(NOT_A_BIGNUM), 0},
        {"c348ffffffffffffffff", F(NOT_A_BIGNUM), 0},
        {"c24900ffffffffffffffff", F(NOT_A_BIGNUM), 0},
        {"c24a00010000000000000000", F(NOT_A_BIGNUM), 0},
        {"c201", F(NOT_A_BIGNUM), 0},
        {"c26161", F(NOT_A_BIGNUM), 0},
        {"c28101", F(NOT_A_BIGNUM), 0},
        {"c2c249010000000000000000", F(NOT_A_BIGNUM), 0},
        {"c2c149010000000000000000", F(NOT_A_BIGNUM), 0},
        {"8200c24101", F(NOT_A_BIGNUM), 2},
        {"c1c24101", F(NOT_A_BIGNUM), 1},
        {"a1c2410100", F(NOT_A_BIGNUM), 1},
        /* What is wrong with the byte string is told of that. */
        {"c2", F(TRUNCATED), 1},
        {"c249", F(TRUNCATED), 1},
        {"c2490100000000000000", F(TRUNCATED), 1},
        {"c25801", F(NOT_SHORTEST), 1},
        {"c25f", F(INDEFINITE_LENGTH), 1},
        /* Other tags look at nothing. */
        {"c44101", OK, 0},
        {"d8404101", OK, 0},
    };
    judge(cases, ARRAY_LEN(cases), NULL);
}

static void nothing_may_follow_the_document(void **state)
{
    (void)state;
    static const struct verdict cases[] = {
        {"00", OK, 0},
        {"0000", F(TRAILING_BYTES), 1},
        {"80ff", F(TRAILING_BYTES), 1},
        {"820102f6", F(TRAILING_BYTES), 3},
        {"c10000", F(TRAILING_BYTES), 2},
    };
    judge(cases, ARRAY_LEN(cases), NULL);
}

static void depth_ends_at_the_limit(void **state)
{
    (void)state;
    static const struct common_cbor_limits flat = {
        .max_bytes = 100, .max_depth = 0, .max_items = 100};
    static const struct verdict flat_cases[] = {
        {"00", OK, 0},
        {"80", F(DEPTH), 0},
        {"a0", F(DEPTH), 0},
        {"c100", F(DEPTH), 0},
    };
    judge(flat_cases, ARRAY_LEN(flat_cases), &flat);

    static const struct common_cbor_limits two = {
        .max_bytes = 100, .max_depth = 2, .max_items = 100};
    static const struct verdict two_cases[] = {
        {"818100", OK, 0},         {"81818100", F(DEPTH), 2},     {"81818000", F(DEPTH), 2},
        {"8281008100", OK, 0}, /* beside each other, not inside */
        {"a101a10203", OK, 0},     {"a101a102a0", F(DEPTH), 4},   {"c1c400", OK, 0},
        {"c1c4c500", F(DEPTH), 2}, {"82c100c4c500", F(DEPTH), 4}, {"82c10081c500", F(DEPTH), 4},
        {"82c100c500", OK, 0},
    };
    judge(two_cases, ARRAY_LEN(two_cases), &two);
}

static void depth_ends_at_the_compiled_ceiling_whatever_the_caller_says(void **state)
{
    (void)state;
    const struct common_cbor_limits none = {
        .max_bytes = SIZE_MAX, .max_depth = SIZE_MAX, .max_items = SIZE_MAX};
    uint8_t bytes[2000];
    struct common_cbor_reader reader;

    memset(bytes, 0x81, sizeof(bytes));
    bytes[COMMON_CBOR_MAX_DEPTH] = 0;
    assert_int_equal(common_cbor_reader_init(&reader, bytes, COMMON_CBOR_MAX_DEPTH + 1, &none), 0);
    bytes[COMMON_CBOR_MAX_DEPTH] = 0x81;
    assert_int_equal(common_cbor_reader_init(&reader, bytes, sizeof(bytes), &none),
                     COMMON_ERR_LIMIT);
    assert_int_equal(common_cbor_fault(&reader), F(DEPTH));
    assert_int_equal(common_cbor_fault_offset(&reader), COMMON_CBOR_MAX_DEPTH);
}

static void items_are_counted_in_all(void **state)
{
    (void)state;
    static const struct common_cbor_limits five = {
        .max_bytes = 100, .max_depth = 10, .max_items = 5};
    static const struct verdict cases[] = {
        {"8400000000", OK, 0},
        {"850000000000", F(ITEMS), 0}, /* by its count, before the first is read */
        {"8282000000", OK, 0},
        {"828200008100", F(ITEMS), 4},
        {"a201020304", OK, 0},
        {"a3010203040506", F(ITEMS), 0},
        {"c1c4c5c600", OK, 0},
        {"c1c4c5c6c700", F(ITEMS), 4},
    };
    judge(cases, ARRAY_LEN(cases), &five);
    static const struct common_cbor_limits none = {.max_bytes = 100, .max_depth = 10};
    static const struct verdict one = {"00", F(ITEMS), 0};
    judge(&one, 1, &none);
}

static void bytes_are_counted_before_anything_is_read(void **state)
{
    (void)state;
    static const struct common_cbor_limits three = {
        .max_bytes = 3, .max_depth = 10, .max_items = 10};
    static const struct verdict cases[] = {
        {"820102", OK, 0},
        {"83010203", F(BYTES), 3},
        {"ffffffff", F(BYTES), 3},
    };
    judge(cases, ARRAY_LEN(cases), &three);
}

static void every_fault_has_its_name_its_sentence_and_its_category(void **state)
{
    (void)state;
    assert_string_equal(common_cbor_fault_name(OK), "NONE");
    assert_int_equal(common_cbor_fault_category(OK), 0);
    for (int a = F(TRUNCATED); a <= F(BUFFER); a++) {
        enum common_cbor_fault fault = (enum common_cbor_fault)a;
        assert_string_not_equal(common_cbor_fault_name(fault), "UNKNOWN");
        assert_string_not_equal(common_cbor_fault_text(fault), "unknown fault");
        assert_true(common_cbor_fault_category(fault) < 0);
        for (int b = 0; b < a; b++)
            assert_string_not_equal(common_cbor_fault_text(fault),
                                    common_cbor_fault_text((enum common_cbor_fault)b));
    }
    assert_string_equal(common_cbor_fault_name((enum common_cbor_fault)1000), "UNKNOWN");
    assert_string_equal(common_cbor_fault_text((enum common_cbor_fault)1000), "unknown fault");
    assert_int_equal(common_cbor_fault_category((enum common_cbor_fault)1000), COMMON_ERR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_argument_is_in_its_shortest_form_at_every_width),
        cmocka_unit_test(lengths_and_counts_of_every_width_are_read),
        cmocka_unit_test(simple_values_have_one_form),
        cmocka_unit_test(floats_are_in_the_shortest_form_that_keeps_the_value),
        cmocka_unit_test(one_nan_only_is_accepted),
        cmocka_unit_test(nothing_reserved_and_no_indefinite_length_is_accepted),
        cmocka_unit_test(every_initial_byte_alone_has_its_verdict),
        cmocka_unit_test(a_count_that_the_bytes_cannot_hold_is_refused_at_once),
        cmocka_unit_test(keys_are_in_order_of_their_bytes_and_none_comes_twice),
        cmocka_unit_test(text_is_utf8_and_bytes_are_not_looked_at),
        cmocka_unit_test(what_an_integer_can_say_is_no_big_number),
        cmocka_unit_test(nothing_may_follow_the_document),
        cmocka_unit_test(depth_ends_at_the_limit),
        cmocka_unit_test(depth_ends_at_the_compiled_ceiling_whatever_the_caller_says),
        cmocka_unit_test(items_are_counted_in_all),
        cmocka_unit_test(bytes_are_counted_before_anything_is_read),
        cmocka_unit_test(every_fault_has_its_name_its_sentence_and_its_category),
    };
    return cmocka_run_group_tests_name("cbor_rules", tests, NULL, NULL);
}
