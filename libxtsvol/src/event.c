/* SPDX-License-Identifier: Apache-2.0 */
#include "libxtsvol/src/event.h"

#include <stddef.h>

void xv_event_hand_on(xtsvol_event_fn *event, void *context, const struct common_event *from)
{
    if (!event)
        return;
    const struct xtsvol_event told = {
        .severity = (enum xtsvol_event_severity)from->severity,
        .name = from->name,
        .object = from->object,
        .reason = from->reason,
        .native_error = from->native_error,
    };
    event(context, &told);
}
