/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file xtsvol/event.h
 * How libxtsvol tells its host what happened: a callback that the host puts into the options of a
 * handle. The library prints nothing.
 *
 * Ownership: the event and its strings belong to the library and live as long as the call.
 * Threads: the callback runs inside a call of the library, in whichever thread made that call, for
 * one handle in one thread at a time. It must not use the handle, nor make or free a key of it: a
 * call on it from here may wait for ever.
 *
 * Since 0.1.
 */
#ifndef XTSVOL_EVENT_H
#define XTSVOL_EVENT_H

#include <xtsvol/api.h>

XTSVOL_BEGIN_DECLS

/** How much an event matters. Since 0.1. */
enum xtsvol_event_severity {
    XTSVOL_EVENT_INFO = 0,
    XTSVOL_EVENT_WARNING = 1,
    XTSVOL_EVENT_ERROR = 2
};

/** Something that happened. Since 0.1. */
struct xtsvol_event {
    enum xtsvol_event_severity severity;
    const char *name;   /**< a stable word in CamelCase: "SecretMemoryNotLocked" */
    const char *object; /**< what it is about, "" if nothing in particular */
    const char *reason; /**< one sentence for a person; never a secret */
    int native_error;   /**< errno or the code of a library below, 0 if there is none */
};

/** The callback. `context` is what stands beside it in the options. Since 0.1. */
typedef void xtsvol_event_fn(void *context, const struct xtsvol_event *event);

XTSVOL_END_DECLS

#endif
