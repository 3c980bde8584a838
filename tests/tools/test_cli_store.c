/* SPDX-License-Identifier: Apache-2.0 */
/* As root, the tests take the effective user id of nobody, because root has rules of its own. */
#include "tests/support/test.h"
#include "tests/tools/cli_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    NOBODY = 65534
};

static char directory[] = "/tmp/test_cli_store.XXXXXX";
static bool was_root;

/* In the place of libc's: keeps what was made durable, and fails when told to. */
static ino_t synced[16];
static size_t num_synced;
static bool sync_fails;

int fsync(int fd)
{
    struct stat status;
    if (sync_fails) {
        errno = EIO;
        return -1;
    }
    if (num_synced < ARRAY_LEN(synced) && fstat(fd, &status) == 0)
        synced[num_synced++] = status.st_ino;
    return (int)syscall(SYS_fsync, fd);
}

static bool is_synced(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    for (size_t i = 0; i < num_synced; i++) {
        if (synced[i] == status.st_ino)
            return true;
    }
    return false;
}

static int set_up(void **state)
{
    (void)state;
    was_root = geteuid() == 0;
    if (!mkdtemp(directory))
        return -1;
    if (!was_root)
        return 0;
    return chown(directory, NOBODY, (gid_t)-1) || seteuid(NOBODY) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    return (was_root && seteuid(0)) || rmdir(directory) ? -1 : 0;
}

static int clear_environment(void **state)
{
    (void)state;
    (void)umask(022);
    return unsetenv("STRONGROOM_STORE") || unsetenv("XDG_STATE_HOME") ||
           setenv("HOME", directory, 1);
}

static const char *below(const char *name)
{
    static char path[200];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void assert_store(const struct caught *caught, const char *path, bool is_explicit,
                         bool exists)
{
    char line[300];
    (void)snprintf(line, sizeof(line), "%s explicit=%d exists=%d\n", path, is_explicit, exists);
    assert_string_equal(caught->err, "");
    assert_string_equal(caught->out, line);
    assert_int_equal(caught->status, 0);
}

static void assert_refused(const struct caught *caught, const char *path, const char *why)
{
    char line[500];
    (void)snprintf(line, sizeof(line), "demo: %s: %s\n", path, why);
    assert_string_equal(caught->err, line);
    assert_int_equal(caught->status, 1);
}

static mode_t mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

/* P1, P2. */
static void the_place_is_found_in_the_documented_order(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught home = RUN("store");
    assert_store(&home, below(".local/state/strongroom"), false, false);
    assert_int_equal(setenv("XDG_STATE_HOME", below("xdg"), 1), 0);
    CLEANUP_CAUGHT struct caught xdg = RUN("store");
    assert_store(&xdg, below("xdg/strongroom"), false, false);
    assert_int_equal(mkdir(below("env"), 0700), 0);
    assert_int_equal(setenv("STRONGROOM_STORE", below("env"), 1), 0);
    CLEANUP_CAUGHT struct caught named = RUN("store");
    assert_store(&named, below("env"), true, true);
    assert_int_equal(mkdir(below("opt"), 0700), 0);
    CLEANUP_CAUGHT struct caught option = RUN("store", "--store", below("opt"));
    assert_store(&option, below("opt"), true, true);
    assert_int_equal(rmdir(below("opt")), 0);
    assert_int_equal(rmdir(below("env")), 0);
}

static void relative_places_of_the_environment_are_ignored(void **state)
{
    (void)state;
    assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0);
    CLEANUP_CAUGHT struct caught xdg = RUN("store");
    assert_store(&xdg, below(".local/state/strongroom"), false, false);
    assert_int_equal(setenv("XDG_STATE_HOME", "", 1), 0);
    assert_int_equal(setenv("STRONGROOM_STORE", "", 1), 0);
    CLEANUP_CAUGHT struct caught empty = RUN("store");
    assert_store(&empty, below(".local/state/strongroom"), false, false);
    assert_int_equal(setenv("HOME", "relative", 1), 0);
    CLEANUP_CAUGHT struct caught home = RUN("store");
    assert_refused(&home, "store",
                   "there is no home directory to keep it in: name a place with --store DIR");
}

static void root_has_a_place_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(seteuid(0), 0);
    CLEANUP_CAUGHT struct caught caught = RUN("store");
    int error = seteuid(NOBODY);
    assert_int_equal(error, 0);
    assert_non_null(strstr(caught.out, "/var/lib/strongroom explicit=0"));
}

