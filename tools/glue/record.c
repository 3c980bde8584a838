/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/glue/record.h"

#include "tools/cli/store.h"

#include <string.h>

static void close_log(struct glue_eventlog **log)
{
    glue_eventlog_close(log);
}

static bool is_cancelled(void *context)
{
    (void)context;
    return cli_interrupted();
}

static int record_in(struct cli *cli, uint64_t *seq, const struct cli_store *store,
                     const struct glue_event *event)
{
    struct glue_eventlog_options options = glue_eventlog_options_default();
    options.directory = store->path;
    options.directory_fd = store->fd;
    options.tool = cli->tool->root->name;
    options.is_cancelled = is_cancelled;
    int wait_ms = cli_poll_timeout(cli);
    if (wait_ms >= 0 && (unsigned)wait_ms < options.lock_wait_ms)
        options.lock_wait_ms = (unsigned)wait_ms;

    COMMON_CLEANUP(close_log) struct glue_eventlog *log = NULL;
    int error = glue_eventlog_open(&log, &options);
    if (!error)
        error = glue_eventlog_write(log, seq, event);
    if (!error || error == COMMON_ERR_CANCELLED)
        return error;
    int native_error = log ? glue_eventlog_native_error(log) : 0;
    const char *why = native_error                  ? strerror(native_error)
                      : error == COMMON_ERR_DENIED  ? "the log has a second name, or another owner"
                      : error == COMMON_ERR_INVALID ? "the log is not a regular file"
                      : error == COMMON_ERR_BUSY    ? "other writers did not let go of events.lock"
                                                    : common_error_text(error);
    return cli_fail(cli, error, store->path, "cannot record the event: %s", why);
}

int glue_record(struct cli *cli, uint64_t *seq, const struct glue_event *event)
{
    CLI_CLEANUP_STORE struct cli_store store = {.fd = -1};
    int error = cli_store_open(cli, &store, CLI_STORE_CREATE);
    return error ? error : record_in(cli, seq, &store, event);
}

void glue_record_besides(struct cli *cli, const struct glue_event *event)
{
    bool was_optional = cli->is_optional;
    cli->is_optional = true;
    int error = glue_record(cli, NULL, event);
    cli->is_optional = was_optional;
    if (error)
        cli_warn(cli, event->name, "is not in the event log");
}
