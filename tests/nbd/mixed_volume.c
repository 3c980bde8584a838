/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: mixed_volume VOLUME KEYS
 *
 * Makes a volume with a generation for each key of 64 bytes, as no command does yet: each begins
 * 2016 extents of 64 KiB behind the one before, in the middle of a leaf of the extent map, so that
 * this leaf is a page. Then damages every page in copy 0.
 */
#include "libxtsvol/src/volume/handle.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LEAF_EXTENTS = 2016
};

static int keys_fd = -1;

static int read_key(void *context, uint8_t key[XTSVOL_XTS_KEY_LEN],
                    const uint8_t uuid[XTSVOL_UUID_LEN], uint32_t generation)
{
    (void)context;
    (void)uuid;
    ssize_t n = pread(keys_fd, key, XTSVOL_XTS_KEY_LEN,
                      (off_t)(generation - 1) * (off_t)XTSVOL_XTS_KEY_LEN);
    return n == XTSVOL_XTS_KEY_LEN ? 0 : XTSVOL_ERR_NOT_FOUND;
}

static int damage_copy(const char *path, const struct xv_region *region)
{
    uint8_t page[XV_PAGE_LEN];
    COMMON_CLEANUP_FD int fd = open(path, O_RDWR | O_CLOEXEC);
    for (uint64_t at = region->offset; at < region->offset + region->length; at += XV_PAGE_LEN) {
        if (pread(fd, page, sizeof(page), (off_t)at) != (ssize_t)sizeof(page))
            return XTSVOL_ERR_IO;
        page[sizeof(page) - 1] ^= 1;
        if (memcmp(page, "XVMP", 4) == 0 &&
            pwrite(fd, page, sizeof(page), (off_t)at) != (ssize_t)sizeof(page))
            return XTSVOL_ERR_IO;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct stat status = {0};
    keys_fd = argc == 3 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1;
    if (keys_fd < 0 || fstat(keys_fd, &status))
        return 2;
    struct xtsvol_volume_options options = xtsvol_volume_options_default();
    struct xtsvol_create_options create = xtsvol_create_options_default();
    struct xtsvol_volume *volume = NULL;
    options.key = read_key;
    create.extent_size = XTSVOL_EXTENT_MIN;
    create.volume_size = UINT64_C(1008) * XTSVOL_EXTENT_MIN;
    int error = xtsvol_volume_create(&volume, argv[1], &create, &options);
    for (off_t i = 1; !error && i < status.st_size / (off_t)XTSVOL_XTS_KEY_LEN; i++) {
        error = xv_volume_add_generation(volume);
        create.volume_size += (uint64_t)LEAF_EXTENTS * XTSVOL_EXTENT_MIN;
        if (!error)
            error = xtsvol_resize(volume, create.volume_size, 0);
    }
    struct xv_region copy = {0};
    if (!error)
        copy = volume->metadata.state.layout.map[0];
    xtsvol_volume_close(&volume);
    if (!error)
        error = damage_copy(argv[1], &copy);
    (void)close(keys_fd);
    if (error)
        (void)fprintf(stderr, "mixed_volume: %s: %s\n", argv[1], xtsvol_error_text(error));
    return error != 0;
}
