/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and block devices as struct xtsvol_io.
 *
 *   F1  What is neither is refused before it is opened: opening a FIFO waits, opening a tape winds
 *       it. What the name meant then, what was opened, and what the name means once it is locked
 * are one and the same, or all is done again. F2  A transfer goes on until all is moved, an error,
 * or the end of the file. F3  A file that was made here and cannot be used is removed, unless the
 * name means another one by now, or somebody else has locked it, who has it for himself.
 */
#include "common/base/cleanup.h"
#include "libxtsvol/src/volume/io.h"
#include "libxtsvol/src/volume/lock.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    MAX_TRIES = 3,
    MAX_PIECES = 1024 /* IOV_MAX of Linux */
};

struct file {
    int fd;
    pid_t owner;
    uint64_t sector_len; /* of a device */
    bool is_read_only;
};

typedef ssize_t vector_fn(int fd, const struct iovec *iov, int num_iov, off_t offset);

/* F2. A piece that was moved in part goes on by itself, so that the list need not be copied. */
static int transfer(const struct file *file, vector_fn *vector, const struct iovec *iov,
                    size_t num_iov, uint64_t offset, int at_end)
{
    size_t done = 0; /* bytes of the first piece */
    for (;;) {
        while (num_iov > 0 && iov->iov_len == done) {
            iov++;
            num_iov--;
            done = 0;
        }
        if (num_iov == 0)
            return 0;
        if (offset > INT64_MAX)
            return EFBIG;
        const struct iovec rest = {(uint8_t *)iov->iov_base + done, iov->iov_len - done};
        int num = num_iov < MAX_PIECES ? (int)num_iov : MAX_PIECES;
        ssize_t moved = done > 0 ? vector(file->fd, &rest, 1, (off_t)offset)
                                 : vector(file->fd, iov, num, (off_t)offset);
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved <= 0)
            return moved < 0 ? errno : at_end;
        offset += (uint64_t)moved;
        done += (size_t)moved;
        while (num_iov > 0 && done >= iov->iov_len) {
            done -= iov->iov_len;
            iov++;
            num_iov--;
        }
    }
}

static int file_preadv(void *context, const struct iovec *iov, size_t num_iov, uint64_t offset)
{
    return transfer(context, preadv, iov, num_iov, offset, XV_IO_BEYOND_END);
}

static int file_pwritev(void *context, const struct iovec *iov, size_t num_iov, uint64_t offset)
{
    return transfer(context, pwritev, iov, num_iov, offset, EIO);
}

static int file_flush(void *context)
{
    const struct file *file = context;
    int result = 0;
    do
        result = fdatasync(file->fd);
    while (result && errno == EINTR);
    /* File systems that cannot be written to have no sync. */
    if (result && file->is_read_only && (errno == EINVAL || errno == EROFS))
        return 0;
    return result ? errno : 0;
}

static int file_get_size(void *context, uint64_t *size)
{
    const struct file *file = context;
    struct stat status;
    if (fstat(file->fd, &status))
        return errno;
    *size = (uint64_t)status.st_size;
    return 0;
}

static int device_get_size(void *context, uint64_t *size)
{
    const struct file *file = context;
    return ioctl(file->fd, BLKGETSIZE64, size) ? errno : 0;
}

static int file_set_size(void *context, uint64_t size)
{
    const struct file *file = context;
    if (size > INT64_MAX)
        return EFBIG;
    int result = 0;
    do
        result = ftruncate(file->fd, (off_t)size);
    while (result && errno == EINTR);
    return result ? errno : 0;
}

/* A medium that cannot discard is none the worse. */
static int discarded(int result)
{
    return result && errno != EOPNOTSUPP && errno != ENOSYS ? errno : 0;
}

static int file_discard(void *context, uint64_t offset, uint64_t length)
{
    const struct file *file = context;
    if (length == 0)
        return 0;
    if (offset > INT64_MAX || length > INT64_MAX - offset)
        return EINVAL;
    int result = 0;
    do
        result = fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                           (off_t)length);
    while (result && errno == EINTR);
    return discarded(result);
}

/* Linux refuses a range that is not of whole sectors of the device. */
static int device_discard(void *context, uint64_t offset, uint64_t length)
{
    const struct file *file = context;
    if (offset > INT64_MAX || length > INT64_MAX - offset)
        return EINVAL;
    uint64_t end = (offset + length) / file->sector_len * file->sector_len;
    uint64_t first = (offset + file->sector_len - 1) / file->sector_len * file->sector_len;
    if (first >= end)
        return 0;
    uint64_t range[2] = {first, end - first};
    return discarded(ioctl(file->fd, BLKDISCARD, range));
}

