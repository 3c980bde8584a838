/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the event log share. All of it fails the test when the log does. */
#ifndef TESTS_TOOLS_EVENTLOG_SUPPORT_H
#define TESTS_TOOLS_EVENTLOG_SUPPORT_H

#include "tests/support/tmpdir.h"
#include "tools/glue/eventlog.h"

#include <stddef.h>
#include <stdint.h>

/* Of the tool "keymgr" on "node-1", on the first of March 2026 at noon. */
struct glue_eventlog_options eventlog_test_options(const struct tmpdir *dir);
struct glue_eventlog *eventlog_test_open(const struct glue_eventlog_options *options);

/* Records one event and gives its seq; the second one opens and closes the log, as a command does.
 */
uint64_t eventlog_test_write(struct glue_eventlog *log, const char *reason);
uint64_t eventlog_test_write_once(const struct glue_eventlog_options *options, const char *reason);

/* Reads to the present end; each event must have the seq after the one before. How many there were.
 */
uint64_t eventlog_test_read(struct glue_eventlog_reader *reader, uint64_t *last_seq);

/* The same with a reader of its own; unreadable may be NULL. */
uint64_t eventlog_test_count(const struct tmpdir *dir, uint64_t *unreadable);

/* The bytes of the current log and a zero byte, to be freed. */
char *eventlog_test_text(const struct tmpdir *dir, size_t *len);

/* Appends to a file of the store behind the back of the log. */
void eventlog_test_add_bytes(const struct tmpdir *dir, const char *name, const void *data,
                             size_t len);

/* Renames the current log, as a writer does after event last_seq, and makes no new one. */
void eventlog_test_put_aside(const struct tmpdir *dir, uint64_t last_seq);

/* How many logs were put aside. */
unsigned eventlog_test_num_aside(const struct tmpdir *dir);

#endif
