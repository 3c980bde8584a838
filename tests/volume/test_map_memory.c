/* SPDX-License-Identifier: Apache-2.0 */
/* The ceiling on pages in memory, at the size of large volumes. */
#include "tests/support/test.h"
#include "tests/volume/map_rig.h"

enum {
    MIN_PAGES = 64
};

#define EXTENTS_16_TIB (UINT64_C(1) << (44 - 16)) /* of 64 KiB */
#define CEILING ((size_t)4 << 20)
/* Pages of one call that are not seen yet: two at each level of a change. */
#define PRIVATE ((size_t)2 * XV_MAX_DEPTH * XV_PAGE_LEN)

static size_t greatest;

static int note_memory(struct rig *rig, size_t number, uint64_t offset)
{
    (void)number;
    (void)offset;
    size_t memory = xv_map_memory(rig->map);
    greatest = memory > greatest ? memory : greatest;
    return 0;
}

static void the_ceiling_holds_for_16_tib(void **state)
{
    (void)state;
    const uint64_t step = 15 * RIG_LEAF + 1;
    struct rig *rig = rig_open_bare(EXTENTS_16_TIB, 1, CEILING);
    rig->on_read = note_memory;
    greatest = 0;
    unsigned num = 0;
    for (uint64_t extent = 0; extent < EXTENTS_16_TIB; extent += step) {
        rig_set(rig, extent, 3, 2);
        (void)note_memory(rig, 0, 0);
        if (++num % 500 == 0)
            rig_commit(rig);
    }
    rig_commit(rig);
    (void)note_memory(rig, 0, 0);
    assert_in_range(num, 8000, 9000);
    for (uint64_t extent = 0; extent < EXTENTS_16_TIB; extent += step) {
        assert_int_equal(rig_get(rig, extent), 2);
        assert_int_equal(rig_get(rig, extent + 3), 1);
        (void)note_memory(rig, 0, 0);
    }
    /* It is used, and no more than it. */
    assert_in_range(greatest, CEILING / 2, CEILING + PRIVATE);
    assert_int_equal(xv_map_memory(rig->map), CEILING);
    rig_close(&rig);
}

/* What was used last stays: the way down to a page is not read again for its neighbour. */
static void what_is_used_stays(void **state)
{
    (void)state;
    const uint64_t num = 1000;
    struct rig *rig = rig_open_bare(num * RIG_LEAF, 1, 0);
    for (uint64_t leaf = 0; leaf < num; leaf++) {
        rig_set(rig, leaf * RIG_LEAF, 1, 2);
        if (leaf % 40 == 0)
            rig_commit(rig);
    }
    rig_commit(rig);
    rig_reopen(rig);
    atomic_store(&rig->num_reads, 0);
    for (uint64_t leaf = 0; leaf < num; leaf++) {
        assert_int_equal(rig_get(rig, leaf * RIG_LEAF), 2);
        assert_int_equal(rig_get(rig, 5), 1);
    }
    size_t num_reads = atomic_load(&rig->num_reads);
    assert_int_equal(num_reads, rig_num_pages(rig, NULL));
    assert_int_equal(xv_map_memory(rig->map), (size_t)MIN_PAGES * XV_PAGE_LEN);
    rig_close(&rig);
}

static void too_many_changes_are_refused_until_they_are_committed(void **state)
{
    (void)state;
    struct rig *rig = rig_open(200 * RIG_LEAF, 1, 0);
    uint64_t leaf = 0;
    int error = 0;
    for (; !error && leaf < 200; leaf++) {
        error = xv_map_set(rig->map, leaf * RIG_LEAF, 1, 2);
        if (!error)
            rig_model_set(rig, leaf * RIG_LEAF, 1, 2);
        else
            leaf--;
    }
    assert_int_equal(error, COMMON_ERR_LIMIT);
    assert_int_equal(leaf, MIN_PAGES - 2); /* their node, and the root */
    assert_null(rig_compare(rig));
    assert_int_equal(xv_map_memory(rig->map), (size_t)MIN_PAGES * XV_PAGE_LEN);
    rig_set(rig, 7, 1, 3); /* in a page that is changed already */
    rig_commit(rig);
    rig_set(rig, leaf * RIG_LEAF, 1, 2);
    rig_commit(rig);
    rig_reopen(rig);
    assert_null(rig_compare(rig));
    rig_close(&rig);
}

static struct rig *with_leaves(uint64_t num)
{
    struct rig *rig = rig_open(2 * RIG_NODE, 1, 0);
    for (uint64_t leaf = 0; leaf < num; leaf++) {
        rig_set(rig, leaf * RIG_LEAF, 1, 2);
        if (leaf % 40 == 0)
            rig_commit(rig);
    }
    rig_commit(rig);
    return rig;
}

static void touching_takes_twice_the_ceiling_and_no_more(void **state)
{
    (void)state;
    /* With their node and the root. */
    struct rig *rig = with_leaves(2 * MIN_PAGES - 2);
    assert_int_equal(rig_num_pages(rig, NULL), 2 * MIN_PAGES);
    assert_int_equal(xv_map_touch_all(rig->map), 0);
    assert_int_equal(xv_map_memory(rig->map), (size_t)2 * MIN_PAGES * XV_PAGE_LEN);
    assert_int_equal(xv_map_set(rig->map, 240 * RIG_LEAF, 1, 2), COMMON_ERR_LIMIT);
    rig_commit(rig);
    assert_int_equal(xv_map_memory(rig->map), (size_t)MIN_PAGES * XV_PAGE_LEN);
    assert_null(rig_compare(rig));
    rig_close(&rig);

    rig = with_leaves(UINT64_C(2) * MIN_PAGES);
    assert_int_equal(xv_map_touch_all(rig->map), COMMON_ERR_LIMIT);
    assert_false(xv_map_is_changed(rig->map));
    assert_null(rig_compare(rig));
    assert_true(xv_map_memory(rig->map) <= (size_t)MIN_PAGES * XV_PAGE_LEN);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ceiling_holds_for_16_tib),
        cmocka_unit_test(what_is_used_stays),
        cmocka_unit_test(too_many_changes_are_refused_until_they_are_committed),
        cmocka_unit_test(touching_takes_twice_the_ceiling_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
