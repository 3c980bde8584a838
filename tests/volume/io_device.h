/* SPDX-License-Identifier: Apache-2.0 */
/* The root tests of test_io_open.c: a loop device. */
#ifndef TESTS_VOLUME_IO_DEVICE_H
#define TESTS_VOLUME_IO_DEVICE_H

int io_device_tests(void);

#endif
