/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keymgr/error.h
 * The error categories of libkeymgr.
 *
 * Every function of the library that can fail returns an int: 0 for success or one of the negative
 * values below, never a length. There are few of them, each one something that a caller can act
 * upon; the detail (a sentence, the code of the library below) is in the handle that the call was
 * made on. There is no thread-local state and no error queue.
 *
 * The numbers are part of the ABI and are only ever added to; a caller treats a negative value that
 * it does not know as a failure of the kind KEYMGR_ERR_INTERNAL. The other libraries of the
 * suite use the same numbers under their own names.
 *
 * Threads: everything here is pure and may be called from any thread.
 */
#ifndef KEYMGR_ERROR_H
#define KEYMGR_ERROR_H

#include <keymgr/api.h>

KEYMGR_BEGIN_DECLS

/** Error categories. Since 0.1. */
enum keymgr_error {
    KEYMGR_OK = 0,
    KEYMGR_ERR_INVALID = -1,     /**< a parameter is out of its range; nothing was done */
    KEYMGR_ERR_NO_MEMORY = -2,   /**< out of memory */
    KEYMGR_ERR_NOT_FOUND = -3,   /**< no such object */
    KEYMGR_ERR_EXISTS = -4,      /**< the object exists already */
    KEYMGR_ERR_BUSY = -5,        /**< in use by another process, thread or handle */
    KEYMGR_ERR_DENIED = -6,      /**< not allowed, or the wrong key */
    KEYMGR_ERR_CORRUPT = -7,     /**< stored or received data is damaged or forged */
    KEYMGR_ERR_UNSUPPORTED = -8, /**< a version or feature that this build does not know */
    KEYMGR_ERR_LIMIT = -9,       /**< a documented ceiling was reached */
    KEYMGR_ERR_IO = -10,         /**< input or output failed */
    KEYMGR_ERR_NO_SPACE = -11,   /**< no space left on the device, or a quota */
    KEYMGR_ERR_TIMEOUT = -12,    /**< the deadline passed */
    KEYMGR_ERR_CANCELLED = -13,  /**< cancelled by the caller */
    KEYMGR_ERR_STATE = -14,      /**< not possible in the present state of the object */
    KEYMGR_ERR_INTERNAL = -15    /**< a check inside the library failed: please report it */
};

/**
 * The category as a stable word for programs ("not-found"), as the tools print it in JSON.
 *
 * @param error  0 or any value of enum keymgr_error; others are allowed.
 * @return       "ok" for 0, "unknown" for a value that is no category; never NULL, static storage.
 *
 * Cannot fail. Any thread. Since 0.1.
 */
KEYMGR_API const char *keymgr_error_name(int error);

/**
 * The category as a short English sentence without a full stop ("no such object").
 *
 * @param error  0 or any value of enum keymgr_error; others are allowed.
 * @return       "unknown error" for a value that is no category; never NULL, static storage.
 *
 * Cannot fail. Any thread. Since 0.1.
 */
KEYMGR_API const char *keymgr_error_text(int error);

KEYMGR_END_DECLS

#endif
