/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/cleanup.h"
#include "common/base/endian.h"
#include "common/lmdb/component.h"
#include "common/lmdb/env.h"
#include "tests/common/lmdb_support.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

static struct common_lmdb_bytes text(const char *string)
{
    return (struct common_lmdb_bytes){string, strlen(string)};
}

static void what_was_committed_is_there_after_opening_again(void **state)
{
    struct common_lmdb *env = open_in(*state);
    assert_int_equal(lmdb_test_put(env, 1, 100), 0);
    assert_int_equal(lmdb_test_put(env, 2, 5000), 0);
    common_lmdb_close(&env);
    assert_null(env);
    common_lmdb_close(&env);

    env = open_in(*state);
    assert_int_equal(lmdb_test_has(env, 1, 100), 1);
    assert_int_equal(lmdb_test_has(env, 2, 5000), 1);
    assert_int_equal(lmdb_test_has(env, 3, 1), 0);
    common_lmdb_close(&env);
}

static void files_are_for_the_owner_alone(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_MAX];
    tmpdir_path(path, dir, "store");
    struct common_lmdb_options options = lmdb_test_options(path);
    struct common_lmdb *env = NULL;
    mode_t before = umask(0);
    assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
    umask(before);
    static const struct {
        const char *name;
        mode_t mode;
    } files[] = {{"store", 0700},
                 {"store/data.mdb", 0600},
                 {"store/lock.mdb", 0600},
                 {"store/open.lock", 0600}};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct stat st;
        assert_int_equal(stat(tmpdir_path(path, dir, files[i].name), &st), 0);
        assert_int_equal(st.st_mode & 07777, files[i].mode);
    }
    common_lmdb_close(&env);
}

static void no_descriptor_is_left_to_a_child_program(void **state)
{
    struct common_lmdb *env = open_in(*state);
    for (int fd = 3; fd < 64; fd++) {
        char link[64];
        char target[PATH_MAX] = "";
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        if (readlink(link, target, sizeof(target) - 1) > 0 && strstr(target, ".mdb"))
            assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    }
    common_lmdb_close(&env);
}

static void an_environment_that_is_not_there_is_not_made_unasked(void **state)
{
    const struct tmpdir *dir = *state;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    options.create = false;
    struct common_lmdb *env = (struct common_lmdb *)&options;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), COMMON_ERR_NOT_FOUND);
    assert_null(env);
    char path[PATH_MAX];
    assert_false(file_exists(tmpdir_path(path, dir, "data.mdb")));
    options.directory = tmpdir_path(path, dir, "missing");
    assert_int_equal(common_lmdb_open(&env, NULL, &options), COMMON_ERR_NOT_FOUND);
}

static void options_out_of_range_are_refused(void **state)
{
    const struct tmpdir *dir = *state;
    struct common_lmdb *env = NULL;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    options.num_tables = 0;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), COMMON_ERR_INVALID);
    options.num_tables = COMMON_LMDB_MAX_TABLES + 1;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), COMMON_ERR_INVALID);
    options = lmdb_test_options(NULL);
    assert_int_equal(common_lmdb_open(&env, NULL, &options), COMMON_ERR_INVALID);
    options = lmdb_test_options(dir->path);
    options.map_bytes = options.map_max_bytes + 1;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), COMMON_ERR_INVALID);
}

static void a_directory_that_others_may_write_to_is_refused(void **state)
{
    const struct tmpdir *dir = *state;
    struct common_lmdb *env = NULL;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    static const mode_t modes[] = {0720, 0702, 0777};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        assert_int_equal(chmod(dir->path, modes[i]), 0);
        assert_int_equal(common_lmdb_open(&env, NULL, &options), COMMON_ERR_DENIED);
    }
    assert_int_equal(chmod(dir->path, 0755), 0);
    assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
    common_lmdb_close(&env);
}

static void what_is_not_an_environment_is_called_damaged(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_MAX];
    uint8_t garbage[8192];
    memset(garbage, 0x5a, sizeof(garbage));
    file_write(tmpdir_path(path, dir, "data.mdb"), garbage, sizeof(garbage));
    struct common_lmdb *env = NULL;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    int native = 0;
    assert_int_equal(common_lmdb_open(&env, &native, &options), COMMON_ERR_CORRUPT);
    assert_int_not_equal(native, 0);
}

