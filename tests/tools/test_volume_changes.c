/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that change a volume for good, and the table for the device mapper, over the double. */
#include "common/base/cleanup.h"
#include "tests/tools/volume_place.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static void a_table_has_a_line_for_each_run(void **state)
{
    struct place *place = *state;
    /* In runs as a library might cut them: 2 MiB of generation 1 in two, then 2, 0, and 1 again. */
    static const struct xtsvol_run runs[] = {
        {0, 1 << 20, 1},       {1 << 20, 1 << 20, 1},          {2 << 20, 1 << 20, 2},
        {3 << 20, 2 << 20, 0}, {5 << 20, (3 << 20) - 8192, 1},
    };
    memcpy(volume_double.runs, runs, sizeof(runs));
    volume_double.num_runs = ARRAY_LEN(runs);
    volume_double.info.volume_size = (8 << 20) - 8192;
    CLEANUP_CAUGHT struct caught got = KEYED(place, "dmtable", "--device", "/dev/vdb");
    assert_int_equal(got.status, 0);
    assert_string_equal(
        got.out,
        "0 4096 crypt aes-xts-plain64 :64:logon:xtsvol:" UUID_TEXT ":1 0 /dev/vdb 32768 1 "
        "sector_size:4096\n"
        "4096 2048 crypt aes-xts-plain64 :64:logon:xtsvol:" UUID_TEXT ":2 4096 /dev/vdb 36864 1 "
        "sector_size:4096\n"
        "6144 4096 linear /dev/vdb 38912\n"
        "10240 6128 crypt aes-xts-plain64 :64:logon:xtsvol:" UUID_TEXT ":1 10240 /dev/vdb 43008 1 "
        "sector_size:4096\n");
    CLEANUP_CAUGHT struct caught json = KEYED(place, "dmtable", "--json", "--device", "/dev/vdb");
    json_t *document = parsed(&json);
    assert_int_equal(json_array_size(document), 4);
    const json_t *linear = json_array_get(document, 2);
    assert_int_equal(integer(linear, "start"), 6144);
    assert_int_equal(integer(linear, "length"), 4096);
    assert_int_equal(integer(linear, "generation"), 0);
    assert_string_equal(string(linear, "line"), "6144 4096 linear /dev/vdb 38912");
    json_decref(document);
}

static void sectors_and_numbers_of_units_are_options_of_the_target(void **state)
{
    struct place *place = *state;
    char text[PATH_MAX + 256];
    static const struct {
        uint32_t sector_size;
        enum xtsvol_iv iv;
        const char *options;
    } cases[] = {
        {512, XTSVOL_IV_PLAIN64, ""},
        {4096, XTSVOL_IV_PLAIN64, " 1 sector_size:4096"},
        {4096, XTSVOL_IV_LARGE, " 2 sector_size:4096 iv_large_sectors"},
    };
    volume_double.info.data_offset = 0; /* detached */
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        volume_double.info.sector_size = cases[i].sector_size;
        volume_double.info.iv = cases[i].iv;
        CLEANUP_CAUGHT struct caught got = KEYED(place, "dmtable");
        (void)snprintf(text, sizeof(text),
                       "0 16384 crypt aes-xts-plain64 :64:logon:xtsvol:" UUID_TEXT ":1 0 %s 0%s\n",
                       place->volume, cases[i].options);
        assert_string_equal(got.out, text);
    }
}

static void a_device_that_would_break_the_table_is_refused(void **state)
{
    static const char *const devices[] = {"/dev/a b", "/dev/a\tb", "/dev/a\nb", "/dev/a\\b",
                                          "/dev/\x1b[31m"};
    struct place *place = *state;
    for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
        CLEANUP_CAUGHT struct caught got = KEYED(place, "dmtable", "--device", devices[i]);
        assert_int_equal(got.status, 2);
        assert_string_equal(got.out, "");
        assert_non_null(strstr(got.err, "has no place in a table"));
    }
}

static void keys_are_shown_to_who_said_yes_only(void **state)
{
    struct place *place = *state;
    CLEANUP_CAUGHT struct caught json = KEYED(place, "dmtable", "--show-keys", "--json", "--yes");
    assert_int_equal(json.status, 2);
    CLEANUP_CAUGHT struct caught got = KEYED(place, "dmtable", "--show-keys");
    assert_int_equal(got.status, 1);
    assert_string_equal(got.out, "");
}

