/* SPDX-License-Identifier: Apache-2.0 */
/*
 * V3 to V5: the power goes at any moment of a commit, and any set of its sectors is on the medium.
 * The states of the medium are made of what it held before a step and after it, sector by sector.
 */
#include "tests/support/test.h"
#include "tests/volume/map_rig.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_EXTENTS = XV_LEAF_EXTENTS * XV_NODE_CHILDREN + 5000,
    MAX_PAGES = 256
};

/* All pages that there can be, so that no set is refused. */
#define MEMORY ((size_t)MAX_PAGES * XV_PAGE_LEN)

static struct test_random random_state;

static int begin_random(void **state)
{
    (void)state;
    random_state = test_random_begin("map power");
    return 0;
}

static uint8_t *medium_copy(const struct rig *rig)
{
    uint8_t *copy = malloc(rig->medium_len);
    assert_non_null(copy);
    memcpy(copy, rig->medium, rig->medium_len);
    return copy;
}

enum cut {
    CUT_NOTHING, /* is there */
    CUT_ALL,
    CUT_PAGES,   /* some are there whole */
    CUT_SECTORS, /* some are there */
    CUT_ALL_BUT_ONE,
    CUT_ONE,
    NUM_CUTS
};

/* What is on the medium becomes what the power loss leaves of the change from `before` to `after`.
 */
static void cut_power(struct rig *rig, const uint8_t *before, const uint8_t *after, enum cut cut)
{
    size_t num_pages = 0;
    for (size_t at = 0; at < rig->medium_len; at += XV_PAGE_LEN)
        num_pages += memcmp(before + at, after + at, XV_PAGE_LEN) != 0;
    size_t one = num_pages > 0 ? test_random_below(&random_state, num_pages) : 0;
    size_t page = 0;
    memcpy(rig->medium, before, rig->medium_len);
    for (size_t at = 0; at < rig->medium_len; at += XV_PAGE_LEN) {
        if (memcmp(before + at, after + at, XV_PAGE_LEN) == 0)
            continue;
        bool is_kept = cut == CUT_ALL || (cut == CUT_ONE && page == one) ||
                       (cut == CUT_ALL_BUT_ONE && page != one) ||
                       (cut == CUT_PAGES && test_random_chance(&random_state, 50));
        page++;
        for (size_t i = 0; i < XV_PAGE_LEN; i += RIG_SECTOR)
            if (is_kept || (cut == CUT_SECTORS && test_random_chance(&random_state, 60)))
                memcpy(rig->medium + at + i, after + at + i, RIG_SECTOR);
    }
}

static void set_some(struct rig *rig)
{
    for (unsigned i = 0; i < 6; i++) {
        uint64_t first = test_random_below(&random_state, MAX_EXTENTS);
        uint64_t num = test_random_below(&random_state, i == 0 ? 50000 : 300) + 1;
        if (num > MAX_EXTENTS - first)
            num = MAX_EXTENTS - first;
        rig_set(rig, first, num, (uint32_t)test_random_below(&random_state, 5));
    }
}

/* Never the only good copy. */
static void damage_some(struct rig *rig)
{
    struct xv_page_place places[MAX_PAGES];
    size_t num_bad = 0;
    size_t num = rig_list_pages(rig, places, MAX_PAGES);
    (void)rig_num_pages(rig, &num_bad);
    if (num_bad > 0)
        return;
    for (size_t i = 0; i < num; i++)
        if (test_random_chance(&random_state, 20))
            rig_damage(rig, test_random_chance(&random_state, 50), places[i].number);
}

static void old_state_is_there(struct rig *rig)
{
    rig_reopen(rig);
    assert_null(rig_compare(rig));
}

/* As the commit of docs/format-volume.md, with a cut in step 2, and the same again from there: the
 * holes stay, and the next commit has the same sequence. */
static void a_cut_in_copy_0_leaves_the_state_before(void **state)
{
    (void)state;
    struct rig *rig = rig_open(MAX_EXTENTS, 1, MEMORY);
    set_some(rig);
    rig_commit(rig);
    for (unsigned round = 0; round < 120; round++) {
        struct xv_entry root;
        bool wrote = false;
        if (round % 3 == 0)
            damage_some(rig);
        set_some(rig);
        if (round % 7 == 0)
            rig_rekey(rig);
        assert_int_equal(rig_seal(rig, &root), 0);
        assert_int_equal(xv_map_secure(rig->map, &wrote), 0);
        uint8_t *before = medium_copy(rig);
        assert_int_equal(xv_map_write(rig->map, 0), 0);
        uint8_t *after = medium_copy(rig);
        if (round % 5 == 0) { /* without a cut: the process goes on */
            rig_revert(rig);
            assert_null(rig_compare(rig));
        }
        for (unsigned cut = 0; cut < NUM_CUTS; cut++) {
            cut_power(rig, before, after, (enum cut)cut);
            old_state_is_there(rig);
        }
        cut_power(rig, before, after, (enum cut)(round % NUM_CUTS));
        free(before);
        free(after);
        old_state_is_there(rig);
        if (round % 4 == 0) {
            set_some(rig);
            rig_commit(rig);
            old_state_is_there(rig);
        }
        if (round % 10 == 0)
            rig_mend(rig);
    }
    rig_close(&rig);
}

