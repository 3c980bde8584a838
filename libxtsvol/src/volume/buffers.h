/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers for what is on its way between caller and medium, XV_BUFFER_LEN bytes each at the begin
 * of a page. A few are kept for the next request. Whoever put plaintext into one wipes it. Threads:
 * any.
 */
#ifndef XTSVOL_VOLUME_BUFFERS_H
#define XTSVOL_VOLUME_BUFFERS_H

#include "common/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    /* Two of these and the caller's data fit into the second-level cache, and a system call is
     * cheap beside moving them. */
    XV_BUFFER_LEN = 256 * 1024
};

struct xv_buffers;

COMMON_MUST_USE int xv_buffers_open(struct xv_buffers **out);
/* None is out. */
void xv_buffers_close(struct xv_buffers **buffers);

/* NULL: out of memory. */
uint8_t *xv_buffer_get(struct xv_buffers *buffers);
void xv_buffer_put(struct xv_buffers *buffers, uint8_t *buffer);

#endif
