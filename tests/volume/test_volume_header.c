/* SPDX-License-Identifier: Apache-2.0 */
/* A backup can be read by and restored, and nothing else can be done with it. */
#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/volume/refusal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A volume of two generations with map pages, a backup of it, and what came afterwards: two more
 * generations, other extents, another size. */
struct story {
    struct scene scene;
    char backup[PATH_MAX];
    uint64_t backup_sequence;
    uint64_t sequence; /* of what came afterwards */
};

#define LATER_SIZE (SCENE_SIZE / 2)

static uint64_t sequence_of(struct xtsvol_volume *volume)
{
    struct xtsvol_volume_info info;
    assert_int_equal(xtsvol_info_get(volume, &info, sizeof(info)), 0);
    return info.sequence;
}

static void back_up(struct story *story, struct xtsvol_volume *volume)
{
    assert_int_equal(xtsvol_header_backup(volume, story->backup), 0);
    story->backup_sequence = sequence_of(volume);
}

static void story_begin(struct story *story, void **state, bool is_detached)
{
    *story = (struct story){0};
    scene_begin(&story->scene, state, is_detached);
    (void)tmpdir_path(story->backup, *state, "backup");
    struct xtsvol_volume *volume = scene_open(&story->scene, false);
    volume_add(volume, 1);
    volume_give(volume, 4, 4, 2);
    assert_int_equal(xtsvol_pwrite(volume, "second", 6, 4ULL * XTSVOL_EXTENT_MIN), 0);
    back_up(story, volume);
    volume_add(volume, 2);
    volume_give(volume, 12, 2, 3);
    assert_int_equal(xtsvol_resize(volume, LATER_SIZE, 1), 0);
    assert_int_equal(xtsvol_resize(volume, SCENE_SIZE, 0), 0);
    assert_int_equal(xtsvol_resize(volume, LATER_SIZE, 1), 0);
    story->sequence = sequence_of(volume);
    xtsvol_volume_close(&volume);
    /* It was made shorter with the volume. */
    struct xv_superblock superblock;
    scene_state(&superblock, &story->scene);
    assert_int_equal(
        truncate(story->scene.path, (off_t)superblock.layout.data_offset + (off_t)SCENE_SIZE), 0);
    xv_superblock_free(&superblock);
}

static void story_end(struct story *story)
{
    (void)unlink(story->scene.path);
    (void)unlink(story->scene.header);
    (void)unlink(story->backup);
}

static char *metadata_path(struct story *story)
{
    return *story->scene.header ? story->scene.header : story->scene.path;
}

static int restore(struct story *story, int may_go_back)
{
    return xtsvol_header_restore(story->scene.path, story->backup, &story->scene.options,
                                 may_go_back);
}

static void assert_not_restored(struct story *story, int may_go_back, int error, const char *words)
{
    struct dump data = dump_read(story->scene.path);
    struct dump header = dump_read(story->scene.header);
    struct dump backup = dump_read(story->backup);
    int result = restore(story, may_go_back);
    if (result != error)
        fail_msg("%s, not %s (%s)", xtsvol_error_name(result), xtsvol_error_name(error),
                 result ? story->scene.failure.message : "");
    assert_told(&story->scene.failure, error, words);
    assert_same_dump(&data, story->scene.path);
    assert_same_dump(&header, story->scene.header);
    assert_same_dump(&backup, story->backup);
    dump_free(&data);
    dump_free(&header);
    dump_free(&backup);
}

static void assert_run(struct xtsvol_volume *volume, uint64_t first, uint64_t num,
                       uint32_t generation)
{
    struct xtsvol_run run;
    assert_int_equal(xtsvol_run_get(volume, &run, first * XTSVOL_EXTENT_MIN), 0);
    assert_int_equal(run.offset, first * XTSVOL_EXTENT_MIN);
    assert_int_equal(run.length, num * XTSVOL_EXTENT_MIN);
    assert_int_equal(run.generation, generation);
}

