/* SPDX-License-Identifier: Apache-2.0 */
/* V11, and R1 to R3 of ranges.c. Run under TSan. */
#include "libxtsvol/src/volume/ranges.h"

#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

enum {
    NUM_CELLS = 96,
    NUM_THREADS = 8,
    NUM_REQUESTS = 3000,
    LIMIT_S = 120, /* of a test that hangs when it fails */
};

static struct xv_ranges *ranges;

/* Who comes here is in the list: the order of coming can be told. */
static atomic_uint num_waits;

int __real_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    (void)atomic_fetch_add(&num_waits, 1);
    return __real_pthread_cond_wait(condition, mutex);
}

static int make(void **state)
{
    (void)state;
    atomic_store(&num_waits, 0);
    (void)alarm(LIMIT_S);
    return xv_ranges_open(&ranges);
}

static int drop(void **state)
{
    (void)state;
    (void)alarm(0);
    xv_ranges_close(&ranges);
    return ranges != NULL;
}

static void until_waiting(unsigned num)
{
    while (atomic_load(&num_waits) < num)
        (void)usleep(100);
}

/* A request in a thread of its own, which notes when it came in. */
struct request {
    uint64_t offset;
    uint64_t length;
    struct xv_range range;
    pthread_t thread;
    enum xv_range_mode mode;
    unsigned turn; /* 1, 2, ... */
};

static atomic_uint num_turns;

static void *go_through(void *context)
{
    struct request *request = context;
    xv_ranges_enter(ranges, &request->range, request->offset, request->length, request->mode);
    request->turn = atomic_fetch_add(&num_turns, 1) + 1;
    xv_ranges_leave(ranges, &request->range);
    return NULL;
}

static void begin(struct request *request)
{
    unsigned before = atomic_load(&num_waits);
    assert_int_equal(pthread_create(&request->thread, NULL, go_through, request), 0);
    until_waiting(before + 1);
}

static void end(struct request *requests, size_t num)
{
    for (size_t i = 0; i < num; i++)
        assert_int_equal(pthread_join(requests[i].thread, NULL), 0);
}

static void those_who_wait_enter_in_the_order_in_which_they_came(void **state)
{
    (void)state;
    struct xv_range held;
    struct request requests[6];
    atomic_store(&num_turns, 0);
    xv_ranges_enter(ranges, &held, 0, 100, XV_RANGE_ALONE);
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        requests[i] = (struct request){.offset = 60 - 10 * i, .length = 40, .mode = XV_RANGE_ALONE};
        begin(&requests[i]);
    }
    assert_int_equal(atomic_load(&num_turns), 0);
    xv_ranges_leave(ranges, &held);
    end(requests, ARRAY_LEN(requests));
    for (unsigned i = 0; i + 1 < ARRAY_LEN(requests); i++)
        assert_true(requests[i].turn < requests[i + 1].turn);
}

static void a_reader_does_not_pass_a_writer_that_waits(void **state)
{
    (void)state;
    struct xv_range held;
    struct request requests[] = {{.offset = 0, .length = 10, .mode = XV_RANGE_ALONE},
                                 {.offset = 5, .length = 10, .mode = XV_RANGE_SHARED}};
    atomic_store(&num_turns, 0);
    xv_ranges_enter(ranges, &held, 0, 10, XV_RANGE_SHARED);
    begin(&requests[0]);
    begin(&requests[1]);
    assert_int_equal(atomic_load(&num_turns), 0);
    xv_ranges_leave(ranges, &held);
    end(requests, 2);
    assert_int_equal(requests[0].turn, 1);
    assert_int_equal(requests[1].turn, 2);
}

static void a_writer_waits_for_every_reader(void **state)
{
    (void)state;
    struct xv_range held[3];
    struct request writer = {.offset = 0, .length = 30, .mode = XV_RANGE_ALONE};
    atomic_store(&num_turns, 0);
    for (uint64_t i = 0; i < 3; i++)
        xv_ranges_enter(ranges, &held[i], 10 * i, 10, XV_RANGE_SHARED);
    begin(&writer);
    xv_ranges_leave(ranges, &held[1]);
    xv_ranges_leave(ranges, &held[0]);
    (void)usleep(20000);
    assert_int_equal(atomic_load(&num_turns), 0);
    xv_ranges_leave(ranges, &held[2]);
    end(&writer, 1);
}

static void readers_share(void **state)
{
    (void)state;
    struct xv_range first;
    struct xv_range second;
    xv_ranges_enter(ranges, &first, 0, 10, XV_RANGE_SHARED);
    xv_ranges_enter(ranges, &second, 0, 10, XV_RANGE_SHARED);
    xv_ranges_leave(ranges, &first);
    xv_ranges_leave(ranges, &second);
    assert_int_equal(atomic_load(&num_waits), 0);
}

