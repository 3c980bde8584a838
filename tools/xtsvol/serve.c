/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `serve`: nbdkit with our plugin, looked after until it ends.
 *
 *   V1  The keys are read and the volume is opened once in this process, so that what is wrong with
 *       them is told as any command tells it; then it is closed, and nbdkit opens it.
 *   V2  Ready is when the NBD server has greeted somebody: nbdkit does not before its plugin has
 * the volume. Then the addresses are printed, once. V3  SIGTERM, SIGHUP and SIGINT ask nbdkit to
 * end, which lets it answer what it has begun; the command ends when nbdkit has. A second SIGINT
 * ends this process, and nbdkit with it (K1). V4  What nbdkit complains about is passed on: until
 * it is ready the last of it is the failure.
 */
#include "tools/cli/json.h"
#include "tools/cli/text.h"
#include "tools/control/control.h"
#include "tools/control/socket.h"
#include "tools/xtsvol/nbd_greeting.h"
#include "tools/xtsvol/nbdkit_process.h"
#include "tools/xtsvol/nouns.h"
#include "tools/xtsvol/volume_cli.h"

#include "common/secmem/secmem.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

enum {
    READY_WAIT_S = 30,
    MAX_ARGUMENTS = 24,
    PING_MS = 2000,
    FD_LOG = 0,
    FD_END = 1,
    FD_SIGNAL = 2,
    FD_GREETING = 3,
    FD_KEYS = 4,
    NUM_FDS = 5
};

struct serve {
    struct cli *cli;
    struct volume_cli volume;
    struct control_listener listener;
    struct nbdkit_process nbdkit;
    char *socket; /* absolute */
    char *uri;
    char *control; /* NULL: there is none */
    int signal_fd;
    int greeting_fd;
    uint32_t next_key; /* generation */
    struct common_secmem *arena;
    struct common_secret key; /* on its way into the pipe */
    bool is_ready;
    bool is_ending;
    char message[NBDKIT_LINE_SIZE]; /* V4 */
    char *arguments[MAX_ARGUMENTS + 1];
    size_t num_arguments;
    int argument_error;
};

static void end_serve(struct serve *serve)
{
    nbdkit_end(&serve->nbdkit);
    control_listener_close(&serve->listener);
    common_cleanup_fd(&serve->signal_fd);
    common_cleanup_fd(&serve->greeting_fd);
    common_secret_free(&serve->key);
    common_secmem_close(&serve->arena);
    volume_cli_end(&serve->volume);
    free(serve->socket);
    free(serve->uri);
    free(serve->control);
    for (size_t i = 0; i < serve->num_arguments; i++)
        free(serve->arguments[i]);
}

__attribute__((format(printf, 2, 3))) static void add_argument(struct serve *serve,
                                                               const char *format, ...)
{
    char *argument = NULL;
    va_list arguments;
    va_start(arguments, format);
    int n = vasprintf(&argument, format, arguments);
    va_end(arguments);
    if (n < 0 || serve->num_arguments == MAX_ARGUMENTS) {
        if (n >= 0)
            free(argument);
        serve->argument_error = COMMON_ERR_NO_MEMORY;
        return;
    }
    serve->arguments[serve->num_arguments++] = argument;
}

static int make_arguments(struct serve *serve)
{
    const struct volume_cli *volume = &serve->volume;
    add_argument(serve, "nbdkit");
    add_argument(serve, "--exit-with-parent"); /* K1 */
    if (cli_flag(serve->cli, "read-only"))
        add_argument(serve, "--readonly");
    add_argument(serve, "%s", cli_string(serve->cli, "plugin"));
    add_argument(serve, "file=%s", volume->path);
    if (volume->options.header_path)
        add_argument(serve, "header=%s", volume->options.header_path);
    add_argument(serve, "key-file=fd:%d", NBDKIT_KEYS_FD);
    add_argument(serve, "threads=%" PRIu32, volume->options.num_threads);
    if (volume->options.min_sequence)
        add_argument(serve, "min-sequence=%" PRIu64, volume->options.min_sequence);
    if (cli_flag(serve->cli, "read-only"))
        add_argument(serve, "read-only=true");
    if (volume->options.allow_plaintext)
        add_argument(serve, "allow-plaintext=true");
    return serve->argument_error;
}

