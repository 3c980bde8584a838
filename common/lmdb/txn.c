/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions, and what LMDB asks of its user around them. Invariants:
 *   T1  while a transaction runs, its thread holds the gate shared; the map is changed, and the
 *       environment closed, only under the exclusive gate
 *   T2  an update that met MDB_MAP_FULL never commits: it is aborted and run again
 *   T3  after MDB_PANIC, or a map that could not be made, nothing of the old environment is used
 */
#include "common/lmdb/env_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_TRIES = 64 /* a map that doubles reaches any ceiling long before */
};

static void close_mdb(struct common_lmdb *env)
{
    mdb_env_close(env->mdb);
    env->mdb = NULL;
}

static size_t map_bytes(MDB_env *mdb)
{
    MDB_envinfo info = {0};
    (void)mdb_env_info(mdb, &info);
    return info.me_mapsize;
}

/* Under the exclusive gate. LMDB unmaps before it maps: after a failure there is no map, and the
 * next use must open again (T3). */
static int set_map(struct common_lmdb *env, size_t bytes)
{
    int rc = mdb_env_set_mapsize(env->mdb, bytes);
    if (rc)
        close_mdb(env);
    return rc;
}

/* What another process wrote is looked at like a file that is opened (L3). */
static int adopt_map(struct common_lmdb *env)
{
    (void)pthread_rwlock_wrlock(&env->gate);
    int rc = env->mdb ? set_map(env, 0) : 0;
    if (env->mdb && !rc) {
        rc = common_lmdb_check_length(env->mdb);
        if (rc)
            close_mdb(env);
    }
    (void)pthread_rwlock_unlock(&env->gate);
    return rc;
}

/* `full` is the size that was too small: another thread may have grown the map since. Pages that
 * only a dead reader holds are looked for first. */
static int grow_map(struct common_lmdb *env, size_t full)
{
    (void)pthread_rwlock_wrlock(&env->gate);
    int rc = 0;
    int dead = 0;
    if (env->mdb && map_bytes(env->mdb) <= full) {
        size_t bytes = common_lmdb_next_map(full, env->options.map_max_bytes);
        (void)mdb_reader_check(env->mdb, &dead);
        if (dead == 0)
            rc = bytes == 0 ? MDB_MAP_FULL : set_map(env, bytes);
    }
    (void)pthread_rwlock_unlock(&env->gate);
    return rc;
}

static int open_again(struct common_lmdb *env)
{
    int native_error = 0;
    (void)pthread_rwlock_wrlock(&env->gate);
    if (!env->mdb)
        (void)common_lmdb_open_mdb(env, &native_error);
    (void)pthread_rwlock_unlock(&env->gate);
    return native_error;
}

static int close_after_panic(struct common_lmdb *env)
{
    (void)pthread_rwlock_wrlock(&env->gate);
    if (env->mdb)
        close_mdb(env);
    (void)pthread_rwlock_unlock(&env->gate);
    const struct common_event event = {
        .severity = COMMON_EVENT_WARNING,
        .name = "StoreReopened",
        .object = env->directory,
        .reason = "a write failed so that the store had to be closed; it is opened again",
    };
    common_event_emit(&env->options.events, &event);
    return 0;
}

/* Begins with the gate held (T1), or returns a native error without it. */
static int begin(struct common_lmdb_txn *txn)
{
    struct common_lmdb *env = txn->env;
    int rc = 0;
    for (int tries = 0; tries < MAX_TRIES && !rc; tries++) {
        (void)pthread_rwlock_rdlock(&env->gate);
        if (!env->mdb) {
            (void)pthread_rwlock_unlock(&env->gate);
            rc = open_again(env);
            continue;
        }
        rc = mdb_txn_begin(env->mdb, NULL, txn->is_write ? 0 : MDB_RDONLY, &txn->mdb);
        if (!rc)
            return 0;
        int dead = 0;
        if (rc == MDB_READERS_FULL && mdb_reader_check(env->mdb, &dead) == 0 && dead > 0)
            rc = 0;
        (void)pthread_rwlock_unlock(&env->gate);
        if (rc == MDB_MAP_RESIZED)
            rc = adopt_map(env);
        else if (rc == MDB_PANIC)
            rc = close_after_panic(env);
    }
    return rc ? rc : EBUSY;
}

static int note(struct common_lmdb_txn *txn, int rc)
{
    if (rc && rc != MDB_NOTFOUND && rc != MDB_KEYEXIST)
        txn->native_error = rc;
    if (rc == MDB_MAP_FULL)
        txn->is_map_full = true;
    return common_lmdb_category(rc);
}

/* Ends the transaction and lets the gate go. */
static int end_update(struct common_lmdb_txn *txn, int error)
{
    if (error || txn->is_map_full)
        mdb_txn_abort(txn->mdb);
    else
        error = note(txn, common_lmdb_commit(txn->env->mdb, txn->mdb));
    (void)pthread_rwlock_unlock(&txn->env->gate);
    return error;
}

