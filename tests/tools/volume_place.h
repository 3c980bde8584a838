/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the commands for volumes are run over the double of the library: a directory with a volume
 * that is an empty file, a key file and a store.
 */
#ifndef TESTS_TOOLS_VOLUME_PLACE_H
#define TESTS_TOOLS_VOLUME_PLACE_H

#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include "tests/tools/cli_fixture.h"
#include "tests/tools/volume_double.h"

#include <jansson.h>

/* Of the double's volume. */
#define UUID_TEXT "919108f7-52d1-4320-9bac-f847db4148a8"

extern const struct cli_tool place_tool;

struct place {
    struct tmpdir dir;
    char volume[PATH_MAX];
    char keys[PATH_MAX]; /* 128 bytes, 1 and up: two keys */
    char store[PATH_MAX];
    char text[3 * PATH_MAX];
};

int place_make(void **state);
/* Fails when a command has left a volume open. */
int place_remove(void **state);

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

/* A command of one or two words with options, on the volume; with the key file, or without. */
#define KEYED(place, ...)                                                                          \
    run_tool(&place_tool,                                                                          \
             (const char *const[]){"xtsvol", __VA_ARGS__, (place)->volume, "--key-file",           \
                                   (place)->keys, "--store", (place)->store, NULL})
#define PLAIN(place, ...)                                                                          \
    run_tool(&place_tool, (const char *const[]){"xtsvol", __VA_ARGS__, (place)->volume, "--store", \
                                                (place)->store, NULL})

/* The line of a failure. Belongs to the place, until the next. */
const char *line(struct place *place, const char *object, const char *why);

json_t *parsed(const struct caught *caught);
json_int_t integer(const json_t *document, const char *key);
const char *string(const json_t *document, const char *key);

/* How many events of that name and severity the log has. */
unsigned num_recorded(const struct place *place, const char *name, const char *severity);

/* The volume of the double was erased; and: is that the record of it, as JSON? */
void set_erased(bool keys_destroyed);
void check_record(const struct caught *got, bool keys_destroyed);

/* A question must find no terminal to be asked on, whoever runs the tests. */
void leave_the_terminal(void);

#endif
