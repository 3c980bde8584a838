/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage to the metadata of a volume, by name: what is done, and what has to become of it when it
 * is done to one copy or to both.
 */
#ifndef TESTS_VOLUME_CORRUPTION_H
#define TESTS_VOLUME_CORRUPTION_H

#include "tests/volume/surgery.h"

/* What damage has to work with. */
struct patient {
    struct dump dump;  /* of the header: to be damaged */
    struct dump older; /* some commits before */
    struct dump other; /* of another volume, of the same form and age */
    struct xv_superblock state;
    struct xv_superblock other_state;
    struct xv_meta_keys keys; /* of the volume */
};

enum verdict {
    SILENT = 1,  /* opens, and says nothing */
    RECOVERS,    /* opens, and makes the copies the same again: nothing was damaged */
    TOLD,        /* the same, and says that a copy was damaged */
    PAGE_TOLD,   /* opens; whoever meets the page is told, and a repair makes it good */
    PAGE_LOST,   /* opens; extents cannot be read, and no others are given in their place */
    EXTENT_LOST, /* the same, of a page that is in order */
    OLDER,       /* opens as what it was: only min_sequence tells */
    /* and the negative ones: enum xtsvol_error */
};

struct corruption {
    const char *name;
    void (*damage)(struct patient *patient, unsigned copy);
    int one;  /* verdict, when done to either copy */
    int both; /* when done to both; 0: cannot be */
};

extern const struct corruption superblock_corruptions[];
extern const size_t num_superblock_corruptions;
extern const struct corruption page_corruptions[];
extern const size_t num_page_corruptions;

#endif
