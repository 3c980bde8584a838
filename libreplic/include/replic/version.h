/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file replic/version.h
 * Which libreplic this is, and which libraries of others are inside it.
 *
 * The macros say what a program was compiled against, the functions what it runs with. The soname
 * changes when the ABI breaks, apart from the version of the project.
 *
 * Threads: everything here is pure and may be called from any thread.
 */
#ifndef REPLIC_VERSION_H
#define REPLIC_VERSION_H

#include <replic/api.h>

#include <stddef.h>
#include <stdint.h>

REPLIC_BEGIN_DECLS

#define REPLIC_VERSION_MAJOR 0
#define REPLIC_VERSION_MINOR 1
#define REPLIC_VERSION_PATCH 0
#define REPLIC_VERSION_STRING "0.1.0"

/** The version as one number that can be compared: major << 16 | minor << 8 | patch. */
#define REPLIC_VERSION_NUMBER                                                                      \
    (REPLIC_VERSION_MAJOR * 0x10000 + REPLIC_VERSION_MINOR * 0x100 + REPLIC_VERSION_PATCH)

/**
 * The version of the library that runs, in the form of REPLIC_VERSION_NUMBER.
 *
 * Cannot fail. Any thread. Since 0.1.
 */
REPLIC_API uint32_t replic_version_number(void);

/**
 * The version of the library that runs, "major.minor.patch".
 *
 * @return  never NULL, static storage.
 *
 * Cannot fail. Any thread. Since 0.1.
 */
REPLIC_API const char *replic_version_string(void);

/** A library of others that libreplic uses. All strings end in a zero byte. Since 0.1. */
struct replic_component {
    char name[16];    /**< "Mbed TLS", "LMDB" */
    char version[24]; /**< of what runs, not of what was compiled against */
    char linkage[8];  /**< "static" (an update needs a new libreplic) or "shared" */
};

/**
 * Tells which libraries of others are inside, also those that are linked statically and that no
 * list of shared objects shows: what to compare a security advisory with.
 *
 * @param out    filled in; belongs to the caller. All empty strings on failure.
 * @param index  0, 1, ... until the call fails.
 * @return       0, or REPLIC_ERR_NOT_FOUND past the last one, REPLIC_ERR_INVALID when out is NULL.
 *
 * Any thread. Since 0.1.
 */
REPLIC_API REPLIC_MUST_USE int replic_component_get(struct replic_component *out, size_t index);

REPLIC_END_DECLS

#endif
