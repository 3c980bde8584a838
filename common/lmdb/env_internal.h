/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMMON_LMDB_ENV_INTERNAL_H
#define COMMON_LMDB_ENV_INTERNAL_H

#include "common/lmdb/env.h"

#include <lmdb.h>
#include <pthread.h>
#include <sys/types.h>

struct common_lmdb {
    struct common_lmdb_options options;
    char *directory;
    char *tables[COMMON_LMDB_MAX_TABLES];
    int directory_fd; /* what is opened again later is this directory, whatever its path means */
    pid_t owner;      /* LMDB must not be used by a forked child */
    int process_lock; /* descriptor of open.lock, which holds the lock on our pid */

    /* Shared by transactions; exclusive for what needs that none is running: giving the map another
     * size, closing, opening again. Guards the members below. */
    pthread_rwlock_t gate;
    MDB_env *mdb; /* NULL after a fatal error, until the next use opens it again */
    MDB_dbi dbis[COMMON_LMDB_MAX_TABLES];
    bool is_known; /* data.mdb was opened before, and was this file: */
    dev_t data_device;
    ino_t data_inode;
};

struct common_lmdb_txn {
    struct common_lmdb *env;
    MDB_txn *mdb;
    bool is_write;
    bool is_map_full;
    uint64_t writes; /* so many calls that may have moved a cursor's place */
    int native_error;
};

int common_lmdb_category(int native_error);

enum {
    COMMON_LMDB_MIN_MAP_PAGES = 16
};

#define COMMON_LMDB_DATA_FILE "data.mdb"

/* open_env.c: opens env->mdb and the tables. Never makes the file. */
int common_lmdb_open_mdb(struct common_lmdb *env, int *native_error);

/* Configures and opens an MDB_env, the directory of env itself or a file in it (NULL: the
 * directory); *out is NULL on failure. */
int common_lmdb_mdb_open(MDB_env **out, const struct common_lmdb *env, const char *file,
                         size_t map_bytes);

/* Commits, or aborts (L2). */
int common_lmdb_commit(MDB_env *mdb, MDB_txn *txn);

/* MDB_CORRUPTED when a part of the file is missing (L3). */
int common_lmdb_check_length(MDB_env *mdb);

/* Gives a full map its next size, 0 when it is at the ceiling. */
size_t common_lmdb_next_map(size_t full, size_t max);

/* create.c: makes the environment file when it is missing, and takes the process lock. */
int common_lmdb_create(struct common_lmdb *env, int *native_error);

/* open.lock: refuses a second environment of this process. */
int common_lmdb_process_lock(struct common_lmdb *env, int *native_error);
void common_lmdb_process_unlock(struct common_lmdb *env);

#endif
