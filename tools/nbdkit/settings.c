/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/nbdkit/settings.h"

#include "tools/cli/secret_source.h"
#include "tools/nbdkit/nbdkit_api.h"

#include <xtsvol/volume.h>

#include <stdlib.h>
#include <string.h>

static int set_text(char **to, const char *key, char *text)
{
    if (!text)
        return -1; /* nbdkit has said why */
    if (*to) {
        nbdkit_error("%s is given twice", key);
        free(text);
        return -1;
    }
    *to = text;
    return 0;
}

static int set_path(char **to, const char *key, const char *value)
{
    if (value[0] == '\0') {
        nbdkit_error("%s is empty", key);
        return -1;
    }
    return set_text(to, key, nbdkit_absolute_path(value));
}

static char *copy(const char *text)
{
    char *copied = strdup(text);
    if (!copied)
        nbdkit_error("out of memory");
    return copied;
}

static int is_first(bool *has, const char *key)
{
    if (*has) {
        nbdkit_error("%s is given twice", key);
        return -1;
    }
    *has = true;
    return 0;
}

static int set_key_file(struct nbd_settings *settings, const char *value)
{
    if (cli_secret_is_path(value))
        return set_path(&settings->key_file, "key-file", value);
    if (strcmp(value, "-") == 0 && !nbdkit_stdio_safe()) {
        nbdkit_error("key-file=-: standard input is the client's");
        return -1;
    }
    return set_text(&settings->key_file, "key-file", copy(value));
}

static int set_threads(struct nbd_settings *settings, const char *value)
{
    if (is_first(&settings->has_threads, "threads") ||
        nbdkit_parse_uint32_t("threads", value, &settings->num_threads) == -1)
        return -1;
    if (settings->num_threads > XTSVOL_VOLUME_THREADS_MAX) {
        nbdkit_error("threads: at most %d", XTSVOL_VOLUME_THREADS_MAX);
        return -1;
    }
    return 0;
}

static int set_flag(bool *to, bool *has, const char *key, const char *value)
{
    int parsed = is_first(has, key) ? -1 : nbdkit_parse_bool(value);
    *to = parsed == 1;
    return parsed < 0 ? -1 : 0;
}

int nbd_settings_set(struct nbd_settings *settings, const char *key, const char *value)
{
    if (strcmp(key, "file") == 0)
        return set_path(&settings->file, key, value);
    if (strcmp(key, "header") == 0)
        return set_path(&settings->header, key, value);
    if (strcmp(key, "key-file") == 0)
        return set_key_file(settings, value);
    if (strcmp(key, "control") == 0)
        return value[0] == '\0' ? set_text(&settings->control, key, copy(value))
                                : set_path(&settings->control, key, value);
    if (strcmp(key, "min-sequence") == 0)
        return is_first(&settings->has_min_sequence, key)
                   ? -1
                   : nbdkit_parse_uint64_t(key, value, &settings->min_sequence);
    if (strcmp(key, "threads") == 0)
        return set_threads(settings, value);
    if (strcmp(key, "read-only") == 0)
        return set_flag(&settings->is_read_only, &settings->has_read_only, key, value);
    if (strcmp(key, "allow-plaintext") == 0)
        return set_flag(&settings->allow_plaintext, &settings->has_allow_plaintext, key, value);
    nbdkit_error("unknown parameter '%s'", key);
    return -1;
}

int nbd_settings_complete(const struct nbd_settings *settings)
{
    if (!settings->file) {
        nbdkit_error("which volume? file=FILE is missing");
        return -1;
    }
    if (!settings->key_file) {
        nbdkit_error("under which keys? key-file=SOURCE is missing");
        return -1;
    }
    return 0;
}

void nbd_settings_free(struct nbd_settings *settings)
{
    free(settings->file);
    free(settings->header);
    free(settings->key_file);
    free(settings->control);
    *settings = (struct nbd_settings){0};
}

const char *nbd_settings_metadata(const struct nbd_settings *settings)
{
    return settings->header ? settings->header : settings->file;
}
