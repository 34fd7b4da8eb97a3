/* SPDX-License-Identifier: MIT */
/* Properties of the nodes of the tree of objects. */
#include <string.h>

#include "monitor/qom.h"
#include "system/machine.h"
#include "target/i386/models.h"

typedef struct Props {
    QomProperty *fn;
    void *opaque;
} Props;

static void prop_str(const Props *p, const char *name, const char *value)
{
    p->fn(name, "string", json_object_new_string(value ? value : ""),
          p->opaque);
}

static void prop_bool(const Props *p, const char *name, bool value)
{
    p->fn(name, "bool", json_object_new_boolean(value), p->opaque);
}

static void prop_int(const Props *p, const char *name, const char *type,
                     int64_t value)
{
    p->fn(name, type, json_object_new_int64(value), p->opaque);
}

static void props_machine(const Props *p)
{
    const MachineConfig *c = machine_config;

    prop_str(p, "kernel", c->kernel);
    prop_str(p, "initrd", c->initrd);
    prop_str(p, "append", c->append);
    prop_str(p, "firmware", c->bios);
    prop_bool(p, "graphics", false);
    prop_bool(p, "usb", false);
}

static void props_cpu(const Props *p, CPUState *cpu)
{
    const X86Features *f = x86_cpu(cpu)->features;

    prop_bool(p, "realized", true);
    prop_bool(p, "hotplugged", false);
    prop_bool(p, "hotpluggable", false);
    prop_int(p, "apic-id", "uint32", x86_cpu(cpu)->apic_id);
    prop_int(p, "family", "int", f->family);
    prop_int(p, "model", "int", f->model);
    prop_int(p, "stepping", "int", f->stepping);
    prop_str(p, "vendor", f->vendor);
    prop_str(p, "model-id", f->model_id);
    for (unsigned id = FEAT_BASE + 1; id < FEAT_COUNT; id++) {
        if (x86_feature_info[id].name) {
            prop_bool(p, x86_feature_info[id].name, x86_feature_is_set(f, id));
        }
    }
}

/* What the device layer shows as text, as JSON of its kind. */
static json_object *device_value(const DeviceState *dev, const DevProp *prop)
{
    g_autofree char *text = device_get_prop(dev, prop);
    size_t len = strlen(text);

    if (prop->kind == DEV_PROP_BOOL) {
        return json_object_new_boolean(strcmp(text, "true") == 0);
    }
    if (prop->kind <= DEV_PROP_SIZE) {
        return json_object_new_uint64(g_ascii_strtoull(text, NULL, 0));
    }
    if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
        return json_object_new_string_len(text + 1, (int)len - 2);
    }
    return json_object_new_string(text);
}

static void props_device(const Props *p, DeviceState *dev)
{
    prop_bool(p, "realized", dev->realized);
    prop_bool(p, "hotplugged", false);
    prop_bool(p, "hotpluggable", false);
    for (unsigned i = 0; i < dev->type->nprops; i++) {
        const DevProp *prop = &dev->type->props[i];

        p->fn(prop->name, device_prop_kind_name(prop->kind),
              device_value(dev, prop), p->opaque);
    }
}

static json_object *object_value(UserObject *obj, const UserProp *prop)
{
    const char *text = user_object_get(obj, prop);
    uint64_t size = 0;

    if (prop->kind == USER_PROP_BOOL) {
        return json_object_new_boolean(text && strcmp(text, "on") == 0);
    }
    if (prop->kind == USER_PROP_SIZE || prop->kind == USER_PROP_INT) {
        parse_size(text ? text : "0", 'B', &size, NULL);
        return json_object_new_uint64(size);
    }
    return json_object_new_string(text ? text : "");
}

static void props_object(const Props *p, UserObject *obj)
{
    static const char *const kinds[] = { "string", "bool", "int", "int" };
    const UserObjectType *type = user_object_type(obj);

    for (unsigned i = 0; i < type->nprops; i++) {
        p->fn(type->props[i].name, kinds[type->props[i].kind],
              object_value(obj, &type->props[i]), p->opaque);
    }
}

void qom_foreach_property(const QomNode *node, QomProperty *fn, void *opaque)
{
    Props p = { fn, opaque };
    g_autofree char *type = qom_type_name(node);

    prop_str(&p, "type", type);
    switch (node->kind) {
    case QOM_MACHINE:
        props_machine(&p);
        break;
    case QOM_CPU:
        props_cpu(&p, node->cpu);
        break;
    case QOM_DEVICE:
        props_device(&p, node->dev);
        break;
    case QOM_OBJECT:
        props_object(&p, node->obj);
        break;
    default:
        break;
    }
}
