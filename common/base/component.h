/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which libraries of others are inside: an administrator who reads an advisory must be able to ask
 * the product, also where the other library is linked statically and ldd shows nothing.
 */
#ifndef COMMON_BASE_COMPONENT_H
#define COMMON_BASE_COMPONENT_H

struct common_component {
    char name[16];
    char version[24]; /* of what runs, not of what was compiled against */
    char linkage[8];  /* "static" or "shared" */
};

/* Cuts what is too long; all three end in a zero byte. */
void common_component_set(struct common_component *out, const char *name, const char *version,
                          const char *linkage);

#endif
