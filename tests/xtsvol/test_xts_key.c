/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: which are refused, where they live, how long, and what is left of them. */
#include "common/base/ct.h"
#include "common/secmem/poison.h"
#include "libxtsvol/src/xts/xts.h"
#include "tests/kernels/oracle.h"
#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum {
    NUM_KEYS = 60,
    UNIT_LEN = 529,
    ARENA_STEP = 16384, /* max_key_memory is used up in such steps */
    KEYS_IN_A_STEP = 16
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

static struct test_random random_state;
static struct xtsvol_xts *xts;
static uint8_t bytes[XTSVOL_XTS_KEY_LEN];

static int open_handle(void **state)
{
    (void)state;
    random_state = test_random_begin("xts key");
    test_random_bytes(&random_state, bytes, sizeof(bytes));
    return xtsvol_xts_open(&xts, NULL);
}

static int close_handle(void **state)
{
    (void)state;
    xtsvol_xts_close(&xts);
    return xts == NULL ? 0 : -1;
}

static struct xtsvol_xts_key *any_key(void)
{
    return (struct xtsvol_xts_key *)(void *)bytes;
}

static void lengths_and_nulls_are_refused(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 32, 48, 63, 65, 128, SIZE_MAX};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct xtsvol_xts_key *key = any_key();
        assert_int_equal(xtsvol_xts_key_new(&key, xts, bytes, lens[i]), XTSVOL_ERR_INVALID);
        assert_null(key);
    }
    struct xtsvol_xts_key *key = any_key();
    assert_int_equal(xtsvol_xts_key_new(&key, NULL, bytes, sizeof(bytes)), XTSVOL_ERR_INVALID);
    assert_null(key);
    key = any_key();
    assert_int_equal(xtsvol_xts_key_new(&key, xts, NULL, sizeof(bytes)), XTSVOL_ERR_INVALID);
    assert_null(key);
    assert_int_equal(xtsvol_xts_key_new(NULL, xts, bytes, sizeof(bytes)), XTSVOL_ERR_INVALID);
}

static void equal_halves_are_refused(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        if (round == 1)
            memset(bytes, 0, sizeof(bytes));
        memcpy(bytes + 32, bytes, 32);
        struct xtsvol_xts_key *key = any_key();
        assert_int_equal(xtsvol_xts_key_new(&key, xts, bytes, sizeof(bytes)), XTSVOL_ERR_DENIED);
        assert_null(key);
        test_random_bytes(&random_state, bytes, sizeof(bytes));
    }
}

static void halves_that_differ_in_one_bit_are_taken(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 256; bit++) {
        memcpy(bytes + 32, bytes, 32);
        bytes[32 + bit / 8] ^= (uint8_t)(1U << bit % 8);
        struct xtsvol_xts_key *key = NULL;
        assert_int_equal(xtsvol_xts_key_new(&key, xts, bytes, sizeof(bytes)), 0);
        assert_non_null(key);
        xtsvol_xts_key_free(&key);
        assert_null(key);
    }
}

/* Encrypts as libcrypto does with these bytes. */
static void expect_works(const struct xtsvol_xts_key *key, const uint8_t *of)
{
    uint8_t in[UNIT_LEN];
    uint8_t out[UNIT_LEN];
    uint8_t expected[UNIT_LEN];
    test_random_bytes(&random_state, in, sizeof(in));
    struct oracle *oracle = oracle_new(of);
    oracle_units(oracle, XTS_ENCRYPT, expected, in, sizeof(in), 1, xtsvol_unit(5));
    oracle_free(&oracle);
    assert_int_equal(xtsvol_xts_encrypt(key, out, in, sizeof(in), sizeof(in), xtsvol_unit(5)), 0);
    assert_memory_equal(out, expected, sizeof(out));
    assert_int_equal(xtsvol_xts_decrypt(key, out, out, sizeof(out), sizeof(out), xtsvol_unit(5)),
                     0);
    assert_memory_equal(out, in, sizeof(out));
}

