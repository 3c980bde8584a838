/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing. A request holds its sectors by a range (V11), shared or alone, is cut at
 * worker pieces and at buffers, and within these at extents that change their generation.
 *
 * Reads of whole sectors go from the medium straight into the caller's memory and are decrypted
 * there; everything else goes through a buffer. Writes always do: the caller's memory is not ours
 * to encrypt.
 */
#include "common/base/checked.h"
#include "common/base/ct.h"
#include "libxtsvol/src/volume/handle.h"

#include <string.h>

enum {
    PIECE_LEN = 1 << 20 /* of a request that workers share */
};

/* A part of a list of buffers, as a cursor. */
struct cursor {
    const struct iovec *iov;
    size_t num;
    size_t at; /* bytes into iov[0] */
};

static struct cursor cursor_at(const struct iovec *iov, size_t num, uint64_t skip)
{
    while (num > 0 && skip >= iov->iov_len) {
        skip -= iov->iov_len;
        iov++;
        num--;
    }
    return (struct cursor){.iov = iov, .num = num, .at = (size_t)skip};
}

/* The next len bytes, if they stand in one buffer; the cursor does not move. */
static uint8_t *cursor_peek(const struct cursor *cursor, size_t len)
{
    return cursor->num > 0 && cursor->iov->iov_len - cursor->at >= len
               ? (uint8_t *)cursor->iov->iov_base + cursor->at
               : NULL;
}

static size_t cursor_step(struct cursor *cursor, uint8_t **out, size_t max)
{
    while (cursor->iov->iov_len == cursor->at) {
        cursor->iov++;
        cursor->num--;
        cursor->at = 0;
    }
    size_t left = cursor->iov->iov_len - cursor->at;
    size_t step = left < max ? left : max;
    *out = (uint8_t *)cursor->iov->iov_base + cursor->at;
    cursor->at += step;
    return step;
}

static void cursor_skip(struct cursor *cursor, size_t len)
{
    uint8_t *ignored = NULL;
    while (len > 0)
        len -= cursor_step(cursor, &ignored, len);
}

static void copy_out(struct cursor *to, const uint8_t *from, size_t len)
{
    while (len > 0) {
        uint8_t *place = NULL;
        size_t step = cursor_step(to, &place, len);
        memcpy(place, from, step);
        from += step;
        len -= step;
    }
}

/* Without buffers: zeroes, what xtsvol_write_zeroes() writes. */
static void copy_in(uint8_t *to, struct cursor *from, size_t len)
{
    if (!from->iov) {
        memset(to, 0, len);
        return;
    }
    while (len > 0) {
        uint8_t *place = NULL;
        size_t step = cursor_step(from, &place, len);
        memcpy(to, place, step);
        to += step;
        len -= step;
    }
}

typedef int cipher_fn(const struct xtsvol_xts_key *key, uint8_t *out, const uint8_t *in, size_t len,
                      size_t unit_len, struct xtsvol_unit_number first);

/* Whole sectors of one generation. */
static int crypt_run(const struct xtsvol_volume *volume, cipher_fn *cipher, uint32_t generation,
                     uint8_t *out, const uint8_t *in, size_t len, uint64_t offset)
{
    if (generation == 0) {
        if (out != in)
            memcpy(out, in, len);
        return 0;
    }
    const struct xtsvol_xts_key *key = volume->keys.of[generation];
    if (!key)
        return COMMON_ERR_CORRUPT; /* an extent of a generation that is not live */
    size_t sector = volume->sector_size;
    if (sector == (size_t)1 << volume->number_shift)
        return cipher(key, out, in, len, sector, xtsvol_unit(offset >> volume->number_shift));
    /* Numbers that count by more than one from sector to sector. */
    int error = 0;
    for (size_t at = 0; !error && at < len; at += sector)
        error = cipher(key, out + at, in + at, sector, sector,
                       xtsvol_unit((offset + at) >> volume->number_shift));
    return error;
}

static int crypt_sectors(const struct xtsvol_volume *volume, cipher_fn *cipher, uint8_t *out,
                         const uint8_t *in, size_t len, uint64_t offset)
{
    size_t done = 0;
    while (done < len) {
        uint64_t first = (offset + done) >> volume->extent_shift;
        uint64_t last = (offset + len - 1) >> volume->extent_shift;
        uint32_t generation = 0;
        uint64_t num = 0;
        int error = xv_map_get(volume->metadata.map, &generation, &num, first, last - first + 1);
        if (error)
            return error;
        uint64_t end = (first + num) << volume->extent_shift;
        size_t step = end - offset < len ? (size_t)(end - offset) - done : len - done;
        if (generation == 0 && !volume->plaintext_allowed)
            return COMMON_ERR_CORRUPT; /* V6 */
        error = crypt_run(volume, cipher, generation, out + done, in + done, step, offset + done);
        if (error)
            return error;
        done += step;
    }
    return 0;
}

