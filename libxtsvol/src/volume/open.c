/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handle, from its options to its end. Each step leaves what it took in the handle, which
 * xtsvol_volume_close() ends in whatever state it is; the caller's pointer is set when all is done.
 */
#include "common/base/checked.h"
#include "common/base/ct.h"
#include "common/base/random.h"
#include "libxtsvol/src/event.h"
#include "libxtsvol/src/volume/handle.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    GROWTH = 8,                  /* a volume can grow to so many times its size */
    MAX_EXTENTS_LEAST = 1 << 19, /* and to so many extents at any rate */
    KEY_MEMORY = 4 << 20         /* bytes of raw keys and of those of the metadata */
};

static void secmem_event(void *context, const struct common_event *event)
{
    const struct xtsvol_volume *volume = context;
    xv_event_hand_on(volume->events.event, volume->events.context, event);
}

static int new_parts(struct xtsvol_volume *volume, const struct xtsvol_volume_options *options)
{
    struct common_secmem_options secmem = common_secmem_options_default();
    secmem.require_protection = options->require_protection != 0;
    secmem.max_bytes = KEY_MEMORY;
    secmem.events = (struct common_event_sink){.emit = secmem_event, .context = volume};
    struct xtsvol_xts_options xts = xtsvol_xts_options_default();
    xts.kernels = options->kernels;
    xts.require_protection = options->require_protection;
    xts.event = options->event;
    xts.event_context = options->event_context;

    int error = common_secmem_open(&volume->arena, &secmem);
    if (!error)
        error = xtsvol_xts_open(&volume->xts, &xts);
    if (!error)
        error = xv_ranges_open(&volume->ranges);
    if (!error)
        error = xv_syncer_open(&volume->data_syncer);
    if (!error)
        error = xv_syncer_open(&volume->header_syncer);
    if (!error)
        error = xv_buffers_open(&volume->buffers);
    if (!error && options->num_threads > 0)
        error = xv_workers_open(&volume->workers, options->num_threads);
    return error;
}

int xv_volume_new(struct xtsvol_volume **out, const struct xtsvol_volume_options *options)
{
    *out = NULL;
    struct xtsvol_volume *volume = calloc(1, sizeof(*volume));
    bool has_lock = volume && !pthread_mutex_init(&volume->change, NULL);
    if (!has_lock || pthread_mutex_init(&volume->failure_lock, NULL)) {
        if (has_lock)
            (void)pthread_mutex_destroy(&volume->change);
        free(volume);
        (void)xv_fail(options->failure, COMMON_ERR_NO_MEMORY, 0, "out of memory");
        return COMMON_ERR_NO_MEMORY;
    }
    volume->owner = getpid();
    atomic_init(&volume->size, 0);
    atomic_init(&volume->flush_failed, false);
    atomic_init(&volume->is_stopped, false);
    volume->events = (struct xv_event_sink){
        .event = options->event, .context = options->event_context, .object = volume->uuid};
    volume->source = (struct xv_key_source){.key = options->key, .context = options->key_context};
    int error = new_parts(volume, options);
    if (error) {
        xtsvol_volume_close(&volume);
        (void)xv_fail(options->failure, error, 0, "cannot prepare: %s", common_error_text(error));
        return error;
    }
    volume->source.arena = volume->arena;
    *out = volume;
    return 0;
}

void xtsvol_volume_close(struct xtsvol_volume **volume)
{
    if (!volume || !*volume)
        return;
    struct xtsvol_volume *v = *volume;
    *volume = NULL;
    xv_workers_close(&v->workers);
    xv_metadata_close(&v->metadata);
    for (size_t i = 0; i <= XTSVOL_GENERATION_MAX; i++)
        xtsvol_xts_key_free(&v->keys.of[i]);
    xv_io_close(&v->header_io);
    xv_io_close(&v->data_io);
    xv_buffers_close(&v->buffers);
    xv_ranges_close(&v->ranges);
    xv_syncer_close(&v->header_syncer);
    xv_syncer_close(&v->data_syncer);
    xtsvol_xts_close(&v->xts);
    common_secmem_close(&v->arena);
    (void)pthread_mutex_destroy(&v->failure_lock);
    (void)pthread_mutex_destroy(&v->change);
    free(v);
}

