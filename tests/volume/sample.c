/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/volume/sample.h"

#include "common/base/ct.h"
#include "libxtsvol/src/volume/layout.h"
#include "tests/support/cbor_text.h"
#include "tests/support/test.h"

#include <string.h>

/* Ids ascending, and counts that sum up to what is left of the extents. */
static void choose_generations(struct xv_superblock *out, struct test_random *random, uint64_t left)
{
    out->num_generations = test_random_chance(random, 20)
                               ? XTSVOL_LIVE_GENERATIONS_MAX
                               : test_random_range(random, 1, XTSVOL_LIVE_GENERATIONS_MAX);
    uint32_t id = 0;
    for (size_t i = 0; i < out->num_generations; i++) {
        struct xv_generation *generation = &out->generations[i];
        uint64_t behind = out->num_generations - 1 - i;
        id = (uint32_t)test_random_range(
            random, id + 1,
            test_random_chance(random, 50) ? id + 1 : XTSVOL_GENERATION_MAX - behind);
        generation->id = id;
        generation->num_extents = behind == 0 ? left : test_random_below(random, left + 1);
        left -= generation->num_extents;
        generation->wrap_len = test_random_range(random, 1, XV_WRAP_MAX);
        test_random_bytes(random, generation->check, sizeof(generation->check));
        test_random_bytes(random, generation->wrap, generation->wrap_len);
    }
}

static uint64_t choose_sequence(struct test_random *random, uint64_t epoch, uint64_t last_commit)
{
    return epoch << XV_EPOCH_SHIFT | test_random_range(random, 1, last_commit);
}

static void choose_root(struct xv_superblock *out, struct test_random *random)
{
    for (size_t i = 0; i < out->num_generations; i++)
        if (out->generations[i].num_extents == xv_num_extents(out) &&
            test_random_chance(random, 80)) {
            out->root.generation = out->generations[i].id;
            return;
        }
    if (out->num_plaintext == xv_num_extents(out) && test_random_chance(random, 80))
        return;
    out->root.kind = XV_ENTRY_PAGE;
    out->root.sequence =
        choose_sequence(random, xv_epoch(out->sequence), out->sequence & XV_COMMIT_MASK);
    test_random_bytes(random, out->root.mac, sizeof(out->root.mac));
}

static void choose_bad(struct xv_superblock *out, struct test_random *random)
{
    size_t max = test_random_chance(random, 10) ? XV_MAX_BAD : 20;
    uint64_t at = 0;
    out->bad = calloc(max, sizeof(*out->bad));
    assert_non_null(out->bad);
    while (out->num_bad < max && at < out->volume_size) {
        struct xv_region *bad = &out->bad[out->num_bad];
        bad->offset = test_random_range(random, at, out->volume_size - 1);
        bad->length = test_random_range(random, 1, out->volume_size - bad->offset);
        if (test_random_chance(random, 90)) {
            bad->offset = at + test_random_below(random, 2);
            bad->length = 1;
        }
        if (bad->offset + bad->length > out->volume_size)
            break;
        at = bad->offset + bad->length;
        out->num_bad++;
    }
}

void sample_random(struct xv_superblock *out, struct test_random *random)
{
    static const uint64_t maxima[] = {1, 2, 10, 2016, 2017, 1 << 19, XV_MAX_EXTENTS};
    *out = (struct xv_superblock){0};
    test_random_bytes(random, out->uuid, sizeof(out->uuid));
    out->sequence = choose_sequence(random, test_random_range(random, 1, (1 << 24) - 1),
                                    test_random_chance(random, 50) ? 3 : XV_COMMIT_MASK);
    out->sector_size = test_random_chance(random, 50) ? 512 : 4096;
    if (out->sector_size == 4096 && test_random_chance(random, 50))
        out->iv = XTSVOL_IV_LARGE;
    out->extent_shift =
        (unsigned)test_random_range(random, XV_EXTENT_SHIFT_MIN, XV_EXTENT_SHIFT_MAX);
    out->max_extents = TEST_RANDOM_CHOOSE(random, maxima);
    uint64_t num_sectors = (out->max_extents << out->extent_shift) / out->sector_size;
    out->volume_size =
        test_random_range(random, 1, test_random_chance(random, 30) ? 1 : num_sectors) *
        out->sector_size;
    assert_int_equal(xv_layout_make(&out->layout, out->max_extents, test_random_chance(random, 50)),
                     0);
    out->layout.is_backup = test_random_chance(random, 10);
    out->plaintext_allowed = test_random_chance(random, 50);
    if (out->plaintext_allowed)
        out->num_plaintext = test_random_below(random, xv_num_extents(out) + 1);
    choose_generations(out, random, xv_num_extents(out) - out->num_plaintext);
    choose_root(out, random);
    out->created_s = test_random_next(random) >> test_random_range(random, 1, 63);
    if (test_random_chance(random, 50))
        out->rekey = (struct xv_rekey){
            .is_present = true,
            .to_generation = xv_newest_generation(out),
            .resilience = (unsigned)test_random_below(random, 2),
            .is_paused = test_random_chance(random, 50),
            .is_lazy = test_random_chance(random, 50),
        };
    out->last_batch = test_random_next(random) >> test_random_below(random, 64);
    if (test_random_chance(random, 50))
        choose_bad(out, random);
}

