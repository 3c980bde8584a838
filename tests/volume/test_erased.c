/* SPDX-License-Identifier: Apache-2.0 */
/* The record of an erasure. */
#include "common/base/ct.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include "tests/volume/sample.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct xv_erased one;
static struct common_buf encoded;

static int begin(void **state)
{
    (void)state;
    one = sample_erased();
    encoded = common_buf_growing(XV_SUPERBLOCK_MAX);
    return xv_erased_encode(&encoded, &one, 1);
}

static int end(void **state)
{
    (void)state;
    common_buf_wipe(&encoded);
    return 0;
}

static void assert_same(const struct xv_erased *a, const struct xv_erased *b)
{
    assert_memory_equal(a->uuid, b->uuid, sizeof(a->uuid));
    assert_int_equal(a->erased_s, b->erased_s);
    assert_int_equal(a->keys_destroyed, b->keys_destroyed);
    assert_int_equal(a->num_generations, b->num_generations);
    assert_memory_equal(a->generations, b->generations, sizeof(a->generations));
    assert_string_equal(a->method, b->method);
}

static int read_erased(struct xv_erased *out, const uint8_t *bytes)
{
    struct xv_prelude prelude;
    *out = (struct xv_erased){0};
    int error = xv_prelude_decode(&prelude, bytes, 1);
    if (!error && prelude.body_len > XV_PAGE_LEN - XV_PRELUDE_LEN)
        error = COMMON_ERR_CORRUPT;
    if (!error)
        error = xv_superblock_digest(bytes, XV_PRELUDE_LEN + prelude.body_len);
    if (!error && prelude.kind != XV_KIND_ERASED)
        error = COMMON_ERR_STATE;
    return error ? error : xv_erased_decode(out, bytes + XV_PRELUDE_LEN, prelude.body_len);
}

static size_t body_len(void)
{
    return (size_t)encoded.data[12] | (size_t)encoded.data[13] << 8;
}

static void an_erasure_comes_back_as_it_was(void **state)
{
    (void)state;
    struct test_random random = test_random_begin("erased");
    struct xv_erased found;
    assert_int_equal(encoded.len, XV_PAGE_LEN);
    assert_true(common_ct_is_zero(encoded.data + 64, 32));
    assert_int_equal(read_erased(&found, encoded.data), 0);
    assert_same(&one, &found);
    for (unsigned i = 0; i < 200; i++) {
        COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
        struct xv_erased made = {.erased_s = test_random_next(&random) >> 1};
        test_random_bytes(&random, made.uuid, sizeof(made.uuid));
        made.keys_destroyed = test_random_chance(&random, 50);
        made.num_generations = test_random_below(&random, XTSVOL_LIVE_GENERATIONS_MAX + 1);
        for (size_t j = 0; j < made.num_generations; j++)
            made.generations[j] = (uint32_t)test_random_range(&random, 1, XTSVOL_GENERATION_MAX);
        memset(made.method, 'x', test_random_below(&random, XV_METHOD_MAX + 1));
        assert_int_equal(xv_erased_encode(&buf, &made, 1), 0);
        assert_int_equal(read_erased(&found, buf.data), 0);
        assert_same(&made, &found);
    }
}

static void every_changed_bit_is_refused(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < (XV_PRELUDE_LEN + body_len()) * 8; bit++) {
        struct xv_erased found;
        encoded.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        int error = read_erased(&found, encoded.data);
        encoded.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (error == 0)
            fail_msg("bit %zu of byte %zu is not looked at", bit % 8, bit / 8);
    }
}

