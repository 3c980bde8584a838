/* SPDX-License-Identifier: Apache-2.0 */
/* The Nth call of the system fails: a server that did not start leaves nothing, a request that
 * failed says so. */
#include "tests/control/support.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include "tools/control/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, control_fixture_setup, control_fixture_teardown)

static const struct control_verb no_verbs[] = {{NULL, NULL}};

static struct control_server_options options_of(const struct control_fixture *fixture)
{
    return (struct control_server_options){
        .path = fixture->path, .verbs = no_verbs, .timeout_ms = TEST_TIMEOUT_MS};
}

static void a_server_that_cannot_start_leaves_nothing(void **state)
{
    struct control_fixture *fixture = *state;
    const struct control_server_options options = options_of(fixture);
    unsigned before = num_descriptors();
    FAULT_EACH (loop, FAULT_MALLOC | FAULT_OPEN | FAULT_SOCKET | FAULT_THREAD, FAULT_ONCE, ENOMEM) {
        char why[CONTROL_WHY_SIZE] = "";
        loop.plan.only_this_thread = true;
        fault_loop_arm(&loop);
        int error = control_server_start(&fixture->server, &options, why, sizeof(why));
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error != 0, fired);
        assert_int_equal(fixture->server == NULL, fired);
        assert_int_equal(why[0] != '\0', fired);
        assert_int_equal(file_exists(fixture->path), !fired);
        control_server_stop(&fixture->server);
        assert_int_equal(num_descriptors(), before);
    }
}

static void a_stale_socket_that_cannot_be_removed_stays(void **state)
{
    struct control_fixture *fixture = *state;
    const struct control_server_options options = options_of(fixture);
    FAULT_EACH (loop, FAULT_METADATA, FAULT_ONCE, EROFS) {
        (void)raw_listen(fixture->path, -1);
        char why[CONTROL_WHY_SIZE] = "";
        fault_loop_arm(&loop);
        int error = control_server_start(&fixture->server, &options, why, sizeof(why));
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error != 0, fired);
        assert_true(file_exists(fixture->path));
        control_server_stop(&fixture->server);
        (void)unlink(fixture->path);
    }
}

/* In this thread only: the server's own is tried below. */
static void a_request_that_failed_says_so(void **state)
{
    struct control_fixture *fixture = *state;
    json_object_seed(1); /* else jansson looks for chance in the system, and does well without */
    control_fixture_start(fixture, TEST_TIMEOUT_MS);
    unsigned before = num_descriptors();
    FAULT_EACH (loop, FAULT_MALLOC | FAULT_OPEN | FAULT_NET, FAULT_ONCE, ENOMEM) {
        loop.plan.only_this_thread = true;
        char why[CONTROL_WHY_SIZE] = "";
        json_t *out = NULL;
        fault_loop_arm(&loop);
        int error = control_request(&out, fixture->path, CONTROL_NO_OWNER, "count", NULL,
                                    TEST_TIMEOUT_MS, why, sizeof(why));
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error != 0, fired);
        assert_int_equal(out == NULL, fired);
        assert_int_equal(why[0] != '\0', fired);
        json_decref(out);
    }
    for (int i = 0; i < 1000 && num_descriptors() > before; i++)
        (void)usleep(1000);
    assert_int_equal(num_descriptors(), before);
}

static int run_echo(void *context, json_t **out, const json_t *arguments, char *why)
{
    (void)context;
    why[0] = '\0';
    *out = json_deep_copy(arguments);
    return *out ? 0 : COMMON_ERR_NO_MEMORY;
}

static void without_memory_there_is_an_error_or_no_answer(void **state)
{
    (void)state;
    static const struct control_verb echo[] = {{"echo", run_echo}, {NULL, NULL}};
    static const char line[] = "{\"request\":\"echo\",\"arguments\":{\"a\":[1,2,\"three\"]}}";
    static const char right[] = "{\"result\":{\"a\":[1,2,\"three\"]}}\n";
    static const char wrong[] = "{\"error\":";
    FAULT_EACH (loop, FAULT_MALLOC, FAULT_ONCE, ENOMEM) {
        char *answer = NULL;
        size_t len = 0;
        fault_loop_arm(&loop);
        int error = control_answer(&answer, &len, line, sizeof(line) - 1, echo, NULL);
        bool fired = fault_loop_disarm(&loop);
        assert_int_equal(error == 0, answer != NULL);
        bool is_right = answer && len == sizeof(right) - 1 && memcmp(answer, right, len) == 0;
        assert_int_equal(is_right, !fired);
        if (answer && !is_right)
            assert_memory_equal(answer, wrong, sizeof(wrong) - 1);
        free(answer);
    }
}

/* All threads: the server does not fall over, and answers when there is memory again. */
static void a_server_survives_what_fails_under_it(void **state)
{
    struct control_fixture *fixture = *state;
    control_fixture_start(fixture, TEST_TIMEOUT_MS);
    FAULT_EACH (loop, FAULT_MALLOC | FAULT_NET, FAULT_ONCE, ENOMEM) {
        char why[CONTROL_WHY_SIZE] = "";
        json_t *out = NULL;
        fault_loop_arm(&loop);
        int error = control_request(&out, fixture->path, CONTROL_NO_OWNER, "count", NULL, 300, why,
                                    sizeof(why));
        (void)fault_loop_disarm(&loop);
        assert_int_equal(error == 0, out != NULL);
        json_decref(out);
        error = control_request(&out, fixture->path, CONTROL_NO_OWNER, "count", NULL,
                                TEST_TIMEOUT_MS, why, sizeof(why));
        assert_int_equal(error, 0);
        json_decref(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_that_cannot_start_leaves_nothing),
        TEST(a_stale_socket_that_cannot_be_removed_stays),
        TEST(a_request_that_failed_says_so),
        TEST(without_memory_there_is_an_error_or_no_answer),
        TEST(a_server_survives_what_fails_under_it),
    };
    return cmocka_run_group_tests_name("control_fault", tests, NULL, NULL);
}
