/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/xtsvol/handle.h"

#include "tests/kernels/machine.h"
#include "tests/kernels/oracle.h"

#include <stdlib.h>
#include <string.h>

static struct xtsvol_xts_options masked_options(void)
{
    struct xtsvol_xts_options options = xtsvol_xts_options_default();
    options.kernels = (uint32_t)test_number_from_environment("STRONGROOM_KERNELS", UINT32_MAX);
    return options;
}

struct xtsvol_xts *handle_open(void)
{
    const struct xtsvol_xts_options options = masked_options();
    struct xtsvol_xts *xts = NULL;
    assert_int_equal(xtsvol_xts_open(&xts, &options), 0);
    assert_non_null(xts);
    const char *wanted = getenv("STRONGROOM_KERNEL");
    if (wanted)
        assert_string_equal(xtsvol_kernel_name(xts), wanted);
    return xts;
}

struct handle_key handle_key_new(struct test_random *random)
{
    uint8_t bytes[XTSVOL_XTS_KEY_LEN];
    test_random_bytes(random, bytes, sizeof(bytes));
    struct handle_key key = {.xts = handle_open(), .oracle = oracle_new(bytes)};
    assert_int_equal(xtsvol_xts_key_new(&key.key, key.xts, bytes, sizeof(bytes)), 0);
    return key;
}

void handle_key_free(struct handle_key *key)
{
    xtsvol_xts_key_free(&key->key);
    xtsvol_xts_close(&key->xts);
    oracle_free(&key->oracle);
}

int handle_is_refused(void)
{
    const char *wanted = getenv("STRONGROOM_KERNEL");
    for (size_t i = 0; wanted && xv_kernels[i]; i++) {
        if (strcmp(xv_kernels[i]->name, wanted) == 0)
            return !machine_can_run(xv_kernels[i]->id);
    }
    return 0;
}

static void a_kernel_that_cannot_run_here_is_refused(void **state)
{
    (void)state;
    const struct xtsvol_xts_options options = masked_options();
    struct xtsvol_xts *xts = NULL;
    assert_int_equal(xtsvol_xts_open(&xts, &options), XTSVOL_ERR_UNSUPPORTED);
    assert_null(xts);
}

int handle_run_refusal(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kernel_that_cannot_run_here_is_refused),
    };
    return cmocka_run_group_tests_name("refusal", tests, NULL, NULL);
}
