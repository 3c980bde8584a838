/* SPDX-License-Identifier: Apache-2.0 */
#include "libxtsvol/src/volume/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static struct flock wanted(short type)
{
    return (struct flock){.l_type = type,
                          .l_whence = SEEK_SET,
                          .l_start = XV_LOCK_BASE,
                          .l_len = (off_t)getpid() + 1};
}

int64_t xv_lock_holder(int fd, bool for_writing)
{
    struct flock lock = wanted(for_writing ? F_WRLCK : F_RDLCK);
    if (fcntl(fd, F_OFD_GETLK, &lock) || lock.l_type == F_UNLCK)
        return 0;
    /* Another program's lock of the older kind says whose it is. */
    if (lock.l_pid > 0)
        return lock.l_pid;
    return lock.l_start == XV_LOCK_BASE && lock.l_len > 1 ? lock.l_len - 1 : 0;
}

int xv_lock_take(int fd, bool for_writing, int64_t *out_holder, int *out_native_error)
{
    *out_holder = 0;
    *out_native_error = 0;
    struct flock lock = wanted(for_writing ? F_WRLCK : F_RDLCK);
    int result = 0;
    do
        result = fcntl(fd, F_OFD_SETLK, &lock);
    while (result && errno == EINTR);
    if (!result)
        return 0;
    *out_native_error = errno;
    if (errno != EAGAIN && errno != EACCES)
        return common_error_from_errno(errno);
    *out_holder = xv_lock_holder(fd, for_writing);
    return COMMON_ERR_BUSY;
}

void xv_lock_drop(int fd)
{
    struct flock lock = wanted(F_UNLCK);
    (void)fcntl(fd, F_OFD_SETLK, &lock);
}
