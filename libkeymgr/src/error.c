/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/error.h"
#include <keymgr/error.h>

/* Codes of common/ are returned to callers as they are. */
#define X(name, number, word, sentence)                                                            \
    _Static_assert(KEYMGR_ERR_##name == (int)COMMON_ERR_##name, #name " has another number");
COMMON_ERRORS(X)
#undef X

const char *keymgr_error_name(int error)
{
    return common_error_name(error);
}

const char *keymgr_error_text(int error)
{
    return common_error_text(error);
}
