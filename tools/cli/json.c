/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/cli/json.h"

#include "common/base/buf.h"
#include "common/base/utf8.h"

#include <string.h>
#include <unistd.h>

enum {
    MAX_TEXT = 64 * 1024 * 1024
};

json_t *cli_json_text(const char *text, size_t text_len)
{
    static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

    const uint8_t *bytes = (const uint8_t *)text;
    if (common_utf8_is_valid(bytes, text_len))
        return json_stringn_nocheck(text, text_len);

    COMMON_CLEANUP_BUF struct common_buf valid = common_buf_growing(MAX_TEXT);
    size_t at = 0;
    while (at < text_len) {
        uint32_t point = 0;
        size_t len = common_utf8_decode(&point, bytes + at, text_len - at);
        int error = len ? common_buf_append(&valid, text + at, len)
                        : common_buf_append(&valid, replacement, sizeof(replacement) - 1);
        if (error)
            return NULL;
        at += len ? len : 1;
    }
    return json_stringn_nocheck((const char *)valid.data, valid.len);
}

json_t *cli_json_string(const char *text)
{
    return text ? cli_json_text(text, strlen(text)) : json_null();
}

/* In two steps, so that memory which runs out leaves no half of a document behind. Output that
 * fails sets the error flag of the stream, which the end of the run looks at (R4). */
static int dump(struct cli *cli, const json_t *document)
{
    int fd = fileno(cli->out);
    size_t flags = JSON_INDENT(2) | JSON_ENCODE_ANY;
    if (fd >= 0 && isatty(fd))
        flags |= JSON_ENSURE_ASCII;
    COMMON_CLEANUP_FREE char *text = json_dumps(document, flags);
    if (!text)
        return COMMON_ERR_NO_MEMORY;
    (void)fputs(text, cli->out);
    (void)fputc('\n', cli->out);
    cli->is_document_printed = true;
    return 0;
}

int cli_json_print(struct cli *cli, json_t *document)
{
    if (!document)
        return COMMON_ERR_NO_MEMORY;
    int error = cli->is_document_printed ? COMMON_ERR_STATE : dump(cli, document);
    json_decref(document);
    return error;
}

void cli_json_print_error(struct cli *cli, const char *code, const char *message,
                          const char *object)
{
    if (cli->is_document_printed)
        return;
    json_t *document = json_pack("{s:{s:s,s:o,s:o}}", "error", "code", code, "message",
                                 cli_json_string(message), "object", cli_json_string(object));
    /* Without memory for a document there is still one to print. */
    if (!document || dump(cli, document))
        (void)fprintf(cli->out,
                      "{\"error\": {\"code\": \"%s\", \"message\": \"\", \"object\": null}}\n",
                      code);
    cli->is_document_printed = true;
    json_decref(document);
}
