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

/* Nothing is recorded yet: interpose_recording stays false. */
static inline int recorder_open(int dir_fd, const char *path, int flags, mode_t mode)
{
    (void)dir_fd;
    (void)path;
    (void)flags;
    (void)mode;
    return -1;
}
static inline int recorder_mkostemp(char *template, int flags)
{
    (void)template;
    (void)flags;
    return -1;
}
static inline ssize_t recorder_write(int fd, const struct iovec *pieces, int num_pieces,
                                     off_t offset, int flags)
{
    (void)fd;
    (void)pieces;
    (void)num_pieces;
    (void)offset;
    (void)flags;
    return -1;
}
static inline int recorder_truncate(const char *path, off_t size)
{
    (void)path;
    (void)size;
    return -1;
}
static inline int recorder_ftruncate(int fd, off_t size)
{
    (void)fd;
    (void)size;
    return -1;
}
static inline int recorder_fallocate(int fd, int mode, off_t offset, off_t len)
{
    (void)fd;
    (void)mode;
    (void)offset;
    (void)len;
    return -1;
}
static inline int recorder_sync(int fd, enum recorder_sync kind)
{
    (void)fd;
    (void)kind;
    return -1;
}
static inline int recorder_rename(int from_fd, const char *from, int to_fd, const char *to,
                                  unsigned flags)
{
    (void)from_fd;
    (void)from;
    (void)to_fd;
    (void)to;
    (void)flags;
    return -1;
}
static inline int recorder_link(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    (void)from_fd;
    (void)from;
    (void)to_fd;
    (void)to;
    (void)flags;
    return -1;
}
static inline int recorder_symlink(const char *target, int dir_fd, const char *path)
{
    (void)target;
    (void)dir_fd;
    (void)path;
    return -1;
}
static inline int recorder_unlink(int dir_fd, const char *path, int flags)
{
    (void)dir_fd;
    (void)path;
    (void)flags;
    return -1;
}
static inline int recorder_mkdir(int dir_fd, const char *path, mode_t mode)
{
    (void)dir_fd;
    (void)path;
    (void)mode;
    return -1;
}
static inline void recorder_unseen(int fd, enum recorder_way way)
{
    (void)fd;
    (void)way;
}

#endif
