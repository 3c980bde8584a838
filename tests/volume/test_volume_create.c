/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot be made is not made, and leaves nothing behind; what is made is what was asked for.
 */
#include "tests/support/fault.h"
#include "tests/volume/refusal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct xtsvol_create_options good_options(void)
{
    struct xtsvol_create_options create = xtsvol_create_options_default();
    create.volume_size = SCENE_SIZE;
    create.max_volume_size = 4000ULL * XTSVOL_EXTENT_MIN;
    create.extent_size = XTSVOL_EXTENT_MIN;
    return create;
}

/* Places for a volume that is not there yet. */
static void place_begin(struct scene *scene, void **state, bool is_detached)
{
    *scene = (struct scene){.dir = *state};
    (void)tmpdir_path(scene->path, scene->dir, "volume");
    if (is_detached)
        (void)tmpdir_path(scene->header, scene->dir, "header");
    scene->options = volume_options(&scene->keeper, &scene->failure);
    scene->options.header_path = is_detached ? scene->header : NULL;
}

static void assert_not_made(struct scene *scene, const struct xtsvol_create_options *create,
                            int error, const char *words)
{
    struct xtsvol_volume *volume = (struct xtsvol_volume *)scene; /* to be set to NULL */
    struct dump data = dump_read(scene->path);
    struct dump header = dump_read(scene->header);
    memset(&scene->failure, 0xee, sizeof(scene->failure));
    int result = xtsvol_volume_create(&volume, scene->path, create, &scene->options);
    if (result != error)
        fail_msg("%s, not %s", xtsvol_error_name(result), xtsvol_error_name(error));
    assert_null(volume);
    assert_told(&scene->failure, error, words);
    assert_same_dump(&data, scene->path);
    assert_same_dump(&header, scene->header);
    dump_free(&data);
    dump_free(&header);
}

#define REFUSES(field_, value_, words_)                                                            \
    do {                                                                                           \
        struct xtsvol_create_options create = good_options();                                      \
        create.field_ = (value_);                                                                  \
        assert_not_made(&scene, &create, XTSVOL_ERR_INVALID, words_);                              \
    } while (0)

static void refuses_sizes_that_cannot_be(void **state)
{
    struct scene scene;
    place_begin(&scene, state, true);
    REFUSES(volume_size, 0, "no multiple of its sectors");
    REFUSES(volume_size, 1, "no multiple of its sectors");
    REFUSES(volume_size, SCENE_SIZE + 512, "no multiple of its sectors");
    REFUSES(volume_size, SCENE_SIZE - 1, "no multiple of its sectors");
    REFUSES(volume_size, UINT64_MAX, "no multiple of its sectors");
    REFUSES(volume_size, UINT64_MAX - 4095, "too large");
    REFUSES(volume_size, XTSVOL_VOLUME_SIZE_MAX + 4096, "too large");
    REFUSES(volume_size, XTSVOL_VOLUME_SIZE_MAX, "too large"); /* for these extents */
    REFUSES(max_volume_size, UINT64_MAX, "too large");
    REFUSES(max_volume_size, SCENE_SIZE - XTSVOL_EXTENT_MIN, "larger than what it can grow to");
    REFUSES(max_volume_size, 1, "larger than what it can grow to");
    REFUSES(sector_size, 0, "512 or 4096");
    REFUSES(sector_size, 1024, "512 or 4096");
    REFUSES(sector_size, 8192, "512 or 4096");
    REFUSES(sector_size, UINT32_MAX, "512 or 4096");
    REFUSES(extent_size, 0, "64 KiB to 4 MiB");
    REFUSES(extent_size, XTSVOL_EXTENT_MIN / 2, "64 KiB to 4 MiB");
    REFUSES(extent_size, XTSVOL_EXTENT_MIN + 4096, "64 KiB to 4 MiB");
    REFUSES(extent_size, 3 * XTSVOL_EXTENT_MIN, "64 KiB to 4 MiB");
    REFUSES(extent_size, 2 * XTSVOL_EXTENT_MAX, "64 KiB to 4 MiB");
    REFUSES(iv, (enum xtsvol_iv)2, "large numbers");
    REFUSES(size, 8, "options that cannot be used");
    struct xtsvol_create_options create = good_options();
    create.sector_size = 512;
    create.volume_size = SCENE_SIZE + 256;
    assert_not_made(&scene, &create, XTSVOL_ERR_INVALID, "no multiple of its sectors");
    create.volume_size = SCENE_SIZE;
    create.iv = XTSVOL_IV_LARGE;
    assert_not_made(&scene, &create, XTSVOL_ERR_INVALID, "need sectors of 4096");
    assert_not_made(&scene, NULL, XTSVOL_ERR_INVALID, "options that cannot be used");
    scene.options.is_read_only = 1;
    create = good_options();
    assert_not_made(&scene, &create, XTSVOL_ERR_INVALID, "options that cannot be used");
    scene.options.is_read_only = 0;
    scene.options.key = NULL;
    assert_not_made(&scene, &create, XTSVOL_ERR_INVALID, "options that cannot be used");
    assert_int_equal(scene.keeper.num_asked, 0);
}

