/* SPDX-License-Identifier: Apache-2.0 */
/* What the fields of a superblock are to each other. Decoding and encoding both ask here. */
#include "libxtsvol/src/volume/superblock.h"

#include "common/base/checked.h"
#include "common/base/ct.h"
#include "libxtsvol/src/volume/layout.h"

static bool is_sequence(uint64_t sequence)
{
    return xv_epoch(sequence) != 0 && (sequence & XV_COMMIT_MASK) != 0;
}

static const char *geometry_fault(const struct xv_superblock *of)
{
    if (!is_sequence(of->sequence))
        return "the sequence has no epoch or no commit";
    if (of->sector_size != 512 && of->sector_size != 4096)
        return "a sector has neither 512 nor 4096 bytes";
    if (of->iv != XTSVOL_IV_PLAIN64 && of->iv != XTSVOL_IV_LARGE)
        return "data units are numbered in an unknown way";
    if (of->iv == XTSVOL_IV_LARGE && of->sector_size != 4096)
        return "large numbers of data units need sectors of 4096 bytes";
    if (of->extent_shift < XV_EXTENT_SHIFT_MIN || of->extent_shift > XV_EXTENT_SHIFT_MAX)
        return "the size of an extent is out of its range";
    if (of->volume_size == 0 || of->volume_size > XTSVOL_VOLUME_SIZE_MAX)
        return "the size of the volume is out of its range";
    if (of->volume_size % of->sector_size != 0)
        return "the size of the volume is not made of whole sectors";
    if (of->max_extents == 0 || of->max_extents > XV_MAX_EXTENTS)
        return "the greatest number of extents is out of its range";
    if (xv_num_extents(of) > of->max_extents)
        return "the volume has more extents than it can have";
    if (of->created_s > INT64_MAX)
        return "the volume was made at no time";
    return NULL;
}

static const struct xv_generation *find(const struct xv_superblock *of, uint32_t id)
{
    for (size_t i = 0; i < of->num_generations; i++)
        if (of->generations[i].id == id)
            return &of->generations[i];
    return NULL;
}

/* Each count is at most 2^42 or so before it is added: no sum of 65 can wrap. */
static const char *generations_fault(const struct xv_superblock *of)
{
    const uint64_t num_extents = xv_num_extents(of);
    uint64_t sum = of->num_plaintext;
    uint32_t previous = 0;

    if (of->num_generations == 0 || of->num_generations > XTSVOL_LIVE_GENERATIONS_MAX)
        return "there is no generation, or there are too many";
    if (of->num_plaintext > num_extents)
        return "more extents are plaintext than there are";
    if (of->num_plaintext != 0 && !of->plaintext_allowed)
        return "there is plaintext where none is allowed";
    for (size_t i = 0; i < of->num_generations; i++) {
        const struct xv_generation *generation = &of->generations[i];
        if (generation->id <= previous || generation->id > XTSVOL_GENERATION_MAX)
            return "generations are out of order or out of their range";
        if (generation->num_extents > num_extents)
            return "a generation has more extents than there are";
        if (generation->wrap_len == 0 || generation->wrap_len > XV_WRAP_MAX)
            return "a wrap is empty or too long";
        previous = generation->id;
        sum += generation->num_extents;
    }
    return sum == num_extents ? NULL : "the extents of all generations are not those of the volume";
}

/* A uniform root says how many extents are of its generation: all. A page was written by this
 * commit or by one before it, and a new epoch writes every page anew. */
static const char *root_fault(const struct xv_superblock *of)
{
    const struct xv_entry *root = &of->root;
    switch (root->kind) {
    case XV_ENTRY_UNIFORM: {
        const struct xv_generation *generation = find(of, root->generation);
        if (root->sequence != 0 || !common_ct_is_zero(root->mac, sizeof(root->mac)))
            return "the root of the extent map is no legal entry";
        if (root->generation == 0 ? !of->plaintext_allowed : !generation)
            return "all extents are of a generation that is not live";
        if ((generation ? generation->num_extents : of->num_plaintext) != xv_num_extents(of))
            return "all extents are of one generation, but their numbers say otherwise";
        return NULL;
    }
    case XV_ENTRY_PAGE:
        if (root->generation != 0 || !is_sequence(root->sequence))
            return "the root of the extent map is no legal entry";
        if (root->sequence > of->sequence || xv_epoch(root->sequence) != xv_epoch(of->sequence))
            return "the root of the extent map is of another epoch or of a later commit";
        return NULL;
    default:
        return "the root of the extent map is no legal entry";
    }
}

static const char *rekey_fault(const struct xv_superblock *of)
{
    if (!of->rekey.is_present)
        return NULL;
    if (of->rekey.to_generation != xv_newest_generation(of))
        return "a re-encryption does not go to the newest generation";
    if (of->rekey.resilience > 1)
        return "a re-encryption has an unknown resilience";
    if (of->rekey.resilience == 1 && of->layout.journal.length == 0)
        return "a re-encryption with a journal has none";
    return NULL;
}

static const char *bad_fault(const struct xv_superblock *of)
{
    uint64_t end = 0;
    if (of->num_bad > XV_MAX_BAD || (of->num_bad != 0 && !of->bad))
        return "too many ranges were given up";
    for (size_t i = 0; i < of->num_bad; i++) {
        const struct xv_region *bad = &of->bad[i];
        if (bad->length == 0 || bad->offset < end ||
            !common_range_fits(bad->offset, bad->length, of->volume_size))
            return "ranges that were given up are out of order or out of the volume";
        end = bad->offset + bad->length;
    }
    return NULL;
}

const char *xv_superblock_fault(const struct xv_superblock *superblock)
{
    const char *fault = geometry_fault(superblock);
    if (!fault)
        fault = xv_layout_fault(&superblock->layout, superblock->max_extents);
    if (!fault)
        fault = generations_fault(superblock);
    if (!fault)
        fault = root_fault(superblock);
    if (!fault)
        fault = rekey_fault(superblock);
    if (!fault)
        fault = bad_fault(superblock);
    return fault;
}
