/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power is cut at any place of a life of a volume: create, write, flush, resize, a generation
 * that joins, erase. What was flushed is there, what was not is there in pieces of 512 bytes or not
 * at all, a resize is whole, and nothing else is ever seen (V3, V4, V5, V9, V11).
 */
#include "libxtsvol/src/volume/handle.h"
#include "tests/support/random.h"
#include "tests/support/recorder.h"
#include "tests/support/replay.h"
#include "tests/volume/volume_support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    PIECE = 512,
    EXTENT = 64 * 1024,
    MAX_SIZE = 9 * EXTENT,
    MAX_PIECES = MAX_SIZE / PIECE,
    NUM_OPS = 36,
    STATES_DIVISOR = 3 /* of STRONGROOM_STATES, for each of five lives */
};

enum op_kind {
    OP_CREATE,
    OP_WRITE,
    OP_FLUSH,
    OP_RESIZE,
    OP_GENERATION,
    OP_REOPEN,
    OP_ERASE
};

struct op {
    enum op_kind kind;
    uint64_t offset;
    uint64_t len; /* of a write; the new size of a resize */
};

/* The volume after so many operations. */
struct image {
    uint64_t size;
    uint8_t bytes[MAX_SIZE];
    bool is_known[MAX_PIECES]; /* else it reads as anything */
};

struct life {
    const char *name;
    uint32_t sector_size;
    bool is_detached;
    bool has_generations; /* so that extents that join are of another one: the map gets pages */
    bool is_metadata_only;
    struct op ops[NUM_OPS];
    struct image *images; /* NUM_OPS + 1 */
    size_t erased_at;     /* number of the operation, from 1; 0: never */
    struct keeper keeper;
    uint8_t *work;
};

static void draw_life(struct life *life, struct test_random *random)
{
    uint64_t size = (uint64_t)5 * EXTENT;
    life->ops[0] = (struct op){.kind = OP_CREATE, .len = size};
    for (size_t i = 1; i < NUM_OPS; i++) {
        struct op *op = &life->ops[i];
        unsigned draw = (unsigned)test_random_below(random, 100);
        if (life->is_metadata_only)
            draw = 70 + draw * 3 / 10;
        if (draw < 50) {
            *op = (struct op){.kind = OP_WRITE};
            op->len = 1 + test_random_below(random, test_random_chance(random, 30) ? 40000 : 6000);
            op->offset = test_random_below(random, size - op->len);
        } else if (draw < 70) {
            op->kind = OP_FLUSH;
        } else if (draw < 85) {
            size = (2 + test_random_below(random, 7)) * EXTENT +
                   test_random_below(random, 16) * life->sector_size;
            *op = (struct op){.kind = OP_RESIZE, .len = size};
        } else if (draw < 92 && life->has_generations) {
            op->kind = OP_GENERATION;
        } else {
            op->kind = OP_REOPEN;
        }
    }
    life->erased_at = NUM_OPS;
    life->ops[NUM_OPS - 1] = (struct op){.kind = OP_ERASE};
}

static uint8_t pattern(size_t op, uint64_t at)
{
    return (uint8_t)(op * 37 + at * 7 + at / 251 + 1);
}

static void imagine(struct life *life)
{
    life->images = calloc(NUM_OPS + 1, sizeof(*life->images));
    life->work = malloc(MAX_SIZE);
    assert_non_null(life->images);
    assert_non_null(life->work);
    for (size_t i = 0; i < NUM_OPS; i++) {
        struct image *next = &life->images[i + 1];
        const struct op *op = &life->ops[i];
        *next = life->images[i];
        if (op->kind == OP_CREATE || op->kind == OP_RESIZE) {
            uint64_t first = op->len < next->size ? op->len : next->size;
            for (uint64_t piece = first / PIECE; piece < MAX_PIECES; piece++)
                next->is_known[piece] = false;
            next->size = op->len;
        } else if (op->kind == OP_WRITE) {
            for (uint64_t at = op->offset; at < op->offset + op->len; at++)
                next->bytes[at] = pattern(i, at);
            for (uint64_t piece = (op->offset + PIECE - 1) / PIECE;
                 (piece + 1) * PIECE <= op->offset + op->len; piece++)
                next->is_known[piece] = true;
        }
    }
}

struct paths {
    char volume[PATH_MAX + 8];
    char header[PATH_MAX + 8];
};

static struct paths paths_in(const char *dir)
{
    struct paths paths;
    (void)snprintf(paths.volume, sizeof(paths.volume), "%s/volume", dir);
    (void)snprintf(paths.header, sizeof(paths.header), "%s/header", dir);
    return paths;
}

