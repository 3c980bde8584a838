/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the LMDB wrapper share: one table or two, numbered keys, checked values. */
#ifndef TESTS_COMMON_LMDB_SUPPORT_H
#define TESTS_COMMON_LMDB_SUPPORT_H

#include "common/lmdb/env.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    TABLE_A,
    TABLE_B,
    NUM_TEST_TABLES
};

/* create true, the two tables, a small map that must grow soon. */
struct common_lmdb_options lmdb_test_options(const char *directory);

/* One entry of one update: key number, value of len bytes that can be told from others. */
int lmdb_test_put(struct common_lmdb *env, uint64_t number, size_t len);

/* 1 when the entry is there and whole, 0 when it is not there, negative for a failure or a value
 * that nobody wrote. */
int lmdb_test_has(struct common_lmdb *env, uint64_t number, size_t len);

/* How many entries table A has, negative for a failure. */
int64_t lmdb_test_count(struct common_lmdb *env);

#endif
