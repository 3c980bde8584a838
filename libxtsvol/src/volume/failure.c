/* SPDX-License-Identifier: Apache-2.0 */
#include "libxtsvol/src/volume/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 4, 0))) static void
tell(struct xtsvol_failure *out, int error, int native_error, const char *format, va_list arguments)
{
    memset(out, 0, sizeof(*out));
    out->error = error;
    out->native_error = native_error;
    (void)vsnprintf(out->message, sizeof(out->message), format, arguments);
}

int xv_fail(struct xtsvol_failure *out, int error, int native_error, const char *format, ...)
{
    if (!out)
        return error;
    va_list arguments;
    va_start(arguments, format);
    tell(out, error, native_error, format, arguments);
    va_end(arguments);
    return error;
}

int xv_fail_unless_told(struct xtsvol_failure *out, int error, int native_error, const char *format,
                        ...)
{
    if (!out || out->error == error)
        return error;
    va_list arguments;
    va_start(arguments, format);
    tell(out, error, native_error, format, arguments);
    va_end(arguments);
    return error;
}
