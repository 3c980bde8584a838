/* SPDX-License-Identifier: Apache-2.0 */
/* The system fails while the metadata of a volume is made, changed, checked, copied or erased. */
#include "libxtsvol/src/volume/handle.h"
#include "tests/volume/fault_rig.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MIB = 1024 * 1024,
    PAGES_LEN = 3 * 4096 /* of one copy of the map */
};

static const unsigned change_faults = FAULT_MALLOC | FAULT_RANDOM | FAULT_WRITE | FAULT_SYNC;
/* The second copy of the metadata: 4 and 5 of a commit. */
static const unsigned second_copy = FAULT_WRITE | FAULT_SYNC | FAULT_MALLOC;

static const struct rig_kind with_pages = {
    "attached, 4096, two generations", 5ULL * RIG_EXTENT, 4096, false, true, 0};

/* What was refused can be done once the system is well again, unless the volume has stopped. */
static void can_be_resized(struct rig *rig)
{
    if (!rig->error)
        return;
    int error = xtsvol_resize(rig->volume, rig->new_size, 1);
    if (error != XTSVOL_ERR_STATE)
        assert_int_equal(error, 0);
    if (!error)
        rig->size = rig->new_size < rig->size ? rig->new_size : rig->size;
}

static int grow(struct rig *rig)
{
    rig->new_size = 7 * RIG_EXTENT + 8192;
    return xtsvol_resize(rig->volume, rig->new_size, 0);
}

static int shrink(struct rig *rig)
{
    rig->new_size = 4 * RIG_EXTENT - 4096;
    return xtsvol_resize(rig->volume, rig->new_size, 1);
}

static void growing(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "grow",
                                    .run = grow,
                                    .check = can_be_resized,
                                    .classes = change_faults | FAULT_METADATA,
                                    .swallows = second_copy});
    rig_run(&(struct rig_operation){.name = "grow with pages",
                                    .run = grow,
                                    .check = can_be_resized,
                                    .classes = change_faults | FAULT_METADATA | FAULT_READ,
                                    .swallows = second_copy | FAULT_READ,
                                    .kind = &with_pages});
}

/* That the file stays as long as it was is no failure. */
static void shrinking(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "shrink",
                                    .run = shrink,
                                    .check = can_be_resized,
                                    .classes = change_faults | FAULT_METADATA,
                                    .swallows = second_copy | FAULT_METADATA});
    rig_run(&(struct rig_operation){.name = "shrink with pages",
                                    .run = shrink,
                                    .check = can_be_resized,
                                    .classes = change_faults | FAULT_METADATA | FAULT_READ,
                                    .swallows = second_copy | FAULT_METADATA | FAULT_READ,
                                    .kind = &with_pages});
}

/* A copy that is damaged is written before what stands in the other one is overwritten. */
static void damage_and_open(struct rig *rig)
{
    rig_open(rig);
    rig_damage(rig, 12ULL * MIB + MIB / 4 + PAGES_LEN, PAGES_LEN);
}

static void growing_with_a_damaged_copy(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "grow with a damaged copy",
                                    .prepare = damage_and_open,
                                    .run = grow,
                                    .check = can_be_resized,
                                    .classes = change_faults | FAULT_METADATA | FAULT_READ,
                                    .swallows = second_copy | FAULT_READ,
                                    .kind = &with_pages});
}

static int add_generation(struct rig *rig)
{
    return xv_volume_add_generation(rig->volume);
}

static void there_is_one_more_or_not(struct rig *rig)
{
    struct xtsvol_volume_info info;
    uint32_t before = 1 + (uint32_t)rig->kind->has_pages;
    assert_int_equal(xtsvol_info_get(rig->volume, &info, sizeof(info)), 0);
    assert_int_equal(info.num_generations, before + (rig->error == 0));
    if (!rig->error)
        return;
    int error = xv_volume_add_generation(rig->volume);
    if (error != XTSVOL_ERR_STATE)
        assert_int_equal(error, 0);
}

static void joining_generations(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "add a generation",
                                    .run = add_generation,
                                    .check = there_is_one_more_or_not,
                                    .classes = change_faults,
                                    .swallows = second_copy | FAULT_MLOCK});
}

