/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernels there are, and that the library's judgement on this CPU is that of Linux. */
#include "libxtsvol/src/xts/cpu.h"
#include "tests/kernels/machine.h"
#include "tests/support/test.h"

#include <string.h>

/* Left out of the build, a kernel would be left out of every other test without a word. */
static void the_build_has_the_kernels_of_its_architecture(void **state)
{
    (void)state;
#if defined(__x86_64__)
    static const char *const names[] = {"vaes-avx512", "vaes-avx2", "aesni", "portable"};
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    static const char *const names[] = {"armv8-ce", "portable"};
#else
    static const char *const names[] = {"portable"};
#endif
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_non_null(xv_kernels[i]);
        assert_string_equal(xv_kernels[i]->name, names[i]);
    }
    assert_null(xv_kernels[ARRAY_LEN(names)]);
    assert_int_equal(xv_kernels[ARRAY_LEN(names) - 1]->needs, 0); /* it runs anywhere */
}

static const char *public_name(uint32_t id)
{
    switch (id) {
    case XTSVOL_KERNEL_PORTABLE:
        return "portable";
    case XTSVOL_KERNEL_AESNI:
        return "aesni";
    case XTSVOL_KERNEL_VAES_AVX2:
        return "vaes-avx2";
    case XTSVOL_KERNEL_VAES_AVX512:
        return "vaes-avx512";
    case XTSVOL_KERNEL_ARMV8_CE:
        return "armv8-ce";
    default:
        return "not in the header";
    }
}

static void kernels_have_names_and_ids_of_their_own(void **state)
{
    (void)state;
    uint32_t seen = 0;
    for (size_t i = 0; xv_kernels[i]; i++) {
        assert_string_equal(xv_kernels[i]->name, public_name(xv_kernels[i]->id));
        assert_false(seen & xv_kernels[i]->id);
        seen |= xv_kernels[i]->id;
    }
}

static void the_probe_agrees_with_linux(void **state)
{
    (void)state;
    const struct xv_cpu cpu = xv_cpu_probe();
    for (size_t i = 0; xv_kernels[i]; i++) {
        const struct xts_kernel *kernel = xv_kernels[i];
        bool is_judged_usable = (kernel->needs & ~cpu.features) == 0;
        if (is_judged_usable != machine_can_run(kernel->id))
            fail_msg("%s: the probe says %d", kernel->name, is_judged_usable);
    }
}

static void the_public_list_tells_the_same(void **state)
{
    (void)state;
    unsigned num_preferred = 0;
    size_t i = 0;
    for (; xv_kernels[i]; i++) {
        struct xtsvol_kernel told;
        assert_int_equal(xtsvol_kernel_get(&told, i), 0);
        assert_int_equal(told.id, xv_kernels[i]->id);
        assert_string_equal(told.name, xv_kernels[i]->name);
        assert_int_equal(told.is_usable, machine_can_run(told.id));
        assert_true(told.is_usable || !told.is_preferred);
        num_preferred += (unsigned)told.is_preferred;
    }
    assert_int_equal(num_preferred, 1);

    static const struct xtsvol_kernel empty;
    struct xtsvol_kernel past;
    for (size_t behind = i; behind < i + 3; behind++) {
        memset(&past, 0xee, sizeof(past));
        assert_int_equal(xtsvol_kernel_get(&past, behind), XTSVOL_ERR_NOT_FOUND);
        assert_memory_equal(&past, &empty, sizeof(empty));
    }
    memset(&past, 0xee, sizeof(past));
    assert_int_equal(xtsvol_kernel_get(&past, SIZE_MAX), XTSVOL_ERR_NOT_FOUND);
    assert_memory_equal(&past, &empty, sizeof(empty));
    assert_int_equal(xtsvol_kernel_get(NULL, 0), XTSVOL_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_build_has_the_kernels_of_its_architecture),
        cmocka_unit_test(kernels_have_names_and_ids_of_their_own),
        cmocka_unit_test(the_probe_agrees_with_linux),
        cmocka_unit_test(the_public_list_tells_the_same),
    };
    return cmocka_run_group_tests_name("kernel_list", tests, NULL, NULL);
}
