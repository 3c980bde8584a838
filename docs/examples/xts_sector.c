/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: xts_sector encrypt|decrypt KEY_FILE FIRST <in >out
 *
 * Sectors of 512 bytes, numbered from FIRST, under the 64 bytes in KEY_FILE.
 *
 *     cc -o xts_sector xts_sector.c $(pkg-config --cflags --libs xtsvol)
 */
#define _DEFAULT_SOURCE /* explicit_bzero() */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xtsvol/xts.h>

enum {
    SECTOR_LEN = 512,
    BATCH_LEN = 256 * SECTOR_LEN
};

/* The copy of the key is ours to wipe, so that stdio must not keep another. */
static int read_key(struct xtsvol_xts_key **out, struct xtsvol_xts *xts, const char *path)
{
    uint8_t bytes[XTSVOL_XTS_KEY_LEN];
    FILE *file = fopen(path, "rb");
    if (!file)
        return XTSVOL_ERR_NOT_FOUND;
    (void)setvbuf(file, NULL, _IONBF, 0);
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    int error = XTSVOL_ERR_INVALID; /* a file that goes on is no key */
    if (getc(file) == EOF)
        error = xtsvol_xts_key_new(out, xts, bytes, len);
    (void)fclose(file);
    explicit_bzero(bytes, sizeof(bytes));
    return error;
}

/* In place, many sectors in a call. */
static int copy_sectors(const struct xtsvol_xts_key *key, int encrypts, uint64_t sector)
{
    static uint8_t batch[BATCH_LEN];
    size_t len = 0;
    int error = XTSVOL_OK;
    while (!error && (len = fread(batch, 1, sizeof(batch), stdin)) > 0) {
        error = encrypts
                    ? xtsvol_xts_encrypt(key, batch, batch, len, SECTOR_LEN, xtsvol_unit(sector))
                    : xtsvol_xts_decrypt(key, batch, batch, len, SECTOR_LEN, xtsvol_unit(sector));
        if (!error && fwrite(batch, 1, len, stdout) != len)
            error = XTSVOL_ERR_IO;
        sector += len / SECTOR_LEN;
        if (sector < len / SECTOR_LEN && !error)
            error = XTSVOL_ERR_LIMIT; /* or the numbers would begin again */
    }
    return !error && (ferror(stdin) || fflush(stdout)) ? XTSVOL_ERR_IO : error;
}

static void tell(void *context, const struct xtsvol_event *event)
{
    (void)context;
    fprintf(stderr, "xts_sector: %s: %s\n", event->name, event->reason);
}

int main(int argc, char **argv)
{
    char *end = NULL;
    errno = 0;
    uint64_t first = argc == 4 ? strtoull(argv[3], &end, 0) : 0;
    if (!end || end == argv[3] || *end || *argv[3] == '-' || errno ||
        (strcmp(argv[1], "encrypt") != 0 && strcmp(argv[1], "decrypt") != 0)) {
        fprintf(stderr, "usage: xts_sector encrypt|decrypt KEY_FILE FIRST <in >out\n");
        return 2;
    }
    struct xtsvol_xts_options options = xtsvol_xts_options_default();
    options.event = tell;
    struct xtsvol_xts *xts = NULL;
    struct xtsvol_xts_key *key = NULL;
    int error = xtsvol_xts_open(&xts, &options);
    if (!error)
        error = read_key(&key, xts, argv[2]);
    if (!error)
        error = copy_sectors(key, strcmp(argv[1], "encrypt") == 0, first);
    if (error)
        fprintf(stderr, "xts_sector: %s\n", xtsvol_error_text(error));
    xtsvol_xts_key_free(&key);
    xtsvol_xts_close(&xts);
    return error ? 1 : 0;
}
