/* SPDX-License-Identifier: Apache-2.0 */
/* Why something failed, on its way to the caller's struct xtsvol_failure. */
#ifndef XTSVOL_VOLUME_FAILURE_H
#define XTSVOL_VOLUME_FAILURE_H

#include "common/base/error.h"
#include <xtsvol/volume.h>

/* Fills in *out, which may be NULL, and returns `error`. The sentence is cut to its place. */
__attribute__((format(printf, 4, 5))) int xv_fail(struct xtsvol_failure *out, int error,
                                                  int native_error, const char *format, ...);

/* The same where somebody may have said why already: that is kept. */
__attribute__((format(printf, 4, 5))) int xv_fail_unless_told(struct xtsvol_failure *out, int error,
                                                              int native_error, const char *format,
                                                              ...);

#endif
