/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which kernels this machine ought to run, found out apart from libxtsvol: from the flags that
 * Linux shows in /proc/cpuinfo (it leaves out those whose state it does not save). Under an
 * emulator that file is the host's, so that the flags come from STRONGROOM_CPU_FLAGS there.
 */
#ifndef TESTS_KERNELS_MACHINE_H
#define TESTS_KERNELS_MACHINE_H

#include "libxtsvol/src/xts/kernel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MACHINE_MAX_KERNELS = 8
};

struct machine_kernels {
    const struct xts_kernel *all[MACHINE_MAX_KERNELS];
    size_t num;
};

bool machine_can_run(uint32_t kernel_id);

/* Those of the build that the machine can run, in the order of the list. There is at least one, or
 * the test fails. Says as a TAP diagnostic which they are. */
struct machine_kernels machine_kernels(void);

/* One case in so many is run: STRONGROOM_ONE_IN, for emulators. 1 unless set. */
size_t machine_one_in(void);

#endif