/* Where the file system cannot tell, or the file changes meanwhile, all is allocated: that is what
 * the reader of the answer has to expect at the least. */
static int file_next_hole(void *context, uint64_t offset, uint64_t *end, int *is_hole)
{
    const struct file *file = context;
    uint64_t size = 0;
    int error = file_get_size(context, &size);
    if (error)
        return error;
    if (offset >= size)
        return EINVAL;
    *is_hole = 0;
    *end = size;
    off_t data = lseek(file->fd, (off_t)offset, SEEK_DATA);
    if (data < 0 && errno == ENXIO) {
        *is_hole = 1;
        return 0;
    }
    if (data < 0)
        return errno == EINVAL || errno == EOPNOTSUPP ? 0 : errno;
    *is_hole = (uint64_t)data > offset;
    off_t stop = *is_hole ? data : lseek(file->fd, (off_t)offset, SEEK_HOLE);
    if (stop < 0)
        return errno == ENXIO ? 0 : errno;
    if ((uint64_t)stop > offset && (uint64_t)stop < size)
        *end = (uint64_t)stop;
    return 0;
}

/* L3 of lock.h. */
static void file_close(void *context)
{
    struct file *file = context;
    if (file->owner == getpid())
        xv_lock_drop(file->fd);
    (void)close(file->fd);
    free(file);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_rdev == b->st_rdev &&
           ((a->st_mode ^ b->st_mode) & S_IFMT) == 0;
}

static bool is_named(int fd, const char *path)
{
    struct stat now;
    struct stat named;
    return !fstat(fd, &now) && !stat(path, &named) && is_same(&now, &named);
}

/* F3. */
static void remove_own(int fd, const char *path)
{
    if (is_named(fd, path))
        (void)unlink(path);
}

