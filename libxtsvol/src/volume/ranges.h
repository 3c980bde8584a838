/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who works on which bytes: V11. A request enters with its range, shared (a read) or alone (a
 * write), and waits for all that came before it and overlap with it, unless both are shared. First
 * come, first served, so that nobody starves. Ranges that do not overlap do not wait for each
 * other.
 *
 *     struct xv_range range;                      on the stack of who asks
 *     xv_ranges_enter(ranges, &range, offset, length, XV_RANGE_ALONE);
 *     ...
 *     xv_ranges_leave(ranges, &range);
 */
#ifndef XTSVOL_VOLUME_RANGES_H
#define XTSVOL_VOLUME_RANGES_H

#include "common/base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum xv_range_mode {
    XV_RANGE_SHARED,
    XV_RANGE_ALONE
};

/* For ranges.c only. */
struct xv_range {
    uint64_t offset;
    uint64_t end;
    enum xv_range_mode mode;
    unsigned num_before; /* that it has to wait for */
    bool has_waiters;
    struct xv_range_waiter *waiter; /* on the stack of who waits */
    struct xv_range *next;
    struct xv_range *previous;
};

struct xv_ranges;

COMMON_MUST_USE int xv_ranges_open(struct xv_ranges **out);
void xv_ranges_close(struct xv_ranges **ranges);

/* length 0 waits for nobody. */
void xv_ranges_enter(struct xv_ranges *ranges, struct xv_range *range, uint64_t offset,
                     uint64_t length, enum xv_range_mode mode);
void xv_ranges_leave(struct xv_ranges *ranges, struct xv_range *range);

#endif
