/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our side of test_cbor_cbor2.py. `write SEED NUM` prints NUM documents that our writer made from a
 * seed, one a line in hexadecimal. `read` answers each such line on standard input with what our
 * reader found: "ok TEXT", TEXT in diagnostic notation, or "refused FAULT".
 */
#include "common/base/cleanup.h"
#include "tests/support/cbor_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_FREE_TAG = 70000 /* no meaning that the other side would act upon */
};

static const size_t max_len = 1 << 24;

static uint64_t draw(uint64_t *random)
{
    *random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
    return *random >> 33 | *random << 31;
}

static void put_number(struct common_cbor_writer *writer, uint64_t *random)
{
    uint64_t value = draw(random) >> draw(random) % 64;
    double number = 0;

    switch (draw(random) % 4) {
    case 0:
        common_cbor_put_uint(writer, value);
        break;
    case 1:
        common_cbor_put_negative(writer, value);
        break;
    case 2:
        value = draw(random) & ~0ULL << draw(random) % 53;
        memcpy(&number, &value, sizeof(number));
        common_cbor_put_double(writer, number);
        break;
    default:
        common_cbor_put_double(writer,
                               (double)(int32_t)draw(random) / (double)(1U << draw(random) % 32));
    }
}

static void put_leaf(struct common_cbor_writer *writer, uint64_t *random)
{
    uint8_t bytes[300];
    char text[300];
    size_t len = draw(random) % (draw(random) % 4 ? 20 : sizeof(bytes));

    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)draw(random);
        text[i] = (char)(0x20 + draw(random) % 0x5f);
    }
    switch (draw(random) % 6) {
    case 0:
        common_cbor_put_bytes(writer, bytes, len);
        break;
    case 1:
        common_cbor_put_text(writer, text, len);
        break;
    case 2:
        common_cbor_put_bool(writer, draw(random) % 2);
        break;
    case 3:
        common_cbor_put_null(writer);
        break;
    default:
        put_number(writer, random);
    }
}

static void put(struct common_cbor_writer *writer, uint64_t *random, unsigned depth)
{
    size_t num = draw(random) % 12;

    switch (depth == 0 ? 0 : draw(random) % 6) {
    case 1:
        common_cbor_put_tag(writer, FIRST_FREE_TAG + draw(random) % 1000);
        put(writer, random, depth - 1);
        break;
    case 2:
    case 3:
        common_cbor_begin_array(writer, num);
        for (size_t i = 0; i < num; i++)
            put(writer, random, depth - 1);
        common_cbor_end(writer);
        break;
    case 4:
    case 5:
        common_cbor_begin_map(writer, num);
        for (size_t i = 0; i < num; i++) {
            if (i < num / 2)
                common_cbor_put_uint(writer, i * 100 + draw(random) % 100);
            else
                common_cbor_put_int(writer, -(int64_t)(i * 100 + draw(random) % 100));
            put(writer, random, depth - 1);
        }
        common_cbor_end(writer);
        break;
    default:
        put_leaf(writer, random);
    }
}

static int write_documents(uint64_t seed, unsigned long num)
{
    uint64_t random = seed;
    for (unsigned long i = 0; i < num; i++) {
        COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(max_len);
        struct common_cbor_writer writer = common_cbor_writer(&buf);
        put(&writer, &random, 5);
        if (common_cbor_writer_finish(&writer))
            return 1;
        for (size_t at = 0; at < buf.len; at++)
            printf("%02x", buf.data[at]);
        printf("\n");
    }
    return 0;
}

static int read_documents(void)
{
    COMMON_CLEANUP_FREE char *line = NULL;
    size_t line_cap = 0;

    while (getline(&line, &line_cap, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        size_t len = 0;
        COMMON_CLEANUP_FREE uint8_t *bytes = cbor_from_hex(line, &len);
        struct common_cbor_reader reader;
        if (common_cbor_reader_init(&reader, bytes, len, NULL)) {
            printf("refused %s\n", common_cbor_fault_name(common_cbor_fault(&reader)));
            continue;
        }
        COMMON_CLEANUP_FREE char *text = cbor_text(&reader);
        if (common_cbor_reader_finish(&reader))
            return 1;
        printf("ok %s\n", text);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "write") == 0)
        return write_documents(strtoull(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
    if (argc == 2 && strcmp(argv[1], "read") == 0)
        return read_documents();
    (void)fprintf(stderr, "usage: cbor_lines write SEED NUM | read\n");
    return 2;
}
