/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory, random bytes and threads.
 *
 * The allocator is reached by libc's second names for it, not by dlsym(), because the dynamic
 * linker allocates before anything else runs and dlsym() may allocate itself. Under a sanitizer its
 * interceptor is called, so that what it knows about the heap stays complete. free() is left alone.
 */
/* libc declares these with its own names for the parameters.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
#include "tests/support/fault.h"
#include "tests/support/interpose.h"
#include "tests/support/recorder_hooks.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *__interceptor_malloc(size_t size) __attribute__((weak));
void *__interceptor_calloc(size_t number, size_t size) __attribute__((weak));
void *__interceptor_realloc(void *block, size_t size) __attribute__((weak));
void *__interceptor_memalign(size_t alignment, size_t size) __attribute__((weak));

static void *real_malloc(size_t size)
{
    return __interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size);
}

/* Under a name of their own, since analysers have their own idea of malloc() and memalign(). */
static void *counted_malloc(size_t size)
{
    return interpose_fails(FAULT_MALLOC) ? NULL : real_malloc(size);
}

static void *counted_memalign(size_t alignment, size_t size)
{
    if (interpose_fails(FAULT_MALLOC))
        return NULL;
    return __interceptor_memalign ? __interceptor_memalign(alignment, size)
                                  : __libc_memalign(alignment, size);
}

void *malloc(size_t size)
{
    return counted_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    if (interpose_fails(FAULT_MALLOC))
        return NULL;
    return __interceptor_calloc ? __interceptor_calloc(number, size) : __libc_calloc(number, size);
}

void *realloc(void *block, size_t size)
{
    if (interpose_fails(FAULT_MALLOC))
        return NULL;
    return __interceptor_realloc ? __interceptor_realloc(block, size) : __libc_realloc(block, size);
}

/* libc's own reallocarray() would call realloc() past us in some versions. */
void *reallocarray(void *block, size_t number, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(number, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, bytes);
}

void *memalign(size_t alignment, size_t size)
{
    return counted_memalign(alignment, size);
}

/* A sanitizer's own strdup() would not come back to malloc(). */
char *strdup(const char *text)
{
    size_t len = strlen(text) + 1;
    char *copy = counted_malloc(len);
    if (copy)
        memcpy(copy, text, len);
    return copy;
}

char *strndup(const char *text, size_t max)
{
    size_t len = strnlen(text, max);
    char *copy = counted_malloc(len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = 0;
    return copy;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return counted_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0)
        return EINVAL;
    int saved = errno; /* POSIX: the error is the result, errno stays as it was */
    void *block = counted_memalign(alignment, size);
    if (block) {
        *out = block;
        return 0;
    }
    int error = errno;
    errno = saved;
    return error;
}

void *mmap64(void *address, size_t len, int protection, int flags, int fd, off64_t offset)
{
    if (interpose_fails(FAULT_MMAP))
        return MAP_FAILED;
    void *mapped = REAL(mmap64)(address, len, protection, flags, fd, offset);
    if (atomic_load(&interpose_recording) && mapped != MAP_FAILED &&
        (flags & MAP_TYPE) != MAP_PRIVATE && (protection & PROT_WRITE))
        recorder_unseen(fd, RECORDER_MAPPED);
    return mapped;
}

void *mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
    __attribute__((alias("mmap64")));

void *mremap(void *old, size_t old_len, size_t new_len, int flags, ...)
{
    void *address = NULL;
    if (flags & MREMAP_FIXED) {
        va_list list;
        va_start(list, flags);
        address = va_arg(list, void *); /* NOLINT(clang-analyzer-valist.Uninitialized): started */
        va_end(list);
    }
    if (interpose_fails(FAULT_MMAP))
        return MAP_FAILED;
    return REAL(mremap)(old, old_len, new_len, flags, address);
}

int mprotect(void *address, size_t len, int protection)
{
    return interpose_fails(FAULT_MMAP) ? -1 : REAL(mprotect)(address, len, protection);
}

int madvise(void *address, size_t len, int advice)
{
    return interpose_fails(FAULT_MMAP) ? -1 : REAL(madvise)(address, len, advice);
}

int mlock(const void *address, size_t len)
{
    return interpose_fails(FAULT_MLOCK) ? -1 : REAL(mlock)(address, len);
}

int mlock2(const void *address, size_t len, unsigned flags)
{
    return interpose_fails(FAULT_MLOCK) ? -1 : REAL(mlock2)(address, len, flags);
}

int msync(void *address, size_t len, int flags)
{
    return interpose_fails(FAULT_SYNC) ? -1 : REAL(msync)(address, len, flags);
}

ssize_t getrandom(void *out, size_t len, unsigned flags)
{
    if (interpose_fails_len(FAULT_RANDOM, &len))
        return -1;
    return REAL(getrandom)(out, len, flags);
}

int getentropy(void *out, size_t len)
{
    return interpose_fails(FAULT_RANDOM) ? -1 : REAL(getentropy)(out, len);
}

/* Before and after the thread's own function a sanitizer calls libc on its behalf, and dies when an
 * allocation fails: a thread takes part in between. */
struct thread_start {
    void *(*function)(void *);
    void *argument;
};

static void *run_thread(void *opaque)
{
    struct thread_start start = *(struct thread_start *)opaque;
    free(opaque);
    interpose_thread_takes_part = true;
    void *result = start.function(start.argument);
    interpose_thread_takes_part = false;
    return result;
}

int pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*function)(void *),
                   void *argument)
{
    int saved = errno;
    if (interpose_fails(FAULT_THREAD)) {
        int error = errno;
        errno = saved;
        return error;
    }
    struct thread_start *start = real_malloc(sizeof(*start));
    if (!start)
        return EAGAIN;
    *start = (struct thread_start){.function = function, .argument = argument};
    int error = REAL(pthread_create)(out, attributes, run_thread, start);
    if (error)
        free(start);
    return error;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
