/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XTS as a pipeline, for kernels on vectors of AES blocks. A kernel's file defines the vector and
 * what can be done with it, and includes this file, which makes the functions of struct xts_kernel
 * from that:
 *
 *     XTS_VECTOR_BLOCKS                     blocks in a vector, in the order of memory
 *     vector, XTS_REGISTER                  the type; what assembler calls its registers
 *     vector_load(from), vector_store(to, v)        any alignment
 *     vector_xor(a, b), vector_xor3(a, b, c), vector_zero()
 *     vector_repeat(block)                  16 bytes of memory, at a multiple of 16, in each place
 *     vector_repeat_block(block)            a block that is in a register already
 *     vector_number(number), vector_count(v, by)    number, number + 1, ... as blocks; each + by
 *     vector_round(direction, v, key), vector_last_round(direction, v, key)
 *     struct keys, keys_load(round_keys), keys_refresh(&keys), key_of(&keys, round)
 *     struct multipliers, multipliers_load(&m, k14)         constants for the next two
 *     group_tweaks_begin(p, t, &m)          p of a unit's first group from its tweak in all places
 *     group_tweaks_next(p, before, &m)      p of a group from p of the group before it (P2)
 *     registers_wipe()                      clears all that may hold a secret
 *     XTS_TWEAKS_FIRST                      which order in a step was measured to be the faster one
 *     XTS_ONE_FRAME_LEN, XTS_MANY_FRAME_LEN         bytes of stack that a call for one unit, and
 * one for many, takes at most (K4)
 *
 * A group is XTS_GROUP_VECTORS vectors of one unit. What makes it fast:
 *   P1  Three groups are on their way, a third of the rounds apart: 12 chains of AES instructions
 *       that do not wait for each other. When one group ends and the next begins, two keep the AES
 *       units busy; eight chains in step leave 5 to 8 % of them idle.
 *   P2  A tweak is kept with the last round key added, p = t + k14. So it is the operand of the
 *       last round, and p + (k14 + k0) is what is added before the first. Multiplication is linear:
 *       p goes on as p * x^n + (k14 * x^n + k14).
 *   P3  Tweaks are made one step before their use, between the rounds of other groups, and wait in
 *       a ring in memory: loads cost nothing here, and registers are few.
 *   P4  The first tweaks of up to XTS_BATCH units are encrypted together, eight vectors abreast.
 */
#ifndef XTSVOL_XTS_KERNELS_PIPELINE_H
#define XTSVOL_XTS_KERNELS_PIPELINE_H

#include "libxtsvol/src/xts/kernels/block.h"
#include "libxtsvol/src/xts/steal.h"
#include "libxtsvol/src/xts/tweak.h"

#include <stdbool.h>

enum {
    XTS_VECTOR_LEN = XTS_VECTOR_BLOCKS * XTS_BLOCK_LEN,
    XTS_GROUP_VECTORS = 4,
    XTS_GROUP_BLOCKS = XTS_GROUP_VECTORS * XTS_VECTOR_BLOCKS,
    XTS_GROUP_LEN = XTS_GROUP_VECTORS * XTS_VECTOR_LEN,
    XTS_TWEAK_VECTORS = 8,
    XTS_BATCH = 128, /* units */
    XTS_RING = 4,    /* groups: three on their way, and one that is being made */
    XTS_PREFETCH_AHEAD = 8192
};

/* NOLINTBEGIN(bugprone-macro-parentheses): their argument is the name of a variable. */
#define INLINE static inline __attribute__((always_inline))
#define EACH_VECTOR(i) _Pragma("GCC unroll 8") for (size_t i = 0; i < XTS_GROUP_VECTORS; i++)
#define EACH_TWEAK_VECTOR(i) _Pragma("GCC unroll 8") for (size_t i = 0; i < XTS_TWEAK_VECTORS; i++)
#define EACH_ROUND(r, from, to) _Pragma("GCC unroll 14") for (unsigned r = (from); r <= (to); r++)
/* NOLINTEND(bugprone-macro-parentheses) */

