/* SPDX-License-Identifier: Apache-2.0 */
/* The libcrypto that `xtsvol bench --verify` finds at run time, and the ones that it cannot use. */
#include "tests/support/test.h"
#include "tools/xtsvol/kernels.h"
#include "tools/xtsvol/libcrypto.h"

#include <dlfcn.h>
#include <string.h>

static void make_key(uint8_t key[XTSVOL_XTS_KEY_LEN])
{
    for (size_t i = 0; i < XTSVOL_XTS_KEY_LEN; i++)
        key[i] = (uint8_t)(i * 3 + 7);
}

static void a_library_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    uint8_t key[XTSVOL_XTS_KEY_LEN];
    make_key(key);
    BENCH_CLEANUP_LIBCRYPTO struct bench_libcrypto libcrypto = {.library = NULL};
    assert_int_equal(bench_libcrypto_open(&libcrypto, "libcrypto.so.does-not-exist", key),
                     COMMON_ERR_NOT_FOUND);
    assert_null(libcrypto.library);
    assert_string_equal(libcrypto.version, "");
}

static void a_library_without_the_functions_is_not_used(void **state)
{
    (void)state;
    uint8_t key[XTSVOL_XTS_KEY_LEN];
    make_key(key);
    BENCH_CLEANUP_LIBCRYPTO struct bench_libcrypto libcrypto = {.library = NULL};
    assert_int_equal(bench_libcrypto_open(&libcrypto, "libm.so.6", key), COMMON_ERR_UNSUPPORTED);
    assert_null(libcrypto.library);
}

static void a_key_that_it_refuses_leaves_it_closed(void **state)
{
    (void)state;
    uint8_t key[XTSVOL_XTS_KEY_LEN] = {0}; /* equal halves, which OpenSSL refuses since 1.1.1 */
    BENCH_CLEANUP_LIBCRYPTO struct bench_libcrypto libcrypto = {.library = NULL};
    assert_int_equal(bench_libcrypto_open(&libcrypto, BENCH_LIBCRYPTO, key),
                     COMMON_ERR_UNSUPPORTED);
    assert_null(libcrypto.context);
    assert_null(libcrypto.library);
}

static void closing_twice_is_allowed(void **state)
{
    (void)state;
    uint8_t key[XTSVOL_XTS_KEY_LEN];
    make_key(key);
    struct bench_libcrypto libcrypto;
    assert_int_equal(bench_libcrypto_open(&libcrypto, BENCH_LIBCRYPTO, key), 0);
    assert_memory_equal(libcrypto.version, "3.", 2);
    bench_libcrypto_close(&libcrypto);
    bench_libcrypto_close(&libcrypto);
    assert_string_equal(libcrypto.version, "");
}

static void it_encrypts_as_the_kernels_do(void **state)
{
    (void)state;
    static const size_t unit_lens[] = {16, 17, 31, 32, 512, 527, 4096, 4111};
    uint8_t key[XTSVOL_XTS_KEY_LEN];
    make_key(key);
    BENCH_CLEANUP_LIBCRYPTO struct bench_libcrypto libcrypto = {.library = NULL};
    assert_int_equal(bench_libcrypto_open(&libcrypto, BENCH_LIBCRYPTO, key), 0);
    BENCH_CLEANUP_KERNELS struct bench_kernels kernels = {.num = 0};
    assert_int_equal(bench_kernels_open(&kernels, key), 0);
    for (size_t i = 0; i < ARRAY_LEN(unit_lens); i++) {
        uint8_t plain[3 * 4111];
        uint8_t theirs[sizeof(plain)];
        uint8_t ours[sizeof(plain)];
        for (size_t j = 0; j < sizeof(plain); j++)
            plain[j] = (uint8_t)(j * j >> 4);
        size_t len = 3 * unit_lens[i];
        uint64_t first = UINT64_C(0x123456789abcdef0) + i;
        assert_int_equal(
            bench_libcrypto_encrypt(&libcrypto, theirs, plain, len, unit_lens[i], first), 0);
        for (size_t k = 0; k < kernels.num; k++) {
            assert_int_equal(bench_kernel_crypt(&kernels.list[k], BENCH_ENCRYPT, ours, plain, len,
                                                unit_lens[i], first),
                             0);
            assert_memory_equal(ours, theirs, len);
        }
    }
}

int main(void)
{
    void *library = dlopen(BENCH_LIBCRYPTO, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return puts("1..0 # SKIP " BENCH_LIBCRYPTO " is not installed") < 0;
    (void)dlclose(library);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_that_is_not_there_is_not_found),
        cmocka_unit_test(a_library_without_the_functions_is_not_used),
        cmocka_unit_test(a_key_that_it_refuses_leaves_it_closed),
        cmocka_unit_test(closing_twice_is_allowed),
        cmocka_unit_test(it_encrypts_as_the_kernels_do),
    };
    return cmocka_run_group_tests_name("bench_libcrypto", tests, NULL, NULL);
}
