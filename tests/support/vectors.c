/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/vectors.h"

#include "common/base/cleanup.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

struct pair {
    const char *key;
    const char *value;
};

struct pairs {
    struct pair all[VECTORS_MAX_KEYS];
    size_t len;
};

struct vectors {
    char path[PATH_MAX];
    size_t text_len;
    size_t at;
    unsigned line;        /* number of the line read last */
    unsigned record_line; /* where the record begins */
    const char *section;
    struct pairs values; /* of sections */
    struct pairs record;
    char error[PATH_MAX + 128];
    char text[]; /* lines are cut into strings as they are read */
};

static int complain(struct vectors *vectors, int error, unsigned line, const char *what,
                    const char *detail)
{
    (void)snprintf(vectors->error, sizeof(vectors->error), "%s:%u: %s%.40s", vectors->path, line,
                   what, detail);
    return error;
}

int vectors_open(struct vectors **out, const char *path)
{
    *out = NULL;
    struct stat status;
    if (stat(path, &status) != 0)
        return common_error_from_errno(errno);
    if (status.st_size > VECTORS_MAX_FILE)
        return COMMON_ERR_LIMIT;
    COMMON_CLEANUP_FREE uint8_t *bytes = NULL;
    size_t len = 0;
    file_read(&bytes, &len, path);
    struct vectors *vectors = calloc(1, sizeof(*vectors) + len + 1);
    if (!vectors)
        return COMMON_ERR_NO_MEMORY;
    memcpy(vectors->text, bytes, len);
    vectors->text_len = len;
    vectors->section = "";
    (void)snprintf(vectors->path, sizeof(vectors->path), "%s", path);
    *out = vectors;
    return 0;
}

void vectors_close(struct vectors **vectors)
{
    free(*vectors);
    *vectors = NULL;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        text[--len] = 0;
    return text;
}

/* There must be one. */
static char *next_line(struct vectors *vectors)
{
    char *line = vectors->text + vectors->at;
    char *end = memchr(line, '\n', vectors->text_len - vectors->at);
    size_t len = end ? (size_t)(end - line) : vectors->text_len - vectors->at;
    vectors->at += len + 1;
    vectors->line++;
    line[len] = 0;
    if (strlen(line) != len)
        line[0] = 0x01; /* a zero byte inside: parse_pair() refuses it */
    return line;
}

static const struct pair *find(const struct pairs *pairs, const char *key)
{
    for (size_t i = 0; i < pairs->len; i++)
        if (strcmp(pairs->all[i].key, key) == 0)
            return &pairs->all[i];
    return NULL;
}

static bool is_key(const char *key)
{
    for (const char *at = key; *at; at++)
        if (!isprint((unsigned char)*at))
            return false;
    return *key != 0;
}

/* "key = value", "key =" or "key". */
static int parse_pair(struct vectors *vectors, struct pair *out, char *text)
{
    char *value = strchr(text, '=');
    if (value)
        *value++ = 0;
    out->key = trim(text);
    out->value = value ? trim(value) : "";
    if (!is_key(out->key))
        return complain(vectors, COMMON_ERR_CORRUPT, vectors->line, "no key", "");
    return 0;
}

static int add(struct vectors *vectors, struct pairs *pairs, const struct pair *pair)
{
    if (pairs->len == VECTORS_MAX_KEYS)
        return complain(vectors, COMMON_ERR_LIMIT, vectors->line, "too many keys", "");
    pairs->all[pairs->len++] = *pair;
    return 0;
}

static int read_section(struct vectors *vectors, char *text)
{
    size_t len = strlen(text);
    struct pair pair;
    if (text[len - 1] != ']')
        return complain(vectors, COMMON_ERR_CORRUPT, vectors->line, "section without its ]", "");
    text[len - 1] = 0;
    bool is_value = strchr(text, '=') != NULL;
    int error = parse_pair(vectors, &pair, text + 1);
    if (error)
        return error;
    if (!is_value) {
        vectors->section = pair.key;
        return 0;
    }
    for (size_t i = 0; i < vectors->values.len; i++)
        if (strcmp(vectors->values.all[i].key, pair.key) == 0) {
            vectors->values.all[i] = pair;
            return 0;
        }
    return add(vectors, &vectors->values, &pair);
}

static int read_pair(struct vectors *vectors, char *text)
{
    struct pair pair;
    int error = parse_pair(vectors, &pair, text);
    if (error)
        return error;
    if (find(&vectors->record, pair.key))
        return complain(vectors, COMMON_ERR_CORRUPT, vectors->line,
                        "key a second time in a record: ", pair.key);
    if (vectors->record.len == 0)
        vectors->record_line = vectors->line;
    return add(vectors, &vectors->record, &pair);
}