/* Left to themselves, compilers gather the rounds of one chain, which starves the AES units. This
 * keeps the order as written, and is no instruction. */
#define KEEP_ORDER(group)                                                                          \
    EACH_VECTOR (kept)                                                                             \
    __asm__ volatile("" : "+" XTS_REGISTER((group)[kept]))

/* Secret. */
struct pipeline {
    vector ring[XTS_RING][XTS_GROUP_VECTORS]; /* p of group k is at k % XTS_RING */
    vector whitening;                         /* k14 + k0 */
    struct multipliers multipliers;
};

/* Whose tweaks are made next. Apart from the above, so that it stays in registers. */
struct place {
    const uint8_t *first_tweak; /* of the next unit */
    size_t group;               /* in its unit; 0 begins one */
    size_t groups_per_unit;
};

INLINE void place_advance(struct place *place)
{
    place->group++;
    if (place->group == place->groups_per_unit)
        place->group = 0;
}

/* p of group k that begins a unit, whose first tweak is in all places of t. */
INLINE void begin_tweaks(struct pipeline *pipe, vector t, size_t k)
{
    group_tweaks_begin(pipe->ring[k % XTS_RING], t, &pipe->multipliers);
}

/* p of the group at `place`, which is group k. */
INLINE void make_tweaks(struct pipeline *pipe, struct place *place, size_t k)
{
    if (place->group == 0) {
        begin_tweaks(pipe, vector_repeat(place->first_tweak), k);
        place->first_tweak += XTS_BLOCK_LEN;
    } else {
        group_tweaks_next(pipe->ring[k % XTS_RING], pipe->ring[(k - 1) % XTS_RING],
                          &pipe->multipliers);
    }
    place_advance(place);
}

INLINE void group_begin(const struct pipeline *pipe, vector group[], const uint8_t *in, size_t k)
{
    const vector *p = pipe->ring[k % XTS_RING];
    EACH_VECTOR (i)
        group[i] = vector_xor3(vector_load(in + i * XTS_VECTOR_LEN), p[i], pipe->whitening);
}

INLINE void group_round(enum xts_direction direction, vector group[], vector key)
{
    EACH_VECTOR (i)
        group[i] = vector_round(direction, group[i], key);
}

INLINE void group_last_round(enum xts_direction direction, const struct pipeline *pipe,
                             vector group[], size_t k)
{
    const vector *p = pipe->ring[k % XTS_RING];
    EACH_VECTOR (i)
        group[i] = vector_last_round(direction, group[i], p[i]);
}

INLINE void group_store(uint8_t *out, const vector group[])
{
    EACH_VECTOR (i)
        vector_store(out + i * XTS_VECTOR_LEN, group[i]);
}

INLINE vector key_from_memory(const uint8_t *round_keys, unsigned round)
{
    return vector_repeat(round_keys + (size_t)round * XTS_BLOCK_LEN);
}

/* One group by itself, its tweaks made. */
INLINE void group_alone(enum xts_direction direction, const struct pipeline *pipe,
                        const uint8_t *round_keys, uint8_t *out, const uint8_t *in, size_t k)
{
    vector group[XTS_GROUP_VECTORS];
    group_begin(pipe, group, in, k);
    EACH_ROUND (r, 1, XTS_NUM_ROUNDS - 1)
        group_round(direction, group, key_from_memory(round_keys, r));
    group_last_round(direction, pipe, group, k);
    group_store(out, group);
}

/* P1, at least three groups: a in its last third, b in its middle, c in its first. The thirds are
 * rounds 1 to 5, 6 to 10, 11 to 14. Leaves p of group num_groups made. */
