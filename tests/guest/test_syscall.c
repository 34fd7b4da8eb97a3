/* SPDX-License-Identifier: MIT */
/*
 * Fast system calls, SWAPGS, and what CPL 3 may not do: IOPL, privileged
 * instructions.  test_io.c has the I/O permission bitmap.
 * Source: SDM vol. 2B "SYSCALL", "SYSRET", "SYSENTER", "SYSEXIT", "SWAPGS";
 * vol. 1, 18.5 "Protected-Mode I/O"; vol. 3A, 5.9 "Privileged Instructions".
 */
#include "guest.h"

#define MSR_SYSENTER_CS  0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176
#define MSR_EFER         0xc0000080
#define MSR_STAR         0xc0000081
#define MSR_LSTAR        0xc0000082
#define MSR_CSTAR        0xc0000083
#define MSR_FMASK        0xc0000084
#define MSR_FS_BASE      0xc0000100
#define MSR_GS_BASE      0xc0000101
#define MSR_KERNEL_GS    0xc0000102

/* STAR: SYSCALL takes 08/10; SYSRET takes 28+16 = 38 (or 28), 28+8 = 30. */
#define STAR_VALUE (0x0008ull << 32 | 0x0028ull << 48)

/* What the entry saw. */
uint64_t at_entry[8];
uint64_t entry_stack[64];
void entry64(void), entry_sysenter(void), entry_ret32(void);
void user_syscall(void), user_sysenter(void), user_ret32(void);
__asm__(".text\n"
        "entry64: mov %rsp, at_entry; mov $entry_stack + 512, %rsp\n"
        "push %rcx; pushf\n"
        "mov %rcx, at_entry+8; mov %r11, at_entry+16\n"
        "pop at_entry+24\n"
        "mov %cs, %ecx; mov %rcx, at_entry+32\n"
        "mov %ss, %ecx; mov %rcx, at_entry+40\n"
        "pop %rcx; mov at_entry, %rsp; sysretq\n"
        "entry_ret32: sysretl\n"
        "entry_sysenter: mov %rsp, at_entry; mov %cs, %eax\n"
        "mov %rax, at_entry+8; mov %ss, %eax; mov %rax, at_entry+16\n"
        "pushf; pop at_entry+24\n"
        "mov %rbx, %rdx; mov %rbp, %rcx; rex.w sysexit\n"
        /* all arithmetic flags set before */
        "user_syscall: mov $0x7fffffff, %eax; add $1, %eax; stc\n"
        "pushf; pop %rbx\n"
        "syscall\n"
        "user_after: pushf; pop %rsi\n"
        "mov %cs, %eax; mov %ss, %edx; ret\n"
        "user_sysenter: lea 1f(%rip), %rbx; mov %rsp, %rbp; sysenter\n"
        "1: mov %cs, %eax; mov %ss, %edx; ret\n"
        "user_ret32: syscall\n"
        ".code32\n"
        "mov %cs, %eax; mov %ss, %edx; inc %edi; int $0x81\n"
        ".code64\n");
extern char user_after[];

static void test_syscall(void)
{
    Frame f;

    wrmsr(MSR_STAR, STAR_VALUE);
    wrmsr(MSR_LSTAR, (uintptr_t)entry64);
    wrmsr(MSR_FMASK, 0x4d5); /* DF and the arithmetic flags but OF */
    check_eq(catch_user(user_syscall, 0, &f), -1, "SYSCALL and SYSRET");
    check_eq(at_entry[1], (uintptr_t)user_alias(user_after), "RCX is RIP");
    check_eq(at_entry[2], f.rbx, "R11 is RFLAGS");
    check_eq(at_entry[3], f.rbx & ~0x4d5ull, "FMASK cleared its bits");
    check_eq(at_entry[4], 0x08, "CS at the entry");
    check_eq(at_entry[5], 0x10, "SS at the entry");
    check_eq(f.rsi, f.rbx, "RFLAGS after SYSRET");
    check_eq(f.rax, 0x3b, "CS after SYSRET");
    check_eq(f.rdx, 0x33, "SS after SYSRET");
    wrmsr(MSR_LSTAR, (uintptr_t)entry_ret32);
    check_eq(catch_user(user_ret32, 0x1ffffffff, &f), -1, "SYSRET to 32 bits");
    check_eq(f.rax, 0x2b, "its CS");
    check_eq(f.rdx, 0x33, "its SS");
    check_eq(f.rdi, 0, "its code is 32-bit code");
}

