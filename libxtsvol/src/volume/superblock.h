/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Superblocks as bytes: docs/format-volume.md, "Superblock". Pure: no input or output. What is
 * decoded has every field in its range, and is not verified before xv_superblock_verify().
 */
#ifndef XTSVOL_VOLUME_SUPERBLOCK_H
#define XTSVOL_VOLUME_SUPERBLOCK_H

#include "common/base/buf.h"
#include "libxtsvol/src/volume/format.h"
#include "libxtsvol/src/volume/meta_keys.h"

enum xv_superblock_kind {
    XV_KIND_VOLUME = 1,
    XV_KIND_ERASED = 2
};

struct xv_prelude {
    enum xv_superblock_kind kind;
    unsigned copy;
    size_t body_len;
};

struct xv_erased {
    uint8_t uuid[XTSVOL_UUID_LEN];
    uint64_t erased_s;
    size_t num_generations; /* at most XTSVOL_LIVE_GENERATIONS_MAX */
    uint32_t generations[XTSVOL_LIVE_GENERATIONS_MAX];
    bool keys_destroyed;
    char method[XV_METHOD_MAX + 1];
};

/* What stands in the first XV_PRELUDE_LEN bytes of copy `copy`. COMMON_ERR_NOT_FOUND: no magic, so
 * no superblock at all. COMMON_ERR_UNSUPPORTED: a version or kind that is not known.
 * COMMON_ERR_CORRUPT: a length, the copy, a byte that must be zero. */
COMMON_MUST_USE int xv_prelude_decode(struct xv_prelude *out, const uint8_t bytes[XV_PRELUDE_LEN],
                                      unsigned copy);

/* Does the digest fit? bytes: prelude and body, XV_PRELUDE_LEN + body_len. COMMON_ERR_CORRUPT. */
COMMON_MUST_USE int xv_superblock_digest(const uint8_t *bytes, size_t len);

/* The body. COMMON_ERR_CORRUPT: not deterministic CBOR of that form, a field out of its range, sums
 * that do not hold, regions that overlap. COMMON_ERR_UNSUPPORTED: an unknown key. *out is all zero
 * on failure. On failure `why` (may be NULL) points to a constant sentence. */
COMMON_MUST_USE int xv_superblock_decode(struct xv_superblock *out, const uint8_t *body,
                                         size_t body_len, const char **why);
COMMON_MUST_USE int xv_erased_decode(struct xv_erased *out, const uint8_t *body, size_t body_len);

/* The MAC of prelude and body. COMMON_ERR_CORRUPT. */
COMMON_MUST_USE int xv_superblock_verify(const uint8_t *bytes, size_t len,
                                         const struct xv_meta_keys *keys);

/* Prelude and body, filled up to whole pages with zeroes, appended to the buffer; what it refuses
 * to decode it refuses to encode (COMMON_ERR_INVALID). */
COMMON_MUST_USE int xv_superblock_encode(struct common_buf *out,
                                         const struct xv_superblock *superblock, unsigned copy,
                                         const struct xv_meta_keys *keys);
COMMON_MUST_USE int xv_erased_encode(struct common_buf *out, const struct xv_erased *erased,
                                     unsigned copy);

/* Frees what it owns, and makes it all zero. */
void xv_superblock_free(struct xv_superblock *superblock);

/* A copy that owns its own. *out is all zero on failure: COMMON_ERR_NO_MEMORY. */
COMMON_MUST_USE int xv_superblock_copy(struct xv_superblock *out,
                                       const struct xv_superblock *superblock);

/* Does everything in it fit together (ranges, sums, regions)? NULL, or a constant sentence. */
const char *xv_superblock_fault(const struct xv_superblock *superblock);

#endif
