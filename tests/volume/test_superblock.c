/* SPDX-License-Identifier: Apache-2.0 */
/* Superblocks there and back, and what one changed bit, or a missing byte, does to them. */
#include "common/base/ct.h"
#include "common/base/endian.h"
#include "common/crypto/hash.h"
#include "libxtsvol/src/volume/layout.h"
#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/test.h"
#include "tests/volume/sample.h"

#include <errno.h>
#include <string.h>

enum {
    NUM_RANDOM = 300,
    DIGEST_OFFSET = 32,
    MAC_OFFSET = 64
};

static struct common_secmem *arena;
static struct xv_meta_keys keys;
static struct xv_meta_keys other_keys;
static struct test_random random_state;

static int begin(void **state)
{
    static const uint8_t uuid[XTSVOL_UUID_LEN] = {1};
    (void)state;
    random_state = test_random_begin("superblock");
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

/* All that is asked of a superblock when a volume is opened, in the same order. */
static int read_one(struct xv_superblock *out, const uint8_t *bytes, size_t len, unsigned copy)
{
    struct xv_prelude prelude;
    *out = (struct xv_superblock){0};
    int error = xv_prelude_decode(&prelude, bytes, copy);
    if (error)
        return error;
    if (prelude.body_len > len - XV_PRELUDE_LEN)
        return COMMON_ERR_CORRUPT;
    len = XV_PRELUDE_LEN + prelude.body_len;
    error = xv_superblock_digest(bytes, len);
    if (!error && prelude.kind != XV_KIND_VOLUME)
        error = COMMON_ERR_STATE;
    if (!error)
        error = xv_superblock_decode(out, bytes + XV_PRELUDE_LEN, prelude.body_len, NULL);
    if (!error)
        error = xv_superblock_verify(bytes, len, &keys);
    if (error)
        xv_superblock_free(out);
    return error;
}

static size_t body_len_of(const uint8_t *bytes)
{
    return common_get_le32(bytes + 12);
}

static void random_superblocks_come_back_as_they_were(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NUM_RANDOM; i++) {
        struct xv_superblock made;
        struct xv_superblock found;
        sample_random(&made, &random_state);
        for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
            COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
            COMMON_CLEANUP_BUF struct common_buf again = common_buf_growing(XV_SUPERBLOCK_MAX);
            assert_null(xv_superblock_fault(&made));
            assert_int_equal(xv_superblock_encode(&buf, &made, copy, &keys), 0);
            assert_int_equal(read_one(&found, buf.data, buf.len, copy), 0);
            assert_same_superblock(&made, &found);
            assert_int_equal(xv_superblock_encode(&again, &found, copy, &keys), 0);
            assert_int_equal(again.len, buf.len);
            assert_memory_equal(again.data, buf.data, buf.len);
            xv_superblock_free(&found);
        }
        xv_superblock_free(&made);
    }
}

static void a_superblock_is_whole_pages_with_zeroes_behind_the_body(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 50; i++) {
        COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX + 3);
        struct xv_superblock made;
        sample_random(&made, &random_state);
        assert_int_equal(common_buf_append(&buf, "abc", 3), 0);
        assert_int_equal(xv_superblock_encode(&buf, &made, 0, &keys), 0);
        assert_memory_equal(buf.data, "abc", 3);
        const uint8_t *bytes = buf.data + 3;
        size_t len = XV_PRELUDE_LEN + body_len_of(bytes);
        assert_int_equal((buf.len - 3) % XV_PAGE_LEN, 0);
        assert_true(buf.len - 3 >= len && buf.len - 3 - len < XV_PAGE_LEN);
        assert_true(common_ct_is_zero(bytes + len, buf.len - 3 - len));
        xv_superblock_free(&made);
    }
}

