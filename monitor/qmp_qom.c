/* SPDX-License-Identifier: MIT */
/* qom-*, object-*, and what a type's properties are. */
#include <string.h>

#include "monitor/qom.h"
#include "system/machine.h"
#include "target/i386/models.h"
#include "util/io-context.h"

void qom_add_property(json_object *list, const char *name, const char *type,
                      const char *description, json_object *def)
{
    json_object *entry = json_object_new_object();

    if (def) {
        json_object_object_add(entry, "default-value", def);
    }
    put_str(entry, "name", name);
    if (description) {
        put_str(entry, "description", description);
    }
    put_str(entry, "type", type);
    json_object_array_add(list, entry);
}

/* --- the tree --- */

static void list_property(const char *name, const char *type,
                          json_object *value, void *opaque)
{
    json_object_put(value);
    qom_add_property(opaque, name, type, NULL, NULL);
}

static void list_child(const char *name, const QomNode *child, void *opaque)
{
    g_autofree char *child_type = qom_type_name(child);
    g_autofree char *type = g_strdup_printf("child<%s>", child_type);

    qom_add_property(opaque, name, type, NULL, NULL);
}

json_object *cmd_qom_list(MonCall *call, json_object *args, GError **errp)
{
    json_object *list;
    QomNode node;

    if (!qom_find(arg_str(args, "path", ""), &node, errp)) {
        return NULL;
    }
    list = json_object_new_array();
    qom_foreach_property(&node, list_property, list);
    qom_foreach_child(&node, list_child, list);
    return list;
}

typedef struct Wanted {
    const char *name;
    const char *path; /* of the node */
    json_object *value;
} Wanted;

static void want_property(const char *name, const char *type,
                          json_object *value, void *opaque)
{
    Wanted *w = opaque;

    if (!w->value && strcmp(name, w->name) == 0) {
        w->value = value;
    } else {
        json_object_put(value);
    }
}

/* A child's value is its path. */
static void want_child(const char *name, const QomNode *child, void *opaque)
{
    Wanted *w = opaque;
    g_autofree char *path = NULL;

    if (strcmp(name, w->name) == 0) {
        path = g_build_path("/", "/", w->path, name, NULL);
        w->value = json_object_new_string(path);
    }
}

/* The value of "property" of "path"; NULL with @errp set. */
static json_object *property_value(json_object *args, QomNode *node,
                                   GError **errp)
{
    Wanted w = { arg_str(args, "property", ""), arg_str(args, "path", ""),
                 NULL };

    if (!qom_find(w.path, node, errp)) {
        return NULL;
    }
    qom_foreach_property(node, want_property, &w);
    if (!w.value) {
        qom_foreach_child(node, want_child, &w);
    }
    if (!w.value) {
        g_autofree char *type = qom_type_name(node);

        error_setg(errp, "Property '%s.%s' not found", type, w.name);
    }
    return w.value;
}

json_object *cmd_qom_get(MonCall *call, json_object *args, GError **errp)
{
    QomNode node;

    return property_value(args, &node, errp);
}

/* Properties are for reading: a machine is not changed while it runs. */
json_object *cmd_qom_set(MonCall *call, json_object *args, GError **errp)
{
    QomNode node;
    json_object *value = property_value(args, &node, errp);

    if (value) {
        g_autofree char *type = qom_type_name(&node);

        json_object_put(value);
        error_setg(errp, "Property '%s.%s' is not writable", type,
                   arg_str(args, "property", ""));
    }
    return NULL;
}

/* --- users' objects --- */

json_object *cmd_object_add(MonCall *call, json_object *args, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_new();

    json_to_keyval(args, "", kv);
    user_object_add(kv, errp);
    return NULL;
}

json_object *cmd_hmp_object_add(MonCall *call, json_object *args, GError **errp)
{
    g_autoptr(KeyVal) kv =
        keyval_parse(arg_str(args, "opts", ""), "qom-type", errp);

    if (kv) {
        user_object_add(kv, errp);
    }
    return NULL;
}

json_object *cmd_object_del(MonCall *call, json_object *args, GError **errp)
{
    user_object_del(arg_str(args, "id", ""), errp);
    return NULL;
}

static json_object *iothread_entry(const IoContext *ctx)
{
    UserObject *obj = user_object_find(io_context_id(ctx));
    const UserObjectType *type = user_object_type(obj);
    json_object *entry = json_object_new_object();

    put_str(entry, "id", io_context_id(ctx));
    put_int(entry, "thread-id", io_context_thread_id(ctx));
    for (unsigned i = 0; i < type->nprops; i++) {
        const UserProp *prop = &type->props[i];

        put_int(entry, prop->name,
                g_ascii_strtoll(user_object_get(obj, prop), NULL, 10));
    }
    return entry;
}

json_object *cmd_query_iothreads(MonCall *call, json_object *args,
                                 GError **errp)
{
    json_object *list = json_object_new_array();
    const IoContext *ctx;

    for (unsigned i = 0; (ctx = io_context_at(i)); i++) {
        json_object_array_add(list, iothread_entry(ctx));
    }
    return list;
}

