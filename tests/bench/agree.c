/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/agree.h"

#include "common/base/cleanup.h"

#include <stdlib.h>
#include <string.h>

enum {
    LEN = 2 * 65536
};

static void fill(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)((i * i >> 5) + i);
}

/* The engine of `xtsvol bench --verify`, which encrypts apart and decrypts in place. */
static int agree_apart(const struct compare_party *parties, size_t num_parties, size_t unit_len,
                       size_t stream_len, const char **out_name)
{
    COMPARE_CLEANUP struct compare compare;
    int error = compare_begin(&compare, parties, num_parties, &parties[0], unit_len);
    if (error)
        return error;
    size_t room = 0;
    uint8_t *out = compare_room(&compare, &room);
    fill(out, stream_len < room ? stream_len : room);
    error = compare_add(&compare, stream_len < room ? stream_len : room);
    if (!error)
        error = compare_finish(&compare);
    *out_name = compare.finding.name;
    return error;
}

/* What is measured is in place. */
static int agree_in_place(const struct compare_party *parties, size_t num_parties, size_t unit_len,
                          const char **out_name)
{
    COMMON_CLEANUP_FREE uint8_t *memory = malloc((size_t)3 * LEN);
    if (!memory)
        return COMMON_ERR_NO_MEMORY;
    uint8_t *plain = memory;
    uint8_t *reference = memory + LEN;
    uint8_t *buffer = memory + (size_t)2 * LEN;
    fill(plain, LEN);
    for (size_t i = 0; i < num_parties; i++) {
        *out_name = parties[i].name;
        memcpy(buffer, plain, LEN);
        int error = parties[i].crypt(parties[i].context, BENCH_ENCRYPT, buffer, buffer, LEN,
                                     unit_len, UINT32_MAX);
        if (error)
            return error;
        if (i == 0)
            memcpy(reference, buffer, LEN);
        if (memcmp(buffer, reference, LEN) != 0)
            return COMMON_ERR_CORRUPT;
        error = parties[i].crypt(parties[i].context, BENCH_DECRYPT, buffer, buffer, LEN, unit_len,
                                 UINT32_MAX);
        if (error)
            return error;
        if (memcmp(buffer, plain, LEN) != 0)
            return COMMON_ERR_CORRUPT;
    }
    return 0;
}

int parties_agree(const struct compare_party *parties, size_t num_parties, const char **out_name)
{
    static const size_t unit_lens[] = {16, 512, 4096, 65536};
    int error = 0;
    *out_name = NULL;
    for (size_t i = 0; !error && i < sizeof(unit_lens) / sizeof(unit_lens[0]); i++) {
        error = agree_in_place(parties, num_parties, unit_lens[i], out_name);
        /* Without a rest, and with one that ends in stealing. */
        if (!error)
            error = agree_apart(parties, num_parties, unit_lens[i], LEN, out_name);
        if (!error)
            error = agree_apart(parties, num_parties, unit_lens[i], LEN + 11, out_name);
    }
    return error;
}
