/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/cleanup.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

/* One probe a name: true when the call worked. The files that they need lie in the directory that
 * the group setup made current. */
struct probe {
    const char *name;
    unsigned class;
    bool (*run)(void);
};

static int data_fd = -1;
static int sockets[2] = {-1, -1};
static char bytes[4096];

/* Compilers drop an allocation that is freed at once; this one could be looked at. */
static void *volatile last_block;

static bool took(void *block)
{
    last_block = block;
    bool is_block = block != NULL;
    free(block);
    return is_block;
}

static bool closed(int fd)
{
    return fd >= 0 && close(fd) == 0;
}

#define PROBE(name, expression)                                                                    \
    static bool name(void)                                                                         \
    {                                                                                              \
        return (expression);                                                                       \
    }

/* Sizes that the compiler cannot know, so that it can neither drop nor fold the call. */
static volatile size_t some = 100;

PROBE(probe_malloc, took(malloc(some)))
PROBE(probe_calloc, took(calloc(some, 1)))
PROBE(probe_realloc, took(realloc(NULL, some)))
PROBE(probe_reallocarray, took(reallocarray(NULL, some, 2)))
PROBE(probe_aligned_alloc, took(aligned_alloc(64, some * 64)))
PROBE(probe_strdup, took(strdup(some ? "text" : "")))
PROBE(probe_strndup, took(strndup("text", some)))
PROBE(probe_open, closed(open("data", O_RDONLY | O_CLOEXEC)))
PROBE(probe_openat, closed(openat(AT_FDCWD, "data", O_RDONLY | O_CLOEXEC)))
PROBE(probe_creat, closed(open("made", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)))
PROBE(probe_read, read(data_fd, bytes, some) == (ssize_t)some)
PROBE(probe_pread, pread(data_fd, bytes, some, 0) == (ssize_t)some)
PROBE(probe_write, write(data_fd, bytes, some) == (ssize_t)some)
PROBE(probe_pwrite, pwrite(data_fd, bytes, some, 0) == (ssize_t)some)
PROBE(probe_writev, writev(data_fd, &(struct iovec){bytes, some}, 1) == (ssize_t)some)
PROBE(probe_pwritev, pwritev(data_fd, &(struct iovec){bytes, some}, 1, 0) == (ssize_t)some)
PROBE(probe_pwritev2, pwritev2(data_fd, &(struct iovec){bytes, some}, 1, 0, 0) == (ssize_t)some)
PROBE(probe_readv, readv(data_fd, &(struct iovec){bytes, some}, 1) >= 0)
PROBE(probe_preadv, preadv(data_fd, &(struct iovec){bytes, some}, 1, 0) == (ssize_t)some)
PROBE(probe_fsync, fsync(data_fd) == 0)
PROBE(probe_fdatasync, fdatasync(data_fd) == 0)
PROBE(probe_sync_file_range, sync_file_range(data_fd, 0, 0, SYNC_FILE_RANGE_WRITE) == 0)
PROBE(probe_syncfs, syncfs(data_fd) == 0)
PROBE(probe_ftruncate, ftruncate(data_fd, 8192) == 0)
PROBE(probe_truncate, truncate("data", 8192) == 0)
PROBE(probe_fallocate, fallocate(data_fd, 0, 0, 8192) == 0)
PROBE(probe_posix_fallocate, posix_fallocate(data_fd, 0, 8192) == 0)
PROBE(probe_rename, rename("data", "other") == 0 && rename("other", "data") == 0)
PROBE(probe_renameat, renameat(AT_FDCWD, "data", AT_FDCWD, "data") == 0)
PROBE(probe_renameat2, renameat2(AT_FDCWD, "data", AT_FDCWD, "data", 0) == 0)
PROBE(probe_link, link("data", "second") == 0 && unlink("second") == 0)
PROBE(probe_unlink, unlinkat(AT_FDCWD, "second", 0) == 0 || errno == ENOENT)
PROBE(probe_symlink, symlink("data", "soft") == 0 && remove("soft") == 0)
PROBE(probe_mkdir, mkdir("dir", 0700) == 0 && rmdir("dir") == 0)
PROBE(probe_mkdirat, mkdirat(AT_FDCWD, "dir", 0700) == 0 && remove("dir") == 0)
PROBE(probe_flock, flock(data_fd, LOCK_SH) == 0)
PROBE(probe_getrandom, getrandom(bytes, some, 0) == (ssize_t)some)
PROBE(probe_getentropy, getentropy(bytes, some) == 0)
PROBE(probe_mprotect, mprotect(NULL, 0, PROT_READ) == 0)
PROBE(probe_madvise, madvise(NULL, 0, MADV_NORMAL) == 0)
PROBE(probe_mlock, mlock(bytes, 0) == 0)
PROBE(probe_socket, closed(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)))
PROBE(probe_send, send(sockets[0], bytes, some, 0) == (ssize_t)some)
PROBE(probe_sendto, sendto(sockets[0], bytes, some, 0, NULL, 0) == (ssize_t)some)
PROBE(probe_recv, recv(sockets[1], bytes, some, 0) == (ssize_t)some)
PROBE(probe_recvfrom, recvfrom(sockets[1], bytes, some, 0, NULL, NULL) == (ssize_t)some)

