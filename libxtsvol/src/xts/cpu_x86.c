/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUID tells what the CPU has, XCR0 what state the operating system saves at a context switch: an
 * instruction may be used only where both agree (Intel SDM vol. 1, 13.3 and 14.3; 15.2 for
 * AVX-512).
 */
#include "libxtsvol/src/xts/cpu_x86.h"

#include <cpuid.h>
#include <string.h>

enum {
    LEAF1_ECX_SSE41 = 1 << 19,
    LEAF1_ECX_AESNI = 1 << 25,
    LEAF1_ECX_OSXSAVE = 1 << 27,
    LEAF1_ECX_AVX = 1 << 28,
    LEAF7_EBX_AVX2 = 1 << 5,
    LEAF7_EBX_AVX512F = 1 << 16,
    LEAF7_EBX_AVX512DQ = 1 << 17,
    LEAF7_EBX_AVX512BW = 1 << 30,
    LEAF7_ECX_VAES = 1 << 9,
    LEAF7_ECX_VPCLMULQDQ = 1 << 10,
    XCR0_YMM = 0x6,  /* SSE and AVX state */
    XCR0_ZMM = 0xe6, /* and opmask, upper halves, upper registers */
};
#define LEAF7_EBX_AVX512VL (1U << 31)

static bool has_all(uint64_t value, uint64_t bits)
{
    return (value & bits) == bits;
}

/* Intel's first parts that have VAES lower the clock of a core, for some milliseconds, when 512-bit
 * multiplications or AES run on it (Intel's optimization manual, "license levels"): the gain is
 * eaten by what else runs there. Rocket Lake, Sapphire Rapids and all AMD parts do not. */
static bool slows_for_zmm(const struct xv_x86_registers *registers)
{
    static const uint8_t models[] = {
        0x6a, 0x6c,       /* Ice Lake, servers */
        0x7d, 0x7e, 0x9d, /* Ice Lake, clients */
        0x8c, 0x8d,       /* Tiger Lake */
    };

    static const char intel[] = "GenuineIntel";
    if (memcmp(registers->vendor, intel, sizeof(registers->vendor)) != 0) /* lint: public */
        return false;
    uint32_t family = registers->leaf1_eax >> 8 & 0xf;
    uint32_t model = (registers->leaf1_eax >> 4 & 0xf) | (registers->leaf1_eax >> 12 & 0xf0);
    return family == 6 && memchr(models, (int)model, sizeof(models));
}

struct xv_cpu xv_cpu_judge_x86(const struct xv_x86_registers *registers)
{
    struct xv_cpu cpu = {.slows_for_zmm = slows_for_zmm(registers)};
    if (registers->leaf0_eax < 1 ||
        !has_all(registers->leaf1_ecx, LEAF1_ECX_AESNI | LEAF1_ECX_SSE41))
        return cpu;
    cpu.features |= XV_CPU_AESNI;

    if (registers->leaf0_eax < 7 ||
        !has_all(registers->leaf1_ecx, LEAF1_ECX_AVX | LEAF1_ECX_OSXSAVE) ||
        !has_all(registers->leaf7_ebx, LEAF7_EBX_AVX2) ||
        !has_all(registers->leaf7_ecx, LEAF7_ECX_VAES | LEAF7_ECX_VPCLMULQDQ) ||
        !has_all(registers->xcr0, XCR0_YMM))
        return cpu;
    cpu.features |= XV_CPU_VAES_AVX2;

    if (has_all(registers->leaf7_ebx,
                LEAF7_EBX_AVX512F | LEAF7_EBX_AVX512DQ | LEAF7_EBX_AVX512BW | LEAF7_EBX_AVX512VL) &&
        has_all(registers->xcr0, XCR0_ZMM))
        cpu.features |= XV_CPU_VAES_AVX512;
    return cpu;
}

/* By its encoding, because the intrinsic needs a compiler flag that would let the compiler use AVX
 * before it is known to be there. */
static uint64_t xgetbv(void)
{
    uint32_t low = 0;
    uint32_t high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

struct xv_cpu xv_cpu_probe(void)
{
    struct xv_x86_registers registers = {0};
    uint32_t eax = 0;
    uint32_t ebx = 0;
    uint32_t ecx = 0;
    uint32_t edx = 0;

    __cpuid(0, registers.leaf0_eax, ebx, ecx, edx);
    memcpy(registers.vendor, &ebx, 4);
    memcpy(registers.vendor + 4, &edx, 4);
    memcpy(registers.vendor + 8, &ecx, 4);
    if (registers.leaf0_eax >= 1)
        __cpuid(1, registers.leaf1_eax, ebx, registers.leaf1_ecx, edx);
    if (registers.leaf0_eax >= 7)
        __cpuid_count(7, 0, eax, registers.leaf7_ebx, registers.leaf7_ecx, edx);
    if (registers.leaf1_ecx & LEAF1_ECX_OSXSAVE)
        registers.xcr0 = xgetbv();
    return xv_cpu_judge_x86(&registers);
}
