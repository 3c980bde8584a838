/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block devices, of which a loop device is one. It is given back by the system when its last
 * descriptor is closed, and mounted in a mount namespace of a child, so that nothing is left
 * behind.
 */
#include "tests/volume/io_device.h"

#include "libxtsvol/src/volume/io.h"
#include "tests/support/death.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    DEVICE_LEN = 16 << 20,
    SECTOR_LEN = 512, /* of a loop device */
    MAX_TRIES = 50,
};

static char device[64];
static char image[PATH_MAX];
static int device_fd = -1;

/* Another process may be quicker to take the number that we were given. */
static int attach(int image_fd)
{
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int fd = -1;
    for (unsigned i = 0; control >= 0 && fd < 0 && i < MAX_TRIES; i++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        (void)snprintf(device, sizeof(device), "/dev/loop%d", number);
        fd = open(device, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            continue;
        struct loop_info64 info = {.lo_flags = LO_FLAGS_AUTOCLEAR};
        bool is_taken = ioctl(fd, LOOP_SET_FD, image_fd) == 0;
        if (is_taken && ioctl(fd, LOOP_SET_STATUS64, &info) == 0)
            break;
        if (is_taken)
            (void)ioctl(fd, LOOP_CLR_FD, 0);
        (void)close(fd);
        fd = -1;
        (void)usleep(10000);
    }
    if (control >= 0)
        (void)close(control);
    return fd;
}

static int set_read_only(int is_read_only)
{
    return ioctl(device_fd, BLKROSET, &is_read_only);
}

static int begin(void **state)
{
    if (tmpdir_setup(state))
        return -1;
    int fd = open(tmpdir_path(image, *state, "image"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, DEVICE_LEN))
        return -1;
    device_fd = attach(fd);
    (void)close(fd);
    return device_fd < 0 || set_read_only(0);
}

static int end(void **state)
{
    if (device_fd >= 0) {
        (void)set_read_only(0); /* it would stay so for whoever has it next */
        (void)close(device_fd);
    }
    device_fd = -1;
    return tmpdir_teardown(state);
}

static struct xtsvol_io opened(enum xv_open_how how)
{
    struct xtsvol_io io;
    struct xv_file file;
    assert_int_equal(xv_file_open(&io, &file, device, how), 0);
    assert_true(file.is_device);
    assert_false(file.is_new);
    return io;
}

static void a_device_has_a_size_that_stays(void **state)
{
    (void)state;
    static const enum xv_open_how hows[] = {XV_OPEN_READ, XV_OPEN_WRITE, XV_OPEN_CREATE};
    for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
        struct xtsvol_io io = opened(hows[i]);
        uint64_t size = 0;
        assert_int_equal(xv_io_size(&io, &size, NULL), 0);
        assert_int_equal(size, DEVICE_LEN);
        assert_null(io.set_size);
        assert_null(io.next_hole);
        xv_io_close(&io);
    }
}

static void a_device_is_read_and_written_up_to_its_end(void **state)
{
    (void)state;
    struct xtsvol_io io = opened(XV_OPEN_WRITE);
    char bytes[6] = "";
    assert_int_equal(xv_io_write(&io, "abcdef", 6, DEVICE_LEN - 6, NULL), 0);
    assert_int_equal(xv_io_write(&io, "ghijkl", 6, 509, NULL), 0);
    assert_int_equal(xv_io_flush(&io, NULL), 0);
    assert_int_equal(xv_io_write(&io, "abcdef", 6, DEVICE_LEN - 5, NULL), COMMON_ERR_CORRUPT);
    assert_int_equal(xv_io_read(&io, bytes, 6, DEVICE_LEN - 5, NULL), COMMON_ERR_CORRUPT);
    const struct iovec piece = {bytes, 6};
    assert_int_equal(io.preadv(io.context, &piece, 1, DEVICE_LEN - 5), XV_IO_BEYOND_END);
    assert_int_not_equal(io.pwritev(io.context, &piece, 1, DEVICE_LEN), 0);
    assert_int_equal(xv_io_read(&io, bytes, 6, 509, NULL), 0);
    assert_memory_equal(bytes, "ghijkl", 6);
    xv_io_close(&io);
    uint8_t *whole = NULL;
    size_t len = 0;
    file_read(&whole, &len, image);
    assert_memory_equal(whole + 509, "ghijkl", 6);
    free(whole);
}

