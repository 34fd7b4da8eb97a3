/* SPDX-License-Identifier: MIT */
/*
 * Guest memory from C: the slow paths of translated code, and what helpers
 * use.  Each access finds its entry in the soft TLB (which may fault), then
 * goes to RAM or to a device.
 *
 * Aligned accesses to RAM are single host accesses: TSO holds because the host
 * is x86 too.  An access that crosses a page is probed on both pages, then done
 * in parts.
 */
#include <string.h>

#include "accel/tcg/internal.h"
#include "exec/ldst.h"
#include "util/log.h"

/* --- watchpoints --- */

/* Have the instruction run in a TB of its own, which is linked to nothing, and
 * look around behind it. */
static void leave_after_insn(CPUState *cpu)
{
    const TranslationBlock *running =
        cpu->host_pc ? region_find_tb(cpu->host_pc) : NULL;

    if (running && !(tb_cflags(running) & CF_NOIRQ)) {
        tcg_run_alone(cpu);
    }
    cpu_exit(cpu);
}

/* The exec loop takes the trap. */
void cpu_watch_hit(CPUState *cpu, uint32_t hits)
{
    leave_after_insn(cpu);
    x86_cpu(cpu)->watch_hits |= hits;
}

/* If a data breakpoint or the debugger watches the access (PAGE_*).  Called
 * before anything of it is done. */
static void watch_access(CPUState *cpu, vaddr addr, unsigned len, int access)
{
    X86CPU *x86 = x86_cpu(cpu);
    uint32_t hits;

    if (unlikely(debug_watches) && debug_watches_access(addr, len, access)) {
        leave_after_insn(cpu);
        debug_note_watch(cpu, addr, len, access);
    }
    if (likely(!x86->watch)) {
        return;
    }
    hits = x86_watch_hits(x86, addr, len, access & PAGE_WRITE);
    if (hits) {
        cpu_watch_hit(cpu, hits);
    }
}

/* --- RAM --- */

/* Host accesses need no alignment; each is one instruction. */
typedef uint16_t __attribute__((aligned(1), may_alias)) Any16;
typedef uint32_t __attribute__((aligned(1), may_alias)) Any32;
typedef uint64_t __attribute__((aligned(1), may_alias)) Any64;

/* Guest RAM is raced for by design; the races are the guest's. */
__attribute__((no_sanitize("thread"))) static uint64_t
ram_load(const void *p, unsigned size)
{
    switch (size) {
    case 1:
        return *(const volatile uint8_t *)p;
    case 2:
        return *(const volatile Any16 *)p;
    case 4:
        return *(const volatile Any32 *)p;
    default:
        return *(const volatile Any64 *)p;
    }
}

__attribute__((no_sanitize("thread"))) static void
ram_store(void *p, uint64_t value, unsigned size)
{
    switch (size) {
    case 1:
        *(volatile uint8_t *)p = value;
        break;
    case 2:
        *(volatile Any16 *)p = value;
        break;
    case 4:
        *(volatile Any32 *)p = value;
        break;
    default:
        *(volatile Any64 *)p = value;
        break;
    }
}

static uint64_t sign_extend(uint64_t value, MemOp op)
{
    unsigned shift = 64 - 8 * memop_bytes(op);

    return op & MO_SIGN ? (uint64_t)((int64_t)(value << shift) >> shift)
                        : value;
}

static bool crosses_page(vaddr addr, unsigned len)
{
    return (addr & ~PAGE_MASK) + len > PAGE_SIZE;
}

/* @addr + @n of an access from @addr on: outside 64-bit code linear addresses
 * wrap at 4 GiB (SDM vol. 1, 3.3.7.1 "Canonical Addressing"). */
static vaddr access_addr(CPUState *cpu, vaddr addr, unsigned n)
{
    bool wraps = !(addr >> 32) && !(x86_cpu(cpu)->hflags & HF_CS64);

    return wraps ? (uint32_t)(addr + n) : addr + n;
}

/* --- devices --- */

