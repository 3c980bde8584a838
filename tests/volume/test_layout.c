/* SPDX-License-Identifier: Apache-2.0 */
/* Where everything is: docs/format-volume.md, "Layout" and "Extent map". */
#include "common/base/ct.h"
#include "libxtsvol/src/volume/layout.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#include <string.h>

static const uint64_t mib = 1 << 20;
static const uint64_t page = XV_PAGE_LEN;

/* By counting: how many extents do so many levels cover, and how many pages does each have? */
static void check_tree(uint64_t max_extents)
{
    struct xv_tree tree;
    assert_int_equal(xv_tree_make(&tree, max_extents), 0);
    assert_int_equal(tree.max_extents, max_extents);
    assert_in_range(tree.depth, 1, XV_MAX_DEPTH);
    uint64_t extents = 2016;
    uint64_t first = 0;
    for (unsigned level = 0; level < tree.depth; level++) {
        assert_int_equal(tree.level_extents[level], extents);
        assert_int_equal(tree.level_first[level], first);
        /* The last page of the level covers the last extent, and no page is behind it. */
        assert_true(tree.level_pages[level] * extents >= max_extents);
        assert_true((tree.level_pages[level] - 1) * extents < max_extents);
        first += tree.level_pages[level];
        extents *= 126;
    }
    assert_int_equal(tree.num_pages, first);
    assert_int_equal(tree.level_pages[tree.depth - 1], 1);
    if (tree.depth > 1) /* the least depth */
        assert_true(tree.level_pages[tree.depth - 2] > 1);
    assert_true(tree.num_pages <= UINT32_MAX);
}

static void a_tree_is_as_low_as_one_root_allows(void **state)
{
    (void)state;
    struct test_random random = test_random_begin("layout");
    uint64_t covered = 2016;
    for (unsigned depth = 1; depth <= XV_MAX_DEPTH; depth++) {
        struct xv_tree tree;
        uint64_t edge = covered < XV_MAX_EXTENTS ? covered : XV_MAX_EXTENTS;
        check_tree(edge);
        check_tree(edge - 1);
        assert_int_equal(xv_tree_make(&tree, edge), 0);
        assert_int_equal(tree.depth, depth);
        if (edge < XV_MAX_EXTENTS) {
            check_tree(edge + 1);
            assert_int_equal(xv_tree_make(&tree, edge + 1), 0);
            assert_int_equal(tree.depth, depth + 1);
        }
        covered *= 126;
    }
    check_tree(1);
    for (unsigned i = 0; i < 1000; i++)
        check_tree(test_random_range(&random, 1, XV_MAX_EXTENTS >> test_random_below(&random, 36)));
}

static void a_tree_over_none_or_too_many_is_refused(void **state)
{
    (void)state;
    static const uint64_t wrong[] = {0, XV_MAX_EXTENTS + 1, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct xv_tree tree;
        struct xv_layout layout;
        memset(&tree, 0xee, sizeof(tree));
        memset(&layout, 0xee, sizeof(layout));
        assert_int_equal(xv_tree_make(&tree, wrong[i]), COMMON_ERR_INVALID);
        assert_true(common_ct_is_zero(&tree, sizeof(tree)));
        assert_int_equal(xv_layout_make(&layout, wrong[i], true), COMMON_ERR_INVALID);
        assert_true(common_ct_is_zero(&layout, sizeof(layout)));
    }
}

static void assert_region(const struct xv_region *region, uint64_t offset, uint64_t length)
{
    assert_int_equal(region->offset, offset);
    assert_int_equal(region->length, length);
}

