/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open volume, and what the files that work on it share.
 *
 *     open.c      create, open, close            data.c     read, write, flush, discard
 *     metadata.c  the state, and its commits     buffers.c  where ciphertext stands on its way
 *     handle.c    why a call failed; may it be written to
 *     resize.c  header.c  erase.c  check.c  info.c  generation.c
 *
 * Locks, in the order in which they are taken: a range (ranges.h), then `change`. Whoever changes
 * the metadata holds `change`; a lookup in the map needs neither. What I/O reads of the geometry
 * without a lock changes only while a range over all of the volume is held alone.
 */
#ifndef XTSVOL_VOLUME_HANDLE_H
#define XTSVOL_VOLUME_HANDLE_H

#include "common/base/uuid.h"
#include "libxtsvol/src/volume/buffers.h"
#include "libxtsvol/src/volume/failure.h"
#include "libxtsvol/src/volume/io.h"
#include "libxtsvol/src/volume/metadata.h"
#include "libxtsvol/src/volume/ranges.h"
#include "libxtsvol/src/volume/workers.h"

#include <xtsvol/xts.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

/* Expanded keys of the live generations; NULL where there is none. */
struct xv_data_keys {
    struct xtsvol_xts_key *of[XTSVOL_GENERATION_MAX + 1];
};

struct xtsvol_volume {
    struct xtsvol_io data_io;
    struct xtsvol_io header_io; /* all zero when the metadata is in data_io */
    struct xv_file data_file;
    struct xv_file header_file;
    struct xv_syncer *data_syncer;
    struct xv_syncer *header_syncer;
    bool is_read_only;
    pid_t owner; /* a forked child has none of the keys */

    struct common_secmem *arena;
    struct xtsvol_xts *xts;
    struct xv_data_keys keys;
    struct xv_metadata metadata;
    struct xv_event_sink events;
    char uuid[COMMON_UUID_SIZE]; /* as text, for events */
    struct xv_key_source source; /* while a call needs keys; the callback may be NULL */

    atomic_uint_least64_t size; /* bytes */
    uint32_t sector_size;
    unsigned extent_shift;
    unsigned number_shift; /* an offset shifted right by it is the number of its data unit */
    uint64_t data_offset;
    bool plaintext_allowed;

    struct xv_ranges *ranges;
    struct xv_workers *workers; /* NULL: none */
    struct xv_buffers *buffers;
    atomic_bool flush_failed; /* it was told by an event */
    atomic_bool is_stopped;   /* V14: nothing is written any more */

    pthread_mutex_t change;
    pthread_mutex_t failure_lock;
    struct xtsvol_failure failure;
};

/* Notes why a call on the handle failed, for xtsvol_volume_failure(), and returns `error`. */
__attribute__((format(printf, 4, 5))) int xv_volume_fail(struct xtsvol_volume *volume, int error,
                                                         int native_error, const char *format, ...);

/* The same with what was told already, or the sentence of the category if nothing was. */
int xv_volume_failed(struct xtsvol_volume *volume, int error, const struct xtsvol_failure *failure);

/* May it be written to, data and metadata, by this process? Notes why not. */
COMMON_MUST_USE int xv_volume_check_writable(struct xtsvol_volume *volume);
/* Does this process have its keys? */
COMMON_MUST_USE int xv_volume_check_owner(struct xtsvol_volume *volume);

/* open.c, for those who work on a volume without opening it. Options are checked; a handle without
 * files; its files, locked and synced; what of `options` a load asks for. */
COMMON_MUST_USE int xv_volume_new(struct xtsvol_volume **out,
                                  const struct xtsvol_volume_options *options);
COMMON_MUST_USE int xv_volume_open_files(struct xtsvol_volume *volume, const char *path,
                                         const struct xtsvol_volume_options *options,
                                         enum xv_open_how how);
/* Ends the caller's storage that a call failed to take: whoever gave it is rid of it in any case.
 * Before the volume is closed, which may be NULL. */
void xv_volume_close_untaken(const struct xtsvol_volume *volume,
                             const struct xtsvol_volume_options *options);
struct xv_load xv_volume_load(struct xtsvol_volume *volume,
                              const struct xtsvol_volume_options *options);

/* Expanded keys of what is in deks. */
COMMON_MUST_USE int xv_volume_data_keys(struct xtsvol_volume *volume, const struct xv_deks *deks,
                                        struct xtsvol_failure *failure);

/* generation.c: the generation behind the newest joins the live ones, and becomes the newest.
 * COMMON_ERR_LIMIT: there is none behind it, or too many are live. */
COMMON_MUST_USE int xv_volume_add_generation(struct xtsvol_volume *volume);

/* Makes the files as long as the superblock needs them. */
COMMON_MUST_USE int xv_volume_make_room(struct xtsvol_volume *volume,
                                        const struct xv_superblock *superblock,
                                        struct xtsvol_failure *failure);

/* Options as this version knows them, whatever the caller's knew. COMMON_ERR_INVALID,
 * COMMON_ERR_UNSUPPORTED. */
COMMON_MUST_USE int xv_volume_options_take(struct xtsvol_volume_options *out,
                                           const struct xtsvol_volume_options *options);
COMMON_MUST_USE int xv_create_options_take(struct xtsvol_create_options *out,
                                           const struct xtsvol_create_options *options);

/* info.c: the record of an erasure as callers see it. */
void xv_erasure_fill(struct xtsvol_erasure *out, const struct xv_erased *erased);

/* Where the metadata is, and its syncs. */
static inline struct xtsvol_io *xv_metadata_io(struct xtsvol_volume *volume)
{
    return volume->header_io.size ? &volume->header_io : &volume->data_io;
}

static inline struct xv_syncer *xv_metadata_syncer(struct xtsvol_volume *volume)
{
    return volume->header_io.size ? volume->header_syncer : volume->data_syncer;
}

#endif
