/* SPDX-License-Identifier: Apache-2.0 */
/* The LMDB wrapper with several processes, living and dead, on one directory. */
#include "common/lmdb/env.h"
#include "tests/common/lmdb_support.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the place of LMDB's: counts, and lets a test come in between two steps of opening. */
static unsigned num_closed;
static void (*at_reader_check)(const struct tmpdir *dir);
static const struct tmpdir *at_reader_check_dir;

/* dlsym() gives functions as pointers to data. */
static void *next_symbol(void *out, size_t size, const char *name)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    if (!symbol || size != sizeof(symbol))
        abort();
    return memcpy(out, &symbol, sizeof(symbol));
}

void mdb_env_close(MDB_env *env)
{
    void (*real)(MDB_env *) = NULL;
    next_symbol(&real, sizeof(real), "mdb_env_close");
    num_closed++;
    real(env);
}

int mdb_reader_check(MDB_env *env, int *dead)
{
    int (*real)(MDB_env *, int *) = NULL;
    next_symbol(&real, sizeof(real), "mdb_reader_check");
    int rc = real(env, dead);
    void (*hook)(const struct tmpdir *dir) = at_reader_check;
    at_reader_check = NULL;
    if (hook)
        hook(at_reader_check_dir);
    return rc;
}

static struct common_lmdb *open_in(const struct tmpdir *dir)
{
    struct common_lmdb *env = NULL;
    int native = 0;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    int error = common_lmdb_open(&env, &native, &options);
    if (error)
        fail_msg("open: %s, %s", common_error_name(error), common_lmdb_native_text(native));
    return env;
}

static void a_second_environment_of_the_process_is_refused(void **state)
{
    const struct tmpdir *dir = *state;
    struct common_lmdb *env = open_in(dir);
    struct common_lmdb *second = NULL;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    assert_int_equal(common_lmdb_open(&second, NULL, &options), COMMON_ERR_BUSY);
    assert_null(second);
    /* Another spelling of the path is the same directory. */
    char path[PATH_MAX];
    options.directory = tmpdir_path(path, dir, ".");
    assert_int_equal(common_lmdb_open(&second, NULL, &options), COMMON_ERR_BUSY);
    assert_int_equal(lmdb_test_put(env, 1, 10), 0);
    common_lmdb_close(&env);
    assert_int_equal(common_lmdb_open(&second, NULL, &options), 0);
    common_lmdb_close(&second);
}

static int in_child(int (*run)(const struct tmpdir *dir), const struct tmpdir *dir)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(run(dir));
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int put_seven(const struct tmpdir *dir)
{
    struct common_lmdb *env = NULL;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    if (common_lmdb_open(&env, NULL, &options))
        return 1;
    int error = lmdb_test_put(env, 7, 10);
    common_lmdb_close(&env);
    return error ? 2 : 0;
}

static void another_process_may_have_it_open_too(void **state)
{
    struct common_lmdb *env = open_in(*state);
    assert_int_equal(in_child(put_seven, *state), 0);
    assert_int_equal(lmdb_test_has(env, 7, 10), 1);
    common_lmdb_close(&env);
}

static struct common_lmdb *inherited;

static int use_inherited(const struct tmpdir *dir)
{
    (void)dir;
    if (lmdb_test_put(inherited, 8, 10) != COMMON_ERR_STATE ||
        lmdb_test_has(inherited, 1, 10) != COMMON_ERR_STATE)
        return 1;
    /* LMDB must not hear of it: it would free the slots of the parent's readers. */
    num_closed = 0;
    common_lmdb_close(&inherited);
    return num_closed == 0 ? 0 : 2;
}

static void a_forked_child_may_only_close(void **state)
{
    inherited = open_in(*state);
    assert_int_equal(lmdb_test_put(inherited, 1, 10), 0);
    assert_int_equal(in_child(use_inherited, *state), 0);
    /* The child's close took nothing from us. */
    assert_int_equal(lmdb_test_put(inherited, 2, 10), 0);
    assert_int_equal(lmdb_test_has(inherited, 1, 10), 1);
    struct common_lmdb *second = NULL;
    struct common_lmdb_options options = lmdb_test_options(((struct tmpdir *)*state)->path);
    assert_int_equal(common_lmdb_open(&second, NULL, &options), COMMON_ERR_BUSY);
    common_lmdb_close(&inherited);
}

/* The lock of open.lock belongs to what a forked child shares. */
static void a_forked_child_that_lives_on_does_not_keep_it_busy(void **state)
{
    inherited = open_in(*state);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)pause();
        _exit(0);
    }
    common_lmdb_close(&inherited);
    struct common_lmdb *env = NULL;
    struct common_lmdb_options options = lmdb_test_options(((struct tmpdir *)*state)->path);
    int error = common_lmdb_open(&env, NULL, &options);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(error, 0);
    common_lmdb_close(&env);
}

