/* SPDX-License-Identifier: MIT */
/* The tree of objects: from paths to nodes, and a node's children. */
#include "monitor/qom.h"

#include <string.h>

#include "system/machine.h"
#include "target/i386/models.h"
#include "util/rcu.h"

/* What is always there, and below what. */
static const struct {
    const char *name;
    QomKind kind, parent_kind;
} containers[] = {
    { "machine", QOM_MACHINE, QOM_ROOT },
    { "objects", QOM_OBJECTS, QOM_ROOT },
    { "chardevs", QOM_CHARDEVS, QOM_ROOT },
    { "peripheral", QOM_PERIPHERAL, QOM_MACHINE },
    { "peripheral-anon", QOM_PERIPHERAL_ANON, QOM_MACHINE },
    { "unattached", QOM_UNATTACHED, QOM_MACHINE },
};

/* --- names --- */

char *qom_cpu_path(unsigned index)
{
    return g_strdup_printf("/machine/unattached/device[%u]", index);
}

typedef struct DeviceIndex {
    const DeviceState *wanted;
    unsigned next;
    int found; /* -1: not yet */
} DeviceIndex;

static void count_device(DeviceState *dev, void *opaque)
{
    DeviceIndex *d = opaque;

    if (dev == d->wanted) {
        d->found = (int)d->next;
    }
    d->next += dev->id ? 0 : 1;
}

char *qom_device_path(const DeviceState *dev)
{
    DeviceIndex d = { .wanted = dev, .found = -1 };

    if (dev->id) {
        return g_strconcat("/machine/peripheral/", dev->id, NULL);
    }
    d.next = machine_config->max_cpus;
    device_foreach(count_device, &d);
    return qom_cpu_path(d.found < 0 ? d.next : (unsigned)d.found);
}

char *qom_type_name(const QomNode *node)
{
    switch (node->kind) {
    case QOM_MACHINE:
        return g_strconcat(machine_type ? machine_type->name : "none",
                           "-machine", NULL);
    case QOM_CPU:
        return g_strconcat(x86_cpu(node->cpu)->model->name, QOM_CPU_SUFFIX,
                           NULL);
    case QOM_DEVICE:
        return g_strdup(node->dev->type->name);
    case QOM_OBJECT:
        return g_strdup(user_object_type(node->obj)->name);
    case QOM_CHARDEV:
        return g_strconcat("chardev-", chardev_type_name(node->chr), NULL);
    default:
        return g_strdup("container");
    }
}

/* --- children --- */

typedef struct Children {
    QomKind kind;
    QomChild *fn;
    void *opaque;
    unsigned next; /* index of the next unnamed device */
} Children;

static void child_device(DeviceState *dev, void *opaque)
{
    Children *c = opaque;
    QomNode node = { .kind = QOM_DEVICE, .dev = dev };
    g_autofree char *name = NULL;

    if (dev->id && c->kind == QOM_PERIPHERAL) {
        c->fn(dev->id, &node, c->opaque);
    } else if (!dev->id && c->kind == QOM_UNATTACHED) {
        name = g_strdup_printf("device[%u]", c->next++);
        c->fn(name, &node, c->opaque);
    }
}

static void child_cpus(Children *c)
{
    CPUState *cpu;

    CPU_FOREACH (cpu) {
        QomNode node = { .kind = QOM_CPU, .cpu = cpu };
        g_autofree char *name = g_strdup_printf("device[%u]", cpu->index);

        c->fn(name, &node, c->opaque);
    }
    c->next = machine_config ? machine_config->max_cpus : 0;
}

static void child_chardev(struct Chardev *chr, void *opaque)
{
    Children *c = opaque;
    QomNode node = { .kind = QOM_CHARDEV, .chr = chr };

    c->fn(chardev_id(chr), &node, c->opaque);
}

static void child_objects(Children *c)
{
    UserObject *obj;

    for (unsigned i = 0; (obj = user_object_at(i)); i++) {
        QomNode node = { .kind = QOM_OBJECT, .obj = obj };

        c->fn(user_object_id(obj), &node, c->opaque);
    }
}

void qom_foreach_child(const QomNode *node, QomChild *fn, void *opaque)
{
    Children c = { node->kind, fn, opaque, 0 };

    for (unsigned i = 0; i < ARRAY_LEN(containers); i++) {
        QomNode child = { .kind = containers[i].kind };

        if (containers[i].parent_kind == node->kind) {
            fn(containers[i].name, &child, opaque);
        }
    }
    if (node->kind == QOM_UNATTACHED) {
        child_cpus(&c);
    }
    if (node->kind == QOM_UNATTACHED || node->kind == QOM_PERIPHERAL) {
        device_foreach(child_device, &c);
    } else if (node->kind == QOM_OBJECTS) {
        child_objects(&c);
    } else if (node->kind == QOM_CHARDEVS) {
        chardev_foreach(child_chardev, &c);
    }
}

/* --- paths --- */

typedef struct Step {
    const char *name;
    bool found;
    QomNode child;
} Step;

static void step_match(const char *name, const QomNode *child, void *opaque)
{
    Step *step = opaque;

    if (strcmp(name, step->name) == 0) {
        step->found = true;
        step->child = *child;
    }
}

bool qom_find(const char *path, QomNode *node, GError **errp)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);

    if (*path == '\0') {
        error_setg(errp, "Path '' is ambiguous");
        return false;
    }
    *node = (QomNode){ .kind = QOM_ROOT };
    for (char **name = names; *name; name++) {
        Step step = { .name = *name };

        if (**name == '\0') {
            continue;
        }
        qom_foreach_child(node, step_match, &step);
        if (!step.found) {
            cmd_error(errp, ERR_DEVICE_NOT_FOUND, "Device '%s' not found",
                      path);
            return false;
        }
        *node = step.child;
    }
    return true;
}
