/* SPDX-License-Identifier: MIT */
/*
 * A traced child: each step of its single steps, the hits of hardware break-
 * and watchpoints, and its system calls.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

#define RF 0x10000 /* makers differ in the middle of a repetition */

extern const char code_start[], code_written[], code_read[], code_end[];
static volatile uint64_t watched[4] __attribute__((aligned(16)));
static char from[64], to[64];

/* What is special in single steps: repeated and system instructions, flags
 * that are pushed and popped, loads of SS.  The system call is sched_yield. */
static void code(void)
{
    __asm__ volatile(
        "xor %%eax, %%eax; xor %%edx, %%edx; mov $20, %%ecx\n"
        "code_start:\n"
        "1: add %%ecx, %%eax\n"
        "loop 1b\n"
        "lea %1, %%rsi; lea %2, %%rdi; mov $37, %%ecx; rep movsb\n"
        "mov $24, %%eax; syscall\n"
        "pushf; pop %%rdx; push %%rdx; popf\n"
        "mov %%ss, %%dx; mov %%dx, %%ss; nop\n"
        "call 2f; jmp 3f\n"
        "2: lock incq %0; ret $0\n"
        "3: code_written: movq $5, 8+%0\n"
        "code_read: mov 8+%0, %%rax\n"
        "movdqu %1, %%xmm0; vpxor %%ymm1, %%ymm1, %%ymm1; vzeroupper\n"
        "std; cld; stc; sbb %%edx, %%edx; cmpxchg16b %0\n"
        "push %%rbp; mov %%rsp, %%rbp; enter $32, $3; leave; pop %%rbp\n"
        "fldpi; fsin; fstp %%st(0)\n"
        "code_end: nop\n"
        : "+o"(watched), "+o"(from), "+o"(to)
        :
        : "rax", "rcx", "rdx", "rsi", "rdi", "r11", "xmm0", "xmm1", "memory",
          "cc");
}

static pid_t start_child(int rounds)
{
    pid_t pid = fork();

    must(pid >= 0, "fork");
    if (pid == 0) {
        must(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0, "PTRACE_TRACEME");
        raise(SIGSTOP);
        for (int i = 0; i < rounds; i++) {
            code();
        }
        _exit(7);
    }
    must(waitpid(pid, NULL, 0) == pid, "waitpid");
    return pid;
}

/* The signal that stopped it, or 0 when it has ended as it should. */
static int go_on(pid_t pid, int how)
{
    int status;

    must(ptrace(how, pid, NULL, NULL) == 0, "ptrace");
    must(waitpid(pid, &status, 0) == pid, "waitpid");
    if (WIFSTOPPED(status)) {
        return WSTOPSIG(status);
    }
    must(WIFEXITED(status) && WEXITSTATUS(status) == 7, "exit");
    return 0;
}

static void single_steps(int rounds)
{
    pid_t pid = start_child(rounds);
    uint64_t sum = DIGEST_INIT;
    unsigned steps = 0;
    int stop;

    while ((stop = go_on(pid, PTRACE_SINGLESTEP)) == SIGTRAP) {
        struct user_regs_struct regs;
        uint64_t seen[4];

        must(ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0, "PTRACE_GETREGS");
        if (regs.rip < (uintptr_t)code_start ||
            regs.rip > (uintptr_t)code_end) {
            continue;
        }
        steps++;
        seen[0] = regs.rip - (uintptr_t)code_start;
        seen[1] = regs.rcx - (regs.rcx >= (uintptr_t)code_start &&
                                      regs.rcx <= (uintptr_t)code_end
                                  ? (uintptr_t)code_start
                                  : 0);
        seen[2] = regs.eflags & ~RF;
        seen[3] = regs.rdx;
        sum = digest(sum, seen, sizeof(seen));
        if (rounds == 1) {
            printf("  +%llx rcx %llx flags %llx rdx %llx\n",
                   (unsigned long long)seen[0], (unsigned long long)seen[1],
                   (unsigned long long)seen[2], (unsigned long long)seen[3]);
        }
    }
    printf("single steps: %u, digest %016llx, last stop %d\n", steps,
           (unsigned long long)sum, stop);
}

static void set_debug_register(pid_t pid, int number, uintptr_t value)
{
    size_t at = offsetof(struct user, u_debugreg) + 8 * number;

    must(ptrace(PTRACE_POKEUSER, pid, at, value) == 0, "PTRACE_POKEUSER");
}

static uintptr_t debug_register(pid_t pid, int number)
{
    size_t at = offsetof(struct user, u_debugreg) + 8 * number;

    return ptrace(PTRACE_PEEKUSER, pid, at, NULL);
}

/* A breakpoint at code_read (0), 8 bytes written (1), 8 bytes accessed (3). */
static void debug_registers(int rounds)
{
    pid_t pid = start_child(rounds);
    unsigned stops = 0;
    int stop;

    set_debug_register(pid, 0, (uintptr_t)code_read);
    set_debug_register(pid, 1, (uintptr_t)&watched[0]);
    set_debug_register(pid, 2, (uintptr_t)&watched[1]);
    set_debug_register(pid, 7, 0x15 | 0x9u << 20 | 0xbu << 24);
    while ((stop = go_on(pid, PTRACE_CONT)) == SIGTRAP) {
        struct user_regs_struct regs;
        siginfo_t info;

        must(ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0, "PTRACE_GETREGS");
        must(ptrace(PTRACE_GETSIGINFO, pid, NULL, &info) == 0,
             "PTRACE_GETSIGINFO");
        printf("stop at +%llx code %d DR6 %#lx\n",
               (unsigned long long)regs.rip - (uintptr_t)code_start,
               info.si_code, (unsigned long)debug_register(pid, 6) & 0xf00f);
        set_debug_register(pid, 6, 0);
        stops++;
    }
    printf("debug registers: %u stops, last stop %d\n", stops, stop);
}

static void system_calls(int rounds)
{
    pid_t pid = start_child(rounds);
    unsigned entries = 0;
    int stop;

    while ((stop = go_on(pid, PTRACE_SYSCALL)) == SIGTRAP) {
        struct user_regs_struct regs;

        must(ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0, "PTRACE_GETREGS");
        entries += regs.orig_rax == SYS_sched_yield;
    }
    printf("system calls: %u stops, last stop %d\n", entries, stop);
}

int main(void)
{
    fflush(stdout);
    single_steps(1);
    fflush(stdout);
    single_steps(50);
    fflush(stdout);
    debug_registers(3);
    fflush(stdout);
    system_calls(50);
    return 0;
}
