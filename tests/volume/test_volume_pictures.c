/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes of every released format are read, and are what they always were. */
#include "tests/volume/picture.h"
#include "tests/volume/surgery.h"

#include <string.h>

struct picture {
    const char *name;
    struct xtsvol_volume_info info; /* without UUID, which is 1 to 16 in all of them */
    struct xtsvol_run runs[3];
    uint64_t erased_s;
};

#define EXTENT ((uint64_t)XTSVOL_EXTENT_MIN)

static const struct picture pictures[] = {
    {.name = "attached-512",
     .info = {.volume_size = 16 * EXTENT,
              .sector_size = 512,
              .is_attached = 1,
              .data_offset = 13 << 20,
              .sequence = 0x10000000001,
              .max_volume_size = 16 * EXTENT,
              .created_s = 1795354504,
              .num_generations = 1,
              .generations = {{.generation = 1, .num_extents = 16}}},
     .runs = {{.length = 16 * EXTENT, .generation = 1}}},
    {.name = "detached-4096",
     .info = {.volume_size = 16 * EXTENT,
              .sector_size = 4096,
              .sequence = 0x10000000001,
              .max_volume_size = 16 * EXTENT,
              .created_s = 1795354504,
              .num_generations = 1,
              .generations = {{.generation = 1, .num_extents = 16}}},
     .runs = {{.length = 16 * EXTENT, .generation = 1}}},
    {.name = "detached-4096-large",
     .info = {.volume_size = 16 * EXTENT,
              .sector_size = 4096,
              .iv = XTSVOL_IV_LARGE,
              .sequence = 0x10000000001,
              .max_volume_size = 16 * EXTENT,
              .created_s = 1795354505,
              .num_generations = 1,
              .generations = {{.generation = 1, .num_extents = 16}}},
     .runs = {{.length = 16 * EXTENT, .generation = 1}}},
    {.name = "two-generations",
     .info = {.volume_size = 20 * EXTENT,
              .sector_size = 4096,
              .sequence = 0x10000001b6f,
              .max_volume_size = 2100ULL * EXTENT,
              .created_s = 1795354505,
              .num_generations = 2,
              .generations = {{.generation = 1, .num_extents = 13},
                              {.generation = 2, .num_extents = 7}}},
     .runs = {{.length = 3 * EXTENT, .generation = 1},
              {.length = 7 * EXTENT, .generation = 2},
              {.length = 10 * EXTENT, .generation = 1}}},
    {.name = "erased", .erased_s = 1795354505},
};

struct album {
    struct tmpdir *dir;
    struct xtsvol_failure failure;
    struct xtsvol_volume_options options;
    char volume[PATH_MAX];
    char header[PATH_MAX];
    const char *metadata;
    uint8_t uuid[XTSVOL_UUID_LEN];
};

static void load(struct album *album, void **state, const struct picture *picture)
{
    char text[PATH_MAX];
    *album = (struct album){.dir = *state};
    for (size_t i = 0; i < XTSVOL_UUID_LEN; i++)
        album->uuid[i] = (uint8_t)(i + 1);
    (void)tmpdir_path(album->volume, album->dir, "volume");
    (void)tmpdir_path(album->header, album->dir, "header");
    (void)unlink(album->volume);
    (void)unlink(album->header);
    (void)snprintf(text, sizeof(text), "%s/volume-v1/%s.txt", TEST_DATA_DIR, picture->name);
    picture_load(text, album->dir->path);
    album->options = xtsvol_volume_options_default();
    album->options.key = picture_key;
    album->options.failure = &album->failure;
    album->options.header_path = picture->info.is_attached ? NULL : album->header;
    album->metadata = picture->info.is_attached ? album->volume : album->header;
}

static void assert_info(const struct album *album, const struct xtsvol_volume_info *expected,
                        const struct xtsvol_volume_info *info, bool is_verified)
{
    struct xtsvol_volume_info all = *expected;
    memcpy(all.uuid, album->uuid, sizeof(all.uuid));
    if (!info->is_attached)
        all.data_offset = 0;
    assert_memory_equal(info->uuid, all.uuid, sizeof(all.uuid));
    assert_int_equal(info->volume_size, all.volume_size);
    assert_int_equal(info->sector_size, all.sector_size);
    assert_int_equal(info->extent_size, EXTENT);
    assert_int_equal(info->iv, all.iv);
    assert_int_equal(info->is_attached, all.is_attached);
    assert_int_equal(info->data_offset, all.data_offset);
    assert_int_equal(info->sequence, all.sequence);
    assert_int_equal(info->max_volume_size, all.max_volume_size);
    assert_int_equal(info->created_s, all.created_s);
    assert_int_equal(info->plaintext_allowed, 0);
    assert_int_equal(info->is_verified, is_verified);
    assert_int_equal(info->num_generations, all.num_generations);
    for (size_t i = 0; i < all.num_generations; i++) {
        assert_int_equal(info->generations[i].generation, all.generations[i].generation);
        assert_int_equal(info->generations[i].num_extents, all.generations[i].num_extents);
    }
}

