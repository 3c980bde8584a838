/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of the extent map: leaves 0 and 1 below the root, page 2. "Sealed" as in
 * corrupt_superblock.c. */
#include "tests/volume/corruption.h"

#include "common/base/endian.h"

#include <string.h>

enum {
    LEAF = 0,
    OTHER_LEAF = 1,
    ROOT = 2
};

static uint8_t *page_of(const struct patient *patient, unsigned copy, uint64_t number)
{
    return dump_page(&patient->dump, &patient->state, copy, number);
}

#define FLIP(name, number, at)                                                                     \
    static void name(struct patient *patient, unsigned copy)                                       \
    {                                                                                              \
        page_of(patient, copy, number)[at] ^= 1;                                                   \
    }

FLIP(leaf_magic, LEAF, 0)
FLIP(leaf_level, LEAF, 4)
FLIP(leaf_number, LEAF, 8)
FLIP(leaf_sequence, LEAF, 16)
FLIP(leaf_reserved, LEAF, 24)
FLIP(leaf_mac_begin, LEAF, 32)
FLIP(leaf_mac_end, LEAF, 63)
FLIP(leaf_extent, LEAF, 64)
FLIP(leaf_last_byte, LEAF, XV_PAGE_LEN - 1)
FLIP(root_magic, ROOT, 0)
FLIP(root_entry, ROOT, 64)
FLIP(root_entry_mac, ROOT, 64 + 16)
FLIP(root_last_byte, ROOT, XV_PAGE_LEN - 1)

static void leaf_zeroed(struct patient *patient, unsigned copy)
{
    memset(page_of(patient, copy, LEAF), 0, XV_PAGE_LEN);
}

static void root_zeroed(struct patient *patient, unsigned copy)
{
    memset(page_of(patient, copy, ROOT), 0, XV_PAGE_LEN);
}

static void all_pages_overwritten(struct patient *patient, unsigned copy)
{
    struct test_random random = test_random_of(copy);
    test_random_bytes(&random, page_of(patient, copy, LEAF), (size_t)3 * XV_PAGE_LEN);
}

static void leaf_torn(struct patient *patient, unsigned copy)
{
    const uint8_t *old = dump_page(&patient->older, &patient->state, copy, LEAF);
    memcpy(page_of(patient, copy, LEAF), old, 512);
}

static void leaf_older(struct patient *patient, unsigned copy)
{
    const uint8_t *old = dump_page(&patient->older, &patient->state, copy, LEAF);
    memcpy(page_of(patient, copy, LEAF), old, XV_PAGE_LEN);
}

static void root_older(struct patient *patient, unsigned copy)
{
    const uint8_t *old = dump_page(&patient->older, &patient->state, copy, ROOT);
    memcpy(page_of(patient, copy, ROOT), old, XV_PAGE_LEN);
}

static void map_older(struct patient *patient, unsigned copy)
{
    const uint8_t *old = dump_page(&patient->older, &patient->state, copy, LEAF);
    memcpy(page_of(patient, copy, LEAF), old, (size_t)3 * XV_PAGE_LEN);
}

static void leaf_of_another_volume(struct patient *patient, unsigned copy)
{
    const uint8_t *other = dump_page(&patient->other, &patient->other_state, copy, LEAF);
    memcpy(page_of(patient, copy, LEAF), other, XV_PAGE_LEN);
}

static void root_of_another_volume(struct patient *patient, unsigned copy)
{
    const uint8_t *other = dump_page(&patient->other, &patient->other_state, copy, ROOT);
    memcpy(page_of(patient, copy, ROOT), other, XV_PAGE_LEN);
}

static void swap(uint8_t *a, uint8_t *b)
{
    uint8_t kept[XV_PAGE_LEN];
    memcpy(kept, a, sizeof(kept));
    memcpy(a, b, sizeof(kept));
    memcpy(b, kept, sizeof(kept));
}

static void leaves_swapped(struct patient *patient, unsigned copy)
{
    swap(page_of(patient, copy, LEAF), page_of(patient, copy, OTHER_LEAF));
}

static void leaf_and_root_swapped(struct patient *patient, unsigned copy)
{
    swap(page_of(patient, copy, OTHER_LEAF), page_of(patient, copy, ROOT));
}

