/* SPDX-License-Identifier: Apache-2.0 */
/* The extent map against a plain array, and what map.h promises of each function. */
#include "tests/support/model.h"
#include "tests/support/test.h"
#include "tests/volume/map_rig.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t sizes[] = {
    1, 2, RIG_LEAF - 1, RIG_LEAF, RIG_LEAF + 1, RIG_NODE - 1, RIG_NODE, RIG_NODE + 1};

struct both {
    struct rig *rig;
    uint64_t near_first; /* what the next look looks at */
    uint64_t near_num;
    unsigned num_sealed;
};

static uint32_t random_generation(struct test_random *random)
{
    static const uint32_t generations[] = {0, 1, 1, 2, 2, 3, XTSVOL_GENERATION_MAX};
    return TEST_RANDOM_CHOOSE(random, generations);
}

static void say_pages(const struct rig *rig, char note[MODEL_NOTE])
{
    (void)snprintf(note, MODEL_NOTE, "%zu pages in memory", xv_map_memory(rig->map) / XV_PAGE_LEN);
}

/* Begins and ends lie where pages do, or beside that. */
static uint64_t random_place(const struct rig *rig, struct test_random *random)
{
    uint64_t max = rig->superblock.max_extents;
    uint64_t place = test_random_below(random, max + 1);
    if (test_random_chance(random, 50)) {
        uint64_t span = rig->tree.level_extents[test_random_below(random, rig->tree.depth)];
        place -= place % span;
        place += test_random_below(random, 3);
        place -= place > 0 && test_random_chance(random, 30);
    }
    return place < max ? place : max;
}

/* Pages for which there is room. */
static size_t num_allowed(const struct rig *rig)
{
    size_t num = rig->max_memory / XV_PAGE_LEN;
    return num > 64 ? num : 64;
}

/* Is it refused for what is changed alone? */
static bool is_full(const struct rig *rig, int error)
{
    size_t num = xv_map_memory(rig->map) / XV_PAGE_LEN;
    return error == COMMON_ERR_LIMIT && num + 2 * (size_t)XV_MAX_DEPTH > num_allowed(rig);
}

static const char *set_range(void *context, struct test_random *random, char note[MODEL_NOTE])
{
    struct both *both = context;
    struct rig *rig = both->rig;
    uint64_t first = random_place(rig, random);
    uint64_t end = random_place(rig, random);
    if (test_random_chance(random, 60))
        end = first + test_random_below(random, 40);
    if (end > rig->superblock.max_extents)
        end = rig->superblock.max_extents;
    if (end < first) {
        uint64_t other = first;
        first = end;
        end = other;
    }
    uint32_t generation = random_generation(random);
    (void)snprintf(note, MODEL_NOTE, "%" PRIu64 " to %" PRIu64 " become %u", first, end,
                   generation);
    int error = xv_map_set(rig->map, first, end - first, generation);
    if (error)
        return is_full(rig, error) ? NULL : "a set failed";
    rig_model_set(rig, first, end - first, generation);
    both->near_first = first > 10 ? first - 10 : 0;
    both->near_num = end - both->near_first;
    if (both->near_first + both->near_num < rig->superblock.max_extents)
        both->near_num++;
    both->num_sealed = 0;
    return NULL;
}

static const char *seal_only(void *context, struct test_random *random, char note[MODEL_NOTE])
{
    struct both *both = context;
    struct xv_entry root;
    (void)random;
    say_pages(both->rig, note);
    if (xv_map_seal(both->rig->map, both->rig->superblock.sequence + ++both->num_sealed, &root))
        return "a seal failed";
    return NULL;
}

static const char *commit(void *context, struct test_random *random, char note[MODEL_NOTE])
{
    struct both *both = context;
    (void)random;
    say_pages(both->rig, note);
    if (rig_try_commit(both->rig))
        return "a commit failed";
    if (xv_map_is_changed(both->rig->map))
        return "changed after a commit";
    size_t num_bad = 0;
    (void)rig_num_pages(both->rig, &num_bad);
    return num_bad > 0 ? "pages are bad after a commit" : NULL;
}

