/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-256 (FIPS 197) on eight blocks at once, as a circuit of ANDs and XORs: nothing is looked up,
 * so neither addresses nor branches can depend on a secret.
 *
 *   A plane holds the same bit of every byte of the eight blocks. Its four lanes are the columns of
 * the state, the four bytes of a lane from the lowest up are the rows, the eight bits of a byte are
 * the blocks.
 *
 * Lanes are numbers, made from bytes by common/base/endian.h, so that the host's byte order does
 * not matter. Compilers make one SSE2 or NEON instruction of each operation on a plane, and several
 * ordinary ones where there is no such thing.
 */
#ifndef XTSVOL_XTS_KERNELS_BITSLICE_H
#define XTSVOL_XTS_KERNELS_BITSLICE_H

#include "common/base/endian.h"
#include "libxtsvol/src/xts/kernel.h"

enum {
    BITSLICE_BITS = 8,
    BITSLICE_BLOCKS = 8,
    BITSLICE_LEN = BITSLICE_BLOCKS * XTS_BLOCK_LEN
};

/* GCC's analyser takes the number of lanes for the width of one. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-shift-count-overflow"
#endif

/* A plane is meant for a register, which a loop over planes prevents as long as it is one. */
#define BITSLICE_UNROLL _Pragma("GCC unroll 8")

typedef uint32_t plane __attribute__((vector_size(XTS_BLOCK_LEN)));

/* Eight blocks. */
struct planes {
    plane bit[BITSLICE_BITS]; /* the lowest first */
};

/* Round keys, each the same for all blocks. */
struct sliced_keys {
    struct planes round[XTS_NUM_ROUNDS + 1];
};

static inline plane bitslice_load(const uint8_t block[XTS_BLOCK_LEN])
{
    return (plane){common_get_le32(block), common_get_le32(block + 4), common_get_le32(block + 8),
                   common_get_le32(block + 12)};
}

static inline void bitslice_store(uint8_t block[XTS_BLOCK_LEN], plane v)
{
    for (size_t column = 0; column < 4; column++)
        common_put_le32(block + 4 * column, v[column]);
}

/* Exchanges the bits of `high` that the mask names with those of `low` that are `by` above. */
static inline void bitslice_exchange(plane *low, plane *high, uint32_t mask, unsigned by)
{
    plane differ = (*low >> by ^ *high) & mask;
    *high ^= differ;
    *low ^= differ << by;
}

/* From blocks that stand one in each plane to planes of bits, and back: in every byte the square of
 * eight planes by eight bits is mirrored, first in squares of 2, then of 4, then of 8. */
static inline void bitslice_transpose(struct planes *p)
{
    BITSLICE_UNROLL
    for (unsigned i = 0; i < BITSLICE_BITS; i += 2)
        bitslice_exchange(&p->bit[i], &p->bit[i + 1], 0x55555555, 1);
    BITSLICE_UNROLL
    for (unsigned i = 0; i < BITSLICE_BITS; i += i % 4 == 1 ? 3 : 1)
        bitslice_exchange(&p->bit[i], &p->bit[i + 2], 0x33333333, 2);
    BITSLICE_UNROLL
    for (unsigned i = 0; i < BITSLICE_BITS / 2; i++)
        bitslice_exchange(&p->bit[i], &p->bit[i + 4], 0x0f0f0f0f, 4);
}

/*
 * SubBytes (5.1.1) without its constant: S(x) + {63}. The circuit of Boyar and Peralta ("A new
 * combinational logic minimization technique with applications to cryptology", 2010) inverts in
 * GF(2^8) as a tower of GF(2^4) and GF(2^2): linear forms of the input, the inverse of one element
 * of GF(2^4), products of both, and linear forms of these. In the paper the highest bit comes
 * first: u0 is bit 7.
 */
