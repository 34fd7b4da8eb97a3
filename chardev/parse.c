/* SPDX-License-Identifier: MIT */
/* The short form of a back-end, as -serial, -monitor and -qmp take it. */
#include "chardev/backend.h"

#include <string.h>

#include "util/error.h"

/* "HOST:PORT"; the host may be in brackets. */
static bool parse_host_port(KeyVal *kv, const char *text, GError **errp)
{
    const char *colon = strrchr(text, ':');
    g_autofree char *host = NULL;
    size_t len;

    if (!colon || colon[1] == '\0') {
        error_setg(errp, "'%s' has no port: write HOST:PORT", text);
        return false;
    }
    len = colon - text;
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        host = g_strndup(text + 1, len - 2);
    } else {
        host = g_strndup(text, len);
    }
    keyval_set(kv, "host", host);
    keyval_set(kv, "port", colon + 1);
    return true;
}

/* "unix:PATH,server=on,wait=off" and its TCP kin, in -chardev's words. */
static KeyVal *parse_socket(const char *text, GError **errp)
{
    const char *rest = strchr(text, ':') + 1;
    bool is_unix = g_str_has_prefix(text, "unix:");
    KeyVal *kv = keyval_parse(rest, is_unix ? "path" : "address", errp);
    const char *address;

    if (!kv || is_unix) {
        return kv;
    }
    address = keyval_get(kv, "address", "");
    if (!parse_host_port(kv, address, errp)) {
        keyval_free(kv);
        return NULL;
    }
    if (g_str_has_prefix(text, "telnet:")) {
        keyval_set(kv, "telnet", "on");
    }
    return kv;
}

/* "BACKEND:PATH": the path is taken as it stands, commas and all. */
static KeyVal *parse_path(const char *text)
{
    const char *path = strchr(text, ':') + 1;
    KeyVal *kv = keyval_new();

    keyval_set(kv, "path", path);
    return kv;
}

/* The text as -chardev's options, or NULL with @errp set. */
static KeyVal *parse_short(const char *text, GError **errp)
{
    static const char *const plain[] = {"null", "stdio", "pty", "ringbuf"};
    static const char *const paths[] = {"file:", "pipe:"};
    static const char *const sockets[] = {"unix:", "tcp:", "telnet:"};
    KeyVal *kv;

    for (unsigned i = 0; i < ARRAY_LEN(plain); i++) {
        if (strcmp(text, plain[i]) == 0) {
            kv = keyval_new();
            keyval_set(kv, "backend", text);
            return kv;
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(paths); i++) {
        if (g_str_has_prefix(text, paths[i])) {
            g_autofree char *name = g_strndup(text, strlen(paths[i]) - 1);

            kv = parse_path(text);
            keyval_set(kv, "backend", name);
            return kv;
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(sockets); i++) {
        if (g_str_has_prefix(text, sockets[i])) {
            kv = parse_socket(text, errp);
            if (kv) {
                keyval_set(kv, "backend", "socket");
            }
            return kv;
        }
    }
    error_setg(errp, "'%s' is not a valid char driver", text);
    return NULL;
}

/* "mon:" before any form asks for a mux; the caller puts a monitor on it. */
Chardev *chardev_parse_short(const char *id, const char *text, GError **errp)
{
    g_autoptr(KeyVal) kv = NULL;
    const char *name = text;
    bool mux = g_str_has_prefix(text, "mon:");

    if (strcmp(text, "none") == 0) {
        return NULL;
    }
    if (g_str_has_prefix(text, "chardev:")) {
        Chardev *chr = chardev_find(text + strlen("chardev:"));

        if (!chr) {
            error_setg(errp, "chardev \"%s\" not found: make it with -chardev",
                       text + strlen("chardev:"));
        }
        return chr;
    }
    if (mux) {
        name = text + strlen("mon:");
    }
    kv = parse_short(name, errp);
    if (!kv) {
        return NULL;
    }
    keyval_set(kv, "id", id);
    if (mux) {
        keyval_set(kv, "mux", "on");
        /* Ctrl-C goes to the guest; Ctrl-A x ends the emulator. */
        if (strcmp(name, "stdio") == 0) {
            keyval_set(kv, "signal", "off");
        }
    }
    return chardev_add(kv, errp);
}
