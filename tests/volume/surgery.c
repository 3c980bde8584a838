/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/volume/surgery.h"

#include "common/base/endian.h"
#include "common/crypto/hash.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    LEN_OFFSET = 12, /* of a prelude */
    HEAD_LEN = 32,
    DIGEST_OFFSET = 32,
    MAC_OFFSET = 64
};

struct dump dump_read(const char *path)
{
    struct dump dump = {0};
    if (file_exists(path))
        file_read(&dump.bytes, &dump.len, path);
    return dump;
}

struct dump dump_copy(const struct dump *dump)
{
    struct dump copy = {.bytes = malloc(dump->len + 1), .len = dump->len};
    assert_non_null(copy.bytes);
    memcpy(copy.bytes, dump->bytes, dump->len);
    return copy;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

void dump_write(const struct dump *dump, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)dump->len), 0);
    for (size_t at = 0; at < dump->len; at += XV_PAGE_LEN) {
        size_t len = dump->len - at < XV_PAGE_LEN ? dump->len - at : XV_PAGE_LEN;
        if (!is_zero(dump->bytes + at, len))
            assert_int_equal(pwrite(fd, dump->bytes + at, len, (off_t)at), len);
    }
    assert_int_equal(close(fd), 0);
}

void dump_free(struct dump *dump)
{
    free(dump->bytes);
    *dump = (struct dump){0};
}

void assert_same_dump(const struct dump *dump, const char *path)
{
    struct dump now = dump_read(path);
    if (!dump->bytes != !now.bytes)
        fail_msg("%s: %s", path, now.bytes ? "was made" : "is gone");
    if (dump->len != now.len)
        fail_msg("%s: %zu bytes, was %zu", path, now.len, dump->len);
    for (size_t at = 0; now.bytes && dump->bytes && at < now.len; at++) {
        if (now.bytes[at] == dump->bytes[at])
            continue;
        size_t where = at;
        dump_free(&now);
        fail_msg("%s: another byte at %zu", path, where);
    }
    dump_free(&now);
}

bool dump_has(const struct dump *dump, const void *bytes, size_t len)
{
    return memmem(dump->bytes, dump->len, bytes, len) != NULL;
}

uint8_t *dump_slot(const struct dump *dump, unsigned copy)
{
    size_t offset = (size_t)xv_superblock_offset(copy);
    assert_true(offset + XV_SUPERBLOCK_MAX <= dump->len);
    return dump->bytes + offset;
}

size_t slot_len(const uint8_t *slot)
{
    return XV_PRELUDE_LEN + (size_t)common_get_le32(slot + LEN_OFFSET);
}

void slot_decode(struct xv_superblock *out, const uint8_t *slot)
{
    const char *why = NULL;
    assert_int_equal(xv_superblock_digest(slot, slot_len(slot)), 0);
    int error =
        xv_superblock_decode(out, slot + XV_PRELUDE_LEN, slot_len(slot) - XV_PRELUDE_LEN, &why);
    if (error)
        fail_msg("not to be decoded: %s", why);
}

void slot_edit(uint8_t *slot, const char *path, enum edit_how how, const char *hex)
{
    size_t len = 0;
    size_t old_len = slot_len(slot) - XV_PRELUDE_LEN;
    uint8_t *body = edited(&len, slot + XV_PRELUDE_LEN, old_len,
                           &(struct edit){.path = path, .how = how, .hex = hex});
    assert_true(len <= XV_BODY_MAX);
    memset(slot + XV_PRELUDE_LEN, 0, old_len);
    memcpy(slot + XV_PRELUDE_LEN, body, len);
    common_put_le32(slot + LEN_OFFSET, (uint32_t)len);
    free(body);
}

void slot_fix_digest(uint8_t *slot)
{
    const struct common_bytes pieces[] = {
        {.data = slot, .len = HEAD_LEN},
        {.data = slot + MAC_OFFSET, .len = XV_MAC_LEN},
        {.data = slot + XV_PRELUDE_LEN, .len = slot_len(slot) - XV_PRELUDE_LEN},
    };
    assert_int_equal(common_sha256(slot + DIGEST_OFFSET, pieces, ARRAY_LEN(pieces)), 0);
}

void slot_fix_mac(uint8_t *slot, const struct xv_meta_keys *keys)
{
    const struct common_bytes key = {.data = keys->super.data, .len = keys->super.len};
    const struct common_bytes pieces[] = {
        {.data = slot, .len = HEAD_LEN},
        {.data = slot + XV_PRELUDE_LEN, .len = slot_len(slot) - XV_PRELUDE_LEN},
    };
    assert_int_equal(common_hmac_sha256(slot + MAC_OFFSET, key, pieces, ARRAY_LEN(pieces)), 0);
    slot_fix_digest(slot);
}

void dump_put_state(struct dump *dump, const struct xv_superblock *state,
                    const struct xv_meta_keys *keys)
{
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++) {
        struct common_buf bytes = common_buf_growing(XV_SUPERBLOCK_MAX);
        assert_int_equal(xv_superblock_encode(&bytes, state, copy, keys), 0);
        memset(dump_slot(dump, copy), 0, XV_SUPERBLOCK_MAX);
        memcpy(dump_slot(dump, copy), bytes.data, bytes.len);
        common_buf_wipe(&bytes);
    }
}

