/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes, MACs, derived keys and sealed bytes against what others publish: NIST's CAVP files of
 * SHA-256 and GCM, RFC 4231, RFC 5869.
 */
#include "common/base/cleanup.h"
#include "common/base/ct.h"
#include "common/crypto/aead.h"
#include "common/crypto/hash.h"
#include "tests/support/random.h"
#include "tests/support/test.h"
#include "tests/support/vectors.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_PIECES = 8,
    GCM_MAX = 256
};

#define SHA_FILES VECTORS_DIR "/hashes/SHA2/"
#define GCM_FILES VECTORS_DIR "/ciphers/AES/GCM/"

static struct test_random random_state;

static int begin(void **state)
{
    (void)state;
    random_state = test_random_begin("crypto");
    return 0;
}

static struct common_bytes bytes(const void *data, size_t len)
{
    return (struct common_bytes){.data = data, .len = len};
}

static struct vectors *open_vectors(const char *path)
{
    struct vectors *vectors = NULL;
    if (vectors_open(&vectors, path))
        fail_msg("%s: Debian's python3-cryptography-vectors has it", path);
    return vectors;
}

/* The same bytes as a list of pieces, some of them empty. */
static size_t cut(struct common_bytes pieces[MAX_PIECES], const uint8_t *data, size_t len)
{
    size_t num = test_random_range(&random_state, 1, MAX_PIECES);
    for (size_t i = 0; i < num; i++) {
        size_t piece_len = i + 1 == num ? len : test_random_below(&random_state, len + 1);
        pieces[i] = bytes(piece_len ? data : NULL, piece_len);
        data += piece_len;
        len -= piece_len;
    }
    return num;
}

static size_t try_sha_file(const char *path)
{
    struct vectors *vectors = open_vectors(path);
    size_t num = 0;
    while (vectors_must_next(vectors)) {
        size_t len = 0;
        size_t digest_len = 0;
        COMMON_CLEANUP_FREE uint8_t *message = vectors_must_hex(vectors, &len, "Msg");
        COMMON_CLEANUP_FREE uint8_t *digest = vectors_must_hex(vectors, &digest_len, "MD");
        len = (size_t)vectors_must_number(vectors, "Len") / 8; /* "00" stands for no byte */
        assert_int_equal(digest_len, COMMON_SHA256_LEN);
        for (unsigned i = 0; i < 4; i++) {
            struct common_bytes pieces[MAX_PIECES];
            uint8_t found[COMMON_SHA256_LEN];
            size_t num_pieces = cut(pieces, message, len);
            assert_int_equal(common_sha256(found, pieces, num_pieces), 0);
            assert_memory_equal(found, digest, sizeof(found));
        }
        num++;
    }
    vectors_close(&vectors);
    return num;
}

static void sha256_is_that_of_nist_in_any_pieces(void **state)
{
    (void)state;
    assert_int_equal(try_sha_file(SHA_FILES "SHA256ShortMsg.rsp"), 65);
    assert_int_equal(try_sha_file(SHA_FILES "SHA256LongMsg.rsp"), 64);
}

static void sha256_of_no_piece_is_that_of_no_byte(void **state)
{
    (void)state;
    uint8_t none[COMMON_SHA256_LEN];
    uint8_t empty[COMMON_SHA256_LEN];
    const struct common_bytes piece = bytes(NULL, 0);
    assert_int_equal(common_sha256(none, NULL, 0), 0);
    assert_int_equal(common_sha256(empty, &piece, 1), 0);
    assert_memory_equal(none, empty, sizeof(none));
    assert_int_equal(none[0], 0xe3);
    assert_int_equal(none[31], 0x55);
}

static void hmac_is_that_of_rfc4231_in_any_pieces(void **state)
{
    (void)state;
    struct vectors *vectors = open_vectors(VECTORS_DIR "/HMAC/rfc-4231-sha256.txt");
    size_t num = 0;
    size_t num_long = 0;
    while (vectors_must_next(vectors)) {
        size_t key_len = 0;
        size_t len = 0;
        size_t mac_len = 0;
        COMMON_CLEANUP_FREE uint8_t *key = vectors_must_hex(vectors, &key_len, "Key");
        COMMON_CLEANUP_FREE uint8_t *message = vectors_must_hex(vectors, &len, "Msg");
        COMMON_CLEANUP_FREE uint8_t *mac = vectors_must_hex(vectors, &mac_len, "MD");
        assert_int_equal(mac_len, COMMON_SHA256_LEN);
        for (unsigned i = 0; i < 20; i++) {
            struct common_bytes pieces[MAX_PIECES];
            uint8_t found[COMMON_SHA256_LEN];
            size_t num_pieces = cut(pieces, message, len);
            assert_int_equal(common_hmac_sha256(found, bytes(key, key_len), pieces, num_pieces), 0);
            assert_memory_equal(found, mac, sizeof(found));
        }
        num++;
        num_long += key_len > 64;
    }
    vectors_close(&vectors);
    assert_int_equal(num, 6);
    assert_int_equal(num_long, 2);
}

