/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cbor_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_item(FILE *to, struct common_cbor_reader *reader);

uint64_t double_bits(double number)
{
    uint64_t bits = 0;
    memcpy(&bits, &number, sizeof(bits));
    return bits;
}

/* The fewest digits that give the same number again. */
static void print_double(FILE *to, double number)
{
    char digits[40] = "";

    if (isnan(number) || isinf(number)) {
        (void)fputs(isnan(number) ? "NaN" : number < 0 ? "-Infinity" : "Infinity", to);
        return;
    }
    for (int precision = 1; precision <= 17; precision++) {
        (void)snprintf(digits, sizeof(digits), "%.*g", precision, number);
        if (double_bits(strtod(digits, NULL)) == double_bits(number))
            break;
    }
    (void)fprintf(to, "%s%s", digits, strpbrk(digits, ".e") ? "" : ".0");
}

static void print_negative(FILE *to, uint64_t n)
{
    if (n == UINT64_MAX)
        (void)fputs("-18446744073709551616", to);
    else
        (void)fprintf(to, "-%" PRIu64, n + 1);
}

static void print_bytes(FILE *to, const uint8_t *bytes, size_t len)
{
    (void)fputs("h'", to);
    for (size_t i = 0; i < len; i++)
        (void)fprintf(to, "%02x", bytes[i]);
    (void)fputs("'", to);
}

static void print_text(FILE *to, const char *text, size_t len)
{
    (void)fputs("\"", to);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            (void)fputs("\\", to);
        (void)fwrite(text + i, 1, 1, to);
    }
    (void)fputs("\"", to);
}

static void print_array(FILE *to, struct common_cbor_reader *reader)
{
    size_t num_items = 0;
    int error = common_cbor_enter_array(reader, &num_items);
    (void)fputs("[", to);
    for (size_t i = 0; !error && i < num_items; i++) {
        (void)fputs(i ? ", " : "", to);
        print_item(to, reader);
    }
    if (!common_cbor_leave(reader))
        (void)fputs("]", to);
}

static void print_map(FILE *to, struct common_cbor_reader *reader)
{
    size_t num_pairs = 0;
    int error = common_cbor_enter_map(reader, &num_pairs);
    (void)fputs("{", to);
    for (size_t i = 0; !error && i < num_pairs; i++) {
        (void)fputs(i ? ", " : "", to);
        print_item(to, reader);
        (void)fputs(": ", to);
        print_item(to, reader);
    }
    if (!common_cbor_leave(reader))
        (void)fputs("}", to);
}

static void print_scalar(FILE *to, struct common_cbor_reader *reader, enum common_cbor_type type)
{
    uint64_t value = 0;
    bool flag = false;
    uint8_t simple = 0;
    double number = 0;

    if (type == COMMON_CBOR_TYPE_UINT && !common_cbor_get_uint(reader, &value))
        (void)fprintf(to, "%" PRIu64, value);
    else if (type == COMMON_CBOR_TYPE_NEGATIVE && !common_cbor_get_negative(reader, &value))
        print_negative(to, value);
    else if (type == COMMON_CBOR_TYPE_BOOL && !common_cbor_get_bool(reader, &flag))
        (void)fputs(flag ? "true" : "false", to);
    else if (type == COMMON_CBOR_TYPE_NULL && !common_cbor_get_null(reader))
        (void)fputs("null", to);
    else if (type == COMMON_CBOR_TYPE_DOUBLE && !common_cbor_get_double(reader, &number))
        print_double(to, number);
    else if (type == COMMON_CBOR_TYPE_SIMPLE && !common_cbor_get_simple(reader, &simple))
        (void)fprintf(to, simple == 23 ? "undefined" : "simple(%u)", simple);
}

static void print_item(FILE *to, struct common_cbor_reader *reader)
{
    enum common_cbor_type type = common_cbor_peek(reader);
    const uint8_t *bytes = NULL;
    const char *text = NULL;
    size_t len = 0;
    uint64_t tag = 0;

    switch (type) {
    case COMMON_CBOR_TYPE_BYTES:
        if (!common_cbor_get_bytes(reader, &bytes, &len, SIZE_MAX))
            print_bytes(to, bytes, len);
        break;
    case COMMON_CBOR_TYPE_TEXT:
        if (!common_cbor_get_text(reader, &text, &len, SIZE_MAX))
            print_text(to, text, len);
        break;
    case COMMON_CBOR_TYPE_ARRAY:
        print_array(to, reader);
        break;
    case COMMON_CBOR_TYPE_MAP:
        print_map(to, reader);
        break;
    case COMMON_CBOR_TYPE_TAG:
        if (!common_cbor_get_tag(reader, &tag)) {
            (void)fprintf(to, "%" PRIu64 "(", tag);
            print_item(to, reader);
            (void)fputs(")", to);
        }
        break;
    default:
        print_scalar(to, reader, type);
    }
}

