/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An nbdkit plugin: a volume as a network block device.
 *
 * One handle serves all clients, so that what one has flushed all have (can_multi_conn). Nothing of
 * the metadata is told to clients: the export has no name, and its description is a constant.
 */
#include "tools/nbdkit/nbdkit_api.h"
#include "tools/nbdkit/served_volume.h"

#include <xtsvol/version.h>

#include <errno.h>
#include <stdio.h>

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

enum {
    PREFERRED_LEN = 4096,       /* at least: what file systems and page caches work with */
    MAX_REQUEST_LEN = 32 << 20, /* the NBD protocol's own recommendation */
};

static struct nbd_settings settings;

static void unload(void)
{
    nbd_volume_forget();
    nbd_settings_free(&settings);
}

static int config(const char *key, const char *value)
{
    return nbd_settings_set(&settings, key, value);
}

static int config_complete(void)
{
    return nbd_settings_complete(&settings) ? -1 : nbd_volume_read_keys(&settings);
}

static void dump_plugin(void)
{
    (void)printf("xtsvol_library_version=%s\n", xtsvol_version_string());
    (void)printf("xtsvol_min_sequence=1\nxtsvol_read_only=1\nxtsvol_control=1\n");
}

static int get_ready(void)
{
    return nbd_volume_try(&settings);
}

static int after_fork(void)
{
    return nbd_volume_open(&settings);
}

static void cleanup(void)
{
    nbd_volume_close();
}

static const char *export_description(void *handle)
{
    (void)handle;
    return "encrypted volume";
}

static void *open_client(int readonly)
{
    (void)readonly;
    return NBDKIT_HANDLE_NOT_NEEDED;
}

/* What the protocol has words for; the rest is EIO. */
static int errno_of(int error)
{
    switch (error) {
    case XTSVOL_ERR_INVALID:
        return EINVAL;
    case XTSVOL_ERR_NO_MEMORY:
        return ENOMEM;
    case XTSVOL_ERR_NO_SPACE:
        return ENOSPC;
    case XTSVOL_ERR_STATE:
        return settings.is_read_only ? EROFS : EIO;
    default:
        return EIO;
    }
}

/* The sentence is that of the last call that failed, in whichever thread; the category is this
 * one's. */
static int fail(const char *what, int error)
{
    struct xtsvol_failure failure = {0};
    xtsvol_volume_failure(nbd_volume(), &failure);
    nbdkit_error("%s: %s", what,
                 failure.error == error && failure.message[0] != '\0' ? failure.message
                                                                      : xtsvol_error_text(error));
    nbdkit_set_error(errno_of(error));
    return -1;
}

static int64_t get_size(void *handle)
{
    (void)handle;
    struct xtsvol_volume_info info;
    int error = xtsvol_info_get(nbd_volume(), &info, sizeof(info));
    return error ? fail("size", error) : (int64_t)info.volume_size;
}

static int block_size(void *handle, uint32_t *minimum, uint32_t *preferred, uint32_t *maximum)
{
    (void)handle;
    uint32_t sector = nbd_volume_sector_size();
    *minimum = 1;
    *preferred = sector > PREFERRED_LEN ? sector : PREFERRED_LEN;
    *maximum = MAX_REQUEST_LEN;
    return 0;
}

static int can_write(void *handle)
{
    (void)handle;
    return !settings.is_read_only;
}

static int yes(void *handle)
{
    (void)handle;
    return 1;
}

static int no(void *handle)
{
    (void)handle;
    return 0;
}

static int can_fua(void *handle)
{
    (void)handle;
    return NBDKIT_FUA_NATIVE;
}

/* To read is to have the ciphertext in the page cache. */
static int can_cache(void *handle)
{
    (void)handle;
    return NBDKIT_CACHE_EMULATE;
}

static int do_flush(void *handle, uint32_t flags)
{
    (void)handle;
    (void)flags;
    int error = xtsvol_flush(nbd_volume());
    return error ? fail("flush", error) : 0;
}

static int finish(void *handle, uint32_t flags)
{
    return (flags & NBDKIT_FLAG_FUA) ? do_flush(handle, 0) : 0;
}

static int do_pread(void *handle, void *buffer, uint32_t count, uint64_t offset, uint32_t flags)
{
    (void)handle;
    (void)flags;
    int error = xtsvol_pread(nbd_volume(), buffer, count, offset);
    return error ? fail("read", error) : 0;
}

static int do_pwrite(void *handle, const void *buffer, uint32_t count, uint64_t offset,
                     uint32_t flags)
{
    int error = xtsvol_pwrite(nbd_volume(), buffer, count, offset);
    return error ? fail("write", error) : finish(handle, flags);
}

static int do_trim(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
    int error = xtsvol_discard(nbd_volume(), count, offset);
    return error ? fail("trim", error) : finish(handle, flags);
}

/* Zeroes are encrypted and written like any data: it is never fast, and the medium gives none. */
static int do_zero(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
    if (flags & NBDKIT_FLAG_FAST_ZERO) {
        nbdkit_set_error(EOPNOTSUPP);
        return -1;
    }
    int error = xtsvol_write_zeroes(nbd_volume(), count, offset);
    return error ? fail("write zeroes", error) : finish(handle, flags);
}

/* A hole reads as anything: it is not NBDKIT_EXTENT_ZERO. */
static int do_extents(void *handle, uint32_t count, uint64_t offset, uint32_t flags,
                      struct nbdkit_extents *extents)
{
    (void)handle;
    uint64_t last = offset + count;
    while (offset < last) {
        uint64_t end = 0;
        int is_hole = 0;
        int error = xtsvol_next_hole(nbd_volume(), &end, &is_hole, offset);
        if (!error && end <= offset)
            error = XTSVOL_ERR_INTERNAL;
        if (error)
            return fail("extents", error);
        if (nbdkit_add_extent(extents, offset, end - offset, is_hole ? NBDKIT_EXTENT_HOLE : 0))
            return -1;
        if (flags & NBDKIT_FLAG_REQ_ONE)
            return 0;
        offset = end;
    }
    return 0;
}

static struct nbdkit_plugin plugin = {
    .name = "xtsvol",
    .longname = "Strongroom encrypted volumes",
    .version = STRONGROOM_VERSION,
    .description = "Serves a volume of AES-256-XTS sectors, decrypted.",
    .unload = unload,
    .config = config,
    .config_complete = config_complete,
    .config_help = NBD_SETTINGS_HELP,
    .magic_config_key = "file",
    .dump_plugin = dump_plugin,
    .get_ready = get_ready,
    .after_fork = after_fork,
    .cleanup = cleanup,
    .export_description = export_description,
    .open = open_client,
    .get_size = get_size,
    .block_size = block_size,
    .can_write = can_write,
    .can_flush = yes,
    .is_rotational = no,
    .can_trim = yes,
    .can_zero = yes,
    .can_fast_zero = yes,
    .can_extents = yes,
    .can_fua = can_fua,
    .can_multi_conn = yes,
    .can_cache = can_cache,
    .pread = do_pread,
    .pwrite = do_pwrite,
    .flush = do_flush,
    .trim = do_trim,
    .zero = do_zero,
    .extents = do_extents,
};

struct nbdkit_plugin *plugin_init(void); /* what the macro defines */
NBDKIT_REGISTER_PLUGIN(plugin)
