/* SPDX-License-Identifier: MIT */
/* Secrets and memory back-ends: objects of users.  Locks: BQL. */
#include "system/user_object.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"

struct UserObject {
    const UserObjectType *type;
    char *id;
    KeyVal *props; /* those that were given, and defaults */
    uint8_t *data; /* of a secret: its bytes; of memory: the mapping */
    size_t len;
    bool used; /* by the machine: it stays */
};

static GQueue objects = G_QUEUE_INIT; /* UserObject, oldest first */

static const char *prop_text(UserObject *obj, const char *name)
{
    return keyval_get(obj->props, name, NULL);
}

/* --- secret --- */

/* Base64 in a file may have line ends. */
static bool secret_decode(UserObject *obj, GError **errp)
{
    size_t len;
    g_autofree uint8_t *plain = g_base64_decode((char *)obj->data, &len);

    if (obj->len > 0 && len == 0) {
        error_setg(errp, "Base64 data is not valid");
        return false;
    }
    g_free(obj->data);
    obj->data = g_steal_pointer(&plain);
    obj->len = len;
    return true;
}

static bool secret_open(UserObject *obj, GError **errp)
{
    const char *data = prop_text(obj, "data"), *file = prop_text(obj, "file");
    const char *format = prop_text(obj, "format");

    if (!data == !file) {
        error_setg(errp, data ? "'file' and 'data' are mutually exclusive"
                              : "Either 'file' or 'data' must be provided");
        return false;
    }
    if (file &&
        !g_file_get_contents(file, (char **)&obj->data, &obj->len, errp)) {
        return false;
    }
    if (data) {
        obj->data = (uint8_t *)g_strdup(data);
        obj->len = strlen(data);
    }
    if (strcmp(format, "base64") == 0) {
        return secret_decode(obj, errp);
    }
    if (strcmp(format, "raw") != 0) {
        error_setg(errp, "Parameter 'format' does not accept value '%s'",
                   format);
        return false;
    }
    return true;
}

static void secret_close(UserObject *obj)
{
    if (obj->data) {
        explicit_bzero(obj->data, obj->len);
    }
    g_free(obj->data);
}

/* --- memory --- */

/* Make an empty file as long as it has to be.  One with content keeps its
 * length, as it may be somebody's data; false with errno set on failure. */
static bool memory_fit(int fd, uint64_t len, bool *fits)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        return false;
    }
    *fits =
        !S_ISREG(st.st_mode) || st.st_size == 0 || (uint64_t)st.st_size >= len;
    return !S_ISREG(st.st_mode) || st.st_size > 0 ||
           ftruncate(fd, (off_t)len) == 0;
}

/* Of @obj's type; -1 and no error: anonymous memory. */
static int memory_fd(UserObject *obj, GError **errp)
{
    const char *path = prop_text(obj, "mem-path");
    int fd = -1;
    bool fits;

    if (path) {
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
    } else if (strcmp(obj->type->name, "memory-backend-memfd") == 0) {
        fd = memfd_create(obj->id, MFD_CLOEXEC);
    } else {
        return -1;
    }
    if (fd < 0 || !memory_fit(fd, obj->len, &fits)) {
        error_setg(errp, "can't open backing store %s for guest RAM: %s",
                   path ? path : "in memory", g_strerror(errno));
    } else if (!fits) {
        error_setg(errp,
                   "backing store %s is smaller than its 'size': empty "
                   "it or ask for less",
                   path);
    }
    return fd;
}

static bool memory_open(UserObject *obj, GError **errp)
{
    GError *err = NULL;
    uint64_t size;
    bool share;
    void *map;
    int fd;

    if (!keyval_get_size(obj->props, "size", 0, &size, 'B', errp) ||
        !keyval_get_bool(obj->props, "share", false, &share, errp)) {
        return false;
    }
    if (size == 0) {
        error_setg(errp, "Parameter 'size' is missing");
        return false;
    }
    if (strcmp(obj->type->name, "memory-backend-file") == 0 &&
        !prop_text(obj, "mem-path")) {
        error_setg(errp, "mem-path property not set");
        return false;
    }
    obj->len = size;
    fd = memory_fd(obj, &err);
    map = err ? MAP_FAILED
              : mmap(NULL, size, PROT_READ | PROT_WRITE,
                     (share ? MAP_SHARED : MAP_PRIVATE) | MAP_NORESERVE |
                         (fd < 0 ? MAP_ANONYMOUS : 0),
                     fd, 0);
    if (map == MAP_FAILED && !err) {
        error_setg(&err, "cannot set up guest memory '%s': %s", obj->id,
                   g_strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    if (err) {
        g_propagate_error(errp, err);
        return false;
    }
    obj->data = map;
    return true;
}

/* What the machine uses goes with the process. */
static void memory_close(UserObject *obj)
{
    if (obj->data && !obj->used) {
        munmap(obj->data, obj->len);
    }
}

/* --- the types --- */

static const UserProp secret_props[] = {
    { "data", USER_PROP_STRING, NULL },
    { "file", USER_PROP_STRING, NULL },
    { "format", USER_PROP_STRING, "raw" },
};

/* The path stands first: only files have one. */
static const UserProp memory_props[] = {
    { "mem-path", USER_PROP_STRING, NULL },
    { "size", USER_PROP_SIZE, "0" },
    { "share", USER_PROP_BOOL, "off" },
    { "dump", USER_PROP_BOOL, "on" },
    { "merge", USER_PROP_BOOL, "on" },
    { "prealloc", USER_PROP_BOOL, "off" },
};

#define MEMORY_TYPE(type_name, first)                                          \
    {                                                                          \
        .name = type_name, .parent = "memory-backend",                         \
        .props = memory_props + (first),                                       \
        .nprops = ARRAY_LEN(memory_props) - (first), .open = memory_open,      \
        .close = memory_close                                                  \
    }
static const UserObjectType object_types[] = {
    MEMORY_TYPE("memory-backend-file", 0),
    MEMORY_TYPE("memory-backend-memfd", 1),
    MEMORY_TYPE("memory-backend-ram", 1),
    {
        .name = "secret",
        .parent = "secret_common",
        .props = secret_props,
        .nprops = ARRAY_LEN(secret_props),
        .open = secret_open,
        .close = secret_close,
    },
};

const UserObjectType *user_object_type_at(unsigned index)
{
    return index < ARRAY_LEN(object_types) ? &object_types[index] : NULL;
}

static const UserObjectType *object_type_find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(object_types); i++) {
        if (strcmp(object_types[i].name, name) == 0) {
            return &object_types[i];
        }
    }
    return NULL;
}

