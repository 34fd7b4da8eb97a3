/* SPDX-License-Identifier: MIT */
/*
 * Life of an x86 vCPU: creation, power-on and INIT state, and what it offers
 * to the rest of the program.
 * Source: SDM vol. 3A, 10.1.1 "Processor State After Reset", table 10-1.
 */
#include <stdlib.h>
#include <string.h>

#include "exec/translator.h"
#include "exec/bql.h"
#include "exec/ldst.h"
#include "target/i386/cpu-dump.h"
#include "target/i386/cpuid.h"
#include "target/i386/gdb.h"
#include "target/i386/mmu.h"
#include "target/i386/msr.h"
#include "target/i386/seg.h"
#include "util/error.h"
#include "util/rcu.h"
#include "util/timer.h"

#define PAT_RESET 0x0007040600070406ull
#define MXCSR_RESET 0x1f80
#define FCW_RESET 0x0040

static void reset_segments(X86CPU *cpu)
{
    static const uint8_t data[] = {R_ES, R_SS, R_DS, R_FS, R_GS};
    const uint32_t attr = DESC_P | DESC_S | DESC_W | DESC_A;

    for (unsigned i = 0; i < ARRAY_LEN(data); i++) {
        seg_set(cpu, data[i], 0, 0, 0xffff, attr);
    }
    seg_set(cpu, R_CS, 0xf000, 0xffff0000, 0xffff, attr | DESC_CODE);
    cpu->ldt = (SegmentCache){
        .limit = 0xffff,
        .attr = DESC_P | SYS_LDT << DESC_TYPE_SHIFT,
    };
    cpu->tr = (SegmentCache){
        .limit = 0xffff,
        .attr = DESC_P | SYS_TSS32_BUSY << DESC_TYPE_SHIFT,
    };
    cpu->gdt.base = cpu->idt.base = 0;
    cpu->gdt.limit = cpu->idt.limit = 0xffff;
}

/* What power-on and INIT have in common. */
static void reset_common(X86CPU *cpu)
{
    memset(cpu->regs, 0, sizeof(cpu->regs));
    cpu->regs[R_RDX] = x86_cpu_signature(cpu->features);
    cpu->rip = 0xfff0;
    cpu->cc = 0;
    cpu->eflags = BIT(1);
    reset_segments(cpu);
    cpu->cr2 = cpu->cr3 = cpu->cr4 = 0;
    memset(cpu->dr, 0, sizeof(cpu->dr));
    cpu->dr[6] = 0xffff0ff0;
    cpu->dr[7] = 0x400;
    cpu->debugctl = 0;
    cpu->watch = 0;
    cpu->watch_hits = cpu->watch_held = 0;
    cpu->efer = 0;
    cpu->old_exception = -1;
    cpu->cs.exception_index = -1;
    cpu->nmi_masked = false;
    cpu->nmis_pending = 0;
    __atomic_store_n(&cpu->nmis_sent, 0, __ATOMIC_RELAXED);
    cpu->smm = false;
    cpu->hflags = 0;
    /* The first processor runs the firmware, the others wait for it. */
    cpu->wait_sipi = cpu->cs.index != 0;
    __atomic_store_n(&cpu->cs.halted, cpu->wait_sipi, __ATOMIC_RELAXED);
}

static void reset_fpu(X86CPU *cpu)
{
    memset(&cpu->x87, 0, sizeof(cpu->x87));
    cpu->x87.cw = FCW_RESET;
    cpu->x87.valid = 0xff; /* tags 5555h: all hold +0.0 */
    memset(cpu->vec, 0, sizeof(cpu->vec));
    cpu->mxcsr = MXCSR_RESET;
    cpu->xcr0 = 1;
    cpu->pkru = 0;
}

static void reset_power_on(X86CPU *cpu)
{
    reset_common(cpu);
    reset_fpu(cpu);
    cpu->cr0 = CR0_CD | CR0_NW | CR0_ET;
    cpu->a20_mask = ~0ull;
    cpu->smbase = 0x30000;
    cpu->pat = PAT_RESET;
    msr_reset(cpu);
    x86_update_hflags(cpu);
}

