/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/progress.h"
#include "tools/cli/text.h"
#include "tools/xtsvol/nouns.h"
#include "tools/xtsvol/volume_cli.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    MAX_RUNS = 65536 /* that are listed; of a medium that is gone nobody wants each one */
};

struct run {
    uint64_t offset;
    uint64_t length;
};

struct findings {
    struct volume_cli *volume;
    struct xtsvol_check_report report;
    struct run *runs;
    size_t num_runs;
    size_t num_allocated;
    uint64_t num_unlisted;
    bool is_memory_short;
    struct cli_progress progress;
};

static bool make_room(struct findings *findings)
{
    if (findings->runs && findings->num_runs < findings->num_allocated)
        return true;
    size_t wanted = findings->num_allocated ? 2 * findings->num_allocated : 16;
    struct run *grown = realloc(findings->runs, wanted * sizeof(*grown));
    if (!grown)
        return false;
    findings->runs = grown;
    findings->num_allocated = wanted;
    return true;
}

/* A run that begins where the last one ended is a part of it. */
static void note_bad(void *context, uint64_t offset, uint64_t length)
{
    struct findings *findings = context;
    struct run *last = findings->num_runs ? &findings->runs[findings->num_runs - 1] : NULL;
    if (last && last->offset + last->length == offset)
        last->length += length;
    else if (findings->num_runs == MAX_RUNS)
        findings->num_unlisted++;
    else if (!make_room(findings))
        findings->is_memory_short = true;
    else
        findings->runs[findings->num_runs++] = (struct run){.offset = offset, .length = length};
}

static int note_progress(void *context, uint64_t done, uint64_t total)
{
    struct findings *findings = context;
    findings->progress.total = total;
    cli_progress_update(&findings->progress, done);
    return volume_cli_is_over(findings->volume->cli);
}

static void end_findings(struct findings *findings)
{
    free(findings->runs);
}

static bool is_bad(const struct findings *findings)
{
    return findings->num_runs != 0 || findings->report.num_bad_pages != 0 ||
           findings->report.num_bad_sectors != 0;
}

static uint64_t num_left(const struct xtsvol_check_report *report)
{
    return report->num_bad_copies > report->num_repaired
               ? report->num_bad_copies - report->num_repaired
               : 0;
}

static int print_json(struct cli *cli, const struct findings *findings)
{
    json_t *bad = json_array();
    for (size_t i = 0; i < findings->num_runs; i++) {
        const struct run *run = &findings->runs[i];
        if (json_array_append_new(bad, json_pack("{s:I,s:I}", "offset", (json_int_t)run->offset,
                                                 "length", (json_int_t)run->length))) {
            json_decref(bad);
            return COMMON_ERR_NO_MEMORY;
        }
    }
    const struct xtsvol_check_report *report = &findings->report;
    return cli_json_print(cli, json_pack("{s:o,s:I,s:I,s:I,s:I,s:I,s:I}", "bad", bad, "unlisted",
                                         (json_int_t)findings->num_unlisted, "pages",
                                         (json_int_t)report->num_pages, "bad_copies",
                                         (json_int_t)report->num_bad_copies, "repaired",
                                         (json_int_t)report->num_repaired, "bad_pages",
                                         (json_int_t)report->num_bad_pages, "bad_sectors",
                                         (json_int_t)report->num_bad_sectors));
}

static int print_lines(struct cli *cli, const struct findings *findings)
{
    const struct xtsvol_check_report *report = &findings->report;
    for (size_t i = 0; i < findings->num_runs; i++)
        (void)fprintf(cli->out, "cannot be read: offset %" PRIu64 ", length %" PRIu64 "\n",
                      findings->runs[i].offset, findings->runs[i].length);
    if (findings->num_unlisted != 0)
        (void)fprintf(cli->out, "and %" PRIu64 " more ranges\n", findings->num_unlisted);
    (void)fprintf(cli->out,
                  "metadata: %" PRIu64 " pages, %" PRIu64 " damaged in one copy, %" PRIu64
                  " repaired, %" PRIu64 " damaged in both\ndata: %" PRIu64
                  " sectors that cannot be read\n",
                  report->num_pages, report->num_bad_copies, report->num_repaired,
                  report->num_bad_pages, report->num_bad_sectors);
    return 0;
}

