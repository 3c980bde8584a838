/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/compare.h"

#include "common/base/ct.h"

#include <string.h>

enum {
    CHUNK_LEN = 1 << 20, /* bytes at a time, unless a unit is longer */
    TAIL_LEN = XTSVOL_XTS_UNIT_MIN
};

int compare_begin(struct compare *out, const struct compare_party *parties, size_t num_parties,
                  const struct compare_party *reference, size_t unit_len)
{
    *out = (struct compare){
        .parties = parties,
        .num_parties = num_parties,
        .reference = reference,
        .unit_len = unit_len,
        .whole_len = unit_len < CHUNK_LEN ? CHUNK_LEN / unit_len * unit_len : unit_len,
    };
    out->plain = malloc(out->whole_len + TAIL_LEN);
    out->cipher = malloc(out->whole_len + TAIL_LEN);
    out->scratch = malloc(out->whole_len + TAIL_LEN);
    if (out->plain && out->cipher && out->scratch)
        return 0;
    out->whole_len = 0;
    compare_wipe(out);
    return COMMON_ERR_NO_MEMORY;
}

void compare_wipe(struct compare *compare)
{
    uint8_t **buffers[] = {&compare->plain, &compare->cipher, &compare->scratch};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) {
        if (*buffers[i] && compare->whole_len != 0)
            common_wipe(*buffers[i], compare->whole_len + TAIL_LEN);
        free(*buffers[i]);
        *buffers[i] = NULL;
    }
}

uint8_t *compare_room(struct compare *compare, size_t *out_len)
{
    *out_len = compare->whole_len + TAIL_LEN - compare->plain_len;
    return compare->plain + compare->plain_len;
}

/* Notes where two buffers differ first. */
static int check_equal(struct compare *compare, const char *name, enum bench_op op,
                       const uint8_t *is, const uint8_t *should_be, size_t len)
{
    if (common_ct_equal(is, should_be, len))
        return 0;
    size_t at = 0;
    while (at < len && is[at] == should_be[at])
        at++;
    compare->finding =
        (struct compare_finding){.name = name, .op = op, .offset = compare->done + at};
    return COMMON_ERR_CORRUPT;
}

static int run_party(struct compare *compare, const struct compare_party *party, enum bench_op op,
                     uint8_t *out, const uint8_t *in, size_t len, size_t unit_len)
{
    int error = party->crypt(party->context, op, out, in, len, unit_len, compare->unit);
    if (error)
        compare->finding =
            (struct compare_finding){.name = party->name, .op = op, .offset = compare->done};
    return error;
}

/* V2 for one party. */
static int compare_party(struct compare *compare, const struct compare_party *party,
                         const uint8_t *plain, size_t len, size_t unit_len)
{
    uint8_t *scratch = compare->scratch;
    int error = run_party(compare, party, BENCH_ENCRYPT, scratch, plain, len, unit_len);
    if (!error)
        error = check_equal(compare, party->name, BENCH_ENCRYPT, scratch, compare->cipher, len);
    if (!error)
        error = run_party(compare, party, BENCH_DECRYPT, scratch, scratch, len, unit_len);
    if (!error)
        error = check_equal(compare, party->name, BENCH_DECRYPT, scratch, plain, len);
    return error;
}

static int compare_units(struct compare *compare, const uint8_t *plain, size_t len, size_t unit_len)
{
    if (len == 0)
        return 0;
    int error = run_party(compare, compare->reference, BENCH_ENCRYPT, compare->cipher, plain, len,
                          unit_len);
    for (size_t i = 0; !error && i < compare->num_parties; i++)
        error = compare_party(compare, &compare->parties[i], plain, len, unit_len);
    if (error)
        return error;
    compare->done += len;
    compare->unit += len / unit_len;
    return 0;
}

int compare_add(struct compare *compare, size_t len)
{
    compare->plain_len += len;
    if (compare->plain_len < compare->whole_len + TAIL_LEN)
        return 0;
    int error = compare_units(compare, compare->plain, compare->whole_len, compare->unit_len);
    memcpy(compare->plain, compare->plain + compare->whole_len, TAIL_LEN);
    compare->plain_len = TAIL_LEN;
    return error;
}

int compare_finish(struct compare *compare)
{
    size_t len = compare->plain_len;
    if (len < XTSVOL_XTS_UNIT_MIN)
        return COMMON_ERR_INVALID;
    size_t last_len = len % compare->unit_len;
    size_t handed_on = 0;
    if (last_len > 0 && last_len < XTSVOL_XTS_UNIT_MIN) { /* V1 */
        if (compare->unit_len + last_len <= XTSVOL_XTS_UNIT_MAX)
            last_len += compare->unit_len;
        else
            handed_on = XTSVOL_XTS_UNIT_MIN;
    }
    const uint8_t *plain = compare->plain;
    size_t cut_len = handed_on ? compare->unit_len - handed_on : 0;
    last_len += handed_on;
    size_t whole_len = len - last_len - cut_len;
    int error = compare_units(compare, plain, whole_len, compare->unit_len);
    if (!error)
        error = compare_units(compare, plain + whole_len, cut_len, cut_len);
    if (!error)
        error = compare_units(compare, plain + whole_len + cut_len, last_len, last_len);
    compare->plain_len = 0;
    return error;
}
