/* SPDX-License-Identifier: Apache-2.0 */
/* `xtsvol bench --verify` on files, and what is no file. */
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include "tests/tools/cli_fixture.h"
#include "tools/xtsvol/bench.h"
#include "tools/xtsvol/libcrypto.h"
#include "tools/xtsvol/verify.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ABSENT "libcrypto.so.does-not-exist"

/* The same command, on a machine without libcrypto. */
static int verify_alone(struct cli *cli)
{
    return bench_verify(cli, cli_argument(cli, 0), BENCH_VERIFY_UNIT, ABSENT);
}

static const struct cli_command alone_command = {
    .name = "alone",
    .summary = "verify without libcrypto",
    .arguments = (const struct cli_argument[]){{.name = "FILE", .summary = "a file"}, {0}},
    .run = verify_alone,
};
static const struct cli_command root = {
    .name = "xtsvol",
    .summary = "a tool with a benchmark and nothing else",
    .commands = (const struct cli_command *const[]){&xtsvol_bench_command, &alone_command, NULL},
};
static const struct cli_tool tool = {.version = "1.2.3", .root = &root};

#define VERIFY(...)                                                                                \
    run_tool(&tool, (const char *const[]){"xtsvol", "bench", "--verify", __VA_ARGS__, NULL})
#define ALONE(...) run_tool(&tool, (const char *const[]){"xtsvol", "alone", __VA_ARGS__, NULL})

static bool has_libcrypto(void)
{
    void *library = dlopen(BENCH_LIBCRYPTO, RTLD_NOW | RTLD_LOCAL);
    if (library)
        (void)dlclose(library);
    return library != NULL;
}

static char *make_file(char path[PATH_MAX], const struct tmpdir *dir, size_t len)
{
    uint8_t *data = malloc(len + 1);
    assert_non_null(data);
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * i >> 7);
    file_write(tmpdir_path(path, dir, "file"), data, len);
    free(data);
    return path;
}

static json_t *parsed(const struct caught *caught)
{
    json_t *document = json_loadb(caught->out, caught->out_len, 0, NULL);
    if (!document)
        fail_msg("not one JSON document: %s", caught->out);
    return document;
}

static void check_json(const struct caught *got, size_t len, size_t unit_len, bool with_libcrypto)
{
    assert_int_equal(got->status, 0);
    assert_string_equal(got->err, "");
    json_t *document = parsed(got);
    assert_int_equal(json_object_size(document), 4);
    assert_int_equal(json_integer_value(json_object_get(document, "verified_bytes")), len);
    assert_int_equal(json_integer_value(json_object_get(document, "unit")), unit_len);
    const json_t *kernels = json_object_get(document, "kernels");
    struct xtsvol_kernel kernel;
    size_t num = 0;
    for (size_t i = 0; xtsvol_kernel_get(&kernel, i) == 0; i++) {
        if (kernel.is_usable)
            assert_string_equal(json_string_value(json_array_get(kernels, num++)), kernel.name);
    }
    assert_int_equal(json_array_size(kernels), num);
    const json_t *libcrypto = json_object_get(document, "libcrypto");
    if (with_libcrypto)
        assert_memory_equal(json_string_value(libcrypto), "3.", 2);
    else
        assert_true(json_is_null(libcrypto));
    json_decref(document);
}

static void files_of_any_length_are_verified(void **state)
{
    static const size_t lens[] = {16, 17, 4095, 4096, 4097, 4111, 4112, 10000000};
    bool with_libcrypto = has_libcrypto();
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        char path[PATH_MAX];
        (void)make_file(path, *state, lens[i]);
        CLEANUP_CAUGHT struct caught got = VERIFY(path, "--json");
        check_json(&got, lens[i], 4096, with_libcrypto);
        CLEANUP_CAUGHT struct caught other = VERIFY(path, "--json", "--unit", "512");
        check_json(&other, lens[i], 512, with_libcrypto);
        CLEANUP_CAUGHT struct caught lines = VERIFY(path);
        assert_int_equal(lines.status, 0);
        char last[64];
        (void)snprintf(last, sizeof(last), "\nverified %zu bytes\n", lens[i]);
        assert_true(lines.out_len > strlen(last));
        assert_string_equal(lines.out + lines.out_len - strlen(last), last);
    }
}

