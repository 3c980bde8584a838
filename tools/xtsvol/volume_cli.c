/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/volume_cli.h"

#include "tools/cli/secret.h"
#include "tools/glue/record.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert((int)GLUE_KEY_LEN == (int)XTSVOL_XTS_KEY_LEN &&
                   (int)GLUE_KEYFILE_MAX == (int)XTSVOL_GENERATION_MAX &&
                   (int)GLUE_KEYFILE_UUID_LEN == (int)XTSVOL_UUID_LEN &&
                   (int)COMMON_UUID_LEN == (int)XTSVOL_UUID_LEN,
               "the key file and the volume mean the same");

/* The log is read elsewhere: a path that is relative would not be found there. */
static void record(struct volume_cli *volume, enum common_event_severity severity, const char *name,
                   const char *reason, const json_t *detail)
{
    COMMON_CLEANUP_FREE char *absolute = realpath(volume->path, NULL);
    const struct glue_event event = {
        .severity = severity,
        .name = name,
        .object = absolute ? absolute : volume->path,
        .reason = reason,
        .detail = detail,
    };
    glue_record_besides(volume->cli, &event);
}

void volume_cli_record(struct volume_cli *volume, enum common_event_severity severity,
                       const char *name, const uint8_t uuid[XTSVOL_UUID_LEN], const char *reason)
{
    char text[COMMON_UUID_SIZE];
    common_uuid_format(text, uuid);
    json_t *detail = json_pack("{s:s}", "uuid", text); /* without memory there is no detail */
    record(volume, severity, name, reason, detail);
    json_decref(detail);
}

static void on_event(struct volume_cli *volume, enum common_event_severity severity,
                     const char *name, const char *object, const char *reason)
{
    if (severity == COMMON_EVENT_INFO || ++volume->num_events > VOLUME_CLI_MAX_EVENTS)
        return;
    cli_warn(volume->cli, volume->path, "%s", reason);
    json_t *detail = *object ? json_pack("{s:o}", "about", cli_json_string(object)) : NULL;
    record(volume, severity, name, reason, detail);
    json_decref(detail);
}

static void on_volume_event(void *context, const struct xtsvol_event *event)
{
    on_event(context,
             event->severity == XTSVOL_EVENT_INFO      ? COMMON_EVENT_INFO
             : event->severity == XTSVOL_EVENT_WARNING ? COMMON_EVENT_WARNING
                                                       : COMMON_EVENT_ERROR,
             event->name, event->object, event->reason);
}

static void on_keyfile_event(void *context, const struct common_event *event)
{
    on_event(context, event->severity, event->name, event->object, event->reason);
}

/* Where the keys come from. A key manager would be another branch here, and set key and key_context
 * as this one does. */
static int open_keys(struct volume_cli *volume)
{
    const char *source = cli_string(volume->cli, "key-file");
    if (!source)
        return 0;
    char why[CLI_SECRET_WHY_SIZE];
    const struct cli_secret_host host = cli_secret_host(volume->cli);
    const struct glue_keyfile_options options = {
        .source = source,
        .host = &host,
        .events = {.emit = on_keyfile_event, .context = volume},
    };
    int error = glue_keyfile_open(&volume->keyfile, why, &options);
    if (error)
        return cli_fail(volume->cli, error, source, "%s", cli_interrupted() ? "interrupted" : why);
    volume->options.key = glue_keyfile_key;
    volume->options.key_context = volume->keyfile;
    return 0;
}

static bool knows(const struct cli *cli, const char *option)
{
    return cli_option_find(cli->path[cli->depth - 1]->options, option) != NULL;
}

int volume_cli_begin(struct volume_cli *volume)
{
    struct cli *cli = volume->cli;
    volume->path = cli_argument(cli, 0);
    if (!*volume->path)
        return cli_usage(cli, "FILE", "must not be empty");
    volume->options = xtsvol_volume_options_default();
    volume->options.failure = &volume->failure;
    volume->options.event = on_volume_event;
    volume->options.event_context = volume;
    if (knows(cli, "header"))
        volume->options.header_path = cli_string(cli, "header");
    if (knows(cli, "min-sequence"))
        volume->options.min_sequence = (uint64_t)cli_integer(cli, "min-sequence");
    if (knows(cli, "threads"))
        volume->options.num_threads = (uint32_t)cli_integer(cli, "threads");
    if (knows(cli, "allow-plaintext"))
        volume->options.allow_plaintext = cli_flag(cli, "allow-plaintext");
    return knows(cli, "key-file") ? open_keys(volume) : 0;
}

int volume_cli_open(struct volume_cli *volume, bool is_read_only)
{
    int error = volume_cli_begin(volume);
    if (error)
        return error;
    volume->options.is_read_only = is_read_only;
    error = xtsvol_volume_open(&volume->volume, volume->path, &volume->options);
    return error ? volume_cli_fail(volume, error, NULL, NULL) : 0;
}