/* RFC 2104, 2: what a key is filled up with, and what a long one is replaced by. */
static void hmac_keys_of_any_length_are_those_of_rfc2104(void **state)
{
    (void)state;
    static uint8_t key[70000];
    const struct common_bytes message = bytes("message", 7);
    static const uint8_t zeroes[64] = {0};
    uint8_t found[COMMON_SHA256_LEN];
    uint8_t wanted[COMMON_SHA256_LEN];

    test_random_bytes(&random_state, key, sizeof(key));
    assert_int_equal(common_hmac_sha256(found, bytes(NULL, 0), &message, 1), 0);
    assert_int_equal(common_hmac_sha256(wanted, bytes(zeroes, 64), &message, 1), 0);
    assert_memory_equal(found, wanted, sizeof(found));

    static const size_t lens[] = {65, 131, 8191, 8192, 65536, sizeof(key)};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        uint8_t digest[COMMON_SHA256_LEN];
        const struct common_bytes whole = bytes(key, lens[i]);
        assert_int_equal(common_sha256(digest, &whole, 1), 0);
        assert_int_equal(common_hmac_sha256(found, whole, &message, 1), 0);
        assert_int_equal(common_hmac_sha256(wanted, bytes(digest, 32), &message, 1), 0);
        assert_memory_equal(found, wanted, sizeof(found));
    }
    /* A key as long as a block is not hashed. */
    uint8_t digest[COMMON_SHA256_LEN];
    const struct common_bytes block = bytes(key, 64);
    assert_int_equal(common_sha256(digest, &block, 1), 0);
    assert_int_equal(common_hmac_sha256(found, block, &message, 1), 0);
    assert_int_equal(common_hmac_sha256(wanted, bytes(digest, 32), &message, 1), 0);
    assert_memory_not_equal(found, wanted, sizeof(found));
}

struct hkdf_case {
    uint8_t *ikm;
    uint8_t *salt;
    uint8_t *info;
    size_t ikm_len;
    size_t salt_len;
    size_t info_len;
    uint64_t len;
};

static void drop_hkdf_case(struct hkdf_case *hkdf_case)
{
    free(hkdf_case->ikm);
    free(hkdf_case->salt);
    free(hkdf_case->info);
    *hkdf_case = (struct hkdf_case){0};
}

static void try_hkdf(const struct hkdf_case *of, const uint8_t *okm)
{
    for (unsigned i = 0; i < 20; i++) {
        struct common_bytes pieces[MAX_PIECES];
        uint8_t found[128];
        size_t num_pieces = cut(pieces, of->info, of->info_len);
        assert_true(of->len <= sizeof(found));
        assert_int_equal(common_hkdf_sha256(found, (size_t)of->len, bytes(of->ikm, of->ikm_len),
                                            bytes(of->salt, of->salt_len), pieces, num_pieces),
                         0);
        assert_memory_equal(found, okm, (size_t)of->len);
    }
}

/* The file has blank lines inside of its cases: a case is over where its OKM stands. */
static void hkdf_is_that_of_rfc5869_in_any_pieces_also_without_salt(void **state)
{
    (void)state;
    struct vectors *vectors = open_vectors(VECTORS_DIR "/KDF/rfc-5869-HKDF-SHA256.txt");
    struct hkdf_case current = {0};
    size_t num = 0;
    size_t num_saltless = 0;
    while (vectors_must_next(vectors)) {
        if (vectors_has(vectors, "IKM")) {
            drop_hkdf_case(&current);
            current.ikm = vectors_must_hex(vectors, &current.ikm_len, "IKM");
            current.salt = vectors_must_hex(vectors, &current.salt_len, "salt");
            current.info = vectors_must_hex(vectors, &current.info_len, "info");
            current.len = vectors_must_number(vectors, "L");
        }
        if (vectors_has(vectors, "OKM")) {
            size_t len = 0;
            COMMON_CLEANUP_FREE uint8_t *okm = vectors_must_hex(vectors, &len, "OKM");
            assert_int_equal(len, current.len);
            try_hkdf(&current, okm);
            num++;
            num_saltless += current.salt_len == 0;
        }
    }
    drop_hkdf_case(&current);
    vectors_close(&vectors);
    assert_int_equal(num, 3);
    assert_int_equal(num_saltless, 1);
}

