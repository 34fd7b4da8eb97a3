/* SPDX-License-Identifier: MIT */
/*
 * Permission to use ports: IOPL and the I/O permission bitmap, at every port
 * around the ends of bytes, of the bitmap and of the TSS; each width, IN, OUT
 * and their string forms; 64-bit, 32-bit and virtual-8086 code, 16-bit TSSs.
 * Source: SDM vol. 1, 19.5 "Protected-Mode I/O"; vol. 3A, 8.2.1 "Task-State
 * Segment (TSS)".
 */
#include "legacy.h"

#define GP 13

/* --- 64-bit code --- */

/* RDI: where a string goes; RDX is the port, in its upper half. */
#define USER(name, text)                                                       \
    void name(void);                                                           \
    __asm__(".text; " #name ": mov %rdi, %rdx; shr $48, %rdx; shl $16, %rdi\n" \
            "shr $16, %rdi; mov %rdi, %rsi\n" text "; ret")
USER(io_in1, "inb %dx, %al");
USER(io_in2, "inw %dx, %ax");
USER(io_in4, "inl %dx, %eax");
USER(io_out1, "outb %al, %dx");
USER(io_out2, "outw %ax, %dx");
USER(io_out4, "outl %eax, %dx");
USER(io_ins1, "insb");
USER(io_ins4, "mov $1, %ecx; rep insl");
USER(io_outs2, "outsw");

