/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An erasure: keys first, of this volume alone; then nothing of the metadata is left but a record.
 * It may be cut short anywhere, and done again.
 */
#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/volume/refusal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    NUM_GENERATIONS = 3
};

/* A keeper who destroys; shared with children, who may die of it. */
struct ring {
    struct keeper keeper;
    bool is_gone[NUM_GENERATIONS + 1];
    unsigned num_calls;
    uint32_t fails_at; /* a generation that it cannot destroy */
    uint32_t wrong;    /* a generation of which it has another key */
    uint32_t misses;   /* one that it does not have for now */
    char watched[PATH_MAX];
    struct dump before; /* of what is watched: nothing is written while keys are there */
    bool was_written;
};

static int ring_key(void *context, uint8_t key[XTSVOL_XTS_KEY_LEN],
                    const uint8_t uuid[XTSVOL_UUID_LEN], uint32_t generation)
{
    struct ring *ring = context;
    if (generation == ring->misses || (generation <= NUM_GENERATIONS && ring->is_gone[generation]))
        return XTSVOL_ERR_NOT_FOUND;
    int error = keeper_key(&ring->keeper, key, uuid, generation);
    if (generation == ring->wrong)
        key[7] ^= 1;
    return error;
}

static int ring_destroy(void *context, const uint8_t uuid[XTSVOL_UUID_LEN], uint32_t generation)
{
    (void)uuid;
    struct ring *ring = context;
    ring->num_calls++;
    if (ring->before.bytes) {
        struct dump now = dump_read(ring->watched);
        ring->was_written |=
            now.len != ring->before.len || memcmp(now.bytes, ring->before.bytes, now.len) != 0;
        dump_free(&now);
    }
    if (generation == ring->fails_at)
        return XTSVOL_ERR_TIMEOUT;
    ring->is_gone[generation] = true;
    return 0;
}

struct doomed {
    struct scene scene;
    struct ring *ring;
    struct dump dump; /* of the metadata, before */
    struct xv_superblock state;
    const char *metadata;
};

