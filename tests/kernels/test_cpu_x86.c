/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judgement on what CPUID and XGETBV say, for processors that are not here, and which kernel is
 * taken then. Bits are those of the Intel SDM, vol. 2A, CPUID, and vol. 1, 13.3 (XCR0).
 */
#include "libxtsvol/src/xts/cpu_x86.h"
#include "libxtsvol/src/xts/kernel.h"
#include "tests/support/test.h"

#include <string.h>

#define BIT(n) (UINT32_C(1) << (n))

/* Leaf 1, ECX. */
#define PCLMULQDQ BIT(1)
#define SSE41 BIT(19)
#define AES BIT(25)
#define XSAVE BIT(26)
#define OSXSAVE BIT(27)
#define AVX BIT(28)
/* Leaf 7, EBX and ECX. */
#define AVX2 BIT(5)
#define AVX512F BIT(16)
#define AVX512DQ BIT(17)
#define AVX512BW BIT(30)
#define AVX512VL BIT(31)
#define VAES BIT(9)
#define VPCLMULQDQ BIT(10)

enum {
    XCR0_AVX = 0x7,
    XCR0_AVX512 = 0xe7,
};

#define WITH_AES (SSE41 | AES | PCLMULQDQ | XSAVE | OSXSAVE)
#define WITH_AVX (WITH_AES | AVX)
#define ALL_AVX512 (AVX512F | AVX512DQ | AVX512BW | AVX512VL)
#define WIDE_AES (VAES | VPCLMULQDQ)

enum {
    NOTHING = 0,
    ONLY_AESNI = XV_CPU_AESNI,
    UP_TO_AVX2 = XV_CPU_AESNI | XV_CPU_VAES_AVX2,
    EVERYTHING = XV_CPU_AESNI | XV_CPU_VAES_AVX2 | XV_CPU_VAES_AVX512,
};

struct processor {
    const char *name;
    struct xv_x86_registers registers;
    uint32_t features;
    bool slows_for_zmm;
    const char *kernel; /* when all are allowed */
};

#define INTEL "GenuineIntel"
#define AMD "AuthenticAMD"

