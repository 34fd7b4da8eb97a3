/* SPDX-License-Identifier: MIT */
/* The types of objects: a frame of abstract ones, and all that can be made. */
#include <string.h>

#include "monitor/qom.h"
#include "system/machine.h"
#include "target/i386/models.h"

/* Names and parents are those that clients look for. */
static const QomType frame[] = {
    { "object", NULL, true },
    { "container", "object", false },
    { "device", "object", true },
    { "sys-bus-device", "device", true },
    { "isa-device", "device", true },
    { "pci-device", "device", true },
    { "cpu", "device", true },
    { "x86_64-cpu", "cpu", true },
    { "machine", "object", true },
    { "x86-machine", "machine", true },
    { "generic-pc-machine", "x86-machine", true },
    { "accel", "object", true },
    { "tcg-accel", "accel", false },
    { "chardev", "object", true },
    { "memory-backend", "object", true },
    { "secret_common", "object", true },
};

typedef void TypeFunc(const QomType *type, void *opaque);

static void types_devices(TypeFunc *fn, void *opaque)
{
    const DeviceType *type;

    for (unsigned i = 0; (type = device_type_at(i)); i++) {
        const char *parent = !type->bus                      ? "sys-bus-device"
                             : strcmp(type->bus, "PCI") == 0 ? "pci-device"
                                                             : "isa-device";

        fn(&(QomType){ type->name, parent, false }, opaque);
    }
}

static void types_machines(TypeFunc *fn, void *opaque)
{
    const MachineType *type;

    for (unsigned i = 0; (type = machine_type_at(i)); i++) {
        g_autofree char *name = g_strconcat(type->name, "-machine", NULL);

        fn(&(QomType){ name,
                       strcmp(type->name, "none") ? "generic-pc-machine"
                                                  : "machine",
                       false },
           opaque);
    }
}

void qom_foreach_type(TypeFunc *fn, void *opaque)
{
    const UserObjectType *object;
    const char *chardev;

    for (unsigned i = 0; i < ARRAY_LEN(frame); i++) {
        fn(&frame[i], opaque);
    }
    types_devices(fn, opaque);
    types_machines(fn, opaque);
    for (unsigned i = 0; i < x86_nmodels; i++) {
        g_autofree char *name =
            g_strconcat(x86_models[i].name, QOM_CPU_SUFFIX, NULL);

        fn(&(QomType){ name, "x86_64-cpu", false }, opaque);
    }
    for (unsigned i = 0; (object = user_object_type_at(i)); i++) {
        fn(&(QomType){ object->name, object->parent, false }, opaque);
    }
    for (unsigned i = 0; (chardev = chardev_type_at(i)); i++) {
        g_autofree char *name = g_strconcat("chardev-", chardev, NULL);

        fn(&(QomType){ name, "chardev", false }, opaque);
    }
}