static inline void bitslice_substitute(struct planes *p)
{
    const plane u0 = p->bit[7], u1 = p->bit[6], u2 = p->bit[5], u3 = p->bit[4];
    const plane u4 = p->bit[3], u5 = p->bit[2], u6 = p->bit[1], u7 = p->bit[0];

    const plane y14 = u3 ^ u5, y13 = u0 ^ u6, y9 = u0 ^ u3, y8 = u0 ^ u5;
    const plane a = u1 ^ u2;
    const plane y1 = a ^ u7, y4 = y1 ^ u3, y12 = y13 ^ y14, y2 = y1 ^ u0;
    const plane y5 = y1 ^ u6, y3 = y5 ^ y8;
    const plane b = u4 ^ y12;
    const plane y15 = b ^ u5, y20 = b ^ u1, y6 = y15 ^ u7, y10 = y15 ^ a;
    const plane y11 = y20 ^ y9, y7 = u7 ^ y11, y17 = y10 ^ y11, y19 = y10 ^ y8;
    const plane y16 = a ^ y11, y21 = y13 ^ y16, y18 = u0 ^ y16;

    /* The norm, an element of GF(2^4). */
    const plane m0 = y12 & y15, m1 = y13 & y16, m2 = y9 & y11;
    const plane n0 = (y14 & y17) ^ m2, n1 = (y8 & y10) ^ m2;
    const plane x0 = (y3 & y6) ^ m0 ^ n0 ^ y20;
    const plane x1 = (y4 & u7) ^ m0 ^ n1 ^ y19;
    const plane x2 = (y5 & y1) ^ m1 ^ n0 ^ y21;
    const plane x3 = (y2 & y7) ^ m1 ^ n1 ^ y18;

    /* Its inverse: v0 to v3, and their sums. */
    const plane c = x0 ^ x1, d = x0 & x2, e = x3 ^ d, f = x2 ^ x3;
    const plane v0 = (c & e) ^ x1;
    const plane v2 = ((x1 ^ d) & f) ^ x3;
    const plane g = x3 & (e ^ v2);
    const plane v3 = g ^ x2 ^ v2;
    const plane v1 = c ^ (v0 & (e ^ g));
    const plane v13 = v1 ^ v3, v02 = v0 ^ v2, v01 = v0 ^ v1, v23 = v2 ^ v3;
    const plane v0123 = v02 ^ v13;

    const plane z0 = v23 & y15, z1 = v3 & y6, z2 = v2 & u7;
    const plane z3 = v01 & y16, z4 = v1 & y1, z5 = v0 & y7;
    const plane z6 = v02 & y11, z7 = v0123 & y17, z8 = v13 & y10;
    const plane z9 = v23 & y12, z10 = v3 & y3, z11 = v2 & y4;
    const plane z12 = v01 & y13, z13 = v1 & y5, z14 = v0 & y2;
    const plane z15 = v02 & y9, z16 = v0123 & y14, z17 = v13 & y8;

    const plane s46 = z15 ^ z16, s48 = z5 ^ z13, s53 = z0 ^ z3;
    const plane s57 = z2 ^ z12 ^ s53, s58 = z4 ^ s46, s59 = z3 ^ z6 ^ z7;
    const plane s62 = z7 ^ z8 ^ s58, s63 = z9 ^ z10 ^ s58, s64 = z4 ^ s59;
    const plane s65 = z14 ^ s57 ^ s62, s66 = z1 ^ s63;
    p->bit[7] = s59 ^ s63;
    p->bit[6] = s64 ^ s53 ^ s66;
    p->bit[5] = z16 ^ z17 ^ s64 ^ s65;
    p->bit[4] = s53 ^ s66;
    p->bit[3] = z2 ^ z5 ^ s66;
    p->bit[2] = z10 ^ z11 ^ s65;
    p->bit[1] = z12 ^ s48 ^ s62;
    p->bit[0] = s48 ^ s46 ^ s57;
}

/* The inverse of the linear map in SubBytes: bit i is the sum of bits i+2, i+5 and i+7. */
static inline void bitslice_unmap(struct planes *p)
{
    const struct planes from = *p;
    BITSLICE_UNROLL
    for (unsigned i = 0; i < BITSLICE_BITS; i++)
        p->bit[i] = from.bit[(i + 2) % 8] ^ from.bit[(i + 5) % 8] ^ from.bit[(i + 7) % 8];
}

/* InvSubBytes (5.3.2) of y + {63}. With the map L in S(x) = L(1/x) + {63} this is 1/M(y + {63}),
 * where M is the inverse of L; and 1/x is M(S(x) + {63}). */
static inline void bitslice_unsubstitute(struct planes *p)
{
    bitslice_unmap(p);
    bitslice_substitute(p);
    bitslice_unmap(p);
}

/* Columns move to the left by `by` places. */
static inline plane bitslice_turn_columns(plane v, unsigned by)
{
    return (plane){v[by % 4], v[(by + 1) % 4], v[(by + 2) % 4], v[(by + 3) % 4]};
}

/* Rows move up by `by` places in their columns. */
static inline plane bitslice_turn_rows(plane v, unsigned by)
{
    return v >> (8 * by) | v << (32 - 8 * by);
}

/* The rows that the mask names from `other`, the rest from `v`. */
static inline plane bitslice_select(plane v, plane other, uint32_t mask)
{
    return v ^ ((v ^ other) & mask);
}

/* ShiftRows (5.1.2) moves row r to the left by r places: rows 2 and 3 by two, then rows 1 and 3 by
 * one; InvShiftRows (5.3.1) moves these back, by three. */
