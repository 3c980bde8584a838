/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kernels/sweeps.h"

#include "tests/kernels/bench.h"
#include "tests/support/test.h"

#include <string.h>

enum {
    LONGEST_SWEPT = 1100,
    MOST_UNITS = 70, /* more than two batches of 32 first tweaks */
    MOST_BLOCKS = 70,
    LONG_LEN = 1 << 20,
    NUM_RANDOM = 2500,
    NUM_LONG = 40,
    NUM_TWEAKS = 500
};

/* Around one and two passes of the widest kernels (8 vectors of 64 bytes), whole and stolen. */
static const size_t edges[] = {16,  17,  31,  32,  33,  47,   48,   240,  255,  256,
                               257, 272, 480, 496, 511, 512,  513,  527,  528,  543,
                               544, 560, 640, 768, 769, 1008, 1024, 1025, 1040, 1041};

static const struct reference *known;
static struct bench *bench;

static int make_bench(void **state)
{
    (void)state;
    bench = bench_make(known, LONG_LEN);
    return 0;
}

static int drop_bench(void **state)
{
    (void)state;
    bench_drop(&bench);
    return 0;
}

/* A number from which num_units can be counted, often near where the low half overflows. */
static struct xtsvol_unit_number random_first(size_t num_units)
{
    struct test_random *random = &bench->random;
    struct xtsvol_unit_number first = {.low = test_random_next(random)};
    if (test_random_chance(random, 50))
        first.low = UINT64_MAX - test_random_below(random, 2 * num_units);
    else if (test_random_chance(random, 30))
        first.low = test_random_below(random, 1000);
    if (test_random_chance(random, 50))
        first.high = test_random_next(random);
    else if (test_random_chance(random, 30))
        first.high = UINT64_MAX;
    if (first.high == UINT64_MAX && first.low > UINT64_MAX - (num_units - 1))
        first.low = UINT64_MAX - (num_units - 1);
    return first;
}

static struct units_case random_case(size_t unit_len, size_t num_units)
{
    return (struct units_case){
        .direction = test_random_chance(&bench->random, 50) ? XTS_ENCRYPT : XTS_DECRYPT,
        .unit_len = unit_len,
        .num_units = num_units,
        .first = random_first(num_units),
    };
}

static void both_directions_everywhere(size_t unit_len, size_t num_units)
{
    struct units_case wanted = random_case(unit_len, num_units);
    for (enum xts_direction i = XTS_ENCRYPT; i < XTS_NUM_DIRECTIONS; i++) {
        wanted.direction = i;
        bench_try_units_everywhere(bench, &wanted);
    }
}

static void every_length_of_one_unit(void **state)
{
    (void)state;
    size_t start = XTSVOL_XTS_UNIT_MIN + test_random_below(&bench->random, bench->one_in);
    for (size_t len = start; len <= LONGEST_SWEPT; len += bench->one_in)
        both_directions_everywhere(len, 1);
}

static void every_length_of_some_units(void **state)
{
    (void)state;
    size_t start = XTSVOL_XTS_UNIT_MIN + test_random_below(&bench->random, bench->one_in);
    for (size_t len = start; len <= LONGEST_SWEPT; len += bench->one_in)
        both_directions_everywhere(len, test_random_range(&bench->random, 2, 10));
}

static void every_number_of_units(void **state)
{
    (void)state;
    size_t num_cases = 0;
    for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
        for (size_t num = 1; num <= MOST_UNITS; num++) {
            if (num_cases++ % bench->one_in != 0)
                continue;
            struct units_case wanted = random_case(edges[i], num);
            bench_try_units_somewhere(bench, &wanted);
            wanted.direction = 1 - wanted.direction;
            bench_try_units_somewhere(bench, &wanted);
        }
    }
}

/* The carry into the high half between any two units of a call, and the last number that there is.
 */