static void doomed_begin(struct doomed *doomed, void **state, bool is_detached)
{
    *doomed = (struct doomed){0};
    struct scene *scene = &doomed->scene;
    scene_begin(scene, state, is_detached);
    struct xtsvol_volume *volume = scene_open(scene, false);
    volume_add(volume, NUM_GENERATIONS - 1);
    volume_give(volume, 3, 5, 2);
    xtsvol_volume_close(&volume);
    doomed->ring = mmap(NULL, sizeof(*doomed->ring), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(doomed->ring != MAP_FAILED);
    scene->options.key = ring_key;
    scene->options.key_context = doomed->ring;
    doomed->metadata = is_detached ? scene->header : scene->path;
    doomed->dump = dump_read(doomed->metadata);
    scene_state(&doomed->state, scene);
}

static void doomed_end(struct doomed *doomed)
{
    dump_free(&doomed->dump);
    xv_superblock_free(&doomed->state);
    assert_int_equal(munmap(doomed->ring, sizeof(*doomed->ring)), 0);
    (void)unlink(doomed->scene.path);
    (void)unlink(doomed->scene.header);
}

/* The volume and its keys are there again. */
static void revive(struct doomed *doomed)
{
    dump_write(&doomed->dump, doomed->metadata);
    memset(doomed->ring, 0, sizeof(*doomed->ring));
}

static int erase(struct doomed *doomed, struct xtsvol_erasure *out, bool destroys)
{
    memset(out, 0xee, sizeof(*out));
    return xtsvol_volume_erase(out, sizeof(*out), doomed->scene.path, &doomed->scene.options,
                               destroys ? ring_destroy : NULL, doomed->ring);
}

static void assert_not_erased(struct doomed *doomed, bool destroys, int error, const char *words)
{
    struct xtsvol_erasure erasure;
    struct dump dump = dump_read(doomed->metadata);
    int result = erase(doomed, &erasure, destroys);
    if (result != error)
        fail_msg("%s, not %s (%s)", xtsvol_error_name(result), xtsvol_error_name(error),
                 doomed->scene.failure.message);
    assert_told(&doomed->scene.failure, error, words);
    assert_int_equal(erasure.num_generations, 0);
    assert_int_equal(erasure.erased_s, 0);
    assert_same_dump(&dump, doomed->metadata);
    dump_free(&dump);
}

static void assert_record(const struct doomed *doomed, const struct xtsvol_erasure *erasure,
                          bool keys_destroyed)
{
    assert_memory_equal(erasure->uuid, doomed->state.uuid, XTSVOL_UUID_LEN);
    assert_true(erasure->erased_s > 1700000000);
    assert_int_equal(erasure->keys_destroyed, keys_destroyed);
    assert_int_equal(erasure->num_generations, NUM_GENERATIONS);
    for (uint32_t i = 0; i < NUM_GENERATIONS; i++)
        assert_int_equal(erasure->generations[i], i + 1);
    assert_non_null(strstr(erasure->method, "metadata overwritten"));
    assert_int_equal(!strstr(erasure->method, "keys destroyed"), !keys_destroyed);
}

/* Both copies are the record, and nothing that was made with a key, or names a page, is left. */
static void assert_gone(struct doomed *doomed, bool keys_destroyed)
{
    struct dump now = dump_read(doomed->metadata);
    const struct xv_superblock *state = &doomed->state;
    assert_int_equal(now.len, doomed->dump.len);
    for (size_t i = 0; i < state->num_generations; i++) {
        assert_false(dump_has(&now, state->generations[i].wrap, state->generations[i].wrap_len));
        assert_false(dump_has(&now, state->generations[i].wrap + 20, 32));
        assert_false(dump_has(&now, state->generations[i].check, XV_CHECK_LEN));
    }
    assert_false(dump_has(&now, state->root.mac, XV_ENTRY_MAC_LEN));
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        uint8_t *slot = dump_slot(&now, copy);
        assert_int_equal(slot[10], XV_KIND_ERASED);
        assert_int_equal(xv_superblock_digest(slot, slot_len(slot)), 0);
        memset(slot, 0, slot_len(slot)); /* the record has the UUID */
    }
    assert_false(dump_has(&now, state->uuid, XTSVOL_UUID_LEN));
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) /* four bytes may be in what is random */
        memset(dump_slot(&now, copy), 0, XV_SUPERBLOCK_MAX);
    assert_false(dump_has(&now, "XVMP", 4));
    dump_free(&now);

    struct xtsvol_volume_info info;
    struct xtsvol_volume_info none = {0};
    struct xtsvol_erasure erasure;
    memset(&info, 0xee, sizeof(info));
    assert_int_equal(xtsvol_volume_peek(&info, sizeof(info), &erasure, sizeof(erasure),
                                        doomed->metadata, &doomed->scene.failure),
                     XTSVOL_ERR_STATE);
    assert_told(&doomed->scene.failure, XTSVOL_ERR_STATE, "it was erased");
    assert_memory_equal(&info, &none, sizeof(info));
    assert_record(doomed, &erasure, keys_destroyed);
    assert_refused(&doomed->scene, REFUSED_TO_ALL, XTSVOL_ERR_STATE, "it was erased");
}

static void destroys_keys_before_metadata(void **state)
{
    for (int is_detached = 0; is_detached <= 1; is_detached++) {
        struct doomed doomed;
        struct xtsvol_erasure erasure;
        doomed_begin(&doomed, state, is_detached);
        struct dump data = dump_read(doomed.scene.path);
        doomed.ring->before = doomed.dump;
        (void)memcpy(doomed.ring->watched, doomed.metadata, strlen(doomed.metadata) + 1);
        assert_int_equal(erase(&doomed, &erasure, true), 0);
        assert_int_equal(doomed.scene.failure.error, 0);
        assert_false(doomed.ring->was_written);
        assert_int_equal(doomed.ring->num_calls, NUM_GENERATIONS);
        assert_record(&doomed, &erasure, true);
        assert_gone(&doomed, true);
        if (is_detached)
            assert_same_dump(&data, doomed.scene.path);
        dump_free(&data);
        doomed_end(&doomed);
    }
}

