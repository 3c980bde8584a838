/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random documents. A tree is drawn from a seed, written by drawing it, and read back by drawing it
 * again: what the reader gives must be what the generator says. The same documents, cut and
 * damaged, must be refused or be another document in its one form (R1 of reader.c, W1 of writer.c).
 *
 * CBOR_MODEL_SEED in the environment replays a run; CBOR_MODEL_ROUNDS makes it longer.
 */
#include "common/base/cleanup.h"
#include "tests/support/cbor_text.h"
#include "tests/support/test.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    DEFAULT_ROUNDS = 5000,
    MAX_STRING = 300
};

static const size_t max_len = 1 << 20;
static uint64_t seed;

/* splitmix64 */
static uint64_t draw(uint64_t *random)
{
    *random += 0x9e3779b97f4a7c15ULL;
    uint64_t z = *random;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

/* Values near the borders of the widths as often as others. */
static uint64_t draw_argument(uint64_t *random)
{
    unsigned bits = (unsigned)(draw(random) % 65);
    uint64_t value = bits == 0 ? 0 : draw(random) >> (64 - bits);
    return draw(random) % 4 == 0 ? (bits < 64 ? 1ULL << bits : 0) - draw(random) % 2 : value;
}

static double draw_double(uint64_t *random)
{
    uint64_t bits = draw(random);
    double number = 0;

    /* Few bits of fraction: a half or a single now and then. */
    bits &= ~0ULL << draw(random) % 53;
    if (draw(random) % 2)
        bits = (bits & ~(0x7ffULL << 52)) | (1023 - 30 + draw(random) % 60) << 52;
    memcpy(&number, &bits, sizeof(number));
    return number;
}

static size_t draw_bytes(uint64_t *random, uint8_t bytes[MAX_STRING])
{
    size_t len = draw(random) % 8 == 0 ? draw(random) % MAX_STRING : draw(random) % 30;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)draw(random);
    return len;
}

static size_t draw_text(uint64_t *random, char text[MAX_STRING])
{
    static const char *const pieces[] = {"a", "\xc3\xa9", "\xe6\xb0\xb4", "\xf0\x90\x85\x91", "Z"};
    size_t len = 0;
    size_t num = draw(random) % 40;
    for (size_t i = 0; i < num; i++) {
        const char *piece = pieces[draw(random) % ARRAY_LEN(pieces)];
        while (*piece)
            text[len++] = *piece++;
    }
    return len;
}

static uint8_t draw_simple(uint64_t *random)
{
    uint8_t value = (uint8_t)draw(random);
    return value < 20 || value == 23 || value >= 32 ? value : 23;
}

enum kind {
    ANY_UINT,
    ANY_NEGATIVE,
    ANY_INT,
    ANY_BYTES,
    ANY_TEXT,
    ANY_BOOL,
    ANY_NULL,
    ANY_DOUBLE,
    ANY_SIMPLE,
    ANY_TAG,
    ANY_ARRAY,
    ANY_MAP,
    NUM_KINDS
};

/* Above the lowest level three of four have items inside. */
static enum kind draw_kind(uint64_t *random, unsigned depth)
{
    uint64_t drawn = draw(random);
    if (depth == 0 || drawn % 4 == 0)
        return (enum kind)(drawn / 4 % ANY_TAG);
    return (enum kind)(ANY_TAG + drawn / 4 % (NUM_KINDS - ANY_TAG));
}

static unsigned draw_depth(uint64_t *random)
{
    return (unsigned)(draw(random) % 7);
}

static void put_key(struct common_cbor_writer *writer, uint64_t *random, size_t index)
{
    /* Ascends with the index: integers, then byte strings of one length, then arrays. */
    if (index < 3)
        common_cbor_put_uint(writer, index * 1000 + draw(random) % 1000);
    else if (index < 5)
        common_cbor_put_int(writer, -(int64_t)(index * 1000 + draw(random) % 1000));
    else if (index < 7)
        common_cbor_put_bytes(writer, (const uint8_t[]){(uint8_t)index}, 1);
    else {
        common_cbor_begin_array(writer, 2);
        common_cbor_put_uint(writer, index);
        common_cbor_put_double(writer, draw_double(random));
        common_cbor_end(writer);
    }
}

