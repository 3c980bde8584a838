/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands for volumes say, and what they ask of the library, over a double of it:
 * failures, events, create, info and check. U1 to U3 are rules of tools/xtsvol/volume_cli.h.
 */
#include "tests/tools/volume_place.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static void the_table_of_commands_is_sound(void **state)
{
    (void)state;
    char why[256] = "";
    if (cli_command_check(why, sizeof(why), place_tool.root))
        fail_msg("%s", why);
}

/* U1. */
static void a_busy_volume_names_the_process(void **state)
{
    struct place *place = *state;
    volume_double.open_error = XTSVOL_ERR_BUSY;
    volume_double.failure.holder_pid = 4711;
    volume_double_say("something else");
    static const char *const commands[] = {"info", "check", "dmtable"};
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        CLEANUP_CAUGHT struct caught got = KEYED(place, commands[i]);
        assert_int_equal(got.status, 1);
        assert_string_equal(got.err, line(place, place->volume, "in use by pid 4711"));
    }
    volume_double.failure.holder_pid = 0;
    volume_double_say("in use by somebody else");
    CLEANUP_CAUGHT struct caught got = KEYED(place, "info", "--json");
    assert_string_equal(got.err, line(place, place->volume, "in use by somebody else"));
    json_t *document = parsed(&got);
    assert_string_equal(string(json_object_get(document, "error"), "code"), "busy");
    assert_string_equal(string(json_object_get(document, "error"), "object"), place->volume);
    json_decref(document);
}

static void a_failure_says_what_can_be_done(void **state)
{
    static const struct {
        int error;
        uint32_t generation;
        const char *message;
        const char *told;
    } cases[] = {
        {XTSVOL_ERR_NOT_FOUND, 3, "no key",
         "needs the key of generation 3, and %s has 2 of 64 bytes each: name a file that has them "
         "all"},
        {XTSVOL_ERR_DENIED, 1, "the key of generation 1 is not that of this volume",
         "the key of generation 1 is not that of this volume (from %s)"},
        {XTSVOL_ERR_NOT_FOUND, 2, "no key",
         "needs the key of generation 2, which in %s is all zero bytes"},
        {XTSVOL_ERR_CORRUPT, 0, "no metadata in it",
         "no metadata in it; metadata that is apart is named with --header, and 'xtsvol header "
         "restore' puts a backup in place"},
        {XTSVOL_ERR_NOT_FOUND, 0, "No such file or directory", "No such file or directory"},
        {XTSVOL_ERR_NO_MEMORY, 0, "", "out of memory"},
    };
    struct place *place = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        volume_double.open_error = cases[i].error;
        volume_double.peek_error = cases[i].error;
        volume_double.failure.generation = cases[i].generation;
        volume_double_say(cases[i].message);
        char told[PATH_MAX + 256];
        const char *before = strstr(cases[i].told, "%s");
        size_t before_len = before ? (size_t)(before - cases[i].told) : strlen(cases[i].told);
        (void)snprintf(told, sizeof(told), "%.*s%s%s", (int)before_len, cases[i].told,
                       before ? place->keys : "", before ? before + 2 : "");
        CLEANUP_CAUGHT struct caught got = KEYED(place, "info");
        assert_int_equal(got.status, 1);
        assert_string_equal(got.err, line(place, place->volume, told));
        assert_string_equal(got.out, "");
    }
    /* Metadata that is in order is not what has to be restored. */
    volume_double.open_error = XTSVOL_ERR_CORRUPT;
    volume_double.peek_error = 0;
    volume_double_say("too short");
    CLEANUP_CAUGHT struct caught got = KEYED(place, "info");
    assert_string_equal(got.err, line(place, place->volume, "too short"));
}

/* U2. */
static void warnings_of_the_library_are_told_and_recorded(void **state)
{
    struct place *place = *state;
    volume_double.events[0] = (struct xtsvol_event){.severity = XTSVOL_EVENT_INFO,
                                                    .name = "VolumeRecovered",
                                                    .object = UUID_TEXT,
                                                    .reason = "nothing much"};
    volume_double.events[1] = (struct xtsvol_event){.severity = XTSVOL_EVENT_WARNING,
                                                    .name = "VolumeCopyDamaged",
                                                    .object = UUID_TEXT,
                                                    .reason = "one copy"};
    volume_double.events[2] = (struct xtsvol_event){
        .severity = XTSVOL_EVENT_ERROR, .name = "Worse", .object = "", .reason = "two copies"};
    volume_double.num_events = 3;
    char told[3 * PATH_MAX];
    (void)snprintf(told, sizeof(told),
                   "xtsvol: warning: %s: one copy\nxtsvol: warning: %s: two copies\n",
                   place->volume, place->volume);
    CLEANUP_CAUGHT struct caught got = KEYED(place, "info");
    assert_int_equal(got.status, 0);
    assert_string_equal(got.err, told);
    assert_int_equal(num_recorded(place, "VolumeRecovered", "info"), 0);
    assert_int_equal(num_recorded(place, "VolumeCopyDamaged", "warning"), 1);
    assert_int_equal(num_recorded(place, "Worse", "error"), 1);
}

