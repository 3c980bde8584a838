/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/ct.h"
#include "common/secmem/poison.h"
#include "common/secmem/secmem.h"
#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    LARGEST_SLOT = 1024,
    SLOTS_IN_A_SLAB = 16
};

/* The address and thread sanitizers make mlock() do nothing: what only the real one shows is not in
 * their builds. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MLOCK_IS_FAKE 1
#endif
#endif
#if defined(COMMON_HAS_ASAN) || defined(__SANITIZE_THREAD__)
#define MLOCK_IS_FAKE 1
#endif

static struct common_secmem *arena;

/* In the place of libc's: looks at a secret at the moment in which its pages go. */
static const uint8_t *watched;
static size_t watched_len;
static bool was_unmapped;
static bool had_bytes;

int munmap(void *addr, size_t len)
{
    const uint8_t *first = addr;
    if (watched && first <= watched && watched < first + len) {
        was_unmapped = true;
        had_bytes = !common_ct_is_zero(watched, watched_len);
        watched = NULL;
    }
    return (int)syscall(SYS_munmap, addr, len);
}

static int make_arena(void **state)
{
    (void)state;
    return common_secmem_open(&arena, NULL);
}

static int drop_arena(void **state)
{
    (void)state;
    common_secmem_close(&arena);
    return arena == NULL ? 0 : -1;
}

/* Reads memory past the sanitizer, which would refuse what is poisoned on purpose. */
static void peek(void *out, const void *from, size_t len)
{
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, out, len, (off_t)(uintptr_t)from), len);
    (void)close(fd);
}

static void a_new_secret_is_zero_aligned_and_as_long_as_asked(void **state)
{
    (void)state;
    static const size_t lens[] = {1,   16,   63,   64,   65,   128,
                                  129, 1024, 1025, 4096, 4097, COMMON_SECRET_MAX};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        COMMON_CLEANUP_SECRET struct common_secret secret = {0};
        assert_int_equal(common_secret_new(&secret, arena, lens[i]), 0);
        assert_int_equal(secret.len, lens[i]);
        assert_int_equal((uintptr_t)secret.data % 16, 0);
        assert_true(common_ct_is_zero(secret.data, secret.len));
        memset(secret.data, 0xaa, secret.len);
    }
    assert_int_equal(common_secmem_stats(arena).num_secrets, 0);
}

static void lengths_out_of_range_are_refused(void **state)
{
    (void)state;
    struct common_secret secret = {.data = (uint8_t *)&arena, .len = 1};
    assert_int_equal(common_secret_new(&secret, arena, 0), COMMON_ERR_INVALID);
    assert_null(secret.data);
    assert_int_equal(secret.len, 0);
    assert_int_equal(common_secret_new(&secret, arena, COMMON_SECRET_MAX + 1), COMMON_ERR_INVALID);
    common_secret_free(&secret);
    common_secret_free(NULL);
    const struct common_secmem_options none = {.max_bytes = 0};
    struct common_secmem *other = NULL;
    assert_int_equal(common_secmem_open(&other, &none), COMMON_ERR_INVALID);
    common_secmem_close(&other);
    common_secmem_close(NULL);
}

static void freeing_wipes_the_slot(void **state)
{
    (void)state;
    static const size_t lens[] = {33, 64, 100, 200, 300, 512, 720, 1024};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct common_secret keeps_the_slab = {0};
        struct common_secret secret = {0};
        assert_int_equal(common_secret_new(&keeps_the_slab, arena, lens[i]), 0);
        assert_int_equal(common_secret_new(&secret, arena, lens[i]), 0);
        memset(secret.data, 0xaa, secret.len);
        const uint8_t *was = secret.data;
        common_secret_free(&secret);
        assert_null(secret.data);
        assert_int_equal(secret.len, 0);
        uint8_t left[LARGEST_SLOT];
        peek(left, was, lens[i]);
        assert_true(common_ct_is_zero(left, lens[i]));
        common_secret_free(&secret);
        common_secret_free(&keeps_the_slab);
    }
}

