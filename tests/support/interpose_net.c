/* SPDX-License-Identifier: Apache-2.0 */
/* libc declares these with its own names for the parameters.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
#include "tests/support/fault.h"
#include "tests/support/interpose.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

ssize_t __recv_chk(int fd, void *out, size_t len, size_t out_len, int flags);
ssize_t __recvfrom_chk(int fd, void *out, size_t len, size_t out_len, int flags,
                       struct sockaddr *address, socklen_t *address_len);
void __chk_fail(void) __attribute__((noreturn));

int socket(int domain, int type, int protocol)
{
    return interpose_fails(FAULT_SOCKET) ? -1 : REAL(socket)(domain, type, protocol);
}

/* In C the address parameters are transparent unions of glibc's own, hence the casts. */
int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t address_len)
{
    return interpose_fails(FAULT_SOCKET) ? -1 : REAL(bind)(fd, address, address_len);
}

int listen(int fd, int backlog)
{
    return interpose_fails(FAULT_SOCKET) ? -1 : REAL(listen)(fd, backlog);
}

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t address_len)
{
    return interpose_fails(FAULT_SOCKET) ? -1 : REAL(connect)(fd, address, address_len);
}

int accept4(int fd, __SOCKADDR_ARG address, socklen_t *address_len, int flags)
{
    return interpose_fails(FAULT_SOCKET) ? -1 : REAL(accept4)(fd, address, address_len, flags);
}

int accept(int fd, __SOCKADDR_ARG address, socklen_t *address_len)
{
    return accept4(fd, address, address_len, 0);
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
    if (interpose_fails_len(FAULT_SEND, &len))
        return -1;
    return REAL(send)(fd, data, len, flags);
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, __CONST_SOCKADDR_ARG address,
               socklen_t address_len)
{
    if (interpose_fails_len(FAULT_SEND, &len))
        return -1;
    return REAL(sendto)(fd, data, len, flags, address, address_len);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct interpose_vector vector;
    if (interpose_fails_vector(FAULT_SEND, &vector, message->msg_iov, (int)message->msg_iovlen))
        return -1;
    struct msghdr shortened = *message;
    shortened.msg_iov = interpose_unconst(vector.pieces);
    shortened.msg_iovlen = (size_t)vector.num_pieces;
    return REAL(sendmsg)(fd, &shortened, flags);
}

ssize_t recv(int fd, void *out, size_t len, int flags)
{
    if (interpose_fails_len(FAULT_RECEIVE, &len))
        return -1;
    return REAL(recv)(fd, out, len, flags);
}

ssize_t __recv_chk(int fd, void *out, size_t len, size_t out_len, int flags)
{
    if (len > out_len)
        __chk_fail();
    return recv(fd, out, len, flags);
}

ssize_t recvfrom(int fd, void *restrict out, size_t len, int flags, __SOCKADDR_ARG address,
                 socklen_t *restrict address_len)
{
    if (interpose_fails_len(FAULT_RECEIVE, &len))
        return -1;
    return REAL(recvfrom)(fd, out, len, flags, address, address_len);
}

ssize_t __recvfrom_chk(int fd, void *out, size_t len, size_t out_len, int flags,
                       struct sockaddr *address, socklen_t *address_len)
{
    if (len > out_len)
        __chk_fail();
    return recvfrom(fd, out, len, flags, (__SOCKADDR_ARG){.__sockaddr__ = address}, address_len);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    struct interpose_vector vector;
    if (interpose_fails_vector(FAULT_RECEIVE, &vector, message->msg_iov, (int)message->msg_iovlen))
        return -1;
    struct msghdr shortened = *message;
    shortened.msg_iov = interpose_unconst(vector.pieces);
    shortened.msg_iovlen = (size_t)vector.num_pieces;
    ssize_t received = REAL(recvmsg)(fd, &shortened, flags);
    message->msg_namelen = shortened.msg_namelen;
    message->msg_controllen = shortened.msg_controllen;
    message->msg_flags = shortened.msg_flags;
    return received;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
