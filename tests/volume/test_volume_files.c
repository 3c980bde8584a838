/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is no volume is refused, and so is a volume that somebody else has (V13): with his pid.
 * Options that cannot be meant, and callers of other versions.
 */
#include "tests/support/death.h"
#include "tests/volume/refusal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static void make_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_true(strlen(path) < sizeof(address.sun_path));
    (void)memcpy(address.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(close(fd), 0);
}

/* Opening one would wait for its other end for ever. */
static void refuses_what_is_no_file(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    static const char *const names[] = {"fifo", "folder", "socket", "/dev/null", "/dev/zero"};
    char paths[ARRAY_LEN(names)][PATH_MAX];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i][0] == '/')
            (void)snprintf(paths[i], sizeof(paths[i]), "%s", names[i]);
        else
            (void)tmpdir_path(paths[i], *state, names[i]);
    }
    assert_int_equal(mkfifo(paths[0], 0600), 0);
    assert_int_equal(mkdir(paths[1], 0700), 0);
    make_socket(paths[2]);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct xtsvol_volume *volume = NULL;
        struct xtsvol_volume_info info;
        struct xtsvol_volume_options options = scene.options;
        for (options.is_read_only = 0; options.is_read_only <= 1; options.is_read_only++) {
            assert_int_equal(xtsvol_volume_open(&volume, paths[i], &options), XTSVOL_ERR_INVALID);
            assert_told(&scene.failure, XTSVOL_ERR_INVALID, "neither a regular file nor a block");
            options.header_path = paths[i];
            assert_int_equal(xtsvol_volume_open(&volume, scene.path, &options), XTSVOL_ERR_INVALID);
            assert_told(&scene.failure, XTSVOL_ERR_INVALID, "neither a regular file nor a block");
            options.header_path = NULL;
            assert_null(volume);
        }
        assert_int_equal(xtsvol_volume_peek(&info, sizeof(info), NULL, 0, paths[i], &scene.failure),
                         XTSVOL_ERR_INVALID);
        assert_told(&scene.failure, XTSVOL_ERR_INVALID, "neither a regular file nor a block");
    }
}

static void refuses_what_is_no_volume(void **state)
{
    static const struct {
        size_t len;
        uint8_t fill;
    } files[] = {{0, 0},        {1, 0x89},           {95, 0xff},    {96, 0},
                 {4096, 0x89},  {262144, 0x5a},      {4 << 20, 0},  {(4 << 20) + 96, 0xff},
                 {20 << 20, 0}, {(4 << 20) + 50, 1}, {262143, 0x89}};
    struct scene scene;
    scene_begin(&scene, state, false);
    uint8_t *bytes = malloc(20 << 20);
    assert_non_null(bytes);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        memset(bytes, files[i].fill, files[i].len);
        file_write(scene.path, bytes, files[i].len);
        assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_CORRUPT, "no encrypted volume");
        struct xtsvol_volume_info info;
        assert_int_equal(
            xtsvol_volume_peek(&info, sizeof(info), NULL, 0, scene.path, &scene.failure),
            XTSVOL_ERR_CORRUPT);
        assert_told(&scene.failure, XTSVOL_ERR_CORRUPT, "no encrypted volume");
    }
    free(bytes);
    assert_int_equal(unlink(scene.path), 0);
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_NOT_FOUND, "No such file");
    assert_int_equal(symlink("nowhere", scene.path), 0);
    struct xtsvol_volume *volume = NULL;
    assert_int_equal(xtsvol_volume_open(&volume, scene.path, &scene.options), XTSVOL_ERR_NOT_FOUND);
    assert_told(&scene.failure, XTSVOL_ERR_NOT_FOUND, "No such file");
}

/* Another process, which has the volume until it is told to let it go. */
struct holder {
    pid_t pid;
    int to_it;
};

static struct holder holder_begin(const struct scene *scene, bool is_read_only)
{
    int to_it[2];
    int from_it[2];
    assert_int_equal(pipe(to_it), 0);
    assert_int_equal(pipe(from_it), 0);
    struct holder holder = {.pid = fork(), .to_it = to_it[1]};
    assert_true(holder.pid >= 0);
    if (holder.pid == 0) {
        struct xtsvol_volume *volume = NULL;
        struct xtsvol_volume_options options = scene->options;
        char byte = 0;
        options.is_read_only = is_read_only;
        (void)close(to_it[1]);
        if (xtsvol_volume_open(&volume, scene->path, &options) || write(from_it[1], "x", 1) != 1)
            _exit(1);
        (void)!read(to_it[0], &byte, 1);
        xtsvol_volume_close(&volume);
        _exit(0);
    }
    char byte = 0;
    assert_int_equal(close(from_it[1]), 0);
    assert_int_equal(close(to_it[0]), 0);
    assert_int_equal(read(from_it[0], &byte, 1), 1);
    assert_int_equal(close(from_it[0]), 0);
    return holder;
}

