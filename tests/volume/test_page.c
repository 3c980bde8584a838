/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of the extent map: their bytes, what a MAC covers, and entries that mean nothing. */
#include "common/base/ct.h"
#include "common/crypto/hash.h"
#include "libxtsvol/src/volume/page.h"
#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#define SEQUENCE (UINT64_C(0x0000030000000102))

static struct common_secmem *arena;
static struct xv_meta_keys keys;
static struct xv_meta_keys other_keys;
static struct test_random random_state;
static uint8_t uuid[XTSVOL_UUID_LEN];
static uint8_t page[XV_PAGE_LEN];
static const struct xv_page_place place = {.level = 2, .number = 0x12345678};

static int begin(void **state)
{
    (void)state;
    random_state = test_random_begin("page");
    test_random_bytes(&random_state, uuid, sizeof(uuid));
    int error = common_secmem_open(&arena, NULL);
    if (!error)
        error = xv_meta_keys_new(&keys, arena, uuid);
    return error ? error : xv_meta_keys_new(&other_keys, arena, uuid);
}

static int end(void **state)
{
    (void)state;
    xv_meta_keys_wipe(&keys);
    xv_meta_keys_wipe(&other_keys);
    common_secmem_close(&arena);
    return 0;
}

static struct xv_entry seal(void)
{
    struct xv_entry entry;
    test_random_bytes(&random_state, page, sizeof(page));
    assert_int_equal(xv_page_seal(page, &entry, place, SEQUENCE, uuid, &keys), 0);
    return entry;
}

static int verify(const struct xv_entry *entry)
{
    return xv_page_verify(page, entry, place, uuid, &keys);
}

static void a_sealed_page_is_as_the_format_says(void **state)
{
    (void)state;
    static const uint8_t header[32] = {'X',  'V', 'M', 'P', 2, 0, 0, 0, 0x78, 0x56, 0x34,
                                       0x12, 0,   0,   0,   0, 2, 1, 0, 0,    0,    3};
    struct xv_entry entry = seal();
    assert_memory_equal(page, header, sizeof(header));
    uint8_t mac[COMMON_SHA256_LEN];
    const struct common_bytes key = {.data = keys.map.data, .len = 32};
    const struct common_bytes pieces[] = {
        {.data = uuid, .len = 16}, {.data = page, .len = 32}, {.data = page + 64, .len = 4032}};
    assert_int_equal(common_hmac_sha256(mac, key, pieces, 3), 0);
    assert_memory_equal(page + 32, mac, sizeof(mac));
    assert_int_equal(entry.kind, XV_ENTRY_PAGE);
    assert_int_equal(entry.generation, 0);
    assert_int_equal(entry.sequence, SEQUENCE);
    assert_memory_equal(entry.mac, mac, sizeof(entry.mac));
    assert_int_equal(verify(&entry), 0);
}

/* Every bit of the header and the MAC, and those of a payload byte in seven. */
static void a_page_with_a_changed_bit_is_not_meant(void **state)
{
    (void)state;
    struct xv_entry entry = seal();
    for (size_t byte = 0; byte < sizeof(page); byte += byte < XV_PAGE_HEADER_LEN ? 1 : 7) {
        for (unsigned bit = 0; bit < 8; bit++) {
            page[byte] ^= (uint8_t)(1U << bit);
            int verdict = verify(&entry);
            page[byte] ^= (uint8_t)(1U << bit);
            if (verdict != COMMON_ERR_CORRUPT)
                fail_msg("bit %u of byte %zu: %d", bit, byte, verdict);
        }
    }
    page[sizeof(page) - 1] ^= 0x80;
    assert_int_equal(verify(&entry), COMMON_ERR_CORRUPT);
    page[sizeof(page) - 1] ^= 0x80;
    assert_int_equal(verify(&entry), 0);
}