static void close_untaken(const struct xtsvol_io *taken, const struct xtsvol_io *callers)
{
    struct xtsvol_io io;
    if (callers && !(taken && taken->size) && !xv_io_take(&io, callers))
        xv_io_close(&io);
}

void xv_volume_close_untaken(const struct xtsvol_volume *volume,
                             const struct xtsvol_volume_options *options)
{
    close_untaken(volume ? &volume->data_io : NULL, options->data_io);
    close_untaken(volume ? &volume->header_io : NULL, options->header_io);
}

/* One file of the two, or the caller's storage in its place. */
static int open_one(struct xtsvol_io *out, struct xv_file *out_file, const char *path,
                    const struct xtsvol_io *callers, enum xv_open_how how,
                    struct xtsvol_failure *failure)
{
    if (callers) {
        int error = xv_io_take(out, callers);
        return error ? xv_fail(failure, error, 0, "not a usable struct xtsvol_io") : 0;
    }
    if (!path || !*path)
        return xv_fail(failure, COMMON_ERR_INVALID, 0, "no file is named");
    int error = xv_file_open(out, out_file, path, how);
    if (!error)
        return 0;
    if (error == COMMON_ERR_BUSY && out_file->holder_pid > 0)
        (void)xv_fail(failure, error, 0, "in use by pid %lld", (long long)out_file->holder_pid);
    else if (error == COMMON_ERR_BUSY)
        (void)xv_fail(failure, error, out_file->native_error, "in use by somebody else");
    else if (error == COMMON_ERR_INVALID)
        (void)xv_fail(failure, error, 0, "neither a regular file nor a block device");
    else
        (void)xv_fail(failure, error, out_file->native_error, "%s",
                      out_file->native_error ? strerror(out_file->native_error)
                                             : common_error_text(error));
    if (failure)
        failure->holder_pid = out_file->holder_pid;
    return error;
}

int xv_volume_open_files(struct xtsvol_volume *volume, const char *path,
                         const struct xtsvol_volume_options *options, enum xv_open_how how)
{
    struct xtsvol_failure *failure = options->failure;
    volume->is_read_only = how == XV_OPEN_READ;
    int error =
        open_one(&volume->data_io, &volume->data_file, path, options->data_io, how, failure);
    if (!error && (options->header_path || options->header_io))
        error = open_one(&volume->header_io, &volume->header_file, options->header_path,
                         options->header_io, how, failure);
    if (error)
        return error;
    /* Opening, 1. */
    int native = 0;
    error = xv_sync(volume->data_syncer, &volume->data_io, &native);
    if (!error && volume->header_io.size)
        error = xv_sync(volume->header_syncer, &volume->header_io, &native);
    return error ? xv_fail(failure, error, native, "cannot sync: %s", common_error_text(error)) : 0;
}

struct xv_load xv_volume_load(struct xtsvol_volume *volume,
                              const struct xtsvol_volume_options *options)
{
    return (struct xv_load){
        .io = xv_metadata_io(volume),
        .syncer = xv_metadata_syncer(volume),
        .source = volume->source,
        .events = &volume->events,
        .min_sequence = options->min_sequence,
        .expected_uuid = options->expected_uuid,
        .allow_plaintext = options->allow_plaintext != 0,
        .max_map_memory = options->max_map_memory,
    };
}

/* Is the medium as long as the metadata says? */
static int check_sizes(struct xtsvol_volume *volume, struct xtsvol_failure *failure)
{
    const struct xv_superblock *state = &volume->metadata.state;
    uint64_t data_size = 0;
    uint64_t header_size = 0;
    uint64_t metadata_end = 0;
    int native = 0;
    int error = xv_io_size(&volume->data_io, &data_size, &native);
    if (!error)
        error = xv_io_size(xv_metadata_io(volume), &header_size, &native);
    if (!error)
        error = xv_layout_metadata_end(&metadata_end, &state->layout);
    if (error)
        return xv_fail(failure, error, native, "cannot see its size: %s", common_error_text(error));
    if (!common_range_fits(state->layout.data_offset, state->volume_size, data_size) ||
        metadata_end > header_size)
        return xv_fail(failure, COMMON_ERR_CORRUPT, 0, "it is shorter than its metadata says");
    return 0;
}

