/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka, with the headers that it wants before its own. */
#ifndef TESTS_SUPPORT_TEST_H
#define TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

/* Tests that need root are a group of their own, run when the program is given the word "root" (and
 * registered by 'root': true in unit_tests). This is their main(): as anybody else, it says in TAP
 * that they were not run, which cmocka's own skip() does not do in a way that is understood. */
#define RUN_AS_ROOT(name, tests, setup, teardown)                                                  \
    (geteuid() == 0 ? cmocka_run_group_tests_name(name, tests, setup, teardown)                    \
                    : puts("1..0 # SKIP needs root") < 0)

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
