/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/limit_x86.h"

#define LOAD(n) "vmovdqu64 " #n " * 64(%[seed]), %%zmm" #n "\n\t"
#define ENCRYPT(n) "vaesenc %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n\t"
#define DECRYPT(n) "vaesdec %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n\t"
#define END "vzeroupper"

BENCH_LIMIT_X86(bench_limit_vaes_avx512, XTSVOL_KERNEL_VAES_AVX512, 4);
