/* SPDX-License-Identifier: MIT */
/* One HMP line: its words become the arguments that the table asks for. */
#include <string.h>

#include "monitor/command.h"
#include "util/error.h"

static const char *skip_blanks(const char *pos)
{
    return pos + strspn(pos, " \t");
}

/* json-c copies the text. */
static void add_str(json_object *args, const char *name, const char *text,
                    size_t len)
{
    json_object_object_add(args, name,
                           json_object_new_string_len(text, (int)len));
}

/* "quoted", with \n, \r, \\, \' and \"; @pos is at the quote. */
static const char *parse_quoted(const char *pos, GString *out, GError **errp)
{
    for (pos++; *pos != '"'; pos++) {
        if (*pos == '\\' && pos[1]) {
            pos++;
            if (!strchr("nr\\'\"", *pos)) {
                error_setg(errp, "unsupported escape code: '\\%c'", *pos);
                return NULL;
            }
            g_string_append_c(out, *pos == 'n'   ? '\n'
                                   : *pos == 'r' ? '\r'
                                                 : *pos);
        } else if (*pos == '\0') {
            error_setg(errp, "unterminated string");
            return NULL;
        } else {
            g_string_append_c(out, *pos);
        }
    }
    return pos + 1;
}

/* A word ends at a blank; quotes keep blanks in it. */
static const char *parse_word(const char *pos, const MonMember *arg,
                              json_object *args, GError **errp)
{
    g_autoptr(GString) text = g_string_new(NULL);
    size_t len = strcspn(pos, " \t");

    if (*pos == '"') {
        pos = parse_quoted(pos, text, errp);
        if (!pos) {
            return NULL;
        }
    } else {
        g_string_append_len(text, pos, len);
        pos += len;
    }
    add_str(args, arg->name, text->str, text->len);
    return pos;
}

/* "/COUNT FORMAT SIZE", as in x/4xw: members "count", "format", "size" (in
 * bytes) for what is given. */
static const char *parse_format(const char *pos, json_object *args,
                                GError **errp)
{
    static const char sizes[] = "bhwg";
    int64_t count = 0;

    if (*pos != '/') {
        return pos;
    }
    for (pos++; g_ascii_isdigit(*pos); pos++) {
        count = MIN(count * 10 + (*pos - '0'), INT32_MAX);
        json_object_object_add(args, "count", json_object_new_int64(count));
    }
    for (; *pos && *pos != ' ' && *pos != '\t'; pos++) {
        const char *size = strchr(sizes, *pos);

        if (size) {
            json_object_object_add(args, "size",
                                   json_object_new_int(1 << (size - sizes)));
        } else if (strchr("oxuditcs", *pos)) {
            add_str(args, "format", pos, 1);
        } else {
            error_setg(errp, "invalid char in format: '%c'", *pos);
            return NULL;
        }
    }
    return pos;
}

/* An expression, so that "x $rsp+8" works. */
static const char *parse_integer(const char *pos, const MonMember *arg,
                                 CPUState *cpu, json_object *args,
                                 GError **errp)
{
    int64_t value;

    if (!expr_parse(&pos, cpu, &value, errp)) {
        return NULL;
    }
    json_object_object_add(args, arg->name, json_object_new_int64(value));
    return pos;
}

/* -X, there or not. */
static const char *parse_flag(const char *pos, const MonMember *arg,
                              json_object *args)
{
    if (pos[0] == '-' && pos[1] == arg->type[1] &&
        (pos[2] == '\0' || pos[2] == ' ' || pos[2] == '\t')) {
        put_bool(args, arg->name, true);
        pos += 2;
    }
    return pos;
}

static const char *parse_switch(const char *pos, const MonMember *arg,
                                json_object *args, GError **errp)
{
    size_t len = strcspn(pos, " \t");
    bool on = len == 2 && strncmp(pos, "on", 2) == 0;

    if (!on && !(len == 3 && strncmp(pos, "off", 3) == 0)) {
        error_setg(errp, "Expected 'on' or 'off'");
        return NULL;
    }
    put_bool(args, arg->name, on);
    return pos + len;
}

/* Returns what follows the argument, NULL with @errp set. */
static const char *parse_arg(const char *pos, const MonMember *arg,
                             CPUState *cpu, const char *name, json_object *args,
                             GError **errp)
{
    pos = skip_blanks(pos);
    if (strcmp(arg->type, "fmt") == 0) {
        return parse_format(pos, args, errp);
    }
    if (arg->type[0] == '-') {
        return parse_flag(pos, arg, args);
    }
    if (*pos == '\0' && arg->optional) {
        return pos;
    }
    if (strcmp(arg->type, "int") == 0) {
        return parse_integer(pos, arg, cpu, args, errp);
    }
    if (*pos == '\0') {
        error_setg(errp, "%s: string expected", name);
        return NULL;
    }
    if (strcmp(arg->type, "bool") == 0) {
        return parse_switch(pos, arg, args, errp);
    }
    if (strcmp(arg->type, "line") == 0) {
        add_str(args, arg->name, pos, strlen(pos));
        return pos + strlen(pos);
    }
    return parse_word(pos, arg, args, errp);
}

/* All arguments of a line as the object that QMP would have sent; NULL with
 * @errp set.  Nothing may be left over. */
static json_object *hmp_parse(const MonCommand *cmd, const char *pos,
                              CPUState *cpu, GError **errp)
{
    json_object *args = json_object_new_object();
    const char *spec = cmd->args;
    MonMember arg;

    while (pos && (spec = schema_next_member(spec, &arg))) {
        pos = parse_arg(pos, &arg, cpu, cmd->hmp, args, errp);
    }
    if (pos && *skip_blanks(pos) != '\0') {
        error_setg(errp, "%s: extraneous characters at the end of line",
                   cmd->hmp);
        pos = NULL;
    }
    /* What QMP checks for its clients: the values of enumerations. */
    if (pos && cmd->qmp && !command_check_args(cmd, args, errp)) {
        pos = NULL;
    }
    if (!pos) {
        json_object_put(args);
        return NULL;
    }
    return args;
}

/* The name ends at a blank or at the "/" of a format: "x/4xw". */
void hmp_run(MonCall *call, const char *line)
{
    const char *start = skip_blanks(line);
    size_t len = strcspn(start, " \t/");
    const MonCommand *cmd;
    json_object *args;
    GError *err = NULL;

    if (*start == '\0' || *start == '#') {
        return;
    }
    cmd = command_find_hmp(start, len);
    if (!cmd) {
        g_string_append_printf(call->out, "unknown command: '%.*s'\n", (int)len,
                               start);
        return;
    }
    args = hmp_parse(cmd, start + len, monitor_cpu(call), &err);
    if (!args) {
        g_string_append_printf(call->out,
                               "%s\nTry \"help %.*s\" for more information\n",
                               err->message, (int)len, start);
        g_error_free(err);
        return;
    }
    json_object_put(cmd->handler(call, args, &err));
    json_object_put(args);
    if (err) {
        g_string_append_printf(call->out, "Error: %s\n", err->message);
        g_error_free(err);
    }
}
