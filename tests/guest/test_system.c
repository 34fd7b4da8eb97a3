/* SPDX-License-Identifier: MIT */
/*
 * guest: -smp 2
 * System instructions at CPL 0 that have no test of their own topic: what they
 * store and load, in which sizes, and whom CR4.UMIP keeps from it; and
 * encodings of what CPUID does not offer.  (Two processors, as MWAIT on the
 * only one may wait for ever in other emulators.)
 * Source: SDM vol. 2A-2D, each instruction's page.
 */
#include "guest.h"

#define CR0_PE    (1ull << 0)
#define CR0_MP    (1ull << 1)
#define CR0_EM    (1ull << 2)
#define CR0_TS    (1ull << 3)
#define CR4_UMIP  (1ull << 11)
#define CR4_OSX   (1ull << 18)
#define EFLAGS_AC (1ull << 18)
#define UD        6
#define GP        13
#define NOISE     0xa5a5a5a5a5a5a5a5ull

#define CASE(name, ...)                                                        \
    static void name(void *arg)                                                \
    {                                                                          \
        (void)arg;                                                             \
        __asm__ volatile(__VA_ARGS__);                                         \
    }

static bool has(uint32_t leaf, unsigned reg, unsigned bit)
{
    uint32_t r[4];

    __asm__ volatile("cpuid"
                     : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
                     : "a"(leaf), "c"(leaf == 13 ? 1 : 0));
    return r[reg] >> bit & 1;
}

/* --- SGDT, SIDT, LGDT, LIDT --- */

typedef struct TableRegister {
    uint16_t limit;
    uint64_t base;
    uint8_t behind[6];
} __attribute__((packed)) TableRegister;

static void test_tables(void)
{
    TableRegister a, b, old;

    memset(&a, 0xa5, sizeof(a));
    __asm__ volatile("sgdt %0" : "=m"(a));
    check_eq(a.base, (uintptr_t)gdt, "SGDT: base");
    check_eq(a.limit & 7, 7, "SGDT: limit");
    check_eq(a.behind[0], 0xa5, "SGDT stores ten bytes");
    old = a;
    a.limit -= 8;
    a.base += 0x100000000ull;
    /* Nothing is loaded from it until it is right again. */
    __asm__ volatile("lgdt %1; sgdt %0; lgdt %2" : "=m"(b) : "m"(a), "m"(old));
    check_eq(b.base, a.base, "LGDT loads a base of 64 bits");
    check_eq(b.limit, a.limit, "LGDT: limit");
    __asm__ volatile("sidt %0" : "=m"(a));
    check_eq(a.base, (uintptr_t)idt, "SIDT: base");
    check_eq(a.limit, sizeof(idt) - 1, "SIDT: limit");
    old = a;
    a.limit = 0x123;
    __asm__ volatile("lidt %1; sidt %0; lidt %2" : "=m"(b) : "m"(a), "m"(old));
    check_eq(b.limit, 0x123, "LIDT: limit");
}

/* --- SLDT, STR, SMSW: registers in three sizes, two bytes of memory --- */

#define SIZES(insn, out)                                                       \
    do {                                                                       \
        (out)[0] = (out)[1] = (out)[2] = (out)[3] = NOISE;                     \
        __asm__ volatile(insn " %w0" : "+r"((out)[0]));                        \
        __asm__ volatile(insn " %k0" : "+r"((out)[1]));                        \
        __asm__ volatile(insn " %q0" : "+r"((out)[2]));                        \
        __asm__ volatile("rex.w " insn " %0" : "+m"((out)[3]));                \
    } while (0)

static void check_selector(const char *what, const uint64_t out[4],
                           uint16_t want)
{
    check_eq(out[0], (NOISE & ~0xffffull) | want, "%s r16", what);
    check_eq(out[1], want, "%s r32", what);
    check_eq(out[2], want, "%s r64", what);
    check_eq(out[3], (NOISE & ~0xffffull) | want, "%s m16", what);
}

static void test_stores(void)
{
    uint64_t out[4], cr0 = READ_CR(0);

    SIZES("str", out);
    check_selector("STR", out, TSS_SELECTOR);
    __asm__ volatile("lldt %w0" ::"r"(0));
    SIZES("sldt", out);
    check_selector("SLDT", out, 0);
    SIZES("smsw", out);
    check_eq(out[0], (NOISE & ~0xffffull) | (cr0 & 0xffff), "SMSW r16");
    check_eq(out[1], (uint32_t)cr0, "SMSW r32");
    check_eq(out[2], cr0, "SMSW r64");
    check_eq(out[3], (NOISE & ~0xffffull) | (cr0 & 0xffff), "SMSW m16");
}

