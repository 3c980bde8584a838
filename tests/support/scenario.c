/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/scenario.h"

#include "tests/support/recorder.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void fill_file(const char *name, char letter)
{
    char text[LEN];
    memset(text, letter, sizeof(text));
    file_write(name, text, sizeof(text));
}

struct replay *scenario_record(const struct tmpdir *dir, writer *write, bool journaled)
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

void scenario_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fsync(fd), 0);
    assert_int_equal(close(fd), 0);
}

void scenario_put(int fd, char letter, size_t len, off_t offset)
{
    char text[8 * LEN];
    memset(text, letter, sizeof(text));
    assert_true(len <= sizeof(text));
    assert_int_equal(pwrite(fd, text, len, offset), (ssize_t)len);
}

int scenario_open_data(int flags)
{
    int fd = open("data", O_RDWR | O_CLOEXEC | flags, 0600);
    assert_true(fd >= 0);
    return fd;
}

const char *scenario_summary(char out[64], const char *dir, const char *name)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    (void)snprintf(out, 64, "absent");
    if (!file_exists(path))
        return out;
    uint8_t *bytes = NULL;
    size_t len = 0;
    file_read(&bytes, &len, path);
    size_t at = 0;
    (void)snprintf(out, 64, "empty");
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

const char *scenario_collect(void *context, const char *dir, const struct replay_info *info)
{
    (void)info;
    struct scenario_seen *seen = context;
    char first[64];
    char second[64];
    char both[160];
    (void)snprintf(both, sizeof(both), "%s%s%s", scenario_summary(first, dir, seen->names[0]),
                   seen->names[1] ? " " : "",
                   seen->names[1] ? scenario_summary(second, dir, seen->names[1]) : "");
    for (size_t i = 0; i < seen->num_states; i++)
        if (strcmp(seen->states[i], both) == 0)
            return NULL;
    if (seen->num_states == ARRAY_LEN(seen->states))
        return "too many states";
    memcpy(seen->states[seen->num_states++], both, sizeof(both));
    return NULL;
}

void scenario_assert_possible(void **state, writer *write, bool journaled, const char *first,
                              const char *second, const char *expected)
{
    struct scenario_seen seen = {.names = {first, second}};
    struct replay *replay = scenario_record(*state, write, journaled);
    assert_int_equal(replay_all_cuts(replay, scenario_collect, &seen).bad, 0);
    assert_int_equal(replay_random(replay, 7, 600, scenario_collect, &seen).bad, 0);
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
