/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of the x86 limits, the same for every width. A file has LOAD(n), ENCRYPT(n), DECRYPT(n)
 * for its registers and END, what comes behind the loop.
 */
#ifndef TOOLS_XTSVOL_LIMIT_X86_H
#define TOOLS_XTSVOL_LIMIT_X86_H

#include "tools/xtsvol/limit.h"

#include <xtsvol/xts.h>

/* A register is its own round key: what is added does not change the time. */
#define LOOP(ROUND)                                                                                \
    __asm__ volatile(                                                                              \
        BENCH_LIMIT_EACH(LOAD) ".p2align 5\n"                                                      \
                               "1:\n\t" BENCH_LIMIT_FOUR_TIMES(ROUND) "dec %[num]\n\t"             \
                                                                      "jnz 1b\n\t" END             \
        : [num] "+r"(num)                                                                          \
        : [seed] "r"(bench_limit_seed)                                                             \
        : "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",  \
          "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")

#define BENCH_LIMIT_X86(name, kernel_id, num_blocks)                                               \
    static void encrypt(size_t num)                                                                \
    {                                                                                              \
        LOOP(ENCRYPT);                                                                             \
    }                                                                                              \
    static void decrypt(size_t num)                                                                \
    {                                                                                              \
        LOOP(DECRYPT);                                                                             \
    }                                                                                              \
    const struct bench_limit name = {                                                              \
        .kernel = (kernel_id), .blocks = (num_blocks), .encrypt = encrypt, .decrypt = decrypt}

#endif
