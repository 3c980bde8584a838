/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/control/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

enum {
    BACKLOG = 64,
    LOCK_WAIT_MS = 5000,
    RETRY_MS = 10,
    NS_PER_MS = 1000000
};

uint64_t control_now_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

int control_poll_ms(uint64_t deadline_ns)
{
    uint64_t now = control_now_ns();
    if (now >= deadline_ns)
        return 0;
    uint64_t left_ms = (deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS;
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

/* false when the deadline would pass. */
static bool sleep_until_retry(uint64_t deadline_ns)
{
    if (control_poll_ms(deadline_ns) <= RETRY_MS)
        return false;
    struct timespec pause = {.tv_nsec = (long)RETRY_MS * NS_PER_MS};
    (void)nanosleep(&pause, NULL);
    return true;
}

/* Splits off the folder; *out_name points into the path. */
static int open_folder(int *out_fd, const char **out_name, const char *path, int flags)
{
    const char *slash = strrchr(path, '/');
    *out_name = slash ? slash + 1 : path;
    if ((*out_name)[0] == '\0')
        return COMMON_ERR_INVALID;
    COMMON_CLEANUP_FREE char *folder =
        slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    if (!folder)
        return COMMON_ERR_NO_MEMORY;
    *out_fd = open(folder, flags | O_DIRECTORY | O_CLOEXEC);
    return *out_fd < 0 ? common_error_from_errno(errno) : 0;
}

/* N5: as the kernel sees it, the name in a folder that is open. */
static int make_address(struct sockaddr_un *out, int folder_fd, const char *name)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/%s", folder_fd, name);
    return n < 0 || (size_t)n >= sizeof(out->sun_path) ? COMMON_ERR_LIMIT : 0;
}

static int new_socket(int *out_fd)
{
    *out_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return *out_fd < 0 ? common_error_from_errno(errno) : 0;
}

/* One attempt: 0, COMMON_ERR_NOT_FOUND (nobody listens), COMMON_ERR_BUSY (the backlog is full). */
static int connect_once(int fd, const struct sockaddr_un *address)
{
    if (connect(fd, (const struct sockaddr *)(const void *)address, sizeof(*address)) == 0)
        return 0;
    switch (errno) {
    case ECONNREFUSED:
    case ENOENT:
    case ENOTSOCK: /* never on Linux, which says ECONNREFUSED of a file that is no socket */
    case EPROTOTYPE:
        return COMMON_ERR_NOT_FOUND;
    case EAGAIN:
        return COMMON_ERR_BUSY;
    default:
        return common_error_from_errno(errno);
    }
}

int control_connect(int *out_fd, const char *path, uint64_t deadline_ns)
{
    *out_fd = -1;
    COMMON_CLEANUP_FD int folder_fd = -1;
    COMMON_CLEANUP_FD int fd = -1;
    const char *name = NULL;
    struct sockaddr_un address;
    int error = open_folder(&folder_fd, &name, path, O_PATH);
    if (!error)
        error = make_address(&address, folder_fd, name);
    struct stat status;
    if (!error && fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW))
        error = common_error_from_errno(errno);
    if (!error && !S_ISSOCK(status.st_mode))
        error = COMMON_ERR_NOT_FOUND;
    if (!error)
        error = new_socket(&fd);
    if (error)
        return error;
    do
        error = connect_once(fd, &address);
    while (error == COMMON_ERR_BUSY && sleep_until_retry(deadline_ns));
    if (error)
        return error == COMMON_ERR_BUSY ? COMMON_ERR_TIMEOUT : error;
    *out_fd = COMMON_TAKE_FD(fd);
    return 0;
}

int control_peer_uid(uid_t *out, int fd)
{
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t len = sizeof(peer);
    *out = (uid_t)-1;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) || len != sizeof(peer))
        return COMMON_ERR_IO;
    *out = peer.uid;
    return 0;
}

/* N3. Where a folder cannot be locked at all (some network file systems), there are no turns. */
static int lock_folder(int folder_fd)
{
    uint64_t deadline_ns = control_now_ns() + (uint64_t)LOCK_WAIT_MS * NS_PER_MS;
    while (flock(folder_fd, LOCK_EX | LOCK_NB)) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return 0;
        if (!sleep_until_retry(deadline_ns))
            return COMMON_ERR_BUSY;
    }
    return 0;
}

