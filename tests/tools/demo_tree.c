/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/demo_tree.h"

#include "common/base/cleanup.h"
#include "tools/cli/confirm.h"
#include "tools/cli/json.h"
#include "tools/cli/progress.h"
#include "tools/cli/secret.h"
#include "tools/cli/store.h"
#include "tools/cli/timestamp.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* Prints what was parsed, an item a line. */
static int run_create(struct cli *cli)
{
    char at[CLI_TIME_SIZE];
    cli_time_format(at, cli_time(cli, "at"));
    (void)fprintf(cli->out, "file=%s second=%s num=%zu\n", cli_argument(cli, 0),
                  cli_argument(cli, 1) ? cli_argument(cli, 1) : "-", cli->num_arguments);
    (void)fprintf(cli->out, "size=%" PRIu64 " count=%" PRId64 " keep=%" PRIu64 " mode=%d\n",
                  cli_size(cli, "size"), cli_integer(cli, "count"), cli_duration(cli, "keep"),
                  cli_word(cli, "mode"));
    (void)fprintf(cli->out, "at=%s force=%d label=%s has_label=%d\n", at, cli_flag(cli, "force"),
                  cli_string(cli, "label") ? cli_string(cli, "label") : "-", cli_has(cli, "label"));
    (void)fprintf(cli->out, "pins=%zu", cli_count(cli, "pin"));
    for (size_t i = 0; cli_string_at(cli, "pin", i); i++)
        (void)fprintf(cli->out, " %s", cli_string_at(cli, "pin", i));
    (void)fprintf(cli->out, "\njson=%d store=%s\n", cli->json, cli->store ? cli->store : "-");
    return 0;
}

static const char *const modes[] = {"fast", "safe", NULL};

static const struct cli_command create = {
    .name = "create",
    .summary = "make a new vault",
    .details = "The first paragraph is long enough that it has to be broken into more than one "
               "line of eighty columns.\nThe second one is short.",
    .arguments =
        (const struct cli_argument[]){
            {.name = "FILE", .summary = "where it goes"},
            {.name = "MORE", .summary = "and more", .is_optional = true, .is_repeated = true},
            {0}},
    .options =
        (const struct cli_option[]){
            {.name = "size",
             .letter = 's',
             .type = CLI_SIZE,
             .flags = CLI_REQUIRED,
             .value_name = "N",
             .summary = "size of the vault",
             .min = 512,
             .max = INT64_C(1) << 40},
            {.name = "count",
             .type = CLI_INTEGER,
             .value_name = "N",
             .summary = "how many",
             .fallback = "3",
             .min = -5,
             .max = 5},
            {.name = "keep",
             .type = CLI_DURATION,
             .value_name = "D",
             .summary = "how long",
             .fallback = "1h"},
            {.name = "mode",
             .type = CLI_WORD,
             .summary = "how careful",
             .fallback = "safe",
             .words = modes},
            {.name = "at", .type = CLI_TIME, .value_name = "TIME", .summary = "when"},
            {.name = "label", .type = CLI_STRING, .value_name = "TEXT", .summary = "a name"},
            {.name = "pin",
             .type = CLI_PATH,
             .flags = CLI_REPEATABLE,
             .value_name = "F",
             .summary = "a certificate to trust, of which there may be any number given here"},
            {.name = "force", .letter = 'f', .summary = "go on all the same"},
            {0}},
    .run = run_create,
};

static int run_erase(struct cli *cli)
{
    const char *file = cli_argument(cli, 0);
    int error = cli_confirm(cli, file, "Are you sure that %s may be erased?", file);
    if (error)
        return error;
    (void)fprintf(cli->out, "erased %s\n", file);
    return 0;
}

static const struct cli_command erase = {
    .name = "erase",
    .summary = "destroy a vault",
    .arguments = (const struct cli_argument[]){{.name = "FILE", .summary = "which one"}, {0}},
    .run = run_erase,
    .confirms = true,
};

static int run_revoke(struct cli *cli)
{
    (void)fprintf(cli->out, "revoked\n");
    return 0;
}

