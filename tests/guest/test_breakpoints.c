/* SPDX-License-Identifier: MIT */
/*
 * Data and I/O breakpoints: a trap behind the access, DR6 says which; sizes and
 * alignment; reads, writes, locked and string forms; the stack of an event.
 * Source: SDM vol. 3B, 18.2 "Debug Registers", 18.3.1.2 "Data Memory and I/O
 * Breakpoint Exception Conditions".
 */
#include "guest.h"

#define ENABLE(n)        (2ull << (2 * (n)))
#define KIND(n, rw, len) ((uint64_t)((rw) | (len) << 2) << (16 + 4 * (n)))
#define ON_WRITE         1
#define ON_IO            2
#define ON_DATA          3
#define LEN1             0
#define LEN2             1
#define LEN8             2
#define LEN4             3

static volatile unsigned hits;
static volatile uint64_t hit_rip, hit_dr6;
static struct {
    uint64_t before, word, after;
} data __attribute__((aligned(4096)));
static uint8_t page[8192] __attribute__((aligned(4096)));

static void on_debug(Frame *f)
{
    hits++;
    hit_rip = f->rip;
    hit_dr6 = READ_DR(6);
    WRITE_DR(6, 0);
}

static void watch(const volatile void *p, unsigned kind, unsigned len)
{
    WRITE_DR(7, 0x400);
    WRITE_DR(0, p);
    WRITE_DR(7, 0x400 | ENABLE(0) | KIND(0, kind, len));
    hits = 0;
    hit_rip = hit_dr6 = 0;
}

static void unwatch(void)
{
    WRITE_DR(7, 0x400);
}

extern char store_next[], load_next[], xadd_next[], out_next[];

__attribute__((noinline)) static void store(void)
{
    __asm__ volatile("movq $7, %0\n"
                     "store_next: nop"
                     : "=m"(data.word));
}

__attribute__((noinline)) static void load(void)
{
    uint64_t v;

    __asm__ volatile("mov %1, %0\n"
                     "load_next: nop"
                     : "=r"(v)
                     : "m"(data.word));
}

__attribute__((noinline)) static void xadd(void)
{
    uint64_t v = 1;

    __asm__ volatile("lock xadd %0, %1\n"
                     "xadd_next: nop"
                     : "+r"(v), "+m"(data.word));
}

static void test_write(void)
{
    store(); /* translated already */
    watch(&data.word, ON_WRITE, LEN8);
    data.word = 0;
    hits = 0;
    store();
    check_eq(hits, 1, "a store hits");
    check_eq(hit_rip, (uintptr_t)store_next, "the trap is behind it");
    check_eq(hit_dr6 & 0xf, 1, "DR6.B0");
    check_eq(hit_dr6 & 0xe000, 0, "and no other cause");
    check_eq(data.word, 7, "the store is made");
    load();
    check_eq(hits, 1, "a load does not hit");
    data.before = data.after = 1;
    check_eq(hits, 1, "nor do stores beside it");
    xadd();
    check_eq(hits, 2, "LOCK XADD hits");
    check_eq(hit_rip, (uintptr_t)xadd_next, "behind it");
    check_eq(data.word, 8, "and adds once");
    unwatch();
    store();
    check_eq(hits, 2, "disabled");
}

static void test_access(void)
{
    watch(&data.word, ON_DATA, LEN8);
    load();
    check_eq(hits, 1, "a load hits R/W = 3");
    check_eq(hit_rip, (uintptr_t)load_next, "behind it");
    store();
    check_eq(hits, 2, "and so does a store");
    unwatch();
}

static void test_sizes(void)
{
    volatile uint8_t *b = (volatile uint8_t *)&data.word;

    watch(b + 3, ON_WRITE, LEN1);
    b[2] = 1;
    b[4] = 1;
    check_eq(hits, 0, "one byte: its neighbours");
    b[3] = 1;
    check_eq(hits, 1, "itself");
    *(volatile uint32_t *)b = 1;
    check_eq(hits, 2, "in a wider store");
    watch(b + 5, ON_WRITE, LEN4); /* as if b + 4 */
    b[3] = 1;
    check_eq(hits, 0, "four bytes are aligned: before");
    b[4] = 1;
    b[7] = 1;
    check_eq(hits, 2, "first and last");
    watch(b + 2, ON_WRITE, LEN2);
    *(volatile uint16_t *)(b + 1) = 1;
    check_eq(hits, 1, "a misaligned store that touches it");
    unwatch();
}

static void test_crossing(void)
{
    watch(page + 4096, ON_WRITE, LEN1);
    *(volatile uint32_t *)(page + 4094) = 0x11223344;
    check_eq(hits, 1, "a store across a page");
    check_eq(*(volatile uint32_t *)(page + 4094), 0x11223344, "is made");
    watch(page + 4095, ON_WRITE, LEN1);
    *(volatile uint32_t *)(page + 4094) = 0x55667788;
    check_eq(hits, 1, "its last byte before the end");
    watch(page + 4092, ON_DATA, LEN4);
    (void)*(volatile uint64_t *)(page + 4095);
    check_eq(hits, 1, "a load across a page");
    (void)*(volatile uint64_t *)(page + 4096);
    check_eq(hits, 1, "not one beside it");
    unwatch();
}

