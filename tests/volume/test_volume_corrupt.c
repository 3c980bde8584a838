/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A volume, and every way to damage its metadata that has a name (corrupt_superblock.c,
 * corrupt_page.c). V1: nothing of it is believed. V5: where one copy is damaged, all is there, and
 * after a repair the copies are the same again. Where it is refused, nothing was changed.
 */
#include "tests/volume/corruption.h"

#include <stdlib.h>
#include <string.h>

enum {
    NUM_GENERATIONS = 16,
    NUM_EXTENTS = 2040 /* so that there are two leaves */
};

/* Known bytes, in both leaves and both generations. */
static const uint64_t places[] = {0, 10, 2020};

struct ward {
    struct tmpdir dir;
    struct patient patient;
    struct dump healthy;
    struct common_secmem *arena;
    struct keeper keeper;
    struct xtsvol_failure failure;
    struct xtsvol_volume_options options;
    struct seen seen;
    char data[PATH_MAX];
    char header[PATH_MAX];
};

static void write_places(struct xtsvol_volume *volume)
{
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        assert_int_equal(
            xtsvol_pwrite(volume, "known bytes", 11, places[i] * XTSVOL_EXTENT_MIN + 700), 0);
    assert_int_equal(xtsvol_flush(volume), 0);
}

/* The header of a volume some commits old, and one commit younger. */
static void make_patient(struct ward *ward, struct dump *older, struct dump *younger)
{
    struct xtsvol_create_options create = xtsvol_create_options_default();
    struct xtsvol_volume *volume = NULL;
    create.volume_size = (uint64_t)NUM_EXTENTS * XTSVOL_EXTENT_MIN;
    create.max_volume_size = 4000ULL * XTSVOL_EXTENT_MIN;
    create.extent_size = XTSVOL_EXTENT_MIN;
    create.sector_size = 512;
    assert_volume_works(xtsvol_volume_create(&volume, ward->data, &create, &ward->options),
                        &ward->failure);
    volume_add(volume, NUM_GENERATIONS - 1);
    volume_give(volume, 10, 20, 2);
    volume_give(volume, 2017, 13, 2);
    write_places(volume);
    *older = dump_read(ward->header);
    volume_give(volume, 100, 10, 2);
    volume_give(volume, 2030, 10, 2);
    xtsvol_volume_close(&volume);
    *younger = dump_read(ward->header);
}

static int ward_setup(void **state)
{
    struct ward *ward = calloc(1, sizeof(*ward));
    assert_non_null(ward);
    struct patient *patient = &ward->patient;
    struct dump ignored = {0};
    tmpdir_make(&ward->dir);
    (void)tmpdir_path(ward->data, &ward->dir, "data");
    (void)tmpdir_path(ward->header, &ward->dir, "header");
    ward->keeper.num_generations = NUM_GENERATIONS;
    ward->options = volume_options(&ward->keeper, &ward->failure);
    ward->options.header_path = ward->header;
    ward->options.event = seen_event;
    ward->options.event_context = &ward->seen;
    make_patient(ward, &ignored, &patient->other);
    dump_free(&ignored);
    assert_int_equal(unlink(ward->data), 0);
    assert_int_equal(unlink(ward->header), 0);
    make_patient(ward, &patient->older, &ward->healthy);
    slot_decode(&patient->state, dump_slot(&ward->healthy, 0));
    slot_decode(&patient->other_state, dump_slot(&patient->other, 0));
    assert_int_equal(common_secmem_open(&ward->arena, NULL), 0);
    dump_keys(&patient->keys, ward->arena, &ward->healthy, &ward->keeper);
    /* Else the names would not be what is done. */
    assert_int_equal(patient->state.root.kind, XV_ENTRY_PAGE);
    assert_int_equal(patient->state.layout.map[0].length, 3 * XV_PAGE_LEN);
    assert_true(slot_len(dump_slot(&ward->healthy, 0)) > 1536);
    *state = ward;
    return 0;
}

static int ward_teardown(void **state)
{
    struct ward *ward = *state;
    dump_free(&ward->healthy);
    dump_free(&ward->patient.older);
    dump_free(&ward->patient.other);
    xv_superblock_free(&ward->patient.state);
    xv_superblock_free(&ward->patient.other_state);
    xv_meta_keys_wipe(&ward->patient.keys);
    common_secmem_close(&ward->arena);
    tmpdir_remove(&ward->dir);
    free(ward);
    return 0;
}

static int try_open(struct xtsvol_volume **out, struct ward *ward, bool is_read_only)
{
    struct xtsvol_volume_options options = ward->options;
    options.is_read_only = is_read_only;
    ward->seen = (struct seen){0};
    return xtsvol_volume_open(out, ward->data, &options);
}