/* What the volume was when the backup was made. */
static void assert_as_backed_up(struct xtsvol_volume *volume)
{
    struct xtsvol_volume_info info;
    uint8_t read[9];
    assert_int_equal(xtsvol_info_get(volume, &info, sizeof(info)), 0);
    assert_int_equal(info.volume_size, SCENE_SIZE);
    assert_int_equal(info.num_generations, 2);
    assert_int_equal(info.generations[1].num_extents, 4);
    assert_run(volume, 0, 4, 1);
    assert_run(volume, 4, 4, 2);
    assert_run(volume, 8, 8, 1);
    assert_int_equal(xtsvol_pread(volume, read, 9, 1000), 0);
    assert_memory_equal(read, "plaintext", 9);
    assert_int_equal(xtsvol_pread(volume, read, 6, 4ULL * XTSVOL_EXTENT_MIN), 0);
    assert_memory_equal(read, "second", 6);
}

static void assert_as_later(struct xtsvol_volume *volume)
{
    struct xtsvol_volume_info info;
    assert_int_equal(xtsvol_info_get(volume, &info, sizeof(info)), 0);
    assert_int_equal(info.volume_size, LATER_SIZE);
    assert_int_equal(info.num_generations, 4);
    assert_run(volume, 0, 4, 1);
}

static void assert_sound(struct xtsvol_volume *volume)
{
    struct xtsvol_check_report report;
    assert_int_equal(xtsvol_volume_check(volume, &report, 0, NULL, NULL, NULL), 0);
    assert_int_equal(report.num_bad_copies, 0);
    assert_int_equal(report.num_bad_pages, 0);
    assert_int_equal(report.num_bad_sectors, 0);
}

static void a_backup_is_read_by(void **state)
{
    for (int is_detached = 0; is_detached <= 1; is_detached++) {
        struct story story;
        story_begin(&story, state, is_detached);
        struct dump dump = dump_read(story.backup);
        struct xtsvol_volume_info info;
        assert_int_equal(xtsvol_volume_peek(&info, sizeof(info), NULL, 0, story.backup, NULL), 0);
        assert_int_equal(info.sequence, story.backup_sequence);
        story.scene.options.header_path = story.backup;
        struct xtsvol_volume *volume = scene_open(&story.scene, true);
        assert_as_backed_up(volume);
        assert_sound(volume);
        assert_int_equal(sequence_of(volume), story.backup_sequence);
        /* A backup of it is one of the same. */
        char again[PATH_MAX];
        (void)tmpdir_path(again, *state, "again");
        assert_int_equal(xtsvol_header_backup(volume, again), 0);
        assert_same_dump(&dump, again);
        xtsvol_volume_close(&volume);
        assert_same_dump(&dump, story.backup);
        assert_int_equal(unlink(again), 0);
        dump_free(&dump);
        story_end(&story);
    }
}

static void a_backup_goes_where_nothing_is(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    struct dump dump = dump_read(scene.path);
    struct xtsvol_failure failure;
    char path[PATH_MAX];
    (void)tmpdir_path(path, *state, "precious");
    file_write(path, "", 0);
    const char *const taken[] = {path, scene.path, scene.dir->path, "/dev/null"};
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        assert_int_equal(xtsvol_header_backup(volume, taken[i]), XTSVOL_ERR_EXISTS);
        xtsvol_volume_failure(volume, &failure);
        assert_told(&failure, XTSVOL_ERR_EXISTS, "there is such a file already");
    }
    assert_same_dump(&(struct dump){.bytes = (uint8_t *)path}, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(xtsvol_header_backup(volume, "/no/such/folder/backup"), XTSVOL_ERR_NOT_FOUND);
    FAULT_EACH (loop, FAULT_WRITE | FAULT_SYNC | FAULT_METADATA, FAULT_FROM_THEN_ON, ENOSPC) {
        loop.may_be_absent = FAULT_SYNC;
        /* Removing the file that was not finished has to work. */
        loop.plan.mode = FAULT_ONCE;
        fault_loop_arm(&loop);
        int error = xtsvol_header_backup(volume, path);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error, fired ? XTSVOL_ERR_NO_SPACE : 0);
        assert_int_equal(file_exists(path), !fired);
    }
    xtsvol_volume_close(&volume);
    assert_same_dump(&dump, scene.path);
    dump_free(&dump);
}