INLINE void groups_abreast(enum xts_direction direction, struct pipeline *pipe, struct place *place,
                           const uint8_t *round_keys, uint8_t *out, const uint8_t *in,
                           size_t num_groups)
{
    vector a[XTS_GROUP_VECTORS];
    vector b[XTS_GROUP_VECTORS];
    vector c[XTS_GROUP_VECTORS];

    group_begin(pipe, a, in, 0);
    make_tweaks(pipe, place, 1);
    struct keys keys = keys_load(round_keys);
    EACH_ROUND (r, 1, 5) {
        group_round(direction, a, key_of(&keys, r));
        KEEP_ORDER(a);
    }
    group_begin(pipe, b, in + XTS_GROUP_LEN, 1);
    make_tweaks(pipe, place, 2);
    EACH_ROUND (r, 1, 5) {
        group_round(direction, a, key_of(&keys, r + 5));
        group_round(direction, b, key_of(&keys, r));
        KEEP_ORDER(a);
        KEEP_ORDER(b);
    }
    in += (size_t)2 * XTS_GROUP_LEN;

    for (size_t k = 0; k + 2 < num_groups; k++) {
        keys_refresh(&keys);
        if (XTS_TWEAKS_FIRST)
            make_tweaks(pipe, place, k + 3);
        group_begin(pipe, c, in, k + 2);
        if (!XTS_TWEAKS_FIRST)
            make_tweaks(pipe, place, k + 3);
        EACH_ROUND (r, 1, 5) {
            if (r < 4)
                group_round(direction, a, key_of(&keys, r + 10));
            else if (r == 4)
                group_last_round(direction, pipe, a, k);
            else
                group_store(out, a);
            group_round(direction, b, key_of(&keys, r + 5));
            group_round(direction, c, key_of(&keys, r));
            if (r <= XTS_GROUP_LEN / 64)
                __builtin_prefetch(in + XTS_PREFETCH_AHEAD + (size_t)(r - 1) * 64);
            if (r < 5)
                KEEP_ORDER(a);
            KEEP_ORDER(b);
            KEEP_ORDER(c);
        }
        EACH_VECTOR (i) {
            a[i] = b[i];
            b[i] = c[i];
        }
        in += XTS_GROUP_LEN;
        out += XTS_GROUP_LEN;
    }

    EACH_ROUND (r, 1, 4) {
        if (r < 4)
            group_round(direction, a, key_of(&keys, r + 10));
        else
            group_last_round(direction, pipe, a, num_groups - 2);
        group_round(direction, b, key_of(&keys, r + 5));
    }
    group_store(out, a);
    EACH_ROUND (r, 10, XTS_NUM_ROUNDS - 1)
        group_round(direction, b, key_of(&keys, r));
    group_last_round(direction, pipe, b, num_groups - 1);
    group_store(out + XTS_GROUP_LEN, b);
}

INLINE const uint8_t *data_keys(enum xts_direction direction, const struct xts_schedule *schedule)
{
    return direction == XTS_ENCRYPT ? schedule->encrypt : schedule->decrypt;
}

/* For the unit whose first tweak is t, and those behind it whose tweaks are at first_tweak. */
INLINE struct place pipeline_begin(struct pipeline *pipe, const uint8_t *round_keys, vector t,
                                   const uint8_t *first_tweak, size_t groups_per_unit)
{
    struct place place = {.first_tweak = first_tweak, .groups_per_unit = groups_per_unit};
    vector last = key_from_memory(round_keys, XTS_NUM_ROUNDS);
    pipe->whitening = vector_xor(last, key_from_memory(round_keys, 0));
    multipliers_load(&pipe->multipliers, last);
    begin_tweaks(pipe, t, 0);
    place_advance(&place);
    return place;
}

