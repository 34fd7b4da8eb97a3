/* SPDX-License-Identifier: MIT */
/*
 * A vCPU without a machine: RAM at 0, paging off, descriptor tables in RAM,
 * and faults caught instead of delivered.
 */
#ifndef HEDDLE_TESTS_TARGET_X86_MACHINE_H
#define HEDDLE_TESTS_TARGET_X86_MACHINE_H

#include <string.h>

#include "accel/tcg.h"
#include "exec/bql.h"
#include "exec/memory.h"
#include "target/i386/helpers.h"
#include "target/i386/seg.h"
#include "tcg/ir.h"

#define GDT_ADDR 0x1000
#define IDT_ADDR 0x2000
#define TSS_ADDR 0x3000
#define TSS2_ADDR 0x4000
#define STACK0   0x8000 /* of CPL 0, top */
#define STACK3   0x9000 /* of CPL 3, top */

/* Selectors of the GDT that machine_reset makes. */
enum {
    SEL_CODE0 = 0x08,
    SEL_DATA0 = 0x10,
    SEL_CODE3 = 0x1b,
    SEL_DATA3 = 0x23,
    SEL_TSS = 0x28,
    SEL_CONFORMING = 0x30, /* code, DPL 0 */
    SEL_ABSENT = 0x38,     /* data, DPL 0, not present */
    SEL_EXEC_ONLY = 0x40,
    SEL_READ_ONLY = 0x48,
    SEL_GATE = 0x50,       /* 32-bit call gate, DPL 3, two parameters */
    SEL_TSS2 = 0x58,
    SEL_SHORT = 0x60,      /* code, DPL 0, limit FFFh */
    SEL_CODE64 = 0x68,
    GDT_BYTES = 0x70,
};

enum {
    AR_CODE = DESC_P | DESC_S | DESC_CODE | DESC_W | DESC_G | DESC_B,
    AR_DATA = DESC_P | DESC_S | DESC_W | DESC_G | DESC_B,
    AR_DPL3 = 3 << DESC_DPL_SHIFT,
    AR_TSS32 = DESC_P | SYS_TSS32 << DESC_TYPE_SHIFT,
};

static X86CPU *cpu;
static MemoryRegion machine_ram;

static inline uint64_t peek(hwaddr addr, unsigned bytes)
{
    return address_space_load(&address_space_memory, addr, bytes, NULL);
}

static inline void poke(hwaddr addr, uint64_t value, unsigned bytes)
{
    address_space_store(&address_space_memory, addr, value, bytes);
}

static inline void set_desc(uint16_t sel, uint32_t base, uint32_t limit,
                            uint32_t attr)
{
    hwaddr addr = GDT_ADDR + (sel & SEL_INDEX);

    poke(addr, (limit & 0xffff) | base << 16, 4);
    poke(addr + 4,
         base >> 24 << 24 | (limit & 0xf0000) | attr | (base >> 16 & 0xff),
         4);
}

/* A gate of @type (SYS_*) to @sel:@off. */
static inline void set_gate(hwaddr addr, unsigned type, unsigned dpl,
                            uint16_t sel, uint32_t off)
{
    poke(addr, (off & 0xffff) | (uint32_t)sel << 16, 4);
    poke(addr + 4,
         (off & 0xffff0000) | DESC_P | dpl << DESC_DPL_SHIFT |
             type << DESC_TYPE_SHIFT,
         4);
}

static inline void machine_fill_gdt(void)
{
    poke(GDT_ADDR, 0, 8);
    set_desc(SEL_CODE0, 0, 0xfffff, AR_CODE);
    set_desc(SEL_DATA0, 0, 0xfffff, AR_DATA);
    set_desc(SEL_CODE3, 0, 0xfffff, AR_CODE | AR_DPL3);
    set_desc(SEL_DATA3, 0, 0xfffff, AR_DATA | AR_DPL3);
    set_desc(SEL_TSS, TSS_ADDR, 0xfff, AR_TSS32);
    set_desc(SEL_CONFORMING, 0, 0xfffff, AR_CODE | DESC_E);
    set_desc(SEL_ABSENT, 0, 0xfffff, AR_DATA & ~DESC_P);
    set_desc(SEL_EXEC_ONLY, 0, 0xfffff, AR_CODE & ~DESC_W);
    set_desc(SEL_READ_ONLY, 0, 0xfffff, AR_DATA & ~DESC_W);
    set_desc(SEL_TSS2, TSS2_ADDR, 0x67, AR_TSS32);
    set_desc(SEL_SHORT, 0, 0xfff, AR_CODE & ~DESC_G);
    set_desc(SEL_CODE64, 0, 0xfffff, (AR_CODE & ~DESC_B) | DESC_L);
    set_gate(GDT_ADDR + SEL_GATE, SYS_CALL32, 3, SEL_CODE0, 0x12345678);
    poke(GDT_ADDR + SEL_GATE + 4, peek(GDT_ADDR + SEL_GATE + 4, 4) | 2, 4);
}

/* Flat 32-bit protected mode at @cpl, with a TSS, interrupts off. */
static inline void machine_reset(unsigned cpl)
{
    memset(memory_region_ram_ptr(&machine_ram), 0, 0x10000);
    machine_fill_gdt();
    cpu->cr0 = CR0_PE | CR0_ET | CR0_NE;
    cpu->cr4 = 0;
    cpu->efer = 0;
    cpu->eflags = 2;
    cpu->cc = 0;
    cpu->hflags = 0;
    cpu->old_exception = -1;
    cpu->cs.exception_index = -1;
    cpu->gdt.base = GDT_ADDR;
    cpu->gdt.limit = GDT_BYTES - 1;
    cpu->idt.base = IDT_ADDR;
    cpu->idt.limit = 0x7ff;
    cpu->ldt = (SegmentCache){0};
    cpu->rip = 0x1111;
    seg_set(cpu, R_CS, cpl ? SEL_CODE3 : SEL_CODE0, 0, 0xffffffff,
            AR_CODE | DESC_A | (cpl ? AR_DPL3 : 0));
    for (unsigned i = 0; i < NB_SEGS; i++) {
        if (i != R_CS) {
            seg_set(cpu, i, cpl ? SEL_DATA3 : SEL_DATA0, 0, 0xffffffff,
                    AR_DATA | DESC_A | (cpl ? AR_DPL3 : 0));
        }
    }
    memset(cpu->regs, 0, sizeof(cpu->regs));
    cpu->regs[R_RSP] = cpl ? STACK3 : STACK0;
    x86_update_hflags(cpu);
    poke(TSS_ADDR + 4, STACK0, 4);
    poke(TSS_ADDR + 8, SEL_DATA0, 4);
    helper_ltr(cpu, SEL_TSS);
}

static inline void machine_init(void)
{
    g_autoptr(KeyVal) options = keyval_new();
    GError *error = NULL;

    bql_init();
    bql_lock();
    cpu_list_init();
    memory_map_init();
    g_assert_true(tcg_accel_init(options, 1, &error));
    g_assert_true(
        memory_region_init_ram(&machine_ram, "ram", MiB, &error));
    memory_region_add(system_memory(), 0, &machine_ram);
    cpu = x86_cpu_create("max", 0, 0, &error);
    g_assert_no_error(error);
    bql_unlock();
}

/* What a call that may fault comes to. */
#define NO_FAULT 0xffffffffu
#define FAULT(vector, error) ((uint32_t)(vector) << 16 | (error))
#define CATCH(call) \
    (setjmp(cpu->cs.jmp_env) ? FAULT(cpu->cs.exception_index, \
                                     cpu->error_code) \
                             : ((call), NO_FAULT))

#endif
