/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making an environment so that a cut at any point leaves a whole one or none.
 *
 * LMDB writes the first two pages of a new file without a sync, and a file with half of them is
 * refused for ever. So the environment is made under another name, synced, and renamed:
 *   C1  data.mdb is only ever the name of a file whose content was synced before
 *   C2  the directory, and the one that holds it, are synced in every open before the first
 *       transaction: whoever finds the file cannot know whether its maker came to that
 *   C3  makers take turns by a lock on byte 0 of open.lock (no process has the number 0)
 *   C4  who may not make one leaves no trace where there is none
 */
#include "common/base/cleanup.h"
#include "common/lmdb/env_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NEW_FILE "new.mdb"
#define NEW_FILE_LOCK "new.mdb-lock"

enum {
    TURN_WAIT_MS = 10000,
    TURN_POLL_MS = 10
};

static int wait_for_turn(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    for (int waited = 0; fcntl(fd, F_OFD_SETLK, &lock); waited += TURN_POLL_MS) {
        if (errno != EAGAIN && errno != EACCES)
            return errno;
        if (waited >= TURN_WAIT_MS)
            return ETIMEDOUT;
        const struct timespec pause = {.tv_nsec = TURN_POLL_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

/* A first transaction that makes the tables; its commit syncs the data, and LMDB's own first pages
 * with them. */
static int make_tables(MDB_env *mdb, const struct common_lmdb *env)
{
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(mdb, NULL, 0, &txn);
    if (rc)
        return rc;
    for (size_t i = 0; i < env->options.num_tables && !rc; i++) {
        MDB_dbi dbi = 0;
        rc = mdb_dbi_open(txn, env->tables[i], MDB_CREATE, &dbi);
    }
    if (rc) {
        mdb_txn_abort(txn);
        return rc;
    }
    return common_lmdb_commit(mdb, txn);
}

static int make_new_file(const struct common_lmdb *env)
{
    MDB_env *mdb = NULL;
    int rc = common_lmdb_mdb_open(&mdb, env, NEW_FILE, env->options.map_bytes);
    if (rc)
        return rc;
    rc = make_tables(mdb, env);
    mdb_env_close(mdb);
    return rc;
}

static void remove_new_file(int directory_fd)
{
    (void)unlinkat(directory_fd, NEW_FILE, 0);
    (void)unlinkat(directory_fd, NEW_FILE_LOCK, 0);
}

/* C2. The directory may be a new one. A parent that may not be read is one that we did not make it
 * in, but for very odd modes. */
static int sync_directories(int directory_fd)
{
    if (fsync(directory_fd))
        return errno;
    COMMON_CLEANUP_FD int parent = openat(directory_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return errno == EACCES ? 0 : errno;
    return fsync(parent) ? errno : 0;
}

/* What a maker before us left when it was cut is not looked at: it starts again. */
static int make(const struct common_lmdb *env)
{
    remove_new_file(env->directory_fd);
    int rc = make_new_file(env);
    if (!rc && renameat(env->directory_fd, NEW_FILE, env->directory_fd, COMMON_LMDB_DATA_FILE))
        rc = errno;
    remove_new_file(env->directory_fd);
    return rc;
}

static int look_for_file(const struct common_lmdb *env)
{
    struct stat st;
    if (fstatat(env->directory_fd, COMMON_LMDB_DATA_FILE, &st, AT_SYMLINK_NOFOLLOW))
        return errno;
    return 0;
}

/* C3. Looked for once more under the lock: a second maker would replace what was committed to the
 * file of the first. The lock is let go before the descriptor, which a forked child may hold too.
 */
static int make_in_turn(const struct common_lmdb *env)
{
    COMMON_CLEANUP_FD int turn =
        openat(env->directory_fd, "open.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (turn < 0)
        return errno;
    int rc = wait_for_turn(turn);
    if (rc)
        return rc;
    rc = look_for_file(env);
    if (rc == ENOENT)
        rc = make(env);
    struct flock unlock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    (void)fcntl(turn, F_OFD_SETLK, &unlock);
    return rc;
}

int common_lmdb_create(struct common_lmdb *env, int *native_error)
{
    int rc = look_for_file(env);
    if (rc == ENOENT && env->options.create)
        rc = 0;
    if (rc) { /* C4 */
        *native_error = rc;
        return common_lmdb_category(rc);
    }
    int error = common_lmdb_process_lock(env, native_error);
    if (error)
        return error;
    rc = look_for_file(env);
    if (rc == ENOENT)
        rc = env->options.create ? make_in_turn(env) : ENOENT;
    if (!rc)
        rc = sync_directories(env->directory_fd);
    *native_error = rc;
    return common_lmdb_category(rc);
}