static const char *revert(void *context, struct test_random *random, char note[MODEL_NOTE])
{
    struct rig *rig = ((struct both *)context)->rig;
    (void)random;
    say_pages(rig, note);
    rig_revert(rig);
    return NULL;
}

static const char *reopen(void *context, struct test_random *random, char note[MODEL_NOTE])
{
    struct rig *rig = ((struct both *)context)->rig;
    (void)random;
    say_pages(rig, note);
    rig_reopen(rig);
    return NULL;
}

static const char *rekey(void *context, struct test_random *random, char note[MODEL_NOTE])
{
    struct rig *rig = ((struct both *)context)->rig;
    (void)random;
    say_pages(rig, note);
    if (rig->is_rekeyed)
        return NULL;
    int error = rig_try_rekey(rig);
    bool may_be_full = rig->tree.num_pages > 2 * num_allowed(rig);
    return !error || (error == COMMON_ERR_LIMIT && may_be_full) ? NULL : "a touch failed";
}

static const char *look_everywhere(void *context, struct test_random *random, char note[MODEL_NOTE])
{
    struct rig *rig = ((struct both *)context)->rig;
    (void)random;
    say_pages(rig, note);
    return rig_compare(rig);
}

static const char *look_nearby(void *context)
{
    struct both *both = context;
    struct rig *rig = both->rig;
    if (rig_damaged(rig) > 0)
        return "good pages were called damaged";
    if (both->near_num > 5000)
        both->near_num = 5000;
    return rig_compare_range(rig, both->near_first, both->near_num);
}

static const struct model_operation operations[] = {
    {"set", 60, set_range},       {"seal", 4, seal_only}, {"commit", 10, commit},
    {"revert", 4, revert},        {"reopen", 4, reopen},  {"rekey", 2, rekey},
    {"look", 5, look_everywhere},
};

static void run_model(uint64_t max_extents, size_t max_memory, size_t steps)
{
    struct both both = {.rig = rig_open(max_extents, 1, max_memory)};
    char name[40];
    (void)snprintf(name, sizeof(name), "map of %" PRIu64, max_extents);
    model_assert(&(struct model){.name = name,
                                 .operations = operations,
                                 .num_operations = ARRAY_LEN(operations),
                                 .steps = steps,
                                 .context = &both,
                                 .check = look_nearby});
    assert_null(rig_compare(both.rig));
    rig_close(&both.rig);
}

static void does_what_an_array_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        run_model(sizes[i], 0, 3000);
}

static void does_what_a_large_array_does(void **state)
{
    (void)state;
    run_model(10000000, (size_t)512 * XV_PAGE_LEN, 600);
}

static void a_new_map_has_no_page_and_is_never_read(void **state)
{
    (void)state;
    struct rig *rig = rig_open_bare(XV_MAX_EXTENTS, 7, 0);
    uint32_t generation = 0;
    uint64_t num = 0;
    assert_int_equal(xv_map_get(rig->map, &generation, &num, 12345, UINT64_MAX), 0);
    assert_int_equal(generation, 7);
    assert_int_equal(num, XV_MAX_EXTENTS - 12345);
    assert_int_equal(xv_map_memory(rig->map), 0);
    assert_int_equal(atomic_load(&rig->num_reads), 0);
    assert_int_equal(rig_num_pages(rig, NULL), 0);
    rig_close(&rig);
}