char *cbor_text(struct common_cbor_reader *reader)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (!to)
        abort();
    print_item(to, reader);
    if (fclose(to))
        abort();
    return text;
}

static void copy_items(struct common_cbor_writer *writer, struct common_cbor_reader *reader,
                       size_t num_items)
{
    for (size_t i = 0; i < num_items && common_cbor_has_more(reader); i++)
        cbor_copy(writer, reader);
}

static void copy_scalar(struct common_cbor_writer *writer, struct common_cbor_reader *reader,
                        enum common_cbor_type type)
{
    uint64_t value = 0;
    bool flag = false;
    uint8_t simple = 0;
    double number = 0;

    if (type == COMMON_CBOR_TYPE_UINT && !common_cbor_get_uint(reader, &value))
        common_cbor_put_uint(writer, value);
    else if (type == COMMON_CBOR_TYPE_NEGATIVE && !common_cbor_get_negative(reader, &value))
        common_cbor_put_negative(writer, value);
    else if (type == COMMON_CBOR_TYPE_BOOL && !common_cbor_get_bool(reader, &flag))
        common_cbor_put_bool(writer, flag);
    else if (type == COMMON_CBOR_TYPE_NULL && !common_cbor_get_null(reader))
        common_cbor_put_null(writer);
    else if (type == COMMON_CBOR_TYPE_DOUBLE && !common_cbor_get_double(reader, &number))
        common_cbor_put_double(writer, number);
    else if (type == COMMON_CBOR_TYPE_SIMPLE && !common_cbor_get_simple(reader, &simple))
        common_cbor_put_simple(writer, simple);
}

void cbor_copy(struct common_cbor_writer *writer, struct common_cbor_reader *reader)
{
    enum common_cbor_type type = common_cbor_peek(reader);
    const uint8_t *bytes = NULL;
    const char *text = NULL;
    size_t len = 0;
    uint64_t tag = 0;

    if (type == COMMON_CBOR_TYPE_BYTES && !common_cbor_get_bytes(reader, &bytes, &len, SIZE_MAX)) {
        common_cbor_put_bytes(writer, bytes, len);
    } else if (type == COMMON_CBOR_TYPE_TEXT &&
               !common_cbor_get_text(reader, &text, &len, SIZE_MAX)) {
        common_cbor_put_text(writer, text, len);
    } else if (type == COMMON_CBOR_TYPE_TAG && !common_cbor_get_tag(reader, &tag)) {
        common_cbor_put_tag(writer, tag);
        cbor_copy(writer, reader);
    } else if (type == COMMON_CBOR_TYPE_ARRAY && !common_cbor_enter_array(reader, &len)) {
        common_cbor_begin_array(writer, len);
        copy_items(writer, reader, len);
        if (!common_cbor_leave(reader))
            common_cbor_end(writer);
    } else if (type == COMMON_CBOR_TYPE_MAP && !common_cbor_enter_map(reader, &len)) {
        common_cbor_begin_map(writer, len);
        copy_items(writer, reader, 2 * len);
        if (!common_cbor_leave(reader))
            common_cbor_end(writer);
    } else {
        copy_scalar(writer, reader, type);
    }
}

static unsigned nibble(char digit)
{
    const char *digits = "0123456789abcdef";
    const char *at = strchr(digits, digit);
    if (!at || !*at)
        abort();
    return (unsigned)(at - digits);
}

uint8_t *bytes_exact(const uint8_t *from, size_t len)
{
    uint8_t *bytes = calloc(1, len ? len : 1);
    if (!bytes)
        abort();
    if (from && len != 0)
        memcpy(bytes, from, len);
    return bytes;
}

uint8_t *cbor_from_hex(const char *hex, size_t *out_len)
{
    size_t len = strlen(hex) / 2;
    uint8_t *bytes = bytes_exact(NULL, len);
    if (strlen(hex) % 2 != 0)
        abort();
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    *out_len = len;
    return bytes;
}
