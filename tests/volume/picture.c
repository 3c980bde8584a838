/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/volume/picture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE_LEN = 32 /* bytes */
};

int picture_key(void *context, uint8_t key[XTSVOL_XTS_KEY_LEN], const uint8_t uuid[XTSVOL_UUID_LEN],
                uint32_t generation)
{
    (void)context;
    (void)uuid;
    for (size_t i = 0; i < XTSVOL_XTS_KEY_LEN; i++)
        key[i] = (uint8_t)((size_t)37 * generation + 11 * i + 5);
    return 0;
}

static int begin_file(const char *dir, const char *name, uint64_t len)
{
    char path[PATH_MAX];
    assert_in_range(snprintf(path, sizeof(path), "%s/%s", dir, name), 1, sizeof(path) - 1);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)len), 0);
    return fd;
}

static uint8_t digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    if (!at)
        fail_msg("'%c' is no hexadecimal digit", c);
    return (uint8_t)(at - digits);
}

static void put_line(int fd, const char *line)
{
    char *digits = NULL;
    uint64_t offset = strtoull(line, &digits, 16);
    assert_true(digits[0] == ':' && digits[1] == ' ');
    digits += 2;
    uint8_t bytes[LINE_LEN] = {0};
    size_t len = 0;
    for (; digits[0] != '\n'; digits += 2) {
        assert_true(len < sizeof(bytes));
        bytes[len++] = (uint8_t)(digit(digits[0]) << 4 | digit(digits[1]));
    }
    assert_int_equal(pwrite(fd, bytes, len, (off_t)offset), len);
}

/* "file NAME LENGTH" */
static int begin_named(const char *dir, char *line)
{
    char *name = line + strlen("file ");
    char *space = strchr(name, ' ');
    assert_non_null(space);
    if (!space) /* for gcc's analyser, which does not know that the assertion does not return */
        return -1;
    *space = '\0';
    return begin_file(dir, name, strtoull(space + 1, NULL, 10));
}

void picture_load(const char *text_path, const char *dir)
{
    char line[2 * LINE_LEN + 64];
    int fd = -1;
    FILE *text = fopen(text_path, "re");
    if (!text)
        fail_msg("no %s", text_path);
    while (fgets(line, sizeof(line), text)) {
        if (line[0] == '#')
            continue;
        if (strncmp(line, "file ", 5) != 0) {
            put_line(fd, line);
            continue;
        }
        if (fd >= 0)
            assert_int_equal(close(fd), 0);
        fd = begin_named(dir, line);
    }
    assert_int_equal(ferror(text), 0);
    assert_int_equal(fclose(text), 0);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
}

void picture_save(FILE *text, const char *path, const char *name)
{
    static const uint8_t zeroes[LINE_LEN];
    uint8_t *bytes = NULL;
    size_t len = 0;
    file_read(&bytes, &len, path);
    (void)fprintf(text, "file %s %zu\n", name, len);
    for (size_t at = 0; at < len; at += LINE_LEN) {
        size_t step = len - at < LINE_LEN ? len - at : LINE_LEN;
        if (memcmp(bytes + at, zeroes, step) == 0)
            continue;
        (void)fprintf(text, "%06zx: ", at);
        for (size_t i = 0; i < step; i++)
            (void)fprintf(text, "%02x", bytes[at + i]);
        (void)fputc('\n', text);
    }
    free(bytes);
}
