/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a part without a voice of its own tells its host that something happened. A library turns
 * these into its own typed callback; nothing here prints.
 */
#ifndef COMMON_EVENT_EVENT_H
#define COMMON_EVENT_EVENT_H

enum common_event_severity {
    COMMON_EVENT_INFO,
    COMMON_EVENT_WARNING,
    COMMON_EVENT_ERROR,
};

struct common_event {
    enum common_event_severity severity;
    const char *name;   /* CamelCase, a closed list per library: "SecretMemoryNotLocked" */
    const char *object; /* what it is about, "" if nothing in particular */
    const char *reason; /* one sentence for a person; never a secret */
    int native_error;   /* errno or the code of the library below, 0 if there is none */
};

/* The strings live as long as the call. The callback must not call back into the object that emits,
 * and may run in any thread that uses that object. */
struct common_event_sink {
    void (*emit)(void *context, const struct common_event *event);
    void *context;
};

/* Does nothing when there is no sink or no callback in it. */
void common_event_emit(const struct common_event_sink *sink, const struct common_event *event);

#endif
