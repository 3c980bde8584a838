/* SPDX-License-Identifier: Apache-2.0 */
/* What xts.h says about threads: one key, one handle, and handles of their own. Run under TSan. */
#include "tests/kernels/oracle.h"
#include "tests/xtsvol/handle.h"

#include <pthread.h>
#include <string.h>

enum {
    NUM_THREADS = 4,
    NUM_ROUNDS = 20,
    NUM_KEYS = 50,
};
#define UNIT_LEN ((size_t)1041) /* with stealing */
#define NUM_UNITS ((size_t)24)  /* of each thread */
#define SHARE_LEN (UNIT_LEN * NUM_UNITS)

static struct test_random random_state;
static struct handle_key keys;
static uint8_t plaintext[NUM_THREADS * SHARE_LEN];
static uint8_t ciphertext[NUM_THREADS * SHARE_LEN];
static uint8_t work[NUM_THREADS * SHARE_LEN];

static int make_key(void **state)
{
    (void)state;
    random_state = test_random_begin("xts threads");
    keys = handle_key_new(&random_state);
    test_random_bytes(&random_state, plaintext, sizeof(plaintext));
    memcpy(work, plaintext, sizeof(work));
    oracle_units(keys.oracle, XTS_ENCRYPT, ciphertext, plaintext, UNIT_LEN, NUM_THREADS * NUM_UNITS,
                 xtsvol_unit(0));
    return 0;
}

static int drop_key(void **state)
{
    (void)state;
    handle_key_free(&keys);
    return 0;
}

/* Each thread is given its number, and returns NULL where something is wrong. */
static void run_threads(void *(*body)(void *number))
{
    static size_t numbers[NUM_THREADS];
    pthread_t threads[NUM_THREADS];
    for (size_t i = 0; i < NUM_THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, body, &numbers[i]), 0);
    }
    bool is_right = true;
    for (size_t i = 0; i < NUM_THREADS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        is_right = is_right && result == &numbers[i];
    }
    assert_true(is_right);
}

/* There and back, whole and cut into a list. */
static void *crypt_own_units(void *number)
{
    size_t i = *(size_t *)number;
    uint8_t *share = work + i * SHARE_LEN;
    const struct xtsvol_unit_number first = xtsvol_unit(i * NUM_UNITS);
    const struct iovec list[] = {{share, 1000}, {share + 1000, SHARE_LEN - 1000}};
    for (unsigned round = 0; round < NUM_ROUNDS; round++) {
        if (xtsvol_xts_encrypt(keys.key, share, share, SHARE_LEN, UNIT_LEN, first) ||
            memcmp(share, ciphertext + i * SHARE_LEN, SHARE_LEN) != 0 ||
            xtsvol_xts_decryptv(keys.key, list, 2, list, 2, UNIT_LEN, first) ||
            memcmp(share, plaintext + i * SHARE_LEN, SHARE_LEN) != 0)
            return NULL;
    }
    return number;
}

static void threads_share_a_key(void **state)
{
    (void)state;
    run_threads(crypt_own_units);
}

static void *make_own_keys(void *number)
{
    uint8_t *share = work + *(size_t *)number * SHARE_LEN;
    uint8_t before[UNIT_LEN];
    memcpy(before, share, sizeof(before));
    for (unsigned i = 0; i < NUM_KEYS; i++) {
        struct xtsvol_xts_key *key = NULL;
        if (xtsvol_xts_key_new(&key, keys.xts, share + i, XTSVOL_XTS_KEY_LEN) ||
            xtsvol_xts_encrypt(key, share, share, UNIT_LEN, UNIT_LEN, xtsvol_unit(i)) ||
            xtsvol_xts_decrypt(key, share, share, UNIT_LEN, UNIT_LEN, xtsvol_unit(i)))
            return NULL;
        xtsvol_xts_key_free(&key);
        if (key || memcmp(share, before, sizeof(before)) != 0)
            return NULL;
    }
    return number;
}

static void threads_make_keys_of_one_handle(void **state)
{
    (void)state;
    run_threads(make_own_keys);
}

static void *open_own_handle(void *number)
{
    for (unsigned i = 0; i < NUM_ROUNDS; i++) {
        struct xtsvol_xts *xts = NULL;
        struct xtsvol_xts_key *key = NULL;
        if (xtsvol_xts_open(&xts, NULL) ||
            xtsvol_xts_key_new(&key, xts, plaintext, XTSVOL_XTS_KEY_LEN))
            return NULL;
        xtsvol_xts_close(&xts);
        xtsvol_xts_key_free(&key);
    }
    return number;
}

static void threads_have_handles_of_their_own(void **state)
{
    (void)state;
    run_threads(open_own_handle);
}

/* The handle is closed by one thread while others free their keys: the last one ends the arena. */
static struct xtsvol_xts_key *last_keys[NUM_THREADS];

static void *free_last_key(void *number)
{
    size_t i = *(size_t *)number;
    if (i == 0)
        xtsvol_xts_close(&keys.xts);
    xtsvol_xts_key_free(&last_keys[i]);
    return last_keys[i] ? NULL : number;
}

static void the_last_of_handle_and_keys_ends_the_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_THREADS; i++)
        assert_int_equal(xtsvol_xts_key_new(&last_keys[i], keys.xts, plaintext, XTSVOL_XTS_KEY_LEN),
                         0);
    xtsvol_xts_key_free(&keys.key);
    run_threads(free_last_key);
}

#define WITH_KEY(test) cmocka_unit_test_setup_teardown(test, make_key, drop_key)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_KEY(threads_share_a_key),
        WITH_KEY(threads_make_keys_of_one_handle),
        WITH_KEY(threads_have_handles_of_their_own),
        WITH_KEY(the_last_of_handle_and_keys_ends_the_memory),
    };
    return HANDLE_RUN("xts_threads", tests);
}
