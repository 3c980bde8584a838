/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/measure.h"

/* Without the words of the machine: the empty statements keep the additions from being summed up.
 */
#define ADD                                                                                        \
    sum += one;                                                                                    \
    __asm__ volatile("" : "+r"(sum));
#define ADD_5 ADD ADD ADD ADD ADD

void bench_chain(size_t num)
{
    uint64_t sum = 0;
    uint64_t one = 1;
    __asm__ volatile("" : "+r"(one));
    for (; num > 0; num--) {
        ADD_5 ADD_5 ADD_5 ADD_5
    }
}
