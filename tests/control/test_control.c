/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers: S1 to S5 of tools/control/control.h. */
#include "tests/control/support.h"
#include "tests/support/death.h"
#include "tests/support/test.h"
#include "tools/control/socket.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, control_fixture_setup, control_fixture_teardown)

static void expect_error(char *answer, const char *code)
{
    assert_non_null(answer);
    json_error_t ignored;
    json_t *json = json_loads(answer, JSON_REJECT_DUPLICATES, &ignored);
    const char *found = NULL;
    const char *message = NULL;
    assert_int_equal(json_unpack_ex(json, &ignored, JSON_STRICT, "{s:{s:s,s:s}}", "error", "code",
                                    &found, "message", &message),
                     0);
    assert_string_equal(found, code);
    assert_true(message[0] != '\0');
    json_decref(json);
    free(answer);
}

static void expect_result(char *answer)
{
    assert_non_null(answer);
    assert_string_equal(answer, "{\"result\":null}");
    free(answer);
}

static void expect_alive(const struct control_fixture *fixture)
{
    expect_result(raw_ask(fixture->path, "{\"request\":\"count\"}\n"));
}

static int ask(json_t **out, const struct control_fixture *fixture, const char *request,
               json_t *arguments)
{
    char why[CONTROL_WHY_SIZE];
    int error = control_request(out, fixture->path, CONTROL_NO_OWNER, request, arguments,
                                TEST_TIMEOUT_MS, why, sizeof(why));
    assert_int_equal(error != 0, why[0] != '\0');
    assert_int_equal(error != 0, *out == NULL);
    return error;
}

static void an_answer_is_what_the_request_made(void **state)
{
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, TEST_TIMEOUT_MS);
    json_t *out = NULL;
    assert_int_equal(ask(&out, fixture, "count", NULL), 0);
    assert_true(json_is_null(out));
    assert_int_equal(atomic_load(&fixture->num_calls), 1);

    json_t *arguments = json_pack("{s:s,s:I}", "text", "\xc3\xa9\n\x01", "number", (json_int_t)7);
    assert_int_equal(ask(&out, fixture, "echo", arguments), 0);
    assert_true(json_equal(out, arguments));
    json_decref(out);
    json_decref(arguments);

    assert_int_equal(ask(&out, fixture, "echo", NULL), 0); /* none are an empty object */
    assert_true(json_is_object(out));
    assert_int_equal(json_object_size(out), 0);
    json_decref(out);
}

static void an_error_keeps_its_category_and_sentence(void **state)
{
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, TEST_TIMEOUT_MS);
    char why[CONTROL_WHY_SIZE];
    json_t *out = NULL;
    json_t *arguments = json_pack("{s:i,s:s}", "error", COMMON_ERR_STATE, "why", "it is so");
    assert_int_equal(control_request(&out, fixture->path, CONTROL_NO_OWNER, "refuse", arguments,
                                     TEST_TIMEOUT_MS, why, sizeof(why)),
                     COMMON_ERR_STATE);
    assert_string_equal(why, "it is so");
    assert_null(out);
    json_decref(arguments);
    arguments = json_pack("{s:i}", "error", COMMON_ERR_NO_SPACE);
    assert_int_equal(control_request(&out, fixture->path, CONTROL_NO_OWNER, "refuse", arguments,
                                     TEST_TIMEOUT_MS, why, sizeof(why)),
                     COMMON_ERR_NO_SPACE);
    assert_string_equal(why, common_error_text(COMMON_ERR_NO_SPACE));
    json_decref(arguments);
    assert_int_equal(ask(&out, fixture, "nothing of the kind", NULL), COMMON_ERR_UNSUPPORTED);
}

