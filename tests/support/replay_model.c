/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a medium may hold after the power failed. All of it is what POSIX leaves open, not what one
 * file system happens to do:
 *
 *   M1  Between two syncs a piece of 512 bytes (aligned in its file) went through versions, one for
 *       each write that touched it. The medium has any one of them, piece by piece independently.
 *       So a write is kept, dropped or torn, a later one may be there without an earlier one, and
 *       two writes into one piece cannot change places.
 *   M2  fsync, fdatasync, syncfs: what was written to the file before the call began is durable
 * when it returns. A write through O_DSYNC or O_SYNC is durable when it returns, and nothing else.
 *   M3  The size of a file has versions too; the medium has any one of them from the last durable
 *       one on, whatever data it has. Bytes within the size that were never kept are zero, or what
 *       was there.
 *   M4  A name (create, link, unlink, mkdir, rmdir, symlink, rename) is durable when its directory
 *       is synced. Until then each change is kept or dropped independently; a name goes through its
 *       versions as a piece of data does. A rename within a directory is one change; between two
 *       directories it is two, each durable with its own directory.
 *   M5  With the option `journaled`: all changes of names are kept up to one place of their order
 *       and none after it; and syncing a file makes durable all changes up to the last that
 *       concerns it.
 *   M6  What is durable is never lost again, whatever is dropped before or after it.
 *   M7  An operation that is durable at return may have been under way at the cut: then it counts
 * as an unsynced one.
 */
#include "tests/support/replay_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_file_op(const struct op *op)
{
    return op->kind == OP_WRITE || op->kind == OP_ZERO || op->kind == OP_RESIZE;
}

/* The operation as the file sees it at once. */
static void apply_to_image(struct image *image, const struct op *op)
{
    uint64_t end = op->offset + op->len;
    if (op->kind == OP_RESIZE) {
        image_resize(image, op->len);
    } else if (op->kind == OP_WRITE) {
        if (end > image->len)
            image_resize(image, end);
        memcpy(image->data + op->offset, op->data, op->len);
    } else if (op->offset < image->len) {
        memset(image->data + op->offset, 0, (end < image->len ? end : image->len) - op->offset);
    }
}

void medium_init(struct medium *medium, const struct replay *replay)
{
    *medium = (struct medium){.replay = replay};
    medium->nodes = replay_allocate(replay->num_nodes, sizeof(*medium->nodes));
    medium->pending = replay_allocate(replay->num_ops, sizeof(*medium->pending));
    for (size_t i = 0; i < replay->num_nodes; i++) {
        medium->nodes[i].inode = replay->nodes[i].inode;
        medium->nodes[i].mode = replay->nodes[i].mode;
        image_copy(&medium->nodes[i].image, &replay->nodes[i].image);
        directory_copy(&medium->nodes[i].directory, &replay->nodes[i].directory);
    }
}

void medium_wipe(struct medium *medium)
{
    for (size_t i = 0; i < medium->replay->num_nodes; i++) {
        image_wipe(&medium->nodes[i].image);
        directory_wipe(&medium->nodes[i].directory);
    }
    free(medium->nodes);
    free(medium->pending);
}

static bool is_all_durable(const struct pending *pending)
{
    return pending->durable[0] && (pending->op->num_changes < 2 || pending->durable[1]);
}

static int owner(const struct op *op, size_t i)
{
    return is_file_op(op) ? op->node : op->changes[i].dir;
}

static size_t num_owners(const struct op *op)
{
    return is_file_op(op) ? 1 : op->num_changes;
}

static void apply_durable(struct medium *medium, const struct op *op)
{
    if (is_file_op(op))
        apply_to_image(&medium->nodes[op->node].image, op);
    for (size_t i = 0; i < op->num_changes; i++)
        directory_set(&medium->nodes[op->changes[i].dir].directory, op->changes[i].name,
                      op->changes[i].node);
}

/* Moves what is durable, and has nothing undurable of the same file or directory before it, out of
 * the pending list: the versions of M1 and M4 count from the last durable one. */
