/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads vector files in the style of NIST's CAVP (.rsp):
 *
 *     # comment                        ends at the line's end; lines may end in CR LF
 *     [ENCRYPT]                        a section, until the next one
 *     [Keylen = 256]                   a value that holds for all records below, until set anew
 *     COUNT = 1                        a record: lines of key and value ...
 *     Key = 00ff
 *     FAIL                             ... or of a key alone ...
 *                                      ... up to a blank line, a section or the end
 *
 *     struct vectors *vectors = NULL;
 *     assert_int_equal(vectors_open(&vectors, DATA_DIR "/xts.rsp"), 0);
 *     while (vectors_must_next(vectors)) {
 *         size_t key_len = 0;
 *         COMMON_CLEANUP_FREE uint8_t *key = vectors_must_hex(vectors, &key_len, "Key");
 *     }
 *     vectors_close(&vectors);
 *
 * The vectors_must_* forms fail the test with file and line. The others return COMMON_ERR_NOT_FOUND
 * (no further record, no such key), COMMON_ERR_CORRUPT (malformed) or COMMON_ERR_LIMIT, and leave a
 * sentence "file:line: what" in vectors_error(). Pointers stay valid until the next record, hex
 * blocks belong to the caller and have exactly their length, so that AddressSanitizer sees what
 * reads beyond them. One thread.
 */
#ifndef TESTS_SUPPORT_VECTORS_H
#define TESTS_SUPPORT_VECTORS_H

#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VECTORS_MAX_FILE = 64 * 1024 * 1024,
    VECTORS_MAX_KEYS = 32 /* of a record, and of values in sections */
};

struct vectors;

COMMON_MUST_USE int vectors_open(struct vectors **out, const char *path);
/* NULL-safe. */
void vectors_close(struct vectors **vectors);

/* Goes to the next record. */
COMMON_MUST_USE int vectors_next(struct vectors *vectors);
/* Name of the section, "" before the first one. */
const char *vectors_section(const struct vectors *vectors);
bool vectors_has(const struct vectors *vectors, const char *key);
/* Looked for in the record, then in the sections. *out is NULL on failure. */
COMMON_MUST_USE int vectors_text(struct vectors *vectors, const char **out, const char *key);
COMMON_MUST_USE int vectors_number(struct vectors *vectors, uint64_t *out, const char *key);
COMMON_MUST_USE int vectors_hex(struct vectors *vectors, uint8_t **out, size_t *out_len,
                                const char *key);
const char *vectors_error(const struct vectors *vectors);

/* False at the end. */
bool vectors_must_next(struct vectors *vectors);
const char *vectors_must_text(struct vectors *vectors, const char *key);
uint64_t vectors_must_number(struct vectors *vectors, const char *key);
uint8_t *vectors_must_hex(struct vectors *vectors, size_t *out_len, const char *key);

#endif