/* All groups; p of group num_groups is made in the end. */
INLINE void run_groups(enum xts_direction direction, struct pipeline *pipe, struct place *place,
                       const uint8_t *round_keys, uint8_t *out, const uint8_t *in,
                       size_t num_groups)
{
    if (num_groups >= 3) {
        groups_abreast(direction, pipe, place, round_keys, out, in, num_groups);
        return;
    }
    for (size_t k = 0; k < num_groups; k++) {
        group_alone(direction, pipe, round_keys, out, in, k);
        make_tweaks(pipe, place, k + 1);
        out += XTS_GROUP_LEN;
        in += XTS_GROUP_LEN;
    }
}

/* Not memcpy(): a C library's may work in vector registers that a kernel does not know of, and so
 * does not clear (glibc's in ymm16 and up, where the CPU has AVX-512). The assembler keeps
 * compilers from making a call of it again. */
INLINE void copy_blocks(uint8_t *out, const uint8_t *in, size_t len)
{
    for (size_t at = 0; at < len; at += XTS_BLOCK_LEN) {
        __m128i block = block_load(in + at);
        __asm__ volatile("" : "+x"(block));
        block_store(out + at, block);
    }
}

/* The blocks behind the last whole group, fewer than one has: through a group on the stack. */
INLINE void run_rest(enum xts_direction direction, const struct pipeline *pipe,
                     const uint8_t *round_keys, uint8_t *out, const uint8_t *in, size_t len,
                     size_t k)
{
    vector rest[XTS_GROUP_VECTORS];
    EACH_VECTOR (i)
        rest[i] = vector_zero();
    copy_blocks((uint8_t *)rest, in, len);
    group_alone(direction, pipe, round_keys, (uint8_t *)rest, (const uint8_t *)rest, k);
    copy_blocks(out, (const uint8_t *)rest, len);
}

/* num_blocks blocks of one unit, t being the tweak of the first, in all places. The tweak of the
 * block behind them is left in next_tweak, unless that is NULL. */
INLINE void run_one(enum xts_direction direction, const struct xts_schedule *schedule, vector t,
                    uint8_t *next_tweak, uint8_t *out, const uint8_t *in, size_t num_blocks)
{
    const uint8_t *round_keys = data_keys(direction, schedule);
    size_t num_groups = num_blocks / XTS_GROUP_BLOCKS;
    size_t num_rest = num_blocks % XTS_GROUP_BLOCKS;
    size_t groups_len = num_groups * XTS_GROUP_LEN;

    struct pipeline pipe;
    struct place place = pipeline_begin(&pipe, round_keys, t, NULL, SIZE_MAX);
    run_groups(direction, &pipe, &place, round_keys, out, in, num_groups);
    if (num_rest > 0)
        run_rest(direction, &pipe, round_keys, out + groups_len, in + groups_len,
                 num_rest * XTS_BLOCK_LEN, num_groups);
    if (next_tweak) {
        const uint8_t *p = (const uint8_t *)pipe.ring[num_groups % XTS_RING];
        block_store(next_tweak,
                    _mm_xor_si128(block_load(p + num_rest * XTS_BLOCK_LEN),
                                  block_load(round_keys + (size_t)XTS_NUM_ROUNDS * XTS_BLOCK_LEN)));
    }
}

/* P4. Of num_units numbers, up to XTS_BATCH, in which the low half does not wrap. */
INLINE void encrypt_numbers(const uint8_t *round_keys, vector *tweaks, size_t num_units,
                            struct xtsvol_unit_number first)
{
    const size_t per_pass = (size_t)XTS_TWEAK_VECTORS * XTS_VECTOR_BLOCKS;
    vector numbers = vector_number(first);
    for (size_t done = 0; done < num_units; done += per_pass) {
        vector t[XTS_TWEAK_VECTORS];
        EACH_TWEAK_VECTOR (i)
            t[i] = vector_xor(vector_count(numbers, done + i * XTS_VECTOR_BLOCKS),
                              key_from_memory(round_keys, 0));
        EACH_ROUND (r, 1, XTS_NUM_ROUNDS - 1) {
            vector key = key_from_memory(round_keys, r);
            EACH_TWEAK_VECTOR (i)
                t[i] = vector_round(XTS_ENCRYPT, t[i], key);
        }
        vector last = key_from_memory(round_keys, XTS_NUM_ROUNDS);
        EACH_TWEAK_VECTOR (i)
            tweaks[done / XTS_VECTOR_BLOCKS + i] = vector_last_round(XTS_ENCRYPT, t[i], last);
    }
}