/* --- types --- */

typedef struct TypeWalk {
    const char *wanted; /* name or ancestor */
    char *parent;       /* of the wanted one, when it was found */
    bool found, abstract, with_abstract;
    json_object *list;
} TypeWalk;

static void find_type(const QomType *type, void *opaque)
{
    TypeWalk *w = opaque;

    if (strcmp(type->name, w->wanted) == 0) {
        w->found = true;
        w->abstract = type->abstract;
        w->parent = g_strdup(type->parent);
    }
}

/* Is @name, a type, @ancestor or below it? */
static bool type_is_a(const char *name, const char *ancestor)
{
    g_autofree char *at = g_strdup(name);

    while (at && strcmp(at, ancestor)) {
        TypeWalk up = { .wanted = at };

        qom_foreach_type(find_type, &up);
        g_free(at);
        at = up.parent;
    }
    return at != NULL;
}

static void list_type(const QomType *type, void *opaque)
{
    TypeWalk *w = opaque;
    json_object *entry;

    if ((type->abstract && !w->with_abstract) ||
        (w->wanted && !type_is_a(type->name, w->wanted))) {
        return;
    }
    entry = json_object_new_object();
    put_str(entry, "name", type->name);
    if (type->abstract) {
        put_bool(entry, "abstract", true);
    }
    if (type->parent) {
        put_str(entry, "parent", type->parent);
    }
    json_object_array_add(w->list, entry);
}

json_object *cmd_qom_list_types(MonCall *call, json_object *args, GError **errp)
{
    TypeWalk w = {
        .wanted = arg_str(args, "implements", NULL),
        .with_abstract = arg_bool(args, "abstract", false),
        .list = json_object_new_array(),
    };

    qom_foreach_type(list_type, &w);
    return w.list;
}

/* Those of CPU models: what -cpu takes. */
static json_object *cpu_properties(void)
{
    json_object *list = json_object_new_array();

    for (unsigned id = FEAT_BASE + 1; id < FEAT_COUNT; id++) {
        if (x86_feature_info[id].name) {
            qom_add_property(list, x86_feature_info[id].name, "bool", NULL,
                             NULL);
        }
    }
    return list;
}

json_object *qom_device_properties(const DeviceType *type)
{
    json_object *list = json_object_new_array();

    for (unsigned i = 0; i < type->nprops; i++) {
        const DevProp *prop = &type->props[i];
        json_object *def = NULL;

        if (prop->kind == DEV_PROP_BOOL) {
            def = json_object_new_boolean(prop->def != 0);
        } else if (prop->kind <= DEV_PROP_SIZE) {
            def = json_object_new_uint64(prop->def);
        } else if (prop->def_str) {
            def = json_object_new_string(prop->def_str);
        }
        qom_add_property(list, prop->name, device_prop_kind_name(prop->kind),
                         prop->help, def);
    }
    return list;
}

static json_object *object_properties(const char *name)
{
    static const char *const kinds[] = { "string", "bool", "int", "int" };
    json_object *list = json_object_new_array();
    const UserObjectType *type;

    qom_add_property(list, "type", "string", NULL, NULL);
    for (unsigned i = 0; (type = user_object_type_at(i)); i++) {
        for (unsigned k = 0; k < type->nprops && !strcmp(type->name, name);
             k++) {
            qom_add_property(list, type->props[k].name,
                             kinds[type->props[k].kind], NULL, NULL);
        }
    }
    return list;
}

json_object *cmd_device_list_properties(MonCall *call, json_object *args,
                                        GError **errp)
{
    const char *name = arg_str(args, "typename", "");
    const DeviceType *type = device_type_find(name);
    TypeWalk w = { .wanted = name };

    qom_foreach_type(find_type, &w);
    g_free(w.parent);
    if (type) {
        return qom_device_properties(type);
    }
    if (!w.found) {
        return cmd_error(errp, ERR_DEVICE_NOT_FOUND, "Device '%s' not found",
                         name);
    }
    if (w.abstract || !type_is_a(name, "cpu")) {
        error_setg(errp,
                   "Parameter 'typename' expects a non-abstract device type");
        return NULL;
    }
    return cpu_properties();
}

json_object *cmd_qom_list_properties(MonCall *call, json_object *args,
                                     GError **errp)
{
    const char *name = arg_str(args, "typename", "");
    const DeviceType *type = device_type_find(name);
    TypeWalk w = { .wanted = name };

    qom_foreach_type(find_type, &w);
    g_free(w.parent);
    if (!w.found) {
        return cmd_error(errp, ERR_DEVICE_NOT_FOUND, "Class '%s' not found",
                         name);
    }
    if (type) {
        return qom_device_properties(type);
    }
    return type_is_a(name, "cpu") ? cpu_properties() : object_properties(name);
}