/* What storage holds in the places of superblocks. Nothing of it is verified. */
struct contents {
    bool has_volume; /* whole */
    bool was_erased;
    bool has_traces; /* of a volume, whole or damaged */
    bool is_unreadable;
};

static int look_into(struct contents *out, const struct xtsvol_io *io,
                     struct xtsvol_failure *failure)
{
    *out = (struct contents){0};
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        struct xv_slot slot;
        int error = xv_slot_read(&slot, io, copy, failure);
        bool is_erased = !slot.error && slot.prelude.kind == XV_KIND_ERASED;
        out->has_volume = out->has_volume || (!slot.error && !is_erased);
        out->was_erased = out->was_erased || is_erased;
        out->has_traces = out->has_traces || (!is_erased && slot.error != COMMON_ERR_NOT_FOUND);
        out->is_unreadable = out->is_unreadable || slot.error == COMMON_ERR_IO;
        xv_slot_free(&slot);
        if (error)
            return error;
    }
    return 0;
}

/* Data whose metadata is apart, in a file that is a volume with its own: what is written would
 * destroy that one. */
static int check_data_is_no_volume(struct xtsvol_volume *volume, struct xtsvol_failure *failure)
{
    struct contents contents;
    int error = look_into(&contents, &volume->data_io, failure);
    if (!error && contents.has_volume)
        error = xv_fail(failure, COMMON_ERR_INVALID, 0,
                        "it is a volume with its own metadata, which that header is not of");
    return error;
}

/* Do metadata and files belong together in that way? */
static int check_attachment(struct xtsvol_volume *volume, struct xtsvol_failure *failure)
{
    const struct xv_layout *layout = &volume->metadata.state.layout;
    bool is_apart = volume->header_io.size != 0;
    if (!is_apart && !layout->is_attached)
        return xv_fail(failure, COMMON_ERR_INVALID, 0,
                       "it is a detached header: name the data, and this as its header");
    if (is_apart && layout->is_attached && !layout->is_backup)
        return xv_fail(failure, COMMON_ERR_INVALID, 0,
                       "its header is a volume with its metadata in the same file");
    if (is_apart && !layout->is_attached) {
        int error = check_data_is_no_volume(volume, failure);
        if (error)
            return error;
    }
    if (layout->is_backup && !volume->is_read_only)
        return xv_fail(failure, COMMON_ERR_STATE, 0,
                       "its header is a backup: open it for reading only, or restore it");
    if ((volume->metadata.state.rekey.is_present || volume->metadata.state.num_bad > 0) &&
        !volume->is_read_only)
        return xv_fail(failure, COMMON_ERR_UNSUPPORTED, 0,
                       "a re-encryption has begun, which this version cannot go on with");
    return 0;
}

int xv_volume_data_keys(struct xtsvol_volume *volume, const struct xv_deks *deks,
                        struct xtsvol_failure *failure)
{
    for (size_t i = 0; i < deks->num; i++) {
        uint32_t generation = deks->list[i].generation;
        if (volume->keys.of[generation])
            continue;
        int error = xtsvol_xts_key_new(&volume->keys.of[generation], volume->xts,
                                       deks->list[i].bytes.data, XTSVOL_XTS_KEY_LEN);
        if (!error)
            continue;
        (void)xv_fail(failure, error, 0,
                      error == COMMON_ERR_DENIED
                          ? "the key of generation %u is refused: its halves are equal, or memory "
                            "could not be protected"
                          : "cannot use the key of generation %u",
                      generation);
        if (failure)
            failure->generation = generation;
        return error;
    }
    return 0;
}

static void take_geometry(struct xtsvol_volume *volume)
{
    const struct xv_superblock *state = &volume->metadata.state;
    atomic_store(&volume->size, state->volume_size);
    volume->sector_size = state->sector_size;
    volume->extent_shift = state->extent_shift;
    volume->number_shift = state->iv == XTSVOL_IV_LARGE ? 12 : 9;
    volume->data_offset = state->layout.data_offset;
    volume->plaintext_allowed = state->plaintext_allowed;
    common_uuid_format(volume->uuid, state->uuid);
}

