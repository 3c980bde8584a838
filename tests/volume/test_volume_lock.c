/* SPDX-License-Identifier: Apache-2.0 */
/* V13, and L1 to L3 of lock.h. */
#include "libxtsvol/src/volume/io.h"
#include "libxtsvol/src/volume/lock.h"

#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LIMIT_S = 60
};

static char volume[PATH_MAX];

static int begin(void **state)
{
    (void)alarm(LIMIT_S);
    int error = tmpdir_setup(state);
    file_write(tmpdir_path(volume, *state, "volume"), "kept", 4);
    return error;
}

static int end(void **state)
{
    (void)alarm(0);
    return tmpdir_teardown(state);
}

static struct xtsvol_io opened(enum xv_open_how how)
{
    struct xtsvol_io io;
    struct xv_file file;
    assert_int_equal(xv_file_open(&io, &file, volume, how), 0);
    return io;
}

static void assert_free_for(enum xv_open_how how)
{
    struct xtsvol_io io = opened(how);
    xv_io_close(&io);
}

static void assert_held_by(pid_t pid, enum xv_open_how how)
{
    struct xtsvol_io io;
    struct xv_file file;
    assert_int_equal(xv_file_open(&io, &file, volume, how), COMMON_ERR_BUSY);
    assert_int_equal(file.holder_pid, pid);
    assert_int_not_equal(file.native_error, 0);
    assert_int_equal(io.size, 0);
}

/* A child that ends with this process at the latest, also when a test fails. */
static pid_t fork_bound(void)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

/* A process that has it open until it is killed. */
static pid_t start_holder(enum xv_open_how how)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork_bound();
    if (pid == 0) {
        struct xtsvol_io io;
        struct xv_file file;
        if (!xv_file_open(&io, &file, volume, how) && write(ready[1], "r", 1) == 1)
            (void)pause();
        _exit(1);
    }
    (void)close(ready[1]);
    char byte = 0;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    return pid;
}

static void end_holder(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_second_writer_of_the_process_is_refused(void **state)
{
    (void)state;
    struct xtsvol_io io = opened(XV_OPEN_WRITE);
    assert_held_by(getpid(), XV_OPEN_WRITE);
    assert_held_by(getpid(), XV_OPEN_CREATE);
    assert_held_by(getpid(), XV_OPEN_READ);
    /* Those who were refused took nothing away. */
    assert_held_by(getpid(), XV_OPEN_WRITE);
    xv_io_close(&io);
    assert_free_for(XV_OPEN_WRITE);
}

static void who_makes_the_file_has_it_alone(void **state)
{
    (void)state;
    assert_int_equal(unlink(volume), 0);
    struct xtsvol_io io = opened(XV_OPEN_CREATE);
    assert_held_by(getpid(), XV_OPEN_CREATE);
    xv_io_close(&io);
}

static void a_writer_in_another_process_is_named(void **state)
{
    (void)state;
    pid_t pid = start_holder(XV_OPEN_WRITE);
    assert_held_by(pid, XV_OPEN_WRITE);
    assert_held_by(pid, XV_OPEN_READ);
    end_holder(pid);
}

static void readers_share_and_keep_the_writer_out(void **state)
{
    (void)state;
    struct xtsvol_io first = opened(XV_OPEN_READ);
    struct xtsvol_io second = opened(XV_OPEN_READ);
    pid_t pid = start_holder(XV_OPEN_READ);
    xv_io_close(&first);
    assert_held_by(getpid(), XV_OPEN_WRITE);
    xv_io_close(&second);
    assert_held_by(pid, XV_OPEN_WRITE);
    assert_free_for(XV_OPEN_READ);
    end_holder(pid);
    assert_free_for(XV_OPEN_WRITE);
}

static void a_holder_that_is_killed_holds_nothing(void **state)
{
    (void)state;
    static const enum xv_open_how hows[] = {XV_OPEN_READ, XV_OPEN_WRITE, XV_OPEN_CREATE};
    for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
        pid_t pid = start_holder(hows[i]);
        assert_held_by(pid, XV_OPEN_WRITE);
        end_holder(pid);
        assert_free_for(XV_OPEN_WRITE);
    }
}

