/* SPDX-License-Identifier: Apache-2.0 */
/* A process is killed in place of each of its calls that change the disk; another one goes on, is
 * told that its update is on the medium; then the power goes. */
#include "common/lmdb/env.h"
#include "tests/common/lmdb_support.h"
#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/recorder.h"
#include "tests/support/replay.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    NUM_PUTS = 3,
    SECOND = 50, /* the entry of the second process, and its mark */
    MAX_ROUNDS = 500,
    STATES_DIVISOR = 20 /* of STRONGROOM_STATES, for each of some 60 logs */
};

struct run {
    char root[PATH_MAX];
    char log[PATH_MAX];
    char store[PATH_MAX];
    unsigned nth;
    uint64_t *acknowledged; /* by the first process; shared with it */
};

/* The second one makes the map grow. */
static size_t length_of(uint64_t number)
{
    return number == 2 ? 60000 : 3000;
}

static int put_and_be_killed(const struct run *run)
{
    struct common_lmdb *env = NULL;
    struct common_lmdb_options options = lmdb_test_options(run->store);
    recorder_start(run->root, run->log);
    fault_arm_plan(&(struct fault_plan){
        .classes = FAULT_WRITE | FAULT_SYNC | FAULT_METADATA, .nth = run->nth, .mode = FAULT_KILL});
    int error = common_lmdb_open(&env, NULL, &options);
    for (uint64_t i = 1; i <= NUM_PUTS && !error; i++) {
        error = lmdb_test_put(env, i, length_of(i));
        if (error)
            break;
        recorder_mark(i);
        *run->acknowledged = i;
    }
    common_lmdb_close(&env);
    (void)fault_disarm();
    recorder_stop();
    return error ? 1 : 0;
}

static int go_on(const struct run *run)
{
    struct common_lmdb *env = NULL;
    struct common_lmdb_options options = lmdb_test_options(run->store);
    recorder_join(run->root, run->log);
    int error = common_lmdb_open(&env, NULL, &options);
    for (uint64_t i = 1; i <= *run->acknowledged && !error; i++)
        error = lmdb_test_has(env, i, length_of(i)) == 1 ? 0 : COMMON_ERR_CORRUPT;
    if (!error)
        error = lmdb_test_put(env, SECOND, length_of(SECOND));
    if (!error)
        recorder_mark(SECOND);
    common_lmdb_close(&env);
    recorder_stop();
    return error ? 1 : 0;
}

/* True when it was killed. */
static bool in_child(int (*work)(const struct run *run), const struct run *run)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(work(run));
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static const char *check_state(void *context, const char *dir, const struct replay_info *info)
{
    const struct run *run = context;
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/store", dir) >= (int)sizeof(path))
        return "the path is too long";
    struct common_lmdb_options options = lmdb_test_options(path);
    struct common_lmdb *env = NULL;
    int error = common_lmdb_open(&env, NULL, &options);
    if (error)
        return common_error_name(error);
    const char *problem = NULL;
    uint64_t first = info->acknowledged == SECOND ? *run->acknowledged : info->acknowledged;
    for (uint64_t i = 1; i <= first && !problem; i++) {
        if (lmdb_test_has(env, i, length_of(i)) != 1)
            problem = "an acknowledged entry of the first process is lost";
    }
    if (!problem && info->acknowledged == SECOND &&
        lmdb_test_has(env, SECOND, length_of(SECOND)) != 1)
        problem = "the acknowledged entry of the second process is lost";
    if (!problem && lmdb_test_put(env, 99, 100))
        problem = "the store cannot be written to";
    common_lmdb_close(&env);
    return problem;
}

static void cut_the_power(struct run *run, uint64_t seed, bool journaled)
{
    struct replay *replay = replay_load(
        run->log, &(struct replay_options){.journaled = journaled,
                                           .may_change_unseen = {"lock.mdb", "new.mdb-lock"}});
    unsigned num_states =
        (unsigned)test_number_from_environment("STRONGROOM_STATES", 500) / STATES_DIVISOR + 1;
    struct replay_result result = replay_random(replay, seed, num_states, check_state, run);
    replay_free(&replay);
    if (result.bad)
        fail_msg("killed in place of call %u, cut after \"%s\" (%zu of %zu), %s: %s", run->nth,
                 result.first_bad.last, result.first_bad.cut, result.first_bad.num_operations,
                 result.first_bad.how, result.reason);
}

static void what_others_wrote_after_a_killed_one_survives_the_power(void **state)
{
    const struct tmpdir *dir = *state;
    struct test_random random = test_random_begin("lmdb kill");
    struct run run = {0};
    tmpdir_path(run.root, dir, "root");
    tmpdir_path(run.log, dir, "log");
    tmpdir_path(run.store, dir, "root/store");
    run.acknowledged = mmap(NULL, sizeof(*run.acknowledged), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(run.acknowledged != MAP_FAILED);
    bool is_killed = true;
    for (run.nth = 1; is_killed; run.nth++) {
        assert_true(run.nth < MAX_ROUNDS);
        tree_remove(run.root);
        assert_int_equal(mkdir(run.root, 0700), 0);
        *run.acknowledged = 0;
        is_killed = in_child(put_and_be_killed, &run);
        assert_false(in_child(go_on, &run));
        cut_the_power(&run, test_random_next(&random), false);
        cut_the_power(&run, test_random_next(&random), true);
    }
    assert_true(run.nth > 20);
    assert_int_equal(munmap(run.acknowledged, sizeof(*run.acknowledged)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_others_wrote_after_a_killed_one_survives_the_power,
                                        tmpdir_setup, tmpdir_teardown),
    };
    return cmocka_run_group_tests_name("lmdb_kill", tests, NULL, NULL);
}
