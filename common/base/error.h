/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error categories that the four libraries share.
 *
 * Each library publishes the same numbers under its own names (XTSVOL_ERR_IO, KEYMGR_ERR_IO, ...),
 * and asserts at compile time that they are these, so that a code from here may be returned as it
 * is. A category is what a caller can act upon; the detail goes into the handle of the library.
 */
#ifndef COMMON_BASE_ERROR_H
#define COMMON_BASE_ERROR_H

#define COMMON_MUST_USE __attribute__((warn_unused_result))

/* Append only: the numbers are ABI. The list makes the enum, the names and the sentences agree. */
#define COMMON_ERRORS(X)                                                                           \
    X(INVALID, 1, "invalid", "a parameter is out of its range")                                    \
    X(NO_MEMORY, 2, "no-memory", "out of memory")                                                  \
    X(NOT_FOUND, 3, "not-found", "no such object")                                                 \
    X(EXISTS, 4, "exists", "the object exists already")                                            \
    X(BUSY, 5, "busy", "in use by somebody else")                                                  \
    X(DENIED, 6, "denied", "not allowed, or the wrong key")                                        \
    X(CORRUPT, 7, "corrupt", "the data is damaged or forged")                                      \
    X(UNSUPPORTED, 8, "unsupported", "a version or feature that this build does not know")         \
    X(LIMIT, 9, "limit", "a ceiling was reached")                                                  \
    X(IO, 10, "io", "input or output failed")                                                      \
    X(NO_SPACE, 11, "no-space", "no space left")                                                   \
    X(TIMEOUT, 12, "timeout", "the deadline passed")                                               \
    X(CANCELLED, 13, "cancelled", "cancelled by the caller")                                       \
    X(STATE, 14, "state", "not possible in the present state")                                     \
    X(INTERNAL, 15, "internal", "a check inside the library failed")

enum common_error {
    COMMON_OK = 0,
#define X(name, number, word, sentence) COMMON_ERR_##name = -(number),
    COMMON_ERRORS(X)
#undef X
};

/* A stable word for programs, "ok" for 0 and "unknown" for what is not a category. Never NULL. */
const char *common_error_name(int error);

/* A short English sentence without a full stop. Never NULL. */
const char *common_error_text(int error);

/* The category of an errno value; COMMON_ERR_IO for all that has none of its own. */
int common_error_from_errno(int errno_value);

#endif
