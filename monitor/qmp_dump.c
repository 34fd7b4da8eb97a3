/* SPDX-License-Identifier: MIT */
/*
 * dump-guest-memory: an ELF core file that gdb and crash read.  A note for each
 * vCPU's registers, a segment for each stretch of RAM, by physical addresses or
 * (paging) by the first vCPU's virtual ones too.  The machine is stopped while
 * it is written; with "detach" it is written piece by piece from the main loop,
 * and monitors go on.
 * Source: System V ABI, "Program Header"; elf(5), "Notes"; core(5).
 */
#include <elf.h>
#include <string.h>
#include <unistd.h>

#include "exec/memory.h"
#include "monitor/command.h"
#include "monitor/dump.h"
#include "monitor/fds.h"
#include "monitor/page_map.h"
#include "system/runstate.h"
#include "util/rcu.h"

#define DUMP_CHUNK_BYTES (1 * MiB)
#define DUMP_TURN_BYTES  (16 * MiB) /* of one turn of the main loop */
#define DUMP_MAX_LOADS   (PN_XNUM - 2)

/* The note NT_PRSTATUS of Linux on x86-64; what is of signals stays 0. */
enum { PRSTATUS_REGS = 27 };
typedef struct PrStatus {
    uint8_t signals[32];
    int32_t pid, ppid, pgrp, sid;
    int64_t times[8];
    uint64_t regs[PRSTATUS_REGS];
    int32_t fpvalid, pad;
} PrStatus;
_Static_assert(sizeof(PrStatus) == 336, "gdb goes by the size");

typedef struct DumpRange {
    vaddr va;
    hwaddr pa;
    uint64_t len;
} DumpRange;

typedef struct Dump {
    int fd;
    hwaddr begin, end; /* only this */
    GArray *ranges;    /* DumpRange */
    GByteArray *notes;
    bool was_running;
    guint source;  /* of the main loop, when detached */
    unsigned next; /* range that is being written, and how far it is */
    uint64_t next_done;
} Dump;

static Dump *running; /* the one that is being written */
static struct {
    const char *status;
    uint64_t completed, total;
} progress = { .status = "none" };

bool dump_in_progress(void)
{
    return running != NULL;
}

/* --- what goes in --- */

static void add_range(Dump *d, vaddr va, hwaddr pa, uint64_t len)
{
    DumpRange *last = d->ranges->len ? &g_array_index(d->ranges, DumpRange,
                                                      d->ranges->len - 1)
                                     : NULL;
    hwaddr from = MAX(pa, d->begin), to = MIN(pa + len, d->end);
    DumpRange range = { va + (from - pa), from, to - from };

    if (from >= to) {
        return;
    }
    if (last && last->pa + last->len == from &&
        last->va + last->len == range.va) {
        last->len += range.len;
    } else {
        g_array_append_val(d->ranges, range);
    }
}

/* Every stretch of RAM in the physical map, each page of it once. */
static void add_physical(Dump *d)
{
    hwaddr addr = 0, next;

    RCU_READ_GUARD();
    do {
        MemorySection s = memory_find_rcu(&address_space_memory, addr);

        next = s.addr + s.size;
        if (s.mr && s.mr->kind == MR_RAM && !s.readonly) {
            add_range(d, s.addr, s.addr, s.size);
        }
        addr = next;
    } while (next > 0 && next < BIT64(52));
}

static bool is_ram(hwaddr addr, uint64_t size)
{
    MemorySection s;

    RCU_READ_GUARD();
    s = memory_find_rcu(&address_space_memory, addr);
    return s.mr && s.mr->kind == MR_RAM && size <= s.addr + s.size - addr;
}

static bool add_mapped(const MappedPage *page, void *opaque)
{
    Dump *d = opaque;

    if (is_ram(page->pa, page->size)) {
        add_range(d, page->va, page->pa, page->size);
    }
    return d->ranges->len < DUMP_MAX_LOADS;
}

static void add_virtual(CPUState *cpu, void *opaque)
{
    page_map_foreach(x86_cpu(cpu), add_mapped, opaque);
}

/* --- notes --- */

static void add_note(GByteArray *out, const char *name, uint32_t type,
                     const void *desc, uint32_t len)
{
    static const uint8_t zero[4];
    Elf64_Nhdr note = { (uint32_t)strlen(name) + 1, len, type };

    g_byte_array_append(out, (uint8_t *)&note, sizeof(note));
    g_byte_array_append(out, (const uint8_t *)name, note.n_namesz);
    g_byte_array_append(out, zero, -note.n_namesz & 3);
    g_byte_array_append(out, desc, len);
    g_byte_array_append(out, zero, -len & 3);
}