static void a_line_tells_of_each_kernel_and_of_libcrypto(void **state)
{
    char path[PATH_MAX];
    (void)make_file(path, *state, 5000);
    CLEANUP_CAUGHT struct caught got = VERIFY(path);
    assert_int_equal(got.status, 0);
    struct xtsvol_kernel kernel;
    for (size_t i = 0; xtsvol_kernel_get(&kernel, i) == 0; i++) {
        char line[96];
        (void)snprintf(line, sizeof(line), "%s: same ciphertext, and the same plaintext again\n",
                       kernel.name);
        assert_int_equal(strstr(got.out, line) != NULL, kernel.is_usable);
    }
    assert_non_null(strstr(got.out, has_libcrypto() ? "libcrypto 3." : "libcrypto: not present"));
}

static void without_libcrypto_it_says_so_and_compares_the_kernels(void **state)
{
    char path[PATH_MAX];
    (void)make_file(path, *state, 5000);
    CLEANUP_CAUGHT struct caught got = ALONE(path);
    assert_int_equal(got.status, 0);
    assert_non_null(strstr(got.out, "libcrypto: not present, not compared\nverified 5000 bytes\n"));
    CLEANUP_CAUGHT struct caught json = ALONE(path, "--json");
    check_json(&json, 5000, BENCH_VERIFY_UNIT, false);
}

static void a_file_too_short_for_a_unit_is_refused(void **state)
{
    static const size_t lens[] = {0, 1, 15};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        char path[PATH_MAX];
        char message[PATH_MAX + 128];
        (void)make_file(path, *state, lens[i]);
        CLEANUP_CAUGHT struct caught got = VERIFY(path);
        assert_int_equal(got.status, 1);
        assert_string_equal(got.out, "");
        (void)snprintf(message, sizeof(message),
                       "xtsvol: %s: is %s: a data unit has at least 16 bytes\n", path,
                       lens[i] ? "too short" : "empty");
        assert_string_equal(got.err, message);
        CLEANUP_CAUGHT struct caught json = VERIFY(path, "--json");
        assert_int_equal(json.status, 1);
        json_t *document = parsed(&json);
        assert_string_equal(
            json_string_value(json_object_get(json_object_get(document, "error"), "object")), path);
        json_decref(document);
    }
}

static void what_cannot_be_read_is_refused(void **state)
{
    const struct tmpdir *dir = *state;
    char path[PATH_MAX];
    CLEANUP_CAUGHT struct caught directory = VERIFY(dir->path);
    assert_int_equal(directory.status, 1);
    assert_non_null(strstr(directory.err, ": is a directory\n"));
    CLEANUP_CAUGHT struct caught missing = VERIFY(tmpdir_path(path, dir, "missing"));
    assert_int_equal(missing.status, 1);
    assert_non_null(strstr(missing.err, "missing: No such file or directory\n"));
    CLEANUP_CAUGHT struct caught nothing = VERIFY("");
    assert_int_equal(nothing.status, 2);
    CLEANUP_CAUGHT struct caught bad_unit = VERIFY(make_file(path, dir, 100), "--unit", "15");
    assert_int_equal(bad_unit.status, 2);
}

static void *write_slowly(void *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    uint8_t bytes[1000] = {1, 2, 3};
    for (unsigned i = 0; fd >= 0 && i < 20; i++) {
        struct timespec pause = {.tv_nsec = 1000000};
        (void)nanosleep(&pause, NULL);
        if (write(fd, bytes, sizeof(bytes)) != sizeof(bytes))
            break;
    }
    (void)close(fd);
    return NULL;
}

static void a_pipe_is_read_to_its_end(void **state)
{
    char path[PATH_MAX];
    assert_int_equal(mkfifo(tmpdir_path(path, *state, "pipe"), 0600), 0);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_slowly, path), 0);
    CLEANUP_CAUGHT struct caught got = VERIFY(path, "--json");
    assert_int_equal(pthread_join(writer, NULL), 0);
    check_json(&got, 20000, 4096, has_libcrypto());
}

