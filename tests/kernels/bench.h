/* SPDX-License-Identifier: Apache-2.0 */
/* What a sweep works with: a key, a reference, guarded memory, and the trials of one case. */
#ifndef TESTS_KERNELS_BENCH_H
#define TESTS_KERNELS_BENCH_H

#include "tests/kernels/guarded.h"
#include "tests/kernels/machine.h"
#include "tests/kernels/sweeps.h"
#include "tests/support/random.h"

#include <stdbool.h>

struct bench {
    const struct reference *reference;
    struct machine_kernels kernels;
    struct test_random random;
    size_t one_in;
    size_t max_len;
    struct xts_schedule schedule;
    struct guarded out;
    struct guarded in;
    uint8_t *input;
    uint8_t *expected;
};

/* Where buffers lie. */
struct setting {
    bool is_in_place;
    struct guarded_place out;
    struct guarded_place in; /* of no meaning in place */
};

struct units_case {
    enum xts_direction direction;
    size_t unit_len;
    size_t num_units;
    struct xtsvol_unit_number first;
};

struct blocks_case {
    enum xts_direction direction;
    size_t num_blocks;
    uint8_t tweak[XTS_BLOCK_LEN];
};

/* Both lengths up to max_len. Ends with bench_drop(). */
struct bench *bench_make(const struct reference *reference, size_t max_len);
void bench_drop(struct bench **bench);
/* Another random key. */
void bench_rekey(struct bench *bench);

struct setting bench_random_setting(struct bench *bench);

/* New random data, and what the reference makes of it. */
void bench_expect_units(struct bench *bench, const struct units_case *wanted);
void bench_expect_blocks(struct bench *bench, const struct blocks_case *wanted,
                         uint8_t tweak_behind[XTS_BLOCK_LEN]);

/* Every kernel in that setting makes the same. */
void bench_try_units(struct bench *bench, const struct units_case *wanted,
                     const struct setting *setting);
void bench_try_blocks(struct bench *bench, const struct blocks_case *wanted,
                      const uint8_t tweak_behind[XTS_BLOCK_LEN], const struct setting *setting);

/* Expected once, tried in place and apart at the end, at the beginning and inside. */
void bench_try_units_everywhere(struct bench *bench, const struct units_case *wanted);
/* Expected, and tried in one random setting. */
void bench_try_units_somewhere(struct bench *bench, const struct units_case *wanted);

#endif
