/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/nbdkit/served_volume.h"

#include "common/base/cleanup.h"
#include "tools/control/control.h"
#include "tools/glue/keyfile.h"
#include "tools/nbdkit/nbdkit_api.h"
#include "tools/nbdkit/requests.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CONTROL_TIMEOUT_MS = 5000,
    MAX_DAMAGED = 16
};

/* nbdkit's calls have no context before a client is there. */
static struct {
    struct glue_keyfile *keys;
    pid_t keys_pid; /* whose memory they are in */
    struct xtsvol_volume *volume;
    struct control_server *control;
    struct nbd_requests requests;
    uint32_t sector_size;
    atomic_uint_fast64_t num_damaged; /* events of that kind */
} served;

/* P5. */
static bool is_left_out(const char *name)
{
    if (strcmp(name, "VolumeCopyDamaged") != 0)
        return false;
    uint64_t num_before = atomic_fetch_add(&served.num_damaged, 1);
    if (num_before == MAX_DAMAGED)
        nbdkit_error("%s: more of these are left out; 'xtsvol check' finds all", name);
    return num_before >= MAX_DAMAGED;
}

static void tell(void *context, const struct xtsvol_event *event)
{
    (void)context;
    const char *colon = event->object[0] != '\0' ? ": " : "";
    if (is_left_out(event->name))
        return;
    if (event->severity == XTSVOL_EVENT_INFO)
        nbdkit_debug("%s: %s%s%s", event->name, event->object, colon, event->reason);
    else
        nbdkit_error("%s: %s%s%s", event->name, event->object, colon, event->reason);
}

static void warn(void *context, const char *source, const char *sentence)
{
    (void)context;
    nbdkit_error("warning: %s: %s", source, sentence);
}

int nbd_volume_read_keys(const struct nbd_settings *settings)
{
    char why[CLI_SECRET_WHY_SIZE] = "";
    const struct cli_secret_host host = {.warn = warn};
    const struct glue_keyfile_options options = {.source = settings->key_file, .host = &host};
    if (glue_keyfile_open(&served.keys, why, &options)) {
        nbdkit_error("%s: %s", settings->key_file, why);
        return -1;
    }
    served.keys_pid = getpid();
    return 0;
}

static void tell_failure(const struct nbd_settings *settings, int error,
                         const struct xtsvol_failure *failure)
{
    if (error == XTSVOL_ERR_BUSY && failure->holder_pid > 0)
        nbdkit_error("%s: in use by pid %" PRId64, settings->file, failure->holder_pid);
    else
        nbdkit_error("%s: %s", settings->file,
                     failure->message[0] != '\0' ? failure->message : xtsvol_error_text(error));
}

static int open_volume(const struct nbd_settings *settings, uint32_t num_threads)
{
    struct xtsvol_failure failure = {0};
    struct xtsvol_volume_options options = xtsvol_volume_options_default();
    options.header_path = settings->header;
    options.is_read_only = settings->is_read_only;
    options.allow_plaintext = settings->allow_plaintext;
    options.min_sequence = settings->min_sequence;
    options.key = glue_keyfile_key;
    options.key_context = served.keys;
    options.num_threads = num_threads;
    options.failure = &failure;
    options.event = tell;
    int error = xtsvol_volume_open(&served.volume, settings->file, &options);
    if (error)
        tell_failure(settings, error, &failure);
    return error ? -1 : 0;
}

int nbd_volume_try(const struct nbd_settings *settings)
{
    int failed = open_volume(settings, 0);
    xtsvol_volume_close(&served.volume);
    return failed;
}

/* P4. */
static int start_control(const struct nbd_settings *settings)
{
    const char *given = settings->control;
    if (given && given[0] == '\0')
        return 0;
    COMMON_CLEANUP_FREE char *beside = NULL;
    char why[CONTROL_WHY_SIZE] = "";
    int error = given ? 0 : control_path(&beside, nbd_settings_metadata(settings));
    if (!error) {
        const struct control_server_options options = {.path = given ? given : beside,
                                                       .verbs = nbd_verbs,
                                                       .context = &served.requests,
                                                       .timeout_ms = CONTROL_TIMEOUT_MS};
        error = control_server_start(&served.control, &options, why, sizeof(why));
    }
    if (!error)
        return 0;
    nbdkit_error("%s: %s%s", given || beside ? (given ? given : beside) : settings->file,
                 why[0] != '\0' ? why : xtsvol_error_text(error),
                 given ? "" : "; serving without a control socket");
    return given ? -1 : 0;
}

int nbd_volume_open(const struct nbd_settings *settings)
{
    if (served.keys_pid != getpid()) {
        glue_keyfile_close(&served.keys);
        if (nbd_volume_read_keys(settings))
            return -1;
    }
    int failed = open_volume(settings, settings->num_threads);
    glue_keyfile_close(&served.keys); /* P3 */
    if (failed)
        return -1;
    struct xtsvol_volume_info info;
    int error = xtsvol_info_get(served.volume, &info, sizeof(info));
    if (error) {
        nbdkit_error("%s: %s", settings->file, xtsvol_error_text(error));
        return -1;
    }
    served.sector_size = info.sector_size;
    served.requests = nbd_requests_begin(served.volume);
    return start_control(settings);
}

void nbd_volume_close(void)
{
    control_server_stop(&served.control);
    /* Clients that wanted to be sure have flushed; the others should not lose more by an orderly
     * end than they must. */
    if (served.volume) {
        int error = xtsvol_flush(served.volume);
        if (error)
            nbdkit_error("the last flush failed: %s", xtsvol_error_text(error));
    }
    xtsvol_volume_close(&served.volume);
}

void nbd_volume_forget(void)
{
    glue_keyfile_close(&served.keys);
}

struct xtsvol_volume *nbd_volume(void)
{
    return served.volume;
}

uint32_t nbd_volume_sector_size(void)
{
    return served.sector_size;
}
