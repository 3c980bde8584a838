/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/volume_double.h"

#include <stdio.h>
#include <string.h>

struct volume_double volume_double;

struct xtsvol_volume {
    char unused;
};

static struct xtsvol_volume handle;

void volume_double_reset(void)
{
    volume_double = (struct volume_double){
        .info = {.uuid = {0x91, 0x91, 0x08, 0xf7, 0x52, 0xd1, 0x43, 0x20, 0x9b, 0xac, 0xf8, 0x47,
                          0xdb, 0x41, 0x48, 0xa8},
                 .volume_size = 8 << 20,
                 .sector_size = 4096,
                 .extent_size = 1 << 20,
                 .is_attached = 1,
                 .data_offset = 16 << 20,
                 .sequence = (UINT64_C(1) << 40) + 1,
                 .max_volume_size = UINT64_C(1) << 39,
                 .created_s = 1900000000,
                 .num_generations = 1,
                 .generations = {{.generation = 1, .num_extents = 8}}},
        .runs = {{.offset = 0, .length = 8 << 20, .generation = 1}},
        .num_runs = 1,
    };
}

void volume_double_say(const char *message)
{
    (void)snprintf(volume_double.failure.message, sizeof(volume_double.failure.message), "%s",
                   message);
}

void xtsvol_volume_options_init(struct xtsvol_volume_options *options, size_t size)
{
    memset(options, 0, size);
    options->size = size;
}

void xtsvol_create_options_init(struct xtsvol_create_options *options, size_t size)
{
    memset(options, 0, size);
    options->size = size;
}

static void copy_path(char out[256], const char *path)
{
    (void)snprintf(out, 256, "%s", path ? path : "");
}

static int fail(struct xtsvol_failure *failure, int error)
{
    if (error && failure) {
        *failure = volume_double.failure;
        failure->error = error;
    }
    return error;
}

static int begin(const char *path, const struct xtsvol_volume_options *options, int error)
{
    volume_double.options = *options;
    copy_path(volume_double.path, path);
    for (size_t i = 0; i < volume_double.num_events; i++)
        options->event(options->event_context, &volume_double.events[i]);
    return fail(options->failure, error);
}

static int open_handle(struct xtsvol_volume **out, int error)
{
    *out = error ? NULL : &handle;
    volume_double.num_open += !error;
    volume_double.num_opened += !error;
    return error;
}

int xtsvol_volume_create(struct xtsvol_volume **out, const char *path,
                         const struct xtsvol_create_options *create,
                         const struct xtsvol_volume_options *options)
{
    volume_double.created = *create;
    volume_double.num_calls++;
    return open_handle(out, begin(path, options, volume_double.open_error));
}

int xtsvol_volume_open(struct xtsvol_volume **out, const char *path,
                       const struct xtsvol_volume_options *options)
{
    return open_handle(out, begin(path, options, volume_double.open_error));
}

void xtsvol_volume_close(struct xtsvol_volume **volume)
{
    volume_double.num_open -= *volume != NULL;
    *volume = NULL;
}

int xtsvol_pread(struct xtsvol_volume *volume, void *buffer, size_t length, uint64_t offset)
{
    (void)volume;
    (void)offset;
    memset(buffer, 0, length);
    return volume_double.call_error;
}

int xtsvol_pwrite(struct xtsvol_volume *volume, const void *buffer, size_t length, uint64_t offset)
{
    (void)volume;
    (void)offset;
    if (length == 0)
        return volume_double.is_stopped ? XTSVOL_ERR_STATE : 0;
    volume_double.written = buffer;
    volume_double.written_len = length;
    volume_double.num_calls++;
    return volume_double.call_error;
}

int xtsvol_flush(struct xtsvol_volume *volume)
{
    (void)volume;
    volume_double.num_flushed = volume_double.num_calls;
    return volume_double.flush_error;
}

int xtsvol_info_get(struct xtsvol_volume *volume, struct xtsvol_volume_info *out, size_t out_size)
{
    (void)volume;
    (void)out_size;
    *out = volume_double.info;
    out->is_verified = 1;
    return 0;
}

int xtsvol_volume_peek(struct xtsvol_volume_info *out, size_t out_size,
                       struct xtsvol_erasure *out_erasure, size_t out_erasure_size,
                       const char *path, struct xtsvol_failure *failure)
{
    (void)out_size;
    copy_path(volume_double.other_path, path);
    memset(out, 0, sizeof(*out));
    if (!volume_double.peek_error)
        *out = volume_double.info;
    if (out_erasure && out_erasure_size)
        *out_erasure = volume_double.erasure;
    return fail(failure, volume_double.peek_error);
}

int xtsvol_run_get(struct xtsvol_volume *volume, struct xtsvol_run *out, uint64_t offset)
{
    (void)volume;
    for (size_t i = 0; i < volume_double.num_runs; i++) {
        if (volume_double.runs[i].offset == offset) {
            *out = volume_double.runs[i];
            return 0;
        }
    }
    return XTSVOL_ERR_INVALID;
}

int xtsvol_resize(struct xtsvol_volume *volume, uint64_t volume_size, int may_shrink)
{
    (void)volume;
    volume_double.new_size = volume_size;
    volume_double.may = may_shrink;
    volume_double.num_calls++;
    return volume_double.call_error;
}

int xtsvol_volume_check(struct xtsvol_volume *volume, struct xtsvol_check_report *out, int repair,
                        xtsvol_check_fn *bad, xtsvol_progress_fn *progress, void *context)
{
    (void)volume;
    *out = volume_double.report;
    volume_double.may = repair;
    volume_double.num_calls++;
    for (size_t i = 0; i < volume_double.num_bad; i++)
        bad(context, volume_double.bad[i].offset, volume_double.bad[i].length);
    if (volume_double.meanwhile)
        volume_double.meanwhile();
    if (progress(context, volume_double.info.volume_size, volume_double.info.volume_size))
        return XTSVOL_ERR_CANCELLED;
    return volume_double.call_error;
}

int xtsvol_header_backup(struct xtsvol_volume *volume, const char *path)
{
    (void)volume;
    copy_path(volume_double.other_path, path);
    return volume_double.call_error;
}

int xtsvol_header_restore(const char *path, const char *backup_path,
                          const struct xtsvol_volume_options *options, int may_go_back)
{
    copy_path(volume_double.other_path, backup_path);
    volume_double.may = may_go_back;
    volume_double.num_calls++;
    return begin(path, options, volume_double.call_error);
}

int xtsvol_volume_erase(struct xtsvol_erasure *out, size_t out_size, const char *path,
                        const struct xtsvol_volume_options *options, xtsvol_destroy_key_fn *destroy,
                        void *destroy_context)
{
    (void)out_size;
    volume_double.num_calls++;
    volume_double.has_destroy = destroy != NULL;
    *out = volume_double.erasure;
    int error = begin(path, options, volume_double.call_error);
    for (uint32_t i = 0; !error && destroy && i < volume_double.erasure.num_generations; i++)
        error =
            destroy(destroy_context, volume_double.info.uuid, volume_double.erasure.generations[i]);
    return error;
}

void xtsvol_volume_failure(struct xtsvol_volume *volume, struct xtsvol_failure *out)
{
    (void)volume;
    *out = volume_double.failure;
    out->error = volume_double.call_error;
}
