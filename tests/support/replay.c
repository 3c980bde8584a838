/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/replay.h"

#include "tests/support/replay_internal.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DEFAULT_STATES = 500
};

static const char *const kind_names[] = {
    [OP_WRITE] = "write",   [OP_ZERO] = "zero", [OP_RESIZE] = "resize",
    [OP_NAMES] = "name of", [OP_SYNC] = "sync", [OP_MARK] = "mark",
};

static const char *const keep_names[] = {
    [KEEP_NOTHING] = "nothing unsynced kept",
    [KEEP_ALL] = "everything kept",
    [KEEP_ALL_BUT_ONE] = "one change dropped",
    [KEEP_ONE] = "one change kept",
    [KEEP_FRONT_OF_ONE] = "front half of one change kept",
    [KEEP_BACK_OF_ONE] = "back half of one change kept",
    [KEEP_DATA_NOT_SIZES] = "data kept, sizes lost",
    [KEEP_SIZES_NOT_DATA] = "sizes kept, data lost",
    [KEEP_RANDOM] = "random",
};

static void describe(struct replay_info *out, const struct replay *replay, size_t cut,
                     const struct choice *choice)
{
    *out = (struct replay_info){.cut = cut, .num_operations = replay->num_ops};
    for (size_t i = 0; i < replay->num_ops; i++) {
        if (replay->ops[i].kind != OP_MARK)
            continue;
        if (i < cut)
            out->acknowledged = replay->ops[i].len;
        else if (out->next_mark == 0)
            out->next_mark = replay->ops[i].len;
    }
    if (cut > 0) {
        const struct op *op = &replay->ops[cut - 1];
        bool is_names = op->kind == OP_NAMES;
        (void)snprintf(out->last, sizeof(out->last), "%s %.24s %" PRIu64 "+%" PRIu64,
                       kind_names[op->kind], is_names ? op->changes[op->num_changes - 1].name : "",
                       op->offset, op->len);
    }
    (void)snprintf(out->how, sizeof(out->how), "%s%s", keep_names[choice->keep],
                   choice->cuts_into_next ? ", inside the next write" : "");
}

static bool can_cut_into_next(const struct replay *replay, size_t cut)
{
    return cut < replay->num_ops && replay->ops[cut].is_durable;
}

/* A random state: first the cut is drawn from the seed, then the rest from the same generator. */
struct drawn {
    uint64_t seed;
    size_t cut;
    struct test_random random;
};

static struct drawn draw_cut(const struct replay *replay, uint64_t seed)
{
    struct drawn drawn = {.seed = seed, .random = test_random_of(seed)};
    drawn.cut = (size_t)test_random_range(&drawn.random, 0, replay->num_ops);
    return drawn;
}

static void make_random(struct medium *medium, struct replay_info *out, const char *out_dir,
                        struct drawn *drawn)
{
    struct choice choice = {.keep = KEEP_RANDOM, .random = &drawn->random};
    choice.cuts_into_next =
        can_cut_into_next(medium->replay, drawn->cut) && test_random_chance(&drawn->random, 50);
    while (medium->done < drawn->cut)
        medium_step(medium);
    describe(out, medium->replay, drawn->cut, &choice);
    out->seed = drawn->seed;
    medium_cut(medium, &choice, out_dir, out);
}

void replay_state(struct replay *replay, struct replay_info *out, const char *out_dir,
                  uint64_t seed)
{
    struct medium medium;
    struct drawn drawn = draw_cut(replay, seed);
    medium_init(&medium, replay);
    make_random(&medium, out, out_dir, &drawn);
    medium_wipe(&medium);
}

/* In memory where there is such a place: states are many and need not survive. */
static void make_out_dir(struct tmpdir *parent, char out_dir[PATH_MAX])
{
    static const char memory[] = "/dev/shm";
    if (!getenv("TMPDIR") && access(memory, W_OK) == 0) {
        (void)snprintf(parent->path, sizeof(parent->path), "%s/strongroom-XXXXXX", memory);
        if (!mkdtemp(parent->path))
            replay_give_up(memory);
    } else {
        tmpdir_make(parent);
    }
    (void)tmpdir_path(out_dir, parent, "state");
}

static void judge(struct replay_result *result, const struct replay_info *info, const char *dir,
                  replay_check *check, void *context)
{
    const char *reason = check(context, dir, info);
    result->states++;
    if (!reason)
        return;
    if (result->bad++ == 0) {
        result->first_bad = *info;
        (void)snprintf(result->reason, sizeof(result->reason), "%s", reason);
    }
}