static void fold(struct medium *medium)
{
    bool *is_held = replay_allocate(medium->replay->num_nodes, sizeof(*is_held));
    size_t left = 0;
    for (size_t i = 0; i < medium->num_pending; i++) {
        struct pending pending = medium->pending[i];
        bool can_go = is_all_durable(&pending);
        for (size_t j = 0; j < num_owners(pending.op); j++)
            can_go = can_go && !is_held[owner(pending.op, j)];
        if (can_go) {
            apply_durable(medium, pending.op);
            continue;
        }
        for (size_t j = 0; j < num_owners(pending.op); j++)
            is_held[owner(pending.op, j)] = true;
        medium->pending[left++] = pending;
    }
    medium->num_pending = left;
    free(is_held);
}

static bool concerns(const struct op *op, int node)
{
    for (size_t i = 0; i < op->num_changes; i++)
        if (op->changes[i].dir == node || op->changes[i].node == node)
            return true;
    return false;
}

/* M5: the end of the changes of names that the sync of a node carries along. */
static size_t journaled_end(const struct medium *medium, const struct op *sync)
{
    size_t end = 0;
    for (size_t i = 0; i < medium->num_pending; i++) {
        const struct op *op = medium->pending[i].op;
        if (op->position < sync->len && concerns(op, sync->node))
            end = i + 1;
    }
    return end;
}

/* M2, M4, M5 */
static void do_sync(struct medium *medium, const struct op *sync)
{
    bool is_all = sync->node == REPLAY_NOTHING;
    size_t end = medium->replay->options.journaled ? journaled_end(medium, sync) : 0;
    for (size_t i = 0; i < medium->num_pending; i++) {
        struct pending *pending = &medium->pending[i];
        bool is_carried = i < end && !is_file_op(pending->op);
        if (pending->op->position >= sync->len)
            continue;
        for (size_t j = 0; j < num_owners(pending->op); j++)
            if (is_all || is_carried || owner(pending->op, j) == sync->node)
                pending->durable[j] = true;
    }
    fold(medium);
}

static void push(struct medium *medium, const struct op *op, bool is_durable)
{
    medium->pending[medium->num_pending++] = (struct pending){.op = op, .durable = {is_durable}};
}

void medium_step(struct medium *medium)
{
    const struct op *op = &medium->replay->ops[medium->done++];
    if (op->kind == OP_SYNC) {
        do_sync(medium, op);
    } else if (op->kind != OP_MARK) {
        push(medium, op, op->is_durable);
        if (op->is_durable)
            fold(medium);
    }
}

/* How much of a pending change reaches the medium. */
enum fate {
    FATE_DROPPED,
    FATE_KEPT,
    FATE_TORN, /* piece by piece, at random */
    FATE_FRONT,
    FATE_BACK
};

struct cutting {
    const struct medium *medium;
    const struct choice *choice;
    struct replay_info *info;
    unsigned percent_kept; /* KEEP_RANDOM: of this state */
    unsigned percent_torn;
};

static enum fate draw(const struct cutting *cutting)
{
    uint64_t number = test_random_below(cutting->choice->random, 100);
    if (number < cutting->percent_kept)
        return FATE_KEPT;
    return number < cutting->percent_kept + cutting->percent_torn ? FATE_TORN : FATE_DROPPED;
}

static enum fate fate_of(const struct cutting *cutting, size_t index)
{
    bool is_one = index == cutting->choice->one;
    switch (cutting->choice->keep) {
    case KEEP_NOTHING:
    case KEEP_SIZES_NOT_DATA:
        return FATE_DROPPED;
    case KEEP_ALL:
    case KEEP_DATA_NOT_SIZES:
        return FATE_KEPT;
    case KEEP_ALL_BUT_ONE:
        return is_one ? FATE_DROPPED : FATE_KEPT;
    case KEEP_ONE:
        return is_one ? FATE_KEPT : FATE_DROPPED;
    case KEEP_FRONT_OF_ONE:
        return is_one ? FATE_FRONT : FATE_KEPT;
    case KEEP_BACK_OF_ONE:
        return is_one ? FATE_BACK : FATE_KEPT;
    case KEEP_RANDOM:
        break;
    }
    return draw(cutting);
}

