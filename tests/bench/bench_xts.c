/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: bench_xts [--quick]
 *
 * AES-256-XTS of every kernel that this CPU can run, beside the other libraries that this was built
 * with, in turns of short slices: in a cache, through memory, and one unit a call. Prints one JSON
 * document on stdout and a summary on stderr. First all must give the same bytes; nothing else is a
 * failure, since times are no matter of right and wrong. --quick measures hardly at all, to see
 * that the program works.
 */
#include "tests/bench/agree.h"
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define X(name) &peer_##name,
const struct peer *const peers[] = {BENCH_PEERS NULL};
#undef X

#define GIB (UINT64_C(1) << 30)
#define MIB ((size_t)1 << 20)

void peer_tweak(uint8_t tweak[16], uint64_t unit)
{
    memset(tweak, 0, 16);
    for (unsigned i = 0; i < 8; i++)
        tweak[i] = (uint8_t)(unit >> 8 * i);
}

static int open_parties(struct parties *parties)
{
    uint8_t key[XTSVOL_XTS_KEY_LEN];
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(i * 29 + 3);
    int error = bench_kernels_open(&parties->kernels, key);
    for (; !error && parties->num < parties->kernels.num; parties->num++) {
        struct bench_kernel *kernel = &parties->kernels.list[parties->num];
        parties->list[parties->num] = (struct compare_party){
            .name = kernel->info.name, .crypt = bench_kernel_crypt, .context = kernel};
    }
    parties->num_kernels = parties->num;
    for (size_t i = 0; !error && peers[i]; i++) {
        struct compare_party *party = &parties->list[parties->num];
        *party = (struct compare_party){.name = peers[i]->name, .crypt = peers[i]->crypt};
        error = peers[i]->open(&party->context, parties->versions[i], key);
        if (error)
            (void)fprintf(stderr, "bench_xts: %s: %s\n", party->name, common_error_text(error));
        else
            parties->num++;
    }
    return error;
}

static void close_parties(struct parties *parties)
{
    for (size_t i = 0; peers[i] && parties->num_kernels + i < parties->num; i++)
        peers[i]->close(parties->list[parties->num_kernels + i].context);
    bench_kernels_close(&parties->kernels);
}

/* How much may be taken without pushing others out. */
static size_t memory_to_use(void)
{
    static const char key[] = "MemAvailable:";
    uint64_t available_kib = 0;
    char line[128];
    FILE *info = fopen("/proc/meminfo", "re");
    while (info && fgets(line, sizeof(line), info)) {
        if (strncmp(line, key, sizeof(key) - 1) == 0)
            available_kib = strtoull(line + sizeof(key) - 1, NULL, 10);
    }
    if (info)
        (void)fclose(info);
    return available_kib >= 2 * GIB / 1024 ? GIB : 256 * MIB;
}

static json_t *peer_list(const struct parties *parties)
{
    json_t *list = json_array();
    for (size_t i = 0; peers[i] && parties->num_kernels + i < parties->num; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s,s:s}", "peer", peers[i]->name, "version", parties->versions[i]));
    return list;
}

static int run(struct parties *parties, const struct plan *plan)
{
    const char *name = NULL;
    if (parties_agree(parties->list, parties->num, &name)) {
        (void)fprintf(stderr, "bench_xts: %s does not give the bytes of %s\n",
                      name ? name : "somebody", parties->list[0].name);
        return 1;
    }
    json_t *in_cache = bench_in_cache(parties, plan);
    json_t *in_memory = in_cache ? bench_in_memory(parties, plan) : NULL;
    json_t *one_unit = in_memory ? bench_one_unit_calls(parties, plan) : NULL;
    json_t *document = json_pack("{s:o,s:o,s:I,s:o,s:o}", "peers", peer_list(parties), "in_cache",
                                 in_cache, "memory_bytes", (json_int_t)plan->memory_len,
                                 "in_memory", in_memory, "one_unit_calls", one_unit);
    if (!document)
        return 1;
    int status = json_dumpf(document, stdout, JSON_INDENT(2)) != 0;
    status |= putchar('\n') < 0;
    status |= fflush(stdout) != 0;
    json_decref(document);
    return status;
}

int main(int argc, char **argv)
{
    bool is_quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
    if (argc > 2 || (argc == 2 && !is_quick)) {
        (void)fprintf(stderr, "usage: bench_xts [--quick]\n");
        return 2;
    }
    const struct plan plan = {
        .memory_len = is_quick ? 8 * MIB : memory_to_use(),
        .budget_ns = is_quick ? 1 : UINT64_C(100000000),
        .memory_slice_ns = is_quick ? 1 : UINT64_C(8000000),
    };
    static struct parties parties;
    int status = open_parties(&parties) ? 1 : run(&parties, &plan);
    close_parties(&parties);
    return status;
}
