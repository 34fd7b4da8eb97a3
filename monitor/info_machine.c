/* SPDX-License-Identifier: MIT */
/* Topics of `info` that are made of what QMP answers, and of page tables. */
#include <string.h>

#include "exec/bql.h"
#include "exec/memory.h"
#include "monitor/info_topics.h"
#include "monitor/page_map.h"
#include "monitor/qom.h"
#include "util/rcu.h"

/* Lines past this are of no use to anyone. */
#define PAGES_MAX_BYTES (8 * MiB)

/* --- page tables --- */

typedef struct MemRanges {
    GString *out;
    MappedPage last; /* size 0: none yet */
} MemRanges;

static void print_range(MemRanges *m)
{
    const MappedPage *r = &m->last;

    if (r->size) {
        g_string_append_printf(
            m->out, "%016" PRIx64 "-%016" PRIx64 " %016" PRIx64 " %cr%c\n",
            r->va, r->va + r->size, r->size, r->user ? 'u' : '-',
            r->write ? 'w' : '-');
    }
}

static bool add_page(const MappedPage *page, void *opaque)
{
    MemRanges *m = opaque;
    MappedPage *r = &m->last;

    if (r->size && r->va + r->size == page->va && r->user == page->user &&
        r->write == page->write) {
        r->size += page->size;
    } else {
        print_range(m);
        *r = *page;
    }
    return m->out->len < PAGES_MAX_BYTES;
}

static void mem_on_cpu(CPUState *cpu, void *opaque)
{
    MemRanges m = { .out = opaque };

    if (!(x86_cpu(cpu)->cr0 & CR0_PG)) {
        g_string_append(m.out, "PG disabled\n");
        return;
    }
    if (!page_map_foreach(x86_cpu(cpu), add_page, &m)) {
        g_string_append(m.out, "(not all is shown)\n");
    }
    print_range(&m);
}

/* Flags of the entry, high to low.  Source: SDM vol. 3A, table 4-20 "Format of
 * a Page-Table Entry that Maps a 4-KByte Page". */
static bool print_page(const MappedPage *page, void *opaque)
{
    static const struct {
        unsigned bit;
        char letter;
    } flags[] = {
        { 8, 'G' }, { 7, 'P' }, { 6, 'D' }, { 5, 'A' },
        { 4, 'C' }, { 3, 'T' }, { 2, 'U' }, { 1, 'W' },
    };
    GString *out = opaque;

    g_string_append_printf(out, "%016" PRIx64 ": %016" PRIx64 " %c", page->va,
                           page->pa, page->nx ? 'X' : '-');
    for (unsigned i = 0; i < ARRAY_LEN(flags); i++) {
        g_string_append_c(out, page->entry >> flags[i].bit & 1 ? flags[i].letter
                                                               : '-');
    }
    g_string_append_c(out, '\n');
    return out->len < PAGES_MAX_BYTES;
}

static void tlb_on_cpu(CPUState *cpu, void *opaque)
{
    if (!(x86_cpu(cpu)->cr0 & CR0_PG)) {
        g_string_append((GString *)opaque, "PG disabled\n");
    } else if (!page_map_foreach(x86_cpu(cpu), print_page, opaque)) {
        g_string_append((GString *)opaque, "(not all is shown)\n");
    }
}

static void print_on_cpu(MonCall *call, CPUWorkFunc *fn)
{
    CPUState *cpu = monitor_cpu(call);

    if (cpu) {
        monitor_on_cpu(cpu, fn, call->out);
    } else {
        g_string_append(call->out, "No CPU available\n");
    }
}

void info_mem(MonCall *call, const char *args)
{
    print_on_cpu(call, mem_on_cpu);
}

void info_tlb(MonCall *call, const char *args)
{
    print_on_cpu(call, tlb_on_cpu);
}

/* --- PCI --- */

