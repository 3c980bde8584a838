/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the bodies. Every number is bounded where it is read, as narrowly as the type that takes it
 * needs; what the fields are to each other is asked when all are there.
 *
 * A key that is not listed makes the body one of another version, whatever else is wrong with it:
 * each map is looked through for such keys before it is read.
 */
#include "libxtsvol/src/volume/superblock.h"

#include "common/cbor/reader.h"
#include "libxtsvol/src/volume/page.h"

#include <string.h>

struct parse {
    struct common_cbor_reader reader;
    int error; /* the first one, 0 if none */
    const char *why;
};

static void refuse(struct parse *parse, int error, const char *why)
{
    if (parse->error)
        return;
    parse->error = error;
    parse->why = why;
}

/* Whatever the reader says of a body is damage: its ceilings are those of the format. */
static void damaged(struct parse *parse, const char *why)
{
    refuse(parse, COMMON_ERR_CORRUPT, why);
}

static void begin(struct parse *parse, const uint8_t *body, size_t body_len)
{
    static const struct common_cbor_limits limits = {
        .max_bytes = XV_BODY_MAX, .max_depth = COMMON_CBOR_MAX_DEPTH, .max_items = XV_BODY_MAX};
    *parse = (struct parse){0};
    if (common_cbor_reader_init(&parse->reader, body, body_len, &limits))
        damaged(parse, "it is not deterministic CBOR");
}

static void finish(struct parse *parse)
{
    if (common_cbor_reader_finish(&parse->reader))
        damaged(parse, "it is not as long as its fields");
}

/* On a copy of the reader: the document is well-formed, so that what fails here is a key of another
 * kind than whole numbers. */
static bool has_only_keys_up_to(const struct parse *parse, int64_t last)
{
    struct common_cbor_reader copy = parse->reader;
    int64_t key = 0;
    while (common_cbor_next_int_key(&copy, &key)) {
        if (key < 1 || key > last)
            return false;
        if (common_cbor_skip(&copy))
            return false;
    }
    return common_cbor_error(&copy) == 0;
}

static void enter_map(struct parse *parse, int64_t last)
{
    size_t num_pairs = 0;
    if (parse->error)
        return;
    if (common_cbor_enter_map(&parse->reader, &num_pairs))
        damaged(parse, "there is no map where one has to be");
    else if (!has_only_keys_up_to(parse, last))
        refuse(parse, COMMON_ERR_UNSUPPORTED, "it has a field that this version does not know");
}

static void leave(struct parse *parse)
{
    if (common_cbor_leave(&parse->reader))
        damaged(parse, "it has more items than expected");
}

static bool has_key(struct parse *parse, int64_t key)
{
    bool found = false;
    if (parse->error || common_cbor_take_int_key(&parse->reader, &found, key))
        return false;
    return found;
}

static void need_key(struct parse *parse, int64_t key)
{
    if (!has_key(parse, key))
        damaged(parse, "a field is missing");
}

static uint64_t get_uint(struct parse *parse, uint64_t low, uint64_t high)
{
    uint64_t value = 0;
    if (parse->error)
        return 0;
    if (common_cbor_get_uint(&parse->reader, &value))
        damaged(parse, "a number is missing");
    else if (value < low || value > high)
        damaged(parse, "a number is out of its range");
    return parse->error ? 0 : value;
}

static bool get_bool(struct parse *parse)
{
    bool value = false;
    if (common_cbor_get_bool(&parse->reader, &value))
        damaged(parse, "neither true nor false");
    return value;
}

static void get_bytes(struct parse *parse, uint8_t *out, size_t len)
{
    const uint8_t *bytes = NULL;
    if (common_cbor_get_bytes_exact(&parse->reader, &bytes, len))
        damaged(parse, "a byte string of another length");
    if (!parse->error)
        memcpy(out, bytes, len);
}

static size_t enter_array(struct parse *parse, size_t low, size_t high)
{
    size_t num = 0;
    if (parse->error)
        return 0;
    if (common_cbor_enter_array(&parse->reader, &num) || num < low || num > high)
        damaged(parse, "an array of another length");
    return parse->error ? 0 : num;
}

static void get_region(struct parse *parse, struct xv_region *out)
{
    (void)enter_array(parse, 2, 2);
    out->offset = get_uint(parse, 0, UINT64_MAX);
    out->length = get_uint(parse, 0, UINT64_MAX);
    leave(parse);
}

static void get_layout(struct parse *parse, struct xv_layout *out)
{
    struct xv_region *regions[] = {&out->map[0], &out->map[1], &out->intents, &out->markers,
                                   &out->journal};
    enter_map(parse, 8);
    need_key(parse, 1);
    out->is_attached = get_bool(parse);
    need_key(parse, 2);
    out->data_offset = get_uint(parse, 0, UINT64_MAX);
    for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        need_key(parse, 3 + (int64_t)i);
        get_region(parse, regions[i]);
    }
    need_key(parse, 8);
    out->is_backup = get_bool(parse);
    leave(parse);
}

static void get_generation(struct parse *parse, struct xv_generation *out)
{
    const uint8_t *wrap = NULL;
    size_t wrap_len = 0;
    (void)enter_array(parse, 4, 4);
    out->id = (uint32_t)get_uint(parse, 1, XTSVOL_GENERATION_MAX);
    out->num_extents = get_uint(parse, 0, UINT64_MAX);
    get_bytes(parse, out->check, sizeof(out->check));
    if (common_cbor_get_bytes(&parse->reader, &wrap, &wrap_len, sizeof(out->wrap)))
        damaged(parse, "a wrap is too long or none");
    if (!parse->error && wrap_len != 0)
        memcpy(out->wrap, wrap, wrap_len);
    out->wrap_len = wrap_len;
    leave(parse);
}