static void told_of_a_run(void *context, uint64_t offset, uint64_t length)
{
    uint64_t *bad = context;
    (void)offset;
    *bad += length;
}

static int check(struct rig *rig)
{
    struct xtsvol_check_report report;
    uint64_t num_bad = 0;
    int error = xtsvol_volume_check(rig->volume, &report, 0, told_of_a_run, NULL, &num_bad);
    if (error)
        return rig_is_zero(&report, sizeof(report)) ? error : -100;
    bool found = report.num_bad_copies || report.num_bad_pages || report.num_bad_sectors;
    if (report.num_repaired || (num_bad > 0) != (report.num_bad_pages || report.num_bad_sectors))
        return -101;
    rig->has_found = found;
    return 0;
}

/* What the medium does not give is found, and nothing is found where it gave all. */
static void nothing_is_found_without_reason(struct rig *rig)
{
    bool may_find = rig->fired && (rig->fault->classes & FAULT_READ) && rig->fault->error == EIO &&
                    rig->fault->mode != FAULT_SHORT;
    if (!rig->error && !may_find)
        assert_false(rig->has_found);
    if (!rig->error && rig->fired && rig->fault->mode == FAULT_FROM_THEN_ON)
        assert_true(rig->has_found);
}

static void checks(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "check",
                                    .run = check,
                                    .check = nothing_is_found_without_reason,
                                    .classes = FAULT_MALLOC | FAULT_READ,
                                    .swallows = FAULT_READ});
}

static void open_and_damage(struct rig *rig)
{
    rig_open(rig);
    rig_damage(rig, 4ULL * MIB, 4096);
    rig_damage(rig, 4ULL * MIB + MIB / 4, PAGES_LEN);
}

static int repair(struct rig *rig)
{
    struct xtsvol_check_report report;
    int error = xtsvol_volume_check(rig->volume, &report, 1, NULL, NULL, NULL);
    if (error)
        return rig_is_zero(&report, sizeof(report)) ? error : -100;
    rig->has_found = report.num_bad_copies > 0 && report.num_repaired >= report.num_bad_copies;
    return 0;
}

static void it_is_in_order_afterwards(struct rig *rig)
{
    struct xtsvol_check_report report;
    /* What could not be read could not be mended; nor was it forgotten. */
    bool is_left = rig->error || (rig->fired && (rig->fault->classes & FAULT_READ));
    if (!is_left)
        assert_true(rig->has_found);
    int error = 0;
    if (is_left)
        error = xtsvol_volume_check(rig->volume, &report, 1, NULL, NULL, NULL);
    if (error == XTSVOL_ERR_STATE) /* V14 */
        return;
    assert_int_equal(error, 0);
    assert_int_equal(xtsvol_volume_check(rig->volume, &report, 0, NULL, NULL, NULL), 0);
    assert_int_equal(report.num_bad_copies + report.num_bad_pages, 0);
}

static void repairs(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "check and repair",
                                    .prepare = open_and_damage,
                                    .run = repair,
                                    .check = it_is_in_order_afterwards,
                                    .classes = FAULT_MALLOC | FAULT_READ | FAULT_WRITE | FAULT_SYNC,
                                    .swallows = FAULT_READ});
}

static int create(struct rig *rig)
{
    struct xtsvol_volume_options options = rig_options(rig);
    struct xtsvol_create_options wanted = xtsvol_create_options_default();
    wanted.volume_size = rig->size;
    wanted.sector_size = rig->kind->sector_size;
    wanted.extent_size = RIG_EXTENT;
    int error = xtsvol_volume_create(&rig->volume, rig->path, &wanted, &options);
    return (error != 0) == (rig->volume == NULL) ? error : -100;
}

static void remove_files(struct rig *rig)
{
    rig->volume = NULL;
    rig_will_lose(rig, 0, rig->size);
    (void)unlink(rig->path);
    (void)unlink(rig->header);
}

