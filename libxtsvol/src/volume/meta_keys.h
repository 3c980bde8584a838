/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of the metadata: docs/format-volume.md, "Keys".
 *
 * Errors besides those named: COMMON_ERR_NO_MEMORY, COMMON_ERR_LIMIT and COMMON_ERR_DENIED of the
 * secret arena, COMMON_ERR_INTERNAL. Threads: any, for different outputs.
 */
#ifndef XTSVOL_VOLUME_META_KEYS_H
#define XTSVOL_VOLUME_META_KEYS_H

#include "common/secmem/secmem.h"
#include "libxtsvol/src/volume/format.h"

enum {
    XV_META_KEY_LEN = 32
};

/* All empty, or all there. */
struct xv_meta_keys {
    struct common_secret mac; /* M: what the others are derived from and the wraps hold */
    struct common_secret super;
    struct common_secret map;
    struct common_secret intent;
};

/* What a wrap is bound to. */
struct xv_wrap_place {
    const uint8_t *uuid;
    uint64_t epoch;
    const uint32_t *live; /* ascending, 0 first where plaintext is allowed */
    size_t num_live;
    uint32_t generation;
};

/* The key-check value of a DEK of XTSVOL_XTS_KEY_LEN bytes. All zero on failure. */
COMMON_MUST_USE int xv_key_check(uint8_t out[XV_CHECK_LEN], const uint8_t *dek, const uint8_t *uuid,
                                 uint32_t generation);

/* Draws M and derives the rest. *out is empty on failure. */
COMMON_MUST_USE int xv_meta_keys_new(struct xv_meta_keys *out, struct common_secmem *arena,
                                     const uint8_t *uuid);

/* Takes M over, also on failure, and derives the rest. */
COMMON_MUST_USE int xv_meta_keys_derive(struct xv_meta_keys *out, struct common_secmem *arena,
                                        struct common_secret *mac_key, const uint8_t *uuid);

void xv_meta_keys_wipe(struct xv_meta_keys *keys);

/* M under the DEK of place->generation, as the bytes of a COSE_Encrypt0 (tag 16): fills in wrap and
 * wrap_len. Needs a random nonce: COMMON_ERR_IO. */
COMMON_MUST_USE int xv_wrap(struct xv_generation *out, struct common_secmem *arena,
                            const struct common_secret *mac_key, const uint8_t *dek,
                            const struct xv_wrap_place *place);

/* Out of it. COMMON_ERR_CORRUPT: not of that form, or the place is another, or it was changed (the
 * key is known to be right, by its check value). *out is empty on failure. */
COMMON_MUST_USE int xv_unwrap(struct common_secret *out, struct common_secmem *arena,
                              const struct xv_generation *generation, const uint8_t *dek,
                              const struct xv_wrap_place *place);

/* The list of ids that goes into a place: at most XTSVOL_LIVE_GENERATIONS_MAX + 1. Returns how
 * many. */
size_t xv_live_generations(uint32_t out[XTSVOL_LIVE_GENERATIONS_MAX + 1],
                           const struct xv_superblock *superblock);

#endif