static void x86_cpu_reset(CPUState *cs)
{
    reset_power_on(x86_cpu(cs));
    cpu_reset_interrupt(cs, ~(uint32_t)CPU_INTERRUPT_EXIT);
    tlb_flush(cs, TLB_FLUSH_RESET);
    x86_enter_space(x86_cpu(cs), false);
}

void x86_cpu_init_reset(X86CPU *cpu)
{
    uint64_t cache_bits = cpu->cr0 & (CR0_CD | CR0_NW);

    reset_common(cpu);
    cpu->cr0 = cache_bits | CR0_ET;
    x86_update_hflags(cpu);
    tlb_flush(&cpu->cs, TLB_FLUSH_RESET);
    x86_enter_space(cpu, false);
}

static vaddr x86_get_pc(CPUState *cs)
{
    X86CPU *cpu = x86_cpu(cs);

    return cpu->hflags & HF_CS64 ? cpu->rip
                                 : (uint32_t)(cpu->segs[R_CS].base + cpu->rip);
}

static void x86_cpu_free(CPUState *cs)
{
    g_assert(!x86_cpu(cs)->apic); /* it was to go first */
    g_free(x86_cpu(cs)->features);
    free(x86_cpu(cs));
}

static const CPUOps x86_cpu_ops = {
    .reset = x86_cpu_reset,
    .has_work = x86_has_work,
    .exec = tcg_cpu_exec,
    .get_pc = x86_get_pc,
    .dump = x86_cpu_dump,
    .get_phys_debug = x86_get_phys_debug,
    .gdb = &x86_gdb_ops,
    .free = x86_cpu_free,
};

X86CPU *x86_cpu_create(const char *model, unsigned index, unsigned apic_id,
                       GError **errp)
{
    /* VecReg asks for more alignment than malloc gives. */
    X86CPU *cpu = aligned_alloc(64, ROUND_UP(sizeof(X86CPU), 64));

    if (!cpu) {
        error_setg(errp, "No memory for vCPU %u", index);
        return NULL;
    }
    memset(cpu, 0, sizeof(*cpu));
    if (!x86_model_select(cpu, model, index == 0, errp)) {
        free(cpu);
        return NULL;
    }
    cpu_common_init(&cpu->cs, &x86_cpu_ops, index);
    cpu->apic_id = apic_id;
    cpu->tsc_hz = cpu->features->tsc_hz;
    reset_power_on(cpu);
    return cpu;
}

unsigned x86_cpu_phys_bits(const X86CPU *cpu)
{
    return cpu->features->phys_bits;
}

/* --- A20 gate --- */

static bool a20_open; /* BQL */

/* By the gate as it is now: several changes make one flush.  Locks: BQL. */
static void set_a20_work(CPUState *cs, void *unused)
{
    x86_cpu(cs)->a20_mask = a20_open ? ~0ull : ~(uint64_t)BIT(20);
    tlb_flush(cs, TLB_FLUSH_A20);
}

void x86_cpu_set_a20(bool enabled)
{
    CPUState *cs;

    bql_assert_held();
    a20_open = enabled;
    RCU_READ_GUARD();
    CPU_FOREACH(cs) {
        if (cs == current_cpu) {
            set_a20_work(cs, NULL); /* at once: the next access depends on it */
        } else {
            async_run_on_cpu_once(cs, &x86_cpu(cs)->a20_posted, set_a20_work,
                                  NULL);
        }
    }
}

uint64_t x86_cpu_tsc(X86CPU *cpu)
{
    uint64_t ticks = clock_get_ns(CLOCK_TYPE_VIRTUAL);

    if (cpu->tsc_hz != NS_PER_SEC) {
        ticks = (unsigned __int128)ticks * cpu->tsc_hz / NS_PER_SEC;
    }
    return ticks + cpu->tsc_offset;
}