static int read_medium(struct xtsvol_volume *volume, uint8_t *out, size_t len, uint64_t offset)
{
    int native = 0;
    int error = xv_io_read(&volume->data_io, out, len, volume->data_offset + offset, &native);
    return error
               ? xv_volume_fail(volume, error, native, "cannot read: %s", common_error_text(error))
               : 0;
}

static int write_medium(struct xtsvol_volume *volume, const uint8_t *in, size_t len,
                        uint64_t offset)
{
    int native = 0;
    int error = xv_io_write(&volume->data_io, in, len, volume->data_offset + offset, &native);
    return error
               ? xv_volume_fail(volume, error, native, "cannot write: %s", common_error_text(error))
               : 0;
}

static int crypt_failed(struct xtsvol_volume *volume, int error, uint64_t offset)
{
    return xv_volume_fail(volume, error, 0, "cannot map or use the keys of the extent at %llu: %s",
                          (unsigned long long)offset, common_error_text(error));
}

/* Whole sectors, straight into place or through the buffer. */
static int read_sectors(struct xtsvol_volume *volume, uint8_t *out, size_t len, uint64_t offset)
{
    int error = read_medium(volume, out, len, offset);
    if (error)
        return error;
    error = crypt_sectors(volume, xtsvol_xts_decrypt, out, out, len, offset);
    return error ? crypt_failed(volume, error, offset) : 0;
}

struct request {
    struct xtsvol_volume *volume;
    const struct iovec *iov; /* NULL: zeroes */
    size_t num_iov;
    uint64_t offset;
    uint64_t len;
};

static uint64_t round_down(uint64_t value, uint32_t unit)
{
    return value & ~(uint64_t)(unit - 1);
}

/* How many bytes from offset the next turn handles: to the end of a buffer's worth of sectors. */
static size_t turn_len(uint64_t offset, uint64_t end, uint32_t sector)
{
    uint64_t stop = round_down(offset, sector) + XV_BUFFER_LEN;
    return (size_t)((stop < end ? stop : end) - offset);
}

static int read_range(const struct request *request, uint8_t *buffer, uint64_t from, uint64_t end)
{
    struct xtsvol_volume *volume = request->volume;
    uint32_t sector = volume->sector_size;
    struct cursor cursor = cursor_at(request->iov, request->num_iov, from - request->offset);
    while (from < end) {
        size_t len = turn_len(from, end, sector);
        uint64_t first = round_down(from, sector);
        size_t whole = (size_t)(round_down(from + len + sector - 1, sector) - first);
        uint8_t *direct = whole == len ? cursor_peek(&cursor, len) : NULL;
        int error = read_sectors(volume, direct ? direct : buffer, whole, first);
        if (error) {
            if (!direct)
                common_wipe(buffer, whole);
            return error;
        }
        if (direct) {
            cursor_skip(&cursor, len);
        } else {
            copy_out(&cursor, buffer + (from - first), len);
            common_wipe(buffer, whole);
        }
        from += len;
    }
    return 0;
}

/* What the first and the last sector of a turn hold that is not written. */
static int read_edges(struct xtsvol_volume *volume, uint8_t *buffer, uint64_t first, size_t whole,
                      uint64_t from, size_t len)
{
    uint32_t sector = volume->sector_size;
    int error = 0;
    if (from != first)
        error = read_sectors(volume, buffer, sector, first);
    bool is_same_sector = whole == sector && from != first;
    if (!error && from + len != first + whole && !is_same_sector)
        error = read_sectors(volume, buffer + whole - sector, sector, first + whole - sector);
    return error;
}

static int write_range(const struct request *request, uint8_t *buffer, uint64_t from, uint64_t end)
{
    struct xtsvol_volume *volume = request->volume;
    uint32_t sector = volume->sector_size;
    struct cursor cursor = {0};
    if (request->iov)
        cursor = cursor_at(request->iov, request->num_iov, from - request->offset);
    while (from < end) {
        size_t len = turn_len(from, end, sector);
        uint64_t first = round_down(from, sector);
        size_t whole = (size_t)(round_down(from + len + sector - 1, sector) - first);
        const uint8_t *plain = whole == len && request->iov ? cursor_peek(&cursor, len) : NULL;
        int error = 0;
        if (plain) {
            cursor_skip(&cursor, len);
        } else {
            error = read_edges(volume, buffer, first, whole, from, len);
            if (!error)
                copy_in(buffer + (from - first), &cursor, len);
            plain = buffer;
        }
        if (!error) {
            error = crypt_sectors(volume, xtsvol_xts_encrypt, buffer, plain, whole, first);
            if (error)
                error = crypt_failed(volume, error, first);
        }
        if (error) {
            common_wipe(buffer, whole);
            return error;
        }
        error = write_medium(volume, buffer, whole, first);
        if (error)
            return error;
        from += len;
    }
    return 0;
}

