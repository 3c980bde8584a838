/* SPDX-License-Identifier: Apache-2.0 */
/* xtsvol_xts_encrypt() and xtsvol_xts_decrypt(): what they take, what they refuse, what they give.
 */
#include "common/base/cleanup.h"
#include "tests/kernels/machine.h"
#include "tests/kernels/oracle.h"
#include "tests/xtsvol/handle.h"

#include <stdlib.h>
#include <string.h>

enum {
    BUFFER_LEN = 1 << 16,
    NUM_RANDOM = 1500,
    UNTOUCHED = 0x77
};

typedef int crypt_fn(const struct xtsvol_xts_key *key, uint8_t *out, const uint8_t *in, size_t len,
                     size_t unit_len, struct xtsvol_unit_number first);

static crypt_fn *const functions[XTS_NUM_DIRECTIONS] = {xtsvol_xts_encrypt, xtsvol_xts_decrypt};

static struct test_random random_state;
static struct handle_key keys;
static uint8_t buffer[BUFFER_LEN];
static uint8_t other[BUFFER_LEN];
static uint8_t expected[BUFFER_LEN];

static int make_key(void **state)
{
    (void)state;
    random_state = test_random_begin("xts units");
    keys = handle_key_new(&random_state);
    memset(buffer, UNTOUCHED, sizeof(buffer));
    test_random_bytes(&random_state, other, sizeof(other));
    return 0;
}

static int drop_key(void **state)
{
    (void)state;
    handle_key_free(&keys);
    return 0;
}

static void expect_untouched(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        assert_int_equal(bytes[i], UNTOUCHED);
}

/* Refused in both directions, and nothing written. */
static void expect_refusal(const struct xtsvol_xts_key *key, uint8_t *out, const uint8_t *in,
                           size_t len, size_t unit_len, struct xtsvol_unit_number first)
{
    for (size_t i = 0; i < XTS_NUM_DIRECTIONS; i++) {
        assert_int_equal(functions[i](key, out, in, len, unit_len, first), XTSVOL_ERR_INVALID);
        expect_untouched(buffer, sizeof(buffer));
    }
}

static void units_out_of_range_are_refused(void **state)
{
    (void)state;
    const struct xtsvol_unit_number first = xtsvol_unit(0);
    static const size_t lens[] = {0, 1, 15, XTSVOL_XTS_UNIT_MAX + 1, SIZE_MAX};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        /* By its own length, and by none: the unit is judged first. */
        expect_refusal(keys.key, buffer, other, lens[i], lens[i], first);
        expect_refusal(keys.key, buffer, other, 0, lens[i], first);
    }
}

static void a_part_of_a_unit_is_refused(void **state)
{
    (void)state;
    const struct xtsvol_unit_number first = xtsvol_unit(0);
    expect_refusal(keys.key, buffer, other, 15, 16, first);
    expect_refusal(keys.key, buffer, other, 511, 512, first);
    expect_refusal(keys.key, buffer, other, 513, 512, first);
    expect_refusal(keys.key, buffer, other, 1024 + 16, 512, first);
    expect_refusal(keys.key, buffer, other, 100, XTSVOL_XTS_UNIT_MAX, first);
}

static void null_is_refused(void **state)
{
    (void)state;
    const struct xtsvol_unit_number first = xtsvol_unit(0);
    expect_refusal(NULL, buffer, other, 512, 512, first);
    expect_refusal(NULL, buffer, other, 0, 512, first);
    expect_refusal(keys.key, NULL, other, 512, 512, first);
    expect_refusal(keys.key, buffer, NULL, 512, 512, first);
    expect_refusal(keys.key, NULL, NULL, 512, 512, first);
}

static void no_bytes_are_no_work(void **state)
{
    (void)state;
    for (size_t i = 0; i < XTS_NUM_DIRECTIONS; i++) {
        assert_int_equal(functions[i](keys.key, buffer, other, 0, 512, xtsvol_unit(3)), 0);
        const struct xtsvol_unit_number last = {.low = UINT64_MAX, .high = UINT64_MAX};
        assert_int_equal(functions[i](keys.key, buffer, other, 0, 16, last), 0);
        expect_untouched(buffer, sizeof(buffer));
    }
}

static void buffers_that_overlap_in_part_are_refused(void **state)
{
    (void)state;
    static const size_t lens[] = {16, 17, 512, 4096};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        size_t len = lens[i];
        const size_t offsets[] = {1, len / 2, len - 16 ? len - 16 : 1, len - 1};
        uint8_t *middle = buffer + BUFFER_LEN / 2;
        for (size_t j = 0; j < ARRAY_LEN(offsets); j++) {
            expect_refusal(keys.key, middle, middle + offsets[j], len, len, xtsvol_unit(1));
            expect_refusal(keys.key, middle, middle - offsets[j], len, len, xtsvol_unit(1));
        }
    }
    /* The whole lengths count, not those of a unit. */
    expect_refusal(keys.key, buffer, buffer + 512, 1024, 512, xtsvol_unit(1));
    expect_refusal(keys.key, buffer + 512, buffer, 1024, 512, xtsvol_unit(1));
}

