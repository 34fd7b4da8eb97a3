/* SPDX-License-Identifier: MIT */
/*
 * Properties of devices, from text and to text.  One parser a kind; each writes
 * to the field only when it succeeds.
 */
#include "hw/core/core_internal.h"

#include <stdlib.h>
#include <string.h>

#include "block/block.h"
#include "chardev/char.h"
#include "util/error.h"

/* The folders of the back-ends may be left out of a program: a name then finds
 * nothing. */
#pragma weak chardev_find
#pragma weak chardev_id
#pragma weak block_find
#pragma weak block_id

#define MAC_BYTES 6
#define PCI_SLOTS 32
#define PCI_FUNCTIONS 8

static void *prop_field(const DeviceState *dev, const DevProp *prop)
{
    return (char *)dev + prop->offset;
}

const DevProp *device_prop_find(const DeviceType *type, const char *name)
{
    for (unsigned i = 0; i < type->nprops; i++) {
        if (strcmp(type->props[i].name, name) == 0) {
            return &type->props[i];
        }
    }
    return NULL;
}

/* --- integers: any base that C knows, refused when they do not fit --- */

/* Bytes of an integer kind; 0 for the others. */
static unsigned int_bytes(DevPropKind kind)
{
    switch (kind) {
    case DEV_PROP_UINT8:
        return 1;
    case DEV_PROP_UINT16:
        return 2;
    case DEV_PROP_UINT32:
        return 4;
    case DEV_PROP_UINT64:
    case DEV_PROP_SIZE:
        return 8;
    default:
        return 0;
    }
}

/* Hosts are little endian, so the low bytes are the narrower value. */
static void store_int(void *field, unsigned bytes, uint64_t value)
{
    memcpy(field, &value, bytes);
}

static uint64_t load_int(const void *field, unsigned bytes)
{
    uint64_t value = 0;

    memcpy(&value, field, bytes);
    return value;
}

static bool parse_int_prop(const char *text, DevPropKind kind, void *field,
                           GError **errp)
{
    unsigned bytes = int_bytes(kind);
    uint64_t value;

    if (!parse_uint(text, ~(uint64_t)0 >> (64 - 8 * bytes), &value, errp)) {
        return false;
    }
    store_int(field, bytes, value);
    return true;
}

/* --- the other kinds --- */

/* By the one parser of on and off, so that all options accept the same. */
static bool parse_bool_prop(const char *name, const char *text, bool *field,
                            GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_new();

    keyval_set(kv, name, text);
    return keyval_get_bool(kv, name, false, field, errp);
}