static void each_damage_is_refused(void **state)
{
    (void)state;
    static const char text_of_65[] = "7841" /* and 65 zeroes as digits */
                                     "3030303030303030303030303030303030303030303030303030303030"
                                     "3030303030303030303030303030303030303030303030303030303030"
                                     "30303030303030";
    static const struct {
        const char *name;
        struct edit edit;
        int verdict;
    } damages[] = {
        {"an array", {"", EDIT_REPLACE, "80"}, COMMON_ERR_CORRUPT},
        {"no UUID", {"1", EDIT_REMOVE, NULL}, COMMON_ERR_CORRUPT},
        {"no time", {"2", EDIT_REMOVE, NULL}, COMMON_ERR_CORRUPT},
        {"no generations", {"3", EDIT_REMOVE, NULL}, COMMON_ERR_CORRUPT},
        {"keys neither destroyed nor not", {"4", EDIT_REMOVE, NULL}, COMMON_ERR_CORRUPT},
        {"no method", {"5", EDIT_REMOVE, NULL}, COMMON_ERR_CORRUPT},
        {"a new field", {"", EDIT_LAST, "0600"}, COMMON_ERR_UNSUPPORTED},
        {"a short UUID", {"1", EDIT_REPLACE, "4100"}, COMMON_ERR_CORRUPT},
        {"a time beyond 2^63", {"2", EDIT_REPLACE, "1b8000000000000000"}, COMMON_ERR_CORRUPT},
        {"generation 0", {"3.0", EDIT_REPLACE, "00"}, COMMON_ERR_CORRUPT},
        {"generation 1024", {"3.1", EDIT_REPLACE, "190400"}, COMMON_ERR_CORRUPT},
        {"keys destroyed: 1", {"4", EDIT_REPLACE, "01"}, COMMON_ERR_CORRUPT},
        {"a method that is bytes", {"5", EDIT_REPLACE, "4161"}, COMMON_ERR_CORRUPT},
        {"a method with a zero byte", {"5", EDIT_REPLACE, "63610061"}, COMMON_ERR_CORRUPT},
        {"a method of 65 bytes", {"5", EDIT_REPLACE, text_of_65}, COMMON_ERR_CORRUPT},
    };
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        size_t len = 0;
        struct xv_erased found;
        uint8_t *body = edited(&len, encoded.data + XV_PRELUDE_LEN, body_len(), &damages[i].edit);
        memset(&found, 0xee, sizeof(found));
        int verdict = xv_erased_decode(&found, body, len);
        free(body);
        if (verdict != damages[i].verdict)
            fail_msg("%s: %d", damages[i].name, verdict);
        assert_true(common_ct_is_zero(&found, sizeof(found)));
    }
}

static void more_generations_than_a_volume_has_are_refused(void **state)
{
    (void)state;
    char list[4 + 65 * 2 + 1] = "9841";
    for (unsigned i = 0; i < 65; i++)
        (void)snprintf(list + 4 + (size_t)2 * i, 3, "01");
    const struct edit edit = {"3", EDIT_REPLACE, list};
    size_t len = 0;
    struct xv_erased found;
    uint8_t *body = edited(&len, encoded.data + XV_PRELUDE_LEN, body_len(), &edit);
    assert_int_equal(xv_erased_decode(&found, body, len), COMMON_ERR_CORRUPT);
    free(body);
}

static void what_would_not_be_read_is_not_written(void **state)
{
    (void)state;
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
    struct xv_erased wrong = one;
    wrong.num_generations = XTSVOL_LIVE_GENERATIONS_MAX + 1;
    assert_int_equal(xv_erased_encode(&buf, &wrong, 0), COMMON_ERR_INVALID);
    wrong = one;
    wrong.generations[1] = 1024;
    assert_int_equal(xv_erased_encode(&buf, &wrong, 0), COMMON_ERR_INVALID);
    wrong = one;
    wrong.generations[0] = 0;
    assert_int_equal(xv_erased_encode(&buf, &wrong, 0), COMMON_ERR_INVALID);
    wrong = one;
    wrong.erased_s = UINT64_C(1) << 63;
    assert_int_equal(xv_erased_encode(&buf, &wrong, 0), COMMON_ERR_INVALID);
    wrong = one;
    memset(wrong.method, 'x', sizeof(wrong.method));
    assert_int_equal(xv_erased_encode(&buf, &wrong, 0), COMMON_ERR_INVALID);
    wrong = one;
    wrong.method[0] = (char)0xff; /* no UTF-8 */
    assert_int_equal(xv_erased_encode(&buf, &wrong, 0), COMMON_ERR_INVALID);
    assert_int_equal(buf.len, 0);
}

static void without_memory_nothing_is_left(void **state)
{
    (void)state;
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
        fault_loop_arm(&loop);
        int error = xv_erased_encode(&buf, &one, 0);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error, fired ? COMMON_ERR_NO_MEMORY : 0);
        assert_int_equal(buf.len, fired ? 0 : XV_PAGE_LEN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_erasure_comes_back_as_it_was),
        cmocka_unit_test(every_changed_bit_is_refused),
        cmocka_unit_test(each_damage_is_refused),
        cmocka_unit_test(more_generations_than_a_volume_has_are_refused),
        cmocka_unit_test(what_would_not_be_read_is_not_written),
        cmocka_unit_test(without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests_name("erased", tests, begin, end);
}
