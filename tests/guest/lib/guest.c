/* SPDX-License-Identifier: MIT */
/* Runtime of the test kernels. */
#include "guest.h"

#include <stdarg.h>

#define COM1       0x3f8
#define DEBUG_EXIT 0x501
#define APIC_BASE  0xfee00000u
#define SMP_PATIENCE_MS 5000 /* the host may be busy */

extern char vectors[], end[], ap_start[], ap_start_end[];
void leave_long_mode(const void *code);
extern uint64_t pml4[], pd[];
extern uint32_t ap_count;
extern uint64_t boot_info; /* Multiboot information structure */

struct Tss tss;
struct IdtEntry idt[256];
static void (*handlers[256])(Frame *f);
static unsigned ntests, nfailed;
static char *heap;
static char ist_stack[8192] __attribute__((aligned(16)));
static char rsp0_stack[8192] __attribute__((aligned(16)));
static char user_stack[8192] __attribute__((aligned(16)));
static void (*ap_main_fn)(unsigned index);

/* Where a function at CPL 3 returns to. */
void user_exit(void);
__asm__(".text; user_exit: int $0x81; ud2");

void *memset(void *p, int c, size_t n)
{
    uint8_t *b = p;

    while (n--) {
        *b++ = c;
    }
    return p;
}

void *memcpy(void *to, const void *from, size_t n)
{
    const uint8_t *s = from;
    uint8_t *d = to;

    while (n--) {
        *d++ = *s++;
    }
    return to;
}

static void put(char c)
{
    while (!(inb(COM1 + 5) & 0x20)) {
    }
    outb(COM1, c);
}

