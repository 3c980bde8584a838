/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/volume/map_rig.h"

#include "tests/support/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void copy_sectors(struct rig *rig, uint8_t *to, const uint8_t *from, size_t len)
{
    for (size_t done = 0; done < len; done += RIG_SECTOR) {
        (void)pthread_mutex_lock(&rig->medium_lock);
        memcpy(to + done, from + done, RIG_SECTOR);
        (void)pthread_mutex_unlock(&rig->medium_lock);
    }
}

static bool shall_fail(const struct rig *rig, size_t number, size_t from)
{
    return from && (rig->fails_once ? number == from : number >= from);
}

static int medium_read(void *context, const struct iovec *iov, size_t num_iov, uint64_t offset)
{
    struct rig *rig = context;
    size_t number = atomic_fetch_add(&rig->num_reads, 1) + 1;
    int error = rig->on_read ? rig->on_read(rig, number, offset) : 0;
    if (error || shall_fail(rig, number, rig->fail_read))
        return error ? error : EIO;
    for (size_t i = 0; i < num_iov; i++) {
        if (offset + iov[i].iov_len > rig->medium_len)
            return EFAULT;
        copy_sectors(rig, iov[i].iov_base, rig->medium + offset, iov[i].iov_len);
        offset += iov[i].iov_len;
    }
    if (rig->after_read)
        rig->after_read(rig, number);
    return 0;
}

/* Some sectors of what it should have written. */
static void write_torn(struct rig *rig, const struct iovec *iov, size_t num_iov, uint64_t offset)
{
    for (size_t i = 0; i < num_iov; i++)
        for (size_t done = 0; done < iov[i].iov_len; done += RIG_SECTOR, offset += RIG_SECTOR)
            if (test_random_chance(&rig->torn, 50))
                copy_sectors(rig, rig->medium + offset, (uint8_t *)iov[i].iov_base + done,
                             RIG_SECTOR);
}

static int medium_write(void *context, const struct iovec *iov, size_t num_iov, uint64_t offset)
{
    struct rig *rig = context;
    size_t number = atomic_fetch_add(&rig->num_writes, 1) + 1;
    if (shall_fail(rig, number, rig->fail_write)) {
        if (number == rig->fail_write)
            write_torn(rig, iov, num_iov, offset);
        return EIO;
    }
    for (size_t i = 0; i < num_iov; i++) {
        if (offset + iov[i].iov_len > rig->medium_len)
            return EFAULT;
        copy_sectors(rig, rig->medium + offset, iov[i].iov_base, iov[i].iov_len);
        offset += iov[i].iov_len;
    }
    return 0;
}

static int medium_flush(void *context)
{
    (void)context;
    return 0;
}

static int medium_size(void *context, uint64_t *size)
{
    *size = ((struct rig *)context)->medium_len;
    return 0;
}

static void note_damage(void *context, uint64_t page_number, unsigned copy)
{
    struct rig *rig = context;
    atomic_fetch_add(&rig->num_damaged[copy], 1);
    atomic_store(&rig->last_damaged, page_number);
    if (rig->on_damage)
        rig->on_damage(rig);
}

static void fill_key(struct rig *rig, uint8_t seed)
{
    for (size_t i = 0; i < XV_META_KEY_LEN; i++)
        rig->keys.map.data[i] = (uint8_t)(seed + 7 * i);
}

static void make_keys(struct rig *rig)
{
    assert_int_equal(common_secmem_open(&rig->arena, NULL), 0);
    assert_int_equal(common_secret_new(&rig->keys.map, rig->arena, XV_META_KEY_LEN), 0);
    fill_key(rig, rig->key_seed);
}