/* In the order of struct user_regs_struct. */
static void fill_regs(X86CPU *cpu, uint64_t *regs)
{
    static const uint8_t order[] = { 15,    14,    13,    12,   R_RBP, R_RBX,
                                     11,    10,    9,     8,    R_RAX, R_RCX,
                                     R_RDX, R_RSI, R_RDI, R_RAX };
    unsigned n = 0;

    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        regs[n++] = cpu->regs[order[i]];
    }
    regs[n++] = cpu->rip;
    regs[n++] = cpu->segs[R_CS].selector;
    regs[n++] = x86_get_eflags(cpu);
    regs[n++] = cpu->regs[R_RSP];
    regs[n++] = cpu->segs[R_SS].selector;
    regs[n++] = cpu->segs[R_FS].base;
    regs[n++] = cpu->segs[R_GS].base;
    regs[n++] = cpu->segs[R_DS].selector;
    regs[n++] = cpu->segs[R_ES].selector;
    regs[n++] = cpu->segs[R_FS].selector;
    regs[n++] = cpu->segs[R_GS].selector;
}

static void add_cpu_note(CPUState *cpu, void *opaque)
{
    PrStatus status = { .pid = (int)cpu->index + 1 };

    fill_regs(x86_cpu(cpu), status.regs);
    add_note(opaque, "CORE", NT_PRSTATUS, &status, sizeof(status));
}

/* --- writing --- */

static bool write_headers(Dump *d, GError **errp)
{
    unsigned n = d->ranges->len;
    uint64_t offset = sizeof(Elf64_Ehdr) + (n + 1) * sizeof(Elf64_Phdr);
    g_autofree Elf64_Phdr *ph = g_new0(Elf64_Phdr, n + 1);
    Elf64_Ehdr eh = {
        .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
                     ELFDATA2LSB, EV_CURRENT },
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof(eh),
        .e_ehsize = sizeof(eh),
        .e_phentsize = sizeof(*ph),
        .e_phnum = n + 1,
    };

    ph[0].p_type = PT_NOTE;
    ph[0].p_offset = offset;
    ph[0].p_filesz = ph[0].p_memsz = d->notes->len;
    offset += d->notes->len;
    for (unsigned i = 0; i < n; i++) {
        const DumpRange *r = &g_array_index(d->ranges, DumpRange, i);

        ph[i + 1] = (Elf64_Phdr){
            .p_type = PT_LOAD,
            .p_offset = offset,
            .p_vaddr = r->va,
            .p_paddr = r->pa,
            .p_filesz = r->len,
            .p_memsz = r->len,
        };
        offset += r->len;
    }
    return monitor_write_file(d->fd, &eh, sizeof(eh), errp) &&
           monitor_write_file(d->fd, ph, (n + 1) * sizeof(*ph), errp) &&
           monitor_write_file(d->fd, d->notes->data, d->notes->len, errp);
}

/* The next piece; *@more is false behind the last. */
static bool write_chunk(Dump *d, bool *more, GError **errp)
{
    const DumpRange *r = &g_array_index(d->ranges, DumpRange, d->next);
    size_t len = MIN(r->len - d->next_done, DUMP_CHUNK_BYTES);
    g_autofree uint8_t *buf = g_malloc(len);

    address_space_read(&address_space_memory, r->pa + d->next_done, buf, len);
    d->next_done += len;
    progress.completed += len;
    if (d->next_done == r->len) {
        d->next++;
        d->next_done = 0;
    }
    *more = d->next < d->ranges->len;
    return monitor_write_file(d->fd, buf, len, errp);
}

static json_object *progress_value(void)
{
    json_object *value = json_object_new_object();

    put_str(value, "status", progress.status);
    put_int(value, "completed", (int64_t)progress.completed);
    put_int(value, "total", (int64_t)progress.total);
    return value;
}

static void dump_free(Dump *d)
{
    if (d->fd >= 0) {
        close(d->fd);
    }
    g_array_free(d->ranges, TRUE);
    g_byte_array_free(d->notes, TRUE);
    g_free(d);
}

/* @err is why it failed, or NULL. */
static void dump_end(Dump *d, const GError *err)
{
    json_object *data = json_object_new_object();
    bool was_running = d->was_running;

    running = NULL;
    dump_free(d);
    progress.status = err ? "failed" : "completed";
    json_object_object_add(data, "result", progress_value());
    if (err) {
        put_str(data, "error", err->message);
    }
    monitor_event("DUMP_COMPLETED", data);
    if (was_running) {
        vm_start();
    }
}

static gboolean dump_turn(gpointer opaque)
{
    g_autoptr(GError) err = NULL;
    Dump *d = opaque;
    bool more = true;

    for (unsigned n = 0; more && n < DUMP_TURN_BYTES / DUMP_CHUNK_BYTES; n++) {
        more = write_chunk(d, &more, &err) && more;
    }
    if (more) {
        return G_SOURCE_CONTINUE;
    }
    dump_end(d, err);
    return G_SOURCE_REMOVE;
}

