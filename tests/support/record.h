/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log between recorder and replayer: a sequence of records in the order in which the calls
 * returned (writes and changes of names: in which they took effect). Numbers are in the byte order
 * of the machine: a log does not travel. A record that is cut short ends the log (kill -9 may do
 * that).
 *
 * Inodes carry the number that the file system gave them. RECORD_NODE with a known number means
 * that the old inode is gone and its number is used again.
 */
#ifndef TESTS_SUPPORT_RECORD_H
#define TESTS_SUPPORT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum record_kind {
    RECORD_START = 1, /* inode: the root */
    RECORD_NODE,      /* inode, mode; data: contents (a symbolic link's target) */
    RECORD_READY,     /* the initial tree is complete; all of it is durable */
    RECORD_WRITE,     /* inode, offset, data; value 1: durable at return (O_DSYNC) */
    RECORD_ZERO,      /* inode, offset, value bytes; a hole or zeroed range, size kept */
    RECORD_RESIZE,    /* inode, value: the new size */
    RECORD_SYNC,      /* inode, or 0 for all; covers what lies before log position `value` */
    RECORD_ENTRY,     /* dir, name: now inode, or nothing where that is 0 */
    RECORD_RENAME,    /* dir, name: now `value` or nothing; to_dir, to_name: now inode */
    RECORD_MARK,      /* value: the number of the mark */
    RECORD_UNSEEN,    /* inode; value: enum recorder_way */
};

enum {
    RECORD_MAX_NAME = 255
};

struct record {
    uint32_t kind;
    uint32_t mode;
    uint64_t inode;
    uint64_t dir;
    uint64_t to_dir;
    uint64_t offset;
    uint64_t value;
    uint64_t data_len;
    char name[RECORD_MAX_NAME + 1];
    char to_name[RECORD_MAX_NAME + 1];
};

/* Where the recorder is: shared by its two files. Paths below are absolute. */
bool record_is_inside(const char *path);
uint64_t record_position(void);
void record_append(const struct record *record, const struct iovec *pieces, int num_pieces);
void record_lock(void);
void record_unlock(void);
bool record_is_on_root_device(uint64_t device);

/* The recorder cannot go on: says why and aborts, since a log with holes would prove nothing. */
void record_give_up(const char *what) __attribute__((noreturn));

#endif
