/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte buffer with a ceiling.
 *
 * Two kinds. A growing one owns its memory and never grows beyond `max`; what it leaves behind when
 * it moves or ends is wiped, so that it may carry plaintext for a moment (keys belong into
 * common/secmem all the same). A fixed one writes into memory of the caller, an arena slot say, and
 * owns nothing.
 *
 * The first failure sticks: later appends do nothing and return it again, so that a run of appends
 * needs one check at its end. One thread at a time.
 */
#ifndef COMMON_BASE_BUF_H
#define COMMON_BASE_BUF_H

#include "common/base/cleanup.h"
#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct common_buf {
    uint8_t *data;
    size_t len;    /* bytes used */
    size_t cap;    /* bytes there are */
    size_t max;    /* ceiling of len */
    int error;     /* the first failure, 0 if none */
    bool is_fixed; /* data belongs to the caller */
};

#define COMMON_CLEANUP_BUF COMMON_CLEANUP(common_buf_wipe)

/* An empty growing buffer with a ceiling in bytes. Allocates nothing yet. */
struct common_buf common_buf_growing(size_t max);

/* An empty buffer in `storage`, which must outlive it. */
struct common_buf common_buf_fixed(uint8_t *storage, size_t storage_len);

/* Wipes and frees, whatever state it is in. The buffer is empty afterwards and may be used again
 * (a fixed one keeps its storage). */
void common_buf_wipe(struct common_buf *buf);

/* Makes room for `extra` more bytes and gives the place, which stays the caller's to fill and then
 * to count with common_buf_commit(). COMMON_ERR_LIMIT above the ceiling, COMMON_ERR_NO_MEMORY. */
COMMON_MUST_USE int common_buf_reserve(struct common_buf *buf, uint8_t **out, size_t extra);
void common_buf_commit(struct common_buf *buf, size_t extra);

COMMON_MUST_USE int common_buf_append(struct common_buf *buf, const void *data, size_t len);
COMMON_MUST_USE int common_buf_append_byte(struct common_buf *buf, uint8_t byte);

/* Drops all after the first `len` bytes, and wipes it. A sticking error stays. */
void common_buf_truncate(struct common_buf *buf, size_t len);

/* Takes the bytes out of a growing buffer, to be wiped and freed by the caller; the buffer is empty
 * afterwards. Returns the sticking error, if there is one, with *out NULL and *out_len 0. */
COMMON_MUST_USE int common_buf_take(struct common_buf *buf, uint8_t **out, size_t *out_len);

#endif
