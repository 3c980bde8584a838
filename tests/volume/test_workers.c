/* SPDX-License-Identifier: Apache-2.0 */
/* W1 to W4 of workers.c. Run under TSan. */
#include "libxtsvol/src/volume/workers.h"

#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    LIMIT_S = 120, /* of a test that hangs when it fails */
    MAX_PIECES = 1000,
};

static int begin(void **state)
{
    (void)state;
    (void)alarm(LIMIT_S);
    return 0;
}

static int end(void **state)
{
    (void)alarm(0);
    return fault_reset(state);
}

static struct xv_workers *pool_of(unsigned num_threads)
{
    struct xv_workers *workers = NULL;
    assert_int_equal(xv_workers_open(&workers, num_threads), 0);
    assert_non_null(workers);
    return workers;
}

/* Plain numbers, each written by one piece: TSan sees whether the caller may read them. */
static int count(void *context, size_t index)
{
    unsigned *counts = context;
    counts[index]++;
    return 0;
}

static void every_piece_is_done_once(void **state)
{
    (void)state;
    static const unsigned nums_threads[] = {0, 1, 2, 5};
    static const size_t nums_pieces[] = {0, 1, 2, 3, 5, 17, MAX_PIECES};
    for (size_t i = 0; i <= ARRAY_LEN(nums_threads); i++) {
        struct xv_workers *workers = NULL;
        if (i < ARRAY_LEN(nums_threads))
            workers = pool_of(nums_threads[i]);
        for (size_t j = 0; j < ARRAY_LEN(nums_pieces); j++) {
            unsigned counts[MAX_PIECES + 1] = {0};
            assert_int_equal(xv_workers_run(workers, count, counts, nums_pieces[j]), 0);
            for (size_t k = 0; k <= MAX_PIECES; k++)
                assert_int_equal(counts[k], k < nums_pieces[j] ? 1 : 0);
        }
        xv_workers_close(&workers);
        assert_null(workers);
    }
}

static int meet(void *context, size_t index)
{
    (void)index;
    (void)pthread_barrier_wait(context);
    return 0;
}

/* It would not come back otherwise. */
static void all_threads_and_the_caller_take_part(void **state)
{
    (void)state;
    struct xv_workers *workers = pool_of(4);
    pthread_barrier_t barrier;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 5), 0);
    assert_int_equal(xv_workers_run(workers, meet, &barrier, 5), 0);
    assert_int_equal(pthread_barrier_destroy(&barrier), 0);
    xv_workers_close(&workers);
}

struct failing {
    atomic_uint num_begun;
    atomic_bool late_has_begun;
};

static int fail_early_and_late(void *context, size_t index)
{
    struct failing *failing = context;
    (void)atomic_fetch_add(&failing->num_begun, 1);
    if (index == 7) {
        atomic_store(&failing->late_has_begun, true);
        return -77;
    }
    if (index != 3)
        return 0;
    while (!atomic_load(&failing->late_has_begun))
        (void)usleep(100);
    (void)usleep(20000); /* it has failed by now */
    return -33;
}

static void the_lowest_piece_that_fails_gives_the_error(void **state)
{
    (void)state;
    struct xv_workers *workers = pool_of(2);
    struct failing failing = {0};
    assert_int_equal(xv_workers_run(workers, fail_early_and_late, &failing, 1000), -33);
    xv_workers_close(&workers);
}

static int fail_at_once(void *context, size_t index)
{
    (void)atomic_fetch_add((atomic_uint *)context, 1);
    if (index == 0)
        return -5;
    (void)usleep(1000);
    return index > 500 ? -6 : 0;
}

static void pieces_that_have_not_begun_are_left_out_after_an_error(void **state)
{
    (void)state;
    atomic_uint num_begun = 0;
    assert_int_equal(xv_workers_run(NULL, fail_at_once, &num_begun, 1000), -5);
    assert_int_equal(atomic_load(&num_begun), 1);
    struct xv_workers *workers = pool_of(3);
    atomic_store(&num_begun, 0);
    assert_int_equal(xv_workers_run(workers, fail_at_once, &num_begun, 1000), -5);
    assert_true(atomic_load(&num_begun) < 400);
    /* The next job knows nothing of it. */
    unsigned counts[10] = {0};
    assert_int_equal(xv_workers_run(workers, count, counts, 10), 0);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(counts[i], 1);
    xv_workers_close(&workers);
}

/* Pieces that stay until the gate opens. */
struct gate {
    struct xv_workers *workers;
    atomic_uint num_inside;
    atomic_bool is_open;
};

static int stay(void *context, size_t index)
{
    (void)index;
    struct gate *gate = context;
    (void)atomic_fetch_add(&gate->num_inside, 1);
    while (!atomic_load(&gate->is_open))
        (void)usleep(100);
    return 0;
}