static void print_region(GString *out, json_object *region)
{
    int64_t size = arg_int(region, "size", 0);
    int64_t address = arg_int(region, "address", -1);
    bool io = strcmp(arg_str(region, "type", ""), "io") == 0;

    g_string_append_printf(
        out, "      BAR%d: %s at 0x%0*" PRIx64 " [0x%0*" PRIx64 "].\n",
        (int)arg_int(region, "bar", 0),
        io ? "I/O"
        : arg_bool(region, "mem_type_64", false)
            ? arg_bool(region, "prefetch", false) ? "64 bit prefetchable memory"
                                                  : "64 bit memory"
            : "32 bit memory",
        io ? 4 : 8, address, io ? 4 : 8,
        address < 0 ? address : address + size - 1);
}

static void print_function(GString *out, json_object *d)
{
    json_object *class = arg_get(d, "class_info"), *id = arg_get(d, "id");
    json_object *regions = arg_get(d, "regions");

    g_string_append_printf(
        out, "  Bus %2d, device %3d, function %d:\n", (int)arg_int(d, "bus", 0),
        (int)arg_int(d, "slot", 0), (int)arg_int(d, "function", 0));
    g_string_append_printf(
        out, "    %s: PCI device %04x:%04x\n", arg_str(class, "desc", "Class"),
        (unsigned)arg_int(id, "vendor", 0), (unsigned)arg_int(id, "device", 0));
    if (arg_int(id, "subsystem-vendor", 0)) {
        g_string_append_printf(out, "      PCI subsystem %04x:%04x\n",
                               (unsigned)arg_int(id, "subsystem-vendor", 0),
                               (unsigned)arg_int(id, "subsystem", 0));
    }
    if (arg_int(d, "irq_pin", 0)) {
        g_string_append_printf(out, "      IRQ %d, pin %c\n",
                               (int)arg_int(d, "irq", 0),
                               'A' + (int)arg_int(d, "irq_pin", 1) - 1);
    }
    for (size_t i = 0; i < json_object_array_length(regions); i++) {
        print_region(out, json_object_array_get_idx(regions, i));
    }
    g_string_append_printf(out, "      id \"%s\"\n", arg_str(d, "qdev_id", ""));
}

void info_pci(MonCall *call, const char *args)
{
    json_object *buses = cmd_query_pci(call, NULL, NULL);

    for (size_t i = 0; i < json_object_array_length(buses); i++) {
        json_object *list =
            arg_get(json_object_array_get_idx(buses, i), "devices");

        for (size_t k = 0; k < json_object_array_length(list); k++) {
            print_function(call->out, json_object_array_get_idx(list, k));
        }
    }
    json_object_put(buses);
}

/* --- disks --- */

void info_blockstats(MonCall *call, const char *args)
{
    json_object *list = cmd_query_blockstats(call, NULL, NULL);

    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *entry = json_object_array_get_idx(list, i);
        json_object *stats = arg_get(entry, "stats");

        g_string_append_printf(
            call->out,
            "%s: rd_bytes=%" PRId64 " wr_bytes=%" PRId64
            " rd_operations=%" PRId64 " wr_operations=%" PRId64
            " flush_operations=%" PRId64 "\n",
            arg_str(entry, "device", ""), arg_int(stats, "rd_bytes", 0),
            arg_int(stats, "wr_bytes", 0), arg_int(stats, "rd_operations", 0),
            arg_int(stats, "wr_operations", 0),
            arg_int(stats, "flush_operations", 0));
    }
    json_object_put(list);
}

/* --- I/O threads --- */

void info_iothreads(MonCall *call, const char *args)
{
    json_object *list = cmd_query_iothreads(call, NULL, NULL);

    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *entry = json_object_array_get_idx(list, i);

        g_string_append_printf(call->out, "%s:\n  thread_id=%d\n",
                               arg_str(entry, "id", ""),
                               (int)arg_int(entry, "thread-id", 0));
        json_object_object_foreach(entry, key, value)
        {
            if (strcmp(key, "id") != 0 && strcmp(key, "thread-id") != 0) {
                g_string_append_printf(call->out, "  %s=%" PRId64 "\n", key,
                                       json_object_get_int64(value));
            }
        }
    }
    json_object_put(list);
}

