/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/limit.h"

#include <xtsvol/xts.h>

/* A round is a pair of instructions here, which cores fuse when they stand together. The key is
 * added first: a register that was its own would be zero ever after. */
#define LOAD(n) "ldr q" #n ", [%[seed], #" #n " * 16]\n\t"
#define ENCRYPT(n) "aese v" #n ".16b, v16.16b\n\taesmc v" #n ".16b, v" #n ".16b\n\t"
#define DECRYPT(n) "aesd v" #n ".16b, v16.16b\n\taesimc v" #n ".16b, v" #n ".16b\n\t"

#define LOOP(ROUND)                                                                                \
    __asm__ volatile(BENCH_LIMIT_EACH(LOAD) LOAD(16) ".p2align 5\n"                                \
                                                     "1:\n\t" BENCH_LIMIT_FOUR_TIMES(              \
                                                         ROUND) "sub %[num], %[num], #1\n\t"       \
                                                                "cbnz %[num], 1b"                  \
                     : [num] "+r"(num)                                                             \
                     : [seed] "r"(bench_limit_seed)                                                \
                     : "memory", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9",       \
                       "v10", "v11", "v12", "v13", "v14", "v15", "v16")

static void encrypt(size_t num)
{
    LOOP(ENCRYPT);
}

static void decrypt(size_t num)
{
    LOOP(DECRYPT);
}

const struct bench_limit bench_limit_armv8_ce = {
    .kernel = XTSVOL_KERNEL_ARMV8_CE,
    .blocks = 1,
    .encrypt = encrypt,
    .decrypt = decrypt,
};