static bool probe_posix_memalign(void)
{
    void *block = NULL;
    int error = posix_memalign(&block, 64, some);
    if (error)
        errno = error;
    return took(block);
}

static bool probe_mmap(void)
{
    void *mapped = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mapped != MAP_FAILED && munmap(mapped, 4096) == 0;
}

static bool probe_mkstemp(void)
{
    char name[] = "tempXXXXXX";
    return closed(mkostemp(name, O_CLOEXEC)) && unlink(name) == 0;
}

static bool probe_fopen(void)
{
    FILE *file = fopen("data", "re");
    return file && fclose(file) == 0;
}

static bool probe_fcntl_lock(void)
{
    return fcntl(data_fd, F_SETLK, &(struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET}) == 0;
}

static bool probe_sendmsg(void)
{
    struct msghdr message = {.msg_iov = &(struct iovec){bytes, some}, .msg_iovlen = 1};
    return sendmsg(sockets[0], &message, 0) == (ssize_t)some;
}

static bool probe_recvmsg(void)
{
    struct msghdr message = {.msg_iov = &(struct iovec){bytes, some}, .msg_iovlen = 1};
    return recvmsg(sockets[1], &message, 0) == (ssize_t)some;
}

static void *returns_its_argument(void *argument)
{
    return argument;
}

static bool probe_thread(void)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, returns_its_argument, NULL);
    if (error)
        errno = error;
    return !error && pthread_join(thread, NULL) == 0;
}

