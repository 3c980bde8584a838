/* SPDX-License-Identifier: Apache-2.0 */
/* What the CPU can do and the operating system lets it do, as far as a kernel asks. */
#ifndef XTSVOL_XTS_CPU_H
#define XTSVOL_XTS_CPU_H

#include <stdbool.h>
#include <stdint.h>

enum xv_cpu_feature {
    XV_CPU_AESNI = 1,       /* AES, PCLMULQDQ, SSE4.1 */
    XV_CPU_VAES_AVX2 = 2,   /* VAES, VPCLMULQDQ, AVX2; ymm state saved */
    XV_CPU_VAES_AVX512 = 4, /* the same, AVX-512 F, BW, DQ, VL; zmm and mask state saved */
    XV_CPU_ARMV8_CE = 8     /* AES and PMULL of ARMv8 */
};

struct xv_cpu {
    uint32_t features; /* a set of enum xv_cpu_feature */
    /* 512-bit work slows the clock of the whole core, the host's other work included. */
    bool slows_for_zmm;
};

/* Asks this machine; one file for each architecture. */
struct xv_cpu xv_cpu_probe(void);

#endif
