/* SPDX-License-Identifier: Apache-2.0 */
/* How `xtsvol bench --verify` cuts a stream into units, and that it sees who is wrong and where. */
#include "tests/support/random.h"
#include "tests/support/test.h"
#include "tools/xtsvol/compare.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_RUNS = 8
};

#define MIB ((size_t)1 << 20)

/* A party that is quick and knows its place: a byte becomes another by unit and place in the unit.
 * It notes the units that it was given, and may lie about one byte of the stream. */
struct fake {
    struct {
        size_t unit_len;
        uint64_t num;
    } runs[MAX_RUNS]; /* units of one length one after another */
    size_t num_runs;
    uint64_t num_units;
    uint64_t stream_len;
    bool lies;
    enum bench_op lies_about;
    uint64_t lies_at;
    bool idles; /* says that it is done, and is not */
    int fails;
};

static void note_units(struct fake *fake, size_t len, size_t unit_len, uint64_t first)
{
    assert_true(len > 0 && len % unit_len == 0);
    assert_true(unit_len >= XTSVOL_XTS_UNIT_MIN && unit_len <= XTSVOL_XTS_UNIT_MAX);
    assert_int_equal(first, fake->num_units);
    size_t last = fake->num_runs - 1;
    if (fake->num_runs == 0 || fake->runs[last].unit_len != unit_len) {
        last = fake->num_runs++;
        assert_true(last < MAX_RUNS);
        fake->runs[last].unit_len = unit_len;
    }
    fake->runs[last].num += len / unit_len;
    fake->num_units += len / unit_len;
    fake->stream_len += len;
}

static int fake_crypt(void *context, enum bench_op op, uint8_t *out, const uint8_t *in, size_t len,
                      size_t unit_len, uint64_t first)
{
    struct fake *fake = context;
    uint64_t offset = fake->stream_len;
    if (op == BENCH_DECRYPT)
        offset -= len; /* noted when it was encrypted */
    else
        note_units(fake, len, unit_len, first);
    if (fake->fails)
        return fake->fails;
    for (size_t i = 0; !fake->idles && i < len; i++)
        out[i] = in[i] ^ (uint8_t)((first + i / unit_len) * 37 + i % unit_len * 2 + 1);
    if (fake->lies && fake->lies_about == op && fake->lies_at >= offset &&
        fake->lies_at < offset + len)
        out[fake->lies_at - offset] ^= 0x80;
    return 0;
}

static struct compare_party party_of(const char *name, struct fake *fake)
{
    return (struct compare_party){.name = name, .crypt = fake_crypt, .context = fake};
}

/* Feeds stream_len bytes in pieces of at most piece_len. */
static int feed(struct compare *compare, uint64_t stream_len, size_t piece_len)
{
    int error = 0;
    for (uint64_t at = 0; !error && at < stream_len;) {
        size_t len = 0;
        uint8_t *room = compare_room(compare, &len);
        assert_true(len > 0);
        len = len < piece_len ? len : piece_len;
        len = len < stream_len - at ? len : (size_t)(stream_len - at);
        for (size_t i = 0; i < len; i++)
            room[i] = (uint8_t)((at + i) * 11 >> 3);
        at += len;
        error = compare_add(compare, len);
    }
    return error ? error : compare_finish(compare);
}

/* One honest reference and one party; what is found is left in *finding. */
static int compare_with(struct fake *fake, struct compare_finding *finding, uint64_t stream_len,
                        size_t unit_len, size_t piece_len)
{
    struct fake honest = {.num_runs = 0};
    const struct compare_party reference = party_of("reference", &honest);
    const struct compare_party party = party_of("party", fake);
    COMPARE_CLEANUP struct compare compare;
    assert_int_equal(compare_begin(&compare, &party, 1, &reference, unit_len), 0);
    int error = feed(&compare, stream_len, piece_len);
    if (!error)
        assert_int_equal(compare.done, stream_len);
    *finding = compare.finding;
    return error;
}