static void refuses_what_is_outside(void **state)
{
    (void)state;
    struct rig *rig = rig_open(5000, 1, 0);
    uint32_t generation = 0;
    uint64_t num = 1;
    assert_int_equal(xv_map_get(rig->map, &generation, &num, 5000, 1), COMMON_ERR_INVALID);
    assert_int_equal(generation, UINT32_MAX);
    assert_int_equal(num, 0);
    assert_int_equal(xv_map_get(rig->map, &generation, &num, 0, 0), COMMON_ERR_INVALID);
    assert_int_equal(xv_map_set(rig->map, 5000, 1, 1), COMMON_ERR_INVALID);
    assert_int_equal(xv_map_set(rig->map, 4999, 2, 1), COMMON_ERR_INVALID);
    assert_int_equal(xv_map_set(rig->map, 1, UINT64_MAX, 1), COMMON_ERR_INVALID);
    assert_int_equal(xv_map_set(rig->map, 0, 1, XTSVOL_GENERATION_MAX + 1), COMMON_ERR_INVALID);
    assert_int_equal(xv_map_set(rig->map, 5000, 0, 1), 0);
    assert_int_equal(xv_map_write(rig->map, XV_NUM_COPIES), COMMON_ERR_INVALID);
    assert_false(xv_map_is_changed(rig->map));
    rig_close(&rig);
}

/* Whatever is asked for: the last child of a node is cut short by the end of the map. */
static void tells_of_no_extent_behind_the_last(void **state)
{
    (void)state;
    const uint64_t max = RIG_NODE + 5000;
    struct rig *rig = rig_open(max, 1, 0);
    rig_set(rig, 3, 1, 2);
    rig_set(rig, max - 2500, 1, 2);
    static const uint64_t left[] = {1, 2, 968, 969, 2499, 4999, 5001};
    for (size_t i = 0; i < ARRAY_LEN(left); i++) {
        uint32_t generation = 0;
        uint64_t num = 0;
        assert_int_equal(xv_map_get(rig->map, &generation, &num, max - left[i], UINT64_MAX), 0);
        assert_in_range(num, 1, left[i]);
        assert_int_equal(generation, 1);
    }
    rig_close(&rig);
}

static void regions_that_are_too_short_are_refused(void **state)
{
    (void)state;
    struct rig *rig = rig_open(5000, 1, 0);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        xv_map_close(&rig->map);
        rig->superblock.layout.map[copy].length -= XV_PAGE_LEN;
        assert_int_equal(rig_try_open(rig), COMMON_ERR_INVALID);
        assert_null(rig->map);
        rig->superblock.layout.map[copy].length += XV_PAGE_LEN;
    }
    rig_close(&rig);
}

static void a_set_that_changes_nothing_is_no_change(void **state)
{
    (void)state;
    struct rig *rig = rig_open(10000, 1, 0);
    rig_set(rig, 17, 3000, 1);
    rig_set(rig, 0, 10000, 1);
    assert_false(xv_map_is_changed(rig->map));
    rig_set(rig, 100, 3000, 2);
    assert_true(xv_map_is_changed(rig->map));
    rig_commit(rig);
    size_t memory = xv_map_memory(rig->map);
    rig_set(rig, 200, 5, 2);
    rig_set(rig, 0, 50, 1);
    assert_false(xv_map_is_changed(rig->map));
    assert_true(xv_map_memory(rig->map) <= memory);
    rig_close(&rig);
}

/* Of what stays uniform there is no page: one extent takes one page a level. */
static void splits_no_more_than_it_must(void **state)
{
    (void)state;
    struct rig *rig = rig_open_bare(XV_MAX_EXTENTS, 1, 0);
    rig_set(rig, UINT64_C(40000000000), 1, 2);
    assert_int_equal(xv_map_memory(rig->map), XV_MAX_DEPTH * XV_PAGE_LEN);
    rig_commit(rig);
    assert_int_equal(rig_num_pages(rig, NULL), XV_MAX_DEPTH);
    assert_int_equal(rig_get(rig, UINT64_C(40000000000)), 2);
    assert_int_equal(rig_get(rig, UINT64_C(39999999999)), 1);
    rig_close(&rig);
}

static void whole_subtrees_become_entries_unseen(void **state)
{
    (void)state;
    const uint64_t span = RIG_NODE;
    struct rig *rig = rig_open(4 * span, 1, 0);
    for (uint64_t extent = 5; extent < 4 * span; extent += RIG_LEAF)
        rig_set(rig, extent, 1, 2), rig_commit(rig);
    rig_reopen(rig);
    atomic_store(&rig->num_reads, 0);
    rig_set(rig, 100, 4 * span - 200, 3);
    /* The root, and node and leaf at both edges. */
    assert_int_equal(atomic_load(&rig->num_reads), 5);
    assert_null(rig_compare(rig));
    rig_commit(rig);
    assert_int_equal(rig_num_pages(rig, NULL), 5);
    assert_null(rig_compare(rig));
    rig_close(&rig);
}

