/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Syncs of one file, asked for by several threads.
 *
 *   Y1  A sync that is reported as done began after it was asked for. Those that are asked for
 * while one runs wait for it, and share the next. Y2  Linux reports a failed write-back once for
 * each open file, to whoever syncs first, and takes the pages for written from then on. So a
 * failure is remembered, whoever met it: before any later sync begins.
 */
#ifndef XTSVOL_VOLUME_SYNCER_H
#define XTSVOL_VOLUME_SYNCER_H

#include "libxtsvol/src/volume/io.h"

struct xv_syncer;

COMMON_MUST_USE int xv_syncer_open(struct xv_syncer **out);
void xv_syncer_close(struct xv_syncer **syncer);

/* What was written before it was called, and after the last sync that failed, is on the medium. */
COMMON_MUST_USE int xv_sync(struct xv_syncer *syncer, const struct xtsvol_io *io,
                            int *native_error);

/* All that was ever written before it was called: the first failure of any sync is that of every
 * later call. */
COMMON_MUST_USE int xv_sync_all(struct xv_syncer *syncer, const struct xtsvol_io *io,
                                int *native_error);

#endif
