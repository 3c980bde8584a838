/* SPDX-License-Identifier: Apache-2.0 */
/* Plain bytes into a volume and out of it. What fails half-way says how much was moved. */
#include "common/base/ct.h"
#include "tools/cli/progress.h"
#include "tools/cli/size.h"
#include "tools/cli/text.h"
#include "tools/xtsvol/nouns.h"
#include "tools/xtsvol/volume_cli.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BUFFER_LEN = 4 << 20, /* a multiple of every extent size: requests end where extents do */
    BUFFER_ALIGN = 4096,
    PIPE_WRITE = 4096 /* PIPE_BUF: what poll(2) promises room for */
};

struct transfer {
    struct volume_cli volume;
    uint64_t offset; /* of the range in the volume */
    uint64_t length; /* at most; of an import without --length, the room that there is */
    uint64_t done;
    bool is_exact; /* --length was given */
    uint8_t *buffer;
    struct cli_progress progress;
};

static void end_transfer(struct transfer *transfer)
{
    if (transfer->buffer)
        common_wipe(transfer->buffer, BUFFER_LEN);
    free(transfer->buffer);
    volume_cli_end(&transfer->volume);
}

#define TRANSFER_CLEANUP COMMON_CLEANUP(end_transfer)

/* The range must be inside of the volume before a byte is moved. */
static int take_range(struct transfer *transfer)
{
    struct volume_cli *volume = &transfer->volume;
    struct cli *cli = volume->cli;
    struct xtsvol_volume_info info;
    int error = xtsvol_info_get(volume->volume, &info, sizeof(info));
    if (error)
        return volume_cli_fail(volume, error, NULL, NULL);
    transfer->offset = cli_size(cli, "offset");
    if (transfer->offset > info.volume_size)
        return cli_fail(cli, COMMON_ERR_INVALID, volume->path,
                        "has %" PRIu64 " bytes, and --offset %" PRIu64 " is behind its end",
                        info.volume_size, transfer->offset);
    uint64_t room = info.volume_size - transfer->offset;
    transfer->is_exact = cli_has(cli, "length");
    transfer->length = transfer->is_exact ? cli_size(cli, "length") : room;
    if (transfer->length > room)
        return cli_fail(cli, COMMON_ERR_INVALID, volume->path,
                        "has %" PRIu64 " bytes from offset %" PRIu64
                        " on, and --length is %" PRIu64,
                        room, transfer->offset, transfer->length);
    transfer->buffer = aligned_alloc(BUFFER_ALIGN, BUFFER_LEN);
    return transfer->buffer ? 0 : COMMON_ERR_NO_MEMORY;
}

/* How much the next step moves: up to a multiple of the buffer in the volume, so that all steps but
 * the first and the last are of whole sectors and extents. */
static size_t next_step(const struct transfer *transfer)
{
    uint64_t at = transfer->offset + transfer->done;
    uint64_t left = transfer->length - transfer->done;
    uint64_t step = BUFFER_LEN - at % BUFFER_LEN;
    return (size_t)(step < left ? step : left);
}

