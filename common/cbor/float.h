/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shortest float that keeps the value (RFC 8949 section 4.2.1, section 4.2.2 for NaN), on the
 * bits of IEEE 754: a conversion in the processor would depend on the rounding mode, and would
 * make a quiet NaN of a signalling one before anybody has looked at it.
 */
#ifndef COMMON_CBOR_FLOAT_H
#define COMMON_CBOR_FLOAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct common_cbor_float {
    size_t width;  /* bytes: 2, 4 or 8 */
    uint64_t bits; /* in the lowest `width` bytes */
};

/* Of any float the shortest with the same value. Every NaN becomes the one of 2 bytes, 7e00. */
struct common_cbor_float common_cbor_float_shortest(struct common_cbor_float from);

#endif
