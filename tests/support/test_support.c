/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/cleanup.h"
#include "tests/support/death.h"
#include "tests/support/model.h"
#include "tests/support/random.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include "tests/support/vectors.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- random */

static void the_generator_gives_the_published_sequence(void **state)
{
    (void)state;
    /* splitmix64 from seed 1234567, as published with the algorithm's description. */
    struct test_random random = test_random_of(1234567);
    assert_true(test_random_next(&random) == 6457827717110365317U);
    assert_true(test_random_next(&random) == 3203168211198807973U);
    assert_true(test_random_next(&random) == 9817491932198370423U);
}

static void ranges_reach_both_of_their_ends_and_no_further(void **state)
{
    (void)state;
    struct test_random random = test_random_of(1);
    bool seen[4] = {false};
    for (int i = 0; i < 200; i++) {
        uint64_t value = test_random_range(&random, 10, 13);
        assert_true(value >= 10 && value <= 13);
        seen[value - 10] = true;
        assert_true(test_random_below(&random, 1) == 0);
        assert_false(test_random_chance(&random, 0));
        assert_true(test_random_chance(&random, 100));
    }
    assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
    assert_true(test_random_range(&random, 5, 5) == 5);
    (void)test_random_range(&random, 0, UINT64_MAX);
}

static void all_values_are_about_as_frequent(void **state)
{
    (void)state;
    struct test_random random = test_random_of(2);
    unsigned counts[6] = {0};
    for (int i = 0; i < 60000; i++)
        counts[test_random_below(&random, 6)]++;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        assert_in_range(counts[i], 9500, 10500);
}

static void random_bytes_fill_their_length_exactly(void **state)
{
    (void)state;
    struct test_random random = test_random_of(3);
    for (size_t len = 0; len < 30; len++) {
        uint8_t bytes[32] = {0};
        test_random_bytes(&random, bytes, len);
        assert_int_equal(bytes[len], 0);
        assert_int_equal(bytes[len + 1], 0);
    }
}

static void the_seed_comes_from_the_environment(void **state)
{
    (void)state;
    const char *before = getenv("STRONGROOM_SEED");
    char saved[64];
    (void)snprintf(saved, sizeof(saved), "%s", before ? before : "");
    assert_int_equal(setenv("STRONGROOM_SEED", "99", 1), 0);
    struct test_random random = test_random_begin("repeat");
    struct test_random same = test_random_of(99);
    assert_true(random.seed == 99);
    assert_true(test_random_next(&random) == test_random_next(&same));
    assert_int_equal(unsetenv("STRONGROOM_SEED"), 0);
    assert_true(test_random_begin("first").seed != test_random_begin("second").seed);
    if (before)
        assert_int_equal(setenv("STRONGROOM_SEED", saved, 1), 0);
    assert_true(test_number_from_environment("STRONGROOM_UNSET", 5) == 5);
}

/* --- model */

struct counter {
    unsigned real;
    unsigned model;
    unsigned runs[2];
    unsigned breaks_at; /* from there on the real one miscounts */
};

static const char *add_one(void *context, struct test_random *random, char note[MODEL_NOTE])
{
    struct counter *counter = context;
    (void)snprintf(note, MODEL_NOTE, "now %u", counter->model + 1);
    (void)random;
    counter->runs[0]++;
    counter->model++;
    counter->real += counter->model == counter->breaks_at ? 2 : 1;
    return NULL;
}

static const char *reset(void *context, struct test_random *random, char note[MODEL_NOTE])
{
    struct counter *counter = context;
    (void)random;
    (void)snprintf(note, MODEL_NOTE, "nothing");
    counter->runs[1]++;
    return NULL;
}

static const char *compare(void *context)
{
    const struct counter *counter = context;
    return counter->real == counter->model ? NULL : "the counts differ";
}

static const struct model_operation counting[] = {{"add", 9, add_one}, {"reset", 1, reset}};

static void a_model_that_agrees_passes_and_weights_count(void **state)
{
    (void)state;
    struct counter counter = {0};
    model_assert(&(struct model){.name = "counter",
                                 .operations = counting,
                                 .num_operations = ARRAY_LEN(counting),
                                 .steps = 2000,
                                 .context = &counter,
                                 .check = compare});
    assert_true(counter.runs[0] > 5 * counter.runs[1]);
    assert_true(counter.runs[1] > 0);
}

static void a_difference_is_found_at_its_step_with_its_history(void **state)
{
    (void)state;
    struct counter counter = {.breaks_at = 30};
    struct model model = {.operations = counting,
                          .num_operations = 1,
                          .steps = 100,
                          .context = &counter,
                          .check = compare};
    struct model_result result;
    struct test_random random = test_random_of(1);
    model_run(&result, &model, &random);
    assert_string_equal(result.reason, "the counts differ");
    assert_int_equal(result.step, 30);
    assert_string_equal(result.history[30 % MODEL_HISTORY], "add now 30");
    assert_string_equal(result.history[15 % MODEL_HISTORY], "add now 15");
}