static void do_sysret_bad(void *arg)
{
    __asm__ volatile("mov %0, %%rcx; mov $2, %%r11d; sysretq" ::"r"(arg)
                     : "rcx", "r11");
}

static void test_syscall_faults(void)
{
    Frame f;

    wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~1ull);
    check_eq(catch_user(user_syscall, 0, &f), 6, "SYSCALL without EFER.SCE");
    check_eq(catch(do_sysret_bad, NULL, &f), 6, "SYSRET without EFER.SCE");
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1);
    check_eq(catch(do_sysret_bad, (void *)0x800000000000, &f), 13,
             "SYSRET to a non-canonical RIP");
    check_eq(f.cs, 0x08, "it faults at CPL 0");
}

static void test_sysenter(void)
{
    Frame f;

    /* 48, 50 on the way in; 68, 70 on the way back. */
    wrmsr(MSR_SYSENTER_CS, 0x48);
    wrmsr(MSR_SYSENTER_ESP, (uintptr_t)(entry_stack + 32));
    wrmsr(MSR_SYSENTER_EIP, (uintptr_t)entry_sysenter);
    gdt[0x68 / 8] = gdt[USER_CS / 8];
    gdt[0x70 / 8] = gdt[USER_SS / 8];
    check_eq(catch_user(user_sysenter, 0, &f), -1, "SYSENTER and SYSEXIT");
    check_eq(at_entry[0], (uintptr_t)(entry_stack + 32), "RSP at the entry");
    check_eq(at_entry[1], 0x48, "CS at the entry");
    check_eq(at_entry[2], 0x50, "SS at the entry");
    check_eq(at_entry[3] & 0x200, 0, "IF is clear");
    check_eq(f.rax, 0x6b, "CS after SYSEXIT");
    check_eq(f.rdx, 0x73, "SS after SYSEXIT");
    wrmsr(MSR_SYSENTER_CS, 0);
    check_eq(catch_user(user_sysenter, 0, &f), 13,
             "SYSENTER with a null SYSENTER_CS");
    check_eq(f.error, 0, "error code");
}

/* --- GS --- */

static uint64_t gs_read(void)
{
    uint64_t v;

    __asm__ volatile("mov %%gs:0, %0" : "=r"(v));
    return v;
}

void user_swapgs(void);
__asm__(".text; user_swapgs: swapgs; ret\n");

static void test_swapgs(void)
{
    static uint64_t one = 11, two = 22;
    Frame f;

    wrmsr(MSR_GS_BASE, (uintptr_t)&one);
    wrmsr(MSR_KERNEL_GS, (uintptr_t)&two);
    check_eq(gs_read(), 11, "GS base by its MSR");
    __asm__ volatile("swapgs");
    check_eq(gs_read(), 22, "SWAPGS");
    check_eq(rdmsr(MSR_KERNEL_GS), (uintptr_t)&one, "the other base");
    check_eq(rdmsr(MSR_GS_BASE), (uintptr_t)&two, "this base");
    __asm__ volatile("swapgs");
    check_eq(gs_read(), 11, "SWAPGS back");
    check_eq(catch_user(user_swapgs, 0, &f), 13, "SWAPGS at CPL 3");
    __asm__ volatile("mov %w0, %%gs" ::"r"(0));
    check_eq(rdmsr(MSR_KERNEL_GS), (uintptr_t)&two,
             "loading GS leaves the other base");
}

/* --- what CPL 3 may not do --- */