static void leaves_keys_alone_when_told_so(void **state)
{
    struct doomed doomed;
    struct xtsvol_erasure erasure;
    doomed_begin(&doomed, state, false);
    assert_int_equal(erase(&doomed, &erasure, false), 0);
    assert_record(&doomed, &erasure, false);
    assert_gone(&doomed, false);
    assert_int_equal(doomed.ring->num_calls, 0);
    /* Nobody need be asked for keys. */
    revive(&doomed);
    doomed.scene.options.key = NULL;
    assert_int_equal(erase(&doomed, &erasure, false), 0);
    doomed.scene.options.key = ring_key;
    assert_gone(&doomed, false);
    doomed_end(&doomed);
}

/* A superblock of many generations is longer than the record that takes its place. */
static void nothing_is_left_behind_a_record(void **state)
{
    struct scene scene;
    struct xv_superblock superblock;
    struct xtsvol_erasure erasure;
    scene_begin(&scene, state, false);
    struct xtsvol_volume *volume = scene_open(&scene, false);
    volume_add(volume, XTSVOL_LIVE_GENERATIONS_MAX - 1);
    xtsvol_volume_close(&volume);
    scene_state(&superblock, &scene);
    assert_int_equal(xtsvol_volume_erase(&erasure, sizeof(erasure), scene.path, &scene.options,
                                         keeper_destroy, &scene.keeper),
                     0);
    assert_int_equal(erasure.num_generations, XTSVOL_LIVE_GENERATIONS_MAX);
    assert_int_equal(scene.keeper.num_destroyed, XTSVOL_LIVE_GENERATIONS_MAX);
    struct dump dump = dump_read(scene.path);
    for (size_t i = 0; i < superblock.num_generations; i++)
        assert_false(dump_has(&dump, superblock.generations[i].wrap + 20, 32));
    dump_free(&dump);
    xv_superblock_free(&superblock);
}

/* The header by itself, without the data that it is of. */
static void erases_a_header_by_itself(void **state)
{
    struct doomed doomed;
    struct xtsvol_erasure erasure;
    doomed_begin(&doomed, state, true);
    struct xtsvol_volume_options options = doomed.scene.options;
    options.header_path = NULL;
    assert_int_equal(xtsvol_volume_erase(&erasure, sizeof(erasure), doomed.scene.header, &options,
                                         ring_destroy, doomed.ring),
                     0);
    assert_gone(&doomed, true);
    doomed_end(&doomed);
}

static void refuses_what_is_not_to_be_erased(void **state)
{
    struct doomed doomed;
    doomed_begin(&doomed, state, false);
    struct ring *ring = doomed.ring;
    ring->keeper.number = 1;
    assert_not_erased(&doomed, true, XTSVOL_ERR_DENIED, "the key of generation 1 is not");
    assert_not_erased(&doomed, false, XTSVOL_ERR_DENIED, "the key of generation 1 is not");
    /* All are compared before the first one goes. */
    *ring = (struct ring){.wrong = NUM_GENERATIONS};
    assert_not_erased(&doomed, true, XTSVOL_ERR_DENIED, "the key of generation 3 is not");
    *ring = (struct ring){.wrong = NUM_GENERATIONS, .is_gone[1] = true};
    assert_not_erased(&doomed, true, XTSVOL_ERR_DENIED, "the key of generation 3 is not");
    *ring = (struct ring){.keeper.error = XTSVOL_ERR_CANCELLED};
    assert_not_erased(&doomed, true, XTSVOL_ERR_CANCELLED, "no key of generation 1");
    assert_int_equal(ring->num_calls, 0);
    *ring = (struct ring){0};
    doomed.scene.options.key = NULL;
    assert_not_erased(&doomed, true, XTSVOL_ERR_INVALID, "the key callback is missing");
    doomed.scene.options.key = ring_key;
    struct xtsvol_volume *volume = scene_open(&doomed.scene, true);
    assert_not_erased(&doomed, true, XTSVOL_ERR_BUSY, "in use by pid");
    xtsvol_volume_close(&volume);
    assert_int_equal(ring->num_calls, 0);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
        memset(dump_slot(&doomed.dump, copy), 0, XV_PAGE_LEN);
    dump_write(&doomed.dump, doomed.metadata);
    assert_not_erased(&doomed, true, XTSVOL_ERR_CORRUPT, "no encrypted volume");
    assert_int_equal(unlink(doomed.scene.path), 0);
    assert_not_erased(&doomed, true, XTSVOL_ERR_NOT_FOUND, "No such file");
    assert_int_equal(ring->num_calls, 0);
    doomed_end(&doomed);
}

