/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each rule of the CDDL in docs/format-volume.md, and of what the fields are to each other, broken
 * by itself: as bytes, which must not be decoded, and as a struct, which must not be encoded.
 */
#include "common/base/ct.h"
#include "libxtsvol/src/volume/layout.h"
#include "tests/support/test.h"
#include "tests/volume/sample.h"

#include <stdlib.h>
#include <string.h>

#define CBOR "it is not deterministic CBOR"
#define MISSING "a field is missing"
#define UNKNOWN "it has a field that this version does not know"
#define NO_NUMBER "a number is missing"
#define RANGE "a number is out of its range"
#define NO_BOOL "neither true nor false"
#define NO_BYTES "a byte string of another length"
#define NO_ARRAY "an array of another length"
#define NO_MAP "there is no map where one has to be"
#define MORE "it has more items than expected"
#define ENTRY "the root of the extent map is no legal entry"

/* A page entry of epoch 2: kind, zeroes, sequence, MAC. */
#define PAGE_ENTRY(sequence)                                                                       \
    "582001"                                                                                       \
    "00000000000000" sequence "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
#define UNIFORM_ENTRY(generation) "58200000" generation "00000000" ZEROES_8 ZEROES_8 ZEROES_8
#define ZEROES_8 "0000000000000000"
#define WRAP_193 "58c1" ZEROES_64 ZEROES_64 ZEROES_64 "00"
#define ZEROES_64 ZEROES_8 ZEROES_8 ZEROES_8 ZEROES_8 ZEROES_8 ZEROES_8 ZEROES_8 ZEROES_8

struct damage {
    const char *name;
    struct edit edit;
    int verdict;
    const char *why;
};

