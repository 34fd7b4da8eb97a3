/* SPDX-License-Identifier: MIT */
/*
 * GDB's reads and writes of registers.  A write of what is there already
 * changes nothing, as GDB may write all for the sake of one; a value that the
 * processor could not have is refused.
 */
#include "target/i386/gdb.h"

#include <string.h>

#include "target/i386/fpustate.h"
#include "target/i386/helpers.h"
#include "target/i386/msr.h"
#include "target/i386/seg.h"
#include "target/i386/x87.h"

/* GDB's order of the x87 control registers. */
enum {
    X87_FCTRL,
    X87_FSTAT,
    X87_FTAG,
    X87_FISEG,
    X87_FIOFF,
    X87_FOSEG,
    X87_FOOFF,
    X87_FOP
};

static bool in_64bit_code(const X86CPU *cpu)
{
    return cpu->hflags & HF_CS64;
}

/* --- x87 --- */

/* Two bits a register: 0 valid, 1 zero, 2 special, 3 empty: SDM vol. 1, 8.1.7
 * "x87 FPU Tag Word". */
static unsigned full_tag(const X87State *x, unsigned reg)
{
    unsigned exponent = x->r[reg].sign_exp & 0x7fff;
    bool integer = x->r[reg].mantissa >> 63;

    if (!(x->valid >> reg & 1)) {
        return 3;
    }
    if (exponent == 0 && x->r[reg].mantissa == 0) {
        return 1;
    }
    return exponent == 0 || exponent == 0x7fff || !integer ? 2 : 0;
}

static uint64_t read_x87(const X86CPU *cpu, unsigned which)
{
    const X87State *x = &cpu->x87;
    uint64_t tags = 0;

    switch (which) {
    case X87_FCTRL:
        return x->cw;
    case X87_FSTAT:
        return x->sw | x->top << X87_TOP_SHIFT;
    case X87_FTAG:
        for (unsigned i = 0; i < 8; i++) {
            tags |= full_tag(x, i) << (2 * i);
        }
        return tags;
    case X87_FISEG:
        return x->fcs;
    case X87_FIOFF:
        return x->fip;
    case X87_FOSEG:
        return x->fds;
    case X87_FOOFF:
        return x->fdp;
    default:
        return x->fop;
    }
}

static void write_x87(X86CPU *cpu, unsigned which, uint64_t value)
{
    X87State *x = &cpu->x87;

    switch (which) {
    case X87_FCTRL:
        x87_set_control(x, value, read_x87(cpu, X87_FSTAT));
        break;
    case X87_FSTAT:
        x87_set_control(x, x->cw, value);
        break;
    case X87_FTAG:
        x->valid = 0;
        for (unsigned i = 0; i < 8; i++) {
            x->valid |= (value >> (2 * i) & 3) != 3 ? BIT(i) : 0;
        }
        break;
    case X87_FISEG:
        x->fcs = value;
        break;
    case X87_FIOFF:
        x->fip = value;
        break;
    case X87_FOSEG:
        x->fds = value;
        break;
    case X87_FOOFF:
        x->fdp = value;
        break;
    default:
        x->fop = value & X87_INFO_FOP;
    }
}

/* --- segments --- */

/* May a descriptor with @attr be in @reg, and be used there? */
static bool fits_segment(unsigned reg, uint32_t attr)
{
    if (!(attr & DESC_P)) {
        return false;
    }
    return reg == R_CS   ? desc_is_code(attr)
           : reg == R_SS ? desc_is_writable(attr)
                         : desc_is_readable(attr);
}

static bool write_protected_selector(X86CPU *cpu, unsigned reg, uint16_t sel)
{
    Desc d;

    if (sel_is_null(sel)) {
        if (reg == R_CS || (reg == R_SS && !in_64bit_code(cpu))) {
            return false;
        }
        seg_set_null(cpu, reg, sel, x86_cpl(cpu));
        return true;
    }
    if (!desc_peek(cpu, sel, &d) || !fits_segment(reg, d.hi)) {
        return false;
    }
    seg_set_desc(cpu, reg, sel, d);
    return true;
}

static bool write_selector(X86CPU *cpu, unsigned reg, uint64_t value)
{
    bool ok = true;

    if (value > 0xffff) {
        return false;
    }
    if (cpu->hflags & HF_VM) {
        seg_set_vm86(cpu, reg, value);
    } else if (!(cpu->hflags & HF_PE)) {
        seg_set_real(cpu, reg, value);
    } else {
        ok = write_protected_selector(cpu, reg, value);
    }
    x86_update_hflags(cpu);
    return ok;
}

/* --- numbers: everything of up to 64 bits --- */

/* Outside 64-bit code the upper halves are nobody's. */
static uint64_t read_gpr(const X86CPU *cpu, unsigned reg)
{
    uint64_t value = cpu->regs[reg];

    return in_64bit_code(cpu) || reg >= 8 ? value : (uint32_t)value;
}

static void write_gpr(X86CPU *cpu, unsigned reg, uint64_t value)
{
    if (in_64bit_code(cpu) || reg >= 8) {
        cpu->regs[reg] = value;
    } else {
        cpu->regs[reg] = (cpu->regs[reg] & ~0xffffffffull) | (uint32_t)value;
    }
}

