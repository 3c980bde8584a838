/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key file as the keeper of a volume's keys: the raw 64 bytes of generations 1 to n, one after
 * another. What a user without a key manager has. For the tool, and for a plugin in a process of
 * somebody else: nothing here needs a struct cli.
 *
 *   F1  Read as tools/cli/secret_source.h reads any key: a path, `-`, `fd:N`, `credential:NAME`.
 *       Its bytes are in secret memory until it is closed.
 *   F2  1 to 1023 keys, whole ones. Whether a key is fit for use is for the library to say.
 *   F3  A key is destroyed in the file that it came from: its 64 bytes there, which must still be
 *       the key, become random ones and then zeroes; both are on the medium before it is reported.
 *       Nothing else in the file changes. What a file system or a flash drive keeps of the old
 *       bytes is out of reach.
 *   F4  A key that was destroyed is not given any more.
 *   F5  So it is with 64 zeroes that were read: that key was destroyed before. Who was interrupted
 *       while he destroyed several can begin again with the same file.
 *
 * Threads: one at a time.
 */
#ifndef TOOLS_GLUE_KEYFILE_H
#define TOOLS_GLUE_KEYFILE_H

#include "common/base/error.h"
#include "common/event/event.h"
#include "tools/cli/secret_source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GLUE_KEY_LEN = 64,
    GLUE_KEYFILE_MAX = 1023, /* keys */
    GLUE_KEYFILE_UUID_LEN = 16
};

struct glue_keyfile;

struct glue_keyfile_options {
    const char *source;                 /* F1; copied */
    const struct cli_secret_host *host; /* how it is waited and who is warned; NULL: nobody */
    struct common_event_sink events;    /* of the secret memory */
};

/* `why` has a sentence about the source on failure, and *out is NULL: COMMON_ERR_NOT_FOUND,
 * COMMON_ERR_DENIED, COMMON_ERR_IO of the file, COMMON_ERR_INVALID (F2), COMMON_ERR_NO_MEMORY, or
 * what the host's wait returned. */
COMMON_MUST_USE int glue_keyfile_open(struct glue_keyfile **out, char why[CLI_SECRET_WHY_SIZE],
                                      const struct glue_keyfile_options *options);

/* Wipes. NULL, or a pointer to NULL, is allowed. */
void glue_keyfile_close(struct glue_keyfile **keyfile);

/* How many keys it has. */
uint32_t glue_keyfile_num(const struct glue_keyfile *keyfile);

/* Would that key be given? */
bool glue_keyfile_has(const struct glue_keyfile *keyfile, uint32_t generation);

/* xtsvol_key_fn; the context is the keyfile. COMMON_ERR_NOT_FOUND: beyond the last one, F4
 * or F5. */
int glue_keyfile_key(void *context, uint8_t key[GLUE_KEY_LEN],
                     const uint8_t uuid[GLUE_KEYFILE_UUID_LEN], uint32_t generation);

/* Can F3 be done? Opens the file for writing, and keeps it open. COMMON_ERR_UNSUPPORTED: what has
 * no path; COMMON_ERR_DENIED, ... of the file; COMMON_ERR_STATE: the path leads to another one by
 * now, or its keys are others. `why` has a sentence on failure. */
COMMON_MUST_USE int glue_keyfile_may_destroy(struct glue_keyfile *keyfile,
                                             char why[CLI_SECRET_WHY_SIZE]);

/* xtsvol_destroy_key_fn, F3: 0, also when it was destroyed before (F5); COMMON_ERR_NOT_FOUND: there
 * is no such key; otherwise as glue_keyfile_may_destroy(), and COMMON_ERR_IO. */
int glue_keyfile_destroy(void *context, const uint8_t uuid[GLUE_KEYFILE_UUID_LEN],
                         uint32_t generation);

/* What the last destroy failed for, a sentence; "" if it did not. Belongs to the keyfile. */
const char *glue_keyfile_why(const struct glue_keyfile *keyfile);

#endif
