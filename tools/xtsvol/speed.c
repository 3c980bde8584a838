/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/speed.h"

#include "tools/xtsvol/limit.h"

#define BUDGET_NS UINT64_C(200000000)

struct kernel_work {
    const struct xtsvol_xts_key *key;
    enum bench_op op;
    uint8_t *buffer;
    size_t unit_len;
    size_t num_units;
    uint64_t next_unit; /* a new tweak for each unit, as a disk has */
};

static int run_kernel(void *context, size_t num)
{
    struct kernel_work *work = context;
    for (; num > 0; num--) {
        int error = bench_crypt(work->key, work->op, work->buffer, work->buffer,
                                work->num_units * work->unit_len, work->unit_len, work->next_unit);
        if (error)
            return error;
        work->next_unit += work->num_units;
    }
    return 0;
}

static int run_limit(void *context, size_t num)
{
    bench_limit_fn *loop = *(bench_limit_fn **)context;
    loop(num);
    return 0;
}

size_t bench_units_in_buffer(size_t unit_len)
{
    return unit_len < BENCH_BUFFER_LEN ? BENCH_BUFFER_LEN / unit_len : 1;
}

int bench_speed_measure(struct bench_speed *out, const struct bench_kernel *kernel,
                        enum bench_op op, uint8_t *buffer, size_t unit_len, bench_check_fn *check,
                        void *check_context)
{
    *out = (struct bench_speed){0};
    const struct bench_limit *limit = bench_limit_find(kernel->info.id);
    bench_limit_fn *loop = NULL;
    if (limit)
        loop = op == BENCH_ENCRYPT ? limit->encrypt : limit->decrypt;
    struct kernel_work kernel_work = {
        .key = kernel->key,
        .op = op,
        .buffer = buffer,
        .unit_len = unit_len,
        .num_units = bench_units_in_buffer(unit_len),
    };
    struct bench_work works[] = {
        bench_clock_work(),
        {.run = run_kernel, .context = &kernel_work},
        {.run = run_limit, .context = &loop},
    };
    int error = bench_measure(works, limit ? 3 : 2, BUDGET_NS, check, check_context);
    if (error)
        return error;

    double cycle_ns = works[0].best_ns / BENCH_CHAIN_CYCLES;
    double bytes_per_ns = (double)(kernel_work.num_units * unit_len) / works[1].best_ns;
    out->gb_per_s = bytes_per_ns;
    out->bytes_per_cycle = bytes_per_ns * cycle_ns;
    out->ratio_to_limit = -1.0;
    if (limit) {
        double round_ns = works[2].best_ns / bench_limit_block_rounds(limit);
        out->ratio_to_limit =
            round_ns * bench_block_rounds(unit_len, kernel_work.num_units) / works[1].best_ns;
    }
    return 0;
}