static void every_place_of_the_carry(void **state)
{
    (void)state;
    static const size_t lens[] = {16, 17, 32, 512, 529};
    static const uint64_t highs[] = {0, 1, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX};
    size_t num_cases = 0;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        for (size_t before = 1; before <= MOST_UNITS; before++) {
            if (num_cases++ % bench->one_in != 0)
                continue;
            struct units_case wanted = random_case(lens[i], MOST_UNITS);
            wanted.first.high = TEST_RANDOM_CHOOSE(&bench->random, highs);
            wanted.first.low = UINT64_MAX - (before - 1);
            if (wanted.first.high == UINT64_MAX)
                wanted.num_units = before;
            bench_try_units_somewhere(bench, &wanted);
        }
    }
}

/* Numbers are counted in lanes of a vector: every width in which a sum could forget its carry. */
static void carries_within_the_low_half(void **state)
{
    (void)state;
    static const size_t lens[] = {16, 64, 512, 529};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        for (unsigned bits = 8; bits < 64; bits += 8) {
            struct units_case wanted = random_case(lens[i], MOST_UNITS);
            wanted.first.low = (UINT64_C(1) << bits) - 1 - test_random_below(&bench->random, 40);
            bench_try_units_somewhere(bench, &wanted);
        }
    }
}

/* First tweaks are made for 128 units at a time: as many, one less and one more, and again. */
static void batches_of_units(void **state)
{
    (void)state;
    static const size_t lens[] = {16, 48, 64, 128, 256, 512};
    static const size_t nums[] = {127, 128, 129, 132, 133, 160, 255, 256, 257, 385};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        for (size_t j = 0; j < ARRAY_LEN(nums); j++) {
            struct units_case wanted = random_case(lens[i], nums[j]);
            bench_try_units_somewhere(bench, &wanted);
        }
    }
}

static void every_misalignment(void **state)
{
    (void)state;
    static const size_t lens[] = {512, 1041};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct units_case wanted = random_case(lens[i], 2);
        for (enum xts_direction direction = XTS_ENCRYPT; direction < XTS_NUM_DIRECTIONS;
             direction++) {
            wanted.direction = direction;
            bench_expect_units(bench, &wanted);
            for (size_t at = 0; at < (size_t)64 * 64; at += bench->one_in) {
                const struct setting setting = {.out = {GUARDED_INSIDE, at / 64},
                                                .in = {GUARDED_INSIDE, at % 64}};
                bench_try_units(bench, &wanted, &setting);
            }
        }
    }
}

static void random_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_RANDOM / bench->one_in; i++) {
        if (i % 16 == 0)
            bench_rekey(bench);
        size_t unit_len = test_random_chance(&bench->random, 40)
                              ? TEST_RANDOM_CHOOSE(&bench->random, edges)
                              : test_random_range(&bench->random, XTSVOL_XTS_UNIT_MIN, 5000);
        size_t most = unit_len > 2048 ? 4 : MOST_UNITS;
        struct units_case wanted =
            random_case(unit_len, test_random_range(&bench->random, 1, most));
        bench_try_units_somewhere(bench, &wanted);
    }
}

static void lengths_up_to_1_mib(void **state)
{
    (void)state;
    for (size_t i = 0; i < 1 + NUM_LONG / bench->one_in; i++) {
        size_t unit_len = (size_t)1 << test_random_range(&bench->random, 10, 19);
        unit_len += test_random_below(&bench->random, unit_len + 1);
        size_t num_units = test_random_chance(&bench->random, 50) ? 1 : (size_t)LONG_LEN / unit_len;
        struct units_case wanted = random_case(unit_len, num_units > 40 ? 40 : num_units);
        bench_try_units_somewhere(bench, &wanted);
    }
    struct units_case longest = random_case(LONG_LEN, 1);
    bench_try_units_somewhere(bench, &longest);
}