static void a_page_is_meant_by_one_entry_at_one_place_of_one_volume(void **state)
{
    (void)state;
    const struct xv_entry entry = seal();
    struct xv_entry wrong = entry;
    wrong.sequence++;
    assert_int_equal(verify(&wrong), COMMON_ERR_CORRUPT);
    wrong = entry;
    wrong.kind = XV_ENTRY_UNIFORM;
    assert_int_equal(verify(&wrong), COMMON_ERR_CORRUPT);
    for (size_t bit = 0; bit < sizeof(wrong.mac) * 8; bit++) {
        wrong = entry;
        wrong.mac[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(verify(&wrong), COMMON_ERR_CORRUPT);
    }
    const struct xv_page_place places[] = {{place.level + 1, place.number},
                                           {place.level - 1, place.number},
                                           {place.level, place.number + 1},
                                           {place.level, place.number ^ 0x80000000}};
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        assert_int_equal(xv_page_verify(page, &entry, places[i], uuid, &keys), COMMON_ERR_CORRUPT);
    assert_int_equal(xv_page_verify(page, &entry, place, uuid, &other_keys), COMMON_ERR_CORRUPT);
    uuid[7] ^= 1;
    assert_int_equal(verify(&entry), COMMON_ERR_CORRUPT);
    uuid[7] ^= 1;
    struct xv_meta_keys mixed = keys;
    mixed.map = keys.super;
    assert_int_equal(xv_page_verify(page, &entry, place, uuid, &mixed), COMMON_ERR_CORRUPT);
    assert_int_equal(verify(&entry), 0);
}

/* A page of an earlier commit, whole as it is, is not what a later entry means. */
static void an_older_page_in_the_same_place_is_not_meant(void **state)
{
    (void)state;
    uint8_t older[XV_PAGE_LEN];
    (void)seal();
    memcpy(older, page, sizeof(older));
    struct xv_entry entry;
    xv_leaf_set(page, 5, 17);
    assert_int_equal(xv_page_seal(page, &entry, place, SEQUENCE + 1, uuid, &keys), 0);
    assert_int_equal(verify(&entry), 0);
    assert_int_equal(xv_page_verify(older, &entry, place, uuid, &keys), COMMON_ERR_CORRUPT);
}

static void extents_of_a_leaf_have_two_bytes_each(void **state)
{
    (void)state;
    uint32_t wanted[XV_LEAF_EXTENTS];
    memset(page, 0, sizeof(page));
    for (unsigned i = 0; i < XV_LEAF_EXTENTS; i++) {
        wanted[i] = (uint32_t)test_random_below(&random_state, XTSVOL_GENERATION_MAX + 1);
        xv_leaf_set(page, i, wanted[i]);
    }
    assert_true(common_ct_is_zero(page, XV_PAGE_HEADER_LEN));
    for (unsigned i = 0; i < XV_LEAF_EXTENTS; i++) {
        uint32_t found = 7777;
        assert_int_equal(xv_leaf_get(&found, page, i), 0);
        assert_int_equal(found, wanted[i]);
        assert_int_equal(page[64 + 2 * i], wanted[i] & 0xff);
        assert_int_equal(page[65 + 2 * i], wanted[i] >> 8);
    }
    assert_int_equal(64 + 2 * XV_LEAF_EXTENTS, XV_PAGE_LEN);
}

static void an_extent_with_a_reserved_bit_is_damage(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 16; bit++) {
        uint32_t found = 7777;
        memset(page, 0, sizeof(page));
        page[64 + 2 * 2015 + bit / 8] = (uint8_t)(1U << bit % 8);
        int verdict = xv_leaf_get(&found, page, 2015);
        assert_int_equal(verdict, bit < 10 ? 0 : COMMON_ERR_CORRUPT);
        assert_int_equal(found, bit < 10 ? 1U << bit : 0);
    }
    uint32_t found = 7777;
    assert_int_equal(xv_leaf_get(&found, page, XV_LEAF_EXTENTS), COMMON_ERR_INVALID);
    assert_int_equal(found, 0);
}

static struct xv_entry random_entry(void)
{
    struct xv_entry entry = {0};
    if (test_random_chance(&random_state, 50)) {
        entry.generation = (uint32_t)test_random_below(&random_state, XTSVOL_GENERATION_MAX + 1);
        return entry;
    }
    entry.kind = XV_ENTRY_PAGE;
    entry.sequence = test_random_range(&random_state, 1, 0xffffff) << XV_EPOCH_SHIFT |
                     test_random_range(&random_state, 1, XV_COMMIT_MASK);
    test_random_bytes(&random_state, entry.mac, sizeof(entry.mac));
    return entry;
}

static void assert_same_entry(const struct xv_entry *a, const struct xv_entry *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->generation, b->generation);
    assert_int_equal(a->sequence, b->sequence);
    assert_memory_equal(a->mac, b->mac, sizeof(a->mac));
}

static void entries_of_a_node_come_back_as_they_were(void **state)
{
    (void)state;
    struct xv_entry wanted[XV_NODE_CHILDREN];
    struct xv_entry found;
    memset(page, 0, sizeof(page));
    for (unsigned i = 0; i < XV_NODE_CHILDREN; i++) {
        wanted[i] = random_entry();
        xv_node_set(page, i, &wanted[i]);
    }
    assert_true(common_ct_is_zero(page, XV_PAGE_HEADER_LEN));
    for (unsigned i = 0; i < XV_NODE_CHILDREN; i++) {
        uint8_t bytes[XV_ENTRY_LEN];
        assert_int_equal(xv_node_get(&found, page, i), 0);
        assert_same_entry(&found, &wanted[i]);
        xv_entry_encode(bytes, &wanted[i]);
        assert_memory_equal(page + 64 + (size_t)32 * i, bytes, sizeof(bytes));
    }
    assert_int_equal(64 + 32 * XV_NODE_CHILDREN, XV_PAGE_LEN);
    memset(&found, 0xee, sizeof(found));
    assert_int_equal(xv_node_get(&found, page, XV_NODE_CHILDREN), COMMON_ERR_INVALID);
    assert_true(common_ct_is_zero(&found, sizeof(found)));
}