static bool keeps_piece(const struct cutting *cutting, enum fate fate, uint64_t piece,
                        uint64_t first, uint64_t last)
{
    uint64_t middle = first + (last - first) / 2;
    switch (fate) {
    case FATE_DROPPED:
        return false;
    case FATE_KEPT:
        return true;
    case FATE_FRONT:
        return piece <= middle && piece != last;
    case FATE_BACK:
        return piece > middle;
    case FATE_TORN:
        break;
    }
    return test_random_chance(cutting->choice->random, 50);
}

/* The version that the file has now of one piece goes to the medium. */
static void keep_piece(struct image *remains, const struct image *now, uint64_t piece)
{
    uint64_t start = piece * REPLAY_SECTOR;
    uint64_t end = start + REPLAY_SECTOR < now->len ? start + REPLAY_SECTOR : now->len;
    if (start >= end)
        return;
    if (remains->len < end)
        image_resize(remains, end);
    memcpy(remains->data + start, now->data + start, end - start);
}

static void keep_data(const struct cutting *cutting, struct image *remains, const struct image *now,
                      const struct pending *pending, size_t index)
{
    const struct op *op = pending->op;
    if (op->kind == OP_RESIZE || op->len == 0)
        return;
    enum fate fate = pending->durable[0] ? FATE_KEPT : fate_of(cutting, index); /* M6 */
    uint64_t first = op->offset / REPLAY_SECTOR;
    uint64_t last = (op->offset + op->len - 1) / REPLAY_SECTOR;
    uint64_t kept = 0;
    for (uint64_t piece = first; piece <= last; piece++) {
        if (!keeps_piece(cutting, fate, piece, first, last))
            continue;
        keep_piece(remains, now, piece);
        kept++;
    }
    cutting->info->kept += kept == last - first + 1;
    cutting->info->dropped += kept == 0;
    cutting->info->torn += kept != 0 && kept != last - first + 1;
}

/* M3: the place in the pending list up to which changes of a node's size are kept. */
static size_t size_end(const struct cutting *cutting, int node)
{
    const struct medium *medium = cutting->medium;
    size_t low = 0;
    for (size_t i = 0; i < medium->num_pending; i++)
        if (is_file_op(medium->pending[i].op) && medium->pending[i].op->node == node &&
            medium->pending[i].durable[0])
            low = i + 1;
    size_t one = cutting->choice->one;
    size_t end = medium->num_pending;
    switch (cutting->choice->keep) {
    case KEEP_NOTHING:
    case KEEP_DATA_NOT_SIZES:
        end = low;
        break;
    case KEEP_ONE:
        end = one + 1;
        break;
    case KEEP_ALL_BUT_ONE:
        end = medium->pending[one].op->kind == OP_RESIZE ? one : end;
        break;
    case KEEP_RANDOM:
        if (!test_random_chance(cutting->choice->random, 50))
            end = test_random_range(cutting->choice->random, low, end);
        break;
    case KEEP_ALL:
    case KEEP_FRONT_OF_ONE:
    case KEEP_BACK_OF_ONE:
    case KEEP_SIZES_NOT_DATA:
        break;
    }
    return end > low ? end : low;
}

/* M1, M3 */
static void cut_file(const struct cutting *cutting, struct image *remains, int node)
{
    const struct medium *medium = cutting->medium;
    const struct image *durable = &medium->nodes[node].image;
    struct image now = {0};
    image_copy(&now, durable);
    image_copy(remains, durable);
    size_t size = durable->len;
    size_t end = size_end(cutting, node);
    for (size_t i = 0; i < medium->num_pending; i++) {
        const struct pending *pending = &medium->pending[i];
        if (!is_file_op(pending->op) || pending->op->node != node)
            continue;
        apply_to_image(&now, pending->op);
        keep_data(cutting, remains, &now, pending, i);
        if (i < end) {
            size = now.len;
            if (remains->len > size)
                image_resize(remains, size);
        }
    }
    image_resize(remains, size);
    image_wipe(&now);
}

