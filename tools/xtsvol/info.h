/* SPDX-License-Identifier: Apache-2.0 */
/* What a volume is and what an erasure left, as lines for people and as JSON (xtsvol(1), "info").
 */
#ifndef TOOLS_XTSVOL_INFO_H
#define TOOLS_XTSVOL_INFO_H

#include "tools/xtsvol/volume_cli.h"

COMMON_MUST_USE int info_print(struct cli *cli, const struct xtsvol_volume_info *info);
COMMON_MUST_USE int info_print_erasure(struct cli *cli, const struct xtsvol_erasure *erasure);

#endif
