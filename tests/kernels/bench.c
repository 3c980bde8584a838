/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kernels/bench.h"

#include "tests/support/test.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const direction_names[XTS_NUM_DIRECTIONS] = {"encrypt", "decrypt"};

struct bench *bench_make(const struct reference *reference, size_t max_len)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->reference = reference;
    bench->kernels = machine_kernels();
    bench->random = test_random_begin(reference->name);
    bench->one_in = machine_one_in();
    bench->max_len = max_len;
    bench->out = guarded_new(max_len);
    bench->in = guarded_new(max_len);
    bench->input = malloc(max_len);
    bench->expected = malloc(max_len);
    assert_non_null(bench->input);
    assert_non_null(bench->expected);
    bench_rekey(bench);
    return bench;
}

void bench_drop(struct bench **bench)
{
    struct bench *dropped = *bench;
    if (!dropped)
        return;
    dropped->reference->end();
    guarded_free(&dropped->out);
    guarded_free(&dropped->in);
    free(dropped->input);
    free(dropped->expected);
    free(dropped);
    *bench = NULL;
}

void bench_rekey(struct bench *bench)
{
    uint8_t key[XTSVOL_XTS_KEY_LEN];
    test_random_bytes(&bench->random, key, sizeof(key));
    xv_schedule_expand(&bench->schedule, key);
    bench->reference->end();
    bench->reference->begin(key);
}

static struct guarded_place random_place(struct bench *bench)
{
    return (struct guarded_place){
        .where = (enum guarded_where)test_random_below(&bench->random, GUARDED_NUM_WHERES),
        .offset = test_random_below(&bench->random, 64),
    };
}

struct setting bench_random_setting(struct bench *bench)
{
    struct setting setting = {.is_in_place = test_random_chance(&bench->random, 50)};
    setting.out = random_place(bench);
    setting.in = random_place(bench);
    return setting;
}

void bench_expect_units(struct bench *bench, const struct units_case *wanted)
{
    size_t len = wanted->unit_len * wanted->num_units;
    assert_true(len <= bench->max_len);
    test_random_bytes(&bench->random, bench->input, len);
    bench->reference->units(wanted->direction, bench->expected, bench->input, wanted->unit_len,
                            wanted->num_units, wanted->first);
}

void bench_expect_blocks(struct bench *bench, const struct blocks_case *wanted,
                         uint8_t tweak_behind[XTS_BLOCK_LEN])
{
    size_t len = wanted->num_blocks * XTS_BLOCK_LEN;
    assert_true(len <= bench->max_len);
    test_random_bytes(&bench->random, bench->input, len);
    memcpy(tweak_behind, wanted->tweak, XTS_BLOCK_LEN);
    bench->reference->blocks(wanted->direction, tweak_behind, bench->expected, bench->input,
                             wanted->num_blocks);
}

/* The buffers of one trial. */
struct buffers {
    uint8_t *out;
    uint8_t *in;
    size_t len;
};

static struct buffers lay_out(struct bench *bench, const struct setting *setting, size_t len)
{
    struct buffers buffers = {.out = guarded_place(&bench->out, setting->out, len), .len = len};
    buffers.in = setting->is_in_place ? buffers.out : guarded_place(&bench->in, setting->in, len);
    memset(buffers.out, 0xee, len);
    memcpy(buffers.in, bench->input, len);
    return buffers;
}

static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t len)
{
    size_t i = 0;
    while (i < len && a[i] == b[i])
        i++;
    return i;
}

/* NULL, or what is wrong. */
static const char *verdict(const struct bench *bench, const struct setting *setting,
                           const struct buffers *buffers)
{
    if (memcmp(buffers->out, bench->expected, buffers->len) != 0)
        return "wrong answer";
    if (!guarded_canaries_live(&bench->out, buffers->out, buffers->len))
        return "wrote around its output";
    if (setting->is_in_place)
        return NULL;
    if (memcmp(buffers->in, bench->input, buffers->len) != 0)
        return "wrote to its input";
    if (!guarded_canaries_live(&bench->in, buffers->in, buffers->len))
        return "wrote around its input";
    return NULL;
}