void sample_one(struct xv_superblock *out)
{
    *out = (struct xv_superblock){
        .sequence = UINT64_C(2) << XV_EPOCH_SHIFT | 5,
        .volume_size = (UINT64_C(10) << 20) - 4096,
        .sector_size = 4096,
        .iv = XTSVOL_IV_LARGE,
        .extent_shift = 20,
        .max_extents = 5000,
        .plaintext_allowed = true,
        .num_generations = 3,
        .generations = {{.id = 3, .num_extents = 4, .wrap_len = 75},
                        {.id = 7, .num_extents = 5, .wrap_len = 75},
                        {.id = 1000, .num_extents = 0, .wrap_len = 75}},
        .root = {.kind = XV_ENTRY_PAGE, .sequence = UINT64_C(2) << XV_EPOCH_SHIFT | 4},
        .num_plaintext = 1,
        .created_s = 1800000000,
        .rekey = {.is_present = true, .to_generation = 1000, .resilience = 1},
        .last_batch = 9,
        .num_bad = 2,
    };
    memset(out->uuid, 0xa5, sizeof(out->uuid));
    memset(out->root.mac, 0x5a, sizeof(out->root.mac));
    assert_int_equal(xv_layout_make(&out->layout, out->max_extents, true), 0);
    out->bad = calloc(2, sizeof(*out->bad));
    assert_non_null(out->bad);
    out->bad[0] = (struct xv_region){.offset = 512, .length = 512};
    out->bad[1] = (struct xv_region){.offset = 4096, .length = 1024};
    assert_null(xv_superblock_fault(out));
}

struct xv_erased sample_erased(void)
{
    struct xv_erased erased = {.erased_s = 1800000000,
                               .num_generations = 2,
                               .generations = {3, 1023},
                               .keys_destroyed = true};
    memset(erased.uuid, 0xa5, sizeof(erased.uuid));
    (void)snprintf(erased.method, sizeof(erased.method), "keys destroyed, metadata overwritten");
    return erased;
}

static void assert_same_region(const struct xv_region *a, const struct xv_region *b)
{
    assert_int_equal(a->offset, b->offset);
    assert_int_equal(a->length, b->length);
}

static void assert_same_layout(const struct xv_layout *a, const struct xv_layout *b)
{
    assert_int_equal(a->is_attached, b->is_attached);
    assert_int_equal(a->is_backup, b->is_backup);
    assert_int_equal(a->data_offset, b->data_offset);
    assert_same_region(&a->map[0], &b->map[0]);
    assert_same_region(&a->map[1], &b->map[1]);
    assert_same_region(&a->intents, &b->intents);
    assert_same_region(&a->markers, &b->markers);
    assert_same_region(&a->journal, &b->journal);
}

static void assert_same_generation(const struct xv_generation *a, const struct xv_generation *b)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->num_extents, b->num_extents);
    assert_int_equal(a->wrap_len, b->wrap_len);
    assert_memory_equal(a->check, b->check, sizeof(a->check));
    assert_memory_equal(a->wrap, b->wrap, sizeof(a->wrap));
}

