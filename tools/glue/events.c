/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/glue/events.h"

#include "common/base/cleanup.h"
#include "tools/cli/cli.h"
#include "tools/cli/json.h"
#include "tools/cli/store.h"
#include "tools/cli/text.h"
#include "tools/cli/timestamp.h"
#include "tools/glue/eventlog.h"
#include "tools/glue/record.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static void close_reader(struct glue_eventlog_reader **reader)
{
    glue_eventlog_reader_close(reader);
}

static const char *member(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));
    return text ? text : "";
}

static bool is_before(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

/* Does the event pass --since and --event? One whose time cannot be read is shown: leaving it out
 * would hide it from every search. */
static bool is_wanted(const struct cli *cli, const json_t *event)
{
    struct timespec time;
    if (cli_has(cli, "since") && cli_time_parse(&time, member(event, "time")) == 0 &&
        is_before(time, cli_time(cli, "since")))
        return false;
    size_t num_names = cli_count(cli, "event");
    for (size_t i = 0; i < num_names; i++) {
        if (strcmp(cli_string_at(cli, "event", i), member(event, "event")) == 0)
            return true;
    }
    return num_names == 0;
}

/* Line by line rather than as one table: a log may be larger than memory. */
static void print_line(FILE *out, const json_t *event)
{
    static const struct {
        const char *key;
        int width;
    } columns[] = {{"time", 24}, {"severity", 7}, {"tool", 9}, {"event", 20}};
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        const char *text = member(event, columns[i].key);
        int room = columns[i].width - (int)strnlen(text, GLUE_EVENT_MAX_NAME);
        cli_text_put(out, text);
        (void)fprintf(out, "%*s", (room > 0 ? room : 0) + 2, "");
    }
    const char *object = member(event, "object");
    const char *reason = member(event, "reason");
    cli_text_put(out, object);
    (void)fputs(*object && *reason ? ": " : "", out);
    cli_text_put(out, reason);
    (void)fputc('\n', out);
}

static int print_json(FILE *out, const json_t *event)
{
    char *text = json_dumps(event, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (!text)
        return COMMON_ERR_NO_MEMORY;
    (void)fputs(text, out);
    free(text);
    return 0;
}

/* Prints what is there now. *num_printed goes on counting from call to call. */
static int print_events(struct cli *cli, struct glue_eventlog_reader *reader, bool follow,
                        uint64_t *num_printed)
{
    for (;;) {
        json_t *event = NULL;
        int error = glue_eventlog_reader_next(reader, &event);
        if (error || !event)
            return error;
        if (cli_interrupted() || ferror(cli->out)) {
            json_decref(event);
            return cli_interrupted() ? COMMON_ERR_CANCELLED : 0;
        }
        if (is_wanted(cli, event)) {
            if (!cli->json) {
                print_line(cli->out, event);
            } else {
                (void)fputs(*num_printed != 0 && !follow ? ",\n" : "", cli->out);
                error = print_json(cli->out, event);
                (void)fputs(follow ? "\n" : "", cli->out);
            }
            ++*num_printed;
        }
        json_decref(event);
        if (error)
            return error;
    }
}

/* A descriptor that becomes readable when something in the store changes, or the store goes. */
static int watch_store(int *out, const char *path)
{
    enum {
        CHANGES = IN_MODIFY | IN_CREATE | IN_MOVE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF
    };
    *out = -1;
    COMMON_CLEANUP_FD int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch < 0 || inotify_add_watch(watch, path, CHANGES) < 0)
        return common_error_from_errno(errno);
    *out = COMMON_TAKE_FD(watch);
    return 0;
}

