/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secret arena: where keys and passphrases live.
 *
 * Memory comes in slabs. A slab is a few pages between two guard pages that cannot be touched; it
 * is locked (never written to swap), left out of core dumps, and reads as zeroes in a forked child.
 * A slab holds slots of one size, 64 to 1024 bytes by powers of two (an expanded XTS key has 720),
 * because a guarded, locked page for every key is slow and runs out of mappings at some 32,000;
 * what is larger gets a slab of its own, its end against the guard page. A slot is wiped when it is
 * freed.
 *
 * A secret is moved, not copied: struct common_secret owns its slot, common_secret_move() hands it
 * on. One that is all zero bytes is empty, and freeing it does nothing.
 *
 * Where the kernel refuses one of the protections (mlock most often, by RLIMIT_MEMLOCK), the arena
 * says so with one event for each kind, and `require_protection` decides whether it goes on.
 *
 * Threads: an arena may be used by several threads at once; one secret by one at a time. After
 * fork() the child may only close the arena or leave it alone.
 */
#ifndef COMMON_SECMEM_SECMEM_H
#define COMMON_SECMEM_SECMEM_H

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/event/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    COMMON_SECRET_MAX = 1 << 20 /* bytes in one secret */
};

struct common_secmem;

struct common_secmem_options {
    /* Fail with COMMON_ERR_DENIED rather than use memory that is not locked, could be dumped or
     * would be seen by a forked child. */
    bool require_protection;
    size_t max_bytes; /* ceiling on the pages of all slabs, guards apart */
    struct common_event_sink events;
};

/* No protection required, 64 MiB, no events. */
struct common_secmem_options common_secmem_options_default(void);

struct common_secmem_stats {
    size_t num_secrets;
    size_t num_slabs;
    size_t bytes_mapped;   /* pages of all slabs, guards apart */
    size_t bytes_unlocked; /* of these, what the kernel would not lock */
};

struct common_secret {
    uint8_t *data; /* zeroes when new; at least 16-byte aligned */
    size_t len;
    struct common_secmem_slab *slab; /* private */
};

#define COMMON_CLEANUP_SECRET COMMON_CLEANUP(common_secret_free)

/* Makes an arena; no memory is mapped before the first secret. options may be NULL for the default.
 * *out is NULL on failure: COMMON_ERR_NO_MEMORY, COMMON_ERR_INVALID (max_bytes is 0). */
COMMON_MUST_USE int common_secmem_open(struct common_secmem **out,
                                       const struct common_secmem_options *options);

/* Wipes and unmaps all, also secrets that are still out: touching one afterwards is a fault,
 * freeing one is not allowed. Sets *arena to NULL; NULL is allowed. */
void common_secmem_close(struct common_secmem **arena);

struct common_secmem_stats common_secmem_stats(struct common_secmem *arena);

/* A new secret of len bytes (1 to COMMON_SECRET_MAX), all zero. *out is empty on failure:
 * COMMON_ERR_INVALID, COMMON_ERR_LIMIT (max_bytes), COMMON_ERR_NO_MEMORY, COMMON_ERR_DENIED (a
 * protection was required and refused). */
COMMON_MUST_USE int common_secret_new(struct common_secret *out, struct common_secmem *arena,
                                      size_t len);

/* Wipes the slot and gives it back. The secret is empty afterwards; an empty one is allowed. */
void common_secret_free(struct common_secret *secret);

/* Hands the secret on: `from` is empty afterwards. */
struct common_secret common_secret_move(struct common_secret *from);

/* Shortens the secret to len bytes and wipes the rest (a passphrase is read into a slot as long as
 * it may be). A len above the present one changes nothing. */
void common_secret_truncate(struct common_secret *secret, size_t len);

#endif
