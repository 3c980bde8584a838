/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct xtsvol_volume_info as JSON and back, member for member, for who has a volume open to tell
 * another process. The UUID is 32 hexadecimal digits.
 */
#ifndef XTSVOL_TOOL_VOLUME_INFO_H
#define XTSVOL_TOOL_VOLUME_INFO_H

#include "common/base/error.h"

#include <xtsvol/volume.h>

#include <jansson.h>

/* A new reference, NULL without memory. */
json_t *volume_info_encode(const struct xtsvol_volume_info *info);

/* Members that are not known are passed over. COMMON_ERR_CORRUPT when one is missing or out of its
 * range; *out is all zero then. */
COMMON_MUST_USE int volume_info_decode(struct xtsvol_volume_info *out, const json_t *json);

#endif