/* What it found is in the log too, since it is mostly a timer that checks. */
static int judge(struct findings *findings, const uint8_t uuid[XTSVOL_UUID_LEN])
{
    struct volume_cli *volume = findings->volume;
    const struct xtsvol_check_report *report = &findings->report;
    char reason[160];
    if (is_bad(findings)) {
        (void)snprintf(reason, sizeof(reason),
                       "%" PRIu64 " pages of metadata and %" PRIu64
                       " sectors of data are damaged and cannot be read",
                       report->num_bad_pages, report->num_bad_sectors);
        volume_cli_record(volume, COMMON_EVENT_ERROR, "VolumeDamaged", uuid, reason);
        return cli_fail(volume->cli, COMMON_ERR_CORRUPT, volume->path,
                        "%s; restore them from a backup", reason);
    }
    if (report->num_bad_copies == 0)
        return 0;
    uint64_t left = num_left(report);
    (void)snprintf(reason, sizeof(reason),
                   "%" PRIu64 " pages of metadata were damaged in one copy, %" PRIu64
                   " of them are repaired",
                   report->num_bad_copies, report->num_repaired);
    volume_cli_record(volume, COMMON_EVENT_WARNING, "VolumeCopyDamaged", uuid, reason);
    if (left != 0)
        cli_warn(volume->cli, volume->path,
                 "%" PRIu64 " pages of metadata are damaged in one copy, and read from the other: "
                 "run 'xtsvol check --repair'",
                 left);
    return 0;
}

static int run_check(struct cli *cli)
{
    VOLUME_CLI_CLEANUP struct volume_cli volume = {.cli = cli};
    COMMON_CLEANUP(end_findings) struct findings findings = {.volume = &volume};
    bool repair = cli_flag(cli, "repair");
    struct xtsvol_volume_info info;
    int error = volume_cli_open(&volume, !repair);
    if (error)
        return error;
    error = xtsvol_info_get(volume.volume, &info, sizeof(info));
    if (error)
        return volume_cli_fail(&volume, error, NULL, NULL);
    cli_progress_begin(&findings.progress, cli, "checking", CLI_PROGRESS_BYTES, info.volume_size,
                       0);
    error = xtsvol_volume_check(volume.volume, &findings.report, repair, note_bad, note_progress,
                                &findings);
    if (error == XTSVOL_ERR_CANCELLED)
        return volume_cli_fail_over(&volume, error, "; not all was checked");
    if (error)
        return volume_cli_fail(&volume, error, NULL, NULL);
    cli_progress_end(&findings.progress);
    if (findings.is_memory_short)
        return COMMON_ERR_NO_MEMORY;
    error = cli->json ? print_json(cli, &findings) : print_lines(cli, &findings);
    return error ? error : judge(&findings, info.uuid);
}

const struct cli_command xtsvol_check_command = {
    .name = "check",
    .summary = "look at all of a volume: both copies of the metadata, and the data",
    .details =
        "Verifies every page of the metadata in both copies and reads all of the data. Bytes that "
        "cannot be read are listed by offset and length, and end in exit status 1. XTS does not "
        "tell whether data was changed: what can be read counts as good.",
    .arguments = (const struct cli_argument[]){VOLUME_CLI_FILE, {0}},
    .options = (const struct cli_option[]){{.name = "repair",
                                            .type = CLI_FLAG,
                                            .summary = "write damaged copies of metadata anew from "
                                                       "the good ones; nothing else is changed"},
                                           VOLUME_CLI_HEADER,
                                           VOLUME_CLI_KEY_FILE(CLI_REQUIRED),
                                           VOLUME_CLI_MIN_SEQUENCE,
                                           VOLUME_CLI_ALLOW_PLAINTEXT,
                                           VOLUME_CLI_THREADS,
                                           {0}},
    .run = run_check,
};