static void the_layout_is_that_of_the_table(void **state)
{
    (void)state;
    struct xv_layout layout;
    /* 5000 extents: three leaves and a root. */
    const uint64_t map = 4 * mib + mib / 4;
    const uint64_t map_len = 4 * page;
    assert_int_equal(xv_layout_make(&layout, 5000, true), 0);
    assert_true(layout.is_attached);
    assert_false(layout.is_backup);
    assert_region(&layout.intents, mib, 2 * mib);
    assert_region(&layout.markers, 3 * mib, 8192);
    assert_region(&layout.map[0], map, map_len);
    assert_region(&layout.journal, map + map_len, 8 * mib);
    assert_region(&layout.map[1], map + map_len + 8 * mib, map_len);
    assert_int_equal(layout.data_offset, 13 * mib);

    assert_int_equal(xv_layout_make(&layout, 5000, false), 0);
    assert_false(layout.is_attached);
    assert_region(&layout.map[1], map + map_len + 8 * mib, map_len);
    assert_int_equal(layout.data_offset, 0);
}

static void every_layout_that_is_made_is_legal(void **state)
{
    (void)state;
    struct test_random random = test_random_begin("layout");
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t max = i == 0 ? XV_MAX_EXTENTS
                              : test_random_range(&random, 1,
                                                  XV_MAX_EXTENTS >> test_random_below(&random, 36));
        bool is_attached = test_random_chance(&random, 50);
        struct xv_layout layout;
        uint64_t end = 0;
        assert_int_equal(xv_layout_make(&layout, max, is_attached), 0);
        assert_null(xv_layout_fault(&layout, max));
        assert_int_equal(xv_layout_metadata_end(&end, &layout), 0);
        uint64_t last = layout.map[1].offset + layout.map[1].length;
        if (is_attached) {
            assert_int_equal(end, layout.data_offset);
            assert_int_equal(end % mib, 0);
            assert_true(end >= last && end - last < mib);
        } else {
            assert_int_equal(end, last);
        }
    }
}

enum {
    MAX_EXTENTS = 5000
};

static void wreck_misaligned_offset(struct xv_layout *of)
{
    of->journal.offset += 512;
}
static void wreck_misaligned_length(struct xv_layout *of)
{
    of->intents.length += 512;
}
static void wreck_over_superblock_0(struct xv_layout *of)
{
    of->intents.offset = 0;
}
static void wreck_in_reserve_of_superblock_0(struct xv_layout *of)
{
    of->markers.offset = XV_SUPERBLOCK_MAX - XV_PAGE_LEN;
}
static void wreck_over_superblock_1(struct xv_layout *of)
{
    of->markers.offset = XV_SUPERBLOCK_1_OFFSET;
}
static void wreck_into_superblock_1(struct xv_layout *of)
{
    of->markers.offset = XV_SUPERBLOCK_1_OFFSET - XV_PAGE_LEN;
}
static void wreck_in_reserve_of_superblock_1(struct xv_layout *of)
{
    of->markers.offset = XV_SUPERBLOCK_1_OFFSET + XV_SUPERBLOCK_MAX - XV_PAGE_LEN;
}
static void wreck_around_superblock_1(struct xv_layout *of)
{
    of->intents.offset = 2 * mib;
    of->intents.length = 4 * mib;
    of->markers.offset = mib;
}
static void wreck_one_map_twice(struct xv_layout *of)
{
    of->map[1] = of->map[0];
}
static void wreck_maps_that_touch(struct xv_layout *of)
{
    of->map[1].offset = of->map[0].offset + of->map[0].length - XV_PAGE_LEN;
}
static void wreck_markers_in_intents(struct xv_layout *of)
{
    of->markers.offset = of->intents.offset + 8 * page;
}
static void wreck_journal_over_map(struct xv_layout *of)
{
    of->journal.offset = of->map[0].offset - 4 * mib;
    of->intents.offset = 32 * mib;
    of->markers.offset = 31 * mib;
}
static void wreck_beyond_the_end(struct xv_layout *of)
{
    of->journal.offset = XV_REGION_END_MAX - 4 * mib;
}
static void wreck_at_the_end(struct xv_layout *of)
{
    of->journal.offset = XV_REGION_END_MAX;
    of->journal.length = 0;
}
static void wreck_sum_that_wraps(struct xv_layout *of)
{
    of->journal.length = UINT64_MAX - (uint64_t)XV_PAGE_LEN + 1;
}
static void wreck_offset_that_wraps(struct xv_layout *of)
{
    of->journal.offset = UINT64_MAX - (uint64_t)XV_PAGE_LEN + 1;
}
static void wreck_empty_journal_nowhere(struct xv_layout *of)
{
    of->journal = (struct xv_region){0};
}
static void wreck_short_map(struct xv_layout *of)
{
    of->map[0].length -= XV_PAGE_LEN;
}
static void wreck_long_map(struct xv_layout *of)
{
    of->map[1].length += XV_PAGE_LEN;
}
static void wreck_empty_map(struct xv_layout *of)
{
    of->map[1].length = 0;
}
static void wreck_one_marker(struct xv_layout *of)
{
    of->markers.length = XV_PAGE_LEN;
}
static void wreck_three_markers(struct xv_layout *of)
{
    of->markers.length = 3 * page;
}
static void wreck_no_intents(struct xv_layout *of)
{
    of->intents.length = 0;
}
static void wreck_odd_intents(struct xv_layout *of)
{
    of->intents.length -= XV_PAGE_LEN;
}
static void wreck_odd_journal(struct xv_layout *of)
{
    of->journal.length -= XV_PAGE_LEN;
}
static void wreck_misaligned_data(struct xv_layout *of)
{
    of->data_offset += 512;
}
static void wreck_far_data(struct xv_layout *of)
{
    of->data_offset = XV_REGION_END_MAX;
}
static void wreck_data_over_map(struct xv_layout *of)
{
    of->data_offset = of->map[1].offset;
}
static void wreck_data_at_0(struct xv_layout *of)
{
    of->data_offset = 0;
}
static void wreck_data_behind_all_but_superblock_1(struct xv_layout *of)
{
    of->intents = (struct xv_region){.offset = mib, .length = 2 * page};
    of->markers.offset = mib + 2 * page;
    of->map[0].offset = mib + 4 * page;
    of->map[1].offset = 2 * mib;
    of->journal = (struct xv_region){.offset = mib, .length = 0};
    of->data_offset = 3 * mib;
}

