/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file system that is full, not one that is said to be: a tmpfs of a few MiB in a mount namespace
 * of the process.
 */
#include "tests/volume/volume_full.h"

#include "tests/volume/volume_support.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

enum {
    KIB = 1024,
    MIB = 1024 * KIB,
    VOLUME_LEN = 8 * MIB, /* more than there is room for */
    CHUNK = 300 * KIB
};

static int mount_small(void **state)
{
    if (tmpdir_setup(state))
        return -1;
    const struct tmpdir *dir = *state;
    return unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
                   mount("none", dir->path, "tmpfs", 0, "size=3m")
               ? -1
               : 0;
}

static int unmount_small(void **state)
{
    const struct tmpdir *dir = *state;
    return umount(dir->path) || tmpdir_teardown(state) ? -1 : 0;
}

static uint8_t byte_at(uint64_t at)
{
    return (uint8_t)(at * 7 + at / 4093 + 1);
}

/* Chunks that were written are there; in the one that met the end each block is old (anything) or
 * new, and everything can be read. */
static void assert_written(struct xtsvol_volume *volume, uint64_t written)
{
    static uint8_t bytes[CHUNK];
    for (uint64_t at = 0; at < VOLUME_LEN; at += CHUNK) {
        size_t len = VOLUME_LEN - at < CHUNK ? (size_t)(VOLUME_LEN - at) : CHUNK;
        assert_int_equal(xtsvol_pread(volume, bytes, len, at), 0);
        for (size_t i = 0; at + i < written && i < len; i++)
            assert_int_equal(bytes[i], byte_at(at + i));
    }
}

static void fills_up(const struct tmpdir *dir, uint32_t num_threads, bool is_detached)
{
    char path[PATH_MAX];
    char header[PATH_MAX];
    char backup[PATH_MAX];
    static uint8_t bytes[CHUNK];
    struct keeper keeper = {0};
    (void)tmpdir_path(path, dir, "volume");
    (void)tmpdir_path(header, dir, "header");
    (void)tmpdir_path(backup, dir, "backup");
    const char *header_path = is_detached ? header : NULL;
    struct xtsvol_volume *volume =
        volume_make(path, header_path, VOLUME_LEN, 4096, 64 * KIB, XTSVOL_IV_PLAIN64, &keeper);
    xtsvol_volume_close(&volume);
    struct xtsvol_failure failure = {0};
    struct xtsvol_volume_options options = volume_options(&keeper, &failure);
    options.header_path = header_path;
    options.num_threads = num_threads;
    assert_volume_works(xtsvol_volume_open(&volume, path, &options), &failure);

    uint64_t written = 0;
    int error = 0;
    while (!error) {
        assert_true(written + CHUNK <= VOLUME_LEN);
        for (size_t i = 0; i < CHUNK; i++)
            bytes[i] = byte_at(written + i);
        error = xtsvol_pwrite(volume, bytes, CHUNK, written);
        written += error ? 0 : CHUNK;
    }
    assert_int_equal(error, XTSVOL_ERR_NO_SPACE);
    xtsvol_volume_failure(volume, &failure);
    assert_int_equal(failure.native_error, ENOSPC);
    assert_true(written > 0);
    assert_written(volume, written);
    assert_int_equal(xtsvol_flush(volume), 0);

    /* No room for a backup, nor for a second volume; neither leaves a file. */
    assert_int_equal(xtsvol_header_backup(volume, backup), XTSVOL_ERR_NO_SPACE);
    assert_false(file_exists(backup));
    struct xtsvol_volume *second = NULL;
    struct xtsvol_create_options create = xtsvol_create_options_default();
    create.volume_size = MIB;
    options.header_path = NULL;
    assert_int_equal(xtsvol_volume_create(&second, backup, &create, &options), XTSVOL_ERR_NO_SPACE);
    assert_null(second);
    assert_false(file_exists(backup));

    xtsvol_volume_close(&volume);
    volume = volume_reopen(path, header_path, &keeper);
    assert_written(volume, written);
    /* Room comes back by a discard. */
    assert_int_equal(xtsvol_discard(volume, (uint64_t)CHUNK / 4096 * 4096, 0), 0);
    assert_int_equal(xtsvol_pwrite(volume, bytes, CHUNK / 2, 0), 0);
    xtsvol_volume_close(&volume);
    (void)unlink(path);
    (void)unlink(header);
}

static void a_full_file_system_leaves_the_volume_readable(void **state)
{
    fills_up(*state, 0, false);
    fills_up(*state, 0, true);
    fills_up(*state, 2, true);
}

int volume_full_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_file_system_leaves_the_volume_readable, mount_small,
                                        unmount_small),
    };
    return RUN_AS_ROOT("volume_full", tests, NULL, NULL);
}
