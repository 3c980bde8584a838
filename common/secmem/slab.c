/* SPDX-License-Identifier: Apache-2.0 */
#include "common/secmem/slab.h"

#include "common/base/checked.h"
#include "common/base/ct.h"
#include "common/secmem/poison.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    SLAB_PAGES_LEN = 16384, /* 256 of the smallest slots, 16 of the largest */
    LARGEST_SLOT = 1024,
    SECRET_ALIGNMENT = 16
};

static size_t page_len(void)
{
    long len = sysconf(_SC_PAGESIZE);
    return len > 0 ? (size_t)len : 4096;
}

int common_secmem_slab_pages(size_t *out, size_t slot_len)
{
    return common_size_round_up(out, slot_len > LARGEST_SLOT ? slot_len : SLAB_PAGES_LEN,
                                page_len());
}

/* Asks for every protection and notes which were refused; the first errno is kept for the event. */
static void protect(struct common_secmem_slab *slab)
{
    static const struct {
        int advice;
        unsigned refused;
    } advices[] = {
        {MADV_DONTDUMP, COMMON_SECMEM_IN_DUMPS},
        {MADV_WIPEONFORK, COMMON_SECMEM_IN_CHILDREN},
    };

    if (mlock(slab->pages, slab->pages_len)) {
        slab->refused |= COMMON_SECMEM_NOT_LOCKED;
        slab->refused_errno = errno;
    }
    for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
        if (madvise(slab->pages, slab->pages_len, advices[i].advice) == 0)
            continue;
        slab->refused |= advices[i].refused;
        if (!slab->refused_errno)
            slab->refused_errno = errno;
    }
}

static int map_pages(struct common_secmem_slab *slab)
{
    size_t guard = page_len();
    size_t map_len = 0;
    if (common_size_add(&map_len, slab->pages_len, 2 * guard))
        return COMMON_ERR_LIMIT;
    uint8_t *map = mmap(NULL, map_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return COMMON_ERR_NO_MEMORY;
    slab->map = map;
    slab->map_len = map_len;
    slab->pages = map + guard;
    if (mprotect(slab->pages, slab->pages_len, PROT_READ | PROT_WRITE)) {
        (void)munmap(map, map_len);
        return COMMON_ERR_NO_MEMORY;
    }
    return 0;
}

int common_secmem_slab_map(struct common_secmem_slab **out, size_t slot_len)
{
    *out = NULL;
    struct common_secmem_slab *slab = calloc(1, sizeof(*slab));
    if (!slab)
        return COMMON_ERR_NO_MEMORY;
    slab->slot_len = slot_len;
    int error = common_secmem_slab_pages(&slab->pages_len, slot_len);
    if (!error)
        error = map_pages(slab);
    if (error) {
        free(slab);
        return error;
    }
    slab->num_slots = slot_len > LARGEST_SLOT ? 1 : (unsigned)(slab->pages_len / slot_len);
    protect(slab);
    common_poison(slab->pages, slab->pages_len);
    *out = slab;
    return 0;
}

void common_secmem_slab_unmap(struct common_secmem_slab *slab)
{
    common_unpoison(slab->pages, slab->pages_len);
    common_wipe(slab->pages, slab->pages_len);
    (void)munmap(slab->map, slab->map_len);
    free(slab);
}

uint8_t *common_secmem_slab_take(struct common_secmem_slab *slab, size_t len)
{
    unsigned slot = 0;
    while (slab->used[slot / 64] & 1ULL << slot % 64)
        slot++;
    slab->used[slot / 64] |= 1ULL << slot % 64;
    slab->num_used++;

    uint8_t *data = slab->pages + slot * slab->slot_len;
    if (slab->slot_len > LARGEST_SLOT) {
        /* Against the guard, so that the first byte too many is a fault (as near as alignment
         * lets). */
        size_t room = (len + SECRET_ALIGNMENT - 1) & ~(size_t)(SECRET_ALIGNMENT - 1);
        data = slab->pages + slab->pages_len - room;
    }
    common_unpoison(data, len);
    return data;
}

void common_secmem_slab_give(struct common_secmem_slab *slab, const uint8_t *data)
{
    size_t slot = (size_t)(data - slab->pages) / slab->slot_len;
    uint8_t *start = slab->pages + slot * slab->slot_len;
    size_t len = slab->slot_len;
    if (slab->num_slots == 1) {
        slot = 0;
        start = slab->pages;
        len = slab->pages_len;
    }
    common_unpoison(start, len);
    common_wipe(start, len);
    common_poison(start, len);
    slab->used[slot / 64] &= ~(1ULL << slot % 64);
    slab->num_used--;
}