#define DAMAGED(name, path, how, hex, why)                                                         \
    {                                                                                              \
        name, {path, EDIT_##how, hex}, COMMON_ERR_CORRUPT, why                                     \
    }
#define OTHER_VERSION(name, path, how, hex)                                                        \
    {                                                                                              \
        name, {path, EDIT_##how, hex}, COMMON_ERR_UNSUPPORTED, UNKNOWN                             \
    }

static const struct damage damages[] = {
    /* The encoding. */
    DAMAGED("the body is empty", "", REPLACE, "", CBOR),
    DAMAGED("the body is an array", "", REPLACE, "80", NO_MAP),
    DAMAGED("the body is an empty map", "", REPLACE, "a0", MISSING),
    DAMAGED("the map has no definite length", "", REPLACE, "bfff", CBOR),
    DAMAGED("more pairs are announced than are there", "", REPLACE, "b0", CBOR),
    DAMAGED("a number is longer than needed", "6", REPLACE, "1814", CBOR),
    DAMAGED("a number has reserved bits", "6", REPLACE, "1c", CBOR),
    DAMAGED("keys are out of order", "", FIRST, "1100", CBOR),
    DAMAGED("a key is there twice", "", FIRST, "0100", CBOR),
    /* The CDDL: keys. */
    OTHER_VERSION("a new field", "", LAST, "1100"),
    OTHER_VERSION("a new field with much in it", "", LAST, "190100a1018280f6"),
    OTHER_VERSION("field 0", "", FIRST, "0000"),
    OTHER_VERSION("a negative key", "", LAST, "2000"),
    OTHER_VERSION("a key beyond 2^63", "", LAST, "1bffffffffffffffff00"),
    OTHER_VERSION("a key that is text", "", LAST, "616100"),
    OTHER_VERSION("a new field of the layout", "8", LAST, "0900"),
    OTHER_VERSION("field 0 of the layout", "8", FIRST, "0000"),
    OTHER_VERSION("a new field of the re-encryption", "14", LAST, "0500"),
    DAMAGED("no UUID", "1", REMOVE, NULL, MISSING),
    DAMAGED("no sequence", "2", REMOVE, NULL, MISSING),
    DAMAGED("no size", "3", REMOVE, NULL, MISSING),
    DAMAGED("no sector size", "4", REMOVE, NULL, MISSING),
    DAMAGED("no numbering", "5", REMOVE, NULL, MISSING),
    DAMAGED("no extent size", "6", REMOVE, NULL, MISSING),
    DAMAGED("no greatest number", "7", REMOVE, NULL, MISSING),
    DAMAGED("no layout", "8", REMOVE, NULL, MISSING),
    DAMAGED("no plaintext flag", "9", REMOVE, NULL, MISSING),
    DAMAGED("no generations", "10", REMOVE, NULL, MISSING),
    DAMAGED("no root", "11", REMOVE, NULL, MISSING),
    DAMAGED("no count of plaintext", "12", REMOVE, NULL, MISSING),
    DAMAGED("no time", "13", REMOVE, NULL, MISSING),
    DAMAGED("no last batch", "15", REMOVE, NULL, MISSING),
    DAMAGED("not said whether attached", "8.1", REMOVE, NULL, MISSING),
    DAMAGED("no data area", "8.2", REMOVE, NULL, MISSING),
    DAMAGED("no extent map", "8.3", REMOVE, NULL, MISSING),
    DAMAGED("no second extent map", "8.4", REMOVE, NULL, MISSING),
    DAMAGED("no intents", "8.5", REMOVE, NULL, MISSING),
    DAMAGED("no markers", "8.6", REMOVE, NULL, MISSING),
    DAMAGED("no journal", "8.7", REMOVE, NULL, MISSING),
    DAMAGED("not said whether a backup", "8.8", REMOVE, NULL, MISSING),
    DAMAGED("a re-encryption to nowhere", "14.1", REMOVE, NULL, MISSING),
    DAMAGED("a re-encryption of no resilience", "14.2", REMOVE, NULL, MISSING),
    DAMAGED("a re-encryption neither paused nor not", "14.3", REMOVE, NULL, MISSING),
    DAMAGED("a re-encryption neither lazy nor not", "14.4", REMOVE, NULL, MISSING),
    /* The CDDL: types and sizes. */
    DAMAGED("a UUID of 15 bytes", "1", REPLACE, "4f000000000000000000000000000000", NO_BYTES),
    DAMAGED("a UUID of 17 bytes", "1", REPLACE, "51" ZEROES_8 ZEROES_8 "00", NO_BYTES),
    DAMAGED("a UUID that is text", "1", REPLACE, "6474657874", NO_BYTES),
    DAMAGED("a negative sequence", "2", REPLACE, "20", NO_NUMBER),
    DAMAGED("a sequence with a fraction", "2", REPLACE, "f93e00", NO_NUMBER),
    DAMAGED("a size above 2^60", "3", REPLACE, "1b1000000000001000", RANGE),
    DAMAGED("sectors of 256 bytes", "4", REPLACE, "190100", RANGE),
    DAMAGED("sectors of 8192 bytes", "4", REPLACE, "192000", RANGE),
    DAMAGED("sectors of 2^32 + 512 bytes", "4", REPLACE, "1b0000000100000200", RANGE),
    DAMAGED("numbering 2", "5", REPLACE, "02", RANGE),
    DAMAGED("extents of 32 KiB", "6", REPLACE, "0f", RANGE),
    DAMAGED("extents of 8 MiB", "6", REPLACE, "17", RANGE),
    DAMAGED("extents of 2^(2^32 + 20) bytes", "6", REPLACE, "1b0000000100000014", RANGE),
    DAMAGED("room for no extent", "7", REPLACE, "00", RANGE),
    DAMAGED("room for more than 2^36 extents", "7", REPLACE, "1b0000001000000001", RANGE),
    DAMAGED("a layout that is an array", "8", REPLACE, "80", NO_MAP),
    DAMAGED("attached: 1", "8.1", REPLACE, "01", NO_BOOL),
    DAMAGED("a region of one number", "8.3", REPLACE, "8100", NO_ARRAY),
    DAMAGED("a region of three numbers", "8.3", LAST, "00", NO_ARRAY),
    DAMAGED("a region at a text", "8.3.0", REPLACE, "6130", NO_NUMBER),
    DAMAGED("a backup: null", "8.8", REPLACE, "f6", NO_BOOL),
    DAMAGED("plaintext allowed: undefined", "9", REPLACE, "f7", NO_BOOL),
    DAMAGED("no generation in the list", "10", REPLACE, "80", NO_ARRAY),
    DAMAGED("generations as a map", "10", REPLACE, "a0", NO_ARRAY),
    DAMAGED("a generation of three items", "10.0.3", REMOVE, NULL, NO_ARRAY),
    DAMAGED("a generation of five items", "10.0", LAST, "00", NO_ARRAY),
    DAMAGED("generation 0 in the list", "10.0.0", REPLACE, "00", RANGE),
    DAMAGED("generation 1024", "10.2.0", REPLACE, "190400", RANGE),
    DAMAGED("generation 2^32 + 3", "10.0.0", REPLACE, "1b0000000100000003", RANGE),
    DAMAGED("a check value of 15 bytes", "10.0.2", REPLACE, "4f000000000000000000000000000000",
            NO_BYTES),
    DAMAGED("a wrap of no byte", "10.1.3", REPLACE, "40", "a wrap is empty or too long"),
    DAMAGED("a wrap of 193 bytes", "10.1.3", REPLACE, WRAP_193, "a wrap is too long or none"),
    DAMAGED("a wrap that is a number", "10.1.3", REPLACE, "00", "a wrap is too long or none"),
    DAMAGED("a root of 31 bytes", "11", REPLACE, "581f" ZEROES_8 ZEROES_8 ZEROES_8 "00000000000000",
            NO_BYTES),
    DAMAGED("a time before 1970", "13", REPLACE, "20", NO_NUMBER),
    DAMAGED("a re-encryption as a list", "14", REPLACE, "80", NO_MAP),
    DAMAGED("a re-encryption to plaintext", "14.1", REPLACE, "00", RANGE),
    DAMAGED("resilience 2", "14.2", REPLACE, "02", RANGE),
    DAMAGED("paused: 0", "14.3", REPLACE, "00", NO_BOOL),
    DAMAGED("lazy: 0", "14.4", REPLACE, "00", NO_BOOL),
    DAMAGED("a negative batch", "15", REPLACE, "20", NO_NUMBER),
    DAMAGED("nothing given up, and said", "16", REPLACE, "80", NO_ARRAY),
    /* What the fields are to each other. */
    DAMAGED("epoch 0", "2", REPLACE, "05", "the sequence has no epoch or no commit"),
    DAMAGED("commit 0", "2", REPLACE, "1b0000020000000000",
            "the sequence has no epoch or no commit"),
    DAMAGED("no byte of data", "3", REPLACE, "00", "the size of the volume is out of its range"),
    DAMAGED("half a sector at the end", "3", REPLACE, "1a009ffe00",
            "the size of the volume is not made of whole sectors"),
    DAMAGED("sectors of 520 bytes", "4", REPLACE, "190208",
            "a sector has neither 512 nor 4096 bytes"),
    DAMAGED("large numbering of small sectors", "4", REPLACE, "190200",
            "large numbers of data units need sectors of 4096 bytes"),
    DAMAGED("more extents than there is room for", "7", REPLACE, "09",
            "the volume has more extents than it can have"),
    DAMAGED("made in 2^63 seconds", "13", REPLACE, "1b8000000000000000",
            "the volume was made at no time"),
    DAMAGED("an extent more than there are", "10.1.1", REPLACE, "06",
            "the extents of all generations are not those of the volume"),
    DAMAGED("an extent less than there are", "12", REPLACE, "00",
            "the extents of all generations are not those of the volume"),
    DAMAGED("counts whose sum wraps to the right one", "10.0.1", REPLACE, "1b8000000000000004",
            "a generation has more extents than there are"),
    DAMAGED("plaintext beyond the end", "12", REPLACE, "0b",
            "more extents are plaintext than there are"),
    DAMAGED("plaintext that is not allowed", "9", REPLACE, "f4",
            "there is plaintext where none is allowed"),
    DAMAGED("generations out of order", "10.0.0", REPLACE, "08",
            "generations are out of order or out of their range"),
    DAMAGED("a generation twice", "10.0.0", REPLACE, "07",
            "generations are out of order or out of their range"),
    DAMAGED("a root of kind 2", "11", REPLACE,
            "582002"
            "00000000000000" ZEROES_8 ZEROES_8 ZEROES_8,
            ENTRY),
    DAMAGED("a root with sequence 0", "11", REPLACE, PAGE_ENTRY(ZEROES_8), ENTRY),
    DAMAGED("a uniform root with a MAC", "11", REPLACE,
            "58200000"
            "0300"
            "00000000" ZEROES_8 "5a"
            "00000000000000" ZEROES_8,
            ENTRY),
    DAMAGED("a root of a later commit", "11", REPLACE, PAGE_ENTRY("0600000000020000"),
            "the root of the extent map is of another epoch or of a later commit"),
    DAMAGED("a root of the epoch before", "11", REPLACE, PAGE_ENTRY("0400000000010000"),
            "the root of the extent map is of another epoch or of a later commit"),
    DAMAGED("a uniform root of a generation that is not live", "11", REPLACE, UNIFORM_ENTRY("0400"),
            "all extents are of a generation that is not live"),
    DAMAGED("a uniform root beside other counts", "11", REPLACE, UNIFORM_ENTRY("0300"),
            "all extents are of one generation, but their numbers say otherwise"),
    DAMAGED("a uniform root of plaintext beside other counts", "11", REPLACE, UNIFORM_ENTRY("0000"),
            "all extents are of one generation, but their numbers say otherwise"),
    DAMAGED("a re-encryption to an older generation", "14.1", REPLACE, "07",
            "a re-encryption does not go to the newest generation"),
    DAMAGED("a journal that is not there", "8.7.1", REPLACE, "00",
            "a re-encryption with a journal has none"),
    DAMAGED("an empty range given up", "16.0.1", REPLACE, "00",
            "ranges that were given up are out of order or out of the volume"),
    DAMAGED("ranges given up that overlap", "16.0.1", REPLACE, "190e01",
            "ranges that were given up are out of order or out of the volume"),
    DAMAGED("a range given up beyond the end", "16.1.1", REPLACE, "1a009fe001",
            "ranges that were given up are out of order or out of the volume"),
    DAMAGED("a range given up that wraps", "16.1.1", REPLACE, "1bfffffffffffff001",
            "ranges that were given up are out of order or out of the volume"),
    /* The layout, which test_layout.c has more of. */
    DAMAGED("a map over the other superblock", "8.3.0", REPLACE, "1a0043f000",
            "two regions overlap"),
    DAMAGED("a map shorter than its tree", "8.3.1", REPLACE, "193000",
            "an extent map is not as long as its tree"),
    DAMAGED("data over the metadata", "8.2", REPLACE, "1a00c47000",
            "the data area is not behind the metadata"),
};

static struct common_secmem *arena;
static struct xv_meta_keys keys;
static struct xv_superblock one;
static struct common_buf encoded;

static int begin(void **state)
{
    (void)state;
    encoded = common_buf_growing(XV_SUPERBLOCK_MAX);
    sample_one(&one);
    int error = common_secmem_open(&arena, NULL);
    if (!error)
        error = xv_meta_keys_new(&keys, arena, one.uuid);
    return error ? error : xv_superblock_encode(&encoded, &one, 0, &keys);
}

static int end(void **state)
{
    (void)state;
    xv_superblock_free(&one);
    common_buf_wipe(&encoded);
    xv_meta_keys_wipe(&keys);
    common_secmem_close(&arena);
    return 0;
}

static size_t body_len(void)
{
    return (size_t)encoded.data[12] | (size_t)encoded.data[13] << 8;
}

static void edit_and_decode(const struct damage *damage)
{
    size_t len = 0;
    struct xv_superblock found;
    const char *why = NULL;
    uint8_t *body = edited(&len, encoded.data + XV_PRELUDE_LEN, body_len(), &damage->edit);
    memset(&found, 0xee, sizeof(found));
    int verdict = xv_superblock_decode(&found, body, len, &why);
    free(body);
    if (verdict != damage->verdict)
        fail_msg("%s: %d, %s", damage->name, verdict, why ? why : "nothing");
    if (strcmp(why, damage->why) != 0)
        fail_msg("%s: %s", damage->name, why);
    assert_empty_superblock(&found);
}

static void the_sample_itself_is_legal(void **state)
{
    (void)state;
    struct xv_superblock found;
    const char *why = "as it was";
    assert_int_equal(xv_superblock_decode(&found, encoded.data + XV_PRELUDE_LEN, body_len(), &why),
                     0);
    assert_null(why);
    assert_same_superblock(&found, &one);
    xv_superblock_free(&found);
    /* An edit that changes nothing gives the same bytes: it is the damage that is refused. */
    const struct edit same = {"8.2", EDIT_REPLACE, "1a00d00000"};
    size_t len = 0;
    uint8_t *body = edited(&len, encoded.data + XV_PRELUDE_LEN, body_len(), &same);
    assert_int_equal(len, body_len());
    assert_memory_equal(body, encoded.data + XV_PRELUDE_LEN, len);
    free(body);
}

static void each_damage_of_a_body_is_refused_for_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(damages); i++)
        edit_and_decode(&damages[i]);
    (void)printf("# %zu damages\n", ARRAY_LEN(damages));
    (void)fflush(stdout);
}