static void a_smaller_size_needs_a_yes(void **state)
{
    struct place *place = *state;
    CLEANUP_CAUGHT struct caught refused = KEYED(place, "resize", "--size", "4M");
    assert_int_equal(refused.status, 1);
    assert_int_equal(volume_double.num_calls, 0);
    CLEANUP_CAUGHT struct caught yes = KEYED(place, "resize", "--size", "4M", "--yes", "--json");
    assert_int_equal(yes.status, 0);
    assert_int_equal(volume_double.new_size, 4 << 20);
    assert_true(volume_double.may);
    json_t *document = parsed(&yes);
    assert_int_equal(integer(document, "size"), 4 << 20);
    assert_int_equal(integer(document, "old_size"), 8 << 20);
    json_decref(document);
    CLEANUP_CAUGHT struct caught larger = KEYED(place, "resize", "--size", "16M");
    assert_int_equal(larger.status, 0);
    assert_false(volume_double.may);
    assert_int_equal(num_recorded(place, "VolumeResized", "info"), 2);
    CLEANUP_CAUGHT struct caught same = KEYED(place, "resize", "--size", "8M");
    assert_int_equal(same.status, 0);
    assert_int_equal(num_recorded(place, "VolumeResized", "info"), 2);
}

static void a_size_that_cannot_be_is_refused_before_the_question(void **state)
{
    struct place *place = *state;
    CLEANUP_CAUGHT struct caught odd = KEYED(place, "resize", "--size", "4608");
    assert_string_equal(odd.err,
                        line(place, place->volume,
                             "--size 4608 is no multiple of the sector size, 4096; nothing was "
                             "changed"));
    CLEANUP_CAUGHT struct caught far = KEYED(place, "resize", "--size", "1T");
    assert_non_null(strstr(far.err, "cannot become longer than 549755813888 bytes"));
    assert_int_equal(volume_double.num_calls, 0);
    volume_double.call_error = XTSVOL_ERR_NO_SPACE;
    volume_double_say("no room");
    CLEANUP_CAUGHT struct caught full = KEYED(place, "resize", "--size", "16M");
    assert_string_equal(full.err, line(place, place->volume, "no room; it has its old size"));
    /* What the medium holds is not known when the change itself failed. */
    volume_double.call_error = XTSVOL_ERR_IO;
    volume_double.is_stopped = true;
    volume_double_say("cannot sync its metadata: input/output error");
    CLEANUP_CAUGHT struct caught stopped = KEYED(place, "resize", "--size", "16M");
    assert_int_equal(stopped.status, 1);
    assert_string_equal(stopped.err,
                        line(place, place->volume,
                             "cannot sync its metadata: input/output error; it has its old size or "
                             "the new one: 'xtsvol info' with its keys opens it again and shows "
                             "which"));
    assert_int_equal(num_recorded(place, "VolumeResized", "info"), 0);
}

static bool are_keys_untouched(const struct place *place)
{
    COMMON_CLEANUP_FREE uint8_t *bytes = NULL;
    size_t len = 0;
    file_read(&bytes, &len, place->keys);
    bool is_same = len == 128;
    for (size_t i = 0; i < len; i++)
        is_same = is_same && bytes[i] == i + 1;
    return is_same;
}

static void erase_destroys_the_keys_and_prints_the_record(void **state)
{
    struct place *place = *state;
    set_erased(true);
    volume_double.peek_error = 0;
    CLEANUP_CAUGHT struct caught got = KEYED(place, "erase", "--yes", "--json");
    check_record(&got, true);
    assert_true(volume_double.has_destroy);
    assert_non_null(volume_double.options.key);
    assert_false(are_keys_untouched(place));
    assert_int_equal(num_recorded(place, "VolumeErased", "warning"), 1);
}

static void erase_without_keys_leaves_them_alone_and_says_so(void **state)
{
    struct place *place = *state;
    set_erased(false);
    volume_double.peek_error = 0;
    CLEANUP_CAUGHT struct caught got = PLAIN(place, "erase", "--yes");
    assert_int_equal(got.status, 0);
    assert_false(volume_double.has_destroy);
    assert_non_null(strstr(got.out, "keys         left alone: "));
}

/* Half of the keys gone and the volume still there would be neither. */
static void erase_refuses_before_it_begins(void **state)
{
    struct place *place = *state;
    CLEANUP_CAUGHT struct caught asked = KEYED(place, "erase");
    assert_int_equal(asked.status, 1);
    volume_double.info.num_generations = 2;
    volume_double.info.generations[1].generation = 3;
    CLEANUP_CAUGHT struct caught missing = KEYED(place, "erase", "--yes");
    assert_non_null(strstr(missing.err, "needs the key of generation 3, and "));
    assert_non_null(strstr(missing.err, "; nothing was changed\n"));
    volume_double.info.num_generations = 1;
    volume_double.peek_error = XTSVOL_ERR_CORRUPT;
    CLEANUP_CAUGHT struct caught none = KEYED(place, "erase", "--yes");
    assert_int_equal(none.status, 1);
    assert_int_equal(volume_double.num_calls, 0);
    assert_true(are_keys_untouched(place));
}

