/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/ct.h"
#include "libxtsvol/src/volume/failure.h"
#include "libxtsvol/src/volume/metadata.h"

#include <string.h>

void xv_deks_wipe(struct xv_deks *deks)
{
    for (size_t i = 0; i < deks->num; i++)
        common_secret_free(&deks->list[i].bytes);
    memset(deks, 0, sizeof(*deks));
}

static const uint8_t *known(const struct xv_deks *deks, const uint8_t *uuid, uint32_t generation)
{
    if (!common_ct_equal(deks->uuid, uuid, XTSVOL_UUID_LEN))
        return NULL;
    for (size_t i = 0; i < deks->num; i++) {
        if (deks->list[i].generation == generation)
            return deks->list[i].bytes.data;
    }
    return NULL;
}

/* Who retired one of two equal keys would not have retired it. */
static bool is_used_twice(const struct xv_deks *deks, const struct common_secret *dek)
{
    bool is_equal = false;
    for (size_t i = 0; i < deks->num; i++)
        is_equal |= common_ct_equal(deks->list[i].bytes.data, dek->data, XTSVOL_XTS_KEY_LEN);
    return is_equal;
}

int xv_dek_get(struct xv_deks *deks, const uint8_t **out, const struct xv_key_source *source,
               const uint8_t *uuid, uint32_t generation, struct xtsvol_failure *failure)
{
    *out = known(deks, uuid, generation);
    if (*out)
        return 0;
    if (deks->num > 0 && !common_ct_equal(deks->uuid, uuid, XTSVOL_UUID_LEN))
        xv_deks_wipe(deks);
    if (deks->num >= XTSVOL_LIVE_GENERATIONS_MAX)
        return xv_fail(failure, COMMON_ERR_LIMIT, 0, "too many generations at once");

    COMMON_CLEANUP_SECRET struct common_secret dek = {0};
    int error = common_secret_new(&dek, source->arena, XTSVOL_XTS_KEY_LEN);
    if (error)
        return xv_fail(failure, error, 0, "no memory for a key: %s", common_error_text(error));
    error = source->key(source->context, dek.data, uuid, generation);
    if (!error && common_ct_is_zero(dek.data, XTSVOL_XTS_KEY_LEN))
        error = COMMON_ERR_NOT_FOUND;
    if (error) {
        if (error > 0 || error < COMMON_ERR_INTERNAL)
            error = COMMON_ERR_INTERNAL;
        (void)xv_fail(failure, error, 0, "no key of generation %u: %s", generation,
                      common_error_text(error));
    } else if (is_used_twice(deks, &dek)) {
        error = xv_fail(failure, COMMON_ERR_DENIED, 0,
                        "generation %u has the same key as another one", generation);
    }
    if (error) {
        if (failure)
            failure->generation = generation;
        return error;
    }
    memcpy(deks->uuid, uuid, XTSVOL_UUID_LEN);
    deks->list[deks->num].generation = generation;
    deks->list[deks->num].bytes = common_secret_move(&dek);
    *out = deks->list[deks->num].bytes.data;
    deks->num++;
    return 0;
}
