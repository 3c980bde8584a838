/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles: options, and the choice of the kernel. What the CPU has and what the known answers say
 * are replaced here (the linker's --wrap), so that other machines can be tried.
 */
#include "libxtsvol/src/xts/cpu.h"
#include "libxtsvol/src/xts/kernel.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

struct xv_cpu __real_xv_cpu_probe(void);
struct xv_cpu __wrap_xv_cpu_probe(void);
int __real_xv_known_answer_test(const struct xts_kernel *kernel);
int __wrap_xv_known_answer_test(const struct xts_kernel *kernel);

static struct {
    bool is_another;
    struct xv_cpu cpu;
    int known_answer_error;
    const struct xts_kernel *tried;
} machine;

struct xv_cpu __wrap_xv_cpu_probe(void)
{
    return machine.is_another ? machine.cpu : __real_xv_cpu_probe();
}

/* On another machine the kernel may be one that this CPU cannot run. */
int __wrap_xv_known_answer_test(const struct xts_kernel *kernel)
{
    machine.tried = kernel;
    if (machine.known_answer_error)
        return machine.known_answer_error;
    return machine.is_another ? 0 : __real_xv_known_answer_test(kernel);
}

static int this_machine(void **state)
{
    (void)state;
    memset(&machine, 0, sizeof(machine));
    return 0;
}

static struct xtsvol_xts *any_handle(void)
{
    return (struct xtsvol_xts *)(void *)&machine;
}

static void expect_open(const struct xtsvol_xts_options *options, int error)
{
    struct xtsvol_xts *xts = any_handle();
    assert_int_equal(xtsvol_xts_open(&xts, options), error);
    assert_true(error ? xts == NULL : xts != NULL);
    xtsvol_xts_close(&xts);
    assert_null(xts);
}

static void the_defaults_are_those_of_the_header(void **state)
{
    (void)state;
    const struct xtsvol_xts_options options = xtsvol_xts_options_default();
    assert_int_equal(options.size, sizeof(options));
    for (size_t i = 0; xv_kernels[i]; i++)
        assert_true(options.kernels & xv_kernels[i]->id);
    assert_int_equal(options.kernels, UINT32_MAX);
    assert_int_equal(options.require_protection, 0);
    assert_int_equal(options.max_key_memory, 64 << 20);
    assert_null(options.event);
    assert_null(options.event_context);
    expect_open(&options, 0);
    expect_open(NULL, 0);
}

static void options_without_a_size_or_memory_are_refused(void **state)
{
    (void)state;
    struct xtsvol_xts_options options = xtsvol_xts_options_default();
    options.size = 0;
    expect_open(&options, XTSVOL_ERR_INVALID);
    options = xtsvol_xts_options_default();
    options.max_key_memory = 0;
    expect_open(&options, XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_xts_open(NULL, NULL), XTSVOL_ERR_INVALID);
}

static void a_size_that_no_version_had_is_refused(void **state)
{
    (void)state;
    struct xtsvol_xts_options options = xtsvol_xts_options_default();
    static const size_t sizes[] = {
        1,    8,       offsetof(struct xtsvol_xts_options, event_context), sizeof(options) - 1,
        4097, SIZE_MAX};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        options.size = sizes[i];
        expect_open(&options, XTSVOL_ERR_INVALID);
    }
}

/* A caller of a newer version has a longer struct. What is in it and unknown here must be unset: an
 * option that makes something safer is not passed over in silence. */
static void what_a_newer_caller_knows_more_must_be_unset(void **state)
{
    (void)state;
    struct {
        struct xtsvol_xts_options options;
        uint8_t more[64];
    } newer;
    xtsvol_xts_options_init(&newer.options, sizeof(newer));
    assert_int_equal(newer.options.size, sizeof(newer));
    expect_open(&newer.options, 0);
    newer.options.kernels = 0;
    expect_open(&newer.options, XTSVOL_ERR_UNSUPPORTED);
    newer.options.kernels = UINT32_MAX;
    newer.more[63] = 1;
    expect_open(&newer.options, XTSVOL_ERR_UNSUPPORTED);
}

/* A program with a shorter struct than the library's gets as much as it has room for. */
static void defaults_are_as_long_as_the_caller_says(void **state)
{
    (void)state;
    struct {
        uint8_t bytes[sizeof(struct xtsvol_xts_options)];
        uint8_t behind[16];
    } room;
    memset(&room, 0xa5, sizeof(room));
    size_t size = offsetof(struct xtsvol_xts_options, max_key_memory);
    xtsvol_xts_options_init((struct xtsvol_xts_options *)(void *)&room, size);
    for (size_t i = size; i < sizeof(room); i++)
        assert_int_equal(((const uint8_t *)&room)[i], 0xa5);
    xtsvol_xts_options_init(NULL, sizeof(struct xtsvol_xts_options));
}

