/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory between two pages that cannot be touched. A buffer is placed with its end or its beginning
 * at one of them, so that a byte read or written too far is a fault, or somewhere inside with
 * canaries on both sides.
 */
#ifndef TESTS_KERNELS_GUARDED_H
#define TESTS_KERNELS_GUARDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guarded {
    uint8_t *pages;
    size_t pages_len;
};

enum guarded_where {
    GUARDED_END,
    GUARDED_BEGINNING,
    GUARDED_INSIDE, /* at the offset from an address that is a multiple of 64 */
    GUARDED_NUM_WHERES
};

struct guarded_place {
    enum guarded_where where;
    size_t offset; /* 0-63 */
};

/* Room for buffers up to that length. */
struct guarded guarded_new(size_t max_len);
void guarded_free(struct guarded *guarded);

/* Where the buffer is; canaries are laid around it. */
uint8_t *guarded_place(const struct guarded *guarded, struct guarded_place place, size_t len);
bool guarded_canaries_live(const struct guarded *guarded, const uint8_t *buffer, size_t len);

#endif
