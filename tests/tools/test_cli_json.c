/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tests/tools/cli_fixture.h"
#include "tools/cli/json.h"

#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void keys_keep_their_order_and_the_line_ends(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct cli cli = demo_context(out, stderr);
    assert_int_equal(
        cli_json_print(&cli, json_pack("{s:i,s:i,s:i}", "zeta", 1, "alpha", 2, "mid", 3)), 0);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "{\n  \"zeta\": 1,\n  \"alpha\": 2,\n  \"mid\": 3\n}\n");
    free(text);
}

static void there_is_one_document(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct cli cli = demo_context(out, stderr);
    assert_int_equal(cli_json_print(&cli, json_array()), 0);
    assert_int_equal(cli_json_print(&cli, json_array()), COMMON_ERR_STATE);
    cli_json_print_error(&cli, "io", "message", NULL);
    assert_int_equal(cli_json_print(&cli, NULL), COMMON_ERR_NO_MEMORY);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "[]\n");
    free(text);
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *valid;
    } cases[] = {
        {"plain", "plain"},
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"a\xff\xfe"
         "b",
         "a\xef\xbf\xbd\xef\xbf\xbd"
         "b"},
        {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\\x1b", "\\x1b"},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *string = cli_json_string(cases[i].text);
        assert_non_null(string);
        assert_string_equal(json_string_value(string), cases[i].valid);
        json_decref(string);
    }
    json_t *null = cli_json_string(NULL);
    assert_true(json_is_null(null));
    json_t *zero = cli_json_text("a\0b", 3);
    assert_int_equal(json_string_length(zero), 3);
    json_decref(zero);
}

static void on_a_terminal_all_is_ascii(void **state)
{
    (void)state;
    int master = -1;
    int slave = -1;
    assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
    FILE *out = fdopen(slave, "w");
    assert_non_null(out);
    struct cli cli = demo_context(out, stderr);
    assert_int_equal(cli_json_print(&cli, json_pack("[o]", cli_json_string("\xc2\x9b"
                                                                           "31m"))),
                     0);
    assert_int_equal(fflush(out), 0);
    char shown[200] = "";
    /* A terminal hands out what it has by then, which may be less than all. */
    for (size_t len = 0; !strchr(shown, ']');) {
        ssize_t got = read(master, shown + len, sizeof(shown) - 1 - len);
        assert_true(got > 0);
        len += (size_t)got;
    }
    assert_non_null(strstr(shown, "\\u009B31m"));
    assert_null(strstr(shown, "\xc2"));
    assert_int_equal(fclose(out), 0);
    assert_int_equal(close(master), 0);
}

static void an_error_document_has_code_message_and_object(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct cli cli = demo_context(out, stderr);
    cli_json_print_error(&cli, "denied", "bad \xff", "x\n");
    assert_int_equal(fclose(out), 0);
    json_t *document = json_loads(text, 0, NULL);
    assert_non_null(document);
    const json_t *error = json_object_get(document, "error");
    assert_string_equal(json_string_value(json_object_get(error, "code")), "denied");
    assert_string_equal(json_string_value(json_object_get(error, "message")), "bad \xef\xbf\xbd");
    assert_string_equal(json_string_value(json_object_get(error, "object")), "x\n");
    json_decref(document);
    free(text);
}

static void another_options_value_does_not_ask_for_json(void **state)
{
    (void)state;
    CLEANUP_CAUGHT struct caught plain =
        RUN("vault", "create", "--size", "1M", "--label", "--json", "file");
    assert_int_equal(plain.status, 0);
    assert_non_null(strstr(plain.out, "label=--json"));
    assert_non_null(strstr(plain.out, "json=0"));
    CLEANUP_CAUGHT struct caught json =
        RUN("vault", "create", "--size", "1M", "--label", "x", "--json", "file");
    assert_non_null(strstr(json.out, "json=1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_keep_their_order_and_the_line_ends),
        cmocka_unit_test(there_is_one_document),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
        cmocka_unit_test(on_a_terminal_all_is_ascii),
        cmocka_unit_test(an_error_document_has_code_message_and_object),
        cmocka_unit_test(another_options_value_does_not_ask_for_json),
    };
    return cmocka_run_group_tests_name("cli_json", tests, NULL, NULL);
}
