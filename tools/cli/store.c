/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/store.h"

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
static int check(struct cli *cli, const struct cli_store *store, int fd, enum cli_store_mode mode)
{
    struct stat status;
    if (fstat(fd, &status))
        return fail_errno(cli, store->path);
    if (geteuid() != 0 && status.st_uid != geteuid())
        return cli_fail(cli, COMMON_ERR_DENIED, store->path,
                        "belongs to user %u: run as that user, or name another place with "
                        "--store DIR",
                        (unsigned)status.st_uid);
    if (mode == CLI_STORE_CREATE && status.st_uid != geteuid())
        return cli_fail(
            cli, COMMON_ERR_DENIED, store->path,
            "belongs to user %u, and root only reads such a store: run as that user, or "
            "name another place with --store DIR",
            (unsigned)status.st_uid);
    if (status.st_mode & (S_IWGRP | S_IWOTH))
        return cli_fail(cli, COMMON_ERR_DENIED, store->path,
                        "others may write to it (mode %04o): use chmod 700",
                        (unsigned)status.st_mode & 07777U);
    return 0;
}

/* The entry of a directory is durable when its parent is (fsync(2)). A parent that we may not read,
 * as /home may be, is passed over if the directory was there: somebody else made it. */
static int sync_parent(const char *name, bool was_there)
{
    char parent[PATH_MAX];
    size_t parent_len = strlen(name);
    while (parent_len > 0 && name[parent_len - 1] != '/')
        parent_len--;
    (void)snprintf(parent, sizeof(parent), "%.*s", (int)parent_len, name);
    COMMON_CLEANUP_FD int fd = open(parent_len ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return was_there && errno == EACCES ? 0 : -1;
    return fsync(fd);
}

/* Makes path[0..len) durable. One that is there already is fine: two runs may race for it, and the
 * one that made it may be dead. */
static int make_directory(struct cli *cli, const char *path, size_t len)
{
    char name[PATH_MAX];
    (void)snprintf(name, sizeof(name), "%.*s", (int)len, path);
    if (mkdir(name, S_IRWXU) == 0)
        return sync_parent(name, false) ? fail_errno(cli, name) : 0;
    /* mkdir(2) may tell of a parent that is read-only before it tells that the entry exists. */
    int reason = errno;
    struct stat status = {0};
    if (stat(name, &status) && reason != EEXIST)
        return cli_fail(cli, common_error_from_errno(reason), name, "cannot be created: %s",
                        strerror(reason));
    /* What belongs to another user was made by none of our runs. */
    if (status.st_uid != geteuid())
        return 0;
    return sync_parent(name, true) ? fail_errno(cli, name) : 0;
}

/* P3: makes what is missing, and makes durable what is there. */
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
    if (!error && mode == CLI_STORE_CREATE)
        error = create(cli, store);
    if (error)
        return error;
    COMMON_CLEANUP_FD int fd = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && !store->is_explicit && mode == CLI_STORE_READ)
        return 0;
    if (fd < 0 && errno == ENOENT)
        return cli_fail(cli, COMMON_ERR_NOT_FOUND, store->path, "there is no store here");
    if (fd < 0 && errno == ENOTDIR)
        return cli_fail(cli, COMMON_ERR_INVALID, store->path, "is not a directory");
    if (fd < 0)
        return fail_errno(cli, store->path);
    error = check(cli, store, fd, mode);
    if (error)
        return error;
    store->exists = true;
    store->fd = COMMON_TAKE_FD(fd);
    return 0;
}

int cli_store_open(struct cli *cli, struct cli_store *out, enum cli_store_mode mode)
{
    *out = (struct cli_store){.fd = -1};
    return open_store(cli, out, mode);
}

void cli_store_close(struct cli_store *store)
{
    common_cleanup_fd(&store->fd);
    store->fd = -1;
    store->exists = false;
}