/* nbd+unix:///?socket=PATH (the NBD project's doc/uri.md, RFC 3986 3.4). */
static int make_uri(char **out, const char *socket)
{
    static const char prefix[] = "nbd+unix:///?socket=";
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";

    *out = malloc(sizeof(prefix) + 3 * strlen(socket));
    if (!*out)
        return COMMON_ERR_NO_MEMORY;
    char *at = *out + strlen(prefix);
    memcpy(*out, prefix, sizeof(prefix));
    for (const char *from = socket; *from; from++) {
        if (strchr(plain, *from))
            *at++ = *from;
        else
            at += snprintf(at, 4, "%%%02X", (unsigned char)*from);
    }
    *at = '\0';
    return 0;
}

/* Beside the volume, if nothing else was said. The name need not exist, the folder must. */
static int make_socket_path(struct serve *serve)
{
    const char *given = cli_string(serve->cli, "socket");
    COMMON_CLEANUP_FREE char *real = given ? NULL : realpath(serve->volume.path, NULL);
    COMMON_CLEANUP_FREE char *here = given && *given != '/' ? getcwd(NULL, 0) : NULL;
    if (!given && !real)
        return cli_fail(serve->cli, common_error_from_errno(errno), serve->volume.path, "%s",
                        strerror(errno));
    int n = 0;
    if (!given)
        n = asprintf(&serve->socket, "%s.nbd", real);
    else
        n = asprintf(&serve->socket, "%s%s%s", here ? here : "", here ? "/" : "", given);
    if (n < 0) {
        serve->socket = NULL;
        return COMMON_ERR_NO_MEMORY;
    }
    return make_uri(&serve->uri, serve->socket);
}

static int listen_on_socket(struct serve *serve)
{
    char why[CONTROL_WHY_SIZE] = "";
    int error = make_socket_path(serve);
    if (error)
        return error;
    error = control_listen(&serve->listener, serve->socket, why, sizeof(why));
    return error ? cli_fail(serve->cli, error, serve->socket, "%s", why) : 0;
}

/* V3. Blocked from here on, so that none comes between a look and a wait; SIGINT is cli_poll()'s.
 */
static int take_signals(struct serve *serve)
{
    sigset_t ends;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    if (!cli_signal_is_ignored(SIGHUP))
        (void)sigaddset(&ends, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &ends, NULL))
        return common_error_from_errno(errno);
    serve->signal_fd = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    return serve->signal_fd < 0 ? common_error_from_errno(errno) : 0;
}

static int check_plugin(struct cli *cli)
{
    const char *plugin = cli_string(cli, "plugin");
    if (!strchr(plugin, '/') || access(plugin, R_OK) == 0)
        return 0;
    return cli_fail(cli, common_error_from_errno(errno), plugin,
                    "the plugin for nbdkit: %s; --plugin says where it is", strerror(errno));
}

static int start_nbdkit(struct serve *serve)
{
    int error = make_arguments(serve);
    if (error)
        return error;
    error = nbdkit_start(&serve->nbdkit, serve->arguments, serve->listener.fd);
    /* While it is open here, a client of a server that has died would wait for ever. */
    common_cleanup_fd(&serve->listener.fd);
    serve->listener.fd = -1;
    if (error == COMMON_ERR_NOT_FOUND)
        return cli_fail(serve->cli, error, "nbdkit",
                        "is not installed, or not in PATH; the package has the same name");
    return error ? cli_fail(serve->cli, error, "nbdkit", "%s", common_error_text(error)) : 0;
}

/* K3: a key at a time, as long as there is room. */
static int feed_keys(struct serve *serve)
{
    const uint8_t no_uuid[XTSVOL_UUID_LEN] = {0};
    while (serve->next_key <= glue_keyfile_num(serve->volume.keyfile)) {
        int error =
            glue_keyfile_key(serve->volume.keyfile, serve->key.data, no_uuid, serve->next_key);
        if (error)
            return error;
        ssize_t n = write(serve->nbdkit.keys_fd, serve->key.data, serve->key.len);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (n < 0)
            break; /* it has died, and its last words say more */
        serve->next_key++;
    }
    common_cleanup_fd(&serve->nbdkit.keys_fd);
    serve->nbdkit.keys_fd = -1;
    common_secret_free(&serve->key);
    glue_keyfile_close(&serve->volume.keyfile); /* they are nbdkit's alone from here on */
    return 0;
}

static void tell_message(void *context, const char *message)
{
    struct serve *serve = context;
    if (serve->is_ready) {
        cli_warn(serve->cli, serve->volume.path, "%s", message);
        return;
    }
    if (serve->message[0] != '\0')
        cli_warn(serve->cli, serve->volume.path, "%s", serve->message);
    (void)snprintf(serve->message, sizeof(serve->message), "%s", message);
}

