/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/cli.h"

#include "tools/cli/json.h"
#include "tools/cli/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

/* A standard descriptor that is closed would be taken by the first file that is opened, a volume
 * say, and messages would be written into it. Opened the wrong way round, use of it still fails. */
static void hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* the lowest: fd */
    }
}

static uint64_t real_monotonic_ns(void *context)
{
    (void)context;
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct timespec real_time(void *context)
{
    (void)context;
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now;
}

struct timespec cli_now(const struct cli *cli)
{
    return cli->clock.realtime(cli->clock.context);
}

uint64_t cli_monotonic_ns(const struct cli *cli)
{
    return cli->clock.monotonic_ns(cli->clock.context);
}

void cli_command_path(char *out, size_t out_size, const struct cli *cli, size_t first)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = first; i < cli->depth && len < out_size; i++) {
        int n =
            snprintf(out + len, out_size - len, "%s%s", i > first ? " " : "", cli->path[i]->name);
        len += n > 0 ? (size_t)n : 0;
    }
}

/* Without --json before its time: usage errors are told while it is still being parsed. */
static void report(struct cli *cli, const char *code, const char *object, const char *message)
{
    if (cli->is_reported)
        return;
    cli->is_reported = true;
    char command[CLI_WHY_SIZE];
    cli_command_path(command, sizeof(command), cli, 1);
    const char *what = object ? object : command;

    if (cli->is_line_open)
        (void)fputc('\n', cli->err);
    cli->is_line_open = false;
    (void)fprintf(cli->err, "%s: ", cli->tool->root->name);
    cli_text_put(cli->err, what);
    if (what[0] != '\0')
        (void)fputs(": ", cli->err);
    cli_text_put(cli->err, message);
    (void)fputc('\n', cli->err);
    (void)fflush(cli->err);
    if (cli->json)
        cli_json_print_error(cli, code, message, object);
}

int cli_fail(struct cli *cli, int error, const char *object, const char *format, ...)
{
    char message[CLI_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (cli->is_optional)
        cli_warn(cli, object, "%s", message);
    else
        report(cli, common_error_name(error), object, message);
    return error < 0 ? error : COMMON_ERR_INTERNAL;
}

int cli_usage(struct cli *cli, const char *object, const char *format, ...)
{
    char message[CLI_MESSAGE_SIZE];
    char command[CLI_WHY_SIZE];
    cli_command_path(command, sizeof(command), cli, 0);
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (n >= 0 && (size_t)n < sizeof(message))
        (void)snprintf(message + n, sizeof(message) - (size_t)n, "; see '%s --help'", command);
    cli->is_usage = true;
    report(cli, "usage", object, message);
    return COMMON_ERR_INVALID;
}

void cli_warn(struct cli *cli, const char *object, const char *format, ...)
{
    char message[CLI_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (cli->is_line_open)
        (void)fputc('\n', cli->err);
    cli->is_line_open = false;
    (void)fprintf(cli->err, "%s: warning: ", cli->tool->root->name);
    if (object) {
        cli_text_put(cli->err, object);
        (void)fputs(": ", cli->err);
    }
    cli_text_put(cli->err, message);
    (void)fputc('\n', cli->err);
    (void)fflush(cli->err);
}

static int print_version(struct cli *cli)
{
    struct common_component components[CLI_MAX_COMPONENTS] = {0};
    size_t num = cli->tool->components ? cli->tool->components(components, CLI_MAX_COMPONENTS) : 0;
    if (num > CLI_MAX_COMPONENTS)
        num = CLI_MAX_COMPONENTS;
    const char *name = cli->tool->root->name;

    if (!cli->json) {
        (void)fprintf(cli->out, "%s (Strongroom) %s\n", name, cli->tool->version);
        for (size_t i = 0; i < num; i++)
            (void)fprintf(cli->out, "  %s %s (%s)\n", components[i].name, components[i].version,
                          components[i].linkage);
        return 0;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < num; i++) {
        if (json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", components[i].name,
                                                  "version", components[i].version, "linkage",
                                                  components[i].linkage)))
            break;
    }
    if (json_array_size(list) != num) {
        json_decref(list);
        return COMMON_ERR_NO_MEMORY;
    }
    return cli_json_print(cli, json_pack("{s:s,s:s,s:o}", "tool", name, "version",
                                         cli->tool->version, "components", list));
}

