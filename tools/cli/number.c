/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/number.h"

#include "common/base/checked.h"

int cli_number_parse(uint64_t *out, const char **text)
{
    *out = 0;
    const char *at = *text;
    if (*at < '0' || *at > '9')
        return COMMON_ERR_INVALID;
    uint64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (common_u64_mul(&value, value, 10) ||
            common_u64_add(&value, value, (uint64_t)(*at - '0')))
            return COMMON_ERR_LIMIT;
    }
    *out = value;
    *text = at;
    return 0;
}
