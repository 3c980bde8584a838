/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the benchmark share: who takes part, and for how long. */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include "tests/bench/peer.h"
#include "tools/xtsvol/compare.h"
#include "tools/xtsvol/speed.h"

#include <jansson.h>
#include <stdbool.h>

enum {
    MAX_PEERS = 8,
    MAX_PARTIES = (int)BENCH_MAX_KERNELS + (int)MAX_PEERS
};

/* The kernels, then the peers. */
struct parties {
    struct bench_kernels kernels;
    struct compare_party list[MAX_PARTIES];
    size_t num;
    size_t num_kernels; /* the first ones of the list */
    char versions[MAX_PEERS][PEER_VERSION_SIZE];
};

struct plan {
    size_t memory_len;  /* what is larger than all caches */
    uint64_t budget_ns; /* for each party and line */
    uint64_t memory_slice_ns;
};

/* Each is a JSON array, for the document; NULL on failure, which was told. A summary goes to
 * stderr. */
json_t *bench_in_cache(struct parties *parties, const struct plan *plan);
json_t *bench_in_memory(struct parties *parties, const struct plan *plan);
json_t *bench_one_unit_calls(struct parties *parties, const struct plan *plan);

/* One line: the parties at a unit length, fastest slices in ns for a time of their work. speeds has
 * one for each party. */
json_t *bench_line(const struct parties *parties, size_t unit_len, enum bench_op op,
                   const struct bench_speed *speeds, double clock_ghz);

#endif
