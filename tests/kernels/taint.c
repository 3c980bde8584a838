/* SPDX-License-Identifier: Apache-2.0 */
/*
 * K3: no branch and no address depends on a secret. Run under valgrind, whose memcheck follows what
 * came of undefined bytes and complains when a branch or an address hangs on one: here the secrets
 * are what is called undefined. Each case runs twice, with the same bytes: once with all known,
 * once with the secrets undefined; it must come out the same, without a complaint, and undefined.
 *
 * Its own TAP rather than cmocka's: nothing but the library touches what is undefined.
 *
 *     taint         the library
 *     taint leaky   code that does depend on secrets, which must be complained about
 */
#include "common/base/ct.h"
#include "libxtsvol/src/xts/kernel.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

enum {
    MAX_LEN = 9 * 512,
    MAX_BUFFERS = 8
};

enum secret {
    NOTHING,
    THE_KEY,
    THE_DATA,
    KEY_AND_DATA
};

struct work {
    enum secret secret;
    uint32_t kernel;
    enum xts_direction direction;
    size_t unit_len;
    size_t num_units;
    bool in_lists; /* cut into buffers of odd lengths */
    uint8_t key[XTSVOL_XTS_KEY_LEN];
    uint8_t data[MAX_LEN];
};

static int num_tests;
static int status;

static void tell(bool is_ok, const char *name, const char *more)
{
    (void)printf("%sok %d - %s%s\n", is_ok ? "" : "not ", ++num_tests, name, more);
    if (!is_ok)
        status = 1;
}

static void must(bool is_so, const char *what)
{
    if (is_so)
        return;
    (void)printf("Bail out! %s\n", what);
    exit(1);
}

static void make_secret(void *bytes, size_t len)
{
    VALGRIND_MAKE_MEM_UNDEFINED(bytes, len);
}

static void make_public(void *bytes, size_t len)
{
    VALGRIND_MAKE_MEM_DEFINED(bytes, len);
}

/* Does what came out depend on what went in? 0 in a place means that its byte does not. */
static bool is_all_secret(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t undefined = 0;
        if (VALGRIND_GET_VBITS(bytes + i, &undefined, 1) != 1 || undefined == 0)
            return false;
    }
    return true;
}

/*
 * The halves of a key are compared, and that they are equal is told to the caller: this verdict is
 * public, and nothing else of the comparison. The linker puts this in the place of the function
 * (--wrap), which itself runs on the undefined bytes.
 */
bool __real_common_ct_equal(const void *a, const void *b, size_t len);
bool __wrap_common_ct_equal(const void *a, const void *b, size_t len);
bool __wrap_common_ct_equal(const void *a, const void *b, size_t len)
{
    bool is_equal = __real_common_ct_equal(a, b, len);
    make_public(&is_equal, sizeof(is_equal));
    return is_equal;
}

/* Buffers of 1, 16, 39, 518, ... bytes, and the rest in the last. */
static size_t cut(struct iovec out[MAX_BUFFERS], struct work *work, size_t len)
{
    uint8_t *data = work->data;
    size_t num = 0;
    for (size_t next = 1; len > 0; next = next * 13 + 3) {
        size_t n = next < len && num < MAX_BUFFERS - 1 ? next : len;
        out[num++] = (struct iovec){.iov_base = data, .iov_len = n};
        data += n;
        len -= n;
    }
    return num;
}

static int transform(const struct xtsvol_xts_key *key, struct work *work)
{
    const struct xtsvol_unit_number first = {.low = UINT64_MAX - 1, .high = 7};
    size_t len = work->unit_len * work->num_units;
    if (!work->in_lists)
        return work->direction == XTS_ENCRYPT
                   ? xtsvol_xts_encrypt(key, work->data, work->data, len, work->unit_len, first)
                   : xtsvol_xts_decrypt(key, work->data, work->data, len, work->unit_len, first);
    struct iovec buffers[MAX_BUFFERS];
    size_t num = cut(buffers, work, len);
    return work->direction == XTS_ENCRYPT
               ? xtsvol_xts_encryptv(key, buffers, num, buffers, num, work->unit_len, first)
               : xtsvol_xts_decryptv(key, buffers, num, buffers, num, work->unit_len, first);
}

/* The whole life of a key, through the public calls. */
static void live(struct work *work)
{
    struct xtsvol_xts_options options = xtsvol_xts_options_default();
    struct xtsvol_xts *xts = NULL;
    struct xtsvol_xts_key *key = NULL;
    options.kernels = work->kernel;
    must(xtsvol_xts_open(&xts, &options) == XTSVOL_OK, "no handle");

    for (size_t i = 0; i < sizeof(work->key); i++)
        work->key[i] = (uint8_t)(i * 29 + 5);
    for (size_t i = 0; i < sizeof(work->data); i++)
        work->data[i] = (uint8_t)(i * 7 ^ i >> 8);
    if (work->secret & THE_KEY)
        make_secret(work->key, sizeof(work->key));
    if (work->secret & THE_DATA)
        make_secret(work->data, sizeof(work->data));

    must(xtsvol_xts_key_new(&key, xts, work->key, sizeof(work->key)) == XTSVOL_OK, "no key");
    must(transform(key, work) == XTSVOL_OK, "not transformed");
    xtsvol_xts_key_free(&key);
    xtsvol_xts_close(&xts);
}

