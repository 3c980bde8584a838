/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that several threads may do with a handle at once, at once: reads, writes, flushes, discards
 * and looks by some, while others resize it, let generations join, check, repair and back it up.
 * What is written below the least size is read back by who wrote it. Run under TSan.
 */
#include "libxtsvol/src/volume/handle.h"
#include "tests/support/random.h"
#include "tests/volume/volume_support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXTENT = 64 * 1024,
    NUM_WRITERS = 3,
    PART_LEN = 5 * EXTENT - 1000, /* of a writer; their ends share sectors */
    LEAST_SIZE = NUM_WRITERS * 5 * EXTENT,
    MAX_LEN = 3 * EXTENT,
    ROUNDS = 120,
    NUM_JOINING = 6
};

struct place {
    struct xtsvol_volume *volume;
    char backup[PATH_MAX];
    atomic_uint num_writers;
};

struct writer {
    struct place *place;
    uint64_t number;
    const char *bad; /* what went wrong */
};

static const char *write_and_read(struct xtsvol_volume *volume, struct test_random *random,
                                  uint8_t *mine, uint8_t *read, uint64_t begin)
{
    size_t len = 1 + (size_t)test_random_below(random, MAX_LEN);
    size_t at = (size_t)test_random_below(random, PART_LEN - len + 1);
    if (test_random_chance(random, 10)) {
        memset(mine + at, 0, len);
        if (xtsvol_write_zeroes(volume, len, begin + at))
            return "zeroes failed";
    } else {
        test_random_bytes(random, mine + at, len);
        if (xtsvol_pwrite(volume, mine + at, len, begin + at))
            return "a write failed";
    }
    if (test_random_chance(random, 20) && xtsvol_flush(volume))
        return "a flush failed";
    if (xtsvol_pread(volume, read, PART_LEN, begin))
        return "a read failed";
    return memcmp(read, mine, PART_LEN) == 0 ? NULL : "other bytes were read";
}

static const char *look(struct xtsvol_volume *volume)
{
    struct xtsvol_volume_info info;
    struct xtsvol_failure failure;
    struct xtsvol_run run;
    uint64_t end = 0;
    int is_hole = 0;
    if (xtsvol_info_get(volume, &info, sizeof(info)) || info.volume_size < LEAST_SIZE)
        return "no info";
    if (xtsvol_next_hole(volume, &end, &is_hole, 4096) || end <= 4096)
        return "no holes";
    if (xtsvol_run_get(volume, &run, EXTENT) || run.length == 0 || run.generation != 1)
        return "no run";
    xtsvol_volume_failure(volume, &failure);
    return NULL;
}

static void *be_a_writer(void *context)
{
    struct writer *writer = context;
    struct test_random random = test_random_of(writer->number);
    uint8_t *mine = calloc(1, PART_LEN);
    uint8_t *read = malloc(PART_LEN);
    uint64_t begin = writer->number * PART_LEN;
    writer->bad = !mine || !read || xtsvol_write_zeroes(writer->place->volume, PART_LEN, begin)
                      ? "it cannot begin"
                      : NULL;
    for (unsigned i = 0; i < ROUNDS && !writer->bad; i++) {
        writer->bad = write_and_read(writer->place->volume, &random, mine, read, begin);
        if (!writer->bad)
            writer->bad = look(writer->place->volume);
    }
    free(mine);
    free(read);
    atomic_fetch_sub(&writer->place->num_writers, 1);
    return NULL;
}

/* What is behind the least size comes, is discarded, and goes. */
static void *resize(void *context)
{
    struct writer *writer = context;
    struct xtsvol_volume *volume = writer->place->volume;
    struct test_random random = test_random_of(77);
    while (!writer->bad && atomic_load(&writer->place->num_writers) > 0) {
        uint64_t size = LEAST_SIZE + 4096 * test_random_below(&random, 200);
        if (xtsvol_resize(volume, size, 1))
            writer->bad = "a resize failed";
        else if (size > LEAST_SIZE && xtsvol_discard(volume, size - LEAST_SIZE, LEAST_SIZE))
            writer->bad = "a discard failed";
    }
    return NULL;
}

static void *maintain(void *context)
{
    struct writer *writer = context;
    struct xtsvol_volume *volume = writer->place->volume;
    for (unsigned i = 0; !writer->bad && atomic_load(&writer->place->num_writers) > 0; i++) {
        struct xtsvol_check_report report;
        if (i < NUM_JOINING && xv_volume_add_generation(volume))
            writer->bad = "a generation could not join";
        else if (xtsvol_volume_check(volume, &report, (int)(i % 2), NULL, NULL, NULL) ||
                 report.num_bad_pages || report.num_bad_copies || report.num_bad_sectors)
            writer->bad = "a check failed, or found something";
        else if (xtsvol_header_backup(volume, writer->place->backup))
            writer->bad = "a backup failed";
        (void)unlink(writer->place->backup);
    }
    return NULL;
}

static void does_all_of_it_at_once(const struct tmpdir *dir, bool is_detached, uint32_t num_threads)
{
    struct place place = {0};
    struct keeper keeper = {0};
    struct xtsvol_failure failure = {0};
    char path[PATH_MAX];
    char header[PATH_MAX];
    (void)tmpdir_path(path, dir, "volume");
    (void)tmpdir_path(header, dir, "header");
    (void)tmpdir_path(place.backup, dir, "backup");
    struct xtsvol_volume *volume = volume_make(path, is_detached ? header : NULL, LEAST_SIZE, 4096,
                                               EXTENT, XTSVOL_IV_PLAIN64, &keeper);
    xtsvol_volume_close(&volume);
    struct xtsvol_volume_options options = volume_options(&keeper, &failure);
    options.header_path = is_detached ? header : NULL;
    options.num_threads = num_threads;
    assert_volume_works(xtsvol_volume_open(&place.volume, path, &options), &failure);

    void *(*const work[NUM_WRITERS + 2])(void *) = {be_a_writer, be_a_writer, be_a_writer, resize,
                                                    maintain};
    struct writer workers[ARRAY_LEN(work)];
    pthread_t threads[ARRAY_LEN(work)] = {0};
    atomic_store(&place.num_writers, NUM_WRITERS);
    for (size_t i = 0; i < ARRAY_LEN(work); i++) {
        workers[i] = (struct writer){.place = &place, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, work[i], &workers[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(work); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(work); i++) {
        if (workers[i].bad)
            fail_msg("thread %zu: %s", i, workers[i].bad);
    }
    xtsvol_volume_close(&place.volume);
    volume = volume_reopen(path, is_detached ? header : NULL, &keeper);
    xtsvol_volume_close(&volume);
    (void)unlink(path);
    (void)unlink(header);
}

static void all_calls_may_be_made_at_once(void **state)
{
    does_all_of_it_at_once(*state, false, 0);
    does_all_of_it_at_once(*state, true, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_calls_may_be_made_at_once, tmpdir_setup,
                                        tmpdir_teardown),
    };
    return cmocka_run_group_tests_name("volume_threads", tests, NULL, NULL);
}
