/* SPDX-License-Identifier: Apache-2.0 */
/* xv_file_open(), xv_file_abandon(), xv_file_sync_name(): F1 and F3 of io_file.c. */
#include "libxtsvol/src/volume/io.h"
#include "libxtsvol/src/volume/lock.h"

#include "tests/support/fault.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include "tests/volume/file_hooks.h"
#include "tests/volume/io_device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    LIMIT_S = 30 /* of an open that waits */
};

static const enum xv_open_how all_hows[] = {XV_OPEN_READ, XV_OPEN_WRITE, XV_OPEN_CREATE};
static const struct xtsvol_io no_io;
static unsigned num_open_before;
static char volume[PATH_MAX];
static char other[PATH_MAX];

static int begin(void **state)
{
    (void)alarm(LIMIT_S);
    int error = tmpdir_setup(state);
    tmpdir_path(volume, *state, "volume");
    tmpdir_path(other, *state, "other");
    num_open_before = file_num_open();
    return error;
}

/* No test leaves a descriptor. */
static int end(void **state)
{
    (void)alarm(0);
    (void)fault_reset(state);
    (void)file_hooks_reset(state);
    bool is_clean = file_num_open() == num_open_before;
    return tmpdir_teardown(state) || !is_clean;
}

static void assert_refused(int error, int native_error, const char *path, enum xv_open_how how)
{
    struct xtsvol_io io = {.size = 1};
    struct xv_file file = {.is_new = true};
    assert_int_equal(xv_file_open(&io, &file, path, how), error);
    assert_memory_equal(&io, &no_io, sizeof(io));
    assert_false(file.is_new);
    assert_int_equal(file.native_error, native_error);
    assert_int_equal(file_num_open(), num_open_before);
}

static struct xtsvol_io opened(struct xv_file *out_file, const char *path, enum xv_open_how how)
{
    struct xtsvol_io io;
    struct xv_file file;
    assert_int_equal(xv_file_open(&io, &file, path, how), 0);
    assert_int_equal(file.native_error, 0);
    assert_int_equal(file.holder_pid, 0);
    assert_int_equal(io.size, sizeof(io));
    if (out_file)
        *out_file = file;
    return io;
}

static void makes_a_file_for_its_owner_alone(void **state)
{
    (void)state;
    struct xv_file file;
    mode_t before = umask(0);
    struct xtsvol_io io = opened(&file, volume, XV_OPEN_CREATE);
    (void)umask(before);
    struct stat status;
    assert_int_equal(stat(volume, &status), 0);
    assert_int_equal(status.st_mode, S_IFREG | 0600);
    assert_int_equal(status.st_size, 0);
    assert_true(file.is_new);
    assert_false(file.is_device);
    assert_int_equal(xv_io_write(&io, "", 0, 0, NULL), 0);
    xv_io_close(&io);
    assert_memory_equal(&io, &no_io, sizeof(io));
    xv_io_close(&io);
}

static void a_file_that_is_there_is_taken_as_it_is(void **state)
{
    (void)state;
    file_write(volume, "kept", 4);
    for (size_t i = 0; i < ARRAY_LEN(all_hows); i++) {
        struct xv_file file;
        struct xtsvol_io io = opened(&file, volume, all_hows[i]);
        assert_false(file.is_new);
        char bytes[4] = "";
        assert_int_equal(xv_io_read(&io, bytes, 4, 0, NULL), 0);
        assert_memory_equal(bytes, "kept", 4);
        xv_file_abandon(&io, volume, &file);
        assert_true(file_exists(volume));
    }
}

static void a_reader_cannot_write(void **state)
{
    (void)state;
    file_write(volume, "kept", 4);
    struct xtsvol_io io = opened(NULL, volume, XV_OPEN_READ);
    int native_error = 0;
    assert_int_equal(xv_io_write(&io, "lost", 4, 0, &native_error), COMMON_ERR_IO);
    assert_int_equal(native_error, EBADF);
    assert_int_not_equal(io.set_size(io.context, 0), 0);
    assert_int_not_equal(io.discard(io.context, 0, 4), 0);
    xv_io_close(&io);
    uint8_t *bytes = NULL;
    size_t len = 0;
    file_read(&bytes, &len, volume);
    assert_int_equal(len, 4);
    assert_memory_equal(bytes, "kept", 4);
    free(bytes);
}

