/* SPDX-License-Identifier: MIT */
/*
 * Code that changes: by itself, ahead of itself, through another mapping, by
 * another processor, by every kind of store.
 * guest: -smp 2
 * Source: SDM vol. 3A, 8.1.3 "Handling Self- and Cross-Modifying Code", 11.6
 * "Self-Modifying Code".
 */
#include "apic.h"

#define ALIAS 0x200000000ull

typedef uint32_t Function(void);

static uint8_t *code; /* two pages in a row */

static void put_function(uint8_t *at, uint32_t value)
{
    at[0] = 0xb8; /* MOV EAX, imm32; RET */
    memcpy(at + 1, &value, 4);
    at[5] = 0xc3;
}

/* --- within one run of code --- */

static void test_next_instruction(void)
{
    uint32_t v;

    __asm__ volatile("movb $7, 1f + 1(%%rip)\n"
                     "1: mov $1, %%eax\n"
                     "movb $1, 1b + 1(%%rip)"
                     : "=a"(v)
                     :
                     : "memory");
    check_eq(v, 7, "the next instruction");
}

static void test_ahead(void)
{
    uint32_t v, c;

    __asm__ volatile("mov $2, %%ecx\n"
                     "xor %%eax, %%eax\n"
                     "1: movb %%cl, 2f + 2(%%rip)\n"
                     "nop; nop; nop\n"
                     "add $1, %%eax\n"
                     "2: add $0x40, %%eax\n"
                     "dec %%ecx\n"
                     "jnz 1b"
                     : "=&a"(v), "=&c"(c)
                     :
                     : "memory", "cc");
    check_eq(v, 5, "an immediate further on, changed each time round");
}

/* An instruction that overwrites itself runs as it was fetched. */
static void test_itself(void)
{
    uint64_t v = 0;

    __asm__ volatile("lea 1f(%%rip), %%rdi\n"
                     "mov $0x90, %%al\n"
                     "mov $5, %%ecx\n"
                     "xor %%edx, %%edx\n"
                     "1: rep stosb\n"
                     "mov $7, %%cl\n" /* overwritten, like what is next */
                     "nop\n"
                     "mov %%rcx, %0\n"
                     : "+r"(v)
                     :
                     : "rax", "rcx", "rdx", "rdi", "memory");
    check_eq(v, 0, "rep stosb over itself");
}

/* A loop whose branch is redirected from inside. */
static void test_branch(void)
{
    uint32_t v;

    __asm__ volatile("xor %%eax, %%eax\n"
                     "1: inc %%eax\n"
                     "cmp $1000, %%eax\n"
                     "jne 2f\n"
                     "movb $3f - (4f + 2), 4f + 1(%%rip)\n"
                     "2: nop\n"
                     "4: .byte 0xeb, 1b - (4b + 2)\n"
                     "ud2\n"
                     "3: movb $1b - (4b + 2), 4b + 1(%%rip)\n"
                     : "=a"(v)
                     :
                     : "memory", "cc");
    check_eq(v, 1000, "a jump of a linked loop, redirected");
}

/* --- calls of changed functions --- */

static void test_repeated(uint8_t *at, const char *what)
{
    unsigned i, wrong = 0;

    for (i = 0; i < 500; i++) {
        put_function(at, i);
        wrong += call_code(at) != i;
    }
    check_eq(wrong, 0, "500 changes of a function %s", what);
}

/* Only the byte in the second page changes. */
static void test_page_crossing(void)
{
    uint8_t *at = code + 4096 - 3;
    unsigned i, wrong = 0;

    put_function(at, 0);
    for (i = 0; i < 256; i++) {
        code[4097] = i;
        wrong += call_code(at) != i << 24;
    }
    check_eq(wrong, 0, "last byte of an instruction over two pages");
    for (i = 0; i < 256; i++) {
        at[1] = i;
        wrong += call_code(at) != (i | 255u << 24);
    }
    check_eq(wrong, 0, "first byte of its immediate");
}

