/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file xtsvol/version.h
 * Which libxtsvol this is, and which libraries of others are inside it.
 *
 * The macros say what a program was compiled against, the functions what it runs with. The soname
 * changes when the ABI breaks, apart from the version of the project.
 *
 * Threads: everything here is pure and may be called from any thread.
 */
#ifndef XTSVOL_VERSION_H
#define XTSVOL_VERSION_H

#include <xtsvol/api.h>

#include <stddef.h>
#include <stdint.h>

XTSVOL_BEGIN_DECLS

#define XTSVOL_VERSION_MAJOR 0
#define XTSVOL_VERSION_MINOR 1
#define XTSVOL_VERSION_PATCH 0
#define XTSVOL_VERSION_STRING "0.1.0"

/** The version as one number that can be compared: major << 16 | minor << 8 | patch. */
#define XTSVOL_VERSION_NUMBER                                                                      \
    (XTSVOL_VERSION_MAJOR * 0x10000 + XTSVOL_VERSION_MINOR * 0x100 + XTSVOL_VERSION_PATCH)

/**
 * The version of the library that runs, in the form of XTSVOL_VERSION_NUMBER.
 *
 * Cannot fail. Any thread. Since 0.1.
 */
XTSVOL_API uint32_t xtsvol_version_number(void);

/**
 * The version of the library that runs, "major.minor.patch".
 *
 * @return  never NULL, static storage.
 *
 * Cannot fail. Any thread. Since 0.1.
 */
XTSVOL_API const char *xtsvol_version_string(void);

/** A library of others that libxtsvol uses. All strings end in a zero byte. Since 0.1. */
struct xtsvol_component {
    char name[16];    /**< "Mbed TLS", "LMDB" */
    char version[24]; /**< of what runs, not of what was compiled against */
    char linkage[8];  /**< "static" (an update needs a new libxtsvol) or "shared" */
};

/**
 * Tells which libraries of others are inside, also those that are linked statically and that no
 * list of shared objects shows: what to compare a security advisory with.
 *
 * @param out    filled in; belongs to the caller. All empty strings on failure.
 * @param index  0, 1, ... until the call fails.
 * @return       0, or XTSVOL_ERR_NOT_FOUND past the last one, XTSVOL_ERR_INVALID when out is NULL.
 *
 * Any thread. Since 0.1.
 */
XTSVOL_API XTSVOL_MUST_USE int xtsvol_component_get(struct xtsvol_component *out, size_t index);

XTSVOL_END_DECLS

#endif
