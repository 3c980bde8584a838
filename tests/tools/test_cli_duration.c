/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tools/cli/duration.h"

#include <inttypes.h>

#define DAYS(n) (UINT64_C(86400) * (n))

static void each_unit_has_its_length(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t seconds;
    } cases[] = {
        {"90s", 90},
        {"15m", 900},
        {"6h", 21600},
        {"30D", 2592000},
        {"6W", 3628800},
        {"2M", DAYS(60)},
        {"1Y", DAYS(365)},
        {"0s", 0},
        {"1D12h", 129600},
        {"1Y2M3W4D5h6m7s", DAYS(365 + 60 + 21 + 4) + 18367},
        {"18446744073709551615s", UINT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t seconds = 7;
        if (cli_duration_parse(&seconds, cases[i].text) || seconds != cases[i].seconds)
            fail_msg("%s is not %" PRIu64, cases[i].text, seconds);
    }
}

static void month_and_minute_are_told_apart(void **state)
{
    (void)state;
    uint64_t month = 0;
    uint64_t minute = 0;
    assert_int_equal(cli_duration_parse(&month, "1M"), 0);
    assert_int_equal(cli_duration_parse(&minute, "1m"), 0);
    assert_int_equal(month, 30 * 86400);
    assert_int_equal(minute, 60);
}

static void what_is_not_a_duration_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",     "5",      "s",     "-5s",  "+5s",  " 5s",  "5s ",   "5 s",     "5.5h",
        "0x5s", "5S",     "5d",    "5H",   "5w",   "5y",   "5ms",   "1h1D",    "1h2h",
        "1D12", "1D12hx", "1D 2h", "1,5h", "\xc2", "1e3s", "1D-2h", "5s\n90s", "5\xb5s"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        uint64_t seconds = 7;
        if (cli_duration_parse(&seconds, texts[i]) != COMMON_ERR_INVALID || seconds != 0)
            fail_msg("'%s' was taken", texts[i]);
    }
}

static void too_long_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"18446744073709551616s", "18446744073709551615m",
                                        "584942417356Y", "307445734561825860m16s",
                                        "99999999999999999999999999Y"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        uint64_t seconds = 7;
        if (cli_duration_parse(&seconds, texts[i]) != COMMON_ERR_LIMIT || seconds != 0)
            fail_msg("'%s' was taken", texts[i]);
    }
}

static void the_shortest_form_is_chosen(void **state)
{
    (void)state;
    static const struct {
        uint64_t seconds;
        const char *text;
    } cases[] = {
        {0, "0s"},        {1, "1s"},         {60, "1m"},        {90, "90s"},
        {5400, "90m"},    {3600, "1h"},      {86400, "1D"},     {604800, "1W"},
        {DAYS(30), "1M"}, {DAYS(31), "31D"}, {DAYS(365), "1Y"}, {129600, "36h"},
        {3601, "1h1s"},   {7, "7s"},         {86401, "1D1s"},   {DAYS(364), "52W"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[CLI_DURATION_SIZE];
        cli_duration_format(text, cases[i].seconds);
        assert_string_equal(text, cases[i].text);
    }
}

/* D5. */
static void what_is_formatted_parses_back(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252U;
    for (unsigned i = 0; i < 20000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        uint64_t seconds = i < 2000 ? i : random >> i % 64;
        if (i % 5 == 0)
            seconds -= seconds % 86400;
        char text[CLI_DURATION_SIZE];
        uint64_t back = 0;
        cli_duration_format(text, seconds);
        if (cli_duration_parse(&back, text) || back != seconds)
            fail_msg("%" PRIu64 " became %s", seconds, text);
    }
    char text[CLI_DURATION_SIZE];
    uint64_t back = 0;
    cli_duration_format(text, UINT64_MAX);
    assert_int_equal(cli_duration_parse(&back, text), 0);
    assert_true(back == UINT64_MAX);
}

static void people_read_the_two_largest_units(void **state)
{
    (void)state;
    static const struct {
        uint64_t seconds;
        const char *text;
    } cases[] = {
        {0, "0s"},         {59, "59s"},        {60, "1m 00s"},   {125, "2m 05s"},
        {3599, "59m 59s"}, {3600, "1h 00m"},   {3720, "1h 02m"}, {86399, "23h 59m"},
        {86400, "1D 00h"}, {273600, "3D 04h"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[CLI_DURATION_SIZE];
        cli_duration_human(text, cases[i].seconds);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_unit_has_its_length),
        cmocka_unit_test(month_and_minute_are_told_apart),
        cmocka_unit_test(what_is_not_a_duration_is_refused),
        cmocka_unit_test(too_long_is_refused),
        cmocka_unit_test(the_shortest_form_is_chosen),
        cmocka_unit_test(what_is_formatted_parses_back),
        cmocka_unit_test(people_read_the_two_largest_units),
    };
    return cmocka_run_group_tests_name("cli_duration", tests, NULL, NULL);
}