/* --- vectors */

static struct vectors *open_text(const struct tmpdir *dir, const char *text, size_t len)
{
    char path[PATH_MAX];
    struct vectors *vectors = NULL;
    file_write(tmpdir_path(path, dir, "v.rsp"), text, len);
    assert_int_equal(vectors_open(&vectors, path), 0);
    return vectors;
}

#define OPEN(dir, text) open_text((dir), (text), sizeof(text) - 1)

static void records_sections_and_values_are_read(void **state)
{
    struct vectors *vectors = OPEN(*state, "# CAVS 11.1\r\n"
                                           "\r\n"
                                           "[ENCRYPT]\r\n"
                                           "[Keylen = 256]\r\n"
                                           "\r\n"
                                           "COUNT = 0\r\n"
                                           "Key = 00FFa5\r\n"
                                           "PT =\r\n"
                                           "# between\r\n"
                                           "FAIL\r\n"
                                           "\r\n"
                                           "\r\n"
                                           "COUNT = 1 # trailing\r\n"
                                           "[DECRYPT]\r\n"
                                           "[Keylen = 128]\r\n"
                                           "COUNT = 18446744073709551615");
    assert_string_equal(vectors_section(vectors), "");
    assert_true(vectors_must_next(vectors));
    assert_string_equal(vectors_section(vectors), "ENCRYPT");
    assert_true(vectors_must_number(vectors, "Keylen") == 256);
    assert_true(vectors_must_number(vectors, "COUNT") == 0);
    size_t len = 0;
    COMMON_CLEANUP_FREE uint8_t *key = vectors_must_hex(vectors, &len, "Key");
    assert_int_equal(len, 3);
    assert_memory_equal(key, "\x00\xff\xa5", 3);
    COMMON_CLEANUP_FREE uint8_t *empty = vectors_must_hex(vectors, &len, "PT");
    assert_non_null(empty);
    assert_int_equal(len, 0);
    assert_true(vectors_has(vectors, "FAIL"));

    assert_true(vectors_must_next(vectors));
    assert_false(vectors_has(vectors, "FAIL"));
    assert_string_equal(vectors_section(vectors), "ENCRYPT");
    assert_string_equal(vectors_must_text(vectors, "COUNT"), "1");

    assert_true(vectors_must_next(vectors));
    assert_string_equal(vectors_section(vectors), "DECRYPT");
    assert_true(vectors_must_number(vectors, "Keylen") == 128);
    assert_true(vectors_must_number(vectors, "COUNT") == UINT64_MAX);
    assert_false(vectors_must_next(vectors));
    assert_false(vectors_must_next(vectors));
    vectors_close(&vectors);
    assert_null(vectors);
}

static void malformed_values_are_refused_with_file_and_line(void **state)
{
    struct vectors *vectors = OPEN(*state, "\nA = 0g\nB = 123\nC = 18446744073709551616\n");
    uint8_t *bytes = NULL;
    size_t len = 1;
    uint64_t number = 1;
    assert_int_equal(vectors_next(vectors), 0);
    assert_int_equal(vectors_hex(vectors, &bytes, &len, "A"), COMMON_ERR_CORRUPT);
    assert_non_null(strstr(vectors_error(vectors), "/v.rsp:2: not hex: A"));
    assert_int_equal(vectors_hex(vectors, &bytes, &len, "B"), COMMON_ERR_CORRUPT);
    assert_int_equal(vectors_number(vectors, &number, "A"), COMMON_ERR_CORRUPT);
    assert_int_equal(vectors_number(vectors, &number, "C"), COMMON_ERR_CORRUPT);
    assert_int_equal(vectors_hex(vectors, &bytes, &len, "D"), COMMON_ERR_NOT_FOUND);
    assert_null(bytes);
    assert_int_equal(len, 0);
    assert_true(number == 0);
    vectors_close(&vectors);
}

static void malformed_files_are_refused(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *line;
    } cases[] = {
        {"A = 1\nA = 2\n", 12, ":2:"}, {"\n[ENCRYPT\n", 10, ":2:"}, {"= 1\n", 4, ":1:"},
        {"A = 1\0\n", 7, ":1:"},       {"[]\n", 3, ":1:"},          {"A\x07 = 1\n", 7, ":1:"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct vectors *vectors = open_text(*state, cases[i].text, cases[i].len);
        if (vectors_next(vectors) != COMMON_ERR_CORRUPT ||
            !strstr(vectors_error(vectors), cases[i].line))
            fail_msg("case %zu: %s", i, vectors_error(vectors));
        vectors_close(&vectors);
    }
    struct vectors *vectors = NULL;
    assert_int_equal(vectors_open(&vectors, "/nonexistent/v.rsp"), COMMON_ERR_NOT_FOUND);
    assert_null(vectors);
    vectors_close(&vectors);
}

