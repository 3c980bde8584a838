/* SPDX-License-Identifier: Apache-2.0 */
/* What opening makes, what it finds, and what it refuses; L and C are the rules of open_env.c and
 * create.c. */
#include "common/lmdb/env.h"
#include "tests/common/lmdb_support.h"
#include "tests/support/death.h"
#include "tests/support/random.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NOBODY = 65534,
    NUM_ENTRIES = 40
};

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

static void assert_refused(const struct tmpdir *dir, bool create, int expected)
{
    struct common_lmdb *env = NULL;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    options.create = create;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), expected);
    assert_null(env);
}

static off_t length_of(const struct tmpdir *dir)
{
    char path[PATH_MAX];
    struct stat st;
    assert_int_equal(stat(tmpdir_path(path, dir, "data.mdb"), &st), 0);
    return st.st_size;
}

/* L1. */
static void a_file_that_lost_all_its_bytes_is_damaged(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_MAX];
    file_write(tmpdir_path(path, dir, "data.mdb"), "", 0);
    assert_refused(dir, false, COMMON_ERR_CORRUPT);
    assert_refused(dir, true, COMMON_ERR_CORRUPT);
    assert_int_equal(length_of(dir), 0);
}

/* L1. */
static void a_file_that_is_a_link_is_refused(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_MAX];
    char target[PATH_MAX];
    tmpdir_path(target, dir, "elsewhere");
    assert_int_equal(symlink(target, tmpdir_path(path, dir, "data.mdb")), 0);
    assert_refused(dir, true, COMMON_ERR_CORRUPT);
    assert_false(file_exists(target));
}

static int read_all(void *context)
{
    struct common_lmdb *env = NULL;
    struct common_lmdb_options options = lmdb_test_options(context);
    int error = common_lmdb_open(&env, NULL, &options);
    if (error)
        return error == COMMON_ERR_CORRUPT ? 1 : 2;
    for (uint64_t i = 0; i < NUM_ENTRIES; i++) {
        if (lmdb_test_has(env, i, 3000) != 1)
            error = 3;
    }
    common_lmdb_close(&env);
    return error;
}

/* L3: whole, or refused; never killed. */
static void a_file_that_was_cut_off_is_refused_before_it_is_read(void **state)
{
    struct tmpdir *dir = *state;
    struct common_lmdb *env = open_in(dir);
    for (uint64_t i = 0; i < NUM_ENTRIES; i++)
        assert_int_equal(lmdb_test_put(env, i, 3000), 0);
    common_lmdb_close(&env);

    char path[PATH_MAX];
    tmpdir_path(path, dir, "data.mdb");
    unsigned refused = 0;
    unsigned whole = 0;
    for (off_t len = length_of(dir); len >= 0; len -= 2048) {
        assert_int_equal(truncate(path, len), 0);
        struct death death = death_of(read_all, dir->path, 10);
        if (!death.is_exit || death.status > 1)
            fail_msg("%ld bytes: exit %d, signal %d", (long)len, death.status, death.signal);
        refused += death.status == 1;
        whole += death.status == 0;
    }
    assert_true(refused >= 30); /* 40 entries of a page each */
    assert_true(whole >= 1);    /* nothing was written behind the newest page */
}

struct mix {
    struct test_random random;
};

/* Large values that come and go within a transaction leave free pages at the end that LMDB does not
 * write. */
static int put_and_delete(struct common_lmdb_txn *txn, void *context)
{
    struct mix *mix = context;
    static uint8_t large[40 << 10];
    for (unsigned n = 0; n < 6; n++) {
        uint8_t id = (uint8_t)test_random_below(&mix->random, 8);
        const struct common_lmdb_bytes key = {&id, 1};
        const struct common_lmdb_bytes value = {large,
                                                test_random_range(&mix->random, 1, sizeof(large))};
        int error = common_lmdb_put(txn, TABLE_A, key, value);
        if (!error && test_random_chance(&mix->random, 60))
            error = common_lmdb_delete(txn, TABLE_A, key);
        if (error)
            return error;
    }
    return 0;
}

/* L2. */
static void a_healthy_file_is_never_taken_for_one_that_was_cut_off(void **state)
{
    struct mix mix = {.random = test_random_begin("lmdb length")};
    for (unsigned i = 0; i < 150; i++) {
        struct common_lmdb *env = open_in(*state);
        assert_int_equal(common_lmdb_update(env, NULL, put_and_delete, &mix), 0);
        common_lmdb_close(&env);
    }
}

/* C4. */
static void looking_for_an_environment_leaves_no_trace(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_MAX];
    assert_refused(dir, false, COMMON_ERR_NOT_FOUND);
    assert_false(file_exists(tmpdir_path(path, dir, "open.lock")));
    assert_int_equal(rmdir(dir->path), 0);
    assert_int_equal(mkdir(dir->path, 0700), 0);
}

/* C1: it may be torn, or an older one. */
static void what_a_maker_left_that_was_cut_is_not_used(void **state)
{
    const struct tmpdir *dir = *state;
    char from[PATH_MAX];
    char to[PATH_MAX];
    struct common_lmdb *env = open_in(dir);
    assert_int_equal(lmdb_test_put(env, 1, 10), 0);
    common_lmdb_close(&env);
    assert_int_equal(rename(tmpdir_path(from, dir, "data.mdb"), tmpdir_path(to, dir, "new.mdb")),
                     0);
    env = open_in(dir);
    assert_int_equal(lmdb_test_has(env, 1, 10), 0);
    assert_int_equal(lmdb_test_put(env, 2, 10), 0);
    common_lmdb_close(&env);
    assert_false(file_exists(to));
    tmpdir_path(to, dir, "new.mdb-lock");
    assert_false(file_exists(to));
}