static void check_key(struct common_cbor_reader *reader, uint64_t *random, size_t index)
{
    uint64_t value = 0;
    int64_t negative = 0;
    const uint8_t *bytes = NULL;
    double number = 0;

    if (index < 3) {
        assert_int_equal(common_cbor_get_uint(reader, &value), 0);
        assert_true(value == index * 1000 + draw(random) % 1000);
    } else if (index < 5) {
        assert_true(common_cbor_next_int_key(reader, &negative));
        assert_true(negative == -(int64_t)(index * 1000 + draw(random) % 1000));
    } else if (index < 7) {
        assert_int_equal(common_cbor_get_bytes_exact(reader, &bytes, 1), 0);
        assert_int_equal(bytes[0], index);
    } else {
        assert_int_equal(common_cbor_enter_array_exact(reader, 2), 0);
        assert_int_equal(common_cbor_get_uint(reader, &value), 0);
        assert_true(value == index);
        assert_int_equal(common_cbor_get_double(reader, &number), 0);
        (void)draw_double(random);
        assert_int_equal(common_cbor_leave(reader), 0);
    }
}

/* Not 2 and 3: big numbers are not for any item (H6 of head.c). */
static uint64_t draw_tag(uint64_t *random)
{
    uint64_t tag = draw_argument(random);
    return tag == 2 || tag == 3 ? tag + 2 : tag;
}

static void put(struct common_cbor_writer *writer, uint64_t *random, unsigned depth)
{
    uint8_t bytes[MAX_STRING];
    char text[MAX_STRING];
    size_t num = 0;

    switch (draw_kind(random, depth)) {
    case ANY_UINT:
        common_cbor_put_uint(writer, draw_argument(random));
        break;
    case ANY_NEGATIVE:
        common_cbor_put_negative(writer, draw_argument(random));
        break;
    case ANY_INT:
        common_cbor_put_int(writer, (int64_t)draw(random));
        break;
    case ANY_BYTES:
        num = draw_bytes(random, bytes);
        common_cbor_put_bytes(writer, bytes, num);
        break;
    case ANY_TEXT:
        num = draw_text(random, text);
        common_cbor_put_text(writer, text, num);
        break;
    case ANY_BOOL:
        common_cbor_put_bool(writer, draw(random) % 2);
        break;
    case ANY_DOUBLE:
        common_cbor_put_double(writer, draw_double(random));
        break;
    case ANY_SIMPLE:
        common_cbor_put_simple(writer, draw_simple(random));
        break;
    case ANY_TAG:
        common_cbor_put_tag(writer, draw_tag(random));
        put(writer, random, depth - 1);
        break;
    case ANY_ARRAY:
        num = draw(random) % 30;
        common_cbor_begin_array(writer, num);
        for (size_t i = 0; i < num; i++)
            put(writer, random, i % 4 ? 0 : depth - 1);
        common_cbor_end(writer);
        break;
    case ANY_MAP:
        num = draw(random) % 10;
        common_cbor_begin_map(writer, num);
        for (size_t i = 0; i < num; i++) {
            put_key(writer, random, i);
            put(writer, random, i % 4 ? 0 : depth - 1);
        }
        common_cbor_end(writer);
        break;
    default:
        common_cbor_put_null(writer);
    }
}

static void check_double(struct common_cbor_reader *reader, double expected)
{
    double number = 0;
    assert_int_equal(common_cbor_get_double(reader, &number), 0);
    assert_true(isnan(expected) ? isnan(number) : double_bits(number) == double_bits(expected));
}