/* The receiving ones find what the sending ones before them left in the socket. */
static const struct probe probes[] = {
    {"malloc", FAULT_MALLOC, probe_malloc},
    {"calloc", FAULT_MALLOC, probe_calloc},
    {"realloc", FAULT_MALLOC, probe_realloc},
    {"reallocarray", FAULT_MALLOC, probe_reallocarray},
    {"aligned_alloc", FAULT_MALLOC, probe_aligned_alloc},
    {"posix_memalign", FAULT_MALLOC, probe_posix_memalign},
    {"strdup", FAULT_MALLOC, probe_strdup},
    {"strndup", FAULT_MALLOC, probe_strndup},
    {"open", FAULT_OPEN, probe_open},
    {"openat", FAULT_OPEN, probe_openat},
    {"creat", FAULT_OPEN, probe_creat},
    {"mkostemp", FAULT_OPEN, probe_mkstemp},
    {"fopen", FAULT_OPEN, probe_fopen},
    {"write", FAULT_WRITE, probe_write},
    {"pwrite", FAULT_WRITE, probe_pwrite},
    {"writev", FAULT_WRITE, probe_writev},
    {"pwritev", FAULT_WRITE, probe_pwritev},
    {"pwritev2", FAULT_WRITE, probe_pwritev2},
    {"ftruncate", FAULT_METADATA, probe_ftruncate},
    {"truncate", FAULT_METADATA, probe_truncate},
    {"fallocate", FAULT_METADATA, probe_fallocate},
    {"posix_fallocate", FAULT_METADATA, probe_posix_fallocate},
    {"read", FAULT_READ, probe_read},
    {"pread", FAULT_READ, probe_pread},
    {"readv", FAULT_READ, probe_readv},
    {"preadv", FAULT_READ, probe_preadv},
    {"fsync", FAULT_SYNC, probe_fsync},
    {"fdatasync", FAULT_SYNC, probe_fdatasync},
    {"sync_file_range", FAULT_SYNC, probe_sync_file_range},
    {"syncfs", FAULT_SYNC, probe_syncfs},
    {"rename", FAULT_METADATA, probe_rename},
    {"renameat", FAULT_METADATA, probe_renameat},
    {"renameat2", FAULT_METADATA, probe_renameat2},
    {"link", FAULT_METADATA, probe_link},
    {"unlink", FAULT_METADATA, probe_unlink},
    {"symlink", FAULT_METADATA, probe_symlink},
    {"mkdir", FAULT_METADATA, probe_mkdir},
    {"mkdirat", FAULT_METADATA, probe_mkdirat},
    {"flock", FAULT_FLOCK, probe_flock},
    {"fcntl", FAULT_FLOCK, probe_fcntl_lock},
    {"getrandom", FAULT_RANDOM, probe_getrandom},
    {"getentropy", FAULT_RANDOM, probe_getentropy},
    {"mmap", FAULT_MMAP, probe_mmap},
    {"mprotect", FAULT_MMAP, probe_mprotect},
    {"madvise", FAULT_MMAP, probe_madvise},
    {"mlock", FAULT_MLOCK, probe_mlock},
    {"pthread_create", FAULT_THREAD, probe_thread},
    {"socket", FAULT_SOCKET, probe_socket},
    {"send", FAULT_SEND, probe_send},
    {"sendto", FAULT_SEND, probe_sendto},
    {"sendmsg", FAULT_SEND, probe_sendmsg},
    {"recv", FAULT_RECEIVE, probe_recv},
    {"recvfrom", FAULT_RECEIVE, probe_recvfrom},
    {"recvmsg", FAULT_RECEIVE, probe_recvmsg},
};

static int make_files(void **state)
{
    if (tmpdir_setup(state) != 0 || chdir(((struct tmpdir *)*state)->path) != 0)
        return -1;
    data_fd = open("data", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return data_fd < 0 ? -1 : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets);
}

static int remove_files(void **state)
{
    (void)close(data_fd);
    (void)close(sockets[0]);
    (void)close(sockets[1]);
    return chdir("/") == 0 ? tmpdir_teardown(state) : -1;
}

static void every_call_of_the_list_can_be_made_to_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
        if (!probes[i].run())
            fail_msg("%s: does not work undisturbed: %s", probes[i].name, strerror(errno));
        fault_arm(probes[i].class, 1, EXDEV);
        bool worked = probes[i].run();
        int error = errno;
        struct fault_report report = fault_disarm();
        bool is_null_result = probes[i].class == FAULT_MALLOC;
        if (worked || !report.fired || report.fired_classes != probes[i].class ||
            (!is_null_result && error != EXDEV))
            fail_msg("%s: was not failed", probes[i].name);
    }
}

static void a_call_of_another_class_is_left_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
        unsigned others = ~probes[i].class;
        others &= ~(unsigned)(FAULT_MALLOC | FAULT_MMAP); /* fopen allocates */
        if (probes[i].run == probe_mkstemp)
            others &= ~(unsigned)FAULT_METADATA; /* unlinks what it made */
        fault_arm_plan(
            &(struct fault_plan){.classes = others, .nth = 1, .error = EIO, .mode = FAULT_ONCE});
        bool worked = probes[i].run();
        struct fault_report report = fault_disarm();
        if (!worked || report.fired)
            fail_msg("%s: was failed as another class", probes[i].name);
    }
}

static void only_the_nth_call_fails(void **state)
{
    (void)state;
    fault_arm(FAULT_SYNC, 3, EIO);
    for (int i = 1; i <= 6; i++)
        assert_int_equal(fsync(data_fd), i == 3 ? -1 : 0);
    struct fault_report report = fault_disarm();
    assert_true(report.fired);
    assert_int_equal(report.seen, 6);
    assert_int_equal(fsync(data_fd), 0);
}

