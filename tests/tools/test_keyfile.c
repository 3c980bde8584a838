/* SPDX-License-Identifier: Apache-2.0 */
/* F1 to F5 of tools/glue/keyfile.h. */
#include "common/base/cleanup.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include "tools/glue/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_LEN ((size_t)GLUE_KEY_LEN)

static const uint8_t uuid[GLUE_KEYFILE_UUID_LEN];
static const uint8_t zeroes[KEY_LEN];

struct told {
    unsigned num_warnings;
    unsigned num_waits;
    int wait_result;
    char source[PATH_MAX];
    char sentence[CLI_SECRET_WHY_SIZE];
};

static void note_warning(void *context, const char *source, const char *sentence)
{
    struct told *told = context;
    told->num_warnings++;
    (void)snprintf(told->source, sizeof(told->source), "%s", source);
    (void)snprintf(told->sentence, sizeof(told->sentence), "%s", sentence);
}

static int note_wait(void *context, int fd)
{
    struct told *told = context;
    told->num_waits++;
    return fd >= 0 ? told->wait_result : COMMON_ERR_INTERNAL;
}

/* A byte of the file says which key it is of, and where. */
static uint8_t byte_at(size_t at)
{
    return (uint8_t)(at * 7 + at / KEY_LEN);
}

static char *make_file(char path[PATH_MAX], const struct tmpdir *dir, size_t len)
{
    uint8_t *bytes = malloc(len + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_at(i);
    file_write(tmpdir_path(path, dir, "keys"), bytes, len);
    assert_int_equal(chmod(path, 0600), 0);
    free(bytes);
    return path;
}

static int open_source(struct glue_keyfile **out, char why[CLI_SECRET_WHY_SIZE], const char *source)
{
    const struct glue_keyfile_options options = {.source = source};
    return glue_keyfile_open(out, why, &options);
}

static struct glue_keyfile *opened(const char *source)
{
    struct glue_keyfile *keyfile = NULL;
    char why[CLI_SECRET_WHY_SIZE];
    if (open_source(&keyfile, why, source))
        fail_msg("%s: %s", source, why);
    return keyfile;
}

static void assert_key(struct glue_keyfile *keyfile, uint32_t generation)
{
    uint8_t key[KEY_LEN];
    assert_int_equal(glue_keyfile_key(keyfile, key, uuid, generation), 0);
    for (size_t i = 0; i < KEY_LEN; i++)
        assert_int_equal(key[i], byte_at((generation - 1) * KEY_LEN + i));
}

static void generations_count_from_one_to_the_end_of_the_file(void **state)
{
    static const uint32_t nums[] = {1, 2, 3, GLUE_KEYFILE_MAX};
    for (size_t i = 0; i < ARRAY_LEN(nums); i++) {
        char path[PATH_MAX];
        uint8_t key[KEY_LEN];
        struct glue_keyfile *keyfile = opened(make_file(path, *state, nums[i] * KEY_LEN));
        assert_int_equal(glue_keyfile_num(keyfile), nums[i]);
        assert_key(keyfile, 1);
        assert_key(keyfile, nums[i]);
        assert_int_equal(glue_keyfile_key(keyfile, key, uuid, 0), COMMON_ERR_NOT_FOUND);
        assert_int_equal(glue_keyfile_key(keyfile, key, uuid, nums[i] + 1), COMMON_ERR_NOT_FOUND);
        assert_int_equal(glue_keyfile_key(keyfile, key, uuid, UINT32_MAX), COMMON_ERR_NOT_FOUND);
        glue_keyfile_close(&keyfile);
        assert_null(keyfile);
    }
    glue_keyfile_close(NULL);
}

/* F2. */
static void what_is_no_list_of_whole_keys_is_refused(void **state)
{
    static const size_t lens[] = {0,
                                  1,
                                  32,
                                  63,
                                  65,
                                  127,
                                  129,
                                  KEY_LEN * GLUE_KEYFILE_MAX - 1,
                                  KEY_LEN * GLUE_KEYFILE_MAX + 1,
                                  KEY_LEN * (GLUE_KEYFILE_MAX + 1)};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        char path[PATH_MAX];
        char why[CLI_SECRET_WHY_SIZE] = "";
        struct glue_keyfile *keyfile = (struct glue_keyfile *)path;
        assert_int_equal(open_source(&keyfile, why, make_file(path, *state, lens[i])),
                         COMMON_ERR_INVALID);
        assert_null(keyfile);
        assert_string_equal(why, lens[i] < 64 || lens[i] > KEY_LEN * GLUE_KEYFILE_MAX
                                     ? "the key file must be of 64 to 65472 bytes"
                                     : "is no list of whole keys: each one is 64 raw bytes, that "
                                       "of generation 1 first");
    }
}

