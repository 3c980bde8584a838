/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No table of descriptors or inodes is kept, so none can be wrong after dup, fork or a descriptor
 * that came over a socket: whether a file lies below the root is asked of /proc/self/fd at each
 * call, which also follows renames and unlinked files.
 *
 *   H1  The real write and its record happen under one lock: the log has the order of the disk.
 *   H2  A sync covers what was in the log before it began, not what came while it ran.
 *   H3  Only what succeeded is recorded, with the number of bytes that were moved.
 *   H4  errno is the real call's.
 */
#include "tests/support/recorder_hooks.h"

#include "tests/support/interpose.h"
#include "tests/support/record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Path of what is open, false when it is not below the root. */
static bool path_of(char path[PATH_MAX], int fd)
{
    char link[64];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, PATH_MAX - 1);
    if (len < 0)
        return false;
    path[len] = 0;
    return record_is_inside(path);
}

static bool is_inside(struct stat *status, int fd)
{
    int saved = errno;
    char path[PATH_MAX];
    bool result = atomic_load(&interpose_recording) && path_of(path, fd) && fstat(fd, status) == 0;
    errno = saved;
    return result;
}

struct place {
    uint64_t dir;
    char name[RECORD_MAX_NAME + 1];
};

/* Directory and name that a path stands for. False where that is not below the root. */
static bool find_place(struct place *out, int dir_fd, const char *path)
{
    char dir[PATH_MAX];
    int len = snprintf(dir, sizeof(dir), "%s", path);
    if (len <= 0 || len >= PATH_MAX)
        return false;
    while (len > 1 && dir[len - 1] == '/')
        dir[--len] = 0;
    char *slash = strrchr(dir, '/');
    (void)snprintf(out->name, sizeof(out->name), "%.255s", slash ? slash + 1 : dir);
    if (slash)
        slash[1] = 0;
    int fd = REAL(openat64)(dir_fd, slash ? dir : ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    struct stat status = {0};
    bool is_found = is_inside(&status, fd);
    out->dir = status.st_ino;
    (void)close(fd);
    return is_found;
}

static void record_node(const struct stat *status, const char *target)
{
    size_t len = target ? strlen(target) : 0;
    struct iovec piece = {interpose_unconst(target), len};
    record_append(&(struct record){.kind = RECORD_NODE,
                                   .inode = status->st_ino,
                                   .mode = (uint32_t)status->st_mode,
                                   .data_len = len},
                  &piece, 1);
}

static void record_entry(const struct place *place, uint64_t inode)
{
    struct record record = {.kind = RECORD_ENTRY, .inode = inode, .dir = place->dir};
    memcpy(record.name, place->name, sizeof(record.name));
    record_append(&record, NULL, 0);
}

/* A regular file that was just made; O_TMPFILE gives it no name. */
static void record_created(int fd, bool has_name)
{
    char path[PATH_MAX];
    struct stat status;
    struct place place;
    if (!path_of(path, fd) || fstat(fd, &status) != 0)
        return;
    record_node(&status, NULL);
    if (has_name && find_place(&place, AT_FDCWD, path))
        record_entry(&place, status.st_ino);
}

static void record_resize(uint64_t inode, uint64_t size)
{
    record_append(&(struct record){.kind = RECORD_RESIZE, .inode = inode, .value = size}, NULL, 0);
}

int recorder_open(int dir_fd, const char *path, int flags, mode_t mode)
{
    bool is_nameless = (flags & O_TMPFILE) == O_TMPFILE;
    if (!is_nameless && !(flags & (O_CREAT | O_TRUNC)))
        return REAL(openat64)(dir_fd, path, flags, mode);
    record_lock();
    struct stat before;
    bool existed = !is_nameless && fstatat(dir_fd, path, &before, 0) == 0;
    int fd = REAL(openat64)(dir_fd, path, flags, mode);
    int saved = errno;
    struct stat now;
    if (fd >= 0 && is_inside(&now, fd)) {
        if (!existed)
            record_created(fd, !is_nameless);
        else if ((flags & O_TRUNC) && S_ISREG(before.st_mode) && before.st_size > 0)
            record_resize(now.st_ino, 0);
    }
    record_unlock();
    errno = saved;
    return fd;
}

int recorder_mkostemp(char *template, int flags)
{
    record_lock();
    int fd = REAL(mkostemp64)(template, flags);
    int saved = errno;
    if (fd >= 0)
        record_created(fd, true);
    record_unlock();
    errno = saved;
    return fd;
}

static ssize_t write_really(int fd, const struct iovec *pieces, int num_pieces, off_t offset,
                            int flags)
{
    if (offset == -1 && flags == 0)
        return REAL(writev)(fd, pieces, num_pieces);
    return REAL(pwritev64v2)(fd, pieces, num_pieces, offset, flags);
}

/* Where the bytes went: at the end with O_APPEND (Linux: also with pwrite), else at the place that
 * was named or that the file position is now behind. */
static uint64_t written_at(int fd, off_t offset, ssize_t written, bool is_append)
{
    struct stat status;
    if (is_append && fstat(fd, &status) == 0)
        return (uint64_t)(status.st_size - written);
    return (uint64_t)(offset >= 0 ? offset : lseek(fd, 0, SEEK_CUR) - written);
}

ssize_t recorder_write(int fd, const struct iovec *pieces, int num_pieces, off_t offset, int flags)
{
    struct stat status;
    if (!is_inside(&status, fd) || !S_ISREG(status.st_mode))
        return write_really(fd, pieces, num_pieces, offset, flags);
    record_lock();
    ssize_t written = write_really(fd, pieces, num_pieces, offset, flags);
    int saved = errno;
    if (written > 0) {
        int open_flags = REAL(fcntl64)(fd, F_GETFL);
        bool is_append = (open_flags & O_APPEND) || (flags & RWF_APPEND);
        bool is_durable = (open_flags & O_DSYNC) || (flags & (RWF_DSYNC | RWF_SYNC));
        record_append(&(struct record){.kind = RECORD_WRITE,
                                       .inode = status.st_ino,
                                       .offset = written_at(fd, offset, written, is_append),
                                       .value = is_durable,
                                       .data_len = (uint64_t)written},
                      pieces, num_pieces);
    }
    record_unlock();
    errno = saved;
    return written;
}

int recorder_ftruncate(int fd, off_t size)
{
    struct stat status;
    if (!is_inside(&status, fd))
        return REAL(ftruncate64)(fd, size);
    record_lock();
    int result = REAL(ftruncate64)(fd, size);
    int saved = errno;
    if (result == 0)
        record_resize(status.st_ino, (uint64_t)size);
    record_unlock();
    errno = saved;
    return result;
}

int recorder_truncate(const char *path, off_t size)
{
    int fd = REAL(open64)(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    int result = recorder_ftruncate(fd, size);
    int saved = errno;
    (void)close(fd);
    errno = saved;
    return result;
}

static void record_allocation(const struct stat *before, int mode, off_t offset, off_t len)
{
    if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0)
        record_append(&(struct record){.kind = RECORD_ZERO,
                                       .inode = before->st_ino,
                                       .offset = (uint64_t)offset,
                                       .value = (uint64_t)len},
                      NULL, 0);
    if (!(mode & FALLOC_FL_KEEP_SIZE) && offset + len > before->st_size)
        record_resize(before->st_ino, (uint64_t)(offset + len));
}

int recorder_fallocate(int fd, int mode, off_t offset, off_t len)
{
    struct stat status;
    if (!is_inside(&status, fd))
        return REAL(fallocate64)(fd, mode, offset, len);
    if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0)
        record_give_up("fallocate in a mode that moves data");
    record_lock();
    int result = fstat(fd, &status) == 0 ? REAL(fallocate64)(fd, mode, offset, len) : -1;
    int saved = errno;
    if (result == 0)
        record_allocation(&status, mode, offset, len);
    record_unlock();
    errno = saved;
    return result;
}