static void a_flood_of_warnings_is_counted(void **state)
{
    struct place *place = *state;
    for (size_t i = 0; i < 20; i++)
        volume_double.events[i] = (struct xtsvol_event){.severity = XTSVOL_EVENT_WARNING,
                                                        .name = "VolumeCopyDamaged",
                                                        .object = UUID_TEXT,
                                                        .reason = "one copy"};
    volume_double.num_events = 20;
    CLEANUP_CAUGHT struct caught got = KEYED(place, "info");
    assert_int_equal(got.status, 0);
    assert_int_equal(num_recorded(place, "VolumeCopyDamaged", "warning"), 16);
    assert_non_null(strstr(got.err, ": 4 more warnings of this kind\n"));
}

static void info_as_json_has_all_members(void **state)
{
    static const char *const members[] = {
        "uuid",  "size",     "sector_size", "iv",          "extent_size", "sequence", "generations",
        "state", "progress", "attached",    "data_offset", "max_size",    "created",  "verified"};
    struct place *place = *state;
    CLEANUP_CAUGHT struct caught got = KEYED(place, "info", "--json");
    assert_int_equal(got.status, 0);
    json_t *document = parsed(&got);
    assert_int_equal(json_object_size(document), ARRAY_LEN(members));
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        assert_non_null(json_object_get(document, members[i]));
    assert_string_equal(string(document, "uuid"), UUID_TEXT);
    assert_int_equal(integer(document, "size"), 8 << 20);
    assert_int_equal(integer(document, "sector_size"), 4096);
    assert_string_equal(string(document, "iv"), "plain64");
    assert_int_equal(integer(document, "extent_size"), 1 << 20);
    assert_int_equal(integer(document, "sequence"), (INT64_C(1) << 40) + 1);
    assert_int_equal(integer(document, "data_offset"), 16 << 20);
    assert_int_equal(integer(document, "max_size"), INT64_C(1) << 39);
    assert_string_equal(string(document, "created"), "2030-03-17T17:46:40.000Z");
    assert_true(json_is_true(json_object_get(document, "attached")));
    assert_true(json_is_true(json_object_get(document, "verified")));
    const json_t *generation = json_array_get(json_object_get(document, "generations"), 0);
    assert_int_equal(integer(generation, "id"), 1);
    assert_int_equal(integer(generation, "extents"), 8);
    json_decref(document);
    assert_true(volume_double.options.is_read_only);
}

static void state_and_progress_follow_the_generations(void **state)
{
    static const struct {
        uint32_t num;
        struct xtsvol_generation_info generations[3];
        const char *state;
        double progress;
    } cases[] = {
        {1, {{1, 0, 8}}, "encrypted", 1.0},
        {2, {{1, 0, 6}, {2, 0, 2}}, "rekeying", 0.25},
        {2, {{1, 0, 8}, {2, 0, 0}}, "rekeying", 0.0},
        {3, {{1, 0, 1}, {2, 0, 1}, {7, 0, 2}}, "rekeying", 0.5},
        {2, {{0, 0, 5}, {1, 0, 3}}, "encrypting", 0.375},
        {2, {{1, 0, 1}, {2, 0, UINT64_C(1) << 36}}, "rekeying", 0.9999}, /* 1.0 means all */
    };
    struct place *place = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        volume_double.info.num_generations = cases[i].num;
        memcpy(volume_double.info.generations, cases[i].generations, sizeof(cases[i].generations));
        CLEANUP_CAUGHT struct caught got = KEYED(place, "info", "--json");
        json_t *document = parsed(&got);
        assert_string_equal(string(document, "state"), cases[i].state);
        double off = json_real_value(json_object_get(document, "progress")) - cases[i].progress;
        assert_true(off < 1e-9 && off > -1e-9);
        json_decref(document);
        CLEANUP_CAUGHT struct caught lines = KEYED(place, "info");
        assert_non_null(strstr(lines.out, cases[i].state));
        assert_int_equal(strstr(lines.out, "100.00%") != NULL, i == 0);
        assert_int_equal(strstr(lines.out, ", plaintext\n") != NULL, i == 4);
    }
}

