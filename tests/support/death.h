/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a function in a forked child that may die of it.
 *
 *     struct death death = death_of(writes_past_the_guard_page, arena, 10);
 *     assert_true(death_was_access(&death));
 *
 * The child leaves no core file, its output goes nowhere, and the handlers that a sanitizer has set
 * for SIGSEGV and SIGBUS are taken away: an access that the memory protection refuses ends it with
 * that signal in every build. What only AddressSanitizer refuses (its poisoned memory, a freed
 * block) ends with an exit status instead and is not an access in this sense.
 *
 * The child has one thread, this one. No cmocka assertion may fail in it: return a status.
 */
#ifndef TESTS_SUPPORT_DEATH_H
#define TESTS_SUPPORT_DEATH_H

#include <stdbool.h>

struct death {
    bool is_exit; /* the function returned, or the process exited */
    int status;   /* then: its result, or the exit status */
    int signal;   /* else: what killed it */
    bool is_timeout;
};

/* The function's result must be in 0-255. Killed after the limit. */
struct death death_of(int (*function)(void *context), void *context, unsigned limit_s);

/* Killed by SIGSEGV or SIGBUS. */
bool death_was_access(const struct death *death);

#endif
