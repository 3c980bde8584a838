/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers with one well-known defect each, which the replayer must catch, beside their repaired
 * twins, which must pass; and the rules M1-M7 of replay_model.c one by one.
 */
#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/recorder.h"
#include "tests/support/replay.h"
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

enum {
    LEN = 1024 /* two pieces */
};

/* Runs in the root directory, which holds "config" and "data" with LEN times 'a', durable, and an
 * empty directory "sub". */
typedef void writer(void);

static void fill_file(const char *name, char letter)
{
    char text[LEN];
    memset(text, letter, sizeof(text));
    file_write(name, text, sizeof(text));
}

static struct replay *record(const struct tmpdir *dir, writer *write, bool journaled)
{
    static const struct replay_options plain = {0};
    static const struct replay_options ordered = {.journaled = true};
    char root[PATH_MAX];
    char log_path[PATH_MAX];
    (void)tmpdir_path(log_path, dir, "log");
    tree_remove(tmpdir_path(root, dir, "root"));
    assert_int_equal(mkdir(root, 0700), 0);
    assert_int_equal(chdir(root), 0);
    assert_int_equal(mkdir("sub", 0700), 0);
    fill_file("config", 'a');
    fill_file("data", 'a');
    recorder_start(".", log_path);
    write();
    recorder_stop();
    assert_int_equal(chdir("/"), 0);
    return replay_load(log_path, journaled ? &ordered : &plain);
}

static void sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fsync(fd), 0);
    assert_int_equal(close(fd), 0);
}

static void put(int fd, char letter, size_t len, off_t offset)
{
    char text[8 * LEN];
    memset(text, letter, sizeof(text));
    assert_true(len <= sizeof(text));
    assert_int_equal(pwrite(fd, text, len, offset), (ssize_t)len);
}

static int open_data(int flags)
{
    int fd = open("data", O_RDWR | O_CLOEXEC | flags, 0600);
    assert_true(fd >= 0);
    return fd;
}

/* What a file holds, as text: each run of a letter, zero bytes as '.', "absent", "empty". */
static const char *summary(char out[64], const char *dir, const char *name)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (!file_exists(path))
        return strcpy(out, "absent");
    uint8_t *bytes = NULL;
    size_t len = 0;
    file_read(&bytes, &len, path);
    size_t at = 0;
    (void)strcpy(out, "empty");
    for (size_t i = 0; i < len && at < 40;) {
        size_t run = i;
        while (run < len && bytes[run] == bytes[i])
            run++;
        at += (size_t)snprintf(out + at, 20, "%c%zu", bytes[i] ? bytes[i] : '.', run - i);
        i = run;
    }
    free(bytes);
    return out;
}

/* Collects the states that were seen; never finds fault. */
struct seen {
    const char *names[2]; /* files to look at */
    char states[64][160];
    size_t num_states;
};

static const char *collect(void *context, const char *dir, const struct replay_info *info)
{
    (void)info;
    struct seen *seen = context;
    char first[64];
    char second[64];
    char both[160];
    (void)snprintf(both, sizeof(both), "%s%s%s", summary(first, dir, seen->names[0]),
                   seen->names[1] ? " " : "",
                   seen->names[1] ? summary(second, dir, seen->names[1]) : "");
    for (size_t i = 0; i < seen->num_states; i++)
        if (strcmp(seen->states[i], both) == 0)
            return NULL;
    if (seen->num_states == ARRAY_LEN(seen->states))
        return "too many states";
    (void)strcpy(seen->states[seen->num_states++], both);
    return NULL;
}

/* Exactly these states, separated by '|', are possible after the writer: no fewer, no more. */
static void assert_possible(void **state, writer *write, bool journaled, const char *first,
                            const char *second, const char *expected)
{
    struct seen seen = {.names = {first, second}};
    struct replay *replay = record(*state, write, journaled);
    assert_int_equal(replay_all_cuts(replay, collect, &seen).bad, 0);
    assert_int_equal(replay_random(replay, 7, 600, collect, &seen).bad, 0);
    replay_free(&replay);
    size_t num_expected = 0;
    for (const char *at = expected; *at; num_expected++) {
        size_t len = strcspn(at, "|");
        bool found = false;
        for (size_t i = 0; i < seen.num_states; i++)
            found = found || (strncmp(seen.states[i], at, len) == 0 && seen.states[i][len] == 0);
        if (!found)
            fail_msg("never seen: %.*s", (int)len, at);
        at += len + (at[len] == '|');
    }
    if (seen.num_states != num_expected)
        for (size_t i = 0; i < seen.num_states; i++)
            print_error("seen: %s\n", seen.states[i]);
    assert_int_equal(seen.num_states, num_expected);
}

