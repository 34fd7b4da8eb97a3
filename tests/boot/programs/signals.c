/* SPDX-License-Identifier: MIT */
/*
 * Every exception that a program can raise, as the signal that it gets: number,
 * code, address, vector, error code, and where the instruction pointer stood.
 * Built as 32-bit program too; the cases are in signals.def.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include "common.h"

#ifdef __x86_64__
#define IP          REG_RIP
#define STACK       "rsp"
#define FAR_RETURN  "lretq"
#define AX          "rax"
#define BX          "rbx"
#define CX          "rcx"
#define SI          "rsi"
#define DI          "rdi"
#define IF_64(text) text
#define IF_32(text) "nop"
#else
#define IP          REG_EIP
#define STACK       "esp"
#define FAR_RETURN  "lret"
#define AX          "eax"
#define BX          "ebx"
#define CX          "ecx"
#define SI          "esi"
#define DI          "edi"
#define IF_64(text) "nop"
#define IF_32(text) text
#endif

static sigjmp_buf back;
static unsigned char *page;        /* may be read and written, not run */
static unsigned char *closed;      /* the page behind it, not accessed */
static unsigned char *constant;    /* may be read only */
static unsigned char *beyond;      /* mapped, past the end of its file */
static const unsigned char *start; /* of the instruction that is to fault */

/* Operands of any case.  The red zone is off: cases may push. */
static unsigned control_word, mxcsr;

#define CASE(name, setup, insn)                                                \
    extern const unsigned char at_##name[];                                    \
    static void raise_##name(void)                                             \
    {                                                                          \
        __asm__ volatile(setup "\n.globl at_" #name "\nat_" #name ": " insn    \
                         :                                                     \
                         : "a"(0), "c"(0), "d"(0), "D"(page), "S"(closed),     \
                           "b"(constant), "m"(control_word), "m"(mxcsr)        \
                         : "memory", "cc", "xmm0", "xmm1", "xmm2");            \
    }
#include "signals.def"
#undef CASE

static const struct {
    const char *name;
    void (*raise)(void);
    const unsigned char *at;
} cases[] = {
#define CASE(name, setup, insn) {#name, raise_##name, at_##name},
#include "signals.def"
#undef CASE
};

/* Addresses differ from run to run; where they lie does not. */
static const char *place(const void *address, char *text, size_t size)
{
    const struct {
        const char *name;
        const unsigned char *base;
        size_t size;
    } places[] = {{"page", page, 4096},
                  {"closed", closed, 4096},
                  {"constant", constant, 4096},
                  {"beyond", beyond, 4096},
                  {"start", start, 32}};
    size_t offset;

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        offset = (const unsigned char *)address - places[i].base;
        if (offset < places[i].size) {
            snprintf(text, size, "%s+%zu", places[i].name, offset);
            return text;
        }
    }
    offset = (uintptr_t)address;
    if (offset + 0x100000 < 0x200000) { /* null, or the kernel's */
        snprintf(text, size, "%p", address);
        return text;
    }
    return "elsewhere";
}

/* A handler is entered with the program's AC and with its masks of the SIMD and
 * x87 exceptions. */
static void calm(void)
{
    mxcsr = 0x1f80;
    __asm__ volatile("pushf; andl $~0x40500, (%%" STACK "); popf; cld\n"
                     "fninit; ldmxcsr %0"
                     :
                     : "m"(mxcsr)
                     : "memory", "cc");
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    char address[64], ip[64];

    calm();
    printf("signal %d code %d address %s vector %d error %#lx ip %s\n", number,
           info->si_code, place(info->si_addr, address, sizeof(address)),
           (int)regs[REG_TRAPNO], (unsigned long)regs[REG_ERR],
           place((void *)regs[IP], ip, sizeof(ip)));
    siglongjmp(back, 1);
}

static void *map(size_t size, int prot, int fd)
{
    void *p = mmap(NULL, size, prot,
                   fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_PRIVATE, fd, 0);

    must(p != MAP_FAILED, "mmap");
    return p;
}

static void make_places(void)
{
    FILE *empty = tmpfile();

    page = map(8192, PROT_READ | PROT_WRITE, -1);
    closed = page + 4096;
    must(mprotect(closed, 4096, PROT_NONE) == 0, "mprotect");
    constant = map(4096, PROT_READ, -1);
    must(empty != NULL, "tmpfile");
    beyond = map(4096, PROT_READ, fileno(empty));
    memset(page, 0xc3, 4096); /* RET, were it run */
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    static char stack[65536];
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};

    must(sigaltstack(&alternative, NULL) == 0, "sigaltstack");
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        must(sigaction(numbers[i], &action, NULL) == 0, "sigaction");
    }
}

/* The stack ends in a page that is not there, and the handler has its own. */
static int descend(volatile char *above)
{
    volatile char room[1024];

    room[0] = above ? above[0] : 1;
    return room[0] ? descend(room) + room[1] : 0;
}

int main(void)
{
    make_places();
    catch_signals();
    for (volatile size_t i = 0; i < ARRAY_LEN(cases); i++) {
        start = cases[i].at;
        printf("%s: ", cases[i].name);
        if (sigsetjmp(back, 1) == 0) {
            cases[i].raise();
            calm();
            puts("no signal");
        }
    }
    printf("byte beyond a file: ");
    if (sigsetjmp(back, 1) == 0) {
        printf("%d\n", *(volatile unsigned char *)beyond);
    }
    if (sigsetjmp(back, 1) == 0) {
        descend(NULL);
    }
    puts("the stack was full");
    return 0;
}
