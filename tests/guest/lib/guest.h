/* SPDX-License-Identifier: MIT */
/*
 * What a test kernel can use.  It runs in long mode at CPL 0, memory below
 * 4 GiB mapped one to one, interrupts off, every vector caught.  Output goes to
 * the first serial port as TAP lines; the result ends the machine through
 * isa-debug-exit.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Saved by the common handler, lowest address first. */
typedef struct Frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx,
        rax;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
} Frame;

int main(void);

void *memset(void *p, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);

/* One TAP line: "ok" if @ok. */
void check(bool ok, const char *fmt, ...);
/* The same for two numbers that must be equal; both are printed if not. */
void check_eq(uint64_t got, uint64_t want, const char *fmt, ...);
void print(const char *fmt, ...); /* %s %d %u %x (64 bits) %c */

/*
 * The command line has words and NAME=NUMBERs.  "quick": the reduced form;
 * "seed": what random64() starts from.  "guest-ends: WORD" in a kernel's source
 * makes a run with that word that must end the machine.
 */
bool boot_word(const char *word);
bool boot_option(const char *name, uint64_t *value);
uint64_t random64(void);

/* Called for @vector instead of what follows; NULL takes it away. */
void on_vector(unsigned vector, void (*fn)(Frame *f));

/*
 * Run @fn(@arg) and tell how it ended: -1 if it returned, else the vector of
 * the exception that it raised, whose frame is in *frame.
 */
int catch(void (*fn)(void *arg), void *arg, Frame *frame);

/*
 * RAM is mapped a second time for CPL 3, from USER_BASE on.  A function run
 * there must not name its own data: it finds it by its argument (in RDI) and
 * by RIP.
 */
#define USER_BASE  0x40000000ull
#define USER_BYTES 0x08000000ull
#define USER_CS    0x3b
#define USER_CS32  0x2b
#define USER_SS    0x33
#define USER_EXIT  0x81 /* "int" with this ends it as a return does */
static inline void *user_alias(const void *p)
{
    return (void *)((uintptr_t)p + USER_BASE);
}
typedef struct UserMode {
    uint16_t cs;
    uint64_t rflags;
} UserMode;
/* catch() at CPL 3; the frame holds the registers after a return, too. */
int catch_user(const void *fn, uint64_t arg, Frame *frame);
int catch_user_as(const void *fn, uint64_t arg, const UserMode *mode,
                  Frame *frame);

/*
 * Call 32-bit code in protected mode, without paging and without long mode.
 * It must return with flat segments; what it does to IDTR and TR is undone.
 */
void run_protected(const void *code);

/* EAX of code that keeps what a function does. */
static inline uint32_t call_code(const void *at)
{
    uint32_t value;

    __asm__ volatile("call *%1"
                     : "=a"(value)
                     : "r"(at)
                     : "rcx", "rdx", "rsi", "rdi", "memory", "cc");
    return value;
}

/* Set CR4 and CR3 with paging off in between, as LA57 needs. */
void change_paging(uint64_t cr4, uint64_t cr3);

void *page_alloc(void); /* 4 KiB, zeroed, below 4 GiB */
/* Map one 4 KiB page in the current tables with the given low bits. */
void page_map(uint64_t va, uint64_t pa, uint64_t bits);
uint64_t *page_entry(uint64_t va); /* its last-level entry; splits 2 MiB */
/* Its entry at a level: 1 of a page table to 4 of the PML4. */
uint64_t *page_entry_at(uint64_t va, unsigned level);

/* Start the other CPUs and wait for them; each calls ap_main(index), index
 * from 1. */
void smp_start(void (*ap_main)(unsigned index));
unsigned smp_count(void); /* running, with this one */

#define TSS_SELECTOR 0x48
extern uint64_t gdt[];
extern struct Tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3, iomap;
} __attribute__((packed)) tss;
extern struct IdtEntry {
    uint16_t offset0, selector;
    uint8_t ist, type;
    uint16_t offset1;
    uint32_t offset2, reserved;
} idt[256];
void idt_set(unsigned vector, void *handler, unsigned type, unsigned ist);

static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port));
}
static inline uint8_t inb(uint16_t port)
{
    uint8_t v;

    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline void outw(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port));
}
static inline void outl(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(port));
}
static inline uint32_t inl(uint16_t port)
{
    uint32_t v;

    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return (uint64_t)hi << 32 | lo;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
    __asm__ volatile("wrmsr" ::"a"((uint32_t)v), "d"((uint32_t)(v >> 32)),
                     "c"(msr));
}
#define READ_CR(n)                                                             \
    ({                                                                         \
        uint64_t v_;                                                           \
        __asm__ volatile("mov %%cr" #n ", %0" : "=r"(v_));                     \
        v_;                                                                    \
    })
#define WRITE_CR(n, v)                                                         \
    __asm__ volatile("mov %0, %%cr" #n ::"r"((uint64_t)(v)) : "memory")
#define READ_DR(n)                                                             \
    ({                                                                         \
        uint64_t v_;                                                           \
        __asm__ volatile("mov %%dr" #n ", %0" : "=r"(v_));                     \
        v_;                                                                    \
    })
#define WRITE_DR(n, v)                                                         \
    __asm__ volatile("mov %0, %%dr" #n ::"r"((uint64_t)(v)) : "memory")
typedef struct CpuidRegs {
    uint32_t a, b, c, d;
} CpuidRegs;
static inline CpuidRegs cpuid(uint32_t leaf, uint32_t sub)
{
    CpuidRegs r = {leaf, 0, sub, 0};

    __asm__ volatile("cpuid" : "+a"(r.a), "=b"(r.b), "+c"(r.c), "=d"(r.d));
    return r;
}
static inline void invlpg(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}

#endif