/* --- writers with a defect, and their twins */

static void writes_and_tells(void)
{
    int fd = open_data(0);
    put(fd, 'b', 512, 0);
    recorder_mark(1);
    (void)close(fd);
}

static void writes_syncs_and_tells(void)
{
    int fd = open_data(0);
    put(fd, 'b', 512, 0);
    assert_int_equal(fdatasync(fd), 0);
    recorder_mark(1);
    (void)close(fd);
}

static const char *check_data(void *context, const char *dir, const struct replay_info *info)
{
    (void)context;
    char text[64];
    (void)summary(text, dir, "data");
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
    put(fd, 'b', LEN, 0);
    if (syncs_file)
        assert_int_equal(fsync(fd), 0);
    (void)close(fd);
    assert_int_equal(rename("config.new", "config"), 0);
    if (syncs_directory)
        sync_path(".");
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
    (void)summary(text, dir, "config");
    if (strcmp(text, "b1024") == 0)
        return NULL;
    if (strcmp(text, "a1024") != 0)
        return "neither old nor new";
    return info->acknowledged ? "acknowledged change lost" : NULL;
}

static void takes_two_pieces_for_one(void)
{
    int fd = open_data(0);
    put(fd, 'b', LEN, 0);
    assert_int_equal(fsync(fd), 0);
    recorder_mark(1);
    (void)close(fd);
}

static void writes_beside_and_switches(void)
{
    int fd = open_data(0);
    put(fd, 'b', LEN, LEN); /* the second slot */
    assert_int_equal(fsync(fd), 0);
    fd = open("config", O_WRONLY | O_DSYNC | O_CLOEXEC);
    put(fd, '2', 1, 0); /* which slot counts: one byte cannot tear */
    recorder_mark(1);
    (void)close(fd);
}

static const char *check_whole(void *context, const char *dir, const struct replay_info *info)
{
    (void)context;
    char text[64];
    (void)summary(text, dir, "data");
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
    bool is_second = summary(config, dir, "config")[0] == '2';
    (void)summary(data, dir, "data");
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
        struct replay *bad = record(*state, pair->bad, pair->journaled);
        struct replay_result all = replay_all_cuts(bad, pair->check, NULL);
        struct replay_result random = replay_random(bad, 1, 300, pair->check, NULL);
        replay_free(&bad);
        if (all.bad == 0 || random.bad == 0 || strcmp(all.reason, pair->reason) != 0)
            fail_msg("%s: not caught (%u, %u: %s)", pair->name, all.bad, random.bad, all.reason);

        struct replay *good = record(*state, pair->good, pair->journaled);
        replay_assert_all_cuts(good, pair->check_good, NULL);
        replay_assert_random(good, pair->name, pair->check_good, NULL);
        replay_free(&good);
    }
}

/* --- the rules of the model */

static void two_unsynced_writes(void)
{
    int fd = open_data(0);
    put(fd, 'b', 512, 0);
    put(fd, 'c', 512, 512);
    (void)close(fd);
}

static void a_later_write_may_be_kept_without_an_earlier_one_m1(void **state)
{
    assert_possible(state, two_unsynced_writes, false, "data", NULL,
                    "a1024|b512a512|a512c512|b512c512");
}

static void two_writes_into_one_piece(void)
{
    int fd = open_data(0);
    put(fd, 'b', 100, 0);
    put(fd, 'c', 100, 100);
    (void)close(fd);
}

static void writes_into_one_piece_do_not_change_places_m1(void **state)
{
    assert_possible(state, two_writes_into_one_piece, false, "data", NULL,
                    "a1024|b100a924|b100c100a824");
}

