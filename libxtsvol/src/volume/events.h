/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an open volume tells its host besides results. The names:
 *
 *     VolumeCopyDamaged        a copy of metadata is not used; the other one is good
 *     VolumeRecovered          opening made the two copies the same again
 *     VolumeCopyNotWritten     a commit has taken place in one copy alone
 *     VolumeFlushFailed        it is not known what is on the medium
 *     SecretMemory...          as of xtsvol/xts.h
 */
#ifndef XTSVOL_VOLUME_EVENTS_H
#define XTSVOL_VOLUME_EVENTS_H

#include <xtsvol/event.h>

struct xv_event_sink {
    xtsvol_event_fn *event; /* may be NULL */
    void *context;
    const char *object; /* the UUID as text, once it is known */
};

__attribute__((format(printf, 5, 6))) void xv_event(const struct xv_event_sink *sink,
                                                    enum xtsvol_event_severity severity,
                                                    const char *name, int native_error,
                                                    const char *format, ...);

#endif