/* Gaps around both copies, so that what is written outside is not in the other one. */
static void make_medium(struct rig *rig)
{
    uint64_t gap = (uint64_t)3 * XV_PAGE_LEN;
    uint64_t length = rig->tree.num_pages * XV_PAGE_LEN;
    rig->superblock.layout.map[0] = (struct xv_region){gap, length};
    rig->superblock.layout.map[1] = (struct xv_region){2 * gap + length, length};
    rig->medium_len = 3 * gap + 2 * length;
    rig->medium = mmap(NULL, rig->medium_len, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(rig->medium, MAP_FAILED);
}

struct rig *rig_open_bare(uint64_t max_extents, uint32_t generation, size_t max_memory)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    assert_int_equal(pthread_mutex_init(&rig->medium_lock, NULL), 0);
    rig->torn = test_random_of(max_extents);
    rig->max_memory = max_memory;
    rig->io = (struct xtsvol_io){.size = sizeof(rig->io),
                                 .context = rig,
                                 .preadv = medium_read,
                                 .pwritev = medium_write,
                                 .flush = medium_flush,
                                 .get_size = medium_size};
    make_keys(rig);
    memset(rig->superblock.uuid, 0xa5, XTSVOL_UUID_LEN);
    rig->superblock.sequence = UINT64_C(1) << XV_EPOCH_SHIFT | 1;
    rig->superblock.max_extents = max_extents;
    rig->superblock.root = (struct xv_entry){.kind = XV_ENTRY_UNIFORM, .generation = generation};
    assert_int_equal(xv_tree_make(&rig->tree, max_extents), 0);
    make_medium(rig);
    assert_int_equal(rig_try_open(rig), 0);
    return rig;
}

struct rig *rig_open(uint64_t max_extents, uint32_t generation, size_t max_memory)
{
    struct rig *rig = rig_open_bare(max_extents, generation, max_memory);
    rig->model = malloc(max_extents * sizeof(*rig->model));
    rig->settled = malloc(max_extents * sizeof(*rig->settled));
    assert_true(rig->model && rig->settled);
    for (uint64_t extent = 0; extent < max_extents; extent++)
        rig->model[extent] = rig->settled[extent] = (uint16_t)generation;
    return rig;
}

void rig_close(struct rig **rig)
{
    xv_map_close(&(*rig)->map);
    common_secret_free(&(*rig)->keys.map);
    common_secmem_close(&(*rig)->arena);
    (void)munmap((*rig)->medium, (*rig)->medium_len);
    (void)pthread_mutex_destroy(&(*rig)->medium_lock);
    free((*rig)->model);
    free((*rig)->settled);
    free(*rig);
    *rig = NULL;
}

static void copy_model(const struct rig *rig, uint16_t *to, const uint16_t *from)
{
    if (rig->model)
        memcpy(to, from, rig->superblock.max_extents * sizeof(*to));
}

int rig_try_open(struct rig *rig)
{
    return xv_map_open(&rig->map, &(struct xv_map_options){.io = &rig->io,
                                                           .superblock = &rig->superblock,
                                                           .keys = &rig->keys,
                                                           .max_memory = rig->max_memory,
                                                           .damaged = note_damage,
                                                           .context = rig});
}

void rig_reopen(struct rig *rig)
{
    xv_map_close(&rig->map);
    fill_key(rig, rig->key_seed);
    rig->is_rekeyed = false;
    assert_int_equal(rig_try_open(rig), 0);
    copy_model(rig, rig->model, rig->settled);
}

void rig_model_set(struct rig *rig, uint64_t first, uint64_t num, uint32_t generation)
{
    for (uint64_t extent = first; rig->model && extent < first + num; extent++)
        rig->model[extent] = (uint16_t)generation;
}

void rig_set(struct rig *rig, uint64_t first, uint64_t num, uint32_t generation)
{
    assert_int_equal(xv_map_set(rig->map, first, num, generation), 0);
    rig_model_set(rig, first, num, generation);
}

int rig_seal(struct rig *rig, struct xv_entry *out_root)
{
    return xv_map_seal(rig->map, rig->superblock.sequence + 1, out_root);
}

void rig_settle(struct rig *rig, const struct xv_entry *root)
{
    xv_map_settle(rig->map);
    rig->superblock.root = *root;
    rig->superblock.sequence++;
    rig->key_seed += rig->is_rekeyed;
    rig->is_rekeyed = false;
    copy_model(rig, rig->settled, rig->model);
}

