/* SPDX-License-Identifier: Apache-2.0 */
/* <nbdkit-plugin.h> in the version of its interface that all files of the plugin mean. */
#ifndef TOOLS_NBDKIT_NBDKIT_API_H
#define TOOLS_NBDKIT_NBDKIT_API_H

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#endif