static void the_map_grows_as_it_is_needed(void **state)
{
    struct common_lmdb *env = open_in(*state);
    for (uint64_t i = 0; i < 64; i++)
        assert_int_equal(lmdb_test_put(env, i, 16 << 10), 0); /* 1 MiB in a map of 64 KiB */
    for (uint64_t i = 0; i < 64; i++)
        assert_int_equal(lmdb_test_has(env, i, 16 << 10), 1);
    common_lmdb_close(&env);
}

static void one_value_larger_than_the_map_fits_after_growing(void **state)
{
    struct common_lmdb *env = open_in(*state);
    assert_int_equal(lmdb_test_put(env, 1, 3 << 20), 0);
    assert_int_equal(lmdb_test_has(env, 1, 3 << 20), 1);
    common_lmdb_close(&env);
}

static void the_ceiling_of_the_map_holds(void **state)
{
    const struct tmpdir *dir = *state;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    options.map_max_bytes = 256 << 10;
    struct common_lmdb *env = NULL;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
    assert_int_equal(lmdb_test_put(env, 1, 1000), 0);
    assert_int_equal(lmdb_test_put(env, 2, 1 << 20), COMMON_ERR_LIMIT);
    assert_int_equal(lmdb_test_has(env, 1, 1000), 1);
    assert_int_equal(lmdb_test_has(env, 2, 1 << 20), 0);
    assert_int_equal(lmdb_test_put(env, 3, 1000), 0);
    common_lmdb_close(&env);
}

static int fail_after_put(struct common_lmdb_txn *txn, void *context)
{
    (void)context;
    int error = common_lmdb_put(txn, TABLE_A, text("key"), text("value"));
    return error ? error : COMMON_ERR_CANCELLED;
}

static int find_key(struct common_lmdb_txn *txn, void *context)
{
    (void)context;
    struct common_lmdb_bytes value;
    return common_lmdb_get(txn, &value, TABLE_A, text("key"));
}

static void work_that_fails_changes_nothing(void **state)
{
    struct common_lmdb *env = open_in(*state);
    uint64_t before = 0;
    uint64_t after = 0;
    assert_int_equal(common_lmdb_last_txn_id(env, &before), 0);
    assert_int_equal(common_lmdb_update(env, NULL, fail_after_put, NULL), COMMON_ERR_CANCELLED);
    assert_int_equal(common_lmdb_view(env, NULL, find_key, NULL), COMMON_ERR_NOT_FOUND);
    assert_int_equal(common_lmdb_last_txn_id(env, &after), 0);
    assert_true(before == after);
    assert_int_equal(lmdb_test_put(env, 1, 1), 0);
    assert_int_equal(common_lmdb_last_txn_id(env, &after), 0);
    assert_true(after > before);
    common_lmdb_close(&env);
}

/* Swallows the error of a full map, as careless work would. */
static int ignore_errors(struct common_lmdb_txn *txn, void *context)
{
    unsigned *runs = context;
    ++*runs;
    static uint8_t large[300 << 10];
    (void)!common_lmdb_put(txn, TABLE_A, text("small"), text("s"));
    (void)!common_lmdb_put(txn, TABLE_A, text("key"),
                           (struct common_lmdb_bytes){large, sizeof(large)});
    return 0;
}

static void work_that_overlooks_a_full_map_is_run_again_all_the_same(void **state)
{
    struct common_lmdb *env = open_in(*state);
    unsigned runs = 0;
    assert_int_equal(common_lmdb_update(env, NULL, ignore_errors, &runs), 0);
    assert_true(runs > 1);
    assert_int_equal(common_lmdb_view(env, NULL, find_key, NULL), 0);
    common_lmdb_close(&env);
}