/* Each number of the table of the prelude, and what digest and MAC are of, by hand. */
static void the_prelude_is_as_the_format_says(void **state)
{
    (void)state;
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
    struct xv_superblock made;
    sample_one(&made);
    assert_int_equal(xv_superblock_encode(&buf, &made, 1, &keys), 0);
    xv_superblock_free(&made);
    static const uint8_t head[] = {0x89, 0x58, 0x54, 0x53, 0x56, 0x0d, 0x0a, 0x1a, 1, 0, 1, 1};
    assert_memory_equal(buf.data, head, sizeof(head));
    assert_true(common_ct_is_zero(buf.data + 16, 16));

    uint8_t wanted[COMMON_SHA256_LEN];
    const size_t body_len = body_len_of(buf.data);
    const struct common_bytes first = {.data = buf.data, .len = 32};
    const struct common_bytes body = {.data = buf.data + 96, .len = body_len};
    const struct common_bytes of_mac[] = {first, body};
    const struct common_bytes key = {.data = keys.super.data, .len = 32};
    assert_int_equal(common_hmac_sha256(wanted, key, of_mac, 2), 0);
    assert_memory_equal(buf.data + MAC_OFFSET, wanted, sizeof(wanted));
    const struct common_bytes of_digest[] = {first, {.data = wanted, .len = 32}, body};
    uint8_t digest[COMMON_SHA256_LEN];
    assert_int_equal(common_sha256(digest, of_digest, 3), 0);
    assert_memory_equal(buf.data + DIGEST_OFFSET, digest, sizeof(digest));
}

static void preludes_that_are_none_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned at;
        uint8_t byte;
        int verdict;
    } damages[] = {
        {"no magic", 0, 0x88, COMMON_ERR_NOT_FOUND},
        {"a text conversion of the magic", 5, 0x0a, COMMON_ERR_NOT_FOUND},
        {"version 0", 8, 0, COMMON_ERR_UNSUPPORTED},
        {"version 2", 8, 2, COMMON_ERR_UNSUPPORTED},
        {"version 257", 9, 1, COMMON_ERR_UNSUPPORTED},
        {"kind 0", 10, 0, COMMON_ERR_UNSUPPORTED},
        {"kind 3", 10, 3, COMMON_ERR_UNSUPPORTED},
        {"the other copy", 11, 1, COMMON_ERR_CORRUPT},
        {"copy 2", 11, 2, COMMON_ERR_CORRUPT},
        {"a body too long", 14, 4, COMMON_ERR_CORRUPT},
        {"a body of 16 MiB and more", 15, 1, COMMON_ERR_CORRUPT},
        {"the first zero", 16, 1, COMMON_ERR_CORRUPT},
        {"the last zero", 31, 0x80, COMMON_ERR_CORRUPT},
        {"an erased volume with a MAC", 10, 2, COMMON_ERR_CORRUPT},
    };
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
    struct xv_superblock made;
    struct xv_prelude prelude;
    sample_one(&made);
    assert_int_equal(xv_superblock_encode(&buf, &made, 0, &keys), 0);
    xv_superblock_free(&made);
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        uint8_t bytes[XV_PRELUDE_LEN];
        memcpy(bytes, buf.data, sizeof(bytes));
        bytes[damages[i].at] = damages[i].byte;
        memset(&prelude, 0xee, sizeof(prelude));
        int verdict = xv_prelude_decode(&prelude, bytes, 0);
        if (verdict != damages[i].verdict)
            fail_msg("%s: %d", damages[i].name, verdict);
        assert_int_equal(prelude.body_len, 0);
    }
    assert_int_equal(xv_prelude_decode(&prelude, buf.data, 1), COMMON_ERR_CORRUPT);
}

static void the_length_of_a_body_has_its_limits(void **state)
{
    (void)state;
    static const struct {
        uint32_t len;
        int verdict;
    } lengths[] = {{0, COMMON_ERR_CORRUPT},
                   {1, 0},
                   {XV_BODY_MAX, 0},
                   {XV_BODY_MAX + 1, COMMON_ERR_CORRUPT},
                   {UINT32_MAX, COMMON_ERR_CORRUPT}};
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
    struct xv_superblock made;
    sample_one(&made);
    assert_int_equal(xv_superblock_encode(&buf, &made, 0, &keys), 0);
    xv_superblock_free(&made);
    assert_int_equal(XV_BODY_MAX, 262048);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct xv_prelude prelude;
        common_put_le32(buf.data + 12, lengths[i].len);
        assert_int_equal(xv_prelude_decode(&prelude, buf.data, 0), lengths[i].verdict);
        assert_int_equal(prelude.body_len, lengths[i].verdict ? 0 : lengths[i].len);
    }
}

