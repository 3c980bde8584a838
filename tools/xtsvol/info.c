/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/xtsvol/info.h"

#include "tools/cli/size.h"
#include "tools/cli/text.h"
#include "tools/cli/timestamp.h"
#include "tools/xtsvol/nouns.h"
#include "tools/xtsvol/served.h"

#include <inttypes.h>

static const char *iv_name(enum xtsvol_iv iv)
{
    return iv == XTSVOL_IV_LARGE ? "large" : "plain64";
}

static uint64_t num_extents(const struct xtsvol_volume_info *info)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < info->num_generations; i++)
        sum += info->generations[i].num_extents;
    return sum;
}

static uint64_t num_newest(const struct xtsvol_volume_info *info)
{
    return info->num_generations ? info->generations[info->num_generations - 1].num_extents : 0;
}

/* Rounded down, so that 1.0 means all. */
static double progress_of(const struct xtsvol_volume_info *info)
{
    uint64_t newest = num_newest(info);
    uint64_t all = num_extents(info);
    uint64_t parts = newest >= all ? 10000 : newest * 10000 / all;
    return (double)parts / 10000.0;
}

static const char *state_of(const struct xtsvol_volume_info *info)
{
    if (info->num_generations && info->generations[0].generation == 0)
        return "encrypting";
    return num_newest(info) < num_extents(info) ? "rekeying" : "encrypted";
}

static void format_time(char out[CLI_TIME_SIZE], int64_t seconds)
{
    cli_time_format(out, (struct timespec){.tv_sec = (time_t)seconds});
}