static void without_keys_info_says_that_nothing_is_verified(void **state)
{
    struct place *place = *state;
    CLEANUP_CAUGHT struct caught got = PLAIN(place, "info");
    assert_int_equal(got.status, 0);
    assert_int_equal(volume_double.num_opened, 0);
    assert_non_null(strstr(got.out, "verified     no: read without a key"));
    CLEANUP_CAUGHT struct caught json = PLAIN(place, "info", "--json", "--header", "/some/header");
    json_t *document = parsed(&json);
    assert_true(json_is_false(json_object_get(document, "verified")));
    json_decref(document);
    assert_string_equal(volume_double.other_path, "/some/header");
    CLEANUP_CAUGHT struct caught keyed = KEYED(place, "info");
    assert_non_null(strstr(keyed.out, "verified     yes\n"));
}

static void of_an_erased_volume_info_shows_the_record(void **state)
{
    struct place *place = *state;
    set_erased(true);
    CLEANUP_CAUGHT struct caught got = PLAIN(place, "info", "--json");
    check_record(&got, true);
    volume_double.open_error = XTSVOL_ERR_STATE;
    CLEANUP_CAUGHT struct caught keyed = KEYED(place, "info", "--json");
    check_record(&keyed, true);
    CLEANUP_CAUGHT struct caught lines = PLAIN(place, "info");
    assert_string_equal(lines.out, "uuid         " UUID_TEXT "\n"
                                   "state        erased\n"
                                   "erased       2030-03-17T17:46:40.000Z\n"
                                   "generations  1 2\n"
                                   "keys         destroyed\n"
                                   "method       by hand\n");
    /* Another reason for the same error is none of that. */
    volume_double.peek_error = 0;
    volume_double_say("an old state");
    CLEANUP_CAUGHT struct caught other = KEYED(place, "info");
    assert_string_equal(other.err, line(place, place->volume, "an old state"));
}

static void options_reach_the_library(void **state)
{
    struct place *place = *state;
    CLEANUP_CAUGHT struct caught got = KEYED(place, "check", "--threads", "3", "--min-sequence",
                                             "77", "--header", "h", "--allow-plaintext");
    assert_int_equal(got.status, 0);
    assert_int_equal(volume_double.options.num_threads, 3);
    assert_int_equal(volume_double.options.min_sequence, 77);
    assert_string_equal(volume_double.options.header_path, "h");
    assert_true(volume_double.options.allow_plaintext);
    assert_true(volume_double.options.is_read_only);
    assert_string_equal(volume_double.path, place->volume);
    CLEANUP_CAUGHT struct caught plain = KEYED(place, "check", "--repair");
    assert_int_equal(plain.status, 0);
    assert_false(volume_double.options.allow_plaintext);
    assert_false(volume_double.options.is_read_only);
    assert_true(volume_double.may);
    assert_null(volume_double.options.header_path);
}

static void create_asks_for_what_the_options_say(void **state)
{
    struct place *place = *state;
    CLEANUP_CAUGHT struct caught got =
        KEYED(place, "create", "--size", "3M", "--sector-size", "512", "--extent-size", "64K",
              "--max-size", "5M", "--uuid", UUID_TEXT);
    assert_int_equal(got.status, 0);
    const struct xtsvol_create_options *created = &volume_double.created;
    assert_int_equal(created->volume_size, 3 << 20);
    assert_int_equal(created->sector_size, 512);
    assert_int_equal(created->extent_size, 65536);
    assert_int_equal(created->max_volume_size, 5 << 20);
    assert_int_equal(created->iv, XTSVOL_IV_PLAIN64);
    assert_int_equal(created->may_replace, 0);
    assert_memory_equal(created->uuid, volume_double.info.uuid, XTSVOL_UUID_LEN);
    assert_int_equal(num_recorded(place, "VolumeCreated", "info"), 1);
    CLEANUP_CAUGHT struct caught large = KEYED(place, "create", "--size", "4K", "--iv", "large");
    assert_int_equal(large.status, 0);
    assert_int_equal(created->iv, XTSVOL_IV_LARGE);
    assert_int_equal(created->sector_size, 4096);
    assert_int_equal(created->extent_size, 1 << 20);
    assert_int_equal(created->max_volume_size, 0);
}

