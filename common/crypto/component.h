/* SPDX-License-Identifier: Apache-2.0 */
/* Mbed TLS as a component. Calls into Mbed TLS that several libraries need live in this folder. */
#ifndef COMMON_CRYPTO_COMPONENT_H
#define COMMON_CRYPTO_COMPONENT_H

#include "common/base/component.h"

void common_crypto_component(struct common_component *out);

#endif