static void neighbours_do_not_wait_for_each_other(void **state)
{
    (void)state;
    static const uint64_t offsets[] = {10, 0, 20, 30};
    struct xv_range held[ARRAY_LEN(offsets)];
    for (size_t i = 0; i < ARRAY_LEN(offsets); i++)
        xv_ranges_enter(ranges, &held[i], offsets[i], 10, XV_RANGE_ALONE);
    for (size_t i = 0; i < ARRAY_LEN(offsets); i++)
        xv_ranges_leave(ranges, &held[i]);
    assert_int_equal(atomic_load(&num_waits), 0);
}

static void one_byte_in_common_is_waited_for(void **state)
{
    (void)state;
    struct xv_range held;
    struct request requests[] = {{.offset = 19, .length = 1, .mode = XV_RANGE_ALONE},
                                 {.offset = 0, .length = 11, .mode = XV_RANGE_SHARED}};
    xv_ranges_enter(ranges, &held, 10, 10, XV_RANGE_ALONE);
    begin(&requests[0]);
    begin(&requests[1]);
    xv_ranges_leave(ranges, &held);
    end(requests, 2);
}

static void who_waits_is_in_the_way_of_its_own_range_only(void **state)
{
    (void)state;
    struct xv_range held;
    struct xv_range far;
    struct request requests[] = {{.offset = 0, .length = 20, .mode = XV_RANGE_ALONE},
                                 {.offset = 15, .length = 3, .mode = XV_RANGE_ALONE}};
    atomic_store(&num_turns, 0);
    xv_ranges_enter(ranges, &held, 0, 10, XV_RANGE_ALONE);
    begin(&requests[0]);
    xv_ranges_enter(ranges, &far, 20, 10, XV_RANGE_ALONE);
    begin(&requests[1]);
    assert_int_equal(atomic_load(&num_turns), 0);
    xv_ranges_leave(ranges, &far);
    xv_ranges_leave(ranges, &held);
    end(requests, 2);
    assert_int_equal(requests[0].turn, 1);
}

static void an_empty_range_waits_for_nobody_and_nobody_for_it(void **state)
{
    (void)state;
    struct xv_range held;
    struct xv_range empty;
    struct xv_range other;
    xv_ranges_enter(ranges, &held, 0, 10, XV_RANGE_ALONE);
    xv_ranges_enter(ranges, &empty, 5, 0, XV_RANGE_ALONE);
    xv_ranges_leave(ranges, &held);
    xv_ranges_enter(ranges, &other, 0, 10, XV_RANGE_ALONE);
    xv_ranges_leave(ranges, &other);
    xv_ranges_leave(ranges, &empty);
    assert_int_equal(atomic_load(&num_waits), 0);
}

static void a_range_that_would_wrap_reaches_to_the_end(void **state)
{
    (void)state;
    struct xv_range held;
    struct xv_range low;
    struct request request = {.offset = UINT64_MAX - 5, .length = 2, .mode = XV_RANGE_ALONE};
    xv_ranges_enter(ranges, &held, UINT64_MAX - 10, 100, XV_RANGE_ALONE);
    xv_ranges_enter(ranges, &low, 0, 100, XV_RANGE_ALONE);
    begin(&request);
    xv_ranges_leave(ranges, &low);
    xv_ranges_leave(ranges, &held);
    end(&request, 1);
}

/* The model: who is on which byte, by counters that are right in any order, and plain numbers,
 * which TSan watches. */
struct cell {
    atomic_int num_readers;
    atomic_int num_writers;
    uint64_t num_written;
};

static struct cell cells[NUM_CELLS];
static atomic_bool was_wrong;

struct actor {
    pthread_t thread;
    struct test_random random;
    uint64_t num_written[NUM_CELLS];
    uint64_t sum;
};

static void use_cells(struct actor *actor, uint64_t first, uint64_t end_cell, bool is_alone)
{
    for (uint64_t i = first; i < end_cell; i++) {
        struct cell *cell = &cells[i];
        int others = atomic_fetch_add(is_alone ? &cell->num_writers : &cell->num_readers, 1);
        if (atomic_load(&cell->num_writers) != (is_alone ? 1 : 0) || (is_alone && others != 0) ||
            (is_alone && atomic_load(&cell->num_readers) != 0))
            atomic_store(&was_wrong, true);
        if (is_alone) {
            cell->num_written++;
            actor->num_written[i]++;
        } else {
            actor->sum += cell->num_written;
        }
    }
    if (test_random_chance(&actor->random, 10))
        (void)sched_yield();
    for (uint64_t i = first; i < end_cell; i++)
        (void)atomic_fetch_sub(is_alone ? &cells[i].num_writers : &cells[i].num_readers, 1);
}

