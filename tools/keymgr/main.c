/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/cli.h"
#include "tools/glue/components.h"
#include "tools/glue/events.h"

#include <keymgr/version.h>

GLUE_COMPONENTS(keymgr)

static const struct cli_command root = {
    .name = "keymgr",
    .summary = "keys of a cluster: protectors, KEK generations, domains, volumes, rekey",
    .commands = (const struct cli_command *const[]){&glue_events_command, NULL},
};

int main(int argc, char **argv)
{
    const struct cli_tool tool = {
        .version = keymgr_version_string(),
        .root = &root,
        .components = glue_keymgr_components,
    };
    return cli_main(&tool, argc, argv);
}
