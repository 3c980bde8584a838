/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   R1  Nothing is given out of a document of which any byte breaks a rule (H1-H6 of head.c, N1-N3
 *       of nest.c), that is larger than the limits, or that has bytes behind its end.
 *   R2  The first error sticks, and every output of a call that fails is zero.
 *   R3  No item is passed over unless the caller says so.
 */
#include "common/cbor/reader.h"

#include "common/cbor/head.h"
#include "common/cbor/walk.h"

#define BIT(type) (1U << COMMON_CBOR_TYPE_##type)

struct common_cbor_limits common_cbor_limits_default(void)
{
    return (struct common_cbor_limits){
        .max_bytes = (size_t)1 << 20, .max_depth = COMMON_CBOR_MAX_DEPTH, .max_items = 65536};
}

static int fail_at(struct common_cbor_reader *reader, enum common_cbor_fault fault, size_t at)
{
    if (!reader->fault) {
        reader->fault = fault;
        reader->fault_at = at;
    }
    return common_cbor_error(reader);
}

static int fail(struct common_cbor_reader *reader, enum common_cbor_fault fault)
{
    return fail_at(reader, fault, reader->at);
}

int common_cbor_reader_init(struct common_cbor_reader *reader, const uint8_t *data, size_t data_len,
                            const struct common_cbor_limits *limits)
{
    struct common_cbor_limits ceilings = limits ? *limits : common_cbor_limits_default();
    size_t end = 0;

    *reader = (struct common_cbor_reader){
        .data = data, .data_len = data_len, .max_items = ceilings.max_items};
    common_cbor_nest_init(&reader->nest, ceilings.max_depth);
    if (data_len > ceilings.max_bytes)
        return fail_at(reader, COMMON_CBOR_FAULT_BYTES, ceilings.max_bytes);
    enum common_cbor_fault fault = common_cbor_walk(&end, data, data_len, &ceilings);
    if (fault)
        return fail_at(reader, fault, end);
    if (end != data_len)
        return fail_at(reader, COMMON_CBOR_FAULT_TRAILING_BYTES, end);
    return 0;
}

int common_cbor_reader_finish(struct common_cbor_reader *reader)
{
    if (!reader->fault && !common_cbor_nest_is_complete(&reader->nest))
        return fail(reader, COMMON_CBOR_FAULT_UNREAD_ITEMS);
    return common_cbor_error(reader);
}

int common_cbor_error(const struct common_cbor_reader *reader)
{
    return common_cbor_fault_category(reader->fault);
}

enum common_cbor_fault common_cbor_fault(const struct common_cbor_reader *reader)
{
    return reader->fault;
}

size_t common_cbor_fault_offset(const struct common_cbor_reader *reader)
{
    return reader->fault_at;
}

int common_cbor_refuse(struct common_cbor_reader *reader)
{
    return fail(reader, COMMON_CBOR_FAULT_NOT_ALLOWED);
}

bool common_cbor_has_more(const struct common_cbor_reader *reader)
{
    return !reader->fault && common_cbor_nest_top(&reader->nest)->left != 0;
}

enum common_cbor_type common_cbor_peek(const struct common_cbor_reader *reader)
{
    return common_cbor_has_more(reader) ? common_cbor_head_type(reader->data[reader->at])
                                        : COMMON_CBOR_TYPE_NONE;
}

/* Looks at the next item, one of the types wanted, and stays before it. */
static int look(struct common_cbor_reader *reader, struct common_cbor_head *out, unsigned wanted)
{
    *out = (struct common_cbor_head){0};
    if (reader->fault)
        return common_cbor_error(reader);
    if (!common_cbor_has_more(reader))
        return fail(reader, COMMON_CBOR_FAULT_NO_MORE_ITEMS);
    struct common_cbor_head head = {0};
    enum common_cbor_fault fault =
        common_cbor_head_read(&head, reader->data + reader->at, reader->data_len - reader->at);
    if (!fault && (wanted & 1U << head.type) == 0)
        fault = COMMON_CBOR_FAULT_NOT_THE_TYPE;
    if (fault)
        return fail(reader, fault);
    *out = head;
    return 0;
}

