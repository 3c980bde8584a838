/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: volume create FILE KEY_FILE BYTES
 *        volume write FILE KEY_FILE OFFSET <in
 *        volume read FILE KEY_FILE OFFSET BYTES >out
 *
 * An encrypted volume whose key of generation N is the N-th 64 bytes of KEY_FILE.
 *
 *     cc -o volume volume.c $(pkg-config --cflags --libs xtsvol)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xtsvol/volume.h>

enum {
    BATCH_LEN = 1 << 20
};

/* The library asks for each generation that the volume names, and wipes what it is given. */
static int give_key(void *context, uint8_t key[XTSVOL_XTS_KEY_LEN],
                    const uint8_t uuid[XTSVOL_UUID_LEN], uint32_t generation)
{
    (void)uuid; /* a key manager would look the volume up by it */
    FILE *file = fopen(context, "rb");
    if (!file)
        return XTSVOL_ERR_NOT_FOUND;
    (void)setvbuf(file, NULL, _IONBF, 0); /* no copy of the key in a buffer of stdio */
    int is_there = fseek(file, (long)(generation - 1) * XTSVOL_XTS_KEY_LEN, SEEK_SET) == 0 &&
                   fread(key, 1, XTSVOL_XTS_KEY_LEN, file) == XTSVOL_XTS_KEY_LEN;
    (void)fclose(file);
    return is_there ? 0 : XTSVOL_ERR_NOT_FOUND;
}

static int write_all(struct xtsvol_volume *volume, uint64_t offset)
{
    static uint8_t batch[BATCH_LEN];
    size_t len = 0;
    int error = 0;
    while (!error && (len = fread(batch, 1, sizeof(batch), stdin)) > 0) {
        error = xtsvol_pwrite(volume, batch, len, offset);
        offset += len;
    }
    if (!error && ferror(stdin))
        error = XTSVOL_ERR_IO;
    /* Until then, a power loss may take any of it back. */
    return error ? error : xtsvol_flush(volume);
}

static int read_all(struct xtsvol_volume *volume, uint64_t offset, uint64_t length)
{
    static uint8_t batch[BATCH_LEN];
    int error = 0;
    while (!error && length > 0) {
        size_t len = length < sizeof(batch) ? (size_t)length : sizeof(batch);
        error = xtsvol_pread(volume, batch, len, offset);
        if (!error && fwrite(batch, 1, len, stdout) != len)
            error = XTSVOL_ERR_IO;
        offset += len;
        length -= len;
    }
    return error;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 4 ? argv[1] : "";
    int creates = strcmp(verb, "create") == 0 && argc == 5;
    int writes = strcmp(verb, "write") == 0 && argc == 5;
    int reads = strcmp(verb, "read") == 0 && argc == 6;
    if (!creates && !writes && !reads) {
        fprintf(stderr, "usage: volume create|write|read FILE KEY_FILE NUMBER [BYTES]\n");
        return 2;
    }
    uint64_t number = strtoull(argv[4], NULL, 0);
    struct xtsvol_failure failure = {0};
    struct xtsvol_volume *volume = NULL;
    struct xtsvol_volume_options options = xtsvol_volume_options_default();
    options.key = give_key;
    options.key_context = argv[3];
    options.is_read_only = reads;
    options.failure = &failure;
    int error = 0;
    if (creates) {
        struct xtsvol_create_options create = xtsvol_create_options_default();
        create.volume_size = number;
        error = xtsvol_volume_create(&volume, argv[2], &create, &options);
    } else {
        error = xtsvol_volume_open(&volume, argv[2], &options);
        if (!error)
            error = writes ? write_all(volume, number)
                           : read_all(volume, number, strtoull(argv[5], NULL, 0));
        if (error && volume)
            xtsvol_volume_failure(volume, &failure);
    }
    if (error)
        fprintf(stderr, "volume: %s: %s\n", argv[2],
                failure.message[0] ? failure.message : xtsvol_error_text(error));
    xtsvol_volume_close(&volume);
    return error ? 1 : 0;
}