static void shortening_wipes_the_rest(void **state)
{
    (void)state;
    COMMON_CLEANUP_SECRET struct common_secret secret = {0};
    assert_int_equal(common_secret_new(&secret, arena, 255), 0);
    memset(secret.data, 0xaa, 255);
    common_secret_truncate(&secret, 300);
    assert_int_equal(secret.len, 255);
    common_secret_truncate(&secret, 8);
    assert_int_equal(secret.len, 8);
    uint8_t left[255];
    peek(left, secret.data, sizeof(left));
    assert_int_equal(left[7], 0xaa);
    assert_true(common_ct_is_zero(left + 8, sizeof(left) - 8));
}

static void moving_leaves_the_source_empty(void **state)
{
    (void)state;
    struct common_secret from = {0};
    assert_int_equal(common_secret_new(&from, arena, 32), 0);
    from.data[0] = 7;
    const uint8_t *data = from.data;
    COMMON_CLEANUP_SECRET struct common_secret to = common_secret_move(&from);
    assert_null(from.data);
    assert_null(from.slab);
    assert_ptr_equal(to.data, data);
    assert_int_equal(to.data[0], 7);
    common_secret_free(&from);
    assert_int_equal(common_secmem_stats(arena).num_secrets, 1);
}

static void secrets_do_not_overlap(void **state)
{
    (void)state;
    struct test_random random = test_random_begin("secmem");
    enum {
        NUM = 300
    };
    static struct common_secret secrets[NUM];
    for (unsigned step = 0; step < 20000; step++) {
        size_t i = test_random_below(&random, NUM);
        if (secrets[i].data) {
            for (size_t at = 0; at < secrets[i].len; at++)
                assert_int_equal(secrets[i].data[at], (uint8_t)i);
            common_secret_free(&secrets[i]);
        } else {
            size_t len =
                test_random_range(&random, 1, test_random_chance(&random, 2) ? 9000 : LARGEST_SLOT);
            assert_int_equal(common_secret_new(&secrets[i], arena, len), 0);
            assert_true(common_ct_is_zero(secrets[i].data, len));
            memset(secrets[i].data, (int)i, len);
        }
    }
    for (size_t i = 0; i < NUM; i++)
        common_secret_free(&secrets[i]);
    struct common_secmem_stats stats = common_secmem_stats(arena);
    assert_int_equal(stats.num_secrets, 0);
    assert_true(stats.num_slabs <= 5); /* one empty slab a class, none of large ones */
}

static void the_ceiling_of_the_arena_holds(void **state)
{
    (void)state;
    struct common_secmem_options options = common_secmem_options_default();
    options.max_bytes = 64 << 10;
    struct common_secmem *small = NULL;
    assert_int_equal(common_secmem_open(&small, &options), 0);
    struct common_secret secrets[200] = {{0}};
    size_t num = 0;
    int error = 0;
    while (!error && num < ARRAY_LEN(secrets))
        error = common_secret_new(&secrets[num++], small, 512);
    assert_int_equal(error, COMMON_ERR_LIMIT);
    assert_int_equal(num - 1, (64 << 10) / 512);
    assert_int_equal(common_secmem_stats(small).bytes_mapped, 64 << 10);
    common_secret_free(&secrets[3]);
    assert_int_equal(common_secret_new(&secrets[3], small, 300), 0);
    common_secmem_close(&small); /* with secrets still out */
}

static int touch(void *context)
{
    volatile uint8_t *byte = context;
    *byte = 1;
    return *byte;
}

/* All slots of one slab, so that the first and the last are among them. */
static void bounds_of_a_slab(struct common_secret secrets[SLOTS_IN_A_SLAB], uint8_t **first,
                             uint8_t **end)
{
    *first = NULL;
    *end = NULL;
    for (size_t i = 0; i < SLOTS_IN_A_SLAB; i++) {
        assert_int_equal(common_secret_new(&secrets[i], arena, LARGEST_SLOT), 0);
        if (!*first || secrets[i].data < *first)
            *first = secrets[i].data;
        if (!*end || secrets[i].data + LARGEST_SLOT > *end)
            *end = secrets[i].data + LARGEST_SLOT;
    }
    assert_int_equal(*end - *first, SLOTS_IN_A_SLAB * LARGEST_SLOT);
}