static void keys_of_one_handle_do_not_mix(void **state)
{
    (void)state;
    static uint8_t of[NUM_KEYS][XTSVOL_XTS_KEY_LEN];
    static struct xtsvol_xts_key *keys[NUM_KEYS];
    for (size_t i = 0; i < NUM_KEYS; i++) {
        test_random_bytes(&random_state, of[i], sizeof(of[i]));
        assert_int_equal(xtsvol_xts_key_new(&keys[i], xts, of[i], sizeof(of[i])), 0);
    }
    for (size_t i = 0; i < NUM_KEYS; i += 2)
        xtsvol_xts_key_free(&keys[i]);
    for (size_t i = 1; i < NUM_KEYS; i += 2)
        expect_works(keys[i], of[i]);
    for (size_t i = 1; i < NUM_KEYS; i += 2)
        xtsvol_xts_key_free(&keys[i]);
}

static void the_bytes_are_only_read_and_not_needed_afterwards(void **state)
{
    (void)state;
    uint8_t copy[XTSVOL_XTS_KEY_LEN];
    memcpy(copy, bytes, sizeof(copy));
    struct xtsvol_xts_key *key = NULL;
    assert_int_equal(xtsvol_xts_key_new(&key, xts, bytes, sizeof(bytes)), 0);
    assert_memory_equal(bytes, copy, sizeof(copy));
    memset(bytes, 0, sizeof(bytes));
    expect_works(key, copy);
    xtsvol_xts_key_free(&key);
}

static bool is_mapped(const void *address)
{
    unsigned char is_resident = 0;
    void *page = (void *)((uintptr_t)address & ~(uintptr_t)4095); /* NOLINT: it is asked about */
    return mincore(page, 1, &is_resident) == 0;
}

static void a_key_outlives_its_handle(void **state)
{
    (void)state;
    struct xtsvol_xts_key *keys[2] = {NULL, NULL};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(xtsvol_xts_key_new(&keys[i], xts, bytes, sizeof(bytes)), 0);
    const void *schedule = keys[0]->memory;
    xtsvol_xts_close(&xts);
    assert_null(xts);
    expect_works(keys[0], bytes);
    xtsvol_xts_key_free(&keys[0]);
    expect_works(keys[1], bytes);
    assert_true(is_mapped(schedule));
    xtsvol_xts_key_free(&keys[1]);
    assert_false(is_mapped(schedule)); /* the last one ends the memory */
}

static void null_is_freed_and_closed(void **state)
{
    (void)state;
    struct xtsvol_xts_key *key = NULL;
    struct xtsvol_xts *handle = NULL;
    xtsvol_xts_key_free(NULL);
    xtsvol_xts_key_free(&key);
    xtsvol_xts_close(NULL);
    xtsvol_xts_close(&handle);
    assert_null(key);
    assert_null(handle);
}

/* Reads memory past the sanitizer, which would refuse what is poisoned on purpose. */
static void peek(void *out, const void *from, size_t len)
{
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, out, len, (off_t)(uintptr_t)from), len);
    (void)close(fd);
}

static void freeing_wipes_the_expanded_key(void **state)
{
    (void)state;
    struct xtsvol_xts_key *keeps_the_memory = NULL;
    struct xtsvol_xts_key *key = NULL;
    assert_int_equal(xtsvol_xts_key_new(&keeps_the_memory, xts, bytes, sizeof(bytes)), 0);
    assert_int_equal(xtsvol_xts_key_new(&key, xts, bytes, sizeof(bytes)), 0);
    const void *was = key->memory;
    struct xts_schedule seen;
    peek(&seen, was, sizeof(seen));
    assert_memory_equal(seen.encrypt, bytes, 32); /* FIPS 197, 5.2: it begins with the key */
    xtsvol_xts_key_free(&key);
    peek(&seen, was, sizeof(seen));
    assert_true(common_ct_is_zero((const uint8_t *)&seen, sizeof(seen)));
    xtsvol_xts_key_free(&keeps_the_memory);
}

#ifndef UNDER_EMULATOR /* qemu-user takes MADV_WIPEONFORK and does nothing */
static int schedule_is_zero(void *context)
{
    return common_ct_is_zero(context, sizeof(struct xts_schedule)) ? 42 : 1;
}

