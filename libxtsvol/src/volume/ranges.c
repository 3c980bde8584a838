/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   R1  The list holds all that are inside or wait, in the order in which they came.
 *   R2  num_before is the number of those before it in the list that it conflicts with; it is
 * inside when that is 0. It never grows, so that who waits is passed by nobody it conflicts with;
 * and the first of the list always is inside, so that there is no deadlock. R3  has_waiters:
 * somebody behind it counts it. Without, leaving looks at nobody.
 *
 * A list, since what is in it is what threads do at this moment: a few tens at most.
 */
#include "libxtsvol/src/volume/ranges.h"

#include "common/base/cleanup.h"

#include <pthread.h>
#include <stddef.h>

struct xv_ranges {
    pthread_mutex_t mutex;
    struct xv_range *first;
    struct xv_range *last;
};

struct xv_range_waiter {
    pthread_cond_t may_enter;
};

int xv_ranges_open(struct xv_ranges **out)
{
    *out = NULL;
    COMMON_CLEANUP_FREE struct xv_ranges *ranges = calloc(1, sizeof(*ranges));
    if (!ranges || pthread_mutex_init(&ranges->mutex, NULL))
        return COMMON_ERR_NO_MEMORY;
    *out = COMMON_TAKE_PTR(ranges);
    return 0;
}

void xv_ranges_close(struct xv_ranges **ranges)
{
    if (!*ranges)
        return;
    (void)pthread_mutex_destroy(&(*ranges)->mutex);
    free(COMMON_TAKE_PTR(*ranges));
}

static bool conflict(const struct xv_range *a, const struct xv_range *b)
{
    if (a->mode == XV_RANGE_SHARED && b->mode == XV_RANGE_SHARED)
        return false;
    return a->offset < b->end && b->offset < a->end;
}

static void append(struct xv_ranges *ranges, struct xv_range *range)
{
    range->previous = ranges->last;
    if (ranges->last)
        ranges->last->next = range;
    else
        ranges->first = range;
    ranges->last = range;
}

static void unlink_range(struct xv_ranges *ranges, const struct xv_range *range)
{
    if (range->previous)
        range->previous->next = range->next;
    else
        ranges->first = range->next;
    if (range->next)
        range->next->previous = range->previous;
    else
        ranges->last = range->previous;
}

/* A condition of its own, made only by who has to wait: the next one to enter is woken, and no
 * other. */
static void wait_for_turn(struct xv_ranges *ranges, struct xv_range *range)
{
    struct xv_range_waiter waiter = {.may_enter = PTHREAD_COND_INITIALIZER};
    range->waiter = &waiter;
    while (range->num_before > 0)
        (void)pthread_cond_wait(&waiter.may_enter, &ranges->mutex);
    range->waiter = NULL;
    (void)pthread_cond_destroy(&waiter.may_enter);
}

void xv_ranges_enter(struct xv_ranges *ranges, struct xv_range *range, uint64_t offset,
                     uint64_t length, enum xv_range_mode mode)
{
    *range = (struct xv_range){
        .offset = offset,
        .end = length > UINT64_MAX - offset ? UINT64_MAX : offset + length,
        .mode = mode,
    };
    if (length == 0)
        return;
    (void)pthread_mutex_lock(&ranges->mutex);
    for (struct xv_range *other = ranges->first; other; other = other->next) {
        if (!conflict(range, other))
            continue;
        other->has_waiters = true;
        range->num_before++;
    }
    append(ranges, range);
    if (range->num_before > 0)
        wait_for_turn(ranges, range);
    (void)pthread_mutex_unlock(&ranges->mutex);
}

void xv_ranges_leave(struct xv_ranges *ranges, struct xv_range *range)
{
    if (range->offset == range->end)
        return;
    (void)pthread_mutex_lock(&ranges->mutex);
    struct xv_range *behind = range->has_waiters ? range->next : NULL;
    unlink_range(ranges, range);
    for (; behind; behind = behind->next) {
        if (conflict(range, behind) && --behind->num_before == 0)
            (void)pthread_cond_signal(&behind->waiter->may_enter);
    }
    (void)pthread_mutex_unlock(&ranges->mutex);
}