/* What was changed and then covered is in memory no longer, nor written. */
static void covered_changes_are_dropped(void **state)
{
    (void)state;
    const uint64_t span = RIG_NODE;
    struct rig *rig = rig_open(3 * span, 1, (size_t)1000 * XV_PAGE_LEN);
    for (uint64_t extent = 5; extent < 3 * span; extent += RIG_LEAF)
        rig_set(rig, extent, 1, 2);
    assert_int_equal(xv_map_memory(rig->map), (size_t)(3 * 126 + 3 + 1) * XV_PAGE_LEN);
    rig_set(rig, span, span, 2);
    assert_int_equal(xv_map_memory(rig->map), (size_t)(2 * 126 + 2 + 1) * XV_PAGE_LEN);
    /* Of all leaves but half of the last one, and no node. */
    rig_set(rig, 0, 3 * span - 1000, 2);
    assert_int_equal(xv_map_memory(rig->map), (size_t)3 * XV_PAGE_LEN);
    rig_set(rig, 0, 3 * span, 2);
    assert_int_equal(xv_map_memory(rig->map), 0);
    assert_null(rig_compare(rig));
    struct xv_entry root;
    assert_int_equal(rig_seal(rig, &root), 0);
    assert_int_equal(root.kind, XV_ENTRY_UNIFORM);
    assert_int_equal(root.generation, 2);
    rig_close(&rig);
}

/* Leaf after leaf, extent after extent, each alone: nothing says that all are the same. */
static void sealing_folds_from_the_leaves_up(void **state)
{
    (void)state;
    const uint64_t max = 2 * RIG_LEAF + 10;
    struct rig *rig = rig_open(max, 1, 0);
    for (uint64_t extent = 0; extent < max; extent++) {
        rig_set(rig, extent, 1, 2);
        if (extent % 700 == 0)
            rig_commit(rig);
    }
    rig_commit(rig);
    assert_int_equal(rig->superblock.root.kind, XV_ENTRY_UNIFORM);
    assert_int_equal(rig->superblock.root.generation, 2);
    assert_int_equal(rig_num_pages(rig, NULL), 0);
    assert_null(rig_compare(rig));
    rig_close(&rig);
}

static void a_page_carries_the_sequence_that_changed_it(void **state)
{
    (void)state;
    struct rig *rig = rig_open(3 * RIG_LEAF, 1, 0);
    rig_set(rig, 0, 1, 2);
    rig_set(rig, RIG_LEAF, 1, 2);
    rig_commit(rig);
    uint64_t first = rig->superblock.sequence;
    rig_set(rig, RIG_LEAF, 1, 3);
    rig_commit(rig);
    const uint8_t *root = rig_page(rig, 1, rig->tree.num_pages - 1);
    struct xv_entry entry;
    assert_int_equal(rig->superblock.root.sequence, first + 1);
    assert_int_equal(xv_node_get(&entry, root, 0), 0);
    assert_int_equal(entry.sequence, first);
    assert_int_equal(xv_node_get(&entry, root, 1), 0);
    assert_int_equal(entry.sequence, first + 1);
    assert_int_equal(xv_node_get(&entry, root, 2), 0);
    assert_int_equal(entry.kind, XV_ENTRY_UNIFORM);
    rig_close(&rig);
}

