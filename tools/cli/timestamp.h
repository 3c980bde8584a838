/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points in time on the command line and in output: RFC 3339, always shown in UTC.
 *
 *   T1  Date, `T` (or `t`, or a blank, RFC 3339 5.6), time with seconds, an optional fraction, and
 *       `Z`, `z` or a numeric offset. A time without an offset is refused: it would mean something
 *       else on another machine. Neither locale nor TZ has a say.
 *   T2  Fields are checked against the calendar (RFC 3339 5.7). Second 60 is taken where a leap
 *       second can be, at 23:59:60 UTC on the last day of a month, and is the second after 59.
 *   T3  Digits beyond the nanosecond are read and dropped.
 *   T4  `@SECONDS` is a time of the POSIX clock.
 *   T5  The year, in UTC, is from 0000 to 9999, so that each result can be shown.
 */
#ifndef TOOLS_CLI_TIMESTAMP_H
#define TOOLS_CLI_TIMESTAMP_H

#include "common/base/error.h"

#include <time.h>

enum {
    CLI_TIME_SIZE = 32 /* holds any formatted time */
};

/* COMMON_ERR_INVALID for what is not a time; *out is zero then. */
COMMON_MUST_USE int cli_time_parse(struct timespec *out, const char *text);

/* Takes a duration too, and counts it back from `now`. */
COMMON_MUST_USE int cli_since_parse(struct timespec *out, struct timespec now, const char *text);

/* 2025-03-01T12:00:00.000Z, rounded down; `-` for what T5 excludes. */
void cli_time_format(char out[CLI_TIME_SIZE], struct timespec time);

#endif