static void hkdf_gives_as_many_bytes_as_there_can_be(void **state)
{
    (void)state;
    static uint8_t longest[COMMON_HKDF_MAX + 1];
    static uint8_t shorter[COMMON_HKDF_MAX];
    const struct common_bytes key = bytes("key", 3);
    const struct common_bytes salt = bytes("salt", 4);
    const struct common_bytes info = bytes("info", 4);

    assert_int_equal(common_hkdf_sha256(longest, COMMON_HKDF_MAX, key, salt, &info, 1), 0);
    static const size_t lens[] = {1, 31, 32, 33, 64, 65, COMMON_HKDF_MAX - 1};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        memset(shorter, 0xee, sizeof(shorter));
        assert_int_equal(common_hkdf_sha256(shorter, lens[i], key, salt, &info, 1), 0);
        assert_memory_equal(shorter, longest, lens[i]);
        assert_int_equal(shorter[lens[i]], 0xee);
    }
    /* RFC 5869, 2.3, for the last block, whose number is 255. */
    uint8_t prk[COMMON_SHA256_LEN];
    uint8_t last[COMMON_SHA256_LEN];
    const struct common_bytes pieces[] = {bytes(longest + (size_t)253 * 32, 32), info,
                                          bytes("\xff", 1)};
    assert_int_equal(common_hmac_sha256(prk, salt, &key, 1), 0);
    assert_int_equal(common_hmac_sha256(last, bytes(prk, 32), pieces, 3), 0);
    assert_memory_equal(last, longest + (size_t)254 * 32, 32);

    memset(longest, 0xee, sizeof(longest));
    assert_int_equal(common_hkdf_sha256(longest, sizeof(longest), key, salt, &info, 1),
                     COMMON_ERR_INVALID);
    assert_true(common_ct_is_zero(longest, sizeof(longest)));
    assert_int_equal(common_hkdf_sha256(longest, 0, key, salt, &info, 1), COMMON_ERR_INVALID);
}

struct gcm_record {
    uint8_t *key;
    uint8_t *nonce;
    uint8_t *aad;
    uint8_t *plaintext; /* NULL: the tag is wrong */
    size_t aad_len;
    size_t len;
    uint8_t sealed[GCM_MAX + COMMON_GCM_TAG_LEN];
};

static void read_gcm(struct gcm_record *out, struct vectors *vectors)
{
    size_t len = 0;
    *out = (struct gcm_record){0};
    out->key = vectors_must_hex(vectors, &len, "Key");
    assert_int_equal(len, COMMON_GCM_KEY_LEN);
    out->nonce = vectors_must_hex(vectors, &len, "IV");
    assert_int_equal(len, COMMON_GCM_NONCE_LEN);
    out->aad = vectors_must_hex(vectors, &out->aad_len, "AAD");
    COMMON_CLEANUP_FREE uint8_t *ciphertext = vectors_must_hex(vectors, &out->len, "CT");
    COMMON_CLEANUP_FREE uint8_t *tag = vectors_must_hex(vectors, &len, "Tag");
    assert_int_equal(len, COMMON_GCM_TAG_LEN);
    assert_true(out->len <= GCM_MAX);
    memcpy(out->sealed, ciphertext, out->len);
    memcpy(out->sealed + out->len, tag, len);
    if (!vectors_has(vectors, "FAIL")) {
        out->plaintext = vectors_must_hex(vectors, &len, "PT");
        assert_int_equal(len, out->len);
    }
}

static void drop_gcm(struct gcm_record *record)
{
    free(record->key);
    free(record->nonce);
    free(record->aad);
    free(record->plaintext);
}

static void try_gcm(const struct gcm_record *record)
{
    uint8_t found[GCM_MAX + COMMON_GCM_TAG_LEN];
    const struct common_bytes aad = bytes(record->aad, record->aad_len);
    const size_t sealed_len = record->len + COMMON_GCM_TAG_LEN;

    memset(found, 0xee, sizeof(found));
    int error =
        common_gcm_open(found, record->key, record->nonce, aad, bytes(record->sealed, sealed_len));
    assert_int_equal(found[record->len], 0xee);
    if (!record->plaintext) {
        assert_int_equal(error, COMMON_ERR_DENIED);
        assert_true(common_ct_is_zero(found, record->len));
        return;
    }
    assert_int_equal(error, 0);
    assert_memory_equal(found, record->plaintext, record->len);
    assert_int_equal(common_gcm_seal(found, record->key, record->nonce, aad,
                                     bytes(record->plaintext, record->len)),
                     0);
    assert_memory_equal(found, record->sealed, sealed_len);
}