static void what_is_optional_may_be_left_out(void **state)
{
    (void)state;
    static const struct edit edits[] = {{"14", EDIT_REMOVE, NULL}, {"16", EDIT_REMOVE, NULL}};
    for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
        size_t len = 0;
        struct xv_superblock found;
        uint8_t *body = edited(&len, encoded.data + XV_PRELUDE_LEN, body_len(), &edits[i]);
        assert_int_equal(xv_superblock_decode(&found, body, len, NULL), 0);
        assert_int_equal(found.rekey.is_present, i != 0);
        assert_int_equal(found.num_bad, i == 1 ? 0 : 2);
        xv_superblock_free(&found);
        free(body);
    }
}

static void bytes_behind_the_body_are_refused(void **state)
{
    (void)state;
    struct xv_superblock found;
    const char *why = NULL;
    assert_int_equal(
        xv_superblock_decode(&found, encoded.data + XV_PRELUDE_LEN, body_len() + 1, &why),
        COMMON_ERR_CORRUPT);
    assert_string_equal(why, CBOR);
}

/* The head of an array, and the same item so many times. To be freed. */
static char *list_of(const char *head, const char *item, size_t num)
{
    char *list = malloc(strlen(head) + num * strlen(item) + 1);
    assert_non_null(list);
    char *at = stpcpy(list, head);
    for (size_t i = 0; i < num; i++)
        at = stpcpy(at, item);
    return list;
}

