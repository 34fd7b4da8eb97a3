/* SPDX-License-Identifier: MIT */
/*
 * What tests/guest/counters has counted: the word on the command line names
 * what is done, n= how often.  Each is one instruction in a loop, or few.
 */
#include "guest.h"

#define P  1ull
#define W  2ull
#define U  4ull
#define VA 0x200000000ull

#define CR4_PGE (1 << 7)
#define CR4_PKE (1 << 22)
#define PKEY(n) ((uint64_t)(n) << 59)
#define PKRU_WD(key) (2u << 2 * (key))

#define PAM_C8000 0x5c /* of the i440FX: C8000 to CFFFF, two halves */
#define APIC_VERSION 0xfee00030

static uint8_t *page; /* at VA, too; what follows is mapped as well */
typedef uint64_t __attribute__((aligned(1), may_alias)) Any64;

static void do_cr3(void)
{
    WRITE_CR(3, READ_CR(3));
}

static void do_mode(void)
{
    WRITE_CR(4, READ_CR(4) ^ CR4_PGE);
}

static void do_invlpg(void)
{
    invlpg(VA);
}

static void do_invpcid(void)
{
    static const uint64_t none[2];

    __asm__ volatile("invpcid %0, %1" ::"m"(none), "r"(2ull) : "memory");
}

static void do_pkru(void)
{
    static uint32_t pkru;

    *(volatile uint8_t *)VA;
    pkru ^= PKRU_WD(1);
    __asm__ volatile("wrpkru" ::"a"(pkru), "c"(0), "d"(0));
}

static void prepare_pkru(void)
{
    page_map(VA, (uintptr_t)page, P | W | U | PKEY(1));
    WRITE_CR(4, READ_CR(4) | CR4_PKE);
}

/* A watchpoint for stores of one byte. */
static void do_debug(void)
{
    WRITE_DR(7, 1 << 16 | 1);
}

static void prepare_debug(void)
{
    WRITE_DR(0, VA + 0x800);
    do_debug();
}

static void do_watched(void)
{
    *(volatile uint8_t *)VA;
}

static void do_map(void)
{
    outl(0xcf8, 0x80000000 | (PAM_C8000 & ~3));
    outb(0xcfc + PAM_C8000 % 4, inb(0xcfc + PAM_C8000 % 4) ^ 2);
}

static void do_crossing(void)
{
    *(volatile Any64 *)(VA + 4092);
}

static void do_miss(void)
{
    invlpg(VA);
    *(volatile uint8_t *)VA;
}

static void do_device(void)
{
    *(volatile uint32_t *)APIC_VERSION;
}

static void do_rom(void)
{
    *(volatile uint8_t *)0xffff0 = 0;
}

/* To a page that holds code which has run, and to its bytes. */
static void do_beside_code(void)
{
    page[0x800]++;
}

static void do_code(void)
{
    *(volatile uint8_t *)page = 0xc3;
    ((void (*)(void))page)();
}

static void do_split_atomic(void)
{
    __asm__ volatile("lock incq %0" : "+m"(*(Any64 *)(VA + 4092)));
}

static void undefined(void *arg)
{
    (void)arg;
    __asm__ volatile("ud2");
}

static void do_exception(void)
{
    Frame f;

    catch(undefined, 0, &f);
}

static void do_loads(void)
{
    __asm__ volatile("mov $100, %%ecx\n"
                     "1: mov (%0), %%eax\n"
                     "dec %%ecx\n"
                     "jnz 1b" ::"r"(page)
                     : "eax", "ecx", "memory");
}

static void do_jumps(void)
{
    __asm__ volatile("mov $100, %%ecx\n"
                     "lea 1f(%%rip), %%rax\n"
                     "1: dec %%ecx\n"
                     "jz 2f\n"
                     "jmp *%%rax\n"
                     "2:" ::: "rax", "ecx", "memory");
}

int main(void)
{
    static const struct {
        const char *word;
        void (*prepare)(void), (*run)(void);
    } acts[] = {
        {"cr3", NULL, do_cr3},
        {"mode", NULL, do_mode},
        {"invlpg", NULL, do_invlpg},
        {"invpcid", NULL, do_invpcid},
        {"pkru", prepare_pkru, do_pkru},
        {"debug", prepare_debug, do_debug},
        {"watched", prepare_debug, do_watched},
        {"map", NULL, do_map},
        {"crossing", NULL, do_crossing},
        {"miss", NULL, do_miss},
        {"device", NULL, do_device},
        {"rom", NULL, do_rom},
        {"beside-code", do_code, do_beside_code},
        {"code", do_code, do_code},
        {"split-atomic", NULL, do_split_atomic},
        {"exception", NULL, do_exception},
        {"loads", NULL, do_loads},
        {"jumps", NULL, do_jumps},
    };
    uint64_t n = 0;

    boot_option("n", &n);
    page = page_alloc();
    page_map(VA, (uintptr_t)page, P | W);
    page_map(VA + 4096, (uintptr_t)page_alloc(), P | W);
    for (unsigned i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (!boot_word(acts[i].word)) {
            continue;
        }
        if (acts[i].prepare) {
            acts[i].prepare();
        }
        for (uint64_t j = 0; j < n; j++) {
            acts[i].run();
        }
        check(true, "done");
    }
    return 0;
}