static json_t *generations_json(const struct xtsvol_volume_info *info)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < info->num_generations; i++) {
        const struct xtsvol_generation_info *generation = &info->generations[i];
        if (json_array_append_new(list,
                                  json_pack("{s:I,s:I}", "id", (json_int_t)generation->generation,
                                            "extents", (json_int_t)generation->num_extents))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static int print_json(struct cli *cli, const struct xtsvol_volume_info *info)
{
    char uuid[COMMON_UUID_SIZE];
    char created[CLI_TIME_SIZE];
    common_uuid_format(uuid, info->uuid);
    format_time(created, info->created_s);
    json_t *generations = generations_json(info);
    if (!generations)
        return COMMON_ERR_NO_MEMORY;
    return cli_json_print(
        cli,
        json_pack("{s:s,s:I,s:I,s:s,s:I,s:I,s:o,s:s,s:f,s:b,s:I,s:I,s:s,s:b}", "uuid", uuid, "size",
                  (json_int_t)info->volume_size, "sector_size", (json_int_t)info->sector_size, "iv",
                  iv_name(info->iv), "extent_size", (json_int_t)info->extent_size, "sequence",
                  (json_int_t)info->sequence, "generations", generations, "state", state_of(info),
                  "progress", progress_of(info), "attached", info->is_attached, "data_offset",
                  (json_int_t)info->data_offset, "max_size", (json_int_t)info->max_volume_size,
                  "created", created, "verified", info->is_verified));
}

/* A size for people, and exactly. */
static void print_size(FILE *out, const char *name, uint64_t bytes)
{
    char human[CLI_SIZE_SIZE];
    cli_size_human(human, bytes);
    (void)fprintf(out, "%-12s %s (%" PRIu64 ")\n", name, human, bytes);
}

int info_print(struct cli *cli, const struct xtsvol_volume_info *info)
{
    if (cli->json)
        return print_json(cli, info);
    char uuid[COMMON_UUID_SIZE];
    char created[CLI_TIME_SIZE];
    common_uuid_format(uuid, info->uuid);
    format_time(created, info->created_s);
    FILE *out = cli->out;
    (void)fprintf(out, "%-12s %s\n", "uuid", uuid);
    (void)fprintf(out, "%-12s %s, %.2f%% of the newest generation\n", "state", state_of(info),
                  progress_of(info) * 100.0);
    print_size(out, "size", info->volume_size);
    print_size(out, "max size", info->max_volume_size);
    (void)fprintf(out, "%-12s %" PRIu32 ", iv %s\n", "sectors", info->sector_size,
                  iv_name(info->iv));
    print_size(out, "extents", info->extent_size);
    for (uint32_t i = 0; i < info->num_generations; i++)
        (void)fprintf(out, "%-12s %" PRIu32 ": %" PRIu64 " extents%s\n", "generation",
                      info->generations[i].generation, info->generations[i].num_extents,
                      info->generations[i].generation == 0 ? ", plaintext" : "");
    (void)fprintf(out, "%-12s %" PRIu64 "\n", "sequence", info->sequence);
    (void)fprintf(out, "%-12s at %" PRIu64 ", %s\n", "data", info->data_offset,
                  info->is_attached ? "behind the metadata" : "apart from the metadata");
    (void)fprintf(out, "%-12s %s\n", "created", created);
    (void)fprintf(out, "%-12s %s\n", "verified",
                  info->is_verified ? "yes"
                                    : "no: read without a key, and anybody may have written it");
    return 0;
}

static int print_erasure_json(struct cli *cli, const struct xtsvol_erasure *erasure)
{
    char uuid[COMMON_UUID_SIZE];
    char time[CLI_TIME_SIZE];
    common_uuid_format(uuid, erasure->uuid);
    format_time(time, erasure->erased_s);
    json_t *generations = json_array();
    for (uint32_t i = 0; i < erasure->num_generations; i++) {
        if (json_array_append_new(generations, json_integer(erasure->generations[i]))) {
            json_decref(generations);
            return COMMON_ERR_NO_MEMORY;
        }
    }
    return cli_json_print(cli, json_pack("{s:s,s:s,s:s,s:o,s:b,s:o}", "uuid", uuid, "state",
                                         "erased", "time", time, "generations", generations,
                                         "keys_destroyed", erasure->keys_destroyed, "method",
                                         cli_json_string(erasure->method)));
}

int info_print_erasure(struct cli *cli, const struct xtsvol_erasure *erasure)
{
    if (cli->json)
        return print_erasure_json(cli, erasure);
    char uuid[COMMON_UUID_SIZE];
    char time[CLI_TIME_SIZE];
    common_uuid_format(uuid, erasure->uuid);
    format_time(time, erasure->erased_s);
    FILE *out = cli->out;
    (void)fprintf(out, "%-12s %s\n%-12s erased\n%-12s %s\n%-12s", "uuid", uuid, "state", "erased",
                  time, "generations");
    for (uint32_t i = 0; i < erasure->num_generations; i++)
        (void)fprintf(out, " %" PRIu32, erasure->generations[i]);
    (void)fprintf(out, "\n%-12s %s\n%-12s ", "keys",
                  erasure->keys_destroyed
                      ? "destroyed"
                      : "left alone: with them, a copy of the metadata still opens the data",
                  "method");
    cli_text_put(out, erasure->method);
    (void)fputc('\n', out);
    return 0;
}

/* As the library does when it opens a volume. */
static int check_sequence(struct volume_cli *volume, const struct xtsvol_volume_info *info)
{
    if (info->sequence >= volume->options.min_sequence)
        return 0;
    return cli_fail(volume->cli, COMMON_ERR_STATE, volume->path,
                    "its metadata is older than it was once: sequence %" PRIu64 ", not %" PRIu64
                    " or more%s",
                    info->sequence, volume->options.min_sequence,
                    info->is_verified ? "" : ", as it says itself: it was read without a key");
}

/* Of a volume that somebody serves, its server knows most. Only of one that is in use: a socket
 * beside another may be anybody's. COMMON_ERR_NOT_FOUND: there is none that answers, and nothing
 * was told. */
static int served(struct volume_cli *volume)
{
    struct xtsvol_volume_info info;
    char why[CONTROL_WHY_SIZE];
    if (served_info(&info, NULL, volume->path, volume->options.header_path, why))
        return COMMON_ERR_NOT_FOUND;
    int error = check_sequence(volume, &info);
    return error ? error : info_print(volume->cli, &info);
}

/* Without keys, or of a volume that was erased and opens no more: what it says of itself. */
static int peek(struct volume_cli *volume)
{
    struct xtsvol_volume_info info;
    struct xtsvol_erasure erasure;
    const char *path = volume->options.header_path ? volume->options.header_path : volume->path;
    int error =
        xtsvol_volume_peek(&info, sizeof(info), &erasure, sizeof(erasure), path, &volume->failure);
    if (error == XTSVOL_ERR_STATE)
        return info_print_erasure(volume->cli, &erasure);
    if (error == XTSVOL_ERR_BUSY) {
        int answer = served(volume);
        if (answer != COMMON_ERR_NOT_FOUND)
            return answer;
    }
    if (error)
        return volume_cli_fail(volume, error, path, NULL);
    error = check_sequence(volume, &info);
    return error ? error : info_print(volume->cli, &info);
}

static int verified(struct volume_cli *volume)
{
    volume->options.is_read_only = 1;
    volume->options.allow_plaintext = 1; /* it is told, and no data is moved */
    int error = xtsvol_volume_open(&volume->volume, volume->path, &volume->options);
    if (error == XTSVOL_ERR_STATE) {
        struct xtsvol_failure failure = volume->failure;
        struct xtsvol_volume_info info;
        struct xtsvol_erasure erasure;
        const char *path = volume->options.header_path ? volume->options.header_path : volume->path;
        if (xtsvol_volume_peek(&info, sizeof(info), &erasure, sizeof(erasure), path, NULL) ==
            XTSVOL_ERR_STATE)
            return info_print_erasure(volume->cli, &erasure);
        volume->failure = failure;
    }
    if (error == XTSVOL_ERR_BUSY) {
        int answer = served(volume);
        if (answer != COMMON_ERR_NOT_FOUND)
            return answer;
    }
    if (error)
        return volume_cli_fail(volume, error, NULL, NULL);
    struct xtsvol_volume_info info;
    error = xtsvol_info_get(volume->volume, &info, sizeof(info));
    return error ? volume_cli_fail(volume, error, NULL, NULL) : info_print(volume->cli, &info);
}

static int run_info(struct cli *cli)
{
    VOLUME_CLI_CLEANUP struct volume_cli volume = {.cli = cli};
    int error = volume_cli_begin(&volume);
    if (error)
        return error;
    return volume.keyfile ? verified(&volume) : peek(&volume);
}

const struct cli_command xtsvol_info_command = {
    .name = "info",
    .summary = "show what a volume is",
    .details =
        "With keys the metadata is verified first. Without, it is shown as it stands there, which "
        "anybody who can write to the volume may have made up. Of a volume that was erased it "
        "shows the record of the erasure.",
    .arguments = (const struct cli_argument[]){VOLUME_CLI_FILE, {0}},
    .options =
        (const struct cli_option[]){
            VOLUME_CLI_HEADER, VOLUME_CLI_KEY_FILE(0), VOLUME_CLI_MIN_SEQUENCE, {0}},
    .run = run_info,
};
