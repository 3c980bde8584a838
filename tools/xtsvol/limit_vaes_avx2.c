/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/limit.h"

#include <xtsvol/xts.h>

#define LOAD(n) "vmovdqu " #n " * 32(%[seed]), %%ymm" #n "\n\t"
#define ENCRYPT(n) "vaesenc %%ymm" #n ", %%ymm" #n ", %%ymm" #n "\n\t"
#define DECRYPT(n) "vaesdec %%ymm" #n ", %%ymm" #n ", %%ymm" #n "\n\t"

/* A register is its own round key: what is added does not change the time. */
#define LOOP(ROUND)                                                                                \
    __asm__ volatile(                                                                              \
        BENCH_LIMIT_EACH(LOAD) ".p2align 5\n"                                                      \
                               "1:\n\t" BENCH_LIMIT_FOUR_TIMES(ROUND) "dec %[num]\n\t"             \
                                                                      "jnz 1b\n\tvzeroupper"       \
        : [num] "+r"(num)                                                                          \
        : [seed] "r"(bench_limit_seed)                                                             \
        : "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",  \
          "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")

static void encrypt(size_t num)
{
    LOOP(ENCRYPT);
}

static void decrypt(size_t num)
{
    LOOP(DECRYPT);
}

const struct bench_limit bench_limit_vaes_avx2 = {
    .kernel = XTSVOL_KERNEL_VAES_AVX2,
    .blocks = 2,
    .encrypt = encrypt,
    .decrypt = decrypt,
};
