/* SPDX-License-Identifier: Apache-2.0 */
/* Names of sockets: N1 to N5 of tools/control/socket.h. */
#include "tests/control/support.h"
#include "tests/support/test.h"
#include "tools/control/socket.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, control_fixture_setup, control_fixture_teardown)

static int listen_at(struct control_listener *out, const char *path)
{
    char why[CONTROL_WHY_SIZE] = "";
    int error = control_listen(out, path, why, sizeof(why));
    assert_int_equal(error != 0, why[0] != '\0');
    assert_int_equal(error != 0, out->fd < 0);
    return error;
}

static bool is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

struct watch {
    const char *path;
    atomic_bool is_over;
    atomic_int num_seen;
    atomic_int num_open; /* to others */
};

static void *watch_mode(void *context)
{
    struct watch *watch = context;
    while (!atomic_load(&watch->is_over)) {
        struct stat status;
        if (lstat(watch->path, &status))
            continue;
        atomic_fetch_add(&watch->num_seen, 1);
        if (status.st_mode & (S_IRWXG | S_IRWXO | S_IXUSR))
            atomic_fetch_add(&watch->num_open, 1);
    }
    return NULL;
}

static void is_private_from_the_first_moment(void **state)
{
    struct control_fixture *fixture = *state;
    struct watch watch = {.path = fixture->path};
    mode_t before = umask(0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, watch_mode, &watch), 0);
    int num_failed = 0;
    for (int i = 0; i < 2000 || (atomic_load(&watch.num_seen) < 100 && i < 200000); i++) {
        struct control_listener listener;
        char why[CONTROL_WHY_SIZE];
        num_failed += control_listen(&listener, fixture->path, why, sizeof(why)) != 0;
        control_listener_close(&listener);
    }
    atomic_store(&watch.is_over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)umask(before);
    assert_int_equal(num_failed, 0);
    assert_true(atomic_load(&watch.num_seen) >= 100);
    assert_int_equal(atomic_load(&watch.num_open), 0);
}

static void has_mode_0600(void **state)
{
    struct control_fixture *fixture = *state;
    struct control_listener listener;
    struct stat status;
    mode_t before = umask(0);
    int error = listen_at(&listener, fixture->path);
    (void)umask(before);
    assert_int_equal(error, 0);
    assert_int_equal(lstat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode, S_IFSOCK | S_IRUSR | S_IWUSR);
    control_listener_close(&listener);
    assert_false(is_there(fixture->path));
}

static void replaces_what_a_killed_server_left(void **state)
{
    struct control_fixture *fixture = *state;
    struct control_listener listener;
    (void)raw_listen(fixture->path, -1);
    assert_true(is_there(fixture->path));
    assert_int_equal(listen_at(&listener, fixture->path), 0);
    (void)close(raw_connect(fixture->path));
    control_listener_close(&listener);
}

static void leaves_a_server_that_listens(void **state)
{
    struct control_fixture *fixture = *state;
    struct control_listener listener;
    int fd = raw_listen(fixture->path, 4);
    assert_int_equal(listen_at(&listener, fixture->path), COMMON_ERR_BUSY);
    (void)close(raw_connect(fixture->path));
    (void)close(fd);
}

static void a_server_with_a_full_backlog_listens(void **state)
{
    struct control_fixture *fixture = *state;
    struct control_listener listener;
    int fd = raw_listen(fixture->path, 0);
    int client = raw_connect(fixture->path); /* all that fits */
    assert_int_equal(listen_at(&listener, fixture->path), COMMON_ERR_BUSY);
    assert_true(is_there(fixture->path));
    (void)close(client);
    (void)close(fd);
}

static void leaves_what_is_no_socket(void **state)
{
    struct control_fixture *fixture = *state;
    struct control_listener listener;
    file_write(fixture->path, "mine", 4);
    assert_int_equal(listen_at(&listener, fixture->path), COMMON_ERR_EXISTS);
    uint8_t *data = NULL;
    size_t len = 0;
    file_read(&data, &len, fixture->path);
    assert_int_equal(len, 4);
    assert_memory_equal(data, "mine", 4);
    free(data);
    assert_int_equal(unlink(fixture->path), 0);

    assert_int_equal(mkfifo(fixture->path, 0600), 0);
    assert_int_equal(listen_at(&listener, fixture->path), COMMON_ERR_EXISTS);
    assert_int_equal(unlink(fixture->path), 0);

    assert_int_equal(mkdir(fixture->path, 0700), 0);
    assert_int_equal(listen_at(&listener, fixture->path), COMMON_ERR_EXISTS);
    assert_int_equal(rmdir(fixture->path), 0);
}

static void does_not_follow_a_symbolic_link(void **state)
{
    struct control_fixture *fixture = *state;
    struct control_listener listener;
    char target[PATH_MAX];
    char link[PATH_MAX];
    tmpdir_path(target, &fixture->dir, "target");
    tmpdir_path(link, &fixture->dir, "link");
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(listen_at(&listener, link), COMMON_ERR_EXISTS); /* it leads to nothing */
    assert_false(is_there(target));
    (void)raw_listen(target, -1);
    assert_int_equal(listen_at(&listener, link), COMMON_ERR_EXISTS); /* to a stale socket */
    assert_true(is_there(target));
    assert_int_equal(unlink(target), 0);
    int fd = raw_listen(target, 4);
    int client = -1;
    assert_int_equal(control_connect(&client, link, control_now_ns() + 1000000000),
                     COMMON_ERR_NOT_FOUND);
    assert_int_equal(client, -1);
    (void)close(fd);
}