static int open_volume(struct xtsvol_volume *volume, const char *path,
                       const struct xtsvol_volume_options *options, struct xv_deks *deks)
{
    struct xtsvol_failure *failure = options->failure;
    int error = xv_volume_open_files(volume, path, options,
                                     options->is_read_only ? XV_OPEN_READ : XV_OPEN_WRITE);
    if (error)
        return error;
    struct xv_load load = xv_volume_load(volume, options);
    error = xv_metadata_load(&volume->metadata, deks, &load, failure);
    if (error)
        return error;
    take_geometry(volume);
    error = check_attachment(volume, failure);
    if (!error)
        error = check_sizes(volume, failure);
    if (!error)
        error = xv_volume_data_keys(volume, deks, failure);
    uint64_t num_written = 0;
    if (!error && !volume->is_read_only)
        error = xv_metadata_heal(&volume->metadata, &num_written, failure);
    return error;
}

int xtsvol_volume_open(struct xtsvol_volume **out, const char *path,
                       const struct xtsvol_volume_options *options)
{
    if (!out)
        return XTSVOL_ERR_INVALID;
    *out = NULL;
    struct xtsvol_volume_options taken;
    int error = xv_volume_options_take(&taken, options);
    if (!error && !taken.key)
        error = xv_fail(taken.failure, XTSVOL_ERR_INVALID, 0, "there is nobody to ask for keys");
    if (error) {
        xv_volume_close_untaken(NULL, &taken);
        return error;
    }
    struct xtsvol_volume *volume = NULL;
    struct xv_deks deks = {0};
    error = xv_volume_new(&volume, &taken);
    if (!error)
        error = open_volume(volume, path, &taken, &deks);
    xv_deks_wipe(&deks);
    if (error) {
        xv_volume_close_untaken(volume, &taken);
        xtsvol_volume_close(&volume);
        return error;
    }
    *out = volume;
    return 0;
}

/* What a new volume is, from what was asked for. */
static int describe(struct xv_superblock *out, const struct xtsvol_create_options *create,
                    bool is_attached, struct xtsvol_failure *failure)
{
    if (create->sector_size != 512 && create->sector_size != 4096)
        return xv_fail(failure, COMMON_ERR_INVALID, 0, "a sector has 512 or 4096 bytes");
    if (create->extent_size < XTSVOL_EXTENT_MIN || create->extent_size > XTSVOL_EXTENT_MAX ||
        !common_is_power_of_two(create->extent_size))
        return xv_fail(failure, COMMON_ERR_INVALID, 0,
                       "an extent has 64 KiB to 4 MiB, a power of two");
    if (create->volume_size == 0 || create->volume_size % create->sector_size != 0)
        return xv_fail(failure, COMMON_ERR_INVALID, 0,
                       "the size of the volume is no multiple of its sectors");
    if (create->iv != XTSVOL_IV_PLAIN64 &&
        (create->iv != XTSVOL_IV_LARGE || create->sector_size != 4096))
        return xv_fail(failure, COMMON_ERR_INVALID, 0,
                       "large numbers of data units need sectors of 4096 bytes");
    unsigned shift = (unsigned)__builtin_ctz(create->extent_size);
    uint64_t num_extents = (create->volume_size - 1) / create->extent_size + 1;
    uint64_t max_extents = create->max_volume_size
                               ? (create->max_volume_size - 1) / create->extent_size + 1
                               : num_extents * GROWTH;
    if (create->max_volume_size == 0 && max_extents < MAX_EXTENTS_LEAST)
        max_extents = MAX_EXTENTS_LEAST;
    if (create->max_volume_size == 0 && max_extents > XV_MAX_EXTENTS)
        max_extents = XV_MAX_EXTENTS;
    if (create->volume_size > XTSVOL_VOLUME_SIZE_MAX || num_extents > XV_MAX_EXTENTS ||
        max_extents > XV_MAX_EXTENTS)
        return xv_fail(failure, COMMON_ERR_INVALID, 0,
                       "the volume, or what it can grow to, is too large for its extents");
    if (max_extents < num_extents)
        return xv_fail(failure, COMMON_ERR_INVALID, 0,
                       "the volume is larger than what it can grow to");

    out->volume_size = create->volume_size;
    out->sector_size = create->sector_size;
    out->iv = create->iv;
    out->extent_shift = shift;
    out->max_extents = max_extents;
    out->num_generations = 1;
    out->generations[0].id = 1;
    out->generations[0].num_extents = num_extents;
    out->root = (struct xv_entry){.kind = XV_ENTRY_UNIFORM, .generation = 1};
    out->created_s = (uint64_t)time(NULL);
    memcpy(out->uuid, create->uuid, XTSVOL_UUID_LEN);
    if (common_ct_is_zero(out->uuid, XTSVOL_UUID_LEN)) {
        int error = common_random(out->uuid, XTSVOL_UUID_LEN);
        if (error)
            return xv_fail(failure, error, 0, "the system gives no random bytes");
        out->uuid[6] = (uint8_t)((out->uuid[6] & 0x0f) | 0x40); /* RFC 9562, 5.4 */
        out->uuid[8] = (uint8_t)((out->uuid[8] & 0x3f) | 0x80);
    }
    int error = xv_layout_make(&out->layout, max_extents, is_attached);
    return error ? xv_fail(failure, error, 0, "the volume is too large") : 0;
}