static void lists_longer_than_their_limits_are_refused(void **state)
{
    (void)state;
    char *generations = list_of("9841",
                                "8401005000000000000000000000000000000000"
                                "4100",
                                65);
    char *ranges = list_of("991001", "820001", 4097);
    const struct damage longer[] = {
        DAMAGED("65 generations", "10", REPLACE, generations, NO_ARRAY),
        DAMAGED("4097 ranges", "16", REPLACE, ranges, NO_ARRAY),
    };
    for (size_t i = 0; i < ARRAY_LEN(longer); i++)
        edit_and_decode(&longer[i]);
    free(generations);
    free(ranges);
}

/* The same rules where a struct was made wrong; what its type already forbids to bytes is here
 * only. */
static void break_iv(struct xv_superblock *of)
{
    of->iv = (enum xtsvol_iv)2;
}
static void break_extent_shift_low(struct xv_superblock *of)
{
    of->extent_shift = 15;
    of->volume_size = 10 << 15;
}
static void break_extent_shift_high(struct xv_superblock *of)
{
    of->extent_shift = 23;
    of->volume_size = 10 << 23;
}
static void break_size(struct xv_superblock *of)
{
    of->volume_size = (UINT64_C(1) << 60) + 4096;
}
static void break_max_extents(struct xv_superblock *of)
{
    of->max_extents = XV_MAX_EXTENTS + 1;
}
static void break_layout(struct xv_superblock *of)
{
    of->layout.markers.length = 4096;
}
static void break_no_generation(struct xv_superblock *of)
{
    of->num_generations = 0;
}
static void break_many_generations(struct xv_superblock *of)
{
    of->num_generations = XTSVOL_LIVE_GENERATIONS_MAX + 1;
}
static void break_generation_0(struct xv_superblock *of)
{
    of->generations[0].id = 0;
}
static void break_generation_1024(struct xv_superblock *of)
{
    of->generations[2].id = 1024;
}
static void break_wrap_len(struct xv_superblock *of)
{
    of->generations[1].wrap_len = XV_WRAP_MAX + 1;
}
static void break_root_kind(struct xv_superblock *of)
{
    of->root.kind = (enum xv_entry_kind)2;
}
static void break_root_generation(struct xv_superblock *of)
{
    of->root.generation = 3;
}
static void break_uniform_root(struct xv_superblock *of)
{
    of->root.kind = XV_ENTRY_UNIFORM;
}
static void make_plain(struct xv_superblock *of)
{
    of->root = (struct xv_entry){0};
    of->generations[0].num_extents = 0;
    of->generations[1].num_extents = 0;
    of->num_plaintext = 0;
}
static void break_plain_root(struct xv_superblock *of)
{
    make_plain(of);
    of->generations[2].num_extents = 10;
    of->plaintext_allowed = false;
}
static void break_resilience(struct xv_superblock *of)
{
    of->rekey.resilience = 2;
}
static void break_num_bad(struct xv_superblock *of)
{
    of->num_bad = XV_MAX_BAD + 1;
}
static void break_bad(struct xv_superblock *of)
{
    of->bad = NULL;
}