static void a_forked_child_sees_no_key(void **state)
{
    (void)state;
    struct xtsvol_xts_key *key = NULL;
    assert_int_equal(xtsvol_xts_key_new(&key, xts, bytes, sizeof(bytes)), 0);
    uint8_t *schedule = key->secret.data;
    struct death child = death_of(schedule_is_zero, schedule, 10);
    assert_true(child.is_exit);
    assert_int_equal(child.status, 42);
    expect_works(key, bytes);
    xtsvol_xts_key_free(&key);
}

/* Every call is refused, and none of them wrote anything. */
static int calls_are_refused(void *context)
{
    const struct xtsvol_xts_key *key = context;
    uint8_t data[96] = {0};
    const struct iovec list[] = {{data, 40}, {data + 40, 56}};
    const struct xtsvol_unit_number unit = xtsvol_unit(7);
    bool is_refused = xtsvol_xts_encrypt(key, data, data, 96, 48, unit) == XTSVOL_ERR_STATE &&
                      xtsvol_xts_decrypt(key, data, data, 96, 48, unit) == XTSVOL_ERR_STATE &&
                      xtsvol_xts_encryptv(key, list, 2, list, 2, 48, unit) == XTSVOL_ERR_STATE &&
                      xtsvol_xts_decryptv(key, list, 2, list, 2, 48, unit) == XTSVOL_ERR_STATE;
    return is_refused && common_ct_is_zero(data, sizeof(data)) ? 42 : 1;
}

/* Its round keys are zero there: what it encrypted with them, anybody could read. */
static void a_forked_child_cannot_use_a_key_of_its_parent(void **state)
{
    (void)state;
    struct xtsvol_xts_key *key = NULL;
    assert_int_equal(xtsvol_xts_key_new(&key, xts, bytes, sizeof(bytes)), 0);
    struct death child = death_of(calls_are_refused, key, 10);
    assert_true(child.is_exit);
    assert_int_equal(child.status, 42);
    expect_works(key, bytes);
    xtsvol_xts_key_free(&key);
}
#endif

struct heard {
    unsigned num;
    char name[64];
    char reason[200];
    struct xtsvol_event last;
};

static void hear(void *context, const struct xtsvol_event *event)
{
    struct heard *heard = context;
    heard->num++;
    heard->last = *event;
    (void)snprintf(heard->name, sizeof(heard->name), "%s", event->name);
    (void)snprintf(heard->reason, sizeof(heard->reason), "%s", event->reason);
}

static struct xtsvol_xts *handle_that_tells(struct heard *heard, int require_protection)
{
    struct xtsvol_xts_options options = xtsvol_xts_options_default();
    options.require_protection = require_protection;
    options.event = heard ? hear : NULL;
    options.event_context = heard;
    struct xtsvol_xts *handle = NULL;
    assert_int_equal(xtsvol_xts_open(&handle, &options), 0);
    memset(&options, 0xee, sizeof(options)); /* it may be freed after the call */
    return handle;
}

static void the_ceiling_of_key_memory_holds(void **state)
{
    (void)state;
    struct xtsvol_xts_options options = xtsvol_xts_options_default();
    struct xtsvol_xts *small = NULL;
    struct xtsvol_xts_key *keys[KEYS_IN_A_STEP + 1];
    options.max_key_memory = ARENA_STEP - 1;
    assert_int_equal(xtsvol_xts_open(&small, &options), 0);
    keys[0] = any_key();
    assert_int_equal(xtsvol_xts_key_new(&keys[0], small, bytes, sizeof(bytes)), XTSVOL_ERR_LIMIT);
    assert_null(keys[0]);
    xtsvol_xts_close(&small);

    options.max_key_memory = ARENA_STEP;
    assert_int_equal(xtsvol_xts_open(&small, &options), 0);
    for (size_t i = 0; i < KEYS_IN_A_STEP; i++)
        assert_int_equal(xtsvol_xts_key_new(&keys[i], small, bytes, sizeof(bytes)), 0);
    keys[KEYS_IN_A_STEP] = any_key();
    assert_int_equal(xtsvol_xts_key_new(&keys[KEYS_IN_A_STEP], small, bytes, sizeof(bytes)),
                     XTSVOL_ERR_LIMIT);
    assert_null(keys[KEYS_IN_A_STEP]);
    xtsvol_xts_key_free(&keys[3]);
    assert_int_equal(xtsvol_xts_key_new(&keys[3], small, bytes, sizeof(bytes)), 0);
    expect_works(keys[3], bytes);
    for (size_t i = 0; i < KEYS_IN_A_STEP; i++)
        xtsvol_xts_key_free(&keys[i]);
    xtsvol_xts_close(&small);
}

