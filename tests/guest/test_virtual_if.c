/* SPDX-License-Identifier: MIT */
/*
 * The virtual interrupt flag: virtual-8086 mode with VME, protected mode with
 * PVI; what VIP forbids, which instructions look at it, software interrupts by
 * their redirection bitmap.
 * Source: SDM vol. 3B, 21.3 "Interrupt and Exception Handling in Virtual-8086
 * Mode", 21.4 "Protected-Mode Virtual Interrupts", table 21-2; vol. 2, "CLI",
 * "STI", "PUSHF", "POPF", "IRET", "INT n".
 */
#include "legacy.h"

#define BLOB  0x7000u /* segment 700h */
#define STACK 0x6000u
#define GP    13
#define UD    6

#define CR4_VME 1u
#define CR4_PVI 2u

/* Each ends with UD2, if it gets there. */
__asm__(".text\n.macro vi name insn:vararg\n"
        "\\name: \\insn\n"
        "ud2\n"
        ".endm\n"
        ".code16\n"
        "vi_blob:\n"
        "vi vi_cli cli\n"
        "vi vi_sti sti\n"
        "vi_pushf: pushf; pop %ax; ud2\n"
        "vi vi_pushfl pushfl\n"
        "vi_popf: push %ax; popf; ud2\n"
        "vi_popfl: push %eax; popfl; ud2\n"
        "vi_iretl: push %eax; pushl $0x700; pushl $0; iretl; ud2\n"
        "vi_iret: push %ax; push $0x700; push $vi_back - vi_blob; iret\n"
        "vi vi_back nop\n"
        "vi vi_int int $0x42\n"
        "vi vi_int3 int3\n"
        "vi vi_cd03 .byte 0xcd, 3\n"
        "vi_handler: pushf; pop %bx; mov %sp, %bp; mov 4(%bp), %cx\n"
        "mov $0x77, %al; iret\n"
        "vi_blob_end:\n"
        ".code32\n"
        "vi vp_cli cli\n"
        "vi vp_sti sti\n"
        "vp_pushf: pushf; pop %eax; ud2\n"
        "vp_popf: push %eax; popf; ud2\n"
        ".code64\n"
        "vi vl_cli cli\n"
        "vi vl_sti sti\n");
extern char vi_blob[], vi_blob_end[], vi_cli[], vi_sti[], vi_pushf[],
    vi_pushfl[], vi_popf[], vi_popfl[], vi_iret[], vi_iretl[], vi_back[],
    vi_int[], vi_int3[], vi_cd03[], vi_handler[], vp_cli[], vp_sti[],
    vp_pushf[], vp_popf[], vl_cli[], vl_sti[];

static Legacy out;

static void run86(const char *code, uint32_t cr4, uint32_t eflags, uint32_t eax)
{
    Legacy in = legacy_state(0, NULL);

    in.eip = code - vi_blob;
    in.cs = BLOB / 16;
    in.ss = in.ds = in.es = 0;
    in.esp = STACK;
    in.eflags = EFLAGS_VM | 2 | eflags;
    in.eax = eax;
    in.cr4 = cr4;
    legacy_run(&in, &out);
}

typedef struct Row {
    const char *what;
    const char *code;
    uint32_t eflags, eax; /* EAX is what POPF and IRET load */
    uint32_t vector;
    uint32_t bits; /* VIF, VIP and IF after it */
} Row;

#define VIF EFLAGS_VIF
#define VIP EFLAGS_VIP
#define IF  EFLAGS_IF
#define TF  EFLAGS_TF

/* IOPL 0 and CR4.VME. */
static const Row vme[] = {
    {"CLI", vi_cli, VIF | IF, 0, UD, IF},
    {"CLI with VIP", vi_cli, VIF | VIP | IF, 0, UD, VIP | IF},
    {"STI", vi_sti, 0, 0, UD, VIF},
    {"STI with VIP", vi_sti, VIP, 0, GP, VIP},
    {"STI with VIP and VIF", vi_sti, VIP | VIF, 0, GP, VIP | VIF},
    {"PUSHF", vi_pushf, VIF, 0, UD, VIF},
    {"PUSHFD", vi_pushfl, VIF, 0, GP, VIF},
    {"POPF sets VIF", vi_popf, 0, IF, UD, VIF},
    {"POPF clears VIF", vi_popf, VIF | IF, 0, UD, IF},
    {"POPF of IF with VIP", vi_popf, VIP, IF, GP, VIP},
    {"POPF without IF with VIP", vi_popf, VIP | VIF, 0, UD, VIP},
    {"POPF of TF", vi_popf, 0, TF, GP, 0},
    {"POPFD", vi_popfl, 0, 0, GP, 0},
    {"IRET sets VIF", vi_iret, 0, IF, UD, VIF},
    {"IRET clears VIF", vi_iret, VIF | IF, 0, UD, IF},
    {"IRET of IF with VIP", vi_iret, VIP, IF, GP, VIP},
    {"IRET without IF with VIP", vi_iret, VIP | VIF, 0, UD, VIP},
    {"IRET of TF", vi_iret, 0, TF, GP, 0},
    {"IRETD", vi_iretl, 0, 0, GP, 0},
};