static void put_number(uint64_t v, unsigned base)
{
    char buf[24];
    unsigned n = 0;

    do {
        buf[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    while (n) {
        put(buf[--n]);
    }
}

static void vprint(const char *fmt, va_list ap)
{
    for (; *fmt; fmt++) {
        int64_t d;
        const char *s;

        if (*fmt != '%') {
            put(*fmt);
            continue;
        }
        switch (*++fmt) {
        case 'd':
            d = va_arg(ap, int);
            if (d < 0) {
                put('-');
                d = -d;
            }
            put_number(d, 10);
            break;
        case 'u':
            put_number(va_arg(ap, unsigned), 10);
            break;
        case 'x':
            put_number(va_arg(ap, uint64_t), 16);
            break;
        case 'c':
            put(va_arg(ap, int));
            break;
        case 's':
            for (s = va_arg(ap, const char *); *s; s++) {
                put(*s);
            }
            break;
        default:
            put(*fmt);
        }
    }
}

void print(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprint(fmt, ap);
    va_end(ap);
}

static void tap(bool ok, const char *fmt, va_list ap)
{
    ntests++;
    nfailed += !ok;
    print(ok ? "ok %u - " : "not ok %u - ", ntests);
    vprint(fmt, ap);
}

void check(bool ok, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    tap(ok, fmt, ap);
    va_end(ap);
    put('\n');
}

void check_eq(uint64_t got, uint64_t want, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    tap(got == want, fmt, ap);
    va_end(ap);
    if (got != want) {
        print(" # got %x, want %x", got, want);
    }
    put('\n');
}

/* The port makes the process exit with (value << 1) | 1. */
__attribute__((noreturn)) void finish(int status)
{
    print("1..%u\n", ntests);
    outb(DEBUG_EXIT, nfailed || status ? 1 : 0);
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

/* After the name of an option at @at: its value, 1 if it has none. */
static uint64_t option_value(const char *at)
{
    uint64_t v = 0;

    if (*at++ != '=') {
        return 1;
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        v = 10 * v + *at - '0';
    }
    return v;
}

/* Loaders put it where the heap will be. */
static char boot_line[256];

static void keep_boot_line(void)
{
    const uint32_t *info = (uint32_t *)boot_info;
    const char *from = (const char *)(uintptr_t)info[4];
    size_t n;

    for (n = 0; (info[0] & 4) && from[n] && n < sizeof(boot_line) - 1; n++) {
        boot_line[n] = from[n];
    }
}

bool boot_option(const char *name, uint64_t *value)
{
    const char *at = boot_line;

    while (*at) {
        const char *n = name;

        while (*n && *at == *n) {
            at++;
            n++;
        }
        if (!*n && (!*at || *at == ' ' || *at == '=')) {
            *value = option_value(at);
            return true;
        }
        while (*at && *at++ != ' ') {
        }
    }
    return false;
}

bool boot_word(const char *word)
{
    uint64_t value;

    return boot_option(word, &value);
}

/* xorshift64*: the same sequence on every machine. */
static uint64_t random_state = 0x9e3779b97f4a7c15;

uint64_t random64(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1d;
}

/* --- exceptions and interrupts --- */

void on_vector(unsigned vector, void (*fn)(Frame *f))
{
    handlers[vector] = fn;
}

static struct {
    bool active;
    int vector;
    Frame frame;
    uint64_t rsp, rip;
} caught;

void handle_vector(Frame *f)
{
    if (handlers[f->vector]) {
        handlers[f->vector](f);
        return;
    }
    if (caught.active && (f->vector < 32 || f->vector == USER_EXIT)) {
        caught.active = false;
        caught.vector = f->vector == USER_EXIT ? -1 : (int)f->vector;
        caught.frame = *f;
        f->rip = caught.rip;
        f->rsp = caught.rsp;
        f->cs = 0x08;
        f->ss = 0x10;
        f->rflags = 2;
        return;
    }
    print("Bail out! vector %u error %x rip %x cr2 %x\n", (unsigned)f->vector,
          f->error, f->rip, READ_CR(2));
    finish(1);
}

/* All registers are lost on the way back; RBP is saved by hand. */
#define LOST                                                                   \
    "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", \
        "r14", "r15", "memory", "cc"

int catch(void (*fn)(void *arg), void *arg, Frame *frame)
{
    caught.active = true;
    caught.vector = -1;
    __asm__ volatile("push %%rbp\n\t"
                     "mov %%rsp, %2\n\t"
                     "lea 1f(%%rip), %%rax\n\t"
                     "mov %%rax, %3\n\t"
                     "and $-16, %%rsp\n\t"
                     "call *%1\n\t"
                     "1: mov %2, %%rsp\n\t"
                     "pop %%rbp\n\t"
                     : "+D"(arg)
                     : "r"(fn), "m"(caught.rsp), "m"(caught.rip)
                     : LOST);
    caught.active = false;
    if (frame) {
        *frame = caught.frame;
    }
    return caught.vector;
}

/* --- privilege level 3 --- */

int catch_user_as(const void *fn, uint64_t arg, const UserMode *mode,
                  Frame *frame)
{
    uint64_t *sp = (uint64_t *)(user_stack + sizeof(user_stack)) - 1;
    struct {
        uint64_t rip, cs, rflags, rsp, ss;
    } to = {(uintptr_t)user_alias(fn), mode->cs, mode->rflags,
            (uintptr_t)user_alias(sp), 0x33};

    *sp = (uintptr_t)user_alias(user_exit);
    caught.active = true;
    caught.vector = -2;
    __asm__ volatile("push %%rbp\n\t"
                     "mov %%rsp, %2\n\t"
                     "lea 1f(%%rip), %%rax\n\t"
                     "mov %%rax, %3\n\t"
                     "pushq 32(%1)\n\t"
                     "pushq 24(%1)\n\t"
                     "pushq 16(%1)\n\t"
                     "pushq 8(%1)\n\t"
                     "pushq (%1)\n\t"
                     "iretq\n\t"
                     "1: mov %2, %%rsp\n\t"
                     "pop %%rbp\n\t"
                     : "+D"(arg)
                     : "r"(&to), "m"(caught.rsp), "m"(caught.rip), "m"(to)
                     : LOST);
    caught.active = false;
    if (frame) {
        *frame = caught.frame;
    }
    return caught.vector;
}

int catch_user(const void *fn, uint64_t arg, Frame *frame)
{
    static const UserMode plain = {USER_CS, 2};

    return catch_user_as(fn, arg, &plain, frame);
}

/* RAM once more, for CPL 3, by 2 MiB pages. */
static void map_user_alias(void)
{
    unsigned i;

    for (i = 0; i < USER_BYTES >> 21; i++) {
        pd[(USER_BASE >> 21) + i] = (uint64_t)i << 21 | 0x87;
    }
    idt_set(USER_EXIT, vectors + 16 * USER_EXIT, 0x60 | 14, 0);
    tss.rsp[0] = (uintptr_t)rsp0_stack + sizeof(rsp0_stack);
}

void idt_set(unsigned vector, void *handler, unsigned type, unsigned ist)
{
    uint64_t offset = (uintptr_t)handler;

    idt[vector] = (struct IdtEntry){
        offset, 0x08, ist, 0x80 | type, offset >> 16, offset >> 32, 0};
}

static void load_idt(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) ptr = {sizeof(idt) - 1, (uintptr_t)idt};

    __asm__ volatile("lidt %0" ::"m"(ptr));
}

static void load_tss(void)
{
    uint64_t base = (uintptr_t)&tss, limit = sizeof(tss) - 1;

    gdt[TSS_SELECTOR / 8] = limit | (base & 0xffffff) << 16 | 0x89ull << 40 |
                            (base >> 24 & 0xff) << 56;
    gdt[TSS_SELECTOR / 8 + 1] = base >> 32;
    __asm__ volatile("ltr %w0" ::"r"(TSS_SELECTOR));
}

void run_protected(const void *code)
{
    leave_long_mode(code);
    load_idt();
    load_tss();
}

void runtime_init(void)
{
    uint64_t seed;
    unsigned i;

    for (i = 0; i < 256; i++) {
        idt_set(i, vectors + 16 * i, 14, 0);
    }
    /* With a broken stack in hand: #DF, #SS. */
    tss.ist[0] = (uintptr_t)ist_stack + sizeof(ist_stack);
    idt[8].ist = idt[12].ist = 1;
    load_idt();
    outb(0x21, 0xff); /* the firmware's timer must not come in */
    outb(0xa1, 0xff);
    tss.iomap = sizeof(tss);
    load_tss();
    map_user_alias();
    keep_boot_line();
    heap = (char *)(((uintptr_t)end + 4095) & -4096ull);
    if (boot_option("seed", &seed)) {
        random_state ^= seed << 1;
    }
}

/* --- memory --- */

void *page_alloc(void)
{
    void *p = heap;

    heap += 4096;
    return memset(p, 0, 4096);
}

static uint64_t *next_table(uint64_t *entry, unsigned level)
{
    uint64_t *table, i;

    if (*entry & 1 && !(*entry & 0x80)) {
        return (uint64_t *)(*entry & 0xffffffffff000ull);
    }
    table = page_alloc();
    if (*entry & 1 && level == 1) { /* split 2 MiB */
        for (i = 0; i < 512; i++) {
            table[i] = (*entry & ~0x80ull) + i * 4096;
        }
    }
    *entry = (uintptr_t)table | 7;
    return table;
}

uint64_t *page_entry_at(uint64_t va, unsigned level)
{
    uint64_t *table = pml4;
    unsigned l;

    for (l = 4; l > level; l--) {
        table = next_table(&table[va >> (3 + 9 * l) & 511], l - 1);
    }
    return &table[va >> (3 + 9 * level) & 511];
}

uint64_t *page_entry(uint64_t va)
{
    return page_entry_at(va, 1);
}

void page_map(uint64_t va, uint64_t pa, uint64_t bits)
{
    *page_entry(va) = pa | bits;
    invlpg(va);
}

/* --- other CPUs --- */

void ap_enter(unsigned index)
{
    load_idt();
    ap_main_fn(index);
}

static void icr(uint32_t lo)
{
    *(volatile uint32_t *)(uintptr_t)(APIC_BASE + 0x310) = 0;
    *(volatile uint32_t *)(uintptr_t)(APIC_BASE + 0x300) = lo;
    while (*(volatile uint32_t *)(uintptr_t)(APIC_BASE + 0x300) & 0x1000) {
    }
}

static void delay_ms(unsigned ms)
{
    /* PIT channel 2, one shot: SDM-independent and the same everywhere. */
    for (; ms; ms--) {
        outb(0x61, (inb(0x61) & ~2) | 1);
        outb(0x43, 0xb0);
        outb(0x42, 1193 & 0xff);
        outb(0x42, 1193 >> 8);
        while (!(inb(0x61) & 0x20)) {
        }
    }
}

unsigned smp_count(void)
{
    return __atomic_load_n(&ap_count, __ATOMIC_SEQ_CST);
}

/* What fw_cfg says of the machine. */
static unsigned machine_cpus(void)
{
    unsigned low;

    outw(0x510, 5);
    low = inb(0x511);
    return low | inb(0x511) << 8;
}

void smp_start(void (*ap_main)(unsigned index))
{
    unsigned cpus = machine_cpus(), ms;

    ap_main_fn = ap_main;
    memcpy((void *)0x8000, ap_start, ap_start_end - ap_start);
    *(volatile uint32_t *)(uintptr_t)(APIC_BASE + 0xf0) = 0x1ff;
    icr(0xc4500);
    delay_ms(10);
    icr(0xc4608);
    for (ms = 0; ms < SMP_PATIENCE_MS && smp_count() != cpus; ms++) {
        delay_ms(1);
    }
}

