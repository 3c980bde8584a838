/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: bench_volume [--quick] [DIRECTORY]
 *
 * Volumes beside what they are made of, in turns in one run: plain pread and pwrite of the same
 * file, the cipher over the same bytes, and the library. `ratio` is the time that the first two
 * need together over that of the library: 1 would be no cost of its own. And how long it takes to
 * open 16 TiB. DIRECTORY is where the files go, /dev/shm unless given; JSON on stdout.
 */
#include "tools/xtsvol/measure.h"
#include <xtsvol/volume.h>

#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    REQUEST_LEN = 1 << 20,
    NUM_REQUESTS = 128, /* in the volume: more than caches hold */
    MAX_PATH = 4096
};
#define VOLUME_LEN ((uint64_t)REQUEST_LEN * NUM_REQUESTS)
#define HUGE_LEN (UINT64_C(16) << 40)

struct form {
    const char *name;
    uint32_t sector_size;
    enum xtsvol_iv iv;
};

static const struct form forms[] = {
    {"512", 512, XTSVOL_IV_PLAIN64},
    {"4096", 4096, XTSVOL_IV_PLAIN64},
    {"4096 large", 4096, XTSVOL_IV_LARGE},
};

struct bench {
    const struct form *form;
    bool is_write;
    struct xtsvol_volume *volume;
    struct xtsvol_xts_key *key;
    int fd;
    off_t data_offset;
    uint8_t *buffer;
    uint8_t *other;
    uint64_t next;
};

static const uint8_t key_bytes[XTSVOL_XTS_KEY_LEN] =
    "0123456789abcdef0123456789abcdeffedcba9876543210";

static int give_key(void *context, uint8_t key[XTSVOL_XTS_KEY_LEN],
                    const uint8_t uuid[XTSVOL_UUID_LEN], uint32_t generation)
{
    (void)context;
    (void)uuid;
    (void)generation;
    memcpy(key, key_bytes, sizeof(key_bytes));
    return 0;
}

static uint64_t next_offset(struct bench *bench)
{
    return (bench->next++ % NUM_REQUESTS) * REQUEST_LEN;
}

static int run_plain(void *context, size_t num)
{
    struct bench *bench = context;
    for (size_t i = 0; i < num; i++) {
        off_t at = bench->data_offset + (off_t)next_offset(bench);
        ssize_t moved = bench->is_write ? pwrite(bench->fd, bench->buffer, REQUEST_LEN, at)
                                        : pread(bench->fd, bench->buffer, REQUEST_LEN, at);
        if (moved != REQUEST_LEN)
            return COMMON_ERR_IO;
    }
    return 0;
}

static int run_cipher(void *context, size_t num)
{
    struct bench *bench = context;
    int error = 0;
    uint8_t *out = bench->is_write ? bench->other : bench->buffer;
    size_t sector = bench->form->sector_size;
    bool is_even = sector == 512 || bench->form->iv == XTSVOL_IV_LARGE;
    size_t len = is_even ? REQUEST_LEN : sector;
    for (size_t i = 0; !error && i < num; i++) {
        uint64_t number = next_offset(bench) / (is_even ? sector : 512);
        for (size_t at = 0; !error && at < REQUEST_LEN; at += len) {
            struct xtsvol_unit_number unit = xtsvol_unit(number + at / 512);
            error = bench->is_write ? xtsvol_xts_encrypt(bench->key, out + at, bench->buffer + at,
                                                         len, sector, unit)
                                    : xtsvol_xts_decrypt(bench->key, out + at, bench->buffer + at,
                                                         len, sector, unit);
        }
    }
    return error;
}

static int run_library(void *context, size_t num)
{
    struct bench *bench = context;
    int error = 0;
    for (size_t i = 0; !error && i < num; i++) {
        uint64_t at = next_offset(bench);
        error = bench->is_write ? xtsvol_pwrite(bench->volume, bench->buffer, REQUEST_LEN, at)
                                : xtsvol_pread(bench->volume, bench->buffer, REQUEST_LEN, at);
    }
    return error;
}

static int measure(json_t *lines, struct bench *bench, uint64_t budget_ns)
{
    struct bench_work works[] = {
        {.run = run_plain, .context = bench},
        {.run = run_cipher, .context = bench},
        {.run = run_library, .context = bench},
    };
    enum {
        NUM_WORKS = sizeof(works) / sizeof(works[0])
    };
    int error = bench_measure(works, NUM_WORKS, budget_ns, NULL, NULL);
    if (error)
        return error;
    double gb[NUM_WORKS];
    for (size_t i = 0; i < NUM_WORKS; i++)
        gb[i] = REQUEST_LEN / works[i].best_ns;
    double ratio = (works[0].best_ns + works[1].best_ns) / works[2].best_ns;
    const char *op = bench->is_write ? "write" : "read";
    (void)fprintf(stderr, "%-10s %-5s  plain %6.2f  cipher %6.2f  library %6.2f GB/s  ratio %.2f\n",
                  bench->form->name, op, gb[0], gb[1], gb[2], ratio);
    return json_array_append_new(lines,
                                 json_pack("{s:s,s:s,s:f,s:f,s:f,s:f}", "form", bench->form->name,
                                           "op", op, "plain_gb_per_s", gb[0], "cipher_gb_per_s",
                                           gb[1], "library_gb_per_s", gb[2], "ratio", ratio))
               ? COMMON_ERR_NO_MEMORY
               : 0;
}

