/* SPDX-License-Identifier: Apache-2.0 */
/* The noun `events`, the same in all tools. */
#ifndef GLUE_EVENTS_H
#define GLUE_EVENTS_H

#include "tools/cli/command.h"

extern const struct cli_command glue_events_command;

#endif
