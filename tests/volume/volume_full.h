/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_VOLUME_VOLUME_FULL_H
#define TESTS_VOLUME_VOLUME_FULL_H

/* Volumes in a file system that fills up. As root, since it has to be mounted. */
int volume_full_tests(void);

#endif