static void dump_run(Dump *d, bool detach, GError **errp)
{
    GError *err = NULL;
    bool more = true;

    running = d;
    if (write_headers(d, &err) && detach) {
        d->source = g_idle_add(dump_turn, d);
        return;
    }
    while (!err && more && write_chunk(d, &more, &err)) {
    }
    dump_end(d, err);
    if (err) {
        g_propagate_error(errp, err);
    }
}

/* --- the command --- */

static int dump_open(const char *protocol, GError **errp)
{
    int fd = -1;

    if (g_str_has_prefix(protocol, "file:")) {
        return monitor_create_file(protocol + strlen("file:"), errp);
    }
    if (!g_str_has_prefix(protocol, "fd:")) {
        error_setg(errp, "Invalid parameter 'protocol'");
        return -1;
    }
    fd = monitor_take_named_fd(protocol + strlen("fd:"));
    if (fd < 0) {
        error_setg(errp, "File descriptor named '%s' has not been found",
                   protocol + strlen("fd:"));
    }
    return fd;
}

static bool dump_bounds(Dump *d, json_object *args, GError **errp)
{
    bool begin = arg_has(args, "begin"), length = arg_has(args, "length");

    if (begin != length) {
        error_setg(errp, "Parameter '%s' is missing",
                   begin ? "length" : "begin");
        return false;
    }
    d->end = UINT64_MAX;
    if (begin) {
        d->begin = (hwaddr)arg_int(args, "begin", 0);
        d->end = d->begin + (hwaddr)arg_int(args, "length", 0);
    }
    return true;
}

/* With the machine stopped: nothing changes under the list. */
static bool dump_collect(Dump *d, bool paging, GError **errp)
{
    CPUState *cpu;

    if (paging && cpu_get(0)) {
        monitor_on_cpu(cpu_get(0), add_virtual, d);
    }
    add_physical(d);
    CPU_FOREACH (cpu) {
        monitor_on_cpu(cpu, add_cpu_note, d->notes);
    }
    if (d->ranges->len == 0) {
        error_setg(errp, "dump: no guest memory to dump");
        return false;
    }
    if (d->ranges->len > DUMP_MAX_LOADS) {
        error_setg(errp, "dump: too many stretches of memory");
        return false;
    }
    progress.completed = progress.total = 0;
    for (unsigned i = 0; i < d->ranges->len; i++) {
        progress.total += g_array_index(d->ranges, DumpRange, i).len;
    }
    progress.status = "active";
    return true;
}

static void dump_start(Dump *d, json_object *args, GError **errp)
{
    GError *err = NULL;

    d->was_running = runstate_is_running();
    vm_stop(RUN_STATE_PAUSED);
    if (dump_collect(d, arg_bool(args, "paging", false), &err)) {
        dump_run(d, arg_bool(args, "detach", false), errp);
        return;
    }
    if (d->was_running) {
        vm_start();
    }
    dump_free(d);
    g_propagate_error(errp, err);
}

json_object *cmd_dump(MonCall *call, json_object *args, GError **errp)
{
    Dump *d;

    if (running) {
        error_setg(errp, "There is a dump in process, please wait.");
        return NULL;
    }
    d = g_new0(Dump, 1);
    d->fd = -1;
    d->ranges = g_array_new(FALSE, FALSE, sizeof(DumpRange));
    d->notes = g_byte_array_new();
    if (dump_bounds(d, args, errp)) {
        d->fd = dump_open(arg_str(args, "protocol", ""), errp);
    }
    if (d->fd < 0) {
        dump_free(d);
        return NULL;
    }
    dump_start(d, args, errp);
    return NULL;
}

json_object *cmd_query_dump(MonCall *call, json_object *args, GError **errp)
{
    return progress_value();
}

json_object *cmd_query_dump_capability(MonCall *call, json_object *args,
                                       GError **errp)
{
    json_object *result = json_object_new_object();
    json_object *formats = json_object_new_array();

    json_object_array_add(formats, json_object_new_string("elf"));
    json_object_object_add(result, "formats", formats);
    return result;
}

/* HMP: the file's name stands alone. */
json_object *cmd_hmp_dump(MonCall *call, json_object *args, GError **errp)
{
    g_autofree char *protocol =
        g_strconcat("file:", arg_str(args, "filename", ""), NULL);

    put_str(args, "protocol", protocol);
    return cmd_dump(call, args, errp);
}

void dump_cleanup(void)
{
    if (running) {
        g_source_remove(running->source);
        g_clear_pointer(&running, dump_free);
    }
}
