/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of the metadata: V2, V7. What they are is compared with another implementation in
 * tests/interop/test_volume_cose.py.
 */
#include "common/base/ct.h"
#include "common/crypto/hash.h"
#include "libxtsvol/src/volume/meta_keys.h"
#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

enum {
    WRAP_LEN = 75 /* of every wrap */
};

static struct common_secmem *arena;
static struct test_random random_state;
static uint8_t uuid[XTSVOL_UUID_LEN];
static uint8_t dek[XTSVOL_XTS_KEY_LEN];
static struct common_secret mac_key;
static const uint32_t live[] = {0, 3, 7, 1023};
static struct xv_wrap_place place;

static int begin(void **state)
{
    (void)state;
    random_state = test_random_begin("meta keys");
    test_random_bytes(&random_state, uuid, sizeof(uuid));
    test_random_bytes(&random_state, dek, sizeof(dek));
    place = (struct xv_wrap_place){
        .uuid = uuid, .epoch = 5, .live = live, .num_live = ARRAY_LEN(live), .generation = 7};
    int error = common_secmem_open(&arena, NULL);
    if (!error)
        error = common_secret_new(&mac_key, arena, XV_META_KEY_LEN);
    if (!error)
        test_random_bytes(&random_state, mac_key.data, mac_key.len);
    return error;
}

static int end(void **state)
{
    (void)state;
    common_secret_free(&mac_key);
    bool is_empty = common_secmem_stats(arena).num_secrets == 0;
    common_secmem_close(&arena);
    return is_empty ? 0 : -1;
}

static struct xv_generation wrapped(void)
{
    struct xv_generation generation = {.id = place.generation};
    assert_int_equal(xv_wrap(&generation, arena, &mac_key, dek, &place), 0);
    assert_int_equal(generation.wrap_len, WRAP_LEN);
    return generation;
}

static void assert_opens(const struct xv_generation *generation, const struct xv_wrap_place *from)
{
    COMMON_CLEANUP_SECRET struct common_secret found = {0};
    assert_int_equal(xv_unwrap(&found, arena, generation, dek, from), 0);
    assert_int_equal(found.len, mac_key.len);
    assert_memory_equal(found.data, mac_key.data, mac_key.len);
}

static void assert_corrupt(const struct xv_generation *generation, const uint8_t *with,
                           const struct xv_wrap_place *from, const char *what)
{
    struct common_secret found = {.data = dek, .len = 1};
    size_t num_before = common_secmem_stats(arena).num_secrets;
    int verdict = xv_unwrap(&found, arena, generation, with, from);
    if (verdict != COMMON_ERR_CORRUPT)
        fail_msg("%s: %d", what, verdict);
    assert_null(found.data);
    assert_int_equal(found.len, 0);
    assert_int_equal(common_secmem_stats(arena).num_secrets, num_before);
}

