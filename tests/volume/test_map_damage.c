/* SPDX-License-Identifier: Apache-2.0 */
/* V5: what damage to the pages of the extent map costs, and what is told of it. */
#include "tests/support/test.h"
#include "tests/volume/map_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_EXTENTS = XV_LEAF_EXTENTS * XV_NODE_CHILDREN + 5000, /* three levels */
    MAX_PAGES = 64
};

/* Eight leaves, two nodes and the root; runs within leaves, and between them. */
static struct rig *sparse(void)
{
    struct rig *rig = rig_open(MAX_EXTENTS, 1, 0);
    rig_set(rig, 10, 5, 2);
    rig_set(rig, RIG_LEAF - 3, 7, 3);
    rig_set(rig, 50 * RIG_LEAF + 1, 4 * RIG_LEAF, 4);
    rig_commit(rig);
    rig_set(rig, 80 * RIG_LEAF + 1, 1, 4);
    rig_set(rig, MAX_EXTENTS - 4000, 10, 5);
    rig_set(rig, MAX_EXTENTS - 1, 1, 6);
    rig_commit(rig);
    rig_reopen(rig);
    return rig;
}

static uint64_t begin_of(const struct rig *rig, struct xv_page_place place)
{
    return (place.number - rig->tree.level_first[place.level]) *
           rig->tree.level_extents[place.level];
}

static bool is_below(const struct rig *rig, struct xv_page_place place, uint64_t extent)
{
    uint64_t begin = begin_of(rig, place);
    return extent >= begin && extent - begin < rig->tree.level_extents[place.level];
}

/* What is below the page cannot be known; all else can. */
static void only_below_is_lost(struct rig *rig, struct xv_page_place place, int expected)
{
    for (uint64_t extent = 0; extent < MAX_EXTENTS; extent += 7) {
        uint32_t generation = 0;
        uint64_t num = 0;
        int error = xv_map_get(rig->map, &generation, &num, extent, 1);
        if (is_below(rig, place, extent)) {
            assert_int_equal(error, expected);
            assert_int_equal(generation, UINT32_MAX);
            assert_int_equal(num, 0);
        } else {
            assert_int_equal(error, 0);
            assert_int_equal(generation, rig->model[extent]);
        }
    }
}

static void any_copy_of_any_page_may_be_damaged(void **state)
{
    (void)state;
    struct rig *rig = sparse();
    struct xv_page_place places[MAX_PAGES];
    size_t num = rig_list_pages(rig, places, MAX_PAGES);
    assert_int_equal(num, 10);
    for (size_t i = 0; i < num; i++)
        for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
            size_t told = atomic_load(&rig->num_damaged[copy]);
            rig_damage(rig, copy, places[i].number);
            rig_reopen(rig);
            assert_null(rig_compare(rig));
            assert_null(rig_compare(rig));
            /* Once for each time that it is read, and copy 1 is not read while 0 is good. */
            assert_int_equal(atomic_load(&rig->num_damaged[copy]), told + (copy == 0));
            if (copy == 0)
                assert_int_equal(atomic_load(&rig->last_damaged), places[i].number);
            rig_damage(rig, copy, places[i].number);
        }
    rig_close(&rig);
}

static void two_damaged_copies_cost_what_is_below(void **state)
{
    (void)state;
    struct rig *rig = sparse();
    struct xv_page_place places[MAX_PAGES];
    size_t num = rig_list_pages(rig, places, MAX_PAGES);
    for (size_t i = 0; i < num; i++) {
        rig_damage(rig, 0, places[i].number);
        rig_damage(rig, 1, places[i].number);
        rig_reopen(rig);
        only_below_is_lost(rig, places[i], COMMON_ERR_CORRUPT);
        assert_true(atomic_load(&rig->num_damaged[1]) > 0);
        assert_int_equal(atomic_load(&rig->last_damaged), places[i].number);
        rig_damage(rig, 0, places[i].number);
        rig_damage(rig, 1, places[i].number);
        assert_null(rig_compare(rig)); /* nothing bad was kept */
    }
    rig_close(&rig);
}

