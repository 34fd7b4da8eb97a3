/* SPDX-License-Identifier: MIT */
/*
 * A device is one struct, which starts with a DeviceState, and one table of
 * this type.  The table drives -device, help, `info qtree`, reset and
 * snapshots, so that a chip's file holds chip logic and little else.
 * Locks: everything here needs the BQL.
 */
#ifndef HEDDLE_HW_DEVICE_H
#define HEDDLE_HW_DEVICE_H

#include "util/common.h"
#include "util/keyval.h"

typedef struct DeviceState DeviceState;
typedef struct DeviceType DeviceType;
typedef struct Bus Bus;

typedef enum DevPropKind {
    DEV_PROP_BOOL,   /* bool */
    DEV_PROP_UINT8,  /* uint8_t and so on */
    DEV_PROP_UINT16,
    DEV_PROP_UINT32,
    DEV_PROP_UINT64,
    DEV_PROP_SIZE,   /* uint64_t, bytes */
    DEV_PROP_STRING, /* char *, owned by the device */
    DEV_PROP_CHR,    /* Chardev *: the name of one, taken for this device */
    DEV_PROP_DRIVE,  /* BlockBackend *: the name of one */
    DEV_PROP_NETDEV, /* NetClient *: the name of one */
    DEV_PROP_MAC,    /* uint8_t[6] */
    DEV_PROP_PCI_DEVFN, /* int32_t: "slot[.fn]" in hexadecimal, -1 = any */
} DevPropKind;

typedef struct DevProp {
    const char *name;
    DevPropKind kind;
    size_t offset;
    uint64_t def;
    const char *def_str;
    const char *help;
} DevProp;

#define DEV_PROP(type, field, prop_name, prop_kind, default_value, text) \
    { \
        .name = prop_name, .kind = prop_kind, \
        .offset = offsetof(type, field), .def = default_value, .help = text \
    }

/* A string that is there in any case. */
#define DEV_PROP_TEXT(type, field, prop_name, default_text, text)              \
    {                                                                          \
        .name = prop_name, .kind = DEV_PROP_STRING,                            \
        .offset = offsetof(type, field), .def_str = default_text, .help = text \
    }

/* One saved field: an integer or an array of them; reset writes the value to
 * each element. */
typedef struct DevField {
    const char *name;
    size_t offset;
    uint16_t size;  /* of one element: 1, 2, 4 or 8 */
    uint32_t count; /* elements */
    bool kept;      /* reset leaves it alone: battery-backed or host-owned */
    uint64_t reset;
} DevField;

#define DEV_FIELD(type, field, value) \
    { \
        .name = #field, .offset = offsetof(type, field), \
        .size = sizeof(((type *)0)->field), .count = 1, .reset = value \
    }
#define DEV_FIELD_KEPT(type, field) \
    { \
        .name = #field, .offset = offsetof(type, field), \
        .size = sizeof(((type *)0)->field), .count = 1, .kept = true \
    }
#define DEV_FIELD_ARRAY(type, field, value) \
    { \
        .name = #field, .offset = offsetof(type, field), \
        .size = sizeof(((type *)0)->field[0]), \
        .count = sizeof(((type *)0)->field) / \
                 sizeof(((type *)0)->field[0]), \
        .reset = value \
    }

struct DeviceType {
    const char *name; /* as in -device */
    const char *desc;
    const char *bus;  /* bus that it plugs into: "ISA", "PCI"... or NULL */
    size_t size;      /* of the struct */
    const DevProp *props;
    unsigned nprops;
    const DevField *fields;
    unsigned nfields;
    bool user_creatable; /* with -device */
    /* Bring to life after the properties are set; may fail. */
    bool (*realize)(DeviceState *dev, GError **errp);
    void (*unrealize)(DeviceState *dev);
    /* After the fields took their reset values: lines, timers, the rest. */
    void (*reset)(DeviceState *dev);
    /* After the fields came from a snapshot: recompute what is derived. */
    void (*post_load)(DeviceState *dev);
};

struct DeviceState {
    const DeviceType *type;
    char *id;      /* of the user, or NULL */
    Bus *parent_bus;
    bool realized;
    GQueue buses;  /* Bus that this device provides */
};

/* How devices come and go while the guest runs; the opaque is the bus's. */
typedef struct BusHotplug {
    /* Tell the guest of @dev, which is realised. */
    void (*plugged)(void *opaque, DeviceState *dev);
    /* Ask the guest to let @dev go; it goes when the guest says so. */
    bool (*request)(void *opaque, DeviceState *dev, GError **errp);
    /* Before a reset: what was asked for goes without the guest's leave. */
    void (*reset)(void *opaque);
} BusHotplug;

struct Bus {
    const char *type; /* "ISA", "PCI"... */
    char *name;       /* "pci.0" */
    DeviceState *parent;
    GQueue devices;
    /* Place @dev (its properties are set) before it is realised; may be NULL. */
    bool (*plug)(Bus *bus, DeviceState *dev, GError **errp);
    const BusHotplug *hotplug; /* NULL: nothing comes or goes */
    void *hotplug_opaque;
};

/* The types that -device and the machine know; call once for each.  Every
 * file's types are collected by hw/core/types.c. */
void device_type_register(const DeviceType *type);
const DeviceType *device_type_find(const char *name);
/* Walk all types sorted by name: NULL past the last. */
const DeviceType *device_type_at(unsigned index);

/* Allocate with the properties' defaults; @bus may be NULL for devices that
 * are wired by hand. */
DeviceState *device_new(const DeviceType *type, Bus *bus);
/* Set one property from text. */
bool device_set_prop(DeviceState *dev, const char *name, const char *value,
                     GError **errp);
/* "uint32", "str": the kind as users see it. */
const char *device_prop_kind_name(DevPropKind kind);
/* The value of a property as text, for qtree; free with g_free. */
char *device_get_prop(const DeviceState *dev, const DevProp *prop);
bool device_realize(DeviceState *dev, GError **errp);
void device_unrealize_free(DeviceState *dev);
/* device_new + realise for wiring code: failure is the caller's bug. */
DeviceState *device_create(const DeviceType *type, Bus *bus);
/* From "-device NAME,prop=value,bus=,id=" or device_add. */
DeviceState *device_add(KeyVal *opts, GError **errp);
/* The same while the guest runs. */
DeviceState *device_hot_add(KeyVal *opts, GError **errp);
/* Ask a guest that runs to let @dev go. */
bool device_hot_remove(DeviceState *dev, GError **errp);
/* Call @fn for each device that ends, just before. */
void device_set_end_listener(void (*fn)(DeviceState *dev));
DeviceState *device_find(const char *id);
/* Every realised device, in the order of creation. */
void device_foreach(void (*fn)(DeviceState *dev, void *opaque), void *opaque);
void device_reset(DeviceState *dev); /* fields, then the type's reset */
void devices_reset_all(void);

Bus *bus_new(const char *type, const char *name, DeviceState *parent);
/* The same for a Bus that begins a larger, zeroed struct made with g_malloc:
 * freed with its parent. */
void bus_init(Bus *bus, const char *type, const char *name,
              DeviceState *parent);
Bus *bus_at(unsigned index); /* in the order of creation; NULL past the last */
Bus *bus_find(const char *name);
/* The first bus of @type with room, for a -device without bus=. */
Bus *bus_find_by_type(const char *type);
/* `info qtree` as text. */
void device_print_tree(GString *out);
/* `-device help` and `-device NAME,help` as text. */
void device_print_types(GString *out);
bool device_print_help(const char *name, GString *out, GError **errp);

#endif
