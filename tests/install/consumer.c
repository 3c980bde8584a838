/* SPDX-License-Identifier: Apache-2.0 */
/* A program of somebody else, built from an installed prefix alone. */
#include <certstore/error.h>
#include <certstore/version.h>
#include <keymgr/error.h>
#include <keymgr/version.h>
#include <replic/error.h>
#include <replic/version.h>
#include <stdio.h>
#include <string.h>
#include <xtsvol/error.h>
#include <xtsvol/version.h>

#define CHECK(lib, LIB)                                                                            \
    do {                                                                                           \
        struct lib##_component component;                                                          \
        memset(&component, 1, sizeof(component));                                                  \
        if (lib##_version_number() != LIB##_VERSION_NUMBER ||                                      \
            strcmp(lib##_version_string(), LIB##_VERSION_STRING) != 0 ||                           \
            strcmp(lib##_error_name(LIB##_ERR_NOT_FOUND), "not-found") != 0 ||                     \
            strcmp(lib##_error_text(LIB##_OK), "no error") != 0 ||                                 \
            lib##_component_get(&component, 0) != LIB##_OK ||                                      \
            strcmp(component.name, "Mbed TLS") != 0 || component.version[0] == 0 ||                \
            lib##_component_get(&component, 1000) != LIB##_ERR_NOT_FOUND ||                        \
            component.name[0] != 0 || lib##_component_get(NULL, 0) != LIB##_ERR_INVALID) {         \
            fprintf(stderr, "%s is not what its headers say\n", #lib);                             \
            return 1;                                                                              \
        }                                                                                          \
        printf("%s %s\n", #lib, lib##_version_string());                                           \
    } while (0)

int main(void)
{
    CHECK(xtsvol, XTSVOL);
    CHECK(keymgr, KEYMGR);
    CHECK(certstore, CERTSTORE);
    CHECK(replic, REPLIC);
    return 0;
}