static void *run_stay(void *context)
{
    struct gate *gate = context;
    return xv_workers_run(gate->workers, stay, gate, 4) == 0 ? gate : NULL;
}

/* W3. */
static void a_job_ends_while_another_has_all_the_workers(void **state)
{
    (void)state;
    struct gate gate = {.workers = pool_of(3)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_stay, &gate), 0);
    while (atomic_load(&gate.num_inside) < 4)
        (void)usleep(100);
    unsigned counts[50] = {0};
    assert_int_equal(xv_workers_run(gate.workers, count, counts, 50), 0);
    atomic_store(&gate.is_open, true);
    void *result = NULL;
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, &gate);
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(counts[i], 1);
    xv_workers_close(&gate.workers);
}

/* W4. Each caller is held in the first piece of its job, so that the one worker has the others. */
enum {
    NUM_FAIR = 20, /* pieces of each job */
    NUM_LOGGED = 2 * NUM_FAIR
};

struct fair {
    struct xv_workers *workers;
    atomic_uint num_callers;
    atomic_uint num_logged;
    char log[NUM_LOGGED];
};

struct fair_job {
    struct fair *fair;
    char name;
    pthread_t thread;
};

static int log_piece(void *context, size_t index)
{
    const struct fair_job *job = context;
    struct fair *fair = job->fair;
    if (index == 0) {
        (void)atomic_fetch_add(&fair->num_callers, 1);
        while (atomic_load(&fair->num_logged) < NUM_LOGGED)
            (void)usleep(100);
        return 0;
    }
    while (atomic_load(&fair->num_callers) < 2)
        (void)usleep(100);
    fair->log[atomic_fetch_add(&fair->num_logged, 1)] = job->name;
    return 0;
}

static void *run_fair(void *context)
{
    struct fair_job *job = context;
    return xv_workers_run(job->fair->workers, log_piece, job, NUM_FAIR + 1) == 0 ? job : NULL;
}

static void a_worker_does_a_piece_of_each_job_in_turn(void **state)
{
    (void)state;
    struct fair fair = {.workers = pool_of(1)};
    struct fair_job jobs[] = {{&fair, 'a', 0}, {&fair, 'b', 0}};
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&jobs[i].thread, NULL, run_fair, &jobs[i]), 0);
        while (atomic_load(&fair.num_callers) <= i)
            (void)usleep(100);
    }
    for (unsigned i = 0; i < 2; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(jobs[i].thread, &result), 0);
        assert_ptr_equal(result, &jobs[i]);
    }
    /* Its first piece may be of the time when there was only one job. */
    unsigned num_changes = 0;
    for (size_t i = 2; i < NUM_LOGGED; i++)
        num_changes += fair.log[i] != fair.log[i - 1];
    assert_true(num_changes + 4 >= NUM_LOGGED);
    xv_workers_close(&fair.workers);
}

static struct xv_workers *shared_pool;

static int run_inner(void *context, size_t index)
{
    unsigned(*counts)[10] = context;
    return xv_workers_run(shared_pool, count, counts[index], 10);
}

static void a_piece_may_run_a_job(void **state)
{
    (void)state;
    static unsigned counts[40][10];
    shared_pool = pool_of(3);
    assert_int_equal(xv_workers_run(shared_pool, run_inner, counts, 40), 0);
    for (size_t i = 0; i < 400; i++)
        assert_int_equal(counts[i / 10][i % 10], 1);
    xv_workers_close(&shared_pool);
}

struct caller {
    pthread_t thread;
    struct test_random random;
    unsigned counts[64];
    bool is_wrong;
};

static int count_or_fail(void *context, size_t index)
{
    struct caller *caller = context;
    caller->counts[index]++;
    return index == 40 ? -40 : 0;
}

static void *run_many_jobs(void *context)
{
    struct caller *caller = context;
    for (unsigned round = 0; round < 500; round++) {
        size_t num = (size_t)test_random_below(&caller->random, 64);
        memset(caller->counts, 0, sizeof(caller->counts));
        int error = xv_workers_run(shared_pool, count_or_fail, caller, num);
        if (error != (num > 40 ? -40 : 0))
            caller->is_wrong = true;
        for (size_t i = 0; i < 64; i++) {
            bool is_sure = i <= 40;
            unsigned most = i < num ? 1 : 0;
            if (caller->counts[i] > most || (is_sure && caller->counts[i] != most))
                caller->is_wrong = true;
        }
    }
    return NULL;
}

