/* SPDX-License-Identifier: MIT */
/*
 * QMP sessions: greeting, negotiation, commands, replies and events.
 *
 * The input is a stream of JSON values with or without blanks between, in
 * pieces of any size.  After a syntax error the rest of the line is skipped,
 * and the session goes on.
 *
 * Commands are carried out as they are read, in order, and none waits for the
 * guest, so that one "out of band" (exec-oob) has nothing to overtake: it is
 * answered at once like any other.
 */
#include "monitor/session.h"

#include <string.h>

#include "util/error.h"

/* Events for a client that reads none are dropped past this. */
#define QMP_MAX_EVENTS_BYTES (16 * MiB)
#define QMP_MAX_VALUE_BYTES  (64 * MiB)
#define QMP_MAX_DEPTH        1024
#define QMP_READ_BYTES       4096

typedef struct QmpSession {
    Monitor mon;
    struct json_tokener *tokener;
    size_t value_bytes; /* fed to the tokener since the last value */
    bool skip_line;     /* after a syntax error */
    bool negotiated;
    bool oob; /* the client asked for it */
    bool pretty;
} QmpSession;

static QmpSession *qmp_of(Monitor *mon)
{
    return container_of(mon, QmpSession, mon);
}

/* Sends and frees @value. */
static void qmp_send(QmpSession *s, json_object *value)
{
    GString *text = g_string_new(NULL);

    json_print(text, value, s->pretty);
    g_string_append(text, "\r\n");
    char_write_all(s->mon.fe, text->str, text->len);
    g_string_free(text, TRUE);
    json_object_put(value);
}

static json_object *qmp_error(const GError *err)
{
    json_object *error = json_object_new_object();
    json_object *reply = json_object_new_object();

    json_object_object_add(error, "class",
                           json_object_new_string(error_class_name(err)));
    json_object_object_add(error, "desc", json_object_new_string(err->message));
    json_object_object_add(reply, "error", error);
    return reply;
}

static void qmp_greet(Monitor *mon)
{
    QmpSession *s = qmp_of(mon);
    json_object *greeting = json_object_new_object();
    json_object *body = json_object_new_object();
    json_object *capabilities = json_object_new_array();

    json_tokener_reset(s->tokener);
    s->value_bytes = 0;
    s->skip_line = s->negotiated = s->oob = false;
    json_object_object_add(body, "version",
                           cmd_query_version(NULL, NULL, NULL));
    json_object_array_add(capabilities, json_object_new_string("oob"));
    json_object_object_add(body, "capabilities", capabilities);
    json_object_object_add(greeting, "QMP", body);
    qmp_send(s, greeting);
}

/* --- commands --- */

/* The schema lets but known capabilities pass. */
static bool qmp_negotiate(QmpSession *s, json_object *args, GError **errp)
{
    json_object *enable;

    if (!command_check_args(&command_capabilities, args, errp)) {
        return false;
    }
    enable = arg_get(args, "enable");
    s->oob = enable && json_object_array_length(enable) > 0;
    s->negotiated = true;
    return true;
}

/* The row of @name; errors as QEMU orders them. */
static const MonCommand *qmp_find(QmpSession *s, const char *name, bool oob,
                                  GError **errp)
{
    bool negotiate = strcmp(name, command_capabilities.qmp) == 0;
    const MonCommand *cmd =
        negotiate ? &command_capabilities : command_find_qmp(name);

    if (!s->negotiated && !negotiate) {
        cmd_error(errp, ERR_COMMAND_NOT_FOUND,
                  "Expecting capabilities negotiation with "
                  "'qmp_capabilities'");
    } else if (!cmd) {
        cmd_error(errp, ERR_COMMAND_NOT_FOUND,
                  "The command %s has not been found", name);
    } else if (oob && !cmd->oob) {
        error_setg(errp, "The command %s does not support OOB", name);
    } else if (s->negotiated && negotiate) {
        cmd_error(errp, ERR_COMMAND_NOT_FOUND,
                  "Capabilities negotiation is already complete, command "
                  "ignored");
    } else {
        return cmd;
    }
    return NULL;
}

static json_object *qmp_execute(QmpSession *s, const char *name, bool oob,
                                json_object *args, GError **errp)
{
    const MonCommand *cmd = qmp_find(s, name, oob, errp);
    MonCall call = { .mon = &s->mon };

    if (!cmd) {
        return NULL;
    }
    if (cmd == &command_capabilities) {
        qmp_negotiate(s, args, errp);
        return NULL;
    }
    if (!command_check_args(cmd, args, errp)) {
        return NULL;
    }
    return cmd->handler(&call, args, errp);
}

typedef struct QmpRequest {
    const char *name;
    json_object *args; /* NULL: none */
    bool oob;
} QmpRequest;

