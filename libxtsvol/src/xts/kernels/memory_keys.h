/* SPDX-License-Identifier: Apache-2.0 */
/* Round keys for kernels with 16 registers: there is no room for them, they stay in memory. To be
 * included where vector_repeat() is known. */
#ifndef XTSVOL_XTS_KERNELS_MEMORY_KEYS_H
#define XTSVOL_XTS_KERNELS_MEMORY_KEYS_H

struct keys {
    const uint8_t *round_keys;
};

BLOCK_INLINE struct keys keys_load(const uint8_t *round_keys)
{
    return (struct keys){.round_keys = round_keys};
}

/* What is behind the pointer might have changed, for all the compiler knows: it must not read the
 * keys once and for all and keep what does not fit into registers on the stack. */
BLOCK_INLINE void keys_refresh(struct keys *keys)
{
    __asm__ volatile("" : "+r"(keys->round_keys));
}

BLOCK_INLINE vector key_of(const struct keys *keys, unsigned round)
{
    return vector_repeat(keys->round_keys + (size_t)round * XTS_BLOCK_LEN);
}

#endif