struct ticking {
    uint64_t now_ns;
    uint64_t tick_ns; /* that each look at the clock takes */
};

static uint64_t ticking_ns(void *context)
{
    struct ticking *ticking = context;
    return ticking->now_ns += ticking->tick_ns;
}

static struct caught run_ticking(uint64_t tick_ns, const char *const *words)
{
    struct caught got = {0};
    FILE *out = open_memstream(&got.out, &got.out_len);
    FILE *err = open_memstream(&got.err, &got.err_len);
    assert_non_null(out);
    assert_non_null(err);
    struct ticking ticking = {.tick_ns = tick_ns};
    struct cli_environment environment = {
        .out = out, .err = err, .clock = {.monotonic_ns = ticking_ns, .context = &ticking}};
    int argc = 0;
    while (words[argc])
        argc++;
    got.status = cli_run(&tool, &environment, argc, (char *const *)words);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(fclose(err), 0);
    return got;
}

static void the_deadline_ends_what_has_no_end(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught endless = run_ticking(
        10000000, (const char *const[]){"xtsvol", "bench", "--verify", "/dev/zero", "--timeout",
                                        "1s", "--progress", "never", NULL});
    assert_int_equal(endless.status, 1);
    assert_string_equal(endless.err, "xtsvol: /dev/zero: timed out\n");
    assert_string_equal(endless.out, "");
}

static void nobody_at_the_other_end_of_a_pipe_does_not_hold_it_for_ever(void **state)
{
    char path[PATH_MAX];
    assert_int_equal(mkfifo(tmpdir_path(path, *state, "pipe"), 0600), 0);
    CLEANUP_CAUGHT struct caught got =
        run_ticking(400000000, (const char *const[]){"xtsvol", "bench", "--verify", path,
                                                     "--timeout", "1s", NULL});
    assert_int_equal(got.status, 1);
    assert_non_null(strstr(got.err, ": timed out\n"));
}

/* Cuts the file, or adds to it, while the command reads: seen by its own reads, which are many. */
struct changer {
    const char *path;
    off_t len;
};

static void *change(void *context)
{
    const struct changer *changer = context;
    struct timespec pause = {.tv_nsec = 500000};
    (void)nanosleep(&pause, NULL);
    return truncate(changer->path, changer->len) ? NULL : context;
}

static void a_file_that_changes_meanwhile_is_verified_as_it_was_read(void **state)
{
    enum {
        BEFORE = 4000000,
        SHRUNK = 1000001,
        GROWN = 6000003
    };
    static const off_t lens[] = {SHRUNK, GROWN};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        char path[PATH_MAX];
        struct changer changer = {.path = make_file(path, *state, BEFORE), .len = lens[i]};
        pthread_t thread;
        void *changed = NULL;
        assert_int_equal(pthread_create(&thread, NULL, change, &changer), 0);
        CLEANUP_CAUGHT struct caught got = VERIFY(path, "--json");
        assert_int_equal(pthread_join(thread, &changed), 0);
        assert_non_null(changed);
        assert_int_equal(got.status, 0);
        json_t *document = parsed(&got);
        json_int_t bytes = json_integer_value(json_object_get(document, "verified_bytes"));
        json_decref(document);
        assert_true(bytes >= SHRUNK && bytes <= GROWN);
        assert_true(i == 0 ? bytes <= BEFORE : bytes >= BEFORE);
    }
}

