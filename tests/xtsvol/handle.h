/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handle on the kernel that a run of a test is about. meson runs the same program several times:
 *   STRONGROOM_KERNELS  the set of kernels that may be taken (enum xtsvol_kernel_id), all unless
 *                       set
 *   STRONGROOM_KERNEL   the name of the one that has to be taken then
 * Where this CPU cannot run the one that is named, the program has one test: that it is refused.
 */
#ifndef TESTS_XTSVOL_HANDLE_H
#define TESTS_XTSVOL_HANDLE_H

#include "tests/support/random.h"
#include "tests/support/test.h"

#include <xtsvol/xts.h>

/* Asserts which kernel it took. */
struct xtsvol_xts *handle_open(void);

struct handle_key {
    struct xtsvol_xts *xts;
    struct xtsvol_xts_key *key;
    struct oracle *oracle; /* with the same key */
};

/* A random key. */
struct handle_key handle_key_new(struct test_random *random);
void handle_key_free(struct handle_key *key);

/* Whether a kernel is named that cannot run here. */
int handle_is_refused(void);
int handle_run_refusal(void);

/* For main(). */
#define HANDLE_RUN(name, tests)                                                                    \
    (handle_is_refused() ? handle_run_refusal()                                                    \
                         : cmocka_run_group_tests_name(name, tests, NULL, NULL))

#endif
