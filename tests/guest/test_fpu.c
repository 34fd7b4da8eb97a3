/* SPDX-License-Identifier: MIT */
/*
 * x87 and SSE as a system sees them: #NM and #UD by control bits, #MF and #XM,
 * the FXSAVE and XSAVE images, IRQ 13.
 * Source: SDM vol. 3A, 2.5 "Control Registers", 6.15 (#NM, #MF, #XM), 13.1;
 * vol. 1, 8.7, 10.5.1 "FXSAVE Area", 11.5, 13.4 "XSAVE Area".
 */
#include "guest.h"

#define CR0_MP 2ull
#define CR0_EM 4ull
#define CR0_TS 8ull
#define CR0_NE 0x20ull
#define CR4_OSFXSR     0x200ull
#define CR4_OSXMMEXCPT 0x400ull
#define CR4_OSXSAVE    0x40000ull

#define CODE(name, text) \
    void name(void *arg); \
    __asm__(".text; " #name ": " text "; ret")

CODE(c_fld1, "fld1; fstp %st(0)");
CODE(c_fwait, "fwait");
CODE(c_fninit, "fninit");
CODE(c_mmx, "movd %eax, %mm0; emms");
CODE(c_sse, "xorps %xmm0, %xmm0");
CODE(c_sse_int, "pxor %xmm0, %xmm0");
CODE(c_ldmxcsr, "push $0x1f80; ldmxcsr (%rsp); pop %rax");
CODE(c_fxsave, "fxsave64 (%rdi)");
CODE(c_fxrstor, "fxrstor64 (%rdi)");
CODE(c_prefetch, "prefetchnta (%rdi)");
CODE(c_sfence, "sfence");
CODE(c_movnti, "movnti %eax, (%rdi)");
CODE(c_crc32, "crc32l %eax, %eax");
CODE(c_popcnt, "popcnt %eax, %eax");

static uint8_t area[2048] __attribute__((aligned(64)));

static void set_cr(uint64_t cr0, uint64_t cr4)
{
    const uint64_t bits = CR0_MP | CR0_EM | CR0_TS;

    WRITE_CR(0, (READ_CR(0) & ~bits) | cr0);
    WRITE_CR(4, (READ_CR(4) & ~(CR4_OSFXSR | CR4_OSXMMEXCPT)) | cr4);
}

/* The vector of each kind of instruction, -1 for none: SDM vol. 3A, table 2-2
 * "Action Taken By x87 FPU Instructions"; 13.1.3. */
static void test_control_bits(void)
{
    static const struct {
        const char *what;
        uint64_t cr0, cr4;
        int x87, fwait, mmx, sse;
    } rows[] = {
        {"MP", CR0_MP, CR4_OSFXSR, -1, -1, -1, -1},
        {"none", 0, CR4_OSFXSR, -1, -1, -1, -1},
        {"TS", CR0_TS, CR4_OSFXSR, 7, -1, 7, 7},
        {"MP TS", CR0_MP | CR0_TS, CR4_OSFXSR, 7, 7, 7, 7},
        {"EM", CR0_EM, CR4_OSFXSR, 7, -1, 6, 6},
        {"EM MP", CR0_EM | CR0_MP, CR4_OSFXSR, 7, -1, 6, 6},
        {"EM TS", CR0_EM | CR0_TS, CR4_OSFXSR, 7, -1, 6, 6},
        {"EM MP TS", CR0_EM | CR0_MP | CR0_TS, CR4_OSFXSR, 7, 7, 6, 6},
        {"no OSFXSR", CR0_MP, 0, -1, -1, -1, 6},
        {"no OSFXSR, TS", CR0_MP | CR0_TS, 0, 7, 7, 7, 6},
    };
    unsigned i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        set_cr(rows[i].cr0, rows[i].cr4);
        check_eq(catch(c_fld1, NULL, NULL), rows[i].x87, "%s: FLD1",
                 rows[i].what);
        check_eq(catch(c_fninit, NULL, NULL), rows[i].x87, "%s: FNINIT",
                 rows[i].what);
        check_eq(catch(c_fwait, NULL, NULL), rows[i].fwait, "%s: FWAIT",
                 rows[i].what);
        check_eq(catch(c_mmx, NULL, NULL), rows[i].mmx, "%s: MOVD MM0",
                 rows[i].what);
        check_eq(catch(c_sse, NULL, NULL), rows[i].sse, "%s: XORPS",
                 rows[i].what);
        check_eq(catch(c_sse_int, NULL, NULL), rows[i].sse, "%s: PXOR",
                 rows[i].what);
        check_eq(catch(c_ldmxcsr, NULL, NULL), rows[i].sse, "%s: LDMXCSR",
                 rows[i].what);
    }
    set_cr(CR0_MP | CR0_TS, CR4_OSFXSR);
    check_eq(catch(c_fxsave, area, NULL), 7, "TS: FXSAVE");
    check_eq(catch(c_fxrstor, area, NULL), 7, "TS: FXRSTOR");
    check_eq(catch(c_prefetch, area, NULL), -1, "TS: PREFETCHNTA");
    check_eq(catch(c_sfence, area, NULL), -1, "TS: SFENCE");
    check_eq(catch(c_movnti, area, NULL), -1, "TS: MOVNTI");
    check_eq(catch(c_crc32, area, NULL), -1, "TS: CRC32");
    check_eq(catch(c_popcnt, area, NULL), -1, "TS: POPCNT");
    __asm__ volatile("clts");
    check_eq(READ_CR(0) & CR0_TS, 0, "CLTS");
    check_eq(catch(c_fxsave, area, NULL), -1, "FXSAVE after CLTS");
    set_cr(CR0_MP, CR4_OSFXSR | CR4_OSXMMEXCPT);
}

