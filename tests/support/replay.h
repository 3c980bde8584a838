/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts the power: makes, from a log of recorder.h, the states that a medium may be in after the
 * machine stopped at some place of it.
 *
 * What was synced before the cut is there. Of the rest each 512-byte piece of each write may have
 * reached the medium or not, whatever its neighbours did; a piece never holds half of a change.
 * Sizes, names and data go separately. replay_model.c has the rules, numbered.
 *
 *     static const char *check(void *context, const char *dir, const struct replay_info *info)
 *     {
 *         ... open the store in dir; NULL when all is well, else a sentence ...
 *         ... everything up to info->acknowledged must be there ...
 *     }
 *
 *     struct replay *replay = replay_load(log_path, &(struct replay_options){0});
 *     replay_assert_random(replay, "store", check, context);
 *     replay_assert_all_cuts(replay, check, context);
 *     replay_free(&replay);
 *
 * Random states: STRONGROOM_STATES of them, 500 unless set; same log and same seed give the same
 * states. The systematic form tries every cut, there nothing kept, everything kept, each change
 * alone dropped, alone kept, torn in its middle either way, sizes without data and data without
 * sizes: for short logs, since the number of states grows with the square of what is unsynced.
 *
 * One thread. A log that cannot be trusted (an unknown inode, an unseen way to write) aborts.
 */
#ifndef TESTS_SUPPORT_REPLAY_H
#define TESTS_SUPPORT_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REPLAY_MAX_NAMES = 4
};

struct replay_options {
    /* As ext4 and xfs do: changes of names reach the medium in their order, and fsync of a file
     * brings its name along. Without: strict POSIX, only fsync of the directory does. */
    bool journaled;
    /* File names that may have been changed unseen, LMDB's "lock.mdb". They hold what was seen. */
    const char *may_change_unseen[REPLAY_MAX_NAMES];
};

struct replay_info {
    uint64_t seed;         /* 0 for a systematic state */
    size_t cut;            /* so many operations of the log were done */
    size_t num_operations; /* in the log */
    uint64_t acknowledged; /* last mark at or before the cut, 0 if none */
    uint64_t next_mark;    /* first mark after it, 0 if none */
    unsigned kept;         /* of the unsynced changes, those kept whole */
    unsigned dropped;
    unsigned torn;
    char last[64]; /* the last operation before the cut */
    char how[64];  /* what was kept */
};

struct replay;

/* Never returns NULL. */
struct replay *replay_load(const char *log_path, const struct replay_options *options);
void replay_free(struct replay **replay);
size_t replay_num_operations(const struct replay *replay);

/* One state into out_dir, which is removed before. All is drawn from the seed, the cut too. */
void replay_state(struct replay *replay, struct replay_info *out, const char *out_dir,
                  uint64_t seed);

/* NULL: the state is a good one. Else a sentence that says what is wrong. It does not assert, or
 * the states would stay behind and the seed unsaid; what may crash on a bad state runs in
 * death_of(). */
typedef const char *replay_check(void *context, const char *dir, const struct replay_info *info);

struct replay_result {
    unsigned states;
    unsigned bad;
    struct replay_info first_bad;
    char reason[128]; /* of the first bad one */
};

/* The states go to a directory below $TMPDIR or /dev/shm, removed at the end. */
struct replay_result replay_random(struct replay *replay, uint64_t seed, unsigned num_states,
                                   replay_check *check, void *context);
struct replay_result replay_all_cuts(struct replay *replay, replay_check *check, void *context);

/* The same, failing the test at a bad state with all that is needed to repeat it. */
void replay_assert_random(struct replay *replay, const char *what, replay_check *check,
                          void *context);
void replay_assert_all_cuts(struct replay *replay, replay_check *check, void *context);

#endif
