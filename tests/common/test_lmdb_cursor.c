/* SPDX-License-Identifier: Apache-2.0 */
/* A scan with writes between its steps, beside a plain sorted list. */
#include "common/lmdb/env.h"
#include "tests/common/lmdb_support.h"
#include "tests/support/random.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include <string.h>

enum {
    NUM_KEYS = 400, /* that there may be: some pages of them */
    ROUNDS = 20,
    STEPS = 600
};

/* The model: which of the keys are there. Key i is i as three digits, some with a long tail. */
struct model {
    bool is_there[NUM_KEYS];
    struct test_random random;
};

static size_t make_key(char out[COMMON_LMDB_MAX_KEY], size_t i)
{
    memset(out, 'x', COMMON_LMDB_MAX_KEY);
    out[0] = (char)('0' + i / 100);
    out[1] = (char)('0' + i / 10 % 10);
    out[2] = (char)('0' + i % 10);
    return i % 7 == 0 ? COMMON_LMDB_MAX_KEY : 3 + i % 40;
}

static int write_key(struct common_lmdb_txn *txn, struct model *model, size_t i, bool is_there)
{
    char text[COMMON_LMDB_MAX_KEY];
    const struct common_lmdb_bytes key = {text, make_key(text, i)};
    int expected = is_there || model->is_there[i] ? 0 : COMMON_ERR_NOT_FOUND;
    int error = is_there ? common_lmdb_put(txn, TABLE_A, key, (struct common_lmdb_bytes){"v", 1})
                         : common_lmdb_delete(txn, TABLE_A, key);
    model->is_there[i] = is_there;
    return error == expected ? 0 : COMMON_ERR_INTERNAL;
}

/* Writes near the place of the scan, the current key most of all, or anywhere. */
static int write_some(struct common_lmdb_txn *txn, struct model *model, size_t at)
{
    int error = 0;
    for (uint64_t n = test_random_below(&model->random, 4); n > 0 && !error; n--) {
        size_t i = at + test_random_below(&model->random, 5);
        i = i >= 2 ? i - 2 : 0;
        if (test_random_chance(&model->random, 25))
            i = test_random_below(&model->random, NUM_KEYS);
        error = write_key(txn, model, i % NUM_KEYS, test_random_chance(&model->random, 50));
    }
    return error;
}

static size_t first_from(const struct model *model, size_t i)
{
    while (i < NUM_KEYS && !model->is_there[i])
        i++;
    return i;
}

static int compare(int error, struct common_lmdb_bytes key, size_t expected)
{
    char text[COMMON_LMDB_MAX_KEY];
    if (expected == NUM_KEYS)
        return error == COMMON_ERR_NOT_FOUND && !key.data ? 0 : COMMON_ERR_INTERNAL;
    size_t len = make_key(text, expected);
    if (error || key.len != len || memcmp(key.data, text, len) != 0)
        return COMMON_ERR_INTERNAL;
    return 0;
}

static int scan_and_write(struct common_lmdb_txn *txn, struct common_lmdb_cursor *cursor,
                          struct model *model)
{
    struct common_lmdb_bytes key;
    struct common_lmdb_bytes value;
    size_t at = NUM_KEYS;
    for (unsigned step = 0; step < STEPS; step++) {
        int error = 0;
        if (at == NUM_KEYS || test_random_chance(&model->random, 3)) {
            size_t from = test_random_below(&model->random, NUM_KEYS);
            char text[COMMON_LMDB_MAX_KEY];
            (void)make_key(text, from);
            at = first_from(model, from);
            error =
                common_lmdb_cursor_seek(cursor, &key, &value, (struct common_lmdb_bytes){text, 3});
        } else {
            at = first_from(model, at + 1);
            error = common_lmdb_cursor_next(cursor, &key, &value);
        }
        error = compare(error, key, at);
        if (!error && test_random_chance(&model->random, 60))
            error = write_some(txn, model, at);
        if (error)
            return error;
    }
    return 0;
}

static int run_model(struct common_lmdb_txn *txn, void *context)
{
    struct model *model = context;
    struct common_lmdb_cursor *cursor = NULL;
    for (size_t i = 0; i < NUM_KEYS; i++) {
        int error = write_key(txn, model, i, test_random_chance(&model->random, 30));
        if (error)
            return error;
    }
    int error = common_lmdb_cursor_open(&cursor, txn, TABLE_A);
    if (!error)
        error = scan_and_write(txn, cursor, model);
    common_lmdb_cursor_close(&cursor);
    return error;
}

static void a_scan_goes_on_behind_its_last_key_whatever_is_written(void **state)
{
    const struct tmpdir *dir = *state;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    options.map_bytes = 4 << 20; /* the work must run once, for the model's sake */
    struct common_lmdb *env = NULL;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
    static struct model model;
    model.random = test_random_begin("lmdb cursor");
    for (unsigned round = 0; round < ROUNDS; round++)
        assert_int_equal(common_lmdb_update(env, NULL, run_model, &model), 0);
    common_lmdb_close(&env);
}

static struct common_lmdb_bytes text(const char *string)
{
    return (struct common_lmdb_bytes){string, strlen(string)};
}

static int replace_current(struct common_lmdb_txn *txn, void *context)
{
    (void)context;
    struct common_lmdb_cursor *cursor = NULL;
    struct common_lmdb_bytes key;
    struct common_lmdb_bytes value;
    for (const char *name = "a\0b\0d\0"; *name; name += 2)
        assert_int_equal(common_lmdb_put(txn, TABLE_A, text(name), text("v")), 0);
    assert_int_equal(common_lmdb_cursor_open(&cursor, txn, TABLE_A), 0);
    assert_int_equal(common_lmdb_cursor_next(cursor, &key, &value), COMMON_ERR_NOT_FOUND);
    assert_int_equal(common_lmdb_cursor_seek(cursor, &key, &value, text("b")), 0);
    assert_int_equal(common_lmdb_delete(txn, TABLE_A, text("b")), 0);
    assert_int_equal(common_lmdb_put(txn, TABLE_A, text("c"), text("v")), 0);
    assert_int_equal(common_lmdb_cursor_next(cursor, &key, &value), 0);
    assert_int_equal(key.len, 1);
    assert_memory_equal(key.data, "c", 1);
    assert_int_equal(common_lmdb_cursor_seek(cursor, &key, &value, text("e")),
                     COMMON_ERR_NOT_FOUND);
    assert_int_equal(common_lmdb_cursor_next(cursor, &key, &value), COMMON_ERR_NOT_FOUND);
    common_lmdb_cursor_close(&cursor);
    return 0;
}

static void a_key_put_behind_a_deleted_one_is_seen(void **state)
{
    const struct tmpdir *dir = *state;
    struct common_lmdb_options options = lmdb_test_options(dir->path);
    struct common_lmdb *env = NULL;
    assert_int_equal(common_lmdb_open(&env, NULL, &options), 0);
    assert_int_equal(common_lmdb_update(env, NULL, replace_current, NULL), 0);
    common_lmdb_close(&env);
}

#define IN_TMPDIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TMPDIR(a_scan_goes_on_behind_its_last_key_whatever_is_written),
        IN_TMPDIR(a_key_put_behind_a_deleted_one_is_seen),
    };
    return cmocka_run_group_tests_name("lmdb_cursor", tests, NULL, NULL);
}
