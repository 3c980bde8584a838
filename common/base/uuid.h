/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs as text (RFC 9562, 4): 32 hexadecimal digits, 8-4-4-4-12. */
#ifndef TOOLS_COMMON_UUID_H
#define TOOLS_COMMON_UUID_H

#include "common/base/error.h"

#include <stdint.h>

enum {
    COMMON_UUID_LEN = 16,
    COMMON_UUID_SIZE = 37 /* the text and its zero byte */
};

/* Either case is read. COMMON_ERR_INVALID for what is not a UUID; *out is all zero then. */
COMMON_MUST_USE int common_uuid_parse(uint8_t out[COMMON_UUID_LEN], const char *text);

/* In lower case. */
void common_uuid_format(char out[COMMON_UUID_SIZE], const uint8_t uuid[COMMON_UUID_LEN]);

#endif