static void fix_digest(uint8_t *bytes, size_t len)
{
    size_t body_len = body_len_of(bytes);
    if (body_len == 0 || body_len > len - XV_PRELUDE_LEN)
        return;
    const struct common_bytes pieces[] = {{.data = bytes, .len = 32},
                                          {.data = bytes + 64, .len = 32},
                                          {.data = bytes + 96, .len = body_len}};
    assert_int_equal(common_sha256(bytes + DIGEST_OFFSET, pieces, 3), 0);
}

/* Rot is found by the digest; who can make a digest, but has no key, by the rest. */
static void every_changed_bit_is_refused(void **state)
{
    (void)state;
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
    struct xv_superblock made;
    struct xv_superblock found;
    sample_one(&made);
    assert_int_equal(xv_superblock_encode(&buf, &made, 0, &keys), 0);
    xv_superblock_free(&made);
    const size_t len = XV_PRELUDE_LEN + body_len_of(buf.data);
    for (size_t bit = 0; bit < len * 8; bit++) {
        uint8_t digest[COMMON_SHA256_LEN];
        memcpy(digest, buf.data + DIGEST_OFFSET, sizeof(digest));
        buf.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (read_one(&found, buf.data, buf.len, 0) == 0)
            fail_msg("bit %zu of byte %zu is not looked at", bit % 8, bit / 8);
        assert_empty_superblock(&found);
        fix_digest(buf.data, buf.len);
        bool was_in_digest = bit / 8 >= DIGEST_OFFSET && bit / 8 < MAC_OFFSET;
        if (!was_in_digest && read_one(&found, buf.data, buf.len, 0) == 0)
            fail_msg("bit %zu of byte %zu is not under the MAC", bit % 8, bit / 8);
        buf.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        memcpy(buf.data + DIGEST_OFFSET, digest, sizeof(digest));
    }
    assert_int_equal(read_one(&found, buf.data, buf.len, 0), 0);
    xv_superblock_free(&found);
}

static void a_body_cut_anywhere_is_refused(void **state)
{
    (void)state;
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
    struct xv_superblock made;
    sample_one(&made);
    assert_int_equal(xv_superblock_encode(&buf, &made, 0, &keys), 0);
    xv_superblock_free(&made);
    for (size_t len = 0; len < body_len_of(buf.data); len++) {
        struct xv_superblock found;
        const char *why = NULL;
        uint8_t *body = malloc(len ? len : 1);
        assert_non_null(body);
        memcpy(body, buf.data + XV_PRELUDE_LEN, len);
        memset(&found, 0xee, sizeof(found));
        assert_int_equal(xv_superblock_decode(&found, body, len, &why), COMMON_ERR_CORRUPT);
        assert_string_equal(why, "it is not deterministic CBOR");
        assert_empty_superblock(&found);
        free(body);
    }
    /* Without a body there is nothing that a digest or a MAC could be of. */
    for (size_t len = 0; len <= XV_PRELUDE_LEN; len++) {
        assert_int_equal(xv_superblock_digest(buf.data, len), COMMON_ERR_CORRUPT);
        assert_int_equal(xv_superblock_verify(buf.data, len, &keys), COMMON_ERR_CORRUPT);
    }
}

static void another_key_verifies_nothing(void **state)
{
    (void)state;
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
    struct xv_superblock made;
    sample_one(&made);
    assert_int_equal(xv_superblock_encode(&buf, &made, 0, &keys), 0);
    xv_superblock_free(&made);
    size_t len = XV_PRELUDE_LEN + body_len_of(buf.data);
    assert_int_equal(xv_superblock_verify(buf.data, len, &keys), 0);
    assert_int_equal(xv_superblock_verify(buf.data, len, &other_keys), COMMON_ERR_CORRUPT);
    /* That of pages, of the same volume, is another key too. */
    struct xv_meta_keys mixed = keys;
    mixed.super = keys.map;
    assert_int_equal(xv_superblock_verify(buf.data, len, &mixed), COMMON_ERR_CORRUPT);
}