/* Goes behind an item of `len` bytes that is complete with them. */
static int pass(struct common_cbor_reader *reader, size_t len)
{
    enum common_cbor_fault fault = common_cbor_nest_start(&reader->nest, reader->at);
    if (!fault)
        fault = common_cbor_nest_end(&reader->nest, reader->data, reader->at + len);
    if (fault)
        return fail(reader, fault);
    reader->at += len;
    return 0;
}

static int take(struct common_cbor_reader *reader, struct common_cbor_head *out, unsigned wanted)
{
    int error = look(reader, out, wanted);
    if (!error)
        error = pass(reader, out->len);
    if (error)
        *out = (struct common_cbor_head){0};
    return error;
}

static int open(struct common_cbor_reader *reader, const struct common_cbor_head *head,
                size_t num_items)
{
    enum common_cbor_fault fault = common_cbor_nest_start(&reader->nest, reader->at);
    if (!fault)
        fault = common_cbor_nest_open(&reader->nest, head->type, num_items);
    if (fault)
        return fail(reader, fault);
    reader->at += head->len;
    return 0;
}

int common_cbor_get_uint(struct common_cbor_reader *reader, uint64_t *out)
{
    struct common_cbor_head head = {0};
    int error = take(reader, &head, BIT(UINT));
    *out = head.value;
    return error;
}

int common_cbor_get_negative(struct common_cbor_reader *reader, uint64_t *out)
{
    struct common_cbor_head head = {0};
    int error = take(reader, &head, BIT(NEGATIVE));
    *out = head.value;
    return error;
}

static int64_t signed_value(const struct common_cbor_head *head)
{
    int64_t value = (int64_t)head->value;
    return head->type == COMMON_CBOR_TYPE_NEGATIVE ? -1 - value : value;
}

int common_cbor_get_int(struct common_cbor_reader *reader, int64_t *out)
{
    struct common_cbor_head head = {0};

    *out = 0;
    int error = look(reader, &head, BIT(UINT) | BIT(NEGATIVE));
    if (!error && head.value > INT64_MAX)
        error = fail(reader, COMMON_CBOR_FAULT_OUT_OF_RANGE);
    if (!error)
        error = pass(reader, head.len);
    if (!error)
        *out = signed_value(&head);
    return error;
}

int common_cbor_get_bool(struct common_cbor_reader *reader, bool *out)
{
    struct common_cbor_head head = {0};
    int error = take(reader, &head, BIT(BOOL));
    *out = head.value != 0;
    return error;
}

int common_cbor_get_null(struct common_cbor_reader *reader)
{
    struct common_cbor_head head = {0};
    return take(reader, &head, BIT(NULL));
}

int common_cbor_get_double(struct common_cbor_reader *reader, double *out)
{
    struct common_cbor_head head = {0};
    int error = take(reader, &head, BIT(DOUBLE));
    *out = head.number;
    return error;
}

int common_cbor_get_simple(struct common_cbor_reader *reader, uint8_t *out)
{
    struct common_cbor_head head = {0};
    int error = take(reader, &head, BIT(SIMPLE));
    *out = (uint8_t)head.value;
    return error;
}

static int get_string(struct common_cbor_reader *reader, struct common_cbor_head *out,
                      unsigned wanted, size_t max_len)
{
    int error = look(reader, out, wanted);
    if (!error && out->value > max_len)
        error = fail(reader, COMMON_CBOR_FAULT_TOO_LONG);
    if (!error)
        error = pass(reader, out->len);
    if (error)
        *out = (struct common_cbor_head){0};
    return error;
}

int common_cbor_get_bytes(struct common_cbor_reader *reader, const uint8_t **out, size_t *out_len,
                          size_t max_len)
{
    struct common_cbor_head head = {0};
    int error = get_string(reader, &head, BIT(BYTES), max_len);
    *out = head.bytes;
    *out_len = (size_t)head.value;
    return error;
}

int common_cbor_get_text(struct common_cbor_reader *reader, const char **out, size_t *out_len,
                         size_t max_len)
{
    struct common_cbor_head head = {0};
    int error = get_string(reader, &head, BIT(TEXT), max_len);
    *out = (const char *)head.bytes;
    *out_len = (size_t)head.value;
    return error;
}

int common_cbor_get_bytes_exact(struct common_cbor_reader *reader, const uint8_t **out, size_t len)
{
    struct common_cbor_head head = {0};

    *out = NULL;
    int error = look(reader, &head, BIT(BYTES));
    if (!error && head.value != len)
        error = fail(reader, COMMON_CBOR_FAULT_NOT_THE_LENGTH);
    if (!error)
        error = pass(reader, head.len);
    if (!error)
        *out = head.bytes;
    return error;
}

