/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets on their way in: passphrases and keys. Never from arguments, which all users can list,
 * nor from the environment, which children inherit.
 *
 * Where a secret comes from is what the user wrote behind --passphrase-file or --key-file:
 *     PATH             a regular file (./fd:3 for one of such a name)
 *     -                standard input, unless it is a terminal
 *     fd:N             an open descriptor
 *     credential:NAME  a credential that systemd put into $CREDENTIALS_DIRECTORY
 *     (no option)      the terminal, without echo; passphrases only
 *
 *   K1  Bytes go by read(2) straight into the caller's memory, meant to be a slot of the secret
 *       arena, and pass through no other buffer. What is not returned is wiped.
 *   K2  A passphrase loses one line end, if it has one at its end; other bytes are kept as they
 * are. A zero byte is refused: it would cut the passphrase short elsewhere. A key is raw: all
 * counts. K3  Length within min_len and max_len; reading stops at the first byte beyond. K4  A file
 * that its group or others may read or write draws a warning, and is used. Credentials do not:
 * their modes show an access list (systemd.exec(5)). K5  Directories, FIFOs, devices and sockets
 * are refused as PATH, without waiting on them. K6  A new passphrase is asked for twice; both must
 * be equal. K7  No message has any of the secret in it, nor its length.
 */
#ifndef TOOLS_CLI_SECRET_H
#define TOOLS_CLI_SECRET_H

#include "tools/cli/cli.h"
#include "tools/cli/secret_source.h"

/* Reads a secret from where `source` says; NULL asks on the terminal. 0 and the length; else the
 * failure has been told, *out_len is 0 and both memories are wiped. */
COMMON_MUST_USE int cli_secret_read(struct cli *cli, size_t *out_len,
                                    const struct cli_secret *secret, const char *source);

/* For readers of their own: waits with an ear for the deadline and interrupts, and warns on err. */
struct cli_secret_host cli_secret_host(struct cli *cli);

#endif
