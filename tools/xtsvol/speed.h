/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a kernel is, and how much of what the AES rounds allow that is. Shared with the
 * benchmark of tests/bench. */
#ifndef XTSVOL_TOOL_SPEED_H
#define XTSVOL_TOOL_SPEED_H

#include "tools/xtsvol/kernels.h"
#include "tools/xtsvol/measure.h"

#include <stdint.h>

enum {
    BENCH_BUFFER_LEN = 65536 /* bytes in a call, where units are not longer: stays in a cache */
};

struct bench_speed {
    double gb_per_s; /* 10^9 bytes */
    double bytes_per_cycle;
    double ratio_to_limit; /* below 0: there is no limit to compare with */
};

/* Whole units in BENCH_BUFFER_LEN, at least one. */
size_t bench_units_in_buffer(size_t unit_len);

/* In place on `buffer`, which has bench_units_in_buffer(unit_len) units. */
COMMON_MUST_USE int bench_speed_measure(struct bench_speed *out, const struct bench_kernel *kernel,
                                        enum bench_op op, uint8_t *buffer, size_t unit_len,
                                        bench_check_fn *check, void *check_context);

#endif