static int equal_halves(void *context, uint8_t key[XTSVOL_XTS_KEY_LEN],
                        const uint8_t uuid[XTSVOL_UUID_LEN], uint32_t generation)
{
    int error = keeper_key(context, key, uuid, generation);
    memcpy(key + XTSVOL_XTS_KEY_LEN / 2, key, XTSVOL_XTS_KEY_LEN / 2);
    return error;
}

static void makes_nothing_without_a_good_key(void **state)
{
    struct scene scene;
    struct xtsvol_create_options create = good_options();
    place_begin(&scene, state, true);
    scene.keeper.error = XTSVOL_ERR_TIMEOUT;
    assert_not_made(&scene, &create, XTSVOL_ERR_TIMEOUT, "no key of generation 1");
    scene.keeper = (struct keeper){.destroyed = 1};
    assert_not_made(&scene, &create, XTSVOL_ERR_NOT_FOUND, "no key of generation 1");
    assert_int_equal(scene.failure.generation, 1);
    scene.keeper = (struct keeper){0};
    scene.options.key = equal_halves;
    assert_not_made(&scene, &create, XTSVOL_ERR_DENIED, "its halves are equal");
    assert_int_equal(scene.failure.generation, 1);
}

static void replaces_only_what_it_was_told_to(void **state)
{
    struct scene scene;
    struct xtsvol_create_options create = good_options();
    place_begin(&scene, state, true);
    file_write(scene.path, "precious", 8);
    assert_not_made(&scene, &create, XTSVOL_ERR_EXISTS, "a file with contents");
    assert_int_equal(unlink(scene.path), 0);
    file_write(scene.header, "precious", 8);
    assert_not_made(&scene, &create, XTSVOL_ERR_EXISTS, "a file with contents");
    create.may_replace = 1;
    struct xtsvol_volume *volume = NULL;
    assert_int_equal(xtsvol_volume_create(&volume, scene.path, &create, &scene.options), 0);
    assert_int_equal(scene.failure.error, 0);
    /* Nor what is in use. */
    assert_not_made(&scene, &create, XTSVOL_ERR_BUSY, "in use by pid");
    assert_int_equal(scene.failure.holder_pid, getpid());
    xtsvol_volume_close(&volume);
    create.may_replace = 0;
    assert_not_made(&scene, &create, XTSVOL_ERR_EXISTS, "a file with contents");
    (void)tmpdir_path(scene.path, scene.dir, "no/such/folder");
    assert_not_made(&scene, &create, XTSVOL_ERR_NOT_FOUND, "No such file");
    assert_int_equal(scene.failure.native_error, ENOENT);
}

/* One name for both: the second opening of it meets the first. */
static void refuses_data_and_header_in_one_place(void **state)
{
    struct scene scene;
    struct xtsvol_create_options create = good_options();
    place_begin(&scene, state, true);
    (void)memcpy(scene.header, scene.path, sizeof(scene.header));
    assert_not_made(&scene, &create, XTSVOL_ERR_BUSY, "in use by pid");
}

/* A volume that replaced another one has nothing left of it that could be taken for its own. */
static void nothing_of_the_replaced_volume_is_left(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    volume_add(volume, 40); /* so that its superblock is longer */
    xtsvol_volume_close(&volume);
    struct xv_superblock old;
    scene_state(&old, &scene);
    struct xtsvol_create_options create = good_options();
    create.may_replace = 1;
    assert_int_equal(xtsvol_volume_create(&volume, scene.path, &create, &scene.options), 0);
    xtsvol_volume_close(&volume);
    struct dump dump = dump_read(scene.path);
    for (size_t i = 0; i < old.num_generations; i++) {
        assert_false(dump_has(&dump, old.generations[i].wrap, old.generations[i].wrap_len));
        assert_false(dump_has(&dump, old.generations[i].check, XV_CHECK_LEN));
    }
    assert_false(dump_has(&dump, old.uuid, XTSVOL_UUID_LEN));
    dump_free(&dump);
    xv_superblock_free(&old);
}

