/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fail the Nth: make the Nth malloc, write, fsync, ... of the code under test fail.
 *
 *     static void disk_full_leaves_the_store_as_it_was(void **state)
 *     {
 *         FAULT_EACH (loop, FAULT_WRITE | FAULT_SYNC, FAULT_FROM_THEN_ON, ENOSPC) {
 *             struct store *store = made_with_one_entry();
 *             fault_loop_arm(&loop);
 *             int result = store_put(store, "second");
 *             bool fired = fault_loop_disarm(&loop);
 *             assert_int_equal(result, fired ? COMMON_ERR_NO_SPACE : 0);
 *             assert_int_equal(store_count(store), fired ? 1 : 2);
 *             store_close(&store);
 *         }
 *     }
 *
 * The body runs with N = 1, 2, 3, ... and once more when nothing fires any longer. The test fails
 * when a class that was asked for never fired (it would prove nothing), when the body did not arm,
 * and above a ceiling of rounds.
 *
 * Between arming and disarming runs the call under test and nothing else: no assertion, no
 * printing, no cmocka. Pass fault_reset as teardown where an assertion inside a callback cannot be
 * avoided.
 *
 * A failing call is not made at all. close() never fails here: on Linux the descriptor is gone
 * either way. What libc does inside itself is not seen (fopen's own open, fwrite's own write);
 * its calls of malloc are.
 *
 * Threads: armed faults concern all threads of the process, or the arming one alone, and may be hit
 * by many at once. Arm and disarm from one thread at a time.
 *
 * Link with test_fault_dep.
 */
#ifndef TESTS_SUPPORT_FAULT_H
#define TESTS_SUPPORT_FAULT_H

#include <stdbool.h>
#include <stddef.h>

enum fault_class {
    FAULT_MALLOC = 1 << 0,   /* malloc, calloc, realloc, aligned_alloc, ..., strdup through them */
    FAULT_MMAP = 1 << 1,     /* mmap, mremap, mprotect, madvise */
    FAULT_MLOCK = 1 << 2,    /* mlock, mlock2 */
    FAULT_OPEN = 1 << 3,     /* open, openat, creat, mkstemp, fopen */
    FAULT_READ = 1 << 4,     /* read, pread, readv, preadv */
    FAULT_WRITE = 1 << 5,    /* write, pwrite, writev, pwritev, pwritev2, copy_file_range */
    FAULT_SYNC = 1 << 6,     /* fsync, fdatasync, sync_file_range, syncfs, msync */
    FAULT_METADATA = 1 << 7, /* rename, link, symlink, unlink, rmdir, mkdir, truncate, fallocate */
    FAULT_FLOCK = 1 << 8,    /* flock, and fcntl when it sets a lock */
    FAULT_RANDOM = 1 << 9,   /* getrandom, getentropy */
    FAULT_THREAD = 1 << 10,  /* pthread_create */
    FAULT_SOCKET = 1 << 11,  /* socket, bind, listen, connect, accept */
    FAULT_SEND = 1 << 12,    /* send, sendto, sendmsg, sendfile; write on a socket is FAULT_WRITE */
    FAULT_RECEIVE = 1 << 13, /* recv, recvfrom, recvmsg */
    FAULT_NET = FAULT_SOCKET | FAULT_SEND | FAULT_RECEIVE,
    FAULT_DISK = FAULT_OPEN | FAULT_READ | FAULT_WRITE | FAULT_SYNC | FAULT_METADATA,
};

enum fault_mode {
    FAULT_ONCE,            /* the Nth fails, the next ones work; with EINTR, an interrupted call */
    FAULT_FROM_THEN_ON,    /* the Nth and all after: a full disk stays full */
    FAULT_SHORT,           /* the Nth moves half of its bytes and says so, the next ones work */
    FAULT_SHORT_THEN_FAIL, /* the Nth moves half of its bytes, the ones after it fail */
    FAULT_KILL,            /* the process dies of SIGKILL in place of the Nth */
};

struct fault_plan {
    unsigned classes; /* which calls count: a mask of enum fault_class */
    unsigned nth;     /* from 1 */
    int error;        /* errno of a failing call */
    enum fault_mode mode;
    bool only_this_thread;
};

struct fault_report {
    bool fired;
    unsigned seen;          /* matching calls, the failed ones included */
    unsigned fired_classes; /* mask of the classes that were hit */
};

/* The Nth matching call from now on fails once with the errno. Replaces what was armed before. In
 * the modes with short transfers, only calls that have two bytes or more to move count. */
void fault_arm(unsigned classes, unsigned nth, int error);
void fault_arm_plan(const struct fault_plan *plan);
struct fault_report fault_disarm(void);

/* Disarms; has the shape of a cmocka teardown. */
int fault_reset(void **state);

/* Decides about one call: true with errno set when it shall fail; may shorten *len (NULL: a call
 * without a length). For interpose_*.c. */
bool fault_decide(unsigned class, size_t *len);

/* The loop that the example above shows. `may_be_absent` may be set before the first round is over:
 * a mask of classes that need not fire. */
struct fault_loop {
    struct fault_plan plan;
    unsigned may_be_absent;
    unsigned fired_classes;
    unsigned ceiling; /* rounds; 20000 unless set */
    bool is_armed;
    bool was_armed;
    bool fired;
};

#define FAULT_EACH(loop, classes_, mode_, error_)                                                  \
    for (struct fault_loop loop = {.plan = {.classes = (classes_),                                 \
                                           .mode = (mode_),                                        \
                                           .error = (error_)}};                                    \
         fault_loop_next(&(loop));)

bool fault_loop_next(struct fault_loop *loop);
void fault_loop_arm(struct fault_loop *loop);
/* Has it fired? */
bool fault_loop_disarm(struct fault_loop *loop);

/* The same as a table: setup, operation under fault, check, for each N. */
struct fault_case {
    unsigned classes;
    unsigned may_be_absent; /* classes of the mask that need not fire */
    enum fault_mode mode;
    int error;
    void *context;
    void (*setup)(void *context);    /* optional */
    int (*operation)(void *context); /* runs armed */
    /* Without one: the result must be 0 when nothing fired, and must not be when something did.
     * Frees what setup made. */
    void (*check)(void *context, int result, bool fired);
};

void fault_each(const struct fault_case *fault_case);

#endif
