/* SPDX-License-Identifier: MIT */
/*
 * What one piece of code leads to: jumps and returns to pages that have been
 * mapped elsewhere, or whose code has changed, since the last time.
 * Source: SDM vol. 3A, 4.10.4 "Invalidation of TLBs and Paging-Structure
 * Caches"; 8.1.3 "Handling Self- and Cross-Modifying Code".
 */
#include "guest.h"

#define VA 0x200000000ull /* two pages of code */

static uint8_t *near, *far[2]; /* what the first and the second are mapped to */

static uint8_t *put(uint8_t *at, const char *bytes, unsigned n)
{
    memcpy(at, bytes, n);
    return at + n;
}
#define PUT(at, bytes) put(at, bytes, sizeof(bytes) - 1)

static uint32_t run(uint64_t va, uint32_t count)
{
    uint32_t value;

    __asm__ volatile("xor %%eax, %%eax\n"
                     "call *%2"
                     : "=&a"(value), "+c"(count)
                     : "r"(va)
                     : "rdx", "rsi", "rdi", "memory", "cc");
    return value;
}

static void map_far(uint64_t pa)
{
    page_map(VA + 4096, pa, 3);
}

static void begin(void)
{
    page_map(VA, (uintptr_t)near, 3);
    map_far((uintptr_t)far[0]);
}

/*
 * An instruction over both pages that is reached by a jump from the first: add
 * to EAX an immediate whose last two bytes are in the second page, ECX times.
 */
static void put_split_loop(void)
{
    PUT(near + 0xff0, "\x90\xeb\x08");         /* NOP; JMP to the next line */
    PUT(near + 0xffb, "\x90\x90\x05\x01\x00"); /* NOP; NOP; ADD EAX, imm32 */
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *at = PUT(far[i], "\x01\x00"); /* 0x10001 or 0x20001 */

        far[i][0] += i;
        at = PUT(at, "\xff\xc9"); /* DEC ECX */
        PUT(at, "\x75\xea\xc3");  /* JNZ to the first NOP; RET */
    }
}

static void test_split(void)
{
    unsigned i, wrong = 0;

    begin();
    put_split_loop();
    for (i = 0; i < 100; i++) {
        map_far((uintptr_t)far[i & 1]);
        wrong += run(VA + 0xff0, 5) != 5 * (((i & 1) + 1) << 16 | 1);
    }
    check_eq(wrong, 0, "the end of an instruction, mapped elsewhere");
    wrong = 0;
    for (i = 0; i < 100; i++) {
        far[0][0] = i;
        map_far((uintptr_t)far[0]);
        wrong += run(VA + 0xff0, 3) != 3 * (i << 16 | 1);
    }
    check_eq(wrong, 0, "the end of an instruction, written");
}

/* Where nothing answers all bits read as ones. */
static void test_split_device(void)
{
    unsigned i, wrong = 0;
    Frame f;

    begin();
    put_split_loop();
    PUT(near + 0xffd, "\xb8\x01\x00"); /* MOV EAX, imm32... */
    PUT(far[0], "\x02\x00\xc3");       /* ...0x20001; RET */
    for (i = 0; i < 20; i++) {
        map_far((uintptr_t)far[0]);
        wrong += run(VA + 0xff0, 1) != 0x20001;
        map_far(0xd0000000);
        /* Bytes of ones behind it are no instruction. */
        wrong += catch ((void (*)(void *))(VA + 0xff0), NULL, &f) != 6 ||
                 f.rip != VA + 0x1002 || f.rax != 0xffff0001;
    }
    check_eq(wrong, 0, "the end of an instruction, in RAM and in no RAM");
}

static unsigned round;

/* The code that this returns to changes meanwhile. */
static void change_caller(void)
{
    if (round & 2) {
        near[0x103] = round;
    } else {
        page_map(VA, (uintptr_t)(round & 1 ? far[0] : near), 3);
    }
}

static void test_return(void)
{
    unsigned wrong = 0, want;
    uint32_t value;

    begin();
    PUT(near + 0x100, "\xff\xd2\xb8\x00\x00\x00\x00\xc3");   /* CALL RDX; */
    PUT(far[0] + 0x100, "\xff\xd2\xb8\xff\x00\x00\x00\xc3"); /* MOV; RET */
    for (round = 0; round < 100; round++) {
        void (*callee)(void) = change_caller;

        page_map(VA, (uintptr_t)near, 3);
        __asm__ volatile("call *%2"
                         : "=a"(value), "+d"(callee)
                         : "r"(VA + 0x100)
                         : "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11",
                           "memory", "cc");
        want = (round & 3) == 1 ? 0xff : near[0x103];
        wrong += value != want;
    }
    check_eq(wrong, 0, "a return to what was mapped elsewhere or written");
}

