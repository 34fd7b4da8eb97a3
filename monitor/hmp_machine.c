/* SPDX-License-Identifier: MIT */
/* HMP's commands that look into the machine, and memory by virtual address. */
#include "exec/memory.h"
#include "monitor/command.h"
#include "monitor/page_map.h"
#include "target/i386/cpu.h"
#include "util/rcu.h"

/* --- reading memory as a vCPU sees it --- */

typedef struct VirtualRead {
    vaddr addr;
    uint8_t *buf;
    size_t len;
    bool ok;
} VirtualRead;

/* On the vCPU's own thread: page by page. */
static void read_virtual(CPUState *cpu, void *opaque)
{
    VirtualRead *r = opaque;
    size_t done = 0;

    r->ok = true;
    while (r->ok && done < r->len) {
        vaddr va = r->addr + done;
        size_t part = MIN(r->len - done, PAGE_SIZE - (va & ~PAGE_MASK));
        hwaddr pa;

        r->ok = cpu->ops->get_phys_debug(cpu, va, &pa) &&
                address_space_read(&address_space_memory, pa, r->buf + done,
                                   part) == MEMTX_OK;
        done += part;
    }
}

bool monitor_read_virtual(CPUState *cpu, vaddr addr, void *buf, size_t len)
{
    VirtualRead r = { addr, buf, len, false };

    monitor_on_cpu(cpu, read_virtual, &r);
    return r.ok;
}

/* --- addresses --- */

typedef struct Translate {
    vaddr va;
    hwaddr pa;
    bool ok;
} Translate;

static void translate(CPUState *cpu, void *opaque)
{
    Translate *t = opaque;

    t->ok = cpu->ops->get_phys_debug(cpu, t->va, &t->pa);
}

json_object *cmd_gva2gpa(MonCall *call, json_object *args, GError **errp)
{
    Translate t = { .va = (vaddr)arg_int(args, "addr", 0) };
    CPUState *cpu = monitor_cpu(call);

    if (!cpu) {
        g_string_append(call->out, "No cpu\n");
        return NULL;
    }
    monitor_on_cpu(cpu, translate, &t);
    if (t.ok) {
        g_string_append_printf(call->out, "gpa: %#" PRIx64 "\n", t.pa);
    } else {
        g_string_append(call->out, "Unmapped\n");
    }
    return NULL;
}

json_object *cmd_gpa2hva(MonCall *call, json_object *args, GError **errp)
{
    hwaddr addr = (hwaddr)arg_int(args, "addr", 0);
    uint64_t len = 1;
    void *host;

    RCU_READ_GUARD();
    host = memory_host_ptr_rcu(&address_space_memory, addr, false, &len);
    if (!host) {
        error_setg(errp, "No memory is mapped at address 0x%" PRIx64, addr);
        return NULL;
    }
    g_string_append_printf(call->out,
                           "Host virtual address for 0x%" PRIx64 " is %p\n",
                           addr, host);
    return NULL;
}

/* --- ports --- */

/* "/b", "/h" or "/w" is the width; a byte if nothing is said. */
static unsigned port_size(json_object *args)
{
    unsigned size = (unsigned)arg_int(args, "size", 1);

    return MIN(size, 4);
}

json_object *cmd_in(MonCall *call, json_object *args, GError **errp)
{
    uint16_t port = (uint16_t)arg_int(args, "addr", 0);
    unsigned size = port_size(args);
    uint64_t value = address_space_load(&address_space_io, port, size, NULL);

    g_string_append_printf(call->out, "port%c[0x%04x] = 0x%0*" PRIx64 "\n",
                           size == 1   ? 'b'
                           : size == 2 ? 'w'
                                       : 'l',
                           port, (int)size * 2, value);
    return NULL;
}

json_object *cmd_out(MonCall *call, json_object *args, GError **errp)
{
    address_space_store(&address_space_io, (uint16_t)arg_int(args, "addr", 0),
                        (uint64_t)arg_int(args, "val", 0), port_size(args));
    return NULL;
}

/* --- the tree of objects --- */

/* Without a path the top. */
json_object *cmd_hmp_qom_list(MonCall *call, json_object *args, GError **errp)
{
    json_object *list;

    if (!arg_has(args, "path")) {
        put_str(args, "path", "/");
    }
    list = cmd_qom_list(call, args, errp);
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        json_object *entry = json_object_array_get_idx(list, i);

        g_string_append_printf(call->out, "%s (%s)\n",
                               arg_str(entry, "name", ""),
                               arg_str(entry, "type", ""));
    }
    return list;
}

json_object *cmd_hmp_qom_get(MonCall *call, json_object *args, GError **errp)
{
    json_object *value = cmd_qom_get(call, args, errp);

    if (value) {
        json_print(call->out, value, true);
        g_string_append_c(call->out, '\n');
    }
    return value;
}

/* -preconfig does not exist: machines are never in that state. */
json_object *cmd_hmp_exit_preconfig(MonCall *call, json_object *args,
                                    GError **errp)
{
    error_setg(errp, "The command is permitted only before machine "
                     "initialization");
    return NULL;
}