static void create_refuses_what_the_command_line_shows_to_be_wrong(void **state)
{
    static const struct {
        const char *option;
        const char *value;
        const char *told;
    } cases[] = {
        {"--sector-size", "4096", "--size: 1536 is no multiple of the sector size, 4096"},
        {"--extent-size", "96K", "--extent-size: must be a power of two, 64K to 4M"},
        {"--iv", "large", "--iv: large counts sectors of 4096 bytes"},
        {"--max-size", "1K", "--max-size: must not be below --size, 1536"},
        {"--uuid", "abc", "--uuid: abc is no UUID"},
        {"--uuid", "00000000-0000-0000-0000-000000000000", "--uuid: the nil UUID names nothing"},
    };
    struct place *place = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *sector = i == 0 ? cases[0].value : "512";
        CLEANUP_CAUGHT struct caught got =
            i == 0 ? KEYED(place, "create", "--size", "1536")
                   : KEYED(place, "create", "--size", "1536", "--sector-size", sector,
                           cases[i].option, cases[i].value);
        assert_int_equal(got.status, 2);
        if (!strstr(got.err, cases[i].told))
            fail_msg("%s instead of %s", got.err, cases[i].told);
        assert_int_equal(volume_double.num_calls, 0);
    }
}

/* U3. */
static void a_store_that_cannot_be_used_costs_a_warning(void **state)
{
    struct place *place = *state;
    file_write(place->store, "x", 1);
    CLEANUP_CAUGHT struct caught got = KEYED(place, "create", "--size", "8M");
    assert_int_equal(got.status, 0);
    assert_non_null(strstr(got.err, "store: is not a directory\n"));
    assert_non_null(strstr(got.err, "xtsvol: warning: VolumeCreated: is not in the event log\n"));
    assert_non_null(strstr(got.out, ": made, 8.0 MiB, uuid " UUID_TEXT "\n"));
}

/* Runs an import with standard input from a file of so many bytes. */
static struct caught import_bytes(struct place *place, off_t len)
{
    char path[PATH_MAX];
    int before = dup(STDIN_FILENO);
    uint8_t *bytes = malloc((size_t)len);
    assert_non_null(bytes);
    memset(bytes, 0x5a, (size_t)len);
    file_write(tmpdir_path(path, &place->dir, "input"), bytes, (size_t)len);
    free(bytes);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(before >= 0 && fd >= 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO);
    struct caught got = KEYED(place, "import");
    assert_true(dup2(before, STDIN_FILENO) == STDIN_FILENO);
    (void)close(fd);
    (void)close(before);
    return got;
}

static void import_ends_when_all_is_on_the_medium(void **state)
{
    struct place *place = *state;
    CLEANUP_CAUGHT struct caught got = import_bytes(place, 5 << 20);
    assert_int_equal(got.status, 0);
    assert_int_equal(volume_double.num_calls, 2); /* a write for each 4 MiB */
    assert_int_equal(volume_double.num_flushed, 2);
    volume_double.flush_error = XTSVOL_ERR_IO;
    volume_double.call_error = 0;
    CLEANUP_CAUGHT struct caught lost = import_bytes(place, 5 << 20);
    assert_int_equal(lost.status, 1);
    assert_non_null(strstr(lost.err, "; what was written may not be on the medium\n"));
    assert_string_equal(lost.out, "");
}

static bool was_freed;
static size_t num_left; /* bytes in it that were not zero */

/* The names are the linker's, --wrap=free. NOLINTBEGIN(bugprone-reserved-identifier) */
void __real_free(void *block);
void __wrap_free(void *block);

void __wrap_free(void *block)
{
    if (block && block == volume_double.written) {
        was_freed = true;
        for (size_t i = 0; i < volume_double.written_len; i++)
            num_left += volume_double.written[i] != 0;
        volume_double.written = NULL;
    }
    __real_free(block);
}
/* NOLINTEND(bugprone-reserved-identifier) */

static void plain_bytes_are_wiped_from_memory(void **state)
{
    static const int errors[] = {0, XTSVOL_ERR_IO};
    struct place *place = *state;
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        was_freed = false;
        num_left = 0;
        volume_double.call_error = errors[i];
        CLEANUP_CAUGHT struct caught got = import_bytes(place, 5 << 20);
        assert_int_equal(got.status, errors[i] != 0);
        assert_true(was_freed);
        assert_int_equal(num_left, 0);
    }
}

