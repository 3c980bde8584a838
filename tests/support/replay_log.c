/* SPDX-License-Identifier: Apache-2.0 */
/* From the recorder's log to nodes and operations. */
#include "tests/support/record.h"
#include "tests/support/recorder_hooks.h"
#include "tests/support/replay_internal.h"
#include "tests/support/tmpdir.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void replay_give_up(const char *what)
{
    (void)fprintf(stderr, "replay: %s\n", what);
    abort();
}

void *replay_allocate(size_t number, size_t size)
{
    void *block = calloc(number ? number : 1, size);
    if (!block)
        replay_give_up("out of memory");
    return block;
}

struct loading {
    struct replay *replay;
    bool is_ready; /* past the initial tree */
    size_t num_records;
};

static int find_node(const struct replay *replay, uint64_t inode)
{
    for (size_t i = replay->num_nodes; i-- > 0;)
        if (replay->nodes[i].inode == inode)
            return (int)i;
    return REPLAY_NOTHING;
}

static int need_node(const struct replay *replay, uint64_t inode)
{
    int node = find_node(replay, inode);
    if (node == REPLAY_NOTHING)
        replay_give_up("the log names a file that it has not seen being made or moved in");
    return node;
}

static int node_or_nothing(const struct replay *replay, uint64_t inode)
{
    return inode ? need_node(replay, inode) : REPLAY_NOTHING;
}

static int add_node(struct loading *loading, const struct record *record, const uint8_t *data)
{
    struct replay *replay = loading->replay;
    if (!loading->is_ready) { /* a second name of the same file */
        int known = find_node(replay, record->inode);
        if (known != REPLAY_NOTHING)
            return known;
    }
    struct node *node = &replay->nodes[replay->num_nodes];
    *node = (struct node){.inode = record->inode, .mode = record->mode};
    image_resize(&node->image, record->data_len);
    if (data && record->data_len)
        memcpy(node->image.data, data, record->data_len);
    return (int)replay->num_nodes++;
}

static void check_unseen(const struct replay *replay, uint64_t inode)
{
    int node = need_node(replay, inode);
    const char *name = "";
    for (size_t i = 0; i < replay->num_nodes; i++)
        for (size_t j = 0; j < replay->nodes[i].directory.num_entries; j++)
            if (replay->nodes[i].directory.entries[j].node == node)
                name = replay->nodes[i].directory.entries[j].name;
    for (size_t i = 0; i < replay->num_ops; i++)
        for (size_t j = 0; j < replay->ops[i].num_changes; j++)
            if (replay->ops[i].changes[j].node == node)
                name = replay->ops[i].changes[j].name;
    for (size_t i = 0; i < REPLAY_MAX_NAMES; i++)
        if (replay->options.may_change_unseen[i] &&
            strcmp(replay->options.may_change_unseen[i], name) == 0)
            return;
    (void)fprintf(stderr, "replay: %s: may have changed unseen (mapped, stdio or copied)\n", name);
    replay_give_up("the log has a hole");
}

static void add_names(struct replay *replay, struct op *op, const struct record *record,
                      const char *name, const char *to_name)
{
    bool is_rename = record->kind == RECORD_RENAME;
    int node = node_or_nothing(replay, record->inode);
    int left_behind = is_rename ? node_or_nothing(replay, record->value) : node;
    op->kind = OP_NAMES;
    op->num_changes = is_rename ? 2 : 1;
    op->changes[0] = (struct change){need_node(replay, record->dir), name, left_behind};
    op->changes[1] = (struct change){REPLAY_NOTHING, to_name, node};
    if (is_rename)
        op->changes[1].dir = need_node(replay, record->to_dir);
}

static void add_file_op(struct replay *replay, struct op *op, const struct record *record,
                        const uint8_t *data)
{
    static const enum op_kind kinds[] = {
        [RECORD_WRITE] = OP_WRITE, [RECORD_ZERO] = OP_ZERO, [RECORD_RESIZE] = OP_RESIZE};
    op->kind = kinds[record->kind];
    op->node = need_node(replay, record->inode);
    op->offset = record->offset;
    op->len = record->kind == RECORD_WRITE ? record->data_len : record->value;
    op->data = data;
    op->is_durable = record->kind == RECORD_WRITE && record->value == 1;
}

