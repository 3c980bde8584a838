/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kernels/oracle.h"

#include "tests/support/test.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct oracle {
    EVP_CIPHER_CTX *units[XTS_NUM_DIRECTIONS];
    EVP_CIPHER_CTX *block[XTS_NUM_DIRECTIONS];
    EVP_CIPHER_CTX *tweak;
};

static EVP_CIPHER_CTX *cipher(const EVP_CIPHER *type, const uint8_t *key,
                              enum xts_direction direction)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    assert_non_null(context);
    assert_int_equal(
        EVP_CipherInit_ex(context, type, NULL, key, NULL, direction == XTS_ENCRYPT ? 1 : 0), 1);
    assert_int_equal(EVP_CIPHER_CTX_set_padding(context, 0), 1);
    return context;
}

struct oracle *oracle_new(const uint8_t key[XTSVOL_XTS_KEY_LEN])
{
    struct oracle *oracle = calloc(1, sizeof(*oracle));
    assert_non_null(oracle);
    for (enum xts_direction i = XTS_ENCRYPT; i < XTS_NUM_DIRECTIONS; i++) {
        oracle->units[i] = cipher(EVP_aes_256_xts(), key, i);
        oracle->block[i] = cipher(EVP_aes_256_ecb(), key, i);
    }
    oracle->tweak = cipher(EVP_aes_256_ecb(), key + XTSVOL_XTS_KEY_LEN / 2, XTS_ENCRYPT);
    return oracle;
}

void oracle_free(struct oracle **oracle)
{
    if (!*oracle)
        return;
    for (enum xts_direction i = XTS_ENCRYPT; i < XTS_NUM_DIRECTIONS; i++) {
        EVP_CIPHER_CTX_free((*oracle)->units[i]);
        EVP_CIPHER_CTX_free((*oracle)->block[i]);
    }
    EVP_CIPHER_CTX_free((*oracle)->tweak);
    free(*oracle);
    *oracle = NULL;
}

static void update(EVP_CIPHER_CTX *context, uint8_t *out, const uint8_t *in, size_t len)
{
    int out_len = 0;
    assert_int_equal(EVP_CipherUpdate(context, out, &out_len, in, (int)len), 1);
    assert_int_equal(out_len, len);
}

static void number_bytes(uint8_t out[XTS_BLOCK_LEN], struct xtsvol_unit_number number)
{
    for (unsigned i = 0; i < 8; i++) {
        out[i] = (uint8_t)(number.low >> 8 * i);
        out[8 + i] = (uint8_t)(number.high >> 8 * i);
    }
}

static void count_up(uint8_t number[XTS_BLOCK_LEN])
{
    for (size_t i = 0; i < XTS_BLOCK_LEN && ++number[i] == 0;)
        i++;
}

void oracle_units(struct oracle *oracle, enum xts_direction direction, uint8_t *out,
                  const uint8_t *in, size_t unit_len, size_t num_units,
                  struct xtsvol_unit_number first)
{
    EVP_CIPHER_CTX *context = oracle->units[direction];
    uint8_t number[XTS_BLOCK_LEN];
    number_bytes(number, first);
    for (size_t i = 0; i < num_units; i++) {
        assert_int_equal(EVP_CipherInit_ex(context, NULL, NULL, NULL, number, -1), 1);
        update(context, out + i * unit_len, in + i * unit_len, unit_len);
        count_up(number);
    }
}

/* 5.2, as it stands there: from byte to byte. */
static void next_tweak(uint8_t tweak[XTS_BLOCK_LEN])
{
    unsigned carry = 0;
    for (size_t i = 0; i < XTS_BLOCK_LEN; i++) {
        unsigned next = tweak[i] >> 7;
        tweak[i] = (uint8_t)((tweak[i] << 1 & 0xff) | carry);
        carry = next;
    }
    if (carry)
        tweak[0] ^= 0x87;
}

void oracle_blocks(struct oracle *oracle, enum xts_direction direction,
                   uint8_t tweak[XTS_BLOCK_LEN], uint8_t *out, const uint8_t *in, size_t num_blocks)
{
    for (size_t i = 0; i < num_blocks; i++) {
        uint8_t block[XTS_BLOCK_LEN];
        for (size_t j = 0; j < XTS_BLOCK_LEN; j++)
            block[j] = in[i * XTS_BLOCK_LEN + j] ^ tweak[j];
        update(oracle->block[direction], block, block, sizeof(block));
        for (size_t j = 0; j < XTS_BLOCK_LEN; j++)
            out[i * XTS_BLOCK_LEN + j] = block[j] ^ tweak[j];
        next_tweak(tweak);
    }
}

void oracle_first_tweak(struct oracle *oracle, uint8_t tweak[XTS_BLOCK_LEN],
                        struct xtsvol_unit_number number)
{
    uint8_t bytes[XTS_BLOCK_LEN];
    number_bytes(bytes, number);
    update(oracle->tweak, tweak, bytes, sizeof(bytes));
}
