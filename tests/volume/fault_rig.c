/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/volume/fault_rig.h"

#include "common/base/cleanup.h"
#include "libxtsvol/src/volume/handle.h"
#include "tests/support/random.h"
#include "tests/volume/file_hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MIB = 1024 * 1024,
    PROBE = 3 * RIG_EXTENT + 100, /* where is written to see whether it can be done */
    PROBE_LEN = 700
};

static const struct rig_kind rig_kinds[] = {
    {"attached, 4096", 5ULL * RIG_EXTENT, 4096, false, false, 0},
    {"detached, 512, two generations", 5ULL * RIG_EXTENT, 512, true, true, 0},
};
const struct rig_kind rig_kind_with_workers = {
    "detached, 512, two generations, workers", 4ULL * MIB, 512, true, true, 2};

static const struct rig_fault faults[] = {
    {FAULT_MALLOC, FAULT_ONCE, ENOMEM},
    {FAULT_MALLOC, FAULT_FROM_THEN_ON, ENOMEM},
    {FAULT_MMAP, FAULT_ONCE, ENOMEM},
    {FAULT_MLOCK, FAULT_ONCE, ENOMEM},
    {FAULT_OPEN, FAULT_ONCE, EIO},
    {FAULT_OPEN, FAULT_ONCE, ENOSPC},
    {FAULT_OPEN, FAULT_ONCE, ENOMEM},
    {FAULT_OPEN, FAULT_ONCE, EINTR},
    {FAULT_READ, FAULT_ONCE, EIO},
    {FAULT_READ, FAULT_FROM_THEN_ON, EIO},
    {FAULT_READ, FAULT_ONCE, ENOMEM},
    {FAULT_READ, FAULT_ONCE, EINTR},
    {FAULT_READ, FAULT_SHORT, EIO},
    {FAULT_READ, FAULT_SHORT_THEN_FAIL, EIO},
    {FAULT_WRITE, FAULT_ONCE, EIO},
    {FAULT_WRITE, FAULT_FROM_THEN_ON, EIO},
    {FAULT_WRITE, FAULT_ONCE, ENOSPC},
    {FAULT_WRITE, FAULT_FROM_THEN_ON, ENOSPC},
    {FAULT_WRITE, FAULT_ONCE, ENOMEM},
    {FAULT_WRITE, FAULT_ONCE, EINTR},
    {FAULT_WRITE, FAULT_SHORT, EIO},
    {FAULT_WRITE, FAULT_SHORT_THEN_FAIL, EIO},
    {FAULT_WRITE, FAULT_SHORT_THEN_FAIL, ENOSPC},
    {FAULT_SYNC, FAULT_ONCE, EIO},
    {FAULT_SYNC, FAULT_FROM_THEN_ON, EIO},
    {FAULT_SYNC, FAULT_ONCE, ENOSPC},
    {FAULT_SYNC, FAULT_ONCE, EINTR},
    {FAULT_METADATA, FAULT_ONCE, EIO},
    {FAULT_METADATA, FAULT_ONCE, ENOSPC},
    {FAULT_METADATA, FAULT_FROM_THEN_ON, ENOSPC},
    {FAULT_METADATA, FAULT_ONCE, EINTR},
    {FAULT_FLOCK, FAULT_ONCE, EIO},
    {FAULT_FLOCK, FAULT_ONCE, ENOMEM},
    {FAULT_FLOCK, FAULT_ONCE, EINTR},
    {FAULT_RANDOM, FAULT_ONCE, EIO},
    {FAULT_RANDOM, FAULT_ONCE, EINTR},
    {FAULT_RANDOM, FAULT_SHORT, EIO},
    {FAULT_THREAD, FAULT_ONCE, EAGAIN},
    /* The disk is gone. */
    {FAULT_READ | FAULT_WRITE | FAULT_SYNC | FAULT_METADATA, FAULT_FROM_THEN_ON, EIO},
};

/* The category of the fault, 0 when it is none: the library goes on where a call was interrupted or
 * moved less than all. */
static int category_of(const struct rig_fault *fault)
{
    if (fault->error == EINTR || fault->mode == FAULT_SHORT)
        return 0;
    if (fault->classes == FAULT_THREAD)
        return XTSVOL_ERR_LIMIT;
    switch (fault->error) {
    case ENOMEM:
        return XTSVOL_ERR_NO_MEMORY;
    case ENOSPC:
        return XTSVOL_ERR_NO_SPACE;
    default:
        return XTSVOL_ERR_IO;
    }
}

struct xtsvol_volume_options rig_options(struct rig *rig)
{
    memset(&rig->failure, 0, sizeof(rig->failure));
    struct xtsvol_volume_options options = volume_options(&rig->keeper, &rig->failure);
    options.header_path = rig->kind->is_detached ? rig->header : NULL;
    options.num_threads = rig->kind->num_threads;
    return options;
}

