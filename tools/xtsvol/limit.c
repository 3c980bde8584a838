/* SPDX-License-Identifier: Apache-2.0 */
/* BENCH_LIMITS comes from meson.build: the loops of this architecture. */
#include "tools/xtsvol/limit.h"

enum {
    BLOCK_LEN = 16,
    NUM_ROUNDS = 14 /* FIPS 197, table 3: AES-256 */
};

#define X(name) &bench_limit_##name,
static const struct bench_limit *const limits[] = {BENCH_LIMITS NULL};
#undef X

/* The Weyl sequence of the golden ratio, its upper byte: spread out, and the same each time. */
#define SEED(i) (uint8_t)((i)*UINT32_C(0x9e3779b9) >> 24)
#define SEED_4(i) SEED(i), SEED((i) + 1), SEED((i) + 2), SEED((i) + 3)
#define SEED_16(i) SEED_4(i), SEED_4((i) + 4), SEED_4((i) + 8), SEED_4((i) + 12)
#define SEED_64(i) SEED_16(i), SEED_16((i) + 16), SEED_16((i) + 32), SEED_16((i) + 48)
#define SEED_256(i) SEED_64(i), SEED_64((i) + 64), SEED_64((i) + 128), SEED_64((i) + 192)
const uint8_t bench_limit_seed[BENCH_LIMIT_SEED_LEN] = {SEED_256(0U), SEED_256(256U),
                                                        SEED_256(512U), SEED_256(768U)};

const struct bench_limit *bench_limit_find(uint32_t kernel)
{
    for (size_t i = 0; limits[i]; i++) {
        if (limits[i]->kernel == kernel)
            return limits[i];
    }
    return NULL;
}

double bench_limit_block_rounds(const struct bench_limit *limit)
{
    return (double)limit->blocks * BENCH_LIMIT_REGISTERS * BENCH_LIMIT_UNROLL;
}

double bench_block_rounds(size_t unit_len, size_t num_units)
{
    size_t blocks = unit_len / BLOCK_LEN + (unit_len % BLOCK_LEN != 0);
    return (double)(blocks + 1) * (double)num_units * NUM_ROUNDS;
}
