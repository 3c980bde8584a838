/* SPDX-License-Identifier: Apache-2.0 */
/* Every kernel that this CPU can run, each behind a handle of its own. */
#ifndef XTSVOL_TOOL_KERNELS_H
#define XTSVOL_TOOL_KERNELS_H

#include "common/base/cleanup.h"
#include "common/base/error.h"

#include <xtsvol/xts.h>

#include <stdbool.h>
#include <stddef.h>

enum {
    BENCH_MAX_KERNELS = 32 /* as many as the set has bits */
};

enum bench_op {
    BENCH_ENCRYPT,
    BENCH_DECRYPT,
    BENCH_NUM_OPS
};

struct bench_kernel {
    struct xtsvol_kernel info;
    struct xtsvol_xts *xts;
    struct xtsvol_xts_key *key;
};

struct bench_kernels {
    struct bench_kernel list[BENCH_MAX_KERNELS]; /* the fastest first, as the library has them */
    size_t num;
};

#define BENCH_CLEANUP_KERNELS COMMON_CLEANUP(bench_kernels_close)

/* Opens them all with one key. On failure *out has the kernel that failed as its last, for the
 * message, and is to be closed all the same; none at all is COMMON_ERR_UNSUPPORTED. */
COMMON_MUST_USE int bench_kernels_open(struct bench_kernels *out,
                                       const uint8_t key[XTSVOL_XTS_KEY_LEN]);
void bench_kernels_close(struct bench_kernels *kernels);

/* Whole units of unit_len, the first one numbered `first`, in place or apart: whatever does
 * AES-256-XTS, ours or not. 0 or an error. */
typedef int bench_crypt_fn(void *context, enum bench_op op, uint8_t *out, const uint8_t *in,
                           size_t len, size_t unit_len, uint64_t first);

/* The same with a struct bench_kernel as its context. */
bench_crypt_fn bench_kernel_crypt;

extern const char *const bench_op_names[BENCH_NUM_OPS];

#endif
