/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tools/cli/table.h"

#include <stdlib.h>
#include <string.h>

static const struct cli_column columns[] = {
    {.title = "Name"}, {.title = "Size", .is_right = true}, {.title = "Info"}};

static int print(char **text, const struct cli_table *table)
{
    size_t len = 0;
    FILE *file = open_memstream(text, &len);
    assert_non_null(file);
    int error = cli_table_print(file, table);
    assert_int_equal(fclose(file), 0);
    return error;
}

static void columns_are_aligned_without_trailing_blanks(void **state)
{
    (void)state;
    CLI_CLEANUP_TABLE struct cli_table table = cli_table_begin(columns, 3);
    cli_table_cell(&table, "a");
    cli_table_cell(&table, "1");
    cli_table_cell(&table, "");
    cli_table_cell(&table, "longer name");
    cli_table_cellf(&table, "%d", 1000000);
    cli_table_cell(&table, "x y");
    cli_table_cell(&table, NULL);
    cli_table_cell(&table, NULL);
    cli_table_cell(&table, "z");
    cli_table_cell(&table, "b");
    cli_table_cell(&table, NULL);
    cli_table_cell(&table, NULL);
    COMMON_CLEANUP_FREE char *text = NULL;
    assert_int_equal(print(&text, &table), 0);
    assert_string_equal(text, "Name            Size  Info\n"
                              "a                  1\n"
                              "longer name  1000000  x y\n"
                              "                      z\n"
                              "b\n");
}

static void width_counts_characters_and_not_bytes(void **state)
{
    (void)state;
    CLI_CLEANUP_TABLE struct cli_table table = cli_table_begin(columns, 2);
    cli_table_cell(&table, "gr\xc3\xbc\xc3\x9f");
    cli_table_cell(&table, "1");
    cli_table_cell(&table, "\xe6\x97\xa5\xe6\x9c\xac");
    cli_table_cell(&table, "2");
    COMMON_CLEANUP_FREE char *text = NULL;
    assert_int_equal(print(&text, &table), 0);
    assert_string_equal(text, "Name  Size\n"
                              "gr\xc3\xbc\xc3\x9f     1\n"
                              "\xe6\x97\xa5\xe6\x9c\xac     2\n");
}

/* A3. */
static void a_cell_can_neither_leave_its_line_nor_paint(void **state)
{
    (void)state;
    CLI_CLEANUP_TABLE struct cli_table table = cli_table_begin(columns, 1);
    cli_table_cell(&table, "a\nforged  row\x1b[31m\xff");
    /* NOLINTNEXTLINE(misc-misleading-bidirectional): to see it escaped */
    cli_table_cellf(&table, "%s", "\xe2\x80\xaetxt");
    COMMON_CLEANUP_FREE char *text = NULL;
    assert_int_equal(print(&text, &table), 0);
    assert_string_equal(text, "Name\n"
                              "a\\x0aforged  row\\x1b[31m\\xff\n"
                              "\\xe2\\x80\\xaetxt\n");
}

static void an_empty_table_has_its_titles(void **state)
{
    (void)state;
    CLI_CLEANUP_TABLE struct cli_table table = cli_table_begin(columns, 3);
    COMMON_CLEANUP_FREE char *text = NULL;
    assert_int_equal(print(&text, &table), 0);
    assert_string_equal(text, "Name  Size  Info\n");
}

static void a_row_that_is_not_full_is_refused(void **state)
{
    (void)state;
    CLI_CLEANUP_TABLE struct cli_table table = cli_table_begin(columns, 3);
    cli_table_cell(&table, "a");
    COMMON_CLEANUP_FREE char *text = NULL;
    assert_int_equal(print(&text, &table), COMMON_ERR_STATE);
    assert_string_equal(text, "");
}

static void too_many_columns_are_refused(void **state)
{
    (void)state;
    struct cli_column many[CLI_TABLE_MAX_COLUMNS + 1] = {{0}};
    CLI_CLEANUP_TABLE struct cli_table table = cli_table_begin(many, ARRAY_LEN(many));
    COMMON_CLEANUP_FREE char *text = NULL;
    assert_int_equal(print(&text, &table), COMMON_ERR_INVALID);
    CLI_CLEANUP_TABLE struct cli_table none = cli_table_begin(many, 0);
    COMMON_CLEANUP_FREE char *nothing = NULL;
    assert_int_equal(print(&nothing, &none), COMMON_ERR_INVALID);
}

static void a_failure_on_the_way_is_told_at_the_end(void **state)
{
    (void)state;
    CLI_CLEANUP_TABLE struct cli_table table = cli_table_begin(columns, 1);
    table.text.max = 10;
    cli_table_cell(&table, "12345678901234567890");
    cli_table_cell(&table, "1");
    COMMON_CLEANUP_FREE char *text = NULL;
    assert_int_equal(print(&text, &table), COMMON_ERR_LIMIT);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_aligned_without_trailing_blanks),
        cmocka_unit_test(width_counts_characters_and_not_bytes),
        cmocka_unit_test(a_cell_can_neither_leave_its_line_nor_paint),
        cmocka_unit_test(an_empty_table_has_its_titles),
        cmocka_unit_test(a_row_that_is_not_full_is_refused),
        cmocka_unit_test(too_many_columns_are_refused),
        cmocka_unit_test(a_failure_on_the_way_is_told_at_the_end),
    };
    return cmocka_run_group_tests_name("cli_table", tests, NULL, NULL);
}