static void removes_only_what_it_made(void **state)
{
    struct control_fixture *fixture = *state;
    struct control_listener listener;
    assert_int_equal(listen_at(&listener, fixture->path), 0);
    assert_int_equal(unlink(fixture->path), 0);
    int fd = raw_listen(fixture->path, 4); /* somebody else's by now */
    control_listener_close(&listener);
    assert_true(is_there(fixture->path));
    (void)close(fd);
}

/* The number of the inode would be free by then, and be given to the other's socket. */
static void a_name_is_known_also_when_the_socket_is_gone(void **state)
{
    struct control_fixture *fixture = *state;
    struct control_listener listener;
    assert_int_equal(listen_at(&listener, fixture->path), 0);
    assert_int_equal(close(COMMON_TAKE_FD(listener.fd)), 0);
    assert_int_equal(unlink(fixture->path), 0);
    int fd = raw_listen(fixture->path, 4);
    control_listener_close(&listener);
    assert_true(is_there(fixture->path));
    (void)close(fd);
    assert_int_equal(unlink(fixture->path), 0);

    assert_int_equal(listen_at(&listener, fixture->path), 0);
    assert_int_equal(close(COMMON_TAKE_FD(listener.fd)), 0);
    control_listener_close(&listener);
    assert_false(is_there(fixture->path));
    control_listener_close(&listener); /* once more does nothing */
}

static void a_path_may_be_longer_than_an_address(void **state)
{
    struct control_fixture *fixture = *state;
    struct control_listener listener;
    char path[PATH_MAX];
    char folder[PATH_MAX / 2];
    int len = snprintf(folder, sizeof(folder), "%s", fixture->dir.path);
    for (int i = 0; i < 4; i++) {
        len += snprintf(folder + len, sizeof(folder) - (size_t)len, "/%050d", i);
        assert_int_equal(mkdir(folder, 0700), 0);
    }
    assert_true(snprintf(path, sizeof(path), "%s/s", folder) < (int)sizeof(path));
    assert_int_equal(listen_at(&listener, path), 0);
    assert_true(is_there(path));
    int client = -1;
    assert_int_equal(control_connect(&client, path, control_now_ns() + 1000000000), 0);
    (void)close(client);
    control_listener_close(&listener);
    assert_false(is_there(path));

    assert_true(snprintf(path, sizeof(path), "%s/%0200d", folder, 0) < (int)sizeof(path));
    assert_int_equal(listen_at(&listener, path), COMMON_ERR_LIMIT);
    assert_false(is_there(path));
}

static void a_path_may_be_relative(void **state)
{
    struct control_fixture *fixture = *state;
    struct control_listener listener;
    int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(here >= 0);
    assert_int_equal(chdir(fixture->dir.path), 0);
    int error = listen_at(&listener, "volume.control");
    assert_int_equal(fchdir(here), 0);
    (void)close(here);
    assert_int_equal(error, 0);
    assert_true(is_there(fixture->path));
    control_listener_close(&listener);
    assert_false(is_there(fixture->path));
}

static void says_what_is_wrong_with_the_path(void **state)
{
    struct control_fixture *fixture = *state;
    struct control_listener listener;
    char path[PATH_MAX];
    tmpdir_path(path, &fixture->dir, "none/socket");
    assert_int_equal(listen_at(&listener, path), COMMON_ERR_NOT_FOUND);
    tmpdir_path(path, &fixture->dir, "");
    assert_int_equal(listen_at(&listener, path), COMMON_ERR_INVALID);
}

struct race {
    const char *path;
    pthread_barrier_t *barrier;
    struct control_listener listener;
    int error;
};

static void *take_part(void *context)
{
    struct race *race = context;
    char why[CONTROL_WHY_SIZE];
    (void)pthread_barrier_wait(race->barrier);
    race->error = control_listen(&race->listener, race->path, why, sizeof(why));
    return NULL;
}

static void one_of_many_gets_the_name(void **state)
{
    enum {
        NUM = 6
    };
    struct control_fixture *fixture = *state;
    for (int round = 0; round < 100; round++) {
        (void)raw_listen(fixture->path, -1);
        pthread_barrier_t barrier;
        pthread_t threads[NUM];
        struct race races[NUM];
        assert_int_equal(pthread_barrier_init(&barrier, NULL, NUM), 0);
        for (int i = 0; i < NUM; i++) {
            races[i] = (struct race){.path = fixture->path, .barrier = &barrier};
            assert_int_equal(pthread_create(&threads[i], NULL, take_part, &races[i]), 0);
        }
        int num_got = 0;
        for (int i = 0; i < NUM; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            assert_true(races[i].error == 0 || races[i].error == COMMON_ERR_BUSY);
            num_got += races[i].error == 0;
        }
        assert_int_equal(num_got, 1);
        (void)close(raw_connect(fixture->path)); /* the winner's is the one that has the name */
        for (int i = 0; i < NUM; i++)
            control_listener_close(&races[i].listener);
        assert_false(is_there(fixture->path));
        (void)pthread_barrier_destroy(&barrier);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(has_mode_0600),
        TEST(is_private_from_the_first_moment),
        TEST(replaces_what_a_killed_server_left),
        TEST(leaves_a_server_that_listens),
        TEST(a_server_with_a_full_backlog_listens),
        TEST(leaves_what_is_no_socket),
        TEST(does_not_follow_a_symbolic_link),
        TEST(removes_only_what_it_made),
        TEST(a_name_is_known_also_when_the_socket_is_gone),
        TEST(a_path_may_be_longer_than_an_address),
        TEST(a_path_may_be_relative),
        TEST(says_what_is_wrong_with_the_path),
        TEST(one_of_many_gets_the_name),
    };
    return cmocka_run_group_tests_name("control_socket", tests, NULL, NULL);
}
