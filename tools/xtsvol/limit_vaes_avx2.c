/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/limit_x86.h"

#define LOAD(n) "vmovdqu " #n " * 32(%[seed]), %%ymm" #n "\n\t"
#define ENCRYPT(n) "vaesenc %%ymm" #n ", %%ymm" #n ", %%ymm" #n "\n\t"
#define DECRYPT(n) "vaesdec %%ymm" #n ", %%ymm" #n ", %%ymm" #n "\n\t"
#define END "vzeroupper"

BENCH_LIMIT_X86(bench_limit_vaes_avx2, XTSVOL_KERNEL_VAES_AVX2, 2);
