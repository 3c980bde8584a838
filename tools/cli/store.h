/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where state lives, and whether it may be trusted.
 *
 *   P1  --store DIR, else $STRONGROOM_STORE, else the default: /var/lib/strongroom for root,
 *       $XDG_STATE_HOME/strongroom for others, ~/.local/state/strongroom where that is not set.
 *       XDG_STATE_HOME and HOME count only if absolute (XDG Base Directory Specification).
 *   P2  A store that was named must be there for a reader: a slip of the pen is an error. A default
 *       store that is not there is an empty one.
 *   P3  Who writes may create it: mode 0700, made durable. For the default its parents too; a store
 *       that was named must have its parent.
 *   P4  Refused: what is not a directory; what its group or others may write; what belongs to
 *       another user, unless root asks.
 */
#ifndef TOOLS_CLI_STORE_H
#define TOOLS_CLI_STORE_H

#include "tools/cli/cli.h"

#include <limits.h>
#include <stdbool.h>

enum cli_store_mode {
    CLI_STORE_READ,
    CLI_STORE_CREATE
};

struct cli_store {
    char path[PATH_MAX];
    bool is_explicit; /* named by --store or $STRONGROOM_STORE */
    bool exists;      /* always after CLI_STORE_CREATE */
};

/* Finds, checks and with CLI_STORE_CREATE makes the store. On failure it has been told, and
 * out->exists is false. */
COMMON_MUST_USE int cli_store_open(struct cli *cli, struct cli_store *out,
                                   enum cli_store_mode mode);

#endif