/* Where it fails, new files are removed again, and empty ones are empty. */
static void leaves_nothing_behind(void **state)
{
    for (int kind = 0; kind < 4; kind++) {
        bool was_empty = kind & 1;
        struct scene scene;
        place_begin(&scene, state, kind & 2);
        FAULT_EACH (loop, FAULT_WRITE | FAULT_SYNC | FAULT_METADATA, FAULT_ONCE, EIO) {
            struct xtsvol_create_options create = good_options();
            struct xtsvol_volume *volume = NULL;
            if (was_empty) {
                file_write(scene.path, "", 0);
                if (*scene.header)
                    file_write(scene.header, "", 0);
            }
            struct dump data = dump_read(scene.path);
            struct dump header = dump_read(scene.header);
            fault_loop_arm(&loop);
            int error = xtsvol_volume_create(&volume, scene.path, &create, &scene.options);
            bool fired = fault_loop_disarm(&loop);
            assert_int_equal(error, fired ? XTSVOL_ERR_IO : 0);
            if (fired) {
                assert_told(&scene.failure, XTSVOL_ERR_IO, "");
                assert_same_dump(&data, scene.path);
                assert_same_dump(&header, scene.header);
            }
            xtsvol_volume_close(&volume);
            dump_free(&data);
            dump_free(&header);
            (void)unlink(scene.path);
            (void)unlink(scene.header);
        }
    }
}

/* Storage of the caller's own that does not tell its size. */
static int no_size(void *context, uint64_t *size)
{
    (void)context;
    *size = 0;
    return EIO;
}

static int no_vector(void *context, const struct iovec *iov, size_t num_iov, uint64_t offset)
{
    (void)context;
    (void)iov;
    (void)num_iov;
    (void)offset;
    return EIO;
}

static int no_flush(void *context)
{
    (void)context;
    return 0;
}

static void survives_storage_that_fails(void **state)
{
    struct scene scene;
    struct xtsvol_create_options create = good_options();
    const struct xtsvol_io io = {.size = sizeof(io),
                                 .preadv = no_vector,
                                 .pwritev = no_vector,
                                 .flush = no_flush,
                                 .get_size = no_size};
    place_begin(&scene, state, false);
    scene.options.data_io = &io;
    assert_not_made(&scene, &create, XTSVOL_ERR_IO, "its size");
    struct xtsvol_volume *volume = NULL;
    assert_int_equal(xtsvol_volume_open(&volume, NULL, &scene.options), XTSVOL_ERR_IO);
    assert_null(volume);
}

static void makes_what_was_asked_for(void **state)
{
    struct scene scene;
    struct xtsvol_create_options create = good_options();
    place_begin(&scene, state, true);
    create.volume_size = SCENE_SIZE + 4096;
    create.iv = XTSVOL_IV_LARGE;
    create.uuid[3] = 7;
    struct xtsvol_volume *volume = NULL;
    struct xtsvol_volume_info info;
    assert_volume_works(xtsvol_volume_create(&volume, scene.path, &create, &scene.options),
                        &scene.failure);
    assert_int_equal(xtsvol_info_get(volume, &info, sizeof(info)), 0);
    assert_memory_equal(info.uuid, create.uuid, XTSVOL_UUID_LEN);
    assert_int_equal(info.volume_size, SCENE_SIZE + 4096);
    assert_int_equal(info.max_volume_size, 4000ULL * XTSVOL_EXTENT_MIN);
    assert_int_equal(info.sector_size, 4096);
    assert_int_equal(info.extent_size, XTSVOL_EXTENT_MIN);
    assert_int_equal(info.iv, XTSVOL_IV_LARGE);
    assert_false(info.is_attached);
    assert_int_equal(info.data_offset, 0);
    assert_true(info.is_verified);
    assert_false(info.is_read_only);
    assert_false(info.plaintext_allowed);
    assert_int_equal(info.num_generations, 1);
    assert_int_equal(info.generations[0].generation, 1);
    assert_int_equal(info.generations[0].num_extents, 17);
    xtsvol_volume_close(&volume);
    /* The data file is exactly the data. */
    struct dump data = dump_read(scene.path);
    assert_int_equal(data.len, SCENE_SIZE + 4096);
    dump_free(&data);

    /* A random UUID is one of version 4, and another one each time. */
    struct xtsvol_volume_info infos[2];
    memset(create.uuid, 0, sizeof(create.uuid));
    create.may_replace = 1;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(xtsvol_volume_create(&volume, scene.path, &create, &scene.options), 0);
        assert_int_equal(xtsvol_info_get(volume, &infos[i], sizeof(infos[i])), 0);
        assert_int_equal(infos[i].uuid[6] >> 4, 4);
        assert_int_equal(infos[i].uuid[8] >> 6, 2);
        xtsvol_volume_close(&volume);
    }
    assert_memory_not_equal(infos[0].uuid, infos[1].uuid, XTSVOL_UUID_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, tmpdir_setup, tmpdir_teardown)
        TEST(refuses_sizes_that_cannot_be),
        TEST(makes_nothing_without_a_good_key),
        TEST(replaces_only_what_it_was_told_to),
        TEST(refuses_data_and_header_in_one_place),
        TEST(nothing_of_the_replaced_volume_is_left),
        TEST(leaves_nothing_behind),
        TEST(survives_storage_that_fails),
        TEST(makes_what_was_asked_for),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
