/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every wrap has one form: 16([h'a2010304 42gggg', {5: nonce}, ciphertext]), in which gggg is the
 * number of the generation. Another one is refused before a key is tried.
 */
#include "libxtsvol/src/volume/meta_keys.h"

#include "common/base/ct.h"
#include "common/base/endian.h"
#include "common/base/random.h"
#include "common/cbor/reader.h"
#include "common/cbor/writer.h"
#include "common/crypto/aead.h"
#include "common/crypto/hash.h"

#include <string.h>

enum {
    LABEL_ALGORITHM = 1, /* RFC 9052, 3.1 */
    LABEL_KEY_ID = 4,
    LABEL_IV = 5,
    ALGORITHM_A256GCM = 3, /* RFC 9053, 4.1 */
    TAG_ENCRYPT0 = 16,
    ID_LEN = 2,
    PROTECTED_MAX = 16,
    AAD_MAX = 512, /* 65 generations of three bytes, and some 50 bytes besides */
    SEALED_LEN = XV_META_KEY_LEN + COMMON_GCM_TAG_LEN
};

static struct common_bytes bytes_of(const void *data, size_t len)
{
    return (struct common_bytes){.data = data, .len = len};
}

static struct common_bytes label(const char *text)
{
    return bytes_of(text, strlen(text));
}

/* The key for one purpose of a generation: its DEK does nothing itself but encrypt sectors. */
static int derive_from_dek(uint8_t out[XV_META_KEY_LEN], const char *purpose, const uint8_t *dek,
                           const uint8_t *uuid, uint32_t generation)
{
    uint8_t id[ID_LEN];
    common_put_be16(id, (uint16_t)generation);
    const struct common_bytes salt = bytes_of(uuid, XTSVOL_UUID_LEN);
    const struct common_bytes info[] = {label(purpose), salt, bytes_of(id, sizeof(id))};
    return common_hkdf_sha256(out, XV_META_KEY_LEN, bytes_of(dek, XTSVOL_XTS_KEY_LEN), salt, info,
                              sizeof(info) / sizeof(info[0]));
}

static bool is_generation(uint32_t generation)
{
    return generation >= 1 && generation <= XTSVOL_GENERATION_MAX;
}

int xv_key_check(uint8_t out[XV_CHECK_LEN], const uint8_t *dek, const uint8_t *uuid,
                 uint32_t generation)
{
    static const char purpose[] = "xtsvol/check";
    uint8_t key[XV_META_KEY_LEN];
    uint8_t mac[XV_MAC_LEN];
    const struct common_bytes message = label(purpose);

    memset(out, 0, XV_CHECK_LEN);
    if (!is_generation(generation))
        return COMMON_ERR_INVALID;
    int error = derive_from_dek(key, purpose, dek, uuid, generation);
    if (!error)
        error = common_hmac_sha256(mac, bytes_of(key, sizeof(key)), &message, 1);
    common_wipe(key, sizeof(key));
    if (!error)
        memcpy(out, mac, XV_CHECK_LEN);
    common_wipe(mac, sizeof(mac));
    return error;
}

void xv_meta_keys_wipe(struct xv_meta_keys *keys)
{
    common_secret_free(&keys->mac);
    common_secret_free(&keys->super);
    common_secret_free(&keys->map);
    common_secret_free(&keys->intent);
}

static int derive_from_mac_key(struct common_secret *out, struct common_secmem *arena,
                               const struct common_secret *mac_key, const uint8_t *uuid,
                               const char *purpose)
{
    const struct common_bytes info = label(purpose);
    int error = common_secret_new(out, arena, XV_META_KEY_LEN);
    if (error)
        return error;
    return common_hkdf_sha256(out->data, out->len, bytes_of(mac_key->data, mac_key->len),
                              bytes_of(uuid, XTSVOL_UUID_LEN), &info, 1);
}

int xv_meta_keys_derive(struct xv_meta_keys *out, struct common_secmem *arena,
                        struct common_secret *mac_key, const uint8_t *uuid)
{
    *out = (struct xv_meta_keys){0};
    out->mac = common_secret_move(mac_key);
    int error = out->mac.len == XV_META_KEY_LEN ? 0 : COMMON_ERR_INVALID;
    if (!error)
        error = derive_from_mac_key(&out->super, arena, &out->mac, uuid, "xtsvol/super");
    if (!error)
        error = derive_from_mac_key(&out->map, arena, &out->mac, uuid, "xtsvol/map");
    if (!error)
        error = derive_from_mac_key(&out->intent, arena, &out->mac, uuid, "xtsvol/intent");
    if (error)
        xv_meta_keys_wipe(out);
    return error;
}

