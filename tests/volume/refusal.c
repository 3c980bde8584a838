/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/volume/refusal.h"

#include <string.h>

void scene_begin(struct scene *scene, void **state, bool is_detached)
{
    *scene = (struct scene){.dir = *state};
    (void)tmpdir_path(scene->path, scene->dir, "volume");
    if (is_detached)
        (void)tmpdir_path(scene->header, scene->dir, "header");
    scene->options = volume_options(&scene->keeper, &scene->failure);
    scene->options.header_path = is_detached ? scene->header : NULL;
    scene->options.event = seen_event;
    scene->options.event_context = &scene->seen;
    struct xtsvol_create_options create = xtsvol_create_options_default();
    create.volume_size = SCENE_SIZE;
    create.max_volume_size = 4000ULL * XTSVOL_EXTENT_MIN; /* a root above two leaves */
    create.extent_size = XTSVOL_EXTENT_MIN;
    create.sector_size = 512;
    struct xtsvol_volume *volume = NULL;
    assert_volume_works(xtsvol_volume_create(&volume, scene->path, &create, &scene->options),
                        &scene->failure);
    assert_int_equal(xtsvol_pwrite(volume, "plaintext", 9, 1000), 0);
    assert_int_equal(xtsvol_flush(volume), 0);
    xtsvol_volume_close(&volume);
}

struct xtsvol_volume *scene_open(struct scene *scene, bool is_read_only)
{
    struct xtsvol_volume *volume = NULL;
    struct xtsvol_volume_options options = scene->options;
    options.is_read_only = is_read_only;
    assert_volume_works(xtsvol_volume_open(&volume, scene->path, &options), &scene->failure);
    assert_non_null(volume);
    return volume;
}

void scene_state(struct xv_superblock *out, const struct scene *scene)
{
    struct dump dump = dump_read(*scene->header ? scene->header : scene->path);
    slot_decode(out, dump_slot(&dump, 0));
    dump_free(&dump);
}

void assert_told(const struct xtsvol_failure *failure, int error, const char *words)
{
    size_t len = strnlen(failure->message, sizeof(failure->message));
    assert_int_equal(failure->error, error);
    assert_in_range(len, 1, sizeof(failure->message) - 1);
    assert_int_not_equal(failure->message[len - 1], '.');
    if (!strstr(failure->message, words))
        fail_msg("'%s' does not say '%s'", failure->message, words);
}

static void assert_refused_once(struct scene *scene, bool is_read_only, int error,
                                const char *words)
{
    struct xtsvol_volume_options options = scene->options;
    struct xtsvol_volume *volume = (struct xtsvol_volume *)&options; /* to be set to NULL */
    const struct dump data = dump_read(scene->path);
    const struct dump header = dump_read(scene->header);
    options.is_read_only = is_read_only;
    memset(&scene->failure, 0xee, sizeof(scene->failure));
    int result = xtsvol_volume_open(&volume, scene->path, &options);
    if (result != error)
        fail_msg("%s, not %s (%s)", xtsvol_error_name(result), xtsvol_error_name(error),
                 result ? scene->failure.message : "");
    assert_null(volume);
    assert_told(&scene->failure, error, words);
    assert_same_dump(&data, scene->path);
    assert_same_dump(&header, scene->header);
    dump_free(&(struct dump){data.bytes, 0});
    dump_free(&(struct dump){header.bytes, 0});
}

void assert_refused(struct scene *scene, enum refused_how how, int error, const char *words)
{
    if (how & REFUSED_TO_WRITERS)
        assert_refused_once(scene, false, error, words);
    if (how & REFUSED_TO_READERS)
        assert_refused_once(scene, true, error, words);
}