static void describe(char *out, size_t out_len, const struct setting *setting)
{
    static const char *const names[GUARDED_NUM_WHERES] = {"end", "beginning", "inside"};
    if (setting->is_in_place)
        (void)snprintf(out, out_len, "in place at %s+%zu", names[setting->out.where],
                       setting->out.offset);
    else
        (void)snprintf(out, out_len, "to %s+%zu from %s+%zu", names[setting->out.where],
                       setting->out.offset, names[setting->in.where], setting->in.offset);
}

void bench_try_units(struct bench *bench, const struct units_case *wanted,
                     const struct setting *setting)
{
    size_t len = wanted->unit_len * wanted->num_units;
    for (size_t i = 0; i < bench->kernels.num; i++) {
        const struct xts_kernel *kernel = bench->kernels.all[i];
        struct buffers buffers = lay_out(bench, setting, len);
        const struct xts_schedule before = bench->schedule;
        kernel->units[wanted->direction](&bench->schedule, buffers.out, buffers.in,
                                         wanted->unit_len, wanted->first, wanted->num_units);
        const char *wrong = verdict(bench, setting, &buffers);
        if (memcmp(&before, &bench->schedule, sizeof(before)) != 0)
            wrong = "wrote to the schedule";
        if (!wrong)
            continue;
        char where[96];
        describe(where, sizeof(where), setting);
        fail_msg("%s %s: %s at byte %zu of %zu units of %zu, first %" PRIx64 ":%016" PRIx64
                 ", %s, against %s",
                 kernel->name, direction_names[wanted->direction], wrong,
                 first_difference(buffers.out, bench->expected, len), wanted->num_units,
                 wanted->unit_len, wanted->first.high, wanted->first.low, where,
                 bench->reference->name);
    }
}

void bench_try_blocks(struct bench *bench, const struct blocks_case *wanted,
                      const uint8_t tweak_behind[XTS_BLOCK_LEN], const struct setting *setting)
{
    size_t len = wanted->num_blocks * XTS_BLOCK_LEN;
    for (size_t i = 0; i < bench->kernels.num; i++) {
        const struct xts_kernel *kernel = bench->kernels.all[i];
        struct buffers buffers = lay_out(bench, setting, len);
        uint8_t tweak[XTS_BLOCK_LEN];
        memcpy(tweak, wanted->tweak, sizeof(tweak));
        kernel->blocks[wanted->direction](&bench->schedule, tweak, buffers.out, buffers.in,
                                          wanted->num_blocks);
        const char *wrong = verdict(bench, setting, &buffers);
        if (memcmp(tweak, tweak_behind, sizeof(tweak)) != 0)
            wrong = "wrong tweak left";
        if (!wrong)
            continue;
        char where[96];
        describe(where, sizeof(where), setting);
        fail_msg("%s %s: %s, %zu blocks, byte %zu, %s, against %s", kernel->name,
                 direction_names[wanted->direction], wrong, wanted->num_blocks,
                 first_difference(buffers.out, bench->expected, len), where,
                 bench->reference->name);
    }
}

void bench_try_units_everywhere(struct bench *bench, const struct units_case *wanted)
{
    bench_expect_units(bench, wanted);
    for (unsigned i = 0; i < 2 * GUARDED_NUM_WHERES; i++) {
        struct setting setting = bench_random_setting(bench);
        setting.is_in_place = i % 2 != 0;
        setting.out.where = (enum guarded_where)(i / 2);
        setting.in.where = setting.out.where;
        bench_try_units(bench, wanted, &setting);
    }
}

void bench_try_units_somewhere(struct bench *bench, const struct units_case *wanted)
{
    struct setting setting = bench_random_setting(bench);
    bench_expect_units(bench, wanted);
    bench_try_units(bench, wanted, &setting);
}