/* IOPL 3 and CR4.VME: the flag itself. */
static const Row iopl3[] = {
    {"CLI", vi_cli, VIF | IF, 0, UD, VIF},
    {"STI", vi_sti, 0, 0, UD, IF},
    {"STI with VIP", vi_sti, VIP, 0, UD, VIP | IF},
    {"POPF", vi_popf, VIF, IF, UD, VIF | IF},
    {"POPF of IF with VIP", vi_popf, VIP, IF, UD, VIP | IF},
    {"POPFD", vi_popfl, VIF, IF, UD, VIF | IF},
    {"IRET", vi_iret, VIF | IF, 0, UD, VIF},
};

/* IOPL 0 without VME. */
static const Row plain[] = {
    {"CLI", vi_cli, VIF | IF, 0, GP, VIF | IF},
    {"STI", vi_sti, 0, 0, GP, 0},
    {"PUSHF", vi_pushf, 0, 0, GP, 0},
    {"POPF", vi_popf, 0, IF, GP, 0},
    {"IRET", vi_iret, 0, IF, GP, 0},
};

static void test_rows(const char *mode, const Row *rows, unsigned n,
                      uint32_t cr4, uint32_t iopl)
{
    unsigned i;

    for (i = 0; i < n; i++) {
        const Row *r = &rows[i];

        run86(r->code, cr4, r->eflags | iopl, r->eax);
        legacy_expect(r->what, &out, r->vector, 0);
        check_eq(out.eflags & (VIF | VIP | IF | EFLAGS_IOPL), r->bits | iopl,
                 "%s: %s: VIF, VIP, IF, IOPL", mode, r->what);
    }
}

#define ROWS(a) a, sizeof(a) / sizeof(a[0])

static void test_flags(void)
{
    test_rows("VME", ROWS(vme), CR4_VME, 0);
    test_rows("VME, IOPL 3", ROWS(iopl3), CR4_VME, EFLAGS_IOPL);
    test_rows("no VME", ROWS(plain), 0, 0);
    run86(vi_pushf, CR4_VME, VIF, 0);
    check_eq(out.eax & 0x3200, 0x3200, "PUSHF shows VIF as IF, and IOPL 3");
    run86(vi_pushf, CR4_VME, IF, 0);
    check_eq(out.eax & 0x3200, 0x3000, "but not IF");
    run86(vi_pushf, CR4_VME, VIF | EFLAGS_IOPL, 0);
    check_eq(out.eax & 0x3200, 0x3000, "with IOPL 3 it shows IF");
}

/* --- INT n --- */

static void redirect(unsigned vector, bool to_monitor)
{
    uint8_t *byte = &legacy_tss.redirect[vector / 8];

    *byte = (*byte & ~(1 << vector % 8)) | to_monitor << vector % 8;
}

static void set_vector(unsigned vector)
{
    uint16_t *ivt = (uint16_t *)0;

    __asm__ volatile("" : "+r"(ivt));
    ivt[2 * vector] = vi_handler - vi_blob;
    ivt[2 * vector + 1] = BLOB / 16;
}

static void expect_8086(const char *what, uint32_t inside, uint32_t pushed,
                        uint32_t after)
{
    check_eq(out.vector, UD, "%s: through the 8086 table", what);
    check_eq(out.eax & 0xff, 0x77, "%s: its handler ran", what);
    check_eq(out.ebx & 0x3300, inside, "%s: flags in the handler", what);
    check_eq(out.ecx & 0x3300, pushed, "%s: flags on its stack", what);
    check_eq(out.eflags & (VIF | IF), after, "%s: flags after it", what);
}

