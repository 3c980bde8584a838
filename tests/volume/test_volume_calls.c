/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls on an open volume that are out of range, or in a state in which they cannot be: refused
 * with nothing changed (V12, V14), and no caller's mistake is more than an error.
 */
#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/volume/refusal.h"

#include <errno.h>
#include <string.h>

/* One call of each kind on that range; out[] has what they return. */
enum {
    NUM_CALLS = 6
};

static void call_all(int out[NUM_CALLS], struct xtsvol_volume *volume, uint8_t *buffer, size_t len,
                     uint64_t offset)
{
    const struct iovec iov = {buffer, len};
    out[0] = xtsvol_pread(volume, buffer, len, offset);
    out[1] = xtsvol_preadv(volume, &iov, 1, offset);
    out[2] = xtsvol_pwrite(volume, buffer, len, offset);
    out[3] = xtsvol_pwritev(volume, &iov, 1, offset);
    out[4] = xtsvol_write_zeroes(volume, len, offset);
    out[5] = xtsvol_discard(volume, len, offset);
}

static void refuses_what_is_outside(void **state)
{
    static const struct {
        size_t len;
        uint64_t offset;
    } ranges[] = {
        {1, SCENE_SIZE},           {2, SCENE_SIZE - 1},       {0, SCENE_SIZE + 1},
        {4096, SCENE_SIZE - 512},  {1, UINT64_MAX},           {0, UINT64_MAX},
        {4096, UINT64_MAX - 4095}, {4096, UINT64_C(1) << 63}, {4096, (UINT64_C(1) << 63) - 512}};
    struct scene scene;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    struct dump dump = dump_read(scene.path);
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        int errors[NUM_CALLS];
        uint8_t buffer[4096];
        memset(buffer, 0xee, sizeof(buffer));
        call_all(errors, volume, buffer, ranges[i].len, ranges[i].offset);
        for (size_t j = 0; j < NUM_CALLS; j++)
            assert_int_equal(errors[j], XTSVOL_ERR_INVALID);
        for (size_t j = 0; j < ranges[i].len; j++)
            assert_int_equal(buffer[j], 0);
        struct xtsvol_failure failure;
        xtsvol_volume_failure(volume, &failure);
        assert_told(&failure, XTSVOL_ERR_INVALID, "not inside of the volume");
    }
    /* Longer than any buffer is. */
    assert_int_equal(xtsvol_write_zeroes(volume, UINT64_MAX, 1), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_discard(volume, UINT64_MAX, 1), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_write_zeroes(volume, SCENE_SIZE, 1), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_discard(volume, SCENE_SIZE, 1), XTSVOL_ERR_INVALID);
    /* At the very end there is nothing, which may be read and written. */
    int errors[NUM_CALLS];
    call_all(errors, volume, NULL, 0, SCENE_SIZE);
    for (size_t j = 0; j < NUM_CALLS; j++)
        assert_int_equal(errors[j], 0);
    xtsvol_volume_close(&volume);
    assert_same_dump(&dump, scene.path);
    dump_free(&dump);
}

