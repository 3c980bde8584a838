/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast is something, on a machine that others use too?
 *
 *   M1  Works that are compared are measured in turns of short slices, so that what disturbs one
 *       (a neighbour, a changed clock) disturbs all.
 *   M2  The fastest slice counts: whatever is not the work itself can only add to its time.
 *   M3  A slice is long against a look at the clock, which is left in.
 */
#ifndef XTSVOL_TOOL_MEASURE_H
#define XTSVOL_TOOL_MEASURE_H

#include "common/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct bench_work {
    int (*run)(void *context, size_t num); /* does it num times, at least 1; 0 or an error */
    void *context;
    uint64_t slice_ns; /* how long a slice should be; 0: some tenths of a millisecond */
    size_t num;        /* times in a slice; found by measuring */
    double best_ns;    /* one time, in the fastest slice */
};

/* Asked before each slice; what it returns other than 0 ends the measuring. */
typedef int bench_check_fn(void *context);

/* Measures the works in turns (M1) for about budget_ns, and for three turns at least. 0, or the
 * first error of a work or of the check, which may be NULL. */
COMMON_MUST_USE int bench_measure(struct bench_work *works, size_t num_works, uint64_t budget_ns,
                                  bench_check_fn *check, void *check_context);

/* A work whose one time is BENCH_CHAIN_CYCLES cycles of the core's own clock, whatever that is at
 * the moment. A time stamp counter counts another one. */
enum {
    BENCH_CHAIN_CYCLES = 20
};
struct bench_work bench_clock_work(void);

/* So many additions, each of which needs the one before it: a cycle each. Both summands are in
 * registers, because some cores do an addition of a constant in no time when they rename. One file
 * for each architecture; num is in BENCH_CHAIN_CYCLES. */
void bench_chain(size_t num);

#endif
