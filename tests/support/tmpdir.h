/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A temporary directory per test below $TMPDIR (else /tmp), and whole files.
 *
 *     cmocka_unit_test_setup_teardown(writes_a_file, tmpdir_setup, tmpdir_teardown)
 *
 * gives the test *state = a struct tmpdir, and removes all of it afterwards. All functions that can
 * fail on the machine's side (no space, no permission) fail the test, outside of a test the
 * process.
 */
#ifndef TESTS_SUPPORT_TMPDIR_H
#define TESTS_SUPPORT_TMPDIR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tmpdir {
    char path[PATH_MAX];
};

void tmpdir_make(struct tmpdir *dir);
void tmpdir_remove(struct tmpdir *dir);

int tmpdir_setup(void **state);
int tmpdir_teardown(void **state);

/* path of `name` in the directory; out has PATH_MAX bytes; returns out. */
char *tmpdir_path(char out[PATH_MAX], const struct tmpdir *dir, const char *name);

/* Removes a tree, symbolic links not followed. What is not there is no error. */
void tree_remove(const char *path);

/* Reads all of a file into a block of exactly its size (1 byte for an empty one), which the caller
 * frees. */
void file_read(uint8_t **out, size_t *out_len, const char *path);
void file_write(const char *path, const void *data, size_t len);
bool file_exists(const char *path);

#endif