static void try_lives(const struct xtsvol_kernel *kernel)
{
    static const char *const secrets[] = {"", "the key", "the data", "key and data"};
    static const struct {
        size_t unit_len;
        size_t num_units;
        bool in_lists;
    } shapes[] = {{512, 9, false}, {16, 11, false}, {1041, 3, false}, {17, 5, false},
                  {512, 9, true},  {1041, 3, true}, {31, 40, true}};
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        for (enum xts_direction way = XTS_ENCRYPT; way < XTS_NUM_DIRECTIONS; way++) {
            for (enum secret secret = THE_KEY; secret <= KEY_AND_DATA; secret++) {
                static struct work known;
                static struct work tainted;
                known = (struct work){.secret = NOTHING,
                                      .kernel = kernel->id,
                                      .direction = way,
                                      .unit_len = shapes[i].unit_len,
                                      .num_units = shapes[i].num_units,
                                      .in_lists = shapes[i].in_lists};
                tainted = known;
                tainted.secret = secret;
                size_t len = known.unit_len * known.num_units;
                live(&known);
                unsigned num_errors = VALGRIND_COUNT_ERRORS;
                live(&tainted);
                num_errors = VALGRIND_COUNT_ERRORS - num_errors;
                bool followed = is_all_secret(tainted.data, len);
                make_public(tainted.data, len);
                bool is_same = memcmp(tainted.data, known.data, len) == 0;

                char name[160];
                (void)snprintf(name, sizeof(name), "%s: %scrypting %zu units of %zu%s, %s secret",
                               kernel->name, way == XTS_ENCRYPT ? "en" : "de", known.num_units,
                               known.unit_len, known.in_lists ? " in lists" : "", secrets[secret]);
                tell(num_errors == 0 && followed && is_same, name,
                     num_errors  ? ": depends on it"
                     : !followed ? ": is not followed by valgrind"
                     : !is_same  ? ": came out otherwise"
                                 : "");
            }
        }
    }
}

/* The schedule by itself, since here it is seen that all of it depends on the key. */
static void try_schedule(void)
{
    struct xts_schedule known;
    struct xts_schedule tainted;
    uint8_t key[XTSVOL_XTS_KEY_LEN];
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(i * 3 + 1);
    xv_schedule_expand(&known, key);
    make_secret(key, sizeof(key));
    unsigned num_errors = VALGRIND_COUNT_ERRORS;
    xv_schedule_expand(&tainted, key);
    num_errors = VALGRIND_COUNT_ERRORS - num_errors;
    bool followed = is_all_secret((const uint8_t *)&tainted, sizeof(tainted));
    make_public(&tainted, sizeof(tainted));
    tell(num_errors == 0 && followed && memcmp(&tainted, &known, sizeof(known)) == 0,
         "expanding a key", num_errors ? ": depends on it" : "");
}

/* What a kernel with tables, and a comparison that stops early, would do. */
static __attribute__((noinline)) uint8_t look_up(const volatile uint8_t table[256],
                                                 const uint8_t *index)
{
    return table[*index];
}

static __attribute__((noinline)) uint8_t decide(const volatile uint8_t *bit)
{
    return *bit & 1 ? 3 : *(bit + 1);
}

static void try_leaks(void)
{
    static volatile uint8_t table[256];
    uint8_t secret[2] = {7, 9};
    volatile uint8_t sink = 0;

    make_secret(secret, sizeof(secret));
    unsigned before = VALGRIND_COUNT_ERRORS;
    sink = look_up(table, secret);
    tell(VALGRIND_COUNT_ERRORS > before, "a look-up by a secret is seen", "");
    before = VALGRIND_COUNT_ERRORS;
    sink = decide(secret);
    tell(VALGRIND_COUNT_ERRORS > before, "a branch on a secret is seen", "");
    before = VALGRIND_COUNT_ERRORS;
    sink = secret[0] ^ secret[1];
    tell(VALGRIND_COUNT_ERRORS == before, "a sum of secrets is let pass", "");
    (void)sink;
}

int main(int argc, char **argv)
{
    if (!RUNNING_ON_VALGRIND) {
        (void)puts("1..0 # SKIP valgrind does not run this");
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "leaky") == 0) {
        try_leaks();
    } else {
        struct xtsvol_kernel kernel;
        try_schedule();
        for (size_t i = 0; xtsvol_kernel_get(&kernel, i) == XTSVOL_OK; i++) {
            if (kernel.is_usable)
                try_lives(&kernel);
            else
                (void)printf("# kernel %s: valgrind has not the instructions\n", kernel.name);
        }
    }
    (void)printf("1..%d\n", num_tests);
    return status;
}
