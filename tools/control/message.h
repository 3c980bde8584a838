/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers as lines of JSON, for control.h. */
#ifndef TOOLS_CONTROL_MESSAGE_H
#define TOOLS_CONTROL_MESSAGE_H

#include "tools/control/control.h"

/* A document as a line, its line end included; the reference to it is ended. NULL, which is what a
 * failed json_pack() gives, is COMMON_ERR_NO_MEMORY. COMMON_ERR_LIMIT above CONTROL_MAX_LINE. The
 * line is the caller's to free. */
COMMON_MUST_USE int control_line_encode(char **out, size_t *out_len, json_t *document);

/* The answer to a line without its end. It always has one, but for COMMON_ERR_NO_MEMORY. */
COMMON_MUST_USE int control_answer(char **out, size_t *out_len, const char *line, size_t line_len,
                                   const struct control_verb *verbs, void *context);

/* The answer to what never became a request. */
COMMON_MUST_USE int control_answer_error(char **out, size_t *out_len, int error, const char *why);

/* What an answer says; as control_request(). */
COMMON_MUST_USE int control_answer_decode(json_t **out, const char *line, size_t line_len,
                                          char *why, size_t why_size);

#endif
