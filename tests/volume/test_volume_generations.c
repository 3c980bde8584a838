/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes of several generations: each extent is encrypted under the key that the map says, which
 * the bytes on the medium show; and the counts, and the limits.
 */
#include "tests/volume/refusal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define EXTENT ((uint64_t)XTSVOL_EXTENT_MIN)

static void assert_runs(struct xtsvol_volume *volume, const struct xtsvol_run *runs, size_t num)
{
    uint64_t offset = 0;
    for (size_t i = 0; i < num; i++) {
        struct xtsvol_run run;
        assert_int_equal(xtsvol_run_get(volume, &run, offset), 0);
        assert_int_equal(run.offset, offset);
        assert_int_equal(run.length, runs[i].length);
        assert_int_equal(run.generation, runs[i].generation);
        offset += run.length;
    }
    struct xtsvol_volume_info info;
    assert_int_equal(xtsvol_info_get(volume, &info, sizeof(info)), 0);
    assert_int_equal(offset, info.volume_size);
}

/* What xtsvol_info_get() counts is what the runs add up to. */
static void assert_counts(struct xtsvol_volume *volume)
{
    struct xtsvol_volume_info info;
    uint64_t counted[XTSVOL_GENERATION_MAX + 1] = {0};
    assert_int_equal(xtsvol_info_get(volume, &info, sizeof(info)), 0);
    for (uint64_t offset = 0; offset < info.volume_size;) {
        struct xtsvol_run run;
        assert_int_equal(xtsvol_run_get(volume, &run, offset), 0);
        counted[run.generation] += (run.length + EXTENT - 1) / EXTENT;
        offset += run.length;
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < info.num_generations; i++) {
        assert_int_equal(info.generations[i].num_extents, counted[info.generations[i].generation]);
        sum += info.generations[i].num_extents;
    }
    assert_int_equal(sum, (info.volume_size + EXTENT - 1) / EXTENT);
}

/* One sector as it stands in the file, decrypted with the cipher itself. */
static void assert_under_key_of(struct scene *scene, uint64_t data_offset, uint64_t offset,
                                uint32_t generation, const uint8_t *expected,
                                const uint8_t uuid[XTSVOL_UUID_LEN])
{
    uint8_t key_bytes[XTSVOL_XTS_KEY_LEN];
    uint8_t sector[512];
    struct xtsvol_xts *xts = NULL;
    struct xtsvol_xts_key *key = NULL;
    int fd = open(scene->path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, sector, sizeof(sector), (off_t)(data_offset + offset)), 512);
    assert_int_equal(close(fd), 0);
    assert_memory_not_equal(sector, expected, sizeof(sector));
    assert_int_equal(keeper_key(&scene->keeper, key_bytes, uuid, generation), 0);
    assert_int_equal(xtsvol_xts_open(&xts, NULL), 0);
    assert_int_equal(xtsvol_xts_key_new(&key, xts, key_bytes, sizeof(key_bytes)), 0);
    assert_int_equal(xtsvol_xts_decrypt(key, sector, sector, 512, 512, xtsvol_unit(offset / 512)),
                     0);
    assert_memory_equal(sector, expected, sizeof(sector));
    xtsvol_xts_key_free(&key);
    xtsvol_xts_close(&xts);
}

static void extents_are_under_their_own_keys(void **state)
{
    struct scene scene;
    struct xtsvol_volume_info info;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    volume_add(volume, 3);
    for (uint64_t extent = 0; extent < 16; extent++)
        volume_give(volume, extent, 1, 1 + extent % 4);
    uint8_t *plain = malloc(SCENE_SIZE);
    uint8_t *read = malloc(SCENE_SIZE);
    assert_non_null(plain);
    assert_non_null(read);
    struct test_random random = test_random_of(1);
    test_random_bytes(&random, plain, SCENE_SIZE);
    /* In one request over all of them. */
    assert_int_equal(xtsvol_pwrite(volume, plain, SCENE_SIZE, 0), 0);
    assert_int_equal(xtsvol_flush(volume), 0);
    xtsvol_volume_close(&volume);
    volume = scene_open(&scene, true);
    assert_int_equal(xtsvol_pread(volume, read, SCENE_SIZE, 0), 0);
    assert_memory_equal(read, plain, SCENE_SIZE);
    /* And across each border, in a sector that is not whole. */
    for (uint64_t border = EXTENT; border < SCENE_SIZE; border += EXTENT) {
        assert_int_equal(xtsvol_pread(volume, read, 700, border - 300), 0);
        assert_memory_equal(read, plain + border - 300, 700);
    }
    assert_int_equal(xtsvol_info_get(volume, &info, sizeof(info)), 0);
    assert_counts(volume);
    xtsvol_volume_close(&volume);
    for (uint64_t extent = 0; extent < 16; extent++) {
        uint64_t first = extent * EXTENT;
        uint64_t last = first + EXTENT - 512;
        uint32_t generation = (uint32_t)(1 + extent % 4);
        assert_under_key_of(&scene, info.data_offset, first, generation, plain + first, info.uuid);
        assert_under_key_of(&scene, info.data_offset, last, generation, plain + last, info.uuid);
    }
    free(plain);
    free(read);
}