int rig_try_commit(struct rig *rig)
{
    struct xv_entry root;
    bool wrote = false;
    int error = rig_seal(rig, &root);
    if (!error)
        error = xv_map_secure(rig->map, &wrote);
    for (unsigned copy = 0; copy < XV_NUM_COPIES && !error; copy++)
        error = xv_map_write(rig->map, copy);
    if (!error)
        rig_settle(rig, &root);
    return error;
}

void rig_commit(struct rig *rig)
{
    assert_int_equal(rig_try_commit(rig), 0);
}

void rig_revert(struct rig *rig)
{
    if (rig->is_rekeyed)
        fill_key(rig, rig->key_seed);
    rig->is_rekeyed = false;
    xv_map_revert(rig->map);
    copy_model(rig, rig->model, rig->settled);
}

int rig_try_rekey(struct rig *rig)
{
    int error = xv_map_touch_all(rig->map);
    if (error)
        return error;
    fill_key(rig, (uint8_t)(rig->key_seed + 1));
    rig->is_rekeyed = true;
    return 0;
}

void rig_rekey(struct rig *rig)
{
    assert_int_equal(rig_try_rekey(rig), 0);
}

const char *rig_compare_range(struct rig *rig, uint64_t first, uint64_t num)
{
    for (uint64_t extent = first; extent < first + num;) {
        uint32_t generation = 0;
        uint64_t got = 0;
        uint64_t max = first + num - extent;
        if (xv_map_get(rig->map, &generation, &got, extent, max))
            return "a lookup failed";
        if (got == 0 || got > max)
            return "a lookup tells of no extent, or of too many";
        for (uint64_t i = 0; i < got; i++)
            if (rig->model[extent + i] != generation)
                return "a lookup gives another generation";
        extent += got;
    }
    return NULL;
}

const char *rig_compare(struct rig *rig)
{
    return rig_compare_range(rig, 0, rig->superblock.max_extents);
}

uint32_t rig_get(struct rig *rig, uint64_t extent)
{
    uint32_t generation = 0;
    uint64_t num = 0;
    assert_int_equal(xv_map_get(rig->map, &generation, &num, extent, 1), 0);
    assert_int_equal(num, 1);
    return generation;
}

uint8_t *rig_page(struct rig *rig, unsigned copy, uint64_t number)
{
    return rig->medium + rig->superblock.layout.map[copy].offset + number * XV_PAGE_LEN;
}

void rig_damage(struct rig *rig, unsigned copy, uint64_t number)
{
    rig_page(rig, copy, number)[XV_PAGE_LEN - 1] ^= 0x40;
}

size_t rig_damaged(const struct rig *rig)
{
    return atomic_load(&rig->num_damaged[0]) + atomic_load(&rig->num_damaged[1]);
}

struct count {
    size_t num;
    size_t num_bad;
};

static int count_page(void *context, const struct xv_map_visit *visit)
{
    struct count *count = context;
    count->num++;
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
        count->num_bad += !visit->copy_is_good[copy];
    return 0;
}

size_t rig_num_pages(struct rig *rig, size_t *out_num_bad)
{
    struct count count = {0};
    assert_int_equal(xv_map_walk(rig->map, count_page, &count), 0);
    if (out_num_bad)
        *out_num_bad = count.num_bad;
    return count.num;
}

struct list {
    struct xv_page_place *places;
    size_t num;
    size_t max;
};

static int list_page(void *context, const struct xv_map_visit *visit)
{
    struct list *list = context;
    if (list->num < list->max)
        list->places[list->num++] = visit->place;
    return 0;
}

size_t rig_list_pages(struct rig *rig, struct xv_page_place *out, size_t max)
{
    struct list list = {.places = out, .max = max};
    assert_int_equal(xv_map_walk(rig->map, list_page, &list), 0);
    return list.num;
}

static int mend_page(void *context, const struct xv_map_visit *visit)
{
    struct rig *rig = context;
    for (unsigned copy = 0; copy < XV_NUM_COPIES; copy++)
        if (visit->page && !visit->copy_is_good[copy])
            memcpy(rig_page(rig, copy, visit->place.number), visit->page, XV_PAGE_LEN);
    return 0;
}

void rig_mend(struct rig *rig)
{
    assert_int_equal(xv_map_walk(rig->map, mend_page, rig), 0);
}