static void every_page_may_be_damaged_somewhere_at_once(void **state)
{
    (void)state;
    struct rig *rig = sparse();
    struct xv_page_place places[MAX_PAGES];
    size_t num = rig_list_pages(rig, places, MAX_PAGES);
    for (size_t i = 0; i < num; i++)
        rig_damage(rig, i % 2, places[i].number);
    rig_reopen(rig);
    assert_null(rig_compare(rig));
    rig_mend(rig);
    size_t num_bad = 1;
    assert_int_equal(rig_num_pages(rig, &num_bad), num);
    assert_int_equal(num_bad, 0);
    rig_close(&rig);
}

static uint64_t unreadable[XV_NUM_COPIES];

static int bad_sector(struct rig *rig, size_t read, uint64_t offset)
{
    (void)rig;
    (void)read;
    return offset == unreadable[0] || offset == unreadable[1] ? EIO : 0;
}

static void a_copy_that_cannot_be_read_is_damaged(void **state)
{
    (void)state;
    struct rig *rig = sparse();
    struct xv_page_place places[MAX_PAGES];
    size_t num = rig_list_pages(rig, places, MAX_PAGES);
    rig->on_read = bad_sector;
    for (size_t i = 0; i < num; i++) {
        uint64_t offset = (uint64_t)places[i].number * XV_PAGE_LEN;
        size_t told = atomic_load(&rig->num_damaged[0]);
        unreadable[0] = rig->superblock.layout.map[0].offset + offset;
        unreadable[1] = 0;
        rig_reopen(rig);
        assert_null(rig_compare(rig));
        assert_int_equal(atomic_load(&rig->num_damaged[0]), told + 1);
        /* Whether it is damaged cannot be said of what could not be read. */
        unreadable[1] = rig->superblock.layout.map[1].offset + offset;
        rig_reopen(rig);
        only_below_is_lost(rig, places[i], COMMON_ERR_IO);
        unreadable[1] = 0;
        rig_damage(rig, 1, places[i].number);
        rig_reopen(rig);
        only_below_is_lost(rig, places[i], COMMON_ERR_IO);
        rig_damage(rig, 1, places[i].number);
    }
    rig_close(&rig);
}

/* What a page is told from: another page that is good at its place, and the same one of before. */
static void pages_of_other_places_and_times_are_damage(void **state)
{
    (void)state;
    struct rig *rig = sparse();
    struct xv_page_place places[MAX_PAGES];
    size_t num = rig_list_pages(rig, places, MAX_PAGES);
    for (size_t i = 0; i < num; i++) {
        struct xv_page_place other = places[(i + 1) % num];
        uint8_t kept[XV_PAGE_LEN];
        memcpy(kept, rig_page(rig, 0, places[i].number), XV_PAGE_LEN);
        memcpy(rig_page(rig, 0, places[i].number), rig_page(rig, 0, other.number), XV_PAGE_LEN);
        size_t told = rig_damaged(rig);
        rig_reopen(rig);
        assert_null(rig_compare(rig));
        assert_int_equal(rig_damaged(rig), told + 1);
        memcpy(rig_page(rig, 0, places[i].number), kept, XV_PAGE_LEN);
    }

    uint8_t old[XV_PAGE_LEN];
    memcpy(old, rig_page(rig, 0, 0), XV_PAGE_LEN);
    rig_set(rig, 11, 1, 9);
    rig_commit(rig);
    memcpy(rig_page(rig, 0, 0), old, XV_PAGE_LEN);
    rig_reopen(rig);
    assert_int_equal(rig_get(rig, 11), 9);
    memcpy(rig_page(rig, 1, 0), old, XV_PAGE_LEN);
    rig_reopen(rig);
    only_below_is_lost(rig, (struct xv_page_place){0, 0}, COMMON_ERR_CORRUPT);
    rig_close(&rig);
}

