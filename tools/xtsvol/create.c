/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/confirm.h"
#include "tools/cli/size.h"
#include "tools/cli/text.h"
#include "tools/xtsvol/info.h"
#include "tools/xtsvol/nouns.h"

#include <string.h>
#include <sys/stat.h>

static const char *const sector_sizes[] = {"4096", "512", NULL};
static const char *const ivs[] = {"plain64", "large", NULL};

static int take_uuid(struct cli *cli, struct xtsvol_create_options *create)
{
    static const uint8_t nil[XTSVOL_UUID_LEN];
    const char *text = cli_string(cli, "uuid");
    if (!text)
        return 0;
    if (common_uuid_parse(create->uuid, text))
        return cli_usage(cli, "--uuid", "%s is no UUID, which is 8-4-4-4-12 hexadecimal digits",
                         text);
    bool is_nil = true;
    for (size_t i = 0; i < sizeof(nil); i++)
        is_nil = is_nil && create->uuid[i] == 0;
    return is_nil ? cli_usage(cli, "--uuid",
                              "the nil UUID names nothing; leave the option out "
                              "for a random one")
                  : 0;
}

/* What the command line alone shows to be wrong: a mistake in it, told before a file is touched. */
static int take_options(struct cli *cli, struct xtsvol_create_options *create)
{
    *create = xtsvol_create_options_default();
    create->volume_size = cli_size(cli, "size");
    create->sector_size = cli_word(cli, "sector-size") == 1 ? 512 : 4096;
    create->extent_size = (uint32_t)cli_size(cli, "extent-size");
    create->iv = cli_word(cli, "iv") == 1 ? XTSVOL_IV_LARGE : XTSVOL_IV_PLAIN64;
    create->max_volume_size = cli_size(cli, "max-size");
    char size[CLI_SIZE_SIZE];
    cli_size_format(size, create->volume_size);
    if (create->volume_size % create->sector_size != 0)
        return cli_usage(cli, "--size", "%s is no multiple of the sector size, %u", size,
                         create->sector_size);
    if ((create->extent_size & (create->extent_size - 1)) != 0)
        return cli_usage(cli, "--extent-size", "must be a power of two, 64K to 4M");
    if (create->iv == XTSVOL_IV_LARGE && create->sector_size == 512)
        return cli_usage(cli, "--iv",
                         "large counts sectors of 4096 bytes: with --sector-size 512 "
                         "there is plain64 only");
    if (create->max_volume_size != 0 && create->max_volume_size < create->volume_size)
        return cli_usage(cli, "--max-size", "must not be below --size, %s", size);
    return take_uuid(cli, create);
}

/* The library refuses a file with contents; a device always has some, which only its owner knows
 * the worth of. */
static int confirm_device(struct cli *cli, const char *path)
{
    struct stat status;
    if (!path || stat(path, &status) || !S_ISBLK(status.st_mode))
        return 0;
    return cli_confirm(cli, path, "All that is on the device %s will be lost. Go on?", path);
}

static int print(struct volume_cli *volume, const struct xtsvol_volume_info *info)
{
    struct cli *cli = volume->cli;
    if (cli->json)
        return info_print(cli, info);
    char uuid[COMMON_UUID_SIZE];
    char size[CLI_SIZE_SIZE];
    common_uuid_format(uuid, info->uuid);
    cli_size_human(size, info->volume_size);
    cli_text_put(cli->out, volume->path);
    (void)fprintf(cli->out, ": made, %s, uuid %s\n", size, uuid);
    return 0;
}

static int run_create(struct cli *cli)
{
    struct xtsvol_create_options create;
    int error = take_options(cli, &create);
    if (error)
        return error;
    VOLUME_CLI_CLEANUP struct volume_cli volume = {.cli = cli};
    error = volume_cli_begin(&volume);
    if (!error)
        error = confirm_device(cli, volume.path);
    if (!error)
        error = confirm_device(cli, volume.options.header_path);
    if (error)
        return error;
    error = xtsvol_volume_create(&volume.volume, volume.path, &create, &volume.options);
    if (error)
        return volume_cli_fail(
            &volume, error, NULL,
            error == XTSVOL_ERR_EXISTS
                ? "; nothing is overwritten: remove it, or erase the volume first"
                : NULL);
    struct xtsvol_volume_info info;
    error = xtsvol_info_get(volume.volume, &info, sizeof(info));
    if (error)
        return volume_cli_fail(&volume, error, NULL, NULL);
    volume_cli_record(&volume, COMMON_EVENT_INFO, "VolumeCreated", info.uuid,
                      "an encrypted volume was made");
    return print(&volume, &info);
}

const struct cli_command xtsvol_create_command = {
    .name = "create",
    .summary = "make an encrypted volume",
    .details =
        "FILE is made, or is an empty file or a block device. The metadata stands before the "
        "data in FILE, or with --header in a file of its own; then FILE holds the ciphertext "
        "and nothing else. The data is not written: a sector that was never written reads "
        "as noise.",
    .arguments = (const struct cli_argument[]){VOLUME_CLI_FILE, {0}},
    .options =
        (const struct cli_option[]){{.name = "size",
                                     .type = CLI_SIZE,
                                     .flags = CLI_REQUIRED,
                                     .value_name = "N",
                                     .summary = "bytes of data; the metadata comes on top",
                                     .min = 512,
                                     .max = INT64_C(1) << 60},
                                    {.name = "sector-size",
                                     .type = CLI_WORD,
                                     .words = sector_sizes,
                                     .fallback = "4096",
                                     .summary = "bytes that are encrypted together"},
                                    {.name = "extent-size",
                                     .type = CLI_SIZE,
                                     .value_name = "N",
                                     .fallback = "1M",
                                     .summary = "bytes that are always of one generation: a power "
                                                "of two, 64K to 4M",
                                     .min = XTSVOL_EXTENT_MIN,
                                     .max = XTSVOL_EXTENT_MAX},
                                    {.name = "iv",
                                     .type = CLI_WORD,
                                     .words = ivs,
                                     .fallback = "plain64",
                                     .summary = "count sectors by 512 bytes, or by their own size"},
                                    {.name = "max-size",
                                     .type = CLI_SIZE,
                                     .value_name = "N",
                                     .summary = "bytes to which it can grow; without it 8 times "
                                                "--size, and at least 2^19 extents",
                                     .min = 512,
                                     .max = INT64_C(1) << 60},
                                    {.name = "uuid",
                                     .type = CLI_STRING,
                                     .value_name = "U",
                                     .summary = "the name of the volume; random without it"},
                                    VOLUME_CLI_HEADER,
                                    VOLUME_CLI_KEY_FILE(CLI_REQUIRED),
                                    {0}},
    .run = run_create,
    .confirms = true,
};
