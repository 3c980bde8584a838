/* SPDX-License-Identifier: Apache-2.0 */
/* Under AddressSanitizer a free slot, and what lies between the length of a secret and the end of
 * its slot, is as forbidden as freed heap memory. Nothing in other builds. */
#ifndef COMMON_SECMEM_POISON_H
#define COMMON_SECMEM_POISON_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COMMON_HAS_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define COMMON_HAS_ASAN 1
#endif

#ifdef COMMON_HAS_ASAN
#include <sanitizer/asan_interface.h>
static inline void common_poison(const void *data, size_t len)
{
    __asan_poison_memory_region(data, len);
}
static inline void common_unpoison(const void *data, size_t len)
{
    __asan_unpoison_memory_region(data, len);
}
#else
static inline void common_poison(const void *data, size_t len)
{
    (void)data;
    (void)len;
}
static inline void common_unpoison(const void *data, size_t len)
{
    (void)data;
    (void)len;
}
#endif

#endif
