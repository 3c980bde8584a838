/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/store.h"

#include "common/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *environment(const char *name)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): a tool reads its environment before it has threads */
    const char *value = getenv(name);
    return value && *value != '\0' ? value : NULL;
}

/* P1: ignored when relative. */
static const char *absolute_environment(const char *name)
{
    const char *value = environment(name);
    return value && *value == '/' ? value : NULL;
}

static int set_path(struct cli *cli, struct cli_store *store, const char *directory,
                    const char *below)
{
    int n = snprintf(store->path, sizeof(store->path), "%s%s", directory, below);
    if (n < 0 || (size_t)n >= sizeof(store->path))
        return cli_fail(cli, COMMON_ERR_INVALID, "store", "the path is too long");
    return 0;
}

static int find(struct cli *cli, struct cli_store *store)
{
    const char *named = cli->store ? cli->store : environment("STRONGROOM_STORE");
    store->is_explicit = named != NULL;
    if (named)
        return set_path(cli, store, named, "");
    if (geteuid() == 0)
        return set_path(cli, store, "/var/lib", "/strongroom");
    const char *state = absolute_environment("XDG_STATE_HOME");
    if (state)
        return set_path(cli, store, state, "/strongroom");
    const char *home = absolute_environment("HOME");
    if (home)
        return set_path(cli, store, home, "/.local/state/strongroom");
    return cli_fail(cli, COMMON_ERR_NOT_FOUND, "store",
                    "there is no home directory to keep it in: name a place with --store DIR");
}

static int fail_errno(struct cli *cli, const char *path)
{
    return cli_fail(cli, common_error_from_errno(errno), path, "%s", strerror(errno));
}

/* P4, on the directory that was opened rather than on its name. */
static int check(struct cli *cli, const struct cli_store *store, int fd)
{
    struct stat status;
    if (fstat(fd, &status))
        return fail_errno(cli, store->path);
    if (geteuid() != 0 && status.st_uid != geteuid())
        return cli_fail(cli, COMMON_ERR_DENIED, store->path,
                        "belongs to user %u: run as that user, or name another place with "
                        "--store DIR",
                        (unsigned)status.st_uid);
    if (status.st_mode & (S_IWGRP | S_IWOTH))
        return cli_fail(cli, COMMON_ERR_DENIED, store->path,
                        "others may write to it (mode %04o): use chmod 700",
                        (unsigned)status.st_mode & 07777U);
    return 0;
}

/* The entry of a new directory is durable when its parent is (fsync(2)). */
static int sync_parent(const char *path, size_t parent_len)
{
    char parent[PATH_MAX];
    (void)snprintf(parent, sizeof(parent), "%.*s", (int)parent_len, path);
    COMMON_CLEANUP_FD int fd = open(parent_len ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) ? -1 : 0;
}

/* Makes path[0..len). One that is there already is fine: two runs may race for it. */
static int make_directory(struct cli *cli, const char *path, size_t len)
{
    char name[PATH_MAX];
    (void)snprintf(name, sizeof(name), "%.*s", (int)len, path);
    if (mkdir(name, S_IRWXU)) {
        if (errno == EEXIST)
            return 0;
        return cli_fail(cli, common_error_from_errno(errno), name, "cannot be created: %s",
                        strerror(errno));
    }
    size_t parent_len = len;
    while (parent_len > 0 && name[parent_len - 1] != '/')
        parent_len--;
    return sync_parent(name, parent_len) ? fail_errno(cli, name) : 0;
}

/* P3. */
static int create(struct cli *cli, const struct cli_store *store)
{
    size_t len = strlen(store->path);
    while (len > 1 && store->path[len - 1] == '/')
        len--;
    for (size_t i = 1; i < len && !store->is_explicit; i++) {
        int error = store->path[i] == '/' ? make_directory(cli, store->path, i) : 0;
        if (error)
            return error;
    }
    return make_directory(cli, store->path, len);
}

static int open_store(struct cli *cli, struct cli_store *store, enum cli_store_mode mode)
{
    int error = find(cli, store);
    if (error)
        return error;
    COMMON_CLEANUP_FD int fd = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && mode == CLI_STORE_CREATE) {
        error = create(cli, store);
        if (error)
            return error;
        fd = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0 && errno == ENOENT && !store->is_explicit)
        return 0;
    if (fd < 0 && errno == ENOENT)
        return cli_fail(cli, COMMON_ERR_NOT_FOUND, store->path, "there is no store here");
    if (fd < 0 && errno == ENOTDIR)
        return cli_fail(cli, COMMON_ERR_INVALID, store->path, "is not a directory");
    if (fd < 0)
        return fail_errno(cli, store->path);
    error = check(cli, store, fd);
    store->exists = !error;
    return error;
}

int cli_store_open(struct cli *cli, struct cli_store *out, enum cli_store_mode mode)
{
    *out = (struct cli_store){0};
    return open_store(cli, out, mode);
}
