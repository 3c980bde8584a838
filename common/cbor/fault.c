/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cbor/fault.h"

#include <stddef.h>

static const struct row {
    const char *name;
    const char *text;
    int category;
} rows[] = {[COMMON_CBOR_FAULT_NONE] = {"NONE", "no fault", COMMON_OK},
#define X(name, category, sentence)                                                                \
    [COMMON_CBOR_FAULT_##name] = {#name, sentence, COMMON_ERR_##category},
            COMMON_CBOR_FAULTS(X)
#undef X
};

static const struct row *row_of(enum common_cbor_fault fault)
{
    static const struct row unknown = {"UNKNOWN", "unknown fault", COMMON_ERR_INTERNAL};
    return (size_t)fault < sizeof(rows) / sizeof(rows[0]) ? &rows[fault] : &unknown;
}

const char *common_cbor_fault_name(enum common_cbor_fault fault)
{
    return row_of(fault)->name;
}

const char *common_cbor_fault_text(enum common_cbor_fault fault)
{
    return row_of(fault)->text;
}

int common_cbor_fault_category(enum common_cbor_fault fault)
{
    return row_of(fault)->category;
}
