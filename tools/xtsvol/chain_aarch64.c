/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/measure.h"

void bench_chain(size_t num)
{
    uint64_t sum = 0;
    uint64_t one = 1;
    __asm__ volatile(".p2align 5\n"
                     "1:\n\t"
                     ".rept 20\n\t"
                     "add %[sum], %[sum], %[one]\n\t"
                     ".endr\n\t"
                     "sub %[num], %[num], #1\n\t"
                     "cbnz %[num], 1b"
                     : [sum] "+r"(sum), [num] "+r"(num)
                     : [one] "r"(one));
}
