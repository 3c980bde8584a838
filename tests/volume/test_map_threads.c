/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups while the map changes: M1 and M2 of map_internal.h. Run under TSan. */
#include "tests/support/test.h"
#include "tests/volume/map_rig.h"

#include <string.h>

enum {
    NUM_READERS = 2,
    NUM_GENERATIONS = 200,
    NUM_SPOTS = 40,
    SPOT_EXTENTS = 700,
    NUM_OTHERS = 70, /* leaves: more than what is kept in memory */
    MAX_EXTENTS = XV_LEAF_EXTENTS * XV_NODE_CHILDREN + 5000
};

/* A spot lies across leaves or in one, and is set as a whole: to ever greater generations. */
static uint64_t spot_first(unsigned spot)
{
    return (uint64_t)spot * ((MAX_EXTENTS - SPOT_EXTENTS) / NUM_SPOTS);
}

struct shared {
    struct rig *rig;
    atomic_uint is_set[NUM_SPOTS]; /* at least this one, whoever looks from now on */
    atomic_uint begun[NUM_SPOTS];  /* and at most this one */
    atomic_bool is_over;
    atomic_uint num_looks;
    atomic_uint num_wrong;
};

static void look(struct shared *shared, struct test_random *random)
{
    unsigned spot = (unsigned)test_random_below(random, NUM_SPOTS);
    uint64_t extent = spot_first(spot) + test_random_below(random, SPOT_EXTENTS);
    uint32_t generation = 0;
    uint64_t num = 0;
    unsigned least = atomic_load(&shared->is_set[spot]);
    int error = xv_map_get(shared->rig->map, &generation, &num, extent, 3);
    unsigned most = atomic_load(&shared->begun[spot]);
    if (error || generation < least || generation > most || num == 0 || num > 3)
        atomic_fetch_add(&shared->num_wrong, 1);
    atomic_fetch_add(&shared->num_looks, 1);
}

static void *read_on(void *context)
{
    struct shared *shared = context;
    struct test_random random = test_random_of((uintptr_t)&random);
    while (!atomic_load(&shared->is_over))
        look(shared, &random);
    return NULL;
}

/* A set that is refused for what is changed already waits for the commit. */
static int change(struct shared *shared, unsigned spot, unsigned generation)
{
    struct rig *rig = shared->rig;
    atomic_store(&shared->begun[spot], generation);
    int error = xv_map_set(rig->map, spot_first(spot), SPOT_EXTENTS, generation);
    if (error == COMMON_ERR_LIMIT) {
        error = rig_try_commit(rig);
        if (!error)
            error = xv_map_set(rig->map, spot_first(spot), SPOT_EXTENTS, generation);
    }
    if (!error)
        atomic_store(&shared->is_set[spot], generation);
    return error;
}

/* One thread changes, commits and takes other keys; what it returns is the first error. */
static int change_all(struct shared *shared, struct test_random *random)
{
    struct rig *rig = shared->rig;
    for (unsigned generation = 2; generation < NUM_GENERATIONS; generation++) {
        for (unsigned i = 0; i < 5; i++) {
            int error = change(shared, (unsigned)test_random_below(random, NUM_SPOTS), generation);
            if (error)
                return error;
        }
        int error = generation % 10 == 0 ? rig_try_rekey(rig) : 0;
        if (!error)
            error = rig_try_commit(rig);
        if (error)
            return error;
    }
    return 0;
}

static void lookups_see_old_or_new_and_never_less(void **state)
{
    (void)state;
    struct test_random random = test_random_begin("map threads");
    static struct shared shared;
    memset(&shared, 0, sizeof(shared));
    shared.rig = rig_open_bare(MAX_EXTENTS, 1, 0);
    for (unsigned spot = 0; spot < NUM_SPOTS; spot++) {
        atomic_store(&shared.is_set[spot], 1);
        atomic_store(&shared.begun[spot], 1);
    }
    pthread_t readers[NUM_READERS];
    for (size_t i = 0; i < NUM_READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &shared), 0);
    int error = change_all(&shared, &random);
    while (atomic_load(&shared.num_looks) < 1000)
        (void)sched_yield();
    atomic_store(&shared.is_over, true);
    for (size_t i = 0; i < NUM_READERS; i++)
        assert_int_equal(pthread_join(readers[i], NULL), 0);
    assert_int_equal(error, 0);
    assert_int_equal(atomic_load(&shared.num_wrong), 0);
    assert_int_equal(rig_damaged(shared.rig), 0);
    rig_close(&shared.rig);
}

/* Both miss the same pages at the same time. */
static void *read_all(void *context)
{
    struct rig *rig = context;
    for (uint64_t extent = 0; extent < MAX_EXTENTS; extent += 501) {
        uint32_t generation = 0;
        uint64_t num = 0;
        if (xv_map_get(rig->map, &generation, &num, extent, 1) || generation != rig->model[extent])
            return NULL;
    }
    return context;
}

static void readers_that_miss_the_same_page_do_not_meet(void **state)
{
    (void)state;
    struct rig *rig = rig_open(MAX_EXTENTS, 1, 0);
    for (uint64_t extent = 0; extent < MAX_EXTENTS; extent += 5 * RIG_LEAF)
        rig_set(rig, extent, 700, 2);
    rig_commit(rig);
    for (unsigned round = 0; round < 20; round++) {
        pthread_t readers[NUM_READERS];
        rig_reopen(rig);
        for (size_t i = 0; i < NUM_READERS; i++)
            assert_int_equal(pthread_create(&readers[i], NULL, read_all, rig), 0);
        for (size_t i = 0; i < NUM_READERS; i++) {
            void *result = NULL;
            assert_int_equal(pthread_join(readers[i], &result), 0);
            assert_ptr_equal(result, rig);
        }
        /* None is there twice. */
        assert_int_equal(xv_map_memory(rig->map), rig_num_pages(rig, NULL) * XV_PAGE_LEN);
    }
    rig_close(&rig);
}

