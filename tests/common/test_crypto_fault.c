/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and randomness when the system gives neither memory nor random bytes. */
#include "common/base/ct.h"
#include "common/base/random.h"
#include "common/crypto/aead.h"
#include "common/crypto/hash.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"

#include <errno.h>
#include <psa/crypto.h>
#include <string.h>

static const uint8_t key[COMMON_GCM_KEY_LEN] = {7};
static const uint8_t nonce[COMMON_GCM_NONCE_LEN] = {8};
static const struct common_bytes message = {.data = "message", .len = 7};
static const struct common_bytes key_bytes = {.data = key, .len = sizeof(key)};
static uint8_t out[64];
static uint8_t sealed[64];

/* The first use of Mbed TLS sets it up. Stands first: afterwards it is. What it does not get memory
 * for while it gathers randomness it reports as missing randomness. */
static void a_first_use_that_fails_may_be_repeated(void **state)
{
    (void)state;
    static const uint8_t first_byte = 0xab; /* of SHA-256("message") */
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        fault_loop_arm(&loop);
        int error = common_sha256(out, &message, 1);
        bool fired = fault_loop_disarm(&loop);
        if (error != COMMON_ERR_IO || !fired)
            assert_int_equal(error, fired ? COMMON_ERR_NO_MEMORY : 0);
        assert_int_equal(out[0], fired ? 0 : first_byte);
    }
}

static int hash(void)
{
    return common_sha256(out, &message, 1);
}

static int mac(void)
{
    static const uint8_t longer[100] = {1};
    return common_hmac_sha256(out, (struct common_bytes){.data = longer, .len = 100}, &message, 1);
}

static int derive(void)
{
    return common_hkdf_sha256(out, sizeof(out), key_bytes, message, &message, 1);
}

static int seal(void)
{
    return common_gcm_seal(out, key, nonce, message, message);
}

static int unseal(void)
{
    return common_gcm_open(out, key, nonce, message,
                           (struct common_bytes){.data = sealed, .len = 23});
}

/* Whether it went well or not, nothing of a key stays inside of Mbed TLS. */
static void assert_no_keys_are_left(void)
{
    mbedtls_psa_stats_t stats;
    mbedtls_psa_get_stats(&stats);
    assert_int_equal(stats.MBEDTLS_PRIVATE(volatile_slots), 0);
}

static void without_memory_there_is_no_output(void **state)
{
    (void)state;
    static const struct {
        int (*operation)(void);
        size_t out_len;
    } operations[] = {{hash, 32}, {mac, 32}, {derive, 64}, {seal, 23}, {unseal, 7}};

    assert_int_equal(common_gcm_seal(sealed, key, nonce, message, message), 0);
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        uint8_t wanted[64];
        memset(out, 0xee, sizeof(out));
        assert_int_equal(operations[i].operation(), 0);
        memcpy(wanted, out, sizeof(out));
        FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
            memset(out, 0xee, sizeof(out));
            fault_loop_arm(&loop);
            int error = operations[i].operation();
            bool fired = fault_loop_disarm(&loop);
            assert_int_equal(error, fired ? COMMON_ERR_NO_MEMORY : 0);
            assert_no_keys_are_left();
            if (fired)
                assert_true(common_ct_is_zero(out, operations[i].out_len));
            else
                assert_memory_equal(out, wanted, sizeof(out));
        }
    }
}

static void random_bytes_are_new_each_time_and_all_there(void **state)
{
    (void)state;
    uint8_t first[1000];
    uint8_t second[1000];
    memset(first, 0, sizeof(first));
    memset(second, 0, sizeof(second));
    assert_int_equal(common_random(first, sizeof(first) - 8), 0);
    assert_int_equal(common_random(second, sizeof(second) - 8), 0);
    /* 2^-128 is the chance that 16 bytes are equal, or zero, by accident. */
    for (size_t at = 0; at + 16 <= sizeof(first) - 8; at += 16) {
        assert_memory_not_equal(first + at, second + at, 16);
        assert_false(common_ct_is_zero(first + at, 16));
    }
    assert_true(common_ct_is_zero(first + sizeof(first) - 8, 8));
    assert_int_equal(common_random(first, 0), 0);
}

static void without_randomness_there_are_zeroes(void **state)
{
    (void)state;
    static const int errors[] = {ENOSYS, EAGAIN, EFAULT};
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        FAULT_EACH (loop, FAULT_RANDOM, FAULT_ONCE, errors[i]) {
            memset(out, 0xee, sizeof(out));
            fault_loop_arm(&loop);
            int error = common_random(out, sizeof(out));
            bool fired = fault_loop_disarm(&loop);
            assert_int_equal(error, fired ? COMMON_ERR_IO : 0);
            if (fired)
                assert_true(common_ct_is_zero(out, sizeof(out)));
        }
    }
}

static void an_interrupted_call_is_made_again(void **state)
{
    (void)state;
    FAULT_EACH (loop, FAULT_RANDOM, FAULT_ONCE, EINTR) {
        memset(out, 0, sizeof(out));
        fault_loop_arm(&loop);
        int error = common_random(out, sizeof(out));
        (void)fault_loop_disarm(&loop);
        assert_int_equal(error, 0);
        assert_false(common_ct_is_zero(out, 16));
    }
}

static void a_short_answer_is_continued(void **state)
{
    (void)state;
    FAULT_EACH (loop, FAULT_RANDOM, FAULT_SHORT, EIO) {
        memset(out, 0, sizeof(out));
        fault_loop_arm(&loop);
        int error = common_random(out, sizeof(out));
        (void)fault_loop_disarm(&loop);
        assert_int_equal(error, 0);
        assert_false(common_ct_is_zero(out + sizeof(out) - 16, 16));
    }
    FAULT_EACH (loop, FAULT_RANDOM, FAULT_SHORT_THEN_FAIL, EIO) {
        memset(out, 0xee, sizeof(out));
        fault_loop_arm(&loop);
        int error = common_random(out, sizeof(out));
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error, fired ? COMMON_ERR_IO : 0);
        if (fired)
            assert_true(common_ct_is_zero(out, sizeof(out)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_use_that_fails_may_be_repeated),
        cmocka_unit_test(without_memory_there_is_no_output),
        cmocka_unit_test(random_bytes_are_new_each_time_and_all_there),
        cmocka_unit_test(without_randomness_there_are_zeroes),
        cmocka_unit_test(an_interrupted_call_is_made_again),
        cmocka_unit_test(a_short_answer_is_continued),
    };
    return cmocka_run_group_tests_name("crypto_fault", tests, NULL, NULL);
}