static int sync_really(int fd, enum recorder_sync kind)
{
    if (kind == RECORDER_FSYNC)
        return REAL(fsync)(fd);
    if (kind == RECORDER_FDATASYNC)
        return REAL(fdatasync)(fd);
    if (kind == RECORDER_SYNCFS)
        return REAL(syncfs)(fd);
    REAL(sync)();
    return 0;
}

static bool concerns_the_root(struct stat *status, int fd, enum recorder_sync kind)
{
    if (kind == RECORDER_FSYNC || kind == RECORDER_FDATASYNC)
        return is_inside(status, fd);
    status->st_ino = 0; /* all */
    struct stat file;
    return kind == RECORDER_SYNC ||
           (fstat(fd, &file) == 0 && record_is_on_root_device(file.st_dev));
}

int recorder_sync(int fd, enum recorder_sync kind)
{
    struct stat status;
    if (!concerns_the_root(&status, fd, kind))
        return sync_really(fd, kind);
    record_lock();
    uint64_t before = record_position(); /* H2 */
    record_unlock();
    int result = sync_really(fd, kind);
    int saved = errno;
    if (result == 0) {
        record_lock();
        record_append(
            &(struct record){.kind = RECORD_SYNC, .inode = status.st_ino, .value = before}, NULL,
            0);
        record_unlock();
    }
    errno = saved;
    return result;
}