static void a_file_that_is_not_there_is_told(void **state)
{
    char path[PATH_MAX];
    char why[CLI_SECRET_WHY_SIZE] = "";
    struct glue_keyfile *keyfile = NULL;
    assert_int_equal(open_source(&keyfile, why, tmpdir_path(path, *state, "none")),
                     COMMON_ERR_NOT_FOUND);
    assert_string_equal(why, "No such file or directory");
    assert_int_equal(open_source(&keyfile, why, ((const struct tmpdir *)*state)->path),
                     COMMON_ERR_INVALID);
    assert_string_equal(why, "is a directory");
}

/* F1, without a struct cli. */
static void the_host_is_warned_of_a_lax_mode_and_asked_to_wait(void **state)
{
    char path[PATH_MAX];
    char why[CLI_SECRET_WHY_SIZE];
    struct told told = {0};
    const struct cli_secret_host host = {.wait = note_wait, .warn = note_warning, .context = &told};
    const struct glue_keyfile_options options = {.source = make_file(path, *state, KEY_LEN),
                                                 .host = &host};
    struct glue_keyfile *keyfile = NULL;
    assert_int_equal(glue_keyfile_open(&keyfile, why, &options), 0);
    glue_keyfile_close(&keyfile);
    assert_int_equal(told.num_warnings, 0);
    assert_true(told.num_waits > 0);

    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(glue_keyfile_open(&keyfile, why, &options), 0);
    glue_keyfile_close(&keyfile);
    assert_int_equal(told.num_warnings, 1);
    assert_string_equal(told.source, path);
    assert_string_equal(told.sentence,
                        "holds a secret and others may access it (mode 0640); use chmod 600");

    told.wait_result = COMMON_ERR_TIMEOUT;
    assert_int_equal(glue_keyfile_open(&keyfile, why, &options), COMMON_ERR_TIMEOUT);
    assert_null(keyfile);
}

static void descriptors_and_credentials_are_read(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_MAX];
    char source[32];
    char why[CLI_SECRET_WHY_SIZE];
    COMMON_CLEANUP_FD int fd = open(make_file(path, dir, 128), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    (void)snprintf(source, sizeof(source), "fd:%d", fd);
    struct glue_keyfile *keyfile = opened(source);
    assert_key(keyfile, 2);
    assert_int_equal(glue_keyfile_may_destroy(keyfile, why), COMMON_ERR_UNSUPPORTED);
    assert_int_equal(glue_keyfile_destroy(keyfile, uuid, 1), COMMON_ERR_UNSUPPORTED);
    assert_string_equal(glue_keyfile_why(keyfile),
                        "keys are destroyed only in a file that is named by its path");
    assert_key(keyfile, 1);
    glue_keyfile_close(&keyfile);

    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir->path, 1), 0);
    keyfile = opened("credential:keys");
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_key(keyfile, 2);
    assert_int_equal(glue_keyfile_destroy(keyfile, uuid, 2), COMMON_ERR_UNSUPPORTED);
    glue_keyfile_close(&keyfile);
}

/* F3, F4. */
static void a_destroyed_key_is_gone_and_all_else_stays(void **state)
{
    enum {
        NUM = 5,
        VICTIM = 3
    };
    char path[PATH_MAX];
    uint8_t key[KEY_LEN];
    struct glue_keyfile *keyfile = opened(make_file(path, *state, NUM * KEY_LEN));
    assert_int_equal(glue_keyfile_destroy(keyfile, uuid, VICTIM), 0);
    assert_string_equal(glue_keyfile_why(keyfile), "");
    assert_int_equal(glue_keyfile_key(keyfile, key, uuid, VICTIM), COMMON_ERR_NOT_FOUND);
    assert_key(keyfile, VICTIM - 1);
    assert_key(keyfile, VICTIM + 1);
    assert_int_equal(glue_keyfile_destroy(keyfile, uuid, VICTIM), 0); /* it is gone as it was */
    assert_int_equal(glue_keyfile_destroy(keyfile, uuid, NUM + 1), COMMON_ERR_NOT_FOUND);
    assert_int_equal(glue_keyfile_destroy(keyfile, uuid, 0), COMMON_ERR_NOT_FOUND);
    glue_keyfile_close(&keyfile);

    COMMON_CLEANUP_FREE uint8_t *bytes = NULL;
    size_t len = 0;
    file_read(&bytes, &len, path);
    assert_int_equal(len, NUM * KEY_LEN);
    for (size_t i = 0; i < len; i++) {
        bool is_victim = i / KEY_LEN == VICTIM - 1;
        assert_int_equal(bytes[i], is_victim ? 0 : byte_at(i));
    }
}

