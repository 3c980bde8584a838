/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What touches secrets byte by byte: comparing in a time that depends on the length alone, and
 * wiping that the compiler may not leave out. Secrets and MACs are compared with nothing else.
 */
#ifndef COMMON_BASE_CT_H
#define COMMON_BASE_CT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Equal contents? Lengths are public: compare them first. len 0 is equal. */
bool common_ct_equal(const void *a, const void *b, size_t len);

/* All bytes zero? */
bool common_ct_is_zero(const void *a, size_t len);

/* Overwrites with zeroes; also what a compiler would prove to be dead. NULL with len 0 is allowed.
 */
void common_wipe(void *data, size_t len);

#endif
