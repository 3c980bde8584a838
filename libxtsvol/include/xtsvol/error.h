/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file xtsvol/error.h
 * The error categories of libxtsvol.
 *
 * Every function of the library that can fail returns an int: 0 for success or one of the negative
 * values below, never a length. There are few of them, each one something that a caller can act
 * upon; what the system refused (a sentence, errno) is told by an event of the handle that the call
 * was made on (event.h). There is no thread-local state and no error queue.
 *
 * The numbers are part of the ABI and are only ever added to; a caller treats a negative value that
 * it does not know as a failure of the kind XTSVOL_ERR_INTERNAL. The other libraries of the
 * suite use the same numbers under their own names.
 *
 * Threads: everything here is pure and may be called from any thread.
 */
#ifndef XTSVOL_ERROR_H
#define XTSVOL_ERROR_H

#include <xtsvol/api.h>

XTSVOL_BEGIN_DECLS

/** Error categories. Since 0.1. */
enum xtsvol_error {
    XTSVOL_OK = 0,
    XTSVOL_ERR_INVALID = -1,     /**< a parameter is out of its range; nothing was done */
    XTSVOL_ERR_NO_MEMORY = -2,   /**< out of memory */
    XTSVOL_ERR_NOT_FOUND = -3,   /**< no such object */
    XTSVOL_ERR_EXISTS = -4,      /**< the object exists already */
    XTSVOL_ERR_BUSY = -5,        /**< in use by another process, thread or handle */
    XTSVOL_ERR_DENIED = -6,      /**< not allowed, or the wrong key */
    XTSVOL_ERR_CORRUPT = -7,     /**< stored or received data is damaged or forged */
    XTSVOL_ERR_UNSUPPORTED = -8, /**< a version or feature that this build does not know */
    XTSVOL_ERR_LIMIT = -9,       /**< a documented ceiling was reached */
    XTSVOL_ERR_IO = -10,         /**< input or output failed */
    XTSVOL_ERR_NO_SPACE = -11,   /**< no space left on the device, or a quota */
    XTSVOL_ERR_TIMEOUT = -12,    /**< the deadline passed */
    XTSVOL_ERR_CANCELLED = -13,  /**< cancelled by the caller */
    XTSVOL_ERR_STATE = -14,      /**< not possible in the present state of the object */
    XTSVOL_ERR_INTERNAL = -15    /**< a check inside the library failed: please report it */
};

/**
 * The category as a stable word for programs ("not-found"), as the tools print it in JSON.
 *
 * @param error  0 or any value of enum xtsvol_error; others are allowed.
 * @return       "ok" for 0, "unknown" for a value that is no category; never NULL, static storage.
 *
 * Cannot fail. Any thread. Since 0.1.
 */
XTSVOL_API const char *xtsvol_error_name(int error);

/**
 * The category as a short English sentence without a full stop ("no such object").
 *
 * @param error  0 or any value of enum xtsvol_error; others are allowed.
 * @return       "unknown error" for a value that is no category; never NULL, static storage.
 *
 * Cannot fail. Any thread. Since 0.1.
 */
XTSVOL_API const char *xtsvol_error_text(int error);

XTSVOL_END_DECLS

#endif
