/* SPDX-License-Identifier: Apache-2.0 */
#include "libxtsvol/src/volume/syncer.h"

#include "common/base/cleanup.h"

#include <pthread.h>
#include <sys/types.h>
#include <unistd.h>

struct xv_syncer {
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    uint64_t num_begun; /* syncs, which are numbered from 1 */
    uint64_t num_ended;
    uint64_t last_failed;
    int last_error;  /* errno of that one */
    int first_error; /* 0: none has failed */
    pid_t owner;
};

int xv_syncer_open(struct xv_syncer **out)
{
    *out = NULL;
    COMMON_CLEANUP_FREE struct xv_syncer *syncer = calloc(1, sizeof(*syncer));
    if (!syncer || pthread_mutex_init(&syncer->mutex, NULL))
        return COMMON_ERR_NO_MEMORY;
    if (pthread_cond_init(&syncer->ended, NULL)) {
        (void)pthread_mutex_destroy(&syncer->mutex);
        return COMMON_ERR_NO_MEMORY;
    }
    syncer->owner = getpid();
    *out = COMMON_TAKE_PTR(syncer);
    return 0;
}

void xv_syncer_close(struct xv_syncer **syncer)
{
    if (!*syncer)
        return;
    /* In a forked child threads may still seem to wait that it does not have. */
    if ((*syncer)->owner == getpid()) {
        (void)pthread_cond_destroy(&(*syncer)->ended);
        (void)pthread_mutex_destroy(&(*syncer)->mutex);
    }
    free(COMMON_TAKE_PTR(*syncer));
}

/* The mutex is held before and after. */
static void sync_once(struct xv_syncer *syncer, const struct xtsvol_io *io)
{
    uint64_t number = ++syncer->num_begun;
    (void)pthread_mutex_unlock(&syncer->mutex);
    int native = 0;
    int error = xv_io_flush(io, &native);
    (void)pthread_mutex_lock(&syncer->mutex);
    syncer->num_ended = number;
    if (error) { /* Y2 */
        syncer->last_failed = number;
        syncer->last_error = native;
        if (!syncer->first_error)
            syncer->first_error = native;
    }
    (void)pthread_cond_broadcast(&syncer->ended);
}

static int run(struct xv_syncer *syncer, const struct xtsvol_io *io, bool is_for_all, int *native)
{
    (void)pthread_mutex_lock(&syncer->mutex);
    uint64_t wanted = syncer->num_begun + 1; /* Y1 */
    while (syncer->num_ended < wanted && !(is_for_all && syncer->first_error)) {
        if (syncer->num_begun == syncer->num_ended)
            sync_once(syncer, io);
        else
            (void)pthread_cond_wait(&syncer->ended, &syncer->mutex);
    }
    *native = is_for_all                      ? syncer->first_error
              : syncer->last_failed >= wanted ? syncer->last_error
                                              : 0;
    (void)pthread_mutex_unlock(&syncer->mutex);
    return xv_io_error(*native);
}

int xv_sync(struct xv_syncer *syncer, const struct xtsvol_io *io, int *native_error)
{
    return run(syncer, io, false, native_error);
}

int xv_sync_all(struct xv_syncer *syncer, const struct xtsvol_io *io, int *native_error)
{
    return run(syncer, io, true, native_error);
}