static void the_last_unit_takes_the_rest(void **state)
{
    (void)state;
    static const struct {
        uint64_t stream_len;
        size_t unit_len;
        struct {
            size_t unit_len;
            uint64_t num;
        } runs[3];
    } cases[] = {
        {16, 4096, {{16, 1}}},
        {17, 4096, {{17, 1}}},
        {4095, 4096, {{4095, 1}}},
        {4096, 4096, {{4096, 1}}},
        {4097, 4096, {{4097, 1}}},
        {4111, 4096, {{4111, 1}}},
        {4112, 4096, {{4096, 1}, {16, 1}}},
        {8192, 4096, {{4096, 2}}},
        {8193, 4096, {{4096, 1}, {4097, 1}}},
        {16, 16, {{16, 1}}},
        {31, 16, {{31, 1}}},
        {33, 16, {{16, 1}, {17, 1}}},
        {100, 17, {{17, 4}, {32, 1}}},
        /* around the end of a chunk, where it is not known yet whether the rest is short */
        {MIB, 4096, {{4096, 256}}},
        {MIB + 1, 4096, {{4096, 255}, {4097, 1}}},
        {MIB + 15, 4096, {{4096, 255}, {4111, 1}}},
        {MIB + 16, 4096, {{4096, 256}, {16, 1}}},
        {MIB + 17, 4096, {{4096, 256}, {17, 1}}},
        {2 * MIB + 15, 512, {{512, 4095}, {527, 1}}},
        {3 * MIB, 16, {{16, UINT64_C(3) * 65536}}},
        /* a unit that may not be longer */
        {16 * MIB, 16 * MIB, {{16 * MIB, 1}}},
        {16 * MIB + 1, 16 * MIB, {{16 * MIB - 16, 1}, {17, 1}}},
        {16 * MIB + 15, 16 * MIB, {{16 * MIB - 16, 1}, {31, 1}}},
        {16 * MIB + 16, 16 * MIB, {{16 * MIB, 1}, {16, 1}}},
        {32 * MIB + 1, 16 * MIB, {{16 * MIB, 1}, {16 * MIB - 16, 1}, {17, 1}}},
        {16 * MIB + 14, 16 * MIB - 1, {{16 * MIB - 17, 1}, {31, 1}}},
        {16 * MIB, 16 * MIB - 1, {{16 * MIB, 1}}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fake fake = {.num_runs = 0};
        struct compare_finding finding;
        assert_int_equal(
            compare_with(&fake, &finding, cases[i].stream_len, cases[i].unit_len, SIZE_MAX), 0);
        size_t num_runs = 0;
        while (num_runs < 3 && cases[i].runs[num_runs].num != 0)
            num_runs++;
        if (fake.num_runs != num_runs)
            fail_msg("case %zu: %zu runs", i, fake.num_runs);
        for (size_t j = 0; j < num_runs; j++) {
            assert_int_equal(fake.runs[j].unit_len, cases[i].runs[j].unit_len);
            assert_int_equal(fake.runs[j].num, cases[i].runs[j].num);
        }
    }
}

static void a_stream_that_is_shorter_than_a_unit_can_be_is_refused(void **state)
{
    (void)state;
    for (uint64_t len = 0; len < XTSVOL_XTS_UNIT_MIN; len++) {
        struct fake fake = {.num_runs = 0};
        struct compare_finding finding;
        assert_int_equal(compare_with(&fake, &finding, len, 4096, SIZE_MAX), COMMON_ERR_INVALID);
        assert_int_equal(fake.num_runs, 0);
    }
}

static void how_the_stream_comes_in_changes_nothing(void **state)
{
    (void)state;
    struct test_random random = test_random_begin("bench compare");
    for (unsigned i = 0; i < 60; i++) {
        uint64_t stream_len = test_random_range(&random, 16, 3 * MIB);
        size_t unit_len = (size_t)test_random_range(&random, 16, 70000);
        struct compare_finding finding;
        struct fake whole = {.num_runs = 0};
        struct fake pieces = {.num_runs = 0};
        assert_int_equal(compare_with(&whole, &finding, stream_len, unit_len, SIZE_MAX), 0);
        assert_int_equal(compare_with(&pieces, &finding, stream_len, unit_len,
                                      (size_t)test_random_range(&random, 1, 100000)),
                         0);
        assert_int_equal(whole.stream_len, stream_len);
        assert_memory_equal(&whole, &pieces, sizeof(whole));
    }
}

static void one_wrong_byte_is_found_wherever_it_is(void **state)
{
    (void)state;
    static const uint64_t places[] = {0,       1,   15,       16,       4095,        4096,
                                      MIB - 1, MIB, MIB + 15, MIB + 16, 2 * MIB - 1, 2 * MIB + 2};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        for (enum bench_op op = BENCH_ENCRYPT; op < BENCH_NUM_OPS; op++) {
            struct fake fake = {.lies = true, .lies_about = op, .lies_at = places[i]};
            struct compare_finding finding;
            assert_int_equal(compare_with(&fake, &finding, 2 * MIB + 3, 4096, 100000),
                             COMMON_ERR_CORRUPT);
            assert_string_equal(finding.name, "party");
            assert_int_equal(finding.op, op);
            assert_int_equal(finding.offset, places[i]);
        }
    }
}

