/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from outside on its way to a terminal or a log: file names, subjects of certificates, what a
 * peer sent. A terminal obeys control characters, so that a file name could repaint the screen,
 * answer a question or hide what follows.
 *
 *   X1  What is not UTF-8 (RFC 3629) is written as \xNN, byte by byte.
 *   X2  So are control characters (C0, DEL, C1), line and paragraph separators, and what is made to
 *       mislead the eye: bidirectional controls, invisible characters, tags.
 *   X3  A backslash is doubled, so that an escape cannot be forged.
 *   X4  All else passes as it is.
 */
#ifndef TOOLS_CLI_TEXT_H
#define TOOLS_CLI_TEXT_H

#include "common/base/buf.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Appends the escaped text. Fails as common_buf_append() does. */
COMMON_MUST_USE int cli_text_append(struct common_buf *to, const char *text, size_t text_len);

/* The same to a stream, whose error flag tells of failures; text ends with a zero byte. */
void cli_text_put(FILE *to, const char *text);

/* Columns that a code point takes: 0 for combining marks, 2 for wide ones of East Asia, else 1. */
unsigned cli_text_point_width(uint32_t point);

/* Columns of text that has been escaped. */
size_t cli_text_width(const char *text, size_t text_len);

/* How many bytes of escaped text fit into so many columns, whole characters only. */
size_t cli_text_fit(const char *text, size_t text_len, size_t columns);

#endif