/* In step 4: superblock 0 is there, and names the new state. Opening mends it. */
static void a_cut_in_copy_1_leaves_the_new_state(void **state)
{
    (void)state;
    struct rig *rig = rig_open(MAX_EXTENTS, 1, MEMORY);
    for (unsigned round = 0; round < 100; round++) {
        struct xv_entry root;
        bool wrote = false;
        if (round % 3 == 1)
            damage_some(rig);
        set_some(rig);
        if (round % 7 == 0)
            rig_rekey(rig);
        assert_int_equal(rig_seal(rig, &root), 0);
        assert_int_equal(xv_map_secure(rig->map, &wrote), 0);
        assert_int_equal(xv_map_write(rig->map, 0), 0);
        uint8_t *before = medium_copy(rig);
        assert_int_equal(xv_map_write(rig->map, 1), 0);
        uint8_t *after = medium_copy(rig);
        rig_settle(rig, &root);
        for (unsigned cut = 0; cut < NUM_CUTS; cut++) {
            cut_power(rig, before, after, (enum cut)cut);
            old_state_is_there(rig);
        }
        cut_power(rig, before, after, (enum cut)(round % NUM_CUTS));
        free(before);
        free(after);
        rig_reopen(rig);
        rig_mend(rig);
        size_t num_bad = 1;
        (void)rig_num_pages(rig, &num_bad);
        assert_int_equal(num_bad, 0);
        assert_null(rig_compare(rig));
    }
    rig_close(&rig);
}

/* All of a commit reached copy 0 but its superblock; the next one has the same sequence, and
 * nothing of it reaches copy 0. */
static void left_over_pages_are_never_taken(void **state)
{
    (void)state;
    struct rig *rig = rig_open(MAX_EXTENTS, 1, MEMORY);
    struct xv_entry root;
    bool wrote = false;
    set_some(rig);
    rig_commit(rig);
    for (unsigned ahead = 1; ahead < 4; ahead++) {
        rig_set(rig, 100, 10, 2 + ahead);
        rig_set(rig, 70000, 10, 2 + ahead);
        assert_int_equal(xv_map_seal(rig->map, rig->superblock.sequence + ahead, &root), 0);
        assert_int_equal(xv_map_secure(rig->map, &wrote), 0);
        assert_int_equal(xv_map_write(rig->map, 0), 0);
        uint8_t *left_over = medium_copy(rig);
        rig_reopen(rig);
        assert_null(rig_compare(rig));

        rig_set(rig, 100, 10, 20 + ahead);
        rig_set(rig, 70000, 11, 20 + ahead);
        rig_commit(rig);
        memcpy(rig_page(rig, 0, 0), left_over + rig->superblock.layout.map[0].offset,
               rig->superblock.layout.map[0].length);
        free(left_over);
        old_state_is_there(rig);
        rig_mend(rig);
    }
    rig_close(&rig);
}

/* Writing fails at the Nth call, and what failed may be there in part. */
static void a_failed_write_costs_nothing(void **state)
{
    (void)state;
    bool is_done = false;
    for (size_t nth = 1; !is_done && nth < 100; nth++) {
        struct rig *rig = rig_open(MAX_EXTENTS, 1, MEMORY);
        for (uint64_t extent = 5; extent < MAX_EXTENTS; extent += 6 * RIG_LEAF)
            rig_set(rig, extent, 1, 2);
        rig_commit(rig);
        for (uint64_t extent = 6; extent < MAX_EXTENTS; extent += 9 * RIG_LEAF)
            rig_set(rig, extent, 1, 3);
        struct xv_entry root;
        bool wrote = false;
        assert_int_equal(rig_seal(rig, &root), 0);
        assert_int_equal(xv_map_secure(rig->map, &wrote), 0);
        atomic_store(&rig->num_writes, 0);
        rig->fail_write = nth;
        int error = xv_map_write(rig->map, 0);
        if (error) {
            assert_int_equal(error, COMMON_ERR_IO);
            rig->fail_write = 0;
            rig_revert(rig);
            assert_false(xv_map_is_changed(rig->map));
            assert_null(rig_compare(rig));
            rig_set(rig, 7, 1, 4);
            rig_commit(rig);
        } else {
            error = xv_map_write(rig->map, 1);
            is_done = !error;
            rig->fail_write = 0;
            if (error)
                assert_int_equal(error, COMMON_ERR_IO);
            assert_int_equal(xv_map_write(rig->map, 1), 0);
            rig_settle(rig, &root);
        }
        assert_null(rig_compare(rig));
        old_state_is_there(rig);
        rig_close(&rig);
        assert_true(is_done || nth < 99);
    }
    assert_true(is_done);
}

/* Securing fails at its Nth read or write: nothing is lost, and it can be had again. */
static void a_failed_securing_costs_nothing(void **state)
{
    (void)state;
    for (unsigned what = 0; what < 2; what++) {
        bool is_done = false;
        for (size_t nth = 1; !is_done && nth < 200; nth++) {
            struct rig *rig = rig_open(MAX_EXTENTS, 1, MEMORY);
            struct xv_entry root;
            bool wrote = false;
            set_some(rig);
            rig_commit(rig);
            damage_some(rig);
            rig_reopen(rig);
            set_some(rig);
            assert_int_equal(rig_seal(rig, &root), 0);
            atomic_store(&rig->num_reads, 0);
            atomic_store(&rig->num_writes, 0);
            rig->fail_read = what == 0 ? nth : 0;
            rig->fail_write = what == 1 ? nth : 0;
            int error = xv_map_secure(rig->map, &wrote);
            is_done = !error;
            if (error)
                assert_int_equal(error, COMMON_ERR_IO);
            rig->fail_read = rig->fail_write = 0;
            rig_commit(rig);
            old_state_is_there(rig);
            rig_close(&rig);
        }
        assert_true(is_done);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_in_copy_0_leaves_the_state_before),
        cmocka_unit_test(a_cut_in_copy_1_leaves_the_new_state),
        cmocka_unit_test(left_over_pages_are_never_taken),
        cmocka_unit_test(a_failed_write_costs_nothing),
        cmocka_unit_test(a_failed_securing_costs_nothing),
    };
    return cmocka_run_group_tests(tests, begin_random, NULL);
}