static void unaligned_write(void)
{
    int fd = open_data(0);
    put(fd, 'b', 512, 256);
    (void)close(fd);
}

static void a_write_tears_at_512_bytes_of_the_file_m1(void **state)
{
    assert_possible(state, unaligned_write, false, "data", NULL,
                    "a1024|a256b256a512|a512b256a256|a256b512a256");
}

static void write_sync_write(void)
{
    int fd = open_data(0);
    put(fd, 'b', 512, 0);
    assert_int_equal(fsync(fd), 0);
    put(fd, 'c', 512, 0);
    (void)close(fd);
}

static void what_was_synced_is_never_lost_m2(void **state)
{
    struct replay *replay = record(*state, write_sync_write, false);
    char out[PATH_MAX];
    char text[64];
    (void)tmpdir_path(out, *state, "out");
    bool has_new = false;
    for (uint64_t seed = 1; seed < 200; seed++) {
        struct replay_info info;
        replay_state(replay, &info, out, seed);
        (void)summary(text, out, "data");
        if (info.cut >= 2)
            assert_int_not_equal(text[0], 'a');
        has_new = has_new || text[0] == 'c';
    }
    assert_true(has_new);
    replay_free(&replay);
}

static void durable_write_after_another(void)
{
    int fd = open_data(0);
    int durable = open_data(O_DSYNC);
    put(fd, 'b', 512, 0);
    put(durable, 'c', 512, 512);
    recorder_mark(1);
    (void)close(fd);
    (void)close(durable);
}

static const char *check_second_piece(void *context, const char *dir,
                                      const struct replay_info *info)
{
    char text[64];
    (void)summary(text, dir, "data");
    if (info->acknowledged && !strstr(text, "c512"))
        return "durable write lost";
    return collect(context, dir, info);
}

static void a_durable_write_does_not_carry_others_along_m2(void **state)
{
    struct seen seen = {.names = {"data"}};
    struct replay *replay = record(*state, durable_write_after_another, false);
    replay_assert_all_cuts(replay, check_second_piece, &seen);
    replay_free(&replay);
    assert_int_equal(seen.num_states, 4);
}

static void durable_write_of_two_pieces(void)
{
    int fd = open_data(O_SYNC);
    put(fd, 'b', LEN, 0);
    (void)close(fd);
}

static void the_power_may_fail_inside_a_durable_write_m7(void **state)
{
    assert_possible(state, durable_write_of_two_pieces, false, "data", NULL,
                    "a1024|b512a512|a512b512|b1024");
}

static void append(void)
{
    int fd = open("data", O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "bbbbbbbb", 8), 8);
    (void)close(fd);
}

static void sizes_and_data_go_separately_m3(void **state)
{
    assert_possible(state, append, false, "data", NULL, "a1024|a1024b8|a1024.8");
}

static void shrink_and_grow(void)
{
    int fd = open_data(0);
    assert_int_equal(ftruncate(fd, 512), 0);
    assert_int_equal(ftruncate(fd, 768), 0);
    (void)close(fd);
}

static void sizes_keep_their_order_m3(void **state)
{
    assert_possible(state, shrink_and_grow, false, "data", NULL, "a1024|a512|a512.256");
}

static void punch(void)
{
    int fd = open_data(0);
    assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 512), 0);
    assert_int_equal(fsync(fd), 0);
    recorder_mark(1);
    (void)close(fd);
}

static void a_hole_is_punched_or_not(void **state)
{
    assert_possible(state, punch, false, "data", NULL, "a1024|.512a512");
}

static void truncate_at_open(void)
{
    char letter[] = "b";
    int fd = open_data(O_TRUNC);
    assert_int_equal(writev(fd, (struct iovec[]){{letter, 1}, {letter, 1}}, 2), 2);
    assert_int_equal(fsync(fd), 0);
    (void)close(fd);
}

static void truncation_at_open_is_seen(void **state)
{
    assert_possible(state, truncate_at_open, false, "data", NULL, "a1024|empty|b2a1022|.2|b2");
}

