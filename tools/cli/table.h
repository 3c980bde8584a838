/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables for people: a line of titles, then a line per row, columns two blanks apart.
 *
 *   A1  A column is as wide as its widest cell, counted in columns of the terminal.
 *   A2  No line ends in blanks.
 *   A3  Cells are escaped (tools/cli/text.h), so that a cell can neither leave its line nor speak
 * to the terminal. Titles are the tool's own words.
 *
 * The table owns a copy of its cells. The first failure sticks and is returned by
 * cli_table_print(), so that adding cells needs no checks. One thread at a time.
 */
#ifndef TOOLS_CLI_TABLE_H
#define TOOLS_CLI_TABLE_H

#include "common/base/buf.h"
#include "common/base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
    CLI_TABLE_MAX_COLUMNS = 16
};

struct cli_column {
    const char *title;
    bool is_right; /* numbers */
};

struct cli_table {
    const struct cli_column *columns;
    size_t num_columns;
    size_t num_cells;
    struct common_buf text; /* escaped cells, each ends with a zero byte */
};

#define CLI_CLEANUP_TABLE COMMON_CLEANUP(cli_table_wipe)

/* An empty table. `columns` is borrowed; there are at most CLI_TABLE_MAX_COLUMNS. */
struct cli_table cli_table_begin(const struct cli_column *columns, size_t num_columns);
void cli_table_wipe(struct cli_table *table);

/* Adds the next cell, row by row from the left. NULL is an empty cell. */
void cli_table_cell(struct cli_table *table, const char *text);
__attribute__((format(printf, 2, 3))) void cli_table_cellf(struct cli_table *table,
                                                           const char *format, ...);

/* Prints titles and rows. COMMON_ERR_STATE if the last row is not full. Whether `out` could be
 * written is checked at the end of the run. */
COMMON_MUST_USE int cli_table_print(FILE *out, const struct cli_table *table);

#endif
