/* SPDX-License-Identifier: Apache-2.0 */
/* strongroom_record.so in a process of its own: recorded, failed, killed. */
#include "tests/support/recorder.h"
#include "tests/support/replay.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    char root[PATH_MAX];
    char log_path[PATH_MAX];
};

static void prepare(struct place *out, const struct tmpdir *dir)
{
    char path[PATH_MAX];
    tree_remove(tmpdir_path(out->root, dir, "root"));
    assert_int_equal(mkdir(out->root, 0700), 0);
    file_write(tmpdir_path(path, dir, "root/config"), "old", 3);
    (void)tmpdir_path(out->log_path, dir, "log");
    assert_true(unlink(out->log_path) == 0 || errno == ENOENT);
}

static void become_the_tool(const struct place *place, const char *fault, int output)
{
    (void)dup2(output, STDOUT_FILENO);
    /* By a name of our own: the loader takes a space in a path for the end of it. */
    char module[PATH_MAX + 8];
    (void)snprintf(module, sizeof(module), "%s.so", place->log_path);
    if (symlink(TEST_RECORDER_MODULE, module) && errno != EEXIST)
        _exit(127);
    (void)setenv("LD_PRELOAD", module, 1);
    (void)setenv("STRONGROOM_RECORD_ROOT", place->root, 1);
    (void)setenv("STRONGROOM_RECORD_LOG", place->log_path, 1);
    if (fault)
        (void)setenv("STRONGROOM_FAULT", fault, 1);
    (void)execl(TEST_RECORDED_TOOL, TEST_RECORDED_TOOL, place->root, (char *)NULL);
    _exit(127);
}

/* Its answer is marked as acknowledged. Returns the wait status. */
static int run_tool(const struct place *place, const char *fault)
{
    int pipe_fds[2];
    char answer[16];
    int status = 0;
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        become_the_tool(place, fault, pipe_fds[1]);
    (void)close(pipe_fds[1]);
    if (read(pipe_fds[0], answer, sizeof(answer)) == 5)
        recorder_mark_log(place->log_path, 1);
    (void)close(pipe_fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static const char *check(void *context, const char *dir, const struct replay_info *info)
{
    (void)context;
    char path[PATH_MAX];
    uint8_t *bytes = NULL;
    size_t len = 0;
    (void)snprintf(path, sizeof(path), "%s/config", dir);
    file_read(&bytes, &len, path);
    bool is_new = len == 5 && memcmp(bytes, "newer", 5) == 0;
    bool is_old = len == 3 && memcmp(bytes, "old", 3) == 0;
    free(bytes);
    if (!is_new && !is_old)
        return "neither old nor new";
    return info->acknowledged && !is_new ? "acknowledged change lost" : NULL;
}

static void another_process_is_recorded_and_replayed(void **state)
{
    struct place place;
    prepare(&place, *state);
    int status = run_tool(&place, NULL);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    struct replay *replay = replay_load(place.log_path, &(struct replay_options){0});
    assert_int_equal(replay_num_operations(replay), 7);
    replay_assert_all_cuts(replay, check, NULL);
    replay_free(&replay);
}

static void calls_of_another_process_fail(void **state)
{
    struct place place;
    prepare(&place, *state);
    int status = run_tool(&place, "64:2:0:5"); /* the second sync, once, EIO */
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    struct replay *replay = replay_load(place.log_path, &(struct replay_options){0});
    replay_assert_all_cuts(replay, check, NULL);
    replay_free(&replay);
}

static void a_killed_process_leaves_a_usable_log(void **state)
{
    static const char *const masks[] = {"32", "64", "128"}; /* write, sync, metadata */
    unsigned killed = 0;
    for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
        for (unsigned nth = 1; nth < 10; nth++) {
            struct place place;
            char fault[32];
            (void)snprintf(fault, sizeof(fault), "%s:%u:4:0", masks[i], nth);
            prepare(&place, *state);
            int status = run_tool(&place, fault);
            struct replay *replay = replay_load(place.log_path, &(struct replay_options){0});
            replay_assert_all_cuts(replay, check, NULL);
            replay_free(&replay);
            if (WIFEXITED(status))
                break;
            assert_int_equal(WTERMSIG(status), SIGKILL);
            killed++;
        }
    }
    assert_int_equal(killed, 3 + 2 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(another_process_is_recorded_and_replayed, tmpdir_setup,
                                        tmpdir_teardown),
        cmocka_unit_test_setup_teardown(calls_of_another_process_fail, tmpdir_setup,
                                        tmpdir_teardown),
        cmocka_unit_test_setup_teardown(a_killed_process_leaves_a_usable_log, tmpdir_setup,
                                        tmpdir_teardown),
    };
    return cmocka_run_group_tests_name("preload", tests, NULL, NULL);
}
