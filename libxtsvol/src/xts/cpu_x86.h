/* SPDX-License-Identifier: Apache-2.0 */
/* The judgement on what CPUID and XGETBV said, apart from asking, so that any CPU can be tried. */
#ifndef XTSVOL_XTS_CPU_X86_H
#define XTSVOL_XTS_CPU_X86_H

#include "libxtsvol/src/xts/cpu.h"

struct xv_x86_registers {
    uint32_t leaf0_eax; /* highest leaf */
    char vendor[12];    /* leaf 0: ebx, edx, ecx */
    uint32_t leaf1_eax; /* family, model, stepping */
    uint32_t leaf1_ecx;
    uint32_t leaf7_ebx;
    uint32_t leaf7_ecx;
    uint64_t xcr0; /* 0 where XGETBV is not allowed */
};

struct xv_cpu xv_cpu_judge_x86(const struct xv_x86_registers *registers);

#endif
