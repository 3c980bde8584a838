/* SPDX-License-Identifier: Apache-2.0 */
/* The commands for volumes: one file a noun, each over tools/xtsvol/volume_cli.h. */
#ifndef TOOLS_XTSVOL_NOUNS_H
#define TOOLS_XTSVOL_NOUNS_H

#include "tools/cli/command.h"

extern const struct cli_command xtsvol_check_command;
extern const struct cli_command xtsvol_create_command;
extern const struct cli_command xtsvol_dmtable_command;
extern const struct cli_command xtsvol_erase_command;
extern const struct cli_command xtsvol_export_command;
extern const struct cli_command xtsvol_header_command;
extern const struct cli_command xtsvol_import_command;
extern const struct cli_command xtsvol_info_command;
extern const struct cli_command xtsvol_resize_command;
extern const struct cli_command xtsvol_serve_command;

#endif
