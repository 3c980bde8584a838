/* SPDX-License-Identifier: Apache-2.0 */
/* The rules M1-M7 of replay_model.c, one by one. */
#include "tests/support/record.h"
#include "tests/support/recorder.h"
#include "tests/support/replay.h"
#include "tests/support/scenario.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static void two_unsynced_writes(void)
{
    int fd = scenario_open_data(0);
    scenario_put(fd, 'b', 512, 0);
    scenario_put(fd, 'c', 512, 512);
    (void)close(fd);
}

static void a_later_write_may_be_kept_without_an_earlier_one_m1(void **state)
{
    scenario_assert_possible(state, two_unsynced_writes, false, "data", NULL,
                             "a1024|b512a512|a512c512|b512c512");
}

static void two_writes_into_one_piece(void)
{
    int fd = scenario_open_data(0);
    scenario_put(fd, 'b', 100, 0);
    scenario_put(fd, 'c', 100, 100);
    (void)close(fd);
}

static void writes_into_one_piece_do_not_change_places_m1(void **state)
{
    scenario_assert_possible(state, two_writes_into_one_piece, false, "data", NULL,
                             "a1024|b100a924|b100c100a824");
}

static void unaligned_write(void)
{
    int fd = scenario_open_data(0);
    scenario_put(fd, 'b', 512, 256);
    (void)close(fd);
}

static void a_write_tears_at_512_bytes_of_the_file_m1(void **state)
{
    scenario_assert_possible(state, unaligned_write, false, "data", NULL,
                             "a1024|a256b256a512|a512b256a256|a256b512a256");
}

static void write_of_three_pieces(void)
{
    int fd = scenario_open_data(0);
    scenario_put(fd, 'b', 512 * 3L, 0);
    (void)close(fd);
}

static void random_tearing_reaches_every_combination_m1(void **state)
{
    struct scenario_seen seen = {.names = {"data"}};
    struct replay *replay = scenario_record(*state, write_of_three_pieces, false);
    assert_int_equal(replay_random(replay, 1, 600, scenario_collect, &seen).bad, 0);
    replay_free(&replay);
    /* Two pieces each old or new, the third beyond the end: not there, zeroes, or new. */
    assert_int_equal(seen.num_states, 2 * 2 * 3);
}

static void write_sync_write(void)
{
    int fd = scenario_open_data(0);
    scenario_put(fd, 'b', 512, 0);
    assert_int_equal(fsync(fd), 0);
    scenario_put(fd, 'c', 512, 0);
    (void)close(fd);
}

/* Collects the states after the last operation in which the first content is still there. */
static const char *old_at_the_end(void *context, const char *dir, const struct replay_info *info)
{
    char text[64];
    if (info->cut < info->num_operations || scenario_summary(text, dir, "data")[0] != 'a')
        return NULL;
    return scenario_collect(context, dir, info);
}

static void what_was_synced_is_never_lost_m2(void **state)
{
    struct replay *replay = scenario_record(*state, write_sync_write, false);
    char out[PATH_MAX];
    char text[64];
    (void)tmpdir_path(out, *state, "out");
    bool has_new = false;
    for (uint64_t seed = 1; seed < 200; seed++) {
        struct replay_info info;
        replay_state(replay, &info, out, seed);
        (void)scenario_summary(text, out, "data");
        if (info.cut >= 2)
            assert_int_not_equal(text[0], 'a');
        has_new = has_new || text[0] == 'c';
    }
    assert_true(has_new);
    replay_free(&replay);
}