/* xv_steal_tail() of steal.h in registers. Bytes are moved by whole blocks that overlap: the last
 * 16 bytes of the unit end with the part of a block, before and after. */
INLINE void run_tail(enum xts_direction direction, const uint8_t *round_keys, const uint8_t *tweak,
                     uint8_t *out, const uint8_t *in, size_t len)
{
    size_t part_len = len - XTS_BLOCK_LEN;
    __m128i t = block_load(tweak);
    __m128i next = block_double(t);
    __m128i last = block_load(in + part_len);
    __m128i full =
        block_crypt(direction, round_keys, block_load(in), direction == XTS_ENCRYPT ? t : next);

    /* The part, filled up from behind with what was stolen. */
    uint8_t around[3 * XTS_BLOCK_LEN];
    uint8_t *mixed = around + XTS_BLOCK_LEN;
    block_store(mixed, full);
    block_store(mixed + part_len - XTS_BLOCK_LEN, last);
    __m128i first =
        block_crypt(direction, round_keys, block_load(mixed), direction == XTS_ENCRYPT ? next : t);

    block_store(mixed, first);
    block_store(mixed + XTS_BLOCK_LEN, full);
    block_store(out, first);
    block_store(out + part_len, block_load(mixed + part_len));
}

/* A unit that is not whole groups, its first tweak made. `part` is run_one(), not inlined. */
INLINE void run_ragged(enum xts_direction direction, xts_blocks_fn *part,
                       const struct xts_schedule *schedule, uint8_t *tweak, uint8_t *out,
                       const uint8_t *in, size_t unit_len)
{
    size_t tail_len = xv_tail_len(unit_len);
    size_t body_len = unit_len - tail_len;
    part(schedule, tweak, out, in, body_len / XTS_BLOCK_LEN);
    if (tail_len > 0)
        run_tail(direction, data_keys(direction, schedule), tweak, out + body_len, in + body_len,
                 tail_len);
}

/* How many units come before the batch is full or the low half of the number wraps. */
INLINE size_t batch_of(size_t num_units, struct xtsvol_unit_number first)
{
    uint64_t before_carry = 0 - first.low;
    size_t num = num_units < XTS_BATCH ? num_units : XTS_BATCH;
    return before_carry != 0 && before_carry < num ? (size_t)before_carry : num;
}

/* Units of whole groups, a batch of them at most. */
INLINE void run_batch(enum xts_direction direction, const struct xts_schedule *schedule,
                      vector *tweaks, uint8_t *out, const uint8_t *in, size_t unit_len,
                      struct xtsvol_unit_number first, size_t num_units)
{
    const uint8_t *round_keys = data_keys(direction, schedule);
    size_t groups_per_unit = unit_len / XTS_GROUP_LEN;
    const uint8_t *first_tweaks = (const uint8_t *)tweaks;
    encrypt_numbers(schedule->tweak, tweaks, num_units, first);
    struct pipeline pipe;
    struct place place = pipeline_begin(&pipe, round_keys, vector_repeat(first_tweaks),
                                        first_tweaks + XTS_BLOCK_LEN, groups_per_unit);
    run_groups(direction, &pipe, &place, round_keys, out, in, num_units * groups_per_unit);
}

