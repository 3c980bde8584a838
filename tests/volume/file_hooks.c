/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/volume/file_hooks.h"

#include "libxtsvol/src/volume/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file_hooks file_hooks;

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
off_t __real_lseek64(int fd, off_t offset, int whence);
off_t __wrap_lseek64(int fd, off_t offset, int whence);
int __real_xv_lock_take(int fd, bool for_writing, int64_t *out_holder, int *out_native_error);
int __wrap_xv_lock_take(int fd, bool for_writing, int64_t *out_holder, int *out_native_error);

int __wrap_open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list list;
        va_start(list, flags);
        mode = va_arg(list, mode_t); /* NOLINT(clang-analyzer-valist.Uninitialized): started */
        va_end(list);
    }
    file_hooks.num_opens++;
    if (file_hooks.before_open)
        file_hooks.before_open(path);
    return __real_open64(path, flags, mode);
}

off_t __wrap_lseek64(int fd, off_t offset, int whence)
{
    off_t result = 0;
    if (file_hooks.seek && file_hooks.seek(&result, offset, whence))
        return result;
    return __real_lseek64(fd, offset, whence);
}

int __wrap_xv_lock_take(int fd, bool for_writing, int64_t *out_holder, int *out_native_error)
{
    if (file_hooks.before_lock)
        file_hooks.before_lock();
    return __real_xv_lock_take(fd, for_writing, out_holder, out_native_error);
}

int file_hooks_reset(void **state)
{
    (void)state;
    memset(&file_hooks, 0, sizeof(file_hooks));
    return 0;
}

unsigned file_num_open(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        abort();
    unsigned num = 0;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        num += entry->d_name[0] != '.';
    (void)closedir(folder);
    return num - 1; /* its own */
}

int file_descriptor_of(const char *path)
{
    struct stat wanted;
    if (stat(path, &wanted))
        return -1;
    for (int fd = 3; fd < 1000; fd++) {
        struct stat found;
        if (!fstat(fd, &found) && found.st_dev == wanted.st_dev && found.st_ino == wanted.st_ino)
            return fd;
    }
    return -1;
}