/* The page as it is, for another place or time; its parent means the one that was. */
static void reseal(struct patient *patient, unsigned copy, uint64_t number, unsigned level,
                   uint32_t claimed, uint64_t sequence)
{
    struct xv_entry ignored;
    assert_int_equal(xv_page_seal(page_of(patient, copy, number), &ignored,
                                  (struct xv_page_place){.level = level, .number = claimed},
                                  sequence, patient->state.uuid, &patient->keys),
                     0);
}

static uint64_t sequence_of(const struct patient *patient, unsigned copy, uint64_t number)
{
    return common_get_le64(page_of(patient, copy, number) + 16);
}

static void leaf_level_sealed(struct patient *patient, unsigned copy)
{
    reseal(patient, copy, LEAF, 1, LEAF, sequence_of(patient, copy, LEAF));
}

static void leaf_number_sealed(struct patient *patient, unsigned copy)
{
    reseal(patient, copy, LEAF, 0, OTHER_LEAF, sequence_of(patient, copy, LEAF));
}

static void leaf_sequence_sealed(struct patient *patient, unsigned copy)
{
    reseal(patient, copy, LEAF, 0, LEAF, sequence_of(patient, copy, LEAF) + 1);
}

static void leaf_extent_sealed(struct patient *patient, unsigned copy)
{
    xv_leaf_set(page_of(patient, copy, LEAF), 0, 2);
    reseal(patient, copy, LEAF, 0, LEAF, sequence_of(patient, copy, LEAF));
}

static void leaf_resealed_for_another_volume(struct patient *patient, unsigned copy)
{
    struct xv_entry ignored;
    assert_int_equal(
        xv_page_seal(page_of(patient, copy, LEAF), &ignored, (struct xv_page_place){.number = LEAF},
                     sequence_of(patient, copy, LEAF), patient->other_state.uuid, &patient->keys),
        0);
}

/* From a page up to the superblock everything fits: who knows M did it, or a mistake in a writer.
 * Both copies of the pages at once; the superblock of this copy. */
static void seal_up(struct patient *patient, unsigned copy, uint64_t number)
{
    struct xv_superblock state = patient->state;
    struct common_buf bytes = common_buf_growing(XV_SUPERBLOCK_MAX);
    uint8_t *slot = dump_slot(&patient->dump, copy);
    uint8_t *root = page_of(patient, copy, ROOT);
    if (number != ROOT) {
        struct xv_entry entry;
        assert_int_equal(xv_page_seal(page_of(patient, copy, number), &entry,
                                      (struct xv_page_place){.number = (uint32_t)number},
                                      state.sequence, state.uuid, &patient->keys),
                         0);
        xv_node_set(root, (unsigned)number, &entry);
    }
    assert_int_equal(xv_page_seal(root, &state.root,
                                  (struct xv_page_place){.level = 1, .number = ROOT},
                                  state.sequence, state.uuid, &patient->keys),
                     0);
    assert_int_equal(xv_superblock_encode(&bytes, &state, copy, &patient->keys), 0);
    memcpy(slot, bytes.data, bytes.len);
    common_buf_wipe(&bytes);
}

static void dead_generation_sealed(struct patient *patient, unsigned copy)
{
    xv_leaf_set(page_of(patient, copy, LEAF), 0, 17);
    seal_up(patient, copy, LEAF);
}

static void plaintext_sealed(struct patient *patient, unsigned copy)
{
    xv_leaf_set(page_of(patient, copy, LEAF), 0, 0);
    seal_up(patient, copy, LEAF);
}

static void reserved_bit_sealed(struct patient *patient, unsigned copy)
{
    page_of(patient, copy, LEAF)[64 + 1] |= 0x04;
    seal_up(patient, copy, LEAF);
}

static void entry_to_nowhere_sealed(struct patient *patient, unsigned copy)
{
    page_of(patient, copy, ROOT)[64 + 20] ^= 1;
    seal_up(patient, copy, ROOT);
}

static void illegal_entry_sealed(struct patient *patient, unsigned copy)
{
    page_of(patient, copy, ROOT)[64] = 2;
    seal_up(patient, copy, ROOT);
}