/* N2. */
static int remove_stale(int folder_fd, const char *name, const struct sockaddr_un *address)
{
    struct stat status;
    if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? 0 : common_error_from_errno(errno);
    if (!S_ISSOCK(status.st_mode))
        return COMMON_ERR_EXISTS;
    COMMON_CLEANUP_FD int fd = -1;
    int error = new_socket(&fd);
    if (error)
        return error;
    error = connect_once(fd, address);
    if (!error)
        return COMMON_ERR_BUSY;
    if (error != COMMON_ERR_NOT_FOUND)
        return error;
    if (unlinkat(folder_fd, name, 0) && errno != ENOENT)
        return common_error_from_errno(errno);
    return 0;
}

/* N1: bind(2) gives the name the mode that the socket itself has. */
static int bind_private(const struct control_listener *listener, const struct sockaddr_un *address)
{
    if (fchmod(listener->fd, S_IRUSR | S_IWUSR) ||
        bind(listener->fd, (const struct sockaddr *)(const void *)address, sizeof(*address)))
        return errno == EADDRINUSE ? COMMON_ERR_BUSY : common_error_from_errno(errno);
    return 0;
}

/* For N4. */
static int note_identity(struct control_listener *listener)
{
    struct stat status;
    listener->file_fd =
        openat(listener->folder_fd, listener->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (listener->file_fd < 0 || fstat(listener->file_fd, &status))
        return common_error_from_errno(errno);
    /* Another kernel might not do what N1 relies on. */
    return (status.st_mode & (S_IRWXG | S_IRWXO)) ? COMMON_ERR_DENIED : 0;
}

static int take_name(struct control_listener *listener, const struct sockaddr_un *address)
{
    int error = lock_folder(listener->folder_fd);
    if (error)
        return error;
    error = remove_stale(listener->folder_fd, listener->name, address);
    if (!error)
        error = bind_private(listener, address);
    if (!error) {
        error = note_identity(listener);
        if (!error && listen(listener->fd, BACKLOG))
            error = common_error_from_errno(errno);
        if (error)
            (void)unlinkat(listener->folder_fd, listener->name, 0);
    }
    (void)flock(listener->folder_fd, LOCK_UN);
    return error;
}

static void explain(char *why, size_t why_size, int error)
{
    const char *text = common_error_text(error);
    if (error == COMMON_ERR_BUSY)
        text = "another server listens there";
    else if (error == COMMON_ERR_EXISTS)
        text = "is there already and is not a socket";
    else if (error == COMMON_ERR_LIMIT)
        text = "the name is too long for a socket";
    else if (error == COMMON_ERR_NOT_FOUND)
        text = "there is no such folder";
    (void)snprintf(why, why_size, "%s", text);
}

static void forget(struct control_listener *listener)
{
    common_cleanup_fd(&listener->fd);
    common_cleanup_fd(&listener->folder_fd);
    common_cleanup_fd(&listener->file_fd);
    free(listener->name);
    *listener = (struct control_listener)CONTROL_NO_LISTENER;
}

int control_listen(struct control_listener *out, const char *path, char *why, size_t why_size)
{
    *out = (struct control_listener)CONTROL_NO_LISTENER;
    const char *name = NULL;
    struct sockaddr_un address;
    int error = open_folder(&out->folder_fd, &name, path, O_RDONLY);
    if (error == COMMON_ERR_DENIED) /* one that may be searched and not read cannot be locked */
        error = open_folder(&out->folder_fd, &name, path, O_PATH);
    if (!error)
        error = make_address(&address, out->folder_fd, name);
    if (!error) {
        out->name = strdup(name);
        error = out->name ? 0 : COMMON_ERR_NO_MEMORY;
    }
    if (!error)
        error = new_socket(&out->fd);
    if (!error)
        error = take_name(out, &address);
    if (error) {
        explain(why, why_size, error);
        forget(out);
    }
    return error;
}

static bool is_still_ours(const struct control_listener *listener)
{
    struct stat made;
    struct stat found;
    return fstat(listener->file_fd, &made) == 0 &&
           fstatat(listener->folder_fd, listener->name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
           made.st_dev == found.st_dev && made.st_ino == found.st_ino;
}

void control_listener_close(struct control_listener *listener)
{
    if (listener->name && lock_folder(listener->folder_fd) == 0) {
        if (is_still_ours(listener))
            (void)unlinkat(listener->folder_fd, listener->name, 0);
        (void)flock(listener->folder_fd, LOCK_UN);
    }
    forget(listener);
}
