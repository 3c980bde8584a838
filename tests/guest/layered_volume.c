/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A volume half-way through two re-encryptions, for tests/guest/dmcrypt:
 *
 *     layered_volume FILE KEYFILE
 *
 * makes one with its metadata in front, whose extents are of generations 1, 2 and 0 (plaintext) in
 * turn, in runs of one and more, and a key file for it.
 */
#include "tests/volume/surgery.h"

#include <string.h>

enum {
    NUM_GENERATIONS = 2
};

static const uint32_t generations[] = {1, 1, 2, 0, 2, 2, 0, 0, 1, 2, 1, 0};

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    const struct odd_volume odd = {.size = ARRAY_LEN(generations) * (uint64_t)XTSVOL_EXTENT_MIN,
                                   .first_generation = 1,
                                   .plaintext_allowed = true,
                                   .uuid_byte = 0x5a};
    struct keeper keeper = {0};
    struct xtsvol_failure failure = {0};
    struct xtsvol_volume *volume = NULL;
    uint8_t keys[NUM_GENERATIONS][XTSVOL_XTS_KEY_LEN];
    uint8_t uuid[XTSVOL_UUID_LEN];

    odd_volume_make(argv[1], &odd, &keeper);
    struct xtsvol_volume_options options = volume_options(&keeper, &failure);
    options.allow_plaintext = 1;
    assert_volume_works(xtsvol_volume_open(&volume, argv[1], &options), &failure);
    volume_add(volume, NUM_GENERATIONS - 1);
    for (size_t i = 0; i < ARRAY_LEN(generations); i++)
        volume_give(volume, i, 1, generations[i]);
    xtsvol_volume_close(&volume);

    memset(uuid, odd.uuid_byte, sizeof(uuid));
    for (uint32_t i = 0; i < NUM_GENERATIONS; i++)
        assert_int_equal(keeper_key(&keeper, keys[i], uuid, i + 1), 0);
    file_write(argv[2], keys, sizeof(keys));
    return 0;
}