static int grow_it(const struct tmpdir *dir)
{
    struct common_lmdb *env = NULL;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    if (common_lmdb_open(&env, NULL, &options))
        return 1;
    int error = lmdb_test_put(env, 9, 8 << 20);
    common_lmdb_close(&env);
    return error ? 2 : 0;
}

static void a_map_that_another_process_grew_is_adopted(void **state)
{
    struct common_lmdb *env = open_in(*state);
    assert_int_equal(lmdb_test_put(env, 1, 10), 0);
    assert_int_equal(in_child(grow_it, *state), 0);
    assert_int_equal(lmdb_test_has(env, 9, 8 << 20), 1); /* by a reader */
    assert_int_equal(in_child(grow_it, *state), 0);
    assert_int_equal(lmdb_test_put(env, 2, 10), 0); /* by a writer */
    assert_int_equal(lmdb_test_has(env, 9, 8 << 20), 1);
    common_lmdb_close(&env);
}

struct other_reader {
    struct common_lmdb *env;
    const struct tmpdir *dir;
    pthread_t thread;
    int has;
};

static void *read_what_was_grown(void *context)
{
    struct other_reader *other = context;
    other->has = lmdb_test_has(other->env, 9, 8 << 20);
    return NULL;
}

/* Long enough for the other thread to meet the larger map, and to wait for us. */
static int read_while_it_grows(struct common_lmdb_txn *txn, void *context)
{
    struct other_reader *other = context;
    struct common_lmdb_bytes value;
    static const uint8_t key[8] = {[7] = 1};
    int error = common_lmdb_get(txn, &value, TABLE_A, (struct common_lmdb_bytes){key, 8});
    if (error)
        return error;
    const volatile uint8_t *byte = value.data;
    uint8_t before = *byte;
    assert_int_equal(in_child(grow_it, other->dir), 0);
    assert_int_equal(pthread_create(&other->thread, NULL, read_what_was_grown, other), 0);
    (void)usleep(100000);
    return *byte == before ? 0 : COMMON_ERR_CORRUPT;
}

/* T1. */
static void a_larger_map_is_adopted_when_no_transaction_reads_the_old_one(void **state)
{
    struct common_lmdb *env = open_in(*state);
    struct other_reader other = {.env = env, .dir = *state};
    assert_int_equal(lmdb_test_put(env, 1, 10), 0);
    assert_int_equal(common_lmdb_view(env, NULL, read_while_it_grows, &other), 0);
    assert_int_equal(pthread_join(other.thread, NULL), 0);
    assert_int_equal(other.has, 1);
    common_lmdb_close(&env);
}

static void grow_in_child(const struct tmpdir *dir)
{
    assert_int_equal(in_child(grow_it, dir), 0);
}

/* After LMDB looked at the size, before the first transaction. */
static void a_map_that_another_process_grows_during_open_is_adopted(void **state)
{
    struct common_lmdb *env = open_in(*state);
    common_lmdb_close(&env);
    at_reader_check = grow_in_child;
    at_reader_check_dir = *state;
    env = open_in(*state);
    assert_null(at_reader_check);
    assert_int_equal(lmdb_test_has(env, 9, 8 << 20), 1);
    common_lmdb_close(&env);
}

static bool somebody_holds(int fd, off_t first, off_t len)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = first, .l_len = len};
    assert_int_equal(fcntl(fd, F_OFD_GETLK, &lock), 0);
    return lock.l_type != F_UNLCK;
}

static void set_turn(int fd, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
}

/* A maker that waits for its turn, long enough to come past its first look for the file. */
static pid_t start_maker(const struct tmpdir *dir, int fd)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(put_seven(dir));
    for (unsigned i = 0; i < 1000 && !somebody_holds(fd, 1, 0); i++)
        (void)usleep(1000);
    (void)usleep(100000);
    return pid;
}

