/* SPDX-License-Identifier: Apache-2.0 */
/* One line of the benchmark as JSON, and as a line on stderr. */
#include "tests/bench/bench.h"

#include <stdio.h>

static size_t fastest(const struct bench_speed *speeds, size_t first, size_t end)
{
    size_t best = first;
    for (size_t i = first; i < end; i++) {
        if (speeds[i].gb_per_s > speeds[best].gb_per_s)
            best = i;
    }
    return best;
}

static json_t *kernel_object(const struct parties *parties, size_t kernel,
                             const struct bench_speed *speeds)
{
    const struct bench_speed *speed = &speeds[kernel];
    json_t *ratios = json_object();
    for (size_t i = parties->num_kernels; i < parties->num; i++)
        (void)json_object_set_new(ratios, parties->list[i].name,
                                  json_real(speed->gb_per_s / speeds[i].gb_per_s));
    json_t *to_limit = speed->ratio_to_limit < 0.0 ? json_null() : json_real(speed->ratio_to_limit);
    return json_pack("{s:s,s:f,s:f,s:o,s:o}", "kernel", parties->list[kernel].name, "gb_per_s",
                     speed->gb_per_s, "bytes_per_cycle", speed->bytes_per_cycle, "ratio_to_limit",
                     to_limit, "ratio_to_peers", ratios);
}

json_t *bench_line(const struct parties *parties, size_t unit_len, enum bench_op op,
                   const struct bench_speed *speeds, double clock_ghz)
{
    json_t *kernels = json_array();
    json_t *others = json_array();
    (void)fprintf(stderr, "%6zu %s", unit_len, bench_op_names[op]);
    for (size_t i = 0; i < parties->num; i++) {
        (void)fprintf(stderr, "  %s %.2f", parties->list[i].name, speeds[i].gb_per_s);
        if (i < parties->num_kernels)
            (void)json_array_append_new(kernels, kernel_object(parties, i, speeds));
        else
            (void)json_array_append_new(others,
                                        json_pack("{s:s,s:f,s:f}", "peer", parties->list[i].name,
                                                  "gb_per_s", speeds[i].gb_per_s, "bytes_per_cycle",
                                                  speeds[i].bytes_per_cycle));
    }
    size_t kernel = fastest(speeds, 0, parties->num_kernels);
    json_t *line = json_pack("{s:I,s:s,s:f,s:s,s:o,s:o}", "unit", (json_int_t)unit_len, "op",
                             bench_op_names[op], "clock_ghz", clock_ghz, "best_kernel",
                             parties->list[kernel].name, "kernels", kernels, "peers", others);
    if (line && parties->num > parties->num_kernels) {
        size_t peer = fastest(speeds, parties->num_kernels, parties->num);
        double ratio = speeds[kernel].gb_per_s / speeds[peer].gb_per_s;
        (void)fprintf(stderr, "  = %.2f x %s", ratio, parties->list[peer].name);
        (void)json_object_set_new(line, "best_peer", json_string(parties->list[peer].name));
        (void)json_object_set_new(line, "ratio_to_best_peer", json_real(ratio));
    }
    (void)fputc('\n', stderr);
    return line;
}
