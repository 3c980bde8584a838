/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cleanup at the end of the scope (GNU C). A variable that is marked must be initialised where it
 * is declared. To hand the resource on, take it out with COMMON_TAKE: the variable is left empty.
 *
 *     COMMON_CLEANUP_FREE char *path = NULL;
 *     COMMON_CLEANUP_FD int fd = open(...);
 *     ...
 *     *out = COMMON_TAKE_PTR(path);
 */
#ifndef COMMON_BASE_CLEANUP_H
#define COMMON_BASE_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COMMON_CLEANUP(function) __attribute__((cleanup(function)))
#define COMMON_CLEANUP_FREE COMMON_CLEANUP(common_cleanup_free)
#define COMMON_CLEANUP_FD COMMON_CLEANUP(common_cleanup_fd)
#define COMMON_CLEANUP_FILE COMMON_CLEANUP(common_cleanup_file)

#define COMMON_TAKE(variable, empty)                                                               \
    __extension__({                                                                                \
        __typeof__(variable) common_taken_ = (variable);                                           \
        (variable) = (empty);                                                                      \
        common_taken_;                                                                             \
    })
#define COMMON_TAKE_PTR(variable) COMMON_TAKE(variable, NULL)
#define COMMON_TAKE_FD(variable) COMMON_TAKE(variable, -1)

/* The cleanups keep errno: they run after the return value was computed, often from errno. */
static inline void common_cleanup_free(void *variable)
{
    int saved = errno;
    free(*(void **)variable);
    errno = saved;
}

static inline void common_cleanup_fd(const int *fd)
{
    if (*fd < 0)
        return;
    int saved = errno;
    (void)close(*fd);
    errno = saved;
}

static inline void common_cleanup_file(FILE **file)
{
    if (!*file)
        return;
    int saved = errno;
    (void)fclose(*file);
    errno = saved;
}

#endif
