/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a secret from what the user named: the part of tools/cli/secret.h, whose rules K1 to K5
 * and K7 are kept here, that needs no struct cli, for a plugin in somebody else's process.
 *
 * What is to be told goes to the caller: a sentence about the source, never about what is in it.
 */
#ifndef TOOLS_CLI_SECRET_SOURCE_H
#define TOOLS_CLI_SECRET_SOURCE_H

#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cli_secret_kind {
    CLI_SECRET_PASSPHRASE,
    CLI_SECRET_KEY
};

struct cli_secret {
    enum cli_secret_kind kind;
    const char *what; /* "new passphrase": for prompts and messages */
    size_t min_len;   /* bytes */
    size_t max_len;
    uint8_t *memory; /* max_len bytes of the caller, which the secret goes to */
    uint8_t *again;  /* max_len bytes for asking twice; NULL: once */
};

enum {
    CLI_SECRET_WHY_SIZE = 256
};

/* What a caller may add to the reading; all zero adds nothing. */
struct cli_secret_host {
    /* Returns 0 when fd can be read, or why there is nothing to wait for any more. NULL: waits. */
    int (*wait)(void *context, int fd);
    /* K4. NULL: nobody is warned. */
    void (*warn)(void *context, const char *source, const char *sentence);
    void *context;
};

/* Is it the path of a file, rather than `-`, `fd:N` or `credential:NAME`? */
bool cli_secret_is_path(const char *source);

/* Does it name that descriptor, as `-` and `fd:0` name 0? */
bool cli_secret_is_descriptor(const char *source, int fd);

/* 0 and the length; else `why` has a sentence about the source, *out_len is 0 and both memories are
 * wiped. */
COMMON_MUST_USE int cli_secret_read_source(size_t *out_len, char why[CLI_SECRET_WHY_SIZE],
                                           const struct cli_secret_host *host,
                                           const struct cli_secret *secret, const char *source);

/* Is that a length that K3 allows, are these bytes that K2 allows? Else a sentence. */
COMMON_MUST_USE int cli_secret_check(char why[CLI_SECRET_WHY_SIZE], const struct cli_secret *secret,
                                     size_t len);

#endif