/* P2. */
static void a_named_store_must_be_there_for_a_reader(void **state)
{
    (void)state;
    const char *path = below("none");
    CLEANUP_CAUGHT struct caught option = RUN("store", "--store", path);
    assert_refused(&option, path, "there is no store here");
    assert_int_equal(setenv("STRONGROOM_STORE", path, 1), 0);
    CLEANUP_CAUGHT struct caught named = RUN("store");
    assert_refused(&named, path, "there is no store here");
}

/* P3. */
static void a_default_store_is_made_with_its_parents(void **state)
{
    (void)state;
    num_synced = 0;
    CLEANUP_CAUGHT struct caught caught = RUN("store", "--create");
    assert_store(&caught, below(".local/state/strongroom"), false, true);
    assert_true(is_synced(directory));
    assert_true(is_synced(below(".local")));
    assert_true(is_synced(below(".local/state")));
    assert_int_equal(mode_of(below(".local")), 0700);
    assert_int_equal(mode_of(below(".local/state/strongroom")), 0700);
    /* Whoever made it may have been killed before it was durable. */
    num_synced = 0;
    CLEANUP_CAUGHT struct caught again = RUN("store", "--create");
    assert_store(&again, below(".local/state/strongroom"), false, true);
    assert_true(is_synced(directory));
    assert_true(is_synced(below(".local")));
    assert_true(is_synced(below(".local/state")));
    num_synced = 0;
    CLEANUP_CAUGHT struct caught read = RUN("store");
    assert_store(&read, below(".local/state/strongroom"), false, true);
    assert_int_equal(num_synced, 0);
    assert_int_equal(rmdir(below(".local/state/strongroom")), 0);
    assert_int_equal(rmdir(below(".local/state")), 0);
    assert_int_equal(rmdir(below(".local")), 0);
}

static void a_named_store_is_made_without_its_parents(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught made = RUN("store", "--create", "--store", below("made//"));
    assert_int_equal(made.status, 0);
    assert_int_equal(mode_of(below("made")), 0700);
    assert_int_equal(rmdir(below("made")), 0);
    sync_fails = true;
    CLEANUP_CAUGHT struct caught lost = RUN("store", "--create", "--store", below("lost"));
    sync_fails = false;
    assert_refused(&lost, below("lost"), "Input/output error");
    assert_int_equal(rmdir(below("lost")), 0);
    CLEANUP_CAUGHT struct caught deep = RUN("store", "--create", "--store", below("a/b"));
    assert_refused(&deep, below("a/b"), "cannot be created: No such file or directory");
    assert_int_equal(access(below("a"), F_OK), -1);
    assert_int_equal(chdir(directory), 0);
    CLEANUP_CAUGHT struct caught relative = RUN("store", "--create", "--store", "rel");
    assert_store(&relative, "rel", true, true);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(below("rel")), 0);
}

/* P3. */
static void a_named_store_that_is_there_is_made_durable(void **state)
{
    (void)state;
    const char *path = below("there");
    assert_int_equal(mkdir(path, 0700), 0);
    num_synced = 0;
    CLEANUP_CAUGHT struct caught caught = RUN("store", "--create", "--store", path);
    assert_store(&caught, path, true, true);
    assert_true(is_synced(directory));
    sync_fails = true;
    CLEANUP_CAUGHT struct caught lost = RUN("store", "--create", "--store", path);
    sync_fails = false;
    assert_refused(&lost, path, "Input/output error");
    assert_int_equal(rmdir(path), 0);
}

/* /home may be like that: what is in it can be reached by name only. */
static void a_parent_that_may_not_be_read_is_no_obstacle(void **state)
{
    (void)state;
    char parent[200];
    char path[220];
    (void)snprintf(parent, sizeof(parent), "%s", below("closed"));
    (void)snprintf(path, sizeof(path), "%s/store", parent);
    assert_int_equal(mkdir(parent, 0700), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(parent, 0300), 0);
    CLEANUP_CAUGHT struct caught caught = RUN("store", "--create", "--store", path);
    assert_store(&caught, path, true, true);
    assert_int_equal(rmdir(path), 0);
    CLEANUP_CAUGHT struct caught fresh = RUN("store", "--create", "--store", path);
    assert_refused(&fresh, path, "Permission denied");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(parent), 0);
}

