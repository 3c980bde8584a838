/* SPDX-License-Identifier: Apache-2.0 */
#include "libxtsvol/src/volume/io.h"

#include "common/base/checked.h"
#include "common/base/ct.h"

#include <errno.h>
#include <string.h>

/* Of the struct as 0.1 had it: a caller may be older than the library, or younger. */
#define IO_LEN_0_1 (offsetof(struct xtsvol_io, close) + sizeof(void (*)(void *)))
#define IO_LEN_MAX ((size_t)4096)

int xv_io_take(struct xtsvol_io *out, const struct xtsvol_io *caller)
{
    memset(out, 0, sizeof(*out));
    if (!caller || caller->size < IO_LEN_0_1 || caller->size > IO_LEN_MAX)
        return COMMON_ERR_INVALID;
    /* What it has more than we know must not matter. */
    if (caller->size > sizeof(*out) &&
        !common_ct_is_zero((const uint8_t *)caller + sizeof(*out), caller->size - sizeof(*out)))
        return COMMON_ERR_INVALID;
    if (!caller->preadv || !caller->pwritev || !caller->flush || !caller->get_size)
        return COMMON_ERR_INVALID;
    memcpy(out, caller, caller->size < sizeof(*out) ? caller->size : sizeof(*out));
    out->size = sizeof(*out);
    return 0;
}

/* Only what the public calls say that they return: EINVAL or EAGAIN of a medium is not a mistake of
 * the caller's, nor somebody else who holds the volume. */
int xv_io_error(int native_error)
{
    switch (native_error) {
    case 0:
        return 0;
    case XV_IO_BEYOND_END:
        return COMMON_ERR_CORRUPT;
    case ENOMEM:
        return COMMON_ERR_NO_MEMORY;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: /* a file cannot be that long, here or for this process */
        return COMMON_ERR_NO_SPACE;
    default:
        return COMMON_ERR_IO;
    }
}

static int finish(int native_error, int *out_native_error)
{
    if (out_native_error)
        *out_native_error = native_error;
    return xv_io_error(native_error);
}

static int check_range(const struct xtsvol_io *io, size_t len, uint64_t offset)
{
    uint64_t size = 0;
    int native_error = io->get_size(io->context, &size);
    if (native_error)
        return native_error;
    return common_range_fits(offset, len, size) ? 0 : XV_IO_BEYOND_END;
}

int xv_io_read(const struct xtsvol_io *io, void *buffer, size_t len, uint64_t offset,
               int *native_error)
{
    int error = check_range(io, len, offset);
    const struct iovec piece = {buffer, len};
    if (!error && len > 0)
        error = io->preadv(io->context, &piece, 1, offset);
    return finish(error, native_error);
}

int xv_io_write(const struct xtsvol_io *io, const void *buffer, size_t len, uint64_t offset,
                int *native_error)
{
    int error = check_range(io, len, offset);
    const struct iovec piece = {(void *)buffer, len};
    if (!error && len > 0)
        error = io->pwritev(io->context, &piece, 1, offset);
    return finish(error, native_error);
}

int xv_io_flush(const struct xtsvol_io *io, int *native_error)
{
    return finish(io->flush(io->context), native_error);
}

int xv_io_size(const struct xtsvol_io *io, uint64_t *out, int *native_error)
{
    *out = 0;
    uint64_t size = 0;
    int error = io->get_size(io->context, &size);
    if (!error)
        *out = size;
    return finish(error, native_error);
}

void xv_io_close(struct xtsvol_io *io)
{
    if (io->close)
        io->close(io->context);
    memset(io, 0, sizeof(*io));
}
