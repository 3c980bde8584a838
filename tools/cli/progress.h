/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far long work has come, on err.
 *
 *   G1  auto: a bar on a terminal, else a plain line now and then. always: a bar in any case.
 * never: nothing. TERM=dumb or no TERM makes a terminal no terminal. G2  A bar is drawn at most ten
 * times a second, a plain line at most every five seconds; updates in between cost a look at the
 * clock. G3  A bar is made of carriage returns, blanks and text. Colour comes on top, on a terminal
 * only, and not at all where NO_COLOR is set and not empty (no-color.org). G4  A bar never fills
 * the last column, which would make the terminal wrap; what does not fit is left out: first the bar
 * itself, then the line is cut. G5  The end shows where it came to, and leaves the cursor in a new
 * line. G6  The rate leans to the last ten seconds. Time left is shown when the total is known and
 * the rate is not zero.
 *
 * It owns nothing. The context must outlive it. One thread at a time; work in several threads sums
 * up in one. Nothing else is written to err meanwhile but by cli_warn() and cli_fail().
 */
#ifndef TOOLS_CLI_PROGRESS_H
#define TOOLS_CLI_PROGRESS_H

#include "tools/cli/cli.h"

#include <stdbool.h>
#include <stdint.h>

enum cli_progress_unit {
    CLI_PROGRESS_BYTES,
    CLI_PROGRESS_ITEMS
};

struct cli_progress {
    struct cli *cli;
    const char *label; /* borrowed; escaped when shown */
    enum cli_progress_unit unit;
    uint64_t total; /* 0: not known */
    uint64_t done;
    bool is_bar;
    bool is_quiet;
    bool is_colour;
    bool is_told; /* something was shown */
    uint64_t next_ns;
    uint64_t last_ns; /* of the last estimate, and what was done then */
    uint64_t last_done;
    double rate; /* units a second */
};

/* Begins at `done`, which is more than 0 when work is resumed: it does not count for the rate. */
void cli_progress_begin(struct cli_progress *progress, struct cli *cli, const char *label,
                        enum cli_progress_unit unit, uint64_t total, uint64_t done);

void cli_progress_update(struct cli_progress *progress, uint64_t done);

/* To be called however the work ended. */
void cli_progress_end(struct cli_progress *progress);

#endif
