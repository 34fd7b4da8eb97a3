/* SPDX-License-Identifier: MIT */
/*
 * Where the local APICs' registers and the message space lie in memory.
 *
 * Source: SDM vol. 3A, 11.4.5 "Relocating the Local APIC Registers", 11.11
 * "Message Signalled Interrupts".
 * The page at FEE00000h serves each vCPU its own registers.  One that has moved
 * its registers gets a page of its own there; what lies below that page is
 * hidden from all vCPUs, where a processor hides it from itself alone.
 * Locks: BQL for changes of the map; accesses take none here.
 */
#include "exec/bql.h"
#include "hw/intc/apic_internal.h"
#include "util/log.h"

#define APIC_PAGE_BYTES 0x1000
/* Above whatever a machine lays there. */
#define APIC_MAP_PRIORITY 1000

static MemoryRegion *apic_memory; /* that all is mapped into */

static hwaddr apic_page(const ApicState *s)
{
    return __atomic_load_n(&s->base, __ATOMIC_RELAXED) & APIC_BASE_PAGE;
}

/* The APIC of the vCPU that makes an access, if its registers are at @page. */
static ApicState *apic_at(hwaddr page)
{
    ApicState *s = current_cpu ? x86_cpu(current_cpu)->apic : NULL;

    return s && apic_page(s) == page ? s : NULL;
}

static uint64_t apic_read(ApicState *s, hwaddr offset)
{
    if (!s || offset >= APIC_REGS * 16 || (offset & 15)) {
        return 0xffffffff;
    }
    return apic_mmio_read_reg(s, offset / 16);
}

static void apic_write(ApicState *s, hwaddr offset, uint32_t value)
{
    if (offset >= APIC_REGS * 16 || (offset & 15)) {
        log_printf(LOG_GUEST_ERRORS, "apic: write of reserved offset %" PRIx64
                   "\n", offset);
    } else {
        apic_mmio_write_reg(s, offset / 16, value);
    }
}

/* --- at FEE00000h --- */

static uint64_t apic_space_read(void *opaque, hwaddr addr, unsigned size)
{
    return apic_read(apic_at(APIC_BASE_ADDR), addr);
}

/* A write that is not a processor's to its own registers is a message. */
static void apic_space_write(void *opaque, hwaddr addr, uint64_t value,
                             unsigned size)
{
    ApicState *s = apic_at(APIC_BASE_ADDR);

    if (s && addr < APIC_PAGE_BYTES) {
        apic_write(s, addr, value);
    } else {
        apic_deliver_msi(APIC_BASE_ADDR + addr, value);
    }
}

static const MemoryRegionOps apic_space_ops = {
    .read = apic_space_read,
    .write = apic_space_write,
    .valid = {4, 4},
    .impl = {4, 4},
    .unlocked = true,
};

void apic_map(MemoryRegion *memory)
{
    MemoryRegion *mr = g_new0(MemoryRegion, 1);

    bql_assert_held();
    apic_memory = memory;
    memory_region_init_io(mr, &apic_space_ops, NULL, "apic", APIC_SPACE_SIZE);
    memory_region_add_overlap(memory, APIC_BASE_ADDR, mr, APIC_MAP_PRIORITY);
}

/* --- elsewhere --- */

static uint64_t apic_moved_read(void *opaque, hwaddr addr, unsigned size)
{
    return apic_read(apic_at(apic_page(opaque)), addr);
}

static void apic_moved_write(void *opaque, hwaddr addr, uint64_t value,
                             unsigned size)
{
    ApicState *s = apic_at(apic_page(opaque));

    if (s) {
        apic_write(s, addr, value);
    }
}

static const MemoryRegionOps apic_moved_ops = {
    .read = apic_moved_read,
    .write = apic_moved_write,
    .valid = {4, 4},
    .impl = {4, 4},
    .unlocked = true,
};

void apic_relocate(ApicState *s)
{
    hwaddr page = apic_page(s);
    bool moved = page != APIC_BASE_ADDR;

    bql_assert_held();
    if (!apic_memory || (!s->moved && !moved)) {
        return;
    }
    memory_transaction_begin();
    if (!s->moved) {
        s->moved = &s->moved_page;
        memory_region_init_io(s->moved, &apic_moved_ops, s, "apic-moved",
                              APIC_PAGE_BYTES);
        memory_region_add_overlap(apic_memory, page, s->moved,
                                  APIC_MAP_PRIORITY + 1);
    }
    memory_region_set_address(s->moved, page);
    memory_region_set_enabled(s->moved, moved);
    memory_transaction_commit();
}

void apic_unmap(ApicState *s)
{
    bql_assert_held();
    if (s->moved) {
        memory_region_del(apic_memory, s->moved);
        memory_region_destroy(s->moved);
        s->moved = NULL;
    }
}
