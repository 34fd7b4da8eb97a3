/* SPDX-License-Identifier: MIT */
/*
 * String instructions: page faults in the middle leave the registers where the
 * next element is; overlap, direction, wrap of 32-bit addresses; interrupts
 * between repetitions.
 * Source: SDM vol. 2B, "REP/REPE/REPZ/REPNE/REPNZ"; vol. 1, 7.3.9.
 */
#include "guest.h"

#define SRC 0x200000000ull /* three pages each; the last is absent */
#define DST 0x200010000ull
#define PAGES 3

static uint8_t *src, *dst;

typedef struct Regs {
    uint64_t si, di, cx, ax;
} Regs;

/* RDI points to Regs; the registers go back there if nothing faults. */
#define STRING(name, text) \
    void name(void *regs); \
    __asm__(".text; " #name ": mov %rdi, %r8\n" \
            "mov (%r8), %rsi; mov 8(%r8), %rdi; mov 16(%r8), %rcx\n" \
            "mov 24(%r8), %rax\n" text "\n" \
            "cld; mov %rsi, (%r8); mov %rdi, 8(%r8); mov %rcx, 16(%r8)\n" \
            "mov %rax, 24(%r8); ret")

STRING(movs1, "rep movsb");
STRING(movs2, "rep movsw");
STRING(movs4, "rep movsl");
STRING(movs8, "rep movsq");
STRING(movs1_down, "std; rep movsb");
STRING(movs8_down, "std; rep movsq");
STRING(stos1, "rep stosb");
STRING(stos8, "rep stosq");
STRING(stos4_down, "std; rep stosl");
STRING(lods4, "rep lodsl");
STRING(cmps1, "repe cmpsb");
STRING(cmps4, "repe cmpsl");
STRING(cmps1_ne, "repne cmpsb");
STRING(scas1, "repne scasb");
STRING(scas8, "repe scasq");
STRING(movs1_addr32, "addr32 rep movsb");
STRING(stos1_addr32, "addr32 rep stosb");

static void fill(void)
{
    unsigned i;

    for (i = 0; i < PAGES * 4096; i++) {
        src[i] = i * 7 + (i >> 8);
        dst[i] = 0xee;
    }
}

static void expect_regs(const char *what, const Regs *r, uint64_t si,
                        uint64_t di, uint64_t cx)
{
    check_eq(r->si, si, "%s: RSI", what);
    check_eq(r->di, di, "%s: RDI", what);
    check_eq(r->cx, cx, "%s: RCX", what);
}

/* --- faults --- */

typedef struct Faulting {
    const char *what;
    void (*fn)(void *);
    Regs in;
    uint64_t cr2, error;
    Regs out;
} Faulting;

/* Source and destination end, or start, at a hole. */
#define S_END (SRC + 2 * 4096)
#define D_END (DST + 2 * 4096)

static const Faulting faulting[] = {
    {"movsb, source ends", movs1, {S_END - 5000, DST, 6000, 0}, S_END, 0,
     {S_END, DST + 5000, 1000, 0}},
    {"movsb, destination ends", movs1, {SRC, D_END - 100, 6000, 0}, D_END, 2,
     {SRC + 100, D_END, 5900, 0}},
    {"movsw, odd source", movs2, {S_END - 101, DST, 100, 0}, S_END, 0,
     {S_END - 1, DST + 100, 50, 0}},
    {"movsq, odd destination", movs8, {SRC, D_END - 20, 10, 0}, D_END, 2,
     {SRC + 16, D_END - 4, 8, 0}},
    {"movsl, first element", movs4, {S_END, DST, 10, 0}, S_END, 0,
     {S_END, DST, 10, 0}},
    {"movsb down", movs1_down, {SRC + 10, DST + 4096, 20, 0}, SRC - 1, 0,
     {SRC - 1, DST + 4096 - 11, 9, 0}},
    {"movsq down", movs8_down, {SRC + 4096, DST + 12, 20, 0}, DST - 4, 2,
     {SRC + 4096 - 16, DST - 4, 18, 0}},
    {"stosb", stos1, {0, DST + 1, 20000, 0x55}, D_END, 2,
     {0, D_END, 20000 - 8191, 0x55}},
    {"stosq, odd", stos8, {0, D_END - 12, 3, 0x55}, D_END, 2,
     {0, D_END - 4, 2, 0x55}},
    {"stosl down", stos4_down, {0, DST + 8, 5, 0x55}, DST - 4, 2,
     {0, DST - 4, 2, 0x55}},
    {"lodsl", lods4, {S_END - 8, 0, 5, 0}, S_END, 0, {S_END, 0, 3, 0}},
    {"cmpsb", cmps1, {S_END - 9, S_END - 4096 - 9, 20, 0}, S_END, 0,
     {S_END, S_END - 4096, 11, 0}},
    {"scasq", scas8, {0, S_END - 16, 5, 0}, S_END, 0, {0, S_END, 3, 0}},
};

