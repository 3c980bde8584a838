/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Superblocks. "Forged": by somebody who writes to the medium, knows the format, and has no key, so
 * that the digest fits and the MAC does not. "Sealed": by somebody who has the key of the MAC.
 */
#include "tests/volume/corruption.h"

#include "common/base/endian.h"

#include <string.h>

static uint8_t *slot_of(const struct patient *patient, unsigned copy)
{
    return dump_slot(&patient->dump, copy);
}

/* The body is edited, and the digest made to fit. */
static void forge(struct patient *patient, unsigned copy, const char *path, enum edit_how how,
                  const char *hex)
{
    slot_edit(slot_of(patient, copy), path, how, hex);
    slot_fix_digest(slot_of(patient, copy));
}

static void seal(struct patient *patient, unsigned copy, const char *path, enum edit_how how,
                 const char *hex)
{
    slot_edit(slot_of(patient, copy), path, how, hex);
    slot_fix_mac(slot_of(patient, copy), &patient->keys);
}

#define FORGE(name, path, how, hex)                                                                \
    static void name(struct patient *patient, unsigned copy)                                       \
    {                                                                                              \
        forge(patient, copy, path, EDIT_##how, hex);                                               \
    }
#define SEAL(name, path, how, hex)                                                                 \
    static void name(struct patient *patient, unsigned copy)                                       \
    {                                                                                              \
        seal(patient, copy, path, EDIT_##how, hex);                                                \
    }
#define SET_BYTE(name, at, value)                                                                  \
    static void name(struct patient *patient, unsigned copy)                                       \
    {                                                                                              \
        slot_of(patient, copy)[at] = (value);                                                      \
        slot_fix_digest(slot_of(patient, copy));                                                   \
    }
#define FLIP_BYTE(name, at)                                                                        \
    static void name(struct patient *patient, unsigned copy)                                       \
    {                                                                                              \
        slot_of(patient, copy)[at] ^= 0x20;                                                        \
    }

FLIP_BYTE(magic_flipped, 1)
FLIP_BYTE(version_flipped, 8)
FLIP_BYTE(kind_flipped, 10)
FLIP_BYTE(length_flipped, 12)
FLIP_BYTE(digest_flipped, 40)
FLIP_BYTE(mac_flipped, 70)
FLIP_BYTE(body_flipped, 150)
SET_BYTE(version_forged, 8, 2)
SET_BYTE(kind_forged, 10, 3)
SET_BYTE(kind_erased_forged, 10, 2)
SET_BYTE(reserved_byte_forged, 20, 1)

static void zeroed(struct patient *patient, unsigned copy)
{
    memset(slot_of(patient, copy), 0, XV_SUPERBLOCK_MAX);
}

static void first_page_zeroed(struct patient *patient, unsigned copy)
{
    memset(slot_of(patient, copy), 0, XV_PAGE_LEN);
}

static void overwritten(struct patient *patient, unsigned copy)
{
    struct test_random random = test_random_of(7);
    test_random_bytes(&random, slot_of(patient, copy), XV_SUPERBLOCK_MAX);
}

static void garbage_behind_the_body(struct patient *patient, unsigned copy)
{
    memset(slot_of(patient, copy) + slot_len(slot_of(patient, copy)), 0xee, 600);
}

static void length_above_the_limit(struct patient *patient, unsigned copy)
{
    common_put_le32(slot_of(patient, copy) + 12, XV_BODY_MAX + 1);
}

static void length_of_4_gib(struct patient *patient, unsigned copy)
{
    common_put_le32(slot_of(patient, copy) + 12, UINT32_MAX);
}

static void length_of_nothing(struct patient *patient, unsigned copy)
{
    common_put_le32(slot_of(patient, copy) + 12, 0);
}

static void length_as_long_as_can_be(struct patient *patient, unsigned copy)
{
    common_put_le32(slot_of(patient, copy) + 12, XV_BODY_MAX);
    slot_fix_digest(slot_of(patient, copy));
}

/* The state anew, with its MAC or with another one. */
static void recode(struct patient *patient, unsigned copy, const struct xv_superblock *state,
                   bool is_sealed)
{
    struct common_buf bytes = common_buf_growing(XV_SUPERBLOCK_MAX);
    uint8_t *slot = slot_of(patient, copy);
    assert_int_equal(xv_superblock_encode(&bytes, state, copy, &patient->keys), 0);
    memset(slot, 0, XV_SUPERBLOCK_MAX);
    memcpy(slot, bytes.data, bytes.len);
    common_buf_wipe(&bytes);
    if (is_sealed)
        return;
    slot[64] ^= 1;
    slot_fix_digest(slot);
}

/* The first pieces are new, the rest is of the commit before. */
static void tear(struct patient *patient, unsigned copy, size_t num_new)
{
    size_t keep = num_new * 512;
    memcpy(slot_of(patient, copy) + keep, dump_slot(&patient->older, copy) + keep,
           XV_SUPERBLOCK_MAX - keep);
}

static void torn_after_1(struct patient *patient, unsigned copy)
{
    tear(patient, copy, 1);
}

static void torn_after_2(struct patient *patient, unsigned copy)
{
    tear(patient, copy, 2);
}

static void torn_after_3(struct patient *patient, unsigned copy)
{
    tear(patient, copy, 3);
}

static void torn_from_the_front(struct patient *patient, unsigned copy)
{
    memcpy(slot_of(patient, copy), dump_slot(&patient->older, copy), 512);
}

static void older_put_back(struct patient *patient, unsigned copy)
{
    tear(patient, copy, 0);
}

/* All of the medium, as somebody recorded it: with one superblock that is an older one too. */
static void all_older_put_back(struct patient *patient, unsigned copy)
{
    (void)copy;
    memcpy(patient->dump.bytes, patient->older.bytes, patient->dump.len);
}

static void of_another_volume(struct patient *patient, unsigned copy)
{
    memcpy(slot_of(patient, copy), dump_slot(&patient->other, copy), XV_SUPERBLOCK_MAX);
}

/* Not the MAC of it, and a lesser sequence: what the keys of that volume open is not to be used
 * for this one. */
static void of_another_volume_older(struct patient *patient, unsigned copy)
{
    struct xv_superblock state = patient->other_state;
    state.sequence = UINT64_C(1) << XV_EPOCH_SHIFT | 1;
    state.root.sequence = state.sequence;
    recode(patient, copy, &state, false);
}

static void body_of_another_volume(struct patient *patient, unsigned copy)
{
    uint8_t mac[XV_MAC_LEN];
    memcpy(mac, slot_of(patient, copy) + 64, sizeof(mac));
    of_another_volume_older(patient, copy);
    memcpy(slot_of(patient, copy) + 64, mac, sizeof(mac));
    slot_fix_digest(slot_of(patient, copy));
}

static void of_the_other_copy(struct patient *patient, unsigned copy)
{
    memcpy(slot_of(patient, copy), slot_of(patient, 1 - copy), XV_SUPERBLOCK_MAX);
}

/* Done to both, each has the bytes of the other. */
static void copies_swapped(struct patient *patient, unsigned copy)
{
    slot_of(patient, copy)[11] ^= 1;
}

static void an_erasure_forged(struct patient *patient, unsigned copy)
{
    struct xv_erased erased = sample_erased();
    struct common_buf bytes = common_buf_growing(XV_SUPERBLOCK_MAX);
    assert_int_equal(xv_erased_encode(&bytes, &erased, copy), 0);
    memcpy(slot_of(patient, copy), bytes.data, bytes.len);
    common_buf_wipe(&bytes);
}

FORGE(uuid_forged, "1", REPLACE,
      "50"
      "00112233445566778899aabbccddeeff")
FORGE(sequence_2_64, "2", REPLACE, "1bffffffffffffffff")
FORGE(sequence_last_of_epoch, "2", REPLACE, "1b000001ffffffffff")
FORGE(sequence_first, "2", REPLACE, "1b0000010000000001")
FORGE(sequence_0, "2", REPLACE, "00")
FORGE(size_forged, "3", REPLACE, "1a07f7fe00")
FORGE(size_2_60, "3", REPLACE, "1b1000000000000000")
FORGE(sector_forged, "4", REPLACE, "191000")
FORGE(backup_forged, "8.8", REPLACE, "f5")
FORGE(plaintext_forged, "9", REPLACE, "f5")
FORGE(regions_overlap, "8.5.0", REPLACE, "1a00400000")
FORGE(region_on_a_superblock, "8.3.0", REPLACE, "00")
FORGE(region_of_2_63, "8.7.1", REPLACE, "1b8000000000000000")
FORGE(region_at_2_64, "8.3.0", REPLACE, "1bfffffffffffff000")
FORGE(data_moved, "8.2", REPLACE, "191000")
FORGE(check_forged, "10.0.2", REPLACE,
      "50"
      "00000000000000000000000000000000")
FORGE(id_forged, "10.15.0", REPLACE, "18c8")
FORGE(id_of_1024, "10.15.0", REPLACE, "190400")
FORGE(ids_out_of_order, "10.0.0", REPLACE, "10")
FORGE(wrap_forged, "10.0.3", REPLACE,
      "41"
      "00")
FORGE(root_uniform, "11", REPLACE,
      "5820"
      "0000010000000000"
      "0000000000000000"
      "0000000000000000"
      "0000000000000000")
FORGE(field_forged, "", LAST, "1100")
FORGE(not_deterministic, "6", REPLACE, "1810")
SEAL(regions_overlap_sealed, "8.5.0", REPLACE, "1a00400000")
SEAL(field_sealed, "", LAST, "1100")
SEAL(other_time_sealed, "13", REPLACE, "00")
SEAL(sequence_sealed, "2", REPLACE, "1b00000100ffffffff")

/* Each is what it was, in the other's place. */
static void wraps_swapped(struct patient *patient, unsigned copy)
{
    struct xv_superblock state;
    uint8_t *slot = slot_of(patient, copy);
    slot_decode(&state, slot);
    uint8_t *a =
        memmem(slot, slot_len(slot), state.generations[0].wrap, state.generations[0].wrap_len);
    uint8_t *b =
        memmem(slot, slot_len(slot), state.generations[1].wrap, state.generations[1].wrap_len);
    assert_non_null(a);
    assert_non_null(b);
    memcpy(a, state.generations[1].wrap, state.generations[1].wrap_len);
    memcpy(b, state.generations[0].wrap, state.generations[0].wrap_len);
    slot_fix_digest(slot);
    xv_superblock_free(&state);
}

static void wrap_of_another_volume(struct patient *patient, unsigned copy)
{
    uint8_t *slot = slot_of(patient, copy);
    const struct xv_generation *mine = &patient->state.generations[0];
    const struct xv_generation *other = &patient->other_state.generations[0];
    uint8_t *at = memmem(slot, slot_len(slot), mine->wrap, mine->wrap_len);
    assert_non_null(at);
    assert_int_equal(mine->wrap_len, other->wrap_len);
    memcpy(at, other->wrap, mine->wrap_len);
    slot_fix_digest(slot);
}

/* One without extents, so that the sums still hold; sealed by who knows M, but has not the keys to
 * wrap it anew (V7). */
static void generation_removed(struct patient *patient, unsigned copy)
{
    seal(patient, copy, "10.2", EDIT_REMOVE, NULL);
}

static void generation_twice(struct patient *patient, unsigned copy)
{
    struct xv_superblock state = patient->state;
    memcpy(state.generations[3].check, state.generations[2].check, XV_CHECK_LEN);
    memcpy(state.generations[3].wrap, state.generations[2].wrap, XV_WRAP_MAX);
    recode(patient, copy, &state, true);
}

static void root_to_nowhere_sealed(struct patient *patient, unsigned copy)
{
    struct xv_superblock state = patient->state;
    state.root.mac[0] ^= 1;
    recode(patient, copy, &state, true);
}

static void epoch_sealed(struct patient *patient, unsigned copy)
{
    struct xv_superblock state = patient->state;
    state.sequence = UINT64_C(2) << XV_EPOCH_SHIFT | 1;
    state.root.sequence = state.sequence;
    recode(patient, copy, &state, true);
}

static void rekey_forged(struct patient *patient, unsigned copy)
{
    struct xv_superblock state = patient->state;
    state.rekey =
        (struct xv_rekey){.is_present = true, .to_generation = xv_newest_generation(&state)};
    recode(patient, copy, &state, false);
}

static void counts_forged(struct patient *patient, unsigned copy)
{
    struct xv_superblock state = patient->state;
    state.generations[0].num_extents--;
    state.generations[1].num_extents++;
    recode(patient, copy, &state, false);
}

/* CORRUPT where one copy claims more than the other one can prove: Opening, 4. */
const struct corruption superblock_corruptions[] = {
    {"zeroed", zeroed, TOLD, XTSVOL_ERR_CORRUPT},
    {"first page zeroed", first_page_zeroed, TOLD, XTSVOL_ERR_CORRUPT},
    {"overwritten", overwritten, TOLD, XTSVOL_ERR_CORRUPT},
    {"a bit of the magic", magic_flipped, TOLD, XTSVOL_ERR_CORRUPT},
    {"a bit of the version", version_flipped, TOLD, XTSVOL_ERR_CORRUPT},
    {"a bit of the kind", kind_flipped, TOLD, XTSVOL_ERR_CORRUPT},
    {"a bit of the length", length_flipped, TOLD, XTSVOL_ERR_CORRUPT},
    {"a bit of the digest", digest_flipped, TOLD, XTSVOL_ERR_CORRUPT},
    {"a bit of the MAC", mac_flipped, TOLD, XTSVOL_ERR_CORRUPT},
    {"a bit of the body", body_flipped, TOLD, XTSVOL_ERR_CORRUPT},
    {"version 2, forged", version_forged, XTSVOL_ERR_UNSUPPORTED, XTSVOL_ERR_UNSUPPORTED},
    {"kind 3, forged", kind_forged, XTSVOL_ERR_UNSUPPORTED, XTSVOL_ERR_UNSUPPORTED},
    {"erased, with a MAC, forged", kind_erased_forged, TOLD, XTSVOL_ERR_CORRUPT},
    {"a reserved byte, forged", reserved_byte_forged, TOLD, XTSVOL_ERR_CORRUPT},
    {"garbage behind the body", garbage_behind_the_body, SILENT, SILENT},
    {"a length above the limit", length_above_the_limit, TOLD, XTSVOL_ERR_CORRUPT},
    {"a length of 4 GiB", length_of_4_gib, TOLD, XTSVOL_ERR_CORRUPT},
    {"no length", length_of_nothing, TOLD, XTSVOL_ERR_CORRUPT},
    {"the greatest length", length_as_long_as_can_be, TOLD, XTSVOL_ERR_CORRUPT},
    {"torn after 512 bytes", torn_after_1, TOLD, XTSVOL_ERR_CORRUPT},
    {"torn after 1024 bytes", torn_after_2, TOLD, XTSVOL_ERR_CORRUPT},
    {"torn after 1536 bytes", torn_after_3, TOLD, XTSVOL_ERR_CORRUPT},
    {"torn from the front", torn_from_the_front, TOLD, XTSVOL_ERR_CORRUPT},
    {"an older one put back", older_put_back, RECOVERS, 0},
    {"an older medium put back", all_older_put_back, OLDER, OLDER},
    {"of another volume", of_another_volume, XTSVOL_ERR_CORRUPT, 0},
    {"of another volume, older, forged", of_another_volume_older, TOLD, XTSVOL_ERR_CORRUPT},
    {"the body of another volume, forged", body_of_another_volume, TOLD, XTSVOL_ERR_CORRUPT},
    {"the other copy in its place", of_the_other_copy, TOLD, 0},
    {"another number of the copy", copies_swapped, TOLD, XTSVOL_ERR_CORRUPT},
    {"an erasure, forged", an_erasure_forged, XTSVOL_ERR_STATE, XTSVOL_ERR_STATE},
    {"UUID, forged", uuid_forged, TOLD, XTSVOL_ERR_DENIED},
    {"sequence 2^64 - 1, forged", sequence_2_64, TOLD, XTSVOL_ERR_CORRUPT},
    {"the last sequence of the epoch, forged", sequence_last_of_epoch, XTSVOL_ERR_CORRUPT,
     XTSVOL_ERR_CORRUPT},
    {"the first sequence, forged", sequence_first, TOLD, XTSVOL_ERR_CORRUPT},
    {"sequence 0, forged", sequence_0, TOLD, XTSVOL_ERR_CORRUPT},
    {"size, forged", size_forged, TOLD, XTSVOL_ERR_CORRUPT},
    {"size 2^60, forged", size_2_60, TOLD, XTSVOL_ERR_CORRUPT},
    {"sector size, forged", sector_forged, TOLD, XTSVOL_ERR_CORRUPT},
    {"a backup, forged", backup_forged, TOLD, XTSVOL_ERR_CORRUPT},
    {"plaintext allowed, forged", plaintext_forged, TOLD, XTSVOL_ERR_CORRUPT},
    {"regions that overlap, forged", regions_overlap, TOLD, XTSVOL_ERR_CORRUPT},
    {"a region on a superblock, forged", region_on_a_superblock, TOLD, XTSVOL_ERR_CORRUPT},
    {"a region of 2^63 bytes, forged", region_of_2_63, TOLD, XTSVOL_ERR_CORRUPT},
    {"a region at the end of all, forged", region_at_2_64, TOLD, XTSVOL_ERR_CORRUPT},
    {"the data elsewhere, forged", data_moved, TOLD, XTSVOL_ERR_CORRUPT},
    {"check value, forged", check_forged, TOLD, XTSVOL_ERR_DENIED},
    {"a generation that there is not, forged", id_forged, TOLD, XTSVOL_ERR_CORRUPT},
    {"generation 1024, forged", id_of_1024, TOLD, XTSVOL_ERR_CORRUPT},
    {"generations out of order, forged", ids_out_of_order, TOLD, XTSVOL_ERR_CORRUPT},
    {"wrap of one byte, forged", wrap_forged, TOLD, XTSVOL_ERR_CORRUPT},
    {"wraps swapped, forged", wraps_swapped, TOLD, XTSVOL_ERR_CORRUPT},
    {"the wrap of another volume, forged", wrap_of_another_volume, TOLD, XTSVOL_ERR_CORRUPT},
    {"all of one generation, forged", root_uniform, TOLD, XTSVOL_ERR_CORRUPT},
    {"a re-encryption, forged", rekey_forged, TOLD, XTSVOL_ERR_CORRUPT},
    {"numbers of extents, forged", counts_forged, TOLD, XTSVOL_ERR_CORRUPT},
    {"a new field, forged", field_forged, XTSVOL_ERR_UNSUPPORTED, XTSVOL_ERR_UNSUPPORTED},
    {"CBOR that is not deterministic, forged", not_deterministic, TOLD, XTSVOL_ERR_CORRUPT},
    {"regions that overlap, sealed", regions_overlap_sealed, TOLD, XTSVOL_ERR_CORRUPT},
    {"a new field, sealed", field_sealed, XTSVOL_ERR_UNSUPPORTED, XTSVOL_ERR_UNSUPPORTED},
    {"the same sequence, another body, sealed", other_time_sealed, XTSVOL_ERR_CORRUPT, SILENT},
    {"a later sequence, sealed", sequence_sealed, RECOVERS, SILENT},
    {"a later epoch, sealed with the old wraps", epoch_sealed, XTSVOL_ERR_CORRUPT,
     XTSVOL_ERR_CORRUPT},
    {"a generation less, sealed with the old wraps", generation_removed, TOLD, XTSVOL_ERR_CORRUPT},
    {"the check value of another generation, sealed", generation_twice, TOLD, XTSVOL_ERR_DENIED},
    {"a root that is nowhere, sealed", root_to_nowhere_sealed, XTSVOL_ERR_CORRUPT, PAGE_LOST},
};

const size_t num_superblock_corruptions = ARRAY_LEN(superblock_corruptions);