static void test_int(void)
{
    memset(legacy_tss.redirect, 0, sizeof(legacy_tss.redirect));
    legacy_gate(0x42, 14, 3);
    legacy_gate(3, 14, 3);
    set_vector(0x42);
    set_vector(3);
    run86(vi_int, CR4_VME, VIF, 0);
    expect_8086("INT, IOPL 0", 0x3000, 0x3200, VIF);
    run86(vi_int, CR4_VME, 0, 0);
    expect_8086("INT, IOPL 0, VIF clear", 0x3000, 0x3000, 0);
    run86(vi_int, CR4_VME, EFLAGS_IOPL | IF | VIF, 0);
    expect_8086("INT, IOPL 3", 0x3000, 0x3200, VIF | IF);
    run86(vi_cd03, CR4_VME, VIF, 0);
    expect_8086("INT 3 of two bytes", 0x3000, 0x3200, VIF);
    run86(vi_int3, CR4_VME, VIF, 0);
    check_eq(out.vector, 3, "INT3 of one byte is the monitor's");
    redirect(0x42, true);
    run86(vi_int, CR4_VME, VIF, 0);
    legacy_expect("INT not redirected, IOPL 0", &out, GP, 0);
    run86(vi_int, CR4_VME, EFLAGS_IOPL, 0);
    check_eq(out.vector, 0x42, "INT not redirected, IOPL 3");
    legacy_gate(0x42, 14, 0);
    run86(vi_int, CR4_VME, EFLAGS_IOPL, 0);
    legacy_expect("the same by a gate of DPL 0", &out, GP, 0x42 * 8 + 2);
    run86(vi_int, 0, EFLAGS_IOPL, 0);
    legacy_expect("without VME the bitmap means nothing", &out, GP,
                  0x42 * 8 + 2);
}

/* --- protected mode --- */

static void run_pvi(const char *code, uint32_t eflags, uint32_t eax)
{
    Legacy in = legacy_state(3, code);

    in.eflags |= eflags;
    in.eax = eax;
    in.cr4 = CR4_PVI;
    legacy_run(&in, &out);
}

static const Row pvi[] = {
    {"CLI", vp_cli, VIF | IF, 0, UD, IF},
    {"STI", vp_sti, 0, 0, UD, VIF},
    {"STI with VIP", vp_sti, VIP, 0, GP, VIP},
    {"PUSHF", vp_pushf, VIF, 0, UD, VIF},
    {"POPF of IF", vp_popf, 0, IF, UD, 0},
    {"POPF of IF with VIP", vp_popf, VIP, IF, UD, VIP},
    {"POPF without IF", vp_popf, VIF | IF, 0, UD, VIF | IF},
};

static void test_pvi(void)
{
    unsigned i;

    for (i = 0; i < sizeof(pvi) / sizeof(pvi[0]); i++) {
        run_pvi(pvi[i].code, pvi[i].eflags, pvi[i].eax);
        check_eq(out.vector, pvi[i].vector, "PVI: %s", pvi[i].what);
        check_eq(out.eflags & (VIF | VIP | IF), pvi[i].bits,
                 "PVI: %s: VIF, VIP, IF", pvi[i].what);
    }
    run_pvi(vp_pushf, VIF, 0);
    check_eq(out.eax & (IF | VIF), VIF, "PUSHF shows both flags as they are");
    run_pvi(vp_sti, EFLAGS_IOPL | VIP, 0);
    check_eq(out.eflags & (VIF | IF), IF, "with IOPL 3 STI sets IF");
    run_pvi(vp_cli, EFLAGS_IOPL | IF | VIF, 0);
    check_eq(out.eflags & (VIF | IF), VIF, "and CLI clears it");
}

/* The same in 64-bit code. */
static void test_pvi64(void)
{
    UserMode mode = {USER_CS, 2};
    Frame f;

    WRITE_CR(4, READ_CR(4) | CR4_PVI);
    check_eq(catch_user_as(vl_sti, 0, &mode, &f), UD, "64 bits: STI");
    check_eq(f.rflags & (VIF | IF), VIF, "64 bits: sets VIF");
    mode.rflags = 2 | VIF;
    check_eq(catch_user_as(vl_cli, 0, &mode, &f), UD, "64 bits: CLI");
    check_eq(f.rflags & (VIF | IF), 0, "64 bits: clears VIF");
    mode.rflags = 2 | VIP;
    check_eq(catch_user_as(vl_sti, 0, &mode, &f), GP, "64 bits: VIP");
    WRITE_CR(4, READ_CR(4) & ~(uint64_t)CR4_PVI);
    check_eq(catch_user_as(vl_cli, 0, &mode, &f), GP, "64 bits: without PVI");
}

int main(void)
{
    if (!(cpuid(1, 0).d >> 1 & 1)) {
        check(true, "VME # SKIP not there");
        return 0;
    }
    memcpy((void *)(uintptr_t)BLOB, vi_blob, vi_blob_end - vi_blob);
    legacy_reset();
    legacy_tss.tss.iomap = offsetof(struct LegacyTss, io);
    legacy_tss.io[8192] = 0xff;
    test_flags();
    test_int();
    test_pvi();
    test_pvi64();
    return 0;
}
