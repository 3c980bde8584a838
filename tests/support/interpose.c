/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/interpose.h"

#include "tests/support/fault.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

atomic_bool interpose_faulting;
atomic_bool interpose_recording;
_Thread_local bool interpose_thread_takes_part;

static bool is_faulting(void)
{
    return atomic_load(&interpose_faulting) && interpose_thread_takes_part;
}

static _Atomic(void *) reals[INTERPOSE_NUM];

static const char *const names[INTERPOSE_NUM] = {
#define X(name) #name,
    INTERPOSED(X)
#undef X
};

/* Only a sanitizer defines it. */
void *__interceptor_malloc(size_t size) __attribute__((weak));

/* gcc's sanitizers are shared libraries after the executable, where RTLD_NEXT finds them; clang's
 * are inside the executable, where RTLD_NEXT steps over them and the other name must be used. */
static void *find(const char *name)
{
    if (__interceptor_malloc) {
        char other[64];
        (void)snprintf(other, sizeof(other), "__interceptor_%s", name);
        void *found = dlsym(RTLD_DEFAULT, other);
        if (found)
            return found;
    }
    return dlsym(RTLD_NEXT, name);
}

void *interpose_real(enum interpose_function function)
{
    void *real = atomic_load_explicit(&reals[function], memory_order_relaxed);
    if (real)
        return real;
    real = find(names[function]);
    if (!real)
        abort();
    atomic_store_explicit(&reals[function], real, memory_order_relaxed);
    return real;
}

/* A dlsym() in an armed region could allocate, and be counted as a call of the code under test. */
__attribute__((constructor(101))) static void find_all(void)
{
    interpose_thread_takes_part = true;
    for (unsigned function = 0; function < INTERPOSE_NUM; function++)
        (void)interpose_real((enum interpose_function)function);
}

bool interpose_fails(unsigned class)
{
    return is_faulting() && fault_decide(class, NULL);
}

bool interpose_fails_len(unsigned class, size_t *len)
{
    return is_faulting() && fault_decide(class, len);
}

static size_t total(const struct iovec *pieces, int num_pieces)
{
    size_t sum = 0;
    for (int i = 0; i < num_pieces; i++)
        sum += pieces[i].iov_len;
    return sum;
}

static void shorten(struct interpose_vector *vector, size_t len)
{
    int i = 0;
    for (; len > 0; i++) {
        vector->copy[i] = vector->pieces[i];
        if (vector->copy[i].iov_len > len)
            vector->copy[i].iov_len = len;
        len -= vector->copy[i].iov_len;
    }
    vector->pieces = vector->copy;
    vector->num_pieces = i;
}

bool interpose_fails_vector(unsigned class, struct interpose_vector *out,
                            const struct iovec *pieces, int num_pieces)
{
    out->pieces = pieces;
    out->num_pieces = num_pieces;
    if (!is_faulting() || num_pieces < 0 || num_pieces > INTERPOSE_MAX_PIECES)
        return false;
    size_t before = total(pieces, num_pieces);
    size_t len = before;
    if (fault_decide(class, &len))
        return true;
    if (len < before)
        shorten(out, len);
    return false;
}
