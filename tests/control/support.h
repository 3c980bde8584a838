/* SPDX-License-Identifier: Apache-2.0 */
/* A control server for tests, and raw connections to it. */
#ifndef TESTS_CONTROL_SUPPORT_H
#define TESTS_CONTROL_SUPPORT_H

#include "tests/support/tmpdir.h"
#include "tools/control/control.h"

#include <stdatomic.h>
#include <stdbool.h>

enum {
    TEST_TIMEOUT_MS = 10000 /* for what must not take long */
};

struct control_fixture {
    struct tmpdir dir;
    char path[PATH_MAX];
    struct control_server *server;
    atomic_int num_calls; /* of the verb `count` */
};

/* The verbs: count; echo, which gives its arguments back; refuse {"error","why"}, which fails with
 * and without a sentence; long {"length"}, a string. */
int control_fixture_setup(void **state);
int control_fixture_teardown(void **state);

/* Starts the server at fixture->path. */
void control_fixture_start(struct control_fixture *fixture, unsigned timeout_ms);

/* A connection without the client's manners. */
int raw_connect(const char *path);
void raw_send(int fd, const char *bytes, size_t len);
/* The answer, to be freed; NULL when the server hung up without one. Fails the test when it takes
 * longer than TEST_TIMEOUT_MS. Closes the connection. */
char *raw_answer(int fd);
/* Both. */
char *raw_ask(const char *path, const char *line);

/* A socket that listens and does nothing, or, with a backlog below 0, one that a killed server
 * left. */
int raw_listen(const char *path, int backlog);

unsigned num_descriptors(void);

#endif