static int by_cut(const void *a, const void *b)
{
    size_t cut_a = ((const struct drawn *)a)->cut;
    size_t cut_b = ((const struct drawn *)b)->cut;
    return (cut_a > cut_b) - (cut_a < cut_b);
}

/* In the order of their cuts, so that the log is gone through once. */
struct replay_result replay_random(struct replay *replay, uint64_t seed, unsigned num_states,
                                   replay_check *check, void *context)
{
    struct replay_result result = {0};
    struct test_random seeds = test_random_of(seed);
    struct drawn *drawn = replay_allocate(num_states, sizeof(*drawn));
    for (unsigned i = 0; i < num_states; i++)
        drawn[i] = draw_cut(replay, test_random_next(&seeds) | 1); /* 0: a systematic state */
    qsort(drawn, num_states, sizeof(*drawn), by_cut);

    struct tmpdir parent;
    char dir[PATH_MAX];
    make_out_dir(&parent, dir);
    struct medium medium;
    medium_init(&medium, replay);
    for (unsigned i = 0; i < num_states; i++) {
        struct replay_info info;
        make_random(&medium, &info, dir, &drawn[i]);
        judge(&result, &info, dir, check, context);
    }
    medium_wipe(&medium);
    tmpdir_remove(&parent);
    free(drawn);
    return result;
}

struct systematic {
    struct medium medium;
    char dir[PATH_MAX];
    struct replay_result result;
    replay_check *check;
    void *context;
};

static void try_one(struct systematic *all, enum keep keep, size_t one, bool cuts_into_next)
{
    struct choice choice = {.keep = keep, .one = one, .cuts_into_next = cuts_into_next};
    struct replay_info info;
    describe(&info, all->medium.replay, all->medium.done, &choice);
    medium_cut(&all->medium, &choice, all->dir, &info);
    judge(&all->result, &info, all->dir, all->check, all->context);
}

static void try_cut(struct systematic *all, bool cuts_into_next)
{
    static const enum keep of_all[] = {KEEP_ALL, KEEP_DATA_NOT_SIZES, KEEP_SIZES_NOT_DATA};
    static const enum keep of_one[] = {KEEP_ALL_BUT_ONE, KEEP_ONE, KEEP_FRONT_OF_ONE,
                                       KEEP_BACK_OF_ONE};
    size_t num_unsynced = all->medium.num_pending + cuts_into_next;
    try_one(all, KEEP_NOTHING, 0, cuts_into_next);
    for (size_t i = 0; i < ARRAY_LEN(of_all) && num_unsynced > 0; i++)
        try_one(all, of_all[i], 0, cuts_into_next);
    for (size_t one = 0; one < num_unsynced; one++)
        for (size_t i = 0; i < ARRAY_LEN(of_one); i++)
            try_one(all, of_one[i], one, cuts_into_next);
}

struct replay_result replay_all_cuts(struct replay *replay, replay_check *check, void *context)
{
    struct systematic all = {.check = check, .context = context};
    struct tmpdir parent;
    make_out_dir(&parent, all.dir);
    medium_init(&all.medium, replay);
    for (size_t cut = 0; cut <= replay->num_ops; cut++) {
        try_cut(&all, false);
        if (can_cut_into_next(replay, cut))
            try_cut(&all, true);
        if (cut < replay->num_ops)
            medium_step(&all.medium);
    }
    medium_wipe(&all.medium);
    tmpdir_remove(&parent);
    return all.result;
}

static void assert_good(const struct replay_result *result, uint64_t seed)
{
    const struct replay_info *info = &result->first_bad;
    if (result->bad == 0)
        return;
    fail_msg("%u of %u states are bad; STRONGROOM_SEED=%" PRIu64 " state seed %" PRIu64
             ": power lost after operation %zu of %zu (%s), %s (%u kept, %u dropped, %u torn), "
             "acknowledged %" PRIu64 ": %s",
             result->bad, result->states, seed, info->seed, info->cut, info->num_operations,
             info->last, info->how, info->kept, info->dropped, info->torn, info->acknowledged,
             result->reason);
}

void replay_assert_random(struct replay *replay, const char *what, replay_check *check,
                          void *context)
{
    struct test_random random = test_random_begin(what);
    unsigned states = (unsigned)test_number_from_environment("STRONGROOM_STATES", DEFAULT_STATES);
    struct replay_result result = replay_random(replay, random.seed, states, check, context);
    assert_good(&result, random.seed);
}

void replay_assert_all_cuts(struct replay *replay, replay_check *check, void *context)
{
    struct replay_result result = replay_all_cuts(replay, check, context);
    assert_good(&result, 0);
}
