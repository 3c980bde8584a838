/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/cleanup.h"
#include "common/lmdb/env_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct common_lmdb_options common_lmdb_options_default(void)
{
    return (struct common_lmdb_options){
        .map_bytes = (size_t)1 << 20,
        .map_max_bytes = (size_t)64 << 30,
        .max_readers = 126,
    };
}

int common_lmdb_category(int native_error)
{
    switch (native_error) {
    case MDB_SUCCESS:
        return COMMON_OK;
    case MDB_NOTFOUND:
        return COMMON_ERR_NOT_FOUND;
    case MDB_KEYEXIST:
        return COMMON_ERR_EXISTS;
    case MDB_MAP_FULL:
    case MDB_READERS_FULL:
    case MDB_DBS_FULL:
    case MDB_TXN_FULL:
    case MDB_CURSOR_FULL:
    case MDB_PAGE_FULL:
        return COMMON_ERR_LIMIT;
    case MDB_INVALID:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INCOMPATIBLE:
        return COMMON_ERR_CORRUPT;
    case MDB_VERSION_MISMATCH:
        return COMMON_ERR_UNSUPPORTED;
    case MDB_BAD_VALSIZE:
    case MDB_BAD_DBI:
        return COMMON_ERR_INVALID;
    case MDB_PANIC:
    case MDB_BAD_TXN:
    case MDB_BAD_RSLOT:
    case MDB_MAP_RESIZED:
        return COMMON_ERR_STATE;
    default:
        return native_error > 0 ? common_error_from_errno(native_error) : COMMON_ERR_INTERNAL;
    }
}

const char *common_lmdb_native_text(int native_error)
{
    return mdb_strerror(native_error);
}

/* The directory, made when it may be; refused when somebody else could change what is mapped. */
static int open_directory(struct common_lmdb *env, int *native_error)
{
    if (env->options.create)
        (void)mkdir(env->directory, 0700);
    COMMON_CLEANUP_FD int fd = open(env->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st)) {
        *native_error = errno;
        return common_error_from_errno(errno);
    }
    if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        *native_error = EPERM;
        return COMMON_ERR_DENIED;
    }
    env->directory_fd = COMMON_TAKE_FD(fd);
    return 0;
}

static int init_gate(pthread_rwlock_t *gate)
{
    pthread_rwlockattr_t attr;
    if (pthread_rwlockattr_init(&attr))
        return COMMON_ERR_NO_MEMORY;
    /* Whoever waits to grow the map must not starve under a stream of readers. */
    int rc = pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    if (!rc)
        rc = pthread_rwlock_init(gate, &attr);
    (void)pthread_rwlockattr_destroy(&attr);
    return rc ? COMMON_ERR_NO_MEMORY : 0;
}

static void free_env(struct common_lmdb *env)
{
    for (size_t i = 0; i < COMMON_LMDB_MAX_TABLES; i++)
        free(env->tables[i]);
    free(env->directory);
    (void)pthread_rwlock_destroy(&env->gate);
    common_lmdb_process_unlock(env);
    if (env->directory_fd >= 0)
        (void)close(env->directory_fd);
    free(env);
}

/* A new environment must have room for its tables, whatever the size of a page is here. */
static void limit_map(struct common_lmdb_options *options)
{
    size_t least = (size_t)COMMON_LMDB_MIN_MAP_PAGES * (size_t)sysconf(_SC_PAGESIZE);
    if (options->map_bytes < least)
        options->map_bytes = least;
    if (options->map_max_bytes < options->map_bytes)
        options->map_max_bytes = options->map_bytes;
}

static int new_env(struct common_lmdb **out, const struct common_lmdb_options *options)
{
    *out = NULL;
    struct common_lmdb *env = calloc(1, sizeof(*env));
    if (!env)
        return COMMON_ERR_NO_MEMORY;
    if (init_gate(&env->gate)) {
        free(env);
        return COMMON_ERR_NO_MEMORY;
    }
    env->options = *options;
    env->owner = getpid();
    env->process_lock = -1;
    env->directory_fd = -1;
    limit_map(&env->options);
    env->directory = strdup(options->directory);
    bool is_whole = env->directory;
    for (size_t i = 0; i < options->num_tables; i++) {
        env->tables[i] = strdup(options->tables[i]);
        is_whole = is_whole && env->tables[i];
    }
    if (!is_whole) {
        free_env(env);
        return COMMON_ERR_NO_MEMORY;
    }
    /* The copies are what counts from here on. */
    env->options.directory = env->directory;
    env->options.tables = NULL;
    *out = env;
    return 0;
}

static int open_steps(struct common_lmdb *env, int *native_error)
{
    int error = open_directory(env, native_error);
    if (!error)
        error = common_lmdb_create(env, native_error);
    if (!error)
        error = common_lmdb_open_mdb(env, native_error);
    return error;
}

int common_lmdb_open(struct common_lmdb **out, int *native_error,
                     const struct common_lmdb_options *options)
{
    *out = NULL;
    int ignored = 0;
    if (!native_error)
        native_error = &ignored;
    *native_error = 0;
    if (!options->directory || options->num_tables == 0 ||
        options->num_tables > COMMON_LMDB_MAX_TABLES || options->max_readers == 0 ||
        options->map_bytes == 0 || options->map_bytes > options->map_max_bytes)
        return COMMON_ERR_INVALID;

    struct common_lmdb *env = NULL;
    int error = new_env(&env, options);
    if (error)
        return error;
    error = open_steps(env, native_error);
    if (error) {
        free_env(env);
        return error;
    }
    *out = env;
    return 0;
}

void common_lmdb_close(struct common_lmdb **env)
{
    if (!env || !*env)
        return;
    struct common_lmdb *closing = COMMON_TAKE_PTR(*env);
    /* A forked child gives its copy back unseen: LMDB's close would free the parent's readers. */
    if (closing->mdb && closing->owner == getpid())
        mdb_env_close(closing->mdb);
    free_env(closing);
}