static void a_record_has_a_ceiling_of_keys(void **state)
{
    char text[VECTORS_MAX_KEYS * 8 + 8];
    size_t len = 0;
    for (int i = 0; i <= VECTORS_MAX_KEYS; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "K%d = 1\n", i);
    struct vectors *vectors = open_text(*state, text, len);
    assert_int_equal(vectors_next(vectors), COMMON_ERR_LIMIT);
    vectors_close(&vectors);
}

/* --- temporary directories */

static void a_directory_goes_with_all_that_is_in_it(void **state)
{
    (void)state;
    struct tmpdir dir = {0};
    struct tmpdir outside = {0};
    char path[PATH_MAX];
    tmpdir_make(&dir);
    tmpdir_make(&outside);
    file_write(tmpdir_path(path, &outside, "kept"), "x", 1);
    assert_int_equal(mkdir(tmpdir_path(path, &dir, "a"), 0700), 0);
    file_write(tmpdir_path(path, &dir, "a/file"), "text", 4);
    assert_int_equal(symlink(outside.path, tmpdir_path(path, &dir, "a/link")), 0);

    uint8_t *bytes = NULL;
    size_t len = 0;
    file_read(&bytes, &len, tmpdir_path(path, &dir, "a/file"));
    assert_int_equal(len, 4);
    assert_memory_equal(bytes, "text", 4);
    free(bytes);

    tmpdir_remove(&dir);
    assert_false(file_exists(dir.path));
    assert_true(file_exists(tmpdir_path(path, &outside, "kept")));
    tmpdir_remove(&outside);
    tree_remove(outside.path); /* not there any more */
}

/* --- death */

static int reads_a_guard_page(void *context)
{
    const volatile char *page = context;
    return page[0];
}

static int returns_seven(void *context)
{
    (void)context;
    return 7;
}

static int never_ends(void *context)
{
    for (;;)
        (void)pause();
    return context != NULL;
}

static int aborts(void *context)
{
    (void)context;
    abort();
}

static int tells_its_core_limit(void *context)
{
    struct rlimit limit = {1, 1};
    (void)context;
    return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 ? 0 : 1;
}

static void a_refused_access_is_told_from_other_deaths(void **state)
{
    (void)state;
    size_t len = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    struct death death = death_of(reads_a_guard_page, page, 10);
    assert_true(death_was_access(&death));
    assert_int_equal(death.signal, SIGSEGV);
    assert_int_equal(mprotect(page, len, PROT_READ), 0);
    death = death_of(reads_a_guard_page, page, 10);
    assert_false(death_was_access(&death));
    assert_true(death.is_exit && death.status == 0);
    assert_int_equal(munmap(page, len), 0);

    death = death_of(aborts, NULL, 10);
    assert_false(death_was_access(&death));
    assert_int_equal(death.signal, SIGABRT);
    death = death_of(returns_seven, NULL, 10);
    assert_true(death.is_exit && death.status == 7 && !death.is_timeout);
}

static void a_child_that_hangs_is_ended(void **state)
{
    (void)state;
    struct death death = death_of(never_ends, NULL, 1);
    assert_true(death.is_timeout);
    assert_false(death.is_exit);
    assert_false(death_was_access(&death));
}

static void a_dying_child_leaves_no_core(void **state)
{
    (void)state;
    struct death death = death_of(tells_its_core_limit, NULL, 10);
    assert_true(death.is_exit && death.status == 0);
}

#define IN_TMPDIR(function) cmocka_unit_test_setup_teardown(function, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generator_gives_the_published_sequence),
        cmocka_unit_test(ranges_reach_both_of_their_ends_and_no_further),
        cmocka_unit_test(all_values_are_about_as_frequent),
        cmocka_unit_test(random_bytes_fill_their_length_exactly),
        cmocka_unit_test(the_seed_comes_from_the_environment),
        cmocka_unit_test(a_model_that_agrees_passes_and_weights_count),
        cmocka_unit_test(a_difference_is_found_at_its_step_with_its_history),
        IN_TMPDIR(records_sections_and_values_are_read),
        IN_TMPDIR(malformed_values_are_refused_with_file_and_line),
        IN_TMPDIR(malformed_files_are_refused),
        IN_TMPDIR(a_record_has_a_ceiling_of_keys),
        cmocka_unit_test(a_directory_goes_with_all_that_is_in_it),
        cmocka_unit_test(a_refused_access_is_told_from_other_deaths),
        cmocka_unit_test(a_child_that_hangs_is_ended),
        cmocka_unit_test(a_dying_child_leaves_no_core),
    };
    return cmocka_run_group_tests_name("support", tests, NULL, NULL);
}