static void the_same_buffer_and_neighbours_are_taken(void **state)
{
    (void)state;
    static const size_t lens[] = {16, 17, 512, 4096};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        size_t len = lens[i];
        uint8_t *middle = buffer + BUFFER_LEN / 2;
        uint8_t *const places[] = {middle, middle + len, middle - len};
        for (size_t way = 0; way < XTS_NUM_DIRECTIONS; way++) {
            for (size_t j = 0; j < ARRAY_LEN(places); j++) {
                memset(buffer, UNTOUCHED, sizeof(buffer));
                oracle_units(keys.oracle, (enum xts_direction)way, expected, middle, len, 1,
                             xtsvol_unit(1));
                assert_int_equal(
                    functions[way](keys.key, places[j], middle, len, len, xtsvol_unit(1)), 0);
                assert_memory_equal(places[j], expected, len);
                expect_untouched(buffer, (size_t)(places[j] - buffer));
                expect_untouched(places[j] + len, (size_t)(buffer + BUFFER_LEN - places[j]) - len);
            }
        }
    }
}

static void the_last_number_is_taken_and_none_behind_it(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 3, 33, 64};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        size_t num = counts[i];
        struct xtsvol_unit_number first = {.low = UINT64_MAX - (num - 1), .high = UINT64_MAX};
        for (size_t way = 0; way < XTS_NUM_DIRECTIONS; way++) {
            oracle_units(keys.oracle, (enum xts_direction)way, expected, other, 32, num, first);
            assert_int_equal(functions[way](keys.key, buffer, other, 32 * num, 32, first), 0);
            assert_memory_equal(buffer, expected, 32 * num);
        }
        memset(buffer, UNTOUCHED, sizeof(buffer));
        expect_refusal(keys.key, buffer, other, 32 * (num + 1), 32, first);
        first.low = UINT64_MAX;
        if (num > 1)
            expect_refusal(keys.key, buffer, other, 32 * num, 32, first);
        /* The low half alone may overflow. */
        first.high = UINT64_MAX - 1;
        oracle_units(keys.oracle, XTS_ENCRYPT, expected, other, 32, num, first);
        assert_int_equal(xtsvol_xts_encrypt(keys.key, buffer, other, 32 * num, 32, first), 0);
        assert_memory_equal(buffer, expected, 32 * num);
        memset(buffer, UNTOUCHED, sizeof(buffer));
    }
}

static void gives_what_libcrypto_gives(void **state)
{
    (void)state;
    size_t one_in = machine_one_in();
    for (size_t i = 0; i < NUM_RANDOM / one_in; i++) {
        size_t unit_len = test_random_range(&random_state, XTSVOL_XTS_UNIT_MIN, 4500);
        size_t most = BUFFER_LEN / unit_len;
        size_t num = test_random_range(&random_state, 1, most > 80 ? 80 : most);
        struct xtsvol_unit_number first = {.low = test_random_next(&random_state),
                                           .high = test_random_next(&random_state) >> 1};
        if (test_random_chance(&random_state, 30))
            first.low = UINT64_MAX - test_random_below(&random_state, num + 1);
        if (test_random_chance(&random_state, 30))
            first = xtsvol_unit(first.low);
        size_t len = num * unit_len;
        enum xts_direction way = test_random_chance(&random_state, 50) ? XTS_ENCRYPT : XTS_DECRYPT;
        oracle_units(keys.oracle, way, expected, other, unit_len, num, first);
        assert_int_equal(functions[way](keys.key, buffer, other, len, unit_len, first), 0);
        assert_memory_equal(buffer, expected, len);
        /* And back, in place. */
        assert_int_equal(functions[1 - way](keys.key, buffer, buffer, len, unit_len, first), 0);
        assert_memory_equal(buffer, other, len);
    }
}

static void the_longest_unit_is_taken(void **state)
{
    (void)state;
    size_t len = XTSVOL_XTS_UNIT_MAX / machine_one_in();
    COMMON_CLEANUP_FREE uint8_t *longest = malloc(len);
    COMMON_CLEANUP_FREE uint8_t *answer = malloc(len);
    assert_non_null(longest);
    assert_non_null(answer);
    test_random_bytes(&random_state, longest, len);
    oracle_units(keys.oracle, XTS_ENCRYPT, answer, longest, len, 1, xtsvol_unit(9));
    assert_int_equal(xtsvol_xts_encrypt(keys.key, longest, longest, len, len, xtsvol_unit(9)), 0);
    assert_memory_equal(longest, answer, len);
}

#define WITH_KEY(test) cmocka_unit_test_setup_teardown(test, make_key, drop_key)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_KEY(units_out_of_range_are_refused),
        WITH_KEY(a_part_of_a_unit_is_refused),
        WITH_KEY(null_is_refused),
        WITH_KEY(no_bytes_are_no_work),
        WITH_KEY(buffers_that_overlap_in_part_are_refused),
        WITH_KEY(the_same_buffer_and_neighbours_are_taken),
        WITH_KEY(the_last_number_is_taken_and_none_behind_it),
        WITH_KEY(gives_what_libcrypto_gives),
        WITH_KEY(the_longest_unit_is_taken),
    };
    return HANDLE_RUN("xts_units", tests);
}
