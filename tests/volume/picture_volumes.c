/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: picture_volumes FOLDER
 *
 * Makes the volumes that tests/data/volume-v1/ holds, as text files in FOLDER. It is here to show
 * how they came to be, and for the next version of the format, whose volumes are added to those of
 * this one: a file that is there is never made anew, since it shows what was released. No test runs
 * it. What is random in a volume (nonces, the MAC key, how far the sequence skips) is another one
 * each time; test_volume_pictures.c names the sequences.
 */
#include "tests/volume/picture.h"
#include "tests/volume/surgery.h"

#include <stdlib.h>
#include <string.h>

struct pictured {
    const char *name;
    const char *what;
    uint64_t num_extents;
    uint64_t max_extents;
    uint32_t sector_size;
    uint32_t num_generations;
    enum xtsvol_iv iv;
    bool is_detached;
    bool is_erased;
};

static const struct pictured pictured[] = {
    {"attached-512", "16 extents of 64 KiB, sectors of 512 bytes", 16, 16, 512, 1,
     XTSVOL_IV_PLAIN64, false, false},
    {"detached-4096", "16 extents of 64 KiB, sectors of 4096 bytes, detached", 16, 16, 4096, 1,
     XTSVOL_IV_PLAIN64, true, false},
    {"detached-4096-large", "the same with large numbers of data units", 16, 16, 4096, 1,
     XTSVOL_IV_LARGE, true, false},
    {"two-generations", "20 of at most 2100 extents; 3 to 9 are of generation 2, which is 2 pages",
     20, 2100, 4096, 2, XTSVOL_IV_PLAIN64, true, false},
    {"erased", "a volume of two generations that was erased", 16, 16, 512, 2, XTSVOL_IV_PLAIN64,
     true, true},
};

static int destroy_key(void *context, const uint8_t uuid[XTSVOL_UUID_LEN], uint32_t generation)
{
    (void)context;
    (void)uuid;
    (void)generation;
    return 0;
}

static void write_places(struct xtsvol_volume *volume, uint64_t num_extents)
{
    uint8_t bytes[PICTURE_WRITTEN];
    const uint64_t places[] = {0, 5ULL * XTSVOL_EXTENT_MIN,
                               num_extents * XTSVOL_EXTENT_MIN - sizeof(bytes)};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        for (size_t j = 0; j < sizeof(bytes); j++)
            bytes[j] = (uint8_t)((places[i] + j) % PICTURE_MODULUS);
        assert_int_equal(xtsvol_pwrite(volume, bytes, sizeof(bytes), places[i]), 0);
    }
    assert_int_equal(xtsvol_flush(volume), 0);
}

static void make(const struct pictured *of, const char *path, const char *header)
{
    struct xtsvol_failure failure = {0};
    struct xtsvol_volume_options options = xtsvol_volume_options_default();
    struct xtsvol_create_options create = xtsvol_create_options_default();
    struct xtsvol_volume *volume = NULL;
    struct xtsvol_erasure erasure;
    options.key = picture_key;
    options.failure = &failure;
    options.header_path = of->is_detached ? header : NULL;
    create.volume_size = of->num_extents * XTSVOL_EXTENT_MIN;
    create.max_volume_size = of->max_extents * XTSVOL_EXTENT_MIN;
    create.extent_size = XTSVOL_EXTENT_MIN;
    create.sector_size = of->sector_size;
    create.iv = of->iv;
    for (size_t i = 0; i < XTSVOL_UUID_LEN; i++)
        create.uuid[i] = (uint8_t)(i + 1);
    assert_volume_works(xtsvol_volume_create(&volume, path, &create, &options), &failure);
    volume_add(volume, of->num_generations - 1);
    if (of->num_generations > 1)
        volume_give(volume, 3, 7, 2);
    write_places(volume, of->num_extents);
    xtsvol_volume_close(&volume);
    if (of->is_erased)
        assert_volume_works(
            xtsvol_volume_erase(&erasure, sizeof(erasure), path, &options, destroy_key, NULL),
            &failure);
}

/* Random bytes behind a record would be half a megabyte of text, and say nothing. */
static void blank_behind_records(const char *header)
{
    struct dump dump = dump_read(header);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
        memset(dump_slot(&dump, copy) + XV_PAGE_LEN, 0, XV_SUPERBLOCK_MAX - XV_PAGE_LEN);
    dump_write(&dump, header);
    dump_free(&dump);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    for (size_t i = 0; i < ARRAY_LEN(pictured); i++) {
        char text_path[PATH_MAX];
        char path[PATH_MAX];
        char header[PATH_MAX];
        struct tmpdir dir;
        tmpdir_make(&dir);
        (void)tmpdir_path(path, &dir, "volume");
        (void)tmpdir_path(header, &dir, "header");
        make(&pictured[i], path, header);
        if (pictured[i].is_erased)
            blank_behind_records(header);
        assert_in_range(
            snprintf(text_path, sizeof(text_path), "%s/%s.txt", argv[1], pictured[i].name), 1,
            sizeof(text_path) - 1);
        FILE *text = fopen(text_path, "wxe"); /* never over one that is there */
        if (!text) {
            perror(text_path);
            tmpdir_remove(&dir);
            return 1;
        }
        (void)fprintf(text, "# volume, format 1: %s\n", pictured[i].what);
        if (pictured[i].is_detached)
            picture_save(text, header, "header");
        picture_save(text, path, "volume");
        tmpdir_remove(&dir);
        if (fclose(text))
            return 1;
    }
    return 0;
}
