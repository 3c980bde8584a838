/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LMDB as a touchstone: with its default flags it survives every state, with MDB_NOSYNC and
 * MDB_NOMETASYNC it must not. If the replayer stopped finding the latter, the former would say
 * nothing.
 */
#include "tests/support/death.h"
#include "tests/support/random.h"
#include "tests/support/recorder.h"
#include "tests/support/replay.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    NUM_COMMITS = 30,
    KEYS_PER_COMMIT = 4,
    VALUE_LEN = 300
};

/* The value of a key says which commit it belongs to, all over. */
static void fill(char value[VALUE_LEN], unsigned key, unsigned commit)
{
    for (size_t i = 0; i < VALUE_LEN; i++)
        value[i] = (char)('a' + (key * 7 + commit * 13 + i) % 26);
}

static int commit_one(MDB_env *env, unsigned commit)
{
    MDB_txn *txn = NULL;
    MDB_dbi dbi = 0;
    int error = mdb_txn_begin(env, NULL, 0, &txn);
    if (!error)
        error = mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &dbi);
    for (unsigned i = 0; !error && i < KEYS_PER_COMMIT; i++) {
        unsigned key = commit * KEYS_PER_COMMIT + i;
        char value[VALUE_LEN];
        fill(value, key, commit);
        error = mdb_put(txn, dbi, &(MDB_val){sizeof(key), &key}, &(MDB_val){VALUE_LEN, value}, 0);
    }
    if (error)
        mdb_txn_abort(txn);
    return error ? error : mdb_txn_commit(txn);
}

static int open_env(MDB_env **out, const char *dir, unsigned flags)
{
    int error = mdb_env_create(out);
    return error ? error : mdb_env_open(*out, dir, flags, 0600);
}

/* The environment is made and synced before the recording: only commits are under test. */
static struct replay *record_commits(const struct tmpdir *dir, unsigned flags)
{
    char store[PATH_MAX];
    char log_path[PATH_MAX];
    MDB_env *env = NULL;
    assert_int_equal(mkdir(tmpdir_path(store, dir, "store"), 0700), 0);
    assert_int_equal(open_env(&env, store, 0), 0);
    assert_int_equal(commit_one(env, 0), 0);
    mdb_env_close(env);

    recorder_start(store, tmpdir_path(log_path, dir, "log"));
    int error = open_env(&env, store, flags);
    for (unsigned commit = 1; !error && commit <= NUM_COMMITS; commit++) {
        error = commit_one(env, commit);
        recorder_mark(commit);
    }
    recorder_stop();
    mdb_env_close(env);
    assert_int_equal(error, 0);
    return replay_load(log_path, &(struct replay_options){.may_change_unseen = {"lock.mdb"}});
}

static const char *check_value(unsigned number, const MDB_val *key, const MDB_val *value)
{
    unsigned found = 0;
    char expected[VALUE_LEN];
    if (key->mv_size != sizeof(found) || value->mv_size != VALUE_LEN)
        return "broken entry";
    memcpy(&found, key->mv_data, sizeof(found));
    fill(expected, number, number / KEYS_PER_COMMIT);
    return found == number && memcmp(expected, value->mv_data, VALUE_LEN) == 0 ? NULL
                                                                               : "wrong entry";
}

static const char *count_entries(unsigned *out, MDB_txn *txn)
{
    MDB_dbi dbi = 0;
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    const char *problem = NULL;
    unsigned number = 0;
    if (mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &dbi) != 0)
        return "no database";
    if (mdb_cursor_open(txn, dbi, &cursor) != 0)
        return "no cursor";
    int error = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (; !error && !problem; number++) {
        problem = check_value(number, &key, &value);
        error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    *out = number;
    return problem || error == MDB_NOTFOUND ? problem : "walk failed";
}

static const char *check_env(MDB_env *env, const struct replay_info *info)
{
    MDB_txn *txn = NULL;
    unsigned entries = 0;
    if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0)
        return "no transaction";
    const char *problem = count_entries(&entries, txn);
    mdb_txn_abort(txn);
    if (problem)
        return problem;
    if (entries % KEYS_PER_COMMIT != 0)
        return "part of a commit";
    unsigned commits = entries / KEYS_PER_COMMIT - 1;
    if (commits < info->acknowledged)
        return "an acknowledged commit is lost";
    return commits > info->acknowledged + 1 ? "a commit that was never made" : NULL;
}

/* It must also take a further commit. */
static const char *check_store(void *context, const char *dir, const struct replay_info *info)
{
    (void)context;
    MDB_env *env = NULL;
    const char *problem = open_env(&env, dir, 0) == 0 ? check_env(env, info) : "does not open";
    if (!problem && commit_one(env, NUM_COMMITS + 1) != 0)
        problem = "takes no commit";
    mdb_env_close(env);
    return problem;
}

struct in_child {
    const char *dir;
    const struct replay_info *info;
};

static int check_in_child(void *context)
{
    const struct in_child *in_child = context;
    return check_store(NULL, in_child->dir, in_child->info) ? 1 : 0;
}

/* LMDB may crash on what MDB_NOSYNC leaves. */
static const char *check_carefully(void *context, const char *dir, const struct replay_info *info)
{
    (void)context;
    struct in_child in_child = {.dir = dir, .info = info};
    struct death death = death_of(check_in_child, &in_child, 20);
    return death.is_exit && death.status == 0 ? NULL : "broken";
}

static void default_flags_lose_nothing(void **state)
{
    struct replay *replay = record_commits(*state, 0);
    replay_assert_random(replay, "lmdb", check_store, NULL);
    replay_free(&replay);
}

static void default_flags_survive_every_cut(void **state)
{
    struct replay *replay = record_commits(*state, 0);
    replay_assert_all_cuts(replay, check_store, NULL);
    replay_free(&replay);
}

static void without_sync_the_store_breaks(void **state)
{
    struct replay *replay = record_commits(*state, MDB_NOSYNC);
    struct replay_result result = replay_random(replay, 1, 100, check_carefully, NULL);
    replay_free(&replay);
    print_message("# MDB_NOSYNC: %u of %u states are bad\n", result.bad, result.states);
    assert_true(result.bad > result.states / 4);
}

static void without_sync_of_the_meta_page_commits_are_lost(void **state)
{
    struct replay *replay = record_commits(*state, MDB_NOMETASYNC);
    struct replay_result result = replay_random(replay, 1, 300, check_store, NULL);
    replay_free(&replay);
    print_message("# MDB_NOMETASYNC: %u of %u states are bad\n", result.bad, result.states);
    assert_true(result.bad > 10);
    assert_string_equal(result.reason, "an acknowledged commit is lost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(default_flags_lose_nothing, tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(default_flags_survive_every_cut, tmpdir_setup,
                                        tmpdir_teardown),
        cmocka_unit_test_setup_teardown(without_sync_the_store_breaks, tmpdir_setup,
                                        tmpdir_teardown),
        cmocka_unit_test_setup_teardown(without_sync_of_the_meta_page_commits_are_lost,
                                        tmpdir_setup, tmpdir_teardown),
    };
    return cmocka_run_group_tests_name("replay_lmdb", tests, NULL, NULL);
}
