/* SPDX-License-Identifier: Apache-2.0 */
/* That the benchmark sees a peer which gives other bytes. */
#include "tests/bench/agree.h"
#include "tests/support/test.h"

enum lie {
    HONEST,
    WRONG_WHEN_IN_PLACE,
    WRONG_WHEN_APART,
    WRONG_WHEN_STEALING,
    WRONG_WHEN_DECRYPTING,
    FAILS,
    NUM_LIES
};

struct liar {
    struct bench_kernel *kernel;
    enum lie lie;
};

static int crypt_and_lie(void *context, enum bench_op op, uint8_t *out, const uint8_t *in,
                         size_t len, size_t unit_len, uint64_t first)
{
    const struct liar *liar = context;
    bool is_wrong =
        (liar->lie == WRONG_WHEN_IN_PLACE && op == BENCH_ENCRYPT && out == in) ||
        (liar->lie == WRONG_WHEN_APART && op == BENCH_ENCRYPT && out != in) ||
        (liar->lie == WRONG_WHEN_STEALING && op == BENCH_ENCRYPT && unit_len % 16 != 0) ||
        (liar->lie == WRONG_WHEN_DECRYPTING && op == BENCH_DECRYPT);
    if (liar->lie == FAILS)
        return COMMON_ERR_INTERNAL;
    int error = bench_kernel_crypt(liar->kernel, op, out, in, len, unit_len, first);
    if (is_wrong)
        out[len - 1] ^= 1;
    return error;
}

static void a_party_that_gives_other_bytes_is_named(void **state)
{
    (void)state;
    uint8_t key[XTSVOL_XTS_KEY_LEN] = {1};
    BENCH_CLEANUP_KERNELS struct bench_kernels kernels = {.num = 0};
    assert_int_equal(bench_kernels_open(&kernels, key), 0);
    for (enum lie lie = HONEST; lie < NUM_LIES; lie++) {
        struct liar liar = {.kernel = &kernels.list[0], .lie = lie};
        const struct compare_party parties[] = {
            {.name = "kernel", .crypt = bench_kernel_crypt, .context = &kernels.list[0]},
            {.name = "peer", .crypt = crypt_and_lie, .context = &liar},
        };
        const char *name = NULL;
        int error = parties_agree(parties, 2, &name);
        if (lie == HONEST)
            assert_int_equal(error, 0);
        else
            assert_int_equal(error, lie == FAILS ? COMMON_ERR_INTERNAL : COMMON_ERR_CORRUPT);
        if (lie != HONEST)
            assert_string_equal(name, "peer");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_party_that_gives_other_bytes_is_named),
    };
    return cmocka_run_group_tests_name("bench_agree", tests, NULL, NULL);
}