static void an_entry_is_as_the_format_says(void **state)
{
    (void)state;
    static const uint8_t uniform[XV_ENTRY_LEN] = {0, 0, 0xff, 0x03};
    static const uint8_t of_page[XV_ENTRY_LEN] = {1,    0,    0, 0, 0, 0, 0, 0, 2,    1,    0,
                                                  0,    0,    3, 0, 0, 1, 2, 3, 0xaa, 0xbb, 0xcc,
                                                  0xdd, 0xee, 9, 8, 7, 6, 5, 4, 3,    2};
    struct xv_entry entry;
    assert_int_equal(xv_entry_decode(&entry, uniform), 0);
    assert_int_equal(entry.kind, XV_ENTRY_UNIFORM);
    assert_int_equal(entry.generation, 1023);
    assert_int_equal(xv_entry_decode(&entry, of_page), 0);
    assert_int_equal(entry.kind, XV_ENTRY_PAGE);
    assert_int_equal(entry.sequence, SEQUENCE);
    assert_memory_equal(entry.mac, of_page + 16, 16);
}

static void what_is_no_entry_is_damage(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t bytes[XV_ENTRY_LEN];
    } damages[] = {
        {"kind 2", {2}},
        {"kind 255", {255}},
        {"uniform, of generation 1024", {0, 0, 0, 4}},
        {"uniform, byte 1", {[1] = 1}},
        {"uniform, byte 4", {[4] = 1}},
        {"uniform, byte 7", {[7] = 0x80}},
        {"uniform, with a sequence", {[8] = 1}},
        {"uniform, with a MAC", {[16] = 1}},
        {"uniform, last byte", {[31] = 1}},
        {"page, byte 1", {1, 1, [8] = 1, [13] = 1}},
        {"page, with a generation", {1, 0, 1, [8] = 1, [13] = 1}},
        {"page, byte 4", {1, [4] = 1, [8] = 1, [13] = 1}},
        {"page, byte 7", {1, [7] = 1, [8] = 1, [13] = 1}},
        {"page, of sequence 0", {1, [16] = 1}},
        {"page, of epoch 0", {1, [8] = 1}},
        {"page, of commit 0", {1, [13] = 1}},
    };
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        struct xv_entry entry;
        memset(&entry, 0xee, sizeof(entry));
        int verdict = xv_entry_decode(&entry, damages[i].bytes);
        if (verdict != COMMON_ERR_CORRUPT)
            fail_msg("%s: %d", damages[i].name, verdict);
        assert_true(common_ct_is_zero(&entry, sizeof(entry)));
    }
}

/* Any 32 bytes are an entry in one way, or none. */
static void what_is_decoded_is_encoded_to_the_same_bytes(void **state)
{
    (void)state;
    unsigned num_legal = 0;
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t bytes[XV_ENTRY_LEN];
        uint8_t again[XV_ENTRY_LEN];
        struct xv_entry entry = random_entry();
        xv_entry_encode(bytes, &entry);
        for (uint64_t left = test_random_below(&random_state, 3); left > 0; left--)
            bytes[test_random_below(&random_state, 16)] ^=
                (uint8_t)(1U << test_random_below(&random_state, 8));
        if (xv_entry_decode(&entry, bytes))
            continue;
        num_legal++;
        xv_entry_encode(again, &entry);
        assert_memory_equal(again, bytes, sizeof(bytes));
    }
    assert_true(num_legal > 5000 && num_legal < 19000);
}

static void without_memory_there_is_no_verdict(void **state)
{
    (void)state;
    struct xv_entry entry = seal();
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        fault_loop_arm(&loop);
        int error = verify(&entry);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error, fired ? COMMON_ERR_NO_MEMORY : 0);
    }
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        memset(&entry, 0xee, sizeof(entry));
        fault_loop_arm(&loop);
        int error = xv_page_seal(page, &entry, place, SEQUENCE, uuid, &keys);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error, fired ? COMMON_ERR_NO_MEMORY : 0);
        assert_int_equal(common_ct_is_zero(&entry, sizeof(entry)), fired);
        assert_int_equal(common_ct_is_zero(page + 32, 32), fired);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_page_is_as_the_format_says),
        cmocka_unit_test(a_page_with_a_changed_bit_is_not_meant),
        cmocka_unit_test(a_page_is_meant_by_one_entry_at_one_place_of_one_volume),
        cmocka_unit_test(an_older_page_in_the_same_place_is_not_meant),
        cmocka_unit_test(extents_of_a_leaf_have_two_bytes_each),
        cmocka_unit_test(an_extent_with_a_reserved_bit_is_damage),
        cmocka_unit_test(entries_of_a_node_come_back_as_they_were),
        cmocka_unit_test(an_entry_is_as_the_format_says),
        cmocka_unit_test(what_is_no_entry_is_damage),
        cmocka_unit_test(what_is_decoded_is_encoded_to_the_same_bytes),
        cmocka_unit_test(without_memory_there_is_no_verdict),
    };
    return cmocka_run_group_tests_name("page", tests, begin, end);
}
