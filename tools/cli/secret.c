/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/secret.h"

#include "common/base/cleanup.h"
#include "common/base/ct.h"
#include "tools/cli/number.h"
#include "tools/cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Up to out_cap bytes, fewer only at the end. */
static int read_up_to(struct cli *cli, uint8_t *out, size_t *out_len, size_t out_cap, int fd,
                      const char *source)
{
    *out_len = 0;
    while (*out_len < out_cap) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int error = cli_poll(cli, &poll_fd, 1);
        if (error)
            return cli_fail(cli, error, source, "%s",
                            cli_interrupted() ? "interrupted" : common_error_text(error));
        ssize_t n = read(fd, out + *out_len, out_cap - *out_len);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return cli_fail(cli, common_error_from_errno(errno), source, "%s", strerror(errno));
        *out_len += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int check_length(struct cli *cli, const struct cli_secret *secret, size_t len,
                        const char *source)
{
    if (len >= secret->min_len && len <= secret->max_len)
        return 0;
    if (secret->min_len == secret->max_len)
        return cli_fail(cli, COMMON_ERR_INVALID, source, "the %s must be of %zu bytes",
                        secret->what, secret->min_len);
    return cli_fail(cli, COMMON_ERR_INVALID, source, "the %s must be of %zu to %zu bytes",
                    secret->what, secret->min_len, secret->max_len);
}

static int check_bytes(struct cli *cli, const struct cli_secret *secret, size_t len,
                       const char *source)
{
    if (secret->kind == CLI_SECRET_PASSPHRASE && memchr(secret->memory, 0, len))
        return cli_fail(cli, COMMON_ERR_INVALID, source, "the %s has a zero byte in it",
                        secret->what);
    return check_length(cli, secret, len, source);
}

/* K2, K3. A secret that fills the memory may be followed by its line end; two bytes more tell that
 * from one that is too long. */
static int read_descriptor(struct cli *cli, size_t *out_len, const struct cli_secret *secret,
                           int fd, const char *source)
{
    uint8_t beyond[2] = {0};
    size_t len = 0;
    size_t beyond_len = 0;
    int error = read_up_to(cli, secret->memory, &len, secret->max_len, fd, source);
    if (!error && len == secret->max_len)
        error = read_up_to(cli, beyond, &beyond_len, sizeof(beyond), fd, source);
    bool is_passphrase = secret->kind == CLI_SECRET_PASSPHRASE;
    if (is_passphrase && beyond_len == 1 && beyond[0] == '\n')
        beyond_len = 0;
    else if (is_passphrase && beyond_len == 0 && len > 0 && secret->memory[len - 1] == '\n')
        len--;
    common_wipe(beyond, sizeof(beyond));
    if (!error)
        error = beyond_len ? check_length(cli, secret, SIZE_MAX, source)
                           : check_bytes(cli, secret, len, source);
    if (!error)
        *out_len = len;
    return error;
}

/* K5: O_NONBLOCK, so that a FIFO without a writer is not waited for before it can be refused. */
static int open_file(struct cli *cli, int *out_fd, struct stat *status, const char *path,
                     const char *source)
{
    COMMON_CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, status))
        return cli_fail(cli, common_error_from_errno(errno), source, "%s", strerror(errno));
    if (S_ISDIR(status->st_mode))
        return cli_fail(cli, COMMON_ERR_INVALID, source, "is a directory");
    if (!S_ISREG(status->st_mode))
        return cli_fail(cli, COMMON_ERR_INVALID, source,
                        "is not a regular file; an open descriptor is given as fd:N");
    *out_fd = COMMON_TAKE_FD(fd);
    return 0;
}

static int read_path(struct cli *cli, size_t *out_len, const struct cli_secret *secret,
                     const char *path)
{
    COMMON_CLEANUP_FD int fd = -1;
    struct stat status = {0};
    int error = open_file(cli, &fd, &status, path, path);
    if (error)
        return error;
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        cli_warn(cli, path, "holds a secret and others may access it (mode %04o); use chmod 600",
                 (unsigned)status.st_mode & 07777U);
    return read_descriptor(cli, out_len, secret, fd, path);
}