/* --- FXSAVE --- */

static void test_fxsave(void)
{
    static const uint64_t pattern[2] = {0x1122334455667788, 0x99aabbccddeeff00};
    uint16_t *w = (uint16_t *)area;
    uint32_t *d = (uint32_t *)area;
    uint64_t out[2];
    Frame f;

    memset(area, 0xcc, 512);
    __asm__ volatile("fninit; fld1; fldz\n"
                     "movups %1, %%xmm0; movups %1, %%xmm15\n"
                     "fxsave64 %0"
                     : "=m"(area)
                     : "m"(pattern));
    check_eq(w[0], 0x37f, "FCW");
    check_eq(w[1], 6 << 11, "FSW: TOP is 6");
    check_eq(area[4], 0xc0, "abridged tag word, by physical register");
    check_eq(area[5], 0, "its reserved byte");
    check_eq(d[6], 0x1f80, "MXCSR");
    check_eq(d[7] & 0xffbf, 0xffbf, "MXCSR mask");
    check_eq(*(uint64_t *)(area + 32), 0, "ST0 is 0");
    check_eq(*(uint64_t *)(area + 48), 1ull << 63, "ST1 is 1: fraction");
    check_eq(*(uint16_t *)(area + 56), 0x3fff, "ST1 is 1: exponent");
    check_eq(*(uint64_t *)(area + 160 + 15 * 16), pattern[0], "XMM15");
    check_eq(area[464], 0xcc, "the last 48 bytes are left alone");
    __asm__ volatile("fninit; pxor %%xmm0, %%xmm0; pxor %%xmm15, %%xmm15\n"
                     "fxrstor64 %1; movups %%xmm15, %0; fstp %%st(0)\n"
                     "fistpll %0"
                     : "=m"(out)
                     : "m"(area));
    check_eq(out[0], 1, "FXRSTOR brings ST1 back");
    check_eq(out[1], pattern[1], "and XMM15");
    d[6] = 0x1f80 | 1 << 16;
    check_eq(catch(c_fxrstor, area, &f), 13, "reserved bit of MXCSR");
    check_eq(catch(c_fxsave, area + 8, &f), 13, "misaligned FXSAVE");
    d[6] = 0x1f80;
    __asm__ volatile("fninit");
}

/* An image over two pages of which the second is read-only. */
static void test_fxsave_fault(void)
{
    uint64_t va = 0x200000000;
    uint8_t *frame = page_alloc();
    Frame f;

    page_map(va, (uintptr_t)frame, 3);
    page_map(va + 4096, (uintptr_t)frame, 1);
    memset(frame, 0x77, 4096);
    check_eq(catch(c_fxsave, (void *)(va + 4096 - 256), &f), 14,
             "FXSAVE into a read-only page");
    check_eq(READ_CR(2), va + 4096, "CR2");
    check_eq(f.error, 3, "error code");
}

