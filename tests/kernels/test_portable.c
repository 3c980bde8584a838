/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle of the other kernels against what FIPS 197 and IEEE 1619 say themselves: each step of
 * the cipher against its definition on bytes, the whole against the published examples.
 */
#include "libxtsvol/src/xts/kernels/bitslice.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#include <string.h>

enum {
    NUM_STATES = 50
};

/* FIPS 197, C.3. */
static const uint8_t example_key[32] = {
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
    0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
};
static const uint8_t example_plaintext[XTS_BLOCK_LEN] = {
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
};
static const uint8_t example_ciphertext[XTS_BLOCK_LEN] = {
    0x8e, 0xa2, 0xb7, 0xca, 0x51, 0x67, 0x45, 0xbf, 0xea, 0xfc, 0x49, 0x90, 0x4b, 0x49, 0x60, 0x89,
};

/* 4.2: bit by bit. */
static uint8_t multiply(uint8_t a, uint8_t b)
{
    unsigned product = 0;
    for (unsigned bit = 0; bit < 8; bit++)
        product ^= (b >> bit & 1) * (unsigned)a << bit;
    for (unsigned bit = 14; bit >= 8; bit--)
        product ^= (product >> bit & 1) * 0x11b << (bit - 8);
    return (uint8_t)product;
}

/* 5.1.1: the inverse by looking for it, then b_i + b_(i+4) + b_(i+5) + b_(i+6) + b_(i+7) + c_i. */
static uint8_t substitute(uint8_t a)
{
    uint8_t inverse = 0;
    for (unsigned b = 1; b < 256 && a; b++) {
        if (multiply(a, (uint8_t)b) == 1)
            inverse = (uint8_t)b;
    }
    unsigned mapped = 0x63;
    for (unsigned i = 0; i < 8; i++) {
        for (unsigned of = 4; of <= 8; of++)
            mapped ^= ((unsigned)inverse >> (i + of) % 8 & 1) << i;
    }
    return (uint8_t)mapped;
}

static void to_planes(struct planes *out, const uint8_t blocks[BITSLICE_LEN])
{
    for (size_t i = 0; i < BITSLICE_BLOCKS; i++)
        out->bit[i] = bitslice_load(blocks + i * XTS_BLOCK_LEN);
    bitslice_transpose(out);
}

static void from_planes(uint8_t blocks[BITSLICE_LEN], struct planes *p)
{
    bitslice_transpose(p);
    for (size_t i = 0; i < BITSLICE_BLOCKS; i++)
        bitslice_store(blocks + i * XTS_BLOCK_LEN, p->bit[i]);
}

static void substitutes_as_defined(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first += BITSLICE_LEN) {
        uint8_t bytes[BITSLICE_LEN];
        struct planes p;
        for (unsigned i = 0; i < BITSLICE_LEN; i++)
            bytes[i] = (uint8_t)(first + i);
        to_planes(&p, bytes);
        bitslice_substitute(&p);
        from_planes(bytes, &p);
        for (unsigned i = 0; i < BITSLICE_LEN; i++)
            assert_int_equal(bytes[i] ^ 0x63, substitute((uint8_t)(first + i)));
    }
}

static void substitutes_back(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first += BITSLICE_LEN) {
        uint8_t bytes[BITSLICE_LEN];
        struct planes p;
        for (unsigned i = 0; i < BITSLICE_LEN; i++)
            bytes[i] = substitute((uint8_t)(first + i)) ^ 0x63;
        to_planes(&p, bytes);
        bitslice_unsubstitute(&p);
        from_planes(bytes, &p);
        for (unsigned i = 0; i < BITSLICE_LEN; i++)
            assert_int_equal(bytes[i], (uint8_t)(first + i));
    }
}

/* 5.1.2 and 5.1.3 with 4 r + c as byte c of row r; the state goes column by column (3.4). */
static void shift_and_mix(uint8_t out[XTS_BLOCK_LEN], const uint8_t in[XTS_BLOCK_LEN])
{
    for (unsigned c = 0; c < 4; c++) {
        uint8_t column[4];
        for (unsigned r = 0; r < 4; r++)
            column[r] = in[4 * ((c + r) % 4) + r];
        for (unsigned r = 0; r < 4; r++)
            out[4 * c + r] = multiply(2, column[r]) ^ multiply(3, column[(r + 1) % 4]) ^
                             column[(r + 2) % 4] ^ column[(r + 3) % 4];
    }
}

