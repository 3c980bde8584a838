/* SPDX-License-Identifier: Apache-2.0 */
/* Of a handle: why a call on it failed, and whether it may be written to. */
#include "libxtsvol/src/volume/handle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int xv_volume_fail(struct xtsvol_volume *volume, int error, int native_error, const char *format,
                   ...)
{
    char message[sizeof(volume->failure.message)];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    (void)pthread_mutex_lock(&volume->failure_lock);
    (void)xv_fail(&volume->failure, error, native_error, "%s", message);
    (void)pthread_mutex_unlock(&volume->failure_lock);
    return error;
}

int xv_volume_failed(struct xtsvol_volume *volume, int error, const struct xtsvol_failure *failure)
{
    if (failure->error != error)
        return xv_volume_fail(volume, error, 0, "%s", common_error_text(error));
    (void)pthread_mutex_lock(&volume->failure_lock);
    volume->failure = *failure;
    (void)pthread_mutex_unlock(&volume->failure_lock);
    return error;
}

/* What a child writes would be authenticated with the zeroes that stand for its parent's keys. */
int xv_volume_check_owner(struct xtsvol_volume *volume)
{
    return volume->owner == getpid()
               ? 0
               : xv_volume_fail(volume, COMMON_ERR_STATE, 0,
                                "a forked child cannot use the volume of its parent");
}

int xv_volume_check_writable(struct xtsvol_volume *volume)
{
    if (volume->is_read_only)
        return xv_volume_fail(volume, COMMON_ERR_STATE, 0, "it was opened for reading only");
    if (atomic_load(&volume->is_stopped)) /* V14 */
        return xv_volume_fail(volume, COMMON_ERR_STATE, 0,
                              "a change of its metadata failed; it has to be opened again");
    return xv_volume_check_owner(volume);
}

void xtsvol_volume_failure(struct xtsvol_volume *volume, struct xtsvol_failure *out)
{
    if (!out)
        return;
    memset(out, 0, sizeof(*out));
    if (!volume)
        return;
    (void)pthread_mutex_lock(&volume->failure_lock);
    *out = volume->failure;
    (void)pthread_mutex_unlock(&volume->failure_lock);
}
