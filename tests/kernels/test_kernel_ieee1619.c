/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The standard's own vectors, and its stealing done by hand from whole blocks: this is also what
 * libcrypto is held against before it is believed.
 */
#include "common/base/cleanup.h"
#include "tests/kernels/known.h"
#include "tests/kernels/oracle.h"
#include "tests/support/random.h"
#include "tests/support/test.h"
#include "tests/support/vectors.h"

#include <stdlib.h>
#include <string.h>

enum {
    UNIT_LEN = 512,
    NUM_VECTORS = 5,
    LONGEST_BY_HAND = 100
};

static void libcrypto_knows(const struct known_unit *known)
{
    COMMON_CLEANUP_FREE uint8_t *made = malloc(known->len);
    assert_non_null(made);
    struct oracle *oracle = oracle_new(known->key);
    for (enum xts_direction way = XTS_ENCRYPT; way < XTS_NUM_DIRECTIONS; way++) {
        oracle_units(oracle, way, made, known->bytes[way], known->len, 1, known->number);
        assert_memory_equal(made, known->bytes[1 - way], known->len);
    }
    oracle_free(&oracle);
}

static void vectors_of_annex_b(void **state)
{
    (void)state;
    struct machine_kernels kernels = machine_kernels();
    struct vectors *vectors = NULL;
    assert_int_equal(vectors_open(&vectors, TEST_DATA_DIR "/xts-ieee1619.rsp"), 0);
    size_t num_tried = 0;
    while (vectors_must_next(vectors)) {
        size_t lens[3];
        COMMON_CLEANUP_FREE uint8_t *key = vectors_must_hex(vectors, &lens[0], "Key");
        COMMON_CLEANUP_FREE uint8_t *plaintext = vectors_must_hex(vectors, &lens[1], "PT");
        COMMON_CLEANUP_FREE uint8_t *ciphertext = vectors_must_hex(vectors, &lens[2], "CT");
        assert_int_equal(lens[0], XTSVOL_XTS_KEY_LEN);
        assert_int_equal(lens[1], UNIT_LEN);
        assert_int_equal(lens[2], UNIT_LEN);
        const struct known_unit known = {
            .name = vectors_must_text(vectors, "COUNT"),
            .key = key,
            .number = xtsvol_unit(vectors_must_number(vectors, "Number")),
            .bytes = {plaintext, ciphertext},
            .len = UNIT_LEN,
        };
        libcrypto_knows(&known);
        known_try(&kernels, &known);
        num_tried++;
    }
    vectors_close(&vectors);
    assert_int_equal(num_tried, NUM_VECTORS);
}

/* 5.3.2, with m - 1 the last whole block: CC = Enc(P[m-1]) under its own tweak; C[m] is the front
 * of CC, and what is left of CC follows P[m] into Enc under the next tweak, which gives C[m-1]. */
static void encrypt_by_hand(struct oracle *oracle, uint8_t *out, const uint8_t *in, size_t len,
                            struct xtsvol_unit_number number)
{
    uint8_t tweak[XTS_BLOCK_LEN];
    oracle_first_tweak(oracle, tweak, number);
    size_t num_whole = len / XTS_BLOCK_LEN;
    size_t part_len = len % XTS_BLOCK_LEN;
    oracle_blocks(oracle, XTS_ENCRYPT, tweak, out, in, num_whole);
    if (part_len == 0)
        return;
    uint8_t *last_whole = out + (num_whole - 1) * XTS_BLOCK_LEN;
    uint8_t block[XTS_BLOCK_LEN];
    memcpy(block, in + num_whole * XTS_BLOCK_LEN, part_len);
    memcpy(block + part_len, last_whole + part_len, XTS_BLOCK_LEN - part_len);
    memcpy(out + num_whole * XTS_BLOCK_LEN, last_whole, part_len);
    oracle_blocks(oracle, XTS_ENCRYPT, tweak, last_whole, block, 1);
}

static void stealing_by_hand_gives_the_same(void **state)
{
    (void)state;
    struct machine_kernels kernels = machine_kernels();
    struct test_random random = test_random_begin("stealing");
    for (size_t len = XTSVOL_XTS_UNIT_MIN; len <= LONGEST_BY_HAND; len++) {
        uint8_t key[XTSVOL_XTS_KEY_LEN];
        uint8_t plaintext[LONGEST_BY_HAND];
        uint8_t ciphertext[LONGEST_BY_HAND];
        test_random_bytes(&random, key, sizeof(key));
        test_random_bytes(&random, plaintext, len);
        const struct known_unit known = {
            .name = "by hand",
            .key = key,
            .number = {.low = test_random_next(&random), .high = test_random_next(&random)},
            .bytes = {plaintext, ciphertext},
            .len = len,
        };
        struct oracle *oracle = oracle_new(key);
        encrypt_by_hand(oracle, ciphertext, plaintext, len, known.number);
        oracle_free(&oracle);
        libcrypto_knows(&known);
        known_try(&kernels, &known);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_annex_b),
        cmocka_unit_test(stealing_by_hand_gives_the_same),
    };
    return cmocka_run_group_tests_name("kernel_ieee1619", tests, NULL, NULL);
}
