/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, names, sizes, locks. One definition serves both names of a function (off_t has 64 bits);
 * __open_2 and its like are what -D_FORTIFY_SOURCE makes of open without a mode.
 */
/* libc declares these with its own names for the parameters.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
#include "tests/support/fault.h"
#include "tests/support/interpose.h"
#include "tests/support/recorder_hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir_fd, const char *path, int flags);
int __openat64_2(int dir_fd, const char *path, int flags);

static int open_any(int dir_fd, const char *path, int flags, mode_t mode)
{
    if (interpose_fails(FAULT_OPEN))
        return -1;
    if (atomic_load(&interpose_recording))
        return recorder_open(dir_fd, path, flags, mode);
    return REAL(openat64)(dir_fd, path, flags, mode);
}

static bool takes_a_mode(int flags)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

int open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (takes_a_mode(flags)) {
        va_list list;
        va_start(list, flags);
        mode = va_arg(list, mode_t); /* NOLINT(clang-analyzer-valist.Uninitialized): started */
        va_end(list);
    }
    return open_any(AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...) __attribute__((alias("open64")));

int openat64(int dir_fd, const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (takes_a_mode(flags)) {
        va_list list;
        va_start(list, flags);
        mode = va_arg(list, mode_t); /* NOLINT(clang-analyzer-valist.Uninitialized): started */
        va_end(list);
    }
    return open_any(dir_fd, path, flags, mode);
}

int openat(int dir_fd, const char *path, int flags, ...) __attribute__((alias("openat64")));

int __open64_2(const char *path, int flags)
{
    return open_any(AT_FDCWD, path, flags, 0);
}

int __open_2(const char *path, int flags) __attribute__((alias("__open64_2")));

int __openat64_2(int dir_fd, const char *path, int flags)
{
    return open_any(dir_fd, path, flags, 0);
}

int __openat_2(int dir_fd, const char *path, int flags) __attribute__((alias("__openat64_2")));

int creat64(const char *path, mode_t mode)
{
    return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int creat(const char *path, mode_t mode) __attribute__((alias("creat64")));

int mkostemp64(char *template, int flags)
{
    if (interpose_fails(FAULT_OPEN))
        return -1;
    return atomic_load(&interpose_recording) ? recorder_mkostemp(template, flags)
                                             : REAL(mkostemp64)(template, flags);
}

int mkostemp(char *template, int flags) __attribute__((alias("mkostemp64")));

int mkstemp64(char *template)
{
    return mkostemp64(template, 0);
}

int mkstemp(char *template) __attribute__((alias("mkstemp64")));

FILE *fopen64(const char *restrict path, const char *restrict mode)
{
    if (interpose_fails(FAULT_OPEN))
        return NULL;
    FILE *file = REAL(fopen64)(path, mode);
    if (atomic_load(&interpose_recording) && file && strpbrk(mode, "wa+"))
        recorder_unseen(fileno(file), RECORDER_STDIO);
    return file;
}

FILE *fopen(const char *restrict path, const char *restrict mode) __attribute__((alias("fopen64")));

int truncate64(const char *path, off64_t size)
{
    if (interpose_fails(FAULT_METADATA))
        return -1;
    return atomic_load(&interpose_recording) ? recorder_truncate(path, size)
                                             : REAL(truncate64)(path, size);
}

int truncate(const char *path, off_t size) __attribute__((alias("truncate64")));

int ftruncate64(int fd, off64_t size)
{
    if (interpose_fails(FAULT_METADATA))
        return -1;
    return atomic_load(&interpose_recording) ? recorder_ftruncate(fd, size)
                                             : REAL(ftruncate64)(fd, size);
}

int ftruncate(int fd, off_t size) __attribute__((alias("ftruncate64")));

int fallocate64(int fd, int mode, off64_t offset, off64_t len)
{
    if (interpose_fails(FAULT_METADATA))
        return -1;
    return atomic_load(&interpose_recording) ? recorder_fallocate(fd, mode, offset, len)
                                             : REAL(fallocate64)(fd, mode, offset, len);
}

int fallocate(int fd, int mode, off_t offset, off_t len) __attribute__((alias("fallocate64")));

/* POSIX: the error is the result, errno stays as it was. */
int posix_fallocate64(int fd, off64_t offset, off64_t len)
{
    if (!atomic_load(&interpose_recording) && !atomic_load(&interpose_faulting))
        return REAL(posix_fallocate64)(fd, offset, len);
    int saved = errno;
    int error = fallocate64(fd, 0, offset, len) == 0 ? 0 : errno;
    errno = saved;
    return error;
}

int posix_fallocate(int fd, off_t offset, off_t len) __attribute__((alias("posix_fallocate64")));

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    if (interpose_fails(FAULT_METADATA))
        return -1;
    return atomic_load(&interpose_recording) ? recorder_rename(from_fd, from, to_fd, to, flags)
                                             : REAL(renameat2)(from_fd, from, to_fd, to, flags);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return renameat2(from_fd, from, to_fd, to, 0);
}

int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    if (interpose_fails(FAULT_METADATA))
        return -1;
    return atomic_load(&interpose_recording) ? recorder_link(from_fd, from, to_fd, to, flags)
                                             : REAL(linkat)(from_fd, from, to_fd, to, flags);
}

int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int symlinkat(const char *target, int dir_fd, const char *path)
{
    if (interpose_fails(FAULT_METADATA))
        return -1;
    return atomic_load(&interpose_recording) ? recorder_symlink(target, dir_fd, path)
                                             : REAL(symlinkat)(target, dir_fd, path);
}

int symlink(const char *target, const char *path)
{
    return symlinkat(target, AT_FDCWD, path);
}

int unlinkat(int dir_fd, const char *path, int flags)
{
    if (interpose_fails(FAULT_METADATA))
        return -1;
    return atomic_load(&interpose_recording) ? recorder_unlink(dir_fd, path, flags)
                                             : REAL(unlinkat)(dir_fd, path, flags);
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

/* libc's remove() calls its own unlink. */
int remove(const char *path)
{
    return unlink(path) == 0 || (errno == EISDIR && rmdir(path) == 0) ? 0 : -1;
}

int mkdirat(int dir_fd, const char *path, mode_t mode)
{
    if (interpose_fails(FAULT_METADATA))
        return -1;
    return atomic_load(&interpose_recording) ? recorder_mkdir(dir_fd, path, mode)
                                             : REAL(mkdirat)(dir_fd, path, mode);
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

int flock(int fd, int operation)
{
    return interpose_fails(FAULT_FLOCK) ? -1 : REAL(flock)(fd, operation);
}

static bool sets_a_lock(int command)
{
    return command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK ||
           command == F_OFD_SETLKW;
}

/* Every argument of fcntl is an int or a pointer and arrives in the same register. */
int fcntl64(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (sets_a_lock(command) && interpose_fails(FAULT_FLOCK))
        return -1;
    return REAL(fcntl64)(fd, command, argument);
}

int fcntl(int fd, int command, ...) __attribute__((alias("fcntl64")));
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
