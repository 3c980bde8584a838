/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data that are in no cache: in place, through a large buffer. All parties go through it together,
 * each slice where the one before it ended, so that what a slice meets was touched last a whole
 * buffer ago.
 */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum {
    CALL_LEN = 1 << 20, /* bytes */
    NUM_BUDGETS = 5     /* slices are longer here, and there should be as many */
};

struct place {
    uint8_t *buffer;
    size_t len; /* a multiple of CALL_LEN */
    size_t at;
};

struct walk {
    const struct compare_party *party;
    struct place *place;
    size_t unit_len;
    enum bench_op op;
};

static int run_walk(void *context, size_t num)
{
    struct walk *walk = context;
    struct place *place = walk->place;
    for (; num > 0; num--) {
        uint8_t *data = place->buffer + place->at;
        int error = walk->party->crypt(walk->party->context, walk->op, data, data, CALL_LEN,
                                       walk->unit_len, place->at / walk->unit_len);
        if (error)
            return error;
        place->at = (place->at + CALL_LEN) % place->len;
    }
    return 0;
}

static int measure_line(struct bench_speed *speeds, double *out_ghz, const struct parties *parties,
                        const struct plan *plan, struct place *place, size_t unit_len,
                        enum bench_op op)
{
    struct walk walks[MAX_PARTIES];
    struct bench_work works[1 + MAX_PARTIES];
    works[0] = bench_clock_work();
    for (size_t i = 0; i < parties->num; i++) {
        walks[i] = (struct walk){
            .party = &parties->list[i], .place = place, .unit_len = unit_len, .op = op};
        works[1 + i] = (struct bench_work){
            .run = run_walk, .context = &walks[i], .slice_ns = plan->memory_slice_ns};
    }
    int error = bench_measure(works, 1 + parties->num, plan->budget_ns * NUM_BUDGETS * parties->num,
                              NULL, NULL);
    for (size_t i = 0; !error && i < parties->num; i++) {
        double gb_per_s = CALL_LEN / works[1 + i].best_ns;
        speeds[i] = (struct bench_speed){
            .gb_per_s = gb_per_s,
            .bytes_per_cycle = gb_per_s * works[0].best_ns / BENCH_CHAIN_CYCLES,
            .ratio_to_limit = -1.0,
        };
        *out_ghz = BENCH_CHAIN_CYCLES / works[0].best_ns;
    }
    return error;
}

json_t *bench_in_memory(struct parties *parties, const struct plan *plan)
{
    static const size_t unit_lens[] = {512, 4096, 65536};
    struct place place = {
        .buffer = mmap(NULL, plan->memory_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0),
        .len = plan->memory_len,
    };
    if (place.buffer == MAP_FAILED) {
        (void)fprintf(stderr, "bench_xts: no memory for %zu MiB\n", plan->memory_len >> 20);
        return NULL;
    }
    memset(place.buffer, 0x5a, place.len); /* pages are there before the clock runs */
    json_t *lines = json_array();
    (void)fprintf(stderr, "in place through %zu MiB, GB/s:\n", plan->memory_len >> 20);
    int error = 0;
    for (size_t i = 0; !error && i < sizeof(unit_lens) / sizeof(unit_lens[0]); i++) {
        for (enum bench_op op = BENCH_ENCRYPT; !error && op < BENCH_NUM_OPS; op++) {
            struct bench_speed speeds[MAX_PARTIES];
            double ghz = 0.0;
            error = measure_line(speeds, &ghz, parties, plan, &place, unit_lens[i], op);
            if (!error)
                (void)json_array_append_new(lines,
                                            bench_line(parties, unit_lens[i], op, speeds, ghz));
        }
    }
    (void)munmap(place.buffer, place.len);
    if (!error)
        return lines;
    (void)fprintf(stderr, "bench_xts: %s\n", common_error_text(error));
    json_decref(lines);
    return NULL;
}
