/* SPDX-License-Identifier: Apache-2.0 */
/* Every kernel against the last of the list, which is the portable one. */
#include "tests/kernels/sweeps.h"
#include "tests/support/test.h"

static const struct xts_kernel *kernel;
static struct xts_schedule schedule;

static void begin(const uint8_t key[XTSVOL_XTS_KEY_LEN])
{
    assert_int_equal(kernel->id, XTSVOL_KERNEL_PORTABLE);
    xv_schedule_expand(&schedule, key);
}

static void end(void)
{
}

static void units(enum xts_direction direction, uint8_t *out, const uint8_t *in, size_t unit_len,
                  size_t num_units, struct xtsvol_unit_number first)
{
    kernel->units[direction](&schedule, out, in, unit_len, first, num_units);
}

static void blocks(enum xts_direction direction, uint8_t tweak[XTS_BLOCK_LEN], uint8_t *out,
                   const uint8_t *in, size_t num_blocks)
{
    kernel->blocks[direction](&schedule, tweak, out, in, num_blocks);
}

static void first_tweak(uint8_t tweak[XTS_BLOCK_LEN], struct xtsvol_unit_number number)
{
    kernel->first_tweak(&schedule, tweak, number);
}

int main(void)
{
    for (size_t i = 0; xv_kernels[i]; i++)
        kernel = xv_kernels[i];
    const struct reference last = {
        .name = kernel->name,
        .begin = begin,
        .end = end,
        .units = units,
        .blocks = blocks,
        .first_tweak = first_tweak,
    };
    return sweeps_run(&last);
}
