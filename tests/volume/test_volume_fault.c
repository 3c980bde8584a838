/* SPDX-License-Identifier: Apache-2.0 */
/* The system fails while a volume is opened, read, written to and looked at: fault_rig.h. */
#include "tests/volume/fault_rig.h"
#include "tests/volume/volume_full.h"

#include <string.h>

enum {
    MIB = 1024 * 1024,
    FROM = 2 * RIG_EXTENT - 5000, /* sectors in part, and extents of two generations */
    LEN = 9999,
    PAGES_LEN = 3 * 4096,               /* of one copy of the map */
    WHOLE_FROM = 2 * RIG_EXTENT - 8192, /* whole sectors */
    WHOLE_LEN = 16384,
    LONG_LEN = 2 * MIB + 3 * MIB / 2 /* shared by threads */
};

static const unsigned read_faults = FAULT_MALLOC | FAULT_READ;
static const unsigned write_faults = FAULT_MALLOC | FAULT_WRITE;

/* On failure the buffer holds zeroes. */
static int filled(const struct rig *rig, const uint8_t *bytes, size_t len, uint64_t offset,
                  int error)
{
    if (error && !rig_is_zero(bytes, len))
        return -100;
    return !error && memcmp(bytes, rig->expected + offset, len) != 0 ? -101 : error;
}

static int read_whole_sectors(struct rig *rig)
{
    memset(rig->work, 0xee, WHOLE_LEN);
    int error = xtsvol_pread(rig->volume, rig->work, WHOLE_LEN, WHOLE_FROM);
    return filled(rig, rig->work, WHOLE_LEN, WHOLE_FROM, error);
}

static int read_parts_of_sectors(struct rig *rig)
{
    memset(rig->work, 0xee, LEN);
    int error = xtsvol_pread(rig->volume, rig->work, LEN, FROM);
    return filled(rig, rig->work, LEN, FROM, error);
}

/* One byte, nothing, and the rest in two parts. */
static void cut(struct iovec list[4], uint8_t *bytes)
{
    static const size_t lens[] = {1, 4904, 0, LEN - 4905};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        list[i].iov_base = lens[i] > 0 ? bytes : NULL;
        list[i].iov_len = lens[i];
        bytes += lens[i];
    }
}

static int read_a_list(struct rig *rig)
{
    struct iovec list[4];
    cut(list, rig->work);
    memset(rig->work, 0xee, LEN);
    int error = xtsvol_preadv(rig->volume, list, 4, FROM);
    return filled(rig, rig->work, LEN, FROM, error);
}

static int read_with_workers(struct rig *rig)
{
    memset(rig->work, 0xee, LONG_LEN);
    int error = xtsvol_pread(rig->volume, rig->work, LONG_LEN, 511);
    return filled(rig, rig->work, LONG_LEN, 511, error);
}

/* A copy of a page of the map that cannot be read is in order in the other one. */
static void reads(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "read whole sectors",
                                    .run = read_whole_sectors,
                                    .classes = read_faults,
                                    .swallows = FAULT_READ});
    rig_run(&(struct rig_operation){.name = "read parts of sectors",
                                    .run = read_parts_of_sectors,
                                    .classes = read_faults,
                                    .swallows = FAULT_READ});
    rig_run(&(struct rig_operation){
        .name = "read a list", .run = read_a_list, .classes = read_faults, .swallows = FAULT_READ});
    rig_run(&(struct rig_operation){.name = "read with workers",
                                    .run = read_with_workers,
                                    .classes = read_faults,
                                    .swallows = FAULT_READ,
                                    .kind = &rig_kind_with_workers});
}

static int write_whole_sectors(struct rig *rig)
{
    rig_will_write(rig, WHOLE_FROM, WHOLE_LEN);
    return xtsvol_pwrite(rig->volume, rig->next + WHOLE_FROM, WHOLE_LEN, WHOLE_FROM);
}

static int write_parts_of_sectors(struct rig *rig)
{
    rig_will_write(rig, FROM, LEN);
    return xtsvol_pwrite(rig->volume, rig->next + FROM, LEN, FROM);
}