static const struct processor processors[] = {
    {"Nehalem: no AES", {11, INTEL, 0x106a5, SSE41, 0, 0, 0}, NOTHING, false, "portable"},
    {"Westmere: AES without AVX",
     {11, INTEL, 0x206c2, SSE41 | AES | PCLMULQDQ, 0, 0, 0},
     ONLY_AESNI,
     false,
     "aesni"},
    {"Sandy Bridge: AVX, no leaf 7 bits",
     {13, INTEL, 0x206a7, WITH_AVX, 0, 0, XCR0_AVX},
     ONLY_AESNI,
     false,
     "aesni"},
    {"Haswell: AVX2 without VAES",
     {13, INTEL, 0x306c3, WITH_AVX, AVX2, 0, XCR0_AVX},
     ONLY_AESNI,
     false,
     "aesni"},
    {"Skylake server: AVX-512 without VAES",
     {22, INTEL, 0x50654, WITH_AVX, AVX2 | ALL_AVX512, 0, XCR0_AVX512},
     ONLY_AESNI,
     false,
     "aesni"},
    {"Alder Lake: VAES without AVX-512",
     {32, INTEL, 0x90672, WITH_AVX, AVX2, WIDE_AES, XCR0_AVX},
     UP_TO_AVX2,
     false,
     "vaes-avx2"},
    {"Zen 3: the same of AMD",
     {16, AMD, 0xa00f11, WITH_AVX, AVX2, WIDE_AES, XCR0_AVX},
     UP_TO_AVX2,
     false,
     "vaes-avx2"},
    {"Ice Lake server",
     {27, INTEL, 0x606a6, WITH_AVX, AVX2 | ALL_AVX512, WIDE_AES, XCR0_AVX512},
     EVERYTHING,
     true,
     "vaes-avx2"},
    {"Ice Lake client",
     {27, INTEL, 0x706e5, WITH_AVX, AVX2 | ALL_AVX512, WIDE_AES, XCR0_AVX512},
     EVERYTHING,
     true,
     "vaes-avx2"},
    {"Tiger Lake",
     {27, INTEL, 0x806c1, WITH_AVX, AVX2 | ALL_AVX512, WIDE_AES, XCR0_AVX512},
     EVERYTHING,
     true,
     "vaes-avx2"},
    {"Rocket Lake",
     {27, INTEL, 0xa0671, WITH_AVX, AVX2 | ALL_AVX512, WIDE_AES, XCR0_AVX512},
     EVERYTHING,
     false,
     "vaes-avx512"},
    {"Sapphire Rapids",
     {32, INTEL, 0x806f8, WITH_AVX, AVX2 | ALL_AVX512, WIDE_AES, XCR0_AVX512},
     EVERYTHING,
     false,
     "vaes-avx512"},
    {"Zen 4",
     {16, AMD, 0xa10f11, WITH_AVX, AVX2 | ALL_AVX512, WIDE_AES, XCR0_AVX512},
     EVERYTHING,
     false,
     "vaes-avx512"},
    {"Zen 5",
     {16, AMD, 0xb00f21, WITH_AVX, AVX2 | ALL_AVX512, WIDE_AES, XCR0_AVX512},
     EVERYTHING,
     false,
     "vaes-avx512"},
    {"AMD's with the number of Ice Lake",
     {16, AMD, 0x606a6, WITH_AVX, AVX2 | ALL_AVX512, WIDE_AES, XCR0_AVX512},
     EVERYTHING,
     false,
     "vaes-avx512"},
    {"another family of Intel's with the model of Ice Lake",
     {32, INTEL, 0x60fa6, WITH_AVX, AVX2 | ALL_AVX512, WIDE_AES, XCR0_AVX512},
     EVERYTHING,
     false,
     "vaes-avx512"},
    {"nothing at all", {0, "", 0, 0, 0, 0, 0}, NOTHING, false, "portable"},
    {"a hypervisor that shows only leaf 0",
     {0, INTEL, 0x806f8, WITH_AVX, AVX2 | ALL_AVX512, WIDE_AES, XCR0_AVX512},
     NOTHING,
     false,
     "portable"},
    {"a hypervisor that shows no leaf 7",
     {6, INTEL, 0x806f8, WITH_AVX, AVX2 | ALL_AVX512, WIDE_AES, XCR0_AVX512},
     ONLY_AESNI,
     false,
     "aesni"},
    {"AES without SSE4.1",
     {32, INTEL, 0x806f8, WITH_AVX & ~SSE41, AVX2 | ALL_AVX512, WIDE_AES, XCR0_AVX512},
     NOTHING,
     false,
     "portable"},
    {"AES hidden, the wide ones not",
     {32, INTEL, 0x806f8, WITH_AVX & ~AES, AVX2 | ALL_AVX512, WIDE_AES, XCR0_AVX512},
     NOTHING,
     false,
     "portable"},
};

static void judges_processors_by_their_registers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(processors); i++) {
        uint32_t features = xv_cpu_judge_x86(&processors[i].registers).features;
        bool slows = xv_cpu_judge_x86(&processors[i].registers).slows_for_zmm;
        if (features != processors[i].features || slows != processors[i].slows_for_zmm)
            fail_msg("%s: features %x, slows %d", processors[i].name, features, slows);
    }
}

static struct xv_x86_registers sapphire_rapids(void)
{
    return (struct xv_x86_registers){32,       INTEL,      0x806f8, WITH_AVX, AVX2 | ALL_AVX512,
                                     WIDE_AES, XCR0_AVX512};
}

