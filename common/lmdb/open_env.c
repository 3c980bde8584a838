/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the environment file, and what must be true of it before LMDB maps and reads it:
 *   L1  it is the file that was opened first, in the directory that was opened first. LMDB takes a
 *       path and makes what is missing: so the path goes through our descriptor of the directory,
 *       and the file is compared before and after
 *   L2  it is as long as the map before anything of the map is committed. By itself LMDB may leave
 *       the last pages out of the file when they are free, and a file that was cut off could not be
 *       told from a healthy one
 *   L3  so a file that is shorter than its newest state says is damaged, and is not read: an access
 *       behind its end would kill the process with SIGBUS
 */
#include "common/base/cleanup.h"
#include "common/lmdb/env_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int configure(MDB_env *mdb, const struct common_lmdb *env, size_t map_bytes)
{
    int rc = mdb_env_set_maxdbs(mdb, COMMON_LMDB_MAX_TABLES);
    if (!rc)
        rc = mdb_env_set_maxreaders(mdb, env->options.max_readers);
    if (!rc && map_bytes != 0)
        rc = mdb_env_set_mapsize(mdb, map_bytes);
    return rc;
}

/* LMDB opens its data file without close-on-exec: a child program must not inherit it. */
static int set_close_on_exec(MDB_env *mdb)
{
    int fd = -1;
    int rc = mdb_env_get_fd(mdb, &fd);
    if (!rc && fcntl(fd, F_SETFD, FD_CLOEXEC))
        rc = errno;
    return rc;
}

/* L1. ENOSYS where /proc is not mounted: its links are the one way to name a descriptor. */
static int directory_path(char *out, size_t size, const struct common_lmdb *env, const char *file)
{
    struct stat ours;
    struct stat named;
    (void)snprintf(out, size, "/proc/self/fd/%d", env->directory_fd);
    if (fstat(env->directory_fd, &ours))
        return errno;
    if (stat(out, &named) || named.st_dev != ours.st_dev || named.st_ino != ours.st_ino)
        return ENOSYS;
    if (file)
        (void)snprintf(out, size, "/proc/self/fd/%d/%s", env->directory_fd, file);
    return 0;
}

int common_lmdb_mdb_open(MDB_env **out, const struct common_lmdb *env, const char *file,
                         size_t map_bytes)
{
    *out = NULL;
    char path[64];
    int rc = directory_path(path, sizeof(path), env, file);
    if (rc)
        return rc;
    MDB_env *mdb = NULL;
    rc = mdb_env_create(&mdb);
    if (rc)
        return rc;
    rc = configure(mdb, env, map_bytes);
    /* MDB_NOTLS: a reader's slot belongs to its transaction, so that threads which come and go do
     * not use the slots up. No flag that weakens durability, ever. */
    if (!rc)
        rc = mdb_env_open(mdb, path, MDB_NOTLS | (file ? MDB_NOSUBDIR : 0u), 0600);
    if (!rc)
        rc = set_close_on_exec(mdb);
    if (rc) {
        mdb_env_close(mdb);
        return rc;
    }
    *out = mdb;
    return 0;
}

/* L2, under LMDB's lock of writers: nobody else changes the length meanwhile. */
static int extend_to_map(MDB_env *mdb)
{
    MDB_envinfo info = {0};
    struct stat st;
    int fd = -1;
    int rc = mdb_env_info(mdb, &info);
    if (!rc)
        rc = mdb_env_get_fd(mdb, &fd);
    if (rc)
        return rc;
    if (fstat(fd, &st))
        return errno;
    if ((uint64_t)st.st_size >= info.me_mapsize)
        return 0;
    return ftruncate(fd, (off_t)info.me_mapsize) ? errno : 0;
}

int common_lmdb_commit(MDB_env *mdb, MDB_txn *txn)
{
    int rc = extend_to_map(mdb);
    if (rc) {
        mdb_txn_abort(txn);
        return rc;
    }
    return mdb_txn_commit(txn);
}

/* L3. The length is asked for last: a writer makes the file longer before it says so. */
int common_lmdb_check_length(MDB_env *mdb)
{
    MDB_envinfo info = {0};
    MDB_stat stat_ = {0};
    struct stat st;
    int fd = -1;
    int rc = mdb_env_info(mdb, &info);
    if (!rc)
        rc = mdb_env_stat(mdb, &stat_);
    if (!rc)
        rc = mdb_env_get_fd(mdb, &fd);
    if (rc)
        return rc;
    if (fstat(fd, &st))
        return errno;
    return (uint64_t)st.st_size / stat_.ms_psize > info.me_last_pgno ? 0 : MDB_CORRUPTED;
}