#define USER(name, text)                                                       \
    void name(void);                                                           \
    __asm__(".text; " #name ": " text "; ret")

USER(u_cli, "cli");
USER(u_sti, "sti");
USER(u_hlt, "hlt");
USER(u_in, "mov $0x80, %edx; inb %dx, %al");
USER(u_out, "outb %al, $0x80");
USER(u_ins, "push %rdi; mov %rsp, %rdi; mov $0x80, %edx; insb; pop %rdi");
USER(u_outs, "push %rdi; mov %rsp, %rsi; mov $0x80, %edx; outsb; pop %rdi");
USER(u_rdmsr, "mov $0xc0000080, %ecx; rdmsr");
USER(u_wrmsr, "mov $0xc0000080, %ecx; wrmsr");
USER(u_mov_cr, "mov %cr3, %rax");
USER(u_mov_dr, "mov %dr7, %rax");
USER(u_lgdt, "lgdt (%rsp)");
USER(u_lidt, "lidt (%rsp)");
USER(u_ltr, "ltr %ax");
USER(u_lldt, "lldt %ax");
USER(u_clts, "clts");
USER(u_lmsw, "lmsw %ax");
USER(u_invlpg, "invlpg (%rsp)");
USER(u_wbinvd, "wbinvd");
USER(u_invd, "invd");
USER(u_rdtsc, "rdtsc");
USER(u_rdpmc, "xor %ecx, %ecx; rdpmc");
USER(u_sgdt, "sub $16, %rsp; sgdt (%rsp); add $16, %rsp");
USER(u_str, "str %eax");
USER(u_smsw, "smsw %eax");
USER(u_popf, "pushf; orl $0x3200, (%rsp); popf; pushf; pop %rax");
USER(u_fsbase, "rdfsbase %rax");

static void expect_user(const char *what, void (*fn)(void), int vector)
{
    Frame f;

    f.error = 0;
    check_eq(catch_user(fn, 0, &f), vector, "CPL 3: %s", what);
    if (vector >= 0) {
        check_eq(f.error, 0, "CPL 3: %s: error code", what);
    }
}

static void test_privileged(void)
{
    static const struct {
        const char *what;
        void (*fn)(void);
    } rows[] = {
        {"CLI", u_cli},        {"STI", u_sti},
        {"HLT", u_hlt},        {"IN", u_in},
        {"OUT", u_out},        {"INS", u_ins},
        {"OUTS", u_outs},      {"RDMSR", u_rdmsr},
        {"WRMSR", u_wrmsr},    {"MOV CR3", u_mov_cr},
        {"MOV DR7", u_mov_dr}, {"LGDT", u_lgdt},
        {"LIDT", u_lidt},      {"LTR", u_ltr},
        {"LLDT", u_lldt},      {"CLTS", u_clts},
        {"LMSW", u_lmsw},      {"INVLPG", u_invlpg},
        {"WBINVD", u_wbinvd},  {"INVD", u_invd},
        {"RDPMC", u_rdpmc},    {"SYSRET", (void (*)(void))entry_ret32},
    };
    unsigned i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect_user(rows[i].what, rows[i].fn, 13);
    }
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~1ull);
    expect_user("SYSRET without EFER.SCE", (void (*)(void))entry_ret32, 6);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1);
    expect_user("RDTSC", u_rdtsc, -1);
    WRITE_CR(4, READ_CR(4) | 4);
    expect_user("RDTSC with CR4.TSD", u_rdtsc, 13);
    WRITE_CR(4, READ_CR(4) & ~4ull);
    expect_user("SGDT", u_sgdt, -1);
    expect_user("STR", u_str, -1);
    expect_user("SMSW", u_smsw, -1);
    expect_user("RDFSBASE without CR4.FSGSBASE", u_fsbase, 6);
}

static void test_umip(void)
{
    if (!(cpuid(7, 0).c & 4)) {
        return;
    }
    WRITE_CR(4, READ_CR(4) | 1 << 11);
    expect_user("SGDT with CR4.UMIP", u_sgdt, 13);
    expect_user("STR with CR4.UMIP", u_str, 13);
    expect_user("SMSW with CR4.UMIP", u_smsw, 13);
    WRITE_CR(4, READ_CR(4) & ~(1ull << 11));
}

static void test_iopl(void)
{
    UserMode iopl3 = {USER_CS, 0x3202}, iopl0 = {USER_CS, 0x0202};
    Frame f;

    check_eq(catch_user_as(u_cli, 0, &iopl3, &f), -1, "CLI with IOPL 3");
    check_eq(f.rflags & 0x200, 0, "it cleared IF");
    check_eq(catch_user_as(u_out, 0, &iopl3, &f), -1, "OUT with IOPL 3");
    check_eq(catch_user_as(u_popf, 0, &iopl0, &f), -1, "POPF at CPL 3");
    check_eq(f.rax & 0x3200, 0x0200, "it leaves IOPL and IF");
}

int main(void)
{
    test_syscall();
    test_syscall_faults();
    test_swapgs();
    test_privileged();
    test_umip();
    test_iopl();
    test_sysenter();
    return 0;
}
