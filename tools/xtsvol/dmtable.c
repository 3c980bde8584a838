/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A volume as a table of the kernel's device mapper: a target for each run of extents of one
 * generation (Documentation/admin-guide/device-mapper/dm-crypt.rst).
 *
 *     START LEN crypt aes-xts-plain64 KEY IV_OFFSET DEVICE OFFSET [NUM OPTION...]
 *     START LEN linear DEVICE OFFSET
 *
 * All numbers are sectors of 512 bytes. dm-crypt adds IV_OFFSET to the number of a sector in its
 * target, so that it is START; also with iv_large_sectors, where it divides the sum.
 */
#include "common/secmem/secmem.h"
#include "tools/cli/confirm.h"
#include "tools/cli/text.h"
#include "tools/xtsvol/nouns.h"
#include "tools/xtsvol/volume_cli.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SECTOR = 512,
    KEY_HEX = 2 * XTSVOL_XTS_KEY_LEN,
    KEY_NAME_SIZE = 96
};

struct table {
    struct volume_cli volume;
    struct xtsvol_volume_info info;
    char device[PATH_MAX];
    bool show_keys;
    struct common_secmem *arena;
    struct common_secret key; /* of show_keys: the raw bytes, then the text */
    json_t *lines;
};

static void end_table(struct table *table)
{
    common_secret_free(&table->key);
    common_secmem_close(&table->arena);
    json_decref(table->lines);
    volume_cli_end(&table->volume);
}

/* The kernel cuts a table at white space, dmsetup at line ends. */
static int take_device(struct table *table)
{
    struct cli *cli = table->volume.cli;
    const char *device = cli_string(cli, "device");
    COMMON_CLEANUP_FREE char *absolute = device ? NULL : realpath(table->volume.path, NULL);
    if (!device && !absolute)
        return cli_fail(cli, common_error_from_errno(errno), table->volume.path, "%s",
                        strerror(errno));
    const char *name = device ? device : absolute;
    for (const char *c = name; *c; c++) {
        if (isspace((unsigned char)*c) || iscntrl((unsigned char)*c) || *c == '\\')
            return cli_usage(cli, device ? "--device" : table->volume.path,
                             "a path with blanks, backslashes or control characters has no place "
                             "in a table: give another name of it with --device");
    }
    if ((size_t)snprintf(table->device, sizeof(table->device), "%s", name) >= sizeof(table->device))
        return cli_usage(cli, "--device", "is too long");
    return 0;
}

static int open_secret(struct table *table)
{
    int error = common_secmem_open(&table->arena, NULL);
    if (!error)
        error = common_secret_new(&table->key, table->arena, XTSVOL_XTS_KEY_LEN + KEY_HEX);
    return error;
}

static int confirm_keys(struct table *table)
{
    struct cli *cli = table->volume.cli;
    if (!table->show_keys)
        return 0;
    if (isatty(fileno(cli->out)))
        return cli_usage(cli, "--show-keys",
                         "would show keys on a terminal: send the table into a "
                         "pipe or a private file");
    if (cli->json)
        return cli_usage(cli, "--show-keys", "does not go with --json");
    return cli_confirm(cli, table->volume.path,
                       "The keys of %s will be written out, and whoever reads them can read the "
                       "volume. Go on?",
                       table->volume.path);
}

/* The name under which keyctl(1) has to have put the key into the kernel's key ring. */
static void key_name(char out[KEY_NAME_SIZE], const struct table *table, uint32_t generation)
{
    char uuid[COMMON_UUID_SIZE];
    common_uuid_format(uuid, table->info.uuid);
    (void)snprintf(out, KEY_NAME_SIZE, ":%d:logon:xtsvol:%s:%" PRIu32, XTSVOL_XTS_KEY_LEN, uuid,
                   generation);
}

