/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/cli.h"
#include "tools/glue/components.h"
#include "tools/glue/events.h"
#include "tools/xtsvol/bench.h"

#include <xtsvol/version.h>

GLUE_COMPONENTS(xtsvol)

static const struct cli_command root = {
    .name = "xtsvol",
    .summary = "encrypted volumes: AES-XTS-256 on sectors, key generations, online re-encryption",
    .commands =
        (const struct cli_command *const[]){&xtsvol_bench_command, &glue_events_command, NULL},
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