static void fill(const struct xtsvol_io *io)
{
    uint8_t *bytes = malloc(DEVICE_LEN);
    assert_non_null(bytes);
    memset(bytes, 'x', DEVICE_LEN);
    assert_int_equal(xv_io_write(io, bytes, DEVICE_LEN, 0, NULL), 0);
    assert_int_equal(xv_io_flush(io, NULL), 0);
    free(bytes);
}

static int byte_at(const struct xtsvol_io *io, uint64_t offset)
{
    uint8_t byte = 0;
    assert_int_equal(xv_io_read(io, &byte, 1, offset, NULL), 0);
    return byte;
}

/* A loop device punches a hole in its file. */
static void whole_sectors_of_what_is_discarded_are_given_back(void **state)
{
    (void)state;
    struct xtsvol_io io = opened(XV_OPEN_WRITE);
    fill(&io);
    struct stat before;
    struct stat after;
    assert_int_equal(stat(image, &before), 0);
    const uint64_t from = (1 << 20) + 1;
    const uint64_t to = (5 << 20) + SECTOR_LEN - 1;
    assert_int_equal(io.discard(io.context, from, to - from), 0);
    assert_int_equal(stat(image, &after), 0);
    assert_true(after.st_blocks < before.st_blocks);
    assert_int_equal(byte_at(&io, from - 1), 'x');
    assert_int_equal(byte_at(&io, (1 << 20) + SECTOR_LEN - 1), 'x');
    assert_int_equal(byte_at(&io, (1 << 20) + SECTOR_LEN), 0);
    assert_int_equal(byte_at(&io, (5 << 20) - 1), 0);
    assert_int_equal(byte_at(&io, 5 << 20), 'x');
    /* No whole sector, none at all, and what is no range. */
    assert_int_equal(io.discard(io.context, SECTOR_LEN + 1, SECTOR_LEN - 1), 0);
    assert_int_equal(byte_at(&io, SECTOR_LEN + 1), 'x');
    assert_int_equal(io.discard(io.context, SECTOR_LEN, 0), 0);
    assert_int_equal(io.discard(io.context, UINT64_MAX, 2), EINVAL);
    assert_int_not_equal(io.discard(io.context, DEVICE_LEN, SECTOR_LEN), 0);
    xv_io_close(&io);
}

/* Linux opens it for writing all the same, and refuses the first write. */
static void a_device_that_is_read_only_is_refused_for_writing(void **state)
{
    (void)state;
    assert_int_equal(set_read_only(1), 0);
    struct xtsvol_io io;
    struct xv_file file;
    assert_int_equal(xv_file_open(&io, &file, device, XV_OPEN_WRITE), COMMON_ERR_DENIED);
    assert_int_equal(file.native_error, EROFS);
    io = opened(XV_OPEN_READ);
    xv_io_close(&io);
}

static void a_device_that_is_locked_tells_by_whom(void **state)
{
    (void)state;
    struct xtsvol_io io = opened(XV_OPEN_WRITE);
    static const enum xv_open_how hows[] = {XV_OPEN_READ, XV_OPEN_WRITE, XV_OPEN_CREATE};
    for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
        struct xtsvol_io second;
        struct xv_file file;
        assert_int_equal(xv_file_open(&second, &file, device, hows[i]), COMMON_ERR_BUSY);
        assert_int_equal(file.holder_pid, getpid());
        assert_int_not_equal(file.native_error, 0);
    }
    xv_io_close(&io);
    io = opened(XV_OPEN_READ);
    struct xtsvol_io reader = opened(XV_OPEN_READ);
    struct xtsvol_io second;
    struct xv_file file;
    assert_int_equal(xv_file_open(&second, &file, device, XV_OPEN_WRITE), COMMON_ERR_BUSY);
    assert_int_equal(file.holder_pid, getpid());
    xv_io_close(&io);
    xv_io_close(&reader);
    io = opened(XV_OPEN_WRITE);
    xv_io_close(&io);
}