/* Where a key cannot be destroyed the volume is still there; and the others may be gone then. */
static void goes_on_after_a_key_that_could_not_be_destroyed(void **state)
{
    struct doomed doomed;
    struct xtsvol_erasure erasure;
    doomed_begin(&doomed, state, false);
    for (uint32_t generation = 1; generation <= NUM_GENERATIONS; generation++) {
        revive(&doomed);
        doomed.ring->fails_at = generation;
        assert_not_erased(&doomed, true, XTSVOL_ERR_TIMEOUT, "was not destroyed");
        assert_int_equal(doomed.ring->num_calls, generation);
        doomed.ring->fails_at = 0;
        assert_int_equal(erase(&doomed, &erasure, true), 0);
        for (uint32_t i = 1; i <= NUM_GENERATIONS; i++)
            assert_true(doomed.ring->is_gone[i]);
        assert_gone(&doomed, true);
    }
    doomed_end(&doomed);
}

static void assert_finished(struct doomed *doomed)
{
    struct xtsvol_erasure erasure;
    struct xtsvol_volume *volume = NULL;
    for (uint32_t i = 1; i <= NUM_GENERATIONS; i++)
        assert_true(doomed->ring->is_gone[i]);
    assert_int_not_equal(xtsvol_volume_open(&volume, doomed->scene.path, &doomed->scene.options),
                         0);
    for (int i = 0; i < 2; i++) { /* also when it was finished before */
        assert_volume_works(erase(doomed, &erasure, true), &doomed->scene.failure);
        /* It is said of keys that this very call saw. */
        bool is_said = erasure.keys_destroyed;
        assert_false(is_said && i > 0);
        assert_record(doomed, &erasure, is_said);
        assert_gone(doomed, is_said);
    }
}

static void is_done_again_after_it_was_cut_short(void **state)
{
    static const enum fault_mode modes[] = {FAULT_ONCE, FAULT_FROM_THEN_ON, FAULT_SHORT_THEN_FAIL};
    struct doomed doomed;
    doomed_begin(&doomed, state, true);
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        unsigned classes =
            modes[i] == FAULT_SHORT_THEN_FAIL ? FAULT_WRITE : FAULT_WRITE | FAULT_SYNC;
        unsigned num_fired = 0;
        FAULT_EACH (loop, classes, modes[i], EIO) {
            struct xtsvol_erasure erasure;
            revive(&doomed);
            fault_loop_arm(&loop);
            int error = erase(&doomed, &erasure, true);
            bool fired = fault_loop_disarm(&loop);
            assert_int_equal(error, fired ? XTSVOL_ERR_IO : 0);
            if (fired) {
                assert_told(&doomed.scene.failure, XTSVOL_ERR_IO, "");
                assert_int_equal(erasure.num_generations, 0);
                num_fired++;
            }
            if (doomed.ring->num_calls > 0) /* else opening it failed already */
                assert_finished(&doomed);
        }
        assert_true(num_fired > 6);
    }
    doomed_end(&doomed);
}

struct killed {
    struct doomed *doomed;
    struct fault_plan plan;
};

static int erase_and_die(void *context)
{
    struct killed *killed = context;
    struct xtsvol_erasure erasure;
    fault_arm_plan(&killed->plan);
    int error = erase(killed->doomed, &erasure, true);
    (void)fault_disarm();
    return error ? 1 : 0;
}

static void is_done_again_after_a_kill(void **state)
{
    struct doomed doomed;
    unsigned num_killed = 0;
    doomed_begin(&doomed, state, false);
    for (unsigned nth = 1; nth < 100; nth++) {
        struct killed killed = {.doomed = &doomed,
                                .plan = {.classes = FAULT_WRITE, .nth = nth, .mode = FAULT_KILL}};
        revive(&doomed);
        struct death death = death_of(erase_and_die, &killed, 30);
        assert_false(death.is_timeout);
        assert_finished(&doomed);
        if (death.is_exit)
            break;
        num_killed++;
    }
    assert_in_range(num_killed, 6, 98);
    doomed_end(&doomed);
}

