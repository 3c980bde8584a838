/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file certstore/error.h
 * The error categories of libcertstore.
 *
 * Every function of the library that can fail returns an int: 0 for success or one of the negative
 * values below, never a length. There are few of them, each one something that a caller can act
 * upon; the detail (a sentence, the code of the library below) is in the handle that the call was
 * made on. There is no thread-local state and no error queue.
 *
 * The numbers are part of the ABI and are only ever added to; a caller treats a negative value that
 * it does not know as a failure of the kind CERTSTORE_ERR_INTERNAL. The other libraries of the
 * suite use the same numbers under their own names.
 *
 * Threads: everything here is pure and may be called from any thread.
 */
#ifndef CERTSTORE_ERROR_H
#define CERTSTORE_ERROR_H

#include <certstore/api.h>

CERTSTORE_BEGIN_DECLS

/** Error categories. Since 0.1. */
enum certstore_error {
    CERTSTORE_OK = 0,
    CERTSTORE_ERR_INVALID = -1,     /**< a parameter is out of its range; nothing was done */
    CERTSTORE_ERR_NO_MEMORY = -2,   /**< out of memory */
    CERTSTORE_ERR_NOT_FOUND = -3,   /**< no such object */
    CERTSTORE_ERR_EXISTS = -4,      /**< the object exists already */
    CERTSTORE_ERR_BUSY = -5,        /**< in use by another process, thread or handle */
    CERTSTORE_ERR_DENIED = -6,      /**< not allowed, or the wrong key */
    CERTSTORE_ERR_CORRUPT = -7,     /**< stored or received data is damaged or forged */
    CERTSTORE_ERR_UNSUPPORTED = -8, /**< a version or feature that this build does not know */
    CERTSTORE_ERR_LIMIT = -9,       /**< a documented ceiling was reached */
    CERTSTORE_ERR_IO = -10,         /**< input or output failed */
    CERTSTORE_ERR_NO_SPACE = -11,   /**< no space left on the device, or a quota */
    CERTSTORE_ERR_TIMEOUT = -12,    /**< the deadline passed */
    CERTSTORE_ERR_CANCELLED = -13,  /**< cancelled by the caller */
    CERTSTORE_ERR_STATE = -14,      /**< not possible in the present state of the object */
    CERTSTORE_ERR_INTERNAL = -15    /**< a check inside the library failed: please report it */
};

/**
 * The category as a stable word for programs ("not-found"), as the tools print it in JSON.
 *
 * @param error  0 or any value of enum certstore_error; others are allowed.
 * @return       "ok" for 0, "unknown" for a value that is no category; never NULL, static storage.
 *
 * Cannot fail. Any thread. Since 0.1.
 */
CERTSTORE_API const char *certstore_error_name(int error);

/**
 * The category as a short English sentence without a full stop ("no such object").
 *
 * @param error  0 or any value of enum certstore_error; others are allowed.
 * @return       "unknown error" for a value that is no category; never NULL, static storage.
 *
 * Cannot fail. Any thread. Since 0.1.
 */
CERTSTORE_API const char *certstore_error_text(int error);

CERTSTORE_END_DECLS

#endif