/* A file system that lets nothing be removed either is a case of its own. */
static void no_file_is_left(struct rig *rig)
{
    if (!rig->error)
        return;
    bool can_remove =
        !(rig->fault->classes & FAULT_METADATA) || rig->fault->mode != FAULT_FROM_THEN_ON;
    if (can_remove) {
        assert_false(file_exists(rig->path));
        assert_false(file_exists(rig->header));
    }
    remove_files(rig);
    assert_int_equal(create(rig), 0);
    xtsvol_volume_close(&rig->volume);
}

static const unsigned create_faults = FAULT_MALLOC | FAULT_MMAP | FAULT_MLOCK | FAULT_OPEN |
                                      FAULT_WRITE | FAULT_SYNC | FAULT_METADATA | FAULT_FLOCK |
                                      FAULT_RANDOM;

static void creations(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "create",
                                    .prepare = remove_files,
                                    .run = create,
                                    .check = no_file_is_left,
                                    .classes = create_faults,
                                    .swallows = FAULT_MLOCK | FAULT_MMAP,
                                    .is_apart = true});
    rig_run(&(struct rig_operation){.name = "create with workers",
                                    .prepare = remove_files,
                                    .run = create,
                                    .check = no_file_is_left,
                                    .classes = FAULT_THREAD,
                                    .is_apart = true,
                                    .kind = &rig_kind_with_workers});
}

static void make_files_empty(struct rig *rig)
{
    remove_files(rig);
    file_write(rig->path, "", 0);
    file_write(rig->header, "", 0);
}

static void assert_empty(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 0);
}

static void the_files_are_empty_again(struct rig *rig)
{
    if (!rig->error)
        return;
    bool can_shorten =
        !(rig->fault->classes & FAULT_METADATA) || rig->fault->mode != FAULT_FROM_THEN_ON;
    if (can_shorten) {
        assert_empty(rig->path);
        assert_empty(rig->header);
    }
    remove_files(rig);
    assert_int_equal(create(rig), 0);
    xtsvol_volume_close(&rig->volume);
}

static void creations_in_empty_files(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "create in empty files",
                                    .prepare = make_files_empty,
                                    .run = create,
                                    .check = the_files_are_empty_again,
                                    .classes = FAULT_WRITE | FAULT_SYNC | FAULT_METADATA,
                                    .is_apart = true});
}

static int backup(struct rig *rig)
{
    return xtsvol_header_backup(rig->volume, rig->spare);
}

static void a_failed_backup_leaves_no_file(struct rig *rig)
{
    bool can_remove =
        !(rig->fault->classes & FAULT_METADATA) || rig->fault->mode != FAULT_FROM_THEN_ON;
    assert_int_equal(file_exists(rig->spare), !rig->error || !can_remove);
    if (rig->error) {
        (void)unlink(rig->spare);
        assert_int_equal(backup(rig), 0);
    }
    /* It is one: another volume's would be refused. */
    struct xtsvol_volume_info info;
    assert_int_equal(xtsvol_volume_peek(&info, sizeof(info), NULL, 0, rig->spare, NULL), 0);
}

static void backups(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "back up",
                                    .run = backup,
                                    .check = a_failed_backup_leaves_no_file,
                                    .classes = FAULT_MALLOC | FAULT_OPEN | FAULT_WRITE |
                                               FAULT_SYNC | FAULT_METADATA | FAULT_FLOCK,
                                    .swallows = FAULT_FLOCK,
                                    .num_locks = {1, 1},
                                    .syncs_another_file = true});
    rig_run(&(struct rig_operation){.name = "back up with pages",
                                    .run = backup,
                                    .check = a_failed_backup_leaves_no_file,
                                    .classes = FAULT_READ,
                                    .swallows = FAULT_READ,
                                    .syncs_another_file = true,
                                    .kind = &with_pages});
}

static int restore(struct rig *rig)
{
    struct xtsvol_volume_options options = rig_options(rig);
    return xtsvol_header_restore(rig->path, rig->kept, &options, 1);
}

static const unsigned restore_faults = FAULT_MALLOC | FAULT_MMAP | FAULT_MLOCK | FAULT_OPEN |
                                       FAULT_READ | FAULT_WRITE | FAULT_SYNC | FAULT_FLOCK |
                                       FAULT_RANDOM;