/* Is there anything in it that must not be overwritten? A volume that was erased is nothing; and of
 * storage that has one size always, nobody can say that it is empty. *out_was_empty: what a create
 * that fails has made of it goes again. */
static int check_is_free(bool *out_was_empty, const struct xtsvol_io *io,
                         const struct xv_file *file, bool may_replace,
                         struct xtsvol_failure *failure)
{
    if (file->is_new || may_replace)
        return 0;
    uint64_t size = 0;
    int native = 0;
    int error = xv_io_size(io, &size, &native);
    if (error)
        return xv_fail(failure, error, native, "cannot see its size: %s", common_error_text(error));
    *out_was_empty = size == 0;
    if (size == 0)
        return 0;
    struct contents contents;
    error = look_into(&contents, io, failure);
    if (!error && contents.is_unreadable)
        error = xv_fail(failure, COMMON_ERR_IO, 0, "what stands in it cannot be read");
    if (error || (contents.was_erased && !contents.has_volume))
        return error;
    if (!file->is_device && io->set_size)
        return xv_fail(failure, COMMON_ERR_EXISTS, 0, "there is a file with contents already");
    return contents.has_traces
               ? xv_fail(failure, COMMON_ERR_EXISTS, 0, "there is an encrypted volume already")
               : 0;
}

/* Makes the storage as long as it has to be. A device cannot be made longer. */
static int make_room(struct xtsvol_io *io, uint64_t needed, struct xtsvol_failure *failure)
{
    uint64_t size = 0;
    int native = 0;
    int error = xv_io_size(io, &size, &native);
    if (!error && size >= needed)
        return 0;
    if (!error && !io->set_size)
        return xv_fail(failure, COMMON_ERR_NO_SPACE, 0,
                       "it has %llu bytes, and %llu are needed with the metadata",
                       (unsigned long long)size, (unsigned long long)needed);
    if (!error) {
        native = io->set_size(io->context, needed);
        error = xv_io_error(native);
    }
    return error ? xv_fail(failure, error, native, "cannot make it %llu bytes long: %s",
                           (unsigned long long)needed, common_error_text(error))
                 : 0;
}

int xv_volume_make_room(struct xtsvol_volume *volume, const struct xv_superblock *superblock,
                        struct xtsvol_failure *failure)
{
    uint64_t data_end = 0;
    uint64_t metadata_end = 0;
    int error = common_u64_add(&data_end, superblock->layout.data_offset, superblock->volume_size);
    if (!error)
        error = xv_layout_metadata_end(&metadata_end, &superblock->layout);
    if (error)
        return xv_fail(failure, error, 0, "the volume is too large");
    if (volume->data_io.size)
        error = make_room(&volume->data_io, data_end, failure);
    if (!error && volume->header_io.size)
        error = make_room(&volume->header_io, metadata_end, failure);
    return error;
}

