/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* In front of which bytes a hyphen stands. */
static bool is_group(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int parse(uint8_t out[COMMON_UUID_LEN], const char *text)
{
    for (size_t i = 0; i < COMMON_UUID_LEN; i++) {
        if (is_group(i) && *text++ != '-')
            return COMMON_ERR_INVALID;
        int high = digit_of(text[0]);
        int low = high < 0 ? -1 : digit_of(text[1]);
        if (low < 0)
            return COMMON_ERR_INVALID;
        out[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return *text == '\0' ? 0 : COMMON_ERR_INVALID;
}

int common_uuid_parse(uint8_t out[COMMON_UUID_LEN], const char *text)
{
    int error = parse(out, text);
    if (error)
        memset(out, 0, COMMON_UUID_LEN);
    return error;
}

void common_uuid_format(char out[COMMON_UUID_SIZE], const uint8_t uuid[COMMON_UUID_LEN])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < COMMON_UUID_LEN; i++) {
        if (is_group(i))
            *out++ = '-';
        *out++ = digits[uuid[i] >> 4];
        *out++ = digits[uuid[i] & 15];
    }
    *out = '\0';
}