static void refuses_lists_that_are_none(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    struct dump dump = dump_read(scene.path);
    static struct iovec many[XTSVOL_XTS_IOV_MAX + 1];
    uint8_t byte = 7;
    struct iovec huge[2] = {{&byte, 1}, {&byte, SIZE_MAX}};
    struct iovec none[2] = {{&byte, 1}, {NULL, 1}};
    assert_int_equal(xtsvol_preadv(volume, many, ARRAY_LEN(many), 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_pwritev(volume, many, ARRAY_LEN(many), 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_preadv(volume, huge, 2, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_pwritev(volume, huge, 2, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_preadv(volume, none, 2, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_pwritev(volume, none, 2, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_preadv(volume, NULL, 1, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_pwritev(volume, NULL, 1, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_preadv(volume, NULL, 0, 0), 0);
    assert_int_equal(xtsvol_pwritev(volume, NULL, 0, 0), 0);
    assert_int_equal(xtsvol_pwritev(volume, many, XTSVOL_XTS_IOV_MAX, 0), 0);
    xtsvol_volume_close(&volume);
    assert_same_dump(&dump, scene.path);
    dump_free(&dump);
}

static void refuses_sizes_that_it_cannot_have(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    struct dump dump = dump_read(scene.path);
    const uint64_t most = 4000ULL * XTSVOL_EXTENT_MIN;
    static const struct {
        uint64_t size;
        int error;
        const char *words;
    } sizes[] = {
        {0, XTSVOL_ERR_INVALID, "no multiple of the sectors"},
        {1, XTSVOL_ERR_INVALID, "no multiple of the sectors"},
        {SCENE_SIZE + 1, XTSVOL_ERR_INVALID, "no multiple of the sectors"},
        {UINT64_MAX, XTSVOL_ERR_INVALID, "no multiple of the sectors"},
        {SCENE_SIZE - 512, XTSVOL_ERR_INVALID, "has to be asked for"},
        {512, XTSVOL_ERR_INVALID, "has to be asked for"},
        {4000ULL * XTSVOL_EXTENT_MIN + 512, XTSVOL_ERR_LIMIT, "cannot grow beyond 262144000"},
        {UINT64_MAX - 511, XTSVOL_ERR_LIMIT, "cannot grow beyond"},
    };
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct xtsvol_failure failure;
        assert_int_equal(xtsvol_resize(volume, sizes[i].size, 0), sizes[i].error);
        xtsvol_volume_failure(volume, &failure);
        assert_told(&failure, sizes[i].error, sizes[i].words);
    }
    assert_int_equal(xtsvol_resize(volume, SCENE_SIZE, 0), 0); /* is no change */
    assert_same_dump(&dump, scene.path);
    assert_int_equal(xtsvol_resize(volume, most, 0), 0);
    xtsvol_volume_close(&volume);
    dump_free(&dump);
}

static void refuses_places_outside_for_runs_and_holes(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, true);
    static const uint64_t offsets[] = {SCENE_SIZE, SCENE_SIZE + XTSVOL_EXTENT_MIN, UINT64_MAX,
                                       UINT64_MAX - XTSVOL_EXTENT_MIN + 1};
    struct xtsvol_run run;
    uint64_t end = 1;
    int is_hole = 1;
    for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
        assert_int_equal(xtsvol_run_get(volume, &run, offsets[i]), XTSVOL_ERR_INVALID);
        assert_int_equal(xtsvol_next_hole(volume, &end, &is_hole, offsets[i]), XTSVOL_ERR_INVALID);
        assert_int_equal(end, 0);
        assert_int_equal(is_hole, 0);
    }
    assert_int_equal(xtsvol_run_get(volume, &run, 512), XTSVOL_ERR_INVALID);
    xtsvol_volume_close(&volume);
}

static void bears_null_everywhere(void **state)
{
    struct scene scene;
    struct xtsvol_volume *none = NULL;
    struct xtsvol_check_report report;
    struct xtsvol_failure failure;
    struct xtsvol_run run;
    struct xtsvol_volume_info info;
    struct xtsvol_erasure erasure;
    uint8_t buffer[16];
    uint64_t end = 0;
    int is_hole = 0;
    int errors[NUM_CALLS];
    scene_begin(&scene, state, false);
    memset(buffer, 0xee, sizeof(buffer));
    call_all(errors, NULL, buffer, sizeof(buffer), 0);
    for (size_t i = 0; i < NUM_CALLS; i++)
        assert_int_equal(errors[i], XTSVOL_ERR_INVALID);
    for (size_t i = 0; i < sizeof(buffer); i++)
        assert_int_equal(buffer[i], 0);
    xtsvol_volume_close(NULL);
    xtsvol_volume_close(&none);
    assert_int_equal(xtsvol_flush(NULL), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_next_hole(NULL, &end, &is_hole, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_info_get(NULL, &info, sizeof(info)), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_run_get(NULL, &run, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_resize(NULL, 4096, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_volume_check(NULL, &report, 0, NULL, NULL, NULL), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_header_backup(NULL, "x"), XTSVOL_ERR_INVALID);
    xtsvol_volume_failure(NULL, &failure);
    assert_int_equal(failure.error, 0);
    assert_int_equal(xtsvol_volume_peek(NULL, sizeof(info), NULL, 0, scene.path, NULL),
                     XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_volume_peek(&info, 0, NULL, 0, scene.path, NULL), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_volume_peek(&info, sizeof(info), NULL, 0, NULL, NULL),
                     XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_volume_peek(&info, sizeof(info), NULL, 0, scene.path, NULL), 0);
    assert_int_equal(xtsvol_volume_erase(NULL, sizeof(erasure), scene.path, NULL, NULL, NULL),
                     XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_volume_erase(&erasure, 0, scene.path, NULL, NULL, NULL),
                     XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_volume_erase(&erasure, sizeof(erasure), NULL, NULL, NULL, NULL),
                     XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_header_restore(scene.path, "x", NULL, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_header_restore(scene.path, NULL, &scene.options, 0),
                     XTSVOL_ERR_INVALID);
    assert_told(&scene.failure, XTSVOL_ERR_INVALID, "");
    assert_int_equal(xtsvol_volume_create(NULL, scene.path, NULL, NULL), XTSVOL_ERR_INVALID);

    struct xtsvol_volume *volume = scene_open(&scene, false);
    assert_int_equal(xtsvol_pread(volume, NULL, 1, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_pwrite(volume, NULL, 1, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_pread(volume, NULL, 0, 0), 0);
    assert_int_equal(xtsvol_next_hole(volume, NULL, &is_hole, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_next_hole(volume, &end, NULL, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_info_get(volume, NULL, sizeof(info)), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_info_get(volume, &info, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_run_get(volume, NULL, 0), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_volume_check(volume, NULL, 0, NULL, NULL, NULL), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_header_backup(volume, NULL), XTSVOL_ERR_INVALID);
    xtsvol_volume_failure(volume, NULL);
    xtsvol_volume_close(&volume);
}

/* Callers of an older version have a shorter struct, those of a later one a longer. */
static void fills_in_what_the_caller_knows(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, true);
    struct {
        struct xtsvol_volume_info info;
        uint8_t more[64];
    } here, whole, peeked;
    memset(&whole, 0, sizeof(whole));
    memset(&peeked, 0, sizeof(peeked));
    assert_int_equal(xtsvol_info_get(volume, &whole.info, sizeof(whole.info)), 0);
    assert_int_equal(
        xtsvol_volume_peek(&peeked.info, sizeof(peeked.info), NULL, 0, scene.path, NULL), 0);
    for (size_t size = 1; size <= sizeof(here); size += 7) {
        memset(&here, 0xee, sizeof(here));
        assert_int_equal(xtsvol_info_get(volume, &here.info, size), 0);
        assert_memory_equal(&here, &whole, size);
        for (size_t i = size; i < sizeof(here); i++)
            assert_int_equal(((uint8_t *)&here)[i], 0xee);
        assert_int_equal(xtsvol_volume_peek(&here.info, size, NULL, 0, scene.path, NULL), 0);
        assert_memory_equal(&here, &peeked, size);
    }
    xtsvol_volume_close(&volume);
}

/* In a child there are no keys: it reads zeroes, and writes nothing at all. */
static int use_in_child(void *context)
{
    struct xtsvol_volume *volume = context;
    uint8_t buffer[512];
    char path[PATH_MAX];
    memset(buffer, 0xee, sizeof(buffer));
    if (xtsvol_pread(volume, buffer, sizeof(buffer), 0) != XTSVOL_ERR_STATE)
        return 1;
    for (size_t i = 0; i < sizeof(buffer); i++) {
        if (buffer[i] != 0)
            return 2;
    }
    if (xtsvol_pwrite(volume, buffer, sizeof(buffer), 0) != XTSVOL_ERR_STATE ||
        xtsvol_write_zeroes(volume, 4096, 0) != XTSVOL_ERR_STATE)
        return 3;
    if (xtsvol_resize(volume, 2 * SCENE_SIZE, 0) != XTSVOL_ERR_STATE ||
        xtsvol_resize(volume, SCENE_SIZE / 2, 1) != XTSVOL_ERR_STATE ||
        xv_volume_add_generation(volume) == 0)
        return 4;
    (void)snprintf(path, sizeof(path), "/proc/self/cwd/backup of a child");
    if (xtsvol_header_backup(volume, path) != XTSVOL_ERR_STATE || file_exists(path))
        return 5;
    xtsvol_volume_close(&volume);
    return 0;
}

static void a_child_writes_nothing(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    struct dump dump = dump_read(scene.path);
    struct death death = death_of(use_in_child, volume, 20);
    assert_true(death.is_exit);
    assert_int_equal(death.status, 0);
    assert_same_dump(&dump, scene.path);
    /* And the parent still has the volume. */
    assert_int_equal(xtsvol_pwrite(volume, "x", 1, 0), 0);
    struct xtsvol_volume *second = NULL;
    assert_int_equal(xtsvol_volume_open(&second, scene.path, &scene.options), XTSVOL_ERR_BUSY);
    xtsvol_volume_close(&volume);
    dump_free(&dump);
}

/* V14: once a commit failed in its superblock, nobody knows what the medium holds; neither data nor
 * metadata is written until the volume was opened again, not even by a repair. */
static void stops_after_a_commit_that_may_have_taken_place(void **state)
{
    for (int is_sync = 0; is_sync <= 1; is_sync++) {
        struct scene scene;
        struct xtsvol_check_report report;
        struct xtsvol_failure failure;
        scene_begin(&scene, state, false);
        struct xtsvol_volume *volume = scene_open(&scene, false);
        /* A resize below an extent touches the superblock alone; shorter needs no room first. */
        fault_arm(is_sync ? FAULT_SYNC : FAULT_WRITE, 1, EIO);
        int error = xtsvol_resize(volume, SCENE_SIZE - 512, 1);
        assert_true(fault_disarm().fired);
        assert_int_equal(error, XTSVOL_ERR_IO);
        struct dump dump = dump_read(scene.path);
        int errors[] = {
            xtsvol_pwrite(volume, "x", 1, 0),
            xtsvol_write_zeroes(volume, 512, 0),
            xtsvol_discard(volume, 512, 0),
            xtsvol_resize(volume, 2 * SCENE_SIZE, 0),
            xv_volume_add_generation(volume),
            xtsvol_volume_check(volume, &report, 1, NULL, NULL, NULL),
        };
        for (size_t i = 0; i < ARRAY_LEN(errors); i++)
            assert_int_equal(errors[i], XTSVOL_ERR_STATE);
        xtsvol_volume_failure(volume, &failure);
        assert_told(&failure, XTSVOL_ERR_STATE, "opened again");
        uint8_t read[9];
        assert_int_equal(xtsvol_pread(volume, read, sizeof(read), 1000), 0);
        assert_memory_equal(read, "plaintext", 9);
        assert_int_equal(xtsvol_volume_check(volume, &report, 0, NULL, NULL, NULL), 0);
        xtsvol_volume_close(&volume);
        assert_same_dump(&dump, scene.path);
        volume = scene_open(&scene, false);
        assert_int_equal(xtsvol_pwrite(volume, "x", 1, 0), 0);
        xtsvol_volume_close(&volume);
        assert_int_equal(unlink(scene.path), 0);
        dump_free(&dump);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, tmpdir_setup, tmpdir_teardown)
        TEST(refuses_what_is_outside),
        TEST(refuses_lists_that_are_none),
        TEST(refuses_sizes_that_it_cannot_have),
        TEST(refuses_places_outside_for_runs_and_holes),
        TEST(bears_null_everywhere),
        TEST(fills_in_what_the_caller_knows),
        TEST(a_child_writes_nothing),
        TEST(stops_after_a_commit_that_may_have_taken_place),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
