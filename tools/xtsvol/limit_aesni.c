/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/limit_x86.h"

#define LOAD(n) "movdqu " #n " * 16(%[seed]), %%xmm" #n "\n\t"
#define ENCRYPT(n) "aesenc %%xmm" #n ", %%xmm" #n "\n\t"
#define DECRYPT(n) "aesdec %%xmm" #n ", %%xmm" #n "\n\t"
#define END ""

BENCH_LIMIT_X86(bench_limit_aesni, XTSVOL_KERNEL_AESNI, 1);
