/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the replayer share: a small tree, writers on it, and what is left of it. */
#ifndef TESTS_SUPPORT_SCENARIO_H
#define TESTS_SUPPORT_SCENARIO_H

#include "tests/support/replay.h"
#include "tests/support/tmpdir.h"

#include <stddef.h>
#include <sys/types.h>

enum {
    LEN = 1024 /* two pieces */
};

/* Runs in the root directory, which holds "config" and "data" with LEN times 'a', durable, and an
 * empty directory "sub". */
typedef void writer(void);

struct replay *scenario_record(const struct tmpdir *dir, writer *write, bool journaled);

void scenario_sync(const char *path);
void scenario_put(int fd, char letter, size_t len, off_t offset);
int scenario_open_data(int flags);

/* What a file holds, as text: each run of a letter, zero bytes as '.', "absent", "empty". */
const char *scenario_summary(char out[64], const char *dir, const char *name);

/* Collects the states that were seen; never finds fault. */
struct scenario_seen {
    const char *names[2]; /* files to look at */
    char states[64][160];
    size_t num_states;
};

const char *scenario_collect(void *context, const char *dir, const struct replay_info *info);

/* Exactly these states, separated by '|', are possible after the writer: no fewer, no more. */
void scenario_assert_possible(void **state, writer *write, bool journaled, const char *first,
                              const char *second, const char *expected);

#endif