static void assert_written(struct xtsvol_volume *volume, uint64_t size)
{
    const uint64_t places[] = {0, 5ULL * EXTENT, size - PICTURE_WRITTEN};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        uint8_t read[PICTURE_WRITTEN];
        assert_int_equal(xtsvol_pread(volume, read, sizeof(read), places[i]), 0);
        for (size_t j = 0; j < sizeof(read); j++)
            assert_int_equal(read[j], (places[i] + j) % PICTURE_MODULUS);
    }
}

static void assert_runs(struct xtsvol_volume *volume, const struct picture *picture)
{
    uint64_t offset = 0;
    for (size_t i = 0; offset < picture->info.volume_size; i++) {
        struct xtsvol_run run;
        assert_in_range(i, 0, ARRAY_LEN(picture->runs) - 1);
        assert_int_equal(xtsvol_run_get(volume, &run, offset), 0);
        assert_int_equal(run.length, picture->runs[i].length);
        assert_int_equal(run.generation, picture->runs[i].generation);
        offset += run.length;
    }
}

/* Open for reading and for writing, which changes nothing; and it can be written to. */
static void is_what_it_was(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(pictures); i++) {
        const struct picture *picture = &pictures[i];
        struct album album;
        struct xtsvol_volume_info info;
        if (picture->erased_s)
            continue;
        load(&album, state, picture);
        assert_int_equal(xtsvol_volume_peek(&info, sizeof(info), NULL, 0, album.metadata, NULL), 0);
        assert_info(&album, &picture->info, &info, false);
        struct dump metadata = dump_read(album.metadata);
        for (int is_read_only = 1; is_read_only >= 0; is_read_only--) {
            struct xtsvol_volume *volume = NULL;
            struct xtsvol_check_report report;
            album.options.is_read_only = is_read_only;
            assert_volume_works(xtsvol_volume_open(&volume, album.volume, &album.options),
                                &album.failure);
            assert_int_equal(xtsvol_info_get(volume, &info, sizeof(info)), 0);
            assert_info(&album, &picture->info, &info, true);
            assert_runs(volume, picture);
            assert_written(volume, info.volume_size);
            assert_int_equal(xtsvol_volume_check(volume, &report, 0, NULL, NULL, NULL), 0);
            assert_int_equal(report.num_bad_copies + report.num_bad_pages, 0);
            xtsvol_volume_close(&volume);
            assert_same_dump(&metadata, album.metadata);
        }
        struct xtsvol_volume *volume = NULL;
        assert_int_equal(xtsvol_volume_open(&volume, album.volume, &album.options), 0);
        assert_int_equal(xtsvol_pwrite(volume, "new", 3, 9ULL * EXTENT), 0);
        assert_int_equal(xtsvol_resize(volume, info.volume_size - EXTENT, 1), 0);
        assert_int_equal(xtsvol_resize(volume, info.volume_size, 0), 0);
        xtsvol_volume_close(&volume);
        dump_free(&metadata);
    }
}

static void an_erased_one_is_erased(void **state)
{
    static const uint32_t generations[] = {1, 2};
    const struct picture *picture = &pictures[ARRAY_LEN(pictures) - 1];
    struct album album;
    struct xtsvol_volume *volume = NULL;
    struct xtsvol_volume_info info;
    struct xtsvol_erasure erasure;
    load(&album, state, picture);
    assert_int_equal(xtsvol_volume_open(&volume, album.volume, &album.options), XTSVOL_ERR_STATE);
    assert_int_equal(xtsvol_volume_peek(&info, sizeof(info), &erasure, sizeof(erasure),
                                        album.metadata, &album.failure),
                     XTSVOL_ERR_STATE);
    assert_memory_equal(erasure.uuid, album.uuid, sizeof(erasure.uuid));
    assert_int_equal(erasure.erased_s, picture->erased_s);
    assert_int_equal(erasure.keys_destroyed, 1);
    assert_int_equal(erasure.num_generations, ARRAY_LEN(generations));
    assert_memory_equal(erasure.generations, generations, sizeof(generations));
    assert_string_equal(erasure.method, "keys destroyed, metadata overwritten");
}

/* Each byte of the metadata that is not zero is looked at by somebody: another one is noticed. */
static void a_changed_byte_is_noticed(void **state)
{
    struct album album;
    struct xtsvol_check_report report;
    load(&album, state, &pictures[3]);
    struct dump whole = dump_read(album.metadata);
    size_t num_tried = 0;
    for (size_t at = 0; at < whole.len; at += 1 + at % 5) {
        struct xtsvol_volume *volume = NULL;
        if (whole.bytes[at] == 0)
            continue;
        struct dump changed = dump_copy(&whole);
        changed.bytes[at] ^= 0x40;
        dump_write(&changed, album.metadata);
        dump_free(&changed);
        album.options.is_read_only = 1;
        assert_volume_works(xtsvol_volume_open(&volume, album.volume, &album.options),
                            &album.failure);
        assert_int_equal(xtsvol_volume_check(volume, &report, 0, NULL, NULL, NULL), 0);
        if (report.num_bad_copies != 1)
            fail_msg("another byte at %zu was not noticed", at);
        assert_int_equal(report.num_bad_pages, 0);
        xtsvol_volume_close(&volume);
        at += 40;
        num_tried++;
    }
    assert_true(num_tried > 100);
    dump_free(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_what_it_was, tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(an_erased_one_is_erased, tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(a_changed_byte_is_noticed, tmpdir_setup, tmpdir_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