static void refuses_what_is_no_request(void **state)
{
    static const char *const garbage[] = {
        "\n",
        "\r\n",
        "count\n",
        "[]\n",
        "{}\n",
        "null\n",
        "{\"request\":1}\n",
        "{\"request\":\"count\",\"request\":\"count\"}\n",
        "{\"request\":\"count\",\"more\":1}\n",
        "{\"request\":\"count\",\"arguments\":[]}\n",
        "{\"request\":\"count\"\n",
        "{\"request\":\"count\"} {}\n",
        "{\"request\":\"\xff\"}\n",
        "\x7f\x45\x4c\x46\n",
    };
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, TEST_TIMEOUT_MS);
    for (size_t i = 0; i < ARRAY_LEN(garbage); i++)
        expect_error(raw_ask(fixture->path, garbage[i]), "invalid");
    char deep[30000];
    memset(deep, '[', sizeof(deep));
    deep[sizeof(deep) - 2] = '\n';
    deep[sizeof(deep) - 1] = '\0';
    expect_error(raw_ask(fixture->path, deep), "invalid");
    assert_int_equal(atomic_load(&fixture->num_calls), 0);
    expect_alive(fixture);
}

static void a_second_line_is_refused(void **state)
{
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, TEST_TIMEOUT_MS);
    expect_error(raw_ask(fixture->path, "{\"request\":\"count\"}\n{\"request\":\"count\"}\n"),
                 "invalid");
    expect_error(raw_ask(fixture->path, "{\"request\":\"count\"}\n \n"), "invalid");
    assert_int_equal(atomic_load(&fixture->num_calls), 0);
}

/* A request of so many bytes, its line end included. */
static char *request_of(size_t len)
{
    static const char head[] = "{\"request\":\"count\",\"arguments\":{\"x\":\"";
    static const char tail[] = "\"}}\n";
    char *line = malloc(len + 1);
    assert_non_null(line);
    memset(line, 'x', len);
    memcpy(line, head, sizeof(head) - 1);
    memcpy(line + len - (sizeof(tail) - 1), tail, sizeof(tail));
    return line;
}

static void a_line_has_64_kib_at_most(void **state)
{
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, TEST_TIMEOUT_MS);
    char *line = request_of(CONTROL_MAX_LINE);
    expect_result(raw_ask(fixture->path, line));
    free(line);
    line = request_of(CONTROL_MAX_LINE + 1);
    expect_error(raw_ask(fixture->path, line), "limit");
    free(line);
    line =
        request_of((size_t)4 * CONTROL_MAX_LINE); /* it hangs up while this is still being sent */
    expect_error(raw_ask(fixture->path, line), "limit");
    free(line);
    assert_int_equal(atomic_load(&fixture->num_calls), 1);
    expect_alive(fixture);
}

static void an_answer_that_is_too_long_is_an_error(void **state)
{
    static const int around = (int)sizeof("{\"result\":\"\"}\n") - 1;
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, TEST_TIMEOUT_MS);
    json_t *out = NULL;
    json_t *arguments = json_pack("{s:i}", "length", CONTROL_MAX_LINE - around);
    assert_int_equal(ask(&out, fixture, "long", arguments), 0);
    json_decref(out);
    json_decref(arguments);
    arguments = json_pack("{s:i}", "length", CONTROL_MAX_LINE - around + 1);
    assert_int_equal(ask(&out, fixture, "long", arguments), COMMON_ERR_LIMIT);
    json_decref(arguments);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    static const char line[] = "{\"request\":\"count\"}\n";
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, TEST_TIMEOUT_MS);
    int fd = raw_connect(fixture->path);
    for (size_t i = 0; i < sizeof(line) - 1; i++) {
        raw_send(fd, line + i, 1);
        (void)usleep(1000);
    }
    expect_result(raw_answer(fd));
}

static void who_is_slow_is_hung_up_on_and_nobody_waits_for_him(void **state)
{
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, 1000);
    uint64_t began = control_now_ns();
    int slow[3];
    for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
        slow[i] = raw_connect(fixture->path);
        raw_send(slow[i], "{\"request\":", i * 5);
    }
    expect_alive(fixture);
    assert_true(control_now_ns() - began < 900000000);
    for (size_t i = 0; i < ARRAY_LEN(slow); i++)
        assert_null(raw_answer(slow[i]));
    assert_true(control_now_ns() - began >= 1000000000);
    expect_alive(fixture);
}

/* One byte at a time does not make the time longer. */
static void the_time_is_for_the_whole_request(void **state)
{
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, 400);
    uint64_t began = control_now_ns();
    int fd = raw_connect(fixture->path);
    bool is_open = true;
    while (is_open && control_now_ns() - began < UINT64_C(1000000) * TEST_TIMEOUT_MS) {
        is_open = send(fd, "x", 1, MSG_NOSIGNAL) == 1;
        (void)usleep(20000);
    }
    assert_false(is_open);
    (void)close(fd);
}