static void rep_stos(void *p, unsigned n)
{
    __asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(0x5a) : "memory");
}

static void test_string(void)
{
    watch(page + 100, ON_WRITE, LEN1);
    rep_stos(page, 256);
    check(hits >= 1, "REP STOSB hits");
    check(page[0] == 0x5a && page[255] == 0x5a && page[256] != 0x5a,
          "and stores all of it");
    unwatch();
}

static void movs(void *to, const void *from)
{
    __asm__ volatile("movsq" : "+D"(to), "+S"(from)::"memory");
}

/* MOVS reads one and writes the other. */
static void test_movs(void)
{
    watch(page + 8, ON_DATA, LEN8);
    WRITE_DR(1, page + 128);
    WRITE_DR(7, READ_DR(7) | ENABLE(1) | KIND(1, ON_WRITE, LEN8));
    movs(page + 128, page + 8);
    check_eq(hits, 1, "MOVS over two breakpoints is one trap");
    check_eq(hit_dr6 & 0xf, 3, "of both");
    movs(page + 256, page + 128);
    check_eq(hits, 1, "a read of one for writes is none");
    unwatch();
}

static void test_push(void)
{
    uint64_t at;

    __asm__ volatile("lea -8(%%rsp), %0" : "=r"(at));
    watch((void *)at, ON_WRITE, LEN8);
    __asm__ volatile("push $5\n\tpop %%rax" ::: "rax", "memory");
    check(hits >= 1, "PUSH hits");
    unwatch();
}

static void test_two(void)
{
    watch(&data.word, ON_WRITE, LEN8);
    WRITE_DR(3, &data.after);
    WRITE_DR(7, 0x400 | ENABLE(0) | ENABLE(3) | KIND(0, ON_WRITE, LEN8) |
                    KIND(3, ON_WRITE, LEN8));
    __asm__ volatile("movups %%xmm0, %0" : "=m"(*(uint8_t(*)[16]) & data.word));
    check_eq(hits, 1, "one store of two breakpoints is one trap");
    check_eq(hit_dr6 & 0xf, 9, "DR6.B0 and B3");
    unwatch();
}

static void test_io(void)
{
    WRITE_CR(4, READ_CR(4) | 8); /* DE */
    watch((void *)0x80, ON_IO, LEN1);
    __asm__ volatile("out %%al, $0x80\n"
                     "out_next: nop" ::"a"(0));
    check_eq(hits, 1, "OUT hits");
    check_eq(hit_rip, (uintptr_t)out_next, "behind it");
    outb(0x81, 0);
    check_eq(hits, 1, "another port does not");
    (void)inb(0x80);
    check_eq(hits, 2, "IN hits");
    (void)inl(0x7e);
    check_eq(hits, 3, "in a wider IN");
    (void)inl(0x7c);
    check_eq(hits, 3, "but not past it");
    watch((void *)0x82, ON_IO, LEN4);
    outb(0x80, 0);
    outb(0x83, 0);
    check_eq(hits, 2, "four ports, aligned");
    unwatch();
    WRITE_CR(4, READ_CR(4) & ~8ull);
    watch((void *)0x80, ON_IO, LEN1);
    outb(0x80, 0);
    check_eq(hits, 0, "without CR4.DE that type means nothing");
    unwatch();
    WRITE_CR(4, READ_CR(4) | 8);
}

/* Each repetition that hits is a trap behind it. */
static void test_string_io(void)
{
    const void *from = page;
    void *to = page;
    uint64_t n = 4;

    watch((void *)0x80, ON_IO, LEN1);
    __asm__ volatile("rep outsb" : "+S"(from), "+c"(n) : "d"(0x80) : "memory");
    check_eq(hits, 4, "REP OUTS");
    n = 3;
    __asm__ volatile("rep insb" : "+D"(to), "+c"(n) : "d"(0x80) : "memory");
    check_eq(hits, 7, "REP INS");
    check_eq(n, 0, "and goes on to its end");
    unwatch();
}

/* Single stepping reports both at once. */
static void test_step(void)
{
    watch(&data.word, ON_WRITE, LEN8);
    __asm__ volatile("pushfq\n\t"
                     "orl $0x100, (%%rsp)\n\t"
                     "popfq\n\t"
                     "movq $1, %0\n\t"
                     "pushfq\n\t"
                     "andl $~0x100, (%%rsp)\n\t"
                     "popfq"
                     : "=m"(data.word)
                     :
                     : "memory", "cc");
    check(hits >= 3, "single steps");
    unwatch();
}

int main(void)
{
    WRITE_CR(4, READ_CR(4) | 0x200); /* OSFXSR */
    on_vector(1, on_debug);
    test_write();
    test_access();
    test_sizes();
    test_crossing();
    test_string();
    test_movs();
    test_push();
    test_two();
    test_io();
    test_string_io();
    test_step();
    return 0;
}
