/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/error.h"

#include <errno.h>

const char *common_error_name(int error)
{
    switch (error) {
    case COMMON_OK:
        return "ok";
#define X(name, number, word, sentence)                                                            \
    case COMMON_ERR_##name:                                                                        \
        return word;
        COMMON_ERRORS(X)
#undef X
    default:
        return "unknown";
    }
}

const char *common_error_text(int error)
{
    switch (error) {
    case COMMON_OK:
        return "no error";
#define X(name, number, word, sentence)                                                            \
    case COMMON_ERR_##name:                                                                        \
        return sentence;
        COMMON_ERRORS(X)
#undef X
    default:
        return "unknown error";
    }
}

int common_error_from_errno(int errno_value)
{
    switch (errno_value) {
    case 0:
        return COMMON_OK;
    case EINVAL:
    case ENAMETOOLONG:
        return COMMON_ERR_INVALID;
    case ENOMEM:
        return COMMON_ERR_NO_MEMORY;
    case ENOENT:
    case ENOTDIR:
        return COMMON_ERR_NOT_FOUND;
    case EEXIST:
        return COMMON_ERR_EXISTS;
    case EBUSY:
    case EAGAIN:
    case ETXTBSY:
        return COMMON_ERR_BUSY;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP: /* what O_NOFOLLOW says of a symbolic link */
        return COMMON_ERR_DENIED;
    case ENOSYS:
    case EOPNOTSUPP:
        return COMMON_ERR_UNSUPPORTED;
    case EMFILE:
    case ENFILE:
    case E2BIG:
    case EFBIG:
    case EOVERFLOW:
        return COMMON_ERR_LIMIT;
    case ENOSPC:
    case EDQUOT:
        return COMMON_ERR_NO_SPACE;
    case ETIMEDOUT:
        return COMMON_ERR_TIMEOUT;
    case ECANCELED:
    case EINTR:
        return COMMON_ERR_CANCELLED;
    default:
        return COMMON_ERR_IO;
    }
}
