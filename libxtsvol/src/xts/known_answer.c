/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The known-answer test: a kernel that the CPU, a compiler or a bit of bad memory makes wrong must
 * not write a sector. There is an answer for each way through a kernel: stealing, many units of
 * whole groups, of less, and of groups with a rest, more units than a batch has, numbers that carry
 * into the high half, and one unit alone with and without a full pipeline; each first unit goes
 * through in pieces too, as a unit does that lies in several buffers.
 *
 * The answers were made with OpenSSL's AES-256-XTS; tests/xtsvol/test_known_answer.c makes them
 * again. They are kept as 64-bit FNV-1a sums: this is about faults, an attacker who can change the
 * code would change the answers too.
 */
#include "libxtsvol/src/xts/known_answer.h"
#include "common/base/ct.h"

#include <stdbool.h>
#include <string.h>

const struct xv_known_answer xv_known_answers[XV_NUM_KNOWN_ANSWERS] = {
    {.unit_len = 1041,
     .num_units = 3,
     .first = {.low = UINT64_MAX - 1, .high = 5},
     .sum = 0x1829efcffad7224d},
    {.unit_len = 512,
     .num_units = 9,
     .first = {.low = 0x0123456789abcdef},
     .sum = 0xe1ebf6dd58076f58},
    {.unit_len = 1056, .num_units = 1, .first = {.low = 77, .high = 1}, .sum = 0x17fa8abddb0c9b47},
    {.unit_len = 1024, .num_units = 1, .first = {.low = 78, .high = 1}, .sum = 0x852793a28fdfbeb9},
    {.unit_len = 80, .num_units = 1, .first = {.low = UINT32_MAX}, .sum = 0x7a8f8ec18e2af017},
    {.unit_len = 272,
     .num_units = 16,
     .first = {.low = UINT64_MAX - 5, .high = 1},
     .sum = 0xc6f9e762622a2083},
    {.unit_len = 16,
     .num_units = 140,
     .first = {.low = UINT32_MAX - 70},
     .sum = 0x37fc2911d4b8e1d9},
    {.unit_len = 256, .num_units = 18, .first = {.low = UINT64_MAX - 6}, .sum = 0xc702b878282c1689},
};

void xv_known_answer_input(uint8_t key[XTSVOL_XTS_KEY_LEN], uint8_t data[XV_KNOWN_ANSWER_LEN])
{
    for (size_t i = 0; i < XTSVOL_XTS_KEY_LEN; i++)
        key[i] = (uint8_t)(i * 73 + 11);
    for (size_t i = 0; i < XV_KNOWN_ANSWER_LEN; i++)
        data[i] = (uint8_t)(i ^ i >> 8);
}

uint64_t xv_known_answer_sum(const uint8_t *data, size_t len)
{
    uint64_t sum = 0xcbf29ce484222325;
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ data[i]) * 0x100000001b3;
    return sum;
}

/* A unit in two pieces, the second with the tweak that the first leaves. */
static void crypt_in_pieces(const struct xts_kernel *kernel, enum xts_direction direction,
                            const struct xts_schedule *schedule, uint8_t *unit, size_t unit_len,
                            struct xtsvol_unit_number number)
{
    uint8_t tweak[XTS_BLOCK_LEN];
    size_t last = unit_len - XTS_BLOCK_LEN;
    kernel->first_tweak(schedule, tweak, number);
    kernel->blocks[direction](schedule, tweak, unit, unit, last / XTS_BLOCK_LEN);
    kernel->blocks[direction](schedule, tweak, unit + last, unit + last, 1);
}

/* The first unit of `data`, whose ciphertext is known to be right, there and back. */
static bool is_right_in_pieces(const struct xts_kernel *kernel, const struct xts_schedule *schedule,
                               const struct xv_known_answer *answer, const uint8_t *ciphertext,
                               const uint8_t *data)
{
    uint8_t unit[XV_KNOWN_ANSWER_LEN];
    memcpy(unit, data, answer->unit_len);
    crypt_in_pieces(kernel, XTS_ENCRYPT, schedule, unit, answer->unit_len, answer->first);
    bool is_right = common_ct_equal(unit, ciphertext, answer->unit_len);
    crypt_in_pieces(kernel, XTS_DECRYPT, schedule, unit, answer->unit_len, answer->first);
    return is_right && common_ct_equal(unit, data, answer->unit_len);
}

int xv_known_answer_test(const struct xts_kernel *kernel)
{
    struct xts_schedule schedule;
    uint8_t key[XTSVOL_XTS_KEY_LEN];
    uint8_t data[XV_KNOWN_ANSWER_LEN];
    uint8_t work[XV_KNOWN_ANSWER_LEN];

    xv_known_answer_input(key, data);
    xv_schedule_expand(&schedule, key);
    bool is_right = true;
    for (size_t i = 0; i < XV_NUM_KNOWN_ANSWERS; i++) {
        const struct xv_known_answer *answer = &xv_known_answers[i];
        size_t len = answer->unit_len * answer->num_units;
        kernel->units[XTS_ENCRYPT](&schedule, work, data, answer->unit_len, answer->first,
                                   answer->num_units);
        is_right &= xv_known_answer_sum(work, len) == answer->sum;
        if (answer->unit_len % XTS_BLOCK_LEN == 0)
            is_right &= is_right_in_pieces(kernel, &schedule, answer, work, data);
        kernel->units[XTS_DECRYPT](&schedule, work, work, answer->unit_len, answer->first,
                                   answer->num_units);
        is_right &= common_ct_equal(work, data, len);
    }
    return is_right ? XTSVOL_OK : XTSVOL_ERR_INTERNAL;
}
