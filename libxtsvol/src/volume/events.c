/* SPDX-License-Identifier: Apache-2.0 */
#include "libxtsvol/src/volume/events.h"

#include <stdarg.h>
#include <stdio.h>

void xv_event(const struct xv_event_sink *sink, enum xtsvol_event_severity severity,
              const char *name, int native_error, const char *format, ...)
{
    if (!sink || !sink->event)
        return;
    char reason[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    const struct xtsvol_event event = {
        .severity = severity,
        .name = name,
        .object = sink->object ? sink->object : "",
        .reason = reason,
        .native_error = native_error,
    };
    sink->event(sink->context, &event);
}