static const struct cli_command revoke_command = {
    .name = "revoke",
    .summary = "take a certificate back",
    .options = (const struct cli_option[]){{.name = "serial",
                                            .type = CLI_STRING,
                                            .flags = CLI_REQUIRED,
                                            .group = 1,
                                            .value_name = "HEX",
                                            .summary = "by its number"},
                                           {.name = "cert",
                                            .type = CLI_PATH,
                                            .flags = CLI_REQUIRED,
                                            .group = 1,
                                            .value_name = "F",
                                            .summary = "by itself"},
                                           {.name = "quick", .group = 2, .summary = "soon"},
                                           {.name = "slow", .group = 2, .summary = "late"},
                                           {0}},
    .run = run_revoke,
};

static const struct cli_command vault = {
    .name = "vault",
    .summary = "vaults",
    .commands = (const struct cli_command *const[]){&create, &erase, &revoke_command, NULL},
};

static int run_events(struct cli *cli)
{
    char since[CLI_TIME_SIZE];
    cli_time_format(since, cli_time(cli, "since"));
    (void)fprintf(cli->out, "events since %s\n", since);
    return 0;
}

static int run_events_test(struct cli *cli)
{
    (void)fprintf(cli->out, "tested %s\n", cli_argument(cli, 0) ? cli_argument(cli, 0) : "-");
    return 0;
}

static const struct cli_command events_test = {
    .name = "test",
    .summary = "send one",
    .arguments =
        (const struct cli_argument[]){{.name = "NAME", .summary = "which", .is_optional = true},
                                      {0}},
    .run = run_events_test,
};

static const struct cli_command events = {
    .name = "events",
    .summary = "what happened",
    .options =
        (const struct cli_option[]){
            {.name = "since", .type = CLI_SINCE, .value_name = "T", .summary = "not before"}, {0}},
    .commands = (const struct cli_command *const[]){&events_test, NULL},
    .run = run_events,
};

static int told_twice(struct cli *cli, const char *object)
{
    int error = cli_fail(cli, COMMON_ERR_NOT_FOUND, object, "first %s", "reason");
    return cli_fail(cli, error, object, "second reason");
}

static int run_fail(struct cli *cli)
{
    switch (cli_word(cli, "how")) {
    case 0:
        return cli_fail(cli, COMMON_ERR_DENIED, cli_argument(cli, 0), "wrong key");
    case 1:
        return COMMON_ERR_CORRUPT; /* untold */
    case 2:
        return told_twice(cli, cli_argument(cli, 0));
    case 3:
        return cli_usage(cli, "--volume", "goes with --keymgr only");
    case 4: {
        int error = cli_json_print(cli, json_pack("{s:s}", "verdict", "deny"));
        return error ? error : cli_fail(cli, COMMON_ERR_DENIED, cli_argument(cli, 0), "revoked");
    }
    default:
        cli_warn(cli, cli_argument(cli, 0), "odd");
        return 0;
    }
}

static const char *const ways[] = {"told", "untold", "twice", "usage", "verdict", "warn", NULL};

static const struct cli_command fail_command = {
    .name = "fail",
    .summary = "fail in one of several ways",
    .arguments =
        (const struct cli_argument[]){
            {.name = "OBJECT", .summary = "what about", .is_optional = true}, {0}},
    .options = (const struct cli_option[]){{.name = "how",
                                            .type = CLI_WORD,
                                            .summary = "which way",
                                            .fallback = "told",
                                            .words = ways},
                                           {0}},
    .run = run_fail,
};

/* Waits for SIGINT or the deadline. */
static int run_wait(struct cli *cli)
{
    (void)fputs("waiting\n", cli->out);
    (void)fflush(cli->out);
    while (cli_flag(cli, "stubborn"))
        (void)poll(NULL, 0, 1000);
    int error = cli_poll(cli, NULL, 0);
    if (error != COMMON_ERR_CANCELLED)
        return error;
    return cli_flag(cli, "finish") ? 0 : COMMON_ERR_CANCELLED;
}

static const struct cli_command wait_command = {
    .name = "wait",
    .summary = "wait to be interrupted",
    .options = (const struct cli_option[]){{.name = "finish", .summary = "succeed all the same"},
                                           {.name = "stubborn", .summary = "take no hint"},
                                           {0}},
    .run = run_wait,
};

