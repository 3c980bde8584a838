/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/bench.h"

#include "common/base/checked.h"
#include "common/base/cleanup.h"
#include "tools/cli/json.h"
#include "tools/cli/progress.h"
#include "tools/cli/size.h"
#include "tools/cli/table.h"
#include "tools/xtsvol/libcrypto.h"
#include "tools/xtsvol/speed.h"
#include "tools/xtsvol/verify.h"

#include <stdlib.h>

static const size_t default_units[] = {512, 4096, 65536};

enum {
    PAGE_LEN = 4096,
    NUM_DEFAULT_UNITS = sizeof(default_units) / sizeof(default_units[0]),
    MAX_LINES = (int)BENCH_MAX_KERNELS * (int)BENCH_NUM_OPS * NUM_DEFAULT_UNITS
};

struct line {
    const char *kernel;
    enum bench_op op;
    size_t unit_len;
    struct bench_speed speed;
};

struct run {
    struct cli *cli;
    struct line lines[MAX_LINES];
    size_t num_lines;
    struct cli_progress progress;
};

int bench_check(struct cli *cli)
{
    if (cli_interrupted())
        return COMMON_ERR_CANCELLED;
    uint64_t left_ns = 0;
    int error = cli_time_left(cli, &left_ns);
    return error ? cli_fail(cli, error, NULL, "timed out") : 0;
}

int bench_open_kernels(struct cli *cli, struct bench_kernels *out,
                       const uint8_t key[XTSVOL_XTS_KEY_LEN])
{
    int error = bench_kernels_open(out, key);
    if (!error)
        return 0;
    if (out->num == 0)
        return cli_fail(cli, error, NULL, "this CPU can run none of the kernels");
    const char *name = out->list[out->num - 1].info.name;
    if (error == COMMON_ERR_INTERNAL)
        return cli_fail(cli, error, name, "gives a wrong answer: do not use this machine");
    return cli_fail(cli, error, name, "%s", common_error_text(error));
}

static int check_run(void *context)
{
    struct run *run = context;
    return bench_check(run->cli);
}

static int print_table(struct cli *cli, const struct run *run)
{
    static const struct cli_column columns[] = {
        {.title = "Kernel"},
        {.title = "Op"},
        {.title = "Unit", .is_right = true},
        {.title = "GB/s", .is_right = true},
        {.title = "Bytes/cycle", .is_right = true},
        {.title = "Of the limit", .is_right = true},
    };
    CLI_CLEANUP_TABLE struct cli_table table =
        cli_table_begin(columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < run->num_lines; i++) {
        const struct line *line = &run->lines[i];
        char unit[CLI_SIZE_SIZE];
        cli_size_format(unit, line->unit_len);
        cli_table_cell(&table, line->kernel);
        cli_table_cell(&table, bench_op_names[line->op]);
        cli_table_cell(&table, unit);
        cli_table_cellf(&table, "%.2f", line->speed.gb_per_s);
        cli_table_cellf(&table, "%.2f", line->speed.bytes_per_cycle);
        if (line->speed.ratio_to_limit < 0.0)
            cli_table_cell(&table, "-");
        else
            cli_table_cellf(&table, "%.1f%%", line->speed.ratio_to_limit * 100.0);
    }
    return cli_table_print(cli->out, &table);
}

static int print_json(struct cli *cli, const struct run *run)
{
    json_t *document = json_array();
    for (size_t i = 0; i < run->num_lines; i++) {
        const struct line *line = &run->lines[i];
        json_t *ratio =
            line->speed.ratio_to_limit < 0.0 ? json_null() : json_real(line->speed.ratio_to_limit);
        json_t *object = json_pack("{s:s,s:s,s:I,s:f,s:f,s:o}", "kernel", line->kernel, "op",
                                   bench_op_names[line->op], "unit", (json_int_t)line->unit_len,
                                   "gb_per_s", line->speed.gb_per_s, "bytes_per_cycle",
                                   line->speed.bytes_per_cycle, "ratio_to_limit", ratio);
        if (json_array_append_new(document, object)) {
            json_decref(document);
            return COMMON_ERR_NO_MEMORY;
        }
    }
    return cli_json_print(cli, document);
}

/* Data that is not all alike, the same each time. */
static void fill(uint8_t *buffer, size_t len)
{
    uint64_t state = 1;
    for (size_t i = 0; i < len; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        buffer[i] = (uint8_t)(state >> 56);
    }
}

