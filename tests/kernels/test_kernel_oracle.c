/* SPDX-License-Identifier: Apache-2.0 */
/* Every kernel against libcrypto. */
#include "tests/kernels/oracle.h"
#include "tests/kernels/sweeps.h"

static struct oracle *oracle;

static void begin(const uint8_t key[XTSVOL_XTS_KEY_LEN])
{
    oracle = oracle_new(key);
}

static void end(void)
{
    oracle_free(&oracle);
}

static void units(enum xts_direction direction, uint8_t *out, const uint8_t *in, size_t unit_len,
                  size_t num_units, struct xtsvol_unit_number first)
{
    oracle_units(oracle, direction, out, in, unit_len, num_units, first);
}

static void blocks(enum xts_direction direction, uint8_t tweak[XTS_BLOCK_LEN], uint8_t *out,
                   const uint8_t *in, size_t num_blocks)
{
    oracle_blocks(oracle, direction, tweak, out, in, num_blocks);
}

static void first_tweak(uint8_t tweak[XTS_BLOCK_LEN], struct xtsvol_unit_number number)
{
    oracle_first_tweak(oracle, tweak, number);
}

int main(void)
{
    static const struct reference libcrypto = {
        .name = "libcrypto",
        .begin = begin,
        .end = end,
        .units = units,
        .blocks = blocks,
        .first_tweak = first_tweak,
    };
    return sweeps_run(&libcrypto);
}