static uint64_t io_load(CPUState *cpu, vaddr addr, unsigned size,
                        const TLBFull *full)
{
    hwaddr offset = addr & ~PAGE_MASK;
    MemTxResult result;

    cpu->tcg->stats.mmio++;
    if (!full->mr) {
        return address_space_load(&address_space_memory, full->phys + offset,
                                  size, &result);
    }
    return memory_region_dispatch_read(full->mr, full->mr_offset + offset,
                                       size, &result);
}

static void io_store(CPUState *cpu, vaddr addr, uint64_t value, unsigned size,
                     const TLBFull *full)
{
    hwaddr offset = addr & ~PAGE_MASK;

    cpu->tcg->stats.mmio++;
    if (!full->mr) {
        address_space_store(&address_space_memory, full->phys + offset, value,
                            size);
    } else {
        memory_region_dispatch_write(full->mr, full->mr_offset + offset, value,
                                     size);
    }
}

/* --- one access within a page --- */

static uint64_t load_in_page(CPUState *cpu, vaddr addr, unsigned size,
                             MemOp op)
{
    int access = op & MO_RMW ? PAGE_WRITE : PAGE_READ;
    TLBFull *full;
    TLBEntry *e;

    if (access == PAGE_WRITE) {
        tlb_get(cpu, addr, PAGE_WRITE, op, &full, false);
    }
    e = tlb_get(cpu, addr, PAGE_READ, op, &full, false);
    if (e->read & TLB_MMIO) {
        return io_load(cpu, addr, size, full);
    }
    return ram_load((void *)(addr + e->addend), size);
}

/* Another vCPU may have translated the old bytes after tlb_notdirty_store() and
 * before the store: what is written is looked at once more (ram_written()). */
static void store_in_page(CPUState *cpu, vaddr addr, uint64_t value,
                          unsigned size, MemOp op)
{
    TLBFull *full;
    TLBEntry *e = tlb_get(cpu, addr, PAGE_WRITE, op, &full, false);
    ram_addr_t ram = full->ram + (addr & ~PAGE_MASK);
    uint64_t tag = tlb_tag(e, PAGE_WRITE);

    if (tag & TLB_MMIO) {
        io_store(cpu, addr, value, size, full);
        return;
    }
    if (tag & TLB_DROP) {
        return;
    }
    if (!(tag & TLB_NOTDIRTY)) {
        ram_store((void *)(addr + e->addend), value, size);
        return;
    }
    tlb_notdirty_store(cpu, addr, size, e, full);
    ram_store((void *)(addr + e->addend), value, size);
    ram_written(ram, size);
}

/* --- any access --- */

/* Fault for every page of the range before anything happens.  A fault on the
 * second page names its first byte. */
static void probe_range(CPUState *cpu, vaddr addr, unsigned len, int access,
                        MemOp op)
{
    vaddr last = access_addr(cpu, addr, len - 1);
    TLBFull *full;

    tlb_get(cpu, addr, access, op, &full, false);
    /* Of the second page the first byte is the one that faults. */
    if ((addr ^ last) & PAGE_MASK) {
        tlb_get(cpu, last & PAGE_MASK, access, op, &full, false);
    }
}

/* As probe_range, and drop the TBs that a store there will hit: that may
 * restart the instruction, so it comes before the first byte is stored. */
static void prepare_store_range(CPUState *cpu, vaddr addr, unsigned len,
                                MemOp op)
{
    unsigned first = MIN(len, PAGE_SIZE - (addr & ~PAGE_MASK));
    vaddr part[2] = {addr, access_addr(cpu, addr, first)};
    unsigned n[2] = {first, len - first}, i;

    probe_range(cpu, addr, len, PAGE_WRITE, op);
    for (i = 0; i < 2 && n[i]; i++) {
        TLBFull *full;
        TLBEntry *e = tlb_get(cpu, part[i], PAGE_WRITE, op, &full, false);

        if ((tlb_tag(e, PAGE_WRITE) & (TLB_NOTDIRTY | TLB_MMIO | TLB_DROP)) ==
            TLB_NOTDIRTY) {
            tlb_notdirty_store(cpu, part[i], n[i], e, full);
        }
    }
}

static void load_split(CPUState *cpu, vaddr addr, uint8_t *buf, unsigned len,
                       MemOp op)
{
    unsigned i;

    probe_range(cpu, addr, len, op & MO_RMW ? PAGE_WRITE : PAGE_READ, op);
    for (i = 0; i < len; i++) {
        buf[i] = load_in_page(cpu, access_addr(cpu, addr, i), 1,
                              op & ~MO_RMW);
    }
}

