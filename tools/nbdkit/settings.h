/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of the plugin, as they stand on nbdkit's command line. */
#ifndef TOOLS_NBDKIT_SETTINGS_H
#define TOOLS_NBDKIT_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct nbd_settings {
    char *file;     /* absolute: nbdkit leaves the folder that it was started in */
    char *header;   /* absolute, or NULL: attached */
    char *key_file; /* as tools/glue/keyfile.h takes it; a path is absolute */
    char *control;  /* absolute; "" for none; NULL: beside the metadata */
    uint64_t min_sequence;
    uint32_t num_threads;
    bool is_read_only;
    bool allow_plaintext;
    bool has_min_sequence;
    bool has_threads;
    bool has_read_only;
    bool has_allow_plaintext;
};

/* The help that nbdkit prints. */
#define NBD_SETTINGS_HELP                                                                          \
    "file=FILE         (required) The volume, a file or a block device.\n"                         \
    "key-file=SOURCE   (required) The keys, 64 bytes each: a path, -, fd:N or credential:NAME.\n"  \
    "header=FILE       Where the metadata is, when detached.\n"                                    \
    "min-sequence=N    Refuse metadata with a lower sequence.\n"                                   \
    "threads=N         Threads that help with large requests (default 0).\n"                       \
    "read-only=BOOL    Open the volume for reading only, beside others that do.\n"                 \
    "allow-plaintext=BOOL  Some of the volume may not be encrypted yet.\n"                         \
    "control=PATH      The control socket (default: beside the metadata); empty for none."

/* 0, or -1 after nbdkit_error(). */
int nbd_settings_set(struct nbd_settings *settings, const char *key, const char *value);

/* Is all there that must be? */
int nbd_settings_complete(const struct nbd_settings *settings);

void nbd_settings_free(struct nbd_settings *settings);

/* What holds the metadata. */
const char *nbd_settings_metadata(const struct nbd_settings *settings);

#endif