static struct xtsvol_volume *open_in(const struct life *life, const char *dir,
                                     struct keeper *keeper, struct xtsvol_failure *failure,
                                     int *out_error)
{
    struct paths paths = paths_in(dir);
    struct xtsvol_volume_options options = volume_options(keeper, failure);
    options.header_path = life->is_detached ? paths.header : NULL;
    struct xtsvol_volume *volume = NULL;
    *out_error = xtsvol_volume_open(&volume, paths.volume, &options);
    return volume;
}

static struct xtsvol_volume *create_in(const struct life *life, const char *dir,
                                       struct keeper *keeper)
{
    struct paths paths = paths_in(dir);
    struct xtsvol_failure failure = {0};
    struct xtsvol_volume_options options = volume_options(keeper, &failure);
    options.header_path = life->is_detached ? paths.header : NULL;
    struct xtsvol_create_options create = xtsvol_create_options_default();
    create.volume_size = life->ops[0].len;
    create.max_volume_size = 4000ULL * EXTENT; /* two leaves and a root */
    create.extent_size = EXTENT;
    create.sector_size = life->sector_size;
    create.uuid[0] = 1;
    struct xtsvol_volume *volume = NULL;
    assert_volume_works(xtsvol_volume_create(&volume, paths.volume, &create, &options), &failure);
    return volume;
}

static void erase_in(const struct life *life, const char *dir, struct keeper *keeper)
{
    struct paths paths = paths_in(dir);
    struct xtsvol_failure failure = {0};
    struct xtsvol_volume_options options = volume_options(keeper, &failure);
    options.header_path = life->is_detached ? paths.header : NULL;
    struct xtsvol_erasure erasure;
    assert_volume_works(xtsvol_volume_erase(&erasure, sizeof(erasure), paths.volume, &options,
                                            keeper_destroy, keeper),
                        &failure);
}

static void live(struct life *life, const char *dir)
{
    struct xtsvol_volume *volume = NULL;
    for (size_t i = 0; i < NUM_OPS; i++) {
        const struct op *op = &life->ops[i];
        struct xtsvol_failure failure = {0};
        int error = 0;
        switch (op->kind) {
        case OP_CREATE:
            volume = create_in(life, dir, &life->keeper);
            break;
        case OP_WRITE:
            for (uint64_t at = 0; at < op->len; at++)
                life->work[at] = pattern(i, op->offset + at);
            error = xtsvol_pwrite(volume, life->work, op->len, op->offset);
            break;
        case OP_FLUSH:
            error = xtsvol_flush(volume);
            break;
        case OP_RESIZE:
            error = xtsvol_resize(volume, op->len, 1);
            break;
        case OP_GENERATION:
            error = xv_volume_add_generation(volume);
            break;
        case OP_REOPEN:
            xtsvol_volume_close(&volume);
            volume = open_in(life, dir, &life->keeper, &failure, &error);
            break;
        case OP_ERASE:
            xtsvol_volume_close(&volume);
            erase_in(life, dir, &life->keeper);
            break;
        }
        assert_volume_works(error, &failure);
        if (op->kind != OP_WRITE)
            recorder_mark(i + 1);
    }
    xtsvol_volume_close(&volume);
}

/* Which images what is seen may come from. */
struct span {
    size_t first; /* of data: at the last flush */
    size_t done;  /* of all else: at the last mark */
    size_t last;
};

static struct span span_of(const struct life *life, const struct replay_info *info)
{
    struct span span = {.done = (size_t)info->acknowledged, .last = NUM_OPS};
    if (info->next_mark)
        span.last = (size_t)info->next_mark;
    span.first = span.done;
    /* Opening syncs both files. */
    while (span.first > 0 && life->ops[span.first - 1].kind != OP_FLUSH &&
           life->ops[span.first - 1].kind != OP_REOPEN)
        span.first--;
    return span;
}

static bool piece_is_possible(const struct life *life, const struct span *span, size_t piece)
{
    for (size_t i = span->first; i <= span->last; i++) {
        const struct image *image = &life->images[i];
        if (!image->is_known[piece] || image->size < (piece + 1) * PIECE ||
            memcmp(image->bytes + piece * PIECE, life->work + piece * PIECE, PIECE) == 0)
            return true;
    }
    return false;
}

