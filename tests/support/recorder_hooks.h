/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What interpose_*.c calls instead of the real function while something is recorded: each does the
 * real call, appends to the log what it did below the recorded root, and returns what the call
 * returned, errno included.
 */
#ifndef TESTS_SUPPORT_RECORDER_HOOKS_H
#define TESTS_SUPPORT_RECORDER_HOOKS_H

#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

enum recorder_sync {
    RECORDER_FSYNC,
    RECORDER_FDATASYNC,
    RECORDER_SYNCFS,
    RECORDER_SYNC,
};

/* Ways to change a file that the log cannot follow. */
enum recorder_way {
    RECORDER_MAPPED = 1, /* mmap, shared and writable */
    RECORDER_STDIO,      /* fopen for writing */
    RECORDER_KERNEL_COPY /* copy_file_range, sendfile */
};

int recorder_open(int dir_fd, const char *path, int flags, mode_t mode);
int recorder_mkostemp(char *template, int flags);
/* offset -1: at the file position. */
ssize_t recorder_write(int fd, const struct iovec *pieces, int num_pieces, off_t offset, int flags);
int recorder_truncate(const char *path, off_t size);
int recorder_ftruncate(int fd, off_t size);
int recorder_fallocate(int fd, int mode, off_t offset, off_t len);
/* fd is ignored for RECORDER_SYNC. */
int recorder_sync(int fd, enum recorder_sync kind);
int recorder_rename(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int recorder_link(int from_fd, const char *from, int to_fd, const char *to, int flags);
int recorder_symlink(const char *target, int dir_fd, const char *path);
int recorder_unlink(int dir_fd, const char *path, int flags);
int recorder_mkdir(int dir_fd, const char *path, mode_t mode);

/* Notes, where fd is a file below the root, that it may change unseen. Does nothing when nothing is
 * recorded. */
void recorder_unseen(int fd, enum recorder_way way);

#endif