/* The name must stay inside the directory. */
static int read_credential(struct cli *cli, size_t *out_len, const struct cli_secret *secret,
                           const char *name, const char *source)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): a tool reads its environment before it has threads */
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (!directory || directory[0] != '/')
        return cli_fail(cli, COMMON_ERR_NOT_FOUND, source,
                        "$CREDENTIALS_DIRECTORY is not set: not started by systemd with one");
    if (*name == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return cli_fail(cli, COMMON_ERR_INVALID, source, "is not the name of a credential");
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, name) >= sizeof(path))
        return cli_fail(cli, COMMON_ERR_INVALID, source, "is too long");
    COMMON_CLEANUP_FD int fd = -1;
    struct stat status = {0};
    int error = open_file(cli, &fd, &status, path, source);
    return error ? error : read_descriptor(cli, out_len, secret, fd, source);
}

static int read_open_descriptor(struct cli *cli, size_t *out_len, const struct cli_secret *secret,
                                const char *number, const char *source)
{
    uint64_t fd = 0;
    if (cli_number_parse(&fd, &number) || *number != '\0' || fd > INT_MAX)
        return cli_fail(cli, COMMON_ERR_INVALID, source, "is not the number of a descriptor");
    if (isatty((int)fd))
        return cli_fail(cli, COMMON_ERR_INVALID, source,
                        "is a terminal and would show the %s; without the option it is asked for",
                        secret->what);
    return read_descriptor(cli, out_len, secret, (int)fd, source);
}

static int ask_into(struct cli *cli, uint8_t *memory, size_t *out_len,
                    const struct cli_secret *secret, int terminal_fd, const char *verb)
{
    char prompt[128];
    (void)snprintf(prompt, sizeof(prompt), "%s the %s: ", verb, secret->what);
    int error = cli_terminal_ask(cli, memory, out_len, secret->max_len, terminal_fd, prompt, true);
    if (!error)
        return 0;
    if (error == COMMON_ERR_LIMIT)
        return check_length(cli, secret, SIZE_MAX, NULL);
    if (error == COMMON_ERR_CANCELLED)
        return cli_fail(cli, error, NULL, "%s",
                        cli_interrupted() ? "interrupted" : "no passphrase was entered");
    return cli_fail(cli, error, NULL, "the %s could not be asked for: %s", secret->what,
                    common_error_text(error));
}

static int read_terminal(struct cli *cli, size_t *out_len, const struct cli_secret *secret)
{
    COMMON_CLEANUP_FD int fd = -1;
    if (secret->kind != CLI_SECRET_PASSPHRASE || cli_terminal_open(&fd))
        return cli_fail(cli, COMMON_ERR_INVALID, NULL,
                        "the %s is needed, from a file%s; see --help", secret->what,
                        secret->kind == CLI_SECRET_PASSPHRASE ? " or a terminal" : "");
    size_t len = 0;
    int error = ask_into(cli, secret->memory, &len, secret, fd, "Enter");
    if (!error)
        error = check_bytes(cli, secret, len, NULL);
    if (error || !secret->again) {
        *out_len = error ? 0 : len;
        return error;
    }
    size_t again_len = 0;
    error = ask_into(cli, secret->again, &again_len, secret, fd, "Repeat");
    if (error)
        return error;
    if (len != again_len || !common_ct_equal(secret->memory, secret->again, len))
        return cli_fail(cli, COMMON_ERR_INVALID, NULL, "the two entries differ");
    *out_len = len;
    return 0;
}

static int read_source(struct cli *cli, size_t *out_len, const struct cli_secret *secret,
                       const char *source)
{
    if (!source)
        return read_terminal(cli, out_len, secret);
    if (strcmp(source, "-") == 0)
        return read_open_descriptor(cli, out_len, secret, "0", source);
    if (strncmp(source, "fd:", 3) == 0)
        return read_open_descriptor(cli, out_len, secret, source + 3, source);
    if (strncmp(source, "credential:", 11) == 0)
        return read_credential(cli, out_len, secret, source + 11, source);
    return read_path(cli, out_len, secret, source);
}

int cli_secret_read(struct cli *cli, size_t *out_len, const struct cli_secret *secret,
                    const char *source)
{
    *out_len = 0;
    int error = read_source(cli, out_len, secret, source);
    /* K1: also behind the end, where a line end or what was too long has been. */
    size_t kept = error ? 0 : *out_len;
    common_wipe(secret->memory + kept, secret->max_len - kept);
    if (secret->again)
        common_wipe(secret->again, secret->max_len);
    return error;
}
