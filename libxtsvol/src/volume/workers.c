/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   W1  Pieces of a job are handed out in order, each once. When one has failed none is handed out
 *       any more; those before it were, so that the lowest one that fails is known when all that
 *       were handed out are done.
 *   W2  A job is in the queue while pieces of it are left. It stands on its caller's stack: nobody
 *       touches it once it is out of the queue and num_running is 0.
 *   W3  A caller takes pieces of its own job only, so that it is done as soon as its job is. So it
 *       never waits for a thread that has not begun, and a piece may itself run a job.
 *   W4  After it took a piece a worker puts the job at the end of the queue: several callers share.
 */
#include "libxtsvol/src/volume/workers.h"

#include "common/base/checked.h"
#include "common/base/cleanup.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

struct job {
    xv_work_fn *work;
    void *context;
    size_t num_pieces;
    size_t next_piece;
    size_t num_running;
    size_t failed_piece;
    int error;
    bool is_queued;
    pthread_cond_t done;
    struct job *next;
    struct job *previous;
};

struct xv_workers {
    pthread_mutex_t mutex;
    pthread_cond_t wanted;
    struct job *first;
    struct job *last;
    bool is_closing;
    pid_t owner;
    unsigned num_threads;
    pthread_t threads[];
};

static void enqueue(struct xv_workers *workers, struct job *job)
{
    job->is_queued = true;
    job->next = NULL;
    job->previous = workers->last;
    if (workers->last)
        workers->last->next = job;
    else
        workers->first = job;
    workers->last = job;
}

static void dequeue(struct xv_workers *workers, struct job *job)
{
    if (!job->is_queued)
        return;
    job->is_queued = false;
    if (job->previous)
        job->previous->next = job->next;
    else
        workers->first = job->next;
    if (job->next)
        job->next->previous = job->previous;
    else
        workers->last = job->previous;
}

static size_t take_piece(struct xv_workers *workers, struct job *job)
{
    size_t piece = job->next_piece++;
    job->num_running++;
    if (job->next_piece == job->num_pieces)
        dequeue(workers, job);
    return piece;
}

/* W1. The mutex is held before and after. */
static void do_piece(struct xv_workers *workers, struct job *job, size_t piece)
{
    (void)pthread_mutex_unlock(&workers->mutex);
    int error = job->work(job->context, piece);
    (void)pthread_mutex_lock(&workers->mutex);
    if (error && (!job->error || piece < job->failed_piece)) {
        job->error = error;
        job->failed_piece = piece;
    }
    if (error)
        dequeue(workers, job);
    job->num_running--;
    if (!job->is_queued && job->num_running == 0)
        (void)pthread_cond_signal(&job->done);
}

static void *help(void *context)
{
    struct xv_workers *workers = context;
    (void)pthread_mutex_lock(&workers->mutex);
    while (!workers->is_closing) {
        struct job *job = workers->first;
        if (!job) {
            (void)pthread_cond_wait(&workers->wanted, &workers->mutex);
            continue;
        }
        size_t piece = take_piece(workers, job);
        if (job->is_queued && workers->last != job) { /* W4 */
            dequeue(workers, job);
            enqueue(workers, job);
        }
        do_piece(workers, job, piece);
    }
    (void)pthread_mutex_unlock(&workers->mutex);
    return NULL;
}

/* The host's handlers run in the host's threads; but what a thread does to itself has to reach the
 * handler that is there for it, or the kernel ends the process without it. */
static void block_signals(sigset_t *before)
{
    static const int own[] = {SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    sigset_t all;
    (void)sigfillset(&all);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        (void)sigdelset(&all, own[i]);
    (void)pthread_sigmask(SIG_SETMASK, &all, before);
}

static int start(struct xv_workers *workers, unsigned num_threads)
{
    sigset_t before;
    block_signals(&before);
    int error = 0;
    while (!error && workers->num_threads < num_threads) {
        error = pthread_create(&workers->threads[workers->num_threads], NULL, help, workers);
        if (!error)
            workers->num_threads++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error ? COMMON_ERR_LIMIT : 0;
}

int xv_workers_open(struct xv_workers **out, unsigned num_threads)
{
    *out = NULL;
    size_t len = 0;
    if (common_size_mul(&len, num_threads, sizeof(pthread_t)) ||
        common_size_add(&len, len, sizeof(struct xv_workers)))
        return COMMON_ERR_NO_MEMORY;
    struct xv_workers *workers = calloc(1, len);
    if (!workers)
        return COMMON_ERR_NO_MEMORY;
    if (pthread_mutex_init(&workers->mutex, NULL)) {
        free(workers);
        return COMMON_ERR_NO_MEMORY;
    }
    if (pthread_cond_init(&workers->wanted, NULL)) {
        (void)pthread_mutex_destroy(&workers->mutex);
        free(workers);
        return COMMON_ERR_NO_MEMORY;
    }
    workers->owner = getpid();
    int error = start(workers, num_threads);
    if (error)
        xv_workers_close(&workers);
    *out = workers;
    return error;
}

static void stop(struct xv_workers *workers)
{
    (void)pthread_mutex_lock(&workers->mutex);
    workers->is_closing = true;
    (void)pthread_cond_broadcast(&workers->wanted);
    (void)pthread_mutex_unlock(&workers->mutex);
    for (unsigned i = 0; i < workers->num_threads; i++)
        (void)pthread_join(workers->threads[i], NULL);
    (void)pthread_cond_destroy(&workers->wanted);
    (void)pthread_mutex_destroy(&workers->mutex);
}

void xv_workers_close(struct xv_workers **workers)
{
    if (!*workers)
        return;
    /* A forked child has no such threads, and the mutex as it was at that moment. */
    if ((*workers)->owner == getpid())
        stop(*workers);
    free(COMMON_TAKE_PTR(*workers));
}

static int run_alone(xv_work_fn *work, void *context, size_t num_pieces)
{
    int error = 0;
    for (size_t i = 0; i < num_pieces && !error; i++)
        error = work(context, i);
    return error;
}

int xv_workers_run(struct xv_workers *workers, xv_work_fn *work, void *context, size_t num_pieces)
{
    if (!workers || workers->num_threads == 0 || num_pieces < 2)
        return run_alone(work, context, num_pieces);
    struct job job = {.work = work,
                      .context = context,
                      .num_pieces = num_pieces,
                      .done = PTHREAD_COND_INITIALIZER};
    (void)pthread_mutex_lock(&workers->mutex);
    enqueue(workers, &job);
    if (num_pieces > 2 && workers->num_threads > 1)
        (void)pthread_cond_broadcast(&workers->wanted);
    else
        (void)pthread_cond_signal(&workers->wanted);
    while (job.is_queued)
        do_piece(workers, &job, take_piece(workers, &job));
    while (job.num_running > 0)
        (void)pthread_cond_wait(&job.done, &workers->mutex);
    (void)pthread_mutex_unlock(&workers->mutex);
    (void)pthread_cond_destroy(&job.done);
    return job.error;
}
