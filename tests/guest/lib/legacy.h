/* SPDX-License-Identifier: MIT */
/*
 * 32-bit protected mode without paging, and virtual-8086 mode, from 64-bit
 * kernels: a state to start in, and the state in which the first exception or
 * interrupt found the processor.
 */
#ifndef LEGACY_H
#define LEGACY_H

#include "guest.h"

/* The assembly of legacy.c names the fields by their offsets. */
typedef struct Legacy {
    uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi; /* 00 */
    uint32_t eip, cs, eflags, ss;                    /* 20 */
    uint32_t ds, es, fs, gs;                         /* 30 */
    uint32_t cr0, cr4; /* 40: in, bits to set; out, the registers */
    uint32_t tr, ldt;  /* 48: selectors */
    /* Only out. */
    uint32_t vector, error; /* 50 */
    uint32_t frame;         /* 58: where the handler's stack pointer was */
    uint32_t handler_cs;    /* 5c */
    uint32_t dr6;           /* 60 */
} Legacy;

#define EFLAGS_CF   1u
#define EFLAGS_TF   0x100u
#define EFLAGS_IF   0x200u
#define EFLAGS_IOPL 0x3000u
#define EFLAGS_NT   0x4000u
#define EFLAGS_RF   0x10000u
#define EFLAGS_VM   0x20000u
#define EFLAGS_AC   0x40000u
#define EFLAGS_VIF  0x80000u
#define EFLAGS_VIP  0x100000u

/* Selectors: flat segments of either level, and slots of the GDT for tests. */
#define LEGACY_CS    0x18u
#define LEGACY_DS    0x20u
#define LEGACY_CS3   0x2bu
#define LEGACY_DS3   0x33u
#define LEGACY_TSS   0x58u /* of legacy_tss: what legacy_run() loads */
#define LEGACY_FREE  0x60u /* the first of LEGACY_SLOTS for tests */
#define LEGACY_SLOTS 14

typedef struct Tss32 {
    uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
    uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs, ldt;
    uint16_t trap, iomap;
} Tss32;

/* The TSS with what may lie behind it. */
extern struct LegacyTss {
    Tss32 tss;
    uint8_t redirect[32], io[8193];
} legacy_tss;
extern uint64_t legacy_idt[256];

/* Descriptors and gates; @attr is bits 40-47 and 52-55 of the descriptor. */
uint64_t segment(uint32_t base, uint32_t limit, uint32_t attr);
uint64_t gate(uint32_t offset, uint16_t sel, uint32_t access);
/* Gate @vector of the IDT to the handler that ends a run; @type and DPL. */
void legacy_gate(unsigned vector, unsigned type, unsigned dpl);

/*
 * Have #DF, #TS, #NP, #SS and #GP end a run through task gates, for states that
 * no handler could run in.  Of *out only vector, error and tr count then; tr is
 * the task that was left, with its registers in its TSS.
 */
void legacy_catch_by_task(void);
/* A task at CPL 0 to start at @code, with a stack. */
void legacy_task(Tss32 *t, const void *code, void *stack_end);

/* Everything as legacy_run() expects it: IDT, TSS, GDT slots. */
void legacy_reset(void);
/* A state at CPL 0 or 3 with flat segments and a stack, to run @code. */
Legacy legacy_state(unsigned cpl, const void *code);
/* Run, until an exception or interrupt ends it. */
void legacy_run(const Legacy *in, Legacy *out);

/* One TAP line each: the run ended by @vector, and its error code. */
void legacy_expect(const char *what, const Legacy *out, uint32_t vector,
                   uint32_t error);

#endif