static void a_call_that_fails_is_told_in_one_line(void **state)
{
    static const struct {
        unsigned classes;
        enum fault_mode mode;
        int error;
        int status;
    } cases[] = {
        {FAULT_OPEN | FAULT_READ, FAULT_ONCE, EIO, 1},
        {FAULT_READ, FAULT_ONCE, EINTR, 0},
        {FAULT_READ, FAULT_SHORT, 0, 0},
        {FAULT_READ, FAULT_SHORT_THEN_FAIL, EIO, -1}, /* nothing is after the last */
        {FAULT_RANDOM, FAULT_ONCE, ENOSYS, 1},
        {FAULT_RANDOM, FAULT_ONCE, EINTR, 0},
        {FAULT_MALLOC | FAULT_MMAP, FAULT_ONCE, ENOMEM, -1},
    };
    char path[PATH_MAX];
    (void)make_file(path, *state, 3000001);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        FAULT_EACH (loop, cases[i].classes, cases[i].mode, cases[i].error) {
            loop.may_be_absent = cases[i].classes & FAULT_OPEN;
            char out_text[4096] = "";
            char err_text[8192] = "";
            FILE *out = fmemopen(out_text, sizeof(out_text), "w");
            FILE *err = fmemopen(err_text, sizeof(err_text), "w");
            assert_non_null(out);
            assert_non_null(err);
            struct cli_environment environment = {.out = out, .err = err};
            struct ticking ticking = {.tick_ns = 1};
            environment.clock = (struct cli_clock){.monotonic_ns = ticking_ns, .context = &ticking};
            const char *const words[] = {"xtsvol", "alone", path, "--progress", "never", NULL};
            fault_loop_arm(&loop);
            int status = cli_run(&tool, &environment, 5, (char *const *)words);
            bool fired = fault_loop_disarm(&loop);
            assert_int_equal(fclose(out), 0);
            assert_int_equal(fclose(err), 0);
            if (!fired)
                assert_int_equal(status, 0);
            else if (cases[i].status >= 0)
                assert_int_equal(status, cases[i].status);
            if (status == 0) {
                assert_non_null(strstr(out_text, "\nverified 3000001 bytes\n"));
                assert_string_equal(err_text, "");
            } else {
                assert_string_equal(out_text, "");
                assert_ptr_equal(strchr(err_text, '\n'), err_text + strlen(err_text) - 1);
            }
        }
    }
}

/* Nor is a key used that is not random: one of zeroes would be refused for another reason. */
static void no_random_bytes_are_no_key(void **state)
{
    char path[PATH_MAX];
    (void)make_file(path, *state, 100);
    fault_arm(FAULT_RANDOM, 1, ENOSYS);
    CLEANUP_CAUGHT struct caught got = ALONE(path);
    assert_true(fault_disarm().fired);
    assert_int_equal(got.status, 1);
    assert_non_null(strstr(got.err, "no random bytes for a key: Function not implemented\n"));
}

static void a_read_error_names_the_place(void **state)
{
    char path[PATH_MAX];
    (void)make_file(path, *state, 3000001);
    fault_arm(FAULT_READ, 2, EIO);
    CLEANUP_CAUGHT struct caught got = ALONE(path);
    struct fault_report report = fault_disarm();
    assert_true(report.fired);
    assert_int_equal(got.status, 1);
    assert_non_null(
        strstr(got.err, "/file: cannot be read at offset 1048592: Input/output error\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_of_any_length_are_verified, tmpdir_setup,
                                        tmpdir_teardown),
        cmocka_unit_test_setup_teardown(a_line_tells_of_each_kernel_and_of_libcrypto, tmpdir_setup,
                                        tmpdir_teardown),
        cmocka_unit_test_setup_teardown(without_libcrypto_it_says_so_and_compares_the_kernels,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(a_file_too_short_for_a_unit_is_refused, tmpdir_setup,
                                        tmpdir_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_refused, tmpdir_setup,
                                        tmpdir_teardown),
        cmocka_unit_test_setup_teardown(a_pipe_is_read_to_its_end, tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test(the_deadline_ends_what_has_no_end),
        cmocka_unit_test_setup_teardown(nobody_at_the_other_end_of_a_pipe_does_not_hold_it_for_ever,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(a_file_that_changes_meanwhile_is_verified_as_it_was_read,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(a_call_that_fails_is_told_in_one_line, tmpdir_setup,
                                        tmpdir_teardown),
        cmocka_unit_test_setup_teardown(no_random_bytes_are_no_key, tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(a_read_error_names_the_place, tmpdir_setup,
                                        tmpdir_teardown),
    };
    return cmocka_run_group_tests_name("bench_verify", tests, NULL, NULL);
}