enum destruction {
    DESTROY_FIRST = 1,
    DESTROY_SECOND = 2,
    DESTROY_BOTH = 3
};

static void destroy(struct story *story, enum destruction what)
{
    struct dump dump = dump_read(metadata_path(story));
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        if (what & (1U << copy))
            memset(dump_slot(&dump, copy), 0xd5, XV_SUPERBLOCK_MAX);
    }
    dump_write(&dump, metadata_path(story));
    dump_free(&dump);
}

static void assert_restored(struct story *story)
{
    struct xtsvol_volume *volume = scene_open(&story->scene, false);
    assert_as_backed_up(volume);
    assert_sound(volume);
    assert_true(sequence_of(volume) > story->backup_sequence);
    assert_int_equal(xtsvol_pwrite(volume, "it can be written to", 20, 0), 0);
    assert_int_equal(xtsvol_resize(volume, SCENE_SIZE + XTSVOL_EXTENT_MIN, 0), 0);
    xtsvol_volume_close(&volume);
    volume = scene_open(&story->scene, false);
    assert_run(volume, 16, 1, 2);
    xtsvol_volume_close(&volume);
}

static void restores_what_was_destroyed(void **state)
{
    for (int is_detached = 0; is_detached <= 1; is_detached++) {
        struct story story;
        story_begin(&story, state, is_detached);
        destroy(&story, DESTROY_BOTH);
        assert_refused(&story.scene, REFUSED_TO_ALL, XTSVOL_ERR_CORRUPT, "no encrypted volume");
        assert_int_equal(restore(&story, 0), 0);
        assert_int_equal(story.scene.failure.error, 0);
        assert_restored(&story);
        story_end(&story);
    }
}

/* The key that the metadata of the volume is under now: M of docs/format-volume.md. */
static void read_mac_key(const struct story *story, const char *path, uint8_t out[XV_META_KEY_LEN])
{
    struct common_secmem *arena = NULL;
    struct xv_meta_keys keys;
    struct keeper keeper = story->scene.keeper;
    struct dump dump = dump_read(path);
    assert_int_equal(common_secmem_open(&arena, NULL), 0);
    dump_keys(&keys, arena, &dump, &keeper);
    memcpy(out, keys.mac.data, XV_META_KEY_LEN);
    xv_meta_keys_wipe(&keys);
    common_secmem_close(&arena);
    dump_free(&dump);
}

/* One copy is enough to know that there is something newer. */
static void asks_before_it_goes_back(void **state)
{
    static const enum destruction destructions[] = {0, DESTROY_FIRST, DESTROY_SECOND};
    for (size_t i = 0; i < ARRAY_LEN(destructions); i++) {
        struct story story;
        struct xv_superblock later;
        uint8_t old_key[XV_META_KEY_LEN];
        uint8_t new_key[XV_META_KEY_LEN];
        story_begin(&story, state, i & 1);
        scene_state(&later, &story.scene);
        read_mac_key(&story, story.backup, old_key);
        destroy(&story, destructions[i]);
        assert_not_restored(&story, 0, XTSVOL_ERR_STATE, "newer than the backup");
        assert_int_equal(restore(&story, 1), 0);
        struct xtsvol_volume *volume = scene_open(&story.scene, true);
        assert_true(xv_epoch(sequence_of(volume)) > xv_epoch(story.sequence));
        xtsvol_volume_close(&volume);
        read_mac_key(&story, metadata_path(&story), new_key);
        assert_memory_not_equal(old_key, new_key, XV_META_KEY_LEN);
        assert_restored(&story);
        /* Of what was gone back from no wrap is left, which who took it by might use (V7). */
        struct dump dump = dump_read(metadata_path(&story));
        for (size_t j = 0; j < later.num_generations; j++)
            assert_false(dump_has(&dump, later.generations[j].wrap, later.generations[j].wrap_len));
        dump_free(&dump);
        xv_superblock_free(&later);
        story_end(&story);
    }
}

