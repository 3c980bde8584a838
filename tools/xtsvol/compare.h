/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Do several implementations of AES-256-XTS give the same bytes for a stream of any length?
 *
 *   V1  The stream is cut into data units, numbered from 0, and the last one takes the rest. A rest
 *       shorter than a unit can be is joined to the unit before it, which then ends with stealing.
 *       Where that would make it longer than a unit may be, it hands its last 16 bytes on to the
 *       rest instead.
 *   V2  Each party encrypts each unit from one buffer into another, and decrypts its own result in
 *       place. What it encrypted is what the reference encrypted; what it decrypted is what was
 *       there before.
 *   V3  How the stream comes in, in large pieces or small ones, changes nothing.
 *   V4  Memory does not grow with the stream, which is seen once.
 *
 * One thread at a time. All that is here is freed by compare_wipe(), which wipes what it held of
 * the stream.
 */
#ifndef XTSVOL_TOOL_COMPARE_H
#define XTSVOL_TOOL_COMPARE_H

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "tools/xtsvol/kernels.h"

#include <stddef.h>
#include <stdint.h>

struct compare_party {
    const char *name;
    bench_crypt_fn *crypt;
    void *context;
};

/* What was found, after COMMON_ERR_CORRUPT; else, after another error, which party failed. */
struct compare_finding {
    const char *name; /* of the party; NULL: none is to blame */
    enum bench_op op;
    uint64_t offset; /* of the first wrong byte in the stream */
};

struct compare {
    const struct compare_party *parties;
    size_t num_parties;
    const struct compare_party *reference; /* one of the parties, or another one */
    size_t unit_len;
    uint64_t done;   /* bytes that were compared */
    uint64_t unit;   /* number of the next unit */
    uint8_t *plain;  /* what has come in and was not compared yet */
    uint8_t *cipher; /* of the reference */
    uint8_t *scratch;
    size_t plain_len;
    size_t whole_len; /* whole units, compared when XTSVOL_XTS_UNIT_MIN bytes are behind them */
    struct compare_finding finding;
};

#define COMPARE_CLEANUP COMMON_CLEANUP(compare_wipe)

/* The parties and the reference are borrowed. COMMON_ERR_NO_MEMORY. */
COMMON_MUST_USE int compare_begin(struct compare *out, const struct compare_party *parties,
                                  size_t num_parties, const struct compare_party *reference,
                                  size_t unit_len);
void compare_wipe(struct compare *compare);

/* Where the stream goes on, and how much fits there: never nothing. */
uint8_t *compare_room(struct compare *compare, size_t *out_len);

/* So much was put there. 0; COMMON_ERR_CORRUPT and a finding; the error of a party. */
COMMON_MUST_USE int compare_add(struct compare *compare, size_t len);

/* The stream is over. COMMON_ERR_INVALID when it was shorter than a unit can be. */
COMMON_MUST_USE int compare_finish(struct compare *compare);

#endif
