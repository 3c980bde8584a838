/* SPDX-License-Identifier: Apache-2.0 */
#include "common/event/event.h"

#include <stddef.h>

void common_event_emit(const struct common_event_sink *sink, const struct common_event *event)
{
    if (sink && sink->emit)
        sink->emit(sink->context, event);
}
