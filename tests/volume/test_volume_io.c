/* SPDX-License-Identifier: Apache-2.0 */
/* What is written is read: every odd length at every odd place, against an array. */
#include "tests/support/model.h"
#include "tests/volume/volume_support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    KIB = 1024,
    MIB = 1024 * KIB,
    MODEL_LEN = 3 * MIB + 4096, /* more than one buffer, piece and extent, and a part of one */
    MAX_IOV = 9
};
#define BEGIN_LEN ((size_t)32 * KIB)

struct kind {
    const char *name;
    uint32_t sector_size;
    uint32_t extent_size;
    enum xtsvol_iv iv;
    bool is_detached;
    uint32_t num_threads;
};

static const struct kind kinds[] = {
    {"512", 512, 64 * KIB, XTSVOL_IV_PLAIN64, false, 0},
    {"4096", 4096, MIB, XTSVOL_IV_PLAIN64, false, 0},
    {"4096 large", 4096, MIB, XTSVOL_IV_LARGE, true, 0},
    {"4096 with workers", 4096, 256 * KIB, XTSVOL_IV_PLAIN64, true, 3},
};

struct both {
    struct xtsvol_volume *volume;
    uint8_t *expected;
    uint8_t *work;
    struct keeper keeper;
    char path[PATH_MAX];
    char header[PATH_MAX];
    const struct kind *kind;
};

static void open_both(struct both *both)
{
    struct xtsvol_failure failure = {0};
    struct xtsvol_volume_options options = volume_options(&both->keeper, &failure);
    options.header_path = both->kind->is_detached ? both->header : NULL;
    options.num_threads = both->kind->num_threads;
    assert_volume_works(xtsvol_volume_open(&both->volume, both->path, &options), &failure);
}

static void begin(struct both *both, const struct tmpdir *dir, const struct kind *kind)
{
    memset(both, 0, sizeof(*both));
    both->kind = kind;
    (void)tmpdir_path(both->path, dir, "volume");
    (void)tmpdir_path(both->header, dir, "header");
    both->volume = volume_make(both->path, kind->is_detached ? both->header : NULL, MODEL_LEN,
                               kind->sector_size, kind->extent_size, kind->iv, &both->keeper);
    xtsvol_volume_close(&both->volume);
    open_both(both);
    both->expected = calloc(1, MODEL_LEN);
    both->work = malloc(MODEL_LEN);
    assert_non_null(both->expected);
    assert_non_null(both->work);
    assert_int_equal(xtsvol_write_zeroes(both->volume, MODEL_LEN, 0), 0);
}

static void end(struct both *both)
{
    xtsvol_volume_close(&both->volume);
    free(both->expected);
    free(both->work);
    (void)unlink(both->path);
    (void)unlink(both->header);
}

static void draw_range(struct test_random *random, size_t *offset, size_t *len, char note[])
{
    static const size_t lens[] = {0, 1, 511, 512, 513, 4095, 4096, 4097, 65536, 300000, 2500000};
    *len = test_random_chance(random, 50) ? TEST_RANDOM_CHOOSE(random, lens)
                                          : test_random_below(random, 20000);
    *offset = test_random_below(random, MODEL_LEN - *len + 1);
    if (test_random_chance(random, 40))
        *offset &= ~(size_t)4095;
    (void)snprintf(note, MODEL_NOTE, "%zu at %zu", *len, *offset);
}

/* Cuts memory into up to MAX_IOV buffers, some of them empty: they are read into, too. */
/* NOLINTNEXTLINE(readability-non-const-parameter) */
static size_t draw_list(struct test_random *random, struct iovec iov[MAX_IOV], uint8_t *memory,
                        size_t len)
{
    size_t num = 0;
    while (num < MAX_IOV - 1) {
        size_t step = test_random_chance(random, 20) ? 0 : test_random_below(random, len + 1);
        if (test_random_chance(random, 50))
            step &= ~(size_t)511;
        iov[num++] = (struct iovec){.iov_base = memory, .iov_len = step};
        memory += step;
        len -= step;
        if (len == 0)
            break;
    }
    iov[num++] = (struct iovec){.iov_base = memory, .iov_len = len};
    return num;
}

