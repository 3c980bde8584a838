/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Integers on disk and on the wire. Byte by byte, so that alignment and the host's order do not
 * matter; compilers make one load or store of each.
 */
#ifndef COMMON_BASE_ENDIAN_H
#define COMMON_BASE_ENDIAN_H

#include <stdint.h>

static inline void common_put_le16(uint8_t out[2], uint16_t v)
{
    out[0] = (uint8_t)v;
    out[1] = (uint8_t)(v >> 8);
}

static inline void common_put_le32(uint8_t out[4], uint32_t v)
{
    common_put_le16(out, (uint16_t)v);
    common_put_le16(out + 2, (uint16_t)(v >> 16));
}

static inline void common_put_le64(uint8_t out[8], uint64_t v)
{
    common_put_le32(out, (uint32_t)v);
    common_put_le32(out + 4, (uint32_t)(v >> 32));
}

static inline void common_put_be16(uint8_t out[2], uint16_t v)
{
    out[0] = (uint8_t)(v >> 8);
    out[1] = (uint8_t)v;
}

static inline void common_put_be32(uint8_t out[4], uint32_t v)
{
    common_put_be16(out, (uint16_t)(v >> 16));
    common_put_be16(out + 2, (uint16_t)v);
}

static inline void common_put_be64(uint8_t out[8], uint64_t v)
{
    common_put_be32(out, (uint32_t)(v >> 32));
    common_put_be32(out + 4, (uint32_t)v);
}

static inline uint16_t common_get_le16(const uint8_t in[2])
{
    return (uint16_t)(in[0] | in[1] << 8);
}

static inline uint32_t common_get_le32(const uint8_t in[4])
{
    return common_get_le16(in) | (uint32_t)common_get_le16(in + 2) << 16;
}

static inline uint64_t common_get_le64(const uint8_t in[8])
{
    return common_get_le32(in) | (uint64_t)common_get_le32(in + 4) << 32;
}

static inline uint16_t common_get_be16(const uint8_t in[2])
{
    return (uint16_t)(in[0] << 8 | in[1]);
}

static inline uint32_t common_get_be32(const uint8_t in[4])
{
    return (uint32_t)common_get_be16(in) << 16 | common_get_be16(in + 2);
}

static inline uint64_t common_get_be64(const uint8_t in[8])
{
    return (uint64_t)common_get_be32(in) << 32 | common_get_be32(in + 4);
}

#endif