static void try_gcm_file(const char *path, size_t num_wanted, size_t num_wanted_wrong)
{
    struct vectors *vectors = open_vectors(path);
    size_t num = 0;
    size_t num_wrong = 0;
    while (vectors_must_next(vectors)) {
        if (vectors_must_number(vectors, "IVlen") != 96 ||
            vectors_must_number(vectors, "Taglen") != 128)
            continue;
        struct gcm_record record;
        read_gcm(&record, vectors);
        try_gcm(&record);
        num++;
        num_wrong += record.plaintext == NULL;
        drop_gcm(&record);
    }
    vectors_close(&vectors);
    (void)printf("# %zu records of %s, %zu with a wrong tag\n", num, path, num_wrong);
    (void)fflush(stdout);
    assert_int_equal(num, num_wanted);
    assert_int_equal(num_wrong, num_wanted_wrong);
}

static void gcm_is_that_of_nist_and_refuses_what_nist_says_fails(void **state)
{
    (void)state;
    try_gcm_file(GCM_FILES "gcmDecrypt256.rsp", 375, 191);
    try_gcm_file(GCM_FILES "gcmEncryptExtIV256.rsp", 375, 0);
}

/* Every bit of what is sealed, of key, nonce and further data. */
static void gcm_opens_nothing_that_was_changed(void **state)
{
    (void)state;
    uint8_t all[COMMON_GCM_KEY_LEN + COMMON_GCM_NONCE_LEN + 5 + 20 + COMMON_GCM_TAG_LEN];
    uint8_t *key = all;
    uint8_t *nonce = key + COMMON_GCM_KEY_LEN;
    uint8_t *aad = nonce + COMMON_GCM_NONCE_LEN;
    uint8_t *sealed = aad + 5;
    uint8_t plaintext[20];
    uint8_t found[20];

    test_random_bytes(&random_state, all, sizeof(all));
    test_random_bytes(&random_state, plaintext, sizeof(plaintext));
    assert_int_equal(common_gcm_seal(sealed, key, nonce, bytes(aad, 5), bytes(plaintext, 20)), 0);
    for (size_t bit = 0; bit <= sizeof(all) * 8; bit++) {
        bool is_changed = bit < sizeof(all) * 8;
        if (is_changed)
            all[bit / 8] ^= (uint8_t)(1U << bit % 8);
        memset(found, 0xee, sizeof(found));
        int error = common_gcm_open(found, key, nonce, bytes(aad, 5), bytes(sealed, 36));
        assert_int_equal(error, is_changed ? COMMON_ERR_DENIED : 0);
        if (is_changed) {
            assert_true(common_ct_is_zero(found, sizeof(found)));
            all[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    }
    assert_memory_equal(found, plaintext, sizeof(found));
    for (size_t len = 0; len < 36; len++)
        assert_int_equal(common_gcm_open(found, key, nonce, bytes(aad, 5), bytes(sealed, len)),
                         COMMON_ERR_DENIED);
}

static void gcm_seals_nothing_but_further_data(void **state)
{
    (void)state;
    static const uint8_t key[COMMON_GCM_KEY_LEN] = {1};
    static const uint8_t nonce[COMMON_GCM_NONCE_LEN] = {2};
    uint8_t tag[COMMON_GCM_TAG_LEN];
    assert_int_equal(common_gcm_seal(tag, key, nonce, bytes("a", 1), bytes(NULL, 0)), 0);
    assert_int_equal(common_gcm_open(NULL, key, nonce, bytes("a", 1), bytes(tag, 16)), 0);
    assert_int_equal(common_gcm_open(NULL, key, nonce, bytes("b", 1), bytes(tag, 16)),
                     COMMON_ERR_DENIED);
    assert_int_equal(common_gcm_seal(tag, key, nonce, bytes(NULL, 0), bytes("", SIZE_MAX)),
                     COMMON_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_is_that_of_nist_in_any_pieces),
        cmocka_unit_test(sha256_of_no_piece_is_that_of_no_byte),
        cmocka_unit_test(hmac_is_that_of_rfc4231_in_any_pieces),
        cmocka_unit_test(hmac_keys_of_any_length_are_those_of_rfc2104),
        cmocka_unit_test(hkdf_is_that_of_rfc5869_in_any_pieces_also_without_salt),
        cmocka_unit_test(hkdf_gives_as_many_bytes_as_there_can_be),
        cmocka_unit_test(gcm_is_that_of_nist_and_refuses_what_nist_says_fails),
        cmocka_unit_test(gcm_opens_nothing_that_was_changed),
        cmocka_unit_test(gcm_seals_nothing_but_further_data),
    };
    return cmocka_run_group_tests_name("crypto", tests, begin, NULL);
}