static int run_flood(struct cli *cli)
{
    for (int64_t i = 0; i < cli_integer(cli, "lines"); i++)
        (void)fputs("all work and no play makes a long line of output\n", cli->out);
    return 0;
}

static const struct cli_command flood = {
    .name = "flood",
    .summary = "print much",
    .options = (const struct cli_option[]){{.name = "lines",
                                            .type = CLI_INTEGER,
                                            .value_name = "N",
                                            .summary = "how much",
                                            .fallback = "1"},
                                           {0}},
    .run = run_flood,
};

static int run_secret(struct cli *cli)
{
    uint8_t memory[16];
    uint8_t again[16];
    struct cli_secret secret = {
        .kind = cli_flag(cli, "key") ? CLI_SECRET_KEY : CLI_SECRET_PASSPHRASE,
        .what = "passphrase",
        .min_len = 1,
        .max_len = sizeof(memory),
        .memory = memory,
        .again = cli_flag(cli, "new") ? again : NULL,
    };
    size_t len = 0;
    int error = cli_secret_read(cli, &len, &secret, cli_string(cli, "file"));
    if (error)
        return error;
    (void)fprintf(cli->out, "got %zu bytes: %.*s\n", len, (int)len, (const char *)memory);
    return 0;
}

static const struct cli_command secret_command = {
    .name = "secret",
    .summary = "read a secret and betray it",
    .options =
        (const struct cli_option[]){
            {.name = "file", .type = CLI_PATH, .value_name = "F", .summary = "from where"},
            {.name = "new", .summary = "ask twice"},
            {.name = "key", .summary = "raw"},
            {0}},
    .run = run_secret,
};

static int run_work(struct cli *cli)
{
    struct cli_progress progress;
    cli_progress_begin(&progress, cli, "work", CLI_PROGRESS_BYTES, 1 << 20, 0);
    for (uint64_t i = 1; i <= 16 && !cli_interrupted(); i++) {
        (void)poll(NULL, 0, 20);
        cli_progress_update(&progress, i << 16);
    }
    cli_progress_end(&progress);
    return 0;
}

static const struct cli_command work = {
    .name = "work",
    .summary = "show progress",
    .run = run_work,
};

static int run_store(struct cli *cli)
{
    CLI_CLEANUP_STORE struct cli_store store = {.fd = -1};
    int error =
        cli_store_open(cli, &store, cli_flag(cli, "create") ? CLI_STORE_CREATE : CLI_STORE_READ);
    if (error)
        return error;
    /* P5. */
    if (store.exists != (store.fd > STDERR_FILENO))
        return cli_fail(cli, COMMON_ERR_INTERNAL, NULL, "descriptor %d", store.fd);
    (void)fprintf(cli->out, "%s explicit=%d exists=%d\n", store.path, store.is_explicit,
                  store.exists);
    return 0;
}

static const struct cli_command store_command = {
    .name = "store",
    .summary = "find the store",
    .options = (const struct cli_option[]){{.name = "create", .summary = "make it"}, {0}},
    .run = run_store,
};

/* Fails if a file that is opened takes the place of a standard stream. */
static int run_descriptors(struct cli *cli)
{
    COMMON_CLEANUP_FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd > STDERR_FILENO ? 0 : cli_fail(cli, COMMON_ERR_INTERNAL, NULL, "it is %d", fd);
}

static const struct cli_command descriptors = {
    .name = "descriptors",
    .summary = "open a file",
    .run = run_descriptors,
};

static const struct cli_command root = {
    .name = "demo",
    .summary = "a tool for tests",
    .commands = (const struct cli_command *const[]){&vault, &events, &fail_command, &wait_command,
                                                    &flood, &secret_command, &work, &store_command,
                                                    &descriptors, NULL},
};

static size_t components(struct common_component *out, size_t max)
{
    if (max > 0)
        common_component_set(&out[0], "libdemo", "1.2.3", "static");
    return 1;
}

const struct cli_tool demo_tool = {.version = "9.8.7", .root = &root, .components = components};
