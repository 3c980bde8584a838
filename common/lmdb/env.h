/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An LMDB environment that keeps the promises which LMDB leaves to its user.
 *
 * Always the default durability: what common_lmdb_update() returned 0 for is on the medium. The map
 * grows by itself: on MDB_MAP_FULL the transaction is aborted, the map doubled and the work run
 * again; a size that another process gave the file is adopted. Readers that died are cleared at
 * open and before the map grows. After an error that LMDB does not survive (MDB_PANIC, a map that
 * could not be made) the environment is opened again at the next use: the same file in the same
 * directory, whatever has become of their paths. One that was replaced or removed meanwhile gives
 * COMMON_ERR_CORRUPT, and is never made anew.
 *
 * Transactions are functions: `work` is called between begin and commit and may be called several
 * times, so it must keep nothing from a run that did not commit. What it returns decides: 0
 * commits, anything else aborts and is returned. It must not begin another transaction of the same
 * environment.
 *
 * One environment for a directory in a process: LMDB's locks break otherwise. A second open is
 * refused with COMMON_ERR_BUSY, also when it comes from another library of the suite with a copy of
 * this code of its own. Several processes may have the directory open.
 *
 * Files: data.mdb and lock.mdb are LMDB's, open.lock is ours, all 0600 in a directory of mode 0700.
 * data.mdb is as long as the map, with holes; one that was cut off is refused, not read. /proc must
 * be mounted: without it COMMON_ERR_UNSUPPORTED.
 *
 * Ownership: strings in the options are copied. Keys and values that a transaction hands out are
 * borrowed from the map: they live until it ends or, in an update, until the next write.
 *
 * Threads: an environment may be used by several threads at once, a transaction by the thread that
 * runs its work. After fork() a child may only close the environment that it inherited.
 */
#ifndef COMMON_LMDB_ENV_H
#define COMMON_LMDB_ENV_H

#include "common/base/error.h"
#include "common/event/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    COMMON_LMDB_MAX_TABLES = 16,
    COMMON_LMDB_MAX_KEY = 511 /* bytes, LMDB's own */
};

struct common_lmdb;
struct common_lmdb_txn;
struct common_lmdb_cursor;

struct common_lmdb_options {
    const char *directory;
    const char *const *tables; /* names; a table is addressed by its place in this list */
    size_t num_tables;         /* 1 to COMMON_LMDB_MAX_TABLES */
    bool create;               /* make directory and environment when they are missing */
    size_t map_bytes;          /* size of the map of a new environment; 16 pages at least */
    size_t map_max_bytes;      /* it does not grow beyond these or 16 pages: COMMON_ERR_LIMIT */
    unsigned max_readers;      /* read transactions at the same time, of all processes */
    struct common_event_sink events;
};

/* create false, 1 MiB growing to 64 GiB, 126 readers, no events; directory and tables are to be
 * set. */
struct common_lmdb_options common_lmdb_options_default(void);

struct common_lmdb_bytes {
    const void *data;
    size_t len;
};

typedef int (*common_lmdb_work)(struct common_lmdb_txn *txn, void *context);

/* *out is NULL on failure. *native_error (may be NULL) is the code of LMDB or errno behind it.
 * COMMON_ERR_NOT_FOUND nothing there and create is false; COMMON_ERR_BUSY open in this process
 * already, or in one of the same number in another PID namespace, which LMDB cannot tell apart;
 * COMMON_ERR_DENIED not ours, or others may write to it; COMMON_ERR_CORRUPT not an environment, or
 * a part of it is missing; COMMON_ERR_UNSUPPORTED of another LMDB format. A creation that is cut at
 * any point, by power loss too, leaves either a whole empty environment or none. */
COMMON_MUST_USE int common_lmdb_open(struct common_lmdb **out, int *native_error,
                                     const struct common_lmdb_options *options);

/* Sets *env to NULL; NULL is allowed. No transaction may be running. */
void common_lmdb_close(struct common_lmdb **env);

/* Runs work in a write transaction; 0 when it is on the medium. Otherwise nothing was changed.
 * COMMON_ERR_LIMIT the map would grow beyond its ceiling; COMMON_ERR_NO_SPACE the disk is full;
 * COMMON_ERR_STATE in a forked child. Waits for other writers. */
COMMON_MUST_USE int common_lmdb_update(struct common_lmdb *env, int *native_error,
                                       common_lmdb_work work, void *context);

/* Runs work over one unchanging snapshot. */
COMMON_MUST_USE int common_lmdb_view(struct common_lmdb *env, int *native_error,
                                     common_lmdb_work work, void *context);

/* COMMON_ERR_NOT_FOUND with *value zeroed when there is no such key. */
COMMON_MUST_USE int common_lmdb_get(struct common_lmdb_txn *txn, struct common_lmdb_bytes *value,
                                    size_t table, struct common_lmdb_bytes key);

/* Writes or replaces. COMMON_ERR_INVALID for a key of no or more than COMMON_LMDB_MAX_KEY bytes. */
COMMON_MUST_USE int common_lmdb_put(struct common_lmdb_txn *txn, size_t table,
                                    struct common_lmdb_bytes key, struct common_lmdb_bytes value);

/* Writes, or COMMON_ERR_EXISTS with nothing changed. */
COMMON_MUST_USE int common_lmdb_insert(struct common_lmdb_txn *txn, size_t table,
                                       struct common_lmdb_bytes key,
                                       struct common_lmdb_bytes value);

COMMON_MUST_USE int common_lmdb_delete(struct common_lmdb_txn *txn, size_t table,
                                       struct common_lmdb_bytes key);

/* An ordered scan: the first key at or after `from`, then the next ones, bytewise ascending. The
 * scan ends with COMMON_ERR_NOT_FOUND, and next says so before the first and until another seek. In
 * an update, writes between two steps are allowed: the next step gives the first key, as the table
 * is then, behind the last one given, which may be gone. The cursor is to be closed before work
 * returns. */
COMMON_MUST_USE int common_lmdb_cursor_open(struct common_lmdb_cursor **out,
                                            struct common_lmdb_txn *txn, size_t table);
COMMON_MUST_USE int common_lmdb_cursor_seek(struct common_lmdb_cursor *cursor,
                                            struct common_lmdb_bytes *key,
                                            struct common_lmdb_bytes *value,
                                            struct common_lmdb_bytes from);
COMMON_MUST_USE int common_lmdb_cursor_next(struct common_lmdb_cursor *cursor,
                                            struct common_lmdb_bytes *key,
                                            struct common_lmdb_bytes *value);
void common_lmdb_cursor_close(struct common_lmdb_cursor **cursor);

/* Number of the transaction: that of the snapshot in a view, of what is being made in an update. It
 * changes with every committed update of any process. */
uint64_t common_lmdb_txn_id(const struct common_lmdb_txn *txn);

/* Number of the last committed update, without a transaction. */
COMMON_MUST_USE int common_lmdb_last_txn_id(struct common_lmdb *env, uint64_t *out);

/* Sentence for a native error; static storage or strerror()'s. */
const char *common_lmdb_native_text(int native_error);

#endif