/* One copy is enough to be erased by; what the other one claims is erased with it. */
static void erases_what_is_damaged(void **state)
{
    struct doomed doomed;
    struct xtsvol_erasure erasure;
    doomed_begin(&doomed, state, false);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        struct dump damaged = dump_copy(&doomed.dump);
        revive(&doomed);
        dump_slot(&damaged, copy)[200] ^= 1;
        for (unsigned i = 0; i < XV_NUM_COPIES; i++)
            dump_page(&damaged, &doomed.state, i, 0)[100] ^= 1;
        dump_write(&damaged, doomed.metadata);
        assert_int_equal(erase(&doomed, &erasure, true), 0);
        assert_gone(&doomed, true);
        dump_free(&damaged);
    }
    /* And where the file was cut off, one copy is all that there is. */
    revive(&doomed);
    assert_int_equal(truncate(doomed.metadata, 1 << 20), 0);
    assert_volume_works(erase(&doomed, &erasure, true), &doomed.scene.failure);
    assert_record(&doomed, &erasure, true);
    assert_refused(&doomed.scene, REFUSED_TO_ALL, XTSVOL_ERR_STATE, "it was erased");
    doomed_end(&doomed);
}

/* Who writes to the medium takes a generation from the list, so that its key would stay. */
static void refuses_a_forged_list_of_generations(void **state)
{
    struct doomed doomed;
    doomed_begin(&doomed, state, false);
    struct dump forged = dump_copy(&doomed.dump);
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        slot_edit(dump_slot(&forged, copy), "10.2", EDIT_REMOVE, NULL);
        slot_fix_digest(dump_slot(&forged, copy));
    }
    dump_write(&forged, doomed.metadata);
    assert_not_erased(&doomed, true, XTSVOL_ERR_CORRUPT, "damaged or forged");
    /* Also while one of the keys is not there, as after an erasure that was cut short. */
    doomed.ring->misses = 1;
    assert_not_erased(&doomed, true, XTSVOL_ERR_CORRUPT, "damaged or forged");
    assert_int_equal(doomed.ring->num_calls, 0);
    dump_free(&forged);
    doomed_end(&doomed);
}

/* A record has nothing to compare a key with, nor a MAC: whoever writes to the medium can make one
 * that names another volume. */
static void destroys_no_key_on_the_word_of_a_record(void **state)
{
    struct doomed doomed;
    struct xtsvol_erasure erasure;
    doomed_begin(&doomed, state, false);
    struct xv_erased record = sample_erased();
    record.num_generations = 1;
    record.generations[0] = 1;
    for (unsigned both = 0; both <= 1; both++) {
        struct dump forged = dump_copy(&doomed.dump);
        for (unsigned copy = 0; copy <= both; copy++) {
            struct common_buf bytes = common_buf_growing(XV_SUPERBLOCK_MAX);
            assert_int_equal(xv_erased_encode(&bytes, &record, copy), 0);
            memcpy(dump_slot(&forged, copy), bytes.data, bytes.len);
            common_buf_wipe(&bytes);
        }
        dump_write(&forged, doomed.metadata);
        assert_not_erased(&doomed, true, XTSVOL_ERR_DENIED, "the key of generation 1");
        dump_free(&forged);
    }
    assert_int_equal(doomed.ring->num_calls, 0);
    /* Of the volume itself, but with fewer generations, over one copy: all that are named go. */
    memcpy(record.uuid, doomed.state.uuid, sizeof(record.uuid));
    struct dump forged = dump_copy(&doomed.dump);
    struct common_buf bytes = common_buf_growing(XV_SUPERBLOCK_MAX);
    assert_int_equal(xv_erased_encode(&bytes, &record, 0), 0);
    memcpy(dump_slot(&forged, 0), bytes.data, bytes.len);
    common_buf_wipe(&bytes);
    dump_write(&forged, doomed.metadata);
    assert_int_equal(erase(&doomed, &erasure, true), 0);
    assert_record(&doomed, &erasure, true);
    assert_int_equal(doomed.ring->num_calls, NUM_GENERATIONS);
    dump_free(&forged);
    /* After an erasure that left the keys alone they cannot be told from others any more. */
    revive(&doomed);
    assert_int_equal(erase(&doomed, &erasure, false), 0);
    assert_not_erased(&doomed, true, XTSVOL_ERR_DENIED, "the key of generation 1");
    assert_int_equal(erase(&doomed, &erasure, false), 0);
    assert_int_equal(doomed.ring->num_calls, 0);
    doomed_end(&doomed);
}

