/* SPDX-License-Identifier: Apache-2.0 */
/* Every call into the system that fails, and the power that goes, under the LMDB wrapper. */
#include "common/lmdb/env.h"
#include "tests/common/lmdb_support.h"
#include "tests/support/fault.h"
#include "tests/support/recorder.h"
#include "tests/support/replay.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What may fail under LMDB, with the errno that the kernel would give. */
static const struct {
    unsigned class;
    int error;
    enum fault_mode mode;
} faults[] = {
    {FAULT_MALLOC, ENOMEM, FAULT_ONCE},   {FAULT_MMAP, ENOMEM, FAULT_ONCE},
    {FAULT_OPEN, EMFILE, FAULT_ONCE},     {FAULT_READ, EIO, FAULT_ONCE},
    {FAULT_WRITE, ENOSPC, FAULT_ONCE},    {FAULT_WRITE, ENOSPC, FAULT_FROM_THEN_ON},
    {FAULT_WRITE, EIO, FAULT_SHORT},      {FAULT_SYNC, EIO, FAULT_ONCE},
    {FAULT_METADATA, ENOSPC, FAULT_ONCE}, {FAULT_FLOCK, ENOLCK, FAULT_ONCE},
};

static void cleared(struct tmpdir *dir)
{
    tree_remove(dir->path);
}

static void opening_survives_every_failing_call(void **state)
{
    struct tmpdir *dir = *state;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        FAULT_EACH (loop, faults[i].class, faults[i].mode, faults[i].error) {
            loop.may_be_absent = faults[i].class;
            cleared(dir);
            struct common_lmdb *env = NULL;
            fault_loop_arm(&loop);
            int error = common_lmdb_open(&env, NULL, &options);
            bool fired = fault_loop_disarm(&loop);
            if (!fired)
                assert_int_equal(error, 0);
            if (error)
                assert_null(env);
            common_lmdb_close(&env);
            /* Whatever happened, the next one opens, and works. */
            assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
            assert_int_equal(lmdb_test_put(env, 1, 100), 0);
            assert_int_equal(lmdb_test_has(env, 1, 100), 1);
            common_lmdb_close(&env);
        }
    }
}

/* An update that fails leaves what was before; one that is said to be done is there; and the same
 * environment goes on to be used. Sizes that make the map grow on the way. */
static void an_update_survives_every_failing_call(void **state)
{
    struct tmpdir *dir = *state;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        FAULT_EACH (loop, faults[i].class, faults[i].mode, faults[i].error) {
            loop.may_be_absent = FAULT_OPEN | FAULT_READ | FAULT_METADATA | FAULT_FLOCK;
            cleared(dir);
            struct common_lmdb *env = NULL;
            assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
            assert_int_equal(lmdb_test_put(env, 1, 20000), 0);
            fault_loop_arm(&loop);
            int error = lmdb_test_put(env, 2, 100000);
            bool fired = fault_loop_disarm(&loop);
            if (!fired)
                assert_int_equal(error, 0);
            assert_int_equal(lmdb_test_has(env, 1, 20000), 1);
            assert_int_equal(lmdb_test_has(env, 2, 100000), error ? 0 : 1);
            assert_int_equal(lmdb_test_put(env, 3, 300), 0);
            common_lmdb_close(&env);

            assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
            assert_int_equal(lmdb_test_has(env, 1, 20000), 1);
            assert_int_equal(lmdb_test_has(env, 2, 100000), error ? 0 : 1);
            assert_int_equal(lmdb_test_has(env, 3, 300), 1);
            common_lmdb_close(&env);
        }
    }
}

static void a_full_disk_has_its_own_error(void **state)
{
    struct tmpdir *dir = *state;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    struct common_lmdb *env = NULL;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
    int native = 0;
    (void)native;
    fault_arm_plan(&(struct fault_plan){
        .classes = FAULT_WRITE, .nth = 1, .error = ENOSPC, .mode = FAULT_FROM_THEN_ON});
    int error = lmdb_test_put(env, 1, 1000);
    (void)fault_disarm();
    assert_int_equal(error, COMMON_ERR_NO_SPACE);
    assert_int_equal(lmdb_test_put(env, 1, 1000), 0);
    common_lmdb_close(&env);
}

static void reading_survives_every_failing_call(void **state)
{
    struct tmpdir *dir = *state;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        struct common_lmdb *env = NULL;
        assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
        assert_int_equal(lmdb_test_put(env, 1, 100), 0);
        fault_loop_arm(&loop);
        int64_t count = lmdb_test_count(env);
        bool fired = fault_loop_disarm(&loop);
        assert_true(fired ? count == COMMON_ERR_NO_MEMORY : count == 1);
        assert_int_equal(lmdb_test_count(env), 1);
        common_lmdb_close(&env);
    }
}

/* A map that cannot be made closes the environment inside: the next use opens it again. */
static void break_inside(struct common_lmdb *env)
{
    fault_arm(FAULT_MMAP, 1, ENOMEM);
    int error = lmdb_test_put(env, 2, 4 << 20);
    bool fired = fault_disarm().fired;
    assert_int_equal(error, COMMON_ERR_NO_MEMORY);
    assert_true(fired);
}