static void plaintext_extents_are_plaintext(void **state)
{
    struct scene scene;
    struct xtsvol_volume_info info;
    uint8_t read[6];
    scene_begin(&scene, state, false);
    assert_int_equal(unlink(scene.path), 0);
    odd_volume_make(scene.path,
                    &(struct odd_volume){.size = SCENE_SIZE,
                                         .first_generation = 1,
                                         .plaintext_allowed = true,
                                         .is_plaintext = true},
                    &scene.keeper);
    scene.options.allow_plaintext = 1;
    struct xtsvol_volume *volume = scene_open(&scene, false);
    volume_give(volume, 1, 1, 1);
    assert_int_equal(xtsvol_pwrite(volume, "public", 6, 100), 0);
    assert_int_equal(xtsvol_pwrite(volume, "secret", 6, EXTENT + 100), 0);
    assert_int_equal(xtsvol_pread(volume, read, 6, EXTENT + 100), 0);
    assert_memory_equal(read, "secret", 6);
    assert_runs(volume,
                (const struct xtsvol_run[]){{.length = EXTENT, .generation = 0},
                                            {.length = EXTENT, .generation = 1},
                                            {.length = SCENE_SIZE - 2 * EXTENT, .generation = 0}},
                3);
    assert_counts(volume);
    assert_int_equal(xtsvol_info_get(volume, &info, sizeof(info)), 0);
    xtsvol_volume_close(&volume);
    struct dump dump = dump_read(scene.path);
    assert_memory_equal(dump.bytes + info.data_offset + 100, "public", 6);
    assert_false(dump_has(&dump, "secret", 6));
    dump_free(&dump);
}

static void grows_into_the_newest_generation(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    assert_int_equal(xtsvol_resize(volume, SCENE_SIZE + 2 * EXTENT, 0), 0);
    volume_add(volume, 1);
    assert_int_equal(xtsvol_resize(volume, SCENE_SIZE + 3 * EXTENT + 512, 0), 0);
    assert_runs(volume,
                (const struct xtsvol_run[]){{.length = SCENE_SIZE + 2 * EXTENT, .generation = 1},
                                            {.length = EXTENT + 512, .generation = 2}},
                2);
    /* The rest of an extent that is there is of its generation, whatever the newest is. */
    volume_add(volume, 1);
    assert_int_equal(xtsvol_resize(volume, SCENE_SIZE + 4 * EXTENT, 0), 0);
    assert_int_equal(xtsvol_pwrite(volume, "grown", 5, SCENE_SIZE + 4 * EXTENT - 5), 0);
    assert_int_equal(xtsvol_resize(volume, SCENE_SIZE + 5 * EXTENT, 0), 0);
    xtsvol_volume_close(&volume);
    volume = scene_open(&scene, true);
    assert_runs(volume,
                (const struct xtsvol_run[]){{.length = SCENE_SIZE + 2 * EXTENT, .generation = 1},
                                            {.length = 2 * EXTENT, .generation = 2},
                                            {.length = EXTENT, .generation = 3}},
                3);
    uint8_t read[9];
    assert_int_equal(xtsvol_pread(volume, read, 5, SCENE_SIZE + 4 * EXTENT - 5), 0);
    assert_memory_equal(read, "grown", 5);
    assert_int_equal(xtsvol_pread(volume, read, 9, 1000), 0);
    assert_memory_equal(read, "plaintext", 9);
    assert_counts(volume);
    xtsvol_volume_close(&volume);
}

/* What was behind the end, and of whatever generation, comes back as of the newest. */
static void grows_again_after_it_shrank(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    volume_add(volume, 2);
    volume_give(volume, 6, 4, 2);
    assert_int_equal(xtsvol_resize(volume, 7 * EXTENT + 512, 1), 0);
    assert_counts(volume);
    assert_runs(volume,
                (const struct xtsvol_run[]){{.length = 6 * EXTENT, .generation = 1},
                                            {.length = EXTENT + 512, .generation = 2}},
                2);
    assert_int_equal(xtsvol_resize(volume, 6 * EXTENT, 1), 0); /* 2 and 3 have no extent now */
    assert_counts(volume);
    xtsvol_volume_close(&volume);
    volume = scene_open(&scene, false);
    assert_counts(volume);
    assert_int_equal(xtsvol_resize(volume, 5 * EXTENT + 512, 1), 0); /* in the same extent */
    assert_int_equal(xtsvol_resize(volume, SCENE_SIZE, 0), 0);
    assert_runs(volume,
                (const struct xtsvol_run[]){{.length = 6 * EXTENT, .generation = 1},
                                            {.length = 10 * EXTENT, .generation = 3}},
                2);
    assert_counts(volume);
    assert_int_equal(xtsvol_pwrite(volume, "again", 5, 8 * EXTENT), 0);
    xtsvol_volume_close(&volume);
    volume = scene_open(&scene, true);
    uint8_t read[9];
    assert_int_equal(xtsvol_pread(volume, read, 5, 8 * EXTENT), 0);
    assert_memory_equal(read, "again", 5);
    assert_int_equal(xtsvol_pread(volume, read, 9, 1000), 0);
    assert_memory_equal(read, "plaintext", 9);
    xtsvol_volume_close(&volume);
}