static const char *check_volume(const struct life *life, const struct span *span,
                                struct xtsvol_volume *volume)
{
    struct xtsvol_volume_info info;
    if (xtsvol_info_get(volume, &info, sizeof(info)))
        return "no info";
    bool is_possible = false;
    for (size_t i = span->done; i <= span->last; i++)
        is_possible = is_possible || life->images[i].size == info.volume_size;
    if (!is_possible)
        return "a size that it never had";
    if (xtsvol_pread(volume, life->work, info.volume_size, 0))
        return "cannot be read";
    for (size_t piece = 0; piece < info.volume_size / PIECE; piece++) {
        if (!piece_is_possible(life, span, piece))
            return "bytes that were never there, or flushed ones lost";
    }
    struct xtsvol_check_report report;
    if (xtsvol_volume_check(volume, &report, 0, NULL, NULL, NULL))
        return "cannot be checked";
    /* Holes of copy 0 that an unfinished commit left are allowed; nothing else. */
    if (report.num_bad_pages || report.num_bad_sectors)
        return "pages are lost";
    return NULL;
}

static const char *check_state(void *context, const char *dir, const struct replay_info *replayed)
{
    struct life *life = context;
    struct span span = span_of(life, replayed);
    struct keeper keeper = {0};
    struct xtsvol_failure failure = {0};
    int error = 0;
    struct xtsvol_volume *volume = open_in(life, dir, &keeper, &failure, &error);
    if (error) {
        bool may_be_absent =
            span.done == 0 && (error == XTSVOL_ERR_NOT_FOUND || error == XTSVOL_ERR_CORRUPT);
        bool may_be_erased = span.last == life->erased_at && error == XTSVOL_ERR_STATE;
        return may_be_absent || may_be_erased ? NULL : "cannot be opened";
    }
    const char *bad = span.done == life->erased_at ? "was not erased" : NULL;
    if (!bad)
        bad = check_volume(life, &span, volume);
    xtsvol_volume_close(&volume);
    if (bad)
        return bad;
    /* What was recovered is recovered: the second opening finds nothing to do, and the same. */
    volume = open_in(life, dir, &keeper, &failure, &error);
    if (error)
        return "cannot be opened a second time";
    bad = check_volume(life, &span, volume);
    xtsvol_volume_close(&volume);
    return bad;
}

static void survives(struct life *life, void **state)
{
    const struct tmpdir *dir = *state;
    char root[PATH_MAX];
    char log[PATH_MAX];
    (void)tmpdir_path(root, dir, "root");
    (void)tmpdir_path(log, dir, "log");
    assert_int_equal(mkdir(root, 0700), 0);
    struct test_random random = test_random_begin(life->name);
    draw_life(life, &random);
    imagine(life);
    recorder_start(root, log);
    live(life, root);
    recorder_stop();
    struct replay *replay = replay_load(log, &(struct replay_options){.journaled = true});
    unsigned num_states =
        (unsigned)test_number_from_environment("STRONGROOM_STATES", 500) / STATES_DIVISOR + 1;
    struct replay_result result = replay_random(replay, random.seed, num_states, check_state, life);
    replay_free(&replay);
    if (result.bad)
        fail_msg("%u of %u states are bad; the first: cut after \"%s\" (%zu of %zu, acknowledged "
                 "%llu), %s: %s",
                 result.bad, result.states, result.first_bad.last, result.first_bad.cut,
                 result.first_bad.num_operations, (unsigned long long)result.first_bad.acknowledged,
                 result.first_bad.how, result.reason);
    free(life->images);
    free(life->work);
}

static void an_attached_volume_survives(void **state)
{
    survives(&(struct life){.name = "attached", .sector_size = 4096}, state);
}

static void a_detached_volume_survives(void **state)
{
    survives(&(struct life){.name = "detached", .sector_size = 512, .is_detached = true}, state);
}

static void a_volume_with_generations_survives(void **state)
{
    survives(&(struct life){.name = "generations", .sector_size = 4096, .has_generations = true},
             state);
}

static void a_detached_volume_with_generations_survives(void **state)
{
    survives(&(struct life){.name = "detached generations",
                            .sector_size = 512,
                            .is_detached = true,
                            .has_generations = true},
             state);
}

/* Nothing but commits, so that the cuts are in them. */
static void commits_survive(void **state)
{
    survives(&(struct life){.name = "commits",
                            .sector_size = 512,
                            .is_detached = true,
                            .has_generations = true,
                            .is_metadata_only = true},
             state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_attached_volume_survives, tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(a_detached_volume_survives, tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(a_volume_with_generations_survives, tmpdir_setup,
                                        tmpdir_teardown),
        cmocka_unit_test_setup_teardown(a_detached_volume_with_generations_survives, tmpdir_setup,
                                        tmpdir_teardown),
        cmocka_unit_test_setup_teardown(commits_survive, tmpdir_setup, tmpdir_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