static void each_wrong_struct_is_refused_for_its_reason(void **state)
{
    (void)state;
    static const struct {
        void (*wreck)(struct xv_superblock *of);
        const char *why;
    } breaks[] = {
        {break_iv, "data units are numbered in an unknown way"},
        {break_extent_shift_low, "the size of an extent is out of its range"},
        {break_extent_shift_high, "the size of an extent is out of its range"},
        {break_size, "the size of the volume is out of its range"},
        {break_max_extents, "the greatest number of extents is out of its range"},
        {break_layout, "the markers are not two pages"},
        {break_no_generation, "there is no generation, or there are too many"},
        {break_many_generations, "there is no generation, or there are too many"},
        {break_generation_0, "generations are out of order or out of their range"},
        {break_generation_1024, "generations are out of order or out of their range"},
        {break_wrap_len, "a wrap is empty or too long"},
        {break_root_kind, ENTRY},
        {break_root_generation, ENTRY},
        {break_uniform_root, ENTRY},
        {break_plain_root, "all extents are of a generation that is not live"},
        {break_resilience, "a re-encryption has an unknown resilience"},
        {break_num_bad, "too many ranges were given up"},
        {break_bad, "too many ranges were given up"},
    };
    for (size_t i = 0; i < ARRAY_LEN(breaks); i++) {
        COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
        struct xv_superblock wrong = one;
        breaks[i].wreck(&wrong);
        const char *why = xv_superblock_fault(&wrong);
        if (!why || strcmp(why, breaks[i].why) != 0)
            fail_msg("%zu: %s instead of %s", i, why ? why : "nothing", breaks[i].why);
        assert_int_equal(common_buf_append(&buf, "kept", 4), 0);
        assert_int_equal(xv_superblock_encode(&buf, &wrong, 0, &keys), COMMON_ERR_INVALID);
        assert_int_equal(buf.len, 4);
    }
}

