/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our side of test_volume_cose.py. `write SEED NUM` prints NUM volumes that we made from a seed,
 * one a line, as words of hexadecimal: DEKs of all live generations, M, K_super, K_map, K_intent,
 * and copy 1 of the superblock. `open` reads lines "DEK UUID EPOCH LIVE GENERATION WRAP", numbers
 * in decimal and LIVE with commas, and answers each with M, or "refused".
 */
#include "common/base/cleanup.h"
#include "libxtsvol/src/volume/layout.h"
#include "libxtsvol/src/volume/superblock.h"
#include "tests/support/cbor_text.h"
#include "tests/support/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_GENERATIONS = 5
};

static void print_hex(const uint8_t *bytes, size_t len, char behind)
{
    for (size_t i = 0; i < len; i++)
        printf("%02x", bytes[i]);
    printf("%c", behind);
}

static void choose(struct xv_superblock *out, struct test_random *random)
{
    *out = (struct xv_superblock){
        .sequence = test_random_range(random, 1, 1000) << XV_EPOCH_SHIFT |
                    test_random_range(random, 1, 1000),
        .sector_size = 4096,
        .extent_shift = 20,
        .max_extents = 1 << 19,
        .plaintext_allowed = test_random_chance(random, 50),
        .num_generations = test_random_range(random, 1, MAX_GENERATIONS),
        .created_s = test_random_below(random, UINT64_C(1) << 40),
        .last_batch = test_random_below(random, 300),
    };
    test_random_bytes(random, out->uuid, sizeof(out->uuid));
    uint32_t id = 0;
    for (size_t i = 0; i < out->num_generations; i++) {
        id += (uint32_t)test_random_range(random, 1, 200);
        out->generations[i].id = id;
        out->generations[i].num_extents = test_random_below(random, 70000);
    }
    uint64_t num_extents = 1;
    out->generations[0].num_extents += 1;
    for (size_t i = 0; i < out->num_generations; i++)
        num_extents += out->generations[i].num_extents;
    out->generations[out->num_generations - 1].num_extents += 1;
    out->volume_size = num_extents << out->extent_shift;
    out->root =
        (struct xv_entry){.kind = XV_ENTRY_PAGE, .sequence = out->sequence, .mac = {1, 2, 3}};
}

/* DEKs are printed as they are made. */
static int wrap_all(struct xv_superblock *of, struct common_secmem *arena,
                    const struct xv_meta_keys *keys, struct test_random *random)
{
    uint32_t live[XTSVOL_LIVE_GENERATIONS_MAX + 1];
    struct xv_wrap_place place = {.uuid = of->uuid,
                                  .epoch = xv_epoch(of->sequence),
                                  .live = live,
                                  .num_live = xv_live_generations(live, of)};
    for (size_t i = 0; i < of->num_generations; i++) {
        struct xv_generation *generation = &of->generations[i];
        uint8_t dek[XTSVOL_XTS_KEY_LEN];
        test_random_bytes(random, dek, sizeof(dek));
        print_hex(dek, sizeof(dek), i + 1 < of->num_generations ? ',' : ' ');
        place.generation = generation->id;
        int error = xv_key_check(generation->check, dek, of->uuid, generation->id);
        if (!error)
            error = xv_wrap(generation, arena, &keys->mac, dek, &place);
        if (error)
            return error;
    }
    return 0;
}

static int write_one(struct common_secmem *arena, struct test_random *random)
{
    struct xv_superblock made;
    struct xv_meta_keys keys;
    COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(XV_SUPERBLOCK_MAX);
    choose(&made, random);
    int error = xv_layout_make(&made.layout, made.max_extents, true);
    if (!error)
        error = xv_meta_keys_new(&keys, arena, made.uuid);
    if (error)
        return error;
    error = wrap_all(&made, arena, &keys, random);
    print_hex(keys.mac.data, keys.mac.len, ' ');
    print_hex(keys.super.data, keys.super.len, ' ');
    print_hex(keys.map.data, keys.map.len, ' ');
    print_hex(keys.intent.data, keys.intent.len, ' ');
    if (!error)
        error = xv_superblock_encode(&buf, &made, 1, &keys);
    print_hex(buf.data, buf.len, '\n');
    xv_meta_keys_wipe(&keys);
    return error;
}

static int write_all(struct common_secmem *arena, uint64_t seed, unsigned long num)
{
    struct test_random random = test_random_of(seed);
    int error = 0;
    for (unsigned long i = 0; i < num && !error; i++)
        error = write_one(arena, &random);
    return error ? 1 : 0;
}

static size_t read_live(uint32_t out[XTSVOL_LIVE_GENERATIONS_MAX + 1], const char *text)
{
    size_t num = 0;
    while (*text && num < XTSVOL_LIVE_GENERATIONS_MAX + 1) {
        char *rest = NULL;
        out[num++] = (uint32_t)strtoul(text, &rest, 10);
        text = *rest == ',' ? rest + 1 : rest;
    }
    return num;
}

static int open_one(struct common_secmem *arena, char *line)
{
    const char *words[6] = {NULL};
    char *rest = line;
    for (size_t i = 0; i < 6; i++) {
        words[i] = strsep(&rest, " \n");
        if (!words[i])
            return -1;
    }
    uint32_t live[XTSVOL_LIVE_GENERATIONS_MAX + 1];
    size_t dek_len = 0;
    size_t uuid_len = 0;
    size_t wrap_len = 0;
    COMMON_CLEANUP_FREE uint8_t *dek = cbor_from_hex(words[0], &dek_len);
    COMMON_CLEANUP_FREE uint8_t *uuid = cbor_from_hex(words[1], &uuid_len);
    COMMON_CLEANUP_FREE uint8_t *wrap = cbor_from_hex(words[5], &wrap_len);
    const struct xv_wrap_place place = {
        .uuid = uuid,
        .epoch = strtoull(words[2], NULL, 10),
        .live = live,
        .num_live = read_live(live, words[3]),
        .generation = (uint32_t)strtoul(words[4], NULL, 10),
    };
    struct xv_generation generation = {.id = place.generation, .wrap_len = wrap_len};
    if (dek_len != XTSVOL_XTS_KEY_LEN || uuid_len != XTSVOL_UUID_LEN || wrap_len > XV_WRAP_MAX)
        return -1;
    memcpy(generation.wrap, wrap, wrap_len);
    COMMON_CLEANUP_SECRET struct common_secret found = {0};
    if (xv_unwrap(&found, arena, &generation, dek, &place))
        printf("refused\n");
    else
        print_hex(found.data, found.len, '\n');
    return 0;
}

static int open_all(struct common_secmem *arena)
{
    COMMON_CLEANUP_FREE char *line = NULL;
    size_t line_cap = 0;
    while (getline(&line, &line_cap, stdin) > 0)
        if (open_one(arena, line))
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    struct common_secmem *arena = NULL;
    int status = 2;
    if (common_secmem_open(&arena, NULL))
        return 1;
    if (argc == 4 && strcmp(argv[1], "write") == 0)
        status = write_all(arena, strtoull(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
    else if (argc == 2 && strcmp(argv[1], "open") == 0)
        status = open_all(arena);
    else
        (void)fprintf(stderr, "usage: volume_cose write SEED NUM | open\n");
    common_secmem_close(&arena);
    return status;
}