/* Another node of the same device is another file to a lock. */
static void a_device_is_the_same_under_another_name(void **state)
{
    char path[PATH_MAX];
    struct stat status;
    assert_int_equal(stat(device, &status), 0);
    assert_int_equal(mknod(tmpdir_path(path, *state, "node"), S_IFBLK | 0600, status.st_rdev), 0);
    struct xtsvol_io io = opened(XV_OPEN_WRITE);
    struct xtsvol_io second;
    struct xv_file file;
    int error = xv_file_open(&second, &file, path, XV_OPEN_WRITE);
    assert_int_equal(error, COMMON_ERR_BUSY);
    xv_io_close(&io);
}

static int make_file_system(void)
{
    char tool[] = "mkfs.ext4";
    char quiet[] = "-q";
    char *words[] = {tool, quiet, device, NULL};
    char path[] = "PATH=/usr/sbin:/sbin:/usr/bin:/bin";
    char *environment[] = {path, NULL};
    static const char *const places[] = {"/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"};
    pid_t pid = -1;
    int error = ENOENT;
    for (size_t i = 0; i < ARRAY_LEN(places) && error; i++)
        error = posix_spawn(&pid, places[i], NULL, NULL, words, environment);
    int status = -1;
    if (error || waitpid(pid, &status, 0) != pid)
        return -1;
    return status;
}

static int open_mounted(void *context)
{
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount(device, context, "ext4", 0, NULL))
        return 10;
    static const enum xv_open_how hows[] = {XV_OPEN_WRITE, XV_OPEN_CREATE};
    for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
        struct xtsvol_io io;
        struct xv_file file;
        if (xv_file_open(&io, &file, device, hows[i]) != COMMON_ERR_BUSY)
            return 11;
        if (file.holder_pid != 0 || file.native_error != EBUSY || io.size != 0)
            return 12;
    }
    return umount(context) ? 13 : 0;
}

static void a_device_that_is_mounted_is_busy(void **state)
{
    char folder[PATH_MAX];
    assert_int_equal(mkdir(tmpdir_path(folder, *state, "mounted"), 0700), 0);
    assert_int_equal(make_file_system(), 0);
    struct death death = death_of(open_mounted, folder, 60);
    assert_true(death.is_exit);
    assert_int_equal(death.status, 0);
    struct xtsvol_io io = opened(XV_OPEN_WRITE);
    xv_io_close(&io);
}

static int can_mount(void *context)
{
    (void)context;
    return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

#define WITH_DEVICE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int io_device_tests(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DEVICE(a_device_has_a_size_that_stays),
        WITH_DEVICE(a_device_is_read_and_written_up_to_its_end),
        WITH_DEVICE(whole_sectors_of_what_is_discarded_are_given_back),
        WITH_DEVICE(a_device_that_is_read_only_is_refused_for_writing),
        WITH_DEVICE(a_device_that_is_locked_tells_by_whom),
        WITH_DEVICE(a_device_is_the_same_under_another_name),
        WITH_DEVICE(a_device_that_is_mounted_is_busy),
    };
    /* Root of a container is not always allowed to. */
    if (geteuid() == 0 && access("/dev/loop-control", R_OK | W_OK))
        return puts("1..0 # SKIP needs loop devices") < 0;
    if (geteuid() == 0 && death_of(can_mount, NULL, 10).status != 0)
        return puts("1..0 # SKIP needs a root that may mount") < 0;
    return RUN_AS_ROOT("io_open_root", tests, NULL, NULL);
}
