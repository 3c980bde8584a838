/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kernels/guarded.h"

#include "tests/support/test.h"

#include <string.h>
#include <sys/mman.h>

enum {
    CANARY = 0xc5,
    ALIGNMENT = 64
};
#define CANARY_LEN ((size_t)1024) /* twice what the widest kernel has in flight */

static size_t page_len(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

struct guarded guarded_new(size_t max_len)
{
    size_t page = page_len();
    struct guarded guarded = {
        .pages_len = (max_len + ALIGNMENT + 2 * CANARY_LEN + page - 1) / page * page,
    };
    uint8_t *map =
        mmap(NULL, guarded.pages_len + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    guarded.pages = map + page;
    assert_int_equal(mprotect(guarded.pages, guarded.pages_len, PROT_READ | PROT_WRITE), 0);
    return guarded;
}

void guarded_free(struct guarded *guarded)
{
    size_t page = page_len();
    (void)munmap(guarded->pages - page, guarded->pages_len + 2 * page);
    *guarded = (struct guarded){0};
}

static size_t canaries_before(const struct guarded *guarded, const uint8_t *buffer)
{
    size_t room = (size_t)(buffer - guarded->pages);
    return room < CANARY_LEN ? room : CANARY_LEN;
}

static size_t canaries_behind(const struct guarded *guarded, const uint8_t *buffer, size_t len)
{
    size_t room = (size_t)(guarded->pages + guarded->pages_len - (buffer + len));
    return room < CANARY_LEN ? room : CANARY_LEN;
}

uint8_t *guarded_place(const struct guarded *guarded, struct guarded_place place, size_t len)
{
    uint8_t *buffer = guarded->pages;
    if (place.where == GUARDED_END)
        buffer += guarded->pages_len - len;
    else if (place.where == GUARDED_INSIDE)
        buffer += CANARY_LEN + place.offset;
    assert_true(buffer + len <= guarded->pages + guarded->pages_len);

    size_t before = canaries_before(guarded, buffer);
    memset(buffer - before, CANARY, before);
    memset(buffer + len, CANARY, canaries_behind(guarded, buffer, len));
    return buffer;
}

static bool all_canaries(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != CANARY)
            return false;
    }
    return true;
}

bool guarded_canaries_live(const struct guarded *guarded, const uint8_t *buffer, size_t len)
{
    size_t before = canaries_before(guarded, buffer);
    return all_canaries(buffer - before, before) &&
           all_canaries(buffer + len, canaries_behind(guarded, buffer, len));
}
