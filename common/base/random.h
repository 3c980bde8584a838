/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes of the system's kernel (getrandom(2)), waiting for it to be seeded. Threads: any. */
#ifndef COMMON_BASE_RANDOM_H
#define COMMON_BASE_RANDOM_H

#include "common/base/error.h"

#include <stddef.h>
#include <stdint.h>

/* All zero on failure: COMMON_ERR_IO. */
COMMON_MUST_USE int common_random(uint8_t *out, size_t len);

#endif
