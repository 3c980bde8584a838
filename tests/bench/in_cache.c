/* SPDX-License-Identifier: Apache-2.0 */
/* Data that stay in a cache: all parties at three units, and calls of one unit against calls of
 * many. */
#include "tests/bench/bench.h"

#include <stdio.h>

/* In turns: the clock, every party, and the limit of every kernel that has one. */
struct turns {
    uint8_t buffer[BENCH_BUFFER_LEN];
    struct bench_crypt_work crypts[MAX_PARTIES];
    struct bench_work works[1 + MAX_PARTIES + BENCH_MAX_KERNELS];
    const struct bench_limit *limits[BENCH_MAX_KERNELS];
    size_t limit_works[BENCH_MAX_KERNELS];
    size_t num_works;
    struct bench_speed speeds[MAX_PARTIES];
};

static int measure_line(struct turns *turns, const struct parties *parties, const struct plan *plan,
                        size_t unit_len, enum bench_op op)
{
    turns->num_works = 0;
    turns->works[turns->num_works++] = bench_clock_work();
    for (size_t i = 0; i < parties->num; i++) {
        turns->crypts[i] = (struct bench_crypt_work){
            .crypt = parties->list[i].crypt,
            .context = parties->list[i].context,
            .op = op,
            .buffer = turns->buffer,
            .unit_len = unit_len,
            .num_units = bench_units_in_buffer(unit_len),
            .units_per_call = bench_units_in_buffer(unit_len),
        };
        turns->works[turns->num_works++] = bench_crypt_work_begin(&turns->crypts[i]);
    }
    for (size_t i = 0; i < parties->num_kernels; i++) {
        turns->limits[i] = bench_limit_find(parties->kernels.list[i].info.id);
        turns->limit_works[i] = turns->num_works;
        if (turns->limits[i])
            turns->works[turns->num_works++] = bench_limit_work(turns->limits[i], op);
    }
    int error =
        bench_measure(turns->works, turns->num_works, plan->budget_ns * parties->num, NULL, NULL);
    for (size_t i = 0; !error && i < parties->num; i++) {
        const struct bench_limit *limit = i < parties->num_kernels ? turns->limits[i] : NULL;
        double limit_ns = limit ? turns->works[turns->limit_works[i]].best_ns : 0.0;
        turns->speeds[i] = bench_speed_of(&turns->crypts[i], turns->works[1 + i].best_ns,
                                          turns->works[0].best_ns, limit, limit_ns);
    }
    return error;
}

json_t *bench_in_cache(struct parties *parties, const struct plan *plan)
{
    static const size_t unit_lens[] = {512, 4096, 65536};
    static struct turns turns;
    json_t *lines = json_array();
    (void)fputs("in cache, GB/s:\n", stderr);
    for (size_t i = 0; i < sizeof(unit_lens) / sizeof(unit_lens[0]); i++) {
        for (enum bench_op op = BENCH_ENCRYPT; op < BENCH_NUM_OPS; op++) {
            int error = measure_line(&turns, parties, plan, unit_lens[i], op);
            if (error) {
                (void)fprintf(stderr, "bench_xts: %s\n", common_error_text(error));
                json_decref(lines);
                return NULL;
            }
            double ghz = BENCH_CHAIN_CYCLES / turns.works[0].best_ns;
            (void)json_array_append_new(lines,
                                        bench_line(parties, unit_lens[i], op, turns.speeds, ghz));
        }
    }
    return lines;
}

/* Calls of the public functions with nothing around them, as a caller has them who works off units
 * one after the other. */
struct calls {
    const struct xtsvol_xts_key *key;
    uint8_t *buffer;
    size_t unit_len;
    size_t num_units; /* in the buffer; all of them are one time of the work */
    size_t units_per_call;
    uint64_t next_unit;
};

static inline int run_calls(struct calls *calls, enum bench_op op, size_t num)
{
    const size_t call_len = calls->units_per_call * calls->unit_len;
    const size_t len = calls->num_units * calls->unit_len;
    struct xtsvol_unit_number first = xtsvol_unit(calls->next_unit);
    int error = 0;
    for (; num > 0 && !error; num--) {
        for (size_t at = 0; at < len && !error; at += call_len) {
            uint8_t *data = calls->buffer + at;
            error =
                op == BENCH_ENCRYPT
                    ? xtsvol_xts_encrypt(calls->key, data, data, call_len, calls->unit_len, first)
                    : xtsvol_xts_decrypt(calls->key, data, data, call_len, calls->unit_len, first);
            first.low += calls->units_per_call;
        }
    }
    calls->next_unit = first.low;
    return error;
}

static int run_encrypt_calls(void *context, size_t num)
{
    return run_calls(context, BENCH_ENCRYPT, num);
}

static int run_decrypt_calls(void *context, size_t num)
{
    return run_calls(context, BENCH_DECRYPT, num);
}

/* What a unit costs in a call of its own over what it costs among many. */
static int measure_one_unit(double *out_ratio, const struct bench_kernel *kernel,
                            const struct plan *plan, size_t unit_len, enum bench_op op)
{
    static uint8_t buffer[BENCH_BUFFER_LEN];
    const size_t num_units = bench_units_in_buffer(unit_len);
    struct calls calls[2];
    struct bench_work works[2];
    for (size_t i = 0; i < 2; i++) {
        calls[i] = (struct calls){
            .key = kernel->key,
            .buffer = buffer,
            .unit_len = unit_len,
            .num_units = num_units,
            .units_per_call = i == 0 ? 1 : num_units,
        };
        works[i] = (struct bench_work){
            .run = op == BENCH_ENCRYPT ? run_encrypt_calls : run_decrypt_calls,
            .context = &calls[i],
        };
    }
    int error = bench_measure(works, 2, plan->budget_ns, NULL, NULL);
    *out_ratio = error ? 0.0 : works[0].best_ns / works[1].best_ns;
    return error;
}

json_t *bench_one_unit_calls(struct parties *parties, const struct plan *plan)
{
    static const size_t unit_lens[] = {512, 4096};
    json_t *lines = json_array();
    (void)fputs("a unit in a call of its own, over one among many:\n", stderr);
    for (size_t kernel = 0; kernel < parties->num_kernels; kernel++) {
        for (size_t i = 0; i < sizeof(unit_lens) / sizeof(unit_lens[0]); i++) {
            for (enum bench_op op = BENCH_ENCRYPT; op < BENCH_NUM_OPS; op++) {
                double ratio = 0.0;
                int error = measure_one_unit(&ratio, &parties->kernels.list[kernel], plan,
                                             unit_lens[i], op);
                if (error) {
                    (void)fprintf(stderr, "bench_xts: %s\n", common_error_text(error));
                    json_decref(lines);
                    return NULL;
                }
                const char *name = parties->list[kernel].name;
                (void)fprintf(stderr, "%6zu %s  %s %.3f\n", unit_lens[i], bench_op_names[op], name,
                              ratio);
                (void)json_array_append_new(lines, json_pack("{s:s,s:I,s:s,s:f}", "kernel", name,
                                                             "unit", (json_int_t)unit_lens[i], "op",
                                                             bench_op_names[op], "ratio", ratio));
            }
        }
    }
    return lines;
}
