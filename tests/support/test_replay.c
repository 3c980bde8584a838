/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers with one well-known defect each, which the replayer must catch, beside their repaired
 * twins, which must pass; and the recorder.
 */
#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/recorder.h"
#include "tests/support/replay.h"
#include "tests/support/scenario.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void writes_and_tells(void)
{
    int fd = scenario_open_data(0);
    scenario_put(fd, 'b', 512, 0);
    recorder_mark(1);
    (void)close(fd);
}

static void writes_syncs_and_tells(void)
{
    int fd = scenario_open_data(0);
    scenario_put(fd, 'b', 512, 0);
    assert_int_equal(fdatasync(fd), 0);
    recorder_mark(1);
    (void)close(fd);
}

static const char *check_data(void *context, const char *dir, const struct replay_info *info)
{
    (void)context;
    char text[64];
    (void)scenario_summary(text, dir, "data");
    if (strcmp(text, "b512a512") == 0)
        return NULL;
    if (info->acknowledged)
        return "acknowledged write lost";
    return strcmp(text, "a1024") == 0 ? NULL : "neither old nor new";
}

static void replace_config(bool syncs_file, bool syncs_directory)
{
    int fd = open("config.new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    scenario_put(fd, 'b', LEN, 0);
    if (syncs_file)
        assert_int_equal(fsync(fd), 0);
    (void)close(fd);
    assert_int_equal(rename("config.new", "config"), 0);
    if (syncs_directory)
        scenario_sync(".");
    recorder_mark(1);
}

static void renames_an_unsynced_file(void)
{
    replace_config(false, true);
}

static void renames_without_syncing_the_directory(void)
{
    replace_config(true, false);
}

static void replaces_as_one_should(void)
{
    replace_config(true, true);
}

static const char *check_config(void *context, const char *dir, const struct replay_info *info)
{
    (void)context;
    char text[64];
    (void)scenario_summary(text, dir, "config");
    if (strcmp(text, "b1024") == 0)
        return NULL;
    if (strcmp(text, "a1024") != 0)
        return "neither old nor new";
    return info->acknowledged ? "acknowledged change lost" : NULL;
}

static void takes_two_pieces_for_one(void)
{
    int fd = scenario_open_data(0);
    scenario_put(fd, 'b', LEN, 0);
    assert_int_equal(fsync(fd), 0);
    recorder_mark(1);
    (void)close(fd);
}

static void writes_beside_and_switches(void)
{
    int fd = scenario_open_data(0);
    scenario_put(fd, 'b', LEN, LEN); /* the second slot */
    assert_int_equal(fsync(fd), 0);
    fd = open("config", O_WRONLY | O_DSYNC | O_CLOEXEC);
    scenario_put(fd, '2', 1, 0); /* which slot counts: one byte cannot tear */
    recorder_mark(1);
    (void)close(fd);
}

static const char *check_whole(void *context, const char *dir, const struct replay_info *info)
{
    (void)context;
    char text[64];
    (void)scenario_summary(text, dir, "data");
    if (strcmp(text, "b1024") == 0)
        return NULL;
    if (strcmp(text, "a1024") != 0)
        return "torn";
    return info->acknowledged ? "acknowledged write lost" : NULL;
}

static const char *check_slots(void *context, const char *dir, const struct replay_info *info)
{
    (void)context;
    char data[64];
    char config[64];
    bool is_second = scenario_summary(config, dir, "config")[0] == '2';
    (void)scenario_summary(data, dir, "data");
    if (is_second ? strcmp(data, "a1024b1024") != 0 : data[0] != 'a')
        return "the slot that counts is damaged";
    return info->acknowledged && !is_second ? "acknowledged write lost" : NULL;
}

struct pair {
    const char *name;
    writer *bad;
    writer *good;
    replay_check *check;
    replay_check *check_good;
    const char *reason;
    bool journaled;
};

static void known_defects_are_caught_and_their_repair_passes(void **state)
{
    static const struct pair pairs[] = {
        {"no fsync", writes_and_tells, writes_syncs_and_tells, check_data, check_data,
         "acknowledged write lost", false},
        {"unsynced file renamed", renames_an_unsynced_file, replaces_as_one_should, check_config,
         check_config, "neither old nor new", false},
        {"unsynced file renamed, journaled", renames_an_unsynced_file, replaces_as_one_should,
         check_config, check_config, "neither old nor new", true},
        {"directory not synced", renames_without_syncing_the_directory, replaces_as_one_should,
         check_config, check_config, "acknowledged change lost", false},
        {"directory not synced, journaled", renames_without_syncing_the_directory,
         replaces_as_one_should, check_config, check_config, "acknowledged change lost", true},
        {"two pieces", takes_two_pieces_for_one, writes_beside_and_switches, check_whole,
         check_slots, "torn", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        const struct pair *pair = &pairs[i];
        struct replay *bad = scenario_record(*state, pair->bad, pair->journaled);
        struct replay_result all = replay_all_cuts(bad, pair->check, NULL);
        struct replay_result random = replay_random(bad, 1, 300, pair->check, NULL);
        replay_free(&bad);
        if (all.bad == 0 || random.bad == 0 || strcmp(all.reason, pair->reason) != 0)
            fail_msg("%s: not caught (%u, %u: %s)", pair->name, all.bad, random.bad, all.reason);

        struct replay *good = scenario_record(*state, pair->good, pair->journaled);
        replay_assert_all_cuts(good, pair->check_good, NULL);
        replay_assert_random(good, pair->name, pair->check_good, NULL);
        replay_free(&good);
    }
}

static void write_after_rename_and_unlink(void)
{
    int fd = scenario_open_data(0);
    assert_int_equal(rename("data", "moved"), 0);
    scenario_sync(".");
    scenario_put(fd, 'b', LEN, 0);
    assert_int_equal(fsync(fd), 0);
    assert_int_equal(unlink("config"), 0);
    int config = open("config", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    scenario_put(config, 'c', 8, 0);
    assert_int_equal(fsync(config), 0);
    scenario_sync(".");
    recorder_mark(1);
    (void)close(fd);
    (void)close(config);
}

static const char *check_descriptors(void *context, const char *dir, const struct replay_info *info)
{
    (void)context;
    char moved[64];
    char config[64];
    (void)scenario_summary(moved, dir, "moved");
    (void)scenario_summary(config, dir, "config");
    if (!info->acknowledged)
        return NULL;
    return strcmp(moved, "b1024") == 0 && strcmp(config, "c8") == 0 ? NULL : "wrong file";
}

static void a_descriptor_follows_its_file(void **state)
{
    struct replay *replay = scenario_record(*state, write_after_rename_and_unlink, false);
    replay_assert_all_cuts(replay, check_descriptors, NULL);
    replay_free(&replay);
}

static void everything_there_is(void)
{
    assert_int_equal(mkdir("sub/deep", 0700), 0);
    int fd = open("sub/deep/file", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    scenario_put(fd, 'd', 5000, 100);
    assert_int_equal(link("sub/deep/file", "hard"), 0);
    assert_int_equal(symlink("sub/deep/file", "soft"), 0);
    assert_int_equal(renameat2(AT_FDCWD, "data", AT_FDCWD, "config", RENAME_EXCHANGE), 0);
    assert_int_equal(posix_fallocate(fd, 0, 6000), 0);
    assert_int_equal(fallocate(fd, FALLOC_FL_ZERO_RANGE, 1000, 1000), 0);
    assert_int_equal(truncate("config", 300), 0);
    assert_int_equal(rename("sub/deep", "deep"), 0);
    assert_int_equal(lseek(fd, 50, SEEK_SET), 50);
    assert_int_equal(write(fd, "e", 1), 1);
    char letters[] = "fg";
    struct iovec pieces[] = {{letters, 1}, {letters + 1, 1}};
    assert_int_equal(pwritev2(fd, pieces, 2, 60, RWF_DSYNC), 2);
    assert_int_equal(pwritev(fd, pieces, 2, 70), 2);
    assert_int_equal(dup2(fd, 200), 200);
    assert_int_equal(write(200, "h", 1), 1);
    int end = open("config", O_WRONLY | O_APPEND | O_CLOEXEC);
    scenario_put(end, 'i', 10, 0); /* Linux appends all the same */
    char name[] = "madeXXXXXX";
    int made = mkostemp(name, O_CLOEXEC);
    assert_int_equal(unlink(name), 0);
    scenario_put(made, 'z', 10, 0);
    int nameless = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    scenario_put(nameless, 't', 10, 0);
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", nameless);
    assert_int_equal(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
    assert_int_equal(rmdir("sub"), 0);
    assert_int_equal(syncfs(fd), 0);
    recorder_mark(1);
    (void)close(fd);
    (void)close(200);
    (void)close(end);
    (void)close(made);
    (void)close(nameless);
}

static const char *compare_with_disk(void *context, const char *dir, const struct replay_info *info)
{
    char command[3 * PATH_MAX];
    const struct tmpdir *tmpdir = context;
    if (!info->acknowledged)
        return NULL;
    (void)snprintf(command, sizeof(command), "diff -r --no-dereference %s/root %s >&2",
                   tmpdir->path, dir);
    return system(command) == 0 ? NULL : "differs from the disk"; /* NOLINT(cert-env33-c) */
}

static void after_a_sync_of_all_the_replay_equals_the_disk(void **state)
{
    struct replay *replay = scenario_record(*state, everything_there_is, false);
    replay_assert_all_cuts(replay, compare_with_disk, *state);
    replay_free(&replay);
    replay = scenario_record(*state, everything_there_is, true);
    replay_assert_all_cuts(replay, compare_with_disk, *state);
    replay_free(&replay);
}

static void short_and_failing_calls(void)
{
    int fd = scenario_open_data(0);
    char text[LEN];
    memset(text, 'b', sizeof(text));
    fault_arm_plan(&(struct fault_plan){.classes = FAULT_WRITE, .nth = 1, .mode = FAULT_SHORT});
    assert_int_equal(pwrite(fd, text, LEN, 0), 512);
    (void)fault_disarm();
    fault_arm(FAULT_SYNC, 1, EIO);
    assert_int_equal(fsync(fd), -1);
    (void)fault_disarm();
    (void)close(fd);
}

static void only_what_happened_is_recorded_h3(void **state)
{
    scenario_assert_possible(state, short_and_failing_calls, false, "data", NULL, "a1024|b512a512");
}

static void maps_and_writes(void)
{
    int fd = scenario_open_data(0);
    char *map = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(map != MAP_FAILED);
    map[0] = 'b';
    assert_int_equal(munmap(map, LEN), 0);
    (void)close(fd);
}

static void writes_by_stdio(void)
{
    FILE *file = fopen("data", "r+e");
    assert_non_null(file);
    (void)fclose(file);
}

struct unseen {
    const struct tmpdir *dir;
    writer *write;
};

static int records_and_loads(void *context)
{
    const struct unseen *unseen = context;
    struct replay *replay = scenario_record(unseen->dir, unseen->write, false);
    replay_free(&replay);
    return 0;
}

static void a_log_with_a_hole_is_refused(void **state)
{
    static writer *const writers[] = {maps_and_writes, writes_by_stdio};
    for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
        struct death death = death_of(records_and_loads, &(struct unseen){*state, writers[i]}, 20);
        assert_false(death.is_exit);
        assert_int_equal(death.signal, SIGABRT);
    }
    struct death death =
        death_of(records_and_loads, &(struct unseen){*state, writes_and_tells}, 20);
    assert_true(death.is_exit && death.status == 0);
}

static void *writes_in_its_own_place(void *argument)
{
    int fd = scenario_open_data(0);
    char letter = *(const char *)argument;
    for (int i = 0; i < 50; i++) {
        scenario_put(fd, letter, 256, (off_t)(letter - 'b') * 256);
        if (i % 10 == 0 && fsync(fd) != 0)
            abort();
    }
    (void)close(fd);
    return NULL;
}

static void four_threads_write(void)
{
    static char letters[] = "bcde";
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, writes_in_its_own_place, &letters[i]),
                         0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    scenario_sync("data");
    recorder_mark(1);
}

static const char *check_threads(void *context, const char *dir, const struct replay_info *info)
{
    (void)context;
    char text[64];
    (void)scenario_summary(text, dir, "data");
    return info->acknowledged && strcmp(text, "b256c256d256e256") != 0 ? "lost" : NULL;
}

static void many_threads_are_recorded_in_the_order_of_the_disk_h1(void **state)
{
    struct replay *replay = scenario_record(*state, four_threads_write, false);
    replay_assert_random(replay, "threads", check_threads, NULL);
    assert_true(replay_num_operations(replay) > 200);
    replay_free(&replay);
}

static void the_same_seed_gives_the_same_state(void **state)
{
    struct replay *replay = scenario_record(*state, takes_two_pieces_for_one, false);
    char out[PATH_MAX];
    (void)tmpdir_path(out, *state, "out");
    for (uint64_t seed = 1; seed < 50; seed++) {
        struct replay_info first;
        struct replay_info again;
        char text[64];
        char text_again[64];
        replay_state(replay, &first, out, seed);
        (void)scenario_summary(text, out, "data");
        replay_state(replay, &again, out, seed);
        assert_string_equal(text, scenario_summary(text_again, out, "data"));
        assert_int_equal(first.cut, again.cut);
    }
    replay_free(&replay);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(known_defects_are_caught_and_their_repair_passes),
        CASE(a_descriptor_follows_its_file),
        CASE(after_a_sync_of_all_the_replay_equals_the_disk),
        CASE(only_what_happened_is_recorded_h3),
        CASE(a_log_with_a_hole_is_refused),
        CASE(many_threads_are_recorded_in_the_order_of_the_disk_h1),
        CASE(the_same_seed_gives_the_same_state),
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
