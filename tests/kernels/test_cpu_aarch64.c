/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is chosen on processors that are not here. No model of qemu-user lacks the extension, so the
 * system's word on the CPU is given here: this getauxval() comes before libc's. That nothing else
 * has such instructions is what .ci/cross looks for in the objects.
 */
#include "libxtsvol/src/xts/cpu.h"
#include "tests/support/test.h"

#include <sys/auxv.h>
#include <xtsvol/xts.h>

static unsigned long hwcap;

unsigned long getauxval(unsigned long type)
{
    return type == AT_HWCAP ? hwcap : 0;
}

static void opens(const char *expected, uint32_t allowed)
{
    struct xtsvol_xts_options options = xtsvol_xts_options_default();
    struct xtsvol_xts *xts = NULL;
    options.kernels = allowed;
    assert_int_equal(xtsvol_xts_open(&xts, &options), XTSVOL_OK);
    assert_string_equal(xtsvol_kernel_name(xts), expected);
    xtsvol_xts_close(&xts);
}

static void with_the_extension_its_kernel_is_taken(void **state)
{
    (void)state;
    hwcap = HWCAP_FP | HWCAP_ASIMD | HWCAP_AES | HWCAP_PMULL | HWCAP_SHA1;
    assert_int_equal(xv_cpu_probe().features, XV_CPU_ARMV8_CE);
    opens("armv8-ce", UINT32_MAX);
    opens("portable", ~(uint32_t)XTSVOL_KERNEL_ARMV8_CE);
}

static void without_all_of_it_the_portable_one_is_taken(void **state)
{
    (void)state;
    static const unsigned long lacking[] = {
        0,
        HWCAP_FP | HWCAP_ASIMD,
        HWCAP_FP | HWCAP_ASIMD | HWCAP_AES,
        HWCAP_FP | HWCAP_ASIMD | HWCAP_PMULL,
        ~(unsigned long)HWCAP_AES,
        ~(unsigned long)HWCAP_PMULL,
    };
    for (size_t i = 0; i < ARRAY_LEN(lacking); i++) {
        hwcap = lacking[i];
        assert_int_equal(xv_cpu_probe().features, 0);
        opens("portable", UINT32_MAX);

        struct xtsvol_xts_options options = xtsvol_xts_options_default();
        struct xtsvol_xts *xts = NULL;
        options.kernels = XTSVOL_KERNEL_ARMV8_CE;
        assert_int_equal(xtsvol_xts_open(&xts, &options), XTSVOL_ERR_UNSUPPORTED);
        assert_null(xts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_the_extension_its_kernel_is_taken),
        cmocka_unit_test(without_all_of_it_the_portable_one_is_taken),
    };
    return cmocka_run_group_tests_name("cpu_aarch64", tests, NULL, NULL);
}