static void test_one_fault(const Faulting *t)
{
    Regs r = t->in;
    Frame f;

    fill();
    if (t->fn == cmps1) {
        memset(src, 3, 2 * 4096); /* equal all along */
    } else if (t->fn == scas8) {
        memset(src, 0, 2 * 4096);
    }
    check_eq(catch(t->fn, &r, &f), 14, "%s: #PF", t->what);
    check_eq(f.error, t->error, "%s: error code", t->what);
    check_eq(READ_CR(2), t->cr2, "%s: CR2", t->what);
    r = (Regs){f.rsi, f.rdi, f.rcx, f.rax};
    expect_regs(t->what, &r, t->out.si, t->out.di, t->out.cx);
}

static void test_faults(void)
{
    unsigned i, wrong = 0;

    for (i = 0; i < sizeof(faulting) / sizeof(faulting[0]); i++) {
        test_one_fault(&faulting[i]);
    }
    test_one_fault(&faulting[1]);
    for (i = 0; i < 100; i++) {
        wrong += dst[2 * 4096 - 100 + i] != src[i];
    }
    check_eq(wrong, 0, "what was moved before the fault is there");
    check_eq(dst[2 * 4096], 0xee, "and no more");
}

/* --- no faults --- */

static void run(const char *what, void (*fn)(void *), Regs in, Regs out)
{
    check_eq(catch(fn, &in, NULL), -1, "%s: no fault", what);
    expect_regs(what, &in, out.si, out.di, out.cx);
}

static unsigned differences(const uint8_t *a, const uint8_t *b, unsigned n)
{
    unsigned wrong = 0;

    while (n--) {
        wrong += *a++ != *b++;
    }
    return wrong;
}

static void test_moves(void)
{
    fill();
    run("movsb over pages", movs1, (Regs){SRC + 3, DST + 5, 8000, 0},
        (Regs){SRC + 8003, DST + 8005, 0, 0});
    check_eq(differences(src + 3, dst + 5, 8000), 0, "bytes moved");
    check(dst[4] == 0xee && dst[8005] == 0xee, "none beside them");
    fill();
    run("movsq down", movs8_down, (Regs){SRC + 8000, DST + 8001, 900, 0},
        (Regs){SRC + 800, DST + 801, 0, 0});
    check_eq(differences(src + 808, dst + 809, 7200), 0, "bytes moved");
    run("movsb, no repetition", movs1, (Regs){1, 2, 0, 0}, (Regs){1, 2, 0, 0});
    fill();
    run("stosq over pages", stos8, (Regs){0, DST + 4091, 3, -1ull},
        (Regs){0, DST + 4091 + 24, 0, 0});
    check(dst[4090] == 0xee && dst[4091] == 0xff && dst[4114] == 0xff &&
              dst[4115] == 0xee,
          "bytes stored");
}

/* Overlap: each element is moved before the next one is read. */
static void test_overlap(void)
{
    unsigned i, wrong = 0;

    fill();
    run("movsb onto the next byte", movs1, (Regs){SRC, SRC + 1, 5000, 0},
        (Regs){SRC + 5000, SRC + 5001, 0, 0});
    for (i = 0; i < 5000; i++) {
        wrong += src[i] != src[0];
    }
    check_eq(wrong, 0, "one byte spreads");
    fill();
    run("movsq at distance 3", movs8, (Regs){SRC, SRC + 3, 4, 0},
        (Regs){SRC + 32, SRC + 35, 0, 0});
    check_eq(src[8], 7 * 5 & 0xff, "first element");
    check_eq(src[11], src[8], "second element reads what the first wrote");
    fill();
    run("movsb down onto the byte before", movs1_down,
        (Regs){SRC + 5000, SRC + 4999, 5000, 0}, (Regs){SRC, SRC - 1, 0, 0});
    for (i = 0, wrong = 0; i < 5000; i++) {
        wrong += src[i] != src[5000];
    }
    check_eq(wrong, 0, "one byte spreads down");
}