static int exercise_calls(struct common_lmdb_txn *txn, void *context)
{
    (void)context;
    struct common_lmdb_bytes value;
    struct common_lmdb_bytes key;
    static const uint8_t long_key[COMMON_LMDB_MAX_KEY + 1] = {1};
    const struct common_lmdb_bytes longest = {long_key, COMMON_LMDB_MAX_KEY};
    const struct common_lmdb_bytes too_long = {long_key, COMMON_LMDB_MAX_KEY + 1};
    const struct common_lmdb_bytes none = {"", 0};

    assert_int_equal(common_lmdb_put(txn, TABLE_A, longest, text("v")), 0);
    assert_int_equal(common_lmdb_put(txn, TABLE_A, too_long, text("v")), COMMON_ERR_INVALID);
    assert_int_equal(common_lmdb_put(txn, TABLE_A, none, text("v")), COMMON_ERR_INVALID);
    assert_int_equal(common_lmdb_put(txn, NUM_TEST_TABLES, text("k"), text("v")),
                     COMMON_ERR_INVALID);
    assert_int_equal(common_lmdb_get(txn, &value, TABLE_A, too_long), COMMON_ERR_INVALID);
    assert_int_equal(common_lmdb_delete(txn, TABLE_A, too_long), COMMON_ERR_INVALID);

    assert_int_equal(common_lmdb_insert(txn, TABLE_A, text("k"), text("first")), 0);
    assert_int_equal(common_lmdb_insert(txn, TABLE_A, text("k"), text("second")),
                     COMMON_ERR_EXISTS);
    assert_int_equal(common_lmdb_get(txn, &value, TABLE_A, text("k")), 0);
    assert_int_equal(value.len, 5);
    assert_memory_equal(value.data, "first", 5);
    assert_int_equal(common_lmdb_put(txn, TABLE_A, text("k"), none), 0);
    assert_int_equal(common_lmdb_get(txn, &value, TABLE_A, text("k")), 0);
    assert_int_equal(value.len, 0);
    /* Tables do not share keys. */
    assert_int_equal(common_lmdb_get(txn, &value, TABLE_B, text("k")), COMMON_ERR_NOT_FOUND);
    assert_null(value.data);
    assert_int_equal(common_lmdb_delete(txn, TABLE_A, text("k")), 0);
    assert_int_equal(common_lmdb_delete(txn, TABLE_A, text("k")), COMMON_ERR_NOT_FOUND);

    struct common_lmdb_cursor *cursor = NULL;
    assert_int_equal(common_lmdb_cursor_open(&cursor, txn, NUM_TEST_TABLES), COMMON_ERR_INVALID);
    assert_int_equal(common_lmdb_cursor_open(&cursor, txn, TABLE_B), 0);
    assert_int_equal(common_lmdb_cursor_seek(cursor, &key, &value, none), COMMON_ERR_NOT_FOUND);
    assert_int_equal(common_lmdb_cursor_seek(cursor, &key, &value, too_long), COMMON_ERR_INVALID);
    common_lmdb_cursor_close(&cursor);
    assert_null(cursor);
    return 0;
}

static int write_in_view(struct common_lmdb_txn *txn, void *context)
{
    (void)context;
    assert_int_equal(common_lmdb_put(txn, TABLE_A, text("k"), text("v")), COMMON_ERR_STATE);
    assert_int_equal(common_lmdb_delete(txn, TABLE_A, text("k")), COMMON_ERR_STATE);
    return 0;
}

static void keys_tables_and_values_are_checked(void **state)
{
    struct common_lmdb *env = open_in(*state);
    assert_int_equal(common_lmdb_update(env, NULL, exercise_calls, NULL), 0);
    assert_int_equal(common_lmdb_view(env, NULL, write_in_view, NULL), 0);
    common_lmdb_close(&env);
}