static void a_check_value_is_bound_to_key_volume_and_generation(void **state)
{
    (void)state;
    uint8_t value[XV_CHECK_LEN];
    uint8_t other[XV_CHECK_LEN];
    assert_int_equal(xv_key_check(value, dek, uuid, 7), 0);
    assert_int_equal(xv_key_check(other, dek, uuid, 7), 0);
    assert_memory_equal(value, other, sizeof(value));
    for (size_t bit = 0; bit < sizeof(dek) * 8; bit++) {
        dek[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(xv_key_check(other, dek, uuid, 7), 0);
        dek[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_memory_not_equal(value, other, sizeof(value));
    }
    for (size_t i = 0; i < sizeof(uuid); i++) {
        uuid[i] ^= 0x10;
        assert_int_equal(xv_key_check(other, dek, uuid, 7), 0);
        uuid[i] ^= 0x10;
        assert_memory_not_equal(value, other, sizeof(value));
    }
    static const uint32_t generations[] = {6, 8, 7 + 256, 1023};
    for (size_t i = 0; i < ARRAY_LEN(generations); i++) {
        assert_int_equal(xv_key_check(other, dek, uuid, generations[i]), 0);
        assert_memory_not_equal(value, other, sizeof(value));
    }
}

static void there_is_no_check_value_of_what_is_no_generation(void **state)
{
    (void)state;
    static const uint32_t wrong[] = {0, 1024, 65536 + 7, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        uint8_t value[XV_CHECK_LEN];
        struct xv_generation generation = {0};
        struct common_secret found = {0};
        struct xv_wrap_place nowhere = place;
        memset(value, 0xee, sizeof(value));
        assert_int_equal(xv_key_check(value, dek, uuid, wrong[i]), COMMON_ERR_INVALID);
        assert_true(common_ct_is_zero(value, sizeof(value)));
        nowhere.generation = wrong[i];
        assert_int_equal(xv_wrap(&generation, arena, &mac_key, dek, &nowhere), COMMON_ERR_INVALID);
        assert_int_equal(xv_unwrap(&found, arena, &generation, dek, &nowhere), COMMON_ERR_INVALID);
    }
}

static void a_wrap_opens_where_it_was_made(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        uint32_t some[XTSVOL_LIVE_GENERATIONS_MAX + 1];
        struct xv_wrap_place anywhere = {
            .uuid = uuid,
            .epoch = test_random_next(&random_state) >> test_random_range(&random_state, 40, 63),
            .live = some,
            .num_live = test_random_range(&random_state, 1, ARRAY_LEN(some)),
            .generation = (uint32_t)test_random_range(&random_state, 1, XTSVOL_GENERATION_MAX)};
        for (size_t j = 0; j < anywhere.num_live; j++)
            some[j] = (uint32_t)(test_random_chance(&random_state, 5) ? 1023 : j * 15);
        struct xv_generation generation = {.id = anywhere.generation};
        memset(generation.wrap, 0xee, sizeof(generation.wrap));
        assert_int_equal(xv_wrap(&generation, arena, &mac_key, dek, &anywhere), 0);
        assert_int_equal(generation.wrap_len, WRAP_LEN);
        assert_true(common_ct_is_zero(generation.wrap + WRAP_LEN, XV_WRAP_MAX - WRAP_LEN));
        assert_opens(&generation, &anywhere);
    }
}

static void a_wrap_has_the_form_of_the_format(void **state)
{
    (void)state;
    static const uint8_t head[] = {0xd0, 0x83, 0x47, 0xa2, 1, 3, 4, 0x42, 0, 7, 0xa1, 5, 0x4c};
    struct xv_generation generation = wrapped();
    assert_memory_equal(generation.wrap, head, sizeof(head));
    assert_int_equal(generation.wrap[sizeof(head) + 12], 0x58);
    assert_int_equal(generation.wrap[sizeof(head) + 13], 48);
}

static void no_nonce_is_used_twice(void **state)
{
    (void)state;
    struct xv_generation first = wrapped();
    struct xv_generation second = wrapped();
    assert_memory_not_equal(first.wrap + 13, second.wrap + 13, 12);
    assert_memory_not_equal(first.wrap + 27, second.wrap + 27, 32);
}

/* V7: what was recorded of another time, or of another volume, does not open here. */
static void a_wrap_is_bound_to_its_place(void **state)
{
    (void)state;
    static const uint32_t without_plaintext[] = {3, 7, 1023};
    static const uint32_t without_the_oldest[] = {0, 7, 1023};
    static const uint32_t with_one_more[] = {0, 3, 7, 1022, 1023};
    static const uint32_t with_another[] = {0, 3, 7, 1022};
    static const uint32_t in_another_order[] = {0, 7, 3, 1023};
    static const struct {
        const uint32_t *live;
        size_t num;
    } lists[] = {{without_plaintext, 3},
                 {without_the_oldest, 3},
                 {with_one_more, 5},
                 {with_another, 4},
                 {in_another_order, 4},
                 {live, 3},
                 {live, 0}};
    const struct xv_generation generation = wrapped();
    struct xv_wrap_place elsewhere;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        elsewhere = place;
        elsewhere.live = lists[i].live;
        elsewhere.num_live = lists[i].num;
        assert_corrupt(&generation, dek, &elsewhere, "another list");
    }
    static const uint64_t epochs[] = {0, 4, 6, 5 + (UINT64_C(1) << 32), UINT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(epochs); i++) {
        elsewhere = place;
        elsewhere.epoch = epochs[i];
        assert_corrupt(&generation, dek, &elsewhere, "another epoch");
    }
    static const uint32_t ids[] = {1, 3, 8, 1023};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        elsewhere = place;
        elsewhere.generation = ids[i];
        assert_corrupt(&generation, dek, &elsewhere, "another generation");
    }
    for (size_t i = 0; i < sizeof(uuid); i++) {
        uint8_t other[XTSVOL_UUID_LEN];
        memcpy(other, uuid, sizeof(other));
        other[i] ^= 1;
        elsewhere = place;
        elsewhere.uuid = other;
        assert_corrupt(&generation, dek, &elsewhere, "another volume");
    }
    assert_opens(&generation, &place);
}

