/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file certstore/version.h
 * Which libcertstore this is, and which libraries of others are inside it.
 *
 * The macros say what a program was compiled against, the functions what it runs with. The soname
 * changes when the ABI breaks, apart from the version of the project.
 *
 * Threads: everything here is pure and may be called from any thread.
 */
#ifndef CERTSTORE_VERSION_H
#define CERTSTORE_VERSION_H

#include <certstore/api.h>

#include <stddef.h>
#include <stdint.h>

CERTSTORE_BEGIN_DECLS

#define CERTSTORE_VERSION_MAJOR 0
#define CERTSTORE_VERSION_MINOR 1
#define CERTSTORE_VERSION_PATCH 0
#define CERTSTORE_VERSION_STRING "0.1.0"

/** The version as one number that can be compared: major << 16 | minor << 8 | patch. */
#define CERTSTORE_VERSION_NUMBER                                                                   \
    (CERTSTORE_VERSION_MAJOR * 0x10000 + CERTSTORE_VERSION_MINOR * 0x100 + CERTSTORE_VERSION_PATCH)

/**
 * The version of the library that runs, in the form of CERTSTORE_VERSION_NUMBER.
 *
 * Cannot fail. Any thread. Since 0.1.
 */
CERTSTORE_API uint32_t certstore_version_number(void);

/**
 * The version of the library that runs, "major.minor.patch".
 *
 * @return  never NULL, static storage.
 *
 * Cannot fail. Any thread. Since 0.1.
 */
CERTSTORE_API const char *certstore_version_string(void);

/** A library of others that libcertstore uses. All strings end in a zero byte. Since 0.1. */
struct certstore_component {
    char name[16];    /**< "Mbed TLS", "LMDB" */
    char version[24]; /**< of what runs, not of what was compiled against */
    char linkage[8];  /**< "static" (an update needs a new libcertstore) or "shared" */
};

/**
 * Tells which libraries of others are inside, also those that are linked statically and that no
 * list of shared objects shows: what to compare a security advisory with.
 *
 * @param out    filled in; belongs to the caller. All empty strings on failure.
 * @param index  0, 1, ... until the call fails.
 * @return       0, or CERTSTORE_ERR_NOT_FOUND past the last one, CERTSTORE_ERR_INVALID when out is
 * NULL.
 *
 * Any thread. Since 0.1.
 */
CERTSTORE_API CERTSTORE_MUST_USE int certstore_component_get(struct certstore_component *out,
                                                             size_t index);

CERTSTORE_END_DECLS

#endif