static void a_full_disk_stays_full(void **state)
{
    (void)state;
    fault_arm_plan(&(struct fault_plan){
        .classes = FAULT_WRITE, .nth = 2, .error = ENOSPC, .mode = FAULT_FROM_THEN_ON});
    for (int i = 1; i <= 4; i++)
        assert_int_equal(pwrite(data_fd, "x", 1, 0), i < 2 ? 1 : -1);
    assert_true(fault_disarm().fired);
    assert_int_equal(pwrite(data_fd, "x", 1, 0), 1);
}

static void a_short_write_moves_half_of_the_bytes(void **state)
{
    (void)state;
    assert_int_equal(pwrite(data_fd, "........", 8, 0), 8);
    fault_arm_plan(&(struct fault_plan){.classes = FAULT_WRITE, .nth = 1, .mode = FAULT_SHORT});
    assert_int_equal(pwrite(data_fd, "x", 1, 100), 1); /* cannot be halved, does not count */
    assert_int_equal(pwrite(data_fd, "12345678", 8, 0), 4);
    assert_int_equal(pwrite(data_fd, "5678", 3, 4), 3);
    assert_int_equal(fault_disarm().seen, 2);
    char back[8];
    assert_int_equal(pread(data_fd, back, sizeof(back), 0), 8);
    assert_memory_equal(back, "1234567.", 8);
}

static void a_short_vector_ends_inside_a_piece(void **state)
{
    (void)state;
    struct iovec pieces[] = {{bytes, 3}, {bytes + 100, 4}, {bytes + 200, 5}};
    memset(bytes, 'a', 100);
    memset(bytes + 100, 'b', 100);
    assert_int_equal(pwrite(data_fd, "............", 12, 0), 12);
    fault_arm_plan(&(struct fault_plan){.classes = FAULT_WRITE, .nth = 1, .mode = FAULT_SHORT});
    assert_int_equal(pwritev(data_fd, pieces, 3, 0), 6);
    assert_true(fault_disarm().fired);
    char back[12];
    assert_int_equal(pread(data_fd, back, sizeof(back), 0), 12);
    assert_memory_equal(back, "aaabbb......", 12);
}

static void after_a_short_write_the_next_fails(void **state)
{
    (void)state;
    fault_arm_plan(&(struct fault_plan){
        .classes = FAULT_WRITE, .nth = 1, .error = ENOSPC, .mode = FAULT_SHORT_THEN_FAIL});
    assert_int_equal(pwrite(data_fd, "12", 2, 0), 1);
    assert_int_equal(pwrite(data_fd, "2", 1, 1), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(pwrite(data_fd, "2", 1, 1), -1);
    (void)fault_disarm();
}

static void *syncs_ten_times(void *failed)
{
    for (int i = 0; i < 10; i++)
        if (fsync(data_fd) != 0)
            (void)atomic_fetch_add((atomic_int *)failed, 1);
    return NULL;
}

static unsigned failures_in_four_threads(const struct fault_plan *plan)
{
    pthread_t threads[4];
    atomic_int failed = 0;
    fault_arm_plan(plan);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, syncs_ten_times, &failed), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    return (unsigned)atomic_load(&failed);
}

static void exactly_one_of_many_threads_meets_the_fault(void **state)
{
    (void)state;
    struct fault_plan plan = {.classes = FAULT_SYNC, .nth = 17, .error = EIO};
    assert_int_equal(failures_in_four_threads(&plan), 1);
    assert_int_equal(fault_disarm().seen, 40);
}

static void a_thread_that_starts_is_not_met_before_its_function(void **state)
{
    (void)state;
    pthread_t thread;
    fault_arm_plan(&(struct fault_plan){
        .classes = FAULT_MALLOC, .nth = 1, .error = ENOMEM, .mode = FAULT_FROM_THEN_ON});
    int error = pthread_create(&thread, NULL, returns_its_argument, NULL);
    if (!error)
        error = pthread_join(thread, NULL);
    (void)fault_disarm();
    assert_true(error == 0 || error == EAGAIN);
}

