/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kernels/known.h"

#include "tests/kernels/guarded.h"
#include "tests/support/test.h"

#include <string.h>

static void try_once(const struct xts_kernel *kernel, const struct known_unit *known,
                     enum xts_direction direction, uint8_t *out, uint8_t *in)
{
    struct xts_schedule schedule;
    xv_schedule_expand(&schedule, known->key);
    memcpy(in, known->bytes[direction], known->len);
    kernel->units[direction](&schedule, out, in, known->len, known->number, 1);
    if (memcmp(out, known->bytes[1 - direction], known->len) != 0)
        fail_msg("%s: %s is wrong in %scrypting, %s", known->name, kernel->name,
                 direction == XTS_ENCRYPT ? "en" : "de", out == in ? "in place" : "apart");
}

void known_try(const struct machine_kernels *kernels, const struct known_unit *known)
{
    struct guarded out = guarded_new(known->len);
    struct guarded in = guarded_new(known->len);
    for (size_t i = 0; i < kernels->num; i++) {
        for (enum xts_direction way = XTS_ENCRYPT; way < XTS_NUM_DIRECTIONS; way++) {
            for (unsigned at = 0; at < GUARDED_INSIDE; at++) {
                const struct guarded_place place = {.where = (enum guarded_where)at};
                uint8_t *to = guarded_place(&out, place, known->len);
                uint8_t *from = guarded_place(&in, place, known->len);
                try_once(kernels->all[i], known, way, to, from);
                try_once(kernels->all[i], known, way, to, to);
                assert_true(guarded_canaries_live(&out, to, known->len));
            }
        }
    }
    guarded_free(&out);
    guarded_free(&in);
}