static void many_idle_clients_keep_nobody_out(void **state)
{
    enum {
        NUM = 5 * CONTROL_MAX_CLIENTS
    };
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, 6 * TEST_TIMEOUT_MS);
    unsigned before = num_descriptors();
    int idle[NUM];
    for (int i = 0; i < NUM; i++) {
        idle[i] = raw_connect(fixture->path);
        if (i % 8 == 0)
            expect_alive(fixture);
    }
    expect_alive(fixture);
    /* Ours, and the server's ends of those that it still has. */
    assert_true(num_descriptors() <= before + NUM + CONTROL_MAX_CLIENTS);
    assert_null(raw_answer(idle[0])); /* hung up on for the ones that came later */
    for (int i = 1; i < NUM; i++)
        (void)close(idle[i]);
    expect_alive(fixture);
}

static void nothing_is_left_of_clients_that_went_away(void **state)
{
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, TEST_TIMEOUT_MS);
    expect_alive(fixture);
    unsigned before = num_descriptors();
    for (int i = 0; i < 300; i++) {
        int fd = raw_connect(fixture->path);
        if (i % 3 == 1)
            raw_send(fd, "{\"request\":", 11);
        else if (i % 3 == 2)
            raw_send(fd, "{\"request\":\"count\"}\n", 20); /* and does not wait */
        (void)close(fd);
    }
    for (int i = 0; i < 1000 && num_descriptors() > before; i++) {
        expect_alive(fixture);
        (void)usleep(1000);
    }
    assert_int_equal(num_descriptors(), before);
}

static void an_end_hangs_up_and_removes_the_socket(void **state)
{
    struct control_fixture *fixture = *state;
    unsigned before = num_descriptors();
    control_fixture_start(fixture, TEST_TIMEOUT_MS);
    int fd = raw_connect(fixture->path);
    raw_send(fd, "{\"req", 5);
    expect_alive(fixture);
    control_server_stop(&fixture->server);
    assert_null(fixture->server);
    assert_null(raw_answer(fd));
    assert_false(file_exists(fixture->path));
    assert_int_equal(num_descriptors(), before);
    control_server_stop(&fixture->server);
    control_server_stop(NULL);
}

/* The thread takes none of the process's signals away from whoever waits for them. */
static void its_thread_takes_no_signals(void **state)
{
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, TEST_TIMEOUT_MS);
    sigset_t mask;
    sigset_t before;
    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &mask, &before), 0);
    assert_int_equal(kill(getpid(), SIGUSR1), 0); /* deadly where it is not blocked */
    expect_alive(fixture);
    struct timespec none = {0};
    assert_int_equal(sigtimedwait(&mask, NULL, &none), SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
}

static void nobody_there_is_not_found(void **state)
{
    struct control_fixture *fixture = *state;
    json_t *out = NULL;
    assert_int_equal(ask(&out, fixture, "count", NULL), COMMON_ERR_NOT_FOUND);
    (void)raw_listen(fixture->path, -1);
    assert_int_equal(ask(&out, fixture, "count", NULL), COMMON_ERR_NOT_FOUND);
    assert_int_equal(unlink(fixture->path), 0);
    file_write(fixture->path, "", 0);
    assert_int_equal(ask(&out, fixture, "count", NULL), COMMON_ERR_NOT_FOUND);
}

static void a_server_that_is_silent_times_out(void **state)
{
    struct control_fixture *fixture = *state;
    int fd = raw_listen(fixture->path, 0);
    char why[CONTROL_WHY_SIZE];
    json_t *out = NULL;
    uint64_t began = control_now_ns();
    assert_int_equal(control_request(&out, fixture->path, CONTROL_NO_OWNER, "count", NULL, 200, why,
                                     sizeof(why)),
                     COMMON_ERR_TIMEOUT);
    /* That connection was never accepted: there is no room for another one. */
    assert_int_equal(control_request(&out, fixture->path, CONTROL_NO_OWNER, "count", NULL, 200, why,
                                     sizeof(why)),
                     COMMON_ERR_TIMEOUT);
    uint64_t took = control_now_ns() - began;
    assert_true(took >= 350000000 && took < UINT64_C(1000000) * TEST_TIMEOUT_MS);
    (void)close(fd);
}

