/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/buf.h"

#include "common/base/checked.h"
#include "common/base/ct.h"

#include <string.h>

enum {
    FIRST_CAPACITY = 64
};

struct common_buf common_buf_growing(size_t max)
{
    return (struct common_buf){.max = max};
}

struct common_buf common_buf_fixed(uint8_t *storage, size_t storage_len)
{
    return (struct common_buf){
        .data = storage, .cap = storage_len, .max = storage_len, .is_fixed = true};
}

void common_buf_wipe(struct common_buf *buf)
{
    common_wipe(buf->data, buf->cap);
    if (buf->is_fixed) {
        buf->len = 0;
        buf->error = 0;
        return;
    }
    free(buf->data);
    *buf = common_buf_growing(buf->max);
}

static int fail(struct common_buf *buf, int error)
{
    if (!buf->error)
        buf->error = error;
    return buf->error;
}

/* realloc() could leave a copy of the old bytes behind: a new block, a copy, a wipe instead. */
static int grow(struct common_buf *buf, size_t need)
{
    size_t cap = buf->cap ? buf->cap : FIRST_CAPACITY;
    while (cap < need && cap <= buf->max / 2)
        cap *= 2;
    if (cap < need || cap > buf->max)
        cap = buf->max;

    uint8_t *data = malloc(cap);
    if (!data)
        return fail(buf, COMMON_ERR_NO_MEMORY);
    if (buf->len != 0)
        memcpy(data, buf->data, buf->len);
    common_wipe(buf->data, buf->cap);
    free(buf->data);
    buf->data = data;
    buf->cap = cap;
    return 0;
}

int common_buf_reserve(struct common_buf *buf, uint8_t **out, size_t extra)
{
    *out = NULL;
    if (buf->error)
        return buf->error;
    size_t need = 0;
    if (common_size_add(&need, buf->len, extra) || need > buf->max)
        return fail(buf, COMMON_ERR_LIMIT);
    if (need > buf->cap) {
        int error = grow(buf, need);
        if (error)
            return error;
    }
    *out = buf->data ? buf->data + buf->len : NULL;
    return 0;
}

void common_buf_commit(struct common_buf *buf, size_t extra)
{
    if (!buf->error && extra <= buf->cap - buf->len)
        buf->len += extra;
    else
        (void)fail(buf, COMMON_ERR_INTERNAL);
}

int common_buf_append(struct common_buf *buf, const void *data, size_t len)
{
    uint8_t *to = NULL;
    int error = common_buf_reserve(buf, &to, len);
    if (error)
        return error;
    if (to && len != 0)
        memcpy(to, data, len);
    common_buf_commit(buf, len);
    return 0;
}

int common_buf_append_byte(struct common_buf *buf, uint8_t byte)
{
    return common_buf_append(buf, &byte, 1);
}

void common_buf_truncate(struct common_buf *buf, size_t len)
{
    if (len >= buf->len)
        return;
    common_wipe(buf->data + len, buf->len - len);
    buf->len = len;
}

int common_buf_take(struct common_buf *buf, uint8_t **out, size_t *out_len)
{
    *out = NULL;
    *out_len = 0;
    if (buf->error)
        return buf->error;
    if (buf->is_fixed)
        return COMMON_ERR_STATE;
    *out = COMMON_TAKE_PTR(buf->data);
    *out_len = buf->len;
    buf->len = 0;
    buf->cap = 0;
    return 0;
}
