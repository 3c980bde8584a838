/* SPDX-License-Identifier: Apache-2.0 */
/* Superblocks to try things with, and ways to damage the bytes of one. */
#ifndef TESTS_VOLUME_SAMPLE_H
#define TESTS_VOLUME_SAMPLE_H

#include "common/base/buf.h"
#include "libxtsvol/src/volume/superblock.h"
#include "tests/support/random.h"

/* Any legal one. To be freed with xv_superblock_free(). */
void sample_random(struct xv_superblock *out, struct test_random *random);

/* Always the same: 10 extents of 1 MiB, one of them plaintext, generations 3, 7 and 1000 (none of
 * the last), a page as root, a re-encryption, two ranges given up. To be freed. */
void sample_one(struct xv_superblock *out);

struct xv_erased sample_erased(void);

/* Fails the test where a field differs. */
void assert_same_superblock(const struct xv_superblock *a, const struct xv_superblock *b);

/* *out and all that it owns is zero bytes: nothing usable was left behind. */
void assert_empty_superblock(const struct xv_superblock *out);

enum edit_how {
    EDIT_REPLACE, /* the item at the path by these bytes */
    EDIT_REMOVE,  /* the item, with its key if it is in a map */
    EDIT_FIRST,   /* these bytes become the first item, or pair, of the array or map at the path */
    EDIT_LAST     /* the last one */
};

/* A change of a document in CBOR. The path has the keys of maps and the indices of arrays on the
 * way from the top, with dots between: "8.3.0"; "" is the top. Arrays and maps on the way have at
 * most 22 items. */
struct edit {
    const char *path;
    enum edit_how how;
    const char *hex;
};

/* The edited document, in a block of exactly its size, to be freed. */
uint8_t *edited(size_t *out_len, const uint8_t *document, size_t len, const struct edit *edit);

#endif
