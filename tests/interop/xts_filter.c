/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our side of test_xts_luks.py, as anybody would write it: nothing but the public header is used.
 *
 *     xts_filter kernels
 *     xts_filter encrypt|decrypt KERNELS KEYFILE UNIT FIRST STEP
 *
 * `kernels` prints NUMBER and NAME of each kernel that can run here. The other two go from standard
 * input to standard output, whole units of UNIT bytes, under the 64 bytes in KEYFILE and one of
 * KERNELS. The first unit has the number FIRST and each further one a number that is larger by
 * STEP.
 *
 * Why a step: dm-crypt counts in sectors of 512 bytes, whatever the length of its units. With
 * sectors of 4096 bytes, and without its option iv_large_sectors, which LUKS2 does not set, the
 * units have the numbers 0, 8, 16 and so on. A call of the library counts by one, so that each such
 * unit is a call of its own.
 */
#include <xtsvol/xts.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AT_ONCE = 1 << 20 /* bytes that one call is given, where its units allow it */
};

typedef int crypt_fn(const struct xtsvol_xts_key *key, uint8_t *out, const uint8_t *in, size_t len,
                     size_t unit_len, struct xtsvol_unit_number first);

struct units {
    crypt_fn *crypt;
    size_t len;
    uint64_t number; /* of the next one */
    uint64_t step;
};

static int failed(const char *what, int error)
{
    (void)fprintf(stderr, "xts_filter: %s: %d\n", what, error);
    return 1;
}

static int parse(uint64_t *out, const char *text, uint64_t max)
{
    char *end = NULL;
    errno = 0;
    *out = strtoull(text, &end, 0);
    return errno || end == text || *end || *text == '-' || *out > max;
}

static int print_kernels(void)
{
    struct xtsvol_kernel kernel;

    for (size_t i = 0; xtsvol_kernel_get(&kernel, i) == 0; i++) {
        if (kernel.is_usable)
            printf("%u %s\n", kernel.id, kernel.name);
    }
    return 0;
}

static int crypt_part(struct units *units, const struct xtsvol_xts_key *key, uint8_t *data,
                      size_t len)
{
    size_t at_once = units->step == 1 ? len : units->len;

    for (size_t done = 0; done < len; done += at_once) {
        int error = units->crypt(key, data + done, data + done, at_once, units->len,
                                 xtsvol_unit(units->number));
        if (error)
            return error;
        units->number += at_once / units->len * units->step;
    }
    return 0;
}

static int filter(struct units *units, const struct xtsvol_xts_key *key)
{
    size_t part = units->len < AT_ONCE ? AT_ONCE / units->len * units->len : units->len;
    uint8_t *data = malloc(part);
    size_t len = 0;
    int error = data ? 0 : XTSVOL_ERR_NO_MEMORY;

    while (!error && !ferror(stdout) && (len = fread(data, 1, part, stdin)) > 0) {
        error = len % units->len ? XTSVOL_ERR_INVALID : crypt_part(units, key, data, len);
        if (!error)
            (void)fwrite(data, 1, len, stdout);
    }
    free(data);
    if (error)
        return failed("whole units", error);
    if (ferror(stdin) || fflush(stdout) || ferror(stdout))
        return failed("standard input and output", errno);
    return 0;
}

static int read_key(uint8_t key[XTSVOL_XTS_KEY_LEN], const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return -1;
    size_t len = fread(key, 1, XTSVOL_XTS_KEY_LEN, file);
    int has_more = getc(file) != EOF;
    (void)fclose(file);
    return len == XTSVOL_XTS_KEY_LEN && !has_more ? 0 : -1;
}

static int run(struct units *units, uint32_t kernels, const char *key_path)
{
    struct xtsvol_xts_options options = xtsvol_xts_options_default();
    struct xtsvol_xts *xts = NULL;
    struct xtsvol_xts_key *key = NULL;
    uint8_t bytes[XTSVOL_XTS_KEY_LEN];

    options.kernels = kernels;
    int error = xtsvol_xts_open(&xts, &options);
    if (error)
        return failed("no such kernel here", error);
    error = read_key(bytes, key_path);
    if (!error)
        error = xtsvol_xts_key_new(&key, xts, bytes, sizeof(bytes));
    explicit_bzero(bytes, sizeof(bytes));
    error = error ? failed("the key", error) : filter(units, key);
    xtsvol_xts_key_free(&key);
    xtsvol_xts_close(&xts);
    return error;
}

int main(int argc, char **argv)
{
    struct units units = {0};
    uint64_t kernels = 0;
    uint64_t len = 0;

    if (argc == 2 && strcmp(argv[1], "kernels") == 0)
        return print_kernels();
    if (argc == 7 && strcmp(argv[1], "encrypt") == 0)
        units.crypt = xtsvol_xts_encrypt;
    else if (argc == 7 && strcmp(argv[1], "decrypt") == 0)
        units.crypt = xtsvol_xts_decrypt;
    if (!units.crypt || parse(&kernels, argv[2], UINT32_MAX) ||
        parse(&len, argv[4], XTSVOL_XTS_UNIT_MAX) || len < XTSVOL_XTS_UNIT_MIN ||
        parse(&units.number, argv[5], UINT64_MAX) || parse(&units.step, argv[6], UINT32_MAX)) {
        (void)fprintf(stderr, "usage: xts_filter kernels | "
                              "encrypt|decrypt KERNELS KEYFILE UNIT FIRST STEP\n");
        return 2;
    }
    units.len = (size_t)len;
    return run(&units, (uint32_t)kernels, argv[3]);
}
