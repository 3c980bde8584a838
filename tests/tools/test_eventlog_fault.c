/* SPDX-License-Identifier: Apache-2.0 */
/* Every call into the system that fails, and the power that goes, under the event log. */
#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/recorder.h"
#include "tests/support/replay.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include "tools/glue/eventlog.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct glue_eventlog_options options_in(const char *directory)
{
    struct glue_eventlog_options options = glue_eventlog_options_default();
    options.directory = directory;
    options.tool = "replic";
    options.node = "node-1";
    options.max_bytes = 900; /* some six events a file */
    options.max_files = 1000;
    return options;
}

static int write_numbered(struct glue_eventlog *log, unsigned number, uint64_t *seq)
{
    char reason[500];
    /* Of different lengths, so that lines lie across the pieces of 512 bytes in every way. */
    (void)snprintf(reason, sizeof(reason), "number %u %.*s", number, (int)(number * 37 % 300),
                   "...................................................................."
                   "...................................................................."
                   "...................................................................."
                   "...................................................................."
                   "....................................................................");
    const struct glue_event event = {.name = "Something", .reason = reason};
    return glue_eventlog_write(log, seq, &event);
}

/* The numbers of the events that can be read, as a set; false when one is there twice, or out of
 * order. */
static bool read_numbers(const char *directory, uint64_t *set)
{
    struct glue_eventlog_reader *reader = NULL;
    *set = 0;
    if (glue_eventlog_reader_open(&reader, directory))
        return false;
    bool is_good = true;
    unsigned long last = 0;
    long long last_seq = 0;
    for (;;) {
        json_t *event = NULL;
        if (glue_eventlog_reader_next(reader, &event))
            is_good = false;
        if (!event)
            break;
        const char *reason = json_string_value(json_object_get(event, "reason"));
        long long seq = json_integer_value(json_object_get(event, "seq"));
        unsigned long number = reason ? strtoul(reason + strlen("number "), NULL, 10) : 0;
        if (number <= last || number > 63 || seq <= last_seq)
            is_good = false;
        else
            *set |= 1ULL << number;
        last = number;
        last_seq = seq;
        json_decref(event);
    }
    glue_eventlog_reader_close(&reader);
    return is_good;
}

static const struct {
    unsigned class;
    int error;
    enum fault_mode mode;
} faults[] = {
    {FAULT_MALLOC, ENOMEM, FAULT_ONCE},
    {FAULT_OPEN, EMFILE, FAULT_ONCE},
    {FAULT_READ, EIO, FAULT_ONCE},
    {FAULT_READ, EINTR, FAULT_ONCE},
    {FAULT_READ, EIO, FAULT_SHORT},
    {FAULT_WRITE, ENOSPC, FAULT_ONCE},
    {FAULT_WRITE, EINTR, FAULT_ONCE},
    {FAULT_WRITE, EIO, FAULT_SHORT},
    {FAULT_WRITE, ENOSPC, FAULT_SHORT_THEN_FAIL},
    {FAULT_SYNC, EIO, FAULT_ONCE},
    {FAULT_SYNC, EIO, FAULT_FROM_THEN_ON},
    {FAULT_METADATA, EIO, FAULT_ONCE},
    {FAULT_FLOCK, ENOLCK, FAULT_ONCE},
};

/* A first write, one into a log that is there, one that rotates: it fails and leaves no trace, or
 * it is there; and the next write works. */
static void writing_survives_every_failing_call(void **state)
{
    struct tmpdir *dir = *state;
    static const unsigned already[] = {0, 3, 6};
    for (size_t i = 0; i < ARRAY_LEN(faults) * ARRAY_LEN(already); i++) {
        unsigned before = already[i % ARRAY_LEN(already)];
        size_t f = i / ARRAY_LEN(already);
        FAULT_EACH (loop, faults[f].class, faults[f].mode, faults[f].error) {
            loop.may_be_absent = faults[f].class;
            tree_remove(dir->path);
            assert_int_equal(mkdir(dir->path, 0700), 0);
            struct glue_eventlog_options options = options_in(dir->path);
            struct glue_eventlog *log = NULL;
            assert_int_equal(glue_eventlog_open(&log, &options), 0);
            for (unsigned number = 1; number <= before; number++)
                assert_int_equal(write_numbered(log, number, NULL), 0);

            uint64_t seq = 99;
            fault_loop_arm(&loop);
            int error = write_numbered(log, before + 1, &seq);
            bool fired = fault_loop_disarm(&loop);
            if (!fired)
                assert_int_equal(error, 0);
            assert_true(seq == (error ? 0 : before + 1));
            if (error && faults[f].class != FAULT_MALLOC)
                assert_int_equal(glue_eventlog_native_error(log), faults[f].error);
            assert_int_equal(write_numbered(log, before + 2, NULL), 0);
            glue_eventlog_close(&log);

            uint64_t expected = ((1ULL << before) - 1) << 1 | 1ULL << (before + 2);
            uint64_t tried = 1ULL << (before + 1);
            uint64_t found = 0;
            assert_true(read_numbers(dir->path, &found));
            if (!error)
                assert_true(found == (expected | tried));
            else if (faults[f].class == FAULT_SYNC) /* it may be there: the sync came last */
                assert_true((found & ~tried) == expected);
            else
                assert_true(found == expected);
        }
    }
}