/* Each change is a later state (V8), and only one that is durable is told. */
static void the_sequence_grows(void **state)
{
    struct scene scene;
    struct xtsvol_volume_info info = {0};
    scene_begin(&scene, state, false);
    uint64_t last = 0;
    for (int i = 0; i < 6; i++) {
        struct xtsvol_volume *volume = scene_open(&scene, false);
        assert_int_equal(xtsvol_info_get(volume, &info, sizeof(info)), 0);
        assert_true(info.sequence >= last);
        last = info.sequence;
        for (int j = 0; j < 3; j++) {
            if (j == 1)
                volume_add(volume, 1);
            else
                assert_int_equal(
                    xtsvol_resize(volume, SCENE_SIZE + (uint64_t)(i * 3 + j + 1) * EXTENT, 0), 0);
            assert_int_equal(xtsvol_info_get(volume, &info, sizeof(info)), 0);
            assert_true(info.sequence > last);
            assert_true(info.sequence - last <= 0x10000);
            last = info.sequence;
        }
        xtsvol_volume_close(&volume);
    }
}

/* Over pages and leaves: a run is one, however many entries of the map it is made of. */
static void a_run_is_as_long_as_it_goes(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, true);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    assert_int_equal(xtsvol_resize(volume, 4000ULL * EXTENT, 0), 0);
    volume_add(volume, 1);
    volume_give(volume, 2010, 12, 2); /* from leaf 0 into leaf 1 */
    volume_give(volume, 2022, 5, 2);
    volume_give(volume, 3999, 1, 2);
    const struct xtsvol_run runs[] = {{.length = 2010ULL * EXTENT, .generation = 1},
                                      {.length = 17ULL * EXTENT, .generation = 2},
                                      {.length = 1972ULL * EXTENT, .generation = 1},
                                      {.length = EXTENT, .generation = 2}};
    assert_runs(volume, runs, ARRAY_LEN(runs));
    assert_counts(volume);
    struct xtsvol_run run;
    assert_int_equal(xtsvol_run_get(volume, &run, 2015ULL * EXTENT), 0);
    assert_int_equal(run.length, 12ULL * EXTENT);
    assert_int_equal(xtsvol_resize(volume, 2020ULL * EXTENT + 512, 1), 0);
    assert_int_equal(xtsvol_run_get(volume, &run, 2015ULL * EXTENT), 0);
    assert_int_equal(run.length, 5ULL * EXTENT + 512);
    xtsvol_volume_close(&volume);
}

/* The keeper has another key for this generation. */
struct wrong_one {
    struct keeper *keeper;
    uint32_t generation;
};

static int wrong_key(void *context, uint8_t key[XTSVOL_XTS_KEY_LEN],
                     const uint8_t uuid[XTSVOL_UUID_LEN], uint32_t generation)
{
    const struct wrong_one *wrong = context;
    int error = keeper_key(wrong->keeper, key, uuid, generation);
    if (generation == wrong->generation)
        key[63] ^= 0x80;
    return error;
}

static void a_wrong_key_of_one_generation_is_named(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    volume_add(volume, 3);
    volume_give(volume, 4, 4, 3);
    xtsvol_volume_close(&volume);
    struct wrong_one wrong = {.keeper = &scene.keeper};
    scene.options.key = wrong_key;
    scene.options.key_context = &wrong;
    for (wrong.generation = 1; wrong.generation <= 4; wrong.generation++) {
        char words[64];
        (void)snprintf(words, sizeof(words), "the key of generation %u is not that of this volume",
                       wrong.generation);
        assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_DENIED, words);
        assert_int_equal(scene.failure.generation, wrong.generation);
    }
    wrong.generation = 0;
    volume = scene_open(&scene, true);
    xtsvol_volume_close(&volume);
}

