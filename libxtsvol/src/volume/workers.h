/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that help with large requests. A job is cut into pieces, which the workers and the caller
 * take one after the other; the caller returns when all are done. Several callers may have jobs at
 * once. With no workers the caller does it all.
 */
#ifndef XTSVOL_VOLUME_WORKERS_H
#define XTSVOL_VOLUME_WORKERS_H

#include "common/base/error.h"

#include <stddef.h>

struct xv_workers;

/* Does piece `index` of a job; 0 or an error, after which pieces that have not begun are left out.
 */
typedef int xv_work_fn(void *context, size_t index);

/* Signals are blocked in the threads. COMMON_ERR_NO_MEMORY; COMMON_ERR_LIMIT when the system gives
 * no thread. */
COMMON_MUST_USE int xv_workers_open(struct xv_workers **out, unsigned num_threads);
/* No job is under way. */
void xv_workers_close(struct xv_workers **workers);

/* The error of the lowest piece that failed. workers may be NULL. */
COMMON_MUST_USE int xv_workers_run(struct xv_workers *workers, xv_work_fn *work, void *context,
                                   size_t num_pieces);

#endif