int xv_meta_keys_new(struct xv_meta_keys *out, struct common_secmem *arena, const uint8_t *uuid)
{
    COMMON_CLEANUP_SECRET struct common_secret mac_key = {0};
    *out = (struct xv_meta_keys){0};
    int error = common_secret_new(&mac_key, arena, XV_META_KEY_LEN);
    if (!error)
        error = common_random(mac_key.data, mac_key.len);
    return error ? error : xv_meta_keys_derive(out, arena, &mac_key, uuid);
}

size_t xv_live_generations(uint32_t out[XTSVOL_LIVE_GENERATIONS_MAX + 1],
                           const struct xv_superblock *superblock)
{
    size_t num = 0;
    if (superblock->plaintext_allowed)
        out[num++] = 0;
    for (size_t i = 0; i < superblock->num_generations; i++)
        out[num++] = superblock->generations[i].id;
    return num;
}

static int put_protected(struct common_buf *out, uint32_t generation)
{
    uint8_t id[ID_LEN];
    common_put_be16(id, (uint16_t)generation);
    struct common_cbor_writer writer = common_cbor_writer(out);
    common_cbor_begin_map(&writer, 2);
    common_cbor_put_uint(&writer, LABEL_ALGORITHM);
    common_cbor_put_uint(&writer, ALGORITHM_A256GCM);
    common_cbor_put_uint(&writer, LABEL_KEY_ID);
    common_cbor_put_bytes(&writer, id, sizeof(id));
    common_cbor_end(&writer);
    return common_cbor_writer_finish(&writer);
}

static int put_external_aad(struct common_buf *out, const struct xv_wrap_place *place)
{
    struct common_cbor_writer writer = common_cbor_writer(out);
    common_cbor_begin_array(&writer, 5);
    common_cbor_put_text(&writer, "xtsvol/meta", strlen("xtsvol/meta"));
    common_cbor_put_bytes(&writer, place->uuid, XTSVOL_UUID_LEN);
    common_cbor_put_uint(&writer, place->epoch);
    common_cbor_begin_array(&writer, place->num_live);
    for (size_t i = 0; i < place->num_live; i++)
        common_cbor_put_uint(&writer, place->live[i]);
    common_cbor_end(&writer);
    common_cbor_put_uint(&writer, place->generation);
    common_cbor_end(&writer);
    return common_cbor_writer_finish(&writer);
}

/* What the tag of a wrap is also of: Enc_structure, RFC 9052, 5.3. */
struct enclosure {
    uint8_t protected_bytes[PROTECTED_MAX];
    size_t protected_len;
    uint8_t aad[AAD_MAX];
    size_t aad_len;
};

static int make_enclosure(struct enclosure *out, const struct xv_wrap_place *place)
{
    uint8_t external_bytes[AAD_MAX];
    struct common_buf header = common_buf_fixed(out->protected_bytes, sizeof(out->protected_bytes));
    struct common_buf external = common_buf_fixed(external_bytes, sizeof(external_bytes));
    struct common_buf aad = common_buf_fixed(out->aad, sizeof(out->aad));

    if (!is_generation(place->generation) || place->num_live > XTSVOL_LIVE_GENERATIONS_MAX + 1)
        return COMMON_ERR_INVALID;
    int error = put_protected(&header, place->generation);
    if (!error)
        error = put_external_aad(&external, place);
    if (error)
        return error;
    struct common_cbor_writer writer = common_cbor_writer(&aad);
    common_cbor_begin_array(&writer, 3);
    common_cbor_put_text(&writer, "Encrypt0", strlen("Encrypt0"));
    common_cbor_put_bytes(&writer, header.data, header.len);
    common_cbor_put_bytes(&writer, external.data, external.len);
    common_cbor_end(&writer);
    error = common_cbor_writer_finish(&writer);
    out->protected_len = header.len;
    out->aad_len = aad.len;
    return error;
}

static int put_wrap(struct xv_generation *out, const struct enclosure *enclosure,
                    const uint8_t nonce[COMMON_GCM_NONCE_LEN], const uint8_t sealed[SEALED_LEN])
{
    struct common_buf wrap = common_buf_fixed(out->wrap, sizeof(out->wrap));
    struct common_cbor_writer writer = common_cbor_writer(&wrap);
    common_cbor_put_tag(&writer, TAG_ENCRYPT0);
    common_cbor_begin_array(&writer, 3);
    common_cbor_put_bytes(&writer, enclosure->protected_bytes, enclosure->protected_len);
    common_cbor_begin_map(&writer, 1);
    common_cbor_put_uint(&writer, LABEL_IV);
    common_cbor_put_bytes(&writer, nonce, COMMON_GCM_NONCE_LEN);
    common_cbor_end(&writer);
    common_cbor_put_bytes(&writer, sealed, SEALED_LEN);
    common_cbor_end(&writer);
    int error = common_cbor_writer_finish(&writer);
    if (!error)
        out->wrap_len = wrap.len;
    return error;
}

