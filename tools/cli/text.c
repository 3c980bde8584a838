/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/text.h"

#include "common/base/utf8.h"

#include <stdbool.h>
#include <string.h>

struct range {
    uint32_t first;
    uint32_t last;
};

/* X2, in order. */
static const struct range unsafe[] = {
    {0x0000, 0x001f},   /* C0 */
    {0x007f, 0x009f},   /* DEL and C1 */
    {0x00ad, 0x00ad},   /* soft hyphen */
    {0x061c, 0x061c},   /* Arabic letter mark */
    {0x180e, 0x180e},   /* Mongolian vowel separator */
    {0x200b, 0x200b},   /* zero width space */
    {0x200e, 0x200f},   /* left-to-right and right-to-left mark */
    {0x2028, 0x202e},   /* separators, embeddings and overrides */
    {0x2060, 0x206f},   /* word joiner, invisible operators, isolates */
    {0xfeff, 0xfeff},   /* zero width no-break space */
    {0xfff9, 0xfffb},   /* interlinear annotation */
    {0xe0000, 0xe007f}, /* tags */
};

/* The blocks of Unicode where all or nearly all is combining or joins. */
static const struct range zero_width[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a},
    {0x064b, 0x065f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200c, 0x200d},
    {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};

/* The blocks with East Asian Width W or F, and the pictographs. */
static const struct range double_width[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff01, 0xff60},   {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

#define IN(point, ranges) is_in(point, ranges, sizeof(ranges) / sizeof((ranges)[0]))

static bool is_in(uint32_t point, const struct range *ranges, size_t num_ranges)
{
    for (size_t i = 0; i < num_ranges && ranges[i].first <= point; i++) {
        if (point <= ranges[i].last)
            return true;
    }
    return false;
}

/* Writes what stands for the character at the start of text; the longest is \xNN four times. */
enum {
    LONGEST = 4 * 4
};

static size_t escape_one(char out[LONGEST], size_t *out_len, const char *text, size_t text_len)
{
    static const char hex[] = "0123456789abcdef";

    uint32_t point = 0;
    size_t len = common_utf8_decode(&point, (const uint8_t *)text, text_len);
    if (len == 1 && point == '\\') {
        *out_len = 2;
        out[0] = '\\';
        out[1] = '\\';
        return len;
    }
    if (len != 0 && !IN(point, unsafe)) {
        *out_len = len;
        memcpy(out, text, len);
        return len;
    }
    if (len == 0)
        len = 1;
    *out_len = 4 * len;
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)text[i];
        out[4 * i] = '\\';
        out[4 * i + 1] = 'x';
        out[4 * i + 2] = hex[byte >> 4];
        out[4 * i + 3] = hex[byte & 15];
    }
    return len;
}

int cli_text_append(struct common_buf *to, const char *text, size_t text_len)
{
    size_t at = 0;
    while (at < text_len && !to->error) {
        char escaped[LONGEST];
        size_t escaped_len = 0;
        at += escape_one(escaped, &escaped_len, text + at, text_len - at);
        int error = common_buf_append(to, escaped, escaped_len);
        if (error)
            return error;
    }
    return to->error;
}

void cli_text_put(FILE *to, const char *text)
{
    size_t text_len = strlen(text);
    size_t at = 0;
    while (at < text_len) {
        char escaped[LONGEST];
        size_t escaped_len = 0;
        at += escape_one(escaped, &escaped_len, text + at, text_len - at);
        (void)fwrite(escaped, 1, escaped_len, to);
    }
}

unsigned cli_text_point_width(uint32_t point)
{
    return IN(point, zero_width) ? 0 : IN(point, double_width) ? 2 : 1;
}

size_t cli_text_fit(const char *text, size_t text_len, size_t columns)
{
    size_t at = 0;
    while (at < text_len) {
        uint32_t point = 0;
        size_t len = common_utf8_decode(&point, (const uint8_t *)text + at, text_len - at);
        size_t width = cli_text_point_width(point);
        if (width > columns)
            break;
        columns -= width;
        at += len ? len : 1;
    }
    return at;
}

size_t cli_text_width(const char *text, size_t text_len)
{
    size_t width = 0;
    size_t at = 0;
    while (at < text_len) {
        uint32_t point = 0;
        size_t len = common_utf8_decode(&point, (const uint8_t *)text + at, text_len - at);
        width += cli_text_point_width(point);
        at += len ? len : 1;
    }
    return width;
}
