/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket of a volume that is served: other processes ask the one that has it open.
 *
 * A connection carries one request, a line of JSON, and one answer, another line:
 *     {"request":"info"}                              a name, and "arguments", an object, where it
 *     {"request":"rekey","arguments":{...}}           has some
 *     {"result":...}   or   {"error":{"code":"state","message":"..."}}
 *
 *   S1  The socket is as tools/control/socket.h makes it, and its peer must have the uid of the
 * server or be root; others are hung up on before they are listened to. S2  A line has at most
 * CONTROL_MAX_LINE bytes, its line end included. What is longer, is not one object of JSON, or has
 * members that are not known, is answered with an error. S3  A connection has `timeout_ms` from
 * beginning to end. There are at most CONTROL_MAX_CLIENTS: one more, and the one that came first is
 * hung up on. Memory is taken as bytes arrive. S4  Requests are carried out one after another, in a
 * thread of the server's own. What they do must be short; long work is begun by a request and
 * looked at by others. S5  The client does the same to the server: its uid must be the client's
 * own, root's, or that of the owner of the volume's metadata, whoever the client is; one line, one
 * deadline.
 *
 * Threads: a server is started and stopped by one thread; control_request() may be called by
 * several.
 */
#ifndef TOOLS_CONTROL_CONTROL_H
#define TOOLS_CONTROL_CONTROL_H

#include "common/base/error.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CONTROL_NO_OWNER ((uid_t)-1)

enum {
    CONTROL_MAX_LINE = 65536,
    CONTROL_MAX_CLIENTS = 16,
    CONTROL_WHY_SIZE = 320
};

/* The control socket of a volume, by the path of the file or device that has its metadata: the name
 * of that file, after symbolic links, and ".control". *out is the caller's to free, NULL on
 * failure. */
COMMON_MUST_USE int control_path(char **out, const char *metadata_path);

/* Carries out a request. `arguments` is an object, empty if there were none. *out is a new
 * reference, NULL for a result without contents. On failure the answer has the category and the
 * sentence in `why`, of CONTROL_WHY_SIZE bytes, or the category's own. */
typedef int control_request_fn(void *context, json_t **out, const json_t *arguments, char *why);

struct control_verb {
    const char *name;
    control_request_fn *run;
};

struct control_server_options {
    const char *path;
    const struct control_verb *verbs; /* ends with a NULL name; must outlive the server */
    void *context;                    /* of the verbs */
    unsigned timeout_ms;
};

struct control_server;

/* Begins to listen, and starts the thread. *out is NULL on failure, and `why` gets a sentence:
 * as control_listen(), and COMMON_ERR_LIMIT when the system gives no thread. */
COMMON_MUST_USE int control_server_start(struct control_server **out,
                                         const struct control_server_options *options, char *why,
                                         size_t why_size);

/* Ends the thread, hangs up on all, removes the socket. NULL, or a pointer to NULL, is allowed. */
void control_server_stop(struct control_server **server);

/* The owner of a file, for control_request(); CONTROL_NO_OWNER if that cannot be told. */
uid_t control_owner(const char *metadata_path);

/* Asks. `owner` is whose server is listened to besides root's and one's own (S5), or
 * CONTROL_NO_OWNER. `arguments` is borrowed and may be NULL. *out is the result, a new reference,
 * JSON's null if it has no contents. COMMON_ERR_NOT_FOUND: nobody listens at that path.
 * COMMON_ERR_DENIED: not allowed, or somebody else's server. COMMON_ERR_TIMEOUT.
 * COMMON_ERR_CORRUPT: what came is no answer. Otherwise the error of the answer. *out is NULL then,
 * and `why` has a sentence. */
COMMON_MUST_USE int control_request(json_t **out, const char *path, uid_t owner,
                                    const char *request, json_t *arguments, unsigned timeout_ms,
                                    char *why, size_t why_size);

#endif
