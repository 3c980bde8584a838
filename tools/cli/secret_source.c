/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/secret_source.h"

#include "common/base/cleanup.h"
#include "common/base/ct.h"
#include "tools/cli/number.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char credential_prefix[] = "credential:";
static const char descriptor_prefix[] = "fd:";

struct reading {
    const struct cli_secret_host *host;
    const struct cli_secret *secret;
    const char *source;
    char *why;
};

__attribute__((format(printf, 3, 4))) static int fail(char *why, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why, CLI_SECRET_WHY_SIZE, format, arguments);
    va_end(arguments);
    return error;
}

static int fail_errno(const struct reading *reading, int native_error)
{
    return fail(reading->why, common_error_from_errno(native_error), "%s", strerror(native_error));
}

static bool has_prefix(const char *source, const char *prefix)
{
    return strncmp(source, prefix, strlen(prefix)) == 0;
}

bool cli_secret_is_path(const char *source)
{
    return strcmp(source, "-") != 0 && !has_prefix(source, descriptor_prefix) &&
           !has_prefix(source, credential_prefix);
}

static int parse_descriptor(int *out, const char *source)
{
    uint64_t fd = 0;
    const char *number = strcmp(source, "-") == 0 ? "0" : source + strlen(descriptor_prefix);
    *out = -1;
    if (cli_number_parse(&fd, &number) || *number != '\0' || fd > INT_MAX)
        return COMMON_ERR_INVALID;
    *out = (int)fd;
    return 0;
}

bool cli_secret_is_descriptor(const char *source, int fd)
{
    int named = -1;
    return (strcmp(source, "-") == 0 || has_prefix(source, descriptor_prefix)) &&
           parse_descriptor(&named, source) == 0 && named == fd;
}

static int wait_for(const struct reading *reading, int fd)
{
    if (reading->host->wait)
        return reading->host->wait(reading->host->context, fd);
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, -1) < 0 && errno != EINTR ? COMMON_ERR_IO : 0;
}

/* Up to out_cap bytes, fewer only at the end. */
static int read_up_to(const struct reading *reading, uint8_t *out, size_t *out_len, size_t out_cap,
                      int fd)
{
    *out_len = 0;
    while (*out_len < out_cap) {
        int error = wait_for(reading, fd);
        if (error)
            return fail(reading->why, error, "%s", common_error_text(error));
        ssize_t n = read(fd, out + *out_len, out_cap - *out_len);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return fail_errno(reading, errno);
        *out_len += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int check_length(char *why, const struct cli_secret *secret, size_t len)
{
    if (len >= secret->min_len && len <= secret->max_len)
        return 0;
    if (secret->min_len == secret->max_len)
        return fail(why, COMMON_ERR_INVALID, "the %s must be of %zu bytes", secret->what,
                    secret->min_len);
    return fail(why, COMMON_ERR_INVALID, "the %s must be of %zu to %zu bytes", secret->what,
                secret->min_len, secret->max_len);
}

int cli_secret_check(char why[CLI_SECRET_WHY_SIZE], const struct cli_secret *secret, size_t len)
{
    size_t in_memory = len < secret->max_len ? len : secret->max_len;
    if (secret->kind == CLI_SECRET_PASSPHRASE && len <= secret->max_len &&
        memchr(secret->memory, 0, in_memory))
        return fail(why, COMMON_ERR_INVALID, "the %s has a zero byte in it", secret->what);
    return check_length(why, secret, len);
}

/* K2, K3. A secret that fills the memory may be followed by its line end; two bytes more tell that
 * from one that is too long. */
static int read_descriptor(const struct reading *reading, size_t *out_len, int fd)
{
    const struct cli_secret *secret = reading->secret;
    uint8_t beyond[2] = {0};
    size_t len = 0;
    size_t beyond_len = 0;
    int error = read_up_to(reading, secret->memory, &len, secret->max_len, fd);
    if (!error && len == secret->max_len)
        error = read_up_to(reading, beyond, &beyond_len, sizeof(beyond), fd);
    bool is_passphrase = secret->kind == CLI_SECRET_PASSPHRASE;
    if (is_passphrase && beyond_len == 1 && beyond[0] == '\n')
        beyond_len = 0;
    else if (is_passphrase && beyond_len == 0 && len > 0 && secret->memory[len - 1] == '\n')
        len--;
    common_wipe(beyond, sizeof(beyond));
    if (!error)
        error = cli_secret_check(reading->why, secret, beyond_len ? SIZE_MAX : len);
    if (!error)
        *out_len = len;
    return error;
}

/* K5: O_NONBLOCK, so that a FIFO without a writer is not waited for before it can be refused. */
static int open_file(const struct reading *reading, int *out_fd, struct stat *status,
                     const char *path)
{
    COMMON_CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, status))
        return fail_errno(reading, errno);
    if (S_ISDIR(status->st_mode))
        return fail(reading->why, COMMON_ERR_INVALID, "is a directory");
    if (!S_ISREG(status->st_mode))
        return fail(reading->why, COMMON_ERR_INVALID,
                    "is not a regular file; an open descriptor is given as fd:N");
    *out_fd = COMMON_TAKE_FD(fd);
    return 0;
}

