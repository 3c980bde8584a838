/* SPDX-License-Identifier: Apache-2.0 */
/* No memory, and reads that fail: at the Nth place of each function of the extent map. */
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include "tests/volume/map_rig.h"

#include <errno.h>

enum {
    MAX_EXTENTS = XV_LEAF_EXTENTS * XV_NODE_CHILDREN + 5000
};

/* Three levels, nothing in memory. */
static struct rig *cold(void)
{
    struct rig *rig = rig_open(MAX_EXTENTS, 1, 0);
    rig_set(rig, 10, 5, 2);
    rig_set(rig, 150000, 3000, 3);
    rig_set(rig, MAX_EXTENTS - 4000, 10, 4);
    rig_commit(rig);
    rig_reopen(rig);
    atomic_store(&rig->num_reads, 0);
    return rig;
}

static int look_up(struct rig *rig)
{
    uint32_t generation = 0;
    uint64_t num = 0;
    int error = xv_map_get(rig->map, &generation, &num, 12, 1);
    return error ? error : generation == 2 && num == 1 ? 0 : COMMON_ERR_INTERNAL;
}

/* Both edges are in leaves that exist, and one of them in another node. */
static int set(struct rig *rig)
{
    return xv_map_set(rig->map, 12, MAX_EXTENTS - 4008, 5);
}

static int split(struct rig *rig)
{
    return xv_map_set(rig->map, 100000, 3, 5);
}

static int touch(struct rig *rig)
{
    return xv_map_touch_all(rig->map);
}

static int visit(void *context, const struct xv_map_visit *visit)
{
    size_t *num = context;
    *num += visit->copy_is_good[0] && visit->copy_is_good[1];
    return 0;
}

static int walk(struct rig *rig)
{
    size_t num = 0;
    int error = xv_map_walk(rig->map, visit, &num);
    return error ? error : num >= 6 ? 0 : COMMON_ERR_INTERNAL;
}

static int seal(struct rig *rig)
{
    struct xv_entry root;
    return rig_seal(rig, &root);
}

static int secure(struct rig *rig)
{
    bool wrote = false;
    int error = xv_map_secure(rig->map, &wrote);
    return error || wrote ? error : COMMON_ERR_INTERNAL;
}

static const struct step {
    int (*run)(struct rig *rig);
    uint64_t set_first; /* what a success sets */
    uint64_t set_num;
    bool is_after_set;   /* runs with changes, */
    bool is_after_seal;  /* which are sealed; */
    bool has_damage;     /* pages of copy 1 are bad */
    bool may_be_no_read; /* or no reads at all */
} steps[] = {
    {.run = look_up},
    {.run = set, .set_first = 12, .set_num = MAX_EXTENTS - 4008},
    {.run = split, .set_first = 100000, .set_num = 3},
    {.run = touch},
    {.run = touch, .has_damage = true},
    {.run = touch, .is_after_set = true},
    {.run = seal, .is_after_set = true, .may_be_no_read = true},
    {.run = secure, .is_after_set = true, .is_after_seal = true, .has_damage = true},
};

static struct rig *before(const struct step *step)
{
    struct rig *rig = cold();
    if (step->is_after_set)
        rig_set(rig, 11, 60000, 6);
    if (step->is_after_seal) {
        struct xv_entry root;
        assert_int_equal(rig_seal(rig, &root), 0);
    }
    if (step->has_damage)
        rig_damage(rig, 1, 0);
    atomic_store(&rig->num_reads, 0);
    return rig;
}

/* It is as if it had not been called, and can be called again. */
static void after(struct rig *rig, const struct step *step, int result)
{
    bool was_changed = xv_map_is_changed(rig->map);
    if (result)
        assert_int_equal(was_changed, step->is_after_set);
    else
        rig_model_set(rig, step->set_first, step->set_num, 5);
    assert_null(rig_compare(rig));
    if (result) {
        assert_int_equal(step->run(rig), 0);
        rig_model_set(rig, step->set_first, step->set_num, 5);
        assert_null(rig_compare(rig));
    }
    rig_commit(rig);
    rig_reopen(rig);
    assert_null(rig_compare(rig));
    rig_close(&rig);
}

static void without_memory_nothing_is_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        for (unsigned mode = FAULT_ONCE; mode <= FAULT_FROM_THEN_ON; mode++) {
            FAULT_EACH (loop, FAULT_MALLOC, (enum fault_mode)mode, ENOMEM) {
                struct rig *rig = before(&steps[i]);
                fault_loop_arm(&loop);
                int result = steps[i].run(rig);
                bool fired = fault_loop_disarm(&loop);
                assert_int_equal(result, fired ? COMMON_ERR_NO_MEMORY : 0);
                after(rig, &steps[i], result);
            }
        }
}

static void without_memory_it_is_not_opened(void **state)
{
    (void)state;
    struct rig *rig = cold();
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        xv_map_close(&rig->map);
        fault_loop_arm(&loop);
        int result = rig_try_open(rig);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(result, fired ? COMMON_ERR_NO_MEMORY : 0);
        assert_int_equal(rig->map == NULL, fired);
    }
    assert_null(rig_compare(rig));
    rig_close(&rig);
}

static void without_memory_it_is_not_walked(void **state)
{
    (void)state;
    struct rig *rig = cold();
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        fault_loop_arm(&loop);
        int result = walk(rig);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(result, fired ? COMMON_ERR_NO_MEMORY : 0);
    }
    assert_null(rig_compare(rig));
    rig_close(&rig);
}

/* From the Nth read on nothing can be read. */
static void what_cannot_be_read_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        bool is_done = false;
        unsigned num_failed = 0;
        for (size_t nth = 1; !is_done && nth < 200; nth++) {
            struct rig *rig = before(&steps[i]);
            rig->fail_read = nth;
            int result = steps[i].run(rig);
            rig->fail_read = 0;
            is_done = !result && atomic_load(&rig->num_reads) < nth;
            num_failed += result != 0;
            if (result)
                assert_int_equal(result, COMMON_ERR_IO);
            after(rig, &steps[i], result);
        }
        assert_true(is_done);
        assert_true(num_failed > 0 || steps[i].may_be_no_read);
    }
}

/* One read fails: the other copy serves. */
static void one_failed_read_costs_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        bool is_done = false;
        for (size_t nth = 1; !is_done && nth < 200; nth++) {
            struct rig *rig = before(&steps[i]);
            rig->fail_read = nth;
            rig->fails_once = true;
            int result = steps[i].run(rig);
            rig->fail_read = 0;
            is_done = atomic_load(&rig->num_reads) < nth;
            /* What is bad in copy 1 may be the very page that copy 0 did not give. */
            assert_true(result == 0 || (result == COMMON_ERR_IO && steps[i].has_damage));
            after(rig, &steps[i], result);
        }
        assert_true(is_done);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_nothing_is_changed),
        cmocka_unit_test(without_memory_it_is_not_opened),
        cmocka_unit_test(without_memory_it_is_not_walked),
        cmocka_unit_test(what_cannot_be_read_changes_nothing),
        cmocka_unit_test(one_failed_read_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