static void check_int(struct common_cbor_reader *reader, int64_t expected)
{
    int64_t value = 0;
    assert_int_equal(common_cbor_get_int(reader, &value), 0);
    assert_true(value == expected);
}

static void check_bytes(struct common_cbor_reader *reader, uint64_t *random)
{
    uint8_t expected[MAX_STRING];
    const uint8_t *bytes = NULL;
    size_t len = 0;
    size_t expected_len = draw_bytes(random, expected);
    assert_int_equal(common_cbor_get_bytes(reader, &bytes, &len, expected_len), 0);
    assert_int_equal(len, expected_len);
    assert_memory_equal(bytes, expected, len);
}

static void check_text(struct common_cbor_reader *reader, uint64_t *random)
{
    char expected[MAX_STRING];
    const char *text = NULL;
    size_t len = 0;
    size_t expected_len = draw_text(random, expected);
    assert_int_equal(common_cbor_get_text(reader, &text, &len, expected_len), 0);
    assert_int_equal(len, expected_len);
    assert_memory_equal(text, expected, len);
}

static void check(struct common_cbor_reader *reader, uint64_t *random, unsigned depth)
{
    uint64_t value = 0;
    uint8_t simple = 0;
    bool flag = false;
    size_t num = 0;

    switch (draw_kind(random, depth)) {
    case ANY_UINT:
        assert_int_equal(common_cbor_get_uint(reader, &value), 0);
        assert_true(value == draw_argument(random));
        break;
    case ANY_NEGATIVE:
        assert_int_equal(common_cbor_get_negative(reader, &value), 0);
        assert_true(value == draw_argument(random));
        break;
    case ANY_INT:
        check_int(reader, (int64_t)draw(random));
        break;
    case ANY_BYTES:
        check_bytes(reader, random);
        break;
    case ANY_TEXT:
        check_text(reader, random);
        break;
    case ANY_BOOL:
        assert_int_equal(common_cbor_get_bool(reader, &flag), 0);
        assert_int_equal(flag, draw(random) % 2);
        break;
    case ANY_DOUBLE:
        check_double(reader, draw_double(random));
        break;
    case ANY_SIMPLE:
        assert_int_equal(common_cbor_get_simple(reader, &simple), 0);
        assert_int_equal(simple, draw_simple(random));
        break;
    case ANY_TAG:
        assert_int_equal(common_cbor_get_tag(reader, &value), 0);
        assert_true(value == draw_tag(random));
        check(reader, random, depth - 1);
        break;
    case ANY_ARRAY:
        assert_int_equal(common_cbor_enter_array(reader, &num), 0);
        assert_int_equal(num, draw(random) % 30);
        for (size_t i = 0; i < num; i++)
            check(reader, random, i % 4 ? 0 : depth - 1);
        assert_int_equal(common_cbor_leave(reader), 0);
        break;
    case ANY_MAP:
        assert_int_equal(common_cbor_enter_map(reader, &num), 0);
        assert_int_equal(num, draw(random) % 10);
        for (size_t i = 0; i < num; i++) {
            check_key(reader, random, i);
            check(reader, random, i % 4 ? 0 : depth - 1);
        }
        assert_int_equal(common_cbor_leave(reader), 0);
        break;
    default:
        assert_int_equal(common_cbor_get_null(reader), 0);
    }
}

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    const char *wanted = getenv("CBOR_MODEL_ROUNDS");
    unsigned long rounds = wanted ? strtoul(wanted, NULL, 10) : DEFAULT_ROUNDS;
    size_t total = 0;

    for (unsigned long round = 0; round < rounds; round++) {
        uint64_t begin = seed + round;
        uint64_t random = begin;
        COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(max_len);
        struct common_cbor_writer writer = common_cbor_writer(&buf);
        unsigned depth = draw_depth(&random);
        put(&writer, &random, depth);
        if (common_cbor_writer_finish(&writer))
            fail_msg("seed %" PRIu64 ": %s", begin,
                     common_cbor_fault_name(common_cbor_writer_fault(&writer)));

        COMMON_CLEANUP_FREE uint8_t *exact = bytes_exact(buf.data, buf.len);
        const struct common_cbor_limits limits = {
            .max_bytes = max_len, .max_depth = 16, .max_items = max_len};
        struct common_cbor_reader reader;
        if (common_cbor_reader_init(&reader, exact, buf.len, &limits))
            fail_msg("seed %" PRIu64 ": %s", begin,
                     common_cbor_fault_name(common_cbor_fault(&reader)));
        random = begin;
        depth = draw_depth(&random);
        check(&reader, &random, depth);
        assert_int_equal(common_cbor_reader_finish(&reader), 0);
        total += buf.len;
    }
    print_message("# %lu documents, %zu bytes\n", rounds, total);
}