/* --- exceptions --- */

CODE(div_by_zero_sse, "mov $0x3f800000, %eax; movd %eax, %xmm0;"
                      "pxor %xmm1, %xmm1; divss %xmm1, %xmm0");
CODE(invalid_sse, "mov $0x7f800001, %eax; movd %eax, %xmm0;" /* SNaN */
                  "addss %xmm0, %xmm0");
CODE(inexact_cvt, "mov $0x3fc00000, %eax; movd %eax, %xmm0;"
                  "cvtss2si %xmm0, %eax");
CODE(compare_nan, "mov $0x7fc00000, %eax; movd %eax, %xmm0;"
                  "comiss %xmm0, %xmm0");

static uint32_t mxcsr(void)
{
    uint32_t v;

    __asm__ volatile("stmxcsr %0" : "=m"(v));
    return v;
}

static void set_mxcsr(uint32_t v)
{
    __asm__ volatile("ldmxcsr %0" ::"m"(v));
}

static void load_mxcsr(void *arg)
{
    set_mxcsr((uintptr_t)arg);
}

static void expect_xm(const char *what, void (*fn)(void *), uint32_t mask,
                      uint32_t flag)
{
    uint32_t x;
    Frame f;

    set_mxcsr(0x1f80);
    check_eq(catch(fn, NULL, &f), -1, "%s, masked", what);
    check_eq(mxcsr(), 0x1f80 | flag, "%s: its flag", what);
    set_mxcsr(0x1f80 & ~mask);
    __asm__ volatile("mov $0x1234, %%eax; movd %%eax, %%xmm0" ::: "rax");
    check_eq(catch(fn, NULL, &f), 19, "%s, unmasked: #XM", what);
    check_eq(mxcsr(), (0x1f80 & ~mask) | flag, "%s: flag with #XM", what);
    WRITE_CR(4, READ_CR(4) & ~CR4_OSXMMEXCPT);
    set_mxcsr(0x1f80 & ~mask);
    check_eq(catch(fn, NULL, &f), 6, "%s without OSXMMEXCPT: #UD", what);
    WRITE_CR(4, READ_CR(4) | CR4_OSXMMEXCPT);
    set_mxcsr(0x1f80);
    __asm__ volatile("movd %%xmm0, %0" : "=r"(x));
    (void)x;
}

static void test_simd_exceptions(void)
{
    expect_xm("division by zero", div_by_zero_sse, 0x200, 0x04);
    expect_xm("invalid operand", invalid_sse, 0x80, 0x01);
    expect_xm("inexact conversion", inexact_cvt, 0x1000, 0x20);
    expect_xm("compare with a NaN", compare_nan, 0x80, 0x01);
    check_eq(catch(load_mxcsr, (void *)0x11f80, NULL), 13,
             "LDMXCSR with a reserved bit");
}

/* #MF comes with the next waiting instruction, not with the one at fault. */
static void x87_division(void *arg)
{
    __asm__ volatile("fninit; fldcw %0; fld1; fldz\n"
                     "x87_fault: fdivrp\n"
                     "x87_after: fnop\n"
                     "x87_never: fninit" ::"m"(*(uint16_t *)arg));
}
extern char x87_after[];

static void test_mf(void)
{
    uint16_t masked = 0x37f, zero_on = 0x37b, sw;
    Frame f;

    check_eq(catch(x87_division, &masked, &f), -1, "x87 division, masked");
    check_eq(catch(x87_division, &zero_on, &f), 16, "unmasked: #MF");
    check_eq(f.rip, (uintptr_t)x87_after, "at the next waiting instruction");
    __asm__ volatile("fnstsw %0" : "=a"(sw));
    check_eq(sw & 0x8084, 0x8084, "FSW: ZE, ES, B");
    check_eq(catch(c_fwait, NULL, &f), 16, "FWAIT raises it again");
    __asm__ volatile("fnclex");
    check_eq(catch(c_fwait, NULL, &f), -1, "not after FNCLEX");
    __asm__ volatile("fninit");
}

/* Without CR0.NE the error goes out as IRQ 13. */
static volatile unsigned irq13;

