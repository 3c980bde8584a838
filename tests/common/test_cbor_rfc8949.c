/* SPDX-License-Identifier: Apache-2.0 */
/* All examples of RFC 8949 appendix A, in its order. */
#include "common/base/cleanup.h"
#include "tests/support/cbor_text.h"
#include "tests/support/test.h"

#include <string.h>

#define REFUSED(hex, name)                                                                         \
    {                                                                                              \
        hex, NULL, COMMON_CBOR_FAULT_##name                                                        \
    }

static const struct {
    const char *hex;
    const char *text; /* NULL: not in deterministic form */
    enum common_cbor_fault fault;
} examples[] = {
    {"00", "0", 0},
    {"01", "1", 0},
    {"0a", "10", 0},
    {"17", "23", 0},
    {"1818", "24", 0},
    {"1819", "25", 0},
    {"1864", "100", 0},
    {"1903e8", "1000", 0},
    {"1a000f4240", "1000000", 0},
    {"1b000000e8d4a51000", "1000000000000", 0},
    {"1bffffffffffffffff", "18446744073709551615", 0},
    {"c249010000000000000000", "2(h'010000000000000000')", 0},
    {"3bffffffffffffffff", "-18446744073709551616", 0},
    {"c349010000000000000000", "3(h'010000000000000000')", 0},
    {"20", "-1", 0},
    {"29", "-10", 0},
    {"3863", "-100", 0},
    {"3903e7", "-1000", 0},
    {"f90000", "0.0", 0},
    {"f98000", "-0.0", 0},
    {"f93c00", "1.0", 0},
    {"fb3ff199999999999a", "1.1", 0},
    {"f93e00", "1.5", 0},
    {"f97bff", "65504.0", 0},
    {"fa47c35000", "1e+05", 0},
    {"fa7f7fffff", "3.4028234663852886e+38", 0},
    {"fb7e37e43c8800759c", "1e+300", 0},
    {"f90001", "5.9604644775390625e-08", 0},
    {"f90400", "6.103515625e-05", 0},
    {"f9c400", "-4.0", 0},
    {"fbc010666666666666", "-4.1", 0},
    {"f97c00", "Infinity", 0},
    {"f97e00", "NaN", 0},
    {"f9fc00", "-Infinity", 0},
    REFUSED("fa7f800000", NOT_SHORTEST),
    REFUSED("fa7fc00000", NOT_SHORTEST),
    REFUSED("faff800000", NOT_SHORTEST),
    REFUSED("fb7ff0000000000000", NOT_SHORTEST),
    REFUSED("fb7ff8000000000000", NOT_SHORTEST),
    REFUSED("fbfff0000000000000", NOT_SHORTEST),
    {"f4", "false", 0},
    {"f5", "true", 0},
    {"f6", "null", 0},
    {"f7", "undefined", 0},
    {"f0", "simple(16)", 0},
    {"f8ff", "simple(255)", 0},
    {"c074323031332d30332d32315432303a30343a30305a", "0(\"2013-03-21T20:04:00Z\")", 0},
    {"c11a514b67b0", "1(1363896240)", 0},
    {"c1fb41d452d9ec200000", "1(1363896240.5)", 0},
    {"d74401020304", "23(h'01020304')", 0},
    {"d818456449455446", "24(h'6449455446')", 0},
    {"d82076687474703a2f2f7777772e6578616d706c652e636f6d", "32(\"http://www.example.com\")", 0},
    {"40", "h''", 0},
    {"4401020304", "h'01020304'", 0},
    {"60", "\"\"", 0},
    {"6161", "\"a\"", 0},
    {"6449455446", "\"IETF\"", 0},
    {"62225c", "\"\\\"\\\\\"", 0},
    {"62c3bc", "\"\u00fc\"", 0},
    {"63e6b0b4", "\"\u6c34\"", 0},
    {"64f0908591", "\"\U00010151\"", 0},
    {"80", "[]", 0},
    {"83010203", "[1, 2, 3]", 0},
    {"8301820203820405", "[1, [2, 3], [4, 5]]", 0},
    {"98190102030405060708090a0b0c0d0e0f101112131415161718181819",
     "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]",
     0},
    {"a0", "{}", 0},
    {"a201020304", "{1: 2, 3: 4}", 0},
    {"a26161016162820203", "{\"a\": 1, \"b\": [2, 3]}", 0},
    {"826161a161626163", "[\"a\", {\"b\": \"c\"}]", 0},
    {"a56161614161626142616361436164614461656145",
     "{\"a\": \"A\", \"b\": \"B\", \"c\": \"C\", \"d\": \"D\", \"e\": \"E\"}", 0},
    REFUSED("5f42010243030405ff", INDEFINITE_LENGTH),
    REFUSED("7f657374726561646d696e67ff", INDEFINITE_LENGTH),
    REFUSED("9fff", INDEFINITE_LENGTH),
    REFUSED("9f018202039f0405ffff", INDEFINITE_LENGTH),
    REFUSED("9f01820203820405ff", INDEFINITE_LENGTH),
    REFUSED("83018202039f0405ff", INDEFINITE_LENGTH),
    REFUSED("83019f0203ff820405", INDEFINITE_LENGTH),
    REFUSED("9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff", INDEFINITE_LENGTH),
    REFUSED("bf61610161629f0203ffff", INDEFINITE_LENGTH),
    REFUSED("826161bf61626163ff", INDEFINITE_LENGTH),
    REFUSED("bf6346756ef563416d7421ff", INDEFINITE_LENGTH),
};

static void every_example_is_read_as_its_value_or_refused_by_its_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        size_t len = 0;
        COMMON_CLEANUP_FREE uint8_t *bytes = cbor_from_hex(examples[i].hex, &len);
        struct common_cbor_reader reader;
        int error = common_cbor_reader_init(&reader, bytes, len, NULL);
        COMMON_CLEANUP_FREE char *text = cbor_text(&reader);

        if (common_cbor_fault(&reader) != examples[i].fault)
            fail_msg("%s: %s at %zu", examples[i].hex,
                     common_cbor_fault_name(common_cbor_fault(&reader)),
                     common_cbor_fault_offset(&reader));
        assert_int_equal(error, examples[i].fault ? COMMON_ERR_CORRUPT : 0);
        assert_int_equal(common_cbor_reader_finish(&reader), error);
        assert_string_equal(text, examples[i].text ? examples[i].text : "");
    }
}

static void every_deterministic_example_is_written_byte_for_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        if (!examples[i].text)
            continue;
        size_t len = 0;
        COMMON_CLEANUP_FREE uint8_t *bytes = cbor_from_hex(examples[i].hex, &len);
        COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(1000);
        struct common_cbor_writer writer = common_cbor_writer(&buf);
        struct common_cbor_reader reader;
        assert_int_equal(common_cbor_reader_init(&reader, bytes, len, NULL), 0);

        cbor_copy(&writer, &reader);
        assert_int_equal(common_cbor_writer_finish(&writer), 0);
        assert_int_equal(buf.len, len);
        assert_memory_equal(buf.data, bytes, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_is_read_as_its_value_or_refused_by_its_rule),
        cmocka_unit_test(every_deterministic_example_is_written_byte_for_byte),
    };
    return cmocka_run_group_tests_name("cbor_rfc8949", tests, NULL, NULL);
}
