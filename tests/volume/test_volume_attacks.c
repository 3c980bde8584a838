/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to lose data or to be lied to that a hostile reader found: each one is shut. */
#include "tests/volume/own_memory.h"
#include "tests/volume/refusal.h"

#include "common/base/endian.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    VERSION_AT = 8,
    LATER_VERSION = 2
};
#define EXTENT ((uint64_t)XTSVOL_EXTENT_MIN)

static uint64_t sequence_of(struct scene *scene)
{
    struct xv_superblock state;
    scene_state(&state, scene);
    uint64_t sequence = state.sequence;
    xv_superblock_free(&state);
    return sequence;
}

static void make_later(struct scene *scene, unsigned first, unsigned last)
{
    struct dump dump = dump_read(scene->path);
    for (unsigned copy = first; copy <= last; copy++) {
        uint8_t *slot = dump_slot(&dump, copy);
        common_put_le16(slot + VERSION_AT, LATER_VERSION);
        slot_fix_digest(slot);
    }
    dump_write(&dump, scene->path);
    dump_free(&dump);
}

/* A later version of the library may have committed, and have been cut before the other copy. */
static void one_copy_of_a_later_version_is_not_written_over(void **state)
{
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        struct scene scene;
        scene_begin(&scene, state, false);
        make_later(&scene, copy, copy);
        assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_UNSUPPORTED, "version is not known");
        assert_int_equal(unlink(scene.path), 0);
    }
}

static void back_up(struct scene *scene, char backup[])
{
    (void)tmpdir_path(backup, scene->dir, "backup");
    (void)unlink(backup);
    struct xtsvol_volume *volume = scene_open(scene, false);
    assert_int_equal(xtsvol_header_backup(volume, backup), 0);
    xtsvol_volume_close(&volume);
}

static void a_later_version_is_not_restored_over(void **state)
{
    struct scene scene;
    char backup[PATH_MAX];
    scene_begin(&scene, state, false);
    back_up(&scene, backup);
    make_later(&scene, 0, 1);
    struct dump dump = dump_read(scene.path);
    assert_int_equal(xtsvol_header_restore(scene.path, backup, &scene.options, 0),
                     XTSVOL_ERR_UNSUPPORTED);
    assert_same_dump(&dump, scene.path);
    dump_free(&dump);
    assert_int_equal(xtsvol_header_restore(scene.path, backup, &scene.options, 1), 0);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    xtsvol_volume_close(&volume);
}

/* What was recorded between backup and loss would else pass as newer than what was restored. */
static void a_restore_is_newer_than_all_that_was_lost(void **state)
{
    struct scene scene;
    char backup[PATH_MAX];
    scene_begin(&scene, state, false);
    back_up(&scene, backup);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    assert_int_equal(xtsvol_resize(volume, SCENE_SIZE * 2, 0), 0);
    xtsvol_volume_close(&volume);
    uint64_t lost = sequence_of(&scene);
    struct dump recorded = dump_read(scene.path);

    struct dump dump = dump_copy(&recorded);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
        memset(dump_slot(&dump, copy), 0, XV_PAGE_LEN);
    dump_write(&dump, scene.path);
    dump_free(&dump);
    assert_int_equal(xtsvol_header_restore(scene.path, backup, &scene.options, 0), 0);
    uint64_t restored = sequence_of(&scene);
    assert_true(restored > lost);
    assert_int_equal(xv_epoch(restored), xv_epoch(lost) + 1);

    dump_write(&recorded, scene.path);
    dump_free(&recorded);
    scene.options.min_sequence = restored;
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_STATE, "older than it was");
}

/* Only the digest is forged, which anybody can: of what it claims nothing may follow. */
static void a_restore_believes_no_sequence_that_was_not_verified(void **state)
{
    struct scene scene;
    char backup[PATH_MAX];
    scene_begin(&scene, state, false);
    back_up(&scene, backup);
    uint64_t before = sequence_of(&scene);
    struct dump dump = dump_read(scene.path);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        uint8_t *slot = dump_slot(&dump, copy);
        slot_edit(slot, "2", EDIT_REPLACE, "1bfffffe0000000001");
        slot_fix_digest(slot);
    }
    dump_write(&dump, scene.path);
    dump_free(&dump);
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_CORRUPT, "forged");
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(xtsvol_header_restore(scene.path, backup, &scene.options, 1), 0);
        assert_int_equal(xv_epoch(sequence_of(&scene)), xv_epoch(before) + i);
    }
}

/* A shrink whose second superblock is not written: if the first is damaged then, the second one,
 * of the greater size, is what there is. */