static void holder_end(struct holder *holder)
{
    int status = 0;
    assert_int_equal(close(holder->to_it), 0);
    assert_int_equal(waitpid(holder->pid, &status, 0), holder->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void assert_in_use(struct scene *scene, enum refused_how how, pid_t by)
{
    char words[64];
    (void)snprintf(words, sizeof(words), "in use by pid %d", (int)by);
    assert_refused(scene, how, XTSVOL_ERR_BUSY, words);
    assert_string_equal(scene->failure.message, words);
    assert_int_equal(scene->failure.holder_pid, by);
}

static void tells_who_has_the_volume(void **state)
{
    for (int is_detached = 0; is_detached <= 1; is_detached++) {
        struct scene scene;
        scene_begin(&scene, state, is_detached);
        struct holder writer = holder_begin(&scene, false);
        assert_in_use(&scene, REFUSED_TO_ALL, writer.pid);
        struct xtsvol_volume_info info;
        const char *metadata = is_detached ? scene.header : scene.path;
        assert_int_equal(xtsvol_volume_peek(&info, sizeof(info), NULL, 0, metadata, &scene.failure),
                         XTSVOL_ERR_BUSY);
        assert_int_equal(scene.failure.holder_pid, writer.pid);
        struct xtsvol_erasure erasure;
        assert_int_equal(xtsvol_volume_erase(&erasure, sizeof(erasure), scene.path, &scene.options,
                                             keeper_destroy, &scene.keeper),
                         XTSVOL_ERR_BUSY);
        assert_int_equal(scene.failure.holder_pid, writer.pid);
        assert_int_equal(scene.keeper.num_destroyed, 0);
        holder_end(&writer);

        struct holder reader = holder_begin(&scene, true);
        assert_in_use(&scene, REFUSED_TO_WRITERS, reader.pid);
        struct xtsvol_volume *volume = scene_open(&scene, true);
        xtsvol_volume_close(&volume);
        holder_end(&reader);
        volume = scene_open(&scene, false);
        xtsvol_volume_close(&volume);
        assert_int_equal(unlink(scene.path), 0);
    }
}

static void two_handles_of_one_process_exclude_each_other(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, true);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    assert_in_use(&scene, REFUSED_TO_ALL, getpid());
    /* Also where only one of the two files is taken. */
    struct scene other = scene;
    (void)tmpdir_path(other.path, *state, "other");
    file_write(other.path, "", 0);
    other.options = volume_options(&other.keeper, &other.failure);
    other.options.header_path = scene.header;
    assert_in_use(&other, REFUSED_TO_ALL, getpid());
    xtsvol_volume_close(&volume);
    volume = scene_open(&scene, false);
    xtsvol_volume_close(&volume);
}

static void refuses_options_that_cannot_be_meant(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    const struct xtsvol_volume_options good = scene.options;
    scene.options.key = NULL;
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_INVALID, "nobody to ask for keys");
    scene.options = good;
    scene.options.num_threads = XTSVOL_VOLUME_THREADS_MAX + 1;
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_INVALID, "65 threads");
    scene.options = good;
    scene.options.max_map_memory = (1 << 20) - 1;
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_INVALID, "max_map_memory");
    scene.options.max_map_memory = (1U << 30) + 1U;
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_INVALID, "max_map_memory");
    scene.options = good;
    scene.options.kernels = 0;
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_UNSUPPORTED, "cannot prepare");
    scene.options = good;
    scene.options.header_path = "";
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_INVALID, "no file is named");
    scene.options = good;
    struct xtsvol_io io = {.size = sizeof(io)}; /* without its functions */
    scene.options.data_io = &io;
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_INVALID, "not a usable struct xtsvol_io");
    scene.options = good;
    scene.options.header_io = &io;
    assert_refused(&scene, REFUSED_TO_ALL, XTSVOL_ERR_INVALID, "not a usable struct xtsvol_io");

    struct xtsvol_volume *volume = NULL;
    assert_int_equal(xtsvol_volume_open(&volume, NULL, &good), XTSVOL_ERR_INVALID);
    assert_told(&scene.failure, XTSVOL_ERR_INVALID, "no file is named");
    assert_int_equal(xtsvol_volume_open(&volume, "", &good), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_volume_open(&volume, scene.path, NULL), XTSVOL_ERR_INVALID);
    assert_int_equal(xtsvol_volume_open(NULL, scene.path, &good), XTSVOL_ERR_INVALID);
    assert_null(volume);
}

/* A caller of a later version: what this one does not know has to be unset. */
static void takes_options_of_other_versions(void **state)
{
    struct scene scene;
    scene_begin(&scene, state, false);
    struct {
        struct xtsvol_volume_options options;
        uint64_t later;
    } newer = {.options = scene.options};
    struct xtsvol_volume *volume = NULL;
    newer.options.size = sizeof(newer);
    assert_int_equal(xtsvol_volume_open(&volume, scene.path, &newer.options), 0);
    xtsvol_volume_close(&volume);
    newer.later = UINT64_C(1) << 56;
    assert_int_equal(xtsvol_volume_open(&volume, scene.path, &newer.options),
                     XTSVOL_ERR_UNSUPPORTED);
    assert_null(volume);
    static const size_t sizes[] = {0,       1,       sizeof(size_t), sizeof(newer.options) - 1,
                                   1 << 20, SIZE_MAX};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        newer.options.size = sizes[i];
        assert_int_equal(xtsvol_volume_open(&volume, scene.path, &newer.options),
                         XTSVOL_ERR_INVALID);
        assert_null(volume);
    }

    /* init() writes no byte beyond the size that the caller knows. */
    uint8_t memory[sizeof(newer)];
    for (size_t size = sizeof(size_t); size <= sizeof(memory); size += sizeof(size_t)) {
        memset(memory, 0xee, sizeof(memory));
        xtsvol_volume_options_init((struct xtsvol_volume_options *)(void *)memory, size);
        for (size_t i = size; i < sizeof(memory); i++)
            assert_int_equal(memory[i], 0xee);
        size_t said = 0;
        memcpy(&said, memory, sizeof(said));
        assert_int_equal(said, size);
    }
    xtsvol_volume_options_init(NULL, sizeof(newer));
    xtsvol_create_options_init(NULL, sizeof(newer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, tmpdir_setup, tmpdir_teardown)
        TEST(refuses_what_is_no_file),
        TEST(refuses_what_is_no_volume),
        TEST(tells_who_has_the_volume),
        TEST(two_handles_of_one_process_exclude_each_other),
        TEST(refuses_options_that_cannot_be_meant),
        TEST(takes_options_of_other_versions),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
