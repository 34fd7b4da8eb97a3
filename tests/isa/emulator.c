/* SPDX-License-Identifier: MIT */
/*
 * The engines that are Heddle: a whole vCPU with its exec loop, soft TLB and
 * page tables, without a machine around it and on this thread.
 *
 * The guest is a kernel of nothing but descriptor tables and, for each vector,
 * a handler that halts.  A case is put into the vCPU as if the kernel had just
 * returned to user mode; what happened is read from the frame on the kernel's
 * stack, so the delivery of exceptions is part of what is tested.
 */
#include "isa.h"

#include <signal.h>
#include <string.h>

#include "accel/tcg.h"
#include "exec/bql.h"
#include "exec/memory.h"
#include "target/i386/cpuid.h"
#include "tcg/ir.h"
#include "util/error.h"
#include "util/main-loop.h"

/* Physical memory: tables and kernel first, then the user's pages. */
enum {
    PA_KERNEL = 0x1000, /* one page of each, in this order */
    PA_STACK = 0x2000,
    PA_CODE = 0x10000,
    PA_DATA = 0x20000,
    PA_TABLES = 0x30000, /* page tables, from here up */
    RAM_BYTES = 0x40000,
};
/* In the kernel's page. */
enum {
    K_GDT = 0x000,
    K_TSS = 0x100,
    K_IDT = 0x200,      /* 32 gates of 16 bytes */
    K_HANDLERS = 0x400, /* a byte each: HLT */
    K_LDT = 0x800,
};
#define KERNEL_VA  0xffff800000000000ull
#define STACK_TOP  (KERNEL_VA + 0x2000)
#define SEL_KERNEL 0x10 /* as in Linux: isa_gdt */
#define VECTORS    32
#define INSN_HLT   0xf4
#define INSN_INT3  0xcc
#define PTE_P      1ull
#define PTE_W      2ull
#define PTE_U      4ull
#define PTE_NX     BIT64(63)

/* What the kernel's stack holds, upwards, above an error code if any. */
typedef struct Frame {
    uint64_t rip, cs, rflags, rsp, ss;
} Frame;

static MemoryRegion ram;
static uint8_t *mem; /* its host address */
static X86CPU *cpu;
static bool timed_out;            /* set by the signal handler */
static unsigned old_off, old_len; /* code that is not INT3 */

/* --- the kernel --- */

static uint64_t *table_below(uint64_t *entry)
{
    static unsigned next = PA_TABLES + PAGE_SIZE;

    if (!*entry) {
        *entry = next | PTE_P | PTE_W | PTE_U;
        next += PAGE_SIZE;
        g_assert(next <= RAM_BYTES);
    }
    return (uint64_t *)(mem + (*entry & PAGE_MASK & ~PTE_NX));
}

static void map_page(uint64_t va, uint64_t pte)
{
    uint64_t *table = (uint64_t *)(mem + PA_TABLES);

    for (unsigned shift = 39; shift > PAGE_BITS; shift -= 9) {
        table = table_below(&table[va >> shift & 511]);
    }
    table[va >> PAGE_BITS & 511] = pte;
}

static void make_page_tables(void)
{
    map_page(KERNEL_VA, PA_KERNEL | PTE_P | PTE_W);
    map_page(KERNEL_VA + PAGE_SIZE, PA_STACK | PTE_P | PTE_W | PTE_NX);
    for (unsigned o = 0; o < ISA_CODE_BYTES; o += PAGE_SIZE) {
        map_page(ISA_CODE + o, (PA_CODE + o) | PTE_P | PTE_U);
    }
    for (unsigned o = 0; o < ISA_DATA_BYTES; o += PAGE_SIZE) {
        map_page(ISA_DATA + o, (PA_DATA + o) | PTE_P | PTE_U | PTE_NX |
                                   (o < ISA_RW_BYTES ? PTE_W : 0));
    }
}

/* Vectors 3 and 4 may be raised by software; the others are the CPU's. */
static void make_gate(unsigned vector)
{
    uint64_t *gate = (uint64_t *)(mem + PA_KERNEL + K_IDT + 16 * vector);
    uint64_t rip = KERNEL_VA + K_HANDLERS + vector;
    uint64_t dpl = vector == EXCP_BP || vector == EXCP_OF ? 3 : 0;

    gate[0] = (rip & 0xffff) | SEL_KERNEL << 16 |
              (0x8000ull | dpl << 13 | SYS_INT32 << 8) << 32 |
              (rip & 0xffff0000) << 32;
    gate[1] = rip >> 32;
}