static void shifts_rows_and_mixes_columns_as_defined(void **state)
{
    (void)state;
    struct test_random random = test_random_begin("rows and columns");
    for (unsigned n = 0; n < NUM_STATES; n++) {
        uint8_t in[BITSLICE_LEN];
        uint8_t out[BITSLICE_LEN];
        uint8_t expected[BITSLICE_LEN];
        struct planes p;
        test_random_bytes(&random, in, sizeof(in));
        for (size_t at = 0; at < sizeof(in); at += XTS_BLOCK_LEN)
            shift_and_mix(expected + at, in + at);

        to_planes(&p, in);
        bitslice_shift_rows(&p, XTS_ENCRYPT);
        bitslice_mix_columns(&p);
        struct planes back = p;
        from_planes(out, &p);
        assert_memory_equal(out, expected, sizeof(out));

        bitslice_unmix_columns(&back);
        bitslice_shift_rows(&back, XTS_DECRYPT);
        from_planes(out, &back);
        assert_memory_equal(out, in, sizeof(out));
    }
}

/* The same key twice, which only a schedule takes: a key of the public calls must have two. */
static void expand_example(struct xts_schedule *out)
{
    uint8_t key[XTSVOL_XTS_KEY_LEN];
    memcpy(key, example_key, sizeof(example_key));
    memcpy(key + sizeof(example_key), example_key, sizeof(example_key));
    xv_schedule_expand(out, key);
}

/* Words 8 to 11 and 56 to 59 of A.3. */
static void expands_the_example_of_fips_197(void **state)
{
    (void)state;
    static const uint8_t key[XTSVOL_XTS_KEY_LEN] = {
        0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae,
        0xf0, 0x85, 0x7d, 0x77, 0x81, 0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61,
        0x08, 0xd7, 0x2d, 0x98, 0x10, 0xa3, 0x09, 0x14, 0xdf, 0xf4,
    };
    static const uint8_t words_8[XTS_BLOCK_LEN] = {
        0x9b, 0xa3, 0x54, 0x11, 0x8e, 0x69, 0x25, 0xaf,
        0xa5, 0x1a, 0x8b, 0x5f, 0x20, 0x67, 0xfc, 0xde,
    };
    static const uint8_t words_56[XTS_BLOCK_LEN] = {
        0xfe, 0x48, 0x90, 0xd1, 0xe6, 0x18, 0x8d, 0x0b,
        0x04, 0x6d, 0xf3, 0x44, 0x70, 0x6c, 0x63, 0x1e,
    };
    struct xts_schedule schedule;
    xv_schedule_expand(&schedule, key);
    assert_memory_equal(schedule.encrypt, key, 32);
    assert_memory_equal(schedule.encrypt + 32, words_8, sizeof(words_8));
    assert_memory_equal(schedule.encrypt + 224, words_56, sizeof(words_56));
    assert_memory_equal(schedule.decrypt, words_56, sizeof(words_56));
    assert_memory_equal(schedule.decrypt + 224, key, XTS_BLOCK_LEN);
}

/* With a tweak of zero, which stays zero, XTS is AES alone. */
static void blocks_at_any_place_of_a_pass_are_aes(void **state)
{
    (void)state;
    enum {
        MAX_BLOCKS = 2 * BITSLICE_BLOCKS + 1
    };
    const uint8_t *const example[XTS_NUM_DIRECTIONS] = {example_plaintext, example_ciphertext};
    struct xts_schedule schedule;
    expand_example(&schedule);
    for (enum xts_direction way = XTS_ENCRYPT; way < XTS_NUM_DIRECTIONS; way++) {
        for (size_t num_blocks = 0; num_blocks <= MAX_BLOCKS; num_blocks++) {
            uint8_t data[(MAX_BLOCKS + 1) * XTS_BLOCK_LEN];
            uint8_t tweak[XTS_BLOCK_LEN] = {0};
            for (size_t i = 0; i <= MAX_BLOCKS; i++)
                memcpy(data + i * XTS_BLOCK_LEN, example[way], XTS_BLOCK_LEN);
            xv_kernel_portable.blocks[way](&schedule, tweak, data, data, num_blocks);
            for (size_t i = 0; i <= MAX_BLOCKS; i++)
                assert_memory_equal(data + i * XTS_BLOCK_LEN,
                                    example[i < num_blocks ? 1 - way : way], XTS_BLOCK_LEN);
        }
    }
}