void assert_same_superblock(const struct xv_superblock *a, const struct xv_superblock *b)
{
    assert_memory_equal(a->uuid, b->uuid, sizeof(a->uuid));
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->volume_size, b->volume_size);
    assert_int_equal(a->sector_size, b->sector_size);
    assert_int_equal(a->iv, b->iv);
    assert_int_equal(a->extent_shift, b->extent_shift);
    assert_int_equal(a->max_extents, b->max_extents);
    assert_same_layout(&a->layout, &b->layout);
    assert_int_equal(a->plaintext_allowed, b->plaintext_allowed);
    assert_int_equal(a->num_generations, b->num_generations);
    for (size_t i = 0; i < a->num_generations; i++)
        assert_same_generation(&a->generations[i], &b->generations[i]);
    assert_int_equal(a->root.kind, b->root.kind);
    assert_int_equal(a->root.generation, b->root.generation);
    assert_int_equal(a->root.sequence, b->root.sequence);
    assert_memory_equal(a->root.mac, b->root.mac, sizeof(a->root.mac));
    assert_int_equal(a->num_plaintext, b->num_plaintext);
    assert_int_equal(a->created_s, b->created_s);
    assert_int_equal(a->rekey.is_present, b->rekey.is_present);
    assert_int_equal(a->rekey.to_generation, b->rekey.to_generation);
    assert_int_equal(a->rekey.resilience, b->rekey.resilience);
    assert_int_equal(a->rekey.is_paused, b->rekey.is_paused);
    assert_int_equal(a->rekey.is_lazy, b->rekey.is_lazy);
    assert_int_equal(a->last_batch, b->last_batch);
    assert_int_equal(a->num_bad, b->num_bad);
    for (size_t i = 0; i < a->num_bad; i++)
        assert_same_region(&a->bad[i], &b->bad[i]);
}

void assert_empty_superblock(const struct xv_superblock *out)
{
    assert_true(common_ct_is_zero(out, sizeof(*out)));
}

/* Where the argument of the head at `at` ends, and what it is. */
static size_t read_head(const uint8_t *document, size_t at, uint64_t *out_argument)
{
    unsigned info = document[at] & 0x1f;
    at++;
    *out_argument = info;
    if (info < 24)
        return at;
    *out_argument = 0;
    for (unsigned i = 0; i < 1U << (info - 24); i++)
        *out_argument = *out_argument << 8 | document[at++];
    return at;
}

/* Where the item at `at` ends: of the majors that bodies have. */
static size_t end_of_item(const uint8_t *document, size_t at)
{
    unsigned major = document[at] >> 5;
    uint64_t argument = 0;
    at = read_head(document, at, &argument);
    if (major == 2 || major == 3)
        return at + (size_t)argument;
    if (major == 4 || major == 5)
        for (uint64_t left = major == 5 ? argument * 2 : argument; left > 0; left--)
            at = end_of_item(document, at); /* NOLINT(misc-no-recursion): three levels */
    return at;
}

struct place {
    size_t parent; /* of the head that counts it */
    size_t begin;  /* with its key, if it has one */
    size_t value;
    size_t end;
};

/* One step of a path: the pair with that key, or the item of that index. */
static struct place step(const uint8_t *document, size_t parent, uint64_t wanted)
{
    const bool is_map = document[parent] >> 5 == 5;
    uint64_t num = 0;
    size_t at = read_head(document, parent, &num);
    for (uint64_t i = 0; i < num; i++) {
        uint64_t key = i;
        struct place place = {.parent = parent, .begin = at};
        place.value = is_map ? read_head(document, at, &key) : at;
        place.end = end_of_item(document, place.value);
        if (key == wanted)
            return place;
        at = place.end;
    }
    fail_msg("no such place in the document");
    return (struct place){0};
}

static struct place find(const uint8_t *document, const char *path)
{
    struct place place = {.end = end_of_item(document, 0)};
    while (*path) {
        char *rest = NULL;
        uint64_t wanted = strtoull(path, &rest, 10);
        place = step(document, place.value, wanted);
        path = *rest == '.' ? rest + 1 : rest;
    }
    return place;
}

uint8_t *edited(size_t *out_len, const uint8_t *document, size_t len, const struct edit *edit)
{
    size_t new_len = 0;
    uint8_t *new = edit->how == EDIT_REMOVE ? NULL : cbor_from_hex(edit->hex, &new_len);
    struct place place = find(document, edit->path);
    size_t from = edit->how == EDIT_REMOVE ? place.begin : place.value;
    size_t to = place.end;
    size_t counted = place.parent;
    int more = edit->how == EDIT_REMOVE ? -1 : 1;
    if (edit->how == EDIT_FIRST || edit->how == EDIT_LAST) {
        uint64_t num = 0;
        counted = place.value;
        from = edit->how == EDIT_FIRST ? read_head(document, place.value, &num) : place.end;
        to = from;
    }
    *out_len = len - (to - from) + new_len;
    uint8_t *out = malloc(*out_len);
    assert_non_null(out);
    memcpy(out, document, from);
    if (new_len != 0)
        memcpy(out + from, new, new_len);
    memcpy(out + from + new_len, document + to, len - to);
    if (edit->how != EDIT_REPLACE)
        out[counted] = (uint8_t)(out[counted] + more);
    free(new);
    return out;
}