/* C3. */
static void makers_take_turns_and_look_again(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_MAX];
    char aside[PATH_MAX];
    tmpdir_path(path, dir, "data.mdb");
    tmpdir_path(aside, dir, "aside.mdb");
    struct common_lmdb *env = open_in(dir);
    assert_int_equal(lmdb_test_put(env, 1, 10), 0);
    common_lmdb_close(&env);
    assert_int_equal(rename(path, aside), 0);

    char lock[PATH_MAX];
    int fd = open(tmpdir_path(lock, dir, "open.lock"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    set_turn(fd, F_WRLCK);
    pid_t pid = start_maker(dir, fd);
    bool was_made = file_exists(path);
    assert_int_equal(rename(aside, path), 0);
    set_turn(fd, F_UNLCK);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_false(was_made);
    (void)close(fd);

    env = open_in(dir);
    assert_int_equal(lmdb_test_has(env, 1, 10), 1);
    assert_int_equal(lmdb_test_has(env, 7, 10), 1);
    common_lmdb_close(&env);
}

static int ready_pipe[2];

static int read_until_killed(struct common_lmdb_txn *txn, void *context)
{
    (void)txn;
    (void)context;
    if (write(ready_pipe[1], "r", 1) == 1)
        (void)pause();
    return 0;
}

static int hold_a_reader(const struct tmpdir *dir)
{
    struct common_lmdb *env = NULL;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    if (common_lmdb_open(&env, NULL, &options))
        return 1;
    return common_lmdb_view(env, NULL, read_until_killed, NULL);
}

static unsigned dead_reader_events;

static void count_dead_readers(void *context, const struct common_event *event)
{
    (void)context;
    if (strcmp(event->name, "StoreDeadReadersCleared") == 0)
        dead_reader_events++;
}

static void leave_a_dead_reader(const struct tmpdir *dir)
{
    assert_int_equal(pipe(ready_pipe), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(hold_a_reader(dir));
    char ready = 0;
    assert_int_equal(read(ready_pipe[0], &ready, 1), 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    (void)close(ready_pipe[0]);
    (void)close(ready_pipe[1]);
}

static void a_reader_that_was_killed_is_cleared_at_open(void **state)
{
    const struct tmpdir *dir = *state;
    /* Somebody has it open, else LMDB starts with a fresh lock file anyway. */
    int sync_pipe[2];
    assert_int_equal(pipe(sync_pipe), 0);
    pid_t holder = fork();
    assert_true(holder >= 0);
    if (holder == 0) {
        struct common_lmdb *env = NULL;
        struct common_lmdb_options options = lmdb_test_options(dir->path);
        int error = common_lmdb_open(&env, NULL, &options);
        if (!error && write(sync_pipe[1], "r", 1) == 1)
            (void)pause();
        _exit(1);
    }
    char ready = 0;
    assert_int_equal(read(sync_pipe[0], &ready, 1), 1);
    leave_a_dead_reader(dir);

    struct common_lmdb *env = NULL;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    options.events.emit = count_dead_readers;
    dead_reader_events = 0;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
    assert_int_equal(dead_reader_events, 1);
    common_lmdb_close(&env);
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    (void)close(sync_pipe[0]);
    (void)close(sync_pipe[1]);
}

/* Rewriting one value again and again needs no more room, unless a dead reader pins the old pages.
 */
static void a_reader_that_was_killed_does_not_fill_the_map(void **state)
{
    const struct tmpdir *dir = *state;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    options.map_max_bytes = 256 << 10;
    struct common_lmdb *env = NULL;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
    assert_int_equal(lmdb_test_put(env, 1, 20 << 10), 0);
    leave_a_dead_reader(dir);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(lmdb_test_put(env, 1, 20 << 10), 0);
    common_lmdb_close(&env);
}

static void a_reader_slot_of_the_dead_is_used_again(void **state)
{
    const struct tmpdir *dir = *state;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    options.max_readers = 1;
    struct common_lmdb *env = NULL;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
    leave_a_dead_reader(dir);
    assert_int_equal(lmdb_test_has(env, 1, 1), 0);
    common_lmdb_close(&env);
}

#define IN_TMPDIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TMPDIR(a_second_environment_of_the_process_is_refused),
        IN_TMPDIR(another_process_may_have_it_open_too),
        IN_TMPDIR(a_forked_child_may_only_close),
        IN_TMPDIR(a_forked_child_that_lives_on_does_not_keep_it_busy),
        IN_TMPDIR(a_map_that_another_process_grew_is_adopted),
        IN_TMPDIR(a_larger_map_is_adopted_when_no_transaction_reads_the_old_one),
        IN_TMPDIR(a_map_that_another_process_grows_during_open_is_adopted),
        IN_TMPDIR(makers_take_turns_and_look_again),
        IN_TMPDIR(a_reader_that_was_killed_is_cleared_at_open),
        IN_TMPDIR(a_reader_that_was_killed_does_not_fill_the_map),
        IN_TMPDIR(a_reader_slot_of_the_dead_is_used_again),
    };
    return cmocka_run_group_tests_name("lmdb_process", tests, NULL, NULL);
}