static const char *do_write(void *context, struct test_random *random, char note[MODEL_NOTE])
{
    struct both *both = context;
    size_t offset = 0;
    size_t len = 0;
    draw_range(random, &offset, &len, note);
    test_random_bytes(random, both->expected + offset, len);
    return xtsvol_pwrite(both->volume, both->expected + offset, len, offset) ? "write failed"
                                                                             : NULL;
}

static const char *do_writev(void *context, struct test_random *random, char note[MODEL_NOTE])
{
    struct both *both = context;
    struct iovec iov[MAX_IOV];
    size_t offset = 0;
    size_t len = 0;
    draw_range(random, &offset, &len, note);
    test_random_bytes(random, both->expected + offset, len);
    size_t num = draw_list(random, iov, both->expected + offset, len);
    return xtsvol_pwritev(both->volume, iov, num, offset) ? "write failed" : NULL;
}

static const char *do_zeroes(void *context, struct test_random *random, char note[MODEL_NOTE])
{
    struct both *both = context;
    size_t offset = 0;
    size_t len = 0;
    draw_range(random, &offset, &len, note);
    memset(both->expected + offset, 0, len);
    return xtsvol_write_zeroes(both->volume, len, offset) ? "zeroes failed" : NULL;
}

static const char *do_read(void *context, struct test_random *random, char note[MODEL_NOTE])
{
    struct both *both = context;
    size_t offset = 0;
    size_t len = 0;
    draw_range(random, &offset, &len, note);
    memset(both->work, 0xee, len + 1 < MODEL_LEN ? len + 1 : len);
    if (xtsvol_pread(both->volume, both->work, len, offset))
        return "read failed";
    return memcmp(both->work, both->expected + offset, len) ? "read other bytes" : NULL;
}

static const char *do_readv(void *context, struct test_random *random, char note[MODEL_NOTE])
{
    struct both *both = context;
    struct iovec iov[MAX_IOV];
    size_t offset = 0;
    size_t len = 0;
    draw_range(random, &offset, &len, note);
    size_t num = draw_list(random, iov, both->work, len);
    if (xtsvol_preadv(both->volume, iov, num, offset))
        return "read failed";
    return memcmp(both->work, both->expected + offset, len) ? "read other bytes" : NULL;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): as the model has it. */
static const char *do_reopen(void *context, struct test_random *random, char note[MODEL_NOTE])
{
    (void)random;
    (void)note;
    struct both *both = context;
    if (xtsvol_flush(both->volume))
        return "flush failed";
    xtsvol_volume_close(&both->volume);
    open_both(both);
    return NULL;
}

static const struct model_operation operations[] = {
    {"write", 6, do_write}, {"writev", 4, do_writev}, {"zeroes", 2, do_zeroes},
    {"read", 8, do_read},   {"readv", 4, do_readv},   {"reopen", 1, do_reopen},
};

static void agrees_with_an_array(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct both both;
        begin(&both, *state, &kinds[i]);
        model_assert(&(struct model){.name = kinds[i].name,
                                     .operations = operations,
                                     .num_operations = ARRAY_LEN(operations),
                                     .steps = 1200,
                                     .context = &both});
        assert_int_equal(xtsvol_pread(both.volume, both.work, MODEL_LEN, 0), 0);
        assert_memory_equal(both.work, both.expected, MODEL_LEN);
        end(&both);
    }
}

static void round_trips_odd_sizes(void **state)
{
    static const size_t lens[] = {1, 511, 512, 513, 4095, 4096, 4097};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct both both;
        begin(&both, *state, &kinds[i]);
        struct test_random random = test_random_of(i);
        for (size_t j = 0; j < ARRAY_LEN(lens); j++) {
            for (size_t k = 0; k < ARRAY_LEN(lens); k++) {
                size_t offset = lens[k] * 3;
                test_random_bytes(&random, both.expected + offset, lens[j]);
                assert_int_equal(
                    xtsvol_pwrite(both.volume, both.expected + offset, lens[j], offset), 0);
                assert_int_equal(xtsvol_pread(both.volume, both.work, BEGIN_LEN, 0), 0);
                assert_memory_equal(both.work, both.expected, BEGIN_LEN);
            }
        }
        end(&both);
    }
}

