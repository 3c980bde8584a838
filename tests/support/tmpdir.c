/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tmpdir.h"

#include "common/base/cleanup.h"

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

/* Outside of cmocka's reach too (a forked child, a setup), therefore not fail_msg(). */
static void give_up(const char *what, const char *path) __attribute__((noreturn));

static void give_up(const char *what, const char *path)
{
    (void)fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
    abort();
}

void tmpdir_make(struct tmpdir *dir)
{
    const char *base = getenv("TMPDIR");
    int len = snprintf(dir->path, sizeof(dir->path), "%s/strongroom-XXXXXX",
                       base && *base ? base : "/tmp");
    if (len < 0 || (size_t)len >= sizeof(dir->path) || !mkdtemp(dir->path))
        give_up("mkdtemp", dir->path);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)walk;
    return type == FTW_DP || type == FTW_D || type == FTW_DNR ? rmdir(path) : unlink(path);
}

void tree_remove(const char *path)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        give_up("remove", path);
}

void tmpdir_remove(struct tmpdir *dir)
{
    tree_remove(dir->path);
}

int tmpdir_setup(void **state)
{
    struct tmpdir *dir = malloc(sizeof(*dir));
    if (!dir)
        return -1;
    tmpdir_make(dir);
    *state = dir;
    return 0;
}

int tmpdir_teardown(void **state)
{
    tmpdir_remove(*state);
    free(*state);
    return 0;
}

char *tmpdir_path(char out[PATH_MAX], const struct tmpdir *dir, const char *name)
{
    int len = snprintf(out, PATH_MAX, "%s/%s", dir->path, name);
    if (len < 0 || len >= PATH_MAX)
        give_up("path too long", name);
    return out;
}

void file_read(uint8_t **out, size_t *out_len, const char *path)
{
    COMMON_CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        give_up("open", path);
    size_t len = (size_t)status.st_size;
    uint8_t *bytes = malloc(len ? len : 1);
    if (!bytes)
        give_up("malloc", path);
    for (size_t done = 0; done < len;) {
        ssize_t got = read(fd, bytes + done, len - done);
        if (got <= 0)
            give_up("read", path);
        done += (size_t)got;
    }
    *out = bytes;
    *out_len = len;
}

void file_write(const char *path, const void *data, size_t len)
{
    COMMON_CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        give_up("open", path);
    for (size_t done = 0; done < len;) {
        ssize_t put = write(fd, (const char *)data + done, len - done);
        if (put <= 0)
            give_up("write", path);
        done += (size_t)put;
    }
}

bool file_exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}