/* Each of these alone takes away what needs it, and no more. */
static void every_missing_bit_counts(void **state)
{
    (void)state;
    static const struct {
        uint64_t xcr0;
        const char *what;
        uint32_t leaf1_ecx;
        uint32_t leaf7_ebx;
        uint32_t leaf7_ecx;
        uint32_t left;
    } missing[] = {
        {0, "nothing", 0, 0, 0, EVERYTHING},
        {0, "SSE4.1", SSE41, 0, 0, NOTHING},
        {0, "AES", AES, 0, 0, NOTHING},
        {0, "PCLMULQDQ", PCLMULQDQ, 0, 0, NOTHING},
        {0, "AVX", AVX, 0, 0, ONLY_AESNI},
        {0, "OSXSAVE", OSXSAVE, 0, 0, ONLY_AESNI},
        {0, "AVX2", 0, AVX2, 0, ONLY_AESNI},
        {0, "VAES", 0, 0, VAES, ONLY_AESNI},
        {0, "VPCLMULQDQ", 0, 0, VPCLMULQDQ, ONLY_AESNI},
        {0, "AVX512F", 0, AVX512F, 0, UP_TO_AVX2},
        {0, "AVX512DQ", 0, AVX512DQ, 0, UP_TO_AVX2},
        {0, "AVX512BW", 0, AVX512BW, 0, UP_TO_AVX2},
        {0, "AVX512VL", 0, AVX512VL, 0, UP_TO_AVX2},
        {1, "x87 state: no kernel has it", 0, 0, 0, EVERYTHING},
        {2, "xmm state", 0, 0, 0, ONLY_AESNI},
        {4, "ymm state", 0, 0, 0, ONLY_AESNI},
        {0x20, "mask state", 0, 0, 0, UP_TO_AVX2},
        {0x40, "upper halves", 0, 0, 0, UP_TO_AVX2},
        {0x80, "upper registers", 0, 0, 0, UP_TO_AVX2},
        {0xe0, "all state of AVX-512", 0, 0, 0, UP_TO_AVX2},
        {0xe4, "all but x87 and SSE", 0, 0, 0, ONLY_AESNI},
    };
    for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
        struct xv_x86_registers registers = sapphire_rapids();
        registers.leaf1_ecx &= ~missing[i].leaf1_ecx;
        registers.leaf7_ebx &= ~missing[i].leaf7_ebx;
        registers.leaf7_ecx &= ~missing[i].leaf7_ecx;
        registers.xcr0 &= ~missing[i].xcr0;
        uint32_t features = xv_cpu_judge_x86(&registers).features;
        if (features != missing[i].left)
            fail_msg("without %s: features %x", missing[i].what, features);
    }
}

static bool is_in_build(uint32_t id)
{
    for (size_t i = 0; xv_kernels[i]; i++) {
        if (xv_kernels[i]->id == id)
            return true;
    }
    return false;
}

/* What the header promises, worked out from the sets. */
static uint32_t best(const struct processor *processor, uint32_t allowed)
{
    static const struct {
        uint32_t id;
        uint32_t needs;
    } by_preference[] = {
        {XTSVOL_KERNEL_VAES_AVX512, XV_CPU_VAES_AVX512},
        {XTSVOL_KERNEL_VAES_AVX2, XV_CPU_VAES_AVX2},
        {XTSVOL_KERNEL_AESNI, XV_CPU_AESNI},
        {XTSVOL_KERNEL_PORTABLE, 0},
    };
    uint32_t found = 0;
    for (size_t i = ARRAY_LEN(by_preference); i-- > 0;) {
        uint32_t id = by_preference[i].id;
        bool can_run = (by_preference[i].needs & ~processor->features) == 0;
        bool is_spared = id == XTSVOL_KERNEL_VAES_AVX512 && processor->slows_for_zmm &&
                         found == XTSVOL_KERNEL_VAES_AVX2;
        if ((allowed & id) && can_run && is_in_build(id) && !is_spared)
            found = id;
    }
    return found;
}

static void takes_the_best_that_is_allowed_and_runs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(processors); i++) {
        const struct xv_cpu cpu = xv_cpu_judge_x86(&processors[i].registers);
        for (uint32_t allowed = 0; allowed < 64; allowed++) {
            const struct xts_kernel *kernel = xv_kernel_choose(&cpu, allowed);
            uint32_t id = kernel ? kernel->id : 0;
            if (id != best(&processors[i], allowed))
                fail_msg("%s, allowed %x: kernel %u", processors[i].name, allowed, id);
        }
    }
}

static void takes_the_kernel_that_fits_the_processor(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(processors); i++) {
        const struct xv_cpu cpu = xv_cpu_judge_x86(&processors[i].registers);
        const struct xts_kernel *kernel = xv_kernel_choose(&cpu, UINT32_MAX);
        const char *name = kernel ? kernel->name : "none";
        if (strcmp(name, processors[i].kernel) != 0)
            fail_msg("%s: %s", processors[i].name, name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_processors_by_their_registers),
        cmocka_unit_test(every_missing_bit_counts),
        cmocka_unit_test(takes_the_best_that_is_allowed_and_runs),
        cmocka_unit_test(takes_the_kernel_that_fits_the_processor),
    };
    return cmocka_run_group_tests_name("cpu_x86", tests, NULL, NULL);
}