static void the_largest_superblock_fits_into_its_place(void **state)
{
    (void)state;
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
    struct xv_superblock made = {0};
    struct xv_superblock found;
    sample_one(&made);
    free(made.bad);
    made.max_extents = XV_MAX_EXTENTS;
    made.extent_shift = XV_EXTENT_SHIFT_MAX;
    made.volume_size = XV_MAX_EXTENTS << XV_EXTENT_SHIFT_MAX;
    made.sequence = UINT64_MAX;
    made.root = (struct xv_entry){.kind = XV_ENTRY_PAGE, .sequence = UINT64_MAX};
    made.last_batch = UINT64_MAX;
    made.created_s = INT64_MAX;
    assert_int_equal(xv_layout_make(&made.layout, made.max_extents, true), 0);
    made.num_generations = XTSVOL_LIVE_GENERATIONS_MAX;
    for (uint32_t i = 0; i < made.num_generations; i++)
        made.generations[i] = (struct xv_generation){
            .id = 960 + i, .num_extents = UINT64_C(1) << 30, .wrap_len = XV_WRAP_MAX};
    made.num_plaintext = 0;
    made.rekey.to_generation = 1023;
    made.num_bad = XV_MAX_BAD;
    made.bad = calloc(made.num_bad, sizeof(*made.bad));
    assert_non_null(made.bad);
    for (uint64_t i = 0; i < made.num_bad; i++)
        made.bad[i] = (struct xv_region){.offset = (UINT64_C(1) << 57) + (i << 33),
                                         .length = UINT64_C(1) << 33};
    assert_null(xv_superblock_fault(&made));
    assert_int_equal(xv_superblock_encode(&buf, &made, 1, &keys), 0);
    assert_int_equal(read_one(&found, buf.data, buf.len, 1), 0);
    assert_same_superblock(&made, &found);
    xv_superblock_free(&found);
    xv_superblock_free(&made);
}

static void a_copy_owns_what_it_has(void **state)
{
    (void)state;
    struct xv_superblock made;
    struct xv_superblock copy;
    sample_one(&made);
    assert_int_equal(xv_superblock_copy(&copy, &made), 0);
    assert_same_superblock(&made, &copy);
    assert_ptr_not_equal(made.bad, copy.bad);
    xv_superblock_free(&made);
    assert_empty_superblock(&made);
    assert_int_equal(copy.bad[1].offset, 4096);
    xv_superblock_free(&copy);
    xv_superblock_free(&copy);
    assert_int_equal(xv_superblock_copy(&copy, &made), 0);
    assert_null(copy.bad);
}

static void without_memory_nothing_is_left(void **state)
{
    (void)state;
    COMMON_CLEANUP_BUF struct common_buf good = common_buf_growing(XV_SUPERBLOCK_MAX);
    struct xv_superblock made;
    struct xv_superblock found;
    sample_one(&made);
    assert_int_equal(xv_superblock_encode(&good, &made, 0, &keys), 0);
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
        fault_loop_arm(&loop);
        int error = xv_superblock_encode(&buf, &made, 0, &keys);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error, fired ? COMMON_ERR_NO_MEMORY : 0);
        assert_int_equal(buf.len, fired ? 0 : good.len);
    }
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        memset(&found, 0xee, sizeof(found));
        fault_loop_arm(&loop);
        int error = read_one(&found, good.data, good.len, 0);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error, fired ? COMMON_ERR_NO_MEMORY : 0);
        if (fired)
            assert_empty_superblock(&found);
        xv_superblock_free(&found);
    }
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        memset(&found, 0xee, sizeof(found));
        fault_loop_arm(&loop);
        int error = xv_superblock_copy(&found, &made);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error, fired ? COMMON_ERR_NO_MEMORY : 0);
        if (fired)
            assert_empty_superblock(&found);
        xv_superblock_free(&found);
    }
    xv_superblock_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_superblocks_come_back_as_they_were),
        cmocka_unit_test(a_superblock_is_whole_pages_with_zeroes_behind_the_body),
        cmocka_unit_test(the_prelude_is_as_the_format_says),
        cmocka_unit_test(preludes_that_are_none_are_told_apart),
        cmocka_unit_test(the_length_of_a_body_has_its_limits),
        cmocka_unit_test(every_changed_bit_is_refused),
        cmocka_unit_test(a_body_cut_anywhere_is_refused),
        cmocka_unit_test(another_key_verifies_nothing),
        cmocka_unit_test(the_largest_superblock_fits_into_its_place),
        cmocka_unit_test(a_copy_owns_what_it_has),
        cmocka_unit_test(without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests_name("superblock", tests, begin, end);
}