static void store_split(CPUState *cpu, vaddr addr, const uint8_t *buf,
                        unsigned len, MemOp op)
{
    unsigned i;

    prepare_store_range(cpu, addr, len, op);
    for (i = 0; i < len; i++) {
        store_in_page(cpu, access_addr(cpu, addr, i), buf[i], 1, op);
    }
}

static SlowCause slow_cause(CPUState *cpu, vaddr addr, unsigned size,
                            int access, MemOp op)
{
    static const struct {
        unsigned flag;
        SlowCause cause;
    } by_flag[] = {
        {TLB_MMIO, SLOW_DEVICE},
        {TLB_DROP, SLOW_ROM},
        {TLB_NOTDIRTY, SLOW_NOTDIRTY},
        {TLB_WATCH, SLOW_WATCH},
    };
    const TLBEntry *e = &cpu->tlb_table[memop_mmu(op)][tlb_index(addr)];
    uint64_t tag = tlb_tag(e, access & PAGE_WRITE ? PAGE_WRITE : PAGE_READ);

    if (crosses_page(addr, size)) {
        return SLOW_CROSSES;
    }
    if (tag == TLB_INVALID_TAG || (tag ^ addr) & PAGE_MASK) {
        return SLOW_MISS;
    }
    for (unsigned i = 0; i < ARRAY_LEN(by_flag); i++) {
        if (tag & by_flag[i].flag) {
            return by_flag[i].cause;
        }
    }
    return SLOW_OTHER;
}

/* What every slow path begins with: count it, then what faults or traps before
 * the page is looked at. */
static void slow_begin(CPUState *cpu, vaddr addr, MemOp op, int access)
{
    TcgStats *s = &cpu->tcg->stats;
    unsigned size = memop_bytes(op);

    s->slow[slow_cause(cpu, addr, size, access, op)]++;
    if (access == PAGE_READ) {
        s->slow_loads++;
    } else if (access == PAGE_WRITE) {
        s->slow_stores++;
    } else {
        s->slow_rmws++;
    }
    x86_check_access(x86_cpu(cpu), addr, op);
    watch_access(cpu, addr, size, access);
}

uint64_t tcg_slow_load(CPUState *cpu, vaddr addr, uint32_t memop)
{
    unsigned size = memop_bytes(memop);
    uint64_t value = 0;

    slow_begin(cpu, addr, memop, PAGE_READ);
    if (crosses_page(addr, size)) {
        load_split(cpu, addr, (uint8_t *)&value, size, memop);
    } else {
        value = load_in_page(cpu, addr, size, memop);
    }
    return sign_extend(value, memop);
}

void tcg_slow_store(CPUState *cpu, vaddr addr, uint64_t value, uint32_t memop)
{
    unsigned size = memop_bytes(memop);

    slow_begin(cpu, addr, memop, PAGE_WRITE);
    if (crosses_page(addr, size)) {
        store_split(cpu, addr, (uint8_t *)&value, size, memop);
    } else {
        store_in_page(cpu, addr, value, size, memop);
    }
}

/* A vector is a few 64-bit accesses within a page (device or RAM), or bytes
 * across one; MO_32 is a single access. */
void tcg_slow_load_vec(CPUState *cpu, vaddr addr, void *dst, uint32_t memop)
{
    unsigned size = memop_bytes(memop), i;

    if (size < 8) {
        uint64_t value = tcg_slow_load(cpu, addr, memop);

        memcpy(dst, &value, size);
        return;
    }
    slow_begin(cpu, addr, memop, PAGE_READ);
    if (crosses_page(addr, size)) {
        load_split(cpu, addr, dst, size, memop);
    } else {
        for (i = 0; i < size; i += 8) {
            uint64_t part = load_in_page(cpu, addr + i, 8, memop);

            memcpy((uint8_t *)dst + i, &part, 8);
        }
    }
}