typedef int range_fn(const struct request *request, uint8_t *buffer, uint64_t from, uint64_t end);

struct job {
    const struct request *request;
    range_fn *range;
};

static int run_part(const struct job *job, uint64_t from, uint64_t end)
{
    struct xtsvol_volume *volume = job->request->volume;
    uint8_t *buffer = xv_buffer_get(volume->buffers);
    if (!buffer)
        return xv_volume_fail(volume, COMMON_ERR_NO_MEMORY, 0, "out of memory");
    int error = job->range(job->request, buffer, from, end);
    xv_buffer_put(volume->buffers, buffer);
    return error;
}

/* Pieces begin at multiples of their length, so that no two share a sector. */
static int run_piece(void *context, size_t index)
{
    const struct job *job = context;
    uint64_t begin = job->request->offset;
    uint64_t end = begin + job->request->len;
    uint64_t base = begin / PIECE_LEN + index;
    uint64_t from = base * PIECE_LEN > begin ? base * PIECE_LEN : begin;
    uint64_t to = (base + 1) * PIECE_LEN < end ? (base + 1) * PIECE_LEN : end;
    return run_part(job, from, to);
}

static int run(const struct request *request, range_fn *range, enum xv_range_mode mode)
{
    struct xtsvol_volume *volume = request->volume;
    struct xv_range held;
    uint64_t first = round_down(request->offset, volume->sector_size);
    uint64_t end = request->offset + request->len;
    uint64_t whole_end = round_down(end + volume->sector_size - 1, volume->sector_size);
    struct job job = {.request = request, .range = range};

    xv_ranges_enter(volume->ranges, &held, first, whole_end - first, mode);
    int error = 0;
    /* A resize may have gone before. */
    if (end > atomic_load(&volume->size))
        error = xv_volume_fail(volume, COMMON_ERR_INVALID, 0, "beyond the end of the volume");
    else if (volume->workers && request->len >= 2 * (uint64_t)PIECE_LEN)
        error = xv_workers_run(volume->workers, run_piece, &job,
                               (size_t)((end - 1) / PIECE_LEN - request->offset / PIECE_LEN + 1));
    else
        error = run_part(&job, request->offset, end);
    xv_ranges_leave(volume->ranges, &held);
    return error;
}

static int check_range(struct xtsvol_volume *volume, uint64_t len, uint64_t offset)
{
    return common_range_fits(offset, len, atomic_load(&volume->size))
               ? 0
               : xv_volume_fail(volume, COMMON_ERR_INVALID, 0,
                                "%llu bytes at %llu are not inside of the volume",
                                (unsigned long long)len, (unsigned long long)offset);
}

static int list_refused(struct xtsvol_volume *volume)
{
    return xv_volume_fail(volume, COMMON_ERR_INVALID, 0, "not a list of buffers");
}

static int sum_list(uint64_t *out, const struct iovec *iov, size_t num_iov)
{
    *out = 0;
    bool is_sound = num_iov <= XTSVOL_XTS_IOV_MAX && (iov || num_iov == 0);
    for (size_t i = 0; is_sound && i < num_iov; i++)
        is_sound =
            (iov[i].iov_base || iov[i].iov_len == 0) && !common_u64_add(out, *out, iov[i].iov_len);
    return is_sound ? 0 : COMMON_ERR_INVALID;
}

int xtsvol_preadv(struct xtsvol_volume *volume, const struct iovec *iov, size_t num_iov,
                  uint64_t offset)
{
    struct request request = {.volume = volume, .iov = iov, .num_iov = num_iov, .offset = offset};
    int error = sum_list(&request.len, iov, num_iov);
    if (error)
        return volume ? list_refused(volume) : error;
    error = volume ? check_range(volume, request.len, offset) : COMMON_ERR_INVALID;
    if (!error && request.len > 0)
        error = run(&request, read_range, XV_RANGE_SHARED);
    for (size_t i = 0; error && i < num_iov; i++) {
        if (iov[i].iov_len > 0)
            memset(iov[i].iov_base, 0, iov[i].iov_len);
    }
    return error;
}

int xtsvol_pread(struct xtsvol_volume *volume, void *buffer, size_t length, uint64_t offset)
{
    const struct iovec iov = {.iov_base = buffer, .iov_len = length};
    return xtsvol_preadv(volume, &iov, 1, offset);
}

