/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tools/cli/size.h"

#include <inttypes.h>

static void units_are_powers_of_1024(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        {"0", 0},
        {"4096", 4096},
        {"512K", 524288},
        {"100M", 104857600},
        {"1G", 1073741824},
        {"2T", UINT64_C(2) << 40},
        {"3KiB", 3072},
        {"3MiB", 3145728},
        {"1GiB", 1073741824},
        {"1TiB", UINT64_C(1) << 40},
        {"18446744073709551615", UINT64_MAX},
        {"16777215T", UINT64_C(16777215) << 40},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t bytes = 7;
        if (cli_size_parse(&bytes, cases[i].text) || bytes != cases[i].bytes)
            fail_msg("%s became %" PRIu64, cases[i].text, bytes);
    }
}

static void what_is_not_a_size_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",    "K",     "-1",   "+1",  " 1",  "1 ",    "1 K",
                                        "1k",  "1m",    "1KB",  "1B",  "1KK", "1.5G",  "0x10",
                                        "1Ki", "1iB",   "1kiB", "1P",  "1e3", "1,000", "1KiBs",
                                        "MiB", "1\xff", "1Kb",  "1M\n"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        uint64_t bytes = 7;
        if (cli_size_parse(&bytes, texts[i]) != COMMON_ERR_INVALID || bytes != 0)
            fail_msg("'%s' was taken", texts[i]);
    }
}

static void too_large_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"18446744073709551616", "16777216T", "18014398509481984K",
                                        "99999999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        uint64_t bytes = 7;
        if (cli_size_parse(&bytes, texts[i]) != COMMON_ERR_LIMIT || bytes != 0)
            fail_msg("'%s' was taken", texts[i]);
    }
}

/* S3. */
static void what_is_formatted_parses_back(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252U;
    for (unsigned i = 0; i < 20000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        uint64_t bytes = i < 5000 ? i : random >> i % 64 << i % 41;
        char text[CLI_SIZE_SIZE];
        uint64_t back = 0;
        cli_size_format(text, bytes);
        if (cli_size_parse(&back, text) || back != bytes)
            fail_msg("%" PRIu64 " became %s", bytes, text);
    }
}

static void the_exact_form_takes_the_largest_unit(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1000, "1000"},
        {1024, "1K"},
        {1536, "1536"},
        {1610612736, "1536M"},
        {UINT64_C(1) << 50, "1024T"},
        {UINT64_MAX, "18446744073709551615"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[CLI_SIZE_SIZE];
        cli_size_format(text, cases[i].bytes);
        assert_string_equal(text, cases[i].text);
    }
}

static void people_read_one_decimal(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {1610612736, "1.5 GiB"},
        {1048575, "1.0 MiB"}, /* not 1024.0 KiB */
        {1023 * 1024 + 900, "1023.9 KiB"},
        {UINT64_C(1) << 60, "1.0 EiB"},
        {UINT64_MAX, "16.0 EiB"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[CLI_SIZE_SIZE];
        cli_size_human(text, cases[i].bytes);
        assert_string_equal(text, cases[i].text);
    }
    char text[CLI_SIZE_SIZE];
    cli_rate_human(text, 254908826);
    assert_string_equal(text, "243.1 MiB/s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_powers_of_1024),
        cmocka_unit_test(what_is_not_a_size_is_refused),
        cmocka_unit_test(too_large_is_refused),
        cmocka_unit_test(what_is_formatted_parses_back),
        cmocka_unit_test(the_exact_form_takes_the_largest_unit),
        cmocka_unit_test(people_read_one_decimal),
    };
    return cmocka_run_group_tests_name("cli_size", tests, NULL, NULL);
}