static void memory_that_is_not_locked_is_told_of(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct xtsvol_xts *told = handle_that_tells(&heard, 0);
    struct xtsvol_xts_key *keys[2] = {NULL, NULL};
    fault_arm_plan(&(struct fault_plan){
        .classes = FAULT_MLOCK, .nth = 1, .error = EPERM, .mode = FAULT_FROM_THEN_ON});
    int first = xtsvol_xts_key_new(&keys[0], told, bytes, sizeof(bytes));
    int second = xtsvol_xts_key_new(&keys[1], told, bytes, sizeof(bytes));
    bool fired = fault_disarm().fired;
    assert_true(fired);
    assert_int_equal(first, 0);
    assert_int_equal(second, 0);
    assert_int_equal(heard.num, 1);
    assert_string_equal(heard.name, "SecretMemoryNotLocked");
    assert_int_equal(heard.last.severity, XTSVOL_EVENT_WARNING);
    assert_int_equal(heard.last.native_error, EPERM);
    assert_true(strlen(heard.reason) > 20);
    expect_works(keys[1], bytes);
    xtsvol_xts_key_free(&keys[0]);
    xtsvol_xts_key_free(&keys[1]);
    xtsvol_xts_close(&told);
}

static void nobody_needs_to_listen(void **state)
{
    (void)state;
    struct xtsvol_xts *silent = handle_that_tells(NULL, 0);
    struct xtsvol_xts_key *key = NULL;
    fault_arm(FAULT_MLOCK, 1, EPERM);
    int error = xtsvol_xts_key_new(&key, silent, bytes, sizeof(bytes));
    bool fired = fault_disarm().fired;
    assert_true(fired);
    assert_int_equal(error, 0);
    xtsvol_xts_key_free(&key);
    xtsvol_xts_close(&silent);
}

/* Locked, left out of dumps, zero in children: each is required. */
static void memory_that_is_not_protected_is_refused_where_that_was_asked_for(void **state)
{
    (void)state;
    static const char *const names[] = {"SecretMemoryNotLocked", "SecretMemoryInDumps",
                                        "SecretMemoryInChildren"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct heard heard = {0};
        struct xtsvol_xts *strict = handle_that_tells(&heard, 1);
        struct xtsvol_xts_key *key = any_key();
        if (i == 0)
            fault_arm(FAULT_MLOCK, 1, ENOMEM);
        else
            fault_arm(FAULT_MMAP, 2 + (unsigned)i, EINVAL); /* behind mmap and mprotect */
        int error = xtsvol_xts_key_new(&key, strict, bytes, sizeof(bytes));
        (void)fault_disarm();
        assert_int_equal(error, XTSVOL_ERR_DENIED);
        assert_null(key);
        assert_int_equal(heard.num, 1);
        assert_string_equal(heard.name, names[i]);
        assert_int_equal(heard.last.severity, XTSVOL_EVENT_ERROR);
        /* The handle works when the system grants it. */
        assert_int_equal(xtsvol_xts_key_new(&key, strict, bytes, sizeof(bytes)), 0);
        expect_works(key, bytes);
        xtsvol_xts_key_free(&key);
        xtsvol_xts_close(&strict);
    }
}

