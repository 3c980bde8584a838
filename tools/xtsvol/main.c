/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/cli.h"
#include "tools/glue/components.h"
#include "tools/glue/events.h"
#include "tools/xtsvol/bench.h"
#include "tools/xtsvol/nouns.h"

#include <xtsvol/version.h>

GLUE_COMPONENTS(xtsvol)

static const struct cli_command root = {
    .name = "xtsvol",
    .summary = "encrypted volumes: AES-XTS-256 on sectors, key generations, online re-encryption",
    .commands =
        (const struct cli_command *const[]){
            &xtsvol_create_command, &xtsvol_info_command, &xtsvol_import_command,
            &xtsvol_export_command, &xtsvol_check_command, &xtsvol_header_command,
            &xtsvol_resize_command, &xtsvol_erase_command, &xtsvol_dmtable_command,
            &xtsvol_serve_command, &xtsvol_bench_command, &glue_events_command, NULL},
};

int main(int argc, char **argv)
{
    const struct cli_tool tool = {
        .version = xtsvol_version_string(),
        .root = &root,
        .components = glue_xtsvol_components,
    };
    return cli_main(&tool, argc, argv);
}