/*
 * The same without threads: before or after the Nth read of a lookup the map is changed, so that
 * all that the lookup goes by is overwritten in both copies.
 */
struct overtaking {
    size_t nth;
    void (*change)(struct rig *rig);
    size_t num_reads; /* when it was done */
};

static void overtake(struct rig *rig)
{
    struct overtaking *overtaking = rig->hook_context;
    rig->on_read = NULL;
    rig->after_read = NULL;
    rig->on_damage = NULL;
    overtaking->change(rig);
    overtaking->num_reads = atomic_load(&rig->num_reads);
}

static int overtake_before(struct rig *rig, size_t number, uint64_t offset)
{
    (void)offset;
    if (number == ((const struct overtaking *)rig->hook_context)->nth)
        overtake(rig);
    return 0;
}

static void overtake_behind(struct rig *rig, size_t number)
{
    if (number == ((const struct overtaking *)rig->hook_context)->nth)
        overtake(rig);
}

static void set_there(struct rig *rig)
{
    rig_set(rig, 600, 100, 8);
    rig_set(rig, 150000, 3, 8);
    rig_commit(rig);
}

static void set_there_twice(struct rig *rig)
{
    set_there(rig);
    rig_set(rig, 600, 100, 9);
    rig_commit(rig);
}

static void fold_and_split(struct rig *rig)
{
    rig_set(rig, 0, MAX_EXTENTS, 8);
    rig_commit(rig);
    rig_set(rig, 650, 1, 9);
    rig_commit(rig);
}

static void set_and_revert(struct rig *rig)
{
    rig_set(rig, 600, 100, 8);
    struct xv_entry root;
    bool wrote = false;
    assert_int_equal(rig_seal(rig, &root), 0);
    assert_int_equal(xv_map_secure(rig->map, &wrote), 0);
    rig_revert(rig);
}

/* Both copies are written, and the metadata has not said so yet. */
static void set_unsettled(struct rig *rig)
{
    struct xv_entry root;
    rig_set(rig, 600, 100, 8);
    assert_int_equal(rig_seal(rig, &root), 0);
    assert_int_equal(xv_map_write(rig->map, 0), 0);
    assert_int_equal(xv_map_write(rig->map, 1), 0);
}

static uint64_t in_other_leaf(unsigned i)
{
    return (i + 2) * RIG_LEAF + 9;
}

/* What was changed is not in memory any more, but on the medium alone. */
static void set_and_push_out(struct rig *rig)
{
    set_there(rig);
    for (unsigned i = 0; i < NUM_OTHERS; i++)
        assert_int_equal(rig_get(rig, in_other_leaf(i)), 7);
}

static struct rig *with_two_spots(void)
{
    struct rig *rig = rig_open(MAX_EXTENTS, 1, 0);
    for (unsigned i = 0; i < NUM_OTHERS; i++) {
        rig_set(rig, in_other_leaf(i), 1, 7);
        if (i % 40 == 0)
            rig_commit(rig);
    }
    rig_set(rig, 600, 100, 7);
    rig_set(rig, 150000, 3, 7);
    rig_commit(rig);
    rig_reopen(rig);
    atomic_store(&rig->num_reads, 0);
    return rig;
}

static void an_overtaken_lookup_takes_nothing_for_damage(void **state)
{
    (void)state;
    static void (*const changes[])(struct rig *) = {set_there,      set_there_twice,
                                                    fold_and_split, set_and_revert,
                                                    set_unsettled,  set_and_push_out};
    for (size_t i = 0; i < 2 * ARRAY_LEN(changes); i++)
        for (size_t nth = 1; nth <= 3; nth++) {
            struct overtaking overtaking = {.nth = nth, .change = changes[i / 2]};
            struct rig *rig = with_two_spots();
            rig->hook_context = &overtaking;
            if (i % 2)
                rig->on_read = overtake_before;
            else
                rig->after_read = overtake_behind;
            uint32_t generation = rig_get(rig, 650);
            assert_true(overtaking.num_reads > 0); /* it was overtaken */
            assert_true(generation == 7 || generation == rig->model[650]);
            assert_int_equal(rig_get(rig, 650), rig->model[650]);
            assert_null(rig_compare(rig));
            assert_int_equal(rig_damaged(rig), 0);
            rig_close(&rig);
        }
}

static void fold_and_touch(struct rig *rig)
{
    rig_set(rig, 0, RIG_NODE, 8);
    rig_rekey(rig);
}

/* It could only do that by keys that are others by then: the caller is told of damage, and changes
 * all before it goes on. */
static void an_overtaken_lookup_reads_no_more(void **state)
{
    (void)state;
    for (unsigned level = 1; level < 3; level++) {
        struct overtaking overtaking = {.change = fold_and_touch};
        struct rig *rig = with_two_spots();
        rig_damage(rig, 0, rig->tree.level_first[level]);
        rig->hook_context = &overtaking;
        rig->on_damage = overtake;
        assert_int_equal(rig_get(rig, 650), 8);
        assert_true(overtaking.num_reads > 0);
        assert_int_equal(atomic_load(&rig->num_reads), overtaking.num_reads);
        assert_null(rig_compare(rig));
        rig_close(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookups_see_old_or_new_and_never_less),
        cmocka_unit_test(readers_that_miss_the_same_page_do_not_meet),
        cmocka_unit_test(an_overtaken_lookup_takes_nothing_for_damage),
        cmocka_unit_test(an_overtaken_lookup_reads_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