static void a_byte_before_or_behind_a_slab_is_fatal(void **state)
{
    (void)state;
    struct common_secret secrets[SLOTS_IN_A_SLAB] = {{0}};
    uint8_t *first = NULL;
    uint8_t *end = NULL;
    bounds_of_a_slab(secrets, &first, &end);
    uint8_t *const outside[] = {first - 1, first - 4096, end, end + 4095};
    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        struct death death = death_of(touch, outside[i], 10);
        assert_true(death_was_access(&death));
    }
    /* The child may write where it should: the deaths above are those of the guards. */
    struct death alive = death_of(touch, end - 1, 10);
    assert_true(alive.is_exit);
    assert_int_equal(alive.status, 1);
    for (size_t i = 0; i < SLOTS_IN_A_SLAB; i++)
        common_secret_free(&secrets[i]);
}

static void the_end_of_a_large_secret_is_at_the_guard(void **state)
{
    (void)state;
    static const size_t lens[] = {1040, 4096, 5008, 100000};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        COMMON_CLEANUP_SECRET struct common_secret secret = {0};
        assert_int_equal(common_secret_new(&secret, arena, lens[i]), 0);
        struct death death = death_of(touch, secret.data + lens[i], 10);
        assert_true(death_was_access(&death));
        struct death alive = death_of(touch, secret.data + lens[i] - 1, 10);
        assert_true(alive.is_exit);
    }
}

static void closing_unmaps_secrets_that_are_still_out(void **state)
{
    (void)state;
    struct common_secret secret = {0};
    assert_int_equal(common_secret_new(&secret, arena, 32), 0);
    common_secmem_close(&arena);
    struct death death = death_of(touch, secret.data, 10);
    assert_true(death_was_access(&death));
}

static int is_zero_in_child(void *context)
{
    const struct common_secret *secret = context;
    return common_ct_is_zero(secret->data, secret->len) ? 42 : 1;
}

/* Pages that were given back may be the next ones of somebody else, of this process at least. */
static void closing_wipes_secrets_that_are_still_out(void **state)
{
    (void)state;
    static const size_t lens[] = {32, 512, 5000};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct common_secmem *other = NULL;
        struct common_secret secret = {0};
        assert_int_equal(common_secmem_open(&other, NULL), 0);
        assert_int_equal(common_secret_new(&secret, other, lens[i]), 0);
        memset(secret.data, 0xaa, secret.len);
        watched_len = secret.len;
        was_unmapped = false;
        watched = secret.data;
        common_secmem_close(&other);
        assert_true(was_unmapped);
        assert_false(had_bytes);
    }
}

static void a_forked_child_sees_zeroes(void **state)
{
    (void)state;
    COMMON_CLEANUP_SECRET struct common_secret secret = {0};
    assert_int_equal(common_secret_new(&secret, arena, 64), 0);
    memset(secret.data, 0xaa, secret.len);
    struct death child = death_of(is_zero_in_child, &secret, 10);
    assert_true(child.is_exit);
    assert_int_equal(child.status, 42);
    assert_int_equal(secret.data[63], 0xaa);
}

/* The flags that the kernel shows for the mapping in which an address lies. */
static void mapping_flags(char *out, size_t out_len, const void *address)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    assert_non_null(maps);
    char line[512];
    bool is_here = false;
    out[0] = 0;
    while (fgets(line, sizeof(line), maps)) {
        char *dash = NULL;
        unsigned long start = strtoul(line, &dash, 16);
        unsigned long end = *dash == '-' ? strtoul(dash + 1, NULL, 16) : 0;
        if (end != 0)
            is_here = (uintptr_t)address >= start && (uintptr_t)address < end;
        else if (is_here && strncmp(line, "VmFlags:", 8) == 0)
            (void)snprintf(out, out_len, "%s", line);
    }
    (void)fclose(maps);
}