static void add_op(struct loading *loading, const struct record *record, const uint8_t *at)
{
    struct replay *replay = loading->replay;
    const uint8_t *data = at + sizeof(*record);
    const char *name = (const char *)at + offsetof(struct record, name);
    const char *to_name = (const char *)at + offsetof(struct record, to_name);
    struct op *op = &replay->ops[replay->num_ops];
    *op = (struct op){.position = (uint64_t)(at - replay->log), .node = REPLAY_NOTHING};
    switch (record->kind) {
    case RECORD_WRITE:
    case RECORD_ZERO:
    case RECORD_RESIZE:
        add_file_op(replay, op, record, data);
        break;
    case RECORD_ENTRY:
    case RECORD_RENAME:
        add_names(replay, op, record, name, to_name);
        break;
    case RECORD_SYNC:
        op->kind = OP_SYNC;
        op->node = node_or_nothing(replay, record->inode);
        op->len = record->value;
        break;
    case RECORD_MARK:
        op->kind = OP_MARK;
        op->len = record->value;
        break;
    default:
        replay_give_up("not a log");
    }
    replay->num_ops++;
}

static void add_record(struct loading *loading, const struct record *record, const uint8_t *at)
{
    struct replay *replay = loading->replay;
    if (record->kind == RECORD_START) {
        replay->root = add_node(loading, record, NULL);
    } else if (record->kind == RECORD_NODE) {
        (void)add_node(loading, record, at + sizeof(*record));
    } else if (record->kind == RECORD_READY) {
        loading->is_ready = true;
    } else if (record->kind == RECORD_ENTRY && !loading->is_ready) {
        int dir = need_node(replay, record->dir);
        directory_set(&replay->nodes[dir].directory,
                      (const char *)at + offsetof(struct record, name),
                      need_node(replay, record->inode));
    } else if (record->kind == RECORD_UNSEEN) {
        check_unseen(replay, record->inode);
    } else {
        add_op(loading, record, at);
    }
}

/* Calls add for each whole record; a cut one ends the log. */
static void walk(struct loading *loading,
                 void (*add)(struct loading *, const struct record *, const uint8_t *))
{
    const struct replay *replay = loading->replay;
    struct record record;
    for (size_t at = 0; replay->log_len - at >= sizeof(record);) {
        memcpy(&record, replay->log + at, sizeof(record));
        if (record.data_len > replay->log_len - at - sizeof(record))
            return;
        add(loading, &record, replay->log + at);
        at += sizeof(record) + record.data_len;
    }
}

static void count(struct loading *loading, const struct record *record, const uint8_t *at)
{
    (void)record;
    (void)at;
    loading->num_records++;
}

struct replay *replay_load(const char *log_path, const struct replay_options *options)
{
    struct replay *replay = replay_allocate(1, sizeof(*replay));
    replay->options = *options;
    file_read(&replay->log, &replay->log_len, log_path);
    struct loading loading = {.replay = replay};
    walk(&loading, count);
    replay->nodes = replay_allocate(loading.num_records, sizeof(*replay->nodes));
    replay->ops = replay_allocate(loading.num_records, sizeof(*replay->ops));
    walk(&loading, add_record);
    if (!loading.is_ready)
        replay_give_up("the log ends inside the initial tree");
    return replay;
}

void replay_free(struct replay **replay)
{
    struct replay *ending = *replay;
    *replay = NULL;
    if (!ending)
        return;
    for (size_t i = 0; i < ending->num_nodes; i++) {
        image_wipe(&ending->nodes[i].image);
        directory_wipe(&ending->nodes[i].directory);
    }
    free(ending->nodes);
    free(ending->ops);
    free(ending->log);
    free(ending);
}

size_t replay_num_operations(const struct replay *replay)
{
    return replay->num_ops;
}
