/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layer between a test program and libc that fault.h and recorder.h stand on.
 *
 * The interpose_*.c files define malloc, pwrite, rename and the rest under their own names. They
 * are part of the test executable (or of the preloaded library), so that the dynamic linker binds
 * the calls of every shared library to them as well. Each asks fault.h whether the call shall fail,
 * then goes through recorder.h, then on to the real function: libc's, or the sanitizer's where one
 * is in the process.
 *
 * Not seen: what libc calls inside itself (stdio, mkstemp excepted), raw syscall(), io_uring.
 *
 * The wrappers may run before any sanitizer is ready, therefore their files are compiled without
 * instrumentation. With nothing armed they cost one load.
 */
#ifndef TESTS_SUPPORT_INTERPOSE_H
#define TESTS_SUPPORT_INTERPOSE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>

/* All that is reached through interpose_real(): the *64 names stand for both names, which are one
 * function where off_t has 64 bits. */
#define INTERPOSED(X)                                                                              \
    X(mmap64)                                                                                      \
    X(mremap)                                                                                      \
    X(mprotect)                                                                                    \
    X(madvise)                                                                                     \
    X(mlock)                                                                                       \
    X(mlock2)                                                                                      \
    X(msync)                                                                                       \
    X(getrandom)                                                                                   \
    X(getentropy)                                                                                  \
    X(pthread_create)                                                                              \
    X(open64)                                                                                      \
    X(openat64)                                                                                    \
    X(mkostemp64)                                                                                  \
    X(fopen64)                                                                                     \
    X(truncate64)                                                                                  \
    X(ftruncate64)                                                                                 \
    X(fallocate64)                                                                                 \
    X(posix_fallocate64)                                                                           \
    X(renameat2)                                                                                   \
    X(linkat)                                                                                      \
    X(symlinkat)                                                                                   \
    X(unlinkat)                                                                                    \
    X(mkdirat)                                                                                     \
    X(flock)                                                                                       \
    X(fcntl64)                                                                                     \
    X(read)                                                                                        \
    X(readv)                                                                                       \
    X(pread64)                                                                                     \
    X(preadv64)                                                                                    \
    X(write)                                                                                       \
    X(writev)                                                                                      \
    X(pwrite64)                                                                                    \
    X(pwritev64)                                                                                   \
    X(pwritev64v2)                                                                                 \
    X(copy_file_range)                                                                             \
    X(sendfile64)                                                                                  \
    X(fsync)                                                                                       \
    X(fdatasync)                                                                                   \
    X(sync_file_range)                                                                             \
    X(syncfs)                                                                                      \
    X(sync)                                                                                        \
    X(socket)                                                                                      \
    X(bind)                                                                                        \
    X(listen)                                                                                      \
    X(connect)                                                                                     \
    X(accept4)                                                                                     \
    X(send)                                                                                        \
    X(sendto)                                                                                      \
    X(sendmsg)                                                                                     \
    X(recv)                                                                                        \
    X(recvfrom)                                                                                    \
    X(recvmsg)

enum interpose_function {
#define X(name) INTERPOSE_##name,
    INTERPOSED(X)
#undef X
    INTERPOSE_NUM
};

/* The next definition after ours. Never NULL: a name that nobody defines ends the process. */
void *interpose_real(enum interpose_function function);
#define REAL(name) ((__typeof__(&(name)))interpose_real(INTERPOSE_##name))

/* Set while something is armed or recorded, so that a wrapper need not call into instrumented code
 * before. */
extern atomic_bool interpose_faulting;
extern atomic_bool interpose_recording;

/* Faults concern this thread: it is inside its own function. */
extern _Thread_local bool interpose_thread_takes_part;

/* For struct iovec, which has one member for what is read and what is written. */
static inline void *interpose_unconst(const void *data)
{
    void *result = NULL;
    memcpy(&result, &data, sizeof(data));
    return result;
}

/* Shall this call fail? Sets errno when it shall. The second form is for calls with a length, which
 * it may shorten instead; the third does the same to a vector, of which it makes a copy. */
bool interpose_fails(unsigned class);
bool interpose_fails_len(unsigned class, size_t *len);

enum {
    INTERPOSE_MAX_PIECES = 1024 /* UIO_MAXIOV */
};

struct interpose_vector {
    const struct iovec *pieces;
    int num_pieces;
    struct iovec copy[INTERPOSE_MAX_PIECES];
};

bool interpose_fails_vector(unsigned class, struct interpose_vector *out,
                            const struct iovec *pieces, int num_pieces);

#endif
