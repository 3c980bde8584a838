/* SPDX-License-Identifier: Apache-2.0 */
/* A document to read from, and how it was refused: what the tests of the cursor share. */
#ifndef TESTS_COMMON_CBOR_DOCUMENT_H
#define TESTS_COMMON_CBOR_DOCUMENT_H

#include "common/base/cleanup.h"
#include "common/cbor/reader.h"
#include "tests/support/cbor_text.h"
#include "tests/support/test.h"

#define F(name) COMMON_CBOR_FAULT_##name

/* A document with its own memory, which every test frees. */
struct document {
    uint8_t *bytes;
    struct common_cbor_reader reader;
};

static inline void close_document(struct document *document)
{
    free(document->bytes);
}

static inline struct document document_of(const char *hex)
{
    struct document document = {0};
    size_t len = 0;
    document.bytes = cbor_from_hex(hex, &len);
    assert_int_equal(common_cbor_reader_init(&document.reader, document.bytes, len, NULL), 0);
    return document;
}

#define DOCUMENT COMMON_CLEANUP(close_document) struct document

static inline void assert_fault(struct common_cbor_reader *reader, enum common_cbor_fault fault,
                                size_t at)
{
    if (common_cbor_fault(reader) != fault || common_cbor_fault_offset(reader) != at)
        fail_msg("%s at %zu", common_cbor_fault_name(common_cbor_fault(reader)),
                 common_cbor_fault_offset(reader));
    assert_int_equal(common_cbor_error(reader), common_cbor_fault_category(fault));
    assert_int_equal(common_cbor_reader_finish(reader), common_cbor_fault_category(fault));
}

#endif