/* xts_units_fn. */
INLINE void run_many(enum xts_direction direction, xts_blocks_fn *part,
                     const struct xts_schedule *schedule, uint8_t *out, const uint8_t *in,
                     size_t unit_len, struct xtsvol_unit_number first, size_t num_units)
{
    /* One behind the last is looked at, though not used. */
    vector tweaks[XTS_BATCH / XTS_VECTOR_BLOCKS + 1];
    while (num_units > 0) {
        size_t num = batch_of(num_units, first);
        if (unit_len % XTS_GROUP_LEN == 0) {
            run_batch(direction, schedule, tweaks, out, in, unit_len, first, num);
        } else {
            encrypt_numbers(schedule->tweak, tweaks, num, first);
            for (size_t i = 0; i < num; i++)
                run_ragged(direction, part, schedule, (uint8_t *)tweaks + i * XTS_BLOCK_LEN,
                           out + i * unit_len, in + i * unit_len, unit_len);
        }
        out += num * unit_len;
        in += num * unit_len;
        num_units -= num;
        first = xv_add_units(first, num);
    }
}

/* K4. The work is done in functions that are not inlined, and the stack where their frames were is
 * wiped behind them: named objects as well as what the compiler put there on its own. A call for
 * one unit has a small frame and no time to lose. tests/kernels/test_residue.c sees when a frame
 * outgrows what its kernel says. */
INLINE void frame_wipe(vector *frame, size_t num)
{
    /* What comes between two calls keeps the next one's first tweak waiting, the instructions of a
     * loop too. */
    _Pragma("GCC unroll 32") for (size_t i = 0; i < num; i++)
    {
        frame[i] = vector_zero();
        /* Nor must this become a string instruction, which takes longer to begin. */
        __asm__ volatile("" : : "r"(&frame[i]) : "memory");
    }
    registers_wipe();
}

static __attribute__((noinline)) void leave_nothing_of_one(void)
{
    vector frame[XTS_ONE_FRAME_LEN / XTS_VECTOR_LEN];
    frame_wipe(frame, XTS_ONE_FRAME_LEN / XTS_VECTOR_LEN);
}

static __attribute__((noinline)) void leave_nothing_of_part(void)
{
    vector frame[XTS_PART_FRAME_LEN / XTS_VECTOR_LEN];
    frame_wipe(frame, XTS_PART_FRAME_LEN / XTS_VECTOR_LEN);
}

static __attribute__((noinline)) void leave_nothing_of_many(void)
{
    vector frame[XTS_MANY_FRAME_LEN / XTS_VECTOR_LEN];
    frame_wipe(frame, XTS_MANY_FRAME_LEN / XTS_VECTOR_LEN);
}

/* There, one function of the second kind is called from one of the third. */
static __attribute__((noinline)) void leave_nothing_of_ragged(void)
{
    vector frame[(XTS_PART_FRAME_LEN + XTS_MANY_FRAME_LEN) / XTS_VECTOR_LEN];
    frame_wipe(frame, (XTS_PART_FRAME_LEN + XTS_MANY_FRAME_LEN) / XTS_VECTOR_LEN);
}

/* The functions of a kernel and the kernel. A unit alone is all latency, most of it in its first
 * tweak: it gets there on the shortest way. */
#define XTS_PIPELINE_KERNEL(kernel, kernel_name, kernel_id, kernel_needs)                          \
    XTS_PIPELINE_DIRECTION(encrypt, XTS_ENCRYPT)                                                   \
    XTS_PIPELINE_DIRECTION(decrypt, XTS_DECRYPT)                                                   \
    static void first_tweak(const struct xts_schedule *schedule, uint8_t tweak[XTS_BLOCK_LEN],     \
                            struct xtsvol_unit_number number)                                      \
    {                                                                                              \
        block_store(tweak, encrypt_number(schedule->tweak, number));                               \
        registers_wipe();                                                                          \
    }                                                                                              \
    const struct xts_kernel kernel = {                                                             \
        .name = (kernel_name),                                                                     \
        .id = (kernel_id),                                                                         \
        .needs = (kernel_needs),                                                                   \
        .units = {encrypt_units, decrypt_units},                                                   \
        .blocks = {encrypt_blocks, decrypt_blocks},                                                \
        .first_tweak = first_tweak,                                                                \
    }

