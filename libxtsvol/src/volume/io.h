/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage as the volume sees it: struct xtsvol_io, the caller's own or a file or block device.
 *
 * xv_io_*() map errno to categories and check ranges: a read or write beyond the end is
 * COMMON_ERR_CORRUPT (the medium is shorter than its metadata says). native_error may be NULL.
 */
#ifndef XTSVOL_VOLUME_IO_H
#define XTSVOL_VOLUME_IO_H

#include "common/base/error.h"
#include <xtsvol/volume.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a read beyond the end gives. Not ENODATA, which a disk says of a bad sector. */
enum {
    XV_IO_BEYOND_END = ERANGE
};

enum xv_open_how {
    XV_OPEN_READ,
    XV_OPEN_WRITE,
    XV_OPEN_CREATE /* made if there is none (*out_is_new), for writing */
};

/* What a file is besides its io. Owned by the io's context; all zero for a caller's io. */
struct xv_file {
    bool is_new;
    bool is_device;
    int native_error;   /* why it failed */
    int64_t holder_pid; /* COMMON_ERR_BUSY, if known */
};

/* Opens and locks (V13): a writer alone, or readers together. A block device that is mounted is
 * COMMON_ERR_BUSY too. Refuses what is neither a regular file nor a block device
 * (COMMON_ERR_INVALID). out->close closes and unlocks. *out is all zero on failure; a file that it
 * made is removed. */
COMMON_MUST_USE int xv_file_open(struct xtsvol_io *out, struct xv_file *out_file, const char *path,
                                 enum xv_open_how how);

/* Removes the file if xv_file_open() made it, and closes: a create that failed. */
void xv_file_abandon(struct xtsvol_io *io, const char *path, const struct xv_file *file);

/* The entry of a new file in its folder is on the medium. */
COMMON_MUST_USE int xv_file_sync_name(const char *path);

/* A caller's io, checked (size, functions that must be there) and copied. COMMON_ERR_INVALID. */
COMMON_MUST_USE int xv_io_take(struct xtsvol_io *out, const struct xtsvol_io *caller);

/* The category of what a function of the io returned: IO, NO_SPACE, NO_MEMORY, CORRUPT (beyond the
 * end), or 0. */
int xv_io_error(int native_error);

COMMON_MUST_USE int xv_io_read(const struct xtsvol_io *io, void *buffer, size_t len,
                               uint64_t offset, int *native_error);
COMMON_MUST_USE int xv_io_write(const struct xtsvol_io *io, const void *buffer, size_t len,
                                uint64_t offset, int *native_error);
COMMON_MUST_USE int xv_io_flush(const struct xtsvol_io *io, int *native_error);
COMMON_MUST_USE int xv_io_size(const struct xtsvol_io *io, uint64_t *out, int *native_error);

void xv_io_close(struct xtsvol_io *io);

#endif
