/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/measure.h"

#include <time.h>

enum {
    MIN_TURNS = 3,
    SLICE_NS = 100000
};

static uint64_t now_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int run_slice(const struct bench_work *work, uint64_t *out_ns)
{
    uint64_t began = now_ns();
    int error = work->run(work->context, work->num);
    *out_ns = now_ns() - began;
    return error;
}

/* Finds how often the work fits into a slice. It is warm afterwards: code, data, and the clock that
 * a core takes for wide registers. */
static int fit_slice(struct bench_work *work, bench_check_fn *check, void *check_context)
{
    uint64_t slice_ns = work->slice_ns ? work->slice_ns : SLICE_NS;
    uint64_t took_ns = 0;
    for (work->num = 1;; work->num *= 2) {
        int error = check ? check(check_context) : 0;
        if (!error)
            error = run_slice(work, &took_ns);
        if (error)
            return error;
        if (took_ns >= slice_ns / 2)
            break;
    }
    double num = (double)work->num * (double)slice_ns / (double)took_ns;
    work->num = num < 1.0 ? 1 : (size_t)num;
    return 0;
}

int bench_measure(struct bench_work *works, size_t num_works, uint64_t budget_ns,
                  bench_check_fn *check, void *check_context)
{
    uint64_t began = now_ns();
    for (size_t i = 0; i < num_works; i++) {
        works[i].best_ns = 0.0;
        int error = fit_slice(&works[i], check, check_context);
        if (error)
            return error;
    }
    for (unsigned turn = 0; turn < MIN_TURNS || now_ns() - began < budget_ns; turn++) {
        for (size_t i = 0; i < num_works; i++) {
            uint64_t took_ns = 0;
            int error = check ? check(check_context) : 0;
            if (!error)
                error = run_slice(&works[i], &took_ns);
            if (error)
                return error;
            double one_ns = (double)took_ns / (double)works[i].num;
            if (turn == 0 || one_ns < works[i].best_ns)
                works[i].best_ns = one_ns;
        }
    }
    return 0;
}

static int run_chain(void *context, size_t num)
{
    (void)context;
    bench_chain(num);
    return 0;
}

struct bench_work bench_clock_work(void)
{
    return (struct bench_work){.run = run_chain};
}
