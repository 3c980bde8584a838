/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a kernel is, and how much of what the AES rounds allow that is. Shared with the
 * benchmark of tests/bench. */
#ifndef XTSVOL_TOOL_SPEED_H
#define XTSVOL_TOOL_SPEED_H

#include "tools/xtsvol/kernels.h"
#include "tools/xtsvol/limit.h"
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

/* A work whose one time is all units of a buffer, in place, a new tweak for each. Belongs to the
 * caller and must outlive the struct bench_work. */
struct bench_crypt_work {
    bench_crypt_fn *crypt;
    void *context;
    enum bench_op op;
    uint8_t *buffer;
    size_t unit_len;
    size_t num_units;
    size_t units_per_call; /* num_units is a multiple of it */
    uint64_t next_unit;
};
struct bench_work bench_crypt_work_begin(struct bench_crypt_work *work);

/* A work whose one time is bench_limit_block_rounds() block rounds. */
struct bench_work bench_limit_work(const struct bench_limit *limit, enum bench_op op);

/* Measured works in figures. limit_ns is of one time of the limit's work; limit may be NULL. */
struct bench_speed bench_speed_of(const struct bench_crypt_work *work, double crypt_ns,
                                  double chain_ns, const struct bench_limit *limit,
                                  double limit_ns);

/* In place on `buffer`, which has bench_units_in_buffer(unit_len) units. */
COMMON_MUST_USE int bench_speed_measure(struct bench_speed *out, struct bench_kernel *kernel,
                                        enum bench_op op, uint8_t *buffer, size_t unit_len,
                                        bench_check_fn *check, void *check_context);

#endif