static int parse_and_run(struct cli *cli, int argc, char *const *argv)
{
    int error = cli_parse(cli, argc, argv);
    if (error)
        return error;
    if (cli->help) {
        cli_help_print(cli, cli->out);
        return 0;
    }
    if (cli->version)
        return print_version(cli);
    return cli->path[cli->depth - 1]->run(cli);
}

/* Did the reader of a pipe or socket go away? errno of the write that failed is long gone. */
static bool is_reader_gone(FILE *stream)
{
    struct pollfd poll_fd = {.fd = fileno(stream), .events = POLLOUT};
    return poll_fd.fd >= 0 && poll(&poll_fd, 1, 0) == 1 &&
           (poll_fd.revents & (POLLERR | POLLHUP)) != 0;
}

/* R4. Closing a copy makes a network file system say what it kept back. 0, or *why is set: the
 * reason is lost where an earlier, larger write failed. */
static int finish_output(FILE *out, const char **why)
{
    *why = "could not be written";
    errno = 0;
    bool is_failed = fflush(out) != 0;
    is_failed = ferror(out) != 0 || is_failed;
    int fd = is_failed ? -1 : fileno(out);
    int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0)
        is_failed = close(copy) != 0;
    if (!is_failed)
        return 0;
    if (errno)
        *why = strerror(errno);
    return errno == EPIPE || is_reader_gone(out) ? COMMON_ERR_CANCELLED : COMMON_ERR_IO;
}

static int exit_status(const struct cli *cli, int error)
{
    if (!error)
        return CLI_EXIT_DONE;
    if (cli->is_usage)
        return CLI_EXIT_USAGE;
    return cli_interrupted() ? CLI_EXIT_INTERRUPTED : CLI_EXIT_FAILED;
}

static int finish(struct cli *cli, int error)
{
    if (error && !cli->is_reported)
        error = cli_fail(cli, error, NULL, "%s",
                         cli_interrupted() ? "interrupted" : common_error_text(error));
    if (cli->is_line_open)
        (void)fputc('\n', cli->err);
    int status = exit_status(cli, error);
    const char *why = NULL;
    int output_error = finish_output(cli->out, &why);
    if (!output_error || status != CLI_EXIT_DONE)
        return status;
    cli->is_document_printed = true; /* there is nowhere to print one to */
    if (output_error == COMMON_ERR_IO)
        (void)!cli_fail(cli, output_error, "standard output", "%s", why);
    return CLI_EXIT_FAILED;
}

/* R3 holds for mistakes in the words before --json as well. */
static bool asks_for_json(int argc, char *const *argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            return true;
    }
    return false;
}

int cli_run(const struct cli_tool *tool, const struct cli_environment *environment, int argc,
            char *const *argv)
{
    struct cli cli = {
        .tool = tool,
        .out = environment->out,
        .err = environment->err,
        .clock = environment->clock,
        .path = {tool->root},
        .depth = 1,
        .json = asks_for_json(argc, argv),
        .deadline_ns = CLI_NO_DEADLINE,
    };
    if (argc <= 1 && !tool->root->run) {
        cli_help_print(&cli, cli.err);
        return CLI_EXIT_USAGE;
    }
    int error = parse_and_run(&cli, argc, argv);
    int status = finish(&cli, error);
    free(cli.values);
    free(cli.arguments);
    return status;
}

int cli_main(const struct cli_tool *tool, int argc, char *const *argv)
{
    hold_standard_descriptors();
    cli_take_signals();
    struct cli_environment environment = {
        .out = stdout,
        .err = stderr,
        .clock = {.monotonic_ns = real_monotonic_ns, .realtime = real_time},
    };
    return cli_run(tool, &environment, argc, argv);
}