/* F5. */
static void a_key_of_zeroes_was_destroyed_before(void **state)
{
    char path[PATH_MAX];
    char why[CLI_SECRET_WHY_SIZE];
    uint8_t key[KEY_LEN];
    struct glue_keyfile *keyfile = opened(make_file(path, *state, 192));
    assert_int_equal(glue_keyfile_destroy(keyfile, uuid, 2), 0);
    glue_keyfile_close(&keyfile);

    keyfile = opened(path);
    assert_int_equal(glue_keyfile_num(keyfile), 3);
    assert_true(glue_keyfile_has(keyfile, 1) && glue_keyfile_has(keyfile, 3));
    assert_false(glue_keyfile_has(keyfile, 0) || glue_keyfile_has(keyfile, 2) ||
                 glue_keyfile_has(keyfile, 4));
    assert_int_equal(glue_keyfile_key(keyfile, key, uuid, 2), COMMON_ERR_NOT_FOUND);
    assert_key(keyfile, 1);
    assert_key(keyfile, 3);
    assert_int_equal(glue_keyfile_may_destroy(keyfile, why), 0);
    assert_int_equal(glue_keyfile_destroy(keyfile, uuid, 2), 0);
    assert_int_equal(glue_keyfile_destroy(keyfile, uuid, 3), 0);
    assert_key(keyfile, 1);
    glue_keyfile_close(&keyfile);
}

/* F3: what a cut leaves is noise, not the key, from the first write on. */
static void noise_is_on_the_medium_before_the_zeroes(void **state)
{
    char path[PATH_MAX];
    struct glue_keyfile *keyfile = opened(make_file(path, *state, 64));
    fault_arm(FAULT_WRITE, 2, EIO);
    int error = glue_keyfile_destroy(keyfile, uuid, 1);
    assert_true(fault_disarm().fired);
    assert_int_equal(error, COMMON_ERR_IO);
    glue_keyfile_close(&keyfile);
    COMMON_CLEANUP_FREE uint8_t *bytes = NULL;
    size_t len = 0;
    file_read(&bytes, &len, path);
    assert_int_equal(len, 64);
    size_t num_same = 0;
    for (size_t i = 0; i < len; i++)
        num_same += bytes[i] == byte_at(i);
    assert_true(num_same < 16); /* so many of 64 by chance: once in 10^23 */
    assert_memory_not_equal(bytes, zeroes, KEY_LEN);
}

static void a_file_that_became_another_is_not_touched(void **state)
{
    char path[PATH_MAX];
    char why[CLI_SECRET_WHY_SIZE];
    struct glue_keyfile *keyfile = opened(make_file(path, *state, 128));
    static const uint8_t others[128] = {1};
    file_write(path, others, sizeof(others));
    assert_int_equal(glue_keyfile_may_destroy(keyfile, why), COMMON_ERR_STATE);
    assert_string_equal(why, "holds other keys than when it was read");
    assert_int_equal(glue_keyfile_destroy(keyfile, uuid, 1), COMMON_ERR_STATE);
    assert_key(keyfile, 1);
    COMMON_CLEANUP_FREE uint8_t *bytes = NULL;
    size_t len = 0;
    file_read(&bytes, &len, path);
    assert_int_equal(len, sizeof(others));
    assert_memory_equal(bytes, others, sizeof(others));

    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(glue_keyfile_destroy(keyfile, uuid, 2), COMMON_ERR_STATE);
    assert_string_equal(glue_keyfile_why(keyfile), "is shorter than it was when it was read");
    glue_keyfile_close(&keyfile);
}

static void what_cannot_be_written_is_known_before(void **state)
{
    char path[PATH_MAX];
    char why[CLI_SECRET_WHY_SIZE];
    struct glue_keyfile *keyfile = opened(make_file(path, *state, 64));
    fault_arm(FAULT_OPEN, 1, EROFS);
    int error = glue_keyfile_may_destroy(keyfile, why);
    assert_true(fault_disarm().fired);
    assert_int_equal(error, common_error_from_errno(EROFS));
    assert_string_equal(why, "Read-only file system");
    assert_int_equal(glue_keyfile_may_destroy(keyfile, why), 0);
    glue_keyfile_close(&keyfile);
}