static int measure_unit(struct run *run, struct bench_kernel *kernel, size_t unit_len)
{
    /* At the begin of a page, as sectors lie in the buffers of storage: else every vector of 64
     * bytes is in two lines of the cache. */
    size_t len = bench_units_in_buffer(unit_len) * unit_len;
    size_t room = 0;
    if (common_size_round_up(&room, len, PAGE_LEN))
        return COMMON_ERR_LIMIT;
    COMMON_CLEANUP_FREE uint8_t *buffer = aligned_alloc(PAGE_LEN, room);
    if (!buffer)
        return COMMON_ERR_NO_MEMORY;
    fill(buffer, len);
    for (enum bench_op op = BENCH_ENCRYPT; op < BENCH_NUM_OPS; op++) {
        struct line *line = &run->lines[run->num_lines];
        *line = (struct line){.kernel = kernel->info.name, .op = op, .unit_len = unit_len};
        int error = bench_speed_measure(&line->speed, kernel, op, buffer, unit_len, check_run, run);
        if (error)
            return error;
        run->num_lines++;
        cli_progress_update(&run->progress, run->num_lines);
    }
    return 0;
}

static int measure_all(struct run *run, struct bench_kernels *kernels, const size_t *units,
                       size_t num_units)
{
    for (size_t i = 0; i < kernels->num; i++) {
        for (size_t j = 0; j < num_units; j++) {
            int error = measure_unit(run, &kernels->list[i], units[j]);
            if (error)
                return error;
        }
    }
    return 0;
}

static int measure(struct cli *cli)
{
    /* The time does not depend on the key, so that it need not be one that nobody knows. */
    uint8_t key[XTSVOL_XTS_KEY_LEN];
    fill(key, sizeof(key));
    BENCH_CLEANUP_KERNELS struct bench_kernels kernels = {.num = 0};
    int error = bench_open_kernels(cli, &kernels, key);
    if (error)
        return error;

    size_t given = (size_t)cli_size(cli, "unit");
    size_t num_units = given ? 1 : NUM_DEFAULT_UNITS;
    COMMON_CLEANUP_FREE struct run *run = calloc(1, sizeof(*run));
    if (!run)
        return COMMON_ERR_NO_MEMORY;
    run->cli = cli;
    cli_progress_begin(&run->progress, cli, "measuring", CLI_PROGRESS_ITEMS,
                       kernels.num * BENCH_NUM_OPS * num_units, 0);
    error = measure_all(run, &kernels, given ? &given : default_units, num_units);
    cli_progress_end(&run->progress);
    if (error)
        return error;
    return cli->json ? print_json(cli, run) : print_table(cli, run);
}

static int run_bench(struct cli *cli)
{
    const char *path = cli_string(cli, "verify");
    if (!path)
        return measure(cli);
    size_t unit_len = cli_has(cli, "unit") ? (size_t)cli_size(cli, "unit") : BENCH_VERIFY_UNIT;
    return bench_verify(cli, path, unit_len, BENCH_LIBCRYPTO);
}

const struct cli_command xtsvol_bench_command = {
    .name = "bench",
    .summary = "measure how fast one core of this CPU encrypts",
    .details =
        "Measures each kernel that this CPU can run, encrypting and decrypting, with the data in "
        "the cache: GB/s are 10^9 bytes a second, bytes a cycle count the core's own clock, and "
        "the limit is what the bare AES rounds of the data and of one tweak a unit would take.\n"
        "With --verify nothing is measured: each kernel encrypts and decrypts FILE under a random "
        "key, in memory, and the results are compared with each other and with libcrypto.",
    .options = (const struct cli_option[]){{.name = "unit",
                                            .type = CLI_SIZE,
                                            .value_name = "N",
                                            .summary = "bytes in a data unit, 16 to 16M; without "
                                                       "it 512, 4K and 64K, and 4K with --verify",
                                            .min = XTSVOL_XTS_UNIT_MIN,
                                            .max = XTSVOL_XTS_UNIT_MAX},
                                           {.name = "verify",
                                            .type = CLI_PATH,
                                            .value_name = "FILE",
                                            .summary = "compare the kernels on the bytes of FILE"},
                                           {0}},
    .run = run_bench,
};
