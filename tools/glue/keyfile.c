/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/glue/keyfile.h"

#include "common/base/ct.h"
#include "common/base/random.h"
#include "common/secmem/secmem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_LEN = GLUE_KEY_LEN * GLUE_KEYFILE_MAX
};

enum key_state {
    KEY_PRESENT,
    KEY_TORN, /* overwritten in part, or not known to be on the medium */
    KEY_DESTROYED
};

struct glue_keyfile {
    struct common_secmem *arena;
    struct common_secret keys;
    char *source;
    int fd;                                      /* for writing, once it is needed; -1 */
    enum key_state states[GLUE_KEYFILE_MAX + 1]; /* by generation */
    char why[CLI_SECRET_WHY_SIZE];
};

static int fail(char *why, int error, const char *sentence)
{
    (void)snprintf(why, CLI_SECRET_WHY_SIZE, "%s", sentence);
    return error;
}

static int fail_errno(char *why, int native_error)
{
    return fail(why, common_error_from_errno(native_error), strerror(native_error));
}

/* The longest file that there can be is read, so that a longer one is noticed; what is not used of
 * the memory is wiped again. */
static int read_keys(struct glue_keyfile *keyfile, char *why,
                     const struct glue_keyfile_options *options)
{
    struct common_secmem_options memory = common_secmem_options_default();
    memory.events = options->events;
    int error = common_secmem_open(&keyfile->arena, &memory);
    if (!error)
        error = common_secret_new(&keyfile->keys, keyfile->arena, MAX_LEN);
    if (error)
        return fail(why, error, common_error_text(error));
    const struct cli_secret secret = {
        .kind = CLI_SECRET_KEY,
        .what = "key file",
        .min_len = GLUE_KEY_LEN,
        .max_len = MAX_LEN,
        .memory = keyfile->keys.data,
    };
    size_t len = 0;
    error = cli_secret_read_source(&len, why, options->host, &secret, options->source);
    if (error)
        return error;
    if (len % GLUE_KEY_LEN != 0)
        return fail(
            why, COMMON_ERR_INVALID,
            "is no list of whole keys: each one is 64 raw bytes, that of generation 1 first");
    common_secret_truncate(&keyfile->keys, len);
    for (size_t i = 0; i < len / GLUE_KEY_LEN; i++) {
        if (common_ct_is_zero(keyfile->keys.data + i * GLUE_KEY_LEN, GLUE_KEY_LEN))
            keyfile->states[i + 1] = KEY_DESTROYED; /* F5 */
    }
    return 0;
}

int glue_keyfile_open(struct glue_keyfile **out, char why[CLI_SECRET_WHY_SIZE],
                      const struct glue_keyfile_options *options)
{
    *out = NULL;
    struct glue_keyfile *keyfile = calloc(1, sizeof(*keyfile));
    if (!keyfile)
        return fail(why, COMMON_ERR_NO_MEMORY, common_error_text(COMMON_ERR_NO_MEMORY));
    keyfile->fd = -1;
    keyfile->source = strdup(options->source);
    int error = keyfile->source
                    ? read_keys(keyfile, why, options)
                    : fail(why, COMMON_ERR_NO_MEMORY, common_error_text(COMMON_ERR_NO_MEMORY));
    if (error) {
        glue_keyfile_close(&keyfile);
        return error;
    }
    *out = keyfile;
    return 0;
}

void glue_keyfile_close(struct glue_keyfile **keyfile)
{
    if (!keyfile || !*keyfile)
        return;
    common_secret_free(&(*keyfile)->keys);
    common_secmem_close(&(*keyfile)->arena);
    common_cleanup_fd(&(*keyfile)->fd);
    free((*keyfile)->source);
    free(*keyfile);
    *keyfile = NULL;
}

uint32_t glue_keyfile_num(const struct glue_keyfile *keyfile)
{
    return (uint32_t)(keyfile->keys.len / GLUE_KEY_LEN);
}

static uint8_t *find(const struct glue_keyfile *keyfile, uint32_t generation)
{
    if (generation == 0 || generation > glue_keyfile_num(keyfile))
        return NULL;
    return keyfile->keys.data + (size_t)(generation - 1) * GLUE_KEY_LEN;
}

bool glue_keyfile_has(const struct glue_keyfile *keyfile, uint32_t generation)
{
    return find(keyfile, generation) && keyfile->states[generation] == KEY_PRESENT;
}

int glue_keyfile_key(void *context, uint8_t key[GLUE_KEY_LEN],
                     const uint8_t uuid[GLUE_KEYFILE_UUID_LEN], uint32_t generation)
{
    (void)uuid;
    const struct glue_keyfile *keyfile = context;
    if (!glue_keyfile_has(keyfile, generation))
        return COMMON_ERR_NOT_FOUND;
    memcpy(key, find(keyfile, generation), GLUE_KEY_LEN);
    return 0;
}