static void gives_what_the_caller_knows_of_a_record(void **state)
{
    struct doomed doomed;
    struct {
        struct xtsvol_erasure erasure;
        uint8_t more[64];
    } here;
    doomed_begin(&doomed, state, false);
    memset(&here, 0xee, sizeof(here));
    assert_int_equal(xtsvol_volume_erase(&here.erasure, 24, doomed.scene.path,
                                         &doomed.scene.options, NULL, NULL),
                     0);
    assert_memory_equal(here.erasure.uuid, doomed.state.uuid, XTSVOL_UUID_LEN);
    assert_int_equal(((uint8_t *)&here)[24], 0xee);
    revive(&doomed);
    assert_int_equal(erase(&doomed, &here.erasure, true), 0);
    /* A record is no proof: anybody may have written it. */
    assert_int_equal(xtsvol_volume_erase(&here.erasure, sizeof(here), doomed.scene.path,
                                         &doomed.scene.options, NULL, NULL),
                     0);
    assert_record(&doomed, &here.erasure, false);
    for (size_t i = 0; i < sizeof(here.more); i++)
        assert_int_equal(here.more[i], 0);
    doomed_end(&doomed);
}

static void says_nothing_of_keys_that_it_did_not_see(void **state)
{
    struct doomed doomed;
    struct xtsvol_erasure erasure;
    doomed_begin(&doomed, state, false);
    for (uint32_t i = 1; i <= NUM_GENERATIONS; i++)
        doomed.ring->is_gone[i] = true;
    assert_int_equal(erase(&doomed, &erasure, true), 0);
    assert_int_equal(doomed.scene.failure.error, 0);
    assert_record(&doomed, &erasure, false);
    assert_non_null(strstr(erasure.method, "no key was there"));
    doomed_end(&doomed);
}

static void spares_the_keys_of_a_backup(void **state)
{
    struct doomed doomed;
    struct xtsvol_erasure erasure;
    char backup[PATH_MAX + 8];
    doomed_begin(&doomed, state, false);
    (void)snprintf(backup, sizeof(backup), "%s.backup", doomed.scene.path);
    struct xtsvol_volume *volume = scene_open(&doomed.scene, true);
    assert_int_equal(xtsvol_header_backup(volume, backup), 0);
    xtsvol_volume_close(&volume);
    doomed.ring->num_calls = 0;
    assert_int_equal(xtsvol_volume_erase(&erasure, sizeof(erasure), backup, &doomed.scene.options,
                                         ring_destroy, doomed.ring),
                     XTSVOL_ERR_STATE);
    assert_told(&doomed.scene.failure, XTSVOL_ERR_STATE, "it is a backup");
    assert_int_equal(doomed.ring->num_calls, 0);
    assert_int_equal(
        xtsvol_volume_erase(&erasure, sizeof(erasure), backup, &doomed.scene.options, NULL, NULL),
        0);
    doomed_end(&doomed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, tmpdir_setup, tmpdir_teardown)
        TEST(destroys_keys_before_metadata),
        TEST(leaves_keys_alone_when_told_so),
        TEST(nothing_is_left_behind_a_record),
        TEST(erases_a_header_by_itself),
        TEST(refuses_what_is_not_to_be_erased),
        TEST(goes_on_after_a_key_that_could_not_be_destroyed),
        TEST(is_done_again_after_it_was_cut_short),
        TEST(is_done_again_after_a_kill),
        TEST(erases_what_is_damaged),
        TEST(refuses_a_forged_list_of_generations),
        TEST(destroys_no_key_on_the_word_of_a_record),
        TEST(gives_what_the_caller_knows_of_a_record),
        TEST(says_nothing_of_keys_that_it_did_not_see),
        TEST(spares_the_keys_of_a_backup),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