static void reading_survives_every_failing_call(void **state)
{
    struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir->path);
    struct glue_eventlog *log = NULL;
    assert_int_equal(glue_eventlog_open(&log, &options), 0);
    for (unsigned number = 1; number <= 20; number++)
        assert_int_equal(write_numbered(log, number, NULL), 0);
    glue_eventlog_close(&log);
    uint64_t all = ((1ULL << 20) - 1) << 1;
    FAULT_EACH (loop, FAULT_OPEN | FAULT_READ, FAULT_ONCE, EIO) {
        uint64_t found = 0;
        fault_loop_arm(&loop);
        bool is_good = read_numbers(dir->path, &found);
        bool fired = fault_loop_disarm(&loop);
        /* Never a gap that looks like success. */
        assert_true(is_good ? found == all : fired);
    }
}

enum {
    NUM_EVENTS = 30
};

static const char *check_state(void *context, const char *directory, const struct replay_info *info)
{
    (void)context;
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/store", directory) >= (int)sizeof(path))
        return "the path is too long";
    uint64_t found = 0;
    if (!read_numbers(path, &found))
        return "the log cannot be read, or is out of order";
    for (unsigned number = 1; number <= info->acknowledged; number++) {
        if (!(found & 1ULL << number))
            return "an acknowledged event is lost";
    }
    struct glue_eventlog_options options = options_in(path);
    struct glue_eventlog *log = NULL;
    uint64_t seq = 0;
    if (glue_eventlog_open(&log, &options))
        return "the log cannot be opened";
    int error = write_numbered(log, 60, &seq);
    glue_eventlog_close(&log);
    if (error)
        return "the log cannot be written to";
    if (seq <= info->acknowledged)
        return "the number of an acknowledged event is given again";
    uint64_t after = 0;
    if (!read_numbers(path, &after) || after != (found | 1ULL << 60))
        return "a write changed what was there";
    return NULL;
}

static void power_loss_loses_no_acknowledged_event(void **state)
{
    const struct tmpdir *dir = *state;
    char root[PATH_MAX];
    char store[PATH_MAX];
    char log_path[PATH_MAX];
    tmpdir_path(root, dir, "root");
    tmpdir_path(store, dir, "root/store");
    tmpdir_path(log_path, dir, "log");
    assert_int_equal(mkdir(root, 0700), 0);
    assert_int_equal(mkdir(store, 0700), 0);

    recorder_start(root, log_path);
    struct glue_eventlog_options options = options_in(store);
    for (unsigned number = 1; number <= NUM_EVENTS; number++) {
        struct glue_eventlog *log = NULL;
        assert_int_equal(glue_eventlog_open(&log, &options), 0);
        assert_int_equal(write_numbered(log, number, NULL), 0);
        recorder_mark(number);
        glue_eventlog_close(&log);
    }
    recorder_stop();

    struct replay *replay = replay_load(log_path, &(struct replay_options){0});
    replay_assert_random(replay, "event log", check_state, NULL);
    replay_assert_all_cuts(replay, check_state, NULL);
    replay_free(&replay);
}

static const char *check_second(void *context, const char *directory,
                                const struct replay_info *info)
{
    (void)context;
    char path[PATH_MAX];
    uint64_t found = 0;
    if (snprintf(path, sizeof(path), "%s/store", directory) >= (int)sizeof(path))
        return "the path is too long";
    if (!read_numbers(path, &found))
        return "the log cannot be read";
    return info->acknowledged == 2 && !(found & 1ULL << 2) ? "the second event is lost" : NULL;
}

/* Many file systems give the next file the inode number of the one that was just removed. */
static void a_log_that_was_removed_by_hand_is_synced_anew(void **state)
{
    const struct tmpdir *dir = *state;
    char root[PATH_MAX];
    char store[PATH_MAX];
    char log_path[PATH_MAX];
    char file[PATH_MAX];
    assert_int_equal(mkdir(tmpdir_path(root, dir, "root"), 0700), 0);
    assert_int_equal(mkdir(tmpdir_path(store, dir, "root/store"), 0700), 0);
    recorder_start(root, tmpdir_path(log_path, dir, "log"));
    struct glue_eventlog_options options = options_in(store);
    struct glue_eventlog *log = NULL;
    assert_int_equal(glue_eventlog_open(&log, &options), 0);
    assert_int_equal(write_numbered(log, 1, NULL), 0);
    recorder_mark(1);
    assert_int_equal(unlink(tmpdir_path(file, dir, "root/store/events.jsonl")), 0);
    assert_int_equal(write_numbered(log, 2, NULL), 0);
    recorder_mark(2);
    glue_eventlog_close(&log);
    recorder_stop();
    struct replay *replay = replay_load(log_path, &(struct replay_options){0});
    replay_assert_all_cuts(replay, check_second, NULL);
    replay_free(&replay);
}

