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
 *       that was named must have its parent. Durable also when it is there already: whoever made it
 *       may have been killed before it was.
 *   P4  Refused: what is not a directory; what its group or others may write; what belongs to
 *       another user, unless root asks to read. Root does not write there either: the owner may
 * have put links to files of others into it. P5  What was checked is what is used: the directory
 * stays open as `fd`, and files in it are opened relative to that. `path` is for messages, and for
 * what takes names only; by then another directory may have its name.
 *
 * Ownership: cli_store_close(), or CLI_CLEANUP_STORE, closes the directory; struct cli_store is
 * initialised with {.fd = -1} where something may fail before cli_store_open().
 */
#ifndef TOOLS_CLI_STORE_H
#define TOOLS_CLI_STORE_H

#include "common/base/cleanup.h"
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
    int fd;           /* the directory that was checked, for openat(2); -1 if it does not exist */
};

#define CLI_CLEANUP_STORE COMMON_CLEANUP(cli_store_close)

/* Finds, checks and with CLI_STORE_CREATE makes the store. On failure it has been told, and
 * out->exists is false and out->fd is -1. */
COMMON_MUST_USE int cli_store_open(struct cli *cli, struct cli_store *out,
                                   enum cli_store_mode mode);

/* Keeps errno. May be called again, or after a failure. */
void cli_store_close(struct cli_store *store);

#endif
