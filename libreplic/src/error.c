/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/error.h"
#include <replic/error.h>

/* Codes of common/ are returned to callers as they are. */
#define X(name, number, word, sentence)                                                            \
    _Static_assert(REPLIC_ERR_##name == (int)COMMON_ERR_##name, #name " has another number");
COMMON_ERRORS(X)
#undef X

const char *replic_error_name(int error)
{
    return common_error_name(error);
}

const char *replic_error_text(int error)
{
    return common_error_text(error);
}