/* M3: made with the right key, but not as the format has it. */
static void refuses_sealed_nonsense(void **state)
{
    (void)state;
    struct rig *rig = rig_open(RIG_LEAF - 1, 1, 0);
    rig_set(rig, 3, 1, 2);
    rig_commit(rig);
    static const struct {
        size_t offset;
        uint8_t byte;
        int expected;
    } cases[] = {
        {XV_PAGE_HEADER_LEN + 100, 77, 0},                    /* another generation */
        {XV_PAGE_HEADER_LEN + 101, 0x03, 0},                  /* the greatest ones */
        {XV_PAGE_HEADER_LEN + 101, 0x04, COMMON_ERR_CORRUPT}, /* a reserved bit */
        {XV_PAGE_LEN - 2, 1, COMMON_ERR_CORRUPT},             /* behind the last extent */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t kept[XV_PAGE_LEN];
        memcpy(kept, rig_page(rig, 0, 0), XV_PAGE_LEN);
        for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
            uint8_t *page = rig_page(rig, copy, 0);
            page[cases[i].offset] = cases[i].byte;
            assert_int_equal(xv_page_seal(page, &rig->superblock.root, (struct xv_page_place){0, 0},
                                          rig->superblock.sequence, rig->superblock.uuid,
                                          &rig->keys),
                             0);
        }
        rig_reopen(rig);
        uint32_t generation = 0;
        uint64_t num = 0;
        assert_int_equal(xv_map_get(rig->map, &generation, &num, 1, 1), cases[i].expected);
        for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
            memcpy(rig_page(rig, copy, 0), kept, XV_PAGE_LEN);
    }
    rig_close(&rig);
}

struct walked {
    const struct rig *rig;
    size_t num;
    size_t num_lost;
    uint64_t covered[XV_MAX_DEPTH];
    bool copy_is_bad[XV_NUM_COPIES];
    uint32_t number; /* of the page to look at */
    int error;
};

static int walk(void *context, const struct xv_map_visit *visit)
{
    struct walked *walked = context;
    walked->num++;
    walked->covered[visit->place.level] += visit->num_extents;
    walked->num_lost += !visit->page;
    if (visit->first_extent != begin_of(walked->rig, visit->place) ||
        visit->entry.kind != XV_ENTRY_PAGE)
        return COMMON_ERR_STATE;
    if (visit->page && xv_page_verify(visit->page, &visit->entry, visit->place,
                                      walked->rig->superblock.uuid, &walked->rig->keys))
        return COMMON_ERR_STATE;
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
        if (visit->copy_is_good[copy] !=
            !(walked->copy_is_bad[copy] && visit->place.number == walked->number))
            return COMMON_ERR_STATE;
    return visit->place.number == walked->number ? walked->error : 0;
}

static size_t num_below(const struct rig *rig, struct xv_page_place place,
                        const struct xv_page_place *places, size_t num)
{
    size_t below = 0;
    for (size_t i = 0; i < num; i++)
        below += places[i].level < place.level && is_below(rig, place, begin_of(rig, places[i]));
    return below;
}

static void walking_tells_both_copies_of_every_page(void **state)
{
    (void)state;
    struct rig *rig = sparse();
    struct xv_page_place places[MAX_PAGES];
    size_t num = rig_list_pages(rig, places, MAX_PAGES);
    for (size_t i = 0; i < num; i++)
        for (unsigned bad = 0; bad < 4; bad++) {
            struct walked walked = {
                .rig = rig, .copy_is_bad = {bad & 1, bad & 2}, .number = places[i].number};
            for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
                if (walked.copy_is_bad[copy])
                    rig_damage(rig, copy, places[i].number);
            assert_int_equal(xv_map_walk(rig->map, walk, &walked), 0);
            size_t lost = bad == 3 ? num_below(rig, places[i], places, num) : 0;
            assert_int_equal(walked.num, num - lost);
            assert_int_equal(walked.num_lost, bad == 3);
            if (bad != 3) {
                assert_int_equal(walked.covered[2], MAX_EXTENTS);
                assert_int_equal(walked.covered[1], MAX_EXTENTS);
                assert_int_equal(walked.covered[0], 6 * RIG_LEAF + MAX_EXTENTS % RIG_LEAF);
            }
            for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
                if (walked.copy_is_bad[copy])
                    rig_damage(rig, copy, places[i].number);
            walked = (struct walked){.rig = rig, .number = places[i].number, .error = -77};
            assert_int_equal(xv_map_walk(rig->map, walk, &walked), -77);
            assert_int_equal(walked.num, i + 1);
        }
    assert_int_equal(rig_damaged(rig), 0); /* the visitor was told */
    rig_close(&rig);
}

