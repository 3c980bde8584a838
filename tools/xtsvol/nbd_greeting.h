/* SPDX-License-Identifier: Apache-2.0 */
/* Does an NBD server speak on a socket? The beginning of the protocol's newstyle handshake. */
#ifndef TOOLS_XTSVOL_NBD_GREETING_H
#define TOOLS_XTSVOL_NBD_GREETING_H

#include "common/base/error.h"

/* Reads the greeting from a connection that is readable and takes leave as the protocol wants it,
 * so that the server does not complain. Waits at most a second for each. COMMON_ERR_CORRUPT: that
 * is no NBD server; COMMON_ERR_TIMEOUT; COMMON_ERR_IO: it hung up. */
COMMON_MUST_USE int nbd_greet(int fd);

#endif