int common_lmdb_update(struct common_lmdb *env, int *native_error, common_lmdb_work work,
                       void *context)
{
    int ignored = 0;
    int *native = native_error ? native_error : &ignored;
    *native = 0;
    if (env->owner != getpid())
        return COMMON_ERR_STATE;
    for (int tries = 0; tries < MAX_TRIES; tries++) {
        struct common_lmdb_txn txn = {.env = env, .is_write = true};
        *native = begin(&txn);
        if (*native)
            return common_lmdb_category(*native);
        size_t full = map_bytes(env->mdb);
        int error = end_update(&txn, work(&txn, context));
        *native = txn.native_error;
        if (!txn.is_map_full)
            return error;
        *native = grow_map(env, full);
        if (*native)
            return common_lmdb_category(*native);
    }
    return COMMON_ERR_LIMIT;
}

int common_lmdb_view(struct common_lmdb *env, int *native_error, common_lmdb_work work,
                     void *context)
{
    int ignored = 0;
    int *native = native_error ? native_error : &ignored;
    *native = 0;
    if (env->owner != getpid())
        return COMMON_ERR_STATE;
    struct common_lmdb_txn txn = {.env = env};
    *native = begin(&txn);
    if (*native)
        return common_lmdb_category(*native);
    int error = work(&txn, context);
    mdb_txn_abort(txn.mdb);
    (void)pthread_rwlock_unlock(&env->gate);
    *native = txn.native_error;
    return error;
}

/* LMDB takes a pointer that is not const, and writes nothing through it. */
static MDB_val val_of(struct common_lmdb_bytes bytes)
{
    union {
        const void *in;
        void *out;
    } data = {.in = bytes.data};
    return (MDB_val){.mv_size = bytes.len, .mv_data = data.out};
}

static struct common_lmdb_bytes bytes_of(MDB_val val)
{
    return (struct common_lmdb_bytes){.data = val.mv_data, .len = val.mv_size};
}

static int check(const struct common_lmdb_txn *txn, size_t table, struct common_lmdb_bytes key)
{
    if (table >= txn->env->options.num_tables || key.len == 0 || key.len > COMMON_LMDB_MAX_KEY)
        return COMMON_ERR_INVALID;
    return 0;
}

int common_lmdb_get(struct common_lmdb_txn *txn, struct common_lmdb_bytes *value, size_t table,
                    struct common_lmdb_bytes key)
{
    *value = (struct common_lmdb_bytes){0};
    int error = check(txn, table, key);
    if (error)
        return error;
    MDB_val mdb_key = val_of(key);
    MDB_val found = {0};
    error = note(txn, mdb_get(txn->mdb, txn->env->dbis[table], &mdb_key, &found));
    if (!error)
        *value = bytes_of(found);
    return error;
}

static int put(struct common_lmdb_txn *txn, size_t table, struct common_lmdb_bytes key,
               struct common_lmdb_bytes value, unsigned flags)
{
    int error = check(txn, table, key);
    if (!error && !txn->is_write)
        error = COMMON_ERR_STATE;
    if (error)
        return error;
    txn->writes++;
    MDB_val mdb_key = val_of(key);
    MDB_val mdb_value = val_of(value);
    return note(txn, mdb_put(txn->mdb, txn->env->dbis[table], &mdb_key, &mdb_value, flags));
}

int common_lmdb_put(struct common_lmdb_txn *txn, size_t table, struct common_lmdb_bytes key,
                    struct common_lmdb_bytes value)
{
    return put(txn, table, key, value, 0);
}

int common_lmdb_insert(struct common_lmdb_txn *txn, size_t table, struct common_lmdb_bytes key,
                       struct common_lmdb_bytes value)
{
    return put(txn, table, key, value, MDB_NOOVERWRITE);
}

int common_lmdb_delete(struct common_lmdb_txn *txn, size_t table, struct common_lmdb_bytes key)
{
    int error = check(txn, table, key);
    if (!error && !txn->is_write)
        error = COMMON_ERR_STATE;
    if (error)
        return error;
    txn->writes++;
    MDB_val mdb_key = val_of(key);
    return note(txn, mdb_del(txn->mdb, txn->env->dbis[table], &mdb_key, NULL));
}

/* LMDB's own cursor loses its place when others write in its transaction, at the current key most
 * of all. So after a write the place is looked for again, by a copy of the last key and with a
 * fresh cursor, which remembers nothing of what was deleted. */
struct common_lmdb_cursor {
    struct common_lmdb_txn *txn;
    size_t table;
    MDB_cursor *mdb;
    uint64_t writes; /* those of the transaction when mdb was last used */
    bool is_at_key;  /* else the scan did not begin, or is over */
    size_t last_len;
    uint8_t last[COMMON_LMDB_MAX_KEY];
};

