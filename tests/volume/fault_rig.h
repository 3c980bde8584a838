/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fail the Nth call of the system, in each of the ways that a system fails, around one call of
 * xtsvol/volume.h: and then see what became of the volume.
 *
 *     static int write_some(struct rig *rig)
 *     {
 *         rig_will_write(rig, 300, 5000);
 *         return xtsvol_pwrite(rig->volume, rig->next + 300, 5000, 300);
 *     }
 *     rig_run(&(struct rig_operation){.name = "pwrite", .run = write_some,
 *                                     .classes = FAULT_MALLOC | FAULT_WRITE});
 *
 * For each kind of volume, each fault whose class is one of `classes`, and each N:
 *   - the files are what they were when the volume was made and filled, and it is opened;
 *   - `run` runs armed;
 *   - what it returned is 0 when nothing fired or the fault is one that is to be got over (EINTR,
 *     short transfers), and else the category of that fault, or 0 where `swallows` has its class;
 *   - the volume is read, written to and flushed, by the handle that saw the fault, or refuses to
 *     be written to: as it has to when a call failed that had put a superblock there (V14);
 *   - it is opened again, and read: outside of what was to be written nothing is lost, inside of it
 *     each block of 16 bytes is the old or the new one, and the new one after a 0.
 *   - no descriptor is left.
 */
#ifndef TESTS_VOLUME_FAULT_RIG_H
#define TESTS_VOLUME_FAULT_RIG_H

#include "tests/support/fault.h"
#include "tests/volume/volume_support.h"

enum {
    RIG_EXTENT = 64 * 1024,
    RIG_BLOCK = 16 /* bytes that XTS encrypts together: what a torn write leaves whole */
};

struct rig_kind {
    const char *name;
    uint64_t size;
    uint32_t sector_size;
    bool is_detached;
    bool has_pages; /* extents of two generations: the map has pages */
    uint32_t num_threads;
};

/* With threads, and large enough for them. Every operation is tried on some without. */
extern const struct rig_kind rig_kind_with_workers;

struct rig_fault {
    unsigned classes;
    enum fault_mode mode;
    int error;
};

struct rig {
    const struct rig_kind *kind;
    const struct rig_fault *fault;
    unsigned nth; /* call that it befalls */
    struct tmpdir dir;
    char path[PATH_MAX];
    char header[PATH_MAX];
    char spare[PATH_MAX]; /* of a file that an operation makes */
    char kept[PATH_MAX];  /* of a backup of the volume as it was made */
    struct keeper keeper;
    struct xtsvol_failure failure; /* what the options name */
    struct xtsvol_volume *volume;
    uint8_t *original; /* what the volume was filled with */
    uint8_t *expected; /* flushed */
    uint8_t *next;     /* what a write is to make of it */
    uint8_t *work;
    uint64_t size;
    uint64_t new_size; /* what a resize is to make of it */
    uint64_t from;     /* what a write changes, or a discard loses */
    uint64_t end;
    bool is_lost;   /* that range reads as anything */
    uint64_t probe; /* where a write may have been lost, 0: nowhere */
    int error;      /* what the operation returned */
    bool has_put;   /* superblock 0 is not what it was */
    bool fired;
    bool has_found; /* what `check` wants to know of it */
};

struct rig_operation {
    const char *name;
    int (*run)(struct rig *rig);
    /* Instead of opening the volume for writing, before each round; optional. */
    void (*prepare)(struct rig *rig);
    /* What else has to be so, when the files are still as the call left them; optional. */
    void (*check)(struct rig *rig);
    unsigned classes;  /* each of these has to fire */
    unsigned swallows; /* faults of these may be got over, without what they were for */
    /* Locks that it takes of an attached and of a detached volume: that they are let go may fail,
     * where FAULT_FLOCK is swallowed. */
    unsigned num_locks[2];
    bool syncs_another_file;     /* and not that of the volume */
    bool is_apart;               /* it does not need the volume open, nor fills in its failure */
    bool may_not_open;           /* the volume may be gone after it: `check` says more */
    const struct rig_kind *kind; /* of this one alone */
};

void rig_run(const struct rig_operation *operation);

/* A cmocka teardown, for every test that calls it. */
int rig_teardown(void **state);

/* The options of an open or a create, whose failure is rig->failure. */
struct xtsvol_volume_options rig_options(struct rig *rig);

/* Opens the volume, which has to work. */
void rig_open(struct rig *rig);

/* next is something else from there on, for so many bytes. */
void rig_will_write(struct rig *rig, uint64_t from, uint64_t len);
void rig_will_lose(struct rig *rig, uint64_t from, uint64_t len);

/* Where the metadata is. */
const char *rig_metadata_path(const struct rig *rig);

/* Overwrites bytes of that file. */
void rig_damage(const struct rig *rig, uint64_t offset, size_t len);

/* What a call that fails leaves in what it would have filled in. */
bool rig_is_zero(const void *bytes, size_t len);

/* The sectors hold what they may hold. */
void rig_assert_contents(struct rig *rig, struct xtsvol_volume *volume);

#endif