static void test_alias(void)
{
    volatile uint8_t *alias = (uint8_t *)ALIAS;
    unsigned i, wrong = 0;

    page_map(ALIAS, (uintptr_t)code, 3);
    put_function(code + 0x100, 0);
    for (i = 0; i < 100; i++) {
        alias[0x101] = i;
        wrong += call_code(code + 0x100) != i;
        wrong += call_code((void *)(ALIAS + 0x100)) != i;
        code[0x101] = i + 1;
        wrong += call_code((void *)(ALIAS + 0x100)) != i + 1;
        wrong += call_code(code + 0x100) != i + 1;
    }
    check_eq(wrong, 0, "changes through another mapping");
}

/* The same linear address leads to other code. */
static void test_remap(void)
{
    uint8_t *other = page_alloc();
    uint64_t frame[2] = {(uintptr_t)code, (uintptr_t)other};
    unsigned i, wrong = 0;

    put_function(code + 0x200, 1);
    put_function(other + 0x200, 2);
    for (i = 0; i < 100; i++) {
        page_map(ALIAS, frame[i & 1], 3);
        wrong += call_code((void *)(ALIAS + 0x200)) != (i & 1) + 1;
    }
    check_eq(wrong, 0, "a code page mapped elsewhere");
    /* The second page of an instruction is mapped elsewhere. */
    put_function(code + 4093, 0x01020304);
    memcpy(other, code + 4096, 16);
    other[1] = 0x55;
    frame[0] = (uintptr_t)code + 4096;
    page_map(ALIAS, (uintptr_t)code, 3);
    for (i = 0; i < 100; i++) {
        page_map(ALIAS + 4096, frame[i & 1], 3);
        wrong += call_code((void *)(ALIAS + 4093)) !=
                 (i & 1 ? 0x55020304u : 0x01020304u);
    }
    check_eq(wrong, 0, "its second page mapped elsewhere");
}

/* --- every kind of store --- */

#define STORE(name, text)                                                      \
    static void name(uint8_t *p, uint64_t v)                                   \
    {                                                                          \
        __asm__ volatile(text                                                  \
                         : "+D"(p), "+S"(v)::"rax", "rbx", "rcx", "rdx",       \
                           "memory", "cc");                                    \
    }

STORE(store_8, "mov %%sil, (%%rdi)")
STORE(store_32, "mov %%esi, (%%rdi)")
STORE(store_xchg, "mov %%esi, %%eax; xchg %%eax, (%%rdi)")
STORE(store_cmpxchg, "mov (%%rdi), %%eax; lock cmpxchg %%esi, (%%rdi)")
STORE(store_rmw, "mov %%esi, %%eax; sub (%%rdi), %%eax; add %%eax, (%%rdi)")
STORE(store_lock_rmw,
      "mov %%esi, %%eax; sub (%%rdi), %%eax; lock add %%eax, (%%rdi)")
STORE(store_cmpxchg16b,
      "mov (%%rdi), %%rax; mov 8(%%rdi), %%rdx; mov %%rsi, %%rbx;"
      "mov %%rdx, %%rcx; lock cmpxchg16b (%%rdi)")
STORE(store_push, "mov %%rsp, %%rcx; lea 8(%%rdi), %%rsp; push %%rsi;"
                  "mov %%rcx, %%rsp")
STORE(store_movs, "push %%rsi; mov %%rsp, %%rsi; movsl; pop %%rsi")
STORE(store_rep_movs,
      "push %%rsi; mov %%rsp, %%rsi; mov $4, %%ecx; rep movsb; pop %%rsi")
STORE(store_rep_stos, "mov %%esi, %%eax; mov $1, %%ecx; rep stosl")
STORE(store_movq, "movq %%rsi, %%xmm0; movq %%xmm0, (%%rdi)")
STORE(store_movups,
      "movups (%%rdi), %%xmm0; movq %%rsi, %%xmm1; movsd %%xmm1, %%xmm0;"
      "movups %%xmm0, (%%rdi)")
STORE(store_fistp, "push %%rsi; fildll (%%rsp); fistpll (%%rdi); pop %%rsi")
STORE(store_before, "movups -13(%%rdi), %%xmm0; push %%rsi; push %%rsi;"
                    "movups %%xmm0, (%%rsp); mov %%sil, 13(%%rsp);"
                    "movups (%%rsp), %%xmm0; movups %%xmm0, -13(%%rdi);"
                    "pop %%rsi; pop %%rsi")

