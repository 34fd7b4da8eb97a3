/* SPDX-License-Identifier: MIT */
/* `info mtree`: the region trees, and with -f the flat views.  Locks: BQL. */
#include "system/memory_internal.h"

#include "exec/bql.h"

static const char *kind_name(const MemoryRegion *mr)
{
    switch (mr->kind) {
    case MR_RAM:
        return mr->readonly ? "rom" : "ram";
    case MR_ROM:
        return mr->ops ? "romd" : "rom";
    case MR_ALIAS:
        return kind_name(mr->alias);
    case MR_CONTAINER:
    case MR_IO:
        break;
    }
    return "i/o";
}

static hwaddr last_of(hwaddr addr, const MemoryRegion *mr)
{
    return (hwaddr)(addr + memory_region_end(mr) - 1);
}

static void print_region(GString *out, const MemoryRegion *mr, hwaddr base,
                         int indent)
{
    hwaddr addr = base + mr->addr;

    g_string_append_printf(out,
                           "%*s" HWADDR_FMT "-" HWADDR_FMT " (prio %d, %s): ",
                           indent, "", addr, last_of(addr, mr), mr->priority,
                           kind_name(mr));
    if (mr->kind == MR_ALIAS) {
        g_string_append_printf(
            out, "alias %s @%s " HWADDR_FMT "-" HWADDR_FMT, mr->name,
            mr->alias->name, mr->alias_offset, last_of(mr->alias_offset, mr));
    } else {
        g_string_append(out, mr->name);
    }
    g_string_append(out, mr->enabled ? "\n" : " [disabled]\n");
    for (GList *l = mr->children.head; l; l = l->next) {
        print_region(out, l->data, addr, indent + 2);
    }
}

static void print_view(GString *out, const FlatView *view)
{
    for (unsigned i = 0; i < view->n; i++) {
        const FlatRange *r = &view->range[i];
        const char *kind = r->readonly && r->mr->ram ? "rom" : kind_name(r->mr);

        g_string_append_printf(out,
                               "  " HWADDR_FMT "-" HWADDR_FMT
                               " (prio %d, %s): %s",
                               r->first, r->last, r->mr->priority, kind,
                               r->mr->name);
        if (r->offset_in_mr) {
            g_string_append_printf(out, " @" HWADDR_FMT, r->offset_in_mr);
        }
        g_string_append_c(out, '\n');
    }
    if (!view->n) {
        g_string_append(out, "  No rendered FlatView\n");
    }
}

void memory_print_tree(GString *out, bool flat)
{
    bql_assert_held();
    for (guint i = 0; address_spaces && i < address_spaces->len; i++) {
        const AddressSpace *as = g_ptr_array_index(address_spaces, i);

        if (flat) {
            g_string_append_printf(out,
                                   "FlatView #%u\n AS \"%s\", root: %s\n"
                                   " Root memory region: %s\n",
                                   i, as->name, as->root->name,
                                   as->root->name);
            print_view(out, as->view);
        } else {
            g_string_append_printf(out, "address-space: %s\n", as->name);
            print_region(out, as->root, 0, 2);
        }
        g_string_append_c(out, '\n');
    }
}