static void test_compares(void)
{
    fill();
    memcpy(dst, src, 8192);
    dst[5000] ^= 1;
    run("repe cmpsb", cmps1, (Regs){SRC, DST, 8000, 0},
        (Regs){SRC + 5001, DST + 5001, 2999, 0});
    run("repe cmpsl", cmps4, (Regs){SRC, DST, 2000, 0},
        (Regs){SRC + 5004, DST + 5004, 749, 0});
    memset(dst, 0xee, 8192);
    memset(src, 1, 8192);
    src[4500] = 0xee;
    run("repne cmpsb", cmps1_ne, (Regs){SRC, DST, 8000, 0},
        (Regs){SRC + 4501, DST + 4501, 3499, 0});
    src[4096] = 9;
    run("repne scasb", scas1, (Regs){0, SRC + 4000, 1000, 9},
        (Regs){0, SRC + 4097, 903, 0});
    run("repne scasb, not found", scas1, (Regs){0, SRC, 3000, 9},
        (Regs){0, SRC + 3000, 0, 0});
}

/* Source and destination are device registers for one of them. */
static void test_32bit_addresses(void)
{
    uint64_t low = 0x3000000;
    Regs r = {0xffffffff00000000ull | low, low + 0x1000,
              0xffffffff00000010ull, 0};

    memset((void *)low, 0x77, 16);
    check_eq(catch(movs1_addr32, &r, NULL), -1, "32-bit addresses: no fault");
    check_eq(r.si, low + 16, "ESI is extended with zeros");
    check_eq(r.cx, 0, "ECX counts, RCX is cleared");
    check_eq(*(uint8_t *)(low + 0x100f), 0x77, "bytes moved");
    r = (Regs){0, low, 0x100000000ull, 0};
    check_eq(catch(stos1_addr32, &r, NULL), -1, "ECX of 0: no fault");
    check_eq(r.cx, 0x100000000ull, "ECX of 0: RCX stays");
}

/* --- interrupts --- */

static volatile unsigned ticks, in_middle;

static void on_tick(Frame *f)
{
    ticks++;
    in_middle += f->rcx != 0 && f->rcx != 0x200000;
    *(volatile uint32_t *)0xfee000b0ull = 0;
}

/* The local APIC's timer comes again and again while the copy runs. */
static void test_interrupts(void)
{
    volatile uint32_t *apic = (uint32_t *)0xfee00000ull;
    uint8_t *from = (uint8_t *)0x2000000, *to = (uint8_t *)0x2400000;
    Regs r = {(uintptr_t)from, (uintptr_t)to, 0x200000, 0};
    unsigned i, wrong = 0;

    for (i = 0; i < 0x200000; i += 8) {
        *(uint64_t *)(from + i) = i * 0x9e3779b97f4a7c15ull;
        *(uint64_t *)(to + i) = 0;
    }
    on_vector(0x40, on_tick);
    apic[0xf0 / 4] = 0x1ff;
    apic[0x3e0 / 4] = 0xb;
    apic[0x320 / 4] = 0x20040; /* periodic */
    apic[0x380 / 4] = 20000;
    __asm__ volatile("sti");
    while (!ticks) {
    }
    movs1(&r);
    __asm__ volatile("cli");
    apic[0x380 / 4] = 0;
    for (i = 0; i < 0x200000; i += 8) {
        wrong += *(uint64_t *)(from + i) != *(uint64_t *)(to + i);
    }
    check_eq(wrong, 0, "a copy with interrupts");
    expect_regs("a copy with interrupts", &r, (uintptr_t)from + 0x200000,
                (uintptr_t)to + 0x200000, 0);
    check(in_middle > 0, "interrupts came between repetitions");
}

int main(void)
{
    unsigned i;

    src = page_alloc();
    (void)page_alloc();
    (void)page_alloc();
    dst = page_alloc();
    (void)page_alloc();
    (void)page_alloc();
    for (i = 0; i < 2; i++) {
        page_map(SRC + 4096 * i, (uintptr_t)src + 4096 * i, 3);
        page_map(DST + 4096 * i, (uintptr_t)dst + 4096 * i, 3);
    }
    test_faults();
    test_moves();
    test_overlap();
    test_compares();
    test_32bit_addresses();
    test_interrupts();
    return 0;
}