static void a_fault_can_be_kept_to_one_thread(void **state)
{
    (void)state;
    struct fault_plan plan = {
        .classes = FAULT_SYNC, .nth = 1, .error = EIO, .only_this_thread = true};
    assert_int_equal(failures_in_four_threads(&plan), 0);
    assert_int_equal(fsync(data_fd), -1);
    assert_int_equal(fault_disarm().seen, 1);
}

static void a_process_can_be_killed_in_place_of_a_call(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fault_arm_plan(&(struct fault_plan){.classes = FAULT_WRITE, .nth = 2, .mode = FAULT_KILL});
        ssize_t first = pwrite(data_fd, "first!", 6, 0);
        ssize_t second = pwrite(data_fd, "second", 6, 0);
        _exit(first == 6 && second == 6 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_int_equal(pread(data_fd, bytes, 6, 0), 6);
    assert_memory_equal(bytes, "first!", 6);
}

/* The calls come from inside liblmdb.so. */
static int commit_to_lmdb(void *context)
{
    (void)context;
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi dbi = 0;
    MDB_val key = {3, bytes};
    MDB_val value = {5, bytes};
    int error = mdb_env_create(&env);
    if (error)
        return error;
    error = mdb_env_open(env, "env", 0, 0600);
    if (!error)
        error = mdb_txn_begin(env, NULL, 0, &txn);
    if (!error)
        error = mdb_dbi_open(txn, NULL, 0, &dbi);
    if (!error)
        error = mdb_put(txn, dbi, &key, &value, 0);
    if (!error) {
        error = mdb_txn_commit(txn);
        txn = NULL;
    }
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return error;
}

static void remove_the_environment(void *context)
{
    (void)context;
    (void)unlink("env/data.mdb");
    (void)unlink("env/lock.mdb");
}

static void failures_inside_a_shared_library_come_back_from_it(void **state)
{
    (void)state;
    assert_int_equal(mkdir("env", 0700), 0);
    static const struct {
        unsigned class;
        int error;
    } cases[] = {{FAULT_WRITE, ENOSPC},
                 {FAULT_SYNC, EIO},
                 {FAULT_MMAP, ENOMEM},
                 {FAULT_OPEN, EMFILE},
                 {FAULT_METADATA, EIO}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        fault_each(&(struct fault_case){.classes = cases[i].class,
                                        .error = cases[i].error,
                                        .mode = FAULT_FROM_THEN_ON,
                                        .setup = remove_the_environment,
                                        .operation = commit_to_lmdb});

    /* Newer versions try for a lock when they close too, and do not mind when they get none. */
    remove_the_environment(NULL);
    fault_arm(FAULT_FLOCK, 1, ENOLCK);
    int result = commit_to_lmdb(NULL);
    assert_true(fault_disarm().fired);
    assert_int_not_equal(result, 0);
}

static void allocations_of_a_shared_library_fail_one_by_one(void **state)
{
    (void)state;
    unsigned rounds = 0;
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        remove_the_environment(NULL);
        fault_loop_arm(&loop);
        int result = commit_to_lmdb(NULL);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(result, fired ? ENOMEM : 0);
        rounds++;
    }
    assert_true(rounds > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_of_the_list_can_be_made_to_fail),
        cmocka_unit_test(a_call_of_another_class_is_left_alone),
        cmocka_unit_test_teardown(only_the_nth_call_fails, fault_reset),
        cmocka_unit_test_teardown(a_full_disk_stays_full, fault_reset),
        cmocka_unit_test_teardown(a_short_write_moves_half_of_the_bytes, fault_reset),
        cmocka_unit_test_teardown(a_short_vector_ends_inside_a_piece, fault_reset),
        cmocka_unit_test_teardown(after_a_short_write_the_next_fails, fault_reset),
        cmocka_unit_test(exactly_one_of_many_threads_meets_the_fault),
        cmocka_unit_test_teardown(a_thread_that_starts_is_not_met_before_its_function, fault_reset),
        cmocka_unit_test(a_fault_can_be_kept_to_one_thread),
        cmocka_unit_test(a_process_can_be_killed_in_place_of_a_call),
        cmocka_unit_test(failures_inside_a_shared_library_come_back_from_it),
        cmocka_unit_test(allocations_of_a_shared_library_fail_one_by_one),
    };
    return cmocka_run_group_tests_name("fault", tests, make_files, remove_files);
}