static struct common_lmdb *open_with_one(const char *directory)
{
    struct common_lmdb_options options = lmdb_test_options(directory);
    struct common_lmdb *env = NULL;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
    assert_int_equal(lmdb_test_put(env, 1, 100), 0);
    return env;
}

/* L1: a daemon goes to another directory. */
static void opening_again_finds_the_same_directory(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_MAX];
    char before[PATH_MAX];
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(mkdir(tmpdir_path(path, dir, "other"), 0700), 0);
    assert_int_equal(chdir(dir->path), 0);
    struct common_lmdb *env = open_with_one("store");
    assert_int_equal(chdir(path), 0);
    break_inside(env);
    assert_int_equal(lmdb_test_has(env, 1, 100), 1);
    assert_int_equal(lmdb_test_put(env, 3, 100), 0);
    common_lmdb_close(&env);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(rmdir(path), 0);
}

/* L1. */
static void opening_again_never_makes_a_new_file(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_MAX];
    char other[PATH_MAX];
    tmpdir_path(path, dir, "data.mdb");
    tmpdir_path(other, dir, "other.mdb");
    struct common_lmdb *env = open_with_one(dir->path);
    break_inside(env);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(lmdb_test_has(env, 1, 100), COMMON_ERR_CORRUPT);
    assert_int_equal(lmdb_test_put(env, 3, 100), COMMON_ERR_CORRUPT);
    assert_false(file_exists(path));

    uint8_t *bytes = NULL;
    size_t len = 0;
    file_read(&bytes, &len, other);
    file_write(path, bytes, len);
    free(bytes);
    assert_int_equal(lmdb_test_has(env, 1, 100), COMMON_ERR_CORRUPT);
    assert_int_equal(rename(other, path), 0);
    assert_int_equal(lmdb_test_has(env, 1, 100), 1);
    common_lmdb_close(&env);
}

/* L3. */
static void opening_again_looks_at_the_length(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_MAX];
    struct common_lmdb *env = open_with_one(dir->path);
    break_inside(env);
    assert_int_equal(truncate(tmpdir_path(path, dir, "data.mdb"), 8192), 0);
    assert_int_equal(lmdb_test_has(env, 1, 100), COMMON_ERR_CORRUPT);
    common_lmdb_close(&env);
}

enum {
    NUM_PUTS = 12,
    VALUE_LEN = 3000
};

/* Entry i is acknowledged by mark i + 1; mark 1 is the end of the creation. */
static const char *check_state(void *context, const char *dir, const struct replay_info *info)
{
    (void)context;
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/store", dir) >= (int)sizeof(path))
        return "the path is too long";
    struct common_lmdb_options options = lmdb_test_options(path);
    struct common_lmdb *env = NULL;
    int error = common_lmdb_open(&env, NULL, &options);
    if (error)
        return common_error_name(error);
    const char *problem = NULL;
    bool is_prefix = true;
    for (uint64_t i = 1; i <= NUM_PUTS && !problem; i++) {
        int has = lmdb_test_has(env, i, VALUE_LEN);
        if (has < 0)
            problem = "an entry cannot be read, or is not what was written";
        else if (has == 0 && i + 1 <= info->acknowledged)
            problem = "an acknowledged entry is lost";
        else if (has == 1 && !is_prefix)
            problem = "a later entry is there without an earlier one";
        is_prefix = has == 1;
    }
    if (!problem && lmdb_test_put(env, 99, 100))
        problem = "the store cannot be written to";
    common_lmdb_close(&env);
    return problem;
}

static void power_loss_loses_nothing_that_was_committed(void **state)
{
    const struct tmpdir *dir = *state;
    char root[PATH_MAX];
    char log[PATH_MAX];
    char store[PATH_MAX];
    tmpdir_path(root, dir, "root");
    tmpdir_path(log, dir, "log");
    assert_int_equal(mkdir(root, 0700), 0);
    tmpdir_path(store, dir, "root/store");

    recorder_start(root, log);
    struct common_lmdb_options options = lmdb_test_options(store);
    struct common_lmdb *env = NULL;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
    recorder_mark(1);
    for (uint64_t i = 1; i <= NUM_PUTS; i++) {
        assert_int_equal(lmdb_test_put(env, i, VALUE_LEN), 0);
        recorder_mark(i + 1);
    }
    common_lmdb_close(&env);
    recorder_stop();

    struct replay *replay = replay_load(
        log, &(struct replay_options){.may_change_unseen = {"lock.mdb", "new.mdb-lock"}});
    replay_assert_random(replay, "lmdb", check_state, NULL);
    replay_free(&replay);
}

#define IN_TMPDIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TMPDIR(opening_survives_every_failing_call),
        IN_TMPDIR(an_update_survives_every_failing_call),
        IN_TMPDIR(a_full_disk_has_its_own_error),
        IN_TMPDIR(reading_survives_every_failing_call),
        IN_TMPDIR(opening_again_finds_the_same_directory),
        IN_TMPDIR(opening_again_never_makes_a_new_file),
        IN_TMPDIR(opening_again_looks_at_the_length),
        IN_TMPDIR(power_loss_loses_nothing_that_was_committed),
    };
    return cmocka_run_group_tests_name("lmdb_fault", tests, NULL, NULL);
}