static void get_generations(struct parse *parse, struct xv_superblock *out)
{
    size_t num = enter_array(parse, 1, XTSVOL_LIVE_GENERATIONS_MAX);
    for (size_t i = 0; i < num; i++)
        get_generation(parse, &out->generations[i]);
    out->num_generations = num;
    leave(parse);
}

static void get_root(struct parse *parse, struct xv_entry *out)
{
    uint8_t bytes[XV_ENTRY_LEN] = {0};
    get_bytes(parse, bytes, sizeof(bytes));
    if (xv_entry_decode(out, bytes))
        damaged(parse, "the root of the extent map is no legal entry");
}

static void get_rekey(struct parse *parse, struct xv_rekey *out)
{
    enter_map(parse, 4);
    out->is_present = true;
    need_key(parse, 1);
    out->to_generation = (uint32_t)get_uint(parse, 1, XTSVOL_GENERATION_MAX);
    need_key(parse, 2);
    out->resilience = (unsigned)get_uint(parse, 0, 1);
    need_key(parse, 3);
    out->is_paused = get_bool(parse);
    need_key(parse, 4);
    out->is_lazy = get_bool(parse);
    leave(parse);
}

static void get_bad(struct parse *parse, struct xv_superblock *out)
{
    size_t num = enter_array(parse, 1, XV_MAX_BAD);
    if (num == 0)
        return;
    out->bad = calloc(num, sizeof(*out->bad));
    if (!out->bad) {
        refuse(parse, COMMON_ERR_NO_MEMORY, "out of memory");
        return;
    }
    for (size_t i = 0; i < num; i++)
        get_region(parse, &out->bad[i]);
    out->num_bad = num;
    leave(parse);
}

static void get_geometry(struct parse *parse, struct xv_superblock *out)
{
    need_key(parse, 1);
    get_bytes(parse, out->uuid, sizeof(out->uuid));
    need_key(parse, 2);
    out->sequence = get_uint(parse, 0, UINT64_MAX);
    need_key(parse, 3);
    out->volume_size = get_uint(parse, 0, XTSVOL_VOLUME_SIZE_MAX);
    need_key(parse, 4);
    out->sector_size = (uint32_t)get_uint(parse, 512, 4096);
    need_key(parse, 5);
    out->iv = (enum xtsvol_iv)get_uint(parse, XTSVOL_IV_PLAIN64, XTSVOL_IV_LARGE);
    need_key(parse, 6);
    out->extent_shift = (unsigned)get_uint(parse, XV_EXTENT_SHIFT_MIN, XV_EXTENT_SHIFT_MAX);
    need_key(parse, 7);
    out->max_extents = get_uint(parse, 1, XV_MAX_EXTENTS);
    need_key(parse, 8);
    get_layout(parse, &out->layout);
}

static void get_body(struct parse *parse, struct xv_superblock *out)
{
    enter_map(parse, 16);
    get_geometry(parse, out);
    need_key(parse, 9);
    out->plaintext_allowed = get_bool(parse);
    need_key(parse, 10);
    get_generations(parse, out);
    need_key(parse, 11);
    get_root(parse, &out->root);
    need_key(parse, 12);
    out->num_plaintext = get_uint(parse, 0, UINT64_MAX);
    need_key(parse, 13);
    out->created_s = get_uint(parse, 0, UINT64_MAX);
    if (has_key(parse, 14))
        get_rekey(parse, &out->rekey);
    need_key(parse, 15);
    out->last_batch = get_uint(parse, 0, UINT64_MAX);
    if (has_key(parse, 16))
        get_bad(parse, out);
    leave(parse);
}

int xv_superblock_decode(struct xv_superblock *out, const uint8_t *body, size_t body_len,
                         const char **why)
{
    struct parse parse;
    *out = (struct xv_superblock){0};
    begin(&parse, body, body_len);
    get_body(&parse, out);
    finish(&parse);
    if (!parse.error) {
        const char *fault = xv_superblock_fault(out);
        if (fault)
            damaged(&parse, fault);
    }
    if (parse.error)
        xv_superblock_free(out);
    if (why)
        *why = parse.why;
    return parse.error;
}

static void get_erased_generations(struct parse *parse, struct xv_erased *out)
{
    size_t num = enter_array(parse, 0, XTSVOL_LIVE_GENERATIONS_MAX);
    for (size_t i = 0; i < num; i++)
        out->generations[i] = (uint32_t)get_uint(parse, 1, XTSVOL_GENERATION_MAX);
    out->num_generations = num;
    leave(parse);
}

/* A zero byte would end it early for whoever prints it. */
static void get_method(struct parse *parse, struct xv_erased *out)
{
    const char *text = NULL;
    size_t len = 0;
    if (common_cbor_get_text(&parse->reader, &text, &len, XV_METHOD_MAX) ||
        (len != 0 && memchr(text, 0, len)))
        damaged(parse, "the method is no text, or too long");
    if (!parse->error && len != 0)
        memcpy(out->method, text, len);
}

int xv_erased_decode(struct xv_erased *out, const uint8_t *body, size_t body_len)
{
    struct parse parse;
    *out = (struct xv_erased){0};
    begin(&parse, body, body_len);
    enter_map(&parse, 5);
    need_key(&parse, 1);
    get_bytes(&parse, out->uuid, sizeof(out->uuid));
    need_key(&parse, 2);
    out->erased_s = get_uint(&parse, 0, INT64_MAX);
    need_key(&parse, 3);
    get_erased_generations(&parse, out);
    need_key(&parse, 4);
    out->keys_destroyed = get_bool(&parse);
    need_key(&parse, 5);
    get_method(&parse, out);
    leave(&parse);
    finish(&parse);
    if (parse.error)
        *out = (struct xv_erased){0};
    return parse.error;
}
