/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must not be opened is not: each time the category, a sentence that says why, and not a byte
 * changed (V1, V2, V6, V7).
 */
#include "tests/support/fault.h"
#include "tests/volume/refusal.h"

#include <errno.h>
#include <string.h>

static void refuses_another_key(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    scene.keeper.number = 1;
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_DENIED,
                   "the key of generation 1 is not that of this volume");
    assert_int_equal(scene.failure.generation, 1);
}

/* Two generations, of which the keeper has the first. */
static void refuses_without_one_of_the_keys(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    volume_add(volume, 1);
    xtsvol_volume_close(&volume);
    scene.keeper.num_generations = 1;
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_NOT_FOUND, "no key of generation 2");
    assert_int_equal(scene.failure.generation, 2);
    scene.keeper = (struct keeper){.destroyed = 1};
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_NOT_FOUND, "no key of generation 1");
    assert_int_equal(scene.failure.generation, 1);
}

/* What the callback says is what the caller is told; no number of its own invention gets out. */
static void hands_on_what_the_keeper_says(void **state)
{
    static const int errors[][2] = {{XTSVOL_ERR_TIMEOUT, XTSVOL_ERR_TIMEOUT},
                                    {XTSVOL_ERR_CANCELLED, XTSVOL_ERR_CANCELLED},
                                    {XTSVOL_ERR_BUSY, XTSVOL_ERR_BUSY},
                                    {XTSVOL_ERR_CORRUPT, XTSVOL_ERR_CORRUPT},
                                    {1, XTSVOL_ERR_INTERNAL},
                                    {-99, XTSVOL_ERR_INTERNAL}};
    struct scene scene;
    scene_begin(&scene, state, false);
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        scene.keeper.error = errors[i][0];
        assert_refused(&scene, REFUSED_TO_ALL, errors[i][1], "no key of generation 1");
        assert_int_equal(scene.failure.generation, 1);
        assert_int_equal(scene.failure.holder_pid, 0);
    }
}

/* Keys of one's own making. */
struct other_keys {
    struct keeper *keeper;
    bool is_zero;
    bool halves_are_equal;
    bool is_first_again; /* of generation 2: that of 1 */
};

static int other_key(void *context, uint8_t key[XTSVOL_XTS_KEY_LEN],
                     const uint8_t uuid[XTSVOL_UUID_LEN], uint32_t generation)
{
    const struct other_keys *other = context;
    int error = keeper_key(other->keeper, key, uuid, other->is_first_again ? 1 : generation);
    if (other->is_zero)
        memset(key, 0, XTSVOL_XTS_KEY_LEN);
    if (other->halves_are_equal)
        memcpy(key + XTSVOL_XTS_KEY_LEN / 2, key, XTSVOL_XTS_KEY_LEN / 2);
    return error;
}

static void refuses_a_key_that_is_none(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    struct other_keys other = {.keeper = &scene.keeper, .is_zero = true};
    scene.options.key = other_key;
    scene.options.key_context = &other;
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_NOT_FOUND, "no key of generation 1");
    other = (struct other_keys){.keeper = &scene.keeper, .halves_are_equal = true};
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_DENIED, "the key of generation 1");
}

static void refuses_one_key_for_two_generations(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    volume_add(volume, 1);
    xtsvol_volume_close(&volume);
    struct other_keys other = {.keeper = &scene.keeper, .is_first_again = true};
    scene.options.key = other_key;
    scene.options.key_context = &other;
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_DENIED,
                   "generation 2 has the same key as another one");
    assert_int_equal(scene.failure.generation, 2);
}

static void cut(const char *path, uint64_t len)
{
    assert_int_equal(truncate(path, (off_t)len), 0);
}

static void refuses_a_file_shorter_than_its_metadata_says(void **state)
{
    struct scene scene;
    struct xv_superblock superblock;
    scene_begin(&scene, state, false);
    scene_state(&superblock, &scene);
    const struct xv_layout *layout = &superblock.layout;
    const uint64_t lens[] = {
        layout->data_offset + SCENE_SIZE - 1,
        layout->data_offset + SCENE_SIZE - 512,
        layout->data_offset + 1,
        layout->data_offset,
        layout->map[1].offset,
        layout->journal.offset + 1,
        XV_SUPERBLOCK_1_OFFSET,
        XV_SUPERBLOCK_MAX,
    };
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        cut(scene.path, lens[i]);
        assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_CORRUPT,
                       "it is shorter than its metadata says");
    }
    cut(scene.path, 100);
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_CORRUPT, "metadata");
    cut(scene.path, 0);
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_CORRUPT, "no encrypted volume");
    xv_superblock_free(&superblock);
}

