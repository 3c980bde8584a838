/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/volume_info.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum member_type {
    MEMBER_U64,
    MEMBER_I64,
    MEMBER_U32,
    MEMBER_FLAG,
    MEMBER_IV
};

#define MEMBER(name, type)                                                                         \
    {                                                                                              \
#name, type, offsetof(struct xtsvol_volume_info, name)                                     \
    }

static const struct member {
    const char *name;
    enum member_type type;
    size_t offset;
} members[] = {
    MEMBER(volume_size, MEMBER_U64),
    MEMBER(sector_size, MEMBER_U32),
    MEMBER(extent_size, MEMBER_U32),
    MEMBER(iv, MEMBER_IV),
    MEMBER(is_attached, MEMBER_FLAG),
    MEMBER(data_offset, MEMBER_U64),
    MEMBER(sequence, MEMBER_U64),
    MEMBER(max_volume_size, MEMBER_U64),
    MEMBER(created_s, MEMBER_I64),
    MEMBER(plaintext_allowed, MEMBER_FLAG),
    MEMBER(is_verified, MEMBER_FLAG),
    MEMBER(is_read_only, MEMBER_FLAG),
    MEMBER(discard_gives_zeroes, MEMBER_FLAG),
};

enum {
    NUM_MEMBERS = sizeof(members) / sizeof(members[0]),
    UUID_DIGITS = 2 * (int)XTSVOL_UUID_LEN
};

_Static_assert(sizeof(enum xtsvol_iv) == sizeof(int), "read and written as an int");

static json_t *encode_member(const struct xtsvol_volume_info *info, const struct member *member)
{
    const uint8_t *at = (const uint8_t *)info + member->offset;
    uint64_t u64 = 0;
    uint32_t u32 = 0;
    int number = 0;
    switch (member->type) {
    case MEMBER_U64:
    case MEMBER_I64:
        memcpy(&u64, at, sizeof(u64));
        return json_integer((json_int_t)u64); /* none comes near 2^63 */
    case MEMBER_U32:
        memcpy(&u32, at, sizeof(u32));
        return json_integer((json_int_t)u32);
    case MEMBER_FLAG:
        memcpy(&number, at, sizeof(number));
        return json_boolean(number);
    case MEMBER_IV:
    default:
        memcpy(&number, at, sizeof(number));
        return json_string(number == XTSVOL_IV_LARGE ? "large" : "plain64");
    }
}

static json_t *encode_generations(const struct xtsvol_volume_info *info)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < info->num_generations; i++) {
        json_t *generation =
            json_pack("{s:I,s:I}", "id", (json_int_t)info->generations[i].generation, "extents",
                      (json_int_t)info->generations[i].num_extents);
        if (json_array_append_new(list, generation)) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *volume_info_encode(const struct xtsvol_volume_info *info)
{
    char uuid[UUID_DIGITS + 1];
    for (size_t i = 0; i < XTSVOL_UUID_LEN; i++)
        (void)snprintf(uuid + 2 * i, sizeof(uuid) - 2 * i, "%02x", info->uuid[i]);
    json_t *json = json_object();
    int failed = json_object_set_new(json, "uuid", json_string(uuid));
    for (size_t i = 0; !failed && i < NUM_MEMBERS; i++)
        failed = json_object_set_new(json, members[i].name, encode_member(info, &members[i]));
    if (!failed)
        failed = json_object_set_new(json, "generations", encode_generations(info));
    if (failed) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static int decode_uuid(uint8_t out[XTSVOL_UUID_LEN], const json_t *json)
{
    static const char digits[] = "0123456789abcdef";

    const char *text = json_string_value(json);
    if (!text || strlen(text) != UUID_DIGITS || strspn(text, digits) != UUID_DIGITS)
        return COMMON_ERR_CORRUPT;
    for (size_t i = 0; i < UUID_DIGITS; i++)
        out[i / 2] = (uint8_t)(out[i / 2] << 4 | (strchr(digits, text[i]) - digits));
    return 0;
}

static int decode_number(uint64_t *out, const json_t *json, uint64_t max)
{
    json_int_t value = json_integer_value(json);
    if (!json_is_integer(json) || value < 0 || (uint64_t)value > max)
        return COMMON_ERR_CORRUPT;
    *out = (uint64_t)value;
    return 0;
}

static int decode_iv(int *out, const json_t *json)
{
    const char *text = json_string_value(json);
    if (!text || (strcmp(text, "large") != 0 && strcmp(text, "plain64") != 0))
        return COMMON_ERR_CORRUPT;
    *out = text[0] == 'l' ? XTSVOL_IV_LARGE : XTSVOL_IV_PLAIN64;
    return 0;
}

static int decode_member(struct xtsvol_volume_info *out, const struct member *member,
                         const json_t *json)
{
    uint8_t *at = (uint8_t *)out + member->offset;
    uint64_t u64 = 0;
    int number = 0;
    int error = 0;
    if (member->type == MEMBER_U64 || member->type == MEMBER_I64) {
        error = decode_number(&u64, json, INT64_MAX);
        memcpy(at, &u64, sizeof(u64));
    } else if (member->type == MEMBER_U32) {
        error = decode_number(&u64, json, UINT32_MAX);
        memcpy(at, &(uint32_t){(uint32_t)u64}, sizeof(uint32_t));
    } else {
        if (member->type == MEMBER_IV)
            error = decode_iv(&number, json);
        else
            error = json_is_boolean(json) ? 0 : COMMON_ERR_CORRUPT;
        if (member->type == MEMBER_FLAG)
            number = json_is_true(json);
        memcpy(at, &number, sizeof(number));
    }
    return error;
}

static int decode_generations(struct xtsvol_volume_info *out, const json_t *json)
{
    size_t num = json_array_size(json);
    if (!json_is_array(json) || num == 0 || num > XTSVOL_LIVE_GENERATIONS_MAX + 1)
        return COMMON_ERR_CORRUPT;
    for (size_t i = 0; i < num; i++) {
        const json_t *generation = json_array_get(json, i);
        uint64_t id = 0;
        int error = decode_number(&id, json_object_get(generation, "id"), XTSVOL_GENERATION_MAX);
        if (!error)
            error = decode_number(&out->generations[i].num_extents,
                                  json_object_get(generation, "extents"), INT64_MAX);
        if (error)
            return error;
        out->generations[i].generation = (uint32_t)id;
    }
    out->num_generations = (uint32_t)num;
    return 0;
}

int volume_info_decode(struct xtsvol_volume_info *out, const json_t *json)
{
    *out = (struct xtsvol_volume_info){0};
    int error = decode_uuid(out->uuid, json_object_get(json, "uuid"));
    for (size_t i = 0; !error && i < NUM_MEMBERS; i++)
        error = decode_member(out, &members[i], json_object_get(json, members[i].name));
    if (!error)
        error = decode_generations(out, json_object_get(json, "generations"));
    if (error)
        *out = (struct xtsvol_volume_info){0};
    return error;
}