#define WRECK(name, why)                                                                           \
    {                                                                                              \
#name, wreck_##name, why                                                                   \
    }

static void each_damage_of_a_layout_is_refused_for_its_reason(void **state)
{
    (void)state;
    static const char pages[] = "a region is not made of whole pages";
    static const char outside[] = "a region is outside of where metadata can be";
    static const char two[] = "two regions overlap";
    static const char length[] = "an extent map is not as long as its tree";
    static const char behind[] = "the data area is not behind the metadata";
    static const struct {
        const char *name;
        void (*wreck)(struct xv_layout *of);
        const char *why;
    } wrecks[] = {
        WRECK(misaligned_offset, pages),
        WRECK(misaligned_length, pages),
        WRECK(over_superblock_0, outside),
        WRECK(in_reserve_of_superblock_0, outside),
        WRECK(over_superblock_1, two),
        WRECK(into_superblock_1, two),
        WRECK(in_reserve_of_superblock_1, two),
        WRECK(around_superblock_1, two),
        WRECK(one_map_twice, two),
        WRECK(maps_that_touch, two),
        WRECK(markers_in_intents, two),
        WRECK(journal_over_map, two),
        WRECK(beyond_the_end, outside),
        WRECK(at_the_end, outside),
        WRECK(sum_that_wraps, outside),
        WRECK(offset_that_wraps, outside),
        WRECK(empty_journal_nowhere, outside),
        WRECK(short_map, length),
        WRECK(long_map, length),
        WRECK(empty_map, length),
        WRECK(one_marker, "the markers are not two pages"),
        WRECK(three_markers, "the markers are not two pages"),
        WRECK(no_intents, "the intents do not have two halves"),
        WRECK(odd_intents, "the intents do not have two halves"),
        WRECK(odd_journal, "the journal does not have two halves"),
        WRECK(misaligned_data, "the data area does not begin at a page"),
        WRECK(far_data, "the data area is outside of where it can be"),
        WRECK(data_over_map, behind),
        WRECK(data_at_0, behind),
        WRECK(data_behind_all_but_superblock_1, behind),
    };
    for (size_t i = 0; i < ARRAY_LEN(wrecks); i++) {
        struct xv_layout layout;
        assert_int_equal(xv_layout_make(&layout, MAX_EXTENTS, true), 0);
        wrecks[i].wreck(&layout);
        const char *why = xv_layout_fault(&layout, MAX_EXTENTS);
        if (!why || strcmp(why, wrecks[i].why) != 0)
            fail_msg("%s: %s", wrecks[i].name, why ? why : "nothing");
    }
}

