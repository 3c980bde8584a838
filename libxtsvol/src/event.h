/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts in common/ have to tell, on its way to the host's callback. */
#ifndef XTSVOL_EVENT_INTERNAL_H
#define XTSVOL_EVENT_INTERNAL_H

#include "common/event/event.h"
#include <xtsvol/event.h>

/* Does nothing when event is NULL. */
void xv_event_hand_on(xtsvol_event_fn *event, void *context, const struct common_event *from);

#endif
