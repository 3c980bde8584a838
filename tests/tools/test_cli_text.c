/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tools/cli/text.h"

#include <stdlib.h>
#include <string.h>

static void what_a_terminal_would_obey_is_escaped(void **state)
{
    (void)state;
    /* NOLINTBEGIN(misc-misleading-bidirectional): to see them escaped */
    static const struct {
        const char *text;
        const char *escaped;
    } cases[] = {
        {"", ""},
        {"plain name.txt", "plain name.txt"},
        {"gr\xc3\xbc\xc3\x9f \xe6\x97\xa5", "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5"}, /* X4 */
        {"\x1b[2Jx", "\\x1b[2Jx"},                                              /* clears */
        {"\x1b]0;t\x07", "\\x1b]0;t\\x07"},                                     /* title */
        {"a\nb\rc\td\be", "a\\x0ab\\x0dc\\x09d\\x08e"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b"
         "31m",
         "\\xc2\\x9b31m"}, /* C1: CSI */
        {"\xe2\x80\xae"
         "gpj.exe",
         "\\xe2\\x80\\xaegpj.exe"},                   /* right-to-left override */
        {"\xe2\x81\xa6", "\\xe2\\x81\\xa6"},          /* isolate */
        {"\xe2\x80\x8f", "\\xe2\\x80\\x8f"},          /* right-to-left mark */
        {"\xd8\x9c", "\\xd8\\x9c"},                   /* Arabic letter mark */
        {"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},          /* line separator */
        {"a\xe2\x80\x8b", "a\\xe2\\x80\\x8b"},        /* zero width space */
        {"\xef\xbb\xbf", "\\xef\\xbb\\xbf"},          /* byte order mark */
        {"\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81"}, /* tag */
        {"\xff\xfe", "\\xff\\xfe"},                   /* X1 */
        {"\xc3(", "\\xc3("},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* surrogate */
        {"\xc0\x9b", "\\xc0\\x9b"},          /* overlong */
        {"ends \xe2\x82", "ends \\xe2\\x82"},
        {"\\x1b", "\\\\x1b"}, /* X3 */
    };
    /* NOLINTEND(misc-misleading-bidirectional) */
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        COMMON_CLEANUP_BUF struct common_buf buf = common_buf_growing(1000);
        assert_int_equal(cli_text_append(&buf, cases[i].text, strlen(cases[i].text)), 0);
        assert_int_equal(common_buf_append_byte(&buf, 0), 0);
        assert_string_equal((char *)buf.data, cases[i].escaped);

        char *put = NULL;
        size_t put_len = 0;
        FILE *file = open_memstream(&put, &put_len);
        assert_non_null(file);
        cli_text_put(file, cases[i].text);
        assert_int_equal(fclose(file), 0);
        assert_string_equal(put, cases[i].escaped);
        free(put);
    }
}

static void no_single_byte_or_code_point_gets_through_as_a_control(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        char text = (char)byte;
        uint8_t storage[16];
        struct common_buf buf = common_buf_fixed(storage, sizeof(storage));
        assert_int_equal(cli_text_append(&buf, &text, 1), 0);
        for (size_t i = 0; i < buf.len; i++)
            assert_true(storage[i] >= 0x20 && storage[i] < 0x7f);
        assert_int_equal(buf.len, byte == '\\' ? 2 : byte >= 0x20 && byte < 0x7f ? 1 : 4);
    }
}

static void the_ceiling_of_the_buffer_holds(void **state)
{
    (void)state;
    uint8_t storage[5];
    struct common_buf buf = common_buf_fixed(storage, sizeof(storage));
    assert_int_equal(cli_text_append(&buf, "\x1b\x1b", 2), COMMON_ERR_LIMIT);
}

static void width_is_counted_in_columns(void **state)
{
    (void)state;
    assert_int_equal(cli_text_width("abc", 3), 3);
    assert_int_equal(cli_text_width("gr\xc3\xbcn", 5), 4);
    assert_int_equal(cli_text_width("e\xcc\x81", 3), 1);                /* combining */
    assert_int_equal(cli_text_width("\xe6\x97\xa5\xe6\x9c\xac", 6), 4); /* wide */
    assert_int_equal(cli_text_width("\xf0\x9f\x94\x91", 4), 2);         /* pictograph */
    assert_int_equal(cli_text_width("", 0), 0);
}

static void fitting_cuts_between_characters(void **state)
{
    (void)state;
    static const char wide[] = "\xe6\x97\xa5\xe6\x9c\xac";
    assert_int_equal(cli_text_fit("abc", 3, 2), 2);
    assert_int_equal(cli_text_fit("abc", 3, 9), 3);
    assert_int_equal(cli_text_fit(wide, 6, 3), 3);
    assert_int_equal(cli_text_fit(wide, 6, 1), 0);
    assert_int_equal(cli_text_fit("e\xcc\x81x", 4, 1), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_terminal_would_obey_is_escaped),
        cmocka_unit_test(no_single_byte_or_code_point_gets_through_as_a_control),
        cmocka_unit_test(the_ceiling_of_the_buffer_holds),
        cmocka_unit_test(width_is_counted_in_columns),
        cmocka_unit_test(fitting_cuts_between_characters),
    };
    return cmocka_run_group_tests_name("cli_text", tests, NULL, NULL);
}
