/* SPDX-License-Identifier: Apache-2.0 */
/* A document as text, and a document made anew: what the tests of common/cbor compare. */
#ifndef TESTS_SUPPORT_CBOR_TEXT_H
#define TESTS_SUPPORT_CBOR_TEXT_H

#include "common/cbor/reader.h"
#include "common/cbor/writer.h"

/* The next item with all that is in it, in diagnostic notation (RFC 8949 section 8). To be freed;
 * what the reader refused ends the text, and is found in the reader. */
char *cbor_text(struct common_cbor_reader *reader);

/* Reads the next item with the getter of its type, and writes it with the put of its type. */
void cbor_copy(struct common_cbor_writer *writer, struct common_cbor_reader *reader);

/* Tells -0.0 from 0.0, and one NaN from another. */
uint64_t double_bits(double number);

/* A copy (zeroes, of NULL) in a block of exactly its size, so that a sanitizer sees a byte read
 * behind it. To be freed. */
uint8_t *bytes_exact(const uint8_t *from, size_t len);

/* The same of hexadecimal digits. */
uint8_t *cbor_from_hex(const char *hex, size_t *out_len);

#endif
