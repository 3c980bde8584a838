/* SPDX-License-Identifier: Apache-2.0 */
/* Y1 and Y2 of syncer.h. Run under TSan. */
#include "libxtsvol/src/volume/syncer.h"

#include "tests/support/test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
    NUM_THREADS = 8,
    ROUNDS = 2000,
    LIMIT_S = 120 /* of a test that hangs when it fails */
};

/* Storage that counts: what was written, and how much of it the last sync found. */
struct storage {
    atomic_uint written;
    atomic_uint durable;
    atomic_uint num_syncs;
    atomic_uint failing_sync; /* number of the one that fails, 0: none */
    atomic_bool is_held;      /* syncs wait until it is not */
    atomic_bool has_begun;
};

static struct storage storage;
static struct xv_syncer *syncer;
static struct xtsvol_io io;
static atomic_uint num_waits;

int __real_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    (void)atomic_fetch_add(&num_waits, 1);
    return __real_pthread_cond_wait(condition, mutex);
}

static int storage_flush(void *context)
{
    struct storage *s = context;
    unsigned number = atomic_fetch_add(&s->num_syncs, 1) + 1;
    unsigned found = atomic_load(&s->written);
    atomic_store(&s->has_begun, true);
    while (atomic_load(&s->is_held))
        (void)usleep(100);
    (void)sched_yield();
    if (number == atomic_load(&s->failing_sync))
        return ENOSPC;
    atomic_store(&s->durable, found);
    return 0;
}

static int make(void **state)
{
    (void)state;
    storage = (struct storage){0};
    atomic_store(&num_waits, 0);
    io = (struct xtsvol_io){.size = sizeof(io), .context = &storage, .flush = storage_flush};
    (void)alarm(LIMIT_S);
    return xv_syncer_open(&syncer);
}

static int drop(void **state)
{
    (void)state;
    (void)alarm(0);
    xv_syncer_close(&syncer);
    return syncer != NULL;
}

static void *write_and_sync(void *context)
{
    bool *is_right = context;
    *is_right = true;
    for (unsigned i = 0; i < ROUNDS; i++) {
        int native = 0;
        unsigned mine = atomic_fetch_add(&storage.written, 1) + 1;
        if (xv_sync_all(syncer, &io, &native) || atomic_load(&storage.durable) < mine)
            *is_right = false;
    }
    return NULL;
}

static void what_was_written_before_is_in_the_sync(void **state)
{
    (void)state;
    pthread_t threads[NUM_THREADS];
    bool is_right[NUM_THREADS];
    for (size_t i = 0; i < NUM_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_and_sync, &is_right[i]), 0);
    for (size_t i = 0; i < NUM_THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < NUM_THREADS; i++)
        assert_true(is_right[i]);
}

struct caller {
    pthread_t thread;
    bool is_for_all;
    int error;
    int native;
};

static void *sync_once(void *context)
{
    struct caller *caller = context;
    caller->error = caller->is_for_all ? xv_sync_all(syncer, &io, &caller->native)
                                       : xv_sync(syncer, &io, &caller->native);
    return NULL;
}

/* One sync that runs, and all others asked for meanwhile. */
static void ask_at_once(struct caller callers[NUM_THREADS], bool is_for_all)
{
    atomic_store(&storage.is_held, true);
    for (size_t i = 0; i < NUM_THREADS; i++) {
        callers[i] = (struct caller){.is_for_all = is_for_all};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, sync_once, &callers[i]), 0);
        while (!atomic_load(&storage.has_begun) || atomic_load(&num_waits) < i)
            (void)usleep(100);
    }
    atomic_store(&storage.is_held, false);
    for (size_t i = 0; i < NUM_THREADS; i++)
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
}

static void those_that_wait_share_the_next_sync(void **state)
{
    (void)state;
    struct caller callers[NUM_THREADS];
    ask_at_once(callers, true);
    assert_int_equal(atomic_load(&storage.num_syncs), 2);
    for (size_t i = 0; i < NUM_THREADS; i++)
        assert_int_equal(callers[i].error, 0);
}

static void those_that_share_a_sync_share_its_failure(void **state)
{
    (void)state;
    struct caller callers[NUM_THREADS];
    atomic_store(&storage.failing_sync, 2);
    ask_at_once(callers, false);
    assert_int_equal(callers[0].error, 0);
    for (size_t i = 1; i < NUM_THREADS; i++) {
        assert_int_equal(callers[i].error, COMMON_ERR_NO_SPACE);
        assert_int_equal(callers[i].native, ENOSPC);
    }
}

/* Who began after the first failure is told of it, though a sync after it would succeed. */
static void a_failure_is_known_to_those_that_wait(void **state)
{
    (void)state;
    struct caller callers[NUM_THREADS];
    atomic_store(&storage.failing_sync, 1);
    ask_at_once(callers, true);
    for (size_t i = 0; i < NUM_THREADS; i++) {
        assert_int_equal(callers[i].error, COMMON_ERR_NO_SPACE);
        assert_int_equal(callers[i].native, ENOSPC);
    }
}

static void a_failure_of_any_sync_is_remembered(void **state)
{
    (void)state;
    int native = 0;
    assert_int_equal(xv_sync(syncer, &io, &native), 0);
    assert_int_equal(xv_sync_all(syncer, &io, &native), 0);
    atomic_store(&storage.failing_sync, 3);
    assert_int_equal(xv_sync(syncer, &io, &native), COMMON_ERR_NO_SPACE);
    assert_int_equal(native, ENOSPC);
    /* What is written after it can be synced ... */
    assert_int_equal(xv_sync(syncer, &io, &native), 0);
    assert_int_equal(native, 0);
    /* ... but it is not all. */
    for (int i = 0; i < 3; i++) {
        native = 0;
        assert_int_equal(xv_sync_all(syncer, &io, &native), COMMON_ERR_NO_SPACE);
        assert_int_equal(native, ENOSPC);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_written_before_is_in_the_sync, make, drop),
        cmocka_unit_test_setup_teardown(those_that_wait_share_the_next_sync, make, drop),
        cmocka_unit_test_setup_teardown(those_that_share_a_sync_share_its_failure, make, drop),
        cmocka_unit_test_setup_teardown(a_failure_is_known_to_those_that_wait, make, drop),
        cmocka_unit_test_setup_teardown(a_failure_of_any_sync_is_remembered, make, drop),
    };
    return cmocka_run_group_tests_name("syncer", tests, NULL, NULL);
}