/* From secret memory to the descriptor: a stream would keep a copy in its buffer. */
static int write_key(struct table *table, uint32_t generation)
{
    static const char digits[] = "0123456789abcdef";
    struct cli *cli = table->volume.cli;
    uint8_t *bytes = table->key.data;
    uint8_t *text = bytes + XTSVOL_XTS_KEY_LEN;
    int error = table->volume.options.key(table->volume.options.key_context, bytes,
                                          table->info.uuid, generation);
    if (error)
        return cli_fail(cli, error, table->volume.path,
                        "there is no key of generation %" PRIu32 " any more", generation);
    for (size_t i = 0; i < XTSVOL_XTS_KEY_LEN; i++) {
        text[2 * i] = (uint8_t)digits[bytes[i] >> 4];
        text[2 * i + 1] = (uint8_t)digits[bytes[i] & 15];
    }
    if (fflush(cli->out))
        return COMMON_ERR_IO; /* R4 tells */
    for (size_t done = 0; done < KEY_HEX;) {
        ssize_t n = write(fileno(cli->out), text + done, KEY_HEX - done);
        if (n < 0 && (errno != EINTR || cli_interrupted()))
            return cli_fail(cli, common_error_from_errno(errno), "standard output", "%s",
                            strerror(errno));
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static const char *crypt_options(const struct xtsvol_volume_info *info)
{
    if (info->sector_size == SECTOR)
        return "";
    return info->iv == XTSVOL_IV_LARGE ? " 2 sector_size:4096 iv_large_sectors"
                                       : " 1 sector_size:4096";
}

static int add_json(struct table *table, const char *line, const struct xtsvol_run *run)
{
    json_t *object = json_pack("{s:I,s:I,s:I,s:o}", "start", (json_int_t)(run->offset / SECTOR),
                               "length", (json_int_t)(run->length / SECTOR), "generation",
                               (json_int_t)run->generation, "line", cli_json_string(line));
    return json_array_append_new(table->lines, object) ? COMMON_ERR_NO_MEMORY : 0;
}

static int put_run(struct table *table, const struct xtsvol_run *run)
{
    FILE *out = table->volume.cli->out;
    uint64_t start = run->offset / SECTOR;
    uint64_t offset = (table->info.data_offset + run->offset) / SECTOR;
    char head[64];
    char key[KEY_NAME_SIZE];
    char tail[PATH_MAX + 96];
    (void)snprintf(head, sizeof(head), "%" PRIu64 " %" PRIu64 " ", start, run->length / SECTOR);
    if (run->generation == 0) {
        key[0] = '\0';
        (void)snprintf(tail, sizeof(tail), "linear %s %" PRIu64, table->device, offset);
    } else {
        key_name(key, table, run->generation);
        (void)snprintf(tail, sizeof(tail), " %" PRIu64 " %s %" PRIu64 "%s", start, table->device,
                       offset, crypt_options(&table->info));
    }
    const char *cipher = run->generation == 0 ? "" : "crypt aes-xts-plain64 ";
    if (table->lines) {
        char line[sizeof(head) + sizeof(key) + sizeof(tail) + 32];
        (void)snprintf(line, sizeof(line), "%s%s%s%s", head, cipher, key, tail);
        return add_json(table, line, run);
    }
    bool is_shown = table->show_keys && run->generation != 0;
    (void)fprintf(out, "%s%s%s", head, cipher, is_shown ? "" : key);
    int error = is_shown ? write_key(table, run->generation) : 0;
    if (!error)
        (void)fprintf(out, "%s\n", tail);
    return error;
}

/* Extents of one generation that follow each other are one target, however the map is cut. */
static int next_run(struct table *table, struct xtsvol_run *out, uint64_t offset)
{
    struct xtsvol_volume *volume = table->volume.volume;
    int error = xtsvol_run_get(volume, out, offset);
    while (!error && out->offset + out->length < table->info.volume_size) {
        struct xtsvol_run next = {0};
        error = xtsvol_run_get(volume, &next, out->offset + out->length);
        if (error || next.generation != out->generation)
            break;
        out->length += next.length;
    }
    return error ? volume_cli_fail(&table->volume, error, NULL, NULL) : 0;
}

static int put_table(struct table *table)
{
    struct cli *cli = table->volume.cli;
    if (cli->json && !(table->lines = json_array()))
        return COMMON_ERR_NO_MEMORY;
    for (uint64_t offset = 0; offset < table->info.volume_size;) {
        struct xtsvol_run run = {0};
        int error = volume_cli_is_over(cli)
                        ? volume_cli_fail_over(&table->volume, COMMON_ERR_CANCELLED, "%s", "")
                        : next_run(table, &run, offset);
        if (!error)
            error = put_run(table, &run);
        if (error)
            return error;
        offset = run.offset + run.length;
    }
    return cli->json ? cli_json_print(cli, COMMON_TAKE_PTR(table->lines)) : 0;
}

static int run_dmtable(struct cli *cli)
{
    COMMON_CLEANUP(end_table)
    struct table table = {.volume = {.cli = cli}, .show_keys = cli_flag(cli, "show-keys")};
    int error = volume_cli_open(&table.volume, true);
    if (!error)
        error = take_device(&table);
    if (!error)
        error = confirm_keys(&table);
    if (!error && table.show_keys)
        error = open_secret(&table);
    if (error)
        return error;
    error = xtsvol_info_get(table.volume.volume, &table.info, sizeof(table.info));
    return error ? volume_cli_fail(&table.volume, error, NULL, NULL) : put_table(&table);
}

const struct cli_command xtsvol_dmtable_command = {
    .name = "dmtable",
    .summary = "print the volume as a table for the kernel's device mapper",
    .details =
        "A line for each run of extents of one generation, for dmsetup(8). Keys stand there by the "
        "name under which the kernel's key ring has to have them: logon xtsvol:UUID:GENERATION. "
        "The table is right as long as nobody re-encrypts or resizes the volume.",
    .arguments = (const struct cli_argument[]){VOLUME_CLI_FILE, {0}},
    .options = (const struct cli_option[]){{.name = "device",
                                            .type = CLI_PATH,
                                            .value_name = "PATH",
                                            .summary = "the block device that the table names; "
                                                       "without it FILE"},
                                           {.name = "show-keys",
                                            .type = CLI_FLAG,
                                            .summary = "write the keys themselves, in hexadecimal"},
                                           VOLUME_CLI_HEADER,
                                           VOLUME_CLI_KEY_FILE(CLI_REQUIRED),
                                           VOLUME_CLI_MIN_SEQUENCE,
                                           VOLUME_CLI_ALLOW_PLAINTEXT,
                                           {0}},
    .run = run_dmtable,
    .confirms = true,
};
