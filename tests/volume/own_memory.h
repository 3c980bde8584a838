/* SPDX-License-Identifier: Apache-2.0 */
/* Storage in memory as a caller of volumes may have it, and with every defect that it can have. */
#ifndef TESTS_VOLUME_OWN_MEMORY_H
#define TESTS_VOLUME_OWN_MEMORY_H

#include <xtsvol/volume.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    OWN_MEMORY_CAPACITY = 16 << 20 /* bytes that struct memory points to */
};

enum function {
    PREADV,
    PWRITEV,
    FLUSH,
    GET_SIZE,
    SET_SIZE,
    DISCARD,
    NEXT_HOLE,
    NUM_FUNCTIONS
};

struct memory {
    uint8_t *bytes;
    uint64_t size;
    unsigned num_closed;
    /* The nth call of a function, counted from when it is set, returns an error. */
    enum function failing;
    unsigned nth;
    bool and_all_after;
    int error;
    unsigned num_failed;
    /* What next_hole says. */
    uint64_t hole_end;
    int is_hole;
    bool is_out_of_range; /* it was asked for what it does not have */
};

struct xtsvol_io own_memory_io(struct memory *memory);

#endif