static void check_lists_what_cannot_be_read_and_fails(void **state)
{
    struct place *place = *state;
    volume_double.report =
        (struct xtsvol_check_report){.num_pages = 10, .num_bad_pages = 1, .num_bad_sectors = 3};
    volume_double.bad[0] = (struct xtsvol_run){.offset = 4096, .length = 4096};
    volume_double.bad[1] = (struct xtsvol_run){.offset = 8192, .length = 8192};
    volume_double.bad[2] = (struct xtsvol_run){.offset = 1 << 20, .length = 1 << 20};
    volume_double.num_bad = 3;
    CLEANUP_CAUGHT struct caught got = KEYED(place, "check", "--json");
    assert_int_equal(got.status, 1);
    assert_string_equal(got.err, line(place, place->volume,
                                      "1 pages of metadata and 3 sectors of data are damaged and "
                                      "cannot be read; restore them from a backup"));
    json_t *document = parsed(&got);
    const json_t *bad = json_object_get(document, "bad");
    assert_int_equal(json_array_size(bad), 2); /* what touches is one */
    assert_int_equal(integer(json_array_get(bad, 0), "offset"), 4096);
    assert_int_equal(integer(json_array_get(bad, 0), "length"), 12288);
    assert_int_equal(integer(json_array_get(bad, 1), "offset"), 1 << 20);
    assert_int_equal(integer(document, "bad_sectors"), 3);
    json_decref(document);
    assert_int_equal(num_recorded(place, "VolumeDamaged", "error"), 1);
    CLEANUP_CAUGHT struct caught lines = KEYED(place, "check");
    assert_int_equal(lines.status, 1);
    assert_non_null(strstr(lines.out, "cannot be read: offset 4096, length 12288\n"));
}

static void a_damaged_copy_is_a_warning_until_it_is_repaired(void **state)
{
    struct place *place = *state;
    volume_double.report = (struct xtsvol_check_report){.num_pages = 10, .num_bad_copies = 2};
    CLEANUP_CAUGHT struct caught got = KEYED(place, "check", "--json");
    assert_int_equal(got.status, 0);
    assert_non_null(strstr(got.err, "run 'xtsvol check --repair'"));
    json_t *document = parsed(&got);
    assert_int_equal(json_array_size(json_object_get(document, "bad")), 0);
    assert_int_equal(integer(document, "bad_copies"), 2);
    json_decref(document);
    assert_int_equal(num_recorded(place, "VolumeCopyDamaged", "warning"), 1);
    volume_double.report.num_repaired = 2;
    CLEANUP_CAUGHT struct caught repaired = KEYED(place, "check", "--repair");
    assert_int_equal(repaired.status, 0);
    assert_string_equal(repaired.err, "");
    volume_double.report = (struct xtsvol_check_report){.num_pages = 10};
    CLEANUP_CAUGHT struct caught clean = KEYED(place, "check");
    assert_string_equal(clean.err, "");
    assert_int_equal(num_recorded(place, "VolumeCopyDamaged", "warning"), 2);
}

static void let_time_pass(void)
{
    fake_monotonic_ns += UINT64_C(2000000000);
}

static void check_ends_at_the_deadline(void **state)
{
    struct place *place = *state;
    volume_double.meanwhile = let_time_pass;
    CLEANUP_CAUGHT struct caught got = KEYED(place, "check", "--timeout", "1s");
    assert_int_equal(got.status, 1);
    assert_string_equal(got.err, line(place, place->volume, "timed out; not all was checked"));
    assert_string_equal(got.out, "");
}

int main(void)
{
    leave_the_terminal();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_of_commands_is_sound),
        IN_PLACE(a_busy_volume_names_the_process),
        IN_PLACE(a_failure_says_what_can_be_done),
        IN_PLACE(warnings_of_the_library_are_told_and_recorded),
        IN_PLACE(a_flood_of_warnings_is_counted),
        IN_PLACE(info_as_json_has_all_members),
        IN_PLACE(state_and_progress_follow_the_generations),
        IN_PLACE(without_keys_info_says_that_nothing_is_verified),
        IN_PLACE(of_an_erased_volume_info_shows_the_record),
        IN_PLACE(options_reach_the_library),
        IN_PLACE(create_asks_for_what_the_options_say),
        IN_PLACE(create_refuses_what_the_command_line_shows_to_be_wrong),
        IN_PLACE(a_store_that_cannot_be_used_costs_a_warning),
        IN_PLACE(import_ends_when_all_is_on_the_medium),
        IN_PLACE(plain_bytes_are_wiped_from_memory),
        IN_PLACE(check_lists_what_cannot_be_read_and_fails),
        IN_PLACE(a_damaged_copy_is_a_warning_until_it_is_repaired),
        IN_PLACE(check_ends_at_the_deadline),
    };
    return cmocka_run_group_tests_name("volume_commands", tests, NULL, NULL);
}