/* A reader without memory says so, or tells all. */
static void reading_without_memory_hides_nothing(void **state)
{
    struct tmpdir *dir = *state;
    struct glue_eventlog_options options = options_in(dir->path);
    struct glue_eventlog *log = NULL;
    assert_int_equal(glue_eventlog_open(&log, &options), 0);
    for (unsigned number = 1; number <= 8; number++)
        assert_int_equal(write_numbered(log, number, NULL), 0);
    glue_eventlog_close(&log);
    uint64_t all = ((1ULL << 8) - 1) << 1;
    static const enum fault_mode modes[] = {FAULT_ONCE, FAULT_FROM_THEN_ON};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        FAULT_EACH (loop, FAULT_MALLOC, modes[i], ENOMEM) {
            uint64_t found = 0;
            fault_loop_arm(&loop);
            bool is_good = read_numbers(dir->path, &found);
            bool fired = fault_loop_disarm(&loop);
            assert_true(is_good ? found == all : fired);
        }
    }
}

enum {
    EVENTS_BEFORE = 5, /* the next one rotates */
    DISK_CALLS = FAULT_WRITE | FAULT_SYNC | FAULT_METADATA | FAULT_OPEN
};

struct kill_case {
    const char *root;
    const char *store;
    const char *log_path;
    unsigned before;
    unsigned nth;
};

/* One process: writes `before` events, and is killed in place of the nth disk call of the next. */
static int write_and_be_killed(void *context)
{
    const struct kill_case *test = context;
    recorder_start(test->root, test->log_path);
    struct glue_eventlog_options options = options_in(test->store);
    struct glue_eventlog *log = NULL;
    if (glue_eventlog_open(&log, &options))
        return 2;
    for (unsigned number = 1; number <= test->before; number++) {
        if (write_numbered(log, number, NULL))
            return 2;
        recorder_mark(number);
    }
    fault_arm_plan(&(struct fault_plan){
        .classes = DISK_CALLS, .nth = test->nth, .error = EIO, .mode = FAULT_KILL});
    int error = write_numbered(log, test->before + 1, NULL);
    (void)fault_disarm();
    return error ? 2 : 0;
}

/* The next process: all of its event is acknowledged. */
static int write_after_the_kill(void *context)
{
    const struct kill_case *test = context;
    recorder_join(test->root, test->log_path);
    struct glue_eventlog_options options = options_in(test->store);
    struct glue_eventlog *log = NULL;
    if (glue_eventlog_open(&log, &options) || write_numbered(log, test->before + 2, NULL))
        return 2;
    recorder_mark(test->before + 2);
    return 0;
}

static const char *check_after_the_kill(void *context, const char *directory,
                                        const struct replay_info *info)
{
    const struct kill_case *test = context;
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/store", directory) >= (int)sizeof(path))
        return "the path is too long";
    uint64_t found = 0;
    if (!read_numbers(path, &found))
        return "the log cannot be read, or is out of order";
    for (unsigned number = 1; number <= info->acknowledged; number++) {
        /* The one of the killed writer was never acknowledged. */
        if (number != test->before + 1 && !(found & 1ULL << number))
            return "an acknowledged event is lost";
    }
    return NULL;
}

static void a_kill_at_any_call_and_a_power_loss_later_lose_nothing(void **state)
{
    const struct tmpdir *dir = *state;
    char root[PATH_MAX];
    char store[PATH_MAX];
    char log_path[PATH_MAX];
    tmpdir_path(root, dir, "root");
    tmpdir_path(store, dir, "root/store");
    tmpdir_path(log_path, dir, "log");
    static const unsigned already[] = {0, 2, EVENTS_BEFORE};
    unsigned kills = 0;
    for (size_t i = 0; i < ARRAY_LEN(already); i++) {
        for (unsigned nth = 1;; nth++) {
            struct kill_case test = {root, store, log_path, already[i], nth};
            tree_remove(root);
            assert_int_equal(mkdir(root, 0700), 0);
            assert_int_equal(mkdir(store, 0700), 0);
            struct death first = death_of(write_and_be_killed, &test, 20);
            if (first.is_exit) {
                assert_int_equal(first.status, 0);
                break;
            }
            assert_int_equal(first.signal, SIGKILL);
            kills++;
            struct death second = death_of(write_after_the_kill, &test, 20);
            assert_true(second.is_exit);
            assert_int_equal(second.status, 0);
            struct replay *replay = replay_load(log_path, &(struct replay_options){0});
            replay_assert_all_cuts(replay, check_after_the_kill, &test);
            replay_free(&replay);
        }
    }
    assert_true(kills > 12);
}

#define IN_TMPDIR(test) cmocka_unit_test_setup_teardown(test, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TMPDIR(writing_survives_every_failing_call),
        IN_TMPDIR(reading_survives_every_failing_call),
        IN_TMPDIR(power_loss_loses_no_acknowledged_event),
        IN_TMPDIR(a_log_that_was_removed_by_hand_is_synced_anew),
        IN_TMPDIR(reading_without_memory_hides_nothing),
        IN_TMPDIR(a_kill_at_any_call_and_a_power_loss_later_lose_nothing),
    };
    return cmocka_run_group_tests_name("eventlog_fault", tests, NULL, NULL);
}