void tcg_slow_store_vec(CPUState *cpu, vaddr addr, const void *src,
                        uint32_t memop)
{
    unsigned size = memop_bytes(memop), i;
    uint64_t part = 0;

    if (size < 8) {
        memcpy(&part, src, size);
        tcg_slow_store(cpu, addr, part, memop);
        return;
    }
    slow_begin(cpu, addr, memop, PAGE_WRITE);
    if (crosses_page(addr, size)) {
        store_split(cpu, addr, src, size, memop);
    } else {
        prepare_store_range(cpu, addr, size, memop);
        for (i = 0; i < size; i += 8) {
            memcpy(&part, (const uint8_t *)src + i, 8);
            store_in_page(cpu, addr + i, part, 8, memop);
        }
    }
}

/* --- read-modify-write --- */

G_NORETURN static void exit_atomic(CPUState *cpu)
{
    cpu->tcg->stats.atomics_exclusive++;
    cpu->exception_index = CPU_EXCP_EXIT + CPU_EXIT_ATOMIC;
    tcg_begin_again(cpu);
}

static void *rmw_bounce(CPUState *cpu, vaddr addr, MemOp op)
{
    TcgCpu *tc = cpu->tcg;

    if (op & MO_LOCK) {
        exit_atomic(cpu);
    }
    tcg_slow_load_vec(cpu, addr, tc->bounce, op | MO_RMW);
    tc->bounced = true;
    return tc->bounce;
}

void *tcg_slow_rmw(CPUState *cpu, vaddr addr, uint32_t memop)
{
    unsigned size = memop_bytes(memop);
    TLBFull *full;
    TLBEntry *e;
    uint64_t tag;

    cpu->tcg->bounced = false;
    cpu->tcg->rmw_ram = RAM_ADDR_INVALID;
    slow_begin(cpu, addr, memop, PAGE_READ | PAGE_WRITE);
    if (crosses_page(addr, size)) {
        probe_range(cpu, addr, size, PAGE_WRITE, memop);
        return rmw_bounce(cpu, addr, memop);
    }
    e = tlb_get(cpu, addr, PAGE_WRITE, memop, &full, false);
    tag = tlb_tag(e, PAGE_WRITE);
    if (tag & (TLB_MMIO | TLB_DROP)) {
        return rmw_bounce(cpu, addr, memop);
    }
    if (tag & TLB_NOTDIRTY) {
        tlb_notdirty_store(cpu, addr, size, e, full);
        cpu->tcg->rmw_ram = full->ram + (addr & ~PAGE_MASK);
    }
    return (void *)(addr + e->addend);
}

void tcg_slow_rmw_commit(CPUState *cpu, vaddr addr, uint32_t memop)
{
    if (cpu->tcg->bounced) {
        cpu->tcg->bounced = false;
        tcg_slow_store_vec(cpu, addr, cpu->tcg->bounce, memop);
    } else if (cpu->tcg->rmw_ram != RAM_ADDR_INVALID) {
        ram_written(cpu->tcg->rmw_ram, memop_bytes(memop));
    }
}

/* --- for helpers --- */

uint64_t cpu_load(CPUState *cpu, vaddr addr, MemOp op)
{
    const TLBEntry *e = &cpu->tlb_table[memop_mmu(op)][tlb_index(addr)];
    unsigned size = memop_bytes(op);

    if (e->read == (addr & PAGE_MASK) && !crosses_page(addr, size) &&
        !(op & (MO_ALIGN | MO_AC | MO_RMW))) {
        return sign_extend(ram_load((void *)(addr + e->addend), size), op);
    }
    return tcg_slow_load(cpu, addr, op);
}

void cpu_store(CPUState *cpu, vaddr addr, uint64_t value, MemOp op)
{
    const TLBEntry *e = &cpu->tlb_table[memop_mmu(op)][tlb_index(addr)];
    unsigned size = memop_bytes(op);

    if (tlb_tag(e, PAGE_WRITE) == (addr & PAGE_MASK) &&
        !crosses_page(addr, size) && !(op & (MO_ALIGN | MO_AC))) {
        ram_store((void *)(addr + e->addend), value, size);
    } else {
        tcg_slow_store(cpu, addr, value, op);
    }
}

/* Where @len bytes at @addr are, if that is plain RAM within one page which the
 * soft TLB knows; else NULL. */