static int read_path(const struct reading *reading, size_t *out_len)
{
    COMMON_CLEANUP_FD int fd = -1;
    struct stat status = {0};
    int error = open_file(reading, &fd, &status, reading->source);
    if (error)
        return error;
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) && reading->host->warn) {
        char sentence[CLI_SECRET_WHY_SIZE];
        (void)snprintf(sentence, sizeof(sentence),
                       "holds a secret and others may access it (mode %04o); use chmod 600",
                       (unsigned)status.st_mode & 07777U);
        reading->host->warn(reading->host->context, reading->source, sentence);
    }
    return read_descriptor(reading, out_len, fd);
}

/* The name must stay inside the directory. */
static int read_credential(const struct reading *reading, size_t *out_len)
{
    const char *name = reading->source + strlen(credential_prefix);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the environment is read before there are threads */
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (!directory || directory[0] != '/')
        return fail(reading->why, COMMON_ERR_NOT_FOUND,
                    "$CREDENTIALS_DIRECTORY is not set: not started by systemd with one");
    if (*name == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return fail(reading->why, COMMON_ERR_INVALID, "is not the name of a credential");
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, name) >= sizeof(path))
        return fail(reading->why, COMMON_ERR_INVALID, "is too long");
    COMMON_CLEANUP_FD int fd = -1;
    struct stat status = {0};
    int error = open_file(reading, &fd, &status, path);
    return error ? error : read_descriptor(reading, out_len, fd);
}

static int read_open_descriptor(const struct reading *reading, size_t *out_len)
{
    int fd = -1;
    if (parse_descriptor(&fd, reading->source))
        return fail(reading->why, COMMON_ERR_INVALID, "is not the number of a descriptor");
    if (isatty(fd))
        return fail(reading->why, COMMON_ERR_INVALID,
                    reading->secret->kind == CLI_SECRET_PASSPHRASE
                        ? "is a terminal and would show the %s; without the option it is asked for"
                        : "is a terminal and would show the %s; name a file instead",
                    reading->secret->what);
    return read_descriptor(reading, out_len, fd);
}

int cli_secret_read_source(size_t *out_len, char why[CLI_SECRET_WHY_SIZE],
                           const struct cli_secret_host *host, const struct cli_secret *secret,
                           const char *source)
{
    static const struct cli_secret_host nobody;
    const struct reading reading = {
        .host = host ? host : &nobody, .secret = secret, .source = source, .why = why};
    *out_len = 0;
    why[0] = '\0';
    int error = 0;
    if (cli_secret_is_path(source))
        error = read_path(&reading, out_len);
    else if (has_prefix(source, credential_prefix))
        error = read_credential(&reading, out_len);
    else
        error = read_open_descriptor(&reading, out_len);
    /* K1: also behind the end, where a line end or what was too long has been. */
    size_t kept = error ? 0 : *out_len;
    common_wipe(secret->memory + kept, secret->max_len - kept);
    if (secret->again)
        common_wipe(secret->again, secret->max_len);
    return error;
}
