/* SPDX-License-Identifier: Apache-2.0 */
/*
 * V13: one process writes, or several read, and who is refused learns the pid of the holder.
 *
 *   L1  The holder of pid p has an open file description lock on the p + 1 bytes from XV_LOCK_BASE
 *       on: a writer alone, readers shared. All of these ranges have their first byte in common, so
 *       that they exclude each other, and the length is the pid. Lock and pid come at once and go
 * at once, however the holder ends. L2  Such a lock belongs to the open file: two handles of one
 * process exclude each other too, and closing another descriptor of the same file takes nothing
 * away. L3  A forked child shares it. So the process that took it lets it go before it closes, or a
 * child that lives on would keep it; and a child that closes must not let it go.
 *
 * Two names of a block device in two file systems are two files to such a lock: a writer opens a
 * device exclusively as well (io_file.c).
 */
#ifndef XTSVOL_VOLUME_LOCK_H
#define XTSVOL_VOLUME_LOCK_H

#include "common/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Behind all that a volume may name (XV_REGION_END_MAX), so that no byte of it is locked where
 * locks are mandatory. */
#define XV_LOCK_BASE (INT64_C(1) << 62)

/* Does not wait. COMMON_ERR_BUSY: *out_holder is the pid, or 0 if it is not known. */
COMMON_MUST_USE int xv_lock_take(int fd, bool for_writing, int64_t *out_holder,
                                 int *out_native_error);

/* Who is in the way: a pid, or 0. */
int64_t xv_lock_holder(int fd, bool for_writing);

/* For the process that took it. */
void xv_lock_drop(int fd);

#endif
