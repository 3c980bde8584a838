/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena keeps, for each slot size, a list of slabs with room and a list of full ones, so that
 * taking and giving a slot does not search. Invariants, under the lock:
 *   S1  a slab is in exactly one list: `room` of its class when a slot is free, else `full`
 *   S2  a slot that is not in use is all zero bytes
 *   S3  bytes_mapped is the sum of pages_len of all slabs and never above max_bytes
 *   S4  num_empty counts the slabs of a class without a secret: at most one, none of large ones
 */
#include "common/secmem/secmem.h"

#include "common/base/ct.h"
#include "common/secmem/poison.h"
#include "common/secmem/slab.h"

#include <pthread.h>

enum {
    NUM_CLASSES = 6, /* 64, 128, 256, 512, 1024 and larger ones */
    LARGE_CLASS = NUM_CLASSES - 1
};

struct common_secmem {
    pthread_mutex_t lock;
    struct common_secmem_options options;
    struct common_secmem_stats stats;
    struct common_secmem_slab *room[NUM_CLASSES];
    struct common_secmem_slab *full[NUM_CLASSES];
    unsigned num_empty[NUM_CLASSES];
    unsigned told; /* refused protections that an event was emitted for */
};

struct common_secmem_options common_secmem_options_default(void)
{
    return (struct common_secmem_options){.max_bytes = (size_t)64 << 20};
}

int common_secmem_open(struct common_secmem **out, const struct common_secmem_options *options)
{
    *out = NULL;
    struct common_secmem_options chosen = options ? *options : common_secmem_options_default();
    if (chosen.max_bytes == 0)
        return COMMON_ERR_INVALID;
    struct common_secmem *arena = calloc(1, sizeof(*arena));
    if (!arena)
        return COMMON_ERR_NO_MEMORY;
    if (pthread_mutex_init(&arena->lock, NULL)) {
        free(arena);
        return COMMON_ERR_NO_MEMORY;
    }
    arena->options = chosen;
    *out = arena;
    return 0;
}

static unsigned class_of(size_t len)
{
    unsigned size_class = 0;
    while (size_class < LARGE_CLASS && len > (size_t)COMMON_SECMEM_SMALLEST_SLOT << size_class)
        size_class++;
    return size_class;
}

static void link_slab(struct common_secmem_slab **list, struct common_secmem_slab *slab)
{
    slab->next = *list;
    slab->link = list;
    if (slab->next)
        slab->next->link = &slab->next;
    *list = slab;
}

static void unlink_slab(struct common_secmem_slab *slab)
{
    *slab->link = slab->next;
    if (slab->next)
        slab->next->link = slab->link;
}

static void drop_slab(struct common_secmem *arena, struct common_secmem_slab *slab)
{
    arena->stats.num_slabs--;
    arena->stats.bytes_mapped -= slab->pages_len;
    if (slab->refused & COMMON_SECMEM_NOT_LOCKED)
        arena->stats.bytes_unlocked -= slab->pages_len;
    common_secmem_slab_unmap(slab);
}

void common_secmem_close(struct common_secmem **arena)
{
    if (!arena || !*arena)
        return;
    struct common_secmem *closing = COMMON_TAKE_PTR(*arena);
    for (unsigned size_class = 0; size_class < NUM_CLASSES; size_class++) {
        struct common_secmem_slab **lists[] = {&closing->room[size_class],
                                               &closing->full[size_class]};
        for (size_t i = 0; i < 2; i++) {
            while (*lists[i]) {
                struct common_secmem_slab *slab = *lists[i];
                unlink_slab(slab);
                drop_slab(closing, slab);
            }
        }
    }
    (void)pthread_mutex_destroy(&closing->lock);
    free(closing);
}

struct common_secmem_stats common_secmem_stats(struct common_secmem *arena)
{
    (void)pthread_mutex_lock(&arena->lock);
    struct common_secmem_stats stats = arena->stats;
    (void)pthread_mutex_unlock(&arena->lock);
    return stats;
}

/* One event for each kind of protection in the life of the arena: a host that logs must not be
 * flooded with one for every slab. */