/* Of a volume that is erased nothing tells whose keys these are, and the record itself may be
 * anybody's. */
static void erase_does_not_touch_keys_that_it_cannot_compare(void **state)
{
    struct place *place = *state;
    for (int i = 0; i < 2; i++) {
        set_erased(i);
        volume_double.erasure.generations[0] = 3;
        volume_double.erasure.generations[1] = 4;
        volume_double.num_calls = 0;
        CLEANUP_CAUGHT struct caught others = KEYED(place, "erase", "--yes");
        assert_int_equal(others.status, 1);
        assert_non_null(strstr(others.err, "was erased before, and the record of it, which nobody "
                                           "can verify, names none of the keys in "));
        assert_non_null(strstr(others.err, "; nothing was changed: leave --key-file out to finish, "
                                           "and destroy that file by other means\n"));
        assert_int_equal(volume_double.num_calls, 0);

        set_erased(i);
        volume_double.call_error = XTSVOL_ERR_DENIED;
        volume_double.failure.generation = 1;
        volume_double_say("it cannot be compared");
        CLEANUP_CAUGHT struct caught refused = KEYED(place, "erase", "--yes");
        assert_int_equal(refused.status, 1);
        assert_true(volume_double.has_destroy); /* it was the library that had to say so */
        assert_non_null(strstr(refused.err, "; nothing was changed: leave --key-file out to "));
        assert_int_equal(num_recorded(place, "VolumeErased", "warning"), 0);
        volume_double.call_error = 0;
    }
    assert_true(are_keys_untouched(place));
}

/* Where one half of the metadata is still there, they can be compared. */
static void erase_ends_what_was_cut_short_with_the_same_keys(void **state)
{
    struct place *place = *state;
    set_erased(false);
    CLEANUP_CAUGHT struct caught got = KEYED(place, "erase", "--yes");
    assert_int_equal(got.status, 0);
    assert_true(volume_double.has_destroy);
    assert_false(are_keys_untouched(place));
    /* Now there are only zeroes in the file: nothing that could be destroyed, nor compared. */
    set_erased(true);
    CLEANUP_CAUGHT struct caught again = KEYED(place, "erase", "--yes", "--json");
    check_record(&again, false);
    assert_false(volume_double.has_destroy);
    assert_null(volume_double.options.key);
}

static void a_record_proves_no_destruction(void **state)
{
    struct place *place = *state;
    set_erased(true);
    CLEANUP_CAUGHT struct caught got = PLAIN(place, "erase", "--yes", "--json");
    check_record(&got, false);
    assert_true(are_keys_untouched(place));
}

static void erase_tells_what_a_wrong_key_can_mean(void **state)
{
    struct place *place = *state;
    char told[PATH_MAX + 256];
    volume_double.call_error = XTSVOL_ERR_DENIED;
    volume_double.failure.generation = 1;
    volume_double_say("not its key");
    CLEANUP_CAUGHT struct caught got = KEYED(place, "erase", "--yes");
    (void)snprintf(told, sizeof(told),
                   "not its key (from %s); if an erasure was cut short after it had destroyed the "
                   "keys, leave --key-file out",
                   place->keys);
    assert_string_equal(got.err, line(place, place->volume, told));
    volume_double.failure.generation = 0;
    volume_double_say("Permission denied");
    CLEANUP_CAUGHT struct caught other = KEYED(place, "erase", "--yes");
    assert_string_equal(other.err, line(place, place->volume, "Permission denied"));
    assert_int_equal(num_recorded(place, "VolumeErased", "warning"), 0);
}