static void refuses_detached_files_shorter_than_the_metadata_says(void **state)
{
    struct scene scene;
    struct xv_superblock superblock;
    scene_begin(&scene, state, true);
    scene_state(&superblock, &scene);
    cut(scene.path, SCENE_SIZE - 512);
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_CORRUPT,
                   "it is shorter than its metadata says");
    cut(scene.path, SCENE_SIZE);
    struct dump header = dump_read(scene.header);
    for (size_t i = 0; i < XV_NUM_COPIES; i++) {
        const struct xv_region *map = &superblock.layout.map[i];
        cut(scene.header, map->offset + map->length - 1);
        assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_CORRUPT,
                       "it is shorter than its metadata says");
        dump_write(&header, scene.header);
    }
    struct xtsvol_volume *volume = scene_open(&scene, false);
    xtsvol_volume_close(&volume);
    dump_free(&header);
    xv_superblock_free(&superblock);
}

/* The body of both copies is edited by somebody without keys, who makes the digest fit. */
static void edit_both(const struct scene *scene, size_t at, uint8_t value)
{
    struct dump dump = dump_read(scene->path);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        dump_slot(&dump, copy)[at] = value;
        slot_fix_digest(dump_slot(&dump, copy));
    }
    dump_write(&dump, scene->path);
    dump_free(&dump);
}

static void refuses_another_mac_version_or_kind(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        int error;
        const char *words;
    } edits[] = {
        {64, 0, XTSVOL_ERR_CORRUPT, "damaged or forged (MAC)"}, /* one byte of it */
        {8, 2, XTSVOL_ERR_UNSUPPORTED, "version"},
        {8, 0, XTSVOL_ERR_UNSUPPORTED, "version"},
        {9, 1, XTSVOL_ERR_UNSUPPORTED, "version"},
        {10, 0, XTSVOL_ERR_UNSUPPORTED, "version"},
        {10, 3, XTSVOL_ERR_UNSUPPORTED, "version"},
        {10, 2, XTSVOL_ERR_CORRUPT, "first bytes are damaged"}, /* erased, with a MAC */
        {16, 1, XTSVOL_ERR_CORRUPT, "first bytes are damaged"},
    };
    struct scene scene;
    scene_begin(&scene, state, false);
    struct dump good = dump_read(scene.path);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
        dump_slot(&good, copy)[64] |= 1; /* so that 0 is another value */
    struct dump whole = dump_read(scene.path);
    for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
        dump_write(edits[i].at == 64 ? &good : &whole, scene.path);
        edit_both(&scene, edits[i].at, edits[i].value);
        assert_refused(&scene, REFUSED_TO_ALL, edits[i].error, edits[i].words);
    }
    dump_free(&good);
    dump_free(&whole);
}

static void refuses_a_sequence_below_the_last_one_seen(void **state)
{
    struct scene scene;
    struct xtsvol_volume_info info;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    assert_int_equal(xtsvol_info_get(volume, &info, sizeof(info)), 0);
    xtsvol_volume_close(&volume);
    scene.options.min_sequence = info.sequence;
    volume = scene_open(&scene, true);
    xtsvol_volume_close(&volume);
    scene.options.min_sequence = info.sequence + 1;
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_STATE, "older than it was once");
    scene.options.min_sequence = UINT64_MAX;
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_STATE, "older than it was once");
}

static void refuses_another_volume_than_expected(void **state)
{
    struct scene scene;
    struct xv_superblock superblock;
    scene_begin(&scene, state, false);
    scene_state(&superblock, &scene);
    scene.options.expected_uuid = superblock.uuid;
    struct xtsvol_volume *volume = scene_open(&scene, false);
    xtsvol_volume_close(&volume);
    superblock.uuid[15] ^= 1;
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_STATE, "another volume than expected");
    xv_superblock_free(&superblock);
}