const char *rig_metadata_path(const struct rig *rig)
{
    return rig->kind->is_detached ? rig->header : rig->path;
}

void rig_open(struct rig *rig)
{
    struct xtsvol_volume_options options = rig_options(rig);
    assert_volume_works(xtsvol_volume_open(&rig->volume, rig->path, &options), &rig->failure);
}

void rig_damage(const struct rig *rig, uint64_t offset, size_t len)
{
    uint8_t *zeroes = calloc(1, len);
    COMMON_CLEANUP_FD int fd = open(rig_metadata_path(rig), O_WRONLY | O_CLOEXEC);
    assert_non_null(zeroes);
    assert_int_equal(pwrite(fd, zeroes, len, (off_t)offset), (ssize_t)len);
    free(zeroes);
}

bool rig_is_zero(const void *bytes, size_t len)
{
    const uint8_t *byte = bytes;
    for (size_t i = 0; i < len; i++) {
        if (byte[i] != 0)
            return false;
    }
    return true;
}

void rig_will_write(struct rig *rig, uint64_t from, uint64_t len)
{
    rig->from = from;
    rig->end = from + len;
    for (uint64_t at = from; at < from + len; at++)
        rig->next[at] = (uint8_t)~rig->expected[at];
}

void rig_will_lose(struct rig *rig, uint64_t from, uint64_t len)
{
    rig->from = from;
    rig->end = from + len;
    rig->is_lost = true;
}

/* Holes stay holes: a volume of these sizes is mostly that. */
static void copy_file(const char *to, const char *from)
{
    COMMON_CLEANUP_FD int in = open(from, O_RDONLY | O_CLOEXEC);
    COMMON_CLEANUP_FD int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    static uint8_t bytes[1 << 16];
    struct stat status;
    assert_int_equal(fstat(in, &status), 0);
    assert_int_equal(ftruncate(out, status.st_size), 0);
    off_t at = 0;
    while ((at = lseek(in, at, SEEK_DATA)) >= 0 && at < status.st_size) {
        off_t end = lseek(in, at, SEEK_HOLE);
        while (at < end) {
            size_t len = (size_t)(end - at) < sizeof(bytes) ? (size_t)(end - at) : sizeof(bytes);
            ssize_t got = pread(in, bytes, len, at);
            assert_true(got > 0);
            assert_int_equal(pwrite(out, bytes, (size_t)got, at), got);
            at += got;
        }
    }
}

static char *pristine(char out[PATH_MAX], const struct rig *rig, const char *name)
{
    char file[64];
    (void)snprintf(file, sizeof(file), "pristine-%s", name);
    return tmpdir_path(out, &rig->dir, file);
}

static void make_volume(struct rig *rig)
{
    const struct rig_kind *kind = rig->kind;
    struct xtsvol_volume_options options = rig_options(rig);
    struct xtsvol_create_options create = xtsvol_create_options_default();
    create.volume_size = kind->has_pages ? kind->size / 2 : kind->size;
    create.max_volume_size = 3000ULL * RIG_EXTENT; /* two leaves and a root */
    create.sector_size = kind->sector_size;
    create.extent_size = RIG_EXTENT;
    assert_volume_works(xtsvol_volume_create(&rig->volume, rig->path, &create, &options),
                        &rig->failure);
    if (kind->has_pages) {
        assert_int_equal(xv_volume_add_generation(rig->volume), 0);
        assert_int_equal(xtsvol_resize(rig->volume, kind->size, 0), 0);
    }
    assert_int_equal(xtsvol_pwrite(rig->volume, rig->original, kind->size, 0), 0);
    assert_int_equal(xtsvol_flush(rig->volume), 0);
    assert_int_equal(xtsvol_header_backup(rig->volume, rig->kept), 0);
    xtsvol_volume_close(&rig->volume);
}

/* Of the test that runs, so that one that fails leaves nothing, and says where it was. */
static struct rig current;
static char current_round[512];

/* In memory if there is such a folder: no medium has to keep it, and waiting for one took nine
 * tenths of the time. */
static void make_dir(struct tmpdir *out)
{
    (void)snprintf(out->path, sizeof(out->path), "/dev/shm/strongroom-XXXXXX");
    if (getenv("TMPDIR") || !mkdtemp(out->path))
        tmpdir_make(out);
}