/* A host that remembers the last sequence takes what was restored, and not the backup again. */
static void a_restored_volume_is_the_newest(void **state)
{
    struct story story;
    story_begin(&story, state, false);
    assert_int_equal(restore(&story, 1), 0);
    story.scene.options.min_sequence = story.sequence;
    struct xtsvol_volume *volume = scene_open(&story.scene, false);
    story.scene.options.min_sequence = sequence_of(volume);
    xtsvol_volume_close(&volume);
    assert_not_restored(&story, 1, XTSVOL_ERR_STATE, "older than it was once");
    story.scene.options.min_sequence = 0;
    /* The same backup once more, onto itself. */
    assert_not_restored(&story, 0, XTSVOL_ERR_STATE, "newer than the backup");
    assert_int_equal(restore(&story, 1), 0);
    assert_restored(&story);
}

/* What cannot be read for want of a key may be in order. */
static void a_missing_key_is_no_damage(void **state)
{
    struct story story;
    story_begin(&story, state, false);
    story.scene.keeper.num_generations = 2; /* those of the backup */
    assert_not_restored(&story, 0, XTSVOL_ERR_NOT_FOUND, "newer than the backup, and cannot be");
    assert_int_equal(story.scene.failure.generation, 3);
    assert_int_equal(restore(&story, 1), 0);
    struct xtsvol_volume *volume = scene_open(&story.scene, true);
    assert_as_backed_up(volume);
    assert_true(sequence_of(volume) > story.sequence);
    xtsvol_volume_close(&volume);
    story_end(&story);

    /* Of the backup all keys are needed. */
    story_begin(&story, state, false);
    story.scene.keeper.num_generations = 1;
    assert_not_restored(&story, 1, XTSVOL_ERR_NOT_FOUND, "no key of generation 2");
    story.scene.keeper = (struct keeper){.number = 1};
    assert_not_restored(&story, 1, XTSVOL_ERR_DENIED, "the key of generation 1");
    story_end(&story);
}

static void refuses_the_backup_of_another_volume(void **state)
{
    struct story story;
    struct story other;
    story_begin(&other, state, false);
    char path[PATH_MAX];
    (void)tmpdir_path(path, *state, "other backup");
    assert_int_equal(rename(other.backup, path), 0);
    assert_int_equal(unlink(other.scene.path), 0);
    story_begin(&story, state, false);
    (void)memcpy(story.backup, path, sizeof(path));
    assert_not_restored(&story, 1, XTSVOL_ERR_INVALID, "of another volume");
    /* Also where the place cannot be opened, but says whose it is. */
    struct dump dump = dump_read(story.scene.path);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        dump_slot(&dump, copy)[64] ^= 1;
        slot_fix_digest(dump_slot(&dump, copy));
    }
    dump_write(&dump, story.scene.path);
    assert_not_restored(&story, 1, XTSVOL_ERR_INVALID, "of another volume");
    struct xtsvol_erasure erasure;
    struct xtsvol_volume_options options = story.scene.options;
    options.key = NULL; /* who has the keys is told that it was forged */
    assert_int_equal(
        xtsvol_volume_erase(&erasure, sizeof(erasure), story.scene.path, &options, NULL, NULL), 0);
    assert_not_restored(&story, 1, XTSVOL_ERR_INVALID, "of another volume");
    dump_free(&dump);
}

static void undoes_an_erasure_only_when_asked(void **state)
{
    struct story story;
    struct xtsvol_erasure erasure;
    story_begin(&story, state, false);
    assert_int_equal(xtsvol_volume_erase(&erasure, sizeof(erasure), story.scene.path,
                                         &story.scene.options, NULL, NULL),
                     0);
    assert_not_restored(&story, 0, XTSVOL_ERR_STATE, "was erased");
    assert_int_equal(restore(&story, 1), 0);
    assert_restored(&story);
}