static void walking_sees_what_is_settled(void **state)
{
    (void)state;
    struct rig *rig = sparse();
    size_t num = rig_num_pages(rig, NULL);
    rig_set(rig, 90 * RIG_LEAF + 1, 1, 4);
    rig_set(rig, 0, 3 * RIG_LEAF, 4);
    size_t num_bad = 1;
    assert_int_equal(rig_num_pages(rig, &num_bad), num);
    assert_int_equal(num_bad, 0);
    rig_commit(rig);
    assert_int_equal(rig_num_pages(rig, NULL), num + 1 - 2);
    rig_close(&rig);
}

/* Commit, 1. The page of extent 10 is number 0. */
static void securing_mends_copy_1_of_what_will_be_overwritten(void **state)
{
    (void)state;
    struct rig *rig = sparse();
    struct xv_entry root;
    bool wrote = true;
    rig_set(rig, 11, 1, 9);
    assert_int_equal(rig_seal(rig, &root), 0);
    size_t written = atomic_load(&rig->num_writes);
    assert_int_equal(xv_map_secure(rig->map, &wrote), 0);
    assert_false(wrote);
    assert_int_equal(atomic_load(&rig->num_writes), written);

    struct xv_page_place places[MAX_PAGES];
    size_t num = rig_list_pages(rig, places, MAX_PAGES);
    for (size_t i = 0; i < num; i++)
        rig_damage(rig, 1, places[i].number);
    assert_int_equal(xv_map_secure(rig->map, &wrote), 0);
    assert_true(wrote);
    for (size_t i = 0; i < num; i++) {
        bool is_due = is_below(rig, places[i], 11);
        bool is_same = memcmp(rig_page(rig, 0, places[i].number),
                              rig_page(rig, 1, places[i].number), XV_PAGE_LEN) == 0;
        assert_int_equal(is_due, is_same);
    }
    rig_close(&rig);
}

/* What was in memory when the medium lost both is still good. */
static void securing_takes_from_memory_what_no_copy_has(void **state)
{
    (void)state;
    struct rig *rig = sparse();
    struct xv_entry root;
    bool wrote = false;
    assert_int_equal(rig_get(rig, 11), 2);
    rig_set(rig, 11, 1, 9);
    assert_int_equal(rig_seal(rig, &root), 0);
    rig_damage(rig, 0, 0);
    rig_damage(rig, 1, 0);
    assert_int_equal(xv_map_secure(rig->map, &wrote), 0);
    assert_true(wrote);
    rig_reopen(rig);
    assert_null(rig_compare(rig));
    rig_close(&rig);
}

static void a_page_that_is_good_nowhere_does_not_stop_a_commit(void **state)
{
    (void)state;
    struct rig *rig = sparse();
    struct xv_entry root;
    bool wrote = true;
    rig_set(rig, 11, 1, 9); /* read, but not kept as it was */
    assert_int_equal(rig_seal(rig, &root), 0);
    rig_damage(rig, 0, 0);
    rig_damage(rig, 1, 0);
    assert_int_equal(xv_map_secure(rig->map, &wrote), 0);
    assert_false(wrote);
    rig_commit(rig);
    rig_reopen(rig);
    assert_null(rig_compare(rig));
    size_t num_bad = 1;
    (void)rig_num_pages(rig, &num_bad);
    assert_int_equal(num_bad, 0);
    rig_close(&rig);
}

static void a_page_that_cannot_be_read_anywhere_stops_it(void **state)
{
    (void)state;
    struct rig *rig = sparse();
    struct xv_entry root;
    bool wrote = true;
    rig_set(rig, 11, 1, 9);
    assert_int_equal(rig_seal(rig, &root), 0);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
        unreadable[copy] = rig->superblock.layout.map[copy].offset;
    rig->on_read = bad_sector;
    assert_int_equal(xv_map_secure(rig->map, &wrote), COMMON_ERR_IO);
    assert_false(wrote);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        unreadable[!copy] = 0;
        unreadable[copy] = rig->superblock.layout.map[copy].offset;
        rig_damage(rig, !copy, 0);
        assert_int_equal(xv_map_secure(rig->map, &wrote), COMMON_ERR_IO);
        assert_false(wrote);
        rig_damage(rig, !copy, 0);
    }
    rig->on_read = NULL;
    rig_commit(rig);
    assert_null(rig_compare(rig));
    rig_close(&rig);
}