/* --- mice, balloon --- */

void info_mice(MonCall *call, const char *args)
{
    json_object *list = cmd_query_mice(call, NULL, NULL);

    if (json_object_array_length(list) == 0) {
        g_string_append(call->out, "No mouse devices connected\n");
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *mouse = json_object_array_get_idx(list, i);

        g_string_append_printf(
            call->out, "%c Mouse #%d: %s%s\n",
            arg_bool(mouse, "current", false) ? '*' : ' ',
            (int)arg_int(mouse, "index", 0), arg_str(mouse, "name", ""),
            arg_bool(mouse, "absolute", false) ? " (absolute)" : "");
    }
    json_object_put(list);
}

void info_balloon(MonCall *call, const char *args)
{
    g_autoptr(GError) err = NULL;

    json_object_put(cmd_balloon(call, NULL, &err));
    g_string_append_printf(call->out, "Error: %s\n", err->message);
}

/* There are none: nothing to say. */
void info_nothing(MonCall *call, const char *args)
{
}

/* --- the tree of objects --- */

typedef struct Tree {
    GString *out;
    unsigned depth;
} Tree;

static void print_node(const char *name, const QomNode *node, void *opaque)
{
    const Tree *t = opaque;
    Tree below = { t->out, t->depth + 1 };
    g_autofree char *type = qom_type_name(node);

    g_string_append_printf(t->out, "%*s/%s (%s)\n", (int)t->depth * 2, "", name,
                           type);
    qom_foreach_child(node, print_node, &below);
}

/* [PATH]: /machine if nothing is said. */
void info_qom_tree(MonCall *call, const char *args)
{
    const char *path = *args ? args : "/machine";
    g_autoptr(GError) err = NULL;
    Tree t = { call->out, 0 };
    QomNode node;

    if (!qom_find(path, &node, &err)) {
        g_string_append_printf(call->out, "Path '%s' could not be resolved.\n",
                               path);
        return;
    }
    print_node(*path == '/' ? path + 1 : path, &node, &t);
}

/* --- ROMs --- */

/* What the physical map has that reads as memory and is not written. */
void info_roms(MonCall *call, const char *args)
{
    hwaddr addr = 0, next;

    RCU_READ_GUARD();
    do {
        MemorySection s = memory_find_rcu(&address_space_memory, addr);

        next = s.addr + s.size;
        if (s.mr && s.mr->kind == MR_ROM) {
            g_string_append_printf(call->out,
                                   "addr=%016" PRIx64 " size=0x%06" PRIx64
                                   " mem=rom name=\"%s\"\n",
                                   s.addr, s.size, s.mr->name);
        }
        addr = next;
    } while (next > 0 && next < BIT64(52));
}

/* --- the Big Lock --- */

static void print_rcu(GString *out)
{
    RcuStats s = rcu_stats();

    g_string_append_printf(out,
                           "RCU callbacks: %u pending, %u at most, %u waits of "
                           "vCPUs for fewer\n",
                           s.pending, s.most, s.throttled);
}

void info_sync_profile(MonCall *call, const char *args)
{
    const BqlSite *site;

    g_string_append_printf(call->out, "%-40s %12s %12s %14s\n", "Call site",
                           "Taken", "Waited", "Wait time (s)");
    for (unsigned i = 0; (site = bql_site_at(i)); i++) {
        g_autofree char *place = g_path_get_basename(site->where);

        g_string_append_printf(
            call->out, "%-40s %12" PRIu64 " %12" PRIu64 " %14.6f\n", place,
            site->taken, site->waited, (double)site->wait_ns / 1e9);
    }
    print_rcu(call->out);
}