static int open_fd(const char *path, int flags)
{
    int fd = -1;
    do
        fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static int failed(struct xv_file *out_file, int native_error)
{
    out_file->native_error = native_error;
    return common_error_from_errno(native_error);
}

/* A device that is mounted, or that a writer has: only the latter has a lock on it. */
static int busy_device(struct xv_file *out_file, const char *path)
{
    COMMON_CLEANUP_FD int fd = open_fd(path, O_RDONLY);
    if (fd >= 0)
        out_file->holder_pid = xv_lock_holder(fd, true);
    out_file->native_error = EBUSY;
    return COMMON_ERR_BUSY;
}

/* F1. *out_changed: look again. */
static int open_existing(int *out_fd, struct xv_file *out_file, bool *out_changed, const char *path,
                         bool for_writing)
{
    struct stat meant;
    if (stat(path, &meant))
        return failed(out_file, errno);
    if (!S_ISREG(meant.st_mode) && !S_ISBLK(meant.st_mode))
        return COMMON_ERR_INVALID;
    out_file->is_device = S_ISBLK(meant.st_mode);
    int exclusive = for_writing && out_file->is_device ? O_EXCL : 0;
    COMMON_CLEANUP_FD int fd = open_fd(path, (for_writing ? O_RDWR : O_RDONLY) | exclusive);
    if (fd < 0 && errno == EBUSY && out_file->is_device)
        return busy_device(out_file, path);
    if (fd < 0)
        return failed(out_file, errno);
    struct stat opened;
    if (fstat(fd, &opened))
        return failed(out_file, errno);
    *out_changed = !is_same(&opened, &meant);
    if (*out_changed)
        return failed(out_file, EBUSY);
    *out_fd = COMMON_TAKE_FD(fd);
    return 0;
}

static int open_or_make(int *out_fd, struct xv_file *out_file, bool *out_changed, const char *path,
                        enum xv_open_how how)
{
    if (how == XV_OPEN_CREATE) {
        *out_fd = open_fd(path, O_RDWR | O_CREAT | O_EXCL);
        out_file->is_new = *out_fd >= 0;
        if (out_file->is_new)
            return 0;
        if (errno != EEXIST && errno != EISDIR)
            return failed(out_file, errno);
    }
    int error = open_existing(out_fd, out_file, out_changed, path, how != XV_OPEN_READ);
    if (error == COMMON_ERR_NOT_FOUND && how == XV_OPEN_CREATE)
        *out_changed = true;
    return error;
}

/* Linux opens a device that is read-only for writing, and refuses the first write. */
static int prepare_device(struct file *file, struct xv_file *out_file, bool for_writing)
{
    int sector_len = 0;
    int is_read_only = 0;
    if (ioctl(file->fd, BLKSSZGET, &sector_len) || ioctl(file->fd, BLKROGET, &is_read_only))
        return failed(out_file, errno);
    if (sector_len <= 0)
        return failed(out_file, EIO);
    if (for_writing && is_read_only)
        return failed(out_file, EROFS);
    file->sector_len = (uint64_t)sector_len;
    return 0;
}

static int prepare(struct file *file, struct xv_file *out_file, bool for_writing)
{
    int flags = fcntl(file->fd, F_GETFL);
    if (flags < 0 || fcntl(file->fd, F_SETFL, flags & ~O_NONBLOCK))
        return failed(out_file, errno);
    return out_file->is_device ? prepare_device(file, out_file, for_writing) : 0;
}

/* One try: opened, locked, and still what the name means. */
static int open_and_lock(struct file *file, struct xv_file *out_file, bool *out_changed,
                         const char *path, enum xv_open_how how)
{
    COMMON_CLEANUP_FD int fd = -1;
    int error = open_or_make(&fd, out_file, out_changed, path, how);
    if (error)
        return error;
    error = xv_lock_take(fd, how != XV_OPEN_READ, &out_file->holder_pid, &out_file->native_error);
    if (error == COMMON_ERR_BUSY)
        return error;
    if (!error && !is_named(fd, path)) {
        *out_changed = true;
        return failed(out_file, EBUSY);
    }
    file->fd = fd;
    if (!error)
        error = prepare(file, out_file, how != XV_OPEN_READ);
    if (error && out_file->is_new)
        remove_own(fd, path);
    if (!error)
        (void)COMMON_TAKE_FD(fd);
    return error;
}

static struct xtsvol_io io_of(struct file *file, bool is_device)
{
    return (struct xtsvol_io){
        .size = sizeof(struct xtsvol_io),
        .context = file,
        .preadv = file_preadv,
        .pwritev = file_pwritev,
        .flush = file_flush,
        .get_size = is_device ? device_get_size : file_get_size,
        .set_size = is_device ? NULL : file_set_size,
        .discard = is_device ? device_discard : file_discard,
        .next_hole = is_device ? NULL : file_next_hole,
        .close = file_close,
    };
}

int xv_file_open(struct xtsvol_io *out, struct xv_file *out_file, const char *path,
                 enum xv_open_how how)
{
    memset(out, 0, sizeof(*out));
    memset(out_file, 0, sizeof(*out_file));
    if (!path)
        return COMMON_ERR_INVALID;
    COMMON_CLEANUP_FREE struct file *file = calloc(1, sizeof(*file));
    if (!file)
        return COMMON_ERR_NO_MEMORY;
    file->owner = getpid();
    file->is_read_only = how == XV_OPEN_READ;
    int error = 0;
    bool is_changed = true;
    for (unsigned i = 0; i < MAX_TRIES && is_changed; i++) {
        is_changed = false;
        memset(out_file, 0, sizeof(*out_file));
        error = open_and_lock(file, out_file, &is_changed, path, how);
    }
    if (error) {
        out_file->is_new = false;
        return error;
    }
    *out = io_of(COMMON_TAKE_PTR(file), out_file->is_device);
    return 0;
}

void xv_file_abandon(struct xtsvol_io *io, const char *path, const struct xv_file *file)
{
    const struct file *opened = io->context;
    if (file->is_new && opened && opened->owner == getpid())
        remove_own(opened->fd, path);
    xv_io_close(io);
}

/* A folder that may not be read cannot be synced; who can make files in it and cannot list them has
 * chosen so. Some file systems sync folders by themselves and say EINVAL. */
int xv_file_sync_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    COMMON_CLEANUP_FREE char *folder = slash ? strndup(path, len > 0 ? len : 1) : strdup(".");
    if (!folder)
        return COMMON_ERR_NO_MEMORY;
    COMMON_CLEANUP_FD int fd = open_fd(folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return errno == EACCES ? 0 : common_error_from_errno(errno);
    int result = 0;
    do
        result = fsync(fd);
    while (result && errno == EINTR);
    return result && errno != EINVAL ? common_error_from_errno(errno) : 0;
}