static void *known_ram(CPUState *cpu, vaddr addr, unsigned len, int access,
                       MemOp op)
{
    const TLBEntry *e = &cpu->tlb_table[memop_mmu(op)][tlb_index(addr)];

    return tlb_tag(e, access) == (addr & PAGE_MASK) && !crosses_page(addr, len)
               ? (void *)(addr + e->addend)
               : NULL;
}

/* Bytes from @addr to the end of its page, @len at most. */
static unsigned bytes_in_page(vaddr addr, unsigned len)
{
    return MIN(len, PAGE_SIZE - (addr & ~PAGE_MASK));
}

/* Within one page. */
static void load_chunk(CPUState *cpu, vaddr addr, uint8_t *to, unsigned len,
                       MemOp op)
{
    const void *ram = known_ram(cpu, addr, len, PAGE_READ, op);

    if (ram) {
        memcpy(to, ram, len);
        return;
    }
    for (unsigned i = 0; i < len; i++) {
        to[i] = cpu_load(cpu, addr + i, (op & ~MO_SIZE) | MO_8);
    }
}

static void store_chunk(CPUState *cpu, vaddr addr, const uint8_t *from,
                        unsigned len, MemOp op)
{
    void *ram = known_ram(cpu, addr, len, PAGE_WRITE, op);

    if (ram) {
        memcpy(ram, from, len);
        return;
    }
    for (unsigned i = 0; i < len; i++) {
        cpu_store(cpu, addr + i, from[i], (op & ~MO_SIZE) | MO_8);
    }
}

void cpu_load_bytes(CPUState *cpu, vaddr addr, void *buf, unsigned len,
                    MemOp op)
{
    unsigned done, n;

    for (done = 0; done < len; done += PAGE_SIZE) {
        probe_range(cpu, addr + done, MIN(len - done, PAGE_SIZE), PAGE_READ,
                    op);
    }
    for (done = 0; done < len; done += n) {
        vaddr at = access_addr(cpu, addr, done);

        n = bytes_in_page(at, len - done);
        load_chunk(cpu, at, (uint8_t *)buf + done, n, op);
    }
}

void cpu_store_bytes(CPUState *cpu, vaddr addr, const void *buf, unsigned len,
                     MemOp op)
{
    unsigned done, n;

    for (done = 0; done < len; done += PAGE_SIZE) {
        prepare_store_range(cpu, addr + done, MIN(len - done, PAGE_SIZE), op);
    }
    for (done = 0; done < len; done += n) {
        vaddr at = access_addr(cpu, addr, done);

        n = bytes_in_page(at, len - done);
        store_chunk(cpu, at, (const uint8_t *)buf + done, n, op);
    }
}

void *cpu_probe(CPUState *cpu, vaddr addr, unsigned len, int access, MemOp op)
{
    TLBFull *full;
    TLBEntry *e;

    x86_check_access(x86_cpu(cpu), addr, op);
    probe_range(cpu, addr, len, access, op);
    if (crosses_page(addr, len)) {
        return NULL;
    }
    e = tlb_get(cpu, addr, access, op, &full, false);
    return tlb_tag(e, access) & TLB_FLAGS ? NULL : (void *)(addr + e->addend);
}

bool cpu_probe_nofault(CPUState *cpu, vaddr addr, int access, MemOp op,
                       void **host)
{
    TLBFull *full;
    TLBEntry *e = tlb_get(cpu, addr, access, op, &full, true);

    if (!e) {
        return false;
    }
    *host = tlb_tag(e, access) & TLB_FLAGS ? NULL
                                           : (void *)(addr + e->addend);
    return true;
}

bool cpu_memory_rw_debug(CPUState *cpu, vaddr addr, void *buf, uint64_t len,
                         bool write)
{
    uint8_t *p = buf;

    while (len) {
        uint64_t n = MIN(len, PAGE_SIZE - (addr & ~PAGE_MASK));
        hwaddr phys;

        if (!cpu->ops->get_phys_debug(cpu, addr, &phys)) {
            return false;
        }
        if (write) {
            address_space_write_rom(&address_space_memory, phys, p, n);
        } else {
            address_space_read(&address_space_memory, phys, p, n);
        }
        addr += n;
        p += n;
        len -= n;
    }
    return true;
}
