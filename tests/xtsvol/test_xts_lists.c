/* SPDX-License-Identifier: Apache-2.0 */
/* xtsvol_xts_encryptv() and xtsvol_xts_decryptv(): units that lie in lists of buffers. */
#include "common/base/cleanup.h"
#include "tests/kernels/machine.h"
#include "tests/kernels/oracle.h"
#include "tests/xtsvol/cuts.h"
#include "tests/xtsvol/handle.h"

#include <stdlib.h>
#include <string.h>

enum {
    BUFFER_LEN = 1 << 16,
    NUM_RANDOM = 3000,
    UNTOUCHED = 0x77
};

typedef int crypt_fn(const struct xtsvol_xts_key *key, const struct iovec *out, size_t num_out,
                     const struct iovec *in, size_t num_in, size_t unit_len,
                     struct xtsvol_unit_number first);

static crypt_fn *const functions[XTS_NUM_DIRECTIONS] = {xtsvol_xts_encryptv, xtsvol_xts_decryptv};

static struct test_random random_state;
static struct handle_key keys;
static uint8_t input[BUFFER_LEN];
static uint8_t expected[BUFFER_LEN];
static uint8_t made[BUFFER_LEN];

static int make_key(void **state)
{
    (void)state;
    random_state = test_random_begin("xts lists");
    keys = handle_key_new(&random_state);
    test_random_bytes(&random_state, input, sizeof(input));
    return 0;
}

static int drop_key(void **state)
{
    (void)state;
    handle_key_free(&keys);
    return 0;
}

struct job {
    enum xts_direction way;
    size_t unit_len;
    size_t num_units;
    struct xtsvol_unit_number first;
};

/* From one list into another, and back in place. */
static void try_lists(const struct job *job, struct cuts *out, struct cuts *in)
{
    size_t len = job->unit_len * job->num_units;
    cuts_put(in, input);
    assert_int_equal(functions[job->way](keys.key, out->buffers, out->num, in->buffers, in->num,
                                         job->unit_len, job->first),
                     0);
    cuts_get(out, made);
    assert_memory_equal(made, expected, len);
    cuts_get(in, made);
    assert_memory_equal(made, input, len);
    assert_int_equal(functions[1 - job->way](keys.key, out->buffers, out->num, out->buffers,
                                             out->num, job->unit_len, job->first),
                     0);
    cuts_get(out, made);
    assert_memory_equal(made, input, len);
    cuts_expect_gaps(out);
    cuts_expect_gaps(in);
    cuts_free(out);
    cuts_free(in);
}

static struct job random_job(void)
{
    struct test_random *random = &random_state;
    struct job job = {
        .way = test_random_chance(random, 50) ? XTS_ENCRYPT : XTS_DECRYPT,
        .unit_len = test_random_range(random, XTSVOL_XTS_UNIT_MIN,
                                      test_random_chance(random, 40) ? 100 : 4500),
        .first = {.low = test_random_next(random), .high = test_random_next(random) >> 1},
    };
    size_t most = BUFFER_LEN / job.unit_len;
    job.num_units = test_random_range(random, 1, most > 12 ? 12 : most);
    if (test_random_chance(random, 30))
        job.first.low = UINT64_MAX - test_random_below(random, job.num_units + 1);
    oracle_units(keys.oracle, job.way, expected, input, job.unit_len, job.num_units, job.first);
    return job;
}

static void lists_that_are_cut_at_random(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_RANDOM / machine_one_in(); i++) {
        struct job job = random_job();
        size_t len = job.unit_len * job.num_units;
        struct cuts out = cuts_new(&random_state, len);
        struct cuts in = cuts_new(&random_state, len);
        try_lists(&job, &out, &in);
    }
}

/* Two buffers on each side, cut at every pair of places. */
static void every_pair_of_cuts(void **state)
{
    (void)state;
    static const size_t unit_lens[] = {16, 17, 31, 32, 40, 63};
    size_t num_cases = 0;
    for (size_t i = 0; i < ARRAY_LEN(unit_lens); i++) {
        struct job job = {.way = (enum xts_direction)(i % 2),
                          .unit_len = unit_lens[i],
                          .num_units = 2,
                          .first = {.low = UINT64_MAX, .high = i}};
        size_t len = job.unit_len * job.num_units;
        oracle_units(keys.oracle, job.way, expected, input, job.unit_len, job.num_units, job.first);
        for (size_t a = 0; a <= len; a++) {
            for (size_t b = 0; b <= len; b++) {
                if (num_cases++ % machine_one_in() != 0)
                    continue;
                struct cuts out = cuts_of((const size_t[]){a, len - a}, 2);
                struct cuts in = cuts_of((const size_t[]){b, len - b}, 2);
                try_lists(&job, &out, &in);
            }
        }
    }
}