/* The keys are others when it is done: it was looked for when they were there. */
static void securing_knows_copy_1_after_all_was_touched(void **state)
{
    (void)state;
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        struct rig *rig = sparse();
        struct xv_page_place places[MAX_PAGES];
        size_t num = rig_list_pages(rig, places, MAX_PAGES);
        struct xv_entry root;
        bool wrote = false;
        for (size_t i = 0; i < num; i += 2)
            rig_damage(rig, copy, places[i].number);
        rig_set(rig, 11, 1, 9);
        rig_rekey(rig);
        rig_set(rig, 12, 1, 9);
        assert_int_equal(rig_seal(rig, &root), 0);
        assert_int_equal(xv_map_secure(rig->map, &wrote), 0);
        assert_int_equal(wrote, copy == 1);
        /* As if all of copy 0 had been torn. */
        for (size_t i = 0; i < num; i++)
            memset(rig_page(rig, 0, places[i].number), 0x33, XV_PAGE_LEN);
        rig_reopen(rig);
        assert_null(rig_compare(rig));
        rig_close(&rig);
    }
}

/* What was noted for it is of a state that is no more when the next commit comes. */
static void what_was_noted_is_forgotten_with_the_touch(void **state)
{
    (void)state;
    for (unsigned is_settled = 0; is_settled < 2; is_settled++) {
        struct rig *rig = sparse();
        struct xv_entry root;
        bool wrote = true;
        rig_damage(rig, 1, 0);
        rig_rekey(rig);
        if (is_settled)
            rig_commit(rig);
        else
            rig_revert(rig);
        rig_mend(rig);
        rig_set(rig, 11, 1, 9);
        assert_int_equal(rig_seal(rig, &root), 0);
        assert_int_equal(xv_map_secure(rig->map, &wrote), 0);
        assert_false(wrote);
        rig_close(&rig);
    }
}

static void a_map_moves_to_other_storage(void **state)
{
    (void)state;
    struct rig *rig = sparse();
    struct rig *other = rig_open(MAX_EXTENTS, 1, 0);
    bool wrote = true;
    struct xv_entry root;
    rig_damage(rig, 0, 0);
    rig_damage(rig, 1, rig->tree.num_pages - 1);
    rig_rekey(rig);
    size_t written = atomic_load(&rig->num_writes);
    size_t told = rig_damaged(rig);
    xv_map_move(rig->map, &other->io);
    assert_int_equal(rig_seal(rig, &root), 0);
    assert_int_equal(xv_map_secure(rig->map, &wrote), 0);
    assert_false(wrote);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
        assert_int_equal(xv_map_write(rig->map, copy), 0);
    rig_settle(rig, &root);
    assert_int_equal(atomic_load(&rig->num_writes), written);
    assert_int_equal(rig_damaged(rig), told);
    size_t num_bad = 1;
    assert_int_equal(rig_num_pages(rig, &num_bad), 10);
    assert_int_equal(num_bad, 0);
    assert_null(rig_compare(rig));
    rig_close(&rig);
    rig_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_copy_of_any_page_may_be_damaged),
        cmocka_unit_test(two_damaged_copies_cost_what_is_below),
        cmocka_unit_test(every_page_may_be_damaged_somewhere_at_once),
        cmocka_unit_test(a_copy_that_cannot_be_read_is_damaged),
        cmocka_unit_test(pages_of_other_places_and_times_are_damage),
        cmocka_unit_test(refuses_sealed_nonsense),
        cmocka_unit_test(walking_tells_both_copies_of_every_page),
        cmocka_unit_test(walking_sees_what_is_settled),
        cmocka_unit_test(securing_mends_copy_1_of_what_will_be_overwritten),
        cmocka_unit_test(securing_takes_from_memory_what_no_copy_has),
        cmocka_unit_test(a_page_that_is_good_nowhere_does_not_stop_a_commit),
        cmocka_unit_test(a_page_that_cannot_be_read_anywhere_stops_it),
        cmocka_unit_test(securing_knows_copy_1_after_all_was_touched),
        cmocka_unit_test(what_was_noted_is_forgotten_with_the_touch),
        cmocka_unit_test(a_map_moves_to_other_storage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