static void make_kernel(void)
{
    uint64_t rsp0 = STACK_TOP;
    uint16_t no_iomap = 0xffff; /* past the limit: all ports are forbidden */

    memcpy(mem + PA_KERNEL + K_GDT, isa_gdt, sizeof(isa_gdt));
    memcpy(mem + PA_KERNEL + K_LDT, isa_ldt, sizeof(isa_ldt));
    memcpy(mem + PA_KERNEL + K_TSS + 4, &rsp0, 8);
    memcpy(mem + PA_KERNEL + K_TSS + 0x66, &no_iomap, 2);
    for (unsigned i = 0; i < VECTORS; i++) {
        make_gate(i);
        mem[PA_KERNEL + K_HANDLERS + i] = INSN_HLT;
    }
    memset(mem + PA_CODE, INSN_INT3, ISA_CODE_BYTES);
    make_page_tables();
}

static void set_system_registers(void)
{
    cpu->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
    cpu->cr3 = PA_TABLES;
    cpu->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_PGE | CR4_FSGSBASE |
               CR4_UMIP | CR4_DE;
    if (x86_has_feature(cpu, FEAT_XSAVE)) {
        cpu->cr4 |= CR4_OSXSAVE;
        cpu->xcr0 = silicon_has_feature(FEAT_AVX) ? 7 : 3;
    }
    cpu->efer = EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;
    cpu->gdt.base = KERNEL_VA + K_GDT;
    cpu->gdt.limit = sizeof(isa_gdt) - 1;
    cpu->ldt = (SegmentCache){
        .base = KERNEL_VA + K_LDT,
        .limit = sizeof(isa_ldt) - 1,
        .attr = DESC_P | SYS_LDT << DESC_TYPE_SHIFT,
    };
    cpu->idt.base = KERNEL_VA + K_IDT;
    cpu->idt.limit = VECTORS * 16 - 1;
    cpu->tr = (SegmentCache){
        .base = KERNEL_VA + K_TSS,
        .limit = 0x67,
        .attr = DESC_P | SYS_TSS32_BUSY << DESC_TYPE_SHIFT,
        .selector = 0x40,
    };
}

/* --- start --- */

static void take_bql(void)
{
    bql_lock();
}

static void make_cpu(const IsaEngine *e)
{
    /* How wide a canonical base is depends on what the processor has. */
    g_autofree char *model = g_strdup_printf(
        "max%s%s", silicon_is_amd() ? ",vendor=AuthenticAMD" : "",
        silicon_has_feature(FEAT_LA57) ? "" : ",-la57");
    g_autoptr(KeyVal) accel = NULL;
    GError *err = NULL;

    accel = keyval_parse(e->accel, NULL, &err);
    if (!accel || !tcg_accel_init(accel, 1, &err) ||
        !memory_region_init_ram(&ram, "isa", RAM_BYTES, &err)) {
        g_error("%s", err->message);
    }
    memory_region_add(system_memory(), 0, &ram);
    mem = memory_region_ram_ptr(&ram);
    cpu = x86_cpu_create(model, 0, 0, &err);
    if (!cpu) {
        g_error("%s", err->message);
    }
}

static void emulator_init(const IsaEngine *e)
{
    bql_init();
    main_loop_init(take_bql, bql_unlock);
    bql_lock();
    cpu_list_init();
    memory_map_init();
    make_cpu(e);
    make_kernel();
    set_system_registers();
    current_cpu = &cpu->cs;
    bql_unlock();
    tcg_backend->thread_init(&cpu->cs);
}

/* --- one case --- */

static void set_segments(const IsaState *s)
{
    Desc d;

    for (unsigned i = 0; i < NB_SEGS; i++) {
        if (tables_find(s->sel[i], &d)) {
            seg_set_desc(cpu, i, s->sel[i], d);
        } else {
            seg_set_null(cpu, i, s->sel[i], 3);
        }
    }
    cpu->segs[R_FS].base = s->fs_base;
    cpu->segs[R_GS].base = s->gs_base;
}

static void put_fx(const IsaState *s)
{
    const IsaFx *fx = &s->fx;
    X87State *x = &cpu->x87;

    x->top = fx->sw >> 11 & 7;
    x->cw = fx->cw;
    x->sw = fx->sw & ~(7 << 11);
    x->valid = fx->valid;
    x->fop = x->fcs = x->fds = 0;
    x->fip = x->fdp = 0;
    for (unsigned i = 0; i < 8; i++) {
        memcpy(&x->r[(x->top + i) & 7], fx->st[i], 10);
    }
    for (unsigned i = 0; i < 16; i++) {
        memcpy(&cpu->vec[i].u8[0], fx->xmm[i], 16);
        memcpy(&cpu->vec[i].u8[16], s->ymm_high[i], 16);
    }
    cpu->mxcsr = fx->mxcsr;
}

static void take_fx(IsaState *s)
{
    IsaFx *fx = &s->fx;
    const X87State *x = &cpu->x87;

    memset(fx, 0, sizeof(*fx));
    fx->cw = x->cw;
    fx->sw = x->sw | x->top << 11;
    fx->valid = x->valid;
    fx->mxcsr = cpu->mxcsr;
    for (unsigned i = 0; i < 8; i++) {
        memcpy(fx->st[i], &x->r[(x->top + i) & 7], 10);
    }
    for (unsigned i = 0; i < 16; i++) {
        memcpy(fx->xmm[i], &cpu->vec[i].u8[0], 16);
        memcpy(s->ymm_high[i], &cpu->vec[i].u8[16], 16);
    }
}