/* P2 is for readers. */
static void a_link_to_nowhere_is_not_taken_for_a_store(void **state)
{
    (void)state;
    const char *path = below("strongroom");
    assert_int_equal(symlink("nowhere", path), 0);
    assert_int_equal(setenv("XDG_STATE_HOME", directory, 1), 0);
    CLEANUP_CAUGHT struct caught caught = RUN("store", "--create");
    assert_refused(&caught, path, "there is no store here");
    assert_int_equal(unlink(path), 0);
}

/* P4: hard links in it could lead to any file. */
static void root_reads_the_store_of_another_and_does_not_write_there(void **state)
{
    (void)state;
    const char *path = below("foreign");
    char why[200];
    (void)snprintf(why, sizeof(why),
                   "belongs to user %u, and root only reads such a store: run as that user, or "
                   "name another place with --store DIR",
                   (unsigned)NOBODY);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(seteuid(0), 0);
    struct caught read = RUN("store", "--store", path);
    struct caught write = RUN("store", "--create", "--store", path);
    int error = seteuid(NOBODY);
    assert_int_equal(error, 0);
    assert_store(&read, path, true, true);
    assert_refused(&write, path, why);
    caught_free(&read);
    caught_free(&write);
    assert_int_equal(rmdir(path), 0);
}

/* P4. */
static void a_store_that_cannot_be_trusted_is_refused(void **state)
{
    (void)state;
    const char *path = below("lax");
    static const mode_t lax[] = {0720, 0702, 0777, 01777, 0770};
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < ARRAY_LEN(lax); i++) {
        char why[100];
        (void)snprintf(why, sizeof(why), "others may write to it (mode %04o): use chmod 700",
                       (unsigned)lax[i]);
        assert_int_equal(chmod(path, lax[i]), 0);
        CLEANUP_CAUGHT struct caught caught = RUN("store", "--store", path);
        assert_refused(&caught, path, why);
        CLEANUP_CAUGHT struct caught create = RUN("store", "--create", "--store", path);
        assert_refused(&create, path, why);
    }
    assert_int_equal(chmod(path, 0755), 0);
    CLEANUP_CAUGHT struct caught readable = RUN("store", "--store", path);
    assert_store(&readable, path, true, true);
    assert_int_equal(rmdir(path), 0);

    CLEANUP_CAUGHT struct caught foreign = RUN("store", "--store", "/usr");
    assert_refused(&foreign, "/usr",
                   "belongs to user 0: run as that user, or name another place with --store DIR");
    CLEANUP_CAUGHT struct caught file = RUN("store", "--store", "/etc/passwd");
    assert_refused(&file, "/etc/passwd", "is not a directory");
    CLEANUP_CAUGHT struct caught create = RUN("store", "--create", "--store", "/etc/passwd");
    assert_refused(&create, "/etc/passwd", "is not a directory");
}

static void a_path_without_end_is_refused(void **state)
{
    (void)state;
    char path[5000];
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    CLEANUP_CAUGHT struct caught caught = RUN("store", "--store", path);
    assert_refused(&caught, "store", "the path is too long");
}

int main(int argc, char **argv)
{
    (void)argv;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_place_is_found_in_the_documented_order, clear_environment),
        cmocka_unit_test_setup(relative_places_of_the_environment_are_ignored, clear_environment),
        cmocka_unit_test_setup(a_named_store_must_be_there_for_a_reader, clear_environment),
        cmocka_unit_test_setup(a_default_store_is_made_with_its_parents, clear_environment),
        cmocka_unit_test_setup(a_named_store_is_made_without_its_parents, clear_environment),
        cmocka_unit_test_setup(a_named_store_that_is_there_is_made_durable, clear_environment),
        cmocka_unit_test_setup(a_parent_that_may_not_be_read_is_no_obstacle, clear_environment),
        cmocka_unit_test_setup(a_link_to_nowhere_is_not_taken_for_a_store, clear_environment),
        cmocka_unit_test_setup(a_store_that_cannot_be_trusted_is_refused, clear_environment),
        cmocka_unit_test_setup(a_path_without_end_is_refused, clear_environment),
    };
    const struct CMUnitTest root_tests[] = {
        cmocka_unit_test_setup(root_has_a_place_of_its_own, clear_environment),
        cmocka_unit_test_setup(root_reads_the_store_of_another_and_does_not_write_there,
                               clear_environment),
    };
    if (argc > 1)
        return RUN_AS_ROOT("cli_store_root", root_tests, set_up, tear_down);
    return cmocka_run_group_tests_name("cli_store", tests, set_up, tear_down);
}