static void descriptors_do_not_outlive_exec_and_wait_like_others(void **state)
{
    (void)state;
    file_write(volume, "", 0);
    for (size_t i = 0; i < ARRAY_LEN(all_hows); i++) {
        struct xtsvol_io io = opened(NULL, volume, all_hows[i]);
        int fd = file_descriptor_of(volume);
        assert_true(fd >= 0);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        int flags = fcntl(fd, F_GETFL);
        assert_false(flags & O_NONBLOCK);
        assert_int_equal(flags & O_ACCMODE, all_hows[i] == XV_OPEN_READ ? O_RDONLY : O_RDWR);
        xv_io_close(&io);
    }
}

static void what_is_not_there_is_not_found(void **state)
{
    char path[PATH_MAX];
    assert_refused(COMMON_ERR_NOT_FOUND, ENOENT, volume, XV_OPEN_READ);
    assert_refused(COMMON_ERR_NOT_FOUND, ENOENT, volume, XV_OPEN_WRITE);
    assert_false(file_exists(volume));
    for (size_t i = 0; i < ARRAY_LEN(all_hows); i++) {
        assert_refused(COMMON_ERR_NOT_FOUND, ENOENT, tmpdir_path(path, *state, "no/volume"),
                       all_hows[i]);
        assert_refused(COMMON_ERR_INVALID, 0, NULL, all_hows[i]);
    }
    assert_refused(COMMON_ERR_NOT_FOUND, ENOENT, tmpdir_path(path, *state, "folder/"),
                   XV_OPEN_CREATE);
}

static void nothing_is_made_where_a_link_leads_nowhere(void **state)
{
    (void)state;
    assert_int_equal(symlink(other, volume), 0);
    for (size_t i = 0; i < ARRAY_LEN(all_hows); i++)
        assert_refused(COMMON_ERR_NOT_FOUND, ENOENT, volume, all_hows[i]);
    assert_false(file_exists(other));
    /* But a link to a file is the file. */
    file_write(other, "x", 1);
    struct xtsvol_io io = opened(NULL, volume, XV_OPEN_CREATE);
    xv_io_close(&io);
}

static void make_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    (void)close(fd);
}

/* F1. Opening a FIFO waits, or ends the wait of another. */
static void what_is_no_storage_is_refused_and_not_opened(void **state)
{
    char fifo[PATH_MAX];
    char folder[PATH_MAX];
    char socket_path[PATH_MAX];
    const char *paths[] = {tmpdir_path(fifo, *state, "fifo"), tmpdir_path(folder, *state, "folder"),
                           tmpdir_path(socket_path, *state, "socket"), "/dev/null"};
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    make_socket(socket_path);
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    assert_true(inotify_add_watch(watch, fifo, IN_OPEN) >= 0);
    assert_true(inotify_add_watch(watch, folder, IN_OPEN) >= 0);
    num_open_before++;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        for (size_t j = 0; j < ARRAY_LEN(all_hows); j++)
            assert_refused(COMMON_ERR_INVALID, 0, paths[i], all_hows[j]);
    char event[sizeof(struct inotify_event) + NAME_MAX + 1];
    assert_int_equal(read(watch, event, sizeof(event)), -1);
    assert_int_equal(errno, EAGAIN);
    (void)close(watch);
    num_open_before--;
}

static unsigned num_replaced;

/* Once it was looked at, the file becomes a FIFO, which would be waited for. */
static void put_a_fifo_there(const char *path)
{
    if (num_replaced++ > 0)
        return;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
}

static void a_fifo_that_takes_the_place_of_the_file_is_refused_at_once(void **state)
{
    (void)state;
    static const enum xv_open_how hows[] = {XV_OPEN_READ, XV_OPEN_WRITE};
    for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
        num_replaced = 0;
        (void)unlink(volume);
        file_write(volume, "", 0);
        file_hooks.before_open = put_a_fifo_there;
        assert_refused(COMMON_ERR_INVALID, 0, volume, hows[i]);
        assert_int_equal(num_replaced, 1);
        file_hooks.before_open = NULL;
    }
}

static unsigned replace_times;

static void put_another_file_there(void)
{
    if (num_replaced++ >= replace_times)
        return;
    file_write(other, "another", 7);
    assert_int_equal(rename(other, volume), 0);
}

static void remove_it(void)
{
    if (num_replaced++ < replace_times)
        assert_int_equal(unlink(volume), 0);
}

