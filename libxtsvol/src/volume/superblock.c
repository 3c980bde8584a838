/* SPDX-License-Identifier: Apache-2.0 */
#include "libxtsvol/src/volume/superblock.h"

#include "common/base/checked.h"
#include "common/base/ct.h"
#include "common/base/endian.h"
#include "common/cbor/writer.h"
#include "common/crypto/hash.h"
#include "libxtsvol/src/volume/page.h"

#include <string.h>

/* The prelude. Whole numbers in it are little-endian, as in pages. */
enum {
    VERSION = 1,
    VERSION_OFFSET = 8,
    KIND_OFFSET = 10,
    COPY_OFFSET = 11,
    LEN_OFFSET = 12,
    ZERO_OFFSET = 16,
    HEAD_LEN = 32, /* what MAC and digest are of, besides the body */
    DIGEST_OFFSET = 32,
    MAC_OFFSET = 64
};

static const uint8_t magic[8] = {0x89, 0x58, 0x54, 0x53, 0x56, 0x0d, 0x0a, 0x1a};

int xv_prelude_decode(struct xv_prelude *out, const uint8_t bytes[XV_PRELUDE_LEN], unsigned copy)
{
    *out = (struct xv_prelude){0};
    if (!common_ct_equal(bytes, magic, sizeof(magic)))
        return COMMON_ERR_NOT_FOUND;
    if (common_get_le16(bytes + VERSION_OFFSET) != VERSION)
        return COMMON_ERR_UNSUPPORTED;
    unsigned kind = bytes[KIND_OFFSET];
    if (kind != XV_KIND_VOLUME && kind != XV_KIND_ERASED)
        return COMMON_ERR_UNSUPPORTED;
    uint32_t body_len = common_get_le32(bytes + LEN_OFFSET);
    if (bytes[COPY_OFFSET] != copy || body_len == 0 || body_len > XV_BODY_MAX ||
        !common_ct_is_zero(bytes + ZERO_OFFSET, HEAD_LEN - ZERO_OFFSET))
        return COMMON_ERR_CORRUPT;
    if (kind == XV_KIND_ERASED && !common_ct_is_zero(bytes + MAC_OFFSET, XV_MAC_LEN))
        return COMMON_ERR_CORRUPT;
    *out = (struct xv_prelude){
        .kind = (enum xv_superblock_kind)kind, .copy = copy, .body_len = body_len};
    return 0;
}

static struct common_bytes piece(const uint8_t *data, size_t len)
{
    return (struct common_bytes){.data = data, .len = len};
}

static int digest_of(uint8_t out[XV_MAC_LEN], const uint8_t *bytes, size_t len)
{
    const struct common_bytes pieces[] = {
        piece(bytes, HEAD_LEN),
        piece(bytes + MAC_OFFSET, XV_MAC_LEN),
        piece(bytes + XV_PRELUDE_LEN, len - XV_PRELUDE_LEN),
    };
    return common_sha256(out, pieces, sizeof(pieces) / sizeof(pieces[0]));
}

static int mac_of(uint8_t out[XV_MAC_LEN], const uint8_t *bytes, size_t len,
                  const struct xv_meta_keys *keys)
{
    const struct common_bytes pieces[] = {
        piece(bytes, HEAD_LEN),
        piece(bytes + XV_PRELUDE_LEN, len - XV_PRELUDE_LEN),
    };
    return common_hmac_sha256(out, piece(keys->super.data, keys->super.len), pieces,
                              sizeof(pieces) / sizeof(pieces[0]));
}

int xv_superblock_digest(const uint8_t *bytes, size_t len)
{
    uint8_t digest[XV_MAC_LEN];
    if (len <= XV_PRELUDE_LEN)
        return COMMON_ERR_CORRUPT;
    int error = digest_of(digest, bytes, len);
    if (error)
        return error;
    return common_ct_equal(digest, bytes + DIGEST_OFFSET, XV_MAC_LEN) ? 0 : COMMON_ERR_CORRUPT;
}

int xv_superblock_verify(const uint8_t *bytes, size_t len, const struct xv_meta_keys *keys)
{
    uint8_t mac[XV_MAC_LEN];
    if (len <= XV_PRELUDE_LEN)
        return COMMON_ERR_CORRUPT;
    int error = mac_of(mac, bytes, len, keys);
    if (error)
        return error;
    return common_ct_equal(mac, bytes + MAC_OFFSET, XV_MAC_LEN) ? 0 : COMMON_ERR_CORRUPT;
}

static void put_region(struct common_cbor_writer *writer, const struct xv_region *region)
{
    common_cbor_begin_array(writer, 2);
    common_cbor_put_uint(writer, region->offset);
    common_cbor_put_uint(writer, region->length);
    common_cbor_end(writer);
}

