/* SPDX-License-Identifier: Apache-2.0 */
/* `xtsvol bench` in the process: what it prints and refuses. How fast something is, is no test. */
#include "tests/support/test.h"
#include "tests/tools/cli_fixture.h"
#include "tools/xtsvol/bench.h"
#include "tools/xtsvol/limit.h"
#include "tools/xtsvol/speed.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct cli_command root = {
    .name = "xtsvol",
    .summary = "a tool with a benchmark and nothing else",
    .commands = (const struct cli_command *const[]){&xtsvol_bench_command, NULL},
};
static const struct cli_tool tool = {.version = "1.2.3", .root = &root};

#define BENCH(...) run_tool(&tool, (const char *const[]){"xtsvol", "bench", __VA_ARGS__, NULL})

static size_t num_usable(void)
{
    struct xtsvol_kernel kernel;
    size_t num = 0;
    for (size_t i = 0; xtsvol_kernel_get(&kernel, i) == 0; i++)
        num += kernel.is_usable != 0;
    return num;
}

static bool is_usable(const char *name)
{
    struct xtsvol_kernel kernel;
    for (size_t i = 0; xtsvol_kernel_get(&kernel, i) == 0; i++) {
        if (kernel.is_usable && strcmp(kernel.name, name) == 0)
            return true;
    }
    return false;
}

static json_t *parsed(const struct caught *caught)
{
    json_t *document = json_loadb(caught->out, caught->out_len, 0, NULL);
    if (!document)
        fail_msg("not one JSON document: %s", caught->out);
    return document;
}

static void the_table_of_commands_is_sound(void **state)
{
    (void)state;
    char why[256] = "";
    if (cli_command_check(why, sizeof(why), &root))
        fail_msg("%s", why);
}

/* Is it a line as the manual describes it? */
static void check_line(const json_t *line, const char *op, json_int_t unit)
{
    assert_int_equal(json_object_size(line), 6);
    const char *kernel = json_string_value(json_object_get(line, "kernel"));
    assert_non_null(kernel);
    assert_true(is_usable(kernel));
    assert_string_equal(json_string_value(json_object_get(line, "op")), op);
    assert_int_equal(json_integer_value(json_object_get(line, "unit")), unit);
    assert_true(json_real_value(json_object_get(line, "gb_per_s")) > 0.0);
    assert_true(json_real_value(json_object_get(line, "bytes_per_cycle")) > 0.0);
    const json_t *ratio = json_object_get(line, "ratio_to_limit");
    if (strcmp(kernel, "portable") == 0)
        assert_true(json_is_null(ratio));
    else
        assert_true(json_real_value(ratio) > 0.0);
}

static void json_has_each_kernel_both_ways_at_three_units(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught got = BENCH("--json");
    assert_int_equal(got.status, 0);
    json_t *document = parsed(&got);
    assert_int_equal(json_array_size(document), num_usable() * 6);
    static const json_int_t units[] = {512, 4096, 65536};
    for (size_t i = 0; i < json_array_size(document); i++)
        check_line(json_array_get(document, i), i % 2 ? "decrypt" : "encrypt", units[i / 2 % 3]);
    json_decref(document);
}

static void a_unit_that_is_given_is_the_only_one(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        json_int_t bytes;
    } units[] = {{"16", 16}, {"4097", 4097}, {"2K", 2048}, {"16M", 16777216}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        CLEANUP_CAUGHT struct caught got = BENCH("--json", "--unit", units[i].text);
        assert_int_equal(got.status, 0);
        json_t *document = parsed(&got);
        assert_int_equal(json_array_size(document), num_usable() * 2);
        check_line(json_array_get(document, 0), "encrypt", units[i].bytes);
        check_line(json_array_get(document, 1), "decrypt", units[i].bytes);
        json_decref(document);
    }
}

static void the_table_has_a_title_and_the_same_lines(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught got = BENCH("--unit", "512");
    assert_int_equal(got.status, 0);
    assert_ptr_equal(strstr(got.out, "Kernel"), got.out);
    assert_non_null(strstr(got.out, "GB/s  Bytes/cycle  Of the limit\n"));
    size_t num_lines = 0;
    for (const char *at = got.out; (at = strchr(at, '\n')); at++)
        num_lines++;
    assert_int_equal(num_lines, 1 + num_usable() * 2);
    assert_string_equal(got.err, "");
}

static void a_unit_that_cannot_be_is_told_with_the_bounds(void **state)
{
    (void)state;
    static const char *const units[] = {"0",  "15",    "16777217", "17M",
                                        "4k", "4 K",   "-1",       "",
                                        "x",  "512.5", "4KB",      "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        CLEANUP_CAUGHT struct caught got = BENCH("--unit", units[i]);
        assert_int_equal(got.status, 2);
        assert_string_equal(got.out, "");
        assert_non_null(strstr(got.err, "--unit"));
        assert_non_null(strstr(got.err, "see 'xtsvol bench --help'"));
    }
    CLEANUP_CAUGHT struct caught got = BENCH("--unit", "15");
    assert_non_null(strstr(got.err, "16"));
    assert_non_null(strstr(got.err, "16M"));
}

static void an_argument_is_refused(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught got = BENCH("4096");
    assert_int_equal(got.status, 2);
}

static uint64_t ticking_ns(void *context)
{
    uint64_t *now_ns = context;
    return *now_ns += 100000000;
}

