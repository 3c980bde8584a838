/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records what a process does to the files below one directory, for replay.h to cut the power at
 * any place of it.
 *
 *     recorder_start(root, log_path);     the tree as it is now is taken as durable
 *     ... store_put(store, 1) ...
 *     recorder_mark(1);                   "the first put was acknowledged"
 *     recorder_stop();
 *
 * Recorded: creating, opening with O_TRUNC, write, pwrite, writev, pwritev (O_APPEND, O_DSYNC and
 * O_SYNC are understood), truncate, fallocate (allocate, punch, zero), fsync, fdatasync, syncfs,
 * sync, rename, link, symlink, unlink, mkdir, rmdir. Modes, owners and times are not.
 *
 * Not visible: changes through a shared writable mapping (LMDB's lock.mdb is such a file; LMDB
 * writes its data with pwrite unless MDB_WRITEMAP is set), stdio, copy_file_range and sendfile, raw
 * system calls. Where such a way is opened the log notes it, and the replayer refuses the log
 * unless the file is named in its options.
 *
 * Threads: any number may work meanwhile; start and stop from one. Writes are made under a lock,
 * one after the other, so that the log has the order of the disk; syncs run freely, and cover only
 * what was written before they began.
 *
 * Files live on one file system; the log must lie outside of the root. A failure of the recorder
 * itself aborts the process.
 *
 * Other programs: the preloaded library strongroom_record.so records the process that it is loaded
 * into, with STRONGROOM_RECORD_ROOT and STRONGROOM_RECORD_LOG in the environment. Children append
 * to the same log. What is killed with kill -9 leaves a usable log; begin a new one for the next
 * run. STRONGROOM_FAULT="MASK:NTH:MODE:ERRNO" (numbers of fault.h) arms a fault in it.
 */
#ifndef TESTS_SUPPORT_RECORDER_H
#define TESTS_SUPPORT_RECORDER_H

#include <stdint.h>

/* Replaces a log that exists. */
void recorder_start(const char *root, const char *log_path);
void recorder_stop(void);

/* "All up to number is acknowledged". Numbers grow. */
void recorder_mark(uint64_t number);

/* The same for the log of another process that is being recorded, by who got the answer. */
void recorder_mark_log(const char *log_path, uint64_t number);

/* Goes on with a log that exists (a child after exec), or starts it. */
void recorder_join(const char *root, const char *log_path);

#endif