static void refuses_plaintext_unless_it_is_allowed(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    for (int is_plaintext = 0; is_plaintext <= 1; is_plaintext++) {
        assert_int_equal(unlink(scene.path), 0);
        odd_volume_make(scene.path,
                        &(struct odd_volume){.size = SCENE_SIZE,
                                             .first_generation = 1,
                                             .plaintext_allowed = true,
                                             .is_plaintext = is_plaintext},
                        &scene.keeper);
        scene.options.allow_plaintext = 0;
        assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_STATE, "may be plaintext");
        scene.options.allow_plaintext = 1;
        struct xtsvol_volume *volume = scene_open(&scene, false);
        struct xtsvol_volume_info info;
        assert_int_equal(xtsvol_info_get(volume, &info, sizeof(info)), 0);
        assert_true(info.plaintext_allowed);
        assert_int_equal(info.num_generations, 1 + is_plaintext);
        xtsvol_volume_close(&volume);
    }
}

static void refuses_an_erased_volume(void **state)
{
    struct scene scene;
    struct xtsvol_erasure erasure;
    scene_begin(&scene, state, false);
    assert_int_equal(
        xtsvol_volume_erase(&erasure, sizeof(erasure), scene.path, &scene.options, NULL, NULL), 0);
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_STATE, "it was erased");
}

static void refuses_a_header_as_volume_and_a_volume_as_header(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, true);
    struct scene header_alone = scene;
    (void)memcpy(header_alone.path, scene.header, sizeof(scene.header));
    header_alone.header[0] = '\0';
    header_alone.options = volume_options(&header_alone.keeper, &header_alone.failure);
    assert_refused(&header_alone, REFUSED_TO_ALL, XTSVOL_ERR_INVALID, "it is a detached header");

    struct scene attached;
    assert_int_equal(unlink(scene.path), 0);
    scene_begin(&attached, state, false);
    (void)tmpdir_path(attached.header, attached.dir, "volume");
    (void)tmpdir_path(attached.path, attached.dir, "data");
    attached.options.header_path = attached.header;
    file_write(attached.path, "", 0);
    cut(attached.path, 64 << 20);
    assert_refused(&attached, REFUSED_TO_ALL, XTSVOL_ERR_INVALID,
                   "a volume with its metadata in the same file");
}

/* Nothing ties data to a header but its size, and what the host expects. */
static void refuses_the_header_of_another_volume(void **state)
{
    struct scene scene;
    struct xv_superblock superblock;
    scene_begin(&scene, state, true);
    scene_state(&superblock, &scene);
    scene.options.expected_uuid = superblock.uuid;
    struct dump data = dump_read(scene.path);
    assert_int_equal(unlink(scene.path), 0);
    assert_int_equal(unlink(scene.header), 0);
    struct scene other;
    scene_begin(&other, state, true);
    dump_write(&data, scene.path);
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_STATE, "another volume than expected");
    scene.options.expected_uuid = NULL;
    cut(scene.path, SCENE_SIZE - 512);
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_CORRUPT,
                   "it is shorter than its metadata says");
    dump_free(&data);
    xv_superblock_free(&superblock);
}

static void refuses_a_backup_to_a_writer(void **state)
{
    for (int is_detached = 0; is_detached <= 1; is_detached++) {
        struct scene scene;
        scene_begin(&scene, state, is_detached);
        struct xtsvol_volume *volume = scene_open(&scene, false);
        char backup[PATH_MAX];
        (void)tmpdir_path(backup, *state, is_detached ? "backup of detached" : "backup");
        assert_int_equal(xtsvol_header_backup(volume, backup), 0);
        xtsvol_volume_close(&volume);
        (void)memcpy(scene.header, backup, sizeof(scene.header));
        scene.options.header_path = scene.header;
        assert_refused(&scene, REFUSED_TO_WRITERS, XTSVOL_ERR_STATE, "its header is a backup");
        uint8_t read[9];
        volume = scene_open(&scene, true);
        assert_int_equal(xtsvol_pread(volume, read, sizeof(read), 1000), 0);
        assert_memory_equal(read, "plaintext", 9);
        xtsvol_volume_close(&volume);
        /* By itself it has no data. */
        (void)memcpy(scene.path, backup, sizeof(scene.path));
        scene.header[0] = '\0';
        scene.options.header_path = NULL;
        if (is_detached) {
            assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_INVALID, "it is a detached header");
        } else {
            assert_refused(&scene, REFUSED_TO_WRITERS, XTSVOL_ERR_STATE, "its header is a backup");
            assert_refused(&scene, REFUSED_TO_READERS, XTSVOL_ERR_CORRUPT,
                           "it is shorter than its metadata says");
        }
        (void)tmpdir_path(scene.path, *state, "volume");
        assert_int_equal(unlink(scene.path), 0);
    }
}