/* F1. Else two writers would each have locked a file, and both would write. */
static void what_the_name_means_once_it_is_locked_is_what_is_opened(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all_hows); i++) {
        (void)unlink(volume);
        if (all_hows[i] != XV_OPEN_CREATE)
            file_write(volume, "first", 5);
        num_replaced = 0;
        replace_times = 2;
        file_hooks.before_lock = put_another_file_there;
        struct xv_file file;
        struct xtsvol_io io = opened(&file, volume, all_hows[i]);
        char bytes[7] = "";
        assert_int_equal(xv_io_read(&io, bytes, 7, 0, NULL), 0);
        assert_memory_equal(bytes, "another", 7);
        assert_false(file.is_new);
        xv_io_close(&io);
    }
}

static void a_name_that_never_stays_is_given_up(void **state)
{
    (void)state;
    file_write(volume, "first", 5);
    replace_times = 1000;
    file_hooks.before_lock = put_another_file_there;
    for (size_t i = 0; i < ARRAY_LEN(all_hows); i++) {
        num_replaced = 0;
        assert_refused(COMMON_ERR_BUSY, EBUSY, volume, all_hows[i]);
        assert_int_equal(num_replaced, 3);
    }
    assert_true(file_exists(volume));
}

static void a_file_that_is_removed_meanwhile_is_made_again(void **state)
{
    (void)state;
    replace_times = 1;
    num_replaced = 0;
    file_hooks.before_lock = remove_it;
    struct xv_file file;
    struct xtsvol_io io = opened(&file, volume, XV_OPEN_CREATE);
    assert_true(file.is_new);
    assert_true(file_exists(volume));
    xv_io_close(&io);
    /* One that was there is not made again by who did not ask for that. */
    num_replaced = 0;
    assert_refused(COMMON_ERR_NOT_FOUND, ENOENT, volume, XV_OPEN_WRITE);
}

static struct xtsvol_io first_comer;

static void let_another_have_it(void)
{
    struct xv_file file;
    file_hooks.before_lock = NULL;
    assert_int_equal(xv_file_open(&first_comer, &file, volume, XV_OPEN_WRITE), 0);
}

/* F3. */
static void a_new_file_that_another_locks_first_is_his(void **state)
{
    (void)state;
    file_hooks.before_lock = let_another_have_it;
    struct xtsvol_io io;
    struct xv_file file;
    assert_int_equal(xv_file_open(&io, &file, volume, XV_OPEN_CREATE), COMMON_ERR_BUSY);
    assert_int_equal(file.holder_pid, getpid());
    assert_true(file_exists(volume));
    xv_io_close(&first_comer);
}

static void a_create_that_is_abandoned_leaves_no_file(void **state)
{
    (void)state;
    struct xv_file file;
    struct xtsvol_io io = opened(&file, volume, XV_OPEN_CREATE);
    xv_file_abandon(&io, volume, &file);
    assert_memory_equal(&io, &no_io, sizeof(io));
    assert_false(file_exists(volume));
    xv_file_abandon(&io, volume, &file); /* of one that could not be opened */

    io = opened(&file, volume, XV_OPEN_CREATE);
    file_write(other, "another", 7);
    assert_int_equal(rename(other, volume), 0);
    xv_file_abandon(&io, volume, &file);
    assert_true(file_exists(volume));
}

static void a_failure_of_the_system_leaves_nothing(void **state)
{
    (void)state;
    FAULT_EACH (loop, FAULT_MALLOC | FAULT_OPEN | FAULT_FLOCK, FAULT_ONCE, ENOMEM) {
        struct xtsvol_io io;
        struct xv_file file;
        fault_loop_arm(&loop);
        int error = xv_file_open(&io, &file, volume, XV_OPEN_CREATE);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error, fired ? COMMON_ERR_NO_MEMORY : 0);
        assert_true(file_exists(volume) == !fired);
        assert_int_equal(io.size, fired ? 0 : sizeof(io));
        assert_int_equal(file_num_open(), num_open_before + (fired ? 0 : 1));
        xv_io_close(&io);
    }
}