/* Its own memory: the last block's tweak is 2^20 steps from the first. */
static void the_longest_unit(void **state)
{
    (void)state;
    bench = bench_make(known, XTSVOL_XTS_UNIT_MAX);
    struct units_case wanted = random_case(XTSVOL_XTS_UNIT_MAX / bench->one_in, 1);
    bench_try_units_somewhere(bench, &wanted);
    struct units_case stolen = random_case(XTSVOL_XTS_UNIT_MAX / bench->one_in - 1, 1);
    bench_try_units_somewhere(bench, &stolen);
}

static void try_blocks(const struct blocks_case *wanted)
{
    uint8_t tweak_behind[XTS_BLOCK_LEN];
    bench_expect_blocks(bench, wanted, tweak_behind);
    for (unsigned i = 0; i < 2 * GUARDED_NUM_WHERES; i++) {
        struct setting setting = bench_random_setting(bench);
        setting.is_in_place = i % 2 != 0;
        setting.out.where = (enum guarded_where)(i / 2);
        setting.in.where = setting.out.where;
        bench_try_blocks(bench, wanted, tweak_behind, &setting);
    }
}

static void every_number_of_blocks(void **state)
{
    (void)state;
    for (size_t num = 0; num <= MOST_BLOCKS; num++) {
        for (enum xts_direction i = XTS_ENCRYPT; i < XTS_NUM_DIRECTIONS; i++) {
            struct blocks_case wanted = {.direction = i, .num_blocks = num};
            test_random_bytes(&bench->random, wanted.tweak, sizeof(wanted.tweak));
            try_blocks(&wanted);
        }
    }
    struct blocks_case many = {.direction = XTS_DECRYPT, .num_blocks = 3001};
    test_random_bytes(&bench->random, many.tweak, sizeof(many.tweak));
    try_blocks(&many);
}

/* One bit alone goes through each place where a multiplication folds or carries. */
static void every_bit_of_a_tweak(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 8 * XTS_BLOCK_LEN; bit++) {
        struct blocks_case wanted = {.direction = XTS_ENCRYPT, .num_blocks = MOST_BLOCKS};
        wanted.tweak[bit / 8] = (uint8_t)(1U << bit % 8);
        try_blocks(&wanted);
    }
}

static void first_tweaks(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_TWEAKS; i++) {
        struct xtsvol_unit_number number = random_first(1);
        uint8_t expected[XTS_BLOCK_LEN];
        known->first_tweak(expected, number);
        for (size_t at = 0; at < bench->kernels.num; at++) {
            uint8_t *tweak = guarded_place(
                &bench->out, (struct guarded_place){GUARDED_INSIDE, i % 64}, XTS_BLOCK_LEN);
            bench->kernels.all[at]->first_tweak(&bench->schedule, tweak, number);
            assert_memory_equal(tweak, expected, XTS_BLOCK_LEN);
            assert_true(guarded_canaries_live(&bench->out, tweak, XTS_BLOCK_LEN));
        }
    }
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, make_bench, drop_bench)

int sweeps_run(const struct reference *reference)
{
    known = reference;
    const struct CMUnitTest tests[] = {
        WITH_BENCH(every_length_of_one_unit),
        WITH_BENCH(every_length_of_some_units),
        WITH_BENCH(every_number_of_units),
        WITH_BENCH(every_place_of_the_carry),
        WITH_BENCH(carries_within_the_low_half),
        WITH_BENCH(batches_of_units),
        WITH_BENCH(every_misalignment),
        WITH_BENCH(random_cases),
        WITH_BENCH(lengths_up_to_1_mib),
        cmocka_unit_test_setup_teardown(the_longest_unit, NULL, drop_bench),
        WITH_BENCH(every_number_of_blocks),
        WITH_BENCH(every_bit_of_a_tweak),
        WITH_BENCH(first_tweaks),
    };
    return cmocka_run_group_tests_name(reference->name, tests, NULL, NULL);
}