#define USER(name, text)                                                       \
    void name(void);                                                           \
    __asm__(".text; " #name ": " text "; ret")

USER(u_sgdt, "sub $16, %rsp; sgdt (%rsp); add $16, %rsp");
USER(u_sidt, "sub $16, %rsp; sidt (%rsp); add $16, %rsp");
USER(u_sldt, "sldt %eax");
USER(u_str, "push %rax; str (%rsp); pop %rax");
USER(u_smsw, "smsw %eax");

static void test_umip(void)
{
    static const struct {
        const char *what;
        void (*fn)(void);
    } rows[] = {{"SGDT", u_sgdt},
                {"SIDT", u_sidt},
                {"SLDT", u_sldt},
                {"STR", u_str},
                {"SMSW", u_smsw}};
    uint64_t out[4];
    Frame f;

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_eq(catch_user(rows[i].fn, 0, &f), -1, "%s at CPL 3",
                 rows[i].what);
        if (has(7, 2, 2)) {
            WRITE_CR(4, READ_CR(4) | CR4_UMIP);
            check_eq(catch_user(rows[i].fn, 0, &f), GP, "%s with CR4.UMIP",
                     rows[i].what);
            check_eq(f.error, 0, "%s with CR4.UMIP: error code", rows[i].what);
            SIZES("str", out);
            check_eq(out[1], TSS_SELECTOR, "CR4.UMIP lets CPL 0");
            WRITE_CR(4, READ_CR(4) & ~CR4_UMIP);
        }
    }
}

/* --- CR0 and EFLAGS by special instructions --- */

static void test_flags(void)
{
    uint64_t cr0 = READ_CR(0), flags;

    __asm__ volatile("lmsw %w0" ::"r"(0xfffe & ~CR0_EM));
    check_eq(READ_CR(0), (cr0 & ~CR0_EM) | CR0_PE | CR0_MP | CR0_TS,
             "LMSW sets MP and TS, and neither clears PE nor takes more");
    __asm__ volatile("clts");
    check_eq(READ_CR(0), (cr0 & ~CR0_EM) | CR0_PE | CR0_MP, "CLTS");
    WRITE_CR(0, cr0);
    if (has(7, 1, 20)) {
        __asm__ volatile("stac; pushf; pop %0" : "=r"(flags));
        check_eq(flags & EFLAGS_AC, EFLAGS_AC, "STAC");
        __asm__ volatile("clac; pushf; pop %0" : "=r"(flags));
        check_eq(flags & EFLAGS_AC, 0, "CLAC");
    }
}

/* --- caches, waiting --- */

CASE(do_invd, "invd" ::: "memory")
CASE(do_caches, "wbinvd" ::: "memory")

static void do_wait(void *arg)
{
    volatile uint8_t *line = arg;

    __asm__ volatile("monitor" ::"a"(line), "c"(0), "d"(0));
    *line = 1; /* so that there is nothing to wait for */
    __asm__ volatile("mwait" ::"a"(0), "c"(0));
}

static void do_monitor_bad(void *arg)
{
    __asm__ volatile("monitor" ::"a"(arg), "c"(1), "d"(0));
}

static void do_monitor_upper(void *arg)
{
    __asm__ volatile("monitor" ::"a"(arg), "c"(1ull << 32), "d"(0));
}

CASE(do_mwait_upper, "mwait" ::"a"(0), "c"(1ull << 32))

CASE(do_rsm, "rsm" ::)

static void test_others(void)
{
    static uint8_t line[64];
    Frame f;

    check_eq(catch(do_invd, NULL, &f), -1, "INVD");
    check_eq(catch(do_caches, NULL, &f), -1, "WBINVD");
    check_eq(catch(do_rsm, NULL, &f), UD, "RSM outside system management");
    if (has(1, 2, 3)) {
        check_eq(catch(do_wait, line, &f), -1, "MONITOR, MWAIT");
        check_eq(catch(do_monitor_bad, line, &f), GP,
                 "MONITOR with extensions");
        check_eq(catch(do_monitor_upper, line, &f), GP,
                 "MONITOR with a bit in the upper half of RCX");
        check_eq(catch(do_mwait_upper, NULL, &f), GP,
                 "MWAIT with a bit in the upper half of RCX");
    }
}

/* --- XSAVES, XRSTORS: SDM vol. 1, 13.11, 13.12 --- */