/* Looks at no more than it needs: a sanitizer that checks whole strings would read the rest of the
 * file at every line. */
static bool section_follows(const struct vectors *vectors)
{
    size_t at = vectors->at;
    while (vectors->text[at] == ' ' || vectors->text[at] == '\t')
        at++;
    return vectors->text[at] == '[';
}

/* A record ends where it has lines and a section, a blank line or the end of the file follows. */
int vectors_next(struct vectors *vectors)
{
    vectors->record.len = 0;
    while (vectors->at < vectors->text_len) {
        if (vectors->record.len > 0 && section_follows(vectors))
            return 0;
        char *line = next_line(vectors);
        char *comment = strchr(line, '#');
        if (comment)
            *comment = 0;
        char *text = trim(line);
        if (*text == 0 && !comment && vectors->record.len > 0)
            return 0;
        int error = 0;
        if (*text == '[')
            error = read_section(vectors, text);
        else if (*text != 0)
            error = read_pair(vectors, text);
        if (error)
            return error;
    }
    if (vectors->record.len > 0)
        return 0;
    return complain(vectors, COMMON_ERR_NOT_FOUND, vectors->line, "no further record", "");
}

const char *vectors_section(const struct vectors *vectors)
{
    return vectors->section;
}

static const struct pair *find_anywhere(const struct vectors *vectors, const char *key)
{
    const struct pair *pair = find(&vectors->record, key);
    return pair ? pair : find(&vectors->values, key);
}

bool vectors_has(const struct vectors *vectors, const char *key)
{
    return find_anywhere(vectors, key) != NULL;
}

int vectors_text(struct vectors *vectors, const char **out, const char *key)
{
    const struct pair *pair = find_anywhere(vectors, key);
    *out = pair ? pair->value : NULL;
    if (!pair)
        return complain(vectors, COMMON_ERR_NOT_FOUND, vectors->record_line, "no key ", key);
    return 0;
}

int vectors_number(struct vectors *vectors, uint64_t *out, const char *key)
{
    const char *text = NULL;
    *out = 0;
    int error = vectors_text(vectors, &text, key);
    if (error)
        return error;
    char *end = NULL;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != 0 || errno != 0)
        return complain(vectors, COMMON_ERR_CORRUPT, vectors->record_line, "not a number: ", key);
    *out = value;
    return 0;
}

static int hex_digit(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = digit ? strchr(digits, tolower((unsigned char)digit)) : NULL;
    return found ? (int)(found - digits) : -1;
}

static int decode(uint8_t *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return COMMON_ERR_CORRUPT;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

int vectors_hex(struct vectors *vectors, uint8_t **out, size_t *out_len, const char *key)
{
    const char *text = NULL;
    *out = NULL;
    *out_len = 0;
    int error = vectors_text(vectors, &text, key);
    if (error)
        return error;
    size_t digits = strlen(text);
    if (digits % 2 != 0)
        return complain(vectors, COMMON_ERR_CORRUPT, vectors->record_line, "half a byte: ", key);
    uint8_t *bytes = malloc(digits / 2);
    if (!bytes)
        return COMMON_ERR_NO_MEMORY;
    if (decode(bytes, text, digits / 2)) {
        free(bytes);
        return complain(vectors, COMMON_ERR_CORRUPT, vectors->record_line, "not hex: ", key);
    }
    *out = bytes;
    *out_len = digits / 2;
    return 0;
}

const char *vectors_error(const struct vectors *vectors)
{
    return vectors->error;
}

static void must(const struct vectors *vectors, int error)
{
    if (error)
        fail_msg("%s", vectors->error);
}

bool vectors_must_next(struct vectors *vectors)
{
    int error = vectors_next(vectors);
    if (error != COMMON_ERR_NOT_FOUND)
        must(vectors, error);
    return error == 0;
}

const char *vectors_must_text(struct vectors *vectors, const char *key)
{
    const char *text = NULL;
    must(vectors, vectors_text(vectors, &text, key));
    return text;
}

uint64_t vectors_must_number(struct vectors *vectors, const char *key)
{
    uint64_t number = 0;
    must(vectors, vectors_number(vectors, &number, key));
    return number;
}

uint8_t *vectors_must_hex(struct vectors *vectors, size_t *out_len, const char *key)
{
    uint8_t *bytes = NULL;
    must(vectors, vectors_hex(vectors, &bytes, out_len, key));
    return bytes;
}
