/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/xtsvol/cuts.h"

#include "common/secmem/poison.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

enum {
    GAP = 0x5c,
    MAX_GAP = 24
};

/* Short ones are frequent: they are what makes blocks lie in several buffers. */
static size_t random_piece(struct test_random *random, size_t left)
{
    static const size_t most[] = {0, 1, 3, 15, 16, 17, 40, 600, 5000};
    size_t len = TEST_RANDOM_CHOOSE(random, most);
    if (test_random_chance(random, 60))
        len = test_random_below(random, len + 1);
    else if (test_random_chance(random, 20))
        len = len / 16 * 16;
    return len < left ? len : left;
}

static void lay_out(struct cuts *cuts, struct test_random *random)
{
    size_t order[CUTS_MAX] = {0};
    for (size_t i = 0; i < cuts->num; i++) {
        size_t at = random ? test_random_below(random, i + 1) : i;
        order[i] = order[at];
        order[at] = i;
        cuts->area_len += cuts->buffers[i].iov_len + MAX_GAP;
    }
    cuts->area_len += MAX_GAP;
    cuts->area = malloc(cuts->area_len);
    assert_non_null(cuts->area);
    memset(cuts->area, GAP, cuts->area_len);
    common_poison(cuts->area, cuts->area_len);
    size_t at = 0;
    for (size_t i = 0; i < cuts->num; i++) {
        struct iovec *buffer = &cuts->buffers[order[i]];
        at += random ? test_random_range(random, 1, MAX_GAP) : MAX_GAP;
        buffer->iov_base = cuts->area + at;
        common_unpoison(buffer->iov_base, buffer->iov_len);
        if (buffer->iov_len == 0 && random && test_random_chance(random, 50))
            buffer->iov_base = NULL;
        at += buffer->iov_len;
    }
}

struct cuts cuts_new(struct test_random *random, size_t len)
{
    struct cuts cuts = {.num = 0};
    while (len > 0) {
        size_t piece = cuts.num == CUTS_MAX - 1 ? len : random_piece(random, len);
        cuts.buffers[cuts.num++].iov_len = piece;
        len -= piece;
    }
    lay_out(&cuts, random);
    return cuts;
}

struct cuts cuts_of(const size_t *lens, size_t num)
{
    struct cuts cuts = {.num = num};
    assert_true(num <= CUTS_MAX);
    for (size_t i = 0; i < num; i++)
        cuts.buffers[i].iov_len = lens[i];
    lay_out(&cuts, NULL);
    return cuts;
}

void cuts_free(struct cuts *cuts)
{
    common_unpoison(cuts->area, cuts->area_len);
    free(cuts->area);
    *cuts = (struct cuts){.num = 0};
}

void cuts_put(const struct cuts *cuts, const uint8_t *bytes)
{
    for (size_t i = 0; i < cuts->num; i++) {
        if (cuts->buffers[i].iov_len == 0)
            continue;
        memcpy(cuts->buffers[i].iov_base, bytes, cuts->buffers[i].iov_len);
        bytes += cuts->buffers[i].iov_len;
    }
}

void cuts_get(const struct cuts *cuts, uint8_t *bytes)
{
    for (size_t i = 0; i < cuts->num; i++) {
        if (cuts->buffers[i].iov_len == 0)
            continue;
        memcpy(bytes, cuts->buffers[i].iov_base, cuts->buffers[i].iov_len);
        bytes += cuts->buffers[i].iov_len;
    }
}

/* Marks what belongs to a buffer, then looks at the rest. */
void cuts_expect_gaps(const struct cuts *cuts)
{
    uint8_t *is_inside = calloc(1, cuts->area_len);
    assert_non_null(is_inside);
    for (size_t i = 0; i < cuts->num; i++) {
        const uint8_t *base = cuts->buffers[i].iov_base;
        if (cuts->buffers[i].iov_len > 0)
            memset(is_inside + (base - cuts->area), 1, cuts->buffers[i].iov_len);
    }
    common_unpoison(cuts->area, cuts->area_len);
    size_t at = 0;
    while (at < cuts->area_len && (is_inside[at] || cuts->area[at] == GAP))
        at++;
    free(is_inside);
    assert_int_equal(at, cuts->area_len);
}
