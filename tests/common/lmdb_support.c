/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/common/lmdb_support.h"

#include "common/base/endian.h"

#include <stdlib.h>
#include <string.h>

struct common_lmdb_options lmdb_test_options(const char *directory)
{
    static const char *const tables[] = {"a", "b"};
    struct common_lmdb_options options = common_lmdb_options_default();
    options.directory = directory;
    options.tables = tables;
    options.num_tables = NUM_TEST_TABLES;
    options.create = true;
    options.map_bytes = 64 << 10;
    return options;
}

struct entry {
    uint64_t number;
    size_t len;
    int found;
};

static uint8_t fill_of(const struct entry *entry)
{
    return (uint8_t)(entry->number * 7 + 1);
}

static int put_work(struct common_lmdb_txn *txn, void *context)
{
    const struct entry *entry = context;
    uint8_t key[8];
    common_put_be64(key, entry->number);
    uint8_t *value = malloc(entry->len);
    if (!value)
        return COMMON_ERR_NO_MEMORY;
    memset(value, fill_of(entry), entry->len);
    int error = common_lmdb_put(txn, TABLE_A, (struct common_lmdb_bytes){key, sizeof(key)},
                                (struct common_lmdb_bytes){value, entry->len});
    free(value);
    return error;
}

int lmdb_test_put(struct common_lmdb *env, uint64_t number, size_t len)
{
    struct entry entry = {.number = number, .len = len};
    return common_lmdb_update(env, NULL, put_work, &entry);
}

static int has_work(struct common_lmdb_txn *txn, void *context)
{
    struct entry *entry = context;
    uint8_t key[8];
    common_put_be64(key, entry->number);
    struct common_lmdb_bytes value;
    int error = common_lmdb_get(txn, &value, TABLE_A, (struct common_lmdb_bytes){key, sizeof(key)});
    entry->found = 0;
    if (error == COMMON_ERR_NOT_FOUND)
        return 0;
    if (error)
        return error;
    const uint8_t *bytes = value.data;
    if (value.len != entry->len)
        return COMMON_ERR_CORRUPT;
    for (size_t i = 0; i < value.len; i++) {
        if (bytes[i] != fill_of(entry))
            return COMMON_ERR_CORRUPT;
    }
    entry->found = 1;
    return 0;
}

int lmdb_test_has(struct common_lmdb *env, uint64_t number, size_t len)
{
    struct entry entry = {.number = number, .len = len};
    int error = common_lmdb_view(env, NULL, has_work, &entry);
    return error ? error : entry.found;
}

static int count_work(struct common_lmdb_txn *txn, void *context)
{
    int64_t *count = context;
    *count = 0;
    struct common_lmdb_cursor *cursor = NULL;
    int error = common_lmdb_cursor_open(&cursor, txn, TABLE_A);
    if (error)
        return error;
    struct common_lmdb_bytes key;
    struct common_lmdb_bytes value;
    error = common_lmdb_cursor_seek(cursor, &key, &value, (struct common_lmdb_bytes){0});
    while (!error) {
        ++*count;
        error = common_lmdb_cursor_next(cursor, &key, &value);
    }
    common_lmdb_cursor_close(&cursor);
    return error == COMMON_ERR_NOT_FOUND ? 0 : error;
}

int64_t lmdb_test_count(struct common_lmdb *env)
{
    int64_t count = 0;
    int error = common_lmdb_view(env, NULL, count_work, &count);
    return error ? error : count;
}
