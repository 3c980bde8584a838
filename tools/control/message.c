/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/control/message.h"

#include "common/base/cleanup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void drop_json(json_t **document)
{
    json_decref(*document);
}

#define CLEANUP_JSON COMMON_CLEANUP(drop_json)

int control_line_encode(char **out, size_t *out_len, json_t *document)
{
    *out = NULL;
    *out_len = 0;
    CLEANUP_JSON json_t *owned = document;
    if (!owned)
        return COMMON_ERR_NO_MEMORY;
    /* All but ASCII escaped: no string of it can hold what ends a line. */
    COMMON_CLEANUP_FREE char *text = json_dumps(owned, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (!text)
        return COMMON_ERR_NO_MEMORY;
    size_t len = strlen(text);
    if (len >= CONTROL_MAX_LINE)
        return COMMON_ERR_LIMIT;
    text[len] = '\n'; /* in place of the zero byte */
    *out = COMMON_TAKE_PTR(text);
    *out_len = len + 1;
    return 0;
}

int control_answer_error(char **out, size_t *out_len, int error, const char *why)
{
    const char *message = why[0] != '\0' ? why : common_error_text(error);
    json_t *document =
        json_pack("{s:{s:s,s:s}}", "error", "code", common_error_name(error), "message", message);
    if (!document) /* a sentence that is not UTF-8: from a file name, say */
        document = json_pack("{s:{s:s,s:s}}", "error", "code", common_error_name(error), "message",
                             common_error_text(error));
    return control_line_encode(out, out_len, document);
}

/* S2. The arguments are borrowed from the document. */
static const char *parse_request(const char **out_name, json_t **out_arguments, json_t *document)
{
    json_t *name = NULL;
    json_error_t ignored;
    *out_arguments = NULL;
    if (json_unpack_ex(document, &ignored, JSON_STRICT, "{s:o,s?o}", "request", &name, "arguments",
                       out_arguments) ||
        !json_is_string(name) || (*out_arguments && !json_is_object(*out_arguments)))
        return "not a request: {\"request\":NAME,\"arguments\":{}}";
    *out_name = json_string_value(name);
    return NULL;
}

static int run_request(json_t **out, json_t *document, const struct control_verb *verbs,
                       void *context, char why[CONTROL_WHY_SIZE])
{
    const char *name = NULL;
    json_t *arguments = NULL;
    const char *fault = parse_request(&name, &arguments, document);
    if (fault) {
        (void)snprintf(why, CONTROL_WHY_SIZE, "%s", fault);
        return COMMON_ERR_INVALID;
    }
    CLEANUP_JSON json_t *none = arguments ? NULL : json_object();
    if (!arguments && !none)
        return COMMON_ERR_NO_MEMORY;
    for (const struct control_verb *verb = verbs; verb->name; verb++) {
        if (strcmp(verb->name, name) == 0)
            return verb->run(context, out, arguments ? arguments : none, why);
    }
    (void)snprintf(why, CONTROL_WHY_SIZE, "this server does not know the request");
    return COMMON_ERR_UNSUPPORTED;
}

int control_answer(char **out, size_t *out_len, const char *line, size_t line_len,
                   const struct control_verb *verbs, void *context)
{
    char why[CONTROL_WHY_SIZE] = "";
    json_error_t ignored;
    CLEANUP_JSON json_t *request = json_loadb(line, line_len, JSON_REJECT_DUPLICATES, &ignored);
    if (!request)
        return control_answer_error(out, out_len, COMMON_ERR_INVALID, "not a line of JSON");
    CLEANUP_JSON json_t *result = NULL;
    int error = run_request(&result, request, verbs, context, why);
    if (!error)
        error = control_line_encode(out, out_len,
                                    json_pack("{s:O}", "result", result ? result : json_null()));
    return error ? control_answer_error(out, out_len, error, why) : 0;
}

static int error_of_name(const char *name)
{
#define X(word, number, text, sentence)                                                            \
    if (strcmp(name, text) == 0)                                                                   \
        return COMMON_ERR_##word;
    COMMON_ERRORS(X)
#undef X
    return COMMON_ERR_INTERNAL; /* of a newer server */
}

int control_answer_decode(json_t **out, const char *line, size_t line_len, char *why,
                          size_t why_size)
{
    *out = NULL;
    json_error_t ignored;
    CLEANUP_JSON json_t *answer = json_loadb(line, line_len, JSON_REJECT_DUPLICATES, &ignored);
    json_t *result = NULL;
    const char *code = NULL;
    const char *message = NULL;
    if (answer && json_unpack_ex(answer, &ignored, JSON_STRICT, "{s:o}", "result", &result) == 0) {
        *out = json_incref(result);
        return 0;
    }
    if (answer && json_unpack_ex(answer, &ignored, JSON_STRICT, "{s:{s:s,s:s}}", "error", "code",
                                 &code, "message", &message) == 0) {
        (void)snprintf(why, why_size, "%s", message);
        return error_of_name(code);
    }
    (void)snprintf(why, why_size, "the server gave no answer that can be read");
    return COMMON_ERR_CORRUPT;
}