/* The control socket, if the server that listens there is ours. */
static void find_control(struct serve *serve)
{
    const char *header = serve->volume.options.header_path;
    COMMON_CLEANUP_FREE char *path = NULL;
    char why[CONTROL_WHY_SIZE];
    json_t *answer = NULL;
    if (control_path(&path, header ? header : serve->volume.path) ||
        control_request(&answer, path, CONTROL_NO_OWNER, "ping", NULL, PING_MS, why, sizeof(why)))
        return;
    if (json_integer_value(json_object_get(answer, "pid")) == serve->nbdkit.pid)
        serve->control = COMMON_TAKE_PTR(path);
    json_decref(answer);
}

static int print_ready(struct serve *serve)
{
    struct cli *cli = serve->cli;
    int error = 0;
    if (cli->json) {
        error = cli_json_print(
            cli, json_pack("{s:o,s:o,s:o,s:I}", "uri", cli_json_string(serve->uri), "socket",
                           cli_json_string(serve->socket), "control",
                           cli_json_string(serve->control), "pid", (json_int_t)serve->nbdkit.pid));
    } else {
        (void)fprintf(cli->out, "%s\n", serve->uri);
        if (serve->control) {
            (void)fputs("control socket: ", cli->out);
            cli_text_put(cli->out, serve->control);
            (void)fputc('\n', cli->out);
        }
    }
    (void)fflush(cli->out);
    return error;
}

/* V2. */
static int become_ready(struct serve *serve)
{
    int error = nbd_greet(serve->greeting_fd);
    common_cleanup_fd(&serve->greeting_fd);
    serve->greeting_fd = -1;
    if (error == COMMON_ERR_IO)
        return 0; /* it has ended: the other descriptor tells */
    if (error)
        return cli_fail(serve->cli, error, serve->socket, "nbdkit does not speak NBD there");
    serve->is_ready = true;
    serve->cli->deadline_ns = CLI_NO_DEADLINE; /* --timeout was for what is done now */
    if (serve->message[0] != '\0')
        cli_warn(serve->cli, serve->volume.path, "%s", serve->message);
    serve->message[0] = '\0';
    find_control(serve);
    return print_ready(serve);
}

static void ask_to_end(struct serve *serve)
{
    serve->is_ending = true;
    nbdkit_ask_to_end(&serve->nbdkit);
}

/* After an interrupt cli_poll() waits no more, and this wait must go on. */
static int wait_for_any(struct serve *serve, struct pollfd *fds)
{
    if (!serve->is_ending) {
        int error = cli_poll(serve->cli, fds, NUM_FDS);
        if (error != COMMON_ERR_CANCELLED)
            return error;
        ask_to_end(serve);
    }
    while (poll(fds, NUM_FDS, -1) < 0) {
        if (errno != EINTR)
            return common_error_from_errno(errno);
    }
    return 0;
}

/* One round: 0 to go on, 1 when nbdkit has ended, or an error. */
static int look_after(struct serve *serve)
{
    struct pollfd fds[NUM_FDS] = {
        [FD_LOG] = {.fd = serve->nbdkit.log_fd, .events = POLLIN},
        [FD_END] = {.fd = serve->nbdkit.pid_fd, .events = POLLIN},
        [FD_SIGNAL] = {.fd = serve->signal_fd, .events = POLLIN},
        [FD_GREETING] = {.fd = serve->greeting_fd, .events = POLLIN},
        [FD_KEYS] = {.fd = serve->nbdkit.keys_fd, .events = POLLOUT},
    };
    int error = wait_for_any(serve, fds);
    if (error == COMMON_ERR_TIMEOUT)
        return cli_fail(serve->cli, error, serve->volume.path, "nbdkit is not ready in time%s%s",
                        serve->message[0] != '\0' ? ": " : "", serve->message);
    if (error)
        return error;
    if (fds[FD_LOG].revents && !nbdkit_read_log(&serve->nbdkit, tell_message, serve)) {
        common_cleanup_fd(&serve->nbdkit.log_fd);
        serve->nbdkit.log_fd = -1;
    }
    if (fds[FD_KEYS].revents)
        error = feed_keys(serve);
    if (fds[FD_SIGNAL].revents) {
        struct signalfd_siginfo ignored;
        (void)!read(serve->signal_fd, &ignored, sizeof(ignored));
        ask_to_end(serve);
    }
    if (!error && fds[FD_GREETING].revents && !fds[FD_END].revents)
        error = become_ready(serve);
    return error ? error : fds[FD_END].revents != 0;
}