/* As if the sync had begun before the write: the log is changed to say so. */
static void a_sync_does_not_cover_what_came_while_it_ran_m2(void **state)
{
    char log_path[PATH_MAX];
    uint8_t *log = NULL;
    size_t len = 0;
    struct replay *replay = scenario_record(*state, write_sync_write, false);
    replay_free(&replay);
    file_read(&log, &len, tmpdir_path(log_path, *state, "log"));
    struct record record;
    size_t first_write = 0;
    for (size_t at = 0; at < len; at += sizeof(record) + record.data_len) {
        memcpy(&record, log + at, sizeof(record));
        if (record.kind == RECORD_WRITE && first_write == 0)
            first_write = at;
        if (record.kind != RECORD_SYNC)
            continue;
        assert_true(record.value > first_write);
        record.value = first_write;
        memcpy(log + at, &record, sizeof(record));
    }
    file_write(log_path, log, len);
    free(log);
    struct scenario_seen before = {.names = {"data"}};
    replay = replay_load(log_path, &(struct replay_options){0});
    assert_int_equal(replay_random(replay, 1, 300, old_at_the_end, &before).bad, 0);
    assert_true(before.num_states > 0);
    replay_free(&replay);
}

static void durable_write_after_another(void)
{
    int fd = scenario_open_data(0);
    int durable = scenario_open_data(O_DSYNC);
    scenario_put(fd, 'b', 512, 0);
    scenario_put(durable, 'c', 512, LEN);
    recorder_mark(1);
    (void)close(fd);
    (void)close(durable);
}

static const char *check_second_piece(void *context, const char *dir,
                                      const struct replay_info *info)
{
    char text[64];
    (void)scenario_summary(text, dir, "data");
    if (info->acknowledged && !strstr(text, "c512"))
        return "durable write lost";
    return scenario_collect(context, dir, info);
}

static void a_durable_write_does_not_carry_others_along_m2(void **state)
{
    struct scenario_seen seen = {.names = {"data"}};
    struct replay *replay = scenario_record(*state, durable_write_after_another, false);
    replay_assert_all_cuts(replay, check_second_piece, &seen);
    replay_free(&replay);
    assert_int_equal(seen.num_states, 6); /* the first write or not; the second or zeroes or not */
}

static void durable_write_of_two_pieces(void)
{
    int fd = scenario_open_data(O_SYNC);
    scenario_put(fd, 'b', LEN, 0);
    (void)close(fd);
}

static void the_power_may_fail_inside_a_durable_write_m7(void **state)
{
    scenario_assert_possible(state, durable_write_of_two_pieces, false, "data", NULL,
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
    scenario_assert_possible(state, append, false, "data", NULL, "a1024|a1024b8|a1024.8");
}

static void shrink_and_grow(void)
{
    int fd = scenario_open_data(0);
    assert_int_equal(ftruncate(fd, 512), 0);
    assert_int_equal(ftruncate(fd, 768), 0);
    (void)close(fd);
}

static void sizes_keep_their_order_m3(void **state)
{
    scenario_assert_possible(state, shrink_and_grow, false, "data", NULL, "a1024|a512|a512.256");
}

static void punch(void)
{
    int fd = scenario_open_data(0);
    assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 512), 0);
    assert_int_equal(fsync(fd), 0);
    recorder_mark(1);
    (void)close(fd);
}

static void a_hole_is_punched_or_not(void **state)
{
    scenario_assert_possible(state, punch, false, "data", NULL, "a1024|.512a512");
}

static void truncate_at_open(void)
{
    char letter[] = "b";
    int fd = scenario_open_data(O_TRUNC);
    assert_int_equal(writev(fd, (struct iovec[]){{letter, 1}, {letter, 1}}, 2), 2);
    assert_int_equal(fsync(fd), 0);
    (void)close(fd);
}

static void truncation_at_open_is_seen(void **state)
{
    scenario_assert_possible(state, truncate_at_open, false, "data", NULL,
                             "a1024|empty|b2a1022|.2|b2");
}

