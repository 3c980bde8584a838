/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All state is atomic and each decision depends on the running number of the call alone, so that
 * the wrappers need no lock: malloc is called in forked children and under other locks.
 *
 *   F1  A call counts when its class is in the mask, its thread is in scope, and (short modes) it
 *       has two bytes to move.
 *   F2  Of N threads that call at once exactly one is the Nth.
 *   F3  Nothing counts after fault_disarm() has returned, except calls that were already inside.
 */
#include "tests/support/fault.h"

#include "tests/support/interpose.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

static struct {
    atomic_uint classes;
    atomic_uint nth;
    atomic_int error;
    atomic_int mode;
    atomic_uintptr_t thread; /* 0: all */
    atomic_uint seen;
    atomic_uint fired_classes;
} armed;

void fault_arm(unsigned classes, unsigned nth, int error)
{
    fault_arm_plan(&(struct fault_plan){.classes = classes, .nth = nth, .error = error});
}

void fault_arm_plan(const struct fault_plan *plan)
{
    atomic_store(&interpose_faulting, false);
    atomic_store(&armed.classes, plan->classes);
    atomic_store(&armed.nth, plan->nth);
    atomic_store(&armed.error, plan->error);
    atomic_store(&armed.mode, (int)plan->mode);
    atomic_store(&armed.thread, plan->only_this_thread ? (uintptr_t)pthread_self() : 0);
    atomic_store(&armed.seen, 0);
    atomic_store(&armed.fired_classes, 0);
    atomic_store(&interpose_faulting, true);
}

struct fault_report fault_disarm(void)
{
    atomic_store(&interpose_faulting, false);
    atomic_store(&armed.classes, 0);
    unsigned classes = atomic_exchange(&armed.fired_classes, 0);
    unsigned seen = atomic_exchange(&armed.seen, 0);
    return (struct fault_report){.fired = classes != 0, .seen = seen, .fired_classes = classes};
}

int fault_reset(void **state)
{
    (void)state;
    (void)fault_disarm();
    return 0;
}

static bool is_short_mode(int mode)
{
    return mode == FAULT_SHORT || mode == FAULT_SHORT_THEN_FAIL;
}

/* F1. One byte cannot be halved; it counts again once the short transfer is behind. */
static bool counts(unsigned class, const size_t *len, int mode)
{
    if (!(atomic_load(&armed.classes) & class))
        return false;
    uintptr_t thread = atomic_load(&armed.thread);
    if (thread != 0 && thread != (uintptr_t)pthread_self())
        return false;
    if (!is_short_mode(mode))
        return true;
    return len && (*len >= 2 || atomic_load(&armed.seen) >= atomic_load(&armed.nth));
}

bool fault_decide(unsigned class, size_t *len)
{
    int mode = atomic_load(&armed.mode);
    if (!counts(class, len, mode))
        return false;
    unsigned number = atomic_fetch_add(&armed.seen, 1) + 1; /* F2 */
    unsigned nth = atomic_load(&armed.nth);
    bool is_repeated = mode == FAULT_FROM_THEN_ON || mode == FAULT_SHORT_THEN_FAIL;
    if (number < nth || (number > nth && !is_repeated))
        return false;

    (void)atomic_fetch_or(&armed.fired_classes, class);
    if (mode == FAULT_KILL)
        (void)kill(getpid(), SIGKILL);
    if (number == nth && is_short_mode(mode)) {
        *len /= 2;
        return false;
    }
    errno = atomic_load(&armed.error);
    return true;
}
