/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/table.h"

#include "tools/cli/text.h"

#include <stdarg.h>
#include <string.h>

enum {
    MAX_BYTES = 256 * 1024 * 1024,
    GAP = 2
};

struct cli_table cli_table_begin(const struct cli_column *columns, size_t num_columns)
{
    struct cli_table table = {
        .columns = columns, .num_columns = num_columns, .text = common_buf_growing(MAX_BYTES)};
    if (num_columns == 0 || num_columns > CLI_TABLE_MAX_COLUMNS)
        table.text.error = COMMON_ERR_INVALID;
    return table;
}

void cli_table_wipe(struct cli_table *table)
{
    common_buf_wipe(&table->text);
}

void cli_table_cell(struct cli_table *table, const char *text)
{
    /* The buffer keeps the first failure for cli_table_print(). */
    if (text)
        (void)!cli_text_append(&table->text, text, strlen(text));
    (void)!common_buf_append_byte(&table->text, 0);
    table->num_cells++;
}

void cli_table_cellf(struct cli_table *table, const char *format, ...)
{
    COMMON_CLEANUP_FREE char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int n = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (n < 0) {
        text = NULL; /* vasprintf(3) leaves it undefined */
        if (!table->text.error)
            table->text.error = COMMON_ERR_NO_MEMORY;
    }
    cli_table_cell(table, text);
}

static void put_blanks(FILE *out, size_t count)
{
    while (count-- > 0)
        (void)fputc(' ', out);
}

/* The blanks before a cell are owed until the cell turns out to have text: A2. */
static size_t put_cell(FILE *out, const struct cli_column *column, size_t owed, size_t column_width,
                       const char *text)
{
    size_t text_len = strlen(text);
    if (text_len == 0)
        return owed + column_width + GAP;
    size_t rest = column_width - cli_text_width(text, text_len);
    put_blanks(out, owed + (column->is_right ? rest : 0));
    (void)fwrite(text, 1, text_len, out);
    return (column->is_right ? 0 : rest) + GAP;
}

int cli_table_print(FILE *out, const struct cli_table *table)
{
    if (table->text.error)
        return table->text.error;
    if (table->num_cells % table->num_columns != 0)
        return COMMON_ERR_STATE;

    size_t widths[CLI_TABLE_MAX_COLUMNS] = {0};
    for (size_t i = 0; i < table->num_columns; i++)
        widths[i] = cli_text_width(table->columns[i].title, strlen(table->columns[i].title));
    const char *cell = (const char *)table->text.data;
    for (size_t i = 0; i < table->num_cells; i++, cell += strlen(cell) + 1) {
        size_t width = cli_text_width(cell, strlen(cell));
        if (width > widths[i % table->num_columns])
            widths[i % table->num_columns] = width;
    }

    size_t owed = 0;
    for (size_t i = 0; i < table->num_columns; i++)
        owed = put_cell(out, &table->columns[i], owed, widths[i], table->columns[i].title);
    cell = (const char *)table->text.data;
    for (size_t i = 0; i < table->num_cells; i++, cell += strlen(cell) + 1) {
        size_t column = i % table->num_columns;
        if (column == 0) {
            owed = 0;
            (void)fputc('\n', out);
        }
        owed = put_cell(out, &table->columns[column], owed, widths[column], cell);
    }
    (void)fputc('\n', out);
    return 0;
}