/* One member of the envelope. */
static bool qmp_check_member(QmpSession *s, QmpRequest *r, const char *key,
                             json_object *value, GError **errp)
{
    bool oob = s->oob && strcmp(key, "exec-oob") == 0;

    if (oob || strcmp(key, "execute") == 0) {
        if (json_object_get_type(value) != json_type_string) {
            error_setg(errp, "QMP input member '%s' must be a string", key);
            return false;
        }
        if (r->name) {
            error_setg(errp, "QMP input member '%s' clashes with '%s'", key,
                       r->oob ? "exec-oob" : "execute");
            return false;
        }
        r->name = json_object_get_string(value);
        r->oob = oob;
    } else if (strcmp(key, "arguments") == 0) {
        if (json_object_get_type(value) != json_type_object) {
            error_setg(errp, "QMP input member 'arguments' must be an object");
            return false;
        }
        r->args = value;
    } else if (strcmp(key, "id") != 0) {
        error_setg(errp, "QMP input member '%s' is unexpected", key);
        return false;
    }
    return true;
}

/* Check the envelope of a request. */
static bool qmp_check_request(QmpSession *s, json_object *request,
                              QmpRequest *r, GError **errp)
{
    *r = (QmpRequest){ 0 };
    if (json_object_get_type(request) != json_type_object) {
        error_setg(errp, "QMP input must be a JSON object");
        return false;
    }
    json_object_object_foreach(request, key, value)
    {
        if (!qmp_check_member(s, r, key, value, errp)) {
            return false;
        }
    }
    if (!r->name) {
        error_setg(errp, "QMP input lacks member 'execute'");
        return false;
    }
    return true;
}

static void qmp_request(QmpSession *s, json_object *request)
{
    json_object *id, *result = NULL, *reply;
    GError *err = NULL;
    QmpRequest r;

    if (qmp_check_request(s, request, &r, &err)) {
        result = qmp_execute(s, r.name, r.oob, r.args, &err);
    }
    if (err) {
        reply = qmp_error(err);
        g_error_free(err);
    } else {
        reply = json_object_new_object();
        json_object_object_add(reply, "return",
                               result ? result : json_object_new_object());
    }
    if (json_object_get_type(request) == json_type_object &&
        json_object_object_get_ex(request, "id", &id)) {
        json_object_object_add(reply, "id", json_object_get(id));
    }
    qmp_send(s, reply);
}

/* --- input --- */

static void qmp_syntax_error(QmpSession *s, const char *what)
{
    GError *err = NULL;

    error_setg(&err, "JSON parse error, %s", what);
    qmp_send(s, qmp_error(err));
    g_error_free(err);
    json_tokener_reset(s->tokener);
    s->value_bytes = 0;
    s->skip_line = true;
}

/* Feed what follows; returns how many bytes were used up. */
static size_t qmp_feed(QmpSession *s, const char *buf, size_t len)
{
    json_object *value = json_tokener_parse_ex(s->tokener, buf, (int)len);
    enum json_tokener_error code = json_tokener_get_error(s->tokener);
    size_t used = json_tokener_get_parse_end(s->tokener);

    if (code == json_tokener_continue) {
        s->value_bytes += len;
        if (s->value_bytes > QMP_MAX_VALUE_BYTES) {
            qmp_syntax_error(s, "value is too large");
        }
        return len;
    }
    if (code != json_tokener_success) {
        qmp_syntax_error(s, json_tokener_error_desc(code));
        return MIN(used, len);
    }
    s->value_bytes = 0;
    /* A finished value leaves the tokener ready for the next one. */
    qmp_request(s, value);
    json_object_put(value);
    return used;
}

static void qmp_receive(Monitor *mon, const uint8_t *buf, size_t len)
{
    QmpSession *s = qmp_of(mon);

    while (len > 0) {
        size_t used;

        if (s->skip_line) {
            const uint8_t *nl = memchr(buf, '\n', len);

            used = nl ? (size_t)(nl - buf) + 1 : len;
            s->skip_line = nl == NULL;
        } else {
            used = qmp_feed(s, (const char *)buf, len);
        }
        buf += used;
        len -= used;
    }
}

static size_t qmp_room(Monitor *mon)
{
    return QMP_READ_BYTES;
}

static void qmp_event(Monitor *mon, json_object *event)
{
    QmpSession *s = qmp_of(mon);

    if (s->negotiated && mon->connected &&
        char_pending_output(mon->fe) < QMP_MAX_EVENTS_BYTES) {
        qmp_send(s, json_object_get(event));
    }
}

static void qmp_closed(Monitor *mon)
{
    qmp_of(mon)->negotiated = false;
}

static void qmp_free(Monitor *mon)
{
    QmpSession *s = qmp_of(mon);

    json_tokener_free(s->tokener);
    g_free(s);
}

static const MonitorOps qmp_ops = {
    .opened = qmp_greet,
    .closed = qmp_closed,
    .room = qmp_room,
    .receive = qmp_receive,
    .event = qmp_event,
    .free = qmp_free,
};

bool monitor_add_qmp(struct Chardev *chr, bool pretty, GError **errp)
{
    QmpSession *s = g_new0(QmpSession, 1);

    s->pretty = pretty;
    s->tokener = json_tokener_new_ex(QMP_MAX_DEPTH);
    return monitor_register(&s->mon, &qmp_ops, chr, errp);
}