/* "52:54:00:12:34:56", or with '-' between the bytes. */
static bool parse_mac(const char *text, uint8_t *mac, GError **errp)
{
    uint8_t bytes[MAC_BYTES];
    bool ok = strlen(text) == 3 * MAC_BYTES - 1;

    for (int i = 0; i < MAC_BYTES && ok; i++) {
        const char *at = text + 3 * i;
        char end = i == MAC_BYTES - 1 ? '\0' : text[2];
        int high = g_ascii_xdigit_value(at[0]);
        int low = g_ascii_xdigit_value(at[1]);

        ok = high >= 0 && low >= 0 && at[2] == end &&
             (end == ':' || end == '-' || end == '\0');
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    if (!ok) {
        error_setg(errp, "'%s' is not a MAC address", text);
        return false;
    }
    memcpy(mac, bytes, sizeof(bytes));
    return true;
}

/* A hexadecimal number below @limit at @text; @end comes back after it. */
static bool parse_hex_below(const char *text, uint64_t limit, char **end,
                            unsigned *value)
{
    uint64_t n;

    if (!g_ascii_isxdigit(*text)) {
        return false;
    }
    n = g_ascii_strtoull(text, end, 16);
    *value = (unsigned)n;
    return n < limit;
}

/* "1f.7", "3", or "-1" for the first free slot. */
static bool parse_devfn(const char *text, int32_t *devfn, GError **errp)
{
    unsigned slot, fn = 0;
    char *end;
    bool ok;

    if (strcmp(text, "-1") == 0) {
        *devfn = -1;
        return true;
    }
    ok = parse_hex_below(text, PCI_SLOTS, &end, &slot);
    if (ok && *end == '.') {
        ok = parse_hex_below(end + 1, PCI_FUNCTIONS, &end, &fn);
    }
    if (!ok || *end) {
        error_setg(errp, "'%s' is not a PCI address of the form SLOT[.FN]",
                   text);
        return false;
    }
    *devfn = (int32_t)(slot * PCI_FUNCTIONS + fn);
    return true;
}

/* Back-ends are found here by name and attached by the device's realise. */
static bool parse_backend(const char *text, DevPropKind kind, void **field,
                          GError **errp)
{
    void *backend = NULL;

    if (kind == DEV_PROP_NETDEV) {
        error_setg(errp, "network back-ends are not available");
        return false;
    }
    if (kind == DEV_PROP_CHR && chardev_find) {
        backend = chardev_find(text);
    } else if (kind == DEV_PROP_DRIVE && block_find) {
        backend = block_find(text);
    }
    if (!backend) {
        error_setg(errp, "there is no %s with that id",
                   kind == DEV_PROP_CHR ? "chardev" : "drive");
        return false;
    }
    *field = backend;
    return true;
}

static void set_string(char **field, const char *text)
{
    g_free(*field);
    *field = g_strdup(text);
}

/* Parse @text into the field; on error the field is as it was. */
static bool parse_prop(const DevProp *prop, const char *text, void *field,
                       GError **errp)
{
    switch (prop->kind) {
    case DEV_PROP_BOOL:
        return parse_bool_prop(prop->name, text, field, errp);
    case DEV_PROP_UINT8:
    case DEV_PROP_UINT16:
    case DEV_PROP_UINT32:
    case DEV_PROP_UINT64:
        return parse_int_prop(text, prop->kind, field, errp);
    case DEV_PROP_SIZE:
        return parse_size(text, 'B', field, errp);
    case DEV_PROP_STRING:
        set_string(field, text);
        return true;
    case DEV_PROP_CHR:
    case DEV_PROP_DRIVE:
    case DEV_PROP_NETDEV:
        return parse_backend(text, prop->kind, field, errp);
    case DEV_PROP_MAC:
        return parse_mac(text, field, errp);
    case DEV_PROP_PCI_DEVFN:
        return parse_devfn(text, field, errp);
    }
    g_assert_not_reached();
}

bool device_set_prop(DeviceState *dev, const char *name, const char *value,
                     GError **errp)
{
    const DevProp *prop = device_prop_find(dev->type, name);
    GError *err = NULL;

    g_assert(!dev->realized);
    if (!prop) {
        error_setg(errp, "Property '%s.%s' not found", dev->type->name, name);
        return false;
    }
    if (!parse_prop(prop, value, prop_field(dev, prop), &err)) {
        g_propagate_prefixed_error(errp, err,
                                   "Property '%s.%s' can't take value '%s': ",
                                   dev->type->name, name, value);
        return false;
    }
    return true;
}

/* --- defaults, text, end --- */

/* The struct is zeroed, so kinds without a default need nothing. */
static void set_default(DeviceState *dev, const DevProp *prop)
{
    void *field = prop_field(dev, prop);
    unsigned bytes = int_bytes(prop->kind);

    if (prop->def_str) {
        bool ok = parse_prop(prop, prop->def_str, field, NULL);

        g_assert(ok); /* the type's table is wrong */
    } else if (bytes) {
        store_int(field, bytes, prop->def);
    } else if (prop->kind == DEV_PROP_BOOL) {
        *(bool *)field = prop->def != 0;
    } else if (prop->kind == DEV_PROP_PCI_DEVFN) {
        *(int32_t *)field = (int32_t)prop->def;
    }
}

void device_props_set_defaults(DeviceState *dev)
{
    for (unsigned i = 0; i < dev->type->nprops; i++) {
        set_default(dev, &dev->type->props[i]);
    }
}

void device_props_free(DeviceState *dev)
{
    for (unsigned i = 0; i < dev->type->nprops; i++) {
        const DevProp *prop = &dev->type->props[i];

        if (prop->kind == DEV_PROP_STRING) {
            set_string(prop_field(dev, prop), NULL);
        }
    }
}

/* In the form that parse_devfn() takes. */
static char *devfn_text(int32_t devfn)
{
    if (devfn < 0) {
        return g_strdup("-1");
    }
    return g_strdup_printf("%02x.%x", devfn / PCI_FUNCTIONS,
                           devfn % PCI_FUNCTIONS);
}

static char *mac_text(const uint8_t *mac)
{
    return g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
                           mac[2], mac[3], mac[4], mac[5]);
}

char *device_get_prop(const DeviceState *dev, const DevProp *prop)
{
    const void *field = prop_field(dev, prop);
    const void *pointer;

    switch (prop->kind) {
    case DEV_PROP_BOOL:
        return g_strdup(*(const bool *)field ? "true" : "false");
    case DEV_PROP_STRING:
        return g_strdup_printf("\"%s\"", *(char *const *)field
                                             ? *(char *const *)field
                                             : "");
    case DEV_PROP_CHR:
    case DEV_PROP_DRIVE:
        pointer = *(const void *const *)field;
        if (pointer) {
            return g_strdup_printf("\"%s\"", prop->kind == DEV_PROP_CHR
                                                 ? chardev_id(pointer)
                                                 : block_id(pointer));
        }
        /* fall through */
    case DEV_PROP_NETDEV:
        return g_strdup("\"\"");
    case DEV_PROP_MAC:
        return mac_text(field);
    case DEV_PROP_PCI_DEVFN:
        return devfn_text(*(const int32_t *)field);
    default:
        return g_strdup_printf("%" PRIu64 " (0x%" PRIx64 ")",
                               load_int(field, int_bytes(prop->kind)),
                               load_int(field, int_bytes(prop->kind)));
    }
}

const char *device_prop_kind_name(DevPropKind kind)
{
    static const char *const names[] = {
        [DEV_PROP_BOOL] = "bool",     [DEV_PROP_UINT8] = "uint8",
        [DEV_PROP_UINT16] = "uint16", [DEV_PROP_UINT32] = "uint32",
        [DEV_PROP_UINT64] = "uint64", [DEV_PROP_SIZE] = "size",
        [DEV_PROP_STRING] = "str",    [DEV_PROP_CHR] = "str",
        [DEV_PROP_DRIVE] = "str",     [DEV_PROP_NETDEV] = "str",
        [DEV_PROP_MAC] = "str",       [DEV_PROP_PCI_DEVFN] = "int32",
    };

    return names[kind];
}
