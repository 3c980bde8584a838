/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON document on stdout, with a line end, keys in the order they were set.
 *
 * On a terminal all but ASCII is written as \uXXXX: the same document, and nothing in it can speak
 * to the terminal. Otherwise UTF-8 is written as it is.
 *
 * Strings from outside go through cli_json_text(): bytes that are not UTF-8 become U+FFFD, one for
 * each, because JSON (RFC 8259 8.1) is UTF-8. Such a name is for reading; it cannot be used to find
 * the object again.
 */
#ifndef TOOLS_CLI_JSON_H
#define TOOLS_CLI_JSON_H

#include "tools/cli/cli.h"

#include <jansson.h>

/* A new string, NULL without memory. Zero bytes are kept. */
json_t *cli_json_text(const char *text, size_t text_len);

/* The same of a C string; NULL makes JSON's null. */
json_t *cli_json_string(const char *text);

/* Prints the document and ends the reference to it, also on failure. NULL, which is what a failed
 * json_pack() gives, is COMMON_ERR_NO_MEMORY. A second document is COMMON_ERR_STATE. */
COMMON_MUST_USE int cli_json_print(struct cli *cli, json_t *document);

/* The document of a failure (R3), unless there was one. `code` is a stable word. */
void cli_json_print_error(struct cli *cli, const char *code, const char *message,
                          const char *object);

#endif