/* docs/format-volume.md: behind the last extent or child all is zero. */
static void nothing_stands_behind_the_last_extent(void **state)
{
    (void)state;
    struct rig *rig = rig_open(RIG_LEAF + 10, 5, 0);
    rig_set(rig, RIG_LEAF + 3, 1, 6);
    rig_commit(rig);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        const uint8_t *leaf = rig_page(rig, copy, 1) + XV_PAGE_HEADER_LEN;
        for (size_t i = 0; i < XV_PAGE_LEN - XV_PAGE_HEADER_LEN; i++)
            assert_int_equal(leaf[i], i % 2 || i >= 20 ? 0 : i == 6 ? 6 : 5);
        const uint8_t *root = rig_page(rig, copy, 2) + XV_PAGE_HEADER_LEN;
        for (size_t i = 2 * (size_t)XV_ENTRY_LEN; i < XV_PAGE_LEN - XV_PAGE_HEADER_LEN; i++)
            assert_int_equal(root[i], 0);
    }
    rig_close(&rig);
}

static void both_copies_are_the_same_and_nothing_else_is_written(void **state)
{
    (void)state;
    struct rig *rig = rig_open(300000, 1, (size_t)256 * XV_PAGE_LEN);
    struct test_random random = test_random_of(4);
    for (unsigned i = 0; i < 300; i++)
        rig_set(rig, test_random_below(&random, 299000), 1 + test_random_below(&random, 999), 2);
    rig_commit(rig);
    const struct xv_region *map = rig->superblock.layout.map;
    assert_memory_equal(rig_page(rig, 0, 0), rig_page(rig, 1, 0), map[0].length);
    for (size_t i = 0; i < map[0].offset; i++)
        assert_int_equal(rig->medium[i], 0);
    for (size_t i = map[0].offset + map[0].length; i < map[1].offset; i++)
        assert_int_equal(rig->medium[i], 0);
    for (size_t i = map[1].offset + map[1].length; i < rig->medium_len; i++)
        assert_int_equal(rig->medium[i], 0);
    rig_close(&rig);
}

static void neighbours_are_written_together(void **state)
{
    (void)state;
    const uint64_t num = 600;
    struct rig *rig = rig_open(num * RIG_LEAF, 1, (size_t)1000 * XV_PAGE_LEN);
    for (uint64_t leaf = num; leaf-- > 0;)
        rig_set(rig, leaf * RIG_LEAF + 1, 1, 2);
    rig_commit(rig);
    /* 600 leaves, 5 nodes and the root lie side by side: 1 MiB at once, in each copy. */
    assert_int_equal(atomic_load(&rig->num_writes), 2 * 3);
    rig_close(&rig);
}

static void what_is_not_sealed_cannot_be_written(void **state)
{
    (void)state;
    struct rig *rig = rig_open(5000, 1, 0);
    struct xv_entry root;
    bool wrote = true;
    assert_int_equal(xv_map_write(rig->map, 0), 0);
    rig_set(rig, 1, 1, 2);
    assert_int_equal(xv_map_write(rig->map, 0), COMMON_ERR_STATE);
    assert_int_equal(xv_map_secure(rig->map, &wrote), COMMON_ERR_STATE);
    assert_false(wrote);
    xv_map_settle(rig->map);
    assert_true(xv_map_is_changed(rig->map));
    assert_int_equal(rig_seal(rig, &root), 0);
    rig_set(rig, 2, 1, 2);
    assert_int_equal(xv_map_write(rig->map, 0), COMMON_ERR_STATE);
    assert_int_equal(atomic_load(&rig->num_writes), 0);
    rig_commit(rig);
    assert_null(rig_compare(rig));
    rig_close(&rig);
}

static void a_medium_that_is_too_short_is_not_written(void **state)
{
    (void)state;
    struct rig *rig = rig_open(5000, 1, 0);
    rig_set(rig, 1, 1, 2);
    struct xv_entry root;
    assert_int_equal(rig_seal(rig, &root), 0);
    size_t length = rig->medium_len;
    rig->medium_len = rig->superblock.layout.map[1].offset + XV_PAGE_LEN;
    assert_int_equal(xv_map_write(rig->map, 0), 0);
    size_t written = atomic_load(&rig->num_writes);
    assert_int_equal(xv_map_write(rig->map, 1), COMMON_ERR_CORRUPT);
    assert_int_equal(atomic_load(&rig->num_writes), written);
    rig->medium_len = length;
    rig_close(&rig);
}