static void a_wrap_needs_its_key(void **state)
{
    (void)state;
    const struct xv_generation generation = wrapped();
    for (size_t bit = 0; bit < sizeof(dek) * 8; bit++) {
        uint8_t other[XTSVOL_XTS_KEY_LEN];
        memcpy(other, dek, sizeof(other));
        other[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_corrupt(&generation, other, &place, "another key");
    }
}

static void a_changed_wrap_does_not_open(void **state)
{
    (void)state;
    const struct xv_generation good = wrapped();
    for (size_t bit = 0; bit < (size_t)8 * WRAP_LEN; bit++) {
        struct xv_generation changed = good;
        changed.wrap[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_corrupt(&changed, dek, &place, "a changed bit");
    }
    for (size_t len = 0; len < WRAP_LEN; len++) {
        struct xv_generation cut = good;
        cut.wrap_len = len;
        assert_corrupt(&cut, dek, &place, "cut");
    }
    struct xv_generation longer = good;
    longer.wrap_len = WRAP_LEN + 1;
    assert_corrupt(&longer, dek, &place, "a byte behind it");
    longer.wrap_len = XV_WRAP_MAX + 1;
    assert_corrupt(&longer, dek, &place, "longer than there is room for");
}

/* COSE allows other forms of the same: here there is one. */
static void another_form_of_cose_is_refused(void **state)
{
    (void)state;
    const struct xv_generation good = wrapped();
    struct xv_generation other = good;
    memmove(other.wrap, good.wrap + 1, WRAP_LEN - 1);
    other.wrap_len--;
    assert_corrupt(&other, dek, &place, "without its tag");

    other = good;
    other.wrap[0] = 0xd1;
    assert_corrupt(&other, dek, &place, "COSE_Mac0");

    other = good; /* one more unprotected header: {5: nonce, 6: 0} */
    other.wrap[10] = 0xa2;
    memmove(other.wrap + 27, good.wrap + 25, WRAP_LEN - 25);
    other.wrap[25] = 6;
    other.wrap[26] = 0;
    other.wrap_len += 2;
    assert_corrupt(&other, dek, &place, "an unprotected header more");

    other = good; /* [protected, unprotected, ciphertext, 0] */
    other.wrap[1] = 0x84;
    other.wrap[WRAP_LEN] = 0;
    other.wrap_len++;
    assert_corrupt(&other, dek, &place, "an array of four");

    other = good; /* an algorithm that is not looked at would be one that is not meant */
    other.wrap[5] = 1;
    assert_corrupt(&other, dek, &place, "A128GCM");

    other = good;
    other.wrap[11] = 6;
    assert_corrupt(&other, dek, &place, "a partial IV");
}

static void what_has_no_place_is_not_wrapped(void **state)
{
    (void)state;
    uint32_t many[XTSVOL_LIVE_GENERATIONS_MAX + 2] = {0};
    struct xv_wrap_place wrong = place;
    struct xv_generation generation;
    wrong.live = many;
    wrong.num_live = ARRAY_LEN(many);
    memset(&generation, 0xee, sizeof(generation));
    assert_int_equal(xv_wrap(&generation, arena, &mac_key, dek, &wrong), COMMON_ERR_INVALID);
    assert_int_equal(generation.wrap_len, 0);
    assert_true(common_ct_is_zero(generation.wrap, sizeof(generation.wrap)));
    const struct common_secret none = {0};
    assert_int_equal(xv_wrap(&generation, arena, &none, dek, &place), COMMON_ERR_INVALID);
}

static void assert_no_keys(const struct xv_meta_keys *keys)
{
    assert_null(keys->mac.data);
    assert_null(keys->super.data);
    assert_null(keys->map.data);
    assert_null(keys->intent.data);
}

static void assert_derived(const struct common_secret *key, const struct common_secret *from,
                           const char *purpose)
{
    uint8_t wanted[XV_META_KEY_LEN];
    const struct common_bytes info = {.data = purpose, .len = strlen(purpose)};
    assert_int_equal(common_hkdf_sha256(wanted, sizeof(wanted),
                                        (struct common_bytes){.data = from->data, .len = from->len},
                                        (struct common_bytes){.data = uuid, .len = sizeof(uuid)},
                                        &info, 1),
                     0);
    assert_int_equal(key->len, sizeof(wanted));
    assert_memory_equal(key->data, wanted, sizeof(wanted));
}

static void each_purpose_has_a_key_of_its_own(void **state)
{
    (void)state;
    struct xv_meta_keys keys;
    struct xv_meta_keys again;
    size_t num_before = common_secmem_stats(arena).num_secrets;
    assert_int_equal(xv_meta_keys_new(&keys, arena, uuid), 0);
    assert_int_equal(keys.mac.len, XV_META_KEY_LEN);
    assert_false(common_ct_is_zero(keys.mac.data, 16));
    assert_derived(&keys.super, &keys.mac, "xtsvol/super");
    assert_derived(&keys.map, &keys.mac, "xtsvol/map");
    assert_derived(&keys.intent, &keys.mac, "xtsvol/intent");
    assert_memory_not_equal(keys.super.data, keys.map.data, 32);

    assert_int_equal(xv_meta_keys_new(&again, arena, uuid), 0);
    assert_memory_not_equal(again.mac.data, keys.mac.data, 32);
    assert_int_equal(common_secmem_stats(arena).num_secrets, num_before + 8);
    xv_meta_keys_wipe(&again);
    xv_meta_keys_wipe(&keys);
    assert_no_keys(&keys);
    xv_meta_keys_wipe(&keys);
    assert_int_equal(common_secmem_stats(arena).num_secrets, num_before);
}

static void deriving_takes_the_mac_key_over(void **state)
{
    (void)state;
    struct xv_meta_keys keys;
    struct common_secret given = {0};
    assert_int_equal(common_secret_new(&given, arena, XV_META_KEY_LEN), 0);
    const uint8_t *was = given.data;
    assert_int_equal(xv_meta_keys_derive(&keys, arena, &given, uuid), 0);
    assert_null(given.data);
    assert_ptr_equal(keys.mac.data, was);
    xv_meta_keys_wipe(&keys);

    assert_int_equal(common_secret_new(&given, arena, XV_META_KEY_LEN - 1), 0);
    memset(&keys, 0xee, sizeof(keys));
    assert_int_equal(xv_meta_keys_derive(&keys, arena, &given, uuid), COMMON_ERR_INVALID);
    assert_null(given.data);
    assert_no_keys(&keys);
}

static void the_live_list_begins_with_plaintext_where_it_is_allowed(void **state)
{
    (void)state;
    uint32_t list[XTSVOL_LIVE_GENERATIONS_MAX + 1];
    struct xv_superblock superblock = {
        .num_generations = 2, .generations = {{.id = 4}, {.id = 9}}, .plaintext_allowed = true};
    assert_int_equal(xv_live_generations(list, &superblock), 3);
    assert_int_equal(list[0], 0);
    assert_int_equal(list[1], 4);
    assert_int_equal(list[2], 9);
    superblock.plaintext_allowed = false;
    assert_int_equal(xv_live_generations(list, &superblock), 2);
    assert_int_equal(list[0], 4);
    assert_int_equal(list[1], 9);
}

/* An arena of its own, so that its first slab is mapped and locked inside of the loop. */
static struct common_secmem *fresh_arena(void)
{
    const struct common_secmem_options options = {.require_protection = true, .max_bytes = 1 << 20};
    struct common_secmem *fresh = NULL;
    assert_int_equal(common_secmem_open(&fresh, &options), 0);
    return fresh;
}

static bool is_documented(int error)
{
    return error == COMMON_ERR_NO_MEMORY || error == COMMON_ERR_IO || error == COMMON_ERR_DENIED;
}

static const unsigned what_fails = FAULT_MALLOC | FAULT_MMAP | FAULT_MLOCK | FAULT_RANDOM;

static void a_failed_wrap_leaves_no_wrap(void **state)
{
    (void)state;
    FAULT_EACH (loop, what_fails, FAULT_ONCE, ENOMEM) {
        struct xv_generation generation = {.id = place.generation};
        struct common_secmem *fresh = fresh_arena();
        memset(generation.wrap, 0xee, sizeof(generation.wrap));
        fault_loop_arm(&loop);
        int error = xv_wrap(&generation, fresh, &mac_key, dek, &place);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(is_documented(error), fired);
        assert_int_equal(generation.wrap_len, fired ? 0 : WRAP_LEN);
        if (fired)
            assert_true(common_ct_is_zero(generation.wrap, sizeof(generation.wrap)));
        assert_int_equal(common_secmem_stats(fresh).num_secrets, 0);
        common_secmem_close(&fresh);
    }
}

static void a_failed_unwrap_leaves_no_key(void **state)
{
    (void)state;
    const struct xv_generation generation = wrapped();
    FAULT_EACH (loop, what_fails & ~(unsigned)FAULT_RANDOM, FAULT_ONCE, ENOMEM) {
        struct common_secret found = {.data = dek, .len = 1};
        struct common_secmem *fresh = fresh_arena();
        fault_loop_arm(&loop);
        int error = xv_unwrap(&found, fresh, &generation, dek, &place);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error == 0, !fired);
        assert_int_equal(is_documented(error), fired);
        assert_int_equal(common_secmem_stats(fresh).num_secrets, fired ? 0 : 1);
        assert_int_equal(found.len, fired ? 0 : XV_META_KEY_LEN);
        common_secret_free(&found);
        common_secmem_close(&fresh);
    }
}

static void failed_keys_are_no_keys(void **state)
{
    (void)state;
    FAULT_EACH (loop, what_fails, FAULT_ONCE, ENOMEM) {
        struct xv_meta_keys keys;
        struct common_secmem *fresh = fresh_arena();
        memset(&keys, 0xee, sizeof(keys));
        fault_loop_arm(&loop);
        int error = xv_meta_keys_new(&keys, fresh, uuid);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(is_documented(error), fired);
        if (fired)
            assert_no_keys(&keys);
        assert_int_equal(common_secmem_stats(fresh).num_secrets, fired ? 0 : 4);
        xv_meta_keys_wipe(&keys);
        common_secmem_close(&fresh);
    }
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        uint8_t value[XV_CHECK_LEN];
        memset(value, 0xee, sizeof(value));
        fault_loop_arm(&loop);
        int error = xv_key_check(value, dek, uuid, 7);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error, fired ? COMMON_ERR_NO_MEMORY : 0);
        assert_int_equal(common_ct_is_zero(value, sizeof(value)), fired);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_value_is_bound_to_key_volume_and_generation),
        cmocka_unit_test(there_is_no_check_value_of_what_is_no_generation),
        cmocka_unit_test(a_wrap_opens_where_it_was_made),
        cmocka_unit_test(a_wrap_has_the_form_of_the_format),
        cmocka_unit_test(no_nonce_is_used_twice),
        cmocka_unit_test(a_wrap_is_bound_to_its_place),
        cmocka_unit_test(a_wrap_needs_its_key),
        cmocka_unit_test(a_changed_wrap_does_not_open),
        cmocka_unit_test(another_form_of_cose_is_refused),
        cmocka_unit_test(what_has_no_place_is_not_wrapped),
        cmocka_unit_test(each_purpose_has_a_key_of_its_own),
        cmocka_unit_test(deriving_takes_the_mac_key_over),
        cmocka_unit_test(the_live_list_begins_with_plaintext_where_it_is_allowed),
        cmocka_unit_test(a_failed_wrap_leaves_no_wrap),
        cmocka_unit_test(a_failed_unwrap_leaves_no_key),
        cmocka_unit_test(failed_keys_are_no_keys),
    };
    return cmocka_run_group_tests_name("meta_keys", tests, begin, end);
}
