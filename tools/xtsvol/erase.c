/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/confirm.h"
#include "tools/xtsvol/info.h"
#include "tools/xtsvol/nouns.h"

#include <inttypes.h>

#define KEYS_ARE_THERE                                                                             \
    "; nothing was changed: leave --key-file out to finish, and destroy that file by other means"

struct erase {
    struct volume_cli volume;
    struct xtsvol_volume_info info; /* as the volume says, without a proof */
    struct xtsvol_erasure before;   /* of an erasure that was there already */
    bool was_erased;
};

static void end_erase(struct erase *erase)
{
    volume_cli_end(&erase->volume);
}

static int look(struct erase *erase)
{
    struct volume_cli *volume = &erase->volume;
    const char *path = volume->options.header_path ? volume->options.header_path : volume->path;
    int error = xtsvol_volume_peek(&erase->info, sizeof(erase->info), &erase->before,
                                   sizeof(erase->before), path, &volume->failure);
    erase->was_erased = error == XTSVOL_ERR_STATE;
    return error && !erase->was_erased ? volume_cli_fail(volume, error, path, NULL) : 0;
}

static uint32_t num_generations(const struct erase *erase)
{
    return erase->was_erased ? erase->before.num_generations : erase->info.num_generations;
}

static uint32_t generation_at(const struct erase *erase, uint32_t i)
{
    return erase->was_erased ? erase->before.generations[i] : erase->info.generations[i].generation;
}

/* Half of the keys must not be gone when it shows that the others are not there, or cannot be
 * destroyed: so that is found out before the question. */
static int check_keys(const struct erase *erase)
{
    const struct volume_cli *volume = &erase->volume;
    const char *source = cli_string(volume->cli, "key-file");
    uint32_t num = glue_keyfile_num(volume->keyfile);
    for (uint32_t i = 0; i < num_generations(erase); i++) {
        if (generation_at(erase, i) > num)
            return cli_fail(volume->cli, COMMON_ERR_NOT_FOUND, volume->path,
                            "needs the key of generation %" PRIu32 ", and %s has %" PRIu32
                            " of 64 bytes each; nothing was changed",
                            generation_at(erase, i), source, num);
    }
    char why[CLI_SECRET_WHY_SIZE];
    int error = glue_keyfile_may_destroy(volume->keyfile, why);
    return error ? cli_fail(volume->cli, error, source, "%s; nothing was changed", why) : 0;
}

static bool has_key_of_record(const struct erase *erase)
{
    for (uint32_t i = 0; i < num_generations(erase); i++) {
        if (glue_keyfile_has(erase->volume.keyfile, generation_at(erase, i)))
            return true;
    }
    return false;
}

/* Are all that the record names in the file, as zeroes? Then an erasure was here before. */
static bool are_keys_gone(const struct erase *erase)
{
    for (uint32_t i = 0; i < num_generations(erase); i++) {
        if (generation_at(erase, i) > glue_keyfile_num(erase->volume.keyfile))
            return false;
    }
    return num_generations(erase) > 0 && !has_key_of_record(erase);
}

static bool has_any_key(const struct glue_keyfile *keyfile)
{
    for (uint32_t i = 1; i <= glue_keyfile_num(keyfile); i++) {
        if (glue_keyfile_has(keyfile, i))
            return true;
    }
    return false;
}

/* Anybody who can write to the volume can put the record of an erasure there. So nothing that it
 * says of keys is believed: as long as the file holds some, they are compared with what is left of
 * the volume, or it is told that they cannot be. */
static int check_again(struct erase *erase)
{
    struct volume_cli *volume = &erase->volume;
    if (has_key_of_record(erase))
        return check_keys(erase);
    if (!are_keys_gone(erase) && has_any_key(volume->keyfile))
        return cli_fail(volume->cli, COMMON_ERR_STATE, volume->path,
                        "was erased before, and the record of it, which nobody can verify, names "
                        "none of the keys in %s" KEYS_ARE_THERE,
                        cli_string(volume->cli, "key-file"));
    glue_keyfile_close(&volume->keyfile);
    volume->options.key = NULL;
    return 0;
}

static int confirm(struct erase *erase)
{
    struct volume_cli *volume = &erase->volume;
    char uuid[COMMON_UUID_SIZE];
    common_uuid_format(uuid, erase->was_erased ? erase->before.uuid : erase->info.uuid);
    return cli_confirm(
        volume->cli, volume->path,
        volume->keyfile ? "All data of %s, volume %s, will be lost for good, and its keys in the "
                          "key file destroyed. Go on?"
                        : "The metadata of %s, volume %s, will be destroyed. Go on?",
        volume->path, uuid);
}

/* What to do about a key that was refused. */
static const char *advise(const struct erase *erase, int error)
{
    if (error != XTSVOL_ERR_DENIED || erase->volume.failure.generation == 0)
        return NULL;
    return erase->was_erased ? KEYS_ARE_THERE
                             : "; if an erasure was cut short after it had destroyed the keys, "
                               "leave --key-file out";
}

static int destroy(struct erase *erase, struct xtsvol_erasure *out)
{
    struct volume_cli *volume = &erase->volume;
    int error = xtsvol_volume_erase(out, sizeof(*out), volume->path, &volume->options,
                                    volume->keyfile ? glue_keyfile_destroy : NULL, volume->keyfile);
    if (!error) {
        out->keys_destroyed = out->keys_destroyed && volume->keyfile;
        return 0;
    }
    const char *why = volume->keyfile ? glue_keyfile_why(volume->keyfile) : "";
    if (*why)
        return cli_fail(volume->cli, error, cli_string(volume->cli, "key-file"),
                        "%s; not all keys were destroyed", why);
    return volume_cli_fail(volume, error, NULL, advise(erase, error));
}

static int run_erase(struct cli *cli)
{
    COMMON_CLEANUP(end_erase) struct erase erase = {.volume = {.cli = cli}};
    struct volume_cli *volume = &erase.volume;
    int error = volume_cli_begin(volume);
    if (!error)
        error = look(&erase);
    if (!error && volume->keyfile)
        error = erase.was_erased ? check_again(&erase) : check_keys(&erase);
    if (!error)
        error = confirm(&erase);
    struct xtsvol_erasure erasure;
    if (!error)
        error = destroy(&erase, &erasure);
    if (error)
        return error;
    volume_cli_record(volume, COMMON_EVENT_WARNING, "VolumeErased", erasure.uuid,
                      erasure.keys_destroyed
                          ? "the volume was erased and its keys destroyed"
                          : "the volume's metadata was erased; its keys were left alone");
    return info_print_erasure(cli, &erasure);
}

const struct cli_command xtsvol_erase_command = {
    .name = "erase",
    .summary = "make a volume unreadable for good",
    .details =
        "With a key file its keys are checked to be the volume's, and overwritten there with "
        "random bytes and then zeroes; other copies of the file, and what a file system keeps of "
        "old contents, are "
        "not reached. Then the metadata is overwritten, and a record of the erasure left in its "
        "place and printed. Without a key file the keys are left alone: whoever has them and an "
        "old copy of the metadata can still read the data.",
    .arguments = (const struct cli_argument[]){VOLUME_CLI_FILE, {0}},
    .options = (const struct cli_option[]){VOLUME_CLI_HEADER, VOLUME_CLI_KEY_FILE(0), {0}},
    .run = run_erase,
    .confirms = true,
};