static int write_a_list(struct rig *rig)
{
    struct iovec list[4];
    rig_will_write(rig, FROM, LEN);
    cut(list, rig->next + FROM);
    return xtsvol_pwritev(rig->volume, list, 4, FROM);
}

static int write_zeroes(struct rig *rig)
{
    rig_will_write(rig, FROM, LEN);
    memset(rig->next + FROM, 0, LEN);
    return xtsvol_write_zeroes(rig->volume, LEN, FROM);
}

static int write_with_workers(struct rig *rig)
{
    rig_will_write(rig, 511, LONG_LEN);
    return xtsvol_pwrite(rig->volume, rig->next + 511, LONG_LEN, 511);
}

static void writes(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){
        .name = "write whole sectors", .run = write_whole_sectors, .classes = write_faults});
    rig_run(&(struct rig_operation){.name = "write parts of sectors",
                                    .run = write_parts_of_sectors,
                                    .classes = write_faults | FAULT_READ,
                                    .swallows = FAULT_READ});
    rig_run(&(struct rig_operation){.name = "write a list",
                                    .run = write_a_list,
                                    .classes = write_faults | FAULT_READ,
                                    .swallows = FAULT_READ});
    rig_run(&(struct rig_operation){.name = "write zeroes",
                                    .run = write_zeroes,
                                    .classes = write_faults | FAULT_READ,
                                    .swallows = FAULT_READ});
    rig_run(&(struct rig_operation){.name = "write with workers",
                                    .run = write_with_workers,
                                    .classes = write_faults | FAULT_READ,
                                    .swallows = FAULT_READ,
                                    .kind = &rig_kind_with_workers});
}

static int write_and_flush(struct rig *rig)
{
    rig_will_write(rig, WHOLE_FROM, WHOLE_LEN);
    int error = xtsvol_pwrite(rig->volume, rig->next + WHOLE_FROM, WHOLE_LEN, WHOLE_FROM);
    return error ? error : xtsvol_flush(rig->volume);
}

static void a_failed_flush_stays_failed(struct rig *rig)
{
    if (!rig->error || rig->fault->classes != FAULT_SYNC)
        return;
    assert_int_equal(xtsvol_flush(rig->volume), rig->error);
    assert_int_equal(xtsvol_flush(rig->volume), rig->error);
}

static void flushes(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "write and flush",
                                    .run = write_and_flush,
                                    .check = a_failed_flush_stays_failed,
                                    .classes = FAULT_SYNC | FAULT_WRITE});
}

static int discard(struct rig *rig)
{
    uint64_t sector = rig->kind->sector_size;
    rig_will_lose(rig, (WHOLE_FROM + 1 + sector - 1) / sector * sector, WHOLE_LEN - sector);
    return xtsvol_discard(rig->volume, WHOLE_LEN - 1, WHOLE_FROM + 1);
}

static int look_for_holes(struct rig *rig)
{
    uint64_t end = 0;
    int is_hole = -1;
    int error = xtsvol_next_hole(rig->volume, &end, &is_hole, 100);
    return error ? error : end != rig->size || is_hole != 0 ? -100 : 0;
}

static void discards(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "discard", .run = discard, .classes = FAULT_METADATA});
}

static int look_at_runs(struct rig *rig)
{
    struct xtsvol_run run;
    struct xtsvol_volume_info info;
    uint64_t generation_end = rig->kind->has_pages ? 3ULL * RIG_EXTENT : rig->size;
    int error = xtsvol_info_get(rig->volume, &info, sizeof(info));
    if (!error && info.num_generations != 1 + (uint32_t)rig->kind->has_pages)
        return -100;
    if (!error)
        error = look_for_holes(rig);
    if (error)
        return error;
    error = xtsvol_run_get(rig->volume, &run, RIG_EXTENT);
    if (error)
        return run.offset || run.length || run.generation ? -101 : error;
    return run.length != generation_end - RIG_EXTENT || run.generation != 1 ? -102 : 0;
}

/* Where there is one generation nothing is read, nor is anything needed. */
static void lookups(void **state)
{
    (void)state;
    static const struct rig_kind kind = {
        "detached, 4096, two generations", 5ULL * RIG_EXTENT, 4096, true, true, 0};
    rig_run(&(struct rig_operation){.name = "info, holes and runs",
                                    .run = look_at_runs,
                                    .classes = read_faults,
                                    .swallows = FAULT_READ,
                                    .kind = &kind});
}