static void the_one_that_is_wrong_is_named_among_others(void **state)
{
    (void)state;
    for (size_t liar = 0; liar < 3; liar++) {
        static const char *const names[] = {"one", "two", "three"};
        struct fake fakes[3] = {{.num_runs = 0}};
        struct compare_party parties[3];
        for (size_t i = 0; i < 3; i++)
            parties[i] = party_of(names[i], &fakes[i]);
        fakes[liar].lies = true;
        fakes[liar].lies_at = 20;
        struct fake honest = {.num_runs = 0};
        const struct compare_party reference = party_of("reference", &honest);
        COMPARE_CLEANUP struct compare compare;
        assert_int_equal(compare_begin(&compare, parties, 3, &reference, 512), 0);
        assert_int_equal(feed(&compare, 1000, SIZE_MAX), COMMON_ERR_CORRUPT);
        assert_string_equal(compare.finding.name, names[liar]);
        assert_int_equal(compare.finding.offset, 20);
    }
}

static void who_does_nothing_is_found_though_others_left_the_right_bytes(void **state)
{
    (void)state;
    struct fake fakes[2] = {{.num_runs = 0}, {.idles = true}};
    const struct compare_party parties[] = {party_of("busy", &fakes[0]),
                                            party_of("idle", &fakes[1])};
    struct fake honest = {.num_runs = 0};
    const struct compare_party reference = party_of("reference", &honest);
    COMPARE_CLEANUP struct compare compare;
    assert_int_equal(compare_begin(&compare, parties, 2, &reference, 512), 0);
    assert_int_equal(feed(&compare, 1000, SIZE_MAX), COMMON_ERR_CORRUPT);
    assert_string_equal(compare.finding.name, "idle");
}

static void a_party_that_fails_is_named_with_its_error(void **state)
{
    (void)state;
    struct fake fake = {.fails = COMMON_ERR_INTERNAL};
    struct compare_finding finding;
    assert_int_equal(compare_with(&fake, &finding, 1000, 512, SIZE_MAX), COMMON_ERR_INTERNAL);
    assert_string_equal(finding.name, "party");
    assert_int_equal(finding.op, BENCH_ENCRYPT);
}

/* The real kernels, lied about: what the tool would meet. */
struct liar {
    struct bench_kernel *kernel;
    uint64_t seen;
    uint64_t at;
};

static int crypt_and_lie(void *context, enum bench_op op, uint8_t *out, const uint8_t *in,
                         size_t len, size_t unit_len, uint64_t first)
{
    struct liar *liar = context;
    int error = bench_kernel_crypt(liar->kernel, op, out, in, len, unit_len, first);
    if (op == BENCH_ENCRYPT) {
        if (liar->at >= liar->seen && liar->at < liar->seen + len)
            out[liar->at - liar->seen] ^= 1;
        liar->seen += len;
    }
    return error;
}

static void a_kernel_that_lies_about_one_bit_is_caught(void **state)
{
    (void)state;
    uint8_t key[XTSVOL_XTS_KEY_LEN];
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(i * 5 + 1);
    BENCH_CLEANUP_KERNELS struct bench_kernels kernels = {.num = 0};
    assert_int_equal(bench_kernels_open(&kernels, key), 0);
    for (size_t i = 0; i < kernels.num; i++) {
        struct liar honest = {.kernel = &kernels.list[0], .at = UINT64_MAX};
        struct liar liar = {.kernel = &kernels.list[i], .at = 5000};
        const struct compare_party reference = {
            .name = "reference", .crypt = crypt_and_lie, .context = &honest};
        const struct compare_party party = {
            .name = kernels.list[i].info.name, .crypt = crypt_and_lie, .context = &liar};
        COMPARE_CLEANUP struct compare compare;
        assert_int_equal(compare_begin(&compare, &party, 1, &reference, 512), 0);
        assert_int_equal(feed(&compare, 10000, SIZE_MAX), COMMON_ERR_CORRUPT);
        assert_string_equal(compare.finding.name, kernels.list[i].info.name);
        assert_int_equal(compare.finding.op, BENCH_ENCRYPT);
        assert_int_equal(compare.finding.offset, 5000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_unit_takes_the_rest),
        cmocka_unit_test(a_stream_that_is_shorter_than_a_unit_can_be_is_refused),
        cmocka_unit_test(how_the_stream_comes_in_changes_nothing),
        cmocka_unit_test(one_wrong_byte_is_found_wherever_it_is),
        cmocka_unit_test(the_one_that_is_wrong_is_named_among_others),
        cmocka_unit_test(who_does_nothing_is_found_though_others_left_the_right_bytes),
        cmocka_unit_test(a_party_that_fails_is_named_with_its_error),
        cmocka_unit_test(a_kernel_that_lies_about_one_bit_is_caught),
    };
    return cmocka_run_group_tests_name("bench_compare", tests, NULL, NULL);
}
