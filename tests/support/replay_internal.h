/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the replay*.c files: the log as operations, and the medium. */
#ifndef TESTS_SUPPORT_REPLAY_INTERNAL_H
#define TESTS_SUPPORT_REPLAY_INTERNAL_H

#include "tests/support/random.h"
#include "tests/support/replay.h"

enum {
    REPLAY_SECTOR = 512,
    REPLAY_NOTHING = -1 /* no node */
};

/* Bytes of a file. Beyond len there is nothing, within cap all is allocated. */
struct image {
    uint8_t *data;
    size_t len;
    size_t cap;
};

void image_wipe(struct image *image);
void image_copy(struct image *to, const struct image *from);
void image_resize(struct image *image, size_t len); /* new bytes are zero */

struct entry {
    const char *name;
    int node;
};

struct directory {
    struct entry *entries;
    size_t num_entries;
};

void directory_wipe(struct directory *directory);
void directory_copy(struct directory *to, const struct directory *from);
/* REPLAY_NOTHING removes the name. */
void directory_set(struct directory *directory, const char *name, int node);

/* A file, directory or symbolic link. An inode number may be used again by a later node. */
struct node {
    uint64_t inode;
    uint32_t mode;
    struct image image;         /* a file's bytes, a link's target */
    struct directory directory; /* a directory's names */
};

enum op_kind {
    OP_WRITE,
    OP_ZERO,
    OP_RESIZE,
    OP_NAMES,
    OP_SYNC,
    OP_MARK
};

/* One name of one directory becomes a node, or nothing. */
struct change {
    int dir;
    const char *name;
    int node;
};

struct op {
    enum op_kind kind;
    uint64_t position; /* in the log */
    int node;          /* of file operations; of OP_SYNC: REPLAY_NOTHING for all */
    uint64_t offset;
    uint64_t len; /* OP_RESIZE: the new size; OP_SYNC: covers positions below; OP_MARK: number */
    const uint8_t *data;
    bool is_durable; /* at return */
    struct change changes[2];
    size_t num_changes;
};

struct replay {
    struct replay_options options;
    uint8_t *log;
    size_t log_len;
    struct node *nodes; /* as they were when recording began; later ones are empty */
    size_t num_nodes;
    int root;
    struct op *ops;
    size_t num_ops;
};

/* A change that was made and is not durable yet. */
struct pending {
    const struct op *op;
    bool durable[2]; /* of file operations the first; of names one for each change */
};

/* The medium at a place of the log. */
struct medium {
    const struct replay *replay;
    struct node *nodes; /* what is durable */
    size_t done;        /* so many operations */
    struct pending *pending;
    size_t num_pending;
};

void medium_init(struct medium *medium, const struct replay *replay);
void medium_wipe(struct medium *medium);
/* Does the next operation. */
void medium_step(struct medium *medium);

enum keep {
    KEEP_NOTHING,
    KEEP_ALL,
    KEEP_ALL_BUT_ONE,
    KEEP_ONE,
    KEEP_FRONT_OF_ONE, /* and all others */
    KEEP_BACK_OF_ONE,
    KEEP_DATA_NOT_SIZES,
    KEEP_SIZES_NOT_DATA,
    KEEP_RANDOM
};

struct choice {
    enum keep keep;
    size_t one;                 /* index of the pending change */
    bool cuts_into_next;        /* the next operation, a durable one, was under way */
    struct test_random *random; /* KEEP_RANDOM */
};

/* Makes the state that the choice leaves, into out_dir. */
void medium_cut(struct medium *medium, const struct choice *choice, const char *out_dir,
                struct replay_info *info);

/* What is left, as a tree of files. */
struct remains {
    const struct image *image;         /* by node */
    const struct directory *directory; /* by node */
};
void tree_write(const char *out_dir, const struct node *nodes, size_t num_nodes, int root,
                const struct remains *remains);

void *replay_allocate(size_t number, size_t size);
void replay_give_up(const char *what) __attribute__((noreturn));

#endif
