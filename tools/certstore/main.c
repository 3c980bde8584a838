/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/cli.h"
#include "tools/glue/components.h"
#include "tools/glue/events.h"

#include <certstore/version.h>

GLUE_COMPONENTS(certstore)

static const struct cli_command root = {
    .name = "certstore",
    .summary =
        "certificates of a cluster: identities, authorities, peers, a private CA, revocation",
    .commands = (const struct cli_command *const[]){&glue_events_command, NULL},
};

int main(int argc, char **argv)
{
    const struct cli_tool tool = {
        .version = certstore_version_string(),
        .root = &root,
        .components = glue_certstore_components,
    };
    return cli_main(&tool, argc, argv);
}