size_t common_lmdb_next_map(size_t full, size_t max)
{
    if (full >= max)
        return 0;
    return full > max / 2 ? max : full * 2;
}

/* All tables in one transaction, so that later ones need not open any: handles that are opened
 * while others run are not safe. MDB_NOTFOUND when a table is missing and flags do not say
 * MDB_CREATE. */
static int try_tables(struct common_lmdb *env, MDB_env *mdb, unsigned txn_flags, unsigned flags)
{
    MDB_txn *txn = NULL;
    int rc = common_lmdb_check_length(mdb);
    if (!rc)
        rc = mdb_txn_begin(mdb, NULL, txn_flags, &txn);
    if (rc)
        return rc;
    for (size_t i = 0; i < env->options.num_tables && !rc; i++)
        rc = mdb_dbi_open(txn, env->tables[i], flags, &env->dbis[i]);
    if (rc) {
        mdb_txn_abort(txn);
        return rc;
    }
    return txn_flags == MDB_RDONLY ? mdb_txn_commit(txn) : common_lmdb_commit(mdb, txn);
}

static int grow(const struct common_lmdb *env, MDB_env *mdb)
{
    MDB_envinfo info = {0};
    int rc = mdb_env_info(mdb, &info);
    if (rc)
        return rc;
    size_t bytes = common_lmdb_next_map(info.me_mapsize, env->options.map_max_bytes);
    return bytes ? mdb_env_set_mapsize(mdb, bytes) : MDB_MAP_FULL;
}

/* Reads first, so that opening does not wait for a writer; makes tables that a newer version of the
 * store has; copes with a map that another process grew, or that is full, in the meantime. */
static int open_tables(struct common_lmdb *env, MDB_env *mdb)
{
    unsigned txn_flags = MDB_RDONLY;
    unsigned flags = 0;
    for (int tries = 0; tries < 8; tries++) {
        int rc = try_tables(env, mdb, txn_flags, flags);
        if (rc == MDB_NOTFOUND) {
            txn_flags = 0;
            flags = MDB_CREATE;
            continue;
        }
        if (rc == MDB_MAP_RESIZED)
            rc = mdb_env_set_mapsize(mdb, 0);
        else if (rc == MDB_MAP_FULL)
            rc = grow(env, mdb);
        else
            return rc;
        if (rc)
            return rc;
    }
    return EBUSY;
}

/* L1. A file of no bytes is one that lost them: a new one gets its name when it is whole (C1). LMDB
 * would fill it as if it were new. */
static int check_data_file(struct stat *out, const struct common_lmdb *env)
{
    if (fstatat(env->directory_fd, COMMON_LMDB_DATA_FILE, out, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT && env->is_known ? MDB_INVALID : errno;
    if (!S_ISREG(out->st_mode) || out->st_size == 0)
        return MDB_INVALID;
    if (env->is_known && (out->st_dev != env->data_device || out->st_ino != env->data_inode))
        return MDB_INVALID;
    return 0;
}

/* L1. Whether LMDB opened the file that was looked at before. */
static int check_is_same(const struct stat *expected, MDB_env *mdb)
{
    struct stat st;
    int fd = -1;
    int rc = mdb_env_get_fd(mdb, &fd);
    if (rc)
        return rc;
    if (fstat(fd, &st))
        return errno;
    return st.st_dev == expected->st_dev && st.st_ino == expected->st_ino ? 0 : MDB_INVALID;
}

static int open_whole(MDB_env **out, struct common_lmdb *env, int *dead)
{
    struct stat st;
    MDB_env *mdb = NULL;
    *out = NULL;
    int rc = check_data_file(&st, env);
    if (!rc)
        rc = common_lmdb_mdb_open(&mdb, env, NULL, 0);
    if (rc)
        return rc;
    rc = check_is_same(&st, mdb);
    if (!rc)
        rc = mdb_reader_check(mdb, dead);
    if (!rc)
        rc = open_tables(env, mdb);
    if (rc) {
        mdb_env_close(mdb);
        return rc;
    }
    env->is_known = true;
    env->data_device = st.st_dev;
    env->data_inode = st.st_ino;
    *out = mdb;
    return 0;
}

int common_lmdb_open_mdb(struct common_lmdb *env, int *native_error)
{
    int dead = 0;
    int rc = open_whole(&env->mdb, env, &dead);
    *native_error = rc;
    if (rc)
        return common_lmdb_category(rc);
    if (dead > 0) {
        const struct common_event event = {
            .severity = COMMON_EVENT_INFO,
            .name = "StoreDeadReadersCleared",
            .object = env->directory,
            .reason = "processes that were killed had left read transactions open",
        };
        common_event_emit(&env->options.events, &event);
    }
    return 0;
}