/* Moves all the bytes, or tells why not. */
static int move(char *why, ssize_t (*step)(int fd, uint8_t *bytes, size_t len, off_t offset),
                int fd, uint8_t *bytes, off_t offset)
{
    size_t done = 0;
    while (done < GLUE_KEY_LEN) {
        ssize_t n = step(fd, bytes + done, GLUE_KEY_LEN - done, offset + (off_t)done);
        if (n == 0)
            return fail(why, COMMON_ERR_STATE, "is shorter than it was when it was read");
        if (n < 0 && errno != EINTR)
            return fail_errno(why, errno);
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static ssize_t read_step(int fd, uint8_t *bytes, size_t len, off_t offset)
{
    return pread(fd, bytes, len, offset);
}

static ssize_t write_step(int fd, uint8_t *bytes, size_t len, off_t offset)
{
    return pwrite(fd, bytes, len, offset);
}

static int open_for_writing(struct glue_keyfile *keyfile, char *why)
{
    if (!cli_secret_is_path(keyfile->source))
        return fail(why, COMMON_ERR_UNSUPPORTED,
                    "keys are destroyed only in a file that is named by its path");
    if (keyfile->fd >= 0)
        return 0;
    struct stat status = {0};
    COMMON_CLEANUP_FD int fd = open(keyfile->source, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &status))
        return fail_errno(why, errno);
    if (!S_ISREG(status.st_mode))
        return fail(why, COMMON_ERR_UNSUPPORTED, "is no regular file any more");
    keyfile->fd = COMMON_TAKE_FD(fd);
    return 0;
}

/* F3: does the file still hold the key that was read from it? */
static int compare(struct glue_keyfile *keyfile, char *why, uint32_t generation)
{
    if (keyfile->states[generation] != KEY_PRESENT)
        return 0;
    COMMON_CLEANUP_SECRET struct common_secret there = {0};
    int error = common_secret_new(&there, keyfile->arena, GLUE_KEY_LEN);
    if (error)
        return fail(why, error, common_error_text(error));
    error = move(why, read_step, keyfile->fd, there.data, (off_t)(generation - 1) * GLUE_KEY_LEN);
    if (!error && !common_ct_equal(there.data, find(keyfile, generation), GLUE_KEY_LEN))
        error = fail(why, COMMON_ERR_STATE, "holds other keys than when it was read");
    return error;
}

int glue_keyfile_may_destroy(struct glue_keyfile *keyfile, char why[CLI_SECRET_WHY_SIZE])
{
    int error = open_for_writing(keyfile, why);
    for (uint32_t i = 1; !error && i <= glue_keyfile_num(keyfile); i++)
        error = compare(keyfile, why, i);
    return error;
}

static int put(struct glue_keyfile *keyfile, uint8_t bytes[GLUE_KEY_LEN], uint32_t generation)
{
    int error =
        move(keyfile->why, write_step, keyfile->fd, bytes, (off_t)(generation - 1) * GLUE_KEY_LEN);
    if (!error && fdatasync(keyfile->fd))
        error = fail_errno(keyfile->why, errno);
    return error;
}

static int overwrite(struct glue_keyfile *keyfile, uint32_t generation)
{
    uint8_t bytes[GLUE_KEY_LEN];
    if (common_random(bytes, sizeof(bytes)))
        return fail_errno(keyfile->why, errno);
    keyfile->states[generation] = KEY_TORN;
    common_wipe(find(keyfile, generation), GLUE_KEY_LEN);
    int error = put(keyfile, bytes, generation);
    if (error)
        return error;
    memset(bytes, 0, sizeof(bytes));
    error = put(keyfile, bytes, generation);
    if (!error)
        keyfile->states[generation] = KEY_DESTROYED;
    return error;
}

int glue_keyfile_destroy(void *context, const uint8_t uuid[GLUE_KEYFILE_UUID_LEN],
                         uint32_t generation)
{
    (void)uuid;
    struct glue_keyfile *keyfile = context;
    keyfile->why[0] = '\0';
    if (!find(keyfile, generation))
        return fail(keyfile->why, COMMON_ERR_NOT_FOUND, "has no key of that generation");
    if (keyfile->states[generation] == KEY_DESTROYED)
        return 0;
    int error = open_for_writing(keyfile, keyfile->why);
    if (!error)
        error = compare(keyfile, keyfile->why, generation);
    return error ? error : overwrite(keyfile, generation);
}

const char *glue_keyfile_why(const struct glue_keyfile *keyfile)
{
    return keyfile->why;
}
