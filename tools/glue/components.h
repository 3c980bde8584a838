/* SPDX-License-Identifier: Apache-2.0 */
/* What --version tells of a library: the library itself and what is inside of it. */
#ifndef GLUE_COMPONENTS_H
#define GLUE_COMPONENTS_H

#include "common/base/component.h"

#include <stddef.h>

/* Defines glue_<lib>_components() in the shape that struct cli_tool wants, over the functions of
 * <lib>/version.h, which are alike in all libraries. */
#define GLUE_COMPONENTS(lib)                                                                       \
    static size_t glue_##lib##_components(struct common_component *out, size_t max)                \
    {                                                                                              \
        struct lib##_component component;                                                          \
        size_t num = 0;                                                                            \
        if (num < max)                                                                             \
            common_component_set(&out[num++], "lib" #lib, lib##_version_string(), "shared");       \
        for (size_t i = 0; num < max && lib##_component_get(&component, i) == 0; i++)              \
            common_component_set(&out[num++], component.name, component.version,                   \
                                 component.linkage);                                               \
        return num;                                                                                \
    }

#endif
