/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaving nothing behind (K4). A kernel does its work in a function that is not inlined, and its
 * caller then calls xv_leave_nothing(): that wipes the stack where the work's frame was, named
 * objects as well as what the compiler put there on its own, and returns with the registers
 * cleared.
 */
#ifndef XTSVOL_XTS_KERNELS_RESIDUE_H
#define XTSVOL_XTS_KERNELS_RESIDUE_H

#include "common/base/ct.h"

#include <stdint.h>

#define XV_NOINLINE __attribute__((noinline))

/* GCC from 11 and clang from 15 on; older ones leave what is in registers to be overwritten. */
#if defined(__has_attribute) && __has_attribute(zero_call_used_regs)
#define XV_CLEARS_REGISTERS __attribute__((zero_call_used_regs("all")))
#else
#define XV_CLEARS_REGISTERS
#endif

enum {
    XV_RESIDUE_LEN = 8192 /* more than the frames of any kernel */
};

static XV_NOINLINE XV_CLEARS_REGISTERS void xv_leave_nothing(void)
{
    uint8_t frame[XV_RESIDUE_LEN];
    common_wipe(frame, sizeof(frame));
}

#endif
