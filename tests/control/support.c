/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/control/support.h"

#include "tests/support/test.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static int run_count(void *context, json_t **out, const json_t *arguments, char *why)
{
    (void)out;
    (void)arguments;
    why[0] = '\0';
    struct control_fixture *fixture = context;
    atomic_fetch_add(&fixture->num_calls, 1);
    return 0;
}

static int run_echo(void *context, json_t **out, const json_t *arguments, char *why)
{
    (void)context;
    why[0] = '\0';
    *out = json_deep_copy(arguments);
    return *out ? 0 : COMMON_ERR_NO_MEMORY;
}

static int run_refuse(void *context, json_t **out, const json_t *arguments, char *why)
{
    (void)context;
    (void)out;
    const char *sentence = json_string_value(json_object_get(arguments, "why"));
    if (sentence)
        (void)snprintf(why, CONTROL_WHY_SIZE, "%s", sentence);
    return (int)json_integer_value(json_object_get(arguments, "error"));
}

static int run_long(void *context, json_t **out, const json_t *arguments, char *why)
{
    (void)context;
    why[0] = '\0';
    size_t len = (size_t)json_integer_value(json_object_get(arguments, "length"));
    char *text = malloc(len + 1);
    if (!text)
        return COMMON_ERR_NO_MEMORY;
    memset(text, 'x', len);
    text[len] = '\0';
    *out = json_string(text);
    free(text);
    return *out ? 0 : COMMON_ERR_NO_MEMORY;
}

static const struct control_verb verbs[] = {
    {"count", run_count}, {"echo", run_echo}, {"refuse", run_refuse},
    {"long", run_long},   {NULL, NULL},
};

int control_fixture_setup(void **state)
{
    struct control_fixture *fixture = calloc(1, sizeof(*fixture));
    if (!fixture)
        return -1;
    tmpdir_make(&fixture->dir);
    tmpdir_path(fixture->path, &fixture->dir, "volume.control");
    *state = fixture;
    return 0;
}

int control_fixture_teardown(void **state)
{
    struct control_fixture *fixture = *state;
    control_server_stop(&fixture->server);
    tmpdir_remove(&fixture->dir);
    free(fixture);
    return 0;
}

void control_fixture_start(struct control_fixture *fixture, unsigned timeout_ms)
{
    char why[CONTROL_WHY_SIZE] = "";
    const struct control_server_options options = {
        .path = fixture->path, .verbs = verbs, .context = fixture, .timeout_ms = timeout_ms};
    assert_int_equal(control_server_start(&fixture->server, &options, why, sizeof(why)), 0);
    assert_non_null(fixture->server);
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path) + 1);
    return address;
}

int raw_connect(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)),
                     0);
    return fd;
}

void raw_send(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return; /* the server had enough */
        assert_true(n > 0);
        bytes += n;
        len -= (size_t)n;
    }
}

char *raw_answer(int fd)
{
    char *answer = calloc(1, CONTROL_MAX_LINE + 1);
    assert_non_null(answer);
    size_t len = 0;
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&poll_fd, 1, TEST_TIMEOUT_MS), 1);
        assert_true(len < CONTROL_MAX_LINE + 1);
        ssize_t n = recv(fd, answer + len, CONTROL_MAX_LINE + 1 - len, 0);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    (void)close(fd);
    if (len == 0) {
        free(answer);
        return NULL;
    }
    assert_int_equal(answer[len - 1], '\n');
    assert_ptr_equal(strchr(answer, '\n'), answer + len - 1);
    answer[len - 1] = '\0';
    return answer;
}

char *raw_ask(const char *path, const char *line)
{
    int fd = raw_connect(path);
    raw_send(fd, line, strlen(line));
    return raw_answer(fd);
}

int raw_listen(const char *path, int backlog)
{
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)), 0);
    if (backlog < 0) {
        assert_int_equal(close(fd), 0);
        return -1;
    }
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

unsigned num_descriptors(void)
{
    unsigned num = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        num++;
    (void)closedir(dir);
    return num;
}
