/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of volumes share: a keeper of keys, whose key of a generation is made of the number of
 * the keeper, the UUID and the generation; options; and volumes in a temporary directory.
 */
#ifndef TESTS_VOLUME_VOLUME_SUPPORT_H
#define TESTS_VOLUME_VOLUME_SUPPORT_H

#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <xtsvol/volume.h>

struct keeper {
    uint32_t number;          /* another number, other keys */
    uint32_t num_generations; /* it has 1 to this; 0: all */
    uint32_t destroyed;       /* it does not have this one any more */
    unsigned num_asked;
    unsigned num_destroyed;
    int error; /* if it is to fail */
};

int keeper_key(void *context, uint8_t key[XTSVOL_XTS_KEY_LEN], const uint8_t uuid[XTSVOL_UUID_LEN],
               uint32_t generation);
int keeper_destroy(void *context, const uint8_t uuid[XTSVOL_UUID_LEN], uint32_t generation);

/* Default options with that keeper. failure may be NULL. */
struct xtsvol_volume_options volume_options(struct keeper *keeper, struct xtsvol_failure *failure);

/* Makes a volume, which must work. header: NULL, attached. */
struct xtsvol_volume *volume_make(const char *path, const char *header, uint64_t size,
                                  uint32_t sector_size, uint32_t extent_size, enum xtsvol_iv iv,
                                  struct keeper *keeper);
struct xtsvol_volume *volume_reopen(const char *path, const char *header, struct keeper *keeper);

/* What call failed with, and why: for a test that did not expect it. */
void assert_volume_works(int error, const struct xtsvol_failure *failure);

#endif