/* From near to far and back, ECX times, by relative jumps of both kinds; EAX
 * counts what far adds. */
static void put_far_loop(void)
{
    PUT(near + 0x200, "\xe9\xfb\x10\x00\x00"); /* JMP far + 0x300 */
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *at = PUT(far[i] + 0x300, "\x83\xc0"); /* ADD EAX, i + 1 */

        *at++ = i + 1;
        at = PUT(at, "\xff\xc9");                /* DEC ECX */
        PUT(at, "\x0f\x85\xf5\xee\xff\xff\xc3"); /* JNZ near + 0x200; RET */
    }
}

static void test_far(void)
{
    unsigned i, wrong = 0;

    begin();
    put_far_loop();
    for (i = 0; i < 100; i++) {
        map_far((uintptr_t)far[i & 1]);
        wrong += run(VA + 0x200, 5) != 5 * ((i & 1) + 1);
    }
    check_eq(wrong, 0, "the page that is jumped to, mapped elsewhere");
    wrong = 0;
    for (i = 0; i < 100; i++) {
        far[0][0x302] = i;
        if (i & 1) {
            map_far((uintptr_t)far[1]);
            wrong += run(VA + 0x200, 3) != 3 * 2;
        }
        map_far((uintptr_t)far[0]);
        wrong += run(VA + 0x200, 3) != 3 * i;
    }
    check_eq(wrong, 0, "the page that is jumped to, written");
}

#define CR4_SMEP (1ull << 20)

static void set_smep(bool on)
{
    WRITE_CR(4, (READ_CR(4) & ~CR4_SMEP) | (on ? CR4_SMEP : 0));
}

/* Jumps to one page from a page of CPL 0's and from one of CPL 3's; what both
 * jump to is CPL 3's if @user. */
static void map_for_both(bool user)
{
    page_map(VA, (uintptr_t)near, 3);
    page_map(VA + 4096, (uintptr_t)far[0], 3 | (user ? 4 : 0));
    page_map(VA + 8192, (uintptr_t)far[1], 7);
}

static void begin_rights(void)
{
    PUT(near + 0x500, "\xe9\xfb\x0e\x00\x00");   /* JMP VA + 0x1400 */
    PUT(far[1] + 0x500, "\xe9\xfb\xee\xff\xff"); /* the same */
    PUT(far[0] + 0x400, "\xc3");                 /* RET */
    map_for_both(true);
    for (unsigned level = 2; level <= 4; level++) {
        *page_entry_at(VA, level) |= 4;
    }
    WRITE_CR(3, READ_CR(3));
}

static unsigned jump_at_cpl0(Frame *f)
{
    return catch ((void (*)(void *))(VA + 0x500), NULL, f);
}

static unsigned jump_at_cpl3(Frame *f)
{
    return catch_user((void *)(VA + 8192 + 0x500 - USER_BASE), 0, f);
}

static void test_far_rights(void)
{
    unsigned i, smep = 0, user = 0;
    Frame f;

    begin_rights();
    for (i = 0; i < 10; i++) {
        map_for_both(true);
        smep += jump_at_cpl0(&f) != -1u;
        set_smep(true);
        smep += jump_at_cpl3(&f) != -1u;
        smep += jump_at_cpl0(&f) != 14 || f.rip != VA + 0x1400;
        set_smep(false);
        map_for_both(false);
        user += jump_at_cpl0(&f) != -1u;
        user += jump_at_cpl3(&f) != 14 || f.rip != VA + 0x1400;
    }
    check_eq(smep, 0, "CPL 0 under SMEP, after CPL 3 has jumped there");
    check_eq(user, 0, "CPL 3, after CPL 0 has jumped there");
}

#define CR4_SMAP (1ull << 21)

/* Reads a page of user mode behind CLAC: what is jumped to depends on CR4. */
static void read_user(void *at)
{
    __asm__ volatile("stac; clac; mov (%0), %%eax" ::"r"(at) : "rax");
}

static void test_smap(void)
{
    static uint32_t word;
    unsigned i, wrong = 0;

    for (i = 0; i < 20; i++) {
        bool on = i / 2 & 1;

        WRITE_CR(4, (READ_CR(4) & ~CR4_SMAP) | (on ? CR4_SMAP : 0));
        wrong += catch (read_user, user_alias(&word), NULL) != (on ? 14 : -1);
    }
    WRITE_CR(4, READ_CR(4) & ~CR4_SMAP);
    check_eq(wrong, 0, "CLAC with and without CR4.SMAP");
}

int main(void)
{
    near = page_alloc();
    far[0] = page_alloc();
    far[1] = page_alloc();
    test_split();
    test_split_device();
    test_return();
    test_far();
    test_far_rights();
    test_smap();
    return 0;
}