static void expect_flag(const char *flag)
{
    static const size_t lens[] = {32, 512, 9000};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        COMMON_CLEANUP_SECRET struct common_secret secret = {0};
        assert_int_equal(common_secret_new(&secret, arena, lens[i]), 0);
        char flags[512];
        mapping_flags(flags, sizeof(flags), secret.data);
        assert_non_null(strstr(flags, flag));
        assert_int_equal(common_secmem_stats(arena).bytes_unlocked, 0);
    }
}

static void the_kernel_leaves_secrets_out_of_dumps_and_children(void **state)
{
    (void)state;
    expect_flag(" dd"); /* MADV_DONTDUMP */
    expect_flag(" wf"); /* MADV_WIPEONFORK */
}

struct heard {
    unsigned num;
    struct common_event last;
    char name[64];
};

static void hear(void *context, const struct common_event *event)
{
    struct heard *heard = context;
    heard->num++;
    heard->last = *event;
    (void)snprintf(heard->name, sizeof(heard->name), "%s", event->name);
}

static struct common_secmem *arena_that_tells(struct heard *heard, bool require_protection)
{
    struct common_secmem_options options = common_secmem_options_default();
    options.require_protection = require_protection;
    options.events = (struct common_event_sink){.emit = hear, .context = heard};
    struct common_secmem *told = NULL;
    assert_int_equal(common_secmem_open(&told, &options), 0);
    return told;
}

static void a_refused_mlock_is_told_once_and_counted(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct common_secmem *told = arena_that_tells(&heard, false);
    struct common_secret secrets[2] = {{0}};
    fault_arm_plan(&(struct fault_plan){
        .classes = FAULT_MLOCK, .nth = 1, .error = EPERM, .mode = FAULT_FROM_THEN_ON});
    int first = common_secret_new(&secrets[0], told, 32);
    int second = common_secret_new(&secrets[1], told, 5000);
    struct fault_report report = fault_disarm();
    assert_true(report.fired);
    assert_int_equal(report.seen, 2);
    assert_int_equal(first, 0);
    assert_int_equal(second, 0);
    assert_int_equal(heard.num, 1);
    assert_string_equal(heard.name, "SecretMemoryNotLocked");
    assert_int_equal(heard.last.severity, COMMON_EVENT_WARNING);
    assert_int_equal(heard.last.native_error, EPERM);
    struct common_secmem_stats stats = common_secmem_stats(told);
    assert_int_equal(stats.bytes_unlocked, stats.bytes_mapped);
    common_secret_free(&secrets[1]);
    common_secret_free(&secrets[0]);
    assert_int_equal(common_secmem_stats(told).bytes_unlocked, 16384);
    common_secmem_close(&told);
}

static void a_refused_mlock_is_fatal_where_that_was_asked_for(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct common_secmem *told = arena_that_tells(&heard, true);
    struct common_secret secret = {0};
    fault_arm(FAULT_MLOCK, 1, ENOMEM);
    int error = common_secret_new(&secret, told, 32);
    (void)fault_disarm();
    assert_int_equal(error, COMMON_ERR_DENIED);
    assert_null(secret.data);
    assert_int_equal(heard.num, 1);
    assert_int_equal(heard.last.severity, COMMON_EVENT_ERROR);
    assert_int_equal(common_secmem_stats(told).bytes_mapped, 0);
    /* When the kernel grants it again, the arena works. */
    assert_int_equal(common_secret_new(&secret, told, 32), 0);
    common_secret_free(&secret);
    common_secmem_close(&told);
}

#ifndef MLOCK_IS_FAKE
static void the_kernel_locks_secrets(void **state)
{
    (void)state;
    expect_flag(" lo");
}

/* The real thing, without an injected fault: no privilege, no limit left. */
static int lock_without_a_limit(void *context)
{
    (void)context;
    const struct rlimit none = {0, 0};
    if ((geteuid() == 0 && (setgid(65534) || setuid(65534))) || setrlimit(RLIMIT_MEMLOCK, &none))
        return 1;
    struct heard heard = {0};
    struct common_secmem *told = arena_that_tells(&heard, false);
    struct common_secret secret = {0};
    if (common_secret_new(&secret, told, 32) || heard.num != 1 ||
        strcmp(heard.name, "SecretMemoryNotLocked") != 0)
        return 2;
    common_secret_free(&secret);
    common_secmem_close(&told);

    told = arena_that_tells(&heard, true);
    if (common_secret_new(&secret, told, 32) != COMMON_ERR_DENIED)
        return 3;
    common_secmem_close(&told);
    return 42;
}