static int make_volume(struct bench *bench, const char *path, uint64_t size)
{
    struct xtsvol_failure failure = {0};
    struct xtsvol_volume_options options = xtsvol_volume_options_default();
    struct xtsvol_create_options create = xtsvol_create_options_default();
    options.key = give_key;
    options.failure = &failure;
    create.volume_size = size;
    create.sector_size = bench->form->sector_size;
    create.iv = bench->form->iv;
    create.may_replace = 1;
    int error = xtsvol_volume_create(&bench->volume, path, &create, &options);
    if (error)
        (void)fprintf(stderr, "bench_volume: %s: %s\n", path, failure.message);
    return error;
}

static int bench_form(json_t *lines, struct bench *bench, const char *path, uint64_t budget_ns)
{
    struct xtsvol_volume_info info;
    int error = make_volume(bench, path, VOLUME_LEN);
    if (!error)
        error = xtsvol_info_get(bench->volume, &info, sizeof(info));
    if (!error)
        error = xtsvol_write_zeroes(bench->volume, VOLUME_LEN, 0);
    if (!error) {
        bench->data_offset = (off_t)info.data_offset;
        bench->fd = open(path, O_RDWR | O_CLOEXEC);
        error = bench->fd < 0 ? COMMON_ERR_IO : 0;
    }
    for (int is_write = 0; !error && is_write < 2; is_write++) {
        bench->is_write = is_write;
        error = measure(lines, bench, budget_ns);
    }
    if (bench->fd >= 0)
        (void)close(bench->fd);
    bench->fd = -1;
    xtsvol_volume_close(&bench->volume);
    (void)unlink(path);
    return error;
}

static double now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The best of some openings of a sparse volume of 16 TiB. */
static int bench_open(double *out_ms, struct bench *bench, const char *path)
{
    int error = make_volume(bench, path, HUGE_LEN);
    xtsvol_volume_close(&bench->volume);
    struct xtsvol_volume_options options = xtsvol_volume_options_default();
    options.key = give_key;
    *out_ms = 1e9;
    for (int i = 0; !error && i < 10; i++) {
        double began = now_ms();
        error = xtsvol_volume_open(&bench->volume, path, &options);
        double took = now_ms() - began;
        xtsvol_volume_close(&bench->volume);
        *out_ms = took < *out_ms ? took : *out_ms;
    }
    (void)unlink(path);
    if (!error)
        (void)fprintf(stderr, "opening 16 TiB: %.2f ms\n", *out_ms);
    return error;
}

int main(int argc, char **argv)
{
    bool is_quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    const char *directory = argc > 1 + is_quick ? argv[1 + is_quick] : "/dev/shm";
    char path[MAX_PATH];
    (void)snprintf(path, sizeof(path), "%s/bench_volume.%ld", directory, (long)getpid());
    struct bench bench = {.fd = -1, .form = &forms[0]};
    struct xtsvol_xts *xts = NULL;
    json_t *lines = json_array();
    double open_ms = 0.0;
    int error = xtsvol_xts_open(&xts, NULL);
    if (!error)
        error = xtsvol_xts_key_new(&bench.key, xts, key_bytes, sizeof(key_bytes));
    bench.buffer = aligned_alloc(4096, REQUEST_LEN);
    bench.other = aligned_alloc(4096, REQUEST_LEN);
    if (!bench.buffer || !bench.other || !lines)
        error = COMMON_ERR_NO_MEMORY;
    else
        memset(bench.buffer, 1, REQUEST_LEN);
    for (size_t i = 0; !error && i < sizeof(forms) / sizeof(forms[0]); i++) {
        bench.form = &forms[i];
        error = bench_form(lines, &bench, path, is_quick ? 3000000 : 3000000000);
    }
    if (!error)
        error = bench_open(&open_ms, &bench, path);
    if (error)
        (void)fprintf(stderr, "bench_volume: %s\n", xtsvol_error_text(error));
    else
        error = json_dumpf(json_pack("{s:o,s:f}", "sequential", lines, "open_16_tib_ms", open_ms),
                           stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(4));
    free(bench.buffer);
    free(bench.other);
    xtsvol_xts_key_free(&bench.key);
    xtsvol_xts_close(&xts);
    return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