/* A reader leaves even what is damaged as it is, and makes no call that writes. */
static void a_reader_never_writes(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    struct dump dump = dump_read(scene.path);
    dump_slot(&dump, 1)[200] ^= 1;
    dump_write(&dump, scene.path);
    scene.options.is_read_only = 1;
    struct xtsvol_volume *volume = NULL;
    struct xtsvol_check_report report;
    struct xtsvol_run run;
    uint8_t read[9];
    fault_arm_plan(&(struct fault_plan){.classes = FAULT_WRITE | FAULT_METADATA,
                                        .nth = 1,
                                        .error = EROFS,
                                        .mode = FAULT_FROM_THEN_ON});
    int errors[] = {
        xtsvol_volume_open(&volume, scene.path, &scene.options),
        xtsvol_pread(volume, read, sizeof(read), 1000),
        xtsvol_run_get(volume, &run, 0),
        xtsvol_volume_check(volume, &report, 0, NULL, NULL, NULL),
        xtsvol_flush(volume),
        xtsvol_volume_check(volume, &report, 1, NULL, NULL, NULL),
        xtsvol_pwrite(volume, read, sizeof(read), 0),
        xtsvol_write_zeroes(volume, sizeof(read), 0),
        xtsvol_discard(volume, 4096, 0),
        xtsvol_resize(volume, 2 * SCENE_SIZE, 0),
        xtsvol_resize(volume, 512, 1),
        xv_volume_add_generation(volume),
    };
    xtsvol_volume_close(&volume);
    struct fault_report report_of_faults = fault_disarm();
    for (size_t i = 0; i < ARRAY_LEN(errors); i++)
        assert_int_equal(errors[i], i < 5 ? 0 : XTSVOL_ERR_STATE);
    assert_false(report_of_faults.fired);
    assert_memory_equal(read, "plaintext", 9);
    assert_int_equal(seen_count(&scene.seen, "VolumeCopyDamaged"), 1);
    assert_int_equal(seen_count(&scene.seen, "VolumeRecovered"), 0);
    assert_same_dump(&dump, scene.path);
    dump_free(&dump);
}

/* What failed before is not what is told now. */
static void a_success_clears_the_failure(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    memset(&scene.failure, 0xee, sizeof(scene.failure));
    struct xtsvol_volume *volume = scene_open(&scene, false);
    assert_int_equal(scene.failure.error, 0);
    assert_int_equal(scene.failure.message[0], '\0');
    xtsvol_volume_close(&volume);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, tmpdir_setup, tmpdir_teardown)
        TEST(refuses_another_key),
        TEST(refuses_without_one_of_the_keys),
        TEST(hands_on_what_the_keeper_says),
        TEST(refuses_a_key_that_is_none),
        TEST(refuses_one_key_for_two_generations),
        TEST(refuses_a_file_shorter_than_its_metadata_says),
        TEST(refuses_detached_files_shorter_than_the_metadata_says),
        TEST(refuses_another_mac_version_or_kind),
        TEST(refuses_a_sequence_below_the_last_one_seen),
        TEST(refuses_another_volume_than_expected),
        TEST(refuses_plaintext_unless_it_is_allowed),
        TEST(refuses_an_erased_volume),
        TEST(refuses_a_header_as_volume_and_a_volume_as_header),
        TEST(refuses_the_header_of_another_volume),
        TEST(refuses_a_backup_to_a_writer),
        TEST(a_reader_never_writes),
        TEST(a_success_clears_the_failure),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
