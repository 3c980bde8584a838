/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our side of test_volume_luks.py, as anybody would write it: nothing but the public headers are
 * used.
 *
 *     volume_filter create DATA HEADER KEYFILE SIZE SECTOR plain64|large
 *     volume_filter write  DATA HEADER KEYFILE OFFSET
 *     volume_filter read   DATA HEADER KEYFILE OFFSET LENGTH
 *
 * KEYFILE has the 64 bytes of generation 1. HEADER is `-` for a volume that has its metadata in
 * front of its data. `create` takes a file that is there as it is, and prints the offset of the
 * data area; `write` takes standard input, `read` gives standard output.
 */
#include <xtsvol/volume.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AT_ONCE = 1000003 /* bytes of a call: sectors in part, again and again */
};

static int read_key(void *context, uint8_t key[XTSVOL_XTS_KEY_LEN],
                    const uint8_t uuid[XTSVOL_UUID_LEN], uint32_t generation)
{
    (void)uuid;
    FILE *file = generation == 1 ? fopen(context, "rb") : NULL;
    if (!file)
        return XTSVOL_ERR_NOT_FOUND;
    size_t len = fread(key, 1, XTSVOL_XTS_KEY_LEN, file);
    (void)fclose(file);
    return len == XTSVOL_XTS_KEY_LEN ? 0 : XTSVOL_ERR_INVALID;
}

static uint64_t number(const char *text)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 0);
    if (errno || end == text || *end) {
        (void)fprintf(stderr, "volume_filter: not a number: %s\n", text);
        exit(2);
    }
    return value;
}

static int create(struct xtsvol_volume **volume, char **argv,
                  const struct xtsvol_volume_options *options)
{
    struct xtsvol_create_options wanted = xtsvol_create_options_default();
    struct xtsvol_volume_info info;
    wanted.volume_size = number(argv[5]);
    wanted.sector_size = (uint32_t)number(argv[6]);
    wanted.iv = strcmp(argv[7], "large") == 0 ? XTSVOL_IV_LARGE : XTSVOL_IV_PLAIN64;
    wanted.extent_size = XTSVOL_EXTENT_MIN;
    wanted.may_replace = 1;
    int error = xtsvol_volume_create(volume, argv[2], &wanted, options);
    if (!error)
        error = xtsvol_info_get(*volume, &info, sizeof(info));
    if (!error)
        printf("%" PRIu64 "\n", info.data_offset);
    return error;
}

static int write_all(struct xtsvol_volume *volume, uint8_t *data, uint64_t offset)
{
    int error = 0;
    for (size_t len = 0; !error && (len = fread(data, 1, AT_ONCE, stdin)) > 0; offset += len)
        error = xtsvol_pwrite(volume, data, len, offset);
    return error ? error : xtsvol_flush(volume);
}

static int read_all(struct xtsvol_volume *volume, uint8_t *data, uint64_t offset, uint64_t left)
{
    int error = 0;
    while (!error && left > 0) {
        size_t len = left < AT_ONCE ? (size_t)left : AT_ONCE;
        error = xtsvol_pread(volume, data, len, offset);
        if (!error && fwrite(data, 1, len, stdout) != len)
            error = XTSVOL_ERR_IO;
        offset += len;
        left -= len;
    }
    return error;
}

int main(int argc, char **argv)
{
    struct xtsvol_failure failure = {0};
    struct xtsvol_volume_options options = xtsvol_volume_options_default();
    struct xtsvol_volume *volume = NULL;
    uint8_t *data = malloc(AT_ONCE);
    int error = XTSVOL_ERR_INVALID;

    if (argc < 6 || !data)
        return 2;
    options.header_path = strcmp(argv[3], "-") == 0 ? NULL : argv[3];
    options.key = read_key;
    options.key_context = argv[4];
    options.failure = &failure;
    if (argc == 8 && strcmp(argv[1], "create") == 0) {
        error = create(&volume, argv, &options);
    } else {
        error = xtsvol_volume_open(&volume, argv[2], &options);
        if (!error && argc == 6 && strcmp(argv[1], "write") == 0)
            error = write_all(volume, data, number(argv[5]));
        else if (!error && argc == 7 && strcmp(argv[1], "read") == 0)
            error = read_all(volume, data, number(argv[5]), number(argv[6]));
        else if (!error)
            error = XTSVOL_ERR_INVALID;
    }
    if (error)
        (void)fprintf(stderr, "volume_filter: %s: %s\n", xtsvol_error_name(error), failure.message);
    xtsvol_volume_close(&volume);
    free(data);
    return error || fflush(stdout) ? 1 : 0;
}
