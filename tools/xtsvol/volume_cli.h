/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands for volumes share: the options that say which volume and whose keys, opening,
 * and how failures and events of the library are told.
 *
 *   U1  A failure is one line `xtsvol: FILE: why`, with what to do about it where that is known. A
 *       volume that somebody else has is `xtsvol: FILE: in use by pid N`.
 *   U2  Warnings and errors of the library are told as warnings and recorded in the event log, up
 *       to VOLUME_CLI_MAX_EVENTS of a run; beyond that they are counted.
 *   U3  What a command changed is recorded when it is done. A log that cannot be written does not
 *       fail a command (R7).
 *
 * struct volume_cli is initialised with {.cli = cli} and ended with volume_cli_end().
 */
#ifndef TOOLS_XTSVOL_VOLUME_CLI_H
#define TOOLS_XTSVOL_VOLUME_CLI_H

#include "common/base/cleanup.h"
#include "common/base/uuid.h"
#include "tools/cli/cli.h"
#include "tools/cli/json.h"
#include "tools/glue/keyfile.h"

#include <xtsvol/volume.h>

enum {
    VOLUME_CLI_MAX_EVENTS = 16,
    VOLUME_CLI_KEYS = 1 /* number of the group of options that name a source of keys */
};

struct volume_cli {
    struct cli *cli;
    const char *path; /* FILE */
    struct glue_keyfile *keyfile;
    struct xtsvol_volume_options options;
    struct xtsvol_failure failure;
    struct xtsvol_volume *volume;
    uint64_t num_events;
};

#define VOLUME_CLI_CLEANUP COMMON_CLEANUP(volume_cli_end)

/* Entries for the table of a command. */
#define VOLUME_CLI_FILE                                                                            \
    {                                                                                              \
        .name = "FILE", .summary = "the volume: a file or a block device"                          \
    }
#define VOLUME_CLI_HEADER                                                                          \
    {                                                                                              \
        .name = "header", .type = CLI_PATH, .value_name = "FILE",                                  \
        .summary = "where the metadata is, when it is apart from the data"                         \
    }
#define VOLUME_CLI_KEY_FILE(need)                                                                  \
    {                                                                                              \
        .name = "key-file", .type = CLI_PATH, .flags = (need), .group = VOLUME_CLI_KEYS,           \
        .value_name = "F",                                                                         \
        .summary = "the keys of generations 1, 2, ... one after another, 64 raw bytes each: a "    \
                   "path, -, fd:N or credential:NAME"                                              \
    }
#define VOLUME_CLI_MIN_SEQUENCE                                                                    \
    {                                                                                              \
        .name = "min-sequence", .type = CLI_INTEGER, .value_name = "N",                            \
        .summary = "refuse metadata with a lower sequence: an older state put back", .min = 0,     \
        .max = INT64_MAX                                                                           \
    }
#define VOLUME_CLI_ALLOW_PLAINTEXT                                                                 \
    {                                                                                              \
        .name = "allow-plaintext", .type = CLI_FLAG,                                               \
        .summary = "part of the volume may be plaintext: an encryption in place is under way"      \
    }
#define VOLUME_CLI_THREADS                                                                         \
    {                                                                                              \
        .name = "threads", .type = CLI_INTEGER, .value_name = "N", .fallback = "0",                \
        .summary = "threads that help with encrypting", .min = 0, .max = XTSVOL_VOLUME_THREADS_MAX \
    }

/* Sets the options from the command line and reads the keys. Options that the command's table does
 * not have are left alone. The failure has been told. */
COMMON_MUST_USE int volume_cli_begin(struct volume_cli *volume);

/* volume_cli_begin(), and opens. */
COMMON_MUST_USE int volume_cli_open(struct volume_cli *volume, bool is_read_only);

void volume_cli_end(struct volume_cli *volume);

/* Tells why the last call on the volume failed, or the one that did not open it (`failure`), and
 * returns the error. About FILE unless `object` names another thing; `after` (may be NULL) goes
 * behind the sentence. */
COMMON_MUST_USE int volume_cli_fail(struct volume_cli *volume, int error, const char *object,
                                    const char *after);

/* U3. */
void volume_cli_record(struct volume_cli *volume, enum common_event_severity severity,
                       const char *name, const uint8_t uuid[XTSVOL_UUID_LEN], const char *reason);

/* Progress of a long call of the library: 1 when it should end. The caller tells why. */
bool volume_cli_is_over(const struct cli *cli);

/* Tells that the work ended early: interrupted or timed out, and what had been done. */
__attribute__((format(printf, 3, 4))) COMMON_MUST_USE int
volume_cli_fail_over(struct volume_cli *volume, int error, const char *format, ...);

#endif