/* M5 */
static size_t journal_end(const struct cutting *cutting)
{
    const struct medium *medium = cutting->medium;
    size_t low = 0;
    for (size_t i = 0; i < medium->num_pending; i++)
        if (!is_file_op(medium->pending[i].op) && is_all_durable(&medium->pending[i]))
            low = i + 1;
    if (cutting->choice->keep == KEEP_NOTHING)
        return low;
    if (cutting->choice->keep == KEEP_ONE)
        return cutting->choice->one + 1 > low ? cutting->choice->one + 1 : low;
    if (cutting->choice->keep == KEEP_ALL_BUT_ONE)
        return cutting->choice->one > low ? cutting->choice->one : low;
    if (cutting->choice->keep == KEEP_RANDOM)
        return test_random_range(cutting->choice->random, low, medium->num_pending);
    return medium->num_pending;
}

/* M4: of names, sizes are no matter, and there is no half. */
static bool keeps_name(const struct cutting *cutting, size_t index)
{
    if (cutting->choice->keep == KEEP_RANDOM)
        return test_random_chance(cutting->choice->random,
                                  cutting->percent_kept + cutting->percent_torn / 2);
    return cutting->choice->keep == KEEP_SIZES_NOT_DATA || fate_of(cutting, index) != FATE_DROPPED;
}

static void cut_names(const struct cutting *cutting, struct directory *remains)
{
    const struct medium *medium = cutting->medium;
    size_t end = medium->replay->options.journaled ? journal_end(cutting) : 0;
    for (size_t i = 0; i < medium->num_pending; i++) {
        const struct pending *pending = &medium->pending[i];
        const struct op *op = pending->op;
        bool is_kept = false;
        for (size_t j = 0; j < op->num_changes; j++) {
            const struct change *change = &op->changes[j];
            if (medium->replay->options.journaled)
                is_kept = i < end;
            else if (j == 0 || change->dir != op->changes[0].dir)
                is_kept = keeps_name(cutting, i);
            if (is_kept || pending->durable[j]) /* M6 */
                directory_set(&remains[change->dir], change->name, change->node);
        }
        cutting->info->kept += op->num_changes && is_kept;
        cutting->info->dropped += op->num_changes && !is_kept;
    }
}

/* Random states are of several kinds, or all would look alike: much kept, little kept, much torn.
 */
static void choose_kind(struct cutting *cutting)
{
    static const unsigned kinds[][2] = {{40, 20}, {85, 10}, {97, 0}, {5, 10}, {10, 80}, {0, 0}};
    if (cutting->choice->keep != KEEP_RANDOM)
        return;
    const unsigned *kind = TEST_RANDOM_CHOOSE(cutting->choice->random, kinds);
    cutting->percent_kept = kind[0];
    cutting->percent_torn = kind[1];
}

void medium_cut(struct medium *medium, const struct choice *choice, const char *out_dir,
                struct replay_info *info)
{
    const struct replay *replay = medium->replay;
    struct cutting cutting = {.medium = medium, .choice = choice, .info = info};
    struct image *images = replay_allocate(replay->num_nodes, sizeof(*images));
    struct directory *directories = replay_allocate(replay->num_nodes, sizeof(*directories));
    if (choice->cuts_into_next) /* M7 */
        push(medium, &replay->ops[medium->done], false);
    choose_kind(&cutting);
    for (size_t i = 0; i < replay->num_nodes; i++) {
        cut_file(&cutting, &images[i], (int)i);
        directory_copy(&directories[i], &medium->nodes[i].directory);
    }
    cut_names(&cutting, directories);
    tree_write(out_dir, replay->nodes, replay->num_nodes, replay->root,
               &(struct remains){.image = images, .directory = directories});
    if (choice->cuts_into_next)
        medium->num_pending--;
    for (size_t i = 0; i < replay->num_nodes; i++) {
        image_wipe(&images[i]);
        directory_wipe(&directories[i]);
    }
    free(images);
    free(directories);
}
