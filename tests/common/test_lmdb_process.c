/* SPDX-License-Identifier: Apache-2.0 */
/* The LMDB wrapper with several processes, living and dead, on one directory. */
#include "common/lmdb/env.h"
#include "tests/common/lmdb_support.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
    common_lmdb_close(&inherited);
    return 0;
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
        IN_TMPDIR(a_reader_that_was_killed_is_cleared_at_open),
        IN_TMPDIR(a_reader_that_was_killed_does_not_fill_the_map),
        IN_TMPDIR(a_reader_slot_of_the_dead_is_used_again),
    };
    return cmocka_run_group_tests_name("lmdb_process", tests, NULL, NULL);
}
