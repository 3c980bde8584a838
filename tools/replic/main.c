/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/cli.h"
#include "tools/glue/components.h"
#include "tools/glue/events.h"

#include <replic/version.h>

GLUE_COMPONENTS(replic)

static const struct cli_command root = {
    .name = "replic",
    .summary = "encrypted replication between clusters over mutual TLS",
    .commands = (const struct cli_command *const[]){&glue_events_command, NULL},
};

int main(int argc, char **argv)
{
    const struct cli_tool tool = {
        .version = replic_version_string(),
        .root = &root,
        .components = glue_replic_components,
    };
    return cli_main(&tool, argc, argv);
}
