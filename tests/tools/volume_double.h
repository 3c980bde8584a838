/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In place of the library, for tests of what the commands say and ask of it: states that a volume
 * cannot easily be brought into, failures, events. Nothing is stored and nothing encrypted; how the
 * commands do on real volumes is in test_volume_tool.py.
 */
#ifndef TESTS_TOOLS_VOLUME_DOUBLE_H
#define TESTS_TOOLS_VOLUME_DOUBLE_H

#include <xtsvol/volume.h>

#include <stdbool.h>

enum {
    DOUBLE_MAX = 64
};

struct volume_double {
    /* What it answers. */
    struct xtsvol_volume_info info;
    struct xtsvol_erasure erasure;
    struct xtsvol_run runs[DOUBLE_MAX];
    size_t num_runs;
    struct xtsvol_check_report report;
    struct xtsvol_run bad[DOUBLE_MAX];
    size_t num_bad;
    struct xtsvol_event events[DOUBLE_MAX]; /* told when a volume is opened */
    size_t num_events;
    int open_error; /* of open and create */
    int peek_error;
    int call_error;  /* of resize, check, backup, restore and erase */
    bool is_stopped; /* takes no writes */
    struct xtsvol_failure failure;
    void (*meanwhile)(void); /* during a check; may be NULL */

    /* What it was asked. */
    struct xtsvol_volume_options options;
    struct xtsvol_create_options created;
    char path[256];
    char other_path[256];
    unsigned num_opened;
    unsigned num_calls;     /* that change a volume */
    unsigned num_open;      /* handles */
    unsigned num_flushed;   /* calls that had been made at the last flush */
    int flush_error;        /* an answer, too */
    const uint8_t *written; /* where the caller had what was written last */
    size_t written_len;
    uint64_t new_size;
    bool may; /* shrink, go back, repair */
    bool has_destroy;
};

extern struct volume_double volume_double;

/* What it says when it fails. */
void volume_double_say(const char *message);

/* A volume of 8 extents of 1 MiB, all of generation 1. */
void volume_double_reset(void);

#endif