static void the_file_is_cut_off_when_both_copies_say_so(void **state)
{
    (void)state;
    struct memory memory = {.bytes = calloc(1, OWN_MEMORY_CAPACITY)};
    assert_non_null(memory.bytes);
    struct keeper keeper = {0};
    struct xtsvol_failure failure = {0};
    struct xtsvol_volume_options options = volume_options(&keeper, &failure);
    struct xtsvol_io io = own_memory_io(&memory);
    options.data_io = &io;
    struct xtsvol_create_options create = xtsvol_create_options_default();
    create.volume_size = 4 * EXTENT;
    create.extent_size = XTSVOL_EXTENT_MIN;
    create.max_volume_size = 8 * EXTENT;
    struct xtsvol_volume *volume = NULL;
    assert_volume_works(xtsvol_volume_create(&volume, NULL, &create, &options), &failure);
    uint64_t before = memory.size;
    memory.failing = PWRITEV;
    memory.nth = 2; /* superblock 0, then superblock 1 */
    memory.error = EIO;
    assert_int_equal(xtsvol_resize(volume, 2 * EXTENT, 1), 0);
    assert_int_equal(memory.num_failed, 1);
    assert_int_equal(memory.size, before);
    xtsvol_volume_close(&volume);
    memset(memory.bytes, 0, XV_PAGE_LEN);
    assert_volume_works(xtsvol_volume_open(&volume, NULL, &options), &failure);
    /* And what stands behind the volume is not its own. */
    memory.size += XTSVOL_EXTENT_MIN;
    before = memory.size;
    assert_int_equal(xtsvol_resize(volume, XTSVOL_EXTENT_MIN, 1), 0);
    assert_int_equal(memory.size, before);
    xtsvol_volume_close(&volume);
    free(memory.bytes);
}

/* Who names the data of another volume beside a header would write over its metadata. */
static void a_header_is_not_used_for_a_volume_with_its_own(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, true);
    char victim[PATH_MAX];
    struct keeper keeper = {.number = 7};
    (void)tmpdir_path(victim, scene.dir, "victim");
    struct xtsvol_volume *volume =
        volume_make(victim, NULL, SCENE_SIZE, 512, XTSVOL_EXTENT_MIN, XTSVOL_IV_PLAIN64, &keeper);
    xtsvol_volume_close(&volume);
    (void)memcpy(scene.path, victim, sizeof(victim));
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_INVALID, "which that header is not of");
}

static void what_was_erased_is_free(void **state)
{
    struct scene scene;
    struct xtsvol_erasure erasure;
    scene_begin(&scene, state, false);
    assert_int_equal(
        xtsvol_volume_erase(&erasure, sizeof(erasure), scene.path, &scene.options, NULL, NULL), 0);
    struct xtsvol_volume *volume = volume_make(scene.path, NULL, SCENE_SIZE, 512, XTSVOL_EXTENT_MIN,
                                               XTSVOL_IV_PLAIN64, &scene.keeper);
    xtsvol_volume_close(&volume);
    volume = scene_open(&scene, false);
    xtsvol_volume_close(&volume);
}

/* As a device: it is free where no volume is in it. */
static void storage_of_one_size_is_free_without_a_volume(void **state)
{
    (void)state;
    struct memory memory = {.bytes = calloc(1, OWN_MEMORY_CAPACITY), .size = OWN_MEMORY_CAPACITY};
    assert_non_null(memory.bytes);
    struct keeper keeper = {0};
    struct xtsvol_failure failure = {0};
    struct xtsvol_volume_options options = volume_options(&keeper, &failure);
    struct xtsvol_io io = own_memory_io(&memory);
    io.set_size = NULL;
    options.data_io = &io;
    struct xtsvol_create_options create = xtsvol_create_options_default();
    create.volume_size = EXTENT;
    create.extent_size = XTSVOL_EXTENT_MIN;
    create.max_volume_size = EXTENT;
    struct xtsvol_volume *volume = NULL;
    assert_volume_works(xtsvol_volume_create(&volume, NULL, &create, &options), &failure);
    xtsvol_volume_close(&volume);
    assert_int_equal(xtsvol_volume_create(&volume, NULL, &create, &options), XTSVOL_ERR_EXISTS);
    free(memory.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, tmpdir_setup, tmpdir_teardown)
        TEST(one_copy_of_a_later_version_is_not_written_over),
        TEST(a_later_version_is_not_restored_over),
        TEST(a_restore_is_newer_than_all_that_was_lost),
        TEST(a_restore_believes_no_sequence_that_was_not_verified),
        TEST(the_file_is_cut_off_when_both_copies_say_so),
        TEST(a_header_is_not_used_for_a_volume_with_its_own),
        TEST(what_was_erased_is_free),
        TEST(storage_of_one_size_is_free_without_a_volume),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
