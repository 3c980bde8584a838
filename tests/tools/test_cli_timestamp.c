/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tools/cli/timestamp.h"

#include <inttypes.h>
#include <stdlib.h>

static void times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
        long nanoseconds;
    } cases[] = {
        /* from RFC 3339 5.8 */
        {"1985-04-12T23:20:50.52Z", 482196050, 520000000},
        {"1996-12-19T16:39:57-08:00", 851042397, 0},
        {"1990-12-31T23:59:60Z", 662688000, 0},
        {"1990-12-31T15:59:60-08:00", 662688000, 0},
        {"1937-01-01T12:00:27.87+00:20", -1041337173, 870000000},
        {"1970-01-01T00:00:00Z", 0, 0},
        {"1969-12-31T23:59:59Z", -1, 0},
        {"2000-02-29T00:00:00Z", 951782400, 0},
        {"2024-02-29t00:00:00z", 1709164800, 0},
        {"2024-03-01 00:00:00Z", 1709251200, 0},
        {"2038-01-19T03:14:08-00:00", INT64_C(2147483648), 0},
        {"0000-01-01T00:00:00Z", INT64_C(-62167219200), 0},
        {"0000-03-01T00:00:00Z", INT64_C(-62162035200), 0},
        {"9999-12-31T23:59:59.999999999Z", INT64_C(253402300799), 999999999},
        {"1970-01-01T00:00:00.000000001999Z", 0, 1},
        {"1970-01-01T23:59:00+23:59", 0, 0},
        {"2016-12-31T23:59:60.5Z", 1483228800, 500000000},
        {"@0", 0, 0},
        {"@1900000000", 1900000000, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct timespec time = {7, 7};
        if (cli_time_parse(&time, cases[i].text) || time.tv_sec != cases[i].seconds ||
            time.tv_nsec != cases[i].nanoseconds)
            fail_msg("%s became %" PRId64 " %ld", cases[i].text, (int64_t)time.tv_sec,
                     time.tv_nsec);
    }
}

static void what_is_not_a_time_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "2024-01-01",
        "2024-01-01T00:00:00",   /* no offset */
        "2024-01-01T00:00Z",     /* no seconds */
        "2024-01-01T00:00:00.Z", /* no digit */
        "2024-01-01T00:00:00,5Z",
        "2024-01-01T00:00:00Zx",
        "2024-01-01T00:00:00Z ",
        " 2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00+0100",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00+01:60",
        "2024-01-01T00:00:00 Z",
        "2024-00-01T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-01-00T00:00:00Z",
        "2024-01-32T00:00:00Z",
        "2024-04-31T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:61Z",
        "2024-01-01T00:00:60Z", /* no leap second there */
        "2024-12-30T23:59:60Z",
        "2024-12-31T22:59:60Z",
        "1990-12-31T23:59:60-08:00", /* not the end of the month in UTC */
        "0000-01-01T00:00:00+00:01", /* before year 0000 in UTC */
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
        "24-01-01T00:00:00Z",
        "+2024-01-01T00:00:00Z",
        "12024-01-01T00:00:00Z",
        "2024-1-01T00:00:00Z",
        "2024-01-01T-1:00:00Z",
        "@",
        "@-1",
        "@1.5",
        "@ 1",
        "@253402300800",
        "@99999999999999999999",
        "1h",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct timespec time = {7, 7};
        if (cli_time_parse(&time, texts[i]) != COMMON_ERR_INVALID || time.tv_sec || time.tv_nsec)
            fail_msg("'%s' was taken", texts[i]);
    }
}

static void the_calendar_agrees_with_libc(void **state)
{
    (void)state;
    /* A step that is prime to a day walks through all hours and days from 0000 to 9999. */
    for (int64_t s = INT64_C(-62167219200); s <= INT64_C(253402300799); s += 8675309) {
        char text[CLI_TIME_SIZE];
        struct timespec back;
        cli_time_format(text, (struct timespec){.tv_sec = s});
        if (cli_time_parse(&back, text) || back.tv_sec != s)
            fail_msg("%" PRId64 " became %s", s, text);
    }
}

static void since_takes_a_time_or_counts_back(void **state)
{
    (void)state;
    struct timespec now = {1900000000, 5};
    struct timespec since;
    assert_int_equal(cli_since_parse(&since, now, "6h"), 0);
    assert_int_equal(since.tv_sec, 1900000000 - 21600);
    assert_int_equal(since.tv_nsec, 5);
    assert_int_equal(cli_since_parse(&since, now, "@17"), 0);
    assert_int_equal(since.tv_sec, 17);
    assert_int_equal(cli_since_parse(&since, now, "soon"), COMMON_ERR_INVALID);
    assert_int_equal(since.tv_sec, 0);
    assert_int_equal(cli_since_parse(&since, now, "3000Y"), COMMON_ERR_INVALID);
    assert_int_equal(cli_since_parse(&since, now, "18446744073709551615s"), COMMON_ERR_INVALID);
}

static void times_are_shown_in_utc_with_milliseconds(void **state)
{
    (void)state;
    char text[CLI_TIME_SIZE];
    assert_int_equal(setenv("TZ", "America/New_York", 1), 0);
    tzset();
    cli_time_format(text, (struct timespec){.tv_sec = 482196050, .tv_nsec = 520999999});
    assert_string_equal(text, "1985-04-12T23:20:50.520Z");
    struct timespec time;
    assert_int_equal(cli_time_parse(&time, text), 0);
    assert_int_equal(time.tv_sec, 482196050);
    assert_int_equal(unsetenv("TZ"), 0);
    cli_time_format(text, (struct timespec){.tv_sec = INT64_C(253402300800)});
    assert_string_equal(text, "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(what_is_not_a_time_is_refused),
        cmocka_unit_test(the_calendar_agrees_with_libc),
        cmocka_unit_test(since_takes_a_time_or_counts_back),
        cmocka_unit_test(times_are_shown_in_utc_with_milliseconds),
    };
    return cmocka_run_group_tests_name("cli_timestamp", tests, NULL, NULL);
}