static void buffers_of_single_bytes(void **state)
{
    (void)state;
    static const size_t unit_lens[] = {16, 17, 31, 33, 95};
    static size_t ones[CUTS_MAX];
    for (size_t i = 0; i < CUTS_MAX; i++)
        ones[i] = 1;
    for (size_t i = 0; i < ARRAY_LEN(unit_lens); i++) {
        struct job job = {.unit_len = unit_lens[i], .num_units = 3, .first = xtsvol_unit(i)};
        size_t len = job.unit_len * job.num_units;
        oracle_units(keys.oracle, job.way, expected, input, job.unit_len, job.num_units, job.first);
        struct cuts bytes = cuts_of(ones, len);
        struct cuts whole = cuts_of(&len, 1);
        try_lists(&job, &bytes, &whole);
        bytes = cuts_of(ones, len);
        whole = cuts_of(&len, 1);
        try_lists(&job, &whole, &bytes);
    }
}

static void put_in_a_row(struct cuts *list, uint8_t *at)
{
    for (size_t i = 0; i < list->num; i++) {
        list->buffers[i].iov_base = at;
        at += list->buffers[i].iov_len;
    }
}

/* Each byte goes to its own place, but the two lists are not cut alike. */
static void in_place_with_other_cuts(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_RANDOM / machine_one_in(); i++) {
        struct job job = random_job();
        size_t len = job.unit_len * job.num_units;
        struct cuts out = cuts_new(&random_state, len);
        struct cuts in = cuts_new(&random_state, len);
        put_in_a_row(&out, made);
        put_in_a_row(&in, made);
        memcpy(made, input, len);
        assert_int_equal(functions[job.way](keys.key, out.buffers, out.num, in.buffers, in.num,
                                            job.unit_len, job.first),
                         0);
        assert_memory_equal(made, expected, len);
        cuts_free(&out);
        cuts_free(&in);
    }
}

static void expect_refusal(const struct xtsvol_xts_key *key, const struct iovec *out,
                           size_t num_out, const struct iovec *in, size_t num_in, size_t unit_len,
                           struct xtsvol_unit_number first)
{
    for (size_t i = 0; i < XTS_NUM_DIRECTIONS; i++) {
        memset(made, UNTOUCHED, sizeof(made));
        assert_int_equal(functions[i](key, out, num_out, in, num_in, unit_len, first),
                         XTSVOL_ERR_INVALID);
        for (size_t at = 0; at < sizeof(made); at++)
            assert_int_equal(made[at], UNTOUCHED);
    }
}

static void sums_that_differ_are_refused(void **state)
{
    (void)state;
    const struct xtsvol_unit_number first = xtsvol_unit(0);
    const struct iovec out[] = {{made, 512}, {made + 512, 512}};
    const struct iovec in[] = {{input, 512}, {input + 512, 512}};
    expect_refusal(keys.key, out, 2, in, 1, 512, first);
    expect_refusal(keys.key, out, 1, in, 2, 512, first);
    expect_refusal(keys.key, out, 0, in, 1, 512, first);
    expect_refusal(keys.key, out, 1, in, 0, 512, first);
    expect_refusal(keys.key, NULL, 0, in, 1, 512, first);
    const struct iovec short_by_one = {input, 511};
    expect_refusal(keys.key, out, 1, &short_by_one, 1, 512, first);
}

static void what_single_buffers_must_not_be_lists_must_not_either(void **state)
{
    (void)state;
    const struct iovec out = {made, 1024};
    const struct iovec in = {input, 1024};
    const struct xtsvol_unit_number zero = xtsvol_unit(0);
    const struct xtsvol_unit_number last = {.low = UINT64_MAX, .high = UINT64_MAX};
    expect_refusal(NULL, &out, 1, &in, 1, 512, zero);
    expect_refusal(keys.key, &out, 1, &in, 1, 0, zero);
    expect_refusal(keys.key, &out, 1, &in, 1, 15, zero);
    expect_refusal(keys.key, &out, 1, &in, 1, 1000, zero);
    expect_refusal(keys.key, &out, 1, &in, 1, XTSVOL_XTS_UNIT_MAX + 1, zero);
    expect_refusal(keys.key, &out, 1, &in, 1, 512, last);
    assert_int_equal(xtsvol_xts_encryptv(keys.key, &out, 1, &in, 1, 1024, last), 0);
    oracle_units(keys.oracle, XTS_ENCRYPT, expected, input, 1024, 1, last);
    assert_memory_equal(made, expected, 1024);
}

