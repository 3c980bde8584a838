/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/utf8.h"

size_t common_utf8_decode(uint32_t *out, const uint8_t *text, size_t text_len)
{
    /* Smallest code point that may be written with so many bytes: below it, the form is overlong.
     */
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

    *out = 0;
    if (text_len == 0)
        return 0;
    uint8_t first = text[0];
    size_t len = first < 0x80             ? 1
                 : (first & 0xe0) == 0xc0 ? 2
                 : (first & 0xf0) == 0xe0 ? 3
                 : (first & 0xf8) == 0xf0 ? 4
                                          : 0;
    if (len == 0 || len > text_len)
        return 0;
    uint32_t point = len == 1 ? first : first & (0x7fU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (text[i] & 0x3fU);
    }
    if (point < smallest[len] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    *out = point;
    return len;
}

bool common_utf8_is_valid(const uint8_t *text, size_t text_len)
{
    size_t at = 0;
    while (at < text_len) {
        uint32_t point = 0;
        size_t len = common_utf8_decode(&point, text + at, text_len - at);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}
