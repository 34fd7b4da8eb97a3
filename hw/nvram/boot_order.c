/* SPDX-License-Identifier: MIT */
/*
 * The list behind the file "bootorder": one path a line, and "HALT" to end it
 * there.  Source: SeaBIOS, docs/Runtime_config.md.  Locks: BQL.
 */
#include "hw/nvram/boot_order.h"

#include <string.h>

#define BOOT_INDEX_FIRST (-1)
#define PCI_ROOT         "/pci@i0cf8"

typedef struct BootEntry {
    int64_t index;
    char *path;
} BootEntry;

static struct {
    GQueue entries; /* BootEntry, in boot order */
    bool strict;
} boot = {G_QUEUE_INIT, false};

static void insert(int64_t index, const char *path)
{
    BootEntry *entry = g_new(BootEntry, 1);
    GList *at = boot.entries.head;

    entry->index = index;
    entry->path = g_strdup(path);
    while (at && ((BootEntry *)at->data)->index <= index) {
        at = at->next;
    }
    if (at) {
        g_queue_insert_before(&boot.entries, at, entry);
    } else {
        g_queue_push_tail(&boot.entries, entry);
    }
}

void boot_order_add(uint32_t index, const char *path)
{
    if (index != BOOT_INDEX_NONE) {
        insert(index, path);
    }
}

static char *pci_path(int devfn, const char *name, const char *unit)
{
    if (devfn & 7) {
        return g_strdup_printf(PCI_ROOT "/%s@%x,%x%s", name, devfn >> 3,
                               devfn & 7, unit);
    }
    return g_strdup_printf(PCI_ROOT "/%s@%x%s", name, devfn >> 3, unit);
}

void boot_order_add_pci(uint32_t index, int devfn, const char *name,
                        const char *unit)
{
    g_autofree char *path = pci_path(devfn, name, unit);

    boot_order_add(index, path);
}

void boot_order_remove_pci(int devfn, const char *name, const char *unit)
{
    g_autofree char *path = pci_path(devfn, name, unit);

    boot_order_remove(path);
}

void boot_order_add_first(const char *path)
{
    insert(BOOT_INDEX_FIRST, path);
}

void boot_order_remove(const char *path)
{
    for (GList *l = boot.entries.head; l; l = l->next) {
        BootEntry *entry = l->data;

        if (strcmp(entry->path, path) == 0) {
            g_queue_delete_link(&boot.entries, l);
            g_free(entry->path);
            g_free(entry);
            return;
        }
    }
}

void boot_order_set_strict(bool strict)
{
    boot.strict = strict;
}

char *boot_order_text(void)
{
    GString *out = g_string_new(NULL);

    for (GList *l = boot.entries.head; l; l = l->next) {
        g_string_append_printf(out, "%s%s", out->len ? "\n" : "",
                               ((BootEntry *)l->data)->path);
    }
    if (boot.strict) {
        g_string_append_printf(out, "%sHALT", out->len ? "\n" : "");
    }
    return g_string_free(out, out->len == 0);
}