static void restore_asks_and_passes_on_what_older_means(void **state)
{
    struct place *place = *state;
    CLEANUP_CAUGHT struct caught asked =
        run_tool(&place_tool, (const char *const[]){"xtsvol", "header", "restore", place->volume,
                                                    "B", "--key-file", place->keys, NULL});
    assert_int_equal(asked.status, 1);
    assert_int_equal(volume_double.num_calls, 0);
    const char *const words[] = {"xtsvol",  "header",     "restore",   place->volume,
                                 "B",       "--key-file", place->keys, "--yes",
                                 "--store", place->store, "--older",   NULL};
    const char *const plain[] = {"xtsvol",    "header", "restore", place->volume, "B", "--key-file",
                                 place->keys, "--yes",  "--store", place->store,  NULL};
    CLEANUP_CAUGHT struct caught older = run_tool(&place_tool, words);
    assert_int_equal(older.status, 0);
    assert_true(volume_double.may);
    assert_string_equal(volume_double.path, place->volume);
    assert_string_equal(volume_double.other_path, "B");
    CLEANUP_CAUGHT struct caught newer = run_tool(&place_tool, plain);
    assert_int_equal(newer.status, 0);
    assert_false(volume_double.may);
    assert_int_equal(num_recorded(place, "VolumeHeaderRestored", "warning"), 2);
    volume_double.call_error = XTSVOL_ERR_STATE;
    volume_double_say("newer is there");
    CLEANUP_CAUGHT struct caught refused = run_tool(&place_tool, plain);
    assert_string_equal(refused.err, line(place, place->volume,
                                          "newer is there; see --older, and 'xtsvol info' of "
                                          "both"));
}

static void a_backup_that_exists_is_what_is_told_about(void **state)
{
    struct place *place = *state;
    volume_double.call_error = XTSVOL_ERR_EXISTS;
    CLEANUP_CAUGHT struct caught got =
        run_tool(&place_tool, (const char *const[]){"xtsvol", "header", "backup", place->volume,
                                                    "OUT", "--key-file", place->keys, NULL});
    assert_int_equal(got.status, 1);
    assert_string_equal(got.err, "xtsvol: OUT: exists already; a backup makes a new file\n");
}

/* All that is on a device would be lost: the library looks only whether that is a volume. */
static void a_device_is_asked_about_before_it_is_a_volume(void **state)
{
    struct place *place = *state;
    char device[PATH_MAX];
    /* There is nothing behind that number, and nobody opens it. */
    assert_int_equal(
        mknod(tmpdir_path(device, &place->dir, "device"), S_IFBLK | 0600, makedev(240, 77)), 0);
    const char *const words[] = {"xtsvol",     "create",    device,    "--size",     "1M",
                                 "--key-file", place->keys, "--store", place->store, NULL};
    const char *const apart[] = {"xtsvol",     "create",     place->volume, "--size",
                                 "1M",         "--key-file", place->keys,   "--store",
                                 place->store, "--header",   device,        NULL};
    CLEANUP_CAUGHT struct caught asked = run_tool(&place_tool, words);
    assert_int_equal(asked.status, 1);
    assert_non_null(strstr(asked.err, "add --yes to confirm"));
    CLEANUP_CAUGHT struct caught header = run_tool(&place_tool, apart);
    assert_int_equal(header.status, 1);
    assert_int_equal(volume_double.num_calls, 0);
    CLEANUP_CAUGHT struct caught yes = run_tool(
        &place_tool, (const char *const[]){"xtsvol", "create", device, "--size", "1M", "--key-file",
                                           place->keys, "--store", place->store, "--yes", NULL});
    assert_int_equal(yes.status, 0);
    assert_int_equal(volume_double.num_calls, 1);
}

int main(int argc, char **argv)
{
    leave_the_terminal();
    const struct CMUnitTest root_tests[] = {
        IN_PLACE(a_device_is_asked_about_before_it_is_a_volume),
    };
    if (argc > 1 && strcmp(argv[1], "root") == 0)
        return RUN_AS_ROOT("volume_changes_root", root_tests, NULL, NULL);
    const struct CMUnitTest tests[] = {
        IN_PLACE(a_table_has_a_line_for_each_run),
        IN_PLACE(sectors_and_numbers_of_units_are_options_of_the_target),
        IN_PLACE(a_device_that_would_break_the_table_is_refused),
        IN_PLACE(keys_are_shown_to_who_said_yes_only),
        IN_PLACE(a_smaller_size_needs_a_yes),
        IN_PLACE(a_size_that_cannot_be_is_refused_before_the_question),
        IN_PLACE(erase_destroys_the_keys_and_prints_the_record),
        IN_PLACE(erase_without_keys_leaves_them_alone_and_says_so),
        IN_PLACE(erase_refuses_before_it_begins),
        IN_PLACE(erase_does_not_touch_keys_that_it_cannot_compare),
        IN_PLACE(erase_ends_what_was_cut_short_with_the_same_keys),
        IN_PLACE(a_record_proves_no_destruction),
        IN_PLACE(erase_tells_what_a_wrong_key_can_mean),
        IN_PLACE(restore_asks_and_passes_on_what_older_means),
        IN_PLACE(a_backup_that_exists_is_what_is_told_about),
    };
    return cmocka_run_group_tests_name("volume_changes", tests, NULL, NULL);
}
