/* SPDX-License-Identifier: Apache-2.0 */
/* A benchmark of something wrong is worth nothing: do all parties give the same bytes? */
#ifndef TESTS_BENCH_AGREE_H
#define TESTS_BENCH_AGREE_H

#include "tools/xtsvol/compare.h"

/* Apart and in place, both ways, units with and without stealing. The first party is the reference.
 * 0; else an error, and *out_name is the party that differs or fails. */
COMMON_MUST_USE int parties_agree(const struct compare_party *parties, size_t num_parties,
                                  const char **out_name);

#endif