static uint64_t inode_of(int dir_fd, const char *path)
{
    struct stat status;
    return fstatat(dir_fd, path, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status.st_ino : 0;
}

static void record_rename(const struct place *from, const struct place *to, uint64_t moved,
                          uint64_t exchanged)
{
    struct record record = {.kind = RECORD_RENAME,
                            .inode = moved,
                            .value = exchanged,
                            .dir = from->dir,
                            .to_dir = to->dir};
    memcpy(record.name, from->name, sizeof(record.name));
    memcpy(record.to_name, to->name, sizeof(record.to_name));
    record_append(&record, NULL, 0);
}

int recorder_rename(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    record_lock();
    struct place source;
    struct place target;
    bool from_inside = find_place(&source, from_fd, from);
    bool to_inside = find_place(&target, to_fd, to);
    uint64_t moved = inode_of(from_fd, from);
    uint64_t replaced = inode_of(to_fd, to);
    int result = REAL(renameat2)(from_fd, from, to_fd, to, flags);
    int saved = errno;
    uint64_t exchanged = flags & RENAME_EXCHANGE ? replaced : 0;
    if (result == 0 && moved != replaced) { /* two names of one file: nothing is done */
        if (from_inside && to_inside)
            record_rename(&source, &target, moved, exchanged);
        else if (from_inside)
            record_entry(&source, exchanged);
        else if (to_inside)
            record_entry(&target, moved);
    }
    record_unlock();
    errno = saved;
    return result;
}

int recorder_link(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    record_lock();
    int result = REAL(linkat)(from_fd, from, to_fd, to, flags);
    int saved = errno;
    struct place place;
    if (result == 0 && find_place(&place, to_fd, to))
        record_entry(&place, inode_of(to_fd, to));
    record_unlock();
    errno = saved;
    return result;
}

/* Of what was just made under that name. */
static void record_new_name(int dir_fd, const char *path, const char *target)
{
    struct place place;
    struct stat status;
    if (!find_place(&place, dir_fd, path) ||
        fstatat(dir_fd, path, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    record_node(&status, target);
    record_entry(&place, status.st_ino);
}

int recorder_symlink(const char *target, int dir_fd, const char *path)
{
    record_lock();
    int result = REAL(symlinkat)(target, dir_fd, path);
    int saved = errno;
    if (result == 0)
        record_new_name(dir_fd, path, target);
    record_unlock();
    errno = saved;
    return result;
}

int recorder_mkdir(int dir_fd, const char *path, mode_t mode)
{
    record_lock();
    int result = REAL(mkdirat)(dir_fd, path, mode);
    int saved = errno;
    if (result == 0)
        record_new_name(dir_fd, path, NULL);
    record_unlock();
    errno = saved;
    return result;
}

int recorder_unlink(int dir_fd, const char *path, int flags)
{
    record_lock();
    struct place place;
    bool is_found = find_place(&place, dir_fd, path);
    int result = REAL(unlinkat)(dir_fd, path, flags);
    int saved = errno;
    if (result == 0 && is_found)
        record_entry(&place, 0);
    record_unlock();
    errno = saved;
    return result;
}

void recorder_unseen(int fd, enum recorder_way way)
{
    struct stat status;
    if (!is_inside(&status, fd) || !S_ISREG(status.st_mode))
        return;
    record_lock();
    record_append(
        &(struct record){.kind = RECORD_UNSEEN, .inode = status.st_ino, .value = (uint64_t)way},
        NULL, 0);
    record_unlock();
}
