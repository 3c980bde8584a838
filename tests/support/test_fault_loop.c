/* SPDX-License-Identifier: Apache-2.0 */
/* FAULT_EACH must fail a test that proves nothing. */
#include "tests/support/fault.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int data_fd = -1;

static int open_data(void **state)
{
    (void)state;
    data_fd = memfd_create("data", MFD_CLOEXEC);
    return data_fd < 0 ? -1 : 0;
}

static int close_data(void **state)
{
    (void)state;
    return close(data_fd);
}

/* A loop that must fail its test runs in a child, where failing means a status. */
static int run_in_child(void (*function)(void **state))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)dup2(null, STDOUT_FILENO);
        (void)dup2(null, STDERR_FILENO);
        const struct CMUnitTest tests[] = {{"inner", function, NULL, NULL, NULL}};
        _exit(cmocka_run_group_tests_name("inner", tests, NULL, NULL));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void loop_in_which_nothing_fires(void **state)
{
    (void)state;
    FAULT_EACH (loop, FAULT_RANDOM, FAULT_ONCE, EIO) {
        fault_loop_arm(&loop);
        (void)fault_loop_disarm(&loop);
    }
}

static void loop_in_which_one_of_two_classes_fires(void **state)
{
    (void)state;
    FAULT_EACH (loop, FAULT_RANDOM | FAULT_SYNC, FAULT_ONCE, EIO) {
        fault_loop_arm(&loop);
        (void)fsync(data_fd);
        (void)fault_loop_disarm(&loop);
    }
}

static bool truncates(void)
{
    return ftruncate(data_fd, 0) == 0;
}

static void loop_that_never_ends(void **state)
{
    (void)state;
    unsigned rounds = 0;
    FAULT_EACH (loop, FAULT_METADATA, FAULT_ONCE, EIO) {
        rounds++;
        loop.ceiling = 50;
        fault_loop_arm(&loop);
        for (unsigned i = 0; i < rounds; i++)
            (void)truncates();
        (void)fault_loop_disarm(&loop);
    }
}

static void loop_that_is_not_armed(void **state)
{
    (void)state;
    FAULT_EACH (loop, FAULT_SYNC, FAULT_ONCE, EIO)
        (void)fsync(data_fd);
}

static void loop_that_is_armed_in_its_first_round_only(void **state)
{
    (void)state;
    FAULT_EACH (loop, FAULT_SYNC, FAULT_ONCE, EIO) {
        if (loop.plan.nth == 1)
            fault_loop_arm(&loop);
        (void)fsync(data_fd);
        (void)fault_loop_disarm(&loop);
    }
}

static int swallows_the_failure(void *context)
{
    (void)context;
    (void)fsync(data_fd);
    return 0;
}

static void case_that_swallows_the_failure(void **state)
{
    (void)state;
    fault_each(&(struct fault_case){
        .classes = FAULT_SYNC, .error = EIO, .operation = swallows_the_failure});
}

static void loop_with_an_absent_class_that_is_allowed(void **state)
{
    (void)state;
    FAULT_EACH (loop, FAULT_RANDOM | FAULT_SYNC, FAULT_ONCE, EIO) {
        loop.may_be_absent = FAULT_RANDOM;
        fault_loop_arm(&loop);
        (void)fsync(data_fd);
        (void)fault_loop_disarm(&loop);
    }
}

static void a_loop_that_proves_nothing_fails_its_test(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(loop_in_which_nothing_fires), 1);
    assert_int_equal(run_in_child(loop_in_which_one_of_two_classes_fires), 1);
    assert_int_equal(run_in_child(loop_that_never_ends), 1);
    assert_int_equal(run_in_child(loop_that_is_not_armed), 1);
    assert_int_equal(run_in_child(loop_that_is_armed_in_its_first_round_only), 1);
    assert_int_equal(run_in_child(case_that_swallows_the_failure), 1);
    assert_int_equal(run_in_child(loop_with_an_absent_class_that_is_allowed), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_that_proves_nothing_fails_its_test),
    };
    return cmocka_run_group_tests_name("fault_loop", tests, open_data, close_data);
}