static void put_layout(struct common_cbor_writer *writer, const struct xv_layout *layout)
{
    const struct xv_region *regions[] = {&layout->map[0], &layout->map[1], &layout->intents,
                                         &layout->markers, &layout->journal};
    common_cbor_begin_map(writer, 8);
    common_cbor_put_uint(writer, 1);
    common_cbor_put_bool(writer, layout->is_attached);
    common_cbor_put_uint(writer, 2);
    common_cbor_put_uint(writer, layout->data_offset);
    for (unsigned i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        common_cbor_put_uint(writer, 3 + i);
        put_region(writer, regions[i]);
    }
    common_cbor_put_uint(writer, 8);
    common_cbor_put_bool(writer, layout->is_backup);
    common_cbor_end(writer);
}

static void put_generations(struct common_cbor_writer *writer, const struct xv_superblock *of)
{
    common_cbor_begin_array(writer, of->num_generations);
    for (size_t i = 0; i < of->num_generations; i++) {
        const struct xv_generation *generation = &of->generations[i];
        common_cbor_begin_array(writer, 4);
        common_cbor_put_uint(writer, generation->id);
        common_cbor_put_uint(writer, generation->num_extents);
        common_cbor_put_bytes(writer, generation->check, XV_CHECK_LEN);
        common_cbor_put_bytes(writer, generation->wrap, generation->wrap_len);
        common_cbor_end(writer);
    }
    common_cbor_end(writer);
}

static void put_rekey(struct common_cbor_writer *writer, const struct xv_rekey *rekey)
{
    common_cbor_begin_map(writer, 4);
    common_cbor_put_uint(writer, 1);
    common_cbor_put_uint(writer, rekey->to_generation);
    common_cbor_put_uint(writer, 2);
    common_cbor_put_uint(writer, rekey->resilience);
    common_cbor_put_uint(writer, 3);
    common_cbor_put_bool(writer, rekey->is_paused);
    common_cbor_put_uint(writer, 4);
    common_cbor_put_bool(writer, rekey->is_lazy);
    common_cbor_end(writer);
}

static void put_key_and_uint(struct common_cbor_writer *writer, uint64_t key, uint64_t value)
{
    common_cbor_put_uint(writer, key);
    common_cbor_put_uint(writer, value);
}

static void put_geometry(struct common_cbor_writer *writer, const struct xv_superblock *of)
{
    common_cbor_put_uint(writer, 1);
    common_cbor_put_bytes(writer, of->uuid, sizeof(of->uuid));
    put_key_and_uint(writer, 2, of->sequence);
    put_key_and_uint(writer, 3, of->volume_size);
    put_key_and_uint(writer, 4, of->sector_size);
    put_key_and_uint(writer, 5, (uint64_t)of->iv);
    put_key_and_uint(writer, 6, of->extent_shift);
    put_key_and_uint(writer, 7, of->max_extents);
    common_cbor_put_uint(writer, 8);
    put_layout(writer, &of->layout);
}

static int put_body(struct common_buf *out, const struct xv_superblock *of)
{
    uint8_t root[XV_ENTRY_LEN];
    xv_entry_encode(root, &of->root);
    struct common_cbor_writer writer = common_cbor_writer(out);
    common_cbor_begin_map(&writer, 14 + (size_t)of->rekey.is_present + (size_t)(of->num_bad != 0));
    put_geometry(&writer, of);
    common_cbor_put_uint(&writer, 9);
    common_cbor_put_bool(&writer, of->plaintext_allowed);
    common_cbor_put_uint(&writer, 10);
    put_generations(&writer, of);
    common_cbor_put_uint(&writer, 11);
    common_cbor_put_bytes(&writer, root, sizeof(root));
    put_key_and_uint(&writer, 12, of->num_plaintext);
    put_key_and_uint(&writer, 13, of->created_s);
    if (of->rekey.is_present) {
        common_cbor_put_uint(&writer, 14);
        put_rekey(&writer, &of->rekey);
    }
    put_key_and_uint(&writer, 15, of->last_batch);
    if (of->num_bad != 0) {
        common_cbor_put_uint(&writer, 16);
        common_cbor_begin_array(&writer, of->num_bad);
        for (size_t i = 0; i < of->num_bad; i++)
            put_region(&writer, &of->bad[i]);
        common_cbor_end(&writer);
    }
    common_cbor_end(&writer);
    return common_cbor_writer_finish(&writer);
}

static int append_zeroes(struct common_buf *out, size_t len)
{
    uint8_t *to = NULL;
    int error = common_buf_reserve(out, &to, len);
    if (error)
        return error;
    memset(to, 0, len);
    common_buf_commit(out, len);
    return 0;
}

