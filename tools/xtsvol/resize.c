/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/confirm.h"
#include "tools/cli/size.h"
#include "tools/cli/text.h"
#include "tools/xtsvol/nouns.h"
#include "tools/xtsvol/volume_cli.h"

#include <inttypes.h>

/* Asked while the volume is held: nobody else makes it another size before the answer. */
static int confirm_loss(struct volume_cli *volume, const struct xtsvol_volume_info *info,
                        uint64_t size)
{
    if (size >= info->volume_size)
        return 0;
    return cli_confirm(volume->cli, volume->path,
                       "%s will be shorter, and its last %" PRIu64 " bytes will be lost. Go on?",
                       volume->path, info->volume_size - size);
}

static int check_size(struct volume_cli *volume, const struct xtsvol_volume_info *info,
                      uint64_t size)
{
    if (size % info->sector_size != 0)
        return cli_fail(volume->cli, COMMON_ERR_INVALID, volume->path,
                        "--size %" PRIu64 " is no multiple of the sector size, %" PRIu32
                        "; nothing was changed",
                        size, info->sector_size);
    if (size > info->max_volume_size)
        return cli_fail(volume->cli, COMMON_ERR_LIMIT, volume->path,
                        "cannot become longer than %" PRIu64
                        " bytes, which was fixed when it was made; nothing was changed",
                        info->max_volume_size);
    return 0;
}

/* The library stops a handle when it does not know any more what the medium holds. Such a one takes
 * no write, not even an empty one. */
static int fail_resize(struct volume_cli *volume, int error)
{
    struct xtsvol_failure failure;
    xtsvol_volume_failure(volume->volume, &failure);
    bool is_stopped = xtsvol_pwrite(volume->volume, "", 0, 0) != 0;
    return cli_fail(volume->cli, error, volume->path, "%s; %s",
                    failure.error == error && failure.message[0] != '\0' ? failure.message
                                                                         : xtsvol_error_text(error),
                    is_stopped ? "it has its old size or the new one: 'xtsvol info' with its keys "
                                 "opens it again and shows which"
                               : "it has its old size");
}

static int run_resize(struct cli *cli)
{
    uint64_t size = cli_size(cli, "size");
    VOLUME_CLI_CLEANUP struct volume_cli volume = {.cli = cli};
    struct xtsvol_volume_info info;
    int error = volume_cli_open(&volume, false);
    if (error)
        return error;
    error = xtsvol_info_get(volume.volume, &info, sizeof(info));
    if (error)
        return volume_cli_fail(&volume, error, NULL, NULL);
    error = check_size(&volume, &info, size);
    if (!error)
        error = confirm_loss(&volume, &info, size);
    if (error)
        return error;
    error = xtsvol_resize(volume.volume, size, size < info.volume_size);
    if (error)
        return fail_resize(&volume, error);
    char reason[96];
    (void)snprintf(reason, sizeof(reason), "resized from %" PRIu64 " to %" PRIu64 " bytes",
                   info.volume_size, size);
    if (size != info.volume_size)
        volume_cli_record(&volume, COMMON_EVENT_INFO, "VolumeResized", info.uuid, reason);
    if (cli->json)
        return cli_json_print(cli, json_pack("{s:I,s:I}", "size", (json_int_t)size, "old_size",
                                             (json_int_t)info.volume_size));
    cli_text_put(cli->out, volume.path);
    (void)fprintf(cli->out, ": %" PRIu64 " bytes, %" PRIu64 " before\n", size, info.volume_size);
    return 0;
}

const struct cli_command xtsvol_resize_command = {
    .name = "resize",
    .summary = "make a volume longer or shorter",
    .details = "A longer volume needs room: a file is made longer, a device has to have it. New "
               "sectors read as noise. What is behind a new, shorter end is lost, so that it is "
               "asked for first.",
    .arguments = (const struct cli_argument[]){VOLUME_CLI_FILE, {0}},
    .options = (const struct cli_option[]){{.name = "size",
                                            .type = CLI_SIZE,
                                            .flags = CLI_REQUIRED,
                                            .value_name = "N",
                                            .summary = "bytes of data from now on",
                                            .min = 512,
                                            .max = INT64_C(1) << 60},
                                           VOLUME_CLI_HEADER,
                                           VOLUME_CLI_KEY_FILE(CLI_REQUIRED),
                                           VOLUME_CLI_MIN_SEQUENCE,
                                           VOLUME_CLI_ALLOW_PLAINTEXT,
                                           {0}},
    .run = run_resize,
    .confirms = true,
};
