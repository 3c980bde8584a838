/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units in lists of buffers. Runs of whole units that lie in one buffer on both sides go to the
 * kernel as they are; a unit that is cut goes block by block: straight where a block is whole on
 * both sides, else through a block on the stack.
 */
#include "common/base/checked.h"
#include "libxtsvol/src/xts/kernels/residue.h"
#include "libxtsvol/src/xts/steal.h"
#include "libxtsvol/src/xts/tweak.h"
#include "libxtsvol/src/xts/xts.h"

#include <stdbool.h>
#include <string.h>

/* A place in a list of buffers. */
struct place {
    const struct iovec *buffers;
    size_t num_left;
    size_t offset; /* in the first of them */
};

struct job {
    const struct xtsvol_xts_key *key;
    enum xts_direction direction;
    struct place out;
    struct place in;
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many bytes lie in one piece at this place; 0 at the end of the list. */
static size_t contiguous(struct place *place)
{
    while (place->num_left > 0 && place->offset == place->buffers->iov_len) {
        place->buffers++;
        place->num_left--;
        place->offset = 0;
    }
    return place->num_left == 0 ? 0 : place->buffers->iov_len - place->offset;
}

static uint8_t *at(const struct place *place)
{
    return (uint8_t *)place->buffers->iov_base + place->offset;
}

/* Copies between a block and the list; there are len bytes left in it. */
static void gather(uint8_t *block, struct place *from, size_t len)
{
    while (len > 0) {
        size_t n = smaller(contiguous(from), len);
        memcpy(block, at(from), n);
        from->offset += n;
        block += n;
        len -= n;
    }
}

static void scatter(struct place *to, const uint8_t *block, size_t len)
{
    while (len > 0) {
        size_t n = smaller(contiguous(to), len);
        memcpy(at(to), block, n);
        to->offset += n;
        block += n;
        len -= n;
    }
}

static void whole_units(struct job *job, size_t unit_len, size_t num_units,
                        struct xtsvol_unit_number first)
{
    const struct xtsvol_xts_key *key = job->key;
    key->kernel->units[job->direction](&key->memory->schedule, at(&job->out), at(&job->in),
                                       unit_len, first, num_units);
    job->out.offset += unit_len * num_units;
    job->in.offset += unit_len * num_units;
}

static XV_NOINLINE void cut_unit(struct job *job, size_t unit_len, struct xtsvol_unit_number number)
{
    const struct xtsvol_xts_key *key = job->key;
    const struct xts_kernel *kernel = key->kernel;
    size_t tail_len = xv_tail_len(unit_len);
    size_t body_len = unit_len - tail_len;
    uint8_t tweak[XTS_BLOCK_LEN];
    uint8_t bounce[2 * XTS_BLOCK_LEN];

    kernel->first_tweak(&key->memory->schedule, tweak, number);
    while (body_len > 0) {
        size_t n = smaller(smaller(contiguous(&job->in), contiguous(&job->out)), body_len);
        if (n >= XTS_BLOCK_LEN) {
            n -= n % XTS_BLOCK_LEN;
            kernel->blocks[job->direction](&key->memory->schedule, tweak, at(&job->out),
                                           at(&job->in), n / XTS_BLOCK_LEN);
            job->in.offset += n;
            job->out.offset += n;
        } else {
            n = XTS_BLOCK_LEN;
            gather(bounce, &job->in, n);
            kernel->blocks[job->direction](&key->memory->schedule, tweak, bounce, bounce, 1);
            scatter(&job->out, bounce, n);
        }
        body_len -= n;
    }
    if (tail_len > 0) {
        gather(bounce, &job->in, tail_len);
        xv_steal_tail(kernel, job->direction, &key->memory->schedule, tweak, bounce, bounce,
                      tail_len);
        scatter(&job->out, bounce, tail_len);
    }
}

/* Sum of the lengths, and that no buffer with a length is NULL. */
static int measure(size_t *out_len, const struct iovec *buffers, size_t num_buffers)
{
    *out_len = 0;
    if (num_buffers > XTSVOL_XTS_IOV_MAX || (!buffers && num_buffers > 0))
        return XTSVOL_ERR_INVALID;
    size_t len = 0;
    for (size_t i = 0; i < num_buffers; i++) {
        if ((!buffers[i].iov_base && buffers[i].iov_len > 0) ||
            common_size_add(&len, len, buffers[i].iov_len))
            return XTSVOL_ERR_INVALID;
    }
    *out_len = len;
    return XTSVOL_OK;
}

static int crypt_lists(enum xts_direction direction, const struct xtsvol_xts_key *key,
                       const struct iovec *out, size_t num_out, const struct iovec *in,
                       size_t num_in, size_t unit_len, struct xtsvol_unit_number first)
{
    size_t len = 0;
    size_t out_len = 0;
    if (!key || measure(&len, in, num_in) || measure(&out_len, out, num_out) || len != out_len)
        return XTSVOL_ERR_INVALID;
    size_t left = 0;
    int error = xv_count_units(&left, len, unit_len, first);
    if (error || len == 0)
        return error;
    if (!xv_key_is_whole(key))
        return XTSVOL_ERR_STATE;

    struct job job = {
        .key = key,
        .direction = direction,
        .out = {.buffers = out, .num_left = num_out},
        .in = {.buffers = in, .num_left = num_in},
    };
    bool was_cut = false;
    while (left > 0) {
        size_t n = smaller(contiguous(&job.in), contiguous(&job.out)) / unit_len;
        n = smaller(n, left);
        if (n > 0) {
            whole_units(&job, unit_len, n, first);
        } else {
            n = 1;
            cut_unit(&job, unit_len, first);
            was_cut = true;
        }
        first = xv_add_units(first, n);
        left -= n;
    }
    /* Tweaks and bounced blocks, where compilers copied them too. */
    if (was_cut)
        xv_leave_nothing();
    return XTSVOL_OK;
}

int xtsvol_xts_encryptv(const struct xtsvol_xts_key *key, const struct iovec *out, size_t num_out,
                        const struct iovec *in, size_t num_in, size_t unit_len,
                        struct xtsvol_unit_number first)
{
    return crypt_lists(XTS_ENCRYPT, key, out, num_out, in, num_in, unit_len, first);
}

int xtsvol_xts_decryptv(const struct xtsvol_xts_key *key, const struct iovec *out, size_t num_out,
                        const struct iovec *in, size_t num_in, size_t unit_len,
                        struct xtsvol_unit_number first)
{
    return crypt_lists(XTS_DECRYPT, key, out, num_out, in, num_in, unit_len, first);
}