static void intents_and_journal_overwritten(struct patient *patient, unsigned copy)
{
    const struct xv_layout *layout = &patient->state.layout;
    struct test_random random = test_random_of(copy);
    test_random_bytes(&random, patient->dump.bytes + layout->intents.offset, 4096);
    test_random_bytes(&random, patient->dump.bytes + layout->markers.offset, 8192);
    test_random_bytes(&random, patient->dump.bytes + layout->journal.offset, 4096);
}

const struct corruption page_corruptions[] = {
    {"leaf: magic", leaf_magic, PAGE_TOLD, PAGE_LOST},
    {"leaf: level", leaf_level, PAGE_TOLD, PAGE_LOST},
    {"leaf: number", leaf_number, PAGE_TOLD, PAGE_LOST},
    {"leaf: sequence", leaf_sequence, PAGE_TOLD, PAGE_LOST},
    {"leaf: reserved byte", leaf_reserved, PAGE_TOLD, PAGE_LOST},
    {"leaf: the half of the MAC that the entry has", leaf_mac_begin, PAGE_TOLD, PAGE_LOST},
    {"leaf: the half of the MAC that it has not", leaf_mac_end, PAGE_TOLD, PAGE_LOST},
    {"leaf: an extent", leaf_extent, PAGE_TOLD, PAGE_LOST},
    {"leaf: the last byte", leaf_last_byte, PAGE_TOLD, PAGE_LOST},
    {"root: magic", root_magic, PAGE_TOLD, PAGE_LOST},
    {"root: kind of an entry", root_entry, PAGE_TOLD, PAGE_LOST},
    {"root: MAC of an entry", root_entry_mac, PAGE_TOLD, PAGE_LOST},
    {"root: the last byte", root_last_byte, PAGE_TOLD, PAGE_LOST},
    {"leaf zeroed", leaf_zeroed, PAGE_TOLD, PAGE_LOST},
    {"root zeroed", root_zeroed, PAGE_TOLD, PAGE_LOST},
    {"all pages overwritten", all_pages_overwritten, PAGE_TOLD, PAGE_LOST},
    {"leaf torn", leaf_torn, PAGE_TOLD, PAGE_LOST},
    {"leaf of an older commit", leaf_older, PAGE_TOLD, PAGE_LOST},
    {"root of an older commit", root_older, PAGE_TOLD, PAGE_LOST},
    {"the map of an older commit", map_older, PAGE_TOLD, PAGE_LOST},
    {"leaf of another volume", leaf_of_another_volume, PAGE_TOLD, PAGE_LOST},
    {"root of another volume", root_of_another_volume, PAGE_TOLD, PAGE_LOST},
    {"leaves swapped", leaves_swapped, PAGE_TOLD, PAGE_LOST},
    {"leaf and root swapped", leaf_and_root_swapped, PAGE_TOLD, PAGE_LOST},
    {"leaf sealed as a node", leaf_level_sealed, PAGE_TOLD, PAGE_LOST},
    {"leaf sealed as the other one", leaf_number_sealed, PAGE_TOLD, PAGE_LOST},
    {"leaf sealed for another commit", leaf_sequence_sealed, PAGE_TOLD, PAGE_LOST},
    {"leaf with another extent, sealed", leaf_extent_sealed, PAGE_TOLD, PAGE_LOST},
    {"leaf sealed for another volume", leaf_resealed_for_another_volume, PAGE_TOLD, PAGE_LOST},
    {"an extent of no live generation, sealed up to the top", dead_generation_sealed,
     XTSVOL_ERR_CORRUPT, EXTENT_LOST},
    {"an extent of plaintext, sealed up to the top", plaintext_sealed, XTSVOL_ERR_CORRUPT,
     EXTENT_LOST},
    {"a reserved bit of an extent, sealed up to the top", reserved_bit_sealed, XTSVOL_ERR_CORRUPT,
     PAGE_LOST},
    {"an entry that points nowhere, sealed up to the top", entry_to_nowhere_sealed,
     XTSVOL_ERR_CORRUPT, PAGE_LOST},
    {"an illegal entry, sealed up to the top", illegal_entry_sealed, XTSVOL_ERR_CORRUPT, PAGE_LOST},
    {"what no re-encryption uses", intents_and_journal_overwritten, SILENT, SILENT},
};

const size_t num_page_corruptions = ARRAY_LEN(page_corruptions);
