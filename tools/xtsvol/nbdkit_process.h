/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nbdkit as a child, with our plugin, on a socket that is listened on already.
 *
 *   K1  It ends when its parent does, however that ends.
 *   K2  It gets the listening socket by socket activation (nbdkit-service(1)), so that the socket
 * has the mode that we gave it: nbdkit sets a umask of 0022. K3  Keys go through a pipe, as fast as
 * they are read: they are in no file, no argument and no environment. K4  What it writes to
 * standard error is read line by line.
 */
#ifndef TOOLS_XTSVOL_NBDKIT_PROCESS_H
#define TOOLS_XTSVOL_NBDKIT_PROCESS_H

#include "common/base/cleanup.h"
#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    NBDKIT_LISTEN_FD = 3, /* SD_LISTEN_FDS_START */
    NBDKIT_KEYS_FD = 4,
    NBDKIT_LINE_SIZE = 1024
};

struct nbdkit_process {
    pid_t pid;   /* 0: none */
    int pid_fd;  /* readable when it has ended */
    int log_fd;  /* non-blocking */
    int keys_fd; /* non-blocking, to be closed when all keys were written */
    char line[NBDKIT_LINE_SIZE];
    size_t line_len;
};

#define NBDKIT_NO_PROCESS                                                                          \
    {                                                                                              \
        .pid_fd = -1, .log_fd = -1, .keys_fd = -1                                                  \
    }

/* Starts `nbdkit` of the PATH. argv ends with NULL; NBDKIT_KEYS_FD is open in the child. listen_fd
 * is borrowed. COMMON_ERR_NOT_FOUND: nbdkit is not installed; else the error of the system. */
COMMON_MUST_USE int nbdkit_start(struct nbdkit_process *out, char *const *argv, int listen_fd);

/* Reads what there is of the log; tells each message without nbdkit's prefix. False at its end. */
bool nbdkit_read_log(struct nbdkit_process *process,
                     void (*tell)(void *context, const char *message), void *context);

/* Asks it to end in order. */
void nbdkit_ask_to_end(const struct nbdkit_process *process);

/* Waits for its end: the exit status, or minus the number of the signal. */
int nbdkit_wait(struct nbdkit_process *process);

/* Ends it at once if it is still there. */
void nbdkit_end(struct nbdkit_process *process);

#endif