/* Fills in what stands before the body, and behind it up to the end of the page. keys NULL: kind 2,
 * which has no MAC. */
static int complete(struct common_buf *out, size_t start, unsigned copy,
                    const struct xv_meta_keys *keys)
{
    const size_t len = out->len - start;
    size_t padded_len = 0;
    if (len - XV_PRELUDE_LEN > XV_BODY_MAX || common_size_round_up(&padded_len, len, XV_PAGE_LEN))
        return COMMON_ERR_LIMIT;
    if (padded_len != len) {
        int error = append_zeroes(out, padded_len - len);
        if (error)
            return error;
    }
    uint8_t *bytes = out->data + start;
    memcpy(bytes, magic, sizeof(magic));
    common_put_le16(bytes + VERSION_OFFSET, VERSION);
    bytes[KIND_OFFSET] = keys ? XV_KIND_VOLUME : XV_KIND_ERASED;
    bytes[COPY_OFFSET] = (uint8_t)copy;
    common_put_le32(bytes + LEN_OFFSET, (uint32_t)(len - XV_PRELUDE_LEN));
    int error = keys ? mac_of(bytes + MAC_OFFSET, bytes, len, keys) : 0;
    return error ? error : digest_of(bytes + DIGEST_OFFSET, bytes, len);
}

int xv_superblock_encode(struct common_buf *out, const struct xv_superblock *superblock,
                         unsigned copy, const struct xv_meta_keys *keys)
{
    const size_t start = out->len;
    if (copy >= XV_NUM_COPIES || !keys || xv_superblock_fault(superblock))
        return COMMON_ERR_INVALID;
    int error = append_zeroes(out, XV_PRELUDE_LEN);
    if (!error)
        error = put_body(out, superblock);
    if (!error)
        error = complete(out, start, copy, keys);
    if (error)
        common_buf_truncate(out, start);
    return error;
}

static int put_erased_body(struct common_buf *out, const struct xv_erased *erased)
{
    struct common_cbor_writer writer = common_cbor_writer(out);
    common_cbor_begin_map(&writer, 5);
    common_cbor_put_uint(&writer, 1);
    common_cbor_put_bytes(&writer, erased->uuid, sizeof(erased->uuid));
    put_key_and_uint(&writer, 2, erased->erased_s);
    common_cbor_put_uint(&writer, 3);
    common_cbor_begin_array(&writer, erased->num_generations);
    for (size_t i = 0; i < erased->num_generations; i++)
        common_cbor_put_uint(&writer, erased->generations[i]);
    common_cbor_end(&writer);
    common_cbor_put_uint(&writer, 4);
    common_cbor_put_bool(&writer, erased->keys_destroyed);
    common_cbor_put_uint(&writer, 5);
    common_cbor_put_text(&writer, erased->method, strlen(erased->method));
    common_cbor_end(&writer);
    return common_cbor_writer_finish(&writer);
}

static bool is_encodable(const struct xv_erased *erased)
{
    if (erased->num_generations > XTSVOL_LIVE_GENERATIONS_MAX || erased->erased_s > INT64_MAX ||
        !memchr(erased->method, 0, sizeof(erased->method)))
        return false;
    for (size_t i = 0; i < erased->num_generations; i++)
        if (erased->generations[i] == 0 || erased->generations[i] > XTSVOL_GENERATION_MAX)
            return false;
    return true;
}

int xv_erased_encode(struct common_buf *out, const struct xv_erased *erased, unsigned copy)
{
    const size_t start = out->len;
    if (copy >= XV_NUM_COPIES || !is_encodable(erased))
        return COMMON_ERR_INVALID;
    int error = append_zeroes(out, XV_PRELUDE_LEN);
    if (!error)
        error = put_erased_body(out, erased);
    if (!error)
        error = complete(out, start, copy, NULL);
    if (error)
        common_buf_truncate(out, start);
    return error;
}

void xv_superblock_free(struct xv_superblock *superblock)
{
    free(superblock->bad);
    *superblock = (struct xv_superblock){0};
}

int xv_superblock_copy(struct xv_superblock *out, const struct xv_superblock *superblock)
{
    struct xv_region *bad = NULL;
    if (superblock->num_bad != 0) {
        bad = calloc(superblock->num_bad, sizeof(*bad));
        if (!bad) {
            *out = (struct xv_superblock){0};
            return COMMON_ERR_NO_MEMORY;
        }
        memcpy(bad, superblock->bad, superblock->num_bad * sizeof(*bad));
    }
    *out = *superblock;
    out->bad = bad;
    return 0;
}
