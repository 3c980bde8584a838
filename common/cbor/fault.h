/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a document was refused.
 *
 * A fault is the detail below the category that the functions return: a test names the rule with
 * it, and a library puts its sentence, with the offset, into the message of its handle. The
 * category is what a caller acts upon: COMMON_ERR_CORRUPT for what is malformed or is not what the
 * format says, COMMON_ERR_LIMIT for a ceiling, COMMON_ERR_STATE for a mistake of the calling code.
 */
#ifndef COMMON_CBOR_FAULT_H
#define COMMON_CBOR_FAULT_H

#include "common/base/error.h"

/* The first group is found in the bytes alone, the second only when somebody asks for a certain
 * thing, the third is the fault of the code that calls. */
#define COMMON_CBOR_FAULTS(X)                                                                      \
    X(TRUNCATED, CORRUPT, "fewer bytes than the document says")                                    \
    X(RESERVED, CORRUPT, "an encoding that is reserved")                                           \
    X(INDEFINITE_LENGTH, CORRUPT, "an indefinite length")                                          \
    X(NOT_SHORTEST, CORRUPT, "a longer encoding than needed")                                      \
    X(BAD_UTF8, CORRUPT, "text that is not UTF-8")                                                 \
    X(UNSORTED_KEYS, CORRUPT, "map keys out of order")                                             \
    X(DUPLICATE_KEY, CORRUPT, "a map key twice")                                                   \
    X(NOT_A_BIGNUM, CORRUPT, "a big number that is none, or fits an integer")                      \
    X(TRAILING_BYTES, CORRUPT, "bytes after the end of the document")                              \
    X(DEPTH, LIMIT, "nested too deeply")                                                           \
    X(ITEMS, LIMIT, "too many items")                                                              \
    X(BYTES, LIMIT, "too many bytes")                                                              \
    X(NOT_THE_TYPE, CORRUPT, "an item of another type")                                            \
    X(NOT_THE_LENGTH, CORRUPT, "an item of another length")                                        \
    X(OUT_OF_RANGE, CORRUPT, "an integer out of its range")                                        \
    X(TOO_LONG, LIMIT, "a string longer than allowed")                                             \
    X(NO_MORE_ITEMS, CORRUPT, "fewer items than expected")                                         \
    X(UNREAD_ITEMS, CORRUPT, "more items than expected")                                           \
    X(NOT_ALLOWED, CORRUPT, "a value that the format does not allow")                              \
    X(MISUSE, STATE, "not possible at this place")                                                 \
    X(BUFFER, INTERNAL, "the buffer is full or failed")

enum common_cbor_fault {
    COMMON_CBOR_FAULT_NONE = 0,
#define X(name, category, sentence) COMMON_CBOR_FAULT_##name,
    COMMON_CBOR_FAULTS(X)
#undef X
};

/* The member's name without its prefix, "NONE" for 0 and "UNKNOWN" for what is no member. */
const char *common_cbor_fault_name(enum common_cbor_fault fault);

/* A part of a sentence, without capital and full stop. Never NULL. */
const char *common_cbor_fault_text(enum common_cbor_fault fault);

/* COMMON_OK for COMMON_CBOR_FAULT_NONE. */
int common_cbor_fault_category(enum common_cbor_fault fault);

#endif
