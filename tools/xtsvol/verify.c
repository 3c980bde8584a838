/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/verify.h"

#include "common/secmem/secmem.h"
#include "tools/cli/json.h"
#include "tools/cli/progress.h"
#include "tools/xtsvol/bench.h"
#include "tools/xtsvol/compare.h"
#include "tools/xtsvol/libcrypto.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

struct verify {
    struct cli *cli;
    const char *path;
    int fd;
    struct bench_kernels kernels;
    struct bench_libcrypto libcrypto;
    bool is_libcrypto_odd; /* it is there and cannot be used */
    struct compare_party parties[BENCH_MAX_KERNELS];
    struct compare_party libcrypto_party;
    struct compare compare;
};

static int encrypt_with_libcrypto(void *context, enum bench_op op, uint8_t *out, const uint8_t *in,
                                  size_t len, size_t unit_len, uint64_t first)
{
    if (op != BENCH_ENCRYPT)
        return COMMON_ERR_UNSUPPORTED;
    return bench_libcrypto_encrypt(context, out, in, len, unit_len, first);
}

static void close_verify(struct verify *verify)
{
    compare_wipe(&verify->compare);
    bench_kernels_close(&verify->kernels);
    bench_libcrypto_close(&verify->libcrypto);
    common_cleanup_fd(&verify->fd);
}

static void close_arena(struct common_secmem **arena)
{
    common_secmem_close(arena);
}

/* Opens all that encrypts with a key that nobody knows: the ciphertext of a real file is real. */
static int open_parties(struct verify *verify, const char *libcrypto_name)
{
    COMMON_CLEANUP(close_arena) struct common_secmem *arena = NULL;
    COMMON_CLEANUP_SECRET struct common_secret key = {0};
    int error = common_secmem_open(&arena, NULL);
    if (!error)
        error = common_secret_new(&key, arena, XTSVOL_XTS_KEY_LEN);
    if (error)
        return error;
    ssize_t got = 0;
    do /* so few bytes come whole, once the kernel's generator is up */
        got = getrandom(key.data, key.len, 0);
    while (got < 0 && errno == EINTR && !cli_interrupted());
    if (cli_interrupted())
        return COMMON_ERR_CANCELLED;
    if (got != (ssize_t)key.len)
        return cli_fail(verify->cli, COMMON_ERR_IO, NULL, "no random bytes for a key: %s",
                        strerror(got < 0 ? errno : EIO));

    error = bench_open_kernels(verify->cli, &verify->kernels, key.data);
    if (error)
        return error;
    for (size_t i = 0; i < verify->kernels.num; i++) {
        struct bench_kernel *kernel = &verify->kernels.list[i];
        verify->parties[i] = (struct compare_party){
            .name = kernel->info.name, .crypt = bench_kernel_crypt, .context = kernel};
    }
    error = bench_libcrypto_open(&verify->libcrypto, libcrypto_name, key.data);
    verify->is_libcrypto_odd = error && error != COMMON_ERR_NOT_FOUND;
    verify->libcrypto_party = (struct compare_party){
        .name = "libcrypto", .crypt = encrypt_with_libcrypto, .context = &verify->libcrypto};
    return 0;
}

/* Without libcrypto the slowest kernel says what is right: it is the simplest. */
static const struct compare_party *reference_of(const struct verify *verify)
{
    return verify->libcrypto.library ? &verify->libcrypto_party
                                     : &verify->parties[verify->kernels.num - 1];
}

