/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public face of the cipher: handles, keys, and the checks that kernels rely on.
 *
 * A handle is counted: the caller holds it once, and each key once, so that the arena in which keys
 * live ends with the last of them.
 */
#include "libxtsvol/src/xts/xts.h"

#include "common/base/cleanup.h"
#include "common/base/ct.h"
#include "common/secmem/secmem.h"
#include "libxtsvol/src/event.h"
#include "libxtsvol/src/xts/cpu.h"
#include "libxtsvol/src/xts/tweak.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

enum {
    MAX_OPTIONS_LEN = 4096 /* no version will have as many */
};

struct xtsvol_xts {
    const struct xts_kernel *kernel;
    struct common_secmem *arena;
    xtsvol_event_fn *event;
    void *event_context;
    atomic_size_t num_holders;
};

/* What 0.1 had: a shorter struct was never compiled. */
#define OPTIONS_LEN_0_1 (offsetof(struct xtsvol_xts_options, event_context) + sizeof(void *))

static void set_defaults(struct xtsvol_xts_options *out)
{
    *out = (struct xtsvol_xts_options){
        .size = sizeof(*out),
        .kernels = UINT32_MAX,
        .max_key_memory = common_secmem_options_default().max_bytes,
    };
}

void xtsvol_xts_options_init(struct xtsvol_xts_options *options, size_t size)
{
    if (!options)
        return;
    struct xtsvol_xts_options defaults;
    set_defaults(&defaults);
    defaults.size = size;
    memset(options, 0, size);
    memcpy(options, &defaults, size < sizeof(defaults) ? size : sizeof(defaults));
}

/* A caller that was compiled against another version: what he does not know of is the default, and
 * what we do not know of must be left unset, for it may be what his security rests on. */
static int known_options(struct xtsvol_xts_options *out, const struct xtsvol_xts_options *options)
{
    set_defaults(out);
    if (!options)
        return XTSVOL_OK;
    if (options->size < OPTIONS_LEN_0_1 || options->size > MAX_OPTIONS_LEN)
        return XTSVOL_ERR_INVALID;
    if (options->size > sizeof(*out)) {
        const uint8_t *unknown = (const uint8_t *)options + sizeof(*out);
        if (!common_ct_is_zero(unknown, options->size - sizeof(*out)))
            return XTSVOL_ERR_UNSUPPORTED;
    }
    memcpy(out, options, options->size < sizeof(*out) ? options->size : sizeof(*out));
    return XTSVOL_OK;
}

static void tell(void *context, const struct common_event *event)
{
    const struct xtsvol_xts *xts = context;
    xv_event_hand_on(xts->event, xts->event_context, event);
}

static int open_arena(struct xtsvol_xts *xts, const struct xtsvol_xts_options *options)
{
    struct common_secmem_options arena = common_secmem_options_default();
    arena.require_protection = options->require_protection != 0;
    arena.max_bytes = options->max_key_memory;
    arena.events = (struct common_event_sink){.emit = tell, .context = xts};
    return common_secmem_open(&xts->arena, &arena);
}

int xtsvol_xts_open(struct xtsvol_xts **out, const struct xtsvol_xts_options *options)
{
    if (!out)
        return XTSVOL_ERR_INVALID;
    *out = NULL;
    struct xtsvol_xts_options chosen;
    int error = known_options(&chosen, options);
    if (error)
        return error;

    const struct xv_cpu cpu = xv_cpu_probe();
    const struct xts_kernel *kernel = xv_kernel_choose(&cpu, chosen.kernels);
    if (!kernel)
        return XTSVOL_ERR_UNSUPPORTED;
    error = xv_known_answer_test(kernel);
    if (error)
        return error;

    COMMON_CLEANUP_FREE struct xtsvol_xts *xts = calloc(1, sizeof(*xts));
    if (!xts)
        return XTSVOL_ERR_NO_MEMORY;
    xts->kernel = kernel;
    xts->event = chosen.event;
    xts->event_context = chosen.event_context;
    atomic_init(&xts->num_holders, 1);
    error = open_arena(xts, &chosen);
    if (error)
        return error;
    *out = COMMON_TAKE_PTR(xts);
    return XTSVOL_OK;
}

static void let_go(struct xtsvol_xts *xts)
{
    if (atomic_fetch_sub_explicit(&xts->num_holders, 1, memory_order_acq_rel) != 1)
        return;
    common_secmem_close(&xts->arena);
    free(xts);
}

void xtsvol_xts_close(struct xtsvol_xts **xts)
{
    if (!xts || !*xts)
        return;
    let_go(COMMON_TAKE_PTR(*xts));
}