static void on_irq13(Frame *f)
{
    (void)f;
    irq13++;
    outb(0xf0, 0);
    __asm__ volatile("fnclex");
    outb(0xa0, 0x20);
    outb(0x20, 0x20);
}

static void test_irq13(void)
{
    volatile uint32_t *apic = (uint32_t *)0xfee00000ull;
    static const uint8_t init[] = {0x11, 0x60, 4, 1, 0x11, 0x68, 2, 1};
    uint16_t zero_on = 0x37b;
    unsigned i;

    for (i = 0; i < 8; i++) {
        outb((i < 4 ? 0x20 : 0xa0) + !!(i & 3), init[i]);
    }
    outb(0x21, (uint8_t)~4);
    outb(0xa1, (uint8_t)~(1 << 5));
    apic[0xf0 / 4] = 0x1ff;
    apic[0x350 / 4] = 0x700;
    on_vector(0x6d, on_irq13);
    WRITE_CR(0, READ_CR(0) & ~CR0_NE);
    __asm__ volatile("fninit; fldcw %0; fld1; fldz; sti; fdivrp; fnop; fwait\n"
                     "jmp 1f; 1: nop; nop; cli; fninit" ::"m"(zero_on));
    WRITE_CR(0, READ_CR(0) | CR0_NE);
    check_eq(irq13, 1, "IRQ 13");
    apic[0x350 / 4] = 0x10000;
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
}

/* --- XSAVE --- */

static bool has_xsave(void)
{
    return cpuid(1, 0).c >> 26 & 1;
}

CODE(c_xgetbv, "xor %ecx, %ecx; xgetbv");
CODE(c_xsetbv0, "xor %ecx, %ecx; xor %edx, %edx; mov $2, %eax; xsetbv");
CODE(c_xsetbv1, "mov $1, %ecx; xor %edx, %edx; mov $3, %eax; xsetbv");
CODE(c_xsave, "xor %edx, %edx; mov $3, %eax; xsave64 (%rdi)");
CODE(c_xrstor, "xor %edx, %edx; mov $3, %eax; xrstor64 (%rdi)");

static void test_xsave(void)
{
    uint64_t out[2];

    if (!has_xsave()) {
        return;
    }
    check_eq(catch(c_xgetbv, NULL, NULL), 6, "XGETBV without OSXSAVE");
    check_eq(catch(c_xsave, area, NULL), 6, "XSAVE without OSXSAVE");
    WRITE_CR(4, READ_CR(4) | CR4_OSXSAVE);
    check_eq(cpuid(1, 0).c >> 27 & 1, 1, "CPUID.OSXSAVE follows CR4");
    check_eq(catch(c_xgetbv, NULL, NULL), -1, "XGETBV");
    check_eq(catch(c_xsetbv0, NULL, NULL), 13, "XCR0 without x87");
    check_eq(catch(c_xsetbv1, NULL, NULL), 13, "XCR1");
    __asm__ volatile("xsetbv" ::"a"(3), "d"(0), "c"(0));
    memset(area, 0, sizeof(area));
    __asm__ volatile("fninit; pcmpeqd %%xmm3, %%xmm3" ::: "memory");
    check_eq(catch(c_xsave, area, NULL), -1, "XSAVE");
    check_eq(*(uint64_t *)(area + 512) & 2, 2, "XSTATE_BV: SSE in use");
    check_eq(*(uint64_t *)(area + 160 + 48), ~0ull, "XMM3");
    *(uint64_t *)(area + 512) = 0; /* all in its initial state */
    check_eq(catch(c_xrstor, area, NULL), -1, "XRSTOR of the initial state");
    __asm__ volatile("movups %%xmm3, %0" : "=m"(out));
    check_eq(out[0], 0, "XMM3 is 0");
    *(uint64_t *)(area + 520) = 1;
    check_eq(catch(c_xrstor, area, NULL), 13, "bad header");
    *(uint64_t *)(area + 520) = 0;
    check_eq(catch(c_xsave, area + 16, NULL), 13, "misaligned XSAVE");
    WRITE_CR(4, READ_CR(4) & ~CR4_OSXSAVE);
}

int main(void)
{
    test_control_bits();
    test_fxsave();
    test_fxsave_fault();
    test_simd_exceptions();
    test_mf();
    test_irq13();
    test_xsave();
    return 0;
}