void dump_keys(struct xv_meta_keys *out, struct common_secmem *arena, const struct dump *dump,
               struct keeper *keeper)
{
    struct xv_superblock state;
    uint32_t live[XTSVOL_LIVE_GENERATIONS_MAX + 1];
    uint8_t dek[XTSVOL_XTS_KEY_LEN];
    struct common_secret mac_key = {0};

    slot_decode(&state, dump_slot(dump, 0));
    struct xv_wrap_place place = {.uuid = state.uuid,
                                  .epoch = xv_epoch(state.sequence),
                                  .live = live,
                                  .num_live = xv_live_generations(live, &state),
                                  .generation = state.generations[0].id};
    assert_int_equal(keeper_key(keeper, dek, state.uuid, place.generation), 0);
    assert_int_equal(xv_unwrap(&mac_key, arena, &state.generations[0], dek, &place), 0);
    assert_int_equal(xv_meta_keys_derive(out, arena, &mac_key, state.uuid), 0);
    xv_superblock_free(&state);
}

uint8_t *dump_page(const struct dump *dump, const struct xv_superblock *state, unsigned copy,
                   uint64_t number)
{
    const struct xv_region *region = &state->layout.map[copy];
    assert_true(number < region->length / XV_PAGE_LEN);
    size_t offset = (size_t)(region->offset + number * XV_PAGE_LEN);
    assert_true(offset + XV_PAGE_LEN <= dump->len);
    return dump->bytes + offset;
}

static uint64_t *count_of(struct xv_superblock *state, uint32_t generation)
{
    for (size_t i = 0; i < state->num_generations; i++) {
        if (state->generations[i].id == generation)
            return &state->generations[i].num_extents;
    }
    assert_int_equal(generation, 0);
    return &state->num_plaintext;
}

void volume_give(struct xtsvol_volume *volume, uint64_t first, uint64_t num, uint32_t generation)
{
    struct xv_metadata *metadata = &volume->metadata;
    struct xtsvol_failure failure = {0};
    struct xv_superblock next = {0};
    assert_int_equal(xv_superblock_copy(&next, &metadata->state), 0);
    for (uint64_t extent = first; extent < first + num; extent++) {
        uint32_t old = 0;
        uint64_t run = 0;
        assert_int_equal(xv_map_get(metadata->map, &old, &run, extent, 1), 0);
        (*count_of(&next, old))--;
        (*count_of(&next, generation))++;
    }
    assert_int_equal(xv_metadata_settle(metadata, &failure), 0);
    assert_int_equal(xv_map_set(metadata->map, first, num, generation), 0);
    assert_volume_works(xv_metadata_commit(metadata, &next, &failure), &failure);
    xv_superblock_free(&next);
}

void volume_add(struct xtsvol_volume *volume, unsigned num_generations)
{
    for (unsigned i = 0; i < num_generations; i++) {
        struct xtsvol_failure failure = {0};
        int error = xv_volume_add_generation(volume);
        xtsvol_volume_failure(volume, &failure);
        assert_volume_works(error, &failure);
    }
}

static void describe_odd(struct xv_superblock *out, const struct odd_volume *odd)
{
    *out = (struct xv_superblock){
        .volume_size = odd->size,
        .sector_size = 4096,
        .iv = XTSVOL_IV_PLAIN64,
        .extent_shift = XV_EXTENT_SHIFT_MIN,
        .max_extents = 4000,
        .plaintext_allowed = odd->plaintext_allowed,
        .num_generations = 1,
        .generations = {{.id = odd->first_generation}},
        .root = {.kind = XV_ENTRY_UNIFORM,
                 .generation = odd->is_plaintext ? 0 : odd->first_generation},
    };
    memset(out->uuid, odd->uuid_byte, sizeof(out->uuid));
    if (odd->is_plaintext)
        out->num_plaintext = xv_num_extents(out);
    else
        out->generations[0].num_extents = xv_num_extents(out);
    assert_int_equal(xv_layout_make(&out->layout, out->max_extents, true), 0);
}

void odd_volume_make(const char *path, const struct odd_volume *odd, struct keeper *keeper)
{
    struct xtsvol_failure failure = {0};
    struct xtsvol_volume_options options = volume_options(keeper, &failure);
    struct xtsvol_volume *volume = NULL;
    struct xv_superblock first;
    struct xv_deks deks = {0};
    describe_odd(&first, odd);
    assert_volume_works(xv_volume_new(&volume, &options), &failure);
    assert_volume_works(xv_volume_open_files(volume, path, &options, XV_OPEN_CREATE), &failure);
    assert_volume_works(xv_volume_make_room(volume, &first, &failure), &failure);
    struct xv_load load = xv_volume_load(volume, &options);
    assert_volume_works(xv_metadata_create(&volume->metadata, &load, &first, &deks, &failure),
                        &failure);
    xv_deks_wipe(&deks);
    xtsvol_volume_close(&volume);
}

void seen_event(void *context, const struct xtsvol_event *event)
{
    struct seen *seen = context;
    if (seen->num == MAX_SEEN)
        return;
    (void)snprintf(seen->names[seen->num], sizeof(seen->names[0]), "%s", event->name);
    (void)snprintf(seen->reasons[seen->num], sizeof(seen->reasons[0]), "%s", event->reason);
    seen->num++;
}

unsigned seen_count(const struct seen *seen, const char *name)
{
    unsigned num = 0;
    for (unsigned i = 0; i < seen->num; i++)
        num += strcmp(seen->names[i], name) == 0;
    return num;
}