/* --- making and finding --- */

static void object_free(UserObject *obj)
{
    obj->type->close(obj);
    keyval_free(obj->props);
    g_free(obj->id);
    g_free(obj);
}

/* Take the properties that there are from @opts, which may have no others. */
static bool object_set_props(UserObject *obj, KeyVal *opts, GError **errp)
{
    for (unsigned i = 0; i < obj->type->nprops; i++) {
        const UserProp *prop = &obj->type->props[i];
        const char *value = keyval_get(opts, prop->name, prop->def);

        if (value) {
            keyval_set(obj->props, prop->name, value);
        }
    }
    if (keyval_first_unused(opts)) {
        error_setg(errp, "Property '%s.%s' not found", obj->type->name,
                   keyval_first_unused(opts));
        return false;
    }
    return true;
}

UserObject *user_object_add(KeyVal *opts, GError **errp)
{
    const char *name = keyval_get(opts, "qom-type", NULL);
    const char *id = keyval_get(opts, "id", NULL);
    const UserObjectType *type;
    UserObject *obj;

    if (!name || !id) {
        error_setg(errp, "Parameter '%s' is missing", name ? "id" : "qom-type");
        return NULL;
    }
    type = object_type_find(name);
    if (!type) {
        error_setg(errp, "Parameter 'qom-type' does not accept value '%s'",
                   name);
        return NULL;
    }
    if (!id_is_well_formed(id)) {
        error_setg(errp, "Parameter 'id' expects an identifier");
        return NULL;
    }
    if (user_object_find(id)) {
        error_setg(errp,
                   "attempt to add duplicate property '%s' to object (type "
                   "'container')",
                   id);
        return NULL;
    }
    obj = g_new0(UserObject, 1);
    obj->type = type;
    obj->id = g_strdup(id);
    obj->props = keyval_new();
    if (!object_set_props(obj, opts, errp) || !type->open(obj, errp)) {
        object_free(obj);
        return NULL;
    }
    g_queue_push_tail(&objects, obj);
    return obj;
}

bool user_object_del(const char *id, GError **errp)
{
    UserObject *obj = user_object_find(id);

    if (!obj) {
        error_setg(errp, "object '%s' not found", id);
        return false;
    }
    if (obj->used) {
        error_setg(errp, "object '%s' is in use, can not be deleted", id);
        return false;
    }
    g_queue_remove(&objects, obj);
    object_free(obj);
    return true;
}

UserObject *user_object_find(const char *id)
{
    for (GList *l = objects.head; l; l = l->next) {
        UserObject *obj = l->data;

        if (strcmp(obj->id, id) == 0) {
            return obj;
        }
    }
    return NULL;
}

void *user_object_take_memory(const char *id, uint64_t *bytes, GError **errp)
{
    UserObject *obj = user_object_find(id);

    if (!obj || strcmp(obj->type->parent, "memory-backend") != 0) {
        error_setg(errp, "Memory backend '%s' not found: make it with -object",
                   id);
        return NULL;
    }
    if (obj->len % PAGE_SIZE) {
        error_setg(errp, "memory backend '%s': its size is no multiple of 4K",
                   id);
        return NULL;
    }
    obj->used = true;
    *bytes = obj->len;
    return obj->data;
}

UserObject *user_object_at(unsigned index)
{
    return g_queue_peek_nth(&objects, index);
}

const char *user_object_id(const UserObject *obj)
{
    return obj->id;
}

const UserObjectType *user_object_type(const UserObject *obj)
{
    return obj->type;
}

const char *user_object_get(UserObject *obj, const UserProp *prop)
{
    return prop_text(obj, prop->name);
}

void user_objects_cleanup(void)
{
    UserObject *obj;

    while ((obj = g_queue_pop_tail(&objects))) {
        object_free(obj);
    }
}
