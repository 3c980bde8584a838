/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/nbd_greeting.h"

#include "common/base/ct.h"
#include "common/base/endian.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md, "Newstyle negotiation" */
enum {
    GREETING_LEN = 18, /* two magic numbers and flags */
    REPLY_LEN = 20,
    ABORT_LEN = 20, /* flags of the client, and an option without data */
    OPT_ABORT = 2,
    FIXED_NEWSTYLE = 1,
    WAIT_MS = 1000
};

static const uint8_t magic[16] = "NBDMAGICIHAVEOPT";

static int receive(uint8_t *out, size_t len, int fd)
{
    for (size_t at = 0; at < len;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int ready = poll(&poll_fd, 1, WAIT_MS);
        if (ready == 0)
            return COMMON_ERR_TIMEOUT;
        ssize_t n = ready < 0 ? -1 : recv(fd, out + at, len - at, 0);
        if (n == 0)
            return COMMON_ERR_IO;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return common_error_from_errno(errno);
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int nbd_greet(int fd)
{
    uint8_t greeting[GREETING_LEN];
    int error = receive(greeting, sizeof(greeting), fd);
    if (error)
        return error;
    if (!common_ct_equal(greeting, magic, sizeof(magic)))
        return COMMON_ERR_CORRUPT;
    uint8_t leave[ABORT_LEN] = {0};
    common_put_be32(leave, FIXED_NEWSTYLE);
    for (size_t i = 0; i < 8; i++)
        leave[4 + i] = magic[8 + i];
    common_put_be32(leave + 12, OPT_ABORT);
    if (send(fd, leave, sizeof(leave), MSG_NOSIGNAL) != (ssize_t)sizeof(leave))
        return COMMON_ERR_IO;
    uint8_t reply[REPLY_LEN];
    (void)!receive(reply, sizeof(reply), fd); /* an acknowledgement, which it need not give */
    return 0;
}
