/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/confirm.h"
#include "tools/cli/text.h"
#include "tools/xtsvol/nouns.h"
#include "tools/xtsvol/volume_cli.h"

#include <inttypes.h>

/* After a volume is open, what goes wrong with a backup is mostly about the new file. */
static bool is_about_output(int error)
{
    return error == XTSVOL_ERR_NO_SPACE || error == XTSVOL_ERR_NOT_FOUND ||
           error == XTSVOL_ERR_DENIED || error == XTSVOL_ERR_IO;
}

static int run_backup(struct cli *cli)
{
    const char *out = cli_argument(cli, 1);
    if (!*out)
        return cli_usage(cli, "OUT", "must not be empty");
    VOLUME_CLI_CLEANUP struct volume_cli volume = {.cli = cli};
    struct xtsvol_volume_info info;
    int error = volume_cli_open(&volume, true);
    if (error)
        return error;
    error = xtsvol_info_get(volume.volume, &info, sizeof(info));
    if (error)
        return volume_cli_fail(&volume, error, NULL, NULL);
    error = xtsvol_header_backup(volume.volume, out);
    if (error == XTSVOL_ERR_EXISTS)
        return cli_fail(cli, error, out, "exists already; a backup makes a new file");
    if (error)
        return volume_cli_fail(&volume, error, is_about_output(error) ? out : NULL, NULL);
    char uuid[COMMON_UUID_SIZE];
    common_uuid_format(uuid, info.uuid);
    if (cli->json)
        return cli_json_print(
            cli, json_pack("{s:s,s:I}", "uuid", uuid, "sequence", (json_int_t)info.sequence));
    cli_text_put(cli->out, out);
    (void)fprintf(cli->out, ": the metadata of %s, sequence %" PRIu64 "\n", uuid, info.sequence);
    return 0;
}

static int run_restore(struct cli *cli)
{
    const char *backup = cli_argument(cli, 1);
    if (!*backup)
        return cli_usage(cli, "BACKUP", "must not be empty");
    VOLUME_CLI_CLEANUP struct volume_cli volume = {.cli = cli};
    struct xtsvol_volume_info info;
    bool older = cli_flag(cli, "older");
    int error = volume_cli_begin(&volume);
    if (error)
        return error;
    error = xtsvol_volume_peek(&info, sizeof(info), NULL, 0, backup, &volume.failure);
    if (error)
        return volume_cli_fail(&volume, error, backup, NULL);
    error = cli_confirm(cli, volume.path,
                        "The metadata of %s will be replaced by that of %s, of sequence %" PRIu64
                        ". Go on?",
                        volume.path, backup, info.sequence);
    if (error)
        return error;
    error = xtsvol_header_restore(volume.path, backup, &volume.options, older);
    if (error)
        return volume_cli_fail(&volume, error, NULL,
                               error == XTSVOL_ERR_STATE && !older
                                   ? "; see --older, and 'xtsvol info' of both"
                                   : NULL);
    volume_cli_record(&volume, COMMON_EVENT_WARNING, "VolumeHeaderRestored", info.uuid,
                      older ? "the metadata was replaced by that of a backup, whatever its age"
                            : "the metadata was replaced by that of a backup");
    char uuid[COMMON_UUID_SIZE];
    common_uuid_format(uuid, info.uuid);
    if (cli->json)
        return cli_json_print(
            cli, json_pack("{s:s,s:I}", "uuid", uuid, "sequence", (json_int_t)info.sequence));
    cli_text_put(cli->out, volume.path);
    (void)fputs(": the metadata was restored\n", cli->out);
    return 0;
}

static const struct cli_command backup_command = {
    .name = "backup",
    .summary = "copy the metadata of a volume into a file",
    .details = "The copy holds no key, and can be restored or used as a detached header. It is out "
               "of date as soon as the volume is re-encrypted.",
    .arguments =
        (const struct cli_argument[]){
            VOLUME_CLI_FILE, {.name = "OUT", .summary = "a file that does not exist yet"}, {0}},
    .options = (const struct cli_option[]){VOLUME_CLI_HEADER,
                                           VOLUME_CLI_KEY_FILE(CLI_REQUIRED),
                                           VOLUME_CLI_MIN_SEQUENCE,
                                           VOLUME_CLI_ALLOW_PLAINTEXT,
                                           {0}},
    .run = run_backup,
};

static const struct cli_command restore_command = {
    .name = "restore",
    .summary = "put the metadata of a backup into a volume",
    .details =
        "The keys of the backup's generations are needed, so that it is known to be genuine. "
        "Metadata that is readable and newer is not replaced unless --older is given: "
        "extents that were re-encrypted since the backup cannot be read afterwards.",
    .arguments =
        (const struct cli_argument[]){
            VOLUME_CLI_FILE, {.name = "BACKUP", .summary = "what 'header backup' made"}, {0}},
    .options =
        (const struct cli_option[]){{.name = "older",
                                     .type = CLI_FLAG,
                                     .summary = "also when the volume's own metadata is newer"},
                                    VOLUME_CLI_HEADER,
                                    VOLUME_CLI_KEY_FILE(CLI_REQUIRED),
                                    VOLUME_CLI_MIN_SEQUENCE,
                                    VOLUME_CLI_ALLOW_PLAINTEXT,
                                    {0}},
    .run = run_restore,
    .confirms = true,
};

const struct cli_command xtsvol_header_command = {
    .name = "header",
    .summary = "back up and restore the metadata of a volume",
    .commands = (const struct cli_command *const[]){&backup_command, &restore_command, NULL},
};