/* How many of the known bytes are there. None is ever another one than it was. */
static size_t num_readable(struct xtsvol_volume *volume)
{
    size_t num = 0;
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        uint8_t read[11];
        int error = xtsvol_pread(volume, read, 11, places[i] * XTSVOL_EXTENT_MIN + 700);
        assert_true(error == 0 || error == XTSVOL_ERR_CORRUPT);
        if (!error)
            assert_memory_equal(read, "known bytes", 11);
        num += !error;
    }
    return num;
}

static void assert_copies_are_the_same(const struct ward *ward)
{
    struct dump now = dump_read(ward->header);
    const uint8_t *slots[] = {dump_slot(&now, 0), dump_slot(&now, 1)};
    const struct xv_region *map = ward->patient.state.layout.map;
    assert_int_equal(slot_len(slots[0]), slot_len(slots[1]));
    assert_int_equal(slots[0][11], 0);
    assert_int_equal(slots[1][11], 1);
    assert_memory_equal(slots[0], slots[1], 11);
    assert_memory_equal(slots[0] + XV_PRELUDE_LEN, slots[1] + XV_PRELUDE_LEN,
                        slot_len(slots[0]) - XV_PRELUDE_LEN);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
        assert_int_equal(xv_superblock_digest(slots[copy], slot_len(slots[copy])), 0);
    assert_memory_equal(now.bytes + map[0].offset, now.bytes + map[1].offset, map[0].length);
    dump_free(&now);
}

static void assert_can_be_read(struct xtsvol_volume *volume, int verdict)
{
    size_t num = num_readable(volume);
    if (verdict == PAGE_LOST || verdict == EXTENT_LOST)
        assert_in_range(num, 0, ARRAY_LEN(places) - 1);
    else
        assert_int_equal(num, ARRAY_LEN(places));
}

/* What a check says, and what a repair makes of it: what is lost stays lost, and is no error. */
static void assert_checked(struct xtsvol_volume *volume, int verdict)
{
    struct xtsvol_check_report report;
    bool is_told = verdict == PAGE_TOLD;
    assert_int_equal(xtsvol_volume_check(volume, &report, 0, NULL, NULL, NULL), 0);
    assert_int_equal(report.num_bad_copies > 0, is_told);
    assert_int_equal(report.num_bad_pages > 0, verdict == PAGE_LOST);
    assert_int_equal(report.num_repaired, 0);
    uint64_t num_bad = report.num_bad_copies;
    assert_int_equal(xtsvol_volume_check(volume, &report, 1, NULL, NULL, NULL), 0);
    assert_int_equal(report.num_repaired, num_bad);
    assert_int_equal(xtsvol_volume_check(volume, &report, 1, NULL, NULL, NULL), 0);
    assert_int_equal(report.num_bad_copies, 0);
    assert_int_equal(report.num_repaired, 0);
    assert_int_equal(report.num_bad_pages > 0, verdict == PAGE_LOST);
}

static void assert_opens(struct ward *ward, int verdict, bool is_read_only)
{
    struct xtsvol_volume *volume = NULL;
    assert_volume_works(try_open(&volume, ward, is_read_only), &ward->failure);
    bool is_recovered = !is_read_only && (verdict == TOLD || verdict == RECOVERS);
    assert_int_equal(seen_count(&ward->seen, "VolumeCopyDamaged"), verdict == TOLD);
    assert_int_equal(seen_count(&ward->seen, "VolumeRecovered"), is_recovered);
    assert_can_be_read(volume, verdict);
    if (!is_read_only && verdict >= PAGE_TOLD && verdict != OLDER)
        assert_checked(volume, verdict);
    xtsvol_volume_close(&volume);
    bool is_changed = !is_read_only && verdict != SILENT && verdict != OLDER;
    if (!is_changed)
        assert_same_dump(&ward->patient.dump, ward->header);
    else if (verdict < PAGE_LOST)
        assert_copies_are_the_same(ward);
    if (is_recovered) {
        /* Once is enough. */
        assert_volume_works(try_open(&volume, ward, false), &ward->failure);
        assert_int_equal(ward->seen.num, 0);
        assert_can_be_read(volume, verdict);
        xtsvol_volume_close(&volume);
    }
}

