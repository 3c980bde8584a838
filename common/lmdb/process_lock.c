/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One environment per process and directory.
 *
 * LMDB marks a live process by a POSIX lock on lock.mdb, and a POSIX lock is gone as soon as the
 * process closes any descriptor of the file: a second environment, closed, would make this process
 * look dead to all others. A list in memory could not see the copy of this code in another library,
 * so the second one is caught in the file system: an open file description lock on the byte whose
 * number is our pid. Unlike a POSIX lock it conflicts within one process too.
 *
 * The description, and the lock with it, lives as long as any forked child holds its copy of the
 * descriptor: so the owner lets the lock go before it closes. A child that closes must not.
 */
#include "common/base/cleanup.h"
#include "common/lmdb/env_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int common_lmdb_process_lock(struct common_lmdb *env, int *native_error)
{
    COMMON_CLEANUP_FD int fd =
        openat(env->directory_fd, "open.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        *native_error = errno;
        return common_error_from_errno(errno);
    }
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = env->owner, .l_len = 1};
    if (fcntl(fd, F_OFD_SETLK, &lock)) {
        *native_error = errno;
        return errno == EACCES ? COMMON_ERR_BUSY : common_error_from_errno(errno);
    }
    env->process_lock = COMMON_TAKE_FD(fd);
    return 0;
}

void common_lmdb_process_unlock(struct common_lmdb *env)
{
    if (env->process_lock < 0)
        return;
    struct flock lock = {
        .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = env->owner, .l_len = 1};
    if (env->owner == getpid())
        (void)fcntl(env->process_lock, F_OFD_SETLK, &lock);
    (void)close(COMMON_TAKE_FD(env->process_lock));
}