static const char rich_hex[] = "a8"
                               "01833b7fffffffffffffff3bffffffffffffffff4200ff"
                               "1a000f4240fb3ff199999999999a"
                               "20d0da000111706361c3a9"
                               "40f6"
                               "646e616d65a26161f93c0062616182f4fa47c35000"
                               "814101d818581a000102030405060708090a0b0c0d0e0f10111213141516171819"
                               "a1010281f7"
                               "f5820102";

/* Whatever the bytes are: no byte outside is touched (ASan), and what is accepted is written again
 * as the same bytes. */
static bool is_accepted(const uint8_t *bytes, size_t len)
{
    COMMON_CLEANUP_FREE uint8_t *exact = bytes_exact(bytes, len);
    struct common_cbor_reader reader;
    if (common_cbor_reader_init(&reader, exact, len, NULL)) {
        assert_int_not_equal(common_cbor_fault(&reader), COMMON_CBOR_FAULT_NONE);
        assert_true(common_cbor_fault_offset(&reader) <= len);
        return false;
    }
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(max_len);
    struct common_cbor_writer writer = common_cbor_writer(&buf);
    cbor_copy(&writer, &reader);
    assert_int_equal(common_cbor_reader_finish(&reader), 0);
    assert_int_equal(common_cbor_writer_finish(&writer), 0);
    assert_int_equal(buf.len, len);
    assert_memory_equal(buf.data, exact, len);
    return true;
}

static void a_document_cut_anywhere_is_refused(void **state)
{
    (void)state;
    size_t len = 0;
    COMMON_CLEANUP_FREE uint8_t *bytes = cbor_from_hex(rich_hex, &len);
    assert_true(is_accepted(bytes, len));
    for (size_t cut = 0; cut < len; cut++)
        assert_false(is_accepted(bytes, cut));
}

static void a_document_with_any_byte_changed_is_refused_or_another_one(void **state)
{
    (void)state;
    size_t len = 0;
    size_t accepted = 0;
    COMMON_CLEANUP_FREE uint8_t *bytes = cbor_from_hex(rich_hex, &len);
    for (size_t at = 0; at < len; at++) {
        for (unsigned change = 1; change < 256; change++) {
            bytes[at] ^= (uint8_t)change;
            accepted += is_accepted(bytes, len);
            bytes[at] ^= (uint8_t)change;
        }
    }
    print_message("# %zu of %zu changed documents are deterministic too\n", accepted, len * 255);
}

static int set_seed(void **state)
{
    (void)state;
    const char *wanted = getenv("CBOR_MODEL_SEED");
    seed = wanted ? strtoull(wanted, NULL, 10) : (uint64_t)time(NULL) << 20;
    print_message("# CBOR_MODEL_SEED=%" PRIu64 "\n", seed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(a_document_cut_anywhere_is_refused),
        cmocka_unit_test(a_document_with_any_byte_changed_is_refused_or_another_one),
    };
    return cmocka_run_group_tests_name("cbor_model", tests, set_seed, NULL);
}
