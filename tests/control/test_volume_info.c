/* SPDX-License-Identifier: Apache-2.0 */
/* What a volume is, told by one process to another. */
#include "tests/support/test.h"
#include "tools/xtsvol/volume_info.h"

#include <string.h>

static struct xtsvol_volume_info sample(void)
{
    struct xtsvol_volume_info info = {
        .volume_size = UINT64_C(1) << 60,
        .sector_size = 512,
        .extent_size = 1 << 22,
        .iv = XTSVOL_IV_PLAIN64,
        .is_attached = 1,
        .data_offset = 5 << 20,
        .sequence = (UINT64_C(3) << 40) + 9,
        .max_volume_size = (UINT64_C(1) << 60) - 4096,
        .created_s = INT64_C(4102444800),
        .plaintext_allowed = 1,
        .is_verified = 1,
        .is_read_only = 1,
        .num_generations = XTSVOL_LIVE_GENERATIONS_MAX + 1,
    };
    for (size_t i = 0; i < XTSVOL_UUID_LEN; i++)
        info.uuid[i] = (uint8_t)(0xf0 + i);
    for (uint32_t i = 0; i < info.num_generations; i++)
        info.generations[i] = (struct xtsvol_generation_info){
            .generation = i == 0 ? 0 : 959 + i, .num_extents = (UINT64_C(1) << 36) - i};
    return info;
}

static void expect_same(const struct xtsvol_volume_info *a, const struct xtsvol_volume_info *b)
{
    assert_memory_equal(a->uuid, b->uuid, sizeof(a->uuid));
    assert_int_equal(a->volume_size, b->volume_size);
    assert_int_equal(a->sector_size, b->sector_size);
    assert_int_equal(a->extent_size, b->extent_size);
    assert_int_equal(a->iv, b->iv);
    assert_int_equal(a->is_attached, b->is_attached);
    assert_int_equal(a->data_offset, b->data_offset);
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->max_volume_size, b->max_volume_size);
    assert_int_equal(a->created_s, b->created_s);
    assert_int_equal(a->plaintext_allowed, b->plaintext_allowed);
    assert_int_equal(a->is_verified, b->is_verified);
    assert_int_equal(a->is_read_only, b->is_read_only);
    assert_int_equal(a->discard_gives_zeroes, b->discard_gives_zeroes);
    assert_int_equal(a->num_generations, b->num_generations);
    for (uint32_t i = 0; i < a->num_generations; i++) {
        assert_int_equal(a->generations[i].generation, b->generations[i].generation);
        assert_int_equal(a->generations[i].num_extents, b->generations[i].num_extents);
    }
}

static void what_was_told_is_understood(void **state)
{
    (void)state;
    struct xtsvol_volume_info info = sample();
    for (int round = 0; round < 2; round++) {
        struct xtsvol_volume_info out;
        json_t *json = volume_info_encode(&info);
        assert_non_null(json);
        assert_int_equal(json_object_set_new(json, "of_a_newer_one", json_true()), 0);
        assert_int_equal(volume_info_decode(&out, json), 0);
        expect_same(&out, &info);
        json_decref(json);
        /* All the other way round. */
        info.iv = XTSVOL_IV_LARGE;
        info.sector_size = 4096;
        info.is_attached = info.plaintext_allowed = info.is_verified = info.is_read_only = 0;
        info.num_generations = 1;
    }
}

static void expect_refused(const json_t *json)
{
    static const struct xtsvol_volume_info nothing;
    struct xtsvol_volume_info out;
    memset(&out, 0x5a, sizeof(out));
    assert_int_equal(volume_info_decode(&out, json), COMMON_ERR_CORRUPT);
    assert_memory_equal(&out, &nothing, sizeof(out));
}

static void what_is_missing_or_of_another_kind_is_refused(void **state)
{
    (void)state;
    struct xtsvol_volume_info info = sample();
    json_t *json = volume_info_encode(&info);
    json_t *others[] = {json_null(),  json_pack("[]"),         json_pack("{}"),
                        json_real(1), json_string("a string"), json_integer(-1)};
    const char *key = NULL;
    json_t *value = NULL;
    void *next = NULL;
    size_t num = 0;
    json_object_foreach_safe(json, next, key, value)
    {
        json_t *changed = json_deep_copy(json);
        assert_int_equal(json_object_del(changed, key), 0);
        expect_refused(changed);
        for (size_t i = 0; i < ARRAY_LEN(others); i++) {
            assert_int_equal(json_object_set(changed, key, others[i]), 0);
            expect_refused(changed);
        }
        json_decref(changed);
        num++;
    }
    assert_int_equal(num, 15);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        json_decref(others[i]);
    json_decref(json);
    expect_refused(NULL);
}

static void refuses(const char *key, json_t *value)
{
    struct xtsvol_volume_info info = sample();
    json_t *json = volume_info_encode(&info);
    assert_int_equal(json_object_set_new(json, key, value), 0);
    expect_refused(json);
    json_decref(json);
}

static void what_is_out_of_range_is_refused(void **state)
{
    (void)state;
    refuses("sector_size", json_integer(INT64_C(1) << 32));
    refuses("uuid", json_string("f0f1f2f3f4f5f6f7f8f9fafbfcfdfe"));
    refuses("uuid", json_string("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff00"));
    refuses("uuid", json_string("f0f1f2f3f4f5f6f7f8f9fafbfcfdfe g"));
    refuses("iv", json_string("plain"));
    refuses("generations", json_pack("[{s:i,s:i}]", "id", 1024, "extents", 1));
    refuses("generations", json_pack("[{s:i,s:i}]", "id", -1, "extents", 1));
    refuses("generations", json_pack("[{s:i}]", "id", 1));
    refuses("generations", json_pack("[i]", 1));
    json_t *many = json_array();
    for (int i = 0; i < XTSVOL_LIVE_GENERATIONS_MAX + 2; i++)
        assert_int_equal(json_array_append_new(many, json_pack("{s:i,s:i}", "id", i, "extents", 1)),
                         0);
    refuses("generations", many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_told_is_understood),
        cmocka_unit_test(what_is_missing_or_of_another_kind_is_refused),
        cmocka_unit_test(what_is_out_of_range_is_refused),
    };
    return cmocka_run_group_tests_name("volume_info", tests, NULL, NULL);
}