static void null_is_refused_where_there_is_a_length(void **state)
{
    (void)state;
    const struct xtsvol_unit_number first = xtsvol_unit(0);
    const struct iovec out = {made, 512};
    const struct iovec in = {input, 512};
    const struct iovec null_among[] = {{made, 256}, {NULL, 256}};
    const struct iovec null_input[] = {{NULL, 1}, {input, 511}};
    expect_refusal(keys.key, null_among, 2, &in, 1, 512, first);
    expect_refusal(keys.key, &out, 1, null_input, 2, 512, first);
    expect_refusal(keys.key, NULL, 1, &in, 1, 512, first);
    expect_refusal(keys.key, &out, 1, NULL, 1, 512, first);
}

static void sums_that_overflow_are_refused(void **state)
{
    (void)state;
    const struct xtsvol_unit_number first = xtsvol_unit(0);
    /* Both add up to 512 when a carry is lost. */
    const struct iovec out[] = {{made, SIZE_MAX - 511}, {made, 1024}};
    const struct iovec in[] = {{input, SIZE_MAX - 255}, {input, 256 + 512}};
    const struct iovec honest = {input, 512};
    expect_refusal(keys.key, out, 2, in, 2, 512, first);
    expect_refusal(keys.key, out, 2, &honest, 1, 512, first);
}

static void nothing_at_all_is_no_work(void **state)
{
    (void)state;
    memset(made, UNTOUCHED, sizeof(made));
    const struct iovec empty[] = {{NULL, 0}, {made, 0}};
    for (size_t i = 0; i < XTS_NUM_DIRECTIONS; i++) {
        assert_int_equal(functions[i](keys.key, empty, 2, empty, 1, 512, xtsvol_unit(0)), 0);
        assert_int_equal(functions[i](keys.key, NULL, 0, NULL, 0, 512, xtsvol_unit(0)), 0);
        assert_int_equal(made[0], UNTOUCHED);
    }
}

static void as_many_buffers_as_allowed_and_no_more(void **state)
{
    (void)state;
    size_t num = XTSVOL_XTS_IOV_MAX;
    COMMON_CLEANUP_FREE struct iovec *many = calloc(num + 1, sizeof(*many));
    assert_non_null(many);
    for (size_t i = 0; i < num; i++)
        many[i] = (struct iovec){made + i % BUFFER_LEN, i < BUFFER_LEN};
    many[num] = (struct iovec){made, 0};
    size_t len = num < BUFFER_LEN ? num : BUFFER_LEN;
    const struct iovec in = {input, len};
    expect_refusal(keys.key, many, num + 1, &in, 1, 512, xtsvol_unit(0));
    expect_refusal(keys.key, &(const struct iovec){made, len}, 1, many, num + 1, 512,
                   xtsvol_unit(0));
    expect_refusal(keys.key, many, SIZE_MAX, many, SIZE_MAX, 512, xtsvol_unit(0));
    oracle_units(keys.oracle, XTS_ENCRYPT, expected, input, 512, len / 512, xtsvol_unit(0));
    assert_int_equal(xtsvol_xts_encryptv(keys.key, many, num, &in, 1, 512, xtsvol_unit(0)), 0);
    assert_memory_equal(made, expected, len);
}

#define WITH_KEY(test) cmocka_unit_test_setup_teardown(test, make_key, drop_key)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_KEY(lists_that_are_cut_at_random),
        WITH_KEY(every_pair_of_cuts),
        WITH_KEY(buffers_of_single_bytes),
        WITH_KEY(in_place_with_other_cuts),
        WITH_KEY(sums_that_differ_are_refused),
        WITH_KEY(what_single_buffers_must_not_be_lists_must_not_either),
        WITH_KEY(null_is_refused_where_there_is_a_length),
        WITH_KEY(sums_that_overflow_are_refused),
        WITH_KEY(nothing_at_all_is_no_work),
        WITH_KEY(as_many_buffers_as_allowed_and_no_more),
    };
    return HANDLE_RUN("xts_lists", tests);
}