int common_cbor_get_tag(struct common_cbor_reader *reader, uint64_t *out)
{
    struct common_cbor_head head = {0};

    *out = 0;
    int error = look(reader, &head, BIT(TAG));
    if (!error)
        error = open(reader, &head, 1);
    if (!error)
        *out = head.value;
    return error;
}

int common_cbor_enter_array(struct common_cbor_reader *reader, size_t *out_num_items)
{
    struct common_cbor_head head = {0};

    *out_num_items = 0;
    int error = look(reader, &head, BIT(ARRAY));
    if (!error)
        error = open(reader, &head, (size_t)head.value);
    if (!error)
        *out_num_items = (size_t)head.value;
    return error;
}

int common_cbor_enter_array_exact(struct common_cbor_reader *reader, size_t num_items)
{
    struct common_cbor_head head = {0};
    int error = look(reader, &head, BIT(ARRAY));
    if (!error && head.value != num_items)
        error = fail(reader, COMMON_CBOR_FAULT_NOT_THE_LENGTH);
    return error ? error : open(reader, &head, num_items);
}

int common_cbor_enter_map(struct common_cbor_reader *reader, size_t *out_num_pairs)
{
    struct common_cbor_head head = {0};

    *out_num_pairs = 0;
    int error = look(reader, &head, BIT(MAP));
    if (!error)
        error = open(reader, &head, 2 * (size_t)head.value);
    if (!error)
        *out_num_pairs = (size_t)head.value;
    return error;
}

int common_cbor_leave(struct common_cbor_reader *reader)
{
    if (reader->fault)
        return common_cbor_error(reader);
    enum common_cbor_fault fault = common_cbor_nest_close(&reader->nest, reader->data, reader->at);
    return fault ? fail(reader, fault) : 0;
}

bool common_cbor_next_int_key(struct common_cbor_reader *reader, int64_t *out)
{
    *out = 0;
    if (reader->fault)
        return false;
    if (!common_cbor_nest_is_at_key(&reader->nest)) {
        (void)fail(reader, COMMON_CBOR_FAULT_MISUSE);
        return false;
    }
    return common_cbor_has_more(reader) && common_cbor_get_int(reader, out) == 0;
}

int common_cbor_take_int_key(struct common_cbor_reader *reader, bool *out, int64_t key)
{
    struct common_cbor_head head = {0};

    *out = false;
    if (reader->fault)
        return common_cbor_error(reader);
    if (!common_cbor_nest_is_at_key(&reader->nest))
        return fail(reader, COMMON_CBOR_FAULT_MISUSE);
    enum common_cbor_type type = common_cbor_peek(reader);
    if (type != COMMON_CBOR_TYPE_UINT && type != COMMON_CBOR_TYPE_NEGATIVE)
        return 0;
    int error = look(reader, &head, BIT(UINT) | BIT(NEGATIVE));
    if (error || head.value > INT64_MAX || signed_value(&head) != key)
        return error;
    error = pass(reader, head.len);
    *out = !error;
    return error;
}

int common_cbor_skip(struct common_cbor_reader *reader)
{
    const uint8_t *raw = NULL;
    size_t raw_len = 0;
    return common_cbor_get_raw(reader, &raw, &raw_len);
}

int common_cbor_get_raw(struct common_cbor_reader *reader, const uint8_t **out, size_t *out_len)
{
    size_t len = 0;

    *out = NULL;
    *out_len = 0;
    if (reader->fault)
        return common_cbor_error(reader);
    if (!common_cbor_has_more(reader))
        return fail(reader, COMMON_CBOR_FAULT_NO_MORE_ITEMS);
    const uint8_t *data = reader->data + reader->at;
    struct common_cbor_limits limits = {.max_depth = reader->nest.max_depth - reader->nest.depth,
                                        .max_items = reader->max_items};
    enum common_cbor_fault fault =
        common_cbor_walk(&len, data, reader->data_len - reader->at, &limits);
    if (fault)
        return fail_at(reader, fault, reader->at + len);
    int error = pass(reader, len);
    if (error)
        return error;
    *out = data;
    *out_len = len;
    return 0;
}
