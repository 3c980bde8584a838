/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An extent map on a medium in memory, beside an array that says what it has to hold.
 *
 *     struct rig *rig = rig_open(2017, 1, 0);
 *     rig_set(rig, 5, 10, 2);             in map and array
 *     rig_commit(rig);
 *     assert_null(rig_compare(rig));
 *     rig_close(&rig);
 */
#ifndef TESTS_VOLUME_MAP_RIG_H
#define TESTS_VOLUME_MAP_RIG_H

#include "libxtsvol/src/volume/map.h"
#include "tests/support/random.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RIG_SECTOR = 512
};

/* Extents below a leaf, and below the node above it. */
#define RIG_LEAF ((uint64_t)XV_LEAF_EXTENTS)
#define RIG_NODE (RIG_LEAF * XV_NODE_CHILDREN)

struct rig {
    uint8_t *medium;
    size_t medium_len;
    pthread_mutex_t medium_lock; /* a sector is read or written as a whole, like on a disk */
    atomic_size_t num_reads;     /* calls since the last change of it */
    atomic_size_t num_writes;
    size_t fail_read;  /* from this one on; 0 for none */
    size_t fail_write; /* the same; the first one writes some of its sectors */
    bool fails_once;   /* the next ones work again */
    struct test_random torn;
    /* Called before anything is read, with the number of the read; an errno fails it. */
    int (*on_read)(struct rig *rig, size_t number, uint64_t offset);
    void (*after_read)(struct rig *rig, size_t number);
    void (*on_damage)(struct rig *rig);
    void *hook_context;

    struct xtsvol_io io;
    struct common_secmem *arena;
    struct xv_meta_keys keys;
    uint8_t key_seed; /* of the key that what is settled is under */
    struct xv_superblock superblock;
    struct xv_tree tree;
    struct xv_map *map;
    size_t max_memory;
    uint16_t *model;   /* NULL: none */
    uint16_t *settled; /* what a revert goes back to */
    bool is_rekeyed;   /* since it was settled */
    atomic_size_t num_damaged[XV_NUM_COPIES];
    atomic_uint_least64_t last_damaged;
};

/* A new volume, all of one generation. Fails the test if anything does. */
struct rig *rig_open(uint64_t max_extents, uint32_t generation, size_t max_memory);
/* The same without the array, for sizes that have no room for one. */
struct rig *rig_open_bare(uint64_t max_extents, uint32_t generation, size_t max_memory);
void rig_close(struct rig **rig);

/* Closes the map, and opens it as it was settled. */
void rig_reopen(struct rig *rig);
/* The same without asserting: map is NULL on failure. */
int rig_try_open(struct rig *rig);

void rig_set(struct rig *rig, uint64_t first, uint64_t num, uint32_t generation);
/* The array alone. */
void rig_model_set(struct rig *rig, uint64_t first, uint64_t num, uint32_t generation);

/* Of a commit: seals with the next sequence (kept in superblock.sequence by rig_settle() alone). */
int rig_seal(struct rig *rig, struct xv_entry *out_root);
void rig_settle(struct rig *rig, const struct xv_entry *root);
/* All of it: 0, or the first error, after which nothing was settled. */
int rig_try_commit(struct rig *rig);
void rig_commit(struct rig *rig);
void rig_revert(struct rig *rig);
/* Opening, 6: what is bad in one copy is written there. */
void rig_mend(struct rig *rig);
/* Touches all, and puts another key in the place of the present one. */
int rig_try_rekey(struct rig *rig);
void rig_rekey(struct rig *rig);

/* NULL, or what is not as the array says. */
const char *rig_compare(struct rig *rig);
const char *rig_compare_range(struct rig *rig, uint64_t first, uint64_t num);

/* What one lookup gives; fails the test if it fails. */
uint32_t rig_get(struct rig *rig, uint64_t extent);

uint8_t *rig_page(struct rig *rig, unsigned copy, uint64_t number);
void rig_damage(struct rig *rig, unsigned copy, uint64_t number);
size_t rig_damaged(const struct rig *rig); /* told so far, both copies */

/* The pages that exist, at most max of them; returns how many. */
size_t rig_list_pages(struct rig *rig, struct xv_page_place *out, size_t max);
/* Pages that exist, by xv_map_walk(), and how many of their copies are bad. */
size_t rig_num_pages(struct rig *rig, size_t *out_num_bad);

#endif