/* The keys that are asked for when one joins are those of all: none may be missing, or new. */
static void a_generation_joins_with_its_key_or_not_at_all(void **state)
{
    struct scene scene;
    struct xtsvol_failure failure;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    struct dump dump = dump_read(scene.path);
    scene.keeper.num_generations = 1;
    assert_int_equal(xv_volume_add_generation(volume), XTSVOL_ERR_NOT_FOUND);
    xtsvol_volume_failure(volume, &failure);
    assert_told(&failure, XTSVOL_ERR_NOT_FOUND, "no key of generation 2");
    assert_int_equal(failure.generation, 2);
    scene.keeper = (struct keeper){.destroyed = 1};
    assert_int_equal(xv_volume_add_generation(volume), XTSVOL_ERR_NOT_FOUND);
    scene.keeper = (struct keeper){.number = 1}; /* another keeper: other keys, also of 1 */
    assert_int_equal(xv_volume_add_generation(volume), XTSVOL_ERR_DENIED);
    xtsvol_volume_failure(volume, &failure);
    assert_told(&failure, XTSVOL_ERR_DENIED, "the key of generation 1 is not that of this volume");
    assert_int_equal(failure.generation, 1);
    assert_same_dump(&dump, scene.path);
    scene.keeper = (struct keeper){0};
    volume_add(volume, 1);
    xtsvol_volume_close(&volume);
    volume = scene_open(&scene, true);
    xtsvol_volume_close(&volume);
    dump_free(&dump);
}

static void there_is_no_generation_1024(void **state)
{
    struct scene scene;
    struct xtsvol_failure failure;
    scene_begin(&scene, state, false);
    assert_int_equal(unlink(scene.path), 0);
    odd_volume_make(scene.path, &(struct odd_volume){.size = SCENE_SIZE, .first_generation = 1022},
                    &scene.keeper);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    volume_add(volume, 1);
    assert_int_equal(xtsvol_resize(volume, SCENE_SIZE + EXTENT, 0), 0);
    struct dump dump = dump_read(scene.path);
    assert_int_equal(xv_volume_add_generation(volume), XTSVOL_ERR_LIMIT);
    xtsvol_volume_failure(volume, &failure);
    assert_told(&failure, XTSVOL_ERR_LIMIT, "no generation behind 1023");
    assert_same_dump(&dump, scene.path);
    assert_runs(volume,
                (const struct xtsvol_run[]){{.length = SCENE_SIZE, .generation = 1022},
                                            {.length = EXTENT, .generation = 1023}},
                2);
    xtsvol_volume_close(&volume);
    volume = scene_open(&scene, false);
    assert_int_equal(xtsvol_pwrite(volume, "x", 1, SCENE_SIZE), 0);
    xtsvol_volume_close(&volume);
    dump_free(&dump);
}

static void sixty_four_may_live_at_once(void **state)
{
    struct scene scene;
    struct xtsvol_failure failure;
    struct xtsvol_volume_info info;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    volume_add(volume, XTSVOL_LIVE_GENERATIONS_MAX - 1);
    struct dump dump = dump_read(scene.path);
    assert_int_equal(xv_volume_add_generation(volume), XTSVOL_ERR_LIMIT);
    xtsvol_volume_failure(volume, &failure);
    assert_told(&failure, XTSVOL_ERR_LIMIT, "64 generations are in use");
    assert_same_dump(&dump, scene.path);
    for (uint32_t i = 0; i < 16; i++)
        volume_give(volume, i, 1, i * 4 + 4);
    assert_int_equal(xtsvol_pwrite(volume, "of generation 64", 16, 15 * EXTENT), 0);
    xtsvol_volume_close(&volume);
    volume = scene_open(&scene, true);
    assert_int_equal(xtsvol_info_get(volume, &info, sizeof(info)), 0);
    assert_int_equal(info.num_generations, 64);
    assert_counts(volume);
    char read[16];
    assert_int_equal(xtsvol_pread(volume, read, 16, 15 * EXTENT), 0);
    assert_memory_equal(read, "of generation 64", 16);
    xtsvol_volume_close(&volume);
    /* One superblock of 64 and a damaged one. */
    dump_free(&dump);
    dump = dump_read(scene.path);
    memset(dump_slot(&dump, 0), 0, XV_PAGE_LEN);
    dump_write(&dump, scene.path);
    volume = scene_open(&scene, false);
    xtsvol_volume_close(&volume);
    dump_free(&dump);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, tmpdir_setup, tmpdir_teardown)
        TEST(extents_are_under_their_own_keys),
        TEST(plaintext_extents_are_plaintext),
        TEST(grows_into_the_newest_generation),
        TEST(grows_again_after_it_shrank),
        TEST(the_sequence_grows),
        TEST(a_run_is_as_long_as_it_goes),
        TEST(a_wrong_key_of_one_generation_is_named),
        TEST(a_generation_joins_with_its_key_or_not_at_all),
        TEST(there_is_no_generation_1024),
        TEST(sixty_four_may_live_at_once),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
