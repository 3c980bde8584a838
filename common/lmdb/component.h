/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMMON_LMDB_COMPONENT_H
#define COMMON_LMDB_COMPONENT_H

#include "common/base/component.h"

void common_lmdb_component(struct common_component *out);

#endif