static const unsigned restore_swallows =
    FAULT_MLOCK | FAULT_MMAP | FAULT_READ | FAULT_WRITE | FAULT_SYNC | FAULT_FLOCK | FAULT_MALLOC;

static void not_open(struct rig *rig)
{
    rig->volume = NULL;
}

/* The volume is in order before: so it is after, whether it was restored or not. */
static void restores(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "restore",
                                    .prepare = not_open,
                                    .run = restore,
                                    .num_locks = {2, 3},
                                    .classes = restore_faults,
                                    .swallows = restore_swallows,
                                    .is_apart = true});
}

static void destroy_superblocks(struct rig *rig)
{
    not_open(rig);
    rig_damage(rig, 0, 4096);
    rig_damage(rig, 4ULL * MIB, 4096);
}

static void can_be_restored(struct rig *rig)
{
    if (rig->error)
        assert_int_equal(restore(rig), 0);
}

static void restores_of_what_is_destroyed(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "restore what is destroyed",
                                    .prepare = destroy_superblocks,
                                    .run = restore,
                                    .num_locks = {2, 3},
                                    .check = can_be_restored,
                                    .classes = restore_faults & ~(unsigned)FAULT_RANDOM,
                                    .swallows = restore_swallows,
                                    .is_apart = true});
}

/* Generation by generation, and then there are no keys any more. */
static int destroy(void *context, const uint8_t uuid[XTSVOL_UUID_LEN], uint32_t generation)
{
    struct rig *rig = context;
    (void)uuid;
    rig->keeper.num_destroyed++;
    if (generation == 1 + (uint32_t)rig->kind->has_pages)
        rig->keeper.error = XTSVOL_ERR_NOT_FOUND;
    return 0;
}

static int erase(struct rig *rig)
{
    struct xtsvol_volume_options options = rig_options(rig);
    struct xtsvol_erasure erasure;
    int error = xtsvol_volume_erase(&erasure, sizeof(erasure), rig->path, &options, destroy, rig);
    if (error)
        return rig_is_zero(&erasure, sizeof(erasure)) ? error : -100;
    rig->has_found = erasure.keys_destroyed;
    return 0;
}

/* Without a key nobody can tell any more whose they were, as the record of a second try says. */
static void erasing_can_be_ended(struct rig *rig)
{
    if (rig->error)
        assert_int_equal(erase(rig), 0);
    else
        assert_true(rig->has_found);
    assert_true(rig->keeper.num_destroyed >= 1 + (unsigned)rig->kind->has_pages);
    struct xtsvol_volume_options options = rig_options(rig);
    assert_int_equal(xtsvol_volume_open(&rig->volume, rig->path, &options), XTSVOL_ERR_STATE);
    assert_null(rig->volume);
}

static void erasures(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "erase",
                                    .prepare = not_open,
                                    .run = erase,
                                    .num_locks = {1, 2},
                                    .check = erasing_can_be_ended,
                                    .classes = restore_faults,
                                    .swallows = FAULT_MLOCK | FAULT_MMAP | FAULT_READ | FAULT_FLOCK,
                                    .is_apart = true,
                                    .may_not_open = true});
}

int main(void)
{
#define UNDER_FAULTS(test) cmocka_unit_test_teardown(test, rig_teardown)
    const struct CMUnitTest tests[] = {
        UNDER_FAULTS(growing),
        UNDER_FAULTS(shrinking),
        UNDER_FAULTS(growing_with_a_damaged_copy),
        UNDER_FAULTS(joining_generations),
        UNDER_FAULTS(checks),
        UNDER_FAULTS(repairs),
        UNDER_FAULTS(creations),
        UNDER_FAULTS(creations_in_empty_files),
        UNDER_FAULTS(backups),
        UNDER_FAULTS(restores),
        UNDER_FAULTS(restores_of_what_is_destroyed),
        UNDER_FAULTS(erasures),
    };
    return cmocka_run_group_tests_name("volume_fault_meta", tests, NULL, NULL);
}
