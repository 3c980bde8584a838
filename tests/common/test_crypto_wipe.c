/* SPDX-License-Identifier: Apache-2.0 */
/* What keys, and what is sealed under them, leave in the blocks that Mbed TLS gives back. */
#include "common/crypto/aead.h"
#include "common/crypto/hash.h"
#include "tests/support/test.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    MARK_LEN = 16
};

static uint8_t marks[4][MARK_LEN]; /* of a secret each */
/* Volatile, as a compiler knows that free() changes no variable. */
static volatile bool is_watching;
static volatile size_t num_freed;
static volatile size_t num_found;

/* The names are the linker's, --wrap=free. NOLINTBEGIN(bugprone-reserved-identifier) */
void __real_free(void *block);
void __wrap_free(void *block);

void __wrap_free(void *block)
{
    if (block && is_watching) {
        num_freed++;
        for (size_t i = 0; i < ARRAY_LEN(marks); i++)
            if (memmem(block, malloc_usable_size(block), marks[i], MARK_LEN))
                num_found++;
    }
    __real_free(block);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static void a_block_with_a_secret_is_seen(void **state)
{
    (void)state;
    memset(marks[0], 0xa0, MARK_LEN);
    void *(*volatile set)(void *, int, size_t) = memset; /* or it is left out, as nobody reads it */
    uint8_t *block = malloc(100);
    assert_non_null(block);
    (void)set(block, 0xa0, 100);
    num_found = 0;
    is_watching = true;
    free(block);
    is_watching = false;
    assert_int_equal(num_found, 1);
}

static void no_key_and_no_plaintext_is_left_in_the_heap(void **state)
{
    (void)state;
    static uint8_t key[COMMON_GCM_KEY_LEN];
    static const uint8_t nonce[COMMON_GCM_NONCE_LEN] = {8};
    uint8_t plaintext[48];
    uint8_t sealed[64];
    uint8_t mac[COMMON_SHA256_LEN];
    uint8_t derived[COMMON_SHA256_LEN];

    memset(key, 0xa1, sizeof(key));
    memset(plaintext, 0xa2, sizeof(plaintext));
    memset(marks[0], 0xa1, MARK_LEN);
    memset(marks[1], 0xa2, MARK_LEN);
    const struct common_bytes key_bytes = {.data = key, .len = sizeof(key)};
    const struct common_bytes secret = {.data = plaintext, .len = sizeof(plaintext)};
    const struct common_bytes label = {.data = "label", .len = 5};
    assert_int_equal(common_hkdf_sha256(derived, sizeof(derived), key_bytes, label, &label, 1), 0);
    assert_int_equal(common_hmac_sha256(mac, label, &key_bytes, 1), 0); /* the PRK of it */
    memcpy(marks[2], derived, MARK_LEN);
    memcpy(marks[3], mac, MARK_LEN);

    num_found = 0;
    num_freed = 0;
    is_watching = true;
    int error = common_gcm_seal(sealed, key, nonce, label, secret);
    if (!error)
        error = common_gcm_open(plaintext, key, nonce, label,
                                (struct common_bytes){.data = sealed, .len = sizeof(sealed)});
    if (!error)
        error = common_hmac_sha256(mac, key_bytes, &secret, 1);
    if (!error)
        error = common_hkdf_sha256(derived, sizeof(derived), key_bytes, label, &label, 1);
    is_watching = false;
    assert_int_equal(error, 0);
    assert_true(num_freed > 10);
    assert_int_equal(num_found, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_with_a_secret_is_seen),
        cmocka_unit_test(no_key_and_no_plaintext_is_left_in_the_heap),
    };
    return cmocka_run_group_tests_name("crypto_wipe", tests, NULL, NULL);
}