/* V6: who puts back the backup of a time when plaintext was allowed would be sent plaintext. */
static void refuses_to_go_back_to_plaintext(void **state)
{
    struct story story = {0};
    struct scene *scene = &story.scene;
    struct odd_volume odd = {
        .size = SCENE_SIZE, .first_generation = 1, .plaintext_allowed = true, .uuid_byte = 9};
    scene->dir = *state;
    scene->options = volume_options(&scene->keeper, &scene->failure);
    scene->options.allow_plaintext = 1;
    (void)tmpdir_path(scene->path, *state, "volume");
    (void)tmpdir_path(story.backup, *state, "backup");
    odd_volume_make(scene->path, &odd, &scene->keeper);
    struct xtsvol_volume *volume = scene_open(scene, false);
    assert_int_equal(xtsvol_header_backup(volume, story.backup), 0);
    xtsvol_volume_close(&volume);
    assert_int_equal(unlink(scene->path), 0);
    odd.plaintext_allowed = false;
    odd_volume_make(scene->path, &odd, &scene->keeper);
    assert_not_restored(&story, 1, XTSVOL_ERR_STATE, "before all of the volume was encrypted");
    destroy(&story, DESTROY_BOTH);
    scene->options.allow_plaintext = 0;
    assert_not_restored(&story, 1, XTSVOL_ERR_STATE, "may be plaintext");
}

static void refuses_places_that_are_none(void **state)
{
    struct story story;
    story_begin(&story, state, false);
    struct dump dump = dump_read(story.scene.path);
    assert_int_equal(truncate(story.scene.path, (off_t)dump.len - 512), 0);
    assert_not_restored(&story, 1, XTSVOL_ERR_INVALID, "shorter than the volume");
    dump_write(&dump, story.scene.path);
    char header[PATH_MAX];
    (void)tmpdir_path(header, *state, "header");
    file_write(header, "", 0);
    story.scene.options.header_path = header;
    assert_not_restored(&story, 1, XTSVOL_ERR_INVALID, "with its metadata in the same file");
    story.scene.options.header_path = NULL;
    story.scene.options.is_read_only = 1;
    assert_not_restored(&story, 1, XTSVOL_ERR_INVALID, "options that cannot be used");
    story.scene.options.is_read_only = 0;
    struct xtsvol_volume *volume = scene_open(&story.scene, true);
    assert_not_restored(&story, 1, XTSVOL_ERR_BUSY, "in use by pid");
    xtsvol_volume_close(&volume);
    assert_int_equal(unlink(story.backup), 0);
    (void)tmpdir_path(story.backup, *state, "no backup");
    assert_not_restored(&story, 1, XTSVOL_ERR_NOT_FOUND, "No such file");
    file_write(story.backup, "no backup", 9);
    assert_not_restored(&story, 1, XTSVOL_ERR_CORRUPT, "no encrypted volume");
    dump_free(&dump);
    story_end(&story);

    story_begin(&story, state, true);
    story.scene.options.header_path = NULL;
    assert_not_restored(&story, 1, XTSVOL_ERR_INVALID, "with a detached header");
    story_end(&story);
}

/* The header alone, with the data elsewhere; and one that was lost, into an empty file. */
static void restores_a_header_by_itself(void **state)
{
    struct story story;
    story_begin(&story, state, true);
    struct dump data = dump_read(story.scene.path);
    assert_int_equal(xtsvol_header_restore(NULL, story.backup, &story.scene.options, 0),
                     XTSVOL_ERR_STATE);
    assert_told(&story.scene.failure, XTSVOL_ERR_STATE, "newer than the backup");
    file_write(story.scene.header, "", 0);
    assert_int_equal(xtsvol_header_restore(NULL, story.backup, &story.scene.options, 0), 0);
    assert_same_dump(&data, story.scene.path);
    assert_restored(&story);
    /* But who opens has to name the data. */
    struct xtsvol_volume *volume = NULL;
    assert_int_equal(xtsvol_volume_open(&volume, NULL, &story.scene.options), XTSVOL_ERR_INVALID);
    assert_told(&story.scene.failure, XTSVOL_ERR_INVALID, "no file is named");
    dump_free(&data);
}