void volume_cli_end(struct volume_cli *volume)
{
    xtsvol_volume_close(&volume->volume);
    glue_keyfile_close(&volume->keyfile);
    if (volume->num_events > VOLUME_CLI_MAX_EVENTS)
        cli_warn(volume->cli, volume->path, "%" PRIu64 " more warnings of this kind",
                 volume->num_events - VOLUME_CLI_MAX_EVENTS);
}

/* Does the metadata say nothing by itself? Then it may be elsewhere, or want to be restored. */
static bool is_metadata_lost(const struct volume_cli *volume)
{
    const char *header = volume->options.header_path;
    struct xtsvol_volume_info info;
    return xtsvol_volume_peek(&info, sizeof(info), NULL, 0, header ? header : volume->path, NULL) ==
           XTSVOL_ERR_CORRUPT;
}

static void put_key_sentence(char out[CLI_MESSAGE_SIZE], const struct volume_cli *volume, int error,
                             const char *message)
{
    uint32_t generation = volume->failure.generation;
    const char *source = cli_string(volume->cli, "key-file");
    uint32_t num = glue_keyfile_num(volume->keyfile);
    if (error == XTSVOL_ERR_NOT_FOUND && generation > num)
        (void)snprintf(out, CLI_MESSAGE_SIZE,
                       "needs the key of generation %" PRIu32 ", and %s has %" PRIu32
                       " of 64 bytes each: name a file that has them all",
                       generation, source, num);
    else if (error == XTSVOL_ERR_NOT_FOUND)
        (void)snprintf(out, CLI_MESSAGE_SIZE,
                       "needs the key of generation %" PRIu32 ", which in %s is all zero bytes",
                       generation, source);
    else
        (void)snprintf(out, CLI_MESSAGE_SIZE, "%s (from %s)", message, source);
}

/* U1. What the library cannot know is what the user can do: it does not know of options and files.
 */
static void put_sentence(char out[CLI_MESSAGE_SIZE], const struct volume_cli *volume, int error)
{
    const struct xtsvol_failure *failure = &volume->failure;
    const char *message = failure->error == error && failure->message[0] != '\0'
                              ? failure->message
                              : xtsvol_error_text(error);
    if (error == XTSVOL_ERR_BUSY && failure->holder_pid > 0)
        (void)snprintf(out, CLI_MESSAGE_SIZE, "in use by pid %" PRId64, failure->holder_pid);
    else if (failure->generation != 0 && volume->keyfile)
        put_key_sentence(out, volume, error, message);
    else if (error == XTSVOL_ERR_CORRUPT && !volume->volume && is_metadata_lost(volume))
        (void)snprintf(
            out, CLI_MESSAGE_SIZE, "%s; %s 'xtsvol header restore' puts a backup in place", message,
            volume->options.header_path ? "the metadata is in the --header, where"
                                        : "metadata that is apart is named with --header, and");
    else
        (void)snprintf(out, CLI_MESSAGE_SIZE, "%s", message);
}

static bool is_usable(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode)) &&
           access(path, R_OK) == 0;
}

static bool has_contents(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && (!S_ISREG(status.st_mode) || status.st_size != 0);
}

/* Of two files, the library does not say which one it could not use. */
static const char *find_culprit(const struct volume_cli *volume, int error)
{
    const char *header = volume->options.header_path;
    if (!header || volume->volume || volume->failure.generation != 0)
        return volume->path;
    if (error == XTSVOL_ERR_EXISTS)
        return has_contents(header) && !has_contents(volume->path) ? header : volume->path;
    return is_usable(volume->path) && !is_usable(header) ? header : volume->path;
}

int volume_cli_fail(struct volume_cli *volume, int error, const char *object, const char *after)
{
    char sentence[CLI_MESSAGE_SIZE];
    if (volume->volume)
        xtsvol_volume_failure(volume->volume, &volume->failure);
    put_sentence(sentence, volume, error);
    return cli_fail(volume->cli, error, object ? object : find_culprit(volume, error), "%s%s",
                    sentence, after ? after : "");
}

bool volume_cli_is_over(const struct cli *cli)
{
    uint64_t left_ns = 0;
    return cli_interrupted() || cli_time_left(cli, &left_ns) != 0;
}

int volume_cli_fail_over(struct volume_cli *volume, int error, const char *format, ...)
{
    char after[CLI_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(after, sizeof(after), format, arguments);
    va_end(arguments);
    const char *why = cli_interrupted()               ? "interrupted"
                      : error == COMMON_ERR_TIMEOUT   ? "timed out"
                      : error == COMMON_ERR_CANCELLED ? "timed out"
                                                      : common_error_text(error);
    return cli_fail(volume->cli, error, volume->path, "%s%s", why, after);
}