static void no_kernel_left_is_unsupported(void **state)
{
    (void)state;
    struct xtsvol_xts_options options = xtsvol_xts_options_default();
    options.kernels = 0;
    expect_open(&options, XTSVOL_ERR_UNSUPPORTED);
    options.kernels = 1U << 31 | 1U << 20; /* none of this build */
    expect_open(&options, XTSVOL_ERR_UNSUPPORTED);
}

/* A name for each set that is allowed, on a CPU with each set of features. */
static void the_handle_has_the_kernel_that_was_chosen(void **state)
{
    (void)state;
    machine.is_another = true;
    for (uint32_t features = 0; features < 16; features++) {
        machine.cpu = (struct xv_cpu){.features = features};
        for (uint32_t kernels = 0; kernels < 64; kernels++) {
            const struct xts_kernel *chosen = xv_kernel_choose(&machine.cpu, kernels);
            struct xtsvol_xts_options options = xtsvol_xts_options_default();
            options.kernels = kernels;
            struct xtsvol_xts *xts = any_handle();
            int error = xtsvol_xts_open(&xts, &options);
            assert_int_equal(error, chosen ? 0 : XTSVOL_ERR_UNSUPPORTED);
            assert_string_equal(xtsvol_kernel_name(xts), chosen ? chosen->name : "none");
            xtsvol_xts_close(&xts);
        }
    }
}

static void unknown_bits_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; xv_kernels[i]; i++) {
        machine.is_another = true;
        machine.cpu.features = UINT32_MAX;
        struct xtsvol_xts_options options = xtsvol_xts_options_default();
        options.kernels = xv_kernels[i]->id | ~UINT32_C(31);
        struct xtsvol_xts *xts = NULL;
        assert_int_equal(xtsvol_xts_open(&xts, &options), 0);
        assert_string_equal(xtsvol_kernel_name(xts), xv_kernels[i]->name);
        xtsvol_xts_close(&xts);
    }
}

static void a_wrong_answer_is_an_internal_error(void **state)
{
    (void)state;
    expect_open(NULL, 0);
    assert_non_null(machine.tried);
    machine.known_answer_error = XTSVOL_ERR_INTERNAL;
    expect_open(NULL, XTSVOL_ERR_INTERNAL);
}

/* Each handle, not only the first one of a process: bits fall later, too. */
static void every_handle_tries_the_kernel_that_it_takes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        machine.tried = NULL;
        struct xtsvol_xts *xts = NULL;
        assert_int_equal(xtsvol_xts_open(&xts, NULL), 0);
        assert_non_null(machine.tried);
        assert_string_equal(machine.tried->name, xtsvol_kernel_name(xts));
        xtsvol_xts_close(&xts);
    }
}

static void every_failing_allocation_is_no_memory(void **state)
{
    (void)state;
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        struct xtsvol_xts *xts = any_handle();
        fault_loop_arm(&loop);
        int error = xtsvol_xts_open(&xts, NULL);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error, fired ? XTSVOL_ERR_NO_MEMORY : 0);
        assert_int_equal(xts == NULL, fired);
        xtsvol_xts_close(&xts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_defaults_are_those_of_the_header, this_machine),
        cmocka_unit_test_setup(options_without_a_size_or_memory_are_refused, this_machine),
        cmocka_unit_test_setup(a_size_that_no_version_had_is_refused, this_machine),
        cmocka_unit_test_setup(what_a_newer_caller_knows_more_must_be_unset, this_machine),
        cmocka_unit_test_setup(defaults_are_as_long_as_the_caller_says, this_machine),
        cmocka_unit_test_setup(no_kernel_left_is_unsupported, this_machine),
        cmocka_unit_test_setup(the_handle_has_the_kernel_that_was_chosen, this_machine),
        cmocka_unit_test_setup(unknown_bits_change_nothing, this_machine),
        cmocka_unit_test_setup(a_wrong_answer_is_an_internal_error, this_machine),
        cmocka_unit_test_setup(every_handle_tries_the_kernel_that_it_takes, this_machine),
        cmocka_unit_test_setup(every_failing_allocation_is_no_memory, this_machine),
    };
    return cmocka_run_group_tests_name("xts_open", tests, NULL, NULL);
}