/* What its end means. */
static int conclude(struct serve *serve)
{
    if (serve->nbdkit.log_fd >= 0)
        (void)nbdkit_read_log(&serve->nbdkit, tell_message, serve);
    int status = nbdkit_wait(&serve->nbdkit);
    const char *object = serve->volume.path;
    if (status < 0)
        return cli_fail(serve->cli, COMMON_ERR_IO, object, "nbdkit was killed by signal %d (%s)",
                        -status, strsignal(-status));
    if (!serve->is_ready && serve->message[0] != '\0' && !serve->is_ending)
        return cli_fail(serve->cli, COMMON_ERR_IO, object, "%s", serve->message);
    if (status > 0)
        return cli_fail(serve->cli, COMMON_ERR_IO, object, "nbdkit ended with status %d", status);
    return cli_interrupted() ? COMMON_ERR_CANCELLED : 0;
}

static int supervise(struct serve *serve)
{
    struct cli *cli = serve->cli;
    if (cli->deadline_ns == CLI_NO_DEADLINE)
        cli->deadline_ns = cli_monotonic_ns(cli) + UINT64_C(1000000000) * READY_WAIT_S;
    int error = control_connect(&serve->greeting_fd, serve->socket, cli->deadline_ns);
    if (error && error != COMMON_ERR_NOT_FOUND) /* then it has ended already */
        return cli_fail(cli, error, serve->socket, "%s", common_error_text(error));
    int result = 0;
    while (result == 0)
        result = look_after(serve);
    return result < 0 ? result : conclude(serve);
}

/* V1. */
static int open_once(struct serve *serve)
{
    int error = volume_cli_begin(&serve->volume);
    if (error)
        return error;
    uint32_t num_threads = serve->volume.options.num_threads;
    serve->volume.options.num_threads = 0;
    serve->volume.options.is_read_only = cli_flag(serve->cli, "read-only");
    error = xtsvol_volume_open(&serve->volume.volume, serve->volume.path, &serve->volume.options);
    serve->volume.options.num_threads = num_threads;
    if (error)
        return volume_cli_fail(&serve->volume, error, NULL, NULL);
    xtsvol_volume_close(&serve->volume.volume);
    error = common_secmem_open(&serve->arena, NULL);
    return error ? error : common_secret_new(&serve->key, serve->arena, XTSVOL_XTS_KEY_LEN);
}

static int run_serve(struct cli *cli)
{
    COMMON_CLEANUP(end_serve)
    struct serve serve = {.cli = cli,
                          .volume = {.cli = cli},
                          .listener = CONTROL_NO_LISTENER,
                          .nbdkit = NBDKIT_NO_PROCESS,
                          .signal_fd = -1,
                          .greeting_fd = -1,
                          .next_key = 1};
    int error = check_plugin(cli);
    if (!error)
        error = open_once(&serve);
    if (!error)
        error = listen_on_socket(&serve);
    if (!error)
        error = take_signals(&serve);
    if (!error)
        error = start_nbdkit(&serve);
    return error ? error : supervise(&serve);
}

const struct cli_command xtsvol_serve_command = {
    .name = "serve",
    .summary = "serve a volume as a network block device",
    .details = "Runs nbdkit with the plugin for volumes until SIGTERM or SIGINT, and prints the "
               "NBD URI when "
               "it is ready. The socket is for this user alone. While the volume is served, "
               "'xtsvol info' asks it through its control socket; other commands find it in use.\n"
               "--timeout is how long it may take until it is ready.",
    .arguments = (const struct cli_argument[]){VOLUME_CLI_FILE, {0}},
    .options =
        (const struct cli_option[]){
            VOLUME_CLI_HEADER,
            VOLUME_CLI_KEY_FILE(CLI_REQUIRED),
            VOLUME_CLI_MIN_SEQUENCE,
            VOLUME_CLI_ALLOW_PLAINTEXT,
            VOLUME_CLI_THREADS,
            {.name = "socket",
             .type = CLI_PATH,
             .value_name = "S",
             .summary = "where NBD clients connect; FILE.nbd unless given"},
            {.name = "read-only",
             .type = CLI_FLAG,
             .summary = "nothing is written; others may read the volume too"},
            {.name = "plugin",
             .type = CLI_PATH,
             .value_name = "PATH",
             .fallback = XTSVOL_NBDKIT_PLUGIN,
             .summary = "the plugin that nbdkit loads"},
            {0}},
    .run = run_serve,
};