static int open_it(struct rig *rig)
{
    struct xtsvol_volume_options options = rig_options(rig);
    int error = xtsvol_volume_open(&rig->volume, rig->path, &options);
    return (error != 0) == (rig->volume == NULL) ? error : -100;
}

static int open_for_reading(struct rig *rig)
{
    struct xtsvol_volume_options options = rig_options(rig);
    options.is_read_only = 1;
    int error = xtsvol_volume_open(&rig->volume, rig->path, &options);
    return (error != 0) == (rig->volume == NULL) ? error : -100;
}

static void not_open(struct rig *rig)
{
    rig->volume = NULL;
}

static const unsigned open_faults =
    FAULT_MALLOC | FAULT_MMAP | FAULT_MLOCK | FAULT_OPEN | FAULT_READ | FAULT_SYNC | FAULT_FLOCK;
/* Unlocked memory is told by an event; a copy that cannot be read is not needed. */
static const unsigned open_swallows = FAULT_MLOCK | FAULT_MMAP | FAULT_READ;

static void openings(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "open",
                                    .prepare = not_open,
                                    .run = open_it,
                                    .classes = open_faults,
                                    .swallows = open_swallows,
                                    .is_apart = true});
    rig_run(&(struct rig_operation){.name = "open for reading",
                                    .prepare = not_open,
                                    .run = open_for_reading,
                                    .classes = open_faults,
                                    .swallows = open_swallows,
                                    .is_apart = true});
    rig_run(&(struct rig_operation){.name = "open with workers",
                                    .prepare = not_open,
                                    .run = open_it,
                                    .classes = open_faults | FAULT_THREAD,
                                    .swallows = open_swallows,
                                    .is_apart = true,
                                    .kind = &rig_kind_with_workers});
}

/* One superblock is gone, and what stands of the map in one copy. */
static void damage_one_copy(struct rig *rig)
{
    not_open(rig);
    rig_damage(rig, 4ULL * MIB, 4096);
    rig_damage(rig, 4ULL * MIB + MIB / 4, PAGES_LEN);
}

static void healings(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "open and heal",
                                    .prepare = damage_one_copy,
                                    .run = open_it,
                                    .classes = open_faults | FAULT_WRITE,
                                    .swallows = open_swallows,
                                    .is_apart = true});
}

static int peek(struct rig *rig)
{
    struct xtsvol_volume_info info;
    struct xtsvol_erasure erasure;
    memset(&rig->failure, 0, sizeof(rig->failure));
    int error = xtsvol_volume_peek(&info, sizeof(info), &erasure, sizeof(erasure),
                                   rig_metadata_path(rig), &rig->failure);
    if (error)
        return rig_is_zero(&info, sizeof(info)) ? error : -100;
    return info.volume_size == rig->size && !info.is_verified ? 0 : -101;
}

static void peeks(void **state)
{
    (void)state;
    rig_run(&(struct rig_operation){.name = "peek",
                                    .prepare = not_open,
                                    .run = peek,
                                    .num_locks = {1, 1},
                                    .classes = FAULT_MALLOC | FAULT_OPEN | FAULT_READ | FAULT_SYNC |
                                               FAULT_FLOCK,
                                    .swallows = FAULT_READ | FAULT_FLOCK,
                                    .is_apart = true});
}

int main(int argc, char **argv)
{
    (void)argv;
#define UNDER_FAULTS(test) cmocka_unit_test_teardown(test, rig_teardown)
    const struct CMUnitTest tests[] = {
        UNDER_FAULTS(reads),    UNDER_FAULTS(writes),  UNDER_FAULTS(flushes),
        UNDER_FAULTS(discards), UNDER_FAULTS(lookups), UNDER_FAULTS(openings),
        UNDER_FAULTS(healings), UNDER_FAULTS(peeks),
    };
    if (argc > 1)
        return volume_full_tests();
    return cmocka_run_group_tests_name("volume_fault", tests, NULL, NULL);
}
