/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The volume in a process of nbdkit: keys, the open handle, the control socket.
 *
 * nbdkit may fork after it was configured, and then its messages reach nobody. So the volume is
 * tried while somebody listens, and opened where it is used:
 *
 *   P1  Keys are read, and the volume is opened and closed again, before nbdkit forks: a wrong key,
 * a volume in use, a missing file end nbdkit with a message. P2  It is opened for use after the
 * fork. Secret memory is empty in a forked child, so that the keys are read again there; where
 * nbdkit did not fork, those of P1 are used, which may come from a pipe. P3  The keys are wiped as
 * soon as the volume is open. P4  The control socket is made when the volume is open: who has a
 * volume for writing is alone with it, so that a socket which is there is of a server that was
 * killed. Where none can be made, the volume is served without; a path that was asked for must do.
 *   P5  Of damaged copies of the metadata the first 16 are told, and that there are more: a medium
 * that goes bad does not fill the log.
 */
#ifndef TOOLS_NBDKIT_SERVED_VOLUME_H
#define TOOLS_NBDKIT_SERVED_VOLUME_H

#include "tools/nbdkit/settings.h"

#include <xtsvol/volume.h>

/* All return 0, or -1 after nbdkit_error(). One volume in a process. */
int nbd_volume_read_keys(const struct nbd_settings *settings);
int nbd_volume_try(const struct nbd_settings *settings);
int nbd_volume_open(const struct nbd_settings *settings);

/* Stops the control socket, flushes, closes. */
void nbd_volume_close(void);

/* Wipes what is left when nothing was served. */
void nbd_volume_forget(void);

struct xtsvol_volume *nbd_volume(void);

/* As it was when it was opened. */
uint32_t nbd_volume_sector_size(void);

#endif
