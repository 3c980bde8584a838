/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of buffers, cut at random out of one length: they lie in any order in one area, with bytes
 * between them that nobody may touch (AddressSanitizer refuses it, and they are looked at).
 */
#ifndef TESTS_XTSVOL_CUTS_H
#define TESTS_XTSVOL_CUTS_H

#include "tests/support/random.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
    CUTS_MAX = 400 /* buffers in a list */
};

struct cuts {
    struct iovec buffers[CUTS_MAX];
    size_t num;
    uint8_t *area;
    size_t area_len;
};

/* len bytes in at most CUTS_MAX buffers, some of them empty. Ends with cuts_free(). */
struct cuts cuts_new(struct test_random *random, size_t len);
/* The same with these lengths, one after the other. */
struct cuts cuts_of(const size_t *lens, size_t num);
void cuts_free(struct cuts *cuts);

void cuts_put(const struct cuts *cuts, const uint8_t *bytes);
void cuts_get(const struct cuts *cuts, uint8_t *bytes);
/* Fails the test where a byte between the buffers has changed. */
void cuts_expect_gaps(const struct cuts *cuts);

#endif