/* F3: 0 is said only of what is on the medium, and a second try ends what the first one began. */
static void a_failure_is_no_destruction_and_may_be_repeated(void **state)
{
    static const struct {
        unsigned classes;
        enum fault_mode mode;
        int error;
    } cases[] = {
        {FAULT_READ | FAULT_WRITE | FAULT_SYNC | FAULT_OPEN, FAULT_ONCE, EIO},
        {FAULT_WRITE, FAULT_SHORT_THEN_FAIL, ENOSPC},
        {FAULT_RANDOM, FAULT_ONCE, ENOSYS},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        FAULT_EACH (loop, cases[i].classes, cases[i].mode, cases[i].error) {
            char path[PATH_MAX];
            uint8_t key[KEY_LEN];
            struct glue_keyfile *keyfile = opened(make_file(path, *state, 128));
            fault_loop_arm(&loop);
            int error = glue_keyfile_destroy(keyfile, uuid, 2);
            bool fired = fault_loop_disarm(&loop);
            assert_int_equal(error, fired ? common_error_from_errno(cases[i].error) : 0);
            assert_int_equal(glue_keyfile_why(keyfile)[0] != '\0', fired);
            assert_key(keyfile, 1);
            assert_int_equal(glue_keyfile_destroy(keyfile, uuid, 2), 0);
            assert_int_equal(glue_keyfile_key(keyfile, key, uuid, 2), COMMON_ERR_NOT_FOUND);
            glue_keyfile_close(&keyfile);
            COMMON_CLEANUP_FREE uint8_t *bytes = NULL;
            size_t len = 0;
            file_read(&bytes, &len, path);
            assert_int_equal(len, 128);
            assert_memory_equal(bytes + 64, zeroes, KEY_LEN);
        }
    }
}

static void opening_without_memory_fails_cleanly(void **state)
{
    char path[PATH_MAX];
    (void)make_file(path, *state, 128);
    FAULT_EACH (loop, FAULT_MALLOC | FAULT_MMAP, FAULT_ONCE, ENOMEM) {
        struct glue_keyfile *keyfile = NULL;
        char why[CLI_SECRET_WHY_SIZE] = "";
        fault_loop_arm(&loop);
        int error = open_source(&keyfile, why, path);
        bool fired = fault_loop_disarm(&loop);
        if (error)
            assert_true(fired && !keyfile && why[0] != '\0');
        else
            assert_key(keyfile, 2);
        glue_keyfile_close(&keyfile);
    }
}

/* What a source is, as the tool asks before it reads standard input for something else. */
static void sources_are_told_apart(void **state)
{
    (void)state;
    assert_true(cli_secret_is_path("keys") && cli_secret_is_path("./fd:3") &&
                cli_secret_is_path("./-"));
    assert_false(cli_secret_is_path("-") || cli_secret_is_path("fd:3") ||
                 cli_secret_is_path("credential:keys"));
    assert_true(cli_secret_is_descriptor("-", 0) && cli_secret_is_descriptor("fd:0", 0) &&
                cli_secret_is_descriptor("fd:00", 0) && cli_secret_is_descriptor("fd:7", 7));
    assert_false(cli_secret_is_descriptor("fd:", 0) || cli_secret_is_descriptor("fd:x", 0) ||
                 cli_secret_is_descriptor("0", 0) || cli_secret_is_descriptor("-", 1) ||
                 cli_secret_is_descriptor("credential:0", 0));
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, tmpdir_setup, tmpdir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(generations_count_from_one_to_the_end_of_the_file),
        IN_DIRECTORY(what_is_no_list_of_whole_keys_is_refused),
        IN_DIRECTORY(a_file_that_is_not_there_is_told),
        IN_DIRECTORY(the_host_is_warned_of_a_lax_mode_and_asked_to_wait),
        IN_DIRECTORY(descriptors_and_credentials_are_read),
        IN_DIRECTORY(a_destroyed_key_is_gone_and_all_else_stays),
        IN_DIRECTORY(a_key_of_zeroes_was_destroyed_before),
        IN_DIRECTORY(noise_is_on_the_medium_before_the_zeroes),
        IN_DIRECTORY(a_file_that_became_another_is_not_touched),
        IN_DIRECTORY(what_cannot_be_written_is_known_before),
        IN_DIRECTORY(a_failure_is_no_destruction_and_may_be_repeated),
        IN_DIRECTORY(opening_without_memory_fails_cleanly),
        cmocka_unit_test(sources_are_told_apart),
    };
    return cmocka_run_group_tests_name("keyfile", tests, NULL, NULL);
}