/* Takes what the watch has to say. Is the store still where it was? */
static bool is_store_there(int watch)
{
    _Alignas(struct inotify_event) char buffer[4096];
    bool is_there = true;
    for (;;) {
        ssize_t len = read(watch, buffer, sizeof(buffer));
        if (len <= 0)
            return is_there;
        for (ssize_t at = 0; at < len;) {
            struct inotify_event event;
            memcpy(&event, buffer + at, sizeof(event));
            if (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
                is_there = false;
            at += (ssize_t)(sizeof(event) + event.len);
        }
    }
}

/* Until interrupted, out of time, or nobody reads any longer. */
static int follow_events(struct cli *cli, struct glue_eventlog_reader *reader, int watch,
                         uint64_t *num_printed)
{
    for (;;) {
        int error = print_events(cli, reader, true, num_printed);
        if (error || fflush(cli->out) || ferror(cli->out))
            return error; /* what could not be printed is told at the end of the run */
        /* Of the output nothing is asked but that the other end of a pipe went away. */
        struct pollfd fds[] = {{.fd = watch, .events = POLLIN}, {.fd = fileno(cli->out)}};
        error = cli_poll(cli, fds, 2);
        if (error == COMMON_ERR_TIMEOUT)
            return cli_fail(cli, error, NULL, "timed out");
        if (error || fds[1].revents != 0)
            return error;
        if (!is_store_there(watch))
            return cli_fail(cli, COMMON_ERR_NOT_FOUND, NULL, "the store was removed or renamed");
    }
}

static int list(struct cli *cli)
{
    CLI_CLEANUP_STORE struct cli_store store = {.fd = -1};
    int error = cli_store_open(cli, &store, CLI_STORE_READ);
    if (error)
        return error;
    bool follow = cli_flag(cli, "follow");
    if (!store.exists && follow)
        return cli_fail(cli, COMMON_ERR_NOT_FOUND, store.path, "no such store to follow");

    /* Watched before it is read, so that nothing comes in between. */
    COMMON_CLEANUP_FD int watch = -1;
    COMMON_CLEANUP(close_reader) struct glue_eventlog_reader *reader = NULL;
    if (follow)
        error = watch_store(&watch, store.path);
    if (!error && store.exists)
        error = glue_eventlog_reader_open_at(&reader, store.fd);
    if (error)
        return cli_fail(cli, error, store.path, "cannot read the event log: %s",
                        common_error_text(error));
    uint64_t num_printed = 0;
    if (cli->json) {
        cli->is_document_printed = true;
        (void)fputs(follow ? "" : "[", cli->out);
    }
    if (reader)
        error = follow ? follow_events(cli, reader, watch, &num_printed)
                       : print_events(cli, reader, false, &num_printed);
    if (cli->json && !follow)
        (void)fputs("]\n", cli->out);
    if (!cli->json && !follow && !error && num_printed == 0)
        (void)fputs("no events\n", cli->out);
    if (reader && glue_eventlog_reader_unreadable(reader) != 0)
        cli_warn(cli, store.path, "%" PRIu64 " lines of the event log are no events",
                 glue_eventlog_reader_unreadable(reader));
    if (error && error != COMMON_ERR_CANCELLED && !cli->is_reported)
        return cli_fail(cli, error, store.path, "cannot read the event log: %s",
                        common_error_text(error));
    return error;
}

static const char *const severities[] = {"info", "warning", "error", NULL};

static int test(struct cli *cli)
{
    const char *message = cli_argument(cli, 0);
    if (!*message)
        return cli_usage(cli, "MESSAGE", "must not be empty");
    if (strlen(message) > GLUE_EVENT_MAX_TEXT)
        cli_warn(cli, "MESSAGE", "cut to its first %d bytes", GLUE_EVENT_MAX_TEXT);
    const struct glue_event event = {
        .severity = (enum common_event_severity)cli_word(cli, "severity"),
        .name = "EventLogTest",
        .object = cli_string(cli, "object"),
        .reason = message,
    };
    uint64_t seq = 0;
    int error = glue_record(cli, &seq, &event);
    if (error)
        return error;
    if (cli->json)
        error = cli_json_print(cli, json_pack("{s:I}", "seq", (json_int_t)seq));
    else
        (void)fprintf(cli->out, "recorded as event %" PRIu64 "\n", seq);
    /* Else a script that sees the failure would record it again. */
    if (fflush(cli->out))
        return cli_fail(cli, COMMON_ERR_IO, "standard output",
                        "%s; the event was recorded all the same, as %" PRIu64, strerror(errno),
                        seq);
    return error;
}

static const struct cli_command test_command = {
    .name = "test",
    .summary = "record an event, to see whether somebody reads the log",
    .details =
        "Records the event EventLogTest with MESSAGE as its reason. When the command returns "
        "with status 0 the event is on the medium.",
    .arguments =
        (const struct cli_argument[]){{.name = "MESSAGE", .summary = "what to record"}, {0}},
    .options = (const struct cli_option[]){{.name = "severity",
                                            .type = CLI_WORD,
                                            .words = severities,
                                            .summary = "how bad it is",
                                            .fallback = "info"},
                                           {.name = "object",
                                            .type = CLI_STRING,
                                            .value_name = "TEXT",
                                            .summary = "what the event is about"},
                                           {0}},
    .run = test,
};

const struct cli_command glue_events_command = {
    .name = "events",
    .summary = "show what happened, from all tools that share the store",
    .details = "Prints the events of the store, oldest first: time, severity, tool, event, object "
               "and reason. With --json it is an array of the objects that docs/format-events.md "
               "describes; with --json --follow, one object a line.",
    .options = (const struct cli_option[]){{.name = "since",
                                            .type = CLI_SINCE,
                                            .value_name = "T",
                                            .summary = "leave out what is older: RFC 3339, "
                                                       "@SECONDS, or a duration before now"},
                                           {.name = "event",
                                            .type = CLI_STRING,
                                            .flags = CLI_REPEATABLE,
                                            .value_name = "NAME",
                                            .summary = "show events of this name only"},
                                           {.name = "follow",
                                            .type = CLI_FLAG,
                                            .summary = "go on with what is recorded from now on"},
                                           {0}},
    .commands = (const struct cli_command *const[]){&test_command, NULL},
    .run = list,
};