/* Answers whatever it is given to whoever comes, once, in a child. */
static pid_t answering(int listen_fd, const char *bytes, size_t len)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    char ignored[512];
    int fd = accept(listen_fd, NULL, NULL);
    (void)!read(fd, ignored, sizeof(ignored));
    (void)!send(fd, bytes, len, MSG_NOSIGNAL);
    _exit(0);
}

static void an_answer_that_is_none_is_corrupt(void **state)
{
    static char endless[2 * CONTROL_MAX_LINE];
    memset(endless, ' ', sizeof(endless));
    const struct {
        const char *bytes;
        size_t len;
    } answers[] = {
        {"", 0},
        {"{\"result\":null}", 15}, /* without its end */
        {"ok\n", 3},
        {"{}\n", 3},
        {"{\"result\":1,\"error\":{}}\n", 24},
        {"{\"error\":\"no\"}\n", 15},
        {endless, sizeof(endless)},
    };
    struct control_fixture *fixture = *state;
    int listen_fd = raw_listen(fixture->path, 4);
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        pid_t pid = answering(listen_fd, answers[i].bytes, answers[i].len);
        json_t *out = NULL;
        assert_int_equal(ask(&out, fixture, "count", NULL), COMMON_ERR_CORRUPT);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }
    static const char newer[] = "{\"error\":{\"code\":\"of-a-newer-one\",\"message\":\"no\"}}\n";
    pid_t pid = answering(listen_fd, newer, sizeof(newer) - 1);
    json_t *out = NULL;
    assert_int_equal(ask(&out, fixture, "count", NULL), COMMON_ERR_INTERNAL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    (void)close(listen_fd);
}

static void the_path_is_that_of_the_file_itself(void **state)
{
    struct control_fixture *fixture = *state;
    char file[PATH_MAX];
    char link[PATH_MAX];
    char folder[PATH_MAX];
    char expected[PATH_MAX + 16];
    assert_non_null(realpath(fixture->dir.path, folder));
    tmpdir_path(file, &fixture->dir, "volume");
    tmpdir_path(link, &fixture->dir, "link");
    char *path = NULL;
    assert_int_equal(control_path(&path, file), COMMON_ERR_NOT_FOUND);
    assert_null(path);
    file_write(file, "", 0);
    assert_int_equal(symlink("volume", link), 0);
    (void)snprintf(expected, sizeof(expected), "%s/volume.control", folder);
    assert_int_equal(control_path(&path, file), 0);
    assert_string_equal(path, expected);
    free(path);
    assert_int_equal(control_path(&path, link), 0);
    assert_string_equal(path, expected);
    free(path);
}

enum {
    SOMEBODY = 65534,
    ANYBODY = 65533
};

static int ask_as_somebody(void *context)
{
    const struct control_fixture *fixture = context;
    char why[CONTROL_WHY_SIZE];
    json_t *out = NULL;
    if (setgid(SOMEBODY) || setuid(SOMEBODY))
        return 100;
    return -control_request(&out, fixture->path, CONTROL_NO_OWNER, "count", NULL, TEST_TIMEOUT_MS,
                            why, sizeof(why));
}

static void expect_somebody(struct control_fixture *fixture, int error, int or_error)
{
    struct death death = death_of(ask_as_somebody, fixture, 20);
    assert_true(death.is_exit);
    if (death.status != -or_error)
        assert_int_equal(death.status, -error);
}

static void another_user_is_not_listened_to(void **state)
{
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, TEST_TIMEOUT_MS);
    assert_int_equal(chmod(fixture->dir.path, 0755), 0);
    expect_somebody(fixture, COMMON_ERR_DENIED, COMMON_ERR_DENIED); /* by the mode of the socket */
    assert_int_equal(chmod(fixture->path, 0666), 0);
    /* Hung up on, before or while it was sending. */
    expect_somebody(fixture, COMMON_ERR_CORRUPT, COMMON_ERR_IO);
    assert_int_equal(atomic_load(&fixture->num_calls), 0);
    expect_alive(fixture);
}

