/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel: one implementation of AES-256-XTS, in one file, as one constant struct xts_kernel.
 *
 * What every kernel keeps to:
 *   K1  It gives the bytes of IEEE 1619 for any unit length from 16 bytes to 16 MiB, with
 * ciphertext stealing where that is no multiple of 16, at any alignment, with out == in or apart.
 *   K2  It reads and writes no byte outside of the units that it was given (prefetches apart).
 *   K3  No branch and no address depends on key, tweak or data.
 *   K4  It leaves no key, tweak or plaintext in its stack frame or in vector registers, when it
 *       was compiled with optimisation.
 *   K5  It writes nothing but its output: a schedule may be used by any number of threads at once.
 *   K6  It is only entered when the CPU and the operating system have all that `needs` names.
 *
 * Arguments are checked before a kernel is called (xts.c): a kernel believes them.
 */
#ifndef XTSVOL_XTS_KERNEL_H
#define XTSVOL_XTS_KERNEL_H

#include "common/base/error.h"

#include <xtsvol/xts.h>

#include <stddef.h>
#include <stdint.h>

enum {
    XTS_BLOCK_LEN = 16,
    XTS_NUM_ROUNDS = 14,
    XTS_ROUND_KEYS_LEN = (XTS_NUM_ROUNDS + 1) * XTS_BLOCK_LEN
};

/* The expanded key, the same for all kernels: round keys in the order of their use, bytes in the
 * order of FIPS 197. Those for decryption are of the equivalent inverse cipher (FIPS 197, 5.3.5):
 * reversed, InvMixColumns applied to all but the first and the last. Secret. */
struct xts_schedule {
    _Alignas(XTS_BLOCK_LEN) uint8_t encrypt[XTS_ROUND_KEYS_LEN]; /* of the data key */
    _Alignas(XTS_BLOCK_LEN) uint8_t decrypt[XTS_ROUND_KEYS_LEN]; /* of the data key */
    _Alignas(XTS_BLOCK_LEN) uint8_t tweak[XTS_ROUND_KEYS_LEN];   /* of the tweak key */
};

enum xts_direction {
    XTS_ENCRYPT,
    XTS_DECRYPT,
    XTS_NUM_DIRECTIONS
};

/* num_units (at least 1) consecutive units of unit_len bytes, numbered from `first`, which does not
 * wrap. A unit alone waits for its number, so that comes before what has no register left for it.
 */
typedef void xts_units_fn(const struct xts_schedule *schedule, uint8_t *out, const uint8_t *in,
                          size_t unit_len, struct xtsvol_unit_number first, size_t num_units);

/* num_blocks (0 is allowed) whole blocks of a unit from the one whose tweak is given. Leaves in
 * `tweak` that of the block behind them: what a unit needs that is cut into pieces. Secret. */
typedef void xts_blocks_fn(const struct xts_schedule *schedule, uint8_t tweak[XTS_BLOCK_LEN],
                           uint8_t *out, const uint8_t *in, size_t num_blocks);

/* The tweak of a unit's first block: its number, encrypted under the tweak key. */
typedef void xts_first_tweak_fn(const struct xts_schedule *schedule, uint8_t tweak[XTS_BLOCK_LEN],
                                struct xtsvol_unit_number number);

struct xts_kernel {
    const char *name;
    uint32_t id;    /* one of enum xtsvol_kernel_id */
    uint32_t needs; /* a set of enum xv_cpu_feature */
    xts_units_fn *units[XTS_NUM_DIRECTIONS];
    xts_blocks_fn *blocks[XTS_NUM_DIRECTIONS];
    xts_first_tweak_fn *first_tweak;
};

extern const struct xts_kernel xv_kernel_portable;
extern const struct xts_kernel xv_kernel_aesni;
extern const struct xts_kernel xv_kernel_vaes_avx2;
extern const struct xts_kernel xv_kernel_vaes_avx512;
extern const struct xts_kernel xv_kernel_armv8_ce;

/* Those of this build, the fastest first, then NULL. */
extern const struct xts_kernel *const xv_kernels[];

/* Expands both halves of a key in constant time. */
void xv_schedule_expand(struct xts_schedule *out, const uint8_t key[XTSVOL_XTS_KEY_LEN]);

/* Does the kernel give the known answers? Cheap enough for each xtsvol_xts_open(). */
COMMON_MUST_USE int xv_known_answer_test(const struct xts_kernel *kernel);

/* The best of the allowed kernels on a CPU; NULL if there is none. */
struct xv_cpu;
const struct xts_kernel *xv_kernel_choose(const struct xv_cpu *cpu, uint32_t allowed);

#endif
