/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/volume/own_memory.h"

#include <errno.h>
#include <string.h>

static bool fails(struct memory *memory, enum function function)
{
    if (memory->nth == 0 || memory->failing != function)
        return false;
    if (memory->nth > 1) {
        memory->nth--;
        return false;
    }
    if (!memory->and_all_after)
        memory->nth = 0;
    memory->num_failed++;
    return true;
}

static size_t sum(const struct iovec *iov, size_t num_iov)
{
    size_t len = 0;
    for (size_t i = 0; i < num_iov; i++)
        len += iov[i].iov_len;
    return len;
}

static int memory_preadv(void *context, const struct iovec *iov, size_t num_iov, uint64_t offset)
{
    struct memory *memory = context;
    size_t len = sum(iov, num_iov);
    if (offset > memory->size || len > memory->size - offset) {
        memory->is_out_of_range = true;
        return EINVAL;
    }
    for (size_t i = 0; i < num_iov; i++) {
        memcpy(iov[i].iov_base, memory->bytes + offset, iov[i].iov_len);
        offset += iov[i].iov_len;
    }
    return fails(memory, PREADV) ? memory->error : 0;
}

static int memory_pwritev(void *context, const struct iovec *iov, size_t num_iov, uint64_t offset)
{
    struct memory *memory = context;
    size_t len = sum(iov, num_iov);
    if (offset > memory->size || len > memory->size - offset) {
        memory->is_out_of_range = true;
        return EINVAL;
    }
    if (fails(memory, PWRITEV))
        return memory->error;
    for (size_t i = 0; i < num_iov; i++) {
        memcpy(memory->bytes + offset, iov[i].iov_base, iov[i].iov_len);
        offset += iov[i].iov_len;
    }
    return 0;
}

static int memory_flush(void *context)
{
    return fails(context, FLUSH) ? ((struct memory *)context)->error : 0;
}

static int memory_get_size(void *context, uint64_t *size)
{
    struct memory *memory = context;
    *size = memory->size;
    return fails(memory, GET_SIZE) ? memory->error : 0;
}

static int memory_set_size(void *context, uint64_t size)
{
    struct memory *memory = context;
    if (fails(memory, SET_SIZE))
        return memory->error;
    if (size > OWN_MEMORY_CAPACITY)
        return ENOSPC;
    memory->size = size;
    return 0;
}

static int memory_discard(void *context, uint64_t offset, uint64_t length)
{
    struct memory *memory = context;
    if (offset > memory->size || length > memory->size - offset) {
        memory->is_out_of_range = true;
        return EINVAL;
    }
    if (fails(memory, DISCARD))
        return memory->error;
    memset(memory->bytes + offset, 0xdd, length);
    return 0;
}

static int memory_next_hole(void *context, uint64_t offset, uint64_t *end, int *is_hole)
{
    struct memory *memory = context;
    if (offset >= memory->size)
        memory->is_out_of_range = true;
    *end = memory->hole_end;
    *is_hole = memory->is_hole;
    return fails(memory, NEXT_HOLE) ? memory->error : 0;
}

static void memory_close(void *context)
{
    ((struct memory *)context)->num_closed++;
}

struct xtsvol_io own_memory_io(struct memory *memory)
{
    return (struct xtsvol_io){
        .size = sizeof(struct xtsvol_io),
        .context = memory,
        .preadv = memory_preadv,
        .pwritev = memory_pwritev,
        .flush = memory_flush,
        .get_size = memory_get_size,
        .set_size = memory_set_size,
        .discard = memory_discard,
        .next_hole = memory_next_hole,
        .close = memory_close,
    };
}
