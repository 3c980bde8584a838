/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/timestamp.h"

#include "tools/cli/duration.h"
#include "tools/cli/number.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define FIRST_SECOND INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define LAST_SECOND INT64_C(253402300799)  /* 9999-12-31T23:59:59Z */

struct fields {
    int year, month, day, hour, minute, second;
    long nanosecond;
    int offset_minutes; /* east of UTC */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Exactly `count` digits. */
static bool take_digits(int *out, const char **text, unsigned count)
{
    *out = 0;
    for (unsigned i = 0; i < count; i++, (*text)++) {
        if (!is_digit(**text))
            return false;
        *out = *out * 10 + (**text - '0');
    }
    return true;
}

static bool take_char(const char **text, char wanted)
{
    if (**text != wanted)
        return false;
    (*text)++;
    return true;
}

static bool take_date(struct fields *out, const char **text)
{
    return take_digits(&out->year, text, 4) && take_char(text, '-') &&
           take_digits(&out->month, text, 2) && take_char(text, '-') &&
           take_digits(&out->day, text, 2);
}

static bool take_fraction(struct fields *out, const char **text)
{
    if (!take_char(text, '.'))
        return true;
    if (!is_digit(**text))
        return false;
    long scale = 100000000;
    for (; is_digit(**text); (*text)++, scale /= 10)
        out->nanosecond += scale * (**text - '0');
    return true;
}

static bool take_time(struct fields *out, const char **text)
{
    return take_digits(&out->hour, text, 2) && take_char(text, ':') &&
           take_digits(&out->minute, text, 2) && take_char(text, ':') &&
           take_digits(&out->second, text, 2) && take_fraction(out, text);
}

static bool take_offset(struct fields *out, const char **text)
{
    if (take_char(text, 'Z') || take_char(text, 'z'))
        return true;
    int sign = take_char(text, '+') ? 1 : take_char(text, '-') ? -1 : 0;
    int hours = 0;
    int minutes = 0;
    if (sign == 0 || !take_digits(&hours, text, 2) || !take_char(text, ':') ||
        !take_digits(&minutes, text, 2) || hours > 23 || minutes > 59)
        return false;
    out->offset_minutes = sign * (hours * 60 + minutes);
    return true;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && is_leap ? 29 : days[month - 1];
}

/* Days since 1970-01-01. The year begins in March here, so that the leap day is its last. */
static int64_t days_since_epoch(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t m = month <= 2 ? month + 9 : month - 3;
    int64_t leap_days = (y + 400) / 4 - (y + 400) / 100 + (y + 400) / 400 - 97;
    return y * 365 + leap_days + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool is_on_the_calendar(const struct fields *f)
{
    return f->month >= 1 && f->month <= 12 && f->day >= 1 &&
           f->day <= days_of_month(f->year, f->month) && f->hour <= 23 && f->minute <= 59 &&
           f->second <= 60;
}

/* T2: would `seconds`, which counts the 60th, be the first second of a month in UTC? */
static bool may_be_leap_second(int64_t seconds)
{
    time_t time = (time_t)seconds;
    struct tm tm;
    return gmtime_r(&time, &tm) && tm.tm_mday == 1 && tm.tm_hour == 0 && tm.tm_min == 0 &&
           tm.tm_sec == 0;
}

static int parse_rfc3339(struct timespec *out, const char *text)
{
    struct fields f = {0};
    if (!take_date(&f, &text) ||
        !(take_char(&text, 'T') || take_char(&text, 't') || take_char(&text, ' ')) ||
        !take_time(&f, &text) || !take_offset(&f, &text) || *text != '\0' ||
        !is_on_the_calendar(&f))
        return COMMON_ERR_INVALID;
    int64_t minutes = (int64_t)f.hour * 60 + f.minute - f.offset_minutes;
    int64_t seconds = days_since_epoch(f.year, f.month, f.day) * 86400 + minutes * 60 + f.second;
    if (f.second == 60 && !may_be_leap_second(seconds))
        return COMMON_ERR_INVALID;
    if (seconds < FIRST_SECOND || seconds > LAST_SECOND)
        return COMMON_ERR_INVALID;
    *out = (struct timespec){.tv_sec = seconds, .tv_nsec = f.nanosecond};
    return 0;
}

int cli_time_parse(struct timespec *out, const char *text)
{
    *out = (struct timespec){0};
    if (*text != '@')
        return parse_rfc3339(out, text);
    text++;
    uint64_t seconds = 0;
    if (cli_number_parse(&seconds, &text) || *text != '\0' || seconds > LAST_SECOND)
        return COMMON_ERR_INVALID;
    out->tv_sec = (time_t)seconds;
    return 0;
}

int cli_since_parse(struct timespec *out, struct timespec now, const char *text)
{
    int error = cli_time_parse(out, text);
    if (!error)
        return 0;
    uint64_t ago = 0;
    error = cli_duration_parse(&ago, text);
    if (error)
        return COMMON_ERR_INVALID;
    if (ago > (uint64_t)(LAST_SECOND - FIRST_SECOND) || now.tv_sec - (int64_t)ago < FIRST_SECOND)
        return COMMON_ERR_INVALID;
    *out = now;
    out->tv_sec -= (int64_t)ago;
    return 0;
}

void cli_time_format(char out[CLI_TIME_SIZE], struct timespec time)
{
    struct tm tm;
    if (time.tv_sec < FIRST_SECOND || time.tv_sec > LAST_SECOND || !gmtime_r(&time.tv_sec, &tm)) {
        (void)snprintf(out, CLI_TIME_SIZE, "-");
        return;
    }
    (void)snprintf(out, CLI_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                   (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
                   (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
                   (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100,
                   (unsigned)(time.tv_nsec / 1000000) % 1000);
}