static void a_layout_fits_one_number_of_extents(void **state)
{
    (void)state;
    struct xv_layout layout;
    assert_int_equal(xv_layout_make(&layout, MAX_EXTENTS, true), 0);
    assert_null(xv_layout_fault(&layout, UINT64_C(3) * XV_LEAF_EXTENTS));
    assert_non_null(xv_layout_fault(&layout, UINT64_C(3) * XV_LEAF_EXTENTS + 1));
    assert_non_null(xv_layout_fault(&layout, UINT64_C(2) * XV_LEAF_EXTENTS));
    assert_non_null(xv_layout_fault(&layout, 0));
    assert_non_null(xv_layout_fault(&layout, XV_MAX_EXTENTS + 1));
}

/* Places may differ from those of the table as long as the rules hold. */
static void any_places_that_keep_to_the_rules_are_taken(void **state)
{
    (void)state;
    struct xv_layout layout;
    uint64_t end = 0;
    assert_int_equal(xv_layout_make(&layout, MAX_EXTENTS, true), 0);
    layout.markers.offset = XV_SUPERBLOCK_MAX;
    layout.map[1].offset = XV_SUPERBLOCK_1_OFFSET - layout.map[1].length;
    layout.intents.offset = XV_SUPERBLOCK_MAX + layout.markers.length;
    layout.journal = (struct xv_region){.offset = layout.map[0].offset, .length = 0};
    layout.data_offset = layout.map[0].offset + layout.map[0].length;
    assert_null(xv_layout_fault(&layout, MAX_EXTENTS));

    layout.is_attached = false;
    layout.data_offset = 0;
    assert_null(xv_layout_fault(&layout, MAX_EXTENTS));
    layout.data_offset = XV_REGION_END_MAX - XV_PAGE_LEN;
    assert_null(xv_layout_fault(&layout, MAX_EXTENTS));
    assert_int_equal(xv_layout_metadata_end(&end, &layout), 0);
    assert_int_equal(end, layout.map[0].offset + layout.map[0].length);

    /* The second superblock may be what comes last. */
    layout.map[0].offset = 3 * mib;
    assert_null(xv_layout_fault(&layout, MAX_EXTENTS));
    assert_int_equal(xv_layout_metadata_end(&end, &layout), 0);
    assert_int_equal(end, XV_SUPERBLOCK_1_OFFSET + XV_SUPERBLOCK_MAX);

    layout.journal.length = UINT64_MAX - (uint64_t)XV_PAGE_LEN + 1;
    assert_int_equal(xv_layout_metadata_end(&end, &layout), COMMON_ERR_INVALID);
    assert_int_equal(end, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_is_as_low_as_one_root_allows),
        cmocka_unit_test(a_tree_over_none_or_too_many_is_refused),
        cmocka_unit_test(the_layout_is_that_of_the_table),
        cmocka_unit_test(every_layout_that_is_made_is_legal),
        cmocka_unit_test(each_damage_of_a_layout_is_refused_for_its_reason),
        cmocka_unit_test(a_layout_fits_one_number_of_extents),
        cmocka_unit_test(any_places_that_keep_to_the_rules_are_taken),
    };
    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