static void the_deadline_ends_it_with_nothing_printed(void **state)
{
    (void)state;
    struct caught got = {0};
    FILE *out = open_memstream(&got.out, &got.out_len);
    FILE *err = open_memstream(&got.err, &got.err_len);
    assert_non_null(out);
    assert_non_null(err);
    uint64_t now_ns = 0;
    struct cli_environment environment = {
        .out = out, .err = err, .clock = {.monotonic_ns = ticking_ns, .context = &now_ns}};
    const char *const words[] = {"xtsvol", "bench", "--timeout", "1s", NULL};
    assert_int_equal(cli_run(&tool, &environment, 4, (char *const *)words), 1);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(fclose(err), 0);
    assert_string_equal(got.out, "");
    assert_string_equal(got.err, "xtsvol: bench: timed out\n");
    caught_free(&got);
}

static void each_kernel_with_aes_instructions_has_a_limit(void **state)
{
    (void)state;
    struct xtsvol_kernel kernel;
    for (size_t i = 0; xtsvol_kernel_get(&kernel, i) == 0; i++) {
        const struct bench_limit *limit = bench_limit_find(kernel.id);
        assert_int_equal(limit != NULL, kernel.id != XTSVOL_KERNEL_PORTABLE);
        if (limit)
            assert_int_equal(limit->kernel, kernel.id);
    }
}

/* Any kernel, called the portable one. */
static void a_kernel_without_a_limit_has_no_ratio(void **state)
{
    (void)state;
    uint8_t key[XTSVOL_XTS_KEY_LEN] = {1};
    uint8_t buffer[BENCH_BUFFER_LEN] = {0};
    BENCH_CLEANUP_KERNELS struct bench_kernels kernels = {.num = 0};
    assert_int_equal(bench_kernels_open(&kernels, key), 0);
    struct bench_kernel kernel = kernels.list[0];
    kernel.info.id = XTSVOL_KERNEL_PORTABLE;
    struct bench_speed speed;
    assert_int_equal(bench_speed_measure(&speed, &kernel, BENCH_ENCRYPT, buffer, 512, NULL, NULL),
                     0);
    assert_true(speed.ratio_to_limit < 0.0);
    assert_true(speed.gb_per_s > 0.0);
}

static void the_limit_counts_the_tweak_and_the_stolen_block(void **state)
{
    (void)state;
    assert_true(bench_block_rounds(16, 1) == 2 * 14);
    assert_true(bench_block_rounds(4096, 16) == 257 * 16 * 14);
    assert_true(bench_block_rounds(17, 1) == 3 * 14);
    assert_true(bench_block_rounds(4111, 2) == 258 * 2 * 14);
}

/* Counts its calls, and fails at one of them. */
struct counter {
    unsigned calls;
    unsigned fail_at;
};

static int count(void *context, size_t num)
{
    struct counter *counter = context;
    assert_true(num > 0);
    struct timespec pause = {.tv_nsec = 300000};
    (void)nanosleep(&pause, NULL);
    return ++counter->calls == counter->fail_at ? COMMON_ERR_IO : 0;
}

static int refuse(void *context)
{
    struct counter *counter = context;
    return ++counter->calls == counter->fail_at ? COMMON_ERR_CANCELLED : 0;
}

static void works_are_measured_in_turns_three_at_least(void **state)
{
    (void)state;
    struct counter a = {0};
    struct counter b = {0};
    struct bench_work works[] = {{.run = count, .context = &a}, {.run = count, .context = &b}};
    assert_int_equal(bench_measure(works, 2, 0, NULL, NULL), 0);
    assert_int_equal(a.calls, 1 + 3);
    assert_int_equal(b.calls, 1 + 3);
    assert_true(works[0].best_ns >= 300000.0);
}

static void a_work_that_fails_ends_the_measuring(void **state)
{
    (void)state;
    for (unsigned fail_at = 1; fail_at <= 4; fail_at++) {
        struct counter counter = {.fail_at = fail_at};
        struct bench_work work = {.run = count, .context = &counter};
        assert_int_equal(bench_measure(&work, 1, 0, NULL, NULL), COMMON_ERR_IO);
        assert_int_equal(counter.calls, fail_at);
    }
}

static void the_check_is_asked_before_each_slice(void **state)
{
    (void)state;
    for (unsigned fail_at = 1; fail_at <= 4; fail_at++) {
        struct counter counter = {0};
        struct counter check = {.fail_at = fail_at};
        struct bench_work work = {.run = count, .context = &counter};
        assert_int_equal(bench_measure(&work, 1, 0, refuse, &check), COMMON_ERR_CANCELLED);
        assert_int_equal(counter.calls, fail_at - 1);
    }
}

static void bench_units_fill_the_buffer(void **state)
{
    (void)state;
    assert_int_equal(bench_units_in_buffer(16), 4096);
    assert_int_equal(bench_units_in_buffer(4097), 15);
    assert_int_equal(bench_units_in_buffer(65536), 1);
    assert_int_equal(bench_units_in_buffer(65537), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_of_commands_is_sound),
        cmocka_unit_test(json_has_each_kernel_both_ways_at_three_units),
        cmocka_unit_test(a_unit_that_is_given_is_the_only_one),
        cmocka_unit_test(the_table_has_a_title_and_the_same_lines),
        cmocka_unit_test(a_unit_that_cannot_be_is_told_with_the_bounds),
        cmocka_unit_test(an_argument_is_refused),
        cmocka_unit_test(the_deadline_ends_it_with_nothing_printed),
        cmocka_unit_test(each_kernel_with_aes_instructions_has_a_limit),
        cmocka_unit_test(a_kernel_without_a_limit_has_no_ratio),
        cmocka_unit_test(the_limit_counts_the_tweak_and_the_stolen_block),
        cmocka_unit_test(works_are_measured_in_turns_three_at_least),
        cmocka_unit_test(a_work_that_fails_ends_the_measuring),
        cmocka_unit_test(the_check_is_asked_before_each_slice),
        cmocka_unit_test(bench_units_fill_the_buffer),
    };
    return cmocka_run_group_tests_name("bench", tests, NULL, NULL);
}