static void rig_begin(struct rig *rig, const struct rig_kind *kind)
{
    char kept[PATH_MAX];
    *rig = (struct rig){.kind = kind};
    make_dir(&rig->dir);
    (void)tmpdir_path(rig->path, &rig->dir, "volume");
    (void)tmpdir_path(rig->header, &rig->dir, "header");
    (void)tmpdir_path(rig->spare, &rig->dir, "spare");
    (void)tmpdir_path(rig->kept, &rig->dir, "kept");
    rig->original = malloc(kind->size);
    rig->expected = malloc(kind->size);
    rig->next = malloc(kind->size);
    rig->work = malloc(kind->size);
    assert_true(rig->original && rig->expected && rig->next && rig->work);
    struct test_random random = test_random_of(kind->size);
    test_random_bytes(&random, rig->original, kind->size);
    make_volume(rig);
    copy_file(pristine(kept, rig, "volume"), rig->path);
    if (kind->is_detached)
        copy_file(pristine(kept, rig, "header"), rig->header);
}

static void rig_end(struct rig *rig)
{
    tmpdir_remove(&rig->dir);
    free(rig->original);
    free(rig->expected);
    free(rig->next);
    free(rig->work);
    *rig = (struct rig){0};
}

int rig_teardown(void **state)
{
    (void)fault_reset(state);
    if (!current.kind)
        return 0;
    print_message("# it was %s\n", current_round);
    xtsvol_volume_close(&current.volume);
    rig_end(&current);
    return 0;
}

static void round_begin(struct rig *rig)
{
    char kept[PATH_MAX];
    copy_file(rig->path, pristine(kept, rig, "volume"));
    if (rig->kind->is_detached)
        copy_file(rig->header, pristine(kept, rig, "header"));
    (void)unlink(rig->spare);
    memcpy(rig->expected, rig->original, rig->kind->size);
    memcpy(rig->next, rig->original, rig->kind->size);
    rig->size = rig->kind->size;
    rig->new_size = rig->size;
    rig->from = 0;
    rig->end = 0;
    rig->is_lost = false;
    rig->probe = 0;
    rig->keeper = (struct keeper){0};
}

/* The bytes of the round, in what may be pieces. */
static bool is_possible(const struct rig *rig, uint64_t at, size_t len)
{
    if (rig->probe && at + len > rig->probe && at < rig->probe + PROBE_LEN)
        return true;
    if (at + len <= rig->from || at >= rig->end)
        return memcmp(rig->work + at, rig->expected + at, len) == 0;
    if (rig->is_lost || memcmp(rig->work + at, rig->next + at, len) == 0)
        return true;
    return rig->error && memcmp(rig->work + at, rig->expected + at, len) == 0;
}

void rig_assert_contents(struct rig *rig, struct xtsvol_volume *volume)
{
    struct xtsvol_volume_info info;
    assert_int_equal(xtsvol_info_get(volume, &info, sizeof(info)), 0);
    if (info.volume_size != rig->new_size && (!rig->error || info.volume_size != rig->size))
        fail_msg("%llu bytes long after %d", (unsigned long long)info.volume_size, rig->error);
    uint64_t len = info.volume_size < rig->size ? info.volume_size : rig->size;
    int error = xtsvol_pread(volume, rig->work, len, 0);
    if (error) {
        struct xtsvol_failure failure;
        xtsvol_volume_failure(volume, &failure);
        assert_volume_works(error, &failure);
    }
    for (uint64_t at = 0; at < len; at += RIG_BLOCK) {
        if (!is_possible(rig, at, RIG_BLOCK))
            fail_msg("other bytes at %llu after %d", (unsigned long long)at, rig->error);
    }
}

/* A sync that failed on the file with the data, whoever called for it: what the system lost then it
 * does not tell again. */
static bool has_lost_a_sync(const struct rig *rig, const struct rig_operation *operation)
{
    return rig->fired && rig->fault->classes == FAULT_SYNC && rig->fault->error != EINTR &&
           !rig->kind->is_detached && !operation->syncs_another_file;
}

/* What was written and flushed is kept, whatever failed before. */
static void assert_usable(struct rig *rig, const struct rig_operation *operation)
{
    rig_assert_contents(rig, rig->volume);
    uint8_t bytes[PROBE_LEN];
    uint64_t at = PROBE;
    memset(bytes, 0x77, sizeof(bytes));
    int error = xtsvol_pwrite(rig->volume, bytes, sizeof(bytes), at);
    if (error) {
        assert_int_equal(error, XTSVOL_ERR_STATE); /* V14 */
        assert_int_equal(xtsvol_resize(rig->volume, RIG_EXTENT, 1), XTSVOL_ERR_STATE);
        assert_int_equal(xtsvol_discard(rig->volume, 4096, 0), XTSVOL_ERR_STATE);
        struct xtsvol_check_report report;
        assert_int_equal(xtsvol_volume_check(rig->volume, &report, 1, NULL, NULL, NULL),
                         XTSVOL_ERR_STATE);
        return;
    }
    if (rig->error && rig->has_put)
        fail_msg("a commit failed half-way, and the volume is written to"); /* V14 */
    memcpy(rig->next + at, bytes, sizeof(bytes));
    memcpy(rig->expected + at, bytes, sizeof(bytes));
    error = xtsvol_flush(rig->volume);
    if (error && !(rig->fault->classes & FAULT_SYNC))
        fail_msg("a flush fails (%s) that has no reason to", xtsvol_error_name(error));
    if (!error && has_lost_a_sync(rig, operation))
        fail_msg("a flush succeeds after one that failed");
    if (error)
        assert_int_equal(xtsvol_flush(rig->volume), error);
    if (error)
        rig->probe = at;
}

