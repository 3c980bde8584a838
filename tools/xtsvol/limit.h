/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kernel cannot exceed on this CPU: a loop of its AES-round instructions at its width, on 16
 * registers that do not wait for each other, and nothing else, no memory either. AES-256 is 14 of
 * them for each block, and a data unit needs one block more for its first tweak.
 */
#ifndef XTSVOL_TOOL_LIMIT_H
#define XTSVOL_TOOL_LIMIT_H

#include <stddef.h>
#include <stdint.h>

enum {
    BENCH_LIMIT_REGISTERS = 16,
    BENCH_LIMIT_UNROLL = 4,
    BENCH_LIMIT_SEED_LEN = BENCH_LIMIT_REGISTERS * 64
};

/* So often BENCH_LIMIT_REGISTERS * BENCH_LIMIT_UNROLL instructions; num is at least 1. */
typedef void bench_limit_fn(size_t num);

struct bench_limit {
    uint32_t kernel; /* one of enum xtsvol_kernel_id, that this is the limit of */
    unsigned blocks; /* of 16 bytes in a register */
    bench_limit_fn *encrypt;
    bench_limit_fn *decrypt;
};

/* NULL for a kernel without AES instructions. To be run only where the kernel can be. */
const struct bench_limit *bench_limit_find(uint32_t kernel);

/* Block rounds in one time of the loop. */
double bench_limit_block_rounds(const struct bench_limit *limit);

/* Block rounds that AES-256-XTS needs for so many units. */
double bench_block_rounds(size_t unit_len, size_t num_units);

/* For the loops: registers begin with different bytes, as the data of a kernel is different; what
 * is the same everywhere might draw less power, and so be clocked higher. */
extern const uint8_t bench_limit_seed[BENCH_LIMIT_SEED_LEN];

extern const struct bench_limit bench_limit_aesni;
extern const struct bench_limit bench_limit_vaes_avx2;
extern const struct bench_limit bench_limit_vaes_avx512;
extern const struct bench_limit bench_limit_armv8_ce;

#define BENCH_LIMIT_EACH(X)                                                                        \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define BENCH_LIMIT_FOUR_TIMES(X)                                                                  \
    BENCH_LIMIT_EACH(X) BENCH_LIMIT_EACH(X) BENCH_LIMIT_EACH(X) BENCH_LIMIT_EACH(X)

#endif