/* Legal, and near to what is not. */
static void make_all_plaintext(struct xv_superblock *of)
{
    make_plain(of);
    of->num_plaintext = 10;
}
static void make_all_of_the_newest(struct xv_superblock *of)
{
    make_plain(of);
    of->generations[2].num_extents = 10;
    of->root.generation = 1000;
}
static void make_unused_generations(struct xv_superblock *of)
{
    make_plain(of);
    of->generations[1].num_extents = 10;
    of->root.generation = 7;
    of->plaintext_allowed = false;
}
static void make_without_journal(struct xv_superblock *of)
{
    of->layout.journal.length = 0;
    of->rekey.resilience = 0;
}
static void make_root_of_this_commit(struct xv_superblock *of)
{
    of->root.sequence = of->sequence;
}
static void make_full(struct xv_superblock *of)
{
    of->max_extents = 10;
    assert_int_equal(xv_layout_make(&of->layout, 10, true), 0);
}
static void make_bad_to_the_end(struct xv_superblock *of)
{
    of->bad[1].length = of->volume_size - of->bad[1].offset;
}

static void what_is_legal_is_taken(void **state)
{
    (void)state;
    static void (*const makers[])(struct xv_superblock * of) = {
        make_all_plaintext,   make_all_of_the_newest,   make_unused_generations,
        make_without_journal, make_root_of_this_commit, make_full,
        make_bad_to_the_end,
    };
    for (size_t i = 0; i < ARRAY_LEN(makers); i++) {
        COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
        struct xv_superblock made;
        struct xv_superblock found;
        sample_one(&made);
        makers[i](&made);
        const char *why = xv_superblock_fault(&made);
        if (why)
            fail_msg("%zu: %s", i, why);
        assert_int_equal(xv_superblock_encode(&buf, &made, 0, &keys), 0);
        size_t len = (size_t)buf.data[12] | (size_t)buf.data[13] << 8;
        assert_int_equal(xv_superblock_decode(&found, buf.data + XV_PRELUDE_LEN, len, NULL), 0);
        assert_same_superblock(&found, &made);
        xv_superblock_free(&found);
        xv_superblock_free(&made);
    }
}

static void a_copy_is_0_or_1_and_needs_keys(void **state)
{
    (void)state;
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
    const struct xv_erased erased = sample_erased();
    assert_int_equal(xv_superblock_encode(&buf, &one, 2, &keys), COMMON_ERR_INVALID);
    assert_int_equal(xv_superblock_encode(&buf, &one, 0, NULL), COMMON_ERR_INVALID);
    assert_int_equal(xv_erased_encode(&buf, &erased, 2), COMMON_ERR_INVALID);
    assert_int_equal(buf.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_itself_is_legal),
        cmocka_unit_test(each_damage_of_a_body_is_refused_for_its_reason),
        cmocka_unit_test(what_is_optional_may_be_left_out),
        cmocka_unit_test(bytes_behind_the_body_are_refused),
        cmocka_unit_test(lists_longer_than_their_limits_are_refused),
        cmocka_unit_test(each_wrong_struct_is_refused_for_its_reason),
        cmocka_unit_test(what_is_legal_is_taken),
        cmocka_unit_test(a_copy_is_0_or_1_and_needs_keys),
    };
    return cmocka_run_group_tests_name("superblock_damage", tests, begin, end);
}
