/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/volume_place.h"

#include "common/base/cleanup.h"
#include "tools/xtsvol/nouns.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static const struct cli_command root = {
    .name = "xtsvol",
    .summary = "a tool with volumes and nothing else",
    .commands = (const struct cli_command *const[]){&xtsvol_create_command, &xtsvol_info_command,
                                                    &xtsvol_import_command, &xtsvol_export_command,
                                                    &xtsvol_check_command, &xtsvol_header_command,
                                                    &xtsvol_resize_command, &xtsvol_erase_command,
                                                    &xtsvol_dmtable_command, NULL},
};
const struct cli_tool place_tool = {.version = "1", .root = &root};

int place_make(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    tmpdir_make(&place->dir);
    uint8_t keys[128];
    for (size_t i = 0; i < sizeof(keys); i++)
        keys[i] = (uint8_t)(i + 1);
    file_write(tmpdir_path(place->volume, &place->dir, "volume"), "", 0);
    file_write(tmpdir_path(place->keys, &place->dir, "keys"), keys, sizeof(keys));
    assert_int_equal(chmod(place->keys, 0600), 0);
    (void)tmpdir_path(place->store, &place->dir, "store");
    volume_double_reset();
    *state = place;
    return 0;
}

int place_remove(void **state)
{
    struct place *place = *state;
    tmpdir_remove(&place->dir);
    free(place);
    return volume_double.num_open == 0 ? 0 : -1; /* every command closes what it opened */
}

const char *line(struct place *place, const char *object, const char *why)
{
    (void)snprintf(place->text, sizeof(place->text), "xtsvol: %s: %s\n", object, why);
    return place->text;
}

json_t *parsed(const struct caught *caught)
{
    json_t *document = json_loadb(caught->out, caught->out_len, 0, NULL);
    if (!document)
        fail_msg("not one JSON document: %s", caught->out);
    return document;
}

json_int_t integer(const json_t *document, const char *key)
{
    assert_true(json_is_integer(json_object_get(document, key)));
    return json_integer_value(json_object_get(document, key));
}

const char *string(const json_t *document, const char *key)
{
    assert_true(json_is_string(json_object_get(document, key)));
    return json_string_value(json_object_get(document, key));
}

unsigned num_recorded(const struct place *place, const char *name, const char *severity)
{
    char path[PATH_MAX + 16];
    char wanted[128];
    (void)snprintf(path, sizeof(path), "%s/events.jsonl", place->store);
    (void)snprintf(wanted, sizeof(wanted), "\"event\":\"%s\",\"severity\":\"%s\"", name, severity);
    if (!file_exists(path))
        return 0;
    COMMON_CLEANUP_FREE uint8_t *bytes = NULL;
    size_t len = 0;
    unsigned num = 0;
    file_read(&bytes, &len, path);
    const uint8_t *at = bytes;
    while ((at = memmem(at, len - (size_t)(at - bytes), wanted, strlen(wanted)))) {
        num++;
        at += strlen(wanted);
    }
    return num;
}

void set_erased(bool keys_destroyed)
{
    volume_double.peek_error = XTSVOL_ERR_STATE;
    volume_double.erasure = (struct xtsvol_erasure){.erased_s = 1900000000,
                                                    .keys_destroyed = keys_destroyed,
                                                    .num_generations = 2,
                                                    .generations = {1, 2}};
    memcpy(volume_double.erasure.uuid, volume_double.info.uuid, XTSVOL_UUID_LEN);
    (void)snprintf(volume_double.erasure.method, sizeof(volume_double.erasure.method), "by hand");
}

void check_record(const struct caught *got, bool keys_destroyed)
{
    assert_int_equal(got->status, 0);
    json_t *document = parsed(got);
    assert_int_equal(json_object_size(document), 6);
    assert_string_equal(string(document, "uuid"), UUID_TEXT);
    assert_string_equal(string(document, "state"), "erased");
    assert_string_equal(string(document, "time"), "2030-03-17T17:46:40.000Z");
    assert_string_equal(string(document, "method"), "by hand");
    assert_int_equal(json_is_true(json_object_get(document, "keys_destroyed")), keys_destroyed);
    const json_t *generations = json_object_get(document, "generations");
    assert_int_equal(json_array_size(generations), 2);
    assert_int_equal(json_integer_value(json_array_get(generations, 1)), 2);
    json_decref(document);
}

void leave_the_terminal(void)
{
    COMMON_CLEANUP_FD int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (fd >= 0)
        (void)ioctl(fd, TIOCNOTTY);
}