static void errors_of_opening_and_locking_have_their_category(void **state)
{
    (void)state;
    static const struct {
        unsigned class;
        int native_error;
        int error;
    } cases[] = {
        {FAULT_OPEN, EACCES, COMMON_ERR_DENIED},   {FAULT_OPEN, EPERM, COMMON_ERR_DENIED},
        {FAULT_OPEN, EROFS, COMMON_ERR_DENIED},    {FAULT_OPEN, EMFILE, COMMON_ERR_LIMIT},
        {FAULT_OPEN, ENOSPC, COMMON_ERR_NO_SPACE}, {FAULT_OPEN, EIO, COMMON_ERR_IO},
        {FAULT_OPEN, ENXIO, COMMON_ERR_IO},        {FAULT_FLOCK, ENOLCK, COMMON_ERR_IO},
        {FAULT_FLOCK, EAGAIN, COMMON_ERR_BUSY},    {FAULT_FLOCK, EACCES, COMMON_ERR_BUSY},
    };
    file_write(volume, "kept", 4);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct xtsvol_io io;
        struct xv_file file;
        fault_arm(cases[i].class, 1, cases[i].native_error);
        int error = xv_file_open(&io, &file, volume, XV_OPEN_WRITE);
        assert_true(fault_disarm().fired);
        assert_int_equal(error, cases[i].error);
        assert_int_equal(file.native_error, cases[i].native_error);
        assert_true(file_exists(volume));
    }
}

static void a_signal_does_not_stop_opening(void **state)
{
    (void)state;
    FAULT_EACH (loop, FAULT_OPEN, FAULT_ONCE, EINTR) {
        struct xtsvol_io io;
        struct xv_file file;
        (void)unlink(volume);
        fault_loop_arm(&loop);
        int error = xv_file_open(&io, &file, volume, XV_OPEN_CREATE);
        (void)fault_loop_disarm(&loop);
        assert_int_equal(error, 0);
        assert_true(file.is_new);
        xv_io_close(&io);
    }
}

static void the_folder_of_a_new_file_is_synced(void **state)
{
    const struct tmpdir *dir = *state;
    static const struct {
        unsigned class;
        int native_error;
        int error;
    } cases[] = {
        {FAULT_SYNC, EIO, COMMON_ERR_IO},
        {FAULT_SYNC, ENOSPC, COMMON_ERR_NO_SPACE},
        {FAULT_SYNC, EINVAL, 0},
        {FAULT_OPEN, EACCES, 0},
        {FAULT_OPEN, EMFILE, COMMON_ERR_LIMIT},
        {FAULT_MALLOC, ENOMEM, COMMON_ERR_NO_MEMORY},
    };
    char before[PATH_MAX];
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(dir->path), 0);
    const char *paths[] = {volume, "volume", "./volume", "/volume"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        fault_arm(FAULT_SYNC, 2, EIO);
        int error = xv_file_sync_name(paths[i]);
        assert_int_equal(fault_disarm().seen, 1);
        assert_int_equal(error, 0);
        for (size_t j = 0; j < ARRAY_LEN(cases); j++) {
            fault_arm(cases[j].class, 1, cases[j].native_error);
            error = xv_file_sync_name(paths[i]);
            assert_true(fault_disarm().fired);
            assert_int_equal(error, cases[j].error);
        }
    }
    assert_int_equal(xv_file_sync_name("no/volume"), COMMON_ERR_NOT_FOUND);
    assert_int_equal(chdir(before), 0);
}

#define IN_TMPDIR(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(int argc, char **argv)
{
    (void)argv;
    const struct CMUnitTest tests[] = {
        IN_TMPDIR(makes_a_file_for_its_owner_alone),
        IN_TMPDIR(a_file_that_is_there_is_taken_as_it_is),
        IN_TMPDIR(a_reader_cannot_write),
        IN_TMPDIR(descriptors_do_not_outlive_exec_and_wait_like_others),
        IN_TMPDIR(what_is_not_there_is_not_found),
        IN_TMPDIR(nothing_is_made_where_a_link_leads_nowhere),
        IN_TMPDIR(what_is_no_storage_is_refused_and_not_opened),
        IN_TMPDIR(a_fifo_that_takes_the_place_of_the_file_is_refused_at_once),
        IN_TMPDIR(what_the_name_means_once_it_is_locked_is_what_is_opened),
        IN_TMPDIR(a_name_that_never_stays_is_given_up),
        IN_TMPDIR(a_file_that_is_removed_meanwhile_is_made_again),
        IN_TMPDIR(a_new_file_that_another_locks_first_is_his),
        IN_TMPDIR(a_create_that_is_abandoned_leaves_no_file),
        IN_TMPDIR(a_failure_of_the_system_leaves_nothing),
        IN_TMPDIR(errors_of_opening_and_locking_have_their_category),
        IN_TMPDIR(a_signal_does_not_stop_opening),
        IN_TMPDIR(the_folder_of_a_new_file_is_synced),
    };
    if (argc > 1)
        return io_device_tests();
    return cmocka_run_group_tests_name("io_open", tests, NULL, NULL);
}