const char *xtsvol_kernel_name(const struct xtsvol_xts *xts)
{
    return xts ? xts->kernel->name : "none";
}

int xtsvol_xts_key_new(struct xtsvol_xts_key **out, struct xtsvol_xts *xts, const uint8_t *key,
                       size_t key_len)
{
    if (!out)
        return XTSVOL_ERR_INVALID;
    *out = NULL;
    if (!xts || !key || key_len != XTSVOL_XTS_KEY_LEN)
        return XTSVOL_ERR_INVALID;
    if (common_ct_equal(key, key + XTSVOL_XTS_KEY_LEN / 2, XTSVOL_XTS_KEY_LEN / 2))
        return XTSVOL_ERR_DENIED;

    COMMON_CLEANUP_FREE struct xtsvol_xts_key *made = calloc(1, sizeof(*made));
    if (!made)
        return XTSVOL_ERR_NO_MEMORY;
    int error = common_secret_new(&made->secret, xts->arena, sizeof(struct xts_key_memory));
    if (error)
        return error;
    struct xts_key_memory *memory = (struct xts_key_memory *)(void *)made->secret.data;
    xv_schedule_expand(&memory->schedule, key);
    memory->mark = XTS_KEY_MARK;
    made->memory = memory;
    made->kernel = xts->kernel;
    made->xts = xts;
    atomic_fetch_add_explicit(&xts->num_holders, 1, memory_order_relaxed);
    *out = COMMON_TAKE_PTR(made);
    return XTSVOL_OK;
}

void xtsvol_xts_key_free(struct xtsvol_xts_key **key)
{
    if (!key || !*key)
        return;
    struct xtsvol_xts_key *freed = COMMON_TAKE_PTR(*key);
    common_secret_free(&freed->secret);
    let_go(freed->xts);
    free(freed);
}

int xv_count_units(size_t *out_num, size_t len, size_t unit_len, struct xtsvol_unit_number first)
{
    *out_num = 0;
    if (unit_len < XTSVOL_XTS_UNIT_MIN || unit_len > XTSVOL_XTS_UNIT_MAX)
        return XTSVOL_ERR_INVALID;
    /* The way to a unit alone is kept short: it has no last number, and needs no division. */
    if (len == unit_len) {
        *out_num = 1;
        return XTSVOL_OK;
    }
    if (len % unit_len != 0)
        return XTSVOL_ERR_INVALID;
    /* The last number must not pass 2^128 - 1: unit 0 would come round, and two units of one key
     * with one number give away which of their blocks are alike. */
    size_t num_units = len / unit_len;
    if (num_units > 1 && first.high == UINT64_MAX && first.low > UINT64_MAX - (num_units - 1))
        return XTSVOL_ERR_INVALID;
    *out_num = num_units;
    return XTSVOL_OK;
}

/* Addresses as numbers, because pointers into different objects do not compare. */
static bool overlaps_in_part(const uint8_t *out, const uint8_t *in, size_t len)
{
    uintptr_t a = (uintptr_t)out;
    uintptr_t b = (uintptr_t)in;
    return a != b && (a < b ? b - a : a - b) < len;
}

static int transform(enum xts_direction direction, const struct xtsvol_xts_key *key, uint8_t *out,
                     const uint8_t *in, size_t len, size_t unit_len,
                     struct xtsvol_unit_number first)
{
    if (!key)
        return XTSVOL_ERR_INVALID;
    size_t num_units = 0;
    int error = xv_count_units(&num_units, len, unit_len, first);
    if (error || num_units == 0)
        return error;
    if (!out || !in || overlaps_in_part(out, in, len))
        return XTSVOL_ERR_INVALID;
    if (!xv_key_is_whole(key))
        return XTSVOL_ERR_STATE;
    key->kernel->units[direction](&key->memory->schedule, out, in, unit_len, xv_in_registers(first),
                                  num_units);
    return XTSVOL_OK;
}

int xtsvol_xts_encrypt(const struct xtsvol_xts_key *key, uint8_t *out, const uint8_t *in,
                       size_t len, size_t unit_len, struct xtsvol_unit_number first)
{
    return transform(XTS_ENCRYPT, key, out, in, len, unit_len, first);
}

int xtsvol_xts_decrypt(const struct xtsvol_xts_key *key, uint8_t *out, const uint8_t *in,
                       size_t len, size_t unit_len, struct xtsvol_unit_number first)
{
    return transform(XTS_DECRYPT, key, out, in, len, unit_len, first);
}