static void *act(void *context)
{
    struct actor *actor = context;
    for (unsigned i = 0; i < NUM_REQUESTS; i++) {
        uint64_t first = test_random_below(&actor->random, NUM_CELLS);
        uint64_t num = test_random_range(&actor->random, 0, NUM_CELLS - first);
        if (test_random_chance(&actor->random, 70) && num > 8)
            num = 8;
        bool is_alone = test_random_chance(&actor->random, 50);
        struct xv_range range;
        xv_ranges_enter(ranges, &range, first, num, is_alone ? XV_RANGE_ALONE : XV_RANGE_SHARED);
        use_cells(actor, first, first + num, is_alone);
        xv_ranges_leave(ranges, &range);
    }
    return NULL;
}

static void nobody_is_where_somebody_writes(void **state)
{
    (void)state;
    static struct actor actors[NUM_THREADS];
    struct test_random random = test_random_begin("ranges");
    for (unsigned i = 0; i < NUM_THREADS; i++) {
        actors[i].random = test_random_of(test_random_next(&random));
        assert_int_equal(pthread_create(&actors[i].thread, NULL, act, &actors[i]), 0);
    }
    for (unsigned i = 0; i < NUM_THREADS; i++)
        assert_int_equal(pthread_join(actors[i].thread, NULL), 0);
    assert_false(atomic_load(&was_wrong));
    assert_true(atomic_load(&num_waits) > 0);
    for (unsigned cell = 0; cell < NUM_CELLS; cell++) {
        uint64_t expected = 0;
        for (unsigned i = 0; i < NUM_THREADS; i++)
            expected += actors[i].num_written[cell];
        assert_int_equal(cells[cell].num_written, expected);
    }
}

/* Two readers, of whom one always is inside. */
static atomic_uint num_inside;
static atomic_bool is_over;

static void *read_for_ever(void *context)
{
    (void)context;
    while (!atomic_load(&is_over)) {
        struct xv_range range;
        xv_ranges_enter(ranges, &range, 0, 10, XV_RANGE_SHARED);
        (void)atomic_fetch_add(&num_inside, 1);
        for (unsigned i = 0; i < 1000 && atomic_load(&num_inside) < 2; i++)
            (void)sched_yield();
        (void)atomic_fetch_sub(&num_inside, 1);
        xv_ranges_leave(ranges, &range);
    }
    return NULL;
}

static void a_writer_is_not_starved_by_readers(void **state)
{
    (void)state;
    pthread_t threads[3];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_for_ever, NULL), 0);
    for (unsigned i = 0; i < 200; i++) {
        struct xv_range range;
        xv_ranges_enter(ranges, &range, 9, 1, XV_RANGE_ALONE);
        xv_ranges_leave(ranges, &range);
    }
    atomic_store(&is_over, true);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void says_when_there_is_no_memory(void **state)
{
    (void)state;
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        struct xv_ranges *made = NULL;
        fault_loop_arm(&loop);
        int error = xv_ranges_open(&made);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error, fired ? COMMON_ERR_NO_MEMORY : 0);
        assert_true(fired == (made == NULL));
        xv_ranges_close(&made);
    }
    struct xv_ranges *none = NULL;
    xv_ranges_close(&none);
}

/* Told, not judged. */
static void costs_little_when_nobody_else_is_there(void **state)
{
    (void)state;
    enum {
        NUM = 200000
    };
    struct timespec from;
    struct timespec to;
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    for (unsigned i = 0; i < NUM; i++) {
        struct xv_range range;
        xv_ranges_enter(ranges, &range, i, 4096, XV_RANGE_ALONE);
        xv_ranges_leave(ranges, &range);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    (void)printf("# %.1f ns to enter and leave\n", ns / NUM);
    assert_int_equal(atomic_load(&num_waits), 0);
}

#define WITH_RANGES(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RANGES(those_who_wait_enter_in_the_order_in_which_they_came),
        WITH_RANGES(a_reader_does_not_pass_a_writer_that_waits),
        WITH_RANGES(a_writer_waits_for_every_reader),
        WITH_RANGES(readers_share),
        WITH_RANGES(neighbours_do_not_wait_for_each_other),
        WITH_RANGES(one_byte_in_common_is_waited_for),
        WITH_RANGES(who_waits_is_in_the_way_of_its_own_range_only),
        WITH_RANGES(an_empty_range_waits_for_nobody_and_nobody_for_it),
        WITH_RANGES(a_range_that_would_wrap_reaches_to_the_end),
        WITH_RANGES(nobody_is_where_somebody_writes),
        WITH_RANGES(a_writer_is_not_starved_by_readers),
        cmocka_unit_test(says_when_there_is_no_memory),
        WITH_RANGES(costs_little_when_nobody_else_is_there),
    };
    return cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
}