static void assert_told(const struct rig *rig, const struct rig_operation *operation)
{
    struct xtsvol_failure failure = rig->failure;
    if (!operation->is_apart)
        xtsvol_volume_failure(rig->volume, &failure);
    if (failure.error != rig->error || failure.message[0] == '\0')
        fail_msg("%d was returned, and told was %d: \"%s\"", rig->error, failure.error,
                 failure.message);
}

static void assert_result(const struct rig *rig, const struct rig_operation *operation)
{
    int wanted = rig->fired ? category_of(rig->fault) : 0;
    bool may_be_swallowed = (rig->fault->classes & operation->swallows) != 0;
    if (rig->fault->classes == FAULT_FLOCK &&
        rig->nth <= operation->num_locks[rig->kind->is_detached])
        may_be_swallowed = false;
    if (rig->error != wanted && (rig->error || !may_be_swallowed))
        fail_msg("%s (%s), not %s", xtsvol_error_name(rig->error), rig->failure.message,
                 xtsvol_error_name(wanted));
}

static void check_round(struct rig *rig, const struct rig_operation *operation)
{
    assert_result(rig, operation);
    if (rig->error)
        assert_told(rig, operation);
    if (operation->check)
        operation->check(rig);
    if (rig->volume && !operation->is_apart)
        assert_usable(rig, operation);
    xtsvol_volume_close(&rig->volume);
    if (!operation->may_not_open) {
        rig_open(rig);
        rig_assert_contents(rig, rig->volume);
        struct xtsvol_check_report report;
        assert_int_equal(xtsvol_volume_check(rig->volume, &report, 1, NULL, NULL, NULL), 0);
        assert_int_equal(report.num_bad_pages + report.num_bad_sectors, 0);
        xtsvol_volume_close(&rig->volume);
    }
}

static void read_superblock(uint8_t out[XV_PAGE_LEN], const struct rig *rig)
{
    COMMON_CLEANUP_FD int fd = open(rig_metadata_path(rig), O_RDONLY | O_CLOEXEC);
    memset(out, 0, XV_PAGE_LEN);
    if (fd >= 0)
        assert_true(pread(fd, out, XV_PAGE_LEN, 0) >= 0);
}

static void run_fault(struct rig *rig, const struct rig_operation *operation)
{
    unsigned num_open = file_num_open();
    uint8_t before[XV_PAGE_LEN];
    uint8_t after[XV_PAGE_LEN];
    FAULT_EACH (loop, rig->fault->classes, rig->fault->mode, rig->fault->error) {
        loop.may_be_absent = rig->fault->classes & ~operation->classes;
        round_begin(rig);
        rig->nth = loop.plan.nth;
        if (operation->prepare)
            operation->prepare(rig);
        else
            rig_open(rig);
        (void)snprintf(current_round, sizeof(current_round),
                       "%s, %s: call %u of classes 0x%x, mode %d, errno %d", operation->name,
                       rig->kind->name, loop.plan.nth, rig->fault->classes, (int)rig->fault->mode,
                       rig->fault->error);
        read_superblock(before, rig);
        fault_loop_arm(&loop);
        rig->error = operation->run(rig);
        rig->fired = fault_loop_disarm(&loop);
        read_superblock(after, rig);
        rig->has_put = memcmp(before, after, sizeof(before)) != 0;
        check_round(rig, operation);
        assert_int_equal(file_num_open(), num_open);
    }
}

static void run_kind(const struct rig_operation *operation, const struct rig_kind *kind)
{
    rig_begin(&current, kind);
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        current.fault = &faults[i];
        if (current.fault->classes & operation->classes)
            run_fault(&current, operation);
    }
    rig_end(&current);
}

void rig_run(const struct rig_operation *operation)
{
    for (size_t i = 0; i < ARRAY_LEN(rig_kinds) && !operation->kind; i++)
        run_kind(operation, &rig_kinds[i]);
    if (operation->kind)
        run_kind(operation, operation->kind);
}