/* As much of the room as there is before the end of the input. */
static int read_input(const struct transfer *transfer, size_t *out_len, size_t room)
{
    struct cli *cli = transfer->volume.cli;
    *out_len = 0;
    while (*out_len < room) {
        struct pollfd poll_fd = {.fd = STDIN_FILENO, .events = POLLIN};
        int error = cli_poll(cli, &poll_fd, 1);
        if (error)
            return error;
        ssize_t n = read(STDIN_FILENO, transfer->buffer + *out_len, room - *out_len);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return common_error_from_errno(errno);
        *out_len += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* What is said to have been written is made durable first, as far as that goes. */
static int fail_import(struct transfer *transfer, int error, const char *object, const char *why)
{
    struct volume_cli *volume = &transfer->volume;
    const char *durable =
        xtsvol_flush(volume->volume) ? ", and may be lost at the next loss of power" : "";
    if (transfer->done == 0)
        return cli_fail(volume->cli, error, object, "%s; nothing was written", why);
    return cli_fail(volume->cli, error, object,
                    "%s; %" PRIu64 " bytes were written, from offset %" PRIu64 " on%s", why,
                    transfer->done, transfer->offset, durable);
}

static int fail_input(struct transfer *transfer, int error, int native_error)
{
    const char *why = cli_interrupted()             ? "interrupted"
                      : error == COMMON_ERR_TIMEOUT ? "timed out"
                      : native_error                ? strerror(native_error)
                                                    : common_error_text(error);
    return fail_import(transfer, error, "standard input", why);
}

static int fail_write(struct transfer *transfer, int error)
{
    struct volume_cli *volume = &transfer->volume;
    char after[128];
    (void)snprintf(after, sizeof(after),
                   "; %" PRIu64 " bytes before it were written, from offset "
                   "%" PRIu64 " on",
                   transfer->done, transfer->offset);
    return volume_cli_fail(volume, error, NULL, after);
}

/* Until the end of the input or of the range. *out_ended tells which. */
static int import_all(struct transfer *transfer, bool *out_ended)
{
    *out_ended = false;
    while (transfer->done < transfer->length && !*out_ended) {
        size_t room = next_step(transfer);
        size_t len = 0;
        int error = read_input(transfer, &len, room);
        if (error)
            return fail_input(transfer, error, error == COMMON_ERR_IO ? errno : 0);
        *out_ended = len < room;
        error = xtsvol_pwrite(transfer->volume.volume, transfer->buffer, len,
                              transfer->offset + transfer->done);
        if (error)
            return fail_write(transfer, error);
        transfer->done += len;
        cli_progress_update(&transfer->progress, transfer->done);
    }
    return 0;
}

static int import_and_look(struct transfer *transfer)
{
    bool has_ended = false;
    int error = import_all(transfer, &has_ended);
    if (error)
        return error;
    if (transfer->is_exact && transfer->done < transfer->length) {
        char why[96];
        (void)snprintf(why, sizeof(why), "ended before the %" PRIu64 " bytes of --length",
                       transfer->length);
        return fail_import(transfer, COMMON_ERR_INVALID, "standard input", why);
    }
    size_t beyond = 0;
    if (!transfer->is_exact && !has_ended)
        error = read_input(transfer, &beyond, 1);
    if (error)
        return fail_input(transfer, error, error == COMMON_ERR_IO ? errno : 0);
    if (beyond != 0)
        return fail_import(transfer, COMMON_ERR_INVALID, "standard input",
                           "is longer than the room in the volume; 'xtsvol resize' makes more");
    error = xtsvol_flush(transfer->volume.volume);
    return error ? volume_cli_fail(&transfer->volume, error, NULL,
                                   "; what was written may not be on the medium")
                 : 0;
}

/* A file has its length known before anything is written. */
static int check_input(struct transfer *transfer, uint64_t *out_total)
{
    struct cli *cli = transfer->volume.cli;
    struct stat status;
    *out_total = transfer->is_exact ? transfer->length : 0;
    if (fstat(STDIN_FILENO, &status))
        return cli_fail(cli, common_error_from_errno(errno), "standard input", "%s",
                        strerror(errno));
    if (S_ISDIR(status.st_mode))
        return cli_fail(cli, COMMON_ERR_INVALID, "standard input", "is a directory");
    off_t at = S_ISREG(status.st_mode) ? lseek(STDIN_FILENO, 0, SEEK_CUR) : -1;
    if (at < 0)
        return 0;
    uint64_t there = at < status.st_size ? (uint64_t)(status.st_size - at) : 0;
    if (!transfer->is_exact && there > transfer->length)
        return cli_fail(cli, COMMON_ERR_INVALID, "standard input",
                        "has %" PRIu64 " bytes, and %s has room for %" PRIu64
                        " from offset %" PRIu64 " on; nothing was written",
                        there, transfer->volume.path, transfer->length, transfer->offset);
    if (transfer->is_exact && there < transfer->length)
        return cli_fail(cli, COMMON_ERR_INVALID, "standard input",
                        "has %" PRIu64 " bytes, less than --length; nothing was written", there);
    *out_total = transfer->is_exact ? transfer->length : there;
    return 0;
}

static int run_import(struct cli *cli)
{
    const char *source = cli_string(cli, "key-file");
    if (source && cli_secret_is_descriptor(source, STDIN_FILENO))
        return cli_usage(cli, "--key-file", "standard input is the data: name a file or fd:N");
    if (isatty(STDIN_FILENO))
        return cli_usage(cli, "standard input", "is a terminal: give the data with < FILE");
    TRANSFER_CLEANUP struct transfer transfer = {.volume = {.cli = cli}};
    int error = volume_cli_open(&transfer.volume, false);
    if (!error)
        error = take_range(&transfer);
    uint64_t total = 0;
    if (!error)
        error = check_input(&transfer, &total);
    if (error)
        return error;
    cli_progress_begin(&transfer.progress, cli, "importing", CLI_PROGRESS_BYTES, total, 0);
    error = import_and_look(&transfer);
    if (!error)
        cli_progress_end(&transfer.progress);
    if (error)
        return error;
    if (cli->json)
        return cli_json_print(cli, json_pack("{s:I,s:I}", "offset", (json_int_t)transfer.offset,
                                             "length", (json_int_t)transfer.done));
    cli_text_put(cli->out, transfer.volume.path);
    (void)fprintf(cli->out, ": %" PRIu64 " bytes written, from offset %" PRIu64 " on\n",
                  transfer.done, transfer.offset);
    return 0;
}

/* A pipe that nobody reads must not hold up the deadline: there, no more is written at once than
 * poll(2) says there is room for. */
static int write_output(const struct transfer *transfer, int fd, bool is_stream, size_t len)
{
    struct cli *cli = transfer->volume.cli;
    size_t at_once = is_stream && cli->deadline_ns != CLI_NO_DEADLINE ? PIPE_WRITE : len;
    size_t done = 0;
    while (done < len) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
        int error = cli_poll(cli, &poll_fd, 1);
        if (error)
            return error;
        size_t step = len - done < at_once ? len - done : at_once;
        ssize_t n = write(fd, transfer->buffer + done, step);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return common_error_from_errno(errno);
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int fail_output(const struct transfer *transfer, int error, int native_error)
{
    struct cli *cli = transfer->volume.cli;
    if (native_error == EPIPE) {
        cli->is_reported = true; /* R4: a reader that went away needs no words */
        return COMMON_ERR_CANCELLED;
    }
    const char *why = cli_interrupted()             ? "interrupted"
                      : error == COMMON_ERR_TIMEOUT ? "timed out"
                                                    : strerror(native_error);
    return cli_fail(cli, error, "standard output", "%s; about %" PRIu64 " bytes were written", why,
                    transfer->done);
}

static int export_all(struct transfer *transfer, int fd, bool is_stream)
{
    while (transfer->done < transfer->length) {
        size_t len = next_step(transfer);
        int error = xtsvol_pread(transfer->volume.volume, transfer->buffer, len,
                                 transfer->offset + transfer->done);
        if (error) {
            char after[96];
            (void)snprintf(after, sizeof(after), "; the %" PRIu64 " bytes before it were written",
                           transfer->done);
            return volume_cli_fail(&transfer->volume, error, NULL, after);
        }
        /* No document after the data (R3). */
        transfer->volume.cli->is_document_printed = true;
        error = write_output(transfer, fd, is_stream, len);
        if (error)
            return fail_output(transfer, error, errno);
        transfer->done += len;
        cli_progress_update(&transfer->progress, transfer->done);
    }
    return 0;
}

static int run_export(struct cli *cli)
{
    int fd = fileno(cli->out);
    struct stat status;
    if (isatty(fd))
        return cli_usage(cli, "standard output",
                         "is a terminal: send the data to > FILE or into a pipe");
    if (fd < 0 || fstat(fd, &status))
        return cli_fail(cli, common_error_from_errno(errno), "standard output", "%s",
                        strerror(errno));
    TRANSFER_CLEANUP struct transfer transfer = {.volume = {.cli = cli}};
    int error = volume_cli_open(&transfer.volume, true);
    if (!error)
        error = take_range(&transfer);
    if (error)
        return error;
    bool is_stream = !S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode);
    cli_progress_begin(&transfer.progress, cli, "exporting", CLI_PROGRESS_BYTES, transfer.length,
                       0);
    error = export_all(&transfer, fd, is_stream);
    if (!error)
        cli_progress_end(&transfer.progress);
    return error;
}

#define RANGE_OPTIONS(which)                                                                       \
    {.name = "offset",                                                                             \
     .type = CLI_SIZE,                                                                             \
     .value_name = "N",                                                                            \
     .fallback = "0",                                                                              \
     .summary = "where in the volume to begin",                                                    \
     .min = 0,                                                                                     \
     .max = INT64_MAX},                                                                            \
    {                                                                                              \
        .name = "length", .type = CLI_SIZE, .value_name = "N", .summary = (which), .min = 0,       \
        .max = INT64_MAX                                                                           \
    }

const struct cli_command xtsvol_import_command = {
    .name = "import",
    .summary = "encrypt standard input into a volume",
    .details =
        "Reads until the end of the input, or --length bytes, and returns when all is on the "
        "medium. Input that is longer than the room from --offset to the end of the volume "
        "is an error; a file is refused before anything is written, of a pipe the part that "
        "fits is written, and the message says how much that is.",
    .arguments = (const struct cli_argument[]){VOLUME_CLI_FILE, {0}},
    .options =
        (const struct cli_option[]){RANGE_OPTIONS("read so many bytes, and leave the rest unread"),
                                    VOLUME_CLI_HEADER,
                                    VOLUME_CLI_KEY_FILE(CLI_REQUIRED),
                                    VOLUME_CLI_MIN_SEQUENCE,
                                    VOLUME_CLI_ALLOW_PLAINTEXT,
                                    VOLUME_CLI_THREADS,
                                    {0}},
    .run = run_import,
};

const struct cli_command xtsvol_export_command = {
    .name = "export",
    .summary = "decrypt a volume to standard output",
    .details = "Writes the plain bytes of the volume, or of a part of it, and nothing else.",
    .arguments = (const struct cli_argument[]){VOLUME_CLI_FILE, {0}},
    .options = (const struct cli_option[]){RANGE_OPTIONS("so many bytes; without it up to the end "
                                                         "of the volume"),
                                           VOLUME_CLI_HEADER,
                                           VOLUME_CLI_KEY_FILE(CLI_REQUIRED),
                                           VOLUME_CLI_MIN_SEQUENCE,
                                           VOLUME_CLI_ALLOW_PLAINTEXT,
                                           VOLUME_CLI_THREADS,
                                           {0}},
    .run = run_export,
};
