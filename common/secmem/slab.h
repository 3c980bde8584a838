/* SPDX-License-Identifier: Apache-2.0 */
/* One slab of the secret arena: pages between guards, cut into slots. Not thread-safe: the arena
 * holds its lock. */
#ifndef COMMON_SECMEM_SLAB_H
#define COMMON_SECMEM_SLAB_H

#include "common/base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Protections that the kernel refused, as a set. */
enum common_secmem_refused {
    COMMON_SECMEM_NOT_LOCKED = 1,
    COMMON_SECMEM_IN_DUMPS = 2,
    COMMON_SECMEM_IN_CHILDREN = 4,
};

enum {
    COMMON_SECMEM_SMALLEST_SLOT = 64,
    COMMON_SECMEM_MAX_SLOTS = 1024 /* of 64 bytes in one page of 64 KiB, the largest there is */
};

struct common_secmem_slab {
    struct common_secmem_slab *next;
    struct common_secmem_slab **link; /* what points to this one */
    struct common_secmem *arena;
    uint8_t *map; /* first guard page */
    size_t map_len;
    uint8_t *pages;
    size_t pages_len;
    size_t slot_len;
    unsigned num_slots;
    unsigned num_used;
    unsigned refused; /* enum common_secmem_refused */
    int refused_errno;
    uint64_t used[COMMON_SECMEM_MAX_SLOTS / 64];
};

/* Bytes of pages, without guards, that a slab for slots of slot_len takes: a multiple of the page.
 */
COMMON_MUST_USE int common_secmem_slab_pages(size_t *out, size_t slot_len);

/* Maps a slab. Protections that were refused are in ->refused: the arena judges that.
 * COMMON_ERR_NO_MEMORY with *out NULL. */
COMMON_MUST_USE int common_secmem_slab_map(struct common_secmem_slab **out, size_t slot_len);

/* Wipes and unmaps. */
void common_secmem_slab_unmap(struct common_secmem_slab *slab);

/* A free slot for len bytes (all zero); there must be one. */
uint8_t *common_secmem_slab_take(struct common_secmem_slab *slab, size_t len);

/* Wipes the slot in which data lies and marks it free. */
void common_secmem_slab_give(struct common_secmem_slab *slab, const uint8_t *data);

#endif