static void other_keys_reach_every_page(void **state)
{
    (void)state;
    struct rig *rig = rig_open(1000000, 1, (size_t)2000 * XV_PAGE_LEN);
    for (uint64_t extent = 7; extent < 1000000; extent += 3 * RIG_LEAF)
        rig_set(rig, extent, 2, 3);
    rig_commit(rig);
    size_t num = rig_num_pages(rig, NULL);
    rig_rekey(rig);
    rig_set(rig, 500000, 3, 4);
    rig_revert(rig);
    assert_null(rig_compare(rig));
    rig_rekey(rig);
    rig_set(rig, 500000, 3, 4);
    rig_commit(rig);
    rig_reopen(rig);
    size_t num_bad = 0;
    assert_true(rig_num_pages(rig, &num_bad) >= num);
    assert_int_equal(num_bad, 0);
    assert_null(rig_compare(rig));
    rig_close(&rig);
}

/* Superblock 0 names them then. */
static void what_copy_1_was_begun_with_is_the_state(void **state)
{
    (void)state;
    struct rig *rig = rig_open(5000, 1, 0);
    struct xv_entry root;
    rig_set(rig, 1, 1, 2);
    rig_commit(rig);
    rig_set(rig, 1, 3, 3);
    assert_int_equal(rig_seal(rig, &root), 0);
    assert_int_equal(xv_map_write(rig->map, 0), 0);
    rig->fail_write = atomic_load(&rig->num_writes) + 1;
    assert_int_equal(xv_map_write(rig->map, 1), COMMON_ERR_IO);
    rig->fail_write = 0;

    struct xv_entry other;
    assert_int_equal(xv_map_set(rig->map, 7, 1, 4), COMMON_ERR_STATE);
    assert_int_equal(xv_map_touch_all(rig->map), COMMON_ERR_STATE);
    assert_int_equal(rig_seal(rig, &other), COMMON_ERR_STATE);
    xv_map_revert(rig->map);
    assert_null(rig_compare(rig));
    /* Mending is as good as writing: it goes by what superblock 0 names. */
    size_t num_bad = 0;
    assert_int_equal(rig_num_pages(rig, &num_bad), 2);
    assert_int_equal(num_bad, 2);
    uint8_t kept[XV_PAGE_LEN];
    memcpy(kept, rig_page(rig, 0, 0), sizeof(kept));
    rig_mend(rig);
    assert_memory_equal(kept, rig_page(rig, 0, 0), sizeof(kept));
    (void)rig_num_pages(rig, &num_bad);
    assert_int_equal(num_bad, 0);
    assert_int_equal(xv_map_write(rig->map, 1), 0);
    rig_settle(rig, &root);
    rig_set(rig, 7, 1, 4);
    rig_commit(rig);
    rig_reopen(rig);
    assert_null(rig_compare(rig));
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_what_an_array_does),
        cmocka_unit_test(does_what_a_large_array_does),
        cmocka_unit_test(a_new_map_has_no_page_and_is_never_read),
        cmocka_unit_test(refuses_what_is_outside),
        cmocka_unit_test(tells_of_no_extent_behind_the_last),
        cmocka_unit_test(regions_that_are_too_short_are_refused),
        cmocka_unit_test(a_set_that_changes_nothing_is_no_change),
        cmocka_unit_test(splits_no_more_than_it_must),
        cmocka_unit_test(whole_subtrees_become_entries_unseen),
        cmocka_unit_test(covered_changes_are_dropped),
        cmocka_unit_test(sealing_folds_from_the_leaves_up),
        cmocka_unit_test(a_page_carries_the_sequence_that_changed_it),
        cmocka_unit_test(nothing_stands_behind_the_last_extent),
        cmocka_unit_test(both_copies_are_the_same_and_nothing_else_is_written),
        cmocka_unit_test(neighbours_are_written_together),
        cmocka_unit_test(what_is_not_sealed_cannot_be_written),
        cmocka_unit_test(a_medium_that_is_too_short_is_not_written),
        cmocka_unit_test(other_keys_reach_every_page),
        cmocka_unit_test(what_copy_1_was_begun_with_is_the_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
