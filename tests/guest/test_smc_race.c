/* SPDX-License-Identifier: MIT */
/*
 * Code that one processor writes while another runs it: a store that was under
 * way when its page was translated for the first time must not be missed; and
 * stores beside code, without end, must not keep anybody from running it.
 * guest: -smp 2
 * Source: SDM vol. 3A, 8.1.3 "Handling Self- and Cross-Modifying Code", 8.3
 * "Serializing Instructions".
 */
#include "apic.h"

#define FROM    0xc00
#define FN      0xff0 /* MOV EAX, imm32; RET; NOP; NOP */
#define PATTERN 0x9090c300000000b8ull
#define CODE(i) (PATTERN | (uint64_t)(i) << 8)
#define BETWEEN 0x80000000u

static uint8_t *page;
volatile uint32_t flag;
static volatile uint32_t ack, wrong, spins;
static volatile uint32_t phase;

/* --- a store under way --- */

/* Runs the function all the time, so that it is translated whenever it has
 * changed; after the flag it must be the new one. */
static void race_runner(void)
{
    uint32_t last = 0;

    while (phase == 0) {
        uint32_t now;

        call_code(page + FN);
        now = flag;
        if (now != last) {
            cpuid(0, 0);
            wrong += call_code(page + FN) != now;
            last = now;
            ack = now;
        }
    }
}

/* Bytes go up the page one after the other, which takes a while. */
static void spread(void)
{
    const uint8_t *from = page + FROM;
    uint8_t *to = page + FROM + 8;
    uint64_t n = 4096 - FROM - 8;

    __asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(n)::"memory");
}

static void test_under_way(void)
{
    unsigned i, n = boot_word("quick") ? 1000 : 10000;

    for (i = 1; i <= n; i++) {
        *(volatile uint64_t *)(page + FROM) = CODE(i);
        /* No code is left in the page now. */
        *(volatile uint32_t *)(page + FN + 1) = i | BETWEEN;
        for (unsigned wait = i % 64 * 4; wait; wait--) {
            __asm__ volatile("nop");
        }
        spread();
        __atomic_store_n(&flag, i, __ATOMIC_SEQ_CST);
        SPIN_UNTIL(ack == i)
        {
        }
        if (ack != i) {
            break;
        }
    }
    check_eq(ack, n, "functions changed by a store that takes long");
    check_eq(wrong, 0, "and none run after its change as it was before");
}

/* --- a serialising instruction in the middle of a block --- */

/* Takes a while, reads the flag, serialises, and returns its immediate, which is
 * what was stored before the flag or later: all of it, as it is aligned (SDM vol.
 * 3A, 8.1.1 "Guaranteed Atomic Operations"). */
void serialised(void);
extern uint8_t serialised_imm[];
__asm__(".text; .balign 4096; serialised: fldpi; .rept 24; fsin; .endr;"
        "mov flag(%rip), %edi; xor %eax, %eax; push %rbx; cpuid; pop %rbx;"
        ".balign 4; .nops 3; .byte 0xb8; serialised_imm: .long 0;"
        "fstp %st(0); ret;"
        ".balign 4096");

/* Of the runner alone, which adds to them in more than one step. */
static volatile uint32_t changes, older;

static void serialised_runner(void)
{
    while (phase == 1) {
        uint32_t seen, value;

        __asm__ volatile("call serialised"
                         : "=a"(value), "=D"(seen)
                         :
                         : "rcx", "rdx", "memory", "cc");
        older += value < seen;
        changes++;
    }
}

static void test_serialised(void)
{
    unsigned i, n = boot_word("quick") ? 3000 : 100000;

    flag = 0;
    phase = 1;
    SPIN_UNTIL(changes)
    {
    }
    for (i = 1; i <= n; i++) {
        unsigned before = changes;

        *(volatile uint32_t *)serialised_imm = i;
        flag = i;
        SPIN_UNTIL(changes != before)
        {
        }
    }
    check_eq(older, 0, "CPUID: what follows is as it was stored before");
}

/* --- both change it --- */

static uint8_t *shared; /* a page with this function alone */

/* Each changes a byte of its own and then runs the function, which must have it
 * at once, whatever the other does to its byte: self-modifying code. */
static unsigned changed_missed(unsigned who, unsigned i)
{
    volatile uint8_t *byte = shared + 1 + who;
    unsigned again, miss = 0;

    *byte = i;
    for (again = i % 64 * 16 + 1; again; again--) { /* so that both know it */
        miss |= (uint8_t)(call_code(shared) >> 8 * who) != (uint8_t)i;
    }
    return miss;
}

static volatile uint32_t missed; /* by the runner */

static void changing_runner(void)
{
    for (unsigned i = 0; phase == 2; i++) {
        missed += changed_missed(1, i);
    }
}

static void test_both_change(void)
{
    unsigned i, n = boot_word("quick") ? 3000 : 100000, own = 0;

    shared = page_alloc();
    *(volatile uint64_t *)shared = CODE(0);
    phase = 2;
    for (i = 0; i < n; i++) {
        own += changed_missed(0, i);
    }
    phase = 3;
    SPIN_UNTIL(spins)
    {
    }
    check_eq(own + missed, 0, "each runs at once what it has changed itself");
}

/* --- stores beside code --- */

/* A lock in the page of the code that would release it. */
static void lock_runner(void)
{
    volatile uint8_t *lock = page + 0x100;

    while (phase == 3) {
        uint8_t busy = 1;

        __asm__ volatile("xchg %0, %1" : "+q"(busy), "+m"(*lock)::"memory");
        spins++;
    }
}

static void test_beside(void)
{
    uint8_t *fn = page + 0x200; /* long: takes a while to translate */
    uint64_t *last = (uint64_t *)(fn + 56);
    unsigned i, good = 0;

    memset(fn, 0x90, 56);
    SPIN_UNTIL(spins > 100)
    {
    }
    for (i = 0; i < 200; i++) {
        unsigned before = spins;

        *last = CODE(i);
        good += call_code(fn) == i;
        SPIN_UNTIL(spins != before)
        {
        }
    }
    check_eq(good, 200, "functions beside a lock that is tried all the time");
    phase = 4;
}

static void ap_main(unsigned index)
{
    (void)index;
    race_runner();
    serialised_runner();
    changing_runner();
    lock_runner();
}

int main(void)
{
    page = page_alloc();
    *(uint64_t *)(page + FN) = CODE(0);
    smp_start(ap_main);
    check_eq(smp_count(), 2, "processors");
    if (smp_count() != 2) {
        return 1;
    }
    test_under_way();
    test_serialised();
    test_both_change();
    test_beside();
    return 0;
}
