/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/volume/volume_support.h"
#include "tests/support/random.h"

#include <string.h>

int keeper_key(void *context, uint8_t key[XTSVOL_XTS_KEY_LEN], const uint8_t uuid[XTSVOL_UUID_LEN],
               uint32_t generation)
{
    struct keeper *keeper = context;
    keeper->num_asked++;
    if (keeper->error)
        return keeper->error;
    if ((keeper->num_generations && generation > keeper->num_generations) ||
        generation == keeper->destroyed)
        return XTSVOL_ERR_NOT_FOUND;
    uint64_t seed = (uint64_t)keeper->number << 32 | generation;
    for (size_t i = 0; i < XTSVOL_UUID_LEN; i++)
        seed = seed * 257 + uuid[i];
    struct test_random random = test_random_of(seed);
    test_random_bytes(&random, key, XTSVOL_XTS_KEY_LEN);
    return 0;
}

int keeper_destroy(void *context, const uint8_t uuid[XTSVOL_UUID_LEN], uint32_t generation)
{
    (void)uuid;
    struct keeper *keeper = context;
    keeper->destroyed = generation;
    keeper->num_destroyed++;
    return keeper->error;
}

struct xtsvol_volume_options volume_options(struct keeper *keeper, struct xtsvol_failure *failure)
{
    struct xtsvol_volume_options options = xtsvol_volume_options_default();
    options.key = keeper_key;
    options.key_context = keeper;
    options.failure = failure;
    return options;
}

void assert_volume_works(int error, const struct xtsvol_failure *failure)
{
    if (error)
        fail_msg("%s: %s (errno %d)", xtsvol_error_name(error), failure->message,
                 failure->native_error);
}

struct xtsvol_volume *volume_make(const char *path, const char *header, uint64_t size,
                                  uint32_t sector_size, uint32_t extent_size, enum xtsvol_iv iv,
                                  struct keeper *keeper)
{
    struct xtsvol_failure failure = {0};
    struct xtsvol_volume_options options = volume_options(keeper, &failure);
    struct xtsvol_create_options create = xtsvol_create_options_default();
    struct xtsvol_volume *volume = NULL;
    options.header_path = header;
    create.volume_size = size;
    create.sector_size = sector_size;
    create.extent_size = extent_size;
    create.iv = iv;
    assert_volume_works(xtsvol_volume_create(&volume, path, &create, &options), &failure);
    assert_non_null(volume);
    return volume;
}

struct xtsvol_volume *volume_reopen(const char *path, const char *header, struct keeper *keeper)
{
    struct xtsvol_failure failure = {0};
    struct xtsvol_volume_options options = volume_options(keeper, &failure);
    struct xtsvol_volume *volume = NULL;
    options.header_path = header;
    assert_volume_works(xtsvol_volume_open(&volume, path, &options), &failure);
    assert_non_null(volume);
    return volume;
}
