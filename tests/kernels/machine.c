/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kernels/machine.h"

#include "tests/support/random.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_FLAGS_LEN = 8192
};

/* The line of the first processor: "flags : fpu vme ...", on ARM "Features : fp asimd ...". */
static void read_flags(char out[MAX_FLAGS_LEN])
{
    out[0] = 0;
    FILE *file = fopen("/proc/cpuinfo", "re");
    assert_non_null(file);
    char line[MAX_FLAGS_LEN];
    while (out[0] == 0 && fgets(line, sizeof(line), file)) {
        bool is_flags = strncmp(line, "flags", 5) == 0 || strncmp(line, "Features", 8) == 0;
        const char *colon = strchr(line, ':');
        if (is_flags && colon)
            (void)snprintf(out, MAX_FLAGS_LEN, "%s", colon + 1);
    }
    (void)fclose(file);
}

static bool has_flag(const char *wanted)
{
    char flags[MAX_FLAGS_LEN];
    const char *told = getenv("STRONGROOM_CPU_FLAGS");
    if (told)
        (void)snprintf(flags, sizeof(flags), "%s", told);
    else
        read_flags(flags);
    char *rest = flags;
    for (const char *flag = strsep(&rest, " \n"); flag; flag = strsep(&rest, " \n")) {
        if (strcmp(flag, wanted) == 0)
            return true;
    }
    return false;
}

static bool has_all(const char *const flags[])
{
    for (size_t i = 0; flags[i]; i++) {
        if (!has_flag(flags[i]))
            return false;
    }
    return true;
}

bool machine_can_run(uint32_t kernel_id)
{
    static const char *const aesni[] = {"aes", "sse4_1", NULL};
    static const char *const avx2[] = {"aes", "vaes", "vpclmulqdq", "avx", "avx2", NULL};
    static const char *const avx512[] = {"aes",     "vaes",     "vpclmulqdq", "avx",      "avx2",
                                         "avx512f", "avx512bw", "avx512dq",   "avx512vl", NULL};
    static const char *const armv8[] = {"aes", "pmull", NULL};

    switch (kernel_id) {
    case XTSVOL_KERNEL_PORTABLE:
        return true;
    case XTSVOL_KERNEL_AESNI:
        return has_all(aesni);
    case XTSVOL_KERNEL_VAES_AVX2:
        return has_all(avx2);
    case XTSVOL_KERNEL_VAES_AVX512:
        return has_all(avx512);
    case XTSVOL_KERNEL_ARMV8_CE:
        return has_all(armv8);
    default:
        fail_msg("kernel %u: write down here which flags it needs", kernel_id);
        return false;
    }
}

struct machine_kernels machine_kernels(void)
{
    struct machine_kernels kernels = {.num = 0};
    for (size_t i = 0; xv_kernels[i]; i++) {
        bool can_run = machine_can_run(xv_kernels[i]->id);
        (void)printf("# kernel %s: %s\n", xv_kernels[i]->name,
                     can_run ? "tried" : "not tried, this CPU lacks what it needs");
        if (!can_run)
            continue;
        assert_true(kernels.num < MACHINE_MAX_KERNELS);
        kernels.all[kernels.num++] = xv_kernels[i];
    }
    (void)fflush(stdout);
    assert_true(kernels.num > 0);
    return kernels;
}

size_t machine_one_in(void)
{
    size_t one_in = (size_t)test_number_from_environment("STRONGROOM_ONE_IN", 1);
    return one_in ? one_in : 1;
}
