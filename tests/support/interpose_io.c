/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading, writing, syncing. One definition serves both names of a function (off_t has 64 bits);
 * the __*_chk names are what -D_FORTIFY_SOURCE makes of the plain ones.
 */
/* libc declares these with its own names for the parameters.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
#include "tests/support/fault.h"
#include "tests/support/interpose.h"
#include "tests/support/recorder_hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == sizeof(off64_t), "one definition serves both names");

ssize_t __read_chk(int fd, void *out, size_t len, size_t out_len);
ssize_t __pread_chk(int fd, void *out, size_t len, off_t offset, size_t out_len);
ssize_t __pread64_chk(int fd, void *out, size_t len, off64_t offset, size_t out_len);
void __chk_fail(void) __attribute__((noreturn));

ssize_t read(int fd, void *out, size_t len)
{
    if (interpose_fails_len(FAULT_READ, &len))
        return -1;
    return REAL(read)(fd, out, len);
}

ssize_t __read_chk(int fd, void *out, size_t len, size_t out_len)
{
    if (len > out_len)
        __chk_fail();
    return read(fd, out, len);
}

ssize_t pread64(int fd, void *out, size_t len, off64_t offset)
{
    if (interpose_fails_len(FAULT_READ, &len))
        return -1;
    return REAL(pread64)(fd, out, len, offset);
}

ssize_t pread(int fd, void *out, size_t len, off_t offset) __attribute__((alias("pread64")));

ssize_t __pread64_chk(int fd, void *out, size_t len, off64_t offset, size_t out_len)
{
    if (len > out_len)
        __chk_fail();
    return pread64(fd, out, len, offset);
}

ssize_t __pread_chk(int fd, void *out, size_t len, off_t offset, size_t out_len)
    __attribute__((alias("__pread64_chk")));

ssize_t readv(int fd, const struct iovec *pieces, int num_pieces)
{
    struct interpose_vector vector;
    if (interpose_fails_vector(FAULT_READ, &vector, pieces, num_pieces))
        return -1;
    return REAL(readv)(fd, vector.pieces, vector.num_pieces);
}

ssize_t preadv64(int fd, const struct iovec *pieces, int num_pieces, off64_t offset)
{
    struct interpose_vector vector;
    if (interpose_fails_vector(FAULT_READ, &vector, pieces, num_pieces))
        return -1;
    return REAL(preadv64)(fd, vector.pieces, vector.num_pieces, offset);
}

ssize_t preadv(int fd, const struct iovec *pieces, int num_pieces, off_t offset)
    __attribute__((alias("preadv64")));

ssize_t write(int fd, const void *data, size_t len)
{
    if (interpose_fails_len(FAULT_WRITE, &len))
        return -1;
    if (!atomic_load(&interpose_recording))
        return REAL(write)(fd, data, len);
    struct iovec piece = {interpose_unconst(data), len};
    return recorder_write(fd, &piece, 1, -1, 0);
}

/* -1 means the file position to recorder_write(), and is not an offset. */
static ssize_t record_at(int fd, const struct iovec *pieces, int num_pieces, off64_t offset)
{
    if (offset >= 0)
        return recorder_write(fd, pieces, num_pieces, offset, 0);
    errno = EINVAL;
    return -1;
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
    if (interpose_fails_len(FAULT_WRITE, &len))
        return -1;
    if (!atomic_load(&interpose_recording))
        return REAL(pwrite64)(fd, data, len, offset);
    struct iovec piece = {interpose_unconst(data), len};
    return record_at(fd, &piece, 1, offset);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
    __attribute__((alias("pwrite64")));

ssize_t writev(int fd, const struct iovec *pieces, int num_pieces)
{
    struct interpose_vector vector;
    if (interpose_fails_vector(FAULT_WRITE, &vector, pieces, num_pieces))
        return -1;
    if (atomic_load(&interpose_recording))
        return recorder_write(fd, vector.pieces, vector.num_pieces, -1, 0);
    return REAL(writev)(fd, vector.pieces, vector.num_pieces);
}

ssize_t pwritev64(int fd, const struct iovec *pieces, int num_pieces, off64_t offset)
{
    struct interpose_vector vector;
    if (interpose_fails_vector(FAULT_WRITE, &vector, pieces, num_pieces))
        return -1;
    if (atomic_load(&interpose_recording))
        return record_at(fd, vector.pieces, vector.num_pieces, offset);
    return REAL(pwritev64)(fd, vector.pieces, vector.num_pieces, offset);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int num_pieces, off_t offset)
    __attribute__((alias("pwritev64")));

ssize_t pwritev64v2(int fd, const struct iovec *pieces, int num_pieces, off64_t offset, int flags)
{
    struct interpose_vector vector;
    if (interpose_fails_vector(FAULT_WRITE, &vector, pieces, num_pieces))
        return -1;
    if (atomic_load(&interpose_recording))
        return recorder_write(fd, vector.pieces, vector.num_pieces, offset, flags);
    return REAL(pwritev64v2)(fd, vector.pieces, vector.num_pieces, offset, flags);
}

ssize_t pwritev2(int fd, const struct iovec *pieces, int num_pieces, off_t offset, int flags)
    __attribute__((alias("pwritev64v2")));

ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t len,
                        unsigned flags)
{
    if (interpose_fails_len(FAULT_WRITE, &len))
        return -1;
    if (atomic_load(&interpose_recording))
        recorder_unseen(to, RECORDER_KERNEL_COPY);
    return REAL(copy_file_range)(from, from_offset, to, to_offset, len, flags);
}

ssize_t sendfile64(int to, int from, off64_t *offset, size_t len)
{
    if (interpose_fails_len(FAULT_SEND, &len))
        return -1;
    if (atomic_load(&interpose_recording))
        recorder_unseen(to, RECORDER_KERNEL_COPY);
    return REAL(sendfile64)(to, from, offset, len);
}

ssize_t sendfile(int to, int from, off_t *offset, size_t len) __attribute__((alias("sendfile64")));

int fsync(int fd)
{
    if (interpose_fails(FAULT_SYNC))
        return -1;
    return atomic_load(&interpose_recording) ? recorder_sync(fd, RECORDER_FSYNC) : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    if (interpose_fails(FAULT_SYNC))
        return -1;
    return atomic_load(&interpose_recording) ? recorder_sync(fd, RECORDER_FDATASYNC)
                                             : REAL(fdatasync)(fd);
}

int syncfs(int fd)
{
    if (interpose_fails(FAULT_SYNC))
        return -1;
    return atomic_load(&interpose_recording) ? recorder_sync(fd, RECORDER_SYNCFS)
                                             : REAL(syncfs)(fd);
}

void sync(void)
{
    if (atomic_load(&interpose_recording))
        (void)recorder_sync(-1, RECORDER_SYNC);
    else
        REAL(sync)();
}

/* Not recorded: it promises nothing about power (no metadata, no flush of the drive's cache). */
int sync_file_range(int fd, off64_t offset, off64_t len, unsigned flags)
{
    return interpose_fails(FAULT_SYNC) ? -1 : REAL(sync_file_range)(fd, offset, len, flags);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