static void test_store(void (*store)(uint8_t *, uint64_t), const char *what)
{
    uint8_t *at = code + 0x30f; /* its immediate is aligned to 16 */
    unsigned i, wrong = 0;

    put_function(at, 0);
    for (i = 0; i < 20; i++) {
        uint64_t old = *(uint64_t *)(at + 1) & ~0xffffffffull;

        store(at + 1, old | i);
        wrong += call_code(at) != i;
    }
    check_eq(wrong, 0, "changed by %s", what);
}

static void test_stores(void)
{
    static const struct {
        void (*store)(uint8_t *, uint64_t);
        const char *what;
    } rows[] = {
        {store_8, "mov, 8 bits"},
        {store_32, "mov, 32 bits"},
        {store_xchg, "xchg"},
        {store_cmpxchg, "lock cmpxchg"},
        {store_rmw, "add"},
        {store_lock_rmw, "lock add"},
        {store_cmpxchg16b, "lock cmpxchg16b"},
        {store_push, "push"},
        {store_movs, "movs"},
        {store_rep_movs, "rep movs"},
        {store_rep_stos, "rep stos"},
        {store_movq, "movq"},
        {store_movups, "movups"},
        {store_fistp, "fistp"},
        {store_before, "a vector that starts before it"},
    };
    unsigned i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        test_store(rows[i].store, rows[i].what);
    }
}

/* Data beside the code changes and the code does not. */
static void test_data_beside(void)
{
    volatile uint32_t *counter = (uint32_t *)(code + 0x480);
    unsigned i, wrong = 0;

    put_function(code + 0x400, 42);
    *counter = 0;
    for (i = 0; i < 2000; i++) {
        *counter += 1;
        wrong += call_code(code + 0x400) != 42;
    }
    check(!wrong && *counter == 2000, "data in the page of the code");
}

/* --- another processor --- */

static volatile uint32_t turn, done;
static volatile uint32_t seen_wrong;

static void serialise(void)
{
    cpuid(0, 0);
    __asm__ volatile("" ::: "memory");
}

/* An immediate that is aligned changes as one; nobody waits for anybody. */
#define FREE 0x543 /* so that the immediate is at 544h */
static volatile uint32_t free_seen, free_wrong, free_done;

static void free_runner(void)
{
    uint32_t last = 0;

    while (!free_done) {
        uint32_t v = call_code(code + FREE);

        free_wrong += v < last;
        last = v;
        free_seen = v;
    }
}

static void test_unsynchronised(void)
{
    unsigned i, n = boot_word("quick") ? 2000 : 20000;

    put_function(code + FREE, 0);
    done = 1; /* the other one goes there */
    for (i = 1; i <= n; i++) {
        *(volatile uint32_t *)(code + FREE + 1) = i;
    }
    SPIN_UNTIL(free_seen == n)
    {
    }
    free_done = 1;
    check_eq(free_seen, n, "the last of many changes is seen at last");
    check_eq(free_wrong, 0, "and none after a later one");
}

static void runner(unsigned index)
{
    uint32_t last = 0;

    (void)index;
    while (!done) {
        if (turn == last) {
            __asm__ volatile("pause");
            continue;
        }
        last = turn;
        serialise();
        if (call_code(code + 0x500) != last) {
            seen_wrong++;
        }
        __atomic_store_n(&turn, 0, __ATOMIC_SEQ_CST);
        last = 0;
    }
    free_runner();
}

static void test_cross_modifying(void)
{
    unsigned i;

    put_function(code + 0x500, 0);
    smp_start(runner);
    check_eq(smp_count(), 2, "a second processor");
    for (i = 1; i <= 400 && smp_count() == 2; i++) {
        put_function(code + 0x500, i);
        __atomic_store_n(&turn, i, __ATOMIC_SEQ_CST);
        while (turn) {
            __asm__ volatile("pause");
        }
    }
    check_eq(seen_wrong, 0, "400 changes run by another processor");
}

int main(void)
{
    code = page_alloc();
    (void)page_alloc();
    test_next_instruction();
    test_ahead();
    test_itself();
    test_branch();
    test_repeated(code + 0x40, "in a page");
    test_repeated(code + 4090, "at the end of a page");
    test_page_crossing();
    test_alias();
    test_remap();
    test_stores();
    test_data_beside();
    test_cross_modifying();
    test_unsynchronised();
    return 0;
}