static void several_callers_do_not_disturb_each_other(void **state)
{
    (void)state;
    static struct caller callers[6];
    struct test_random random = test_random_begin("workers");
    shared_pool = pool_of(3);
    for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
        callers[i].random = test_random_of(test_random_next(&random));
        assert_int_equal(pthread_create(&callers[i].thread, NULL, run_many_jobs, &callers[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        assert_false(callers[i].is_wrong);
    }
    xv_workers_close(&shared_pool);
}

struct masks {
    pthread_barrier_t barrier;
    pthread_t caller;
    sigset_t of_worker;
};

static int note_mask(void *context, size_t index)
{
    (void)index;
    struct masks *masks = context;
    (void)pthread_barrier_wait(&masks->barrier);
    if (!pthread_equal(pthread_self(), masks->caller))
        (void)pthread_sigmask(SIG_BLOCK, NULL, &masks->of_worker);
    return 0;
}

static void the_hosts_signals_do_not_reach_the_threads(void **state)
{
    (void)state;
    static const int blocked[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, SIGALRM, SIGPIPE};
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    sigset_t before;
    sigset_t after;
    (void)sigemptyset(&before);
    (void)sigaddset(&before, SIGUSR2);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    struct xv_workers *workers = pool_of(1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &after), 0);
    struct masks masks = {.caller = pthread_self()};
    assert_int_equal(pthread_barrier_init(&masks.barrier, NULL, 2), 0);
    assert_int_equal(xv_workers_run(workers, note_mask, &masks, 2), 0);
    for (size_t i = 0; i < ARRAY_LEN(blocked); i++) {
        assert_int_equal(sigismember(&masks.of_worker, blocked[i]), 1);
        assert_int_equal(sigismember(&after, blocked[i]), 0);
    }
    assert_int_equal(sigismember(&after, SIGUSR2), 1);
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        assert_int_equal(sigismember(&masks.of_worker, own[i]), 0);
    assert_int_equal(pthread_barrier_destroy(&masks.barrier), 0);
    xv_workers_close(&workers);
}

/* A sanitizer may have threads of its own. */
static unsigned num_threads_now(void)
{
    DIR *folder = opendir("/proc/self/task");
    assert_non_null(folder);
    unsigned num = 0;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        num += entry->d_name[0] != '.';
    (void)closedir(folder);
    return num;
}

/* A thread that was joined may be seen for a moment still. */
static bool are_there_threads(unsigned num)
{
    for (unsigned i = 0; i < 1000 && num_threads_now() != num; i++)
        (void)usleep(1000);
    return num_threads_now() == num;
}

static void says_what_the_system_did_not_give_and_leaves_no_thread(void **state)
{
    (void)state;
    unsigned before = num_threads_now();
    FAULT_EACH (loop, FAULT_THREAD, FAULT_ONCE, EAGAIN) {
        struct xv_workers *workers = NULL;
        fault_loop_arm(&loop);
        int error = xv_workers_open(&workers, 3);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error, fired ? COMMON_ERR_LIMIT : 0);
        assert_true(fired == (workers == NULL));
        assert_true(are_there_threads(before + (fired ? 0 : 3)));
        xv_workers_close(&workers);
        assert_true(are_there_threads(before));
    }
    struct xv_workers *workers = NULL;
    fault_arm(FAULT_MALLOC, 1, ENOMEM);
    int error = xv_workers_open(&workers, 3);
    assert_true(fault_disarm().fired);
    assert_int_equal(error, COMMON_ERR_NO_MEMORY);
    assert_null(workers);
}

static int close_pool(void *context)
{
    struct xv_workers **workers = context;
    xv_workers_close(workers);
    return *workers == NULL ? 0 : 1;
}

/* A mutex that was locked when it was forked stays locked, and its threads never end. */
static void a_forked_child_may_close(void **state)
{
    (void)state;
    struct gate gate = {.workers = pool_of(3)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_stay, &gate), 0);
    while (atomic_load(&gate.num_inside) < 4)
        (void)usleep(100);
    struct death death = death_of(close_pool, &gate.workers, 20);
    atomic_store(&gate.is_open, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    xv_workers_close(&gate.workers);
    assert_true(death.is_exit);
    assert_int_equal(death.status, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_piece_is_done_once),
        TEST(all_threads_and_the_caller_take_part),
        TEST(the_lowest_piece_that_fails_gives_the_error),
        TEST(pieces_that_have_not_begun_are_left_out_after_an_error),
        TEST(a_job_ends_while_another_has_all_the_workers),
        TEST(a_worker_does_a_piece_of_each_job_in_turn),
        TEST(a_piece_may_run_a_job),
        TEST(several_callers_do_not_disturb_each_other),
        TEST(the_hosts_signals_do_not_reach_the_threads),
        TEST(says_what_the_system_did_not_give_and_leaves_no_thread),
        TEST(a_forked_child_may_close),
    };
    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
