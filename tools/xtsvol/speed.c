/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/speed.h"

#define BUDGET_NS UINT64_C(200000000)

static int run_crypt(void *context, size_t num)
{
    struct bench_crypt_work *work = context;
    size_t call_len = work->units_per_call * work->unit_len;
    size_t len = work->num_units * work->unit_len;
    for (; num > 0; num--) {
        for (size_t at = 0; at < len; at += call_len) {
            int error = work->crypt(work->context, work->op, work->buffer + at, work->buffer + at,
                                    call_len, work->unit_len, work->next_unit);
            if (error)
                return error;
            work->next_unit += work->units_per_call;
        }
    }
    return 0;
}

struct bench_work bench_crypt_work_begin(struct bench_crypt_work *work)
{
    return (struct bench_work){.run = run_crypt, .context = work};
}

static int run_encrypt_limit(void *context, size_t num)
{
    ((const struct bench_limit *)context)->encrypt(num);
    return 0;
}

static int run_decrypt_limit(void *context, size_t num)
{
    ((const struct bench_limit *)context)->decrypt(num);
    return 0;
}

struct bench_work bench_limit_work(const struct bench_limit *limit, enum bench_op op)
{
    return (struct bench_work){
        .run = op == BENCH_ENCRYPT ? run_encrypt_limit : run_decrypt_limit,
        .context = (void *)limit,
    };
}

size_t bench_units_in_buffer(size_t unit_len)
{
    return unit_len < BENCH_BUFFER_LEN ? BENCH_BUFFER_LEN / unit_len : 1;
}

struct bench_speed bench_speed_of(const struct bench_crypt_work *work, double crypt_ns,
                                  double chain_ns, const struct bench_limit *limit, double limit_ns)
{
    double bytes_per_ns = (double)(work->num_units * work->unit_len) / crypt_ns;
    struct bench_speed speed = {
        .gb_per_s = bytes_per_ns,
        .bytes_per_cycle = bytes_per_ns * chain_ns / BENCH_CHAIN_CYCLES,
        .ratio_to_limit = -1.0,
    };
    if (limit)
        speed.ratio_to_limit = limit_ns / bench_limit_block_rounds(limit) *
                               bench_block_rounds(work->unit_len, work->num_units) / crypt_ns;
    return speed;
}

int bench_speed_measure(struct bench_speed *out, struct bench_kernel *kernel, enum bench_op op,
                        uint8_t *buffer, size_t unit_len, bench_check_fn *check,
                        void *check_context)
{
    *out = (struct bench_speed){0};
    const struct bench_limit *limit = bench_limit_find(kernel->info.id);
    struct bench_crypt_work crypt = {
        .crypt = bench_kernel_crypt,
        .context = kernel,
        .op = op,
        .unit_len = unit_len,
        .num_units = bench_units_in_buffer(unit_len),
        .units_per_call = bench_units_in_buffer(unit_len),
    };
    crypt.buffer = buffer;
    struct bench_work works[3] = {bench_clock_work(), bench_crypt_work_begin(&crypt)};
    if (limit)
        works[2] = bench_limit_work(limit, op);
    int error = bench_measure(works, limit ? 3 : 2, BUDGET_NS, check, check_context);
    if (!error)
        *out = bench_speed_of(&crypt, works[1].best_ns, works[0].best_ns, limit, works[2].best_ns);
    return error;
}