/* As another user, who has the folder: runs the function, and is ready when it has said so. */
static pid_t as_anybody(struct control_fixture *fixture, void (*run)(struct control_fixture *, int))
{
    int ready[2];
    assert_int_equal(chmod(fixture->dir.path, 0777), 0);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (setgid(ANYBODY) || setuid(ANYBODY))
            _exit(100);
        run(fixture, ready[1]);
        _exit(101);
    }
    char byte = 0;
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    return pid;
}

static void listen_and_note_a_question(struct control_fixture *fixture, int ready_fd)
{
    int fd = raw_listen(fixture->path, 4);
    (void)!chmod(fixture->path, 0666);
    (void)!write(ready_fd, "x", 1);
    char byte = 0;
    int client = accept(fd, NULL, NULL);
    _exit(recv(client, &byte, 1, 0) == 0 ? 0 : 1);
}

static void another_users_server_is_not_asked(void **state)
{
    struct control_fixture *fixture = *state;
    pid_t pid = as_anybody(fixture, listen_and_note_a_question);
    expect_somebody(fixture, COMMON_ERR_DENIED, COMMON_ERR_DENIED);
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void serve_for_a_minute(struct control_fixture *fixture, int ready_fd)
{
    control_fixture_start(fixture, TEST_TIMEOUT_MS);
    (void)!write(ready_fd, "x", 1);
    (void)sleep(60);
}

/* Anybody's server is asked about what is his, and about nothing else. */
static void root_asks_the_servers_of_owners_alone(void **state)
{
    struct control_fixture *fixture = *state;
    char why[CONTROL_WHY_SIZE];
    char volume[PATH_MAX];
    file_write(tmpdir_path(volume, &fixture->dir, "volume"), "", 0);
    pid_t pid = as_anybody(fixture, serve_for_a_minute);
    int errors[4];
    for (int i = 0; i < 4; i++) {
        static const uid_t owners[4] = {0, SOMEBODY, ANYBODY, ANYBODY};
        (void)!chown(volume, owners[i], 0);
        uid_t owner = i == 3 ? CONTROL_NO_OWNER : control_owner(volume);
        json_t *out = NULL;
        errors[i] = i < 3 && owner != owners[i]
                        ? COMMON_ERR_INTERNAL
                        : control_request(&out, fixture->path, owner, "count", NULL,
                                          TEST_TIMEOUT_MS, why, sizeof(why));
        json_decref(out);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(errors[0], COMMON_ERR_DENIED);
    assert_int_equal(errors[1], COMMON_ERR_DENIED);
    assert_int_equal(errors[2], 0);
    assert_int_equal(errors[3], COMMON_ERR_DENIED);
    assert_int_equal(unlink(volume), 0);
    assert_true(control_owner(volume) == CONTROL_NO_OWNER);
}

int main(int argc, char **argv)
{
    (void)argv;
    const struct CMUnitTest tests[] = {
        TEST(an_answer_is_what_the_request_made),
        TEST(an_error_keeps_its_category_and_sentence),
        TEST(refuses_what_is_no_request),
        TEST(a_second_line_is_refused),
        TEST(a_line_has_64_kib_at_most),
        TEST(an_answer_that_is_too_long_is_an_error),
        TEST(a_request_may_come_byte_by_byte),
        TEST(who_is_slow_is_hung_up_on_and_nobody_waits_for_him),
        TEST(the_time_is_for_the_whole_request),
        TEST(many_idle_clients_keep_nobody_out),
        TEST(nothing_is_left_of_clients_that_went_away),
        TEST(an_end_hangs_up_and_removes_the_socket),
        TEST(its_thread_takes_no_signals),
        TEST(nobody_there_is_not_found),
        TEST(a_server_that_is_silent_times_out),
        TEST(an_answer_that_is_none_is_corrupt),
        TEST(the_path_is_that_of_the_file_itself),
    };
    const struct CMUnitTest root_tests[] = {
        TEST(another_user_is_not_listened_to),
        TEST(another_users_server_is_not_asked),
        TEST(root_asks_the_servers_of_owners_alone),
    };
    if (argc > 1)
        return RUN_AS_ROOT("control_root", root_tests, NULL, NULL);
    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