static inline void bitslice_shift_rows(struct planes *p, enum xts_direction direction)
{
    unsigned one = direction == XTS_ENCRYPT ? 1 : 3;
    BITSLICE_UNROLL
    for (unsigned i = 0; i < BITSLICE_BITS; i++) {
        plane v = p->bit[i];
        v = bitslice_select(v, bitslice_turn_columns(v, 2), 0xffff0000);
        p->bit[i] = bitslice_select(v, bitslice_turn_columns(v, one), 0xff00ff00);
    }
}

/* Every byte times x in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1 (4.2.1). */
static inline struct planes bitslice_times_x(const struct planes *p)
{
    const plane carry = p->bit[7];
    return (struct planes){{carry, p->bit[0] ^ carry, p->bit[1], p->bit[2] ^ carry,
                            p->bit[3] ^ carry, p->bit[4], p->bit[5], p->bit[6]}};
}

/* MixColumns (5.1.3): 2a + 3b + c + d, for the rows a, b, c, d from each one on, is
 * 2(a + b) + b + (c + d). */
static inline void bitslice_mix_columns(struct planes *p)
{
    struct planes sums = *p;
    BITSLICE_UNROLL
    for (unsigned i = 0; i < BITSLICE_BITS; i++) {
        plane next = bitslice_turn_rows(p->bit[i], 1);
        sums.bit[i] ^= next;
        p->bit[i] = next ^ bitslice_turn_rows(sums.bit[i], 2);
    }
    const struct planes twice = bitslice_times_x(&sums);
    BITSLICE_UNROLL
    for (unsigned i = 0; i < BITSLICE_BITS; i++)
        p->bit[i] ^= twice.bit[i];
}

/* InvMixColumns (5.3.3) is MixColumns of 5a + 4c. */
static inline void bitslice_unmix_columns(struct planes *p)
{
    struct planes sums = *p;
    BITSLICE_UNROLL
    for (unsigned i = 0; i < BITSLICE_BITS; i++)
        sums.bit[i] ^= bitslice_turn_rows(p->bit[i], 2);
    sums = bitslice_times_x(&sums);
    sums = bitslice_times_x(&sums);
    BITSLICE_UNROLL
    for (unsigned i = 0; i < BITSLICE_BITS; i++)
        p->bit[i] ^= sums.bit[i];
    bitslice_mix_columns(p);
}

static inline void bitslice_add(struct planes *p, const struct planes *key)
{
    BITSLICE_UNROLL
    for (unsigned i = 0; i < BITSLICE_BITS; i++)
        p->bit[i] ^= key->bit[i];
}

/*
 * Round keys of a schedule as planes. They take in the constant {63} of SubBytes, which ShiftRows
 * and MixColumns let through as it is: encrypting it follows each substitution, so it goes to all
 * keys but the first, decrypting it precedes each, so it goes to all but the last.
 */
static inline void bitslice_keys(struct sliced_keys *out, const uint8_t keys[XTS_ROUND_KEYS_LEN],
                                 enum xts_direction direction)
{
    size_t without = direction == XTS_ENCRYPT ? 0 : XTS_NUM_ROUNDS;
    for (size_t round = 0; round <= XTS_NUM_ROUNDS; round++) {
        uint32_t constant = round == without ? 0 : 0x63636363;
        plane key = bitslice_load(keys + round * XTS_BLOCK_LEN) ^ constant;
        BITSLICE_UNROLL
        for (unsigned i = 0; i < BITSLICE_BITS; i++) {
            plane set = key >> i & 0x01010101;
            out->round[round].bit[i] = (set << 8) - set; /* a bit becomes a byte of it */
        }
    }
}

/* The cipher (5.1), or the equivalent inverse cipher (5.3.5), on eight blocks in place. */
static inline void bitslice_blocks(const struct sliced_keys *keys, uint8_t blocks[BITSLICE_LEN],
                                   enum xts_direction direction)
{
    struct planes p;
    BITSLICE_UNROLL
    for (unsigned i = 0; i < BITSLICE_BLOCKS; i++)
        p.bit[i] = bitslice_load(blocks + (size_t)i * XTS_BLOCK_LEN);
    bitslice_transpose(&p);
    bitslice_add(&p, &keys->round[0]);
    for (size_t round = 1; round <= XTS_NUM_ROUNDS; round++) {
        if (direction == XTS_ENCRYPT)
            bitslice_substitute(&p);
        else
            bitslice_unsubstitute(&p);
        bitslice_shift_rows(&p, direction);
        if (round < XTS_NUM_ROUNDS) {
            if (direction == XTS_ENCRYPT)
                bitslice_mix_columns(&p);
            else
                bitslice_unmix_columns(&p);
        }
        bitslice_add(&p, &keys->round[round]);
    }
    bitslice_transpose(&p);
    BITSLICE_UNROLL
    for (unsigned i = 0; i < BITSLICE_BLOCKS; i++)
        bitslice_store(blocks + (size_t)i * XTS_BLOCK_LEN, p.bit[i]);
}

#endif
