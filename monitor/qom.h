/* SPDX-License-Identifier: MIT */
/*
 * The tree of objects that management walks by paths: the machine with its
 * devices and vCPUs, users' objects, character back-ends.  Nothing is kept
 * here: nodes are found anew in each call.  Locks: BQL.
 */
#ifndef HEDDLE_MONITOR_QOM_H
#define HEDDLE_MONITOR_QOM_H

#include "chardev/char.h"
#include "hw/device.h"
#include "monitor/command.h"
#include "system/user_object.h"

#define QOM_CPU_SUFFIX "-x86_64-cpu"

typedef enum QomKind {
    QOM_ROOT,
    QOM_MACHINE,
    QOM_PERIPHERAL, /* devices that users have named */
    QOM_PERIPHERAL_ANON,
    QOM_UNATTACHED, /* vCPUs, then all other devices */
    QOM_OBJECTS,
    QOM_CHARDEVS,
    QOM_CPU, /* leaves from here on */
    QOM_DEVICE,
    QOM_OBJECT,
    QOM_CHARDEV,
} QomKind;

typedef struct QomNode {
    QomKind kind;
    union { /* of a leaf */
        CPUState *cpu;
        DeviceState *dev;
        UserObject *obj;
        Chardev *chr;
    };
} QomNode;

/* Find @path, absolute or relative to the root. */
bool qom_find(const char *path, QomNode *node, GError **errp);
char *qom_type_name(const QomNode *node); /* free with g_free */
typedef void QomChild(const char *name, const QomNode *child, void *opaque);
void qom_foreach_child(const QomNode *node, QomChild *fn, void *opaque);
/* Path of a vCPU or device; free with g_free. */
char *qom_cpu_path(unsigned index);
char *qom_device_path(const DeviceState *dev);

/* Properties: name, type as QMP shows it, value (NULL: cannot be told; else
 * the callee frees it). */
typedef void QomProperty(const char *name, const char *type, json_object *value,
                         void *opaque);
void qom_foreach_property(const QomNode *node, QomProperty *fn, void *opaque);

/* --- qom_types.c --- */
typedef struct QomType {
    const char *name, *parent; /* NULL: none */
    bool abstract;
} QomType;
/* Walk all types; the strings live until @fn returns. */
void qom_foreach_type(void (*fn)(const QomType *type, void *opaque),
                      void *opaque);

/* Lists of ObjectPropertyInfo. */
void qom_add_property(json_object *list, const char *name, const char *type,
                      const char *description, json_object *def);
/* Those of a device's type, with defaults. */
json_object *qom_device_properties(const DeviceType *type);

#endif