static void without_a_memlock_limit_the_arena_says_so(void **state)
{
    (void)state;
    struct death child = death_of(lock_without_a_limit, NULL, 20);
    assert_true(child.is_exit);
    assert_int_equal(child.status, 42);
}
#endif

/* mmap, mprotect, each madvise, malloc: refused in turn. */
static void every_failing_call_is_survived(void **state)
{
    (void)state;
    static const size_t lens[] = {32, 5000};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        FAULT_EACH (loop, FAULT_MALLOC | FAULT_MMAP | FAULT_MLOCK, FAULT_ONCE, ENOMEM) {
            struct heard heard = {0};
            struct common_secmem_options options = common_secmem_options_default();
            options.events = (struct common_event_sink){.emit = hear, .context = &heard};
            struct common_secmem *under_fault = NULL;
            struct common_secret secret = {0};
            fault_loop_arm(&loop);
            int error = common_secmem_open(&under_fault, &options);
            if (!error)
                error = common_secret_new(&secret, under_fault, lens[i]);
            bool fired = fault_loop_disarm(&loop);
            if (error) {
                assert_true(fired);
                assert_int_equal(error, COMMON_ERR_NO_MEMORY);
                assert_null(secret.data);
            } else {
                /* A protection that was refused is told; nothing else may fail unseen. */
                assert_int_equal(heard.num, fired ? 1 : 0);
                memset(secret.data, 1, secret.len);
            }
            common_secret_free(&secret);
            common_secmem_close(&under_fault);
        }
    }
}

static void *churn(void *context)
{
    uint8_t mark = *(uint8_t *)context;
    for (unsigned i = 0; i < 2000; i++) {
        struct common_secret secret = {0};
        if (common_secret_new(&secret, arena, 1 + (i * 37) % 700))
            return NULL;
        memset(secret.data, mark, secret.len);
        for (size_t at = 0; at < secret.len; at++) {
            if (secret.data[at] != mark)
                return NULL;
        }
        common_secret_free(&secret);
    }
    return context;
}

static void threads_may_share_an_arena(void **state)
{
    (void)state;
    pthread_t threads[4];
    static uint8_t marks[4] = {1, 2, 3, 4};
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, &marks[i]), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &marks[i]);
    }
    assert_int_equal(common_secmem_stats(arena).num_secrets, 0);
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, make_arena, drop_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(a_new_secret_is_zero_aligned_and_as_long_as_asked),
        WITH_ARENA(lengths_out_of_range_are_refused),
        WITH_ARENA(freeing_wipes_the_slot),
        WITH_ARENA(shortening_wipes_the_rest),
        WITH_ARENA(moving_leaves_the_source_empty),
        WITH_ARENA(secrets_do_not_overlap),
        WITH_ARENA(the_ceiling_of_the_arena_holds),
        WITH_ARENA(a_byte_before_or_behind_a_slab_is_fatal),
        WITH_ARENA(the_end_of_a_large_secret_is_at_the_guard),
        WITH_ARENA(closing_unmaps_secrets_that_are_still_out),
        cmocka_unit_test(closing_wipes_secrets_that_are_still_out),
        WITH_ARENA(a_forked_child_sees_zeroes),
        WITH_ARENA(the_kernel_leaves_secrets_out_of_dumps_and_children),
#ifndef MLOCK_IS_FAKE
        WITH_ARENA(the_kernel_locks_secrets),
        cmocka_unit_test(without_a_memlock_limit_the_arena_says_so),
#endif
        cmocka_unit_test(a_refused_mlock_is_told_once_and_counted),
        cmocka_unit_test(a_refused_mlock_is_fatal_where_that_was_asked_for),
        cmocka_unit_test(every_failing_call_is_survived),
        WITH_ARENA(threads_may_share_an_arena),
    };
    return cmocka_run_group_tests_name("secmem", tests, NULL, NULL);
}
