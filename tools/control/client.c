/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/control/control.h"

#include "common/base/cleanup.h"
#include "tools/control/message.h"
#include "tools/control/socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

int control_path(char **out, const char *metadata_path)
{
    *out = NULL;
    COMMON_CLEANUP_FREE char *real = realpath(metadata_path, NULL);
    if (!real)
        return common_error_from_errno(errno);
    return asprintf(out, "%s.control", real) < 0 ? (*out = NULL, COMMON_ERR_NO_MEMORY) : 0;
}

uid_t control_owner(const char *metadata_path)
{
    struct stat status;
    return stat(metadata_path, &status) ? CONTROL_NO_OWNER : status.st_uid;
}

/* S5. Root too has to know whom he listens to: in a folder that others may write to, anybody can
 * put a socket beside a volume. */
static int check_server(int fd, uid_t owner)
{
    uid_t server = CONTROL_NO_OWNER;
    int error = control_peer_uid(&server, fd);
    if (!error && server == CONTROL_NO_OWNER)
        error = COMMON_ERR_DENIED;
    if (error)
        return error;
    return server == geteuid() || server == 0 || server == owner ? 0 : COMMON_ERR_DENIED;
}

static int wait_for(int fd, short events, uint64_t deadline_ns)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    for (;;) {
        int n = poll(&poll_fd, 1, control_poll_ms(deadline_ns));
        if (n > 0)
            return 0;
        if (n == 0)
            return COMMON_ERR_TIMEOUT;
        if (errno != EINTR)
            return common_error_from_errno(errno);
        if (control_poll_ms(deadline_ns) == 0)
            return COMMON_ERR_TIMEOUT;
    }
}

static int send_all(int fd, const char *bytes, size_t len, uint64_t deadline_ns)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = send(fd, bytes + at, len - at, MSG_NOSIGNAL);
        if (n >= 0) {
            at += (size_t)n;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            return common_error_from_errno(errno);
        int error = wait_for(fd, POLLOUT, deadline_ns);
        if (error)
            return error;
    }
    return 0;
}

/* The line without its end. */
static int receive_line(char *out, size_t *out_len, int fd, uint64_t deadline_ns)
{
    size_t len = 0;
    while (len < CONTROL_MAX_LINE) {
        int error = wait_for(fd, POLLIN, deadline_ns);
        if (error)
            return error;
        ssize_t n = recv(fd, out + len, CONTROL_MAX_LINE - len, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n < 0 && errno != ECONNRESET)
            return common_error_from_errno(errno);
        if (n <= 0)
            return COMMON_ERR_CORRUPT;
        const char *end = memchr(out + len, '\n', (size_t)n);
        len += (size_t)n;
        if (end) {
            *out_len = (size_t)(end - out);
            return 0;
        }
    }
    return COMMON_ERR_CORRUPT;
}

static int exchange(json_t **out, int fd, const char *line, size_t line_len, uint64_t deadline_ns,
                    char *why, size_t why_size)
{
    COMMON_CLEANUP_FREE char *answer = malloc(CONTROL_MAX_LINE);
    if (!answer)
        return COMMON_ERR_NO_MEMORY;
    size_t answer_len = 0;
    int error = send_all(fd, line, line_len, deadline_ns);
    if (!error)
        error = receive_line(answer, &answer_len, fd, deadline_ns);
    return error ? error : control_answer_decode(out, answer, answer_len, why, why_size);
}

int control_request(json_t **out, const char *path, uid_t owner, const char *request,
                    json_t *arguments, unsigned timeout_ms, char *why, size_t why_size)
{
    *out = NULL;
    if (why_size > 0)
        why[0] = '\0';
    uint64_t deadline_ns = control_now_ns() + (uint64_t)timeout_ms * 1000000;
    COMMON_CLEANUP_FD int fd = -1;
    COMMON_CLEANUP_FREE char *line = NULL;
    size_t line_len = 0;
    int error = control_line_encode(
        &line, &line_len, json_pack("{s:s,s:O*}", "request", request, "arguments", arguments));
    if (!error)
        error = control_connect(&fd, path, deadline_ns);
    if (!error)
        error = check_server(fd, owner);
    if (!error)
        error = exchange(out, fd, line, line_len, deadline_ns, why, why_size);
    if (error && why_size > 0 && why[0] == '\0')
        (void)snprintf(why, why_size, "%s",
                       error == COMMON_ERR_CORRUPT ? "the server hung up"
                                                   : common_error_text(error));
    return error;
}