#define XTS_PIPELINE_DIRECTION(word, direction)                                                    \
    static __attribute__((noinline)) void word##_part(const struct xts_schedule *schedule,         \
                                                      uint8_t tweak[XTS_BLOCK_LEN], uint8_t *out,  \
                                                      const uint8_t *in, size_t num_blocks)        \
    {                                                                                              \
        run_one(direction, schedule, vector_repeat_block(block_load(tweak)), tweak, out, in,       \
                num_blocks);                                                                       \
    }                                                                                              \
    static __attribute__((noinline)) void word##_many(                                             \
        const struct xts_schedule *schedule, uint8_t *out, const uint8_t *in, size_t unit_len,     \
        struct xtsvol_unit_number first, size_t num_units)                                         \
    {                                                                                              \
        run_many(direction, word##_part, schedule, out, in, unit_len, first, num_units);           \
    }                                                                                              \
    static __attribute__((noinline)) void word##_one(const struct xts_schedule *schedule,          \
                                                     uint8_t *out, const uint8_t *in,              \
                                                     size_t unit_len, uint64_t low, uint64_t high) \
    {                                                                                              \
        struct xtsvol_unit_number number = {.low = low, .high = high};                             \
        vector t = vector_repeat_block(encrypt_number(schedule->tweak, number));                   \
        const uint8_t *round_keys = data_keys(direction, schedule);                                \
        struct pipeline pipe;                                                                      \
        struct place place = pipeline_begin(&pipe, round_keys, t, NULL, SIZE_MAX);                 \
        groups_abreast(direction, &pipe, &place, round_keys, out, in, unit_len / XTS_GROUP_LEN);   \
    }                                                                                              \
    static __attribute__((noinline)) void word##_small(                                            \
        const struct xts_schedule *schedule, uint8_t *out, const uint8_t *in, size_t unit_len,     \
        uint64_t low, uint64_t high)                                                               \
    {                                                                                              \
        struct xtsvol_unit_number number = {.low = low, .high = high};                             \
        vector t = vector_repeat_block(encrypt_number(schedule->tweak, number));                   \
        run_one(direction, schedule, t, NULL, out, in, unit_len / XTS_BLOCK_LEN);                  \
    }                                                                                              \
    static void word##_units(const struct xts_schedule *schedule, uint8_t *out, const uint8_t *in, \
                             size_t unit_len, struct xtsvol_unit_number first, size_t num_units)   \
    {                                                                                              \
        if (num_units == 1 && unit_len % XTS_GROUP_LEN == 0 && unit_len / XTS_GROUP_LEN >= 3) {    \
            word##_one(schedule, out, in, unit_len, first.low, first.high);                        \
            leave_nothing_of_one();                                                                \
            return;                                                                                \
        }                                                                                          \
        if (num_units == 1 && unit_len % XTS_BLOCK_LEN == 0) {                                     \
            word##_small(schedule, out, in, unit_len, first.low, first.high);                      \
            leave_nothing_of_part();                                                               \
            return;                                                                                \
        }                                                                                          \
        word##_many(schedule, out, in, unit_len, xv_in_registers(first), num_units);               \
        if (unit_len % XTS_GROUP_LEN == 0)                                                         \
            leave_nothing_of_many();                                                               \
        else                                                                                       \
            leave_nothing_of_ragged();                                                             \
    }                                                                                              \
    static void word##_blocks(const struct xts_schedule *schedule, uint8_t tweak[XTS_BLOCK_LEN],   \
                              uint8_t *out, const uint8_t *in, size_t num_blocks)                  \
    {                                                                                              \
        word##_part(schedule, tweak, out, in, num_blocks);                                         \
        leave_nothing_of_part();                                                                   \
    }

#endif
