/* SPDX-License-Identifier: Apache-2.0 */
/* What the control socket of a served volume can be asked. */
#ifndef TOOLS_NBDKIT_REQUESTS_H
#define TOOLS_NBDKIT_REQUESTS_H

#include "tools/control/control.h"

#include <xtsvol/volume.h>

#include <sys/types.h>
#include <time.h>

/* The context of the verbs. */
struct nbd_requests {
    struct xtsvol_volume *volume;
    pid_t pid;
    time_t started_s;
};

struct nbd_requests nbd_requests_begin(struct xtsvol_volume *volume);

/*   ping  {"pid"}
 *   info  {"volume": {...}, "server": {"pid", "started_s"}}; volume is that of
 * tools/xtsvol/volume_info.h */
extern const struct control_verb nbd_verbs[];

#endif