#ifndef MLOCK_IS_FAKE
/* The real thing, without an injected fault: no privilege, no limit left. */
static int make_keys_without_a_limit(void *context)
{
    (void)context;
    const struct rlimit none = {0, 0};
    if ((geteuid() == 0 && (setgid(65534) || setuid(65534))) || setrlimit(RLIMIT_MEMLOCK, &none))
        return 1;
    struct heard heard = {0};
    struct xtsvol_xts *lax = handle_that_tells(&heard, 0);
    struct xtsvol_xts_key *key = NULL;
    if (xtsvol_xts_key_new(&key, lax, bytes, sizeof(bytes)) || heard.num != 1 ||
        strcmp(heard.name, "SecretMemoryNotLocked") != 0)
        return 2;
    xtsvol_xts_key_free(&key);
    xtsvol_xts_close(&lax);
    struct xtsvol_xts *strict = handle_that_tells(&heard, 1);
    if (xtsvol_xts_key_new(&key, strict, bytes, sizeof(bytes)) != XTSVOL_ERR_DENIED || key)
        return 3;
    xtsvol_xts_close(&strict);
    return 42;
}

static void without_a_memlock_limit_a_key_says_so(void **state)
{
    (void)state;
    struct death child = death_of(make_keys_without_a_limit, NULL, 20);
    assert_true(child.is_exit);
    assert_int_equal(child.status, 42);
}
#endif

static void every_failing_call_is_survived(void **state)
{
    (void)state;
    FAULT_EACH (loop, FAULT_MALLOC | FAULT_MMAP | FAULT_MLOCK, FAULT_ONCE, ENOMEM) {
        struct heard heard = {0};
        struct xtsvol_xts_options options = xtsvol_xts_options_default();
        options.event = hear;
        options.event_context = &heard;
        struct xtsvol_xts *handle = (struct xtsvol_xts *)(void *)bytes;
        struct xtsvol_xts_key *key = any_key();
        fault_loop_arm(&loop);
        int open_error = xtsvol_xts_open(&handle, &options);
        int key_error = open_error ? 0 : xtsvol_xts_key_new(&key, handle, bytes, sizeof(bytes));
        bool fired = fault_loop_disarm(&loop);
        if (open_error || key_error) {
            assert_true(fired);
            assert_int_equal(open_error ? open_error : key_error, XTSVOL_ERR_NO_MEMORY);
            assert_true(open_error ? !handle : !key);
        } else {
            /* A protection that was refused is told; nothing else may fail unseen. */
            assert_int_equal(heard.num, fired ? 1 : 0);
            expect_works(key, bytes);
        }
        if (open_error)
            continue;
        /* What failed once works the next time. */
        if (key_error)
            assert_int_equal(xtsvol_xts_key_new(&key, handle, bytes, sizeof(bytes)), 0);
        expect_works(key, bytes);
        xtsvol_xts_key_free(&key);
        xtsvol_xts_close(&handle);
    }
}

#define WITH_HANDLE(test) cmocka_unit_test_setup_teardown(test, open_handle, close_handle)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_HANDLE(lengths_and_nulls_are_refused),
        WITH_HANDLE(equal_halves_are_refused),
        WITH_HANDLE(halves_that_differ_in_one_bit_are_taken),
        WITH_HANDLE(keys_of_one_handle_do_not_mix),
        WITH_HANDLE(the_bytes_are_only_read_and_not_needed_afterwards),
        WITH_HANDLE(a_key_outlives_its_handle),
        WITH_HANDLE(null_is_freed_and_closed),
        WITH_HANDLE(freeing_wipes_the_expanded_key),
#ifndef UNDER_EMULATOR
        WITH_HANDLE(a_forked_child_sees_no_key),
        WITH_HANDLE(a_forked_child_cannot_use_a_key_of_its_parent),
#endif
        WITH_HANDLE(the_ceiling_of_key_memory_holds),
        WITH_HANDLE(memory_that_is_not_locked_is_told_of),
        WITH_HANDLE(nobody_needs_to_listen),
        WITH_HANDLE(memory_that_is_not_protected_is_refused_where_that_was_asked_for),
#ifndef MLOCK_IS_FAKE
        WITH_HANDLE(without_a_memlock_limit_a_key_says_so),
#endif
        WITH_HANDLE(every_failing_call_is_survived),
    };
    return cmocka_run_group_tests_name("xts_key", tests, NULL, NULL);
}
