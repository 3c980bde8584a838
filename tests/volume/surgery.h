/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A volume opened up: its files as bytes, to be compared, damaged and put back; its superblocks and
 * pages edited, by somebody who has the keys or by somebody who has not; and volumes that the
 * public calls do not make.
 */
#ifndef TESTS_VOLUME_SURGERY_H
#define TESTS_VOLUME_SURGERY_H

#include "libxtsvol/src/volume/handle.h"
#include "tests/volume/sample.h"
#include "tests/volume/volume_support.h"

/* A whole file. bytes is NULL where there is none. */
struct dump {
    uint8_t *bytes;
    size_t len;
};

struct dump dump_read(const char *path);
struct dump dump_copy(const struct dump *dump);
/* Zeroes become holes. */
void dump_write(const struct dump *dump, const char *path);
void dump_free(struct dump *dump);
/* The file is byte for byte what it was, or still not there. */
void assert_same_dump(const struct dump *dump, const char *path);
bool dump_has(const struct dump *dump, const void *bytes, size_t len);

/* Superblock `copy` in the dump; how many bytes of it its prelude claims. */
uint8_t *dump_slot(const struct dump *dump, unsigned copy);
size_t slot_len(const uint8_t *slot);
/* The body, decoded; its digest must fit. To be freed. */
void slot_decode(struct xv_superblock *out, const uint8_t *slot);
/* Changes the body and its length; digest and MAC stay what they were. */
void slot_edit(uint8_t *slot, const char *path, enum edit_how how, const char *hex);
/* What anybody can do who writes to the medium ... */
void slot_fix_digest(uint8_t *slot);
/* ... and only who has the MAC key: MAC and digest. */
void slot_fix_mac(uint8_t *slot, const struct xv_meta_keys *keys);
/* Both copies become this state, as its owner would write it. */
void dump_put_state(struct dump *dump, const struct xv_superblock *state,
                    const struct xv_meta_keys *keys);

/* The keys of the metadata that slot 0 of the dump is under, which the keeper's keys open. */
void dump_keys(struct xv_meta_keys *out, struct common_secmem *arena, const struct dump *dump,
               struct keeper *keeper);

/* Page `number` of map copy `copy`. */
uint8_t *dump_page(const struct dump *dump, const struct xv_superblock *state, unsigned copy,
                   uint64_t number);

/* num extents from first are of that generation from now on, in a commit of its own. What is in
 * them reads as anything. */
void volume_give(struct xtsvol_volume *volume, uint64_t first, uint64_t num, uint32_t generation);
void volume_add(struct xtsvol_volume *volume, unsigned num_generations);

/* A volume that begins with another generation than 1, or has extents of plaintext. */
struct odd_volume {
    uint64_t size;
    uint32_t first_generation;
    bool plaintext_allowed;
    bool is_plaintext; /* all of it */
    uint8_t uuid_byte; /* all of its UUID */
};
void odd_volume_make(const char *path, const struct odd_volume *odd, struct keeper *keeper);

/* Events, counted by name. */
enum {
    MAX_SEEN = 32
};
struct seen {
    unsigned num;
    char names[MAX_SEEN][32];
    char reasons[MAX_SEEN][160];
};
void seen_event(void *context, const struct xtsvol_event *event);
unsigned seen_count(const struct seen *seen, const char *name);

#endif