/* Interrupted at each write and sync, by an error or by the end of the process: one of the two. */
static void assert_one_of_both(struct story *story, bool is_done)
{
    struct xtsvol_volume *volume = scene_open(&story->scene, false);
    uint64_t sequence = sequence_of(volume);
    if (is_done || sequence > story->sequence)
        assert_as_backed_up(volume);
    else
        assert_as_later(volume);
    struct xtsvol_check_report report;
    assert_int_equal(xtsvol_volume_check(volume, &report, 1, NULL, NULL, NULL), 0);
    assert_int_equal(report.num_bad_pages, 0);
    assert_sound(volume);
    xtsvol_volume_close(&volume);
}

static void an_interrupted_restore_leaves_one_of_both(void **state)
{
    static const enum fault_mode modes[] = {FAULT_ONCE, FAULT_FROM_THEN_ON, FAULT_SHORT_THEN_FAIL};
    struct story story;
    story_begin(&story, state, false);
    struct dump dump = dump_read(story.scene.path);
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        FAULT_EACH (loop, FAULT_WRITE | FAULT_SYNC, modes[i], EIO) {
            if (modes[i] == FAULT_SHORT_THEN_FAIL)
                loop.plan.classes = FAULT_WRITE;
            dump_write(&dump, story.scene.path);
            fault_loop_arm(&loop);
            int error = restore(&story, 1);
            bool fired = fault_loop_disarm(&loop);
            if (!fired)
                assert_int_equal(error, 0);
            if (error)
                assert_told(&story.scene.failure, XTSVOL_ERR_IO, "");
            assert_one_of_both(&story, error == 0);
        }
    }
    dump_free(&dump);
}

struct killed {
    struct story *story;
    struct fault_plan plan;
};

static int restore_and_die(void *context)
{
    struct killed *killed = context;
    fault_arm_plan(&killed->plan);
    int error = restore(killed->story, 1);
    (void)fault_disarm();
    return error ? 1 : 0;
}

static void a_killed_restore_leaves_one_of_both(void **state)
{
    struct story story;
    story_begin(&story, state, true);
    struct dump dump = dump_read(story.scene.header);
    unsigned num_killed = 0;
    for (unsigned nth = 1; nth < 100; nth++) {
        struct killed killed = {
            .story = &story,
            .plan = {.classes = FAULT_WRITE | FAULT_SYNC, .nth = nth, .mode = FAULT_KILL}};
        dump_write(&dump, story.scene.header);
        struct death death = death_of(restore_and_die, &killed, 30);
        assert_false(death.is_timeout);
        if (death.is_exit) {
            assert_int_equal(death.status, 0);
            assert_one_of_both(&story, true);
            break;
        }
        num_killed++;
        assert_one_of_both(&story, false);
    }
    assert_in_range(num_killed, 8, 98); /* 4 writes with their syncs at least */
    dump_free(&dump);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, tmpdir_setup, tmpdir_teardown)
        TEST(a_backup_is_read_by),
        TEST(a_backup_goes_where_nothing_is),
        TEST(restores_what_was_destroyed),
        TEST(asks_before_it_goes_back),
        TEST(a_restored_volume_is_the_newest),
        TEST(a_missing_key_is_no_damage),
        TEST(refuses_the_backup_of_another_volume),
        TEST(undoes_an_erasure_only_when_asked),
        TEST(refuses_to_go_back_to_plaintext),
        TEST(refuses_places_that_are_none),
        TEST(restores_a_header_by_itself),
        TEST(an_interrupted_restore_leaves_one_of_both),
        TEST(a_killed_restore_leaves_one_of_both),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