static int scan(struct common_lmdb_txn *txn, void *context)
{
    (void)context;
    static const char *const keys[] = {"b", "a", "ab", "\xff", "c"};
    static const char *const from_ab[] = {"ab", "b", "c", "\xff"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_int_equal(common_lmdb_put(txn, TABLE_B, text(keys[i]), text("v")), 0);
    struct common_lmdb_cursor *cursor = NULL;
    struct common_lmdb_bytes key;
    struct common_lmdb_bytes value;
    assert_int_equal(common_lmdb_cursor_open(&cursor, txn, TABLE_B), 0);
    assert_int_equal(common_lmdb_cursor_seek(cursor, &key, &value, text("aa")), 0);
    for (size_t i = 0; i < ARRAY_LEN(from_ab); i++) {
        assert_int_equal(key.len, strlen(from_ab[i]));
        assert_memory_equal(key.data, from_ab[i], key.len);
        assert_int_equal(common_lmdb_cursor_next(cursor, &key, &value),
                         i + 1 < ARRAY_LEN(from_ab) ? 0 : COMMON_ERR_NOT_FOUND);
    }
    assert_null(key.data);
    common_lmdb_cursor_close(&cursor);
    return 0;
}

static void a_scan_is_in_the_order_of_bytes(void **state)
{
    struct common_lmdb *env = open_in(*state);
    assert_int_equal(common_lmdb_update(env, NULL, scan, NULL), 0);
    common_lmdb_close(&env);
}

static void tables_of_a_newer_store_are_made_at_open(void **state)
{
    const struct tmpdir *dir = *state;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    options.num_tables = 1;
    struct common_lmdb *env = NULL;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
    assert_int_equal(lmdb_test_put(env, 1, 10), 0);
    common_lmdb_close(&env);
    env = open_in(dir);
    assert_int_equal(lmdb_test_has(env, 1, 10), 1);
    assert_int_equal(common_lmdb_update(env, NULL, scan, NULL), 0);
    common_lmdb_close(&env);
}

enum {
    NUM_THREADS = 6,
    ENTRIES_PER_THREAD = 30
};

struct worker {
    pthread_t thread;
    struct common_lmdb *env;
    uint64_t first;
    int error;
};

/* Values of a size that makes the map grow under all of them. */
static void *put_many(void *context)
{
    struct worker *worker = context;
    for (uint64_t i = 0; i < ENTRIES_PER_THREAD && !worker->error; i++) {
        worker->error = lmdb_test_put(worker->env, worker->first + i, 8 << 10);
        if (!worker->error && lmdb_test_has(worker->env, worker->first + i, 8 << 10) != 1)
            worker->error = COMMON_ERR_CORRUPT;
        if (!worker->error && lmdb_test_count(worker->env) <= (int64_t)i)
            worker->error = COMMON_ERR_CORRUPT;
    }
    return NULL;
}

static void threads_may_use_one_environment(void **state)
{
    struct common_lmdb *env = open_in(*state);
    struct worker workers[NUM_THREADS];
    for (size_t i = 0; i < NUM_THREADS; i++) {
        workers[i] = (struct worker){.env = env, .first = i * 1000};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, put_many, &workers[i]), 0);
    }
    for (size_t i = 0; i < NUM_THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].error, 0);
    }
    assert_int_equal(lmdb_test_count(env), NUM_THREADS * ENTRIES_PER_THREAD);
    common_lmdb_close(&env);
}

static void the_component_is_lmdb(void **state)
{
    (void)state;
    struct common_component component;
    common_lmdb_component(&component);
    assert_string_equal(component.name, "LMDB");
    assert_memory_equal(component.version, "0.9.", 4);
}

#define IN_TMPDIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TMPDIR(what_was_committed_is_there_after_opening_again),
        IN_TMPDIR(files_are_for_the_owner_alone),
        IN_TMPDIR(no_descriptor_is_left_to_a_child_program),
        IN_TMPDIR(an_environment_that_is_not_there_is_not_made_unasked),
        IN_TMPDIR(options_out_of_range_are_refused),
        IN_TMPDIR(a_directory_that_others_may_write_to_is_refused),
        IN_TMPDIR(what_is_not_an_environment_is_called_damaged),
        IN_TMPDIR(the_map_grows_as_it_is_needed),
        IN_TMPDIR(one_value_larger_than_the_map_fits_after_growing),
        IN_TMPDIR(the_ceiling_of_the_map_holds),
        IN_TMPDIR(work_that_fails_changes_nothing),
        IN_TMPDIR(work_that_overlooks_a_full_map_is_run_again_all_the_same),
        IN_TMPDIR(keys_tables_and_values_are_checked),
        IN_TMPDIR(a_scan_is_in_the_order_of_bytes),
        IN_TMPDIR(tables_of_a_newer_store_are_made_at_open),
        IN_TMPDIR(threads_may_use_one_environment),
        cmocka_unit_test(the_component_is_lmdb),
    };
    return cmocka_run_group_tests_name("lmdb", tests, NULL, NULL);
}