static void create_and_sync_the_file(void)
{
    int fd = open("new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    put(fd, 'b', 8, 0);
    assert_int_equal(fsync(fd), 0);
    recorder_mark(1);
    (void)close(fd);
}

static const char *check_new(void *context, const char *dir, const struct replay_info *info)
{
    (void)context;
    char text[64];
    bool is_there = strcmp(summary(text, dir, "new"), "b8") == 0;
    return info->acknowledged && !is_there ? "new file lost" : NULL;
}

static void a_new_name_needs_its_directory_synced_m4(void **state)
{
    struct replay *replay = record(*state, create_and_sync_the_file, false);
    assert_true(replay_all_cuts(replay, check_new, NULL).bad > 0);
    replay_free(&replay);
}

static void a_journal_brings_the_name_along_m5(void **state)
{
    struct replay *replay = record(*state, create_and_sync_the_file, true);
    replay_assert_all_cuts(replay, check_new, NULL);
    replay_assert_random(replay, "journaled", check_new, NULL);
    replay_free(&replay);
}

static void rename_across_directories(void)
{
    assert_int_equal(rename("data", "sub/data"), 0);
}

static void a_rename_across_directories_may_be_halved_m4(void **state)
{
    assert_possible(state, rename_across_directories, false, "data", "sub/data",
                    "a1024 absent|absent a1024|a1024 a1024|absent absent");
    assert_possible(state, rename_across_directories, true, "data", "sub/data",
                    "a1024 absent|absent a1024");
}

static void rename_across_directories_and_sync_one(void)
{
    assert_int_equal(rename("data", "sub/data"), 0);
    sync_path("sub");
    recorder_mark(1);
}

static const char *check_moved(void *context, const char *dir, const struct replay_info *info)
{
    char text[64];
    (void)summary(text, dir, "sub/data");
    if (info->acknowledged && strcmp(text, "a1024") != 0)
        return "synced directory lost its name";
    return info->acknowledged ? collect(context, dir, info) : NULL;
}

static void each_directory_is_synced_for_itself_m4(void **state)
{
    struct seen seen = {.names = {"data"}};
    struct replay *replay = record(*state, rename_across_directories_and_sync_one, false);
    replay_assert_random(replay, "two directories", check_moved, &seen);
    replay_free(&replay);
    assert_int_equal(seen.num_states, 2);
}

static void two_renames(void)
{
    assert_int_equal(rename("data", "one"), 0);
    assert_int_equal(rename("config", "two"), 0);
}

static void names_keep_their_order_in_a_journal_only_m5(void **state)
{
    assert_possible(state, two_renames, false, "one", "two",
                    "absent absent|a1024 absent|absent a1024|a1024 a1024");
    assert_possible(state, two_renames, true, "one", "two",
                    "absent absent|a1024 absent|a1024 a1024");
}

static void write_after_rename_and_unlink(void)
{
    int fd = open_data(0);
    assert_int_equal(rename("data", "moved"), 0);
    sync_path(".");
    put(fd, 'b', LEN, 0);
    assert_int_equal(fsync(fd), 0);
    assert_int_equal(unlink("config"), 0);
    int config = open("config", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    put(config, 'c', 8, 0);
    assert_int_equal(fsync(config), 0);
    sync_path(".");
    recorder_mark(1);
    (void)close(fd);
    (void)close(config);
}

static const char *check_descriptors(void *context, const char *dir, const struct replay_info *info)
{
    (void)context;
    char moved[64];
    char config[64];
    (void)summary(moved, dir, "moved");
    (void)summary(config, dir, "config");
    if (!info->acknowledged)
        return NULL;
    return strcmp(moved, "b1024") == 0 && strcmp(config, "c8") == 0 ? NULL : "wrong file";
}

static void a_descriptor_follows_its_file(void **state)
{
    struct replay *replay = record(*state, write_after_rename_and_unlink, false);
    replay_assert_all_cuts(replay, check_descriptors, NULL);
    replay_free(&replay);
}

static void everything_there_is(void)
{
    assert_int_equal(mkdir("sub/deep", 0700), 0);
    int fd = open("sub/deep/file", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    put(fd, 'd', 5000, 100);
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
    char name[] = "madeXXXXXX";
    int made = mkostemp(name, O_CLOEXEC);
    assert_int_equal(unlink(name), 0);
    put(made, 'z', 10, 0);
    int nameless = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    put(nameless, 't', 10, 0);
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", nameless);
    assert_int_equal(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
    assert_int_equal(rmdir("sub"), 0);
    assert_int_equal(syncfs(fd), 0);
    recorder_mark(1);
    (void)close(fd);
    (void)close(200);
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
    struct replay *replay = record(*state, everything_there_is, false);
    replay_assert_all_cuts(replay, compare_with_disk, *state);
    replay_free(&replay);
    replay = record(*state, everything_there_is, true);
    replay_assert_all_cuts(replay, compare_with_disk, *state);
    replay_free(&replay);
}

static void short_and_failing_calls(void)
{
    int fd = open_data(0);
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
    assert_possible(state, short_and_failing_calls, false, "data", NULL, "a1024|b512a512");
}

static void maps_and_writes(void)
{
    int fd = open_data(0);
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

/* --- what cannot be trusted; threads; seeds */

struct unseen {
    const struct tmpdir *dir;
    writer *write;
};

static int records_and_loads(void *context)
{
    const struct unseen *unseen = context;
    struct replay *replay = record(unseen->dir, unseen->write, false);
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
    struct death death = death_of(records_and_loads, &(struct unseen){*state, append}, 20);
    assert_true(death.is_exit && death.status == 0);
}

static void *writes_in_its_own_place(void *argument)
{
    int fd = open_data(0);
    char letter = *(const char *)argument;
    for (int i = 0; i < 50; i++) {
        put(fd, letter, 256, (letter - 'b') * 256);
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
    sync_path("data");
    recorder_mark(1);
}

static const char *check_threads(void *context, const char *dir, const struct replay_info *info)
{
    (void)context;
    char text[64];
    (void)summary(text, dir, "data");
    return info->acknowledged && strcmp(text, "b256c256d256e256") != 0 ? "lost" : NULL;
}

static void many_threads_are_recorded_in_the_order_of_the_disk_h1(void **state)
{
    struct replay *replay = record(*state, four_threads_write, false);
    replay_assert_random(replay, "threads", check_threads, NULL);
    assert_true(replay_num_operations(replay) > 4 * 50);
    replay_free(&replay);
}

static void the_same_seed_gives_the_same_state(void **state)
{
    struct replay *replay = record(*state, two_unsynced_writes, false);
    char out[PATH_MAX];
    (void)tmpdir_path(out, *state, "out");
    for (uint64_t seed = 1; seed < 50; seed++) {
        struct replay_info first;
        struct replay_info again;
        char text[64];
        char text_again[64];
        replay_state(replay, &first, out, seed);
        (void)summary(text, out, "data");
        replay_state(replay, &again, out, seed);
        assert_string_equal(text, summary(text_again, out, "data"));
        assert_int_equal(first.cut, again.cut);
    }
    replay_free(&replay);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(known_defects_are_caught_and_their_repair_passes),
        CASE(a_later_write_may_be_kept_without_an_earlier_one_m1),
        CASE(writes_into_one_piece_do_not_change_places_m1),
        CASE(a_write_tears_at_512_bytes_of_the_file_m1),
        CASE(what_was_synced_is_never_lost_m2),
        CASE(a_durable_write_does_not_carry_others_along_m2),
        CASE(the_power_may_fail_inside_a_durable_write_m7),
        CASE(sizes_and_data_go_separately_m3),
        CASE(sizes_keep_their_order_m3),
        CASE(a_hole_is_punched_or_not),
        CASE(truncation_at_open_is_seen),
        CASE(a_new_name_needs_its_directory_synced_m4),
        CASE(a_journal_brings_the_name_along_m5),
        CASE(a_rename_across_directories_may_be_halved_m4),
        CASE(each_directory_is_synced_for_itself_m4),
        CASE(names_keep_their_order_in_a_journal_only_m5),
        CASE(a_descriptor_follows_its_file),
        CASE(after_a_sync_of_all_the_replay_equals_the_disk),
        CASE(only_what_happened_is_recorded_h3),
        CASE(a_log_with_a_hole_is_refused),
        CASE(many_threads_are_recorded_in_the_order_of_the_disk_h1),
        CASE(the_same_seed_gives_the_same_state),
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