/* Without waiting for the other end of a pipe: that is done where the deadline is heard. */
static int open_file(struct verify *verify, uint64_t *out_total)
{
    *out_total = 0;
    verify->fd = open(verify->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat status;
    if (verify->fd < 0 || fstat(verify->fd, &status))
        return cli_fail(verify->cli, common_error_from_errno(errno), verify->path, "%s",
                        strerror(errno));
    if (S_ISDIR(status.st_mode))
        return cli_fail(verify->cli, COMMON_ERR_INVALID, verify->path, "is a directory");
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        return 0;
    /* For the progress only: where the file ends is where reading says so. */
    off_t end = lseek(verify->fd, 0, SEEK_END);
    *out_total = end > 0 ? (uint64_t)end : 0;
    if (lseek(verify->fd, 0, SEEK_SET) != 0)
        return cli_fail(verify->cli, common_error_from_errno(errno), verify->path, "%s",
                        strerror(errno));
    return 0;
}

/* *out_len is 0 at the end. */
static int read_some(const struct verify *verify, uint8_t *out, size_t *out_len, size_t room)
{
    struct cli *cli = verify->cli;
    *out_len = 0;
    for (;;) {
        struct pollfd poll_fd = {.fd = verify->fd, .events = POLLIN};
        int error = cli_poll(cli, &poll_fd, 1);
        if (error == COMMON_ERR_TIMEOUT)
            return cli_fail(cli, error, verify->path, "timed out");
        if (error)
            return error;
        ssize_t got = read(verify->fd, out, room);
        if (got >= 0) {
            *out_len = (size_t)got;
            return 0;
        }
        if (errno != EINTR && errno != EAGAIN)
            return cli_fail(cli, common_error_from_errno(errno), verify->path,
                            "cannot be read at offset %" PRIu64 ": %s",
                            verify->compare.done + verify->compare.plain_len, strerror(errno));
    }
}

static int tell_finding(const struct verify *verify, int error)
{
    const struct compare_finding *finding = &verify->compare.finding;
    if (error == COMMON_ERR_CORRUPT && finding->op == BENCH_ENCRYPT)
        return cli_fail(verify->cli, error, verify->path,
                        "%s encrypts to something else than %s does, from offset %" PRIu64,
                        finding->name, reference_of(verify)->name, finding->offset);
    if (error == COMMON_ERR_CORRUPT)
        return cli_fail(verify->cli, error, verify->path,
                        "%s does not decrypt to what it encrypted, from offset %" PRIu64,
                        finding->name, finding->offset);
    return cli_fail(verify->cli, error, verify->path, "%s cannot %s at offset %" PRIu64 ": %s",
                    finding->name, bench_op_names[finding->op], finding->offset,
                    common_error_text(error));
}

static int compare_file(struct verify *verify, struct cli_progress *progress)
{
    struct compare *compare = &verify->compare;
    size_t len = 0;
    do {
        size_t room = 0;
        uint8_t *out = compare_room(compare, &room);
        int error = read_some(verify, out, &len, room);
        if (error)
            return error;
        error = compare_add(compare, len);
        if (error)
            return tell_finding(verify, error);
        cli_progress_update(progress, compare->done);
    } while (len > 0);

    uint64_t num_bytes = compare->done + compare->plain_len;
    int error = compare_finish(compare);
    if (error == COMMON_ERR_INVALID && compare->done == 0 && num_bytes < XTSVOL_XTS_UNIT_MIN)
        return cli_fail(verify->cli, error, verify->path,
                        num_bytes == 0 ? "is empty: a data unit has at least %d bytes"
                                       : "is too short: a data unit has at least %d bytes",
                        XTSVOL_XTS_UNIT_MIN);
    cli_progress_update(progress, compare->done);
    return error ? tell_finding(verify, error) : 0;
}

static int print_json(const struct verify *verify)
{
    json_t *kernels = json_array();
    for (size_t i = 0; i < verify->kernels.num; i++) {
        if (json_array_append_new(kernels, json_string(verify->kernels.list[i].info.name))) {
            json_decref(kernels);
            return COMMON_ERR_NO_MEMORY;
        }
    }
    const char *version = verify->libcrypto.library ? verify->libcrypto.version : NULL;
    return cli_json_print(verify->cli, json_pack("{s:I,s:I,s:o,s:o}", "verified_bytes",
                                                 (json_int_t)verify->compare.done, "unit",
                                                 (json_int_t)verify->compare.unit_len, "kernels",
                                                 kernels, "libcrypto", cli_json_string(version)));
}

static int print_lines(const struct verify *verify)
{
    FILE *out = verify->cli->out;
    for (size_t i = 0; i < verify->kernels.num; i++)
        (void)fprintf(out, "%s: same ciphertext, and the same plaintext again\n",
                      verify->kernels.list[i].info.name);
    if (verify->libcrypto.library)
        (void)fprintf(out, "libcrypto %s: same ciphertext\n", verify->libcrypto.version);
    else
        (void)fprintf(out, "libcrypto: %s, not compared\n",
                      verify->is_libcrypto_odd ? "not usable" : "not present");
    (void)fprintf(out, "verified %" PRIu64 " bytes\n", verify->compare.done);
    return 0;
}

int bench_verify(struct cli *cli, const char *path, size_t unit_len, const char *libcrypto_name)
{
    COMMON_CLEANUP(close_verify)
    struct verify verify = {.cli = cli, .path = path, .fd = -1};
    uint64_t total = 0;
    int error = open_file(&verify, &total);
    if (!error)
        error = open_parties(&verify, libcrypto_name);
    if (!error)
        error = compare_begin(&verify.compare, verify.parties, verify.kernels.num,
                              reference_of(&verify), unit_len);
    if (error)
        return error;
    struct cli_progress progress;
    cli_progress_begin(&progress, cli, "verifying", CLI_PROGRESS_BYTES, total, 0);
    error = compare_file(&verify, &progress);
    cli_progress_end(&progress);
    if (error)
        return error;
    return cli->json ? print_json(&verify) : print_lines(&verify);
}