/* K_wrap in a slot of its own: it opens what opens the metadata. */
static int wrap_key(struct common_secret *out, struct common_secmem *arena, const uint8_t *dek,
                    const struct xv_wrap_place *place)
{
    int error = common_secret_new(out, arena, XV_META_KEY_LEN);
    return error ? error
                 : derive_from_dek(out->data, "xtsvol/meta", dek, place->uuid, place->generation);
}

int xv_wrap(struct xv_generation *out, struct common_secmem *arena,
            const struct common_secret *mac_key, const uint8_t *dek,
            const struct xv_wrap_place *place)
{
    COMMON_CLEANUP_SECRET struct common_secret key = {0};
    struct enclosure enclosure = {0};
    uint8_t nonce[COMMON_GCM_NONCE_LEN];
    uint8_t sealed[SEALED_LEN];

    out->wrap_len = 0;
    memset(out->wrap, 0, sizeof(out->wrap));
    if (mac_key->len != XV_META_KEY_LEN)
        return COMMON_ERR_INVALID;
    int error = make_enclosure(&enclosure, place);
    if (!error)
        error = wrap_key(&key, arena, dek, place);
    if (!error)
        error = common_random(nonce, sizeof(nonce));
    if (!error)
        error = common_gcm_seal(sealed, key.data, nonce, bytes_of(enclosure.aad, enclosure.aad_len),
                                bytes_of(mac_key->data, mac_key->len));
    return error ? error : put_wrap(out, &enclosure, nonce, sealed);
}

/* Any fault of it is damage, whatever ceiling of the reader it met. */
static int read_wrap(const uint8_t **out_nonce, const uint8_t **out_sealed,
                     const struct xv_generation *generation, const struct enclosure *enclosure)
{
    struct common_cbor_reader reader;
    uint64_t tag = 0;
    size_t num_pairs = 0;
    int64_t key = 0;
    const uint8_t *header = NULL;

    if (generation->wrap_len > sizeof(generation->wrap) ||
        common_cbor_reader_init(&reader, generation->wrap, generation->wrap_len, NULL) ||
        common_cbor_get_tag(&reader, &tag) || common_cbor_enter_array_exact(&reader, 3) ||
        common_cbor_get_bytes_exact(&reader, &header, enclosure->protected_len) ||
        common_cbor_enter_map(&reader, &num_pairs) || !common_cbor_next_int_key(&reader, &key) ||
        common_cbor_get_bytes_exact(&reader, out_nonce, COMMON_GCM_NONCE_LEN) ||
        common_cbor_leave(&reader) ||
        common_cbor_get_bytes_exact(&reader, out_sealed, SEALED_LEN) ||
        common_cbor_leave(&reader) || common_cbor_reader_finish(&reader))
        return COMMON_ERR_CORRUPT;
    if (tag != TAG_ENCRYPT0 || key != LABEL_IV ||
        !common_ct_equal(header, enclosure->protected_bytes, enclosure->protected_len))
        return COMMON_ERR_CORRUPT;
    return 0;
}

int xv_unwrap(struct common_secret *out, struct common_secmem *arena,
              const struct xv_generation *generation, const uint8_t *dek,
              const struct xv_wrap_place *place)
{
    COMMON_CLEANUP_SECRET struct common_secret key = {0};
    COMMON_CLEANUP_SECRET struct common_secret mac_key = {0};
    struct enclosure enclosure = {0};
    const uint8_t *nonce = NULL;
    const uint8_t *sealed = NULL;

    *out = (struct common_secret){0};
    int error = make_enclosure(&enclosure, place);
    if (!error)
        error = read_wrap(&nonce, &sealed, generation, &enclosure);
    if (!error)
        error = wrap_key(&key, arena, dek, place);
    if (!error)
        error = common_secret_new(&mac_key, arena, XV_META_KEY_LEN);
    if (error)
        return error;
    error =
        common_gcm_open(mac_key.data, key.data, nonce, bytes_of(enclosure.aad, enclosure.aad_len),
                        bytes_of(sealed, SEALED_LEN));
    if (error)
        return error == COMMON_ERR_DENIED ? COMMON_ERR_CORRUPT : error;
    *out = common_secret_move(&mac_key);
    return 0;
}
