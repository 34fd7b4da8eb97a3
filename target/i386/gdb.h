/* SPDX-License-Identifier: MIT */
/* The vCPU's registers in the order and with the types that GDB sees. */
#ifndef HEDDLE_TARGET_I386_GDB_H
#define HEDDLE_TARGET_I386_GDB_H

#include "exec/gdb.h"
#include "target/i386/cpu.h"

typedef enum X86GdbKind {
    GDB_GPR, /* index: R_* */
    GDB_RIP,
    GDB_EFLAGS,
    GDB_SELECTOR, /* index: R_* */
    GDB_ST,       /* index: from the top of the stack */
    GDB_X87,      /* index: as in GDB's order, fctrl to fop */
    GDB_XMM,
    GDB_MXCSR,
    GDB_YMMH,
    GDB_SEG_BASE, /* index: R_* */
    GDB_KERNEL_GS_BASE,
    GDB_CR, /* index: number */
    GDB_EFER,
} X86GdbKind;

typedef struct X86GdbReg {
    char name[12];
    X86GdbKind kind;
    unsigned index;
    unsigned bits;
    const char *type;
    const char *feature; /* the GDB feature that it is a part of */
} X86GdbReg;

#define X86_GDB_MAX_REGS 96
typedef struct X86GdbLayout {
    bool wide; /* the model has 64-bit mode */
    bool avx;
    unsigned n;
    X86GdbReg reg[X86_GDB_MAX_REGS];
} X86GdbLayout;

/* The layout that fits @cpu's model: what mode it is in does not count, since
 * GDB asks once. */
const X86GdbLayout *x86_gdb_layout(const X86CPU *cpu);
/* Its target description; free with g_free. */
char *x86_gdb_xml(const X86GdbLayout *layout);

extern const CPUGdbOps x86_gdb_ops;

#endif
