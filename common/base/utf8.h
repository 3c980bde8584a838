/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629) that came from outside: checked strictly, never repaired in silence. */
#ifndef COMMON_BASE_UTF8_H
#define COMMON_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length in bytes (1-4) of the well-formed sequence at the start of text, 0 if there is none: no
 * overlong form, no surrogate, nothing above U+10FFFF, nothing cut short. *out is the code point.
 */
size_t common_utf8_decode(uint32_t *out, const uint8_t *text, size_t text_len);

bool common_utf8_is_valid(const uint8_t *text, size_t text_len);

#endif