static void the_first_tweak_is_aes_of_the_number(void **state)
{
    (void)state;
    struct xts_schedule schedule;
    uint8_t tweak[XTS_BLOCK_LEN];
    const struct xtsvol_unit_number number = {
        .low = common_get_le64(example_plaintext),
        .high = common_get_le64(example_plaintext + 8),
    };
    expand_example(&schedule);
    xv_kernel_portable.first_tweak(&schedule, tweak, number);
    assert_memory_equal(tweak, example_ciphertext, sizeof(tweak));
}

/* IEEE 1619, annex B, vector 10: the front of its unit, since blocks do not hang together. */
static void encrypts_the_vector_of_ieee_1619(void **state)
{
    (void)state;
    static const uint8_t key[XTSVOL_XTS_KEY_LEN] = {
        0x27, 0x18, 0x28, 0x18, 0x28, 0x45, 0x90, 0x45, 0x23, 0x53, 0x60, 0x28, 0x74,
        0x71, 0x35, 0x26, 0x62, 0x49, 0x77, 0x57, 0x24, 0x70, 0x93, 0x69, 0x99, 0x59,
        0x57, 0x49, 0x66, 0x96, 0x76, 0x27, 0x31, 0x41, 0x59, 0x26, 0x53, 0x58, 0x97,
        0x93, 0x23, 0x84, 0x62, 0x64, 0x33, 0x83, 0x27, 0x95, 0x02, 0x88, 0x41, 0x97,
        0x16, 0x93, 0x99, 0x37, 0x51, 0x05, 0x82, 0x09, 0x74, 0x94, 0x45, 0x92,
    };
    static const uint8_t ciphertext[32] = {
        0x1c, 0x3b, 0x3a, 0x10, 0x2f, 0x77, 0x03, 0x86, 0xe4, 0x83, 0x6c,
        0x99, 0xe3, 0x70, 0xcf, 0x9b, 0xea, 0x00, 0x80, 0x3f, 0x5e, 0x48,
        0x23, 0x57, 0xa4, 0xae, 0x12, 0xd4, 0x14, 0xa3, 0xe6, 0x3b,
    };
    struct xts_schedule schedule;
    uint8_t plaintext[sizeof(ciphertext)];
    uint8_t made[sizeof(ciphertext)];
    for (size_t i = 0; i < sizeof(plaintext); i++)
        plaintext[i] = (uint8_t)i;
    xv_schedule_expand(&schedule, key);
    xv_kernel_portable.units[XTS_ENCRYPT](&schedule, made, plaintext, sizeof(made),
                                          xtsvol_unit(0xff), 1);
    assert_memory_equal(made, ciphertext, sizeof(made));
    xv_kernel_portable.units[XTS_DECRYPT](&schedule, made, made, sizeof(made), xtsvol_unit(0xff),
                                          1);
    assert_memory_equal(made, plaintext, sizeof(made));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(substitutes_as_defined),
        cmocka_unit_test(substitutes_back),
        cmocka_unit_test(shifts_rows_and_mixes_columns_as_defined),
        cmocka_unit_test(expands_the_example_of_fips_197),
        cmocka_unit_test(blocks_at_any_place_of_a_pass_are_aes),
        cmocka_unit_test(the_first_tweak_is_aes_of_the_number),
        cmocka_unit_test(encrypts_the_vector_of_ieee_1619),
    };
    return cmocka_run_group_tests_name("portable", tests, NULL, NULL);
}