static void a_directory_of_somebody_else_is_refused(void **state)
{
    const struct tmpdir *dir = *state;
    assert_int_equal(chown(dir->path, NOBODY, (gid_t)-1), 0);
    assert_refused(dir, true, COMMON_ERR_DENIED);
    /* Root's is anybody's who may enter it. */
    assert_int_equal(chown(dir->path, 0, (gid_t)-1), 0);
    struct common_lmdb *env = open_in(dir);
    common_lmdb_close(&env);
}

enum {
    CANNOT_HIDE = 200
};

/* From this process alone. */
static int hide_proc(void *context)
{
    (void)context;
    return unshare(CLONE_NEWNS) || mount("none", "/proc", NULL, MS_REC | MS_PRIVATE, NULL) ||
                   mount("none", "/proc", "tmpfs", 0, NULL)
               ? CANNOT_HIDE
               : 0;
}

static int open_without_proc(void *context)
{
    if (hide_proc(NULL))
        return CANNOT_HIDE;
    struct common_lmdb *env = NULL;
    struct common_lmdb_options options = lmdb_test_options(context);
    return -common_lmdb_open(&env, NULL, &options);
}

/* L1. */
static void without_proc_it_says_so(void **state)
{
    struct tmpdir *dir = *state;
    struct death death = death_of(open_without_proc, dir->path, 10);
    assert_true(death.is_exit);
    assert_int_not_equal(death.status, CANNOT_HIDE);
    assert_int_equal(-death.status, COMMON_ERR_UNSUPPORTED);
}

/* As many tables as there may be, with names as long as a key. */
static struct common_lmdb_options with_many_tables(const char *directory)
{
    static char names[COMMON_LMDB_MAX_TABLES][COMMON_LMDB_MAX_KEY + 1];
    static const char *tables[COMMON_LMDB_MAX_TABLES];
    struct common_lmdb_options options = lmdb_test_options(directory);
    for (size_t i = 0; i < COMMON_LMDB_MAX_TABLES; i++) {
        memset(names[i], (int)('a' + i), COMMON_LMDB_MAX_KEY);
        tables[i] = names[i];
    }
    tables[0] = options.tables[0];
    options.tables = tables;
    options.num_tables = COMMON_LMDB_MAX_TABLES;
    return options;
}

static void any_size_of_the_map_is_enough_to_begin_with(void **state)
{
    struct tmpdir *dir = *state;
    static const size_t sizes[] = {1, 4096, 8192, 12288, 40000, 65537};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char path[PATH_MAX];
        tree_remove(tmpdir_path(path, dir, "store"));
        struct common_lmdb_options options = with_many_tables(path);
        options.map_bytes = sizes[i];
        struct common_lmdb *env = NULL;
        assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
        assert_int_equal(lmdb_test_put(env, 1, 100000), 0);
        common_lmdb_close(&env);
    }
}

static void the_last_step_to_the_ceiling_is_a_shorter_one(void **state)
{
    const struct tmpdir *dir = *state;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    options.map_max_bytes = 300 << 10;
    struct common_lmdb *env = NULL;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
    int error = 0;
    uint64_t num_put = 0;
    while (!error)
        error = lmdb_test_put(env, num_put++, 3000);
    assert_int_equal(error, COMMON_ERR_LIMIT);
    assert_true(num_put > 60 && num_put < 75); /* a page each, more than 256 KiB have */
    assert_int_equal(length_of(dir), 300 << 10);
    common_lmdb_close(&env);
}

static void a_full_map_has_room_for_new_tables_at_open(void **state)
{
    const struct tmpdir *dir = *state;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    options.num_tables = 1;
    options.map_max_bytes = options.map_bytes;
    struct common_lmdb *env = NULL;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
    uint64_t num_put = 0;
    while (lmdb_test_put(env, num_put, 1000) == 0)
        num_put++;
    common_lmdb_close(&env);
    struct common_lmdb_options larger = with_many_tables(dir->path);
    larger.map_max_bytes = 100 << 10; /* not twice the size */
    assert_int_equal(common_lmdb_open(&env, NULL, &larger), 0);
    assert_int_equal(lmdb_test_has(env, num_put - 1, 1000), 1);
    common_lmdb_close(&env);
}

#define IN_TMPDIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_setup, tmpdir_teardown)

int main(int argc, char **argv)
{
    (void)argv;
    const struct CMUnitTest tests[] = {
        IN_TMPDIR(a_file_that_lost_all_its_bytes_is_damaged),
        IN_TMPDIR(a_file_that_is_a_link_is_refused),
        IN_TMPDIR(a_file_that_was_cut_off_is_refused_before_it_is_read),
        IN_TMPDIR(a_healthy_file_is_never_taken_for_one_that_was_cut_off),
        IN_TMPDIR(looking_for_an_environment_leaves_no_trace),
        IN_TMPDIR(what_a_maker_left_that_was_cut_is_not_used),
        IN_TMPDIR(any_size_of_the_map_is_enough_to_begin_with),
        IN_TMPDIR(the_last_step_to_the_ceiling_is_a_shorter_one),
        IN_TMPDIR(a_full_map_has_room_for_new_tables_at_open),
    };
    const struct CMUnitTest root_tests[] = {
        IN_TMPDIR(a_directory_of_somebody_else_is_refused),
        IN_TMPDIR(without_proc_it_says_so),
    };
    /* Root of a container is not always allowed to. */
    if (argc > 1 && geteuid() == 0 && death_of(hide_proc, NULL, 10).status != 0)
        return puts("1..0 # SKIP needs a root that may mount") < 0;
    if (argc > 1)
        return RUN_AS_ROOT("lmdb_open_root", root_tests, NULL, NULL);
    return cmocka_run_group_tests_name("lmdb_open", tests, NULL, NULL);
}
