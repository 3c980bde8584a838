/* SPDX-License-Identifier: Apache-2.0 */
/* One event into the log of the store that the run names; the store is made if there is none. */
#ifndef GLUE_RECORD_H
#define GLUE_RECORD_H

#include "tools/cli/cli.h"
#include "tools/glue/eventlog.h"

/* When it returns 0 the event is on the medium, and *seq (may be NULL) is its number; else the
 * failure has been told, unless it was an interrupt. */
COMMON_MUST_USE int glue_record(struct cli *cli, uint64_t *seq, const struct glue_event *event);

/* For a command whose work is another: a log that cannot be written costs a warning (R7). */
void glue_record_besides(struct cli *cli, const struct glue_event *event);

#endif
