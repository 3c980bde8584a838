/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel of the system told this process about the CPU when it began. The ID registers
 * themselves are not readable from a process everywhere, and what the system masks must not be
 * used.
 */
#include "libxtsvol/src/xts/cpu.h"

#include <sys/auxv.h>

struct xv_cpu xv_cpu_probe(void)
{
    struct xv_cpu cpu = {0};
    const unsigned long needed = HWCAP_AES | HWCAP_PMULL;
    if ((getauxval(AT_HWCAP) & needed) == needed)
        cpu.features |= XV_CPU_ARMV8_CE;
    return cpu;
}