static const struct Form {
    const char *name;
    void (*fn)(void);
    unsigned bytes;
} forms[] = {
    {"IN of 1", io_in1, 1},     {"IN of 2", io_in2, 2},
    {"IN of 4", io_in4, 4},     {"OUT of 1", io_out1, 1},
    {"OUT of 2", io_out2, 2},   {"OUT of 4", io_out4, 4},
    {"INS of 1", io_ins1, 1},   {"INS of 4", io_ins4, 4},
    {"OUTS of 2", io_outs2, 2},
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

/* Ports from BASE on do nothing, whatever is written there. */
#define BASE 0x3000u
#define SPAN 40u

static struct {
    struct Tss tss;
    uint8_t map[8192 + 1];
} __attribute__((packed)) big;
static uint8_t buffer[8];

static void load_tss(uint32_t limit)
{
    uint64_t base = (uintptr_t)&big;

    gdt[TSS_SELECTOR / 8] = (limit & 0xffff) | (base & 0xffffff) << 16 |
                            0x89ull << 40 | (base >> 24 & 0xff) << 56;
    gdt[TSS_SELECTOR / 8 + 1] = 0;
    __asm__ volatile("ltr %w0" ::"r"(TSS_SELECTOR));
}

/* SDM vol. 1, 19.5.2: the bits of all bytes of the access must be clear; two
 * bytes of the map are read, both inside of the TSS. */
static bool allowed(unsigned port, unsigned bytes, uint32_t limit)
{
    unsigned i, at = big.tss.iomap + port / 8;

    if (at + 1 > limit) {
        return false;
    }
    for (i = port; i < port + bytes; i++) {
        if (((uint8_t *)&big)[big.tss.iomap + i / 8] >> i % 8 & 1) {
            return false;
        }
    }
    return true;
}

static unsigned wrong_at(unsigned port, uint32_t limit)
{
    unsigned i, wrong = 0;
    Frame f;

    for (i = 0; i < FORMS; i++) {
        uint64_t arg = (uintptr_t)user_alias(buffer) | (uint64_t)port << 48;
        int got = catch_user(forms[i].fn, arg, &f);
        int want = allowed(port, forms[i].bytes, limit) ? -1 : GP;

        wrong += got != want || (want == GP && f.error != 0);
    }
    return wrong;
}

static void test_bits(void)
{
    uint32_t limit = sizeof(big) - 1;
    unsigned bit, port, wrong = 0;

    load_tss(limit);
    for (bit = 0; bit < SPAN; bit++) {
        big.map[(BASE + bit) / 8] = 1 << (BASE + bit) % 8;
        for (port = BASE; port < BASE + SPAN; port++) {
            wrong += wrong_at(port, limit);
        }
        big.map[(BASE + bit) / 8] = 0;
    }
    check_eq(wrong, 0, "one port forbidden of %u, by all forms", SPAN);
}

/* The TSS ends within the map. */
static void test_limits(void)
{
    unsigned cut, port, wrong = 0;

    for (cut = 0; cut < 4; cut++) {
        uint32_t limit = sizeof(struct Tss) + BASE / 8 + cut;

        load_tss(limit);
        for (port = BASE; port < BASE + SPAN; port++) {
            wrong += wrong_at(port, limit);
        }
    }
    check_eq(wrong, 0, "a map that ends early");
    load_tss(sizeof(big) - 1);
    big.tss.iomap = sizeof(big);
    check_eq(wrong_at(BASE, sizeof(big) - 1), 0, "a map past the limit");
    big.tss.iomap = 0xffff;
    check_eq(wrong_at(BASE, sizeof(big) - 1), 0, "a map at FFFFh");
    big.tss.iomap = sizeof(struct Tss);
}

/* FFFFh is the last port: its second byte of the map must be there. */
static void test_last_port(void)
{
    uint64_t arg = (uintptr_t)user_alias(buffer) | 0xffffull << 48;
    Frame f;

    load_tss(sizeof(big) - 1);
    check_eq(catch_user(io_in1, arg, &f), -1, "port FFFFh, a byte behind");
    load_tss(sizeof(big) - 2);
    check_eq(catch_user(io_in1, arg, &f), GP, "port FFFFh, none");
    load_tss(sizeof(big) - 1);
}

static void test_iopl(void)
{
    UserMode mode = {USER_CS, 0x3002};
    uint64_t arg = (uintptr_t)user_alias(buffer) | (uint64_t)BASE << 48;
    unsigned i, wrong = 0;

    memset(big.map, 0xff, sizeof(big.map));
    for (i = 0; i < FORMS; i++) {
        wrong += catch_user_as(forms[i].fn, arg, &mode, NULL) != -1;
        mode.rflags = 0x2002;
        wrong += catch_user_as(forms[i].fn, arg, &mode, NULL) != GP;
        mode.rflags = 0x3002;
    }
    check_eq(wrong, 0, "IOPL 3 needs no map, IOPL 2 does");
    memset(big.map, 0, sizeof(big.map));
}

/* Permission is asked for before the address is looked at. */
static void test_order(void)
{
    uint64_t arg = 0x2000000ull | (uint64_t)BASE << 48; /* not CPL 3's */
    Frame f;

    check_eq(catch_user(io_ins1, arg, &f), 14, "INS to where it may not go");
    big.map[BASE / 8] = 1;
    check_eq(catch_user(io_ins1, arg, &f), GP, "from a forbidden port, too");
    big.map[BASE / 8] = 0;
}

/* --- 32-bit code --- */

void io32_in(void), io86_in(void);
__asm__(".text\n.code32\n"
        "io32_in: inl %dx, %eax; int $0x81\n"
        ".code16\n"
        "io86_in: inl %dx, %eax; ud2\n"
        ".code64\n");

static void expect32(const char *what, const Legacy *in, uint32_t vector)
{
    Legacy out;

    legacy_run(in, &out);
    legacy_expect(what, &out, vector, 0);
}

static void test_legacy(void)
{
    static struct {
        uint16_t word[22];
    } tss16;
    Legacy in = legacy_state(3, io32_in), v86 = legacy_state(0, NULL);

    legacy_reset();
    legacy_tss.tss.iomap = offsetof(struct LegacyTss, io);
    in.edx = v86.edx = BASE;
    expect32("32-bit code, allowed", &in, USER_EXIT);
    legacy_tss.io[BASE / 8] = 8;
    expect32("32-bit code, one of four forbidden", &in, GP);
    in.eflags |= EFLAGS_IOPL;
    expect32("32-bit code, IOPL 3", &in, USER_EXIT);
    memcpy((void *)0x7000, io86_in, 8);
    v86.eflags = EFLAGS_VM | EFLAGS_IOPL | 2;
    v86.cs = 0x700;
    v86.ss = v86.ds = v86.es = 0;
    v86.esp = 0x6000;
    expect32("virtual-8086 mode asks the map whatever IOPL is", &v86, GP);
    legacy_tss.io[BASE / 8] = 0;
    expect32("virtual-8086 mode, allowed", &v86, 6);
    /* A 16-bit TSS has no map. */
    in.eflags = 2;
    tss16.word[1] = legacy_tss.tss.esp0;
    tss16.word[2] = LEGACY_FREE + 8;
    gdt[LEGACY_FREE / 8] = segment((uintptr_t)&tss16, sizeof(tss16) - 1, 0x81);
    gdt[LEGACY_FREE / 8 + 1] =
        segment(legacy_tss.tss.esp0 & ~0xffffu, 0xffff, 0x4093);
    in.tr = LEGACY_FREE;
    expect32("a 16-bit TSS", &in, GP);
}

int main(void)
{
    memcpy(&big.tss, &tss, sizeof(tss));
    big.tss.iomap = sizeof(struct Tss);
    test_bits();
    test_limits();
    test_last_port();
    test_iopl();
    test_order();
    test_legacy();
    return 0;
}
