/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unix stream sockets that have a name in a folder.
 *
 *   N1  The socket has mode 0600 from the moment it has its name.
 *   N2  What is there under that name is replaced only if it is a socket that nobody listens on:
 * one that a killed server left. A symbolic link is not followed. N3  Two that want the same name
 * take turns by a lock on the folder: one gets it. N4  A name is removed only by who made it, and
 * only while it still is that socket. N5  Paths may be longer than the 107 bytes that struct
 * sockaddr_un holds.
 *
 * Threads: different listeners are free, one is used by one thread at a time.
 */
#ifndef TOOLS_CONTROL_SOCKET_H
#define TOOLS_CONTROL_SOCKET_H

#include "common/base/cleanup.h"
#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct control_listener {
    int fd; /* non-blocking, close-on-exec; may be taken out with COMMON_TAKE_FD */
    int folder_fd;
    int file_fd; /* of the name: keeps the number of its inode from being given to another */
    char *name;  /* in the folder */
};

#define CONTROL_NO_LISTENER                                                                        \
    {                                                                                              \
        .fd = -1, .folder_fd = -1, .file_fd = -1                                                   \
    }

/* Makes the socket and listens. COMMON_ERR_BUSY: somebody listens there. COMMON_ERR_EXISTS: there
 * is something that is no socket. COMMON_ERR_NOT_FOUND (the folder), COMMON_ERR_DENIED,
 * COMMON_ERR_LIMIT (the name in its folder is too long), COMMON_ERR_IO, COMMON_ERR_NO_MEMORY. `why`
 * gets a sentence; *out is empty then. */
COMMON_MUST_USE int control_listen(struct control_listener *out, const char *path, char *why,
                                   size_t why_size);

/* Stops listening and removes the name (N4). An empty one is allowed. */
void control_listener_close(struct control_listener *listener);

/* Connects, non-blocking, until the deadline (nanoseconds of the monotonic clock).
 * COMMON_ERR_NOT_FOUND: there is no socket, or nobody listens on it; COMMON_ERR_DENIED,
 * COMMON_ERR_LIMIT, COMMON_ERR_TIMEOUT, COMMON_ERR_IO. *out_fd is -1 then. */
COMMON_MUST_USE int control_connect(int *out_fd, const char *path, uint64_t deadline_ns);

/* The uid at the other end. COMMON_ERR_IO. */
COMMON_MUST_USE int control_peer_uid(uid_t *out, int fd);

uint64_t control_now_ns(void);

/* Milliseconds until the deadline for poll(2), rounded up, 0 if it has passed. */
int control_poll_ms(uint64_t deadline_ns);

#endif
