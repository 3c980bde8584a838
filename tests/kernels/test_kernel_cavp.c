/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NIST's vectors (CAVP, XTSGenAES256) in both forms of the tweak. A part of them has data units of
 * 140 and 250 bits; we have whole bytes, as storage has.
 */
#include "common/base/cleanup.h"
#include "tests/kernels/known.h"
#include "tests/support/test.h"
#include "tests/support/vectors.h"

#include <stdlib.h>
#include <string.h>

#define TWEAK_FILE CAVP_DIR "/tweak-128hexstr/XTSGenAES256.rsp"
#define NUMBER_FILE CAVP_DIR "/tweak-dataunitseqno/XTSGenAES256.rsp"

static uint8_t *must_hex_of(struct vectors *vectors, const char *key, size_t len)
{
    size_t found = 0;
    uint8_t *bytes = vectors_must_hex(vectors, &found, key);
    assert_int_equal(found, len);
    return bytes;
}

static struct xtsvol_unit_number number_of(struct vectors *vectors)
{
    if (vectors_has(vectors, "DataUnitSeqNumber"))
        return xtsvol_unit(vectors_must_number(vectors, "DataUnitSeqNumber"));
    COMMON_CLEANUP_FREE uint8_t *bytes = must_hex_of(vectors, "i", XTS_BLOCK_LEN);
    struct xtsvol_unit_number number = {0};
    for (unsigned i = 0; i < 8; i++) {
        number.low |= (uint64_t)bytes[i] << 8 * i;
        number.high |= (uint64_t)bytes[8 + i] << 8 * i;
    }
    return number;
}

static void try_record(const struct machine_kernels *kernels, struct vectors *vectors, size_t len)
{
    COMMON_CLEANUP_FREE uint8_t *key = must_hex_of(vectors, "Key", XTSVOL_XTS_KEY_LEN);
    COMMON_CLEANUP_FREE uint8_t *plaintext = must_hex_of(vectors, "PT", len);
    COMMON_CLEANUP_FREE uint8_t *ciphertext = must_hex_of(vectors, "CT", len);
    char name[64];
    (void)snprintf(name, sizeof(name), "%s %s", vectors_section(vectors),
                   vectors_must_text(vectors, "COUNT"));
    const struct known_unit known = {
        .name = name,
        .key = key,
        .number = number_of(vectors),
        .bytes = {plaintext, ciphertext},
        .len = len,
    };
    known_try(kernels, &known);
}

/* The same file read by other code, so that a record that the reader loses is missed. */
static size_t count_whole_bytes(const char *path)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t count = 0;
    char line[512];
    while (fgets(line, sizeof(line), file)) {
        static const char key[] = "DataUnitLen = ";
        if (strncmp(line, key, strlen(key)) == 0 && strtoul(line + strlen(key), NULL, 10) % 8 == 0)
            count++;
    }
    (void)fclose(file);
    return count;
}

static void try_file(const char *path)
{
    struct machine_kernels kernels = machine_kernels();
    struct vectors *vectors = NULL;
    assert_int_equal(vectors_open(&vectors, path), 0);
    size_t num_tried = 0;
    size_t num_left_out = 0;
    while (vectors_must_next(vectors)) {
        uint64_t bits = vectors_must_number(vectors, "DataUnitLen");
        if (bits % 8 != 0) {
            num_left_out++;
            continue;
        }
        try_record(&kernels, vectors, (size_t)bits / 8);
        num_tried++;
    }
    vectors_close(&vectors);
    (void)printf("# %zu vectors tried, %zu are not whole bytes\n", num_tried, num_left_out);
    (void)fflush(stdout);
    assert_true(num_tried > 0);
    assert_int_equal(num_tried, count_whole_bytes(path));
}

static void vectors_with_a_tweak_of_128_bits(void **state)
{
    (void)state;
    try_file(TWEAK_FILE);
}

static void vectors_with_a_sequence_number(void **state)
{
    (void)state;
    try_file(NUMBER_FILE);
}

int main(void)
{
    if (access(TWEAK_FILE, R_OK) != 0 || access(NUMBER_FILE, R_OK) != 0) {
        (void)puts("1..0 # SKIP NIST's vectors are not installed (python3-cryptography-vectors)");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_with_a_tweak_of_128_bits),
        cmocka_unit_test(vectors_with_a_sequence_number),
    };
    return cmocka_run_group_tests_name("kernel_cavp", tests, NULL, NULL);
}
