/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread waits for all: the listening socket, the connections and the word to stop. A
 * connection is reading until its line is complete or cannot become one, and writing from then on.
 */
#include "tools/control/control.h"

#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "tools/control/message.h"
#include "tools/control/socket.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

enum {
    RECEIVE_LEN = 4096,
    ACCEPT_PAUSE_MS = 100, /* after the system had no descriptor for a connection */
    POLL_STOP = 0,
    POLL_LISTEN = 1,
    POLL_CLIENTS = 2
};

struct client {
    int fd; /* -1: free */
    uint64_t number;
    uint64_t deadline_ns;
    struct common_buf line;
    char *answer; /* not NULL: writing */
    size_t answer_len;
    size_t answer_at;
};

struct control_server {
    struct control_listener listener;
    const struct control_verb *verbs;
    void *context;
    uint64_t timeout_ns;
    int stop_fd;
    pthread_t thread;
    uint64_t num_clients; /* that there ever were */
    uint64_t accept_at_ns;
    struct client clients[CONTROL_MAX_CLIENTS];
};

static void hang_up(struct client *client)
{
    common_cleanup_fd(&client->fd);
    common_buf_wipe(&client->line);
    free(client->answer);
    *client = (struct client){.fd = -1};
}

/* S3. */
static struct client *free_place(struct control_server *server)
{
    struct client *oldest = &server->clients[0];
    for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
        struct client *client = &server->clients[i];
        if (client->fd < 0)
            return client;
        if (client->number < oldest->number)
            oldest = client;
    }
    hang_up(oldest);
    return oldest;
}

/* S1. */
static bool may_ask(int fd)
{
    uid_t uid = (uid_t)-1;
    return control_peer_uid(&uid, fd) == 0 && (uid == geteuid() || uid == 0);
}

static void accept_clients(struct control_server *server)
{
    /* So many and no more, or who connects fast enough would be all that the thread sees. */
    for (unsigned i = 0; i < CONTROL_MAX_CLIENTS; i++) {
        struct sockaddr_un peer;
        socklen_t peer_len = sizeof(peer);
        COMMON_CLEANUP_FD int fd = accept4(server->listener.fd, (struct sockaddr *)(void *)&peer,
                                           &peer_len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                server->accept_at_ns = control_now_ns() + UINT64_C(1000000) * ACCEPT_PAUSE_MS;
            return;
        }
        if (!may_ask(fd))
            continue;
        struct client *client = free_place(server);
        *client = (struct client){.fd = COMMON_TAKE_FD(fd),
                                  .number = ++server->num_clients,
                                  .deadline_ns = control_now_ns() + server->timeout_ns,
                                  .line = common_buf_growing(CONTROL_MAX_LINE)};
    }
}

static void write_some(struct client *client)
{
    ssize_t n = send(client->fd, client->answer + client->answer_at,
                     client->answer_len - client->answer_at, MSG_NOSIGNAL);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR)
            hang_up(client);
        return;
    }
    client->answer_at += (size_t)n;
    if (client->answer_at == client->answer_len)
        hang_up(client);
}

/* The line is complete, or too long to become so. */
static void answer(struct control_server *server, struct client *client, const uint8_t *end)
{
    const char *line = (const char *)client->line.data;
    int error = 0;
    if (!end)
        error = control_answer_error(&client->answer, &client->answer_len, COMMON_ERR_LIMIT,
                                     "the request is too long");
    else if (end + 1 != client->line.data + client->line.len)
        error = control_answer_error(&client->answer, &client->answer_len, COMMON_ERR_INVALID,
                                     "more than one line");
    else
        error = control_answer(&client->answer, &client->answer_len, line, client->line.len - 1,
                               server->verbs, server->context);
    if (error)
        hang_up(client);
    else
        write_some(client);
}

static void read_some(struct control_server *server, struct client *client)
{
    uint8_t bytes[RECEIVE_LEN];
    size_t room = CONTROL_MAX_LINE - client->line.len;
    ssize_t n = recv(client->fd, bytes, room < sizeof(bytes) ? room : sizeof(bytes), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || common_buf_append(&client->line, bytes, (size_t)n)) {
        hang_up(client);
        return;
    }
    const uint8_t *end = memchr(bytes, '\n', (size_t)n);
    if (end)
        end = client->line.data + client->line.len - (size_t)n + (size_t)(end - bytes);
    if (end || client->line.len == CONTROL_MAX_LINE)
        answer(server, client, end);
}