static uint8_t area[1024] __attribute__((aligned(64)));

CASE(do_xrstors, "xrstors %0" ::"m"(area), "a"(3), "d"(0))

static void test_xsaves(void)
{
    uint64_t *header = (uint64_t *)(area + 512), got;
    Frame f;

    if (!has(13, 0, 3)) {
        return;
    }
    WRITE_CR(4, READ_CR(4) | CR4_OSX);
    __asm__ volatile("xsetbv" ::"c"(0), "a"(3), "d"(0));
    __asm__ volatile("movq %0, %%xmm3" ::"r"(NOISE));
    memset(area, 0x5a, 512);
    memset(header, 0, 64);
    __asm__ volatile("xsaves %0" : "+m"(area) : "a"(3), "d"(0));
    check_eq(header[1], 1ull << 63 | 3, "XSAVES: XCOMP_BV");
    check_eq(header[0] & ~1ull, 2, "XSAVES: XSTATE_BV");
    check_eq(*(uint64_t *)(area + 160 + 3 * 16), NOISE, "XSAVES: XMM3");
    __asm__ volatile("pxor %xmm3, %xmm3");
    check_eq(catch(do_xrstors, NULL, &f), -1, "XRSTORS");
    __asm__ volatile("movq %%xmm3, %0" : "=r"(got));
    check_eq(got, NOISE, "XRSTORS: XMM3");
    header[1] = 0;
    check_eq(catch(do_xrstors, NULL, &f), GP,
             "XRSTORS of the standard format");
    WRITE_CR(4, READ_CR(4) & ~CR4_OSX);
}

/* --- what CPUID does not offer --- */

#define BYTES(name, text) CASE(name, ".byte " text ", 0x90, 0x90, 0x90, 0x90")

BYTES(evex_add, "0x62, 0xf1, 0x7c, 0x48, 0x58, 0xc0") /* VADDPS ZMM0 */
BYTES(evex_mem, "0x62, 0x61, 0x7c, 0x48, 0x58, 0x04, 0x24") /* ZMM24 */
BYTES(evex_xmm, "0x62, 0xf1, 0x7c, 0x08, 0x58, 0xc0") /* VADDPS XMM0 */
BYTES(kmovw, "0xc5, 0xf8, 0x92, 0xc0")                /* KMOVW K0, EAX */
BYTES(now3d, "0x0f, 0x0f, 0xc0, 0x9e")                /* PFADD */
BYTES(extrq, "0x66, 0x0f, 0x79, 0xc0")                /* SSE4A */
BYTES(vmcall, "0x0f, 0x01, 0xc1")
BYTES(vmmcall, "0x0f, 0x01, 0xd9")
BYTES(vmxon, "0xf3, 0x0f, 0xc7, 0x34, 0x24")
BYTES(getsec, "0x0f, 0x37")

void u32_evex(void);
__asm__(".text; u32_evex: .code32\n"
        ".byte 0x62, 0xf1, 0x7c, 0x48, 0x58, 0xc0; int $0x81\n"
        ".code64\n");

static void test_missing(void)
{
    static const struct {
        const char *what;
        void (*fn)(void *);
        uint32_t leaf;
        uint8_t reg, bit;
    } rows[] = {
        {"EVEX register form", evex_add, 7, 1, 16},
        {"EVEX memory form", evex_mem, 7, 1, 16},
        {"EVEX of 128 bits", evex_xmm, 7, 1, 16},
        {"mask registers", kmovw, 7, 1, 16},
        {"3DNow!", now3d, 0x80000001, 3, 31},
        {"SSE4A", extrq, 0x80000001, 2, 6},
        {"VMCALL", vmcall, 1, 2, 5},
        {"VMMCALL", vmmcall, 0x80000001, 2, 2},
        {"VMXON", vmxon, 1, 2, 5},
        {"GETSEC", getsec, 1, 2, 6},
    };
    UserMode user32 = {USER_CS32, 2};
    Frame f;

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!has(rows[i].leaf, rows[i].reg, rows[i].bit)) {
            check_eq(catch(rows[i].fn, NULL, &f), UD, "no %s", rows[i].what);
        }
    }
    if (!has(7, 1, 16)) {
        check_eq(catch_user_as(u32_evex, 0, &user32, &f), UD,
                 "no EVEX in 32-bit code, where BOUND has no register form");
    }
}

int main(void)
{
    test_tables();
    test_stores();
    test_umip();
    test_flags();
    test_others();
    test_xsaves();
    test_missing();
    return 0;
}