int common_lmdb_cursor_open(struct common_lmdb_cursor **out, struct common_lmdb_txn *txn,
                            size_t table)
{
    *out = NULL;
    if (table >= txn->env->options.num_tables)
        return COMMON_ERR_INVALID;
    struct common_lmdb_cursor *cursor = calloc(1, sizeof(*cursor));
    if (!cursor)
        return COMMON_ERR_NO_MEMORY;
    cursor->txn = txn;
    cursor->table = table;
    cursor->writes = txn->writes;
    int error = note(txn, mdb_cursor_open(txn->mdb, txn->env->dbis[table], &cursor->mdb));
    if (error) {
        free(cursor);
        return error;
    }
    *out = cursor;
    return 0;
}

static bool is_last(const struct common_lmdb_cursor *cursor, MDB_val key)
{
    if (key.mv_size != cursor->last_len)
        return false;
    return memcmp(key.mv_data, cursor->last, key.mv_size) == 0; /* lint: a key is no secret */
}

static int renew(struct common_lmdb_cursor *cursor)
{
    if (cursor->writes == cursor->txn->writes)
        return 0;
    MDB_cursor *fresh = NULL;
    MDB_dbi dbi = cursor->txn->env->dbis[cursor->table];
    int rc = mdb_cursor_open(cursor->txn->mdb, dbi, &fresh);
    if (rc)
        return rc;
    mdb_cursor_close(cursor->mdb);
    cursor->mdb = fresh;
    cursor->writes = cursor->txn->writes;
    return 0;
}

/* Hands out what a step of LMDB found, and keeps the place. */
static int finish_step(struct common_lmdb_cursor *cursor, struct common_lmdb_bytes *key,
                       struct common_lmdb_bytes *value, MDB_val found_key, MDB_val found, int rc)
{
    *key = (struct common_lmdb_bytes){0};
    *value = (struct common_lmdb_bytes){0};
    if (!rc && found_key.mv_size > sizeof(cursor->last))
        rc = MDB_CORRUPTED;
    if (!rc || rc == MDB_NOTFOUND)
        cursor->is_at_key = !rc;
    if (rc)
        return note(cursor->txn, rc);
    memcpy(cursor->last, found_key.mv_data, found_key.mv_size);
    cursor->last_len = found_key.mv_size;
    *key = bytes_of(found_key);
    *value = bytes_of(found);
    return 0;
}

int common_lmdb_cursor_seek(struct common_lmdb_cursor *cursor, struct common_lmdb_bytes *key,
                            struct common_lmdb_bytes *value, struct common_lmdb_bytes from)
{
    *key = (struct common_lmdb_bytes){0};
    *value = (struct common_lmdb_bytes){0};
    if (from.len > COMMON_LMDB_MAX_KEY)
        return COMMON_ERR_INVALID;
    MDB_val at = val_of(from);
    MDB_val found = {0};
    int rc = renew(cursor);
    if (!rc)
        rc = mdb_cursor_get(cursor->mdb, &at, &found, from.len == 0 ? MDB_FIRST : MDB_SET_RANGE);
    return finish_step(cursor, key, value, at, found, rc);
}

int common_lmdb_cursor_next(struct common_lmdb_cursor *cursor, struct common_lmdb_bytes *key,
                            struct common_lmdb_bytes *value)
{
    MDB_val at = {.mv_size = cursor->last_len, .mv_data = cursor->last};
    MDB_val found = {0};
    bool was_written = cursor->writes != cursor->txn->writes;
    int rc = cursor->is_at_key ? renew(cursor) : MDB_NOTFOUND;
    if (!rc && was_written)
        rc = mdb_cursor_get(cursor->mdb, &at, &found, MDB_SET_RANGE);
    if (!rc && (!was_written || is_last(cursor, at)))
        rc = mdb_cursor_get(cursor->mdb, &at, &found, MDB_NEXT);
    return finish_step(cursor, key, value, at, found, rc);
}

void common_lmdb_cursor_close(struct common_lmdb_cursor **cursor)
{
    if (!cursor || !*cursor)
        return;
    mdb_cursor_close((*cursor)->mdb);
    free(*cursor);
    *cursor = NULL;
}

uint64_t common_lmdb_txn_id(const struct common_lmdb_txn *txn)
{
    return mdb_txn_id(txn->mdb);
}

static int read_txn_id(struct common_lmdb_txn *txn, void *context)
{
    *(uint64_t *)context = common_lmdb_txn_id(txn);
    return 0;
}

int common_lmdb_last_txn_id(struct common_lmdb *env, uint64_t *out)
{
    *out = 0;
    return common_lmdb_view(env, NULL, read_txn_id, out);
}