int xtsvol_pwritev(struct xtsvol_volume *volume, const struct iovec *iov, size_t num_iov,
                   uint64_t offset)
{
    if (!volume)
        return XTSVOL_ERR_INVALID;
    struct request request = {.volume = volume, .iov = iov, .num_iov = num_iov, .offset = offset};
    int error = sum_list(&request.len, iov, num_iov);
    if (error)
        return list_refused(volume);
    error = xv_volume_check_writable(volume);
    if (!error)
        error = check_range(volume, request.len, offset);
    if (!error && request.len > 0)
        error = run(&request, write_range, XV_RANGE_ALONE);
    return error;
}

int xtsvol_pwrite(struct xtsvol_volume *volume, const void *buffer, size_t length, uint64_t offset)
{
    /* The list is only read from. */
    struct iovec iov = {.iov_len = length};
    memcpy(&iov.iov_base, &buffer, sizeof(buffer));
    return xtsvol_pwritev(volume, &iov, 1, offset);
}

int xtsvol_write_zeroes(struct xtsvol_volume *volume, uint64_t length, uint64_t offset)
{
    if (!volume)
        return XTSVOL_ERR_INVALID;
    const struct request request = {.volume = volume, .offset = offset, .len = length};
    int error = xv_volume_check_writable(volume);
    if (!error)
        error = check_range(volume, length, offset);
    if (!error && length > 0)
        error = run(&request, write_range, XV_RANGE_ALONE);
    return error;
}

int xtsvol_flush(struct xtsvol_volume *volume)
{
    if (!volume)
        return XTSVOL_ERR_INVALID;
    int error = xv_volume_check_owner(volume);
    if (error || volume->is_read_only)
        return error;
    int native = 0;
    error = xv_sync_all(volume->data_syncer, &volume->data_io, &native);
    if (!error)
        return 0;
    if (!atomic_exchange(&volume->flush_failed, true))
        xv_event(&volume->events, XTSVOL_EVENT_ERROR, "VolumeFlushFailed", native,
                 "what was written since the last flush may be lost");
    return xv_volume_fail(volume, error, native, "cannot flush: %s", common_error_text(error));
}

int xtsvol_discard(struct xtsvol_volume *volume, uint64_t length, uint64_t offset)
{
    if (!volume)
        return XTSVOL_ERR_INVALID;
    int error = xv_volume_check_writable(volume);
    if (!error)
        error = check_range(volume, length, offset);
    if (error)
        return error;
    uint32_t sector = volume->sector_size;
    uint64_t first = round_down(offset + sector - 1, sector);
    uint64_t end = round_down(offset + length, sector);
    if (first >= end || !volume->data_io.discard)
        return 0;
    struct xv_range held;
    xv_ranges_enter(volume->ranges, &held, first, end - first, XV_RANGE_ALONE);
    int native = 0;
    if (end > atomic_load(&volume->size))
        error = xv_volume_fail(volume, COMMON_ERR_INVALID, 0, "beyond the end of the volume");
    else
        native = volume->data_io.discard(volume->data_io.context, volume->data_offset + first,
                                         end - first);
    xv_ranges_leave(volume->ranges, &held);
    if (native) {
        error = xv_io_error(native);
        return xv_volume_fail(volume, error, native, "cannot discard: %s",
                              common_error_text(error));
    }
    return error;
}

int xtsvol_next_hole(struct xtsvol_volume *volume, uint64_t *out_end, int *out_is_hole,
                     uint64_t offset)
{
    if (!out_end || !out_is_hole)
        return XTSVOL_ERR_INVALID;
    *out_end = 0;
    *out_is_hole = 0;
    if (!volume)
        return XTSVOL_ERR_INVALID;
    uint64_t size = atomic_load(&volume->size);
    if (offset >= size)
        return xv_volume_fail(volume, COMMON_ERR_INVALID, 0, "not inside of the volume");
    *out_end = size;
    if (!volume->data_io.next_hole)
        return 0;
    uint64_t end = 0;
    int native = volume->data_io.next_hole(volume->data_io.context, volume->data_offset + offset,
                                           &end, out_is_hole);
    if (native) {
        *out_end = 0;
        *out_is_hole = 0;
        int error = xv_io_error(native);
        return xv_volume_fail(volume, error, native, "cannot see what is allocated: %s",
                              common_error_text(error));
    }
    /* An end that is not behind the beginning is no answer. */
    *out_is_hole = *out_is_hole && end > volume->data_offset + offset;
    if (end > volume->data_offset + offset && end - volume->data_offset < size)
        *out_end = end - volume->data_offset;
    return 0;
}
