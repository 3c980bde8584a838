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
    pid_t owner;      /* LMDB must not be used by a forked child */
    int process_lock; /* descriptor of open.lock, which holds the lock on our pid */

    /* Shared by transactions; exclusive for what needs that none is running: giving the map another
     * size, closing, opening again. Guards the members below. */
    pthread_rwlock_t gate;
    MDB_env *mdb; /* NULL after a fatal error, until the next use opens it again */
    MDB_dbi dbis[COMMON_LMDB_MAX_TABLES];
};

struct common_lmdb_txn {
    struct common_lmdb *env;
    MDB_txn *mdb;
    bool is_write;
    bool is_map_full;
    int native_error;
};

int common_lmdb_category(int native_error);

/* open_env.c: opens env->mdb and the tables. */
int common_lmdb_open_mdb(struct common_lmdb *env, int *native_error);

/* create.c: makes the environment file when it is missing. */
int common_lmdb_create(const struct common_lmdb *env, int directory_fd, int *native_error);

/* Configures and opens an MDB_env at path; *out is NULL on failure. */
int common_lmdb_mdb_open(MDB_env **out, const struct common_lmdb *env, const char *path,
                         unsigned flags, size_t map_bytes);

/* open.lock: refuses a second environment of this process. */
int common_lmdb_process_lock(int *out, int directory_fd, int *native_error);

#endif