static int in_child(void (*run)(struct xtsvol_io *io), struct xtsvol_io *io)
{
    pid_t pid = fork_bound();
    if (pid == 0) {
        run(io);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* L3. */
static void a_forked_child_that_closes_does_not_unlock(void **state)
{
    (void)state;
    static const enum xv_open_how hows[] = {XV_OPEN_READ, XV_OPEN_WRITE};
    for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
        struct xtsvol_io io = opened(hows[i]);
        assert_int_equal(in_child(xv_io_close, &io), 0);
        assert_held_by(getpid(), XV_OPEN_WRITE);
        xv_io_close(&io);
        assert_free_for(XV_OPEN_WRITE);
    }
}

static void abandon_it(struct xtsvol_io *io)
{
    xv_file_abandon(io, volume, &(struct xv_file){.is_new = true});
}

static void a_forked_child_that_abandons_does_not_remove(void **state)
{
    (void)state;
    struct xtsvol_io io = opened(XV_OPEN_WRITE);
    assert_int_equal(in_child(abandon_it, &io), 0);
    assert_true(file_exists(volume));
    assert_held_by(getpid(), XV_OPEN_WRITE);
    xv_io_close(&io);
}

/* L3. */
static void a_forked_child_that_lives_on_does_not_keep_it(void **state)
{
    (void)state;
    struct xtsvol_io io = opened(XV_OPEN_WRITE);
    pid_t pid = fork_bound();
    if (pid == 0) {
        (void)pause();
        _exit(0);
    }
    xv_io_close(&io);
    struct xv_file file;
    int error = xv_file_open(&io, &file, volume, XV_OPEN_WRITE);
    end_holder(pid);
    assert_int_equal(error, 0);
    xv_io_close(&io);
}

/* L2. A POSIX lock would be gone. */
static void closing_another_descriptor_does_not_unlock(void **state)
{
    (void)state;
    struct xtsvol_io io = opened(XV_OPEN_WRITE);
    int fd = open(volume, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_held_by(getpid(), XV_OPEN_WRITE);
    xv_io_close(&io);
}

/* Whose lock it is, of the older kind, is what the kernel says. */
static void another_programs_lock_is_respected(void **state)
{
    (void)state;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork_bound();
    if (pid == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = open(volume, O_RDWR | O_CLOEXEC);
        if (!fcntl(fd, F_SETLK, &lock) && write(ready[1], "r", 1) == 1)
            (void)pause();
        _exit(1);
    }
    char byte = 0;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_held_by(pid, XV_OPEN_READ);
    end_holder(pid);
    (void)close(ready[0]);
    (void)close(ready[1]);

    /* An open file's, of which nothing is known. */
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(volume, O_RDWR | O_CLOEXEC);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    assert_held_by(0, XV_OPEN_READ);
    lock.l_type = F_UNLCK;
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 << 30};
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    assert_free_for(XV_OPEN_WRITE); /* the data is not what is locked */
    (void)close(fd);
}

static void who_holds_it_is_told_without_asking_for_it(void **state)
{
    (void)state;
    int fd = open(volume, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(xv_lock_holder(fd, true), 0);
    struct xtsvol_io reader = opened(XV_OPEN_READ);
    assert_int_equal(xv_lock_holder(fd, true), getpid());
    assert_int_equal(xv_lock_holder(fd, false), 0);
    xv_io_close(&reader);
    int64_t holder = -1;
    int native_error = -1;
    assert_int_equal(xv_lock_take(fd, true, &holder, &native_error), 0);
    assert_int_equal(holder, 0);
    assert_int_equal(native_error, 0);
    assert_held_by(getpid(), XV_OPEN_READ);
    xv_lock_drop(fd);
    assert_free_for(XV_OPEN_WRITE);
    (void)close(fd);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(a_second_writer_of_the_process_is_refused),
        WITH_FILE(who_makes_the_file_has_it_alone),
        WITH_FILE(a_writer_in_another_process_is_named),
        WITH_FILE(readers_share_and_keep_the_writer_out),
        WITH_FILE(a_holder_that_is_killed_holds_nothing),
        WITH_FILE(a_forked_child_that_closes_does_not_unlock),
        WITH_FILE(a_forked_child_that_abandons_does_not_remove),
        WITH_FILE(a_forked_child_that_lives_on_does_not_keep_it),
        WITH_FILE(closing_another_descriptor_does_not_unlock),
        WITH_FILE(another_programs_lock_is_respected),
        WITH_FILE(who_holds_it_is_told_without_asking_for_it),
    };
    return cmocka_run_group_tests_name("volume_lock", tests, NULL, NULL);
}