struct was_empty {
    bool data;
    bool header;
};

static int create_volume(struct xtsvol_volume *volume, const char *path,
                         const struct xtsvol_create_options *create,
                         const struct xtsvol_volume_options *options, struct xv_deks *deks,
                         struct xv_superblock *first, struct was_empty *was_empty)
{
    struct xtsvol_failure *failure = options->failure;
    bool is_detached = options->header_path || options->header_io;
    int error = describe(first, create, !is_detached, failure);
    if (!error) {
        /* The key before the file: without it nothing is to be made. */
        const uint8_t *dek = NULL;
        error = xv_dek_get(deks, &dek, &volume->source, first->uuid, 1, failure);
    }
    if (!error)
        error = xv_volume_data_keys(volume, deks, failure);
    if (!error)
        error = xv_volume_open_files(volume, path, options, XV_OPEN_CREATE);
    bool may_replace = create->may_replace != 0;
    /* With a detached header, what stands in the data file may be meant to stay. */
    if (!error)
        error = check_is_free(&was_empty->data, &volume->data_io, &volume->data_file, may_replace,
                              failure);
    if (!error && volume->header_io.size)
        error = check_is_free(&was_empty->header, &volume->header_io, &volume->header_file,
                              may_replace, failure);
    if (!error)
        error = xv_volume_make_room(volume, first, failure);
    struct xv_load load = xv_volume_load(volume, options);
    if (!error)
        error = xv_metadata_create(&volume->metadata, &load, first, deks, failure);
    if (!error && volume->header_io.size) {
        int native = 0;
        error = xv_sync(volume->data_syncer, &volume->data_io, &native);
        if (error)
            (void)xv_fail(failure, error, native, "cannot sync: %s", common_error_text(error));
    }
    if (!error && volume->data_file.is_new)
        error = xv_file_sync_name(path);
    if (!error && volume->header_file.is_new)
        error = xv_file_sync_name(options->header_path);
    if (error)
        return xv_fail_unless_told(failure, error, 0, "%s", common_error_text(error));
    take_geometry(volume);
    return 0;
}

static void undo_create(struct xtsvol_volume *volume, const char *path, const char *header_path,
                        const struct was_empty *was_empty)
{
    if (was_empty->data && volume->data_io.set_size)
        (void)volume->data_io.set_size(volume->data_io.context, 0);
    if (was_empty->header && volume->header_io.set_size)
        (void)volume->header_io.set_size(volume->header_io.context, 0);
    xv_file_abandon(&volume->data_io, path, &volume->data_file);
    xv_file_abandon(&volume->header_io, header_path, &volume->header_file);
}

int xtsvol_volume_create(struct xtsvol_volume **out, const char *path,
                         const struct xtsvol_create_options *create,
                         const struct xtsvol_volume_options *options)
{
    if (!out)
        return XTSVOL_ERR_INVALID;
    *out = NULL;
    struct xtsvol_volume_options taken;
    struct xtsvol_create_options asked;
    int error = xv_volume_options_take(&taken, options);
    if (!error)
        error = xv_create_options_take(&asked, create);
    if (!error && (!taken.key || taken.is_read_only))
        error = XTSVOL_ERR_INVALID;
    if (error) {
        xv_volume_close_untaken(NULL, &taken);
        return xv_fail_unless_told(taken.failure, error, 0, "options that cannot be used");
    }
    struct xtsvol_volume *volume = NULL;
    struct xv_deks deks = {0};
    struct xv_superblock first = {0};
    struct was_empty was_empty = {0};
    error = xv_volume_new(&volume, &taken);
    if (!error)
        error = create_volume(volume, path, &asked, &taken, &deks, &first, &was_empty);
    xv_superblock_free(&first);
    xv_deks_wipe(&deks);
    if (error)
        xv_volume_close_untaken(volume, &taken);
    if (error && volume) {
        undo_create(volume, path, taken.header_path, &was_empty);
        xtsvol_volume_close(&volume);
    }
    if (error)
        return error;
    *out = volume;
    return 0;
}