/* Threads on stripes of their own, whose ends share sectors with those of the neighbours. */
enum {
    NUM_THREADS = 4,
    NUM_STRIPES = 64,
    STRIPE_LEN = 777,
    ROUNDS = 60
};

struct worker {
    struct both *both;
    size_t number;
    bool is_right;
};

static void *work_on_stripes(void *context)
{
    struct worker *worker = context;
    struct test_random random = test_random_of(worker->number);
    uint8_t mine[STRIPE_LEN];
    uint8_t read[STRIPE_LEN];
    worker->is_right = true;
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = worker->number; i < NUM_STRIPES; i += NUM_THREADS) {
            size_t offset = i * STRIPE_LEN;
            test_random_bytes(&random, mine, sizeof(mine));
            if (xtsvol_pwrite(worker->both->volume, mine, sizeof(mine), offset) ||
                xtsvol_pread(worker->both->volume, read, sizeof(read), offset) ||
                memcmp(mine, read, sizeof(mine)) != 0)
                worker->is_right = false;
            memcpy(worker->both->expected + offset, mine, sizeof(mine));
        }
        if (xtsvol_flush(worker->both->volume))
            worker->is_right = false;
    }
    return NULL;
}

static void keeps_neighbours_of_a_sector_apart(void **state)
{
    for (size_t k = 0; k < 2; k++) {
        struct both both;
        begin(&both, *state, &kinds[k]);
        pthread_t threads[NUM_THREADS];
        struct worker workers[NUM_THREADS];
        for (size_t i = 0; i < NUM_THREADS; i++) {
            workers[i] = (struct worker){.both = &both, .number = i};
            assert_int_equal(pthread_create(&threads[i], NULL, work_on_stripes, &workers[i]), 0);
        }
        for (size_t i = 0; i < NUM_THREADS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (size_t i = 0; i < NUM_THREADS; i++)
            assert_true(workers[i].is_right);
        size_t len = (size_t)NUM_STRIPES * STRIPE_LEN;
        assert_int_equal(xtsvol_pread(both.volume, both.work, len, 0), 0);
        assert_memory_equal(both.work, both.expected, len);
        end(&both);
    }
}

/* V11: whoever reads a range that another writes sees what was there before or after, never a half.
 * (A plain file would not promise that much.) */
struct flipper {
    struct both *both;
    atomic_bool *stop;
    bool is_right;
};

static void *flip(void *context)
{
    struct flipper *flipper = context;
    uint8_t bytes[3 * 4096];
    flipper->is_right = true;
    for (int value = 0; !atomic_load(flipper->stop); value ^= 1) {
        memset(bytes, value ? 0xa5 : 0x5a, sizeof(bytes));
        if (xtsvol_pwrite(flipper->both->volume, bytes, sizeof(bytes), 100))
            flipper->is_right = false;
    }
    return NULL;
}

static void a_read_sees_a_write_whole(void **state)
{
    struct both both;
    begin(&both, *state, &kinds[0]);
    uint8_t bytes[3 * 4096];
    memset(bytes, 0x5a, sizeof(bytes));
    assert_int_equal(xtsvol_pwrite(both.volume, bytes, sizeof(bytes), 100), 0);
    atomic_bool stop = false;
    struct flipper flipper = {.both = &both, .stop = &stop};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, flip, &flipper), 0);
    bool is_whole = true;
    for (int i = 0; i < 3000 && is_whole; i++) {
        is_whole = xtsvol_pread(both.volume, bytes, sizeof(bytes), 100) == 0;
        for (size_t at = 1; is_whole && at < sizeof(bytes); at++)
            is_whole = bytes[at] == bytes[0];
    }
    atomic_store(&stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(flipper.is_right);
    assert_true(is_whole);
    end(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(round_trips_odd_sizes, tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(agrees_with_an_array, tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(keeps_neighbours_of_a_sector_apart, tmpdir_setup,
                                        tmpdir_teardown),
        cmocka_unit_test_setup_teardown(a_read_sees_a_write_whole, tmpdir_setup, tmpdir_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