static uint64_t read_number(X86CPU *cpu, const X86GdbReg *reg)
{
    switch (reg->kind) {
    case GDB_GPR:
        return read_gpr(cpu, reg->index);
    case GDB_RIP:
        return cpu->rip;
    case GDB_EFLAGS:
        return x86_get_eflags(cpu);
    case GDB_SELECTOR:
        return cpu->segs[reg->index].selector;
    case GDB_X87:
        return read_x87(cpu, reg->index);
    case GDB_MXCSR:
        return cpu->mxcsr;
    case GDB_SEG_BASE:
        return cpu->segs[reg->index].base;
    case GDB_KERNEL_GS_BASE:
        return cpu->kernel_gs_base;
    case GDB_EFER:
        return cpu->efer;
    default:
        return helper_read_cr(cpu, reg->index);
    }
}

static bool write_mxcsr(X86CPU *cpu, uint64_t value)
{
    if (value & ~(uint64_t)MXCSR_MASK) {
        return false;
    }
    cpu->mxcsr = value;
    x86_update_hflags(cpu);
    return true;
}

static bool write_base(X86CPU *cpu, uint64_t *base, uint64_t value)
{
    if (!x86_is_canonical(cpu, value)) {
        return false;
    }
    *base = value;
    x86_update_hflags(cpu);
    return true;
}

/* Virtual-8086 mode comes with segments of its own: only the guest enters and
 * leaves it. */
static bool write_eflags(X86CPU *cpu, uint64_t value)
{
    if ((value ^ cpu->eflags) & EFLAGS_VM) {
        return false;
    }
    x86_set_eflags(cpu, value);
    return true;
}

static bool write_rip(X86CPU *cpu, uint64_t value)
{
    if (value != cpu->rip) {
        cpu->rip = in_64bit_code(cpu) ? value : (uint32_t)value;
        cpu->cs.debug.skip_break = false;
    }
    return true;
}

static bool write_number(X86CPU *cpu, const X86GdbReg *reg, uint64_t value)
{
    switch (reg->kind) {
    case GDB_GPR:
        write_gpr(cpu, reg->index, value);
        return true;
    case GDB_RIP:
        return write_rip(cpu, value);
    case GDB_EFLAGS:
        return write_eflags(cpu, value);
    case GDB_SELECTOR:
        return write_selector(cpu, reg->index, value);
    case GDB_X87:
        write_x87(cpu, reg->index, value);
        return true;
    case GDB_MXCSR:
        return write_mxcsr(cpu, value);
    case GDB_SEG_BASE:
        return write_base(cpu, &cpu->segs[reg->index].base, value);
    case GDB_KERNEL_GS_BASE:
        return write_base(cpu, &cpu->kernel_gs_base, value);
    case GDB_EFER:
        return msr_write(cpu, MSR_EFER, value);
    default:
        return x86_write_cr(cpu, reg->index, value);
    }
}

/* --- any register --- */

/* Where a vector's half is, or NULL. */
static void *vector_half(X86CPU *cpu, const X86GdbReg *reg)
{
    if (reg->kind != GDB_XMM && reg->kind != GDB_YMMH) {
        return NULL;
    }
    return &cpu->vec[reg->index].u64[reg->kind == GDB_YMMH ? 2 : 0];
}

static const X86GdbReg *find_reg(const X86CPU *cpu, unsigned number)
{
    const X86GdbLayout *l = x86_gdb_layout(cpu);

    return number < l->n ? &l->reg[number] : NULL;
}

static unsigned gdb_read(CPUState *cs, unsigned number, uint8_t *buf)
{
    X86CPU *cpu = x86_cpu(cs);
    const X86GdbReg *reg = find_reg(cpu, number);
    const void *half;
    uint64_t value;

    if (!reg) {
        return 0;
    }
    half = vector_half(cpu, reg);
    if (half) {
        memcpy(buf, half, reg->bits / 8);
    } else if (reg->kind == GDB_ST) {
        memcpy(buf, x87_st(&cpu->x87, reg->index), reg->bits / 8);
    } else {
        value = read_number(cpu, reg);
        memcpy(buf, &value, reg->bits / 8);
    }
    return reg->bits / 8;
}

/* A register of 80 bits is in the vCPU as in memory: mantissa first. */
static bool gdb_write(CPUState *cs, unsigned number, const uint8_t *buf)
{
    X86CPU *cpu = x86_cpu(cs);
    const X86GdbReg *reg = find_reg(cpu, number);
    uint64_t value = 0, old = 0;
    void *half;

    if (!reg) {
        return false;
    }
    half = vector_half(cpu, reg);
    if (half) {
        memcpy(half, buf, reg->bits / 8);
        return true;
    }
    if (reg->kind == GDB_ST) {
        memcpy(x87_st(&cpu->x87, reg->index), buf, reg->bits / 8);
        return true;
    }
    memcpy(&value, buf, reg->bits / 8);
    gdb_read(cs, number, (uint8_t *)&old);
    return value == old || write_number(cpu, reg, value);
}

static char *gdb_target_xml(CPUState *cs)
{
    return x86_gdb_xml(x86_gdb_layout(x86_cpu(cs)));
}

static void gdb_set_pc(CPUState *cs, vaddr pc)
{
    write_rip(x86_cpu(cs), pc);
}

static vaddr gdb_get_pc(CPUState *cs)
{
    return x86_cpu(cs)->rip;
}

const CPUGdbOps x86_gdb_ops = {
    .target_xml = gdb_target_xml,
    .read = gdb_read,
    .write = gdb_write,
    .set_pc = gdb_set_pc,
    .get_pc = gdb_get_pc,
};