static void tell_refused(struct common_secmem *arena, unsigned refused, int native_error)
{
    static const struct {
        unsigned refused;
        const char *name;
        const char *reason;
    } kinds[] = {
        {COMMON_SECMEM_NOT_LOCKED, "SecretMemoryNotLocked",
         "the kernel refused to lock memory for keys: they may be written to swap (raise "
         "RLIMIT_MEMLOCK)"},
        {COMMON_SECMEM_IN_DUMPS, "SecretMemoryInDumps",
         "the kernel refused to leave memory for keys out of core dumps"},
        {COMMON_SECMEM_IN_CHILDREN, "SecretMemoryInChildren",
         "the kernel refused to hide memory for keys from forked processes"},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!(refused & kinds[i].refused & ~arena->told))
            continue;
        arena->told |= kinds[i].refused;
        const struct common_event event = {
            .severity =
                arena->options.require_protection ? COMMON_EVENT_ERROR : COMMON_EVENT_WARNING,
            .name = kinds[i].name,
            .object = "",
            .reason = kinds[i].reason,
            .native_error = native_error,
        };
        common_event_emit(&arena->options.events, &event);
    }
}

static int add_slab(struct common_secmem *arena, unsigned size_class, size_t len)
{
    size_t slot_len =
        size_class == LARGE_CLASS ? len : (size_t)COMMON_SECMEM_SMALLEST_SLOT << size_class;
    size_t pages_len = 0;
    if (common_secmem_slab_pages(&pages_len, slot_len) ||
        pages_len > arena->options.max_bytes - arena->stats.bytes_mapped)
        return COMMON_ERR_LIMIT;

    struct common_secmem_slab *slab = NULL;
    int error = common_secmem_slab_map(&slab, slot_len);
    if (error)
        return error;
    tell_refused(arena, slab->refused, slab->refused_errno);
    if (slab->refused && arena->options.require_protection) {
        common_secmem_slab_unmap(slab);
        return COMMON_ERR_DENIED;
    }
    slab->arena = arena;
    arena->stats.num_slabs++;
    arena->stats.bytes_mapped += slab->pages_len;
    if (slab->refused & COMMON_SECMEM_NOT_LOCKED)
        arena->stats.bytes_unlocked += slab->pages_len;
    link_slab(&arena->room[size_class], slab);
    arena->num_empty[size_class]++;
    return 0;
}

static int take_slot(struct common_secret *out, struct common_secmem *arena, size_t len)
{
    unsigned size_class = class_of(len);
    if (!arena->room[size_class]) {
        int error = add_slab(arena, size_class, len);
        if (error)
            return error;
    }
    struct common_secmem_slab *slab = arena->room[size_class];
    if (slab->num_used == 0)
        arena->num_empty[size_class]--;
    out->data = common_secmem_slab_take(slab, len);
    out->len = len;
    out->slab = slab;
    arena->stats.num_secrets++;
    if (slab->num_used == slab->num_slots) {
        unlink_slab(slab);
        link_slab(&arena->full[size_class], slab);
    }
    return 0;
}

int common_secret_new(struct common_secret *out, struct common_secmem *arena, size_t len)
{
    *out = (struct common_secret){0};
    if (len == 0 || len > COMMON_SECRET_MAX)
        return COMMON_ERR_INVALID;
    (void)pthread_mutex_lock(&arena->lock);
    int error = take_slot(out, arena, len);
    (void)pthread_mutex_unlock(&arena->lock);
    return error;
}

void common_secret_free(struct common_secret *secret)
{
    if (!secret || !secret->slab)
        return;
    struct common_secmem_slab *slab = secret->slab;
    struct common_secmem *arena = slab->arena;
    unsigned size_class = class_of(slab->slot_len);

    (void)pthread_mutex_lock(&arena->lock);
    common_secmem_slab_give(slab, secret->data);
    arena->stats.num_secrets--;
    unlink_slab(slab);
    /* S4: one empty slab is kept, so that a single key that comes and goes does not map each time.
     * A large one fits no other length: it goes. */
    if (slab->num_used == 0 && (size_class == LARGE_CLASS || arena->num_empty[size_class] != 0)) {
        drop_slab(arena, slab);
    } else {
        arena->num_empty[size_class] += slab->num_used == 0;
        link_slab(&arena->room[size_class], slab);
    }
    (void)pthread_mutex_unlock(&arena->lock);
    *secret = (struct common_secret){0};
}

struct common_secret common_secret_move(struct common_secret *from)
{
    return COMMON_TAKE(*from, (struct common_secret){0});
}

void common_secret_truncate(struct common_secret *secret, size_t len)
{
    if (len >= secret->len)
        return;
    common_wipe(secret->data + len, secret->len - len);
    common_poison(secret->data + len, secret->len - len);
    secret->len = len;
}