/* Milliseconds to the next deadline, -1 if there is none. */
static int next_timeout(const struct control_server *server)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
        if (server->clients[i].fd >= 0 && server->clients[i].deadline_ns < next)
            next = server->clients[i].deadline_ns;
    }
    if (server->accept_at_ns && server->accept_at_ns < next)
        next = server->accept_at_ns;
    return next == UINT64_MAX ? -1 : control_poll_ms(next);
}

static void fill_poll(struct control_server *server, struct pollfd *fds)
{
    if (server->accept_at_ns && control_now_ns() >= server->accept_at_ns)
        server->accept_at_ns = 0;
    fds[POLL_STOP] = (struct pollfd){.fd = server->stop_fd, .events = POLLIN};
    fds[POLL_LISTEN] =
        (struct pollfd){.fd = server->accept_at_ns ? -1 : server->listener.fd, .events = POLLIN};
    for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
        const struct client *client = &server->clients[i];
        fds[POLL_CLIENTS + i] =
            (struct pollfd){.fd = client->fd, .events = client->answer ? POLLOUT : POLLIN};
    }
}

static void *serve(void *context)
{
    struct control_server *server = context;
    struct pollfd fds[POLL_CLIENTS + CONTROL_MAX_CLIENTS];
    for (;;) {
        fill_poll(server, fds);
        int n = poll(fds, POLL_CLIENTS + CONTROL_MAX_CLIENTS, next_timeout(server));
        if (n < 0) { /* no memory, for a moment */
            struct timespec pause = {.tv_nsec = 10000000};
            (void)nanosleep(&pause, NULL);
            continue;
        }
        if (n > 0 && fds[POLL_STOP].revents)
            return NULL;
        uint64_t now_ns = control_now_ns();
        for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++) {
            struct client *client = &server->clients[i];
            if (client->fd < 0)
                continue;
            if (n > 0 && fds[POLL_CLIENTS + i].revents)
                (client->answer ? (void)write_some(client) : read_some(server, client));
            if (client->fd >= 0 && now_ns >= client->deadline_ns)
                hang_up(client);
        }
        /* Last, so that no place has another client than the one that was waited for. */
        if (n > 0 && fds[POLL_LISTEN].revents)
            accept_clients(server);
    }
}

/* The host's signals are the host's. */
static int start_thread(struct control_server *server)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int refused = pthread_create(&server->thread, NULL, serve, server);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return refused ? COMMON_ERR_LIMIT : 0;
}

static void free_server(struct control_server *server)
{
    for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++)
        hang_up(&server->clients[i]);
    control_listener_close(&server->listener);
    common_cleanup_fd(&server->stop_fd);
    free(server);
}

int control_server_start(struct control_server **out, const struct control_server_options *options,
                         char *why, size_t why_size)
{
    *out = NULL;
    struct control_server *server = calloc(1, sizeof(*server));
    if (!server) {
        (void)snprintf(why, why_size, "%s", common_error_text(COMMON_ERR_NO_MEMORY));
        return COMMON_ERR_NO_MEMORY;
    }
    *server = (struct control_server){.listener = CONTROL_NO_LISTENER,
                                      .verbs = options->verbs,
                                      .context = options->context,
                                      .timeout_ns = UINT64_C(1000000) * options->timeout_ms};
    for (size_t i = 0; i < CONTROL_MAX_CLIENTS; i++)
        server->clients[i].fd = -1;
    server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = server->stop_fd < 0 ? common_error_from_errno(errno) : 0;
    if (error)
        (void)snprintf(why, why_size, "%s", common_error_text(error));
    if (!error)
        error = control_listen(&server->listener, options->path, why, why_size);
    if (!error) {
        error = start_thread(server);
        if (error)
            (void)snprintf(why, why_size, "the system gives no thread");
    }
    if (error)
        free_server(server);
    else
        *out = server;
    return error;
}

void control_server_stop(struct control_server **server)
{
    if (!server || !*server)
        return;
    (void)eventfd_write((*server)->stop_fd, 1);
    (void)pthread_join((*server)->thread, NULL);
    free_server(*server);
    *server = NULL;
}