/* RAM is written behind the vCPU's back: blocks made from it must go.  Cases
 * in a row often have the same code; then they may stay. */
static void put_code(const IsaCase *c)
{
    unsigned len = isa_code_bytes(c);

    if (old_off == c->code_off && old_len == len &&
        !memcmp(mem + PA_CODE + old_off, c->code, len)) {
        return;
    }
    tb_invalidate_ram_range(ram.ram->offset + PA_CODE, ISA_CODE_BYTES);
    memset(mem + PA_CODE + old_off, INSN_INT3, old_len);
    memcpy(mem + PA_CODE + c->code_off, c->code, len);
    old_off = c->code_off;
    old_len = len;
}

static void put_case(const IsaCase *c)
{
    put_code(c);
    memcpy(mem + PA_DATA, c->data, ISA_DATA_BYTES);
    memcpy(cpu->regs, c->state.regs, sizeof(cpu->regs));
    cpu->rip = c->state.rip;
    cpu->cr2 = 0;
    cpu->old_exception = -1;
    cpu->cs.exception_index = -1;
    cpu->cs.cflags_next_tb = UINT32_MAX;
    cpu->cs.halted = 0;
    set_segments(&c->state);
    put_fx(&c->state);
    x86_set_eflags(cpu, c->state.eflags);
    cpu->hflags &= ~(HF_SHADOW | HF_SS_SHADOW);
    x86_update_hflags(cpu);
}

/* Until the handler's HLT; work is what a full code buffer leaves. */
static bool run_to_halt(void)
{
    timed_out = false;
    for (;;) {
        switch (tcg_cpu_exec(&cpu->cs)) {
        case CPU_EXIT_HLT:
            return true;
        case CPU_EXIT_ATOMIC:
            tcg_cpu_exec_step_atomic(&cpu->cs);
            break;
        default:
            break;
        }
        if (timed_out) {
            return false;
        }
        cpu_reset_interrupt(&cpu->cs, CPU_INTERRUPT_EXIT);
        bql_lock();
        cpu_process_work(&cpu->cs);
        bql_unlock();
    }
}

static bool has_error_code(unsigned vector)
{
    return vector == EXCP_DF || (vector >= EXCP_TS && vector <= EXCP_PF) ||
           vector == EXCP_AC;
}

static void take_result(IsaResult *r)
{
    uint8_t *top = mem + PA_STACK + PAGE_SIZE;
    const Frame *f = (const Frame *)(top - sizeof(Frame));

    r->vector = cpu->rip - 1 - (KERNEL_VA + K_HANDLERS);
    r->error = has_error_code(r->vector)
                   ? *(const uint32_t *)((const uint8_t *)f - 8)
                   : 0;
    r->addr = cpu->cr2;
    memcpy(r->state.regs, cpu->regs, sizeof(cpu->regs));
    r->state.regs[R_RSP] = f->rsp;
    r->state.rip = f->rip;
    r->state.eflags = f->rflags;
    for (unsigned i = 0; i < NB_SEGS; i++) {
        r->state.sel[i] = cpu->segs[i].selector;
    }
    r->state.sel[R_CS] = f->cs;
    r->state.sel[R_SS] = f->ss;
    r->state.fs_base = cpu->segs[R_FS].base;
    r->state.gs_base = cpu->segs[R_GS].base;
}

static void emulator_run(const IsaCase *c, IsaResult *r)
{
    put_case(c);
    r->end = run_to_halt() ? ISA_END_TRAP : ISA_END_TIMEOUT;
    if (r->end == ISA_END_TRAP) {
        take_result(r);
    }
    cpu->cs.interrupt_request = 0;
    take_fx(&r->state);
    memcpy(r->data, mem + PA_DATA, ISA_DATA_BYTES);
}

/* Async-signal-safe: the same stores as cpu_kick(), without the event. */
static void emulator_interrupt(void *context)
{
    if (cpu) {
        timed_out = true;
        __atomic_fetch_or(&cpu->cs.interrupt_request, CPU_INTERRUPT_EXIT,
                          __ATOMIC_SEQ_CST);
        cpu_exit(&cpu->cs);
    }
}

const IsaEngine isa_native = {
    .name = "native",
    .accel = "backend=native,tb-size=16",
    .init = emulator_init,
    .run = emulator_run,
    .interrupt = emulator_interrupt,
};

const IsaEngine isa_interp = {
    .name = "interp",
    .accel = "backend=interp,tb-size=16",
    .init = emulator_init,
    .run = emulator_run,
    .interrupt = emulator_interrupt,
};

const IsaEngine isa_single = {
    .name = "single",
    .accel = "backend=native,one-insn-per-tb=on,tb-size=16,host-ext=off",
    .init = emulator_init,
    .run = emulator_run,
    .interrupt = emulator_interrupt,
};