static void create_and_sync_the_file(void)
{
    int fd = open("new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    scenario_put(fd, 'b', 8, 0);
    assert_int_equal(fsync(fd), 0);
    recorder_mark(1);
    (void)close(fd);
}

static const char *check_new(void *context, const char *dir, const struct replay_info *info)
{
    (void)context;
    char text[64];
    bool is_there = strcmp(scenario_summary(text, dir, "new"), "b8") == 0;
    return info->acknowledged && !is_there ? "new file lost" : NULL;
}

static void a_new_name_needs_its_directory_synced_m4(void **state)
{
    struct replay *replay = scenario_record(*state, create_and_sync_the_file, false);
    assert_true(replay_all_cuts(replay, check_new, NULL).bad > 0);
    replay_free(&replay);
}

static void a_journal_brings_the_name_along_m5(void **state)
{
    struct replay *replay = scenario_record(*state, create_and_sync_the_file, true);
    replay_assert_all_cuts(replay, check_new, NULL);
    replay_assert_random(replay, "journaled", check_new, NULL);
    replay_free(&replay);
}

static void rename_within_a_directory(void)
{
    assert_int_equal(rename("data", "moved"), 0);
}

static void a_rename_within_a_directory_is_never_halved_m4(void **state)
{
    scenario_assert_possible(state, rename_within_a_directory, false, "data", "moved",
                             "a1024 absent|absent a1024");
}

static void rename_across_directories(void)
{
    assert_int_equal(rename("data", "sub/data"), 0);
}

static void a_rename_across_directories_may_be_halved_m4(void **state)
{
    scenario_assert_possible(state, rename_across_directories, false, "data", "sub/data",
                             "a1024 absent|absent a1024|a1024 a1024|absent absent");
    scenario_assert_possible(state, rename_across_directories, true, "data", "sub/data",
                             "a1024 absent|absent a1024");
}

static void rename_across_directories_and_sync_one(void)
{
    assert_int_equal(rename("data", "sub/data"), 0);
    scenario_sync("sub");
    recorder_mark(1);
}

static const char *check_moved(void *context, const char *dir, const struct replay_info *info)
{
    char text[64];
    (void)scenario_summary(text, dir, "sub/data");
    if (info->acknowledged && strcmp(text, "a1024") != 0)
        return "synced directory lost its name";
    return info->acknowledged ? scenario_collect(context, dir, info) : NULL;
}

static void each_directory_is_synced_for_itself_m4(void **state)
{
    struct scenario_seen seen = {.names = {"data"}};
    struct replay *replay = scenario_record(*state, rename_across_directories_and_sync_one, false);
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
    scenario_assert_possible(state, two_renames, false, "one", "two",
                             "absent absent|a1024 absent|absent a1024|a1024 a1024");
    scenario_assert_possible(state, two_renames, true, "one", "two",
                             "absent absent|a1024 absent|a1024 a1024");
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_later_write_may_be_kept_without_an_earlier_one_m1),
        CASE(writes_into_one_piece_do_not_change_places_m1),
        CASE(a_write_tears_at_512_bytes_of_the_file_m1),
        CASE(random_tearing_reaches_every_combination_m1),
        CASE(what_was_synced_is_never_lost_m2),
        CASE(a_sync_does_not_cover_what_came_while_it_ran_m2),
        CASE(a_durable_write_does_not_carry_others_along_m2),
        CASE(the_power_may_fail_inside_a_durable_write_m7),
        CASE(sizes_and_data_go_separately_m3),
        CASE(sizes_keep_their_order_m3),
        CASE(a_hole_is_punched_or_not),
        CASE(truncation_at_open_is_seen),
        CASE(a_new_name_needs_its_directory_synced_m4),
        CASE(a_journal_brings_the_name_along_m5),
        CASE(a_rename_within_a_directory_is_never_halved_m4),
        CASE(a_rename_across_directories_may_be_halved_m4),
        CASE(each_directory_is_synced_for_itself_m4),
        CASE(names_keep_their_order_in_a_journal_only_m5),
    };
    return cmocka_run_group_tests_name("replay_model", tests, NULL, NULL);
}