static void assert_verdict(struct ward *ward, int verdict)
{
    for (int is_read_only = 1; is_read_only >= 0; is_read_only--) {
        struct xtsvol_volume *volume = NULL;
        if (verdict > 0) {
            assert_opens(ward, verdict, is_read_only);
            continue;
        }
        int error = try_open(&volume, ward, is_read_only);
        if (error != verdict)
            fail_msg("%s, not %s", xtsvol_error_name(error), xtsvol_error_name(verdict));
        assert_null(volume);
        assert_int_equal(ward->failure.error, verdict);
        assert_true(ward->failure.message[0] != 0);
        assert_same_dump(&ward->patient.dump, ward->header);
    }
    if (verdict != OLDER)
        return;
    struct xtsvol_volume *volume = NULL;
    ward->options.min_sequence = ward->patient.state.sequence;
    assert_int_equal(try_open(&volume, ward, false), XTSVOL_ERR_STATE);
    ward->options.min_sequence = 0;
}

static void examine(struct ward *ward, const struct corruption *corruption, unsigned copies)
{
    struct patient *patient = &ward->patient;
    int verdict = copies == 3 ? corruption->both : corruption->one;
    if (verdict == 0)
        return;
    print_message("# %s, copies %s\n", corruption->name,
                  copies == 3 ? "0 and 1" : (copies == 2 ? "1" : "0"));
    patient->dump = dump_copy(&ward->healthy);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        if (copies & (1U << copy))
            corruption->damage(patient, copy);
    }
    dump_write(&patient->dump, ward->header);
    assert_verdict(ward, verdict);
    dump_free(&patient->dump);
}

static void damaged_superblocks(void **state)
{
    for (size_t i = 0; i < num_superblock_corruptions; i++) {
        for (unsigned copies = 1; copies <= 3; copies++)
            examine(*state, &superblock_corruptions[i], copies);
    }
}

static void damaged_pages(void **state)
{
    for (size_t i = 0; i < num_page_corruptions; i++) {
        for (unsigned copies = 1; copies <= 3; copies++)
            examine(*state, &page_corruptions[i], copies);
    }
}

/* One copy of each page, one of the superblocks, each in another copy: nothing is lost. */
static void damage_in_both_copies_costs_nothing_while_each_part_is_there_once(void **state)
{
    struct ward *ward = *state;
    for (unsigned choice = 0; choice < 16; choice++) {
        struct dump *dump = &ward->patient.dump;
        *dump = dump_copy(&ward->healthy);
        memset(dump_slot(dump, choice & 1), 0xd5, XV_PAGE_LEN);
        for (unsigned number = 0; number < 3; number++)
            memset(dump_page(dump, &ward->patient.state, choice >> (number + 1) & 1, number), 0xd5,
                   XV_PAGE_LEN);
        dump_write(dump, ward->header);
        assert_opens(ward, TOLD, true);
        assert_opens(ward, TOLD, false);
        dump_free(dump);
    }
}

/* A page that is lost in both copies and a superblock in one: who writes gets what is left. */
static void what_is_lost_keeps_nobody_from_the_rest(void **state)
{
    struct ward *ward = *state;
    struct dump *dump = &ward->patient.dump;
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        *dump = dump_copy(&ward->healthy);
        for (unsigned i = 0; i < XV_NUM_COPIES; i++)
            dump_page(dump, &ward->patient.state, i, 0)[100] ^= 1;
        memset(dump_slot(dump, copy), 0, XV_PAGE_LEN);
        dump_write(dump, ward->header);
        struct xtsvol_volume *volume = NULL;
        struct xtsvol_check_report report;
        assert_volume_works(try_open(&volume, ward, false), &ward->failure);
        assert_int_equal(num_readable(volume), 1);
        assert_int_equal(xtsvol_volume_check(volume, &report, 1, NULL, NULL, NULL), 0);
        assert_int_equal(report.num_bad_pages, 1);
        assert_int_equal(report.num_bad_copies, 0);
        xtsvol_volume_close(&volume);
        dump_free(dump);
    }
}

/* Not the metadata: the file of the data is shorter, or was exchanged for a shorter one. */
static void cut_data_is_refused(void **state)
{
    struct ward *ward = *state;
    static const uint64_t lens[] = {(uint64_t)NUM_EXTENTS * XTSVOL_EXTENT_MIN - 1, 4096, 0};
    ward->patient.dump = dump_copy(&ward->healthy);
    dump_write(&ward->patient.dump, ward->header);
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        assert_int_equal(truncate(ward->data, (off_t)lens[i]), 0);
        assert_verdict(ward, XTSVOL_ERR_CORRUPT);
    }
    dump_free(&ward->patient.dump);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_superblocks),
        cmocka_unit_test(damaged_pages),
        cmocka_unit_test(damage_in_both_copies_costs_nothing_while_each_part_is_there_once),
        cmocka_unit_test(what_is_lost_keeps_nobody_from_the_rest),
        cmocka_unit_test(cut_data_is_refused), /* last: it cuts */
    };
    return cmocka_run_group_tests(tests, ward_setup, ward_teardown);
}
